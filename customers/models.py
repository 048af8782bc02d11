"""Who are a partner's customers?"""

import uuid
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MinLengthValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from customers.countries import LANGUAGES, RULES
from customers.validators import DOMAIN_SUFFIX, normalized_email, normalized_phone, validate_domain, validate_email_address
from mca_portal.staff.models import PartnerAccount, StaffMember
from mca_portal.staff.names import NAME_LENGTH, display_name, tidy, validate_has_letter

NAME_KEY_LENGTH = 400  # characters
LAST_CHARACTER = "\U0010ffff"  # stands behind every other one


class CustomerQuerySet(models.QuerySet["Customer"]):
    """Reads of customers. Each starts from `visible_to`."""

    def visible_to(self, person: StaffMember) -> "CustomerQuerySet":
        """The customers of the person's own account (A5)."""
        return self.filter(account_id=person.account_id)

    def named_from(self, beginning: str) -> "CustomerQuerySet":
        """Those whose name begins with this text, in any letter case: a range of the index by name."""
        beginning = beginning.casefold()
        return self.filter(name_key__gte=beginning, name_key__lt=beginning + LAST_CHARACTER) if beginning else self

    def with_domain_from(self, beginning: str) -> "CustomerQuerySet":
        """Those whose domain begins with this text, in any letter case."""
        beginning = beginning.lower()
        return self.filter(domain__gte=beginning, domain__lt=beginning + LAST_CHARACTER) if beginning else self


class Customer(models.Model):
    """One customer of one partner account, with its primary contact (C1)."""

    id = models.UUIDField(_("Microsoft ID"), primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(PartnerAccount, on_delete=models.PROTECT, related_name="customers", editable=False)
    company_name = models.CharField(_("Company name"), max_length=200, validators=[validate_has_letter])
    domain = models.CharField(
        _("Primary domain"),
        max_length=43,
        unique=True,
        validators=[validate_domain],
        error_messages={"unique": _("This domain is taken. Choose another one.")},
    )
    country = CountryField(_("Country/region"))
    address_line1 = models.CharField(_("Address line 1"), max_length=200)
    address_line2 = models.CharField(_("Address line 2"), max_length=200, blank=True)
    city = models.CharField(_("City"), max_length=100, blank=True)
    region = models.CharField(_("State/province"), max_length=100, blank=True)
    postal_code = models.CharField(_("Postal code"), max_length=20, blank=True)
    language = models.CharField(_("Language"), max_length=5, choices=list(LANGUAGES.items()))
    contact_first_name = models.CharField(_("First name"), max_length=NAME_LENGTH, validators=[validate_has_letter])
    contact_last_name = models.CharField(_("Last name"), max_length=NAME_LENGTH, validators=[validate_has_letter])
    contact_email = models.CharField(_("Email address"), max_length=254, validators=[MinLengthValidator(3), validate_email_address])
    contact_phone = models.CharField(_("Phone number"), max_length=20, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(StaffMember, on_delete=models.PROTECT, related_name="+", editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    name_key = models.CharField(max_length=NAME_KEY_LENGTH, editable=False)

    objects = CustomerQuerySet.as_manager()

    COMPANY_FIELDS = ("company_name", "country", "address_line1", "address_line2", "city", "region", "postal_code", "language")
    CONTACT_FIELDS = ("contact_first_name", "contact_last_name", "contact_email", "contact_phone")

    class Meta:
        """The list is in order of name: of `name_key`, the name without letter case, made by `clean`.

        The index by name also holds the domain, so that a search reads nothing else (`customers.search`). Migration 0002 adds the index of
        names' and domains' pieces on PostgreSQL, and has it compare both columns character by character, as SQLite does; 0003 adds that of
        SQLite, which `customers.kept` keeps.
        """

        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        default_permissions = ()
        constraints = (
            models.CheckConstraint(condition=Q(domain__endswith=DOMAIN_SUFFIX), name="customer_domain_is_onmicrosoft"),
            models.CheckConstraint(condition=~Q(company_name=""), name="customer_has_a_name"),
        )
        indexes = (models.Index(fields=["account", "name_key", "id", "domain"], name="customer_by_name"),)

    def __str__(self) -> str:
        return self.company_name

    @property
    def contact_name(self) -> str:
        """The primary contact's name as people read it."""
        return display_name(self.contact_first_name, self.contact_last_name)

    @property
    def domain_prefix(self) -> str:
        """What stands before .onmicrosoft.com."""
        return self.domain.removesuffix(DOMAIN_SUFFIX)

    def clean_fields(self, exclude: Any = None) -> None:
        """Tidy what was typed before the field rules look at it."""
        for name in (*self.COMPANY_FIELDS, *self.CONTACT_FIELDS):
            value = getattr(self, name)
            if isinstance(value, str):
                setattr(self, name, tidy(value))
        self.domain = self.domain.strip().lower()
        super().clean_fields(exclude=exclude)

    def clean(self) -> None:
        """The country's own rules for the address, the e-mail and phone forms (C1, R6), and the sort key."""
        super().clean()
        errors: dict[str, ValidationError] = {}
        rules = RULES.get(str(self.country))
        if self.country and rules is None:
            errors["country"] = ValidationError(_("Choose a country from the list."), code="country")
        if rules:
            if rules.regions:
                self.region = self.region.upper()
            errors |= self._address_errors(rules)
            self.postal_code = self.postal_code.upper()
        for name, normalize in (
            ("contact_email", normalized_email),
            ("contact_phone", lambda value: normalized_phone(value, str(self.country))),
        ):
            try:
                setattr(self, name, normalize(getattr(self, name)))
            except ValidationError as error:
                errors[name] = error
        if errors:
            raise ValidationError(errors)
        self.derive_keys()

    def derive_keys(self) -> None:
        """Make the sort key from the name."""
        # Without letter case some names grow up to threefold; the column does not.
        self.name_key = self.company_name.casefold()[:NAME_KEY_LENGTH]

    def _address_errors(self, rules: Any) -> dict[str, ValidationError]:
        errors = {}
        if rules.city_required and not self.city:
            errors["city"] = ValidationError(_("Enter the city."), code="required")
        if rules.region_required and not self.region:
            errors["region"] = ValidationError(_("Enter the state or province."), code="required")
        elif self.region and rules.regions and self.region not in rules.regions:
            errors["region"] = ValidationError(
                _("Use one of these: %(regions)s."), code="region", params={"regions": ", ".join(rules.regions)}
            )
        if not self.postal_code and rules.postal_required:
            errors["postal_code"] = ValidationError(_("Enter the postal code."), code="required")
        elif self.postal_code and not rules.postal_code_fits(self.postal_code):
            errors["postal_code"] = ValidationError(
                _("Enter a postal code of this country, such as %(example)s."), code="postal_code", params={"example": rules.postal_example}
            )
        return errors
