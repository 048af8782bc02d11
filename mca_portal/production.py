"""What would be unsafe with real customers' data? `settings.py` asks before it lets the portal start, and all answers come at once."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

KEY_LENGTH, KEY_VARIETY = 50, 10  # characters, and different ones among them
TOKEN_LENGTH = 32


def problems(settings: Mapping[str, Any]) -> list[str]:
    """Each says which setting, and what to do. `settings`: Django's, by name, and BIND, DATABASE_URL, EMAIL_URL as they were given."""
    return [
        *_keys(settings),
        *_hosts(settings),
        *_services(settings),
        *_network(settings),
    ]


def _keys(settings: Mapping[str, Any]) -> Iterator[str]:
    for name, keys in (("SECRET_KEY", [settings["SECRET_KEY"]]), ("SECRET_KEY_FALLBACKS", settings["SECRET_KEY_FALLBACKS"])):
        if any(len(key) < KEY_LENGTH or len(set(key)) < KEY_VARIETY or key.startswith("django-insecure-") for key in keys):
            yield f"{name}: set a random text of {KEY_LENGTH} characters or more"
    if settings["METRICS_TOKEN"] and len(settings["METRICS_TOKEN"]) < TOKEN_LENGTH:
        yield f"METRICS_TOKEN: set a random text of {TOKEN_LENGTH} characters or more, or nothing"
    if not _signs(settings["IDP_OIDC_PRIVATE_KEY"]):
        yield "IDP_OIDC_PRIVATE_KEY: set an RSA private key of 2048 bits or more in PEM form, or nothing"
    if settings["DEBUG"]:
        yield "DEBUG: must not be set"
    if not settings["SECURE_HSTS_SECONDS"] > 0:
        yield "SECURE_HSTS_SECONDS: must not be switched off; begin with 3600 while trying out HTTPS"
    if not 0 < settings["SESSION_COOKIE_AGE"] <= 7 * 24 * 3600:
        yield "SESSION_COOKIE_AGE: let a sign-in end after a week at the latest (604800)"


def _signs(pem: str) -> bool:
    """Whether tokens can be signed with it; nothing at all is right, too."""
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None) if pem else None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return not pem or (isinstance(key, rsa.RSAPrivateKey) and key.key_size >= 2048)


def _hosts(settings: Mapping[str, Any]) -> Iterator[str]:
    hosts = settings["ALLOWED_HOSTS"]
    if not hosts or any(host.startswith((".", "*")) or "/" in host for host in hosts):
        yield "ALLOWED_HOSTS: name the host that staff type, such as mca.partner.example; no wildcard and no https://"
    for origin in settings["CSRF_TRUSTED_ORIGINS"]:
        parts = urlsplit(origin)
        if parts.scheme != "https" or not parts.netloc or "*" in origin or parts.path or parts.query:
            yield f"CSRF_TRUSTED_ORIGINS: {origin} is not of the form https://host"


def _services(settings: Mapping[str, Any]) -> Iterator[str]:
    if not settings["DATABASE_URL"] or "postgresql" not in settings["DATABASES"]["default"]["ENGINE"]:
        yield "DATABASE_URL: name the PostgreSQL database, such as postgres://user:password@host/mca"
    if not settings["EMAIL_URL"] or not settings["EMAIL_BACKEND"].endswith("smtp.EmailBackend"):
        yield "EMAIL_URL: name the mail server, such as smtp+tls://user:password@host:587 or smtp://localhost:25"
    sender = settings["DEFAULT_FROM_EMAIL"].rstrip(">").rpartition("@")[2]
    if "." not in sender:
        yield "DEFAULT_FROM_EMAIL: name the sender of invitations, such as MCA portal <noreply@partner.example>"
    directory = [settings[name] for name in ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")]
    if any(directory) and not (all(directory) and urlsplit(directory[0]).scheme == "https"):
        yield "OIDC_ISSUER: set it with https://, and OIDC_CLIENT_ID and OIDC_CLIENT_SECRET too, or none of the three"


def _network(settings: Mapping[str, Any]) -> Iterator[str]:
    for proxy in settings["TRUSTED_PROXIES"]:
        try:
            ip_network(proxy)
        except ValueError:
            yield f"TRUSTED_PROXIES: {proxy} is not an IP address"
    listens = settings["BIND"]
    host = listens.rpartition(":")[0].strip("[]")
    this_machine = not listens or listens.startswith("unix:") or host in ("localhost", "::1") or host.startswith("127.")
    if not this_machine and set(settings["TRUSTED_PROXIES"]) <= {"127.0.0.1", "::1"}:
        yield "BIND: this listens beyond this machine; name the proxy's address in TRUSTED_PROXIES"
