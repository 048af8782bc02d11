"""The catalogue that a new installation starts with: real Microsoft offers by name, unit and bounds (F5).

Ids that Partner Center's documentation shows are its own; the others are derived from the name, the same in every installation.
"""

import uuid
from typing import Any

from django.utils.translation import gettext_noop

_NAMESPACE = uuid.UUID("6b1a3a0e-58c8-5c7e-9d55-3a5e0f1c2d4b")
_KNOWN_IDS = {"Microsoft 365 E5": "8bdbb60b-e526-43e9-92ef-ab760c8e0b72"}

_LICENSES = {
    gettext_noop("Business"): [
        ("Microsoft 365 Business Basic", 300),
        ("Microsoft 365 Business Standard", 300),
        ("Microsoft 365 Business Premium", 300),
        ("Microsoft 365 Apps for business", 300),
        ("Microsoft Defender for Business", 300),
        ("Microsoft Teams Essentials", 300),
    ],
    gettext_noop("Enterprise"): [
        ("Microsoft 365 E3", 10_000_000),
        ("Microsoft 365 E5", 10_000_000),
        ("Microsoft 365 F1", 10_000_000),
        ("Microsoft 365 F3", 10_000_000),
        ("Microsoft 365 Apps for enterprise", 10_000_000),
        ("Microsoft 365 Copilot", 10_000_000),
        ("Office 365 E1", 10_000_000),
        ("Office 365 E3", 10_000_000),
        ("Office 365 E5", 10_000_000),
        ("Exchange Online (Plan 1)", 10_000_000),
        ("Exchange Online (Plan 2)", 10_000_000),
        ("Exchange Online Archiving", 10_000_000),
        ("SharePoint Online (Plan 1)", 10_000_000),
        ("SharePoint Online (Plan 2)", 10_000_000),
        ("Project Plan 3", 10_000_000),
        ("Visio Plan 2", 10_000_000),
        ("Power BI Pro", 10_000_000),
        ("Power BI Premium Per User", 10_000_000),
        ("Teams Phone Standard", 10_000_000),
        ("Windows 365 Enterprise 2 vCPU, 8 GB, 128 GB", 10_000_000),
    ],
    gettext_noop("Security"): [
        ("Enterprise Mobility + Security E3", 10_000_000),
        ("Enterprise Mobility + Security E5", 10_000_000),
        ("Microsoft Entra ID P1", 10_000_000),
        ("Microsoft Entra ID P2", 10_000_000),
        ("Microsoft Intune Plan 1", 10_000_000),
        ("Microsoft Defender for Office 365 (Plan 1)", 10_000_000),
    ],
    "Dynamics 365": [
        ("Dynamics 365 Sales Professional", 100_000),
        ("Dynamics 365 Customer Service Enterprise", 100_000),
        ("Dynamics 365 Business Central Essentials", 100_000),
    ],
}
_USAGE = ["Microsoft Azure", "Azure plan", "Azure Reserved VM usage (overage)"]
_NO_LONGER_SOLD = ["Microsoft Kaizala Pro", "Skype for Business Online (Plan 2)"]

CATEGORIES = (*_LICENSES, "Azure")  # in the order in which they are shown; an operator's own come after them, by name


def _offer(name: str, category: str, billing: str, maximum: int, *, sold: bool = True) -> dict[str, object]:
    return {
        "id": uuid.UUID(_KNOWN_IDS[name]) if name in _KNOWN_IDS else uuid.uuid5(_NAMESPACE, name),
        "name": name,
        "category": category,
        "unit_type": "Licenses" if billing == "license" else "Usage-based",
        "billing": billing,
        "minimum_quantity": 1,
        "maximum_quantity": maximum,
        "is_sold": sold,
    }


CATALOGUE = [
    *(_offer(name, category, "license", most) for category, rows in _LICENSES.items() for name, most in rows),
    *(_offer(name, "Azure", "usage", 1) for name in _USAGE),
    *(_offer(name, "Enterprise", "license", 10_000_000, sold=False) for name in _NO_LONGER_SOLD),
]


def load(offers: Any) -> None:
    """Add what is missing; `offers` is the model (in a migration: as it was then)."""
    for row in CATALOGUE:
        offers.objects.get_or_create(id=row["id"], defaults=row)
