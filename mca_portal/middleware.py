"""What is the same for every request, before anything else looks at it? Its id, where it comes from, its line in the log, its count."""

import re
import time
import uuid
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import structlog
from django.conf import settings
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse

from mca_portal import logs, metrics

# What proxies and programs give as an id of a request. Nothing else is taken over: it goes into logs and headers.
_ID = re.compile(r"[0-9A-Fa-f][0-9A-Fa-f-]{15,63}")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
log = logs.get_logger("mca_portal.request")


def sane_id(value: str) -> str:
    """`value` when it looks like an id of a request (16 to 64 hexadecimal digits and hyphens), else empty."""
    return value if _ID.fullmatch(value) else ""


class RequestMiddleware:
    """Goes first. Gives every request `request.request_id`, the client's own address as REMOTE_ADDR, and one line in the log.

    The line holds the route's pattern and the ids in the address, never the address as it was typed: that may hold a search, a token.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        got_request_exception.connect(note_exception)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, then write the line and count."""
        began = time.perf_counter()
        believe_the_proxy_alone(request)  # before anything reads `request.headers`, which remembers
        request_id = sane_id(request.headers.get("X-Request-ID", "")) or uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        seconds = time.perf_counter() - began
        method, route = method_of(request), route_of(request)
        log.info("request", method=method, route=route, **ids_in(request), status=response.status_code, ms=round(seconds * 1000, 1))
        structlog.contextvars.clear_contextvars()  # what the server says between requests is about none of them
        metrics.note_request(method=method, route=route, status=response.status_code, seconds=seconds)
        return response


def note_exception(*, request: HttpRequest | None = None, **_kwargs: Any) -> None:
    """A request ended in an exception: our mistake. The traceback goes into the log, with the id that the person sees."""
    method, route = (method_of(request), route_of(request)) if request else ("", "")
    log.error("request failed", method=method, route=route, exc_info=True)
    metrics.ERRORS.labels(route).inc()


def believe_the_proxy_alone(request: HttpRequest) -> None:
    """Take the client's address and scheme from what the proxy added, and from nobody else.

    TRUSTED_PROXIES lists the addresses that a proxy connects from; in production a connection through a unix socket is one, too. The last
    entry of X-Forwarded-For is what the proxy saw; those before it are hearsay.
    """
    peer = request.META.get("REMOTE_ADDR", "")
    said = request.META.pop("HTTP_X_FORWARDED_FOR", "")
    if peer in settings.TRUSTED_PROXIES or (not peer and settings.PRODUCTION):
        request.META["REMOTE_ADDR"] = _address(said.rpartition(",")[2].strip()) or peer or "127.0.0.1"
        return
    request.META.pop("HTTP_X_FORWARDED_PROTO", None)
    request.META["REMOTE_ADDR"] = peer or "127.0.0.1"


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        return ""


def method_of(request: HttpRequest) -> str:
    """The method, or "other": a client may make one up."""
    return request.method if request.method in METHODS else "other"


def route_of(request: HttpRequest) -> str:
    """The pattern of the address in urls.py, "static files", or "none"."""
    if request.resolver_match:
        return request.resolver_match.route
    return "static files" if request.path_info.startswith(settings.STATIC_URL) else "none"


def ids_in(request: HttpRequest) -> dict[str, str | int]:
    """The ids in the address: whole numbers and GUIDs, such as {"customer_id": …}. Other parts of it may be anything."""
    found: dict[str, str | int] = {}
    for name, value in (request.resolver_match.kwargs if request.resolver_match else {}).items():
        if isinstance(value, int):
            found[name] = value
        elif name.endswith("_id"):
            try:
                found[name] = str(uuid.UUID(str(value)))
            except ValueError:
                continue
    return found
