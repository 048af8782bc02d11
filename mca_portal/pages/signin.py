"""What do people type to sign in and to choose a password? django-allauth's forms in the portal's words."""

from typing import Any

from allauth.account import forms as allauth_forms
from django import forms
from django.utils.translation import gettext_lazy as _


class _InOurWords:
    """Gives an allauth form labels, hints and errors of the portal; no placeholders, no markup in hints."""

    words: dict[str, dict[str, Any]] = {}
    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            said = self.words[name]
            field.label = said["label"]
            field.help_text = said.get("hint", "")
            field.error_messages |= {"required": said["missing"]}
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


class ConfirmItIsYouForm(_InOurWords, allauth_forms.ReauthenticateForm):
    """The password once more, before something sensitive."""

    words = {"password": PASSWORD}
