"""What do people type to sign in and to choose a password? django-allauth's forms in the portal's words."""

import struct
from typing import Any

from allauth.account import forms as allauth_forms
from allauth.mfa.base import forms as mfa_forms
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as totp_forms
from allauth.mfa.webauthn import forms as webauthn_forms
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from mca_portal.staff.models import Failure, StaffMember
from mca_portal.staff.names import NAME_LENGTH
from mca_portal.staff.services import note_failed_passkey, note_failed_sign_in, note_not_confirmed, note_reset_asked, note_turned_away

PASSKEY_REFUSED = _("The passkey was not accepted. Try again, or choose another way.")
# What fido2 raises for a credential that is not one: it comes from the browser, or from somebody who sends anything.
NO_CREDENTIAL = (AttributeError, LookupError, TypeError, ValueError, struct.error)


class _InOurWords:
    """Gives an allauth form labels, hints and errors of the portal; no placeholders, no markup in hints."""

    words: dict[str, dict[str, Any]] = {}
    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            if isinstance(field.widget, forms.HiddenInput):  # what a script fills in: a passkey
                field.error_messages |= dict.fromkeys(("required", "invalid"), PASSKEY_REFUSED)
                continue
            said = self.words[name]
            field.label = said["label"]
            field.help_text = said.get("hint", "")
            field.error_messages |= {"required": said.get("missing", "")}
            field.widget.attrs.pop("placeholder", None)
            field.widget.attrs |= {"data-width": "l"}
            if isinstance(field, forms.EmailField):
                field.widget.attrs |= {"autocomplete": "username", "inputmode": "email", "spellcheck": "false", "autocapitalize": "none"}
                field.error_messages |= {"invalid": _("Enter an email address in the form name@example.com.")}


EMAIL = {"label": _("Work email address"), "missing": _("Enter your work email address.")}
PASSWORD = {"label": _("Password"), "missing": _("Enter your password.")}
NEW_PASSWORD = {
    "label": _("New password"),
    "missing": _("Enter a new password."),
    "hint": _("At least 12 characters. Several words in a row are easy to remember and hard to guess."),
}
NEW_PASSWORD_AGAIN = {"label": _("New password again"), "missing": _("Enter the new password a second time.")}


class SignInForm(_InOurWords, allauth_forms.LoginForm):
    """E-mail address and password."""

    words = {"login": EMAIL, "password": PASSWORD}


class ForgotPasswordForm(_InOurWords, allauth_forms.ResetPasswordForm):
    """The address to which the link is to be sent."""

    words = {"email": EMAIL}
    users: list[StaffMember]

    def clean_email(self) -> str:
        """The address. Whoever signs in with the company's directory alone gets no password by e-mail: it would outlive their job."""
        email = super().clean_email()
        self.users = [person for person in self.users if not person.from_directory or person.has_usable_password()]
        return email

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        """Send the link. For an address that nobody has, write one too and send it to nobody: the time tells neither from the other."""
        note_reset_asked(email=self.cleaned_data["email"])
        if not self.users:
            self.users = [StaffMember(pk=0, language=get_language() or "en")]
            self.cleaned_data["email"] = ""
        return super().save(request, **kwargs)


class ChoosePasswordForm(_InOurWords, allauth_forms.ResetPasswordKeyForm):
    """The first password after an invitation, or a new one in place of a forgotten one."""

    words = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD_AGAIN}


class ChangePasswordForm(_InOurWords, allauth_forms.ChangePasswordForm):
    """A new password, by somebody who knows the current one."""

    words = {
        "oldpassword": {"label": _("Current password"), "missing": _("Enter your current password.")},
        "password1": NEW_PASSWORD,
        "password2": NEW_PASSWORD_AGAIN,
    }

    def clean_oldpassword(self) -> str:
        """The current password; a wrong one is logged. Raises ValidationError."""
        try:
            return super().clean_oldpassword()
        except ValidationError:
            note_not_confirmed(member=self.user, why=Failure.PASSWORD)
            raise


class ConfirmItIsYouForm(_InOurWords, allauth_forms.ReauthenticateForm):
    """The password once more, before something sensitive."""

    words = {"password": PASSWORD}


CODE = {"label": _("Code"), "missing": _("Enter the code.")}
PASSKEY_NAME = {
    "label": _("Name"),
    "missing": _("Enter a name for the passkey."),
    "hint": _("So that you recognize it, for example Work laptop."),
}


class _CodeForm(_InOurWords):
    """A code that somebody reads elsewhere and types."""

    words = {"code": CODE}
    width = "l"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs |= {"inputmode": "numeric", "spellcheck": "false", "data-width": self.width}


class _Logged:
    """A second factor by which somebody shows who they are; what is wrong with it is logged."""

    user: StaffMember | None
    confirms = False  # whether they are signed in and asked once more

    def _log(self, error: ValidationError | None, why: Failure) -> None:
        """Log that it was not right, or that throttling turned it away before it was looked at."""
        if error is not None and error.code == "too_many_login_attempts":
            note_turned_away(email=self.user.email if self.user else "")
        elif self.user is None:
            note_failed_passkey()
        elif self.confirms:
            note_not_confirmed(member=self.user, why=why)
        else:
            note_failed_sign_in(email=self.user.email, why=why)


class _LoggedCodeForm(_Logged, _CodeForm):
    def clean_code(self) -> str:
        """The code. Raises ValidationError."""
        try:
            return super().clean_code()
        except ValidationError as error:
            self._log(error, Failure.CODE)
            raise


class SecondFactorForm(_LoggedCodeForm, mfa_forms.AuthenticateForm):
    """The code of the authenticator app, or a recovery code, after the password."""


class ConfirmByCodeForm(_LoggedCodeForm, mfa_forms.ReauthenticateForm):
    """The same, before something sensitive."""

    confirms = True


class AuthenticatorAppForm(_CodeForm, totp_forms.ActivateTOTPForm):
    """The first code of an authenticator app: it has the key."""

    width = "s"


class _PasskeyNamed(_InOurWords):
    """A passkey's name is no longer than a person's."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].validators.append(MaxLengthValidator(NAME_LENGTH))
        self.fields["name"].widget.attrs |= {"maxlength": NAME_LENGTH, "autocomplete": "off"}


class PasskeyForm(_PasskeyNamed, webauthn_forms.AddWebAuthnForm):
    """A new passkey: its name, and whether it stands in for the password."""

    mark_optional = False
    words = {
        "name": PASSKEY_NAME,
        "passwordless": {
            "label": _("Sign in with it alone, without a password"),
            "hint": _("Leave it off for a security key without a PIN."),
        },
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["passwordless"].initial = True

    def clean(self) -> dict[str, Any]:
        """Check what the device says of the new passkey. Raises ValidationError when it is not one."""
        try:
            return super().clean()
        except (ValidationError, *NO_CREDENTIAL) as error:
            raise ValidationError(PASSKEY_REFUSED, code="passkey") from error


class PasskeyNameForm(_PasskeyNamed, webauthn_forms.EditWebAuthnForm):
    """Another name for a passkey."""

    words = {"name": PASSKEY_NAME}


class _UsePasskeyForm(_Logged, _InOurWords):
    """A passkey that is used."""

    def clean_credential(self) -> Authenticator:
        """The passkey that the device used. Raises ValidationError, in the same words whatever is wrong with it."""
        try:
            return super().clean_credential()
        except (ValidationError, *NO_CREDENTIAL) as error:
            said = error if isinstance(error, ValidationError) else None
            self._log(said, Failure.PASSKEY)
            if said is not None and said.code == "too_many_login_attempts":
                raise
            raise ValidationError(PASSKEY_REFUSED, code="passkey") from error


class SignInByPasskeyForm(_UsePasskeyForm, webauthn_forms.LoginWebAuthnForm):
    """A passkey in place of address and password."""


class SecondFactorPasskeyForm(_UsePasskeyForm, webauthn_forms.AuthenticateWebAuthnForm):
    """A passkey or security key after the password."""


class ConfirmByPasskeyForm(_UsePasskeyForm, webauthn_forms.ReauthenticateWebAuthnForm):
    """The same, before something sensitive."""

    confirms = True
