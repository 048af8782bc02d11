"""Going back in the browser after a mistake: a mended one is not blamed again, and one that is not mended yet keeps what was typed."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from agreements.services import withdraw_acceptance
from tests.factories import confirm, make_customer, make_subscription


@pytest.fixture
def fill(page: Page) -> Callable[..., None]:
    """`fill(email=...)`: fill in the acceptance and save it."""

    def fill_and_save(agent: Any, **instead: str) -> None:
        day = agent.account.local_today().isoformat()
        said = {"first_name": "Tania", "last_name": "Carr", "email": "tania.carr@wingtip.example", "agreed_on": day} | instead
        for name, value in said.items():
            page.locator(f"[name=mca-{name}]").fill(value)
        page.get_by_role("button", name="Save and continue", exact=True).click()

    return fill_and_save


def test_a_mended_confirmation_is_not_blamed_again(page: Page, agent: Any, go: Any, fill: Any) -> None:
    customer = make_customer(agent, company_name="Fourth Coffee")
    go(f"/customers/{customer.pk}/agreement/")
    fill(agent, email="nobody")
    expect(page.locator("#error-summary")).to_be_focused()
    fill(agent, first_name="")
    expect(page.locator("#error-summary")).to_be_focused()
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Customers").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Customers")
    page.wait_for_load_state("domcontentloaded")  # the scripts of the page have run
    page.go_back()
    expect(page.locator("#error-summary")).to_be_visible()
    expect(page.locator("[name=mca-last_name]")).to_have_value("Carr")
    fill(agent)
    expect(page.get_by_text("Recorded: Tania Carr accepted")).to_be_visible()
    page.wait_for_load_state("domcontentloaded")  # the scripts of the page have run
    page.go_back()
    expect(page.locator("#error-summary")).to_have_count(0)
    expect(page.locator(".mp-title")).to_contain_text("Confirmed")
    expect(page.locator("[name=mca-email]")).to_have_value("")


def test_after_a_mended_license_prompt_back_leads_to_the_subscriptions(page: Page, agent: Any, go: Any, fill: Any) -> None:
    customer = make_customer(agent, company_name="Fourth Coffee")
    record = confirm(agent, customer)
    make_subscription(agent, customer, quantity=12)
    withdraw_acceptance(by=agent, acceptance=record, reason="A mistake")
    go(f"/customers/{customer.pk}/subscriptions/")
    page.get_by_role("link", name="Change Microsoft 365 Business Standard").click()
    page.locator("[name=quantity]").fill("40")
    fill(agent, email="nobody")
    expect(page.locator("#error-summary")).to_be_focused()
    page.locator("[name=mca-email]").fill("tania.carr@wingtip.example")
    page.get_by_role("button", name="Save and continue", exact=True).click()
    expect(page.get_by_text("(was 12)")).to_be_visible()
    page.wait_for_load_state("domcontentloaded")  # the scripts of the page have run
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Fourth Coffee")
    expect(page.locator("#error-summary")).to_have_count(0)
    expect(page.locator("[name=quantity]")).to_have_value("40")
