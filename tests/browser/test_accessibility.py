"""Every page in both languages: no violation that axe finds, nothing that needs sideways scrolling on a telephone, keyboard first.

What a page holds is made once a language; then one tab walks them all, because most of a browser test is its start.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from agreements.models import Acceptance
from agreements.services import withdraw_acceptance
from mca_portal.staff.models import Cloud, PartnerType
from mca_portal.staff.roles import Role
from tests.factories import confirm, license_offer, make_account, make_customer, make_order, make_staff, publish, usage_offer

both_languages = pytest.mark.parametrize("language", ["en", "ko"])
NARROW = {"width": 360, "height": 740}
WIDE = {"width": 1280, "height": 900}

SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def check(page: Page, axe: Callable[[Page], None], go: Any) -> Callable[..., None]:
    """`check("/customers/")`: the page, or the present one, is well at 1280 and at 360 pixels."""

    def well(path: str | None = None, *, status: int = 200) -> None:
        if path is not None:
            response = go(path)
            assert response is not None
            assert response.status == status, path
        axe(page)
        page.set_viewport_size(NARROW)
        assert page.evaluate(SIDEWAYS) <= 0, f"{page.url} is wider than a telephone"
        axe(page)
        page.set_viewport_size(WIDE)

    return well


def world(agent: Any) -> dict[str, Any]:
    """A customer in each standing, with orders, and a newer version ahead."""
    old = make_customer(agent, company_name="Adatum")
    make_customer(agent, company_name="Fourth Coffee")
    withdrawn = make_customer(agent, company_name="가온 물산")
    mistake = confirm(agent, withdrawn)
    withdraw_acceptance(by=agent, acceptance=mistake, reason="The wrong customer")
    confirm(agent, old)
    order = make_order(agent, old, (license_offer(), 12), (usage_offer(), 1))
    publish("2.0", required_in_days=30)
    new = make_customer(agent, company_name="Wingtip Toys with a name that is as long as names of companies sometimes happen to be, Co., Ltd.")
    confirm(agent, new)
    return {"due": old, "confirmed": new, "withdrawn": withdrawn, "order": order, "acceptance": Acceptance.objects.filter(customer=new).get()}
