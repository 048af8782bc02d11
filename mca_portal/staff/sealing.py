"""How are secrets kept that the portal must be able to read again, such as the key of an authenticator app?

Encrypted with a key made of SECRET_KEY, so that a copy of the database alone opens no sign-in. What was sealed under an earlier key opens
while that key is in SECRET_KEY_FALLBACKS; `manage.py reseal` brings everything under the present one.
"""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


def seal(secret: str) -> str:
    """`secret`, encrypted."""
    return _cipher().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str | None:
    """What was sealed; None when the key that it was sealed with is gone."""
    try:
        return _cipher().decrypt(sealed.encode()).decode()
    except InvalidToken:
        return None


def _cipher() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(hashlib.sha256(f"second factor {key}".encode()).digest())) for key in keys])
