"""What does somebody see when a page cannot be shown? Kind words and a way out, in their language.

These pages ask the database for nothing: they must also work when it is what failed.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.utils.cache import add_never_cache_headers
from django.utils.translation import get_language, gettext

PLAIN = "<!doctype html><title>MCA portal</title><h1>{}</h1><p>{}</p>"


def _page(request: HttpRequest, name: str, status: HTTPStatus, **context: Any) -> HttpResponse:
    """Render templates/errors/`name`.html without context processors, so without a query."""
    frame: dict[str, Any] = {
        "LANGUAGE_CODE": get_language() or "en",
        "theme": getattr(request, "theme", ""),
        "environment": getattr(request, "environment", ""),
    }
    # The language can be switched where opening the address again shows this page again.
    if request.method == "GET" and status < HTTPStatus.INTERNAL_SERVER_ERROR:
        frame |= {"portal_languages": [code for code, _name in settings.LANGUAGES], "request": request, "csrf_token": get_token(request)}
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


def server_error(request: HttpRequest) -> HttpResponse:
    """500: our mistake. Plain words even if the page itself cannot be rendered."""
    try:
        return _page(request, "500", HTTPStatus.INTERNAL_SERVER_ERROR)
    except Exception:  # whatever broke may also have broken templates or static files
        return HttpResponse(
            PLAIN.format("Something went wrong", "Please try again in a moment. / 잠시 후 다시 시도하세요."),
            status=HTTPStatus.INTERNAL_SERVER_ERROR,
        )


def _one_of(labels: Sequence[Any]) -> str:
    """Say "Admin agent or Sales agent"; an empty text for no labels."""
    names = [str(label) for label in labels]
    if len(names) < 2:
        return "".join(names)
    return gettext("%(others)s or %(last)s") % {"others": ", ".join(names[:-1]), "last": names[-1]}
