"""What do people type about themselves and their colleagues? Parsing only: the rules are the models' and the services'."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from mca_portal.staff.models import Language, StaffMember, Theme
from mca_portal.staff.names import NAME_LENGTH
from mca_portal.staff.roles import Role

EMAIL_LENGTH = StaffMember._meta.get_field("email").max_length


class _NameForm(forms.Form):
    """A person's name."""

    first_name = forms.CharField(label=_("First name"), max_length=NAME_LENGTH, error_messages={"required": _("Enter the first name.")})
    last_name = forms.CharField(label=_("Last name"), max_length=NAME_LENGTH, error_messages={"required": _("Enter the last name.")})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("first_name", "last_name"):
            self.fields[name].widget.attrs |= {"autocomplete": "off"}


class MemberForm(_NameForm):
    """A member's name and roles."""

    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        choices=Role.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Somebody without a role can sign in but sees no customers."),
    )


class NewMemberForm(MemberForm):
    """Somebody new: also their address, with which they sign in."""

    email = forms.CharField(
        label=_("Work email address"),
        max_length=EMAIL_LENGTH,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("They sign in with it. It cannot be changed later."),
        error_messages={"required": _("Enter the email address.")},
    )
    field_order = ("first_name", "last_name", "email", "roles")


class ProfileForm(_NameForm):
    """One's own name, language and appearance."""

    language = forms.ChoiceField(label=_("Language"), choices=Language.choices, widget=forms.RadioSelect)
    theme = forms.ChoiceField(label=_("Appearance"), choices=Theme.choices, widget=forms.RadioSelect)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["first_name"].widget.attrs["autocomplete"] = "given-name"
        self.fields["last_name"].widget.attrs["autocomplete"] = "family-name"


class TokenForm(forms.Form):
    """A new API token of one's own: what it is for, and how long it lives."""

    name = forms.CharField(
        label=_("Token name"),
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("What uses it, for example Nightly import."),
        error_messages={"required": _("Enter a name for the token.")},
    )
    days = forms.TypedChoiceField(
        label=_("Expires after"),
        coerce=int,
        initial=90,
        choices=[(30, _("30 days")), (90, _("90 days")), (180, _("180 days")), (365, _("One year"))],
    )


class SecurityForm(forms.Form):
    """What the account demands of everybody who signs in."""

    second_factor_required = forms.BooleanField(
        label=_("Everybody needs a second factor"),
        required=False,
        help_text=_(
            "Whoever has none sets one up before they can go on. The API tokens of people without one stop until they do. "
            "Microsoft requires it of partners."
        ),
    )
