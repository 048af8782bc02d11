"""Where does what is being done come from: by which way, from which address, in which request?

Said once per request or command and read by `activity.record`, so that no service has to hand it on. Who is not asked about here: that is
the service's `by`.
"""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from allauth.account.adapter import get_adapter
from django.core.exceptions import PermissionDenied
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
        """Answer `request`, its origin known."""
        with coming_from(way=Way.PORTAL, address=client_address(request), request_id=request.request_id):  # type: ignore[attr-defined]
            return self.get_response(request)


def client_address(request: HttpRequest) -> str | None:
    """The client's IP address, through as many proxies as allauth is told to trust; None when it cannot be known."""
    try:
        return get_adapter().get_client_ip(request)
    except PermissionDenied:
        return None
