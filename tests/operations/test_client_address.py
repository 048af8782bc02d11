"""Only the proxy is believed about where a request comes from and how it came."""

import pytest
from django.http import HttpRequest, HttpResponse

from mca_portal.middleware import RequestMiddleware


@pytest.fixture
def seen(rf, settings):
    """What the portal sees of a request from `peer` with these headers: the client's address and the scheme."""
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

    def ask(peer: str, **headers: str) -> tuple[str, str]:
        found: list[tuple[str, str]] = []

        def answer(request: HttpRequest) -> HttpResponse:
            assert "X-Forwarded-For" not in request.headers
            found.append((request.META["REMOTE_ADDR"], request.scheme or ""))
            return HttpResponse()

        RequestMiddleware(answer)(rf.get("/", headers={name.replace("_", "-"): text for name, text in headers.items()}, REMOTE_ADDR=peer))
        return found[0]

    return ask


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9", "203.0.113.9"),  # the first was the client's own claim
        ("2001:DB8::1", "2001:db8::1"),
        ("", "10.0.0.1"),
        ("nonsense", "10.0.0.1"),
        ("203.0.113.9, <script>", "10.0.0.1"),
    ],
)
def test_the_address_is_what_the_proxy_saw(seen, settings, said, address):
    settings.TRUSTED_PROXIES = ["10.0.0.1"]
    assert seen("10.0.0.1", x_forwarded_for=said, x_forwarded_proto="https") == (address, "https")


def test_nobody_else_claims_an_address_or_a_secure_connection(seen, settings):
    settings.TRUSTED_PROXIES = ["10.0.0.1"]
    assert seen("10.0.0.2", x_forwarded_for="203.0.113.9", x_forwarded_proto="https") == ("10.0.0.2", "http")


def test_a_unix_socket_is_the_proxys_in_production_alone(seen, settings):
    settings.TRUSTED_PROXIES = []
    assert seen("", x_forwarded_for="203.0.113.9", x_forwarded_proto="https") == ("127.0.0.1", "http")
    settings.PRODUCTION = True
    assert seen("", x_forwarded_for="203.0.113.9", x_forwarded_proto="https") == ("203.0.113.9", "https")
