"""What does the portal want of django-allauth?"""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _


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

    def send_password_reset_mail(self, user: Any, email: str, context: dict[str, Any]) -> None:
        """Write in the language of the person who gets the message, not of whoever asked for it."""
        with translation.override(user.language):
            super().send_password_reset_mail(user, email, context)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """After changing the password: home, not the same form again."""
        return reverse("home")
