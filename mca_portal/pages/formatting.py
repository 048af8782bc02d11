"""How a value is written for people: in the language and the time zone that are active for the request.

The functions give plain text, for messages and exports; the template filters of the same names wrap it in markup.
"""

from datetime import date, datetime, timedelta
from functools import lru_cache

import phonenumbers
from django.utils import formats, timezone
from django.utils.timesince import timesince
from django.utils.translation import get_language, gettext
from django_countries import countries

from customers.models import Customer
from mca_portal.staff.names import has_hangul


def day(value: date | None) -> str:
    """A calendar day, as `20 Nov 2026` or `2026년 11월 20일`; of a moment, the day in the active time zone; empty for None."""
    if value is None:
        return ""
    if isinstance(value, datetime) and timezone.is_aware(value):
        value = timezone.localtime(value)
    return formats.date_format(value, "DATE_FORMAT")


def moment(value: datetime | None) -> str:
    """A moment in the active time zone, to the minute, as `20 Nov 2026 01:47`; empty for None."""
    return formats.date_format(timezone.localtime(value), "DATETIME_FORMAT") if value else ""


def phone(value: object) -> str:
    """A phone number as it is written internationally (`+82 2 555 0142`); what is not a number stays as it is."""
    text = str(value or "")
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return text
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def address(customer: Customer) -> list[str]:
    """A postal address line by line; one in Hangul from the large to the small, as it is written in Korea."""
    land, c = country(customer.country.code), customer
    if has_hangul(c.address_line1):
        lines = [land, " ".join(filter(None, [c.region, c.city, c.address_line1])), c.address_line2, c.postal_code]
    else:
        lines = [c.address_line1, c.address_line2, " ".join(filter(None, [c.city, c.region, c.postal_code])), land]
    return [line for line in lines if line]


def country(code: str) -> str:
    """The name of a country or region in the active language; the code itself if no name is known."""
    return _country_in(code, get_language())


@lru_cache(maxsize=1000)  # some 250 in both languages: a list shows thirty
def _country_in(code: str, _language: str | None) -> str:
    return str(countries.name(code) or code)


def ago(value: datetime) -> str:
    """How long ago a moment was, in its largest unit, as `3 hours ago`."""
    if timezone.now() - value < timedelta(minutes=1):
        return gettext("just now")
    return gettext("%(time)s ago") % {"time": timesince(value, depth=1)}
