"""What do people type about themselves and their colleagues? Parsing only: the rules are the models' and the services'."""

import datetime as dt
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from mca_portal.staff.models import ApplicationKind, Language, StaffMember, Theme, Topic
from mca_portal.staff.names import NAME_LENGTH
from mca_portal.staff.roles import Role

EMAIL_LENGTH = StaffMember._meta.get_field("email").max_length


def _day(label: Any) -> forms.DateField:
    """An optional day of this millennium: clocks do not reach the ends of the calendar in every time zone."""
    wrong = _("Enter a real date, such as 2026-01-31.")
    return forms.DateField(
        label=label,
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": wrong},
        validators=[MinValueValidator(dt.date(2000, 1, 1), wrong), MaxValueValidator(dt.date(2999, 12, 31), wrong)],
    )


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


class ActivityFilterForm(forms.Form):
    """Which part of the activity log somebody wants to see. Days are calendar days in the active time zone, both included."""

    mark_optional = False  # every field is

    person = forms.ModelChoiceField(
        label=_("Done by"),
        queryset=StaffMember.objects.none(),
        required=False,
        empty_label=_("Everybody"),
        error_messages={"invalid_choice": _("Choose somebody from the list.")},
    )
    topic = forms.ChoiceField(
        label=_("What"),
        choices=[("", _("Everything")), *Topic.choices],
        required=False,
        error_messages={"invalid_choice": _("Choose from the list.")},
    )
    customer = forms.CharField(
        label=_("Customer"), max_length=200, required=False, widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"})
    )
    since = _day(_("From"))
    until = _day(_("To"))

    def __init__(self, data: Any, *, by: StaffMember) -> None:
        super().__init__(data)
        self.fields["person"].queryset = StaffMember.objects.visible_to(by).order_by("last_name", "first_name", "id")  # type: ignore[attr-defined]

    def clean(self) -> None:
        """The first day is not after the last one."""
        super().clean()
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and since > until:
            self.add_error("until", ValidationError(_("Enter a day on or after the first one."), code="before"))


class ApplicationForm(forms.Form):
    """An application: what it is called, and where a browser is sent back to with a code."""

    mark_optional = False  # whether redirect addresses are needed depends on the kind

    name = forms.CharField(
        label=_("Application name"),
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("Staff read it when they sign in to it."),
        error_messages={"required": _("Enter a name for the application.")},
    )
    redirect_uris = forms.CharField(
        label=_("Redirect addresses"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
        help_text=_(
            "A service needs none. One in each line: https://, or http://127.0.0.1/ with any port for a program on one’s own machine."
        ),
    )

    def clean_redirect_uris(self) -> list[str]:
        """The addresses, one in each line."""
        return self.cleaned_data["redirect_uris"].split()


class NewApplicationForm(ApplicationForm):
    """A new application: also its kind, which stays."""

    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=ApplicationKind.choices,
        initial=ApplicationKind.SERVICE,
        widget=forms.RadioSelect,
        help_text=_("A service acts with your rights and cannot see or confirm acceptances. The others act as whoever signs in to them."),
    )
    field_order = ("name", "kind", "redirect_uris")
