"""What does the portal want of django-allauth?"""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from mca_portal.staff.models import StaffMember
from mca_portal.staff.services import note_failed_sign_in, note_sign_in, note_sign_out, set_password


class StaffAccountAdapter(DefaultAccountAdapter):
    """Staff are added by an Admin agent, never by themselves."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": _("The email address or the password is not right. Check both and try again."),
        "enter_current_password": _("This is not your current password."),
        "incorrect_password": _("The password is not right."),
        "too_many_login_attempts": _("Too many attempts. Wait five minutes and try again, or choose a new password."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Sign-up is closed."""
        return False

    def clean_email(self, email: str) -> str:
        """Addresses are kept and compared in lower case."""
        return email.lower()

    def populate_username(self, request: HttpRequest, user: Any) -> None:
        """There are no user names: the e-mail address is the name."""

    def pre_login(self, request: HttpRequest, user: Any, **details: Any) -> HttpResponse | None:
        """Somebody deactivated stays outside, whatever they know; that is logged as a failed sign-in."""
        if not user.is_active:
            note_failed_sign_in(email=user.email)
        return super().pre_login(request, user, **details)

    def post_login(self, request: HttpRequest, user: Any, **details: Any) -> HttpResponse:
        """Log the sign-in."""
        note_sign_in(by=user)
        return super().post_login(request, user, **details)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Log a password that was not right. Attempts that are turned away before it is looked at are not logged: they have no end."""
        note_failed_sign_in(email=credentials.get("email", ""))

    def logout(self, request: HttpRequest) -> None:
        """Log the sign-out."""
        assert isinstance(request.user, StaffMember)  # allauth asks only for who is signed in
        note_sign_out(by=request.user)
        super().logout(request)

    def set_password(self, user: Any, password: str) -> None:
        """Keep and log a new password."""
        set_password(by=user, password=password)

    def send_password_reset_mail(self, user: Any, email: str, context: dict[str, Any]) -> None:
        """Write in the language of the person who gets the message, not of whoever asked for it."""
        with translation.override(user.language):
            super().send_password_reset_mail(user, email, context)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """After changing the password: home, not the same form again."""
        return reverse("home")
