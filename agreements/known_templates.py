"""The two agreement templates that are known today (V2): Partner Center's own template ids and dates."""

import datetime as dt
import uuid
from typing import Any

from django.utils.translation import gettext_noop

CLOUD_AGREEMENT = uuid.UUID("998b88de-aa99-4388-a42c-1b3517d49490")
CUSTOMER_AGREEMENT = uuid.UUID("117a77b0-9360-443b-8795-c6dedc750cf9")

KNOWN_TEMPLATES = (
    {
        "id": CLOUD_AGREEMENT,
        "agreement_type": "MicrosoftCloudAgreement",
        "name": gettext_noop("first version"),
        "version_rank": 1,
        "link": "https://docs.microsoft.com/en-us/partner-center/agreements",
        # The day the programme began: before the Customer Agreement this was the one to accept.
        "published_on": dt.date(2014, 1, 1),
        "required_from": dt.date(2014, 1, 1),
    },
    {
        "id": CUSTOMER_AGREEMENT,
        "agreement_type": "MicrosoftCustomerAgreement",
        "name": "October 2019",
        "version_rank": 2,
        "link": "https://aka.ms/customeragreement",
        "published_on": dt.date(2019, 10, 1),
        "required_from": dt.date(2020, 1, 31),
    },
)


def load(templates: Any) -> None:
    """Add what is missing; `templates` is the model (in a migration: as it was then)."""
    for row in KNOWN_TEMPLATES:
        templates.objects.get_or_create(id=row["id"], defaults=row)
