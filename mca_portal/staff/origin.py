"""Where does what is being done come from: by which way, from which address, in which request?

Said once per request or command and read by `activity.record`, so that no service has to hand it on. Who is not asked about here: that is
the service's `by`.
"""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from ipaddress import ip_address
from typing import Any

from django.db.models import TextChoices
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _


class Way(TextChoices):
    """The way by which something was done. What no door has said anything about comes from a command."""

    PORTAL = "portal", _("Portal")
    API = "api", _("API")
    COMMAND = "command", _("Command line")


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where something comes from. `address`: the client's IP address, None when unknown; `request_id`: as in the server's log."""

    way: Way = Way.COMMAND
    address: str | None = None
    request_id: str = ""


_current: ContextVar[Origin] = ContextVar("origin", default=Origin())  # noqa: B039 -- it is frozen


def current_origin() -> Origin:
    """Where the present request or command comes from."""
    return _current.get()


@contextmanager
def coming_from(**changes: Any) -> Iterator[None]:
    """Say, for as long as the block runs, where things come from; what is not named stays as it was said before."""
    token = _current.set(dataclasses.replace(_current.get(), **changes))
    try:
        yield
    finally:
        _current.reset(token)


class OriginMiddleware:
    """Say for every request that it comes through the portal, and from where. The API's middleware says more about its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer `request`, its origin known. RequestMiddleware, which goes before, has found out the address and made the id."""
        address = _address(request.META["REMOTE_ADDR"])
        with coming_from(way=Way.PORTAL, address=address, request_id=request.request_id):  # type: ignore[attr-defined]
            return self.get_response(request)


def _address(text: str) -> str | None:
    try:
        return str(ip_address(text))
    except ValueError:
        return None
