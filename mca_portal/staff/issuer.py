"""What stands in the tokens that applications get, and what signs them?"""

import contextlib
import os
from typing import Any

from allauth.idp.oidc.adapter import DefaultOIDCAdapter
from allauth.idp.oidc.models import PrivateKey
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings

from mca_portal.staff import scopes
from mca_portal.staff.models import StaffMember


class IssuerAdapter(DefaultOIDCAdapter):
    """Tokens that applications get say what Partner Center's clients read in them: account, person, application."""

    scope_display = scopes.DISPLAY

    def list_private_keys(self, **wanted: Any) -> list[PrivateKey]:
        """The key from the environment; a working copy makes its own when it first needs one."""
        if settings.IDP_OIDC_PRIVATE_KEY or settings.PRODUCTION:
            return super().list_private_keys(**wanted)
        return [PrivateKey(pem=_own_private_key())]

    def get_user_sub(self, client: Any, user: Any) -> str:
        """A person is known to applications by their object ID."""
        return str(user.object_id)

    def get_user_by_sub(self, client: Any, sub: str) -> StaffMember | None:
        """The active person with this object ID."""
        return StaffMember.objects.select_related("account").filter(object_id=sub, is_active=True).first()

    def populate_access_token(self, access_token: dict[str, Any], *, client: Any, user: Any, **kwargs: Any) -> None:
        """What clients read. The portal itself trusts nothing in a token and knows it by its hash."""
        access_token |= {"tid": str(client.application.account_id), "appid": client.pk}
        if user is not None:
            access_token |= {"oid": str(user.object_id), "upn": user.email}


def _own_private_key() -> str:
    """The key of a working copy: made once, kept beside its database, never in the repository."""
    path = settings.VAR_DIR / "private_key.pem"
    if not path.exists():
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        mine = path.with_suffix(f".{os.getpid()}")
        mine.touch(0o600)
        mine.write_bytes(pem)
        with contextlib.suppress(FileExistsError):  # another process was quicker
            os.link(mine, path)
        mine.unlink()
    return path.read_text()
