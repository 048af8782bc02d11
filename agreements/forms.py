"""What do people type about an acceptance? Parsing and messages; the rules are in `agreements.models` and `agreements.services`."""

import dataclasses
import datetime as dt
from functools import lru_cache
from typing import Any, Self

import phonenumbers
from django import forms
from django.core.exceptions import ValidationError
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from agreements.errors import AlreadyConfirmed, NewerTemplate
from agreements.models import Acceptance
from agreements.services import Person, check_acceptance, confirm_acceptance
from agreements.standing import Versions
from customers.models import Customer
from mca_portal.staff.models import StaffMember
from mca_portal.staff.names import NAME_LENGTH

_OFF = {"autocomplete": "off"}  # it is about somebody else: the browser would offer the agent's own details


@lru_cache(maxsize=300)  # one for each country
def _example_phone(country: str) -> str:
    """A phone number as people of this country write it for others."""
    number = phonenumbers.example_number(country) or phonenumbers.example_number("KR")
    assert number is not None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


class AcceptanceForm(forms.Form):
    """The agreement section wherever it is filled in (F1, F2, F3): when, and by whom at the customer.

    `customer` may be unsaved (F1): its account and country decide the rules. `versions`: the templates as shown. Days are the account's.
    """

    template_id = forms.UUIDField(
        widget=forms.HiddenInput,
        error_messages=dict.fromkeys(["required", "invalid"], _("Reload this page to see the latest version of the agreement.")),
    )
    agreed_on = forms.DateField(
        label=_("Agreement acceptance date"),
        input_formats=["%Y-%m-%d", "%Y.%m.%d", "%Y. %m. %d.", "%Y. %m. %d", "%Y/%m/%d"],
        error_messages={
            "required": _("Enter the date on which the customer accepted."),
            "invalid": _("Enter a real date, such as 2026-01-31."),
        },
    )
    first_name = forms.CharField(
        label=_("First name"),
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs=_OFF),
        error_messages={"required": _("Enter the first name of the person who accepted.")},
    )
    last_name = forms.CharField(
        label=_("Last name"),
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs=_OFF),
        error_messages={"required": _("Enter the last name of the person who accepted.")},
    )
    email = forms.CharField(
        label=_("Email address"),
        max_length=254,
        widget=forms.EmailInput(attrs=_OFF),
        error_messages={"required": _("Enter the email address of the person who accepted.")},
    )
    phone = forms.CharField(
        label=_("Phone number"), max_length=40, required=False, widget=forms.TextInput(attrs=_OFF | {"inputmode": "tel"})
    )

    PERSON = ("first_name", "last_name", "email", "phone")
    field_order: tuple[str, ...] = (
        "template_id",
        *PERSON,
        "agreed_on",
    )  # as on the page, so that the summary of errors reads in the same order

    def __init__(self, data: Any = None, *, customer: Customer, versions: Versions, prefix: str = "mca", **more: Any) -> None:
        """`data`: what was typed, or None for an empty form."""
        super().__init__(data, prefix=prefix, **more)
        self.customer, self.versions = customer, versions
        self.acceptance: Acceptance | None = None  # as it would be recorded, once the form has been found valid
        self.fields["template_id"].initial = versions.latest.pk
        latest_day = customer.account.latest_today()
        widget = forms.DateInput(
            attrs={"type": "date", "max": latest_day.isoformat(), "min": "2014-01-01", "data-width": "s"}, format="%Y-%m-%d"
        )
        self.fields["agreed_on"].widget = widget
        self.fields["agreed_on"].help_text = gettext("The day the customer accepted, %(day)s at the latest.") % {
            "day": date_format(latest_day)
        }
        self.fields["phone"].help_text = gettext("With country code, for example %(example)s.") % {
            "example": _example_phone(str(customer.country))
        }
        widget.is_required = True

    def clean(self) -> dict[str, Any]:
        """Ask the rules of the record at once, so that every message is shown together (R2, R6)."""
        cleaned = super().clean() or {}
        try:
            self.acceptance = check_acceptance(self.customer, self.person(), cleaned.get("agreed_on"))
        except ValidationError as error:
            self.add_service_errors(error)
        return cleaned

    def person(self) -> Person:
        """The person as typed; what could not be read is empty."""
        return Person(**{name: self.cleaned_data.get(name) or "" for name in self.PERSON})

    def add_service_errors(self, error: ValidationError) -> None:
        """Show what a service refused at its field, unless that field says something already."""
        for field, messages in error.error_dict.items():
            if field not in self.fields:
                self.add_error(None, messages)
            elif field not in self.errors:
                blank = any(message.code == "blank" for message in messages)  # nothing but signs that show nothing
                self.add_error(field, self.fields[field].error_messages["required"] if blank else messages)

    def apply(self, *, by: StaffMember, customer: Customer, via: str) -> Acceptance | None:
        """Record a valid form through the service; None when it was refused, and then the form says why (R4, V5).

        Raises NotAllowed, NotYoursToTransact, AgreementNotApplicable: facts that no typing can mend.
        """
        try:
            return confirm_acceptance(
                by=by,
                customer=customer,
                person=self.person(),
                agreed_on=self.cleaned_data["agreed_on"],
                template_id=self.cleaned_data["template_id"],
                via=via,
            )
        except ValidationError as error:
            self.add_service_errors(error)
        except AlreadyConfirmed:
            self.add_error(None, gettext("This is already confirmed with these details. Change a detail, or leave it as it is."))
        except NewerTemplate as error:
            self.show_newer(error)
        return None

    def show_newer(self, error: NewerTemplate) -> None:
        """Say that a newer version was published meanwhile and offer that one to be confirmed (V5)."""
        self.data = {**{name: self.data.get(name) for name in self.data}, self.add_prefix("template_id"): str(error.latest.pk)}
        self.versions = dataclasses.replace(self.versions, published=(error.latest, *self.versions.published))
        self.add_error(
            None,
            gettext(
                "A newer version of the agreement, %(name)s, was published meanwhile. Check that the customer accepted it, and save again."
            )
            % {"name": error.latest.version},
        )

    def as_typed(self, **changes: str) -> Self:
        """The same form with what was typed and `changes` on top, unchecked: for buttons that only fill in or open something."""
        typed = {name: self.data.get(self.add_prefix(name), "") for name in self.fields} | changes
        return type(self)(customer=self.customer, versions=self.versions, prefix=self.prefix or "mca", initial=typed)

    def with_primary_contact(self) -> Self:
        """What was typed, the person replaced by the customer's primary contact."""
        return self.as_typed(
            first_name=self.customer.contact_first_name,
            last_name=self.customer.contact_last_name,
            email=self.customer.contact_email,
            phone=self.customer.contact_phone,
        )

    @property
    def latest_day(self) -> dt.date:
        """The last day that may be typed (R2)."""
        return self.customer.account.latest_today()


class NewCustomerAcceptanceForm(AcceptanceForm):
    """The agreement section of a new customer (F1.1): a box to tick, and a person that follows the primary contact until Update is chosen.

    `customer` is unsaved and holds the primary contact as typed above.
    """

    accepted = forms.BooleanField(label=_("The customer has accepted the latest Microsoft customer agreement"), required=False)
    someone_else = forms.BooleanField(required=False, widget=forms.HiddenInput)

    field_order: tuple[str, ...] = ("template_id", "accepted", "agreed_on", *AcceptanceForm.PERSON)

    def __init__(self, *args: Any, **more: Any) -> None:
        """While the person follows the primary contact, nothing about a person is asked."""
        super().__init__(*args, **more)
        self.fields["template_id"].required = False
        if self.is_bound and not self._ticked("someone_else"):
            for name in self.PERSON:
                self.fields[name].required = False

    def _ticked(self, name: str) -> bool:
        return bool(
            self.fields[name].widget.value_from_datadict(self.data, {}, self.add_prefix(name))
            not in (False, None, "", "False", "false", "0")
        )

    @property
    def follows_contact(self) -> bool:
        """Whether the person shown is the primary contact."""
        if self.is_bound:
            return not self._ticked("someone_else")
        return self.initial.get("someone_else") in (None, False, "", "False", "false", "0")

    def clean(self) -> dict[str, Any]:
        """Without the tick nothing typed here counts, and none of it is an error."""
        if not self.cleaned_data.get("accepted"):
            for name in list(self.errors):
                del self.errors[name]
            return self.cleaned_data
        return super().clean()

    def person(self) -> Person:
        """The primary contact while it is followed, otherwise the person as typed."""
        if self.cleaned_data.get("someone_else"):
            return super().person()
        c = self.customer
        return Person(c.contact_first_name, c.contact_last_name, c.contact_email, c.contact_phone)

    def add_service_errors(self, error: ValidationError) -> None:
        """What is wrong with the primary contact is said at the contact's own fields, not here again."""
        if self.follows_contact:
            only_date = {name: messages for name, messages in error.error_dict.items() if name not in self.PERSON}
            if not only_date:
                return
            error = ValidationError(only_date)
        super().add_service_errors(error)


class WithdrawalForm(forms.Form):
    """Why a confirmation was a mistake (R5)."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        widget=forms.Textarea(attrs=_OFF | {"rows": "3"}),
        error_messages={"required": _("Say why this confirmation was a mistake.")},
    )
