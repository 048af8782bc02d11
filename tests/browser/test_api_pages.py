"""The pages about the API: lines to copy, and every call to browse and to try, under the pages' own policy."""

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from mca_portal.staff.services import create_token
from tests.factories import make_customer


def test_lines_are_copied(page: Page, context: BrowserContext, agent: Any, go: Any, live_server: Any) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    go("/api/")
    page.get_by_role("button", name="Copy curl", exact=True).click()
    expect(page.locator("#curl").get_by_role("status")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f'curl -H "Authorization: Bearer $TOKEN" "{live_server.url}/v1/agreements')


@pytest.mark.parametrize("javascript", [False])
def test_without_scripts_the_lines_are_there_and_no_button_that_does_nothing(page: Page, agent: Any, go: Any) -> None:
    go("/api/")
    expect(page.locator("#java-code")).to_be_visible()
    expect(page.get_by_role("button", name="Copy Java SDK")).to_have_count(0)
    go("/api/reference/")
    expect(page.get_by_text("This page needs JavaScript")).to_be_visible()


@pytest.mark.parametrize(("language", "theme", "says"), [("en", "light", "Get a list of customers"), ("ko", "dark", "고객 목록 가져오기")])
def test_a_call_is_browsed_and_tried(page: Page, agent: Any, go: Any, axe: Any, t: Any, theme: str, says: str) -> None:
    agent.theme = theme
    agent.save()
    make_customer(agent, company_name="Alpine Ski House")
    _token, secret = create_token(by=agent, name="Try", days=1)
    go("/api/reference/")
    expect(page.locator("#operations-Orders-createOrder")).to_be_visible()
    axe(page)
    page.get_by_role("button", name=t("Authorize")).click()
    page.locator(".auth-container input").fill(secret)
    page.locator(".auth-btn-wrapper .authorize").click()
    axe(page)
    page.locator(".auth-btn-wrapper .btn-done").click()
    call = page.locator("#operations-Customers-listCustomers")
    expect(call).to_contain_text(says)
    call.locator(".opblock-summary-control").click()
    call.get_by_role("button", name=t("Try it out")).click()
    call.get_by_role("button", name=t("Execute")).click()
    expect(call.locator(".live-responses-table tr.response .response-col_status")).to_contain_text("200")
    expect(call.locator(".live-responses-table")).to_contain_text("Alpine Ski House")
    confirm = page.locator("#operations-Agreements-confirmAcceptance")
    confirm.locator(".opblock-summary-control").click()
    confirm.get_by_role("tab", name=t("Schema")).first.click()
    change = page.locator("#operations-Orders-updateSubscription")
    change.locator(".opblock-summary-control").click()
    change.get_by_role("button", name=t("Try it out")).click()
    expect(change.locator("textarea")).to_be_visible()
    axe(page)
