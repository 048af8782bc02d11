"""What do people type about a customer? Parsing and messages; the rules are in `customers.models` and `customers.countries`."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from django_countries import countries

from customers.countries import LANGUAGES, RULES, CountryRules
from customers.models import Customer
from customers.validators import DOMAIN_PREFIX_LENGTH, DOMAIN_SAID_WRONG, DOMAIN_SUFFIX
from mca_portal.staff.models import PartnerAccount
from mca_portal.staff.names import NAME_LENGTH

_OFF = {"autocomplete": "off"}  # it is about somebody else: the browser would offer the agent's own details
_NOT_TYPED = {"id", "account", "created_by", "created_at", "version", "name_key"}


def country_choices(first: str) -> list[tuple[str, str]]:
    """The countries that the portal serves, by name in the active language; the country `first` stands on top."""
    names = sorted(((code, str(countries.name(code) or code)) for code in RULES), key=lambda choice: choice[1].casefold())
    return [choice for choice in names if choice[0] == first] + [choice for choice in names if choice[0] != first]


class _CustomerForm(forms.Form):
    """What the two forms share. The names of fields are the model's; `MODEL_NAMES` says where they differ."""

    MODEL_NAMES: dict[str, str] = {}

    def add_service_errors(self, error: ValidationError) -> None:
        """Show what the model or a service refused at its field, each message once, unless that field says something already.

        Messages about fields of the other form are left to it.
        """
        for name, messages in error.error_dict.items():
            field = next((own for own, models in self.MODEL_NAMES.items() if models == name), name)
            if field in self.fields and field not in self.errors:
                said: dict[str, ValidationError] = {message.messages[0]: message for message in messages}
                blank = any(message.code == "blank" for message in messages)  # nothing but signs that show nothing
                self.add_error(field, self.fields[field].error_messages["required"] if blank else list(said.values()))

    def typed(self) -> dict[str, str]:
        """What was typed, right or wrong, for a draft or to show the form again; from `initial` when nothing was sent."""
        return {name: str(self[name].value() or "") for name in self.fields}


class CompanyForm(_CustomerForm):
    """A customer's company, address and language. What an address needs follows the country that is chosen (C1)."""

    MODEL_NAMES = {"domain_prefix": "domain"}

    company_name = forms.CharField(
        label=_("Company name"),
        max_length=200,
        widget=forms.TextInput(attrs=_OFF),
        error_messages={"required": _("Enter the company name.")},
    )
    domain_prefix = forms.CharField(
        label=_("Primary domain"),
        max_length=DOMAIN_PREFIX_LENGTH + len(DOMAIN_SUFFIX),
        widget=forms.TextInput(attrs=_OFF | {"data-suffix": DOMAIN_SUFFIX, "autocapitalize": "off", "spellcheck": "false"}),
        error_messages={"required": _("Enter the first part of the domain."), "max_length": DOMAIN_SAID_WRONG},
    )
    country = forms.ChoiceField(
        label=_("Country/region"),
        widget=forms.Select(attrs=_OFF),
        error_messages={"required": _("Choose a country from the list."), "invalid_choice": _("Choose a country from the list.")},
    )
    address_line1 = forms.CharField(
        label=_("Address line 1"),
        max_length=200,
        widget=forms.TextInput(attrs=_OFF),
        error_messages={"required": _("Enter the address.")},
    )
    address_line2 = forms.CharField(label=_("Address line 2"), max_length=200, required=False, widget=forms.TextInput(attrs=_OFF))
    city = forms.CharField(
        label=_("City"), max_length=100, widget=forms.TextInput(attrs=_OFF), error_messages={"required": _("Enter the city.")}
    )
    region = forms.CharField(
        label=_("State/province"),
        max_length=100,
        widget=forms.TextInput(attrs=_OFF),
        error_messages={"required": _("Enter the state or province.")},
    )
    postal_code = forms.CharField(
        label=_("Postal code"),
        max_length=20,
        widget=forms.TextInput(attrs=_OFF | {"data-width": "s"}),
        error_messages={"required": _("Enter the postal code.")},
    )
    language = forms.ChoiceField(
        label=_("Language"),
        choices=list(LANGUAGES.items()),
        widget=forms.Select(attrs=_OFF),
        error_messages={"required": _("Choose a language from the list."), "invalid_choice": _("Choose a language from the list.")},
    )

    def __init__(self, data: Any = None, *, account: PartnerAccount, new: bool = True, initial: Any = None, **more: Any) -> None:
        """`account`: its own country stands first and is chosen at first. `new`: whether the domain is asked; it never changes later."""
        home = str(account.country)
        rules = RULES.get(home)
        suggested = {"country": home if rules else "", "language": rules.languages[0] if rules else ""}
        super().__init__(data, initial=suggested | dict(initial or {}), **more)
        if not new:
            del self.fields["domain_prefix"]
        country = self.fields["country"]
        assert isinstance(country, forms.ChoiceField)
        country.choices = [*([] if rules else [("", "")]), *country_choices(home)]
        self.rules = RULES.get(str(self["country"].value() or ""))
        if self.region_stands_first:
            self.order_fields(["company_name", "domain_prefix", "country", "region", "city", "address_line1", "address_line2"])
        if self.rules:
            self._ask_what_the_country_needs(self.rules)

    def _ask_what_the_country_needs(self, rules: CountryRules) -> None:
        self.fields["city"].required = rules.city_required
        self.fields["region"].required = rules.region_required
        self.fields["postal_code"].required = rules.postal_required
        if rules.regions:
            chosen = str(self["region"].value() or "").strip().upper()
            codes = list(rules.regions) if not chosen or chosen in rules.regions else [chosen, *rules.regions]
            self.fields["region"].widget = forms.Select(attrs=_OFF | {"data-width": "s"}, choices=[("", ""), *((c, c) for c in codes)])
            self.fields["region"].widget.is_required = rules.region_required
        if rules.postal_example:
            self.fields["postal_code"].help_text = gettext("For example %(example)s.") % {"example": rules.postal_example}
        for name in ("city", "region", "postal_code"):
            self.fields[name].widget.is_required = self.fields[name].required

    @property
    def region_stands_first(self) -> bool:
        """Whether the address is asked from the large to the small, as it is written in Korea."""
        return self.rules is not None and self.rules.code == "KR" and (get_language() or "").startswith("ko")

    def clean_domain_prefix(self) -> str:
        """The part before .onmicrosoft.com, whether or not that was typed too."""
        return self.cleaned_data["domain_prefix"].lower().removesuffix(DOMAIN_SUFFIX)

    def clean_region(self) -> str:
        """A code of a list, however its letters were typed."""
        region = self.cleaned_data["region"]
        return region.upper() if self.rules and self.rules.regions else region

    def details(self) -> dict[str, str]:
        """What was read, for the services that create and change customers; fields that could not be read are missing."""
        found = {name: value for name, value in self.cleaned_data.items() if name in Customer.COMPANY_FIELDS}
        if self.cleaned_data.get("domain_prefix"):
            found["domain"] = self.cleaned_data["domain_prefix"] + DOMAIN_SUFFIX
        return found


class ContactForm(_CustomerForm):
    """A customer's primary contact (C1)."""

    contact_first_name = forms.CharField(
        label=_("First name"),
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs=_OFF),
        error_messages={"required": _("Enter the first name.")},
    )
    contact_last_name = forms.CharField(
        label=_("Last name"),
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs=_OFF),
        error_messages={"required": _("Enter the last name.")},
    )
    contact_email = forms.CharField(
        label=_("Email address"),
        max_length=254,
        widget=forms.EmailInput(attrs=_OFF | {"spellcheck": "false"}),
        error_messages={"required": _("Enter the email address.")},
    )
    contact_phone = forms.CharField(
        label=_("Phone number"),
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs=_OFF | {"type": "tel", "inputmode": "tel"}),
    )

    def details(self) -> dict[str, str]:
        """What was read, for the services that create and change customers; fields that could not be read are missing."""
        return {name: value for name, value in self.cleaned_data.items() if name in Customer.CONTACT_FIELDS}


def both_valid(company: CompanyForm, contact: ContactForm, *, customer: Customer | None = None) -> bool:
    """Whether what was typed makes a right customer; if not, every message stands at its field, those of the model's rules too.

    Nothing is written. `customer`: the one that is changed; None for a new one.
    """
    readable = [company.is_valid(), contact.is_valid()]
    typed = company.details() | contact.details()
    if customer is None:
        customer = Customer()
        exclude = set(_NOT_TYPED)
    else:
        customer = Customer.objects.get(pk=customer.pk)  # a copy: what was typed must not show as if it were saved
        exclude = _NOT_TYPED | {"domain"}
    for name, value in typed.items():
        setattr(customer, name, value)
    if "domain" not in typed:
        exclude |= {"domain"}
    try:
        customer.full_clean(exclude=exclude)
    except ValidationError as error:
        company.add_service_errors(error)
        contact.add_service_errors(error)
    return all(readable) and not company.errors and not contact.errors
