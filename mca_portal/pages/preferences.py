"""How does a person want to see the portal? Language and theme, kept per person; the language in this browser too."""

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import BadRequest, DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods

from mca_portal.pages import typed
from mca_portal.staff.devices import last_person
from mca_portal.staff.models import Theme
from mca_portal.staff.services import set_preferences

YEAR = 365 * 24 * 3600  # seconds
ENVIRONMENT_COOKIE = "environment"  # only in a browser that a sandbox was used in


@login_not_required
@require_http_methods(["POST"])
def set_language(request: HttpRequest) -> HttpResponse:
    """Show the portal in `language` from now on: to this browser, and to this person wherever they sign in.

    Needs no sign-in, so that the sign-in page can be read too. Raises BadRequest for a language that there is not.
    """
    language = request.POST.get("portal_language", "")
    if language not in dict(settings.LANGUAGES):
        raise BadRequest("There is no such language.")
    if request.user.is_authenticated:
        set_preferences(by=request.user, language=language)
    response = _back(request)
    remember_language(response, language)
    return response


@require_http_methods(["POST"])
def set_theme(request: HttpRequest) -> HttpResponse:
    """Show the portal in light, in dark, or as the device says, to this person wherever they sign in.

    Raises BadRequest for a theme that there is not.
    """
    theme = request.POST.get("portal_theme", "")
    if theme not in Theme.values:
        raise BadRequest("There is no such theme.")
    set_preferences(by=request.user, theme=theme)  # signed in: the middleware asks
    return _back(request)


def remember_language(response: HttpResponse, language: str) -> None:
    """Let this browser speak `language` where nobody is known: on the sign-in pages, and when the database does not answer."""
    _remember(response, settings.LANGUAGE_COOKIE_NAME, language)


def remember_environment(response: HttpResponse, environment: str) -> None:
    """Let this browser know whether it was a sandbox when the database, which knows, does not answer (A4)."""
    _remember(response, ENVIRONMENT_COOKIE, environment)


def _remember(response: HttpResponse, cookie: str, word: str) -> None:
    response.set_cookie(cookie, word, max_age=YEAR, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax")


def came_from(request: HttpRequest) -> str:
    """The address of the portal's page that the request was made from; empty if it is another site's, or not known."""
    try:
        page, host = urlsplit(request.headers.get("Referer", "")), request.get_host()
    except (ValueError, DisallowedHost):
        return ""
    if page.netloc != host:
        return ""
    address = page.path + (f"?{page.query}" if page.query else "")
    return address if _is_ours(request, address) else ""


def local_next(request: HttpRequest) -> str:
    """The page of the portal that `next` in the address names; empty for another site's, or none."""
    address = request.GET.get("next", "")
    return address if _is_ours(request, address) else ""


def _is_ours(request: HttpRequest, address: str) -> bool:
    return url_has_allowed_host_and_scheme(address, allowed_hosts={request.get_host()}, require_https=request.is_secure())


def _back(request: HttpRequest) -> HttpResponseRedirect:
    """Go to `next`, else to the page that they came from, else home, never to another site; what was typed there goes along.

    `checked`: that page said what was wrong, and is to say it again.
    """
    for address in (local_next(request), came_from(request)):
        if address:
            signed_in = request.user.is_authenticated
            path, response = urlsplit(address).path, HttpResponseRedirect(address)
            if path in (reverse("account_login"), reverse("account_reset_password")):
                typed.keep_email(request, response, path)
            elif staff := str(request.user.pk) if signed_in else last_person(request):
                typed.keep(request, path, staff=staff, switched=signed_in, checked="checked" in request.GET)
            return response
    return HttpResponseRedirect(reverse("home"))
