"""What makes a field of a person or a company right (C1, R6)? Used by the models; doors have no rules of their own."""

import re

import phonenumbers
from django.core.exceptions import ValidationError
from django.utils.functional import lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from email_validator import EmailNotValidError, validate_email

DOMAIN_SUFFIX = ".onmicrosoft.com"
DOMAIN_PREFIX_LENGTH = 27  # characters; Partner Center's limit
DOMAIN_SAID_WRONG = lazy(
    lambda: gettext("Use 1 to %(length)s letters and numbers, without spaces or signs.") % {"length": DOMAIN_PREFIX_LENGTH}, str
)()


def normalized_email(value: str) -> str:
    """`value` as email-validator normalises it, no DNS look-up (R6). Raises ValidationError."""
    try:
        return validate_email(value.strip(), check_deliverability=False, allow_smtputf8=False, allow_display_name=False).normalized
    except EmailNotValidError as error:
        raise ValidationError(_("Enter an email address in the form name@example.com."), code="invalid_email") from error


def validate_email_address(value: str) -> None:
    """The model's validator for e-mail addresses (R6)."""
    normalized_email(value)


def normalized_phone(value: str, country: str) -> str:
    """`value` as E.164: a valid number of `country` (ISO code), or an international one with + (R6); "" stays "". Or ValidationError."""
    value = value.strip()
    if not value:
        return ""
    try:
        number = phonenumbers.parse(value, country or None)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number) or number.extension:
        raise ValidationError(
            _("Enter a phone number of the customer’s country, or an international one that starts with +."), code="invalid_phone"
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def validate_domain(value: str) -> None:
    """`prefix.onmicrosoft.com`, the prefix 1 to 27 letters and digits that starts with a letter or digit (C1)."""
    if not re.fullmatch(rf"[a-z0-9]{{1,{DOMAIN_PREFIX_LENGTH}}}\.onmicrosoft\.com", value):
        raise ValidationError(DOMAIN_SAID_WRONG, code="invalid_domain")
