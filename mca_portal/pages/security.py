"""Sign-in and security: by which factors does somebody sign in, and where are they signed in now?"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account import views as account
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import HASH_SESSION_KEY, update_session_auth_hash
from django.contrib.sessions.models import Session
from django.db.transaction import atomic
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from mca_portal.pages.middleware import GO_ON
from mca_portal.pages.signin import ChangePasswordForm
from mca_portal.staff.adapters import SECOND_FACTOR_ELSEWHERE
from mca_portal.staff.devices import device_name
from mca_portal.staff.models import Action, StaffMember
from mca_portal.staff.services import end_session, end_sessions, note_second_factor


def logged(action: Action, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """allauth's `view`, which changes one's own second factors: what it writes and its log entry are there together or not at all."""

    @wraps(view)
    def call(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        with atomic():
            before = _factors(request)
            response = view(request, *args, **kwargs)
            if _factors(request) != before:
                note_second_factor(by=request.user, action=action)
        return response

    return call


_change_password = account.PasswordChangeView.as_view(form_class=ChangePasswordForm)


def _factors(request: HttpRequest) -> dict[int, Any]:
    return dict(Authenticator.objects.filter(user=request.user).values_list("pk", "data"))


@require_http_methods(["GET"])
def security(request: HttpRequest) -> HttpResponse:
    """Show one's own second factors, recovery codes and sessions; everybody who is signed in may."""
    go_on = "" if request.user.must_set_up_second_factor else request.session.pop(GO_ON, "")
    factors = Authenticator.objects.filter(user=request.user).order_by("created_at", "pk")
    of_type = {kind: [factor for factor in factors if factor.type == kind] for kind in Authenticator.Type}
    codes = of_type[Authenticator.Type.RECOVERY_CODES]
    return render(
        request,
        "staff/security.html",
        {
            "app": next(iter(of_type[Authenticator.Type.TOTP]), None),
            "passkeys": of_type[Authenticator.Type.WEBAUTHN],
            "codes_left": len(codes[0].wrap().get_unused_codes()) if codes else None,
            "sessions": _sessions(request),
            "must_set_up": request.user.must_set_up_second_factor and not request.session.get(SECOND_FACTOR_ELSEWHERE),
            "go_on": go_on,
        },
    )


@require_http_methods(["GET", "POST"])
def change_password(request: HttpRequest) -> HttpResponse:
    """Choose a new password, knowing the old one. Whoever comes from their company's directory alone has none here, and gets none."""
    if not request.user.has_usable_password():
        messages.info(request, gettext("You sign in with your company’s directory, so there is no password to change here."))
        return redirect("mfa_index")
    return _change_password(request)


@require_http_methods(["POST"])
def session_end(request: HttpRequest, session_id: int) -> HttpResponse:
    """Sign out one of one's own browsers."""
    end_session(by=request.user, session_id=session_id)
    messages.success(request, gettext("That browser is signed out."))
    return redirect("mfa_index")


@require_http_methods(["POST"])
def sessions_end(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere but here."""
    person = end_sessions(by=request.user)
    update_session_auth_hash(request, person)
    UserSession.objects.create_from_request(request)
    messages.success(request, gettext("You are signed out everywhere else."))
    return redirect("mfa_index")


def _sessions(request: HttpRequest) -> list[dict[str, Any]]:
    """Where the person is signed in, the present browser first. Sessions that have ended are left out, in two queries for any number."""
    person = request.user
    assert isinstance(person, StaffMember)
    noted = list(UserSession.objects.filter(user=person).order_by("-created_at", "-pk"))
    keys = [session.session_key for session in noted]
    kept = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    valid = {person.get_session_auth_hash(), *person.get_session_auth_fallback_hash()}
    alive = {session.session_key for session in kept if session.get_decoded().get(HASH_SESSION_KEY) in valid}
    rows = [
        {
            "id": session.pk,
            "device": device_name(session.user_agent),
            "address": session.ip,
            "since": session.created_at,
            "here": session.session_key == request.session.session_key,
        }
        for session in noted
        if session.session_key in alive
    ]
    return sorted(rows, key=lambda row: not row["here"])
