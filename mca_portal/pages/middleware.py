"""Who is looking, in which language and time zone, and what had they typed when their sign-in expired?"""

from collections.abc import Callable
from datetime import UTC
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.middleware import get_user
from django.core.exceptions import BadRequest
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import resolve_url
from django.template.response import TemplateResponse
from django.utils import timezone, translation
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import gettext

from mca_portal import logs
from mca_portal.pages import errors, typed
from mca_portal.pages.preferences import ENVIRONMENT_COOKIE, remember_environment, remember_language
from mca_portal.staff.adapters import SECOND_FACTOR_ELSEWHERE
from mca_portal.staff.devices import LAST_PERSON_AGE, LAST_PERSON_COOKIE, last_person
from mca_portal.staff.models import Environment

Answer = Callable[[HttpRequest], HttpResponse]

GO_ON = "go_on"  # the key in the session: the page that somebody wanted to see when they had to set up a second factor
# Sign-in itself, consent to an application, and forms that do not ask for what was typed
NOT_KEPT = ("/accounts/", "/operator/", "/identity/")
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


class PortalRequest(HttpRequest):
    """What the middleware adds to a request; only for type checking."""

    typed: QueryDict | None  # what they had typed here when their sign-in expired, or when they switched the language
    typed_checked: bool  # whether the page says what is wrong with that
    theme: str  # "light", "dark" or empty, for the error pages, which ask nobody
    environment: str  # "production" or "sandbox", likewise
    last_person: str | None  # the id of the person signed in
    expired_on: str | None  # the page with the button that they pressed when their sign-in had expired


def _asks_for_sign_in(view: Callable[..., Any]) -> bool:
    return getattr(view, "login_required", True)


def _page_in_sight(request: HttpRequest) -> str:
    """The address of the portal's page from which the request was made; empty if it cannot be known."""
    page = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer", ""))
    if page.netloc != request.get_host() or not page.path.startswith("/") or page.path.startswith("//"):
        return ""
    return page.path + (f"?{page.query}" if page.query else "")


def _whole_window(address: str) -> HttpResponse:
    """An answer to htmx: open `address` in the whole window, not in a corner of the present page."""
    answer = HttpResponse(status=204)
    answer["HX-Redirect"] = address
    return answer


class PersonMiddleware:
    """Give every page the language and the account's time zone of the person who looks; keep what they see private.

    Signed in, the language is the person's own; else the one that LocaleMiddleware found (cookie, then browser). The time zone is the
    account's; UTC for the operator and for nobody.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: PortalRequest) -> HttpResponse:
        """Answer `request` in the person's language and time zone.

        Raises BadRequest when the address holds a NUL character: no text in the portal has one, and PostgreSQL refuses it.
        """
        person = request.user = get_user(request)  # and not what stands for it until somebody asks
        if person.is_authenticated:
            logs.name_person(person)
            translation.activate(person.language)
            request.LANGUAGE_CODE = translation.get_language()
            request.theme = person.theme if person.theme in ("light", "dark") else ""
        account = person.account if person.is_authenticated else None
        request.environment = account.environment if account else ""
        if "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            raise BadRequest("The address holds a NUL character.")
        with timezone.override(account.tz if account else UTC):
            response = self.get_response(request)
        if response.status_code == 405 and not response.content and not request.headers.get("HX-Request"):
            response = errors.method_not_allowed(request, response)
        response = self._to_sign_in(request, response)
        if person.is_authenticated:
            self._keep_private(request, response)
            told = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME) == person.language
            if not told and settings.LANGUAGE_COOKIE_NAME not in response.cookies:
                remember_language(response, person.language)
            if request.COOKIES.get(ENVIRONMENT_COOKIE, Environment.PRODUCTION) != (request.environment or Environment.PRODUCTION):
                remember_environment(response, request.environment or Environment.PRODUCTION)
        return response

    def process_view(self, request: PortalRequest, view: Callable[..., Any], args: Any, kwargs: Any) -> None:
        """Refuse a form with a NUL character in it, for the reason given above.

        Raises BadRequest.
        """
        if request.method == "POST" and request.content_type in FORM_TYPES:
            for name, values in request.POST.lists():
                if "\x00" in name or any("\x00" in value for value in values):
                    raise BadRequest("A field holds a NUL character.")

    def process_template_response(self, request: PortalRequest, response: TemplateResponse) -> TemplateResponse:
        """Answer a form that is wrong with 422 on django-allauth's pages, too (sign-in, passwords, second steps), as all others are.

        Put back the e-mail address that was typed there when the language was switched.
        """
        form = (response.context_data or {}).get("form")
        if request.method == "POST" and response.status_code == 200 and isinstance(form, BaseForm) and form.errors:
            response.status_code = 422
        if request.method == "GET" and isinstance(form, BaseForm) and not request.user.is_authenticated:
            typed.put_back_email(request, form)
        return response

    @staticmethod
    def _to_sign_in(request: PortalRequest, response: HttpResponse) -> HttpResponse:
        """Send the whole window to sign-in where htmx would put the sign-in page into a corner of the present one."""
        if not (request.headers.get("HX-Request") and response.status_code == 302):
            return response
        sign_in = resolve_url(settings.LOGIN_URL)
        if urlsplit(response["Location"]).path != sign_in:
            return response
        come_back = request.get_full_path()
        if request.method == "GET":
            # The request was for a part of the page; the page itself is what they want to see again.
            come_back = _page_in_sight(request) or come_back
        answer = _whole_window(f"{sign_in}?{urlencode({REDIRECT_FIELD_NAME: come_back})}")
        answer.cookies = response.cookies
        return answer

    @staticmethod
    def _keep_private(request: PortalRequest, response: HttpResponse) -> None:
        """Let only this browser keep the page, and let it ask again each time.

        Not `no-store`: with it, going Back after a mistake would show the form empty. What the browser kept is thrown away at sign-out
        instead.
        """
        if not response.has_header("Cache-Control"):
            patch_cache_control(response, private=True, no_cache=True)
        patch_vary_headers(response, ["Cookie"])
        if not request.user.is_authenticated:
            response["Clear-Site-Data"] = '"cache"'


class KeepTypedMiddleware:
    """Lose nothing that somebody typed when their sign-in has expired by the time they save.

    The fields wait for the same person to sign in again (`pages.typed`). `request.typed` holds them once, on the next look at the same
    page; otherwise it is None. Views write `Form(request.POST or request.typed or None)`.
    Not kept either: a form that did not pass the CSRF check, and anything from a browser in which nobody had signed in.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: PortalRequest) -> HttpResponse:
        """Answer, and note in a signed cookie who used this browser last."""
        self._begin(request)
        response = self.get_response(request)
        if response.status_code == 405 and request.expired_on:
            # A button's address: there is nothing to show under it. Go back to the page with the button.
            back = {"staff": request.last_person, "fields": "", "page": "", "switched": False, "checked": True, "lost": False}
            request.session[typed.KEPT] = request.session.get(typed.KEPT, {}) | {urlsplit(request.expired_on).path: back}
            response = HttpResponseRedirect(request.expired_on)
        if request.last_person is not None and last_person(request) != request.last_person:
            response.set_signed_cookie(
                LAST_PERSON_COOKIE,
                request.last_person,
                salt=LAST_PERSON_COOKIE,
                max_age=LAST_PERSON_AGE,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response

    def process_view(self, request: PortalRequest, view: Callable[..., Any], args: Any, kwargs: Any) -> None:
        """Keep or hand out, after the CSRF check and before the sign-in is asked for."""
        if not _asks_for_sign_in(view) or request.path.startswith(NOT_KEPT):
            return
        if request.user.is_authenticated:
            request.last_person = str(request.user.pk)
            self._hand_out(request)
        elif request.method == "POST":
            self._keep(request)

    @staticmethod
    def _begin(request: PortalRequest) -> None:
        request.typed, request.typed_checked = None, True
        request.last_person = None
        request.expired_on = None

    @staticmethod
    def _keep(request: PortalRequest) -> None:
        person = last_person(request)
        if person is not None and request.content_type in FORM_TYPES:
            typed.keep(request, request.path, staff=person, page=_page_in_sight(request))

    @staticmethod
    def _hand_out(request: PortalRequest) -> None:
        kept = request.session.get(typed.KEPT)
        if not kept:
            return
        mine = {path: page for path, page in kept.items() if page["staff"] == str(request.user.pk)}
        page = mine.pop(request.path, None) if request.method == "GET" else None
        if mine:
            request.session[typed.KEPT] = mine
        else:
            del request.session[typed.KEPT]
        if page and page["page"] and page["page"] != request.path:
            request.expired_on = page["page"]
        if not page:
            return
        if page["fields"]:
            request.typed, request.typed_checked = QueryDict(page["fields"]), page["checked"]
        if page["lost"] and page["switched"]:
            messages.warning(request, gettext("What you typed was too long to be kept meanwhile. Please type it again."))
        elif page["lost"]:
            messages.warning(
                request, gettext("Your sign-in had expired, and what you typed was too long to be kept. Please type it again.")
            )
        elif not page["fields"]:
            messages.warning(request, gettext("Your sign-in had expired, so nothing was changed. Please do it again."))
        elif not page["switched"]:
            messages.warning(request, gettext("Your sign-in had expired. What you typed is still here: check it and save again."))


class SecondFactorMiddleware:
    """Whoever must have a second factor and has none may set one up, choose language and appearance, or sign out: nothing else.

    Everything else leads to the page that sets one up, which leads back. Nothing that they typed is lost.
    """

    OPEN = frozenset(
        {
            "mfa_index",
            "mfa_activate_totp",
            "mfa_add_webauthn",
            "mfa_view_recovery_codes",
            "mfa_generate_recovery_codes",
            "mfa_download_recovery_codes",
            "mfa_reauthenticate",
            "mfa_reauthenticate_webauthn",
            "account_reauthenticate",
            "account_logout",
            "session_end",
            "sessions_end",
            "set_theme",
        }
    )

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: PortalRequest) -> HttpResponse:
        """Answer."""
        return self.get_response(request)

    def process_view(self, request: PortalRequest, view: Callable[..., Any], args: Any, kwargs: Any) -> HttpResponse | None:
        """Lead away from what is shut, after the CSRF check."""
        person = request.user
        if not person.is_authenticated or not person.must_set_up_second_factor or request.session.get(SECOND_FACTOR_ELSEWHERE):
            return None
        if not _asks_for_sign_in(view) or request.resolver_match.view_name in self.OPEN:
            return None
        asks_htmx = bool(request.headers.get("HX-Request"))
        if request.method == "POST":
            if request.content_type in FORM_TYPES and not request.path.startswith(NOT_KEPT):
                typed.keep(request, request.path, staff=str(person.pk), page=_page_in_sight(request), switched=True)
            request.session[GO_ON] = _page_in_sight(request) or request.path
        elif typed.KEPT not in request.session:  # what they typed matters more than where they looked afterwards
            # htmx asks for a part of the page; the page itself is what they want to see.
            request.session[GO_ON] = _page_in_sight(request) if asks_htmx else request.get_full_path()
        address = resolve_url("mfa_index")
        return _whole_window(address) if asks_htmx else HttpResponseRedirect(address)
