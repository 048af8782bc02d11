"""What does somebody see when a page cannot be shown? Kind words and a way out, in their language.

But for too many requests, these pages ask the database for nothing: they must also work when it is what failed.
"""

import sqlite3
import sys
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.cache import add_never_cache_headers
from django.utils.translation import get_language, gettext

from mca_portal.pages.preferences import ENVIRONMENT_COOKIE, came_from, local_next, remember_language
from mca_portal.staff.models import StaffMember
from mca_portal.staff.services import note_turned_away

PLAIN = "<!doctype html><title>MCA portal</title><h1>{}</h1><p>{}</p>"
RETRY_AFTER = 10  # seconds: what a program is told to wait when the database does not answer


def _page(request: HttpRequest, name: str, status: HTTPStatus, **context: Any) -> HttpResponse:
    """Render templates/errors/`name`.html without context processors, so without a query."""
    frame: dict[str, Any] = {
        "LANGUAGE_CODE": get_language() or "en",
        "theme": getattr(request, "theme", ""),
        # Who looks is in the database; when it did not say, what the browser saw last still tells a sandbox (A4).
        "environment": getattr(request, "environment", request.COOKIES.get(ENVIRONMENT_COOKIE, "")),
    }
    # Switching the language opens the page again, after a form the one that it was on. A form that waits here for the database stays.
    if request.method == "GET" or "page_url" in context or status != HTTPStatus.SERVICE_UNAVAILABLE:
        frame |= {"request": request, "csrf_token": get_token(request)}
        if request.method != "GET":
            frame["page_url"] = came_from(request) or "/"
    response = HttpResponse(render_to_string(f"errors/{name}.html", frame | context), status=status)
    add_never_cache_headers(response)
    return response


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: what arrived cannot be read (too large, too many fields, forbidden characters)."""
    return _page(request, "400", HTTPStatus.BAD_REQUEST)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: somebody may not do this; name the roles that may (P1)."""
    return _page(request, "403", HTTPStatus.FORBIDDEN, roles=_one_of(getattr(exception, "roles", ())))


def not_yours_to_transact(request: HttpRequest) -> HttpResponse:
    """403: the account is an indirect reseller, whose indirect provider confirms and orders for its customers (A2)."""
    return _page(request, "403", HTTPStatus.FORBIDDEN, provider_does_it=True)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: the form was not recognised as one of ours; most often the page had been open too long."""
    return _page(request, "403_csrf", HTTPStatus.FORBIDDEN)


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: there is nothing here for this person; whether there is for others is not said (A5)."""
    return _page(request, "404", HTTPStatus.NOT_FOUND)


def method_not_allowed(request: HttpRequest, refused: HttpResponse) -> HttpResponse:
    """405: an address that only a button leads to was opened as a page; `refused` is the bare answer."""
    response = _page(request, "405", HTTPStatus.METHOD_NOT_ALLOWED)
    response["Allow"] = refused.get("Allow", "")
    return response


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """429: throttling turned somebody away at a page for signing in or for passwords, which is logged."""
    tried = request.user.email if isinstance(request.user, StaffMember) else request.POST.get("login") or request.POST.get("email", "")
    note_turned_away(email=tried)
    return render(request, "429.html", status=HTTPStatus.TOO_MANY_REQUESTS)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: our mistake, with the id under which the log has it; 503: the database does not answer now.

    Plain words even if the page itself cannot be rendered.
    """
    request_id = getattr(request, "request_id", "")
    away = is_database_away(sys.exception())
    status = HTTPStatus.SERVICE_UNAVAILABLE if away else HTTPStatus.INTERNAL_SERVER_ERROR
    language = _switched_to(request) if away else ""
    try:
        again = _once_more(request) if away else {}
        if language:
            again = {"method": "GET"} | dict.fromkeys(("address", "page_url"), local_next(request) or "/")
        with translation.override(language or get_language() or settings.LANGUAGE_CODE):
            response = _page(request, str(status.value), status, request_id=request_id, **again)
        if language:
            remember_language(response, language)
    except Exception:  # whatever broke may also have broken templates or static files
        words = PLAIN.format("Something went wrong", f"Please try again in a moment. / 잠시 후 다시 시도하세요. [{request_id}]")
        response = HttpResponse(words, status=status)
    if away:
        response["Retry-After"] = str(RETRY_AFTER)
        if (session := getattr(request, "session", None)) is not None:
            session.modified = False  # saving it would wait for the same database once more
    return response


def is_database_away(error: BaseException | None) -> bool:
    """Whether the database cannot answer now (gone, locked by somebody, full, no connection free) but will later, as it is.

    A mistake in a statement is not that; SQLite reports one, and a missing table, by the same class.
    """
    if not isinstance(error, (OperationalError, InterfaceError)):
        return False
    return getattr(error.__cause__, "sqlite_errorcode", None) != sqlite3.SQLITE_ERROR


def _switched_to(request: HttpRequest) -> str:
    """The language that somebody chose on the page that says that the database is away; only this browser can be told of it then."""
    try:
        language = request.POST.get("portal_language", "") if request.path == reverse("set_language") else ""
    except Exception:  # a body that cannot be read
        return ""
    return language if language in dict(settings.LANGUAGES) else ""


def _once_more(request: HttpRequest) -> dict[str, Any]:
    """What the page needs to send the same form again: where to, and every field as it came, or None where it holds what no page shows.

    The token is the one that was sent: this may be another site's form, which Django had not refused yet.
    """
    again: dict[str, Any] = {"method": request.method, "address": request.get_full_path(), "fields": None}
    try:
        fields = [(name, value) for name, values in request.POST.lists() for value in values]
        if not request.FILES and not any("password" in name.lower() for name, _value in fields):
            again["fields"] = fields
    except Exception:  # a body that cannot be read cannot be sent again
        return again
    return again


def _one_of(labels: Sequence[Any]) -> str:
    """Say "Admin agent or Sales agent"; an empty text for no labels."""
    names = [str(label) for label in labels]
    if len(names) < 2:
        return "".join(names)
    return gettext("%(others)s or %(last)s") % {"others": ", ".join(names[:-1]), "last": names[-1]}
