"""How a value is written for people: in the language and the time zone that are active for the request.

The functions give plain text, for messages and exports; the template filters of the same names wrap it in markup.
"""

from datetime import date, datetime

import phonenumbers
from django.utils import formats, timezone
from django_countries import countries


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


def country(code: str) -> str:
    """The name of a country or region in the active language; the code itself if no name is known."""
    return str(countries.name(code) or code)
