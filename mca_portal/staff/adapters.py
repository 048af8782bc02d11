"""What does the portal want of django-allauth?"""

import base64
import logging
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from mca_portal.staff.devices import device_name, last_person
from mca_portal.staff.models import Failure, StaffMember
from mca_portal.staff.sealing import seal, unseal
from mca_portal.staff.services import note_failed_sign_in, note_not_confirmed, note_sign_in, note_sign_out, note_turned_away, set_password

log = logging.getLogger("mca_portal.staff")

# E-mail leaves beside the request: how long it takes would tell a known address from an unknown one, and a mail server that is down
# must not keep anybody from signing in. Those under way are still sent when the server stops.
postman = ThreadPoolExecutor(max_workers=1, thread_name_prefix="postman")
AFTER_THE_ANSWER = 0.5  # seconds: what sending costs this process must not slow down the answer to whoever measures it

SECOND_FACTOR_ELSEWHERE = "second_factor_elsewhere"  # the key in the session: whether the directory says that it asked for one


def _send(message: EmailMessage, due: float) -> None:
    time.sleep(max(0.0, due - time.monotonic()))
    try:
        message.send()
    except Exception as error:  # whatever the mail server holds against it; nobody waits for the answer
        log.error("an e-mail was not sent: %s", type(error).__name__)


class StaffAccountAdapter(DefaultAccountAdapter):
    """Staff are added by an Admin agent, never by themselves."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": _("The email address or the password is not right. Check both and try again."),
        "enter_current_password": _("This is not your current password."),
        "incorrect_password": _("The password is not right."),
        "rate_limited": _("Too many attempts. Wait five minutes and try again."),
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
            note_failed_sign_in(email=user.email, why=Failure.INACTIVE)
        return super().pre_login(request, user, **details)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Turn away, and log, whoever tried too often. Raises ValidationError."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            note_turned_away(email=credentials.get("email", ""))
            raise

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Log a password that was not right: at sign-in, or of somebody signed in who was asked for it once more."""
        if isinstance(request.user, StaffMember):
            note_not_confirmed(member=request.user, why=Failure.PASSWORD)
        else:
            note_failed_sign_in(email=credentials.get("email", ""), why=Failure.PASSWORD)

    def logout(self, request: HttpRequest) -> None:
        """Log the sign-out."""
        assert isinstance(request.user, StaffMember)  # allauth asks only for who is signed in
        note_sign_out(by=request.user)
        super().logout(request)

    def set_password(self, user: Any, password: str) -> None:
        """Keep and log a new password. Whoever is not signed in came by a link."""
        set_password(by=user, password=password, by_link=self.request.user != user)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """After changing the password: back to where it was asked for, not the same form again."""
        return reverse("mfa_index")

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """The ways to confirm that it is you, in the portal's words."""
        words = {
            "reauthenticate": gettext("Use your password"),
            "mfa_reauthenticate": gettext("Use your authenticator app or a recovery code"),
            "mfa_reauthenticate:webauthn": gettext("Use a passkey or security key"),
        }
        return [method | {"description": words[method["id"]]} for method in super().get_reauthentication_methods(user)]

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Count wrong passwords for an e-mail address, apart for a browser in which this person is signed in or was before.

        So a stranger who keeps trying cannot lock somebody out of the browsers that they use.
        """
        email = credentials.get("email", "").lower()
        known = request.user.pk or last_person(request)
        if known is not None and StaffMember.objects.filter(pk=known, email=email).exists():
            return f"{email} in a known browser"
        return email

    def post_login(self, request: HttpRequest, user: Any, **details: Any) -> HttpResponse:
        """Log the sign-in, go on, and write to the person if this browser is new to them."""
        note_sign_in(by=user)
        response = super().post_login(request, user, **details)
        directory = (details.get("signal_kwargs") or {}).get("sociallogin")
        if directory:
            methods = directory.account.extra_data["id_token"].get("amr")
            request.session[SECOND_FACTOR_ELSEWHERE] = isinstance(methods, list) and "mfa" in methods
        if last_person(request) != str(user.pk):
            self.send_notification_mail("account/email/new_sign_in", user)
        return response

    def send_password_reset_mail(self, user: Any, email: str, context: dict[str, Any]) -> None:
        """Write in the language of the person who gets the message, not of whoever asked for it."""
        with translation.override(user.language):
            super().send_password_reset_mail(user, email, context)

    def send_notification_mail(
        self, template_prefix: str, user: Any, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """Tell somebody what changed about their sign-in, in their language and by their account's clock."""
        zone = user.account.tz if user.account else UTC
        with translation.override(user.language), timezone.override(zone):
            told = {
                "recipient": user,
                "device": device_name(self.get_http_user_agent(self.request)),
                "time_zone": timezone.get_current_timezone_name(),
                "reset_url": self.request.build_absolute_uri(reverse("account_reset_password")),
            }
            super().send_notification_mail(template_prefix, user, told | (context or {}), email)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Render now, send when the request has been answered."""
        message = self.render_mail(template_prefix, email, {"request": self.request, "email": email} | context)
        postman.submit(_send, message, time.monotonic() + AFTER_THE_ANSWER)


class SecondFactorAdapter(DefaultMFAAdapter):
    """Second factors: named in the portal's words, their secrets encrypted in the database."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "cannot_generate_recovery_codes": _("Set up an authenticator app or a passkey first."),
        "incorrect_code": _("The code is not right, or it was used already. Enter the one that is shown now."),
    }

    def get_totp_issuer(self) -> str:
        """How an authenticator app names the portal."""
        return "MCA portal"

    def _get_site_name(self) -> str:
        return "MCA portal"

    def generate_authenticator_name(self, user: Any, type: Any) -> str:
        """A name for a new passkey, to be changed by the person."""
        return gettext("Passkey %(number)s") % {"number": Authenticator.objects.filter(user=user, type=type).count() + 1}

    def encrypt(self, text: str) -> str:
        """A secret as the database keeps it."""
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """The secret. One that no present key opens becomes another one that nobody knows: its codes are simply wrong."""
        secret = unseal(encrypted_text)
        if secret is None:
            log.error("a second factor was encrypted with a key that is gone: keep it in SECRET_KEY_FALLBACKS until `manage.py reseal` ran")
            return base64.b32encode(secrets.token_bytes(20)).decode()
        return secret
