"""Every page in both languages: no violation that axe finds, nothing to scroll sideways on a telephone, keyboard first.

What the pages show is made once a language; then one tab walks them all, because most of a browser test is its start.
"""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from allauth.mfa.webauthn.internal.auth import WebAuthn
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from playwright.sync_api import Page, expect

from agreements.models import Acceptance, AgreementTemplate
from agreements.services import withdraw_acceptance
from mca_portal.settings import directory_app
from mca_portal.staff.models import Cloud, Environment, PartnerType
from mca_portal.staff.roles import NotAllowed, Permission, Role
from orders.models import Subscription
from tests.factories import PASSWORD, confirm, license_offer, make_account, make_customer, make_order, make_staff, publish, usage_offer

both_languages = pytest.mark.parametrize("language", ["en", "ko"])
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
OFFER = "Microsoft 365 Business Standard"
LONG_NAME = "Wingtip Toys and Everything Else That a Name Can Hold, Incorporated in Delaware, Co., Ltd."

# The window takes some frames to become narrow.
FITS = """async () => {
  for (let frame = 0; frame < 200; frame++) {
    if (innerWidth === 360 && document.documentElement.scrollWidth <= innerWidth) return true;
    await new Promise(requestAnimationFrame);
  }
  return false;
}"""
WIDEST = """[...document.querySelectorAll("#main *")].filter(e => e.getBoundingClientRect().right > innerWidth)
  .map(e => `${e.tagName}.${e.className} ${Math.round(e.getBoundingClientRect().right)}`).slice(0, 8)"""

Check = Callable[..., None]


@pytest.fixture
def check(page: Page, axe: Callable[[Page], None], go: Any) -> Check:
    """`check("/customers/")`: that page, or the present one, is well, on a laptop and on a telephone."""

    def well(path: str | None = None, *, status: int = 200, narrow: bool = True) -> None:
        if path is not None:
            response = go(path)
            assert response is not None
            assert response.status == status, path
        expect(page.locator("h1")).to_have_count(1)
        axe(page)
        if narrow:
            page.set_viewport_size(NARROW)
            assert page.evaluate(FITS), f"{page.url} is wider than a telephone: {page.evaluate(WIDEST)}"
            page.set_viewport_size(WIDE)

    return well


@both_languages
def test_the_pages_of_an_import_are_accessible_and_lead_from_the_file_to_the_records(page: Page, agent: Any, check: Check, t: Any) -> None:
    first, second = make_customer(agent, company_name=LONG_NAME), make_customer(agent, company_name="가온 물산")
    check("/customers/import/")
    rows = [
        f"{first.pk},Megan,Bowen,megan@customer.example,2026-01-15",
        f"{second.pk},,박,sumin@customer,2031-01-15",
        f"{'9' * 300},a,b,c,d",
    ]
    file = "\n".join(["customer_id,first_name,last_name,email,date_agreed", *rows])
    page.get_by_role("button", name=t("Next: preview")).click()
    expect(page.get_by_role("link", name=t("Choose the file."))).to_be_visible()
    check()
    page.get_by_label(t("CSV file")).set_input_files({"name": "confirmations.csv", "mimeType": "text/csv", "buffer": file.encode()})
    page.get_by_role("button", name=t("Next: preview")).click()
    check()
    page.get_by_role("link", name=t("All")).click()
    check()
    page.locator("#attest").check()
    page.locator("main form button[type=submit]").click()
    expect(page).to_have_url(re.compile("/result/$"))
    check()
    page.go_back()
    expect(page).to_have_url(re.compile("/result/$"))
    assert Acceptance.objects.get().customer == first


@both_languages
def test_pages_of_customers_are_accessible(page: Page, agent: Any, check: Check, t: Any) -> None:
    check("/customers/")
    never = make_customer(agent, company_name="Fourth Coffee")
    mistaken = make_customer(agent, company_name="가온 물산")
    withdraw_acceptance(by=agent, acceptance=confirm(agent, mistaken), reason="The wrong customer")
    due = make_customer(agent, company_name="Adatum")
    confirm(agent, due, phone="02-555-0142")
    newer = publish("2.0", required_in_days=30)
    confirmed = make_customer(agent, company_name=LONG_NAME)
    record = confirm(agent, confirmed)

    check("/customers/")
    check("/customers/?standing=not_confirmed", narrow=False)
    check("/customers/?q=nobody")
    for customer in (never, mistaken, due, confirmed):
        check(f"/customers/{customer.pk}/")
    check(f"/customers/{confirmed.pk}/edit/")
    check(f"/customers/{never.pk}/agreement/")
    page.get_by_role("button", name=t("Save and continue"), exact=True).click()
    expect(page.locator("#error-summary")).to_be_focused()
    check()
    check(f"/customers/{confirmed.pk}/agreement/{record.pk}/withdraw/")
    check("/agreement-versions/")
    check(f"/customers/{agent.pk}/", status=404)

    AgreementTemplate.objects.filter(pk=newer.pk).update(required_from=newer.published_on)
    check(f"/customers/{due.pk}/")


@both_languages
def test_pages_of_a_new_customer_are_accessible(page: Page, agent: Any, check: Check, t: Any, go: Any) -> None:
    go("/customers/new/")
    check()
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name=f"{t('Update')} {t('the person who accepted the agreement')}").click()
    expect(page.get_by_role("button", name=t("Use the primary contact"))).to_be_visible()
    check()
    page.get_by_role("button", name=t("Next"), exact=True).click()
    expect(page.locator("#error-summary")).to_be_focused()
    check()
    page.get_by_role("button", name=t("Use the primary contact")).click()
    for name, value in {
        "company_name": LONG_NAME,
        "domain_prefix": "wingtip",
        "address_line1": "152 Teheran-ro",
        "city": "Seoul",
        "postal_code": "06236",
        "contact_first_name": "Tania",
        "contact_last_name": "Carr",
        "contact_email": "tania.carr@wingtip.example",
        "mca-agreed_on": agent.account.local_today().isoformat(),
    }.items():
        page.locator(f"[name={name}]").fill(value)
    page.get_by_role("button", name=t("Next"), exact=True).click()
    check()
    page.get_by_role("button", name=f"{t('Add')} {OFFER}", exact=True).click()
    expect(page.locator("[name^=quantity]")).to_be_focused()
    page.locator("[name^=quantity]").fill("-1")
    page.get_by_role("button", name=t("Next"), exact=True).click()
    expect(page.locator("#error-summary")).to_be_focused()
    check()
    page.locator("[name^=quantity]").fill("25")
    page.get_by_role("button", name=t("Next"), exact=True).click()
    expect(page.get_by_role("button", name=t("Submit"), exact=True)).to_be_visible()
    check()
    page.get_by_role("button", name=t("Submit"), exact=True).click()
    expect(page.get_by_role("link", name=t("Open the customer"))).to_be_visible()
    check()


@both_languages
def test_pages_of_orders_and_subscriptions_are_accessible(page: Page, agent: Any, check: Check, t: Any) -> None:
    check("/orders/")
    customer = make_customer(agent, company_name="Wingtip Toys")
    check(f"/customers/{customer.pk}/orders/", narrow=False)
    check(f"/customers/{customer.pk}/subscriptions/")
    record = confirm(agent, customer)
    order = make_order(agent, customer, (license_offer(), 12), (usage_offer(), 1))
    subscription = Subscription.objects.get(order=order, offer=license_offer())
    check("/orders/")
    check(f"/orders/{order.pk}/")
    check(f"/customers/{customer.pk}/orders/", narrow=False)
    check(f"/customers/{customer.pk}/subscriptions/")
    check(f"/customers/{customer.pk}/subscriptions/{subscription.pk}/")
    withdraw_acceptance(by=agent, acceptance=record, reason="A mistake")
    check(f"/customers/{customer.pk}/subscriptions/")
    page.get_by_role("link", name=f"{t('Change')} {OFFER}").click()
    check()
    check(f"/customers/{customer.pk}/orders/new/")
    page.get_by_role("button", name=f"{t('Add')} {OFFER}", exact=True).click()
    expect(page.get_by_role("group", name=OFFER, exact=True)).to_be_visible()
    check()
    page.get_by_role("button", name=t("Next"), exact=True).click()
    check()
    page.get_by_role("button", name=t("Save and continue"), exact=True).click()
    expect(page.locator("#error-summary")).to_be_focused()
    check()
    confirm(agent, customer)
    page.reload()
    expect(page.get_by_role("button", name=t("Place order"), exact=True)).to_be_visible()
    check()


@both_languages
def test_the_other_pages_are_accessible(page: Page, agent: Any, check: Check, sign_in: Any, context: Any, language: str) -> None:
    check("/")
    confirm(agent, make_customer(agent))
    make_customer(agent)
    publish("2.0", required_in_days=30)
    colleague = make_staff(agent.account, Role.SALES_AGENT)
    check(f"/customers/{agent.account.customers.first().pk}/activity/")
    check("/activity/?since=2026-02-01&until=2026-01-01", status=422)
    check("/activity/?topic=exports")
    for path in (
        "/",
        "/activity/",
        "/staff/",
        "/staff/new/",
        f"/staff/{colleague.pk}/",
        "/profile/",
        "/api/",
        "/accounts/password/change/",
    ):
        check(path)
    context.clear_cookies()
    check("/accounts/login/")
    page.locator("[type=password]").fill("wrong")
    page.locator("form:has([type=password]) button[type=submit]").click()
    expect(page.locator("#error-summary")).to_be_focused()
    check()
    check("/accounts/password/reset/")

    sign_in(make_staff(agent.account, roles=(), language=language))
    check("/")
    check("/customers/", status=403)
    sign_in(make_staff(agent.account, Role.HELPDESK_AGENT, language=language))
    check("/", narrow=False)
    check("/staff/", status=403, narrow=False)


@both_languages
def test_pages_of_other_kinds_of_partners_are_accessible(agent: Any, check: Check, sign_in: Any, language: str) -> None:
    government = make_staff(make_account(cloud=Cloud.US_GOVERNMENT, environment=Environment.SANDBOX), language=language)
    customer = make_customer(government, company_name="Wingtip Toys")
    sign_in(government)
    for path in ("/", "/customers/", f"/customers/{customer.pk}/", f"/customers/{customer.pk}/subscriptions/", "/agreement-versions/"):
        check(path)

    provider = make_staff(make_account(partner_type=PartnerType.INDIRECT_PROVIDER), language=language)
    customer = make_customer(provider, company_name="Wingtip Toys")
    confirm(provider, customer)
    type(provider.account).objects.filter(pk=provider.account_id).update(partner_type=PartnerType.INDIRECT_RESELLER)
    sign_in(provider)
    for path in ("/", "/customers/", f"/customers/{customer.pk}/"):
        check(path)
    check(f"/customers/{customer.pk}/agreement/", status=403)
    check(f"/customers/{customer.pk}/orders/new/", status=403)


def test_the_main_pages_are_accessible_in_dark(page: Page, agent: Any, check: Check, t: Any, context: Any) -> None:
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    never = make_customer(agent, company_name="Fourth Coffee")
    due = make_customer(agent, company_name="Adatum")
    confirm(agent, due)
    order = make_order(agent, due)
    publish("2.0", required_in_days=30)
    for path in (
        "/",
        "/customers/",
        f"/customers/{never.pk}/",
        f"/customers/{due.pk}/",
        f"/customers/{due.pk}/subscriptions/",
        f"/orders/{order.pk}/",
        f"/customers/{due.pk}/orders/new/",
        "/staff/",
        "/staff/new/",
        "/agreement-versions/",
        "/activity/",
    ):
        check(path, narrow=False)
    check(f"/customers/{never.pk}/agreement/", narrow=False)
    page.get_by_role("button", name=t("Save and continue"), exact=True).click()
    expect(page.locator("#error-summary")).to_be_focused()
    check()
    context.clear_cookies()
    check("/accounts/login/", narrow=False)


def test_the_keyboard_comes_to_the_content_by_the_skip_link_first(page: Page, agent: Any, go: Any, t: Any) -> None:
    go("/customers/")
    page.keyboard.press("Tab")
    first = page.locator(":focus")
    expect(first).to_have_text(t("Skip to main content"))
    expect(first).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_every_link_of_the_error_summary_leads_to_its_field(page: Page, agent: Any, go: Any, t: Any) -> None:
    go("/customers/new/")
    page.get_by_role("button", name=t("Next"), exact=True).click()
    links = page.locator("#error-summary").get_by_role("link")
    expect(page.locator("#error-summary")).to_be_focused()
    targets = links.evaluate_all("links => links.map(link => link.hash)")
    assert len(targets) >= 5
    for target in targets:
        expect(page.locator(target)).to_have_attribute("aria-invalid", "true")


def test_the_confirmation_opens_in_place_and_back_closes_it(page: Page, agent: Any, go: Any, t: Any) -> None:
    customer = make_customer(agent, company_name="Fourth Coffee")
    go(f"/customers/{customer.pk}/")
    update = page.get_by_role("link", name=f"{t('Update')} {t('Microsoft customer agreement')}")
    update.click()
    expect(page.get_by_role("heading", name=t("Microsoft customer agreement"))).to_be_focused()
    assert page.url.endswith("/agreement/")
    page.go_back()
    expect(update).to_be_visible()
    expect(page.locator("html")).to_have_count(1)
    assert not Acceptance.objects.exists()


@both_languages
def test_pages_of_signing_in_are_accessible(page: Page, agent: Any, check: Check, t: Any, go: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "MFA_TOTP_TOLERANCE", 1, raising=False)  # a code may change while the test types it
    monkeypatch.setattr(settings, "SINGLE_SIGN_ON_NAME", "Microsoft")
    ours = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]
    apps = [directory_app("http://127.0.0.1:9", "portal", "secret")]
    monkeypatch.setattr(settings, "SOCIALACCOUNT_PROVIDERS", {"openid_connect": ours | {"APPS": apps}})
    colleague = make_staff(agent.account, Role.SALES_AGENT)
    TOTP.activate(colleague, "JBSWY3DPEHPK3PXP")
    check("/profile/security/")
    check("/staff/security/")
    check(f"/staff/{colleague.pk}/")
    go("/accounts/authenticator-app/")
    check()
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name=t("Go on"), exact=True).click()
    secret = page.locator("#secret").input_value()
    check()
    page.locator("[name=code]").fill("000000")
    page.get_by_role("button", name=t("Set up"), exact=True).click()
    expect(page.locator("#error-summary")).to_be_focused()
    check()
    page.locator("[name=code]").fill(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))
    page.get_by_role("button", name=t("Set up"), exact=True).click()
    expect(page.locator(".mp-codes")).to_be_visible()
    check()
    check("/accounts/recovery-codes/new/")
    check("/accounts/authenticator-app/remove/")
    check("/accounts/passkeys/add/")
    passkey = WebAuthn.add(agent, "Laptop", {}).instance
    check("/profile/security/")
    check(f"/accounts/passkeys/{passkey.pk}/")
    check(f"/accounts/passkeys/{passkey.pk}/remove/")
    passkey.delete()
    check("/accounts/reauthenticate/code/")
    check("/accounts/password/change/", narrow=False)
    go("/accounts/logout/")
    page.locator("main button[type=submit]").click()
    check("/accounts/login/")
    page.locator("[name=login]").fill(agent.email)
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name=t("Sign in"), exact=True).click()
    check()
    page.locator("[name=code]").fill("000000")
    page.get_by_role("button", name=t("Sign in"), exact=True).click()
    expect(page.locator("#error-summary")).to_be_focused()
    check()
    check("/accounts/single-sign-on/callback/", status=403)


def fails(error: Exception) -> Callable[..., None]:
    """A function that only raises."""

    def fail(*_args: Any, **_kwargs: Any) -> None:
        raise error

    return fail


@both_languages
def test_pages_that_say_what_went_wrong_are_accessible(
    page: Page, agent: Any, check: Check, go: Any, context: Any, complaints: Any, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {"en": Environment.PRODUCTION, "ko": Environment.SANDBOX}[language]
    type(agent.account).objects.filter(pk=agent.account_id).update(environment=environment)
    for path, status in (("/nowhere/", 404), ("/?q=%00", 400), ("/preferences/theme/", 405)):
        check(path, status=status)
    with monkeypatch.context() as broken:
        for error, status in (
            (PermissionDenied(), 403),
            (NotAllowed(Permission.MANAGE_STAFF), 403),
            (ZeroDivisionError(), 500),
            (OperationalError(), 503),
        ):
            broken.setattr("mca_portal.pages.home.render", fails(error))
            check("/", status=status)
            expect(page.locator(f"[data-env={environment}]")).to_be_visible()
        go("/profile/")
        broken.setattr("mca_portal.pages.profile.set_preferences", fails(OperationalError()))
        page.locator("main form button[type=submit]").click()
        check()
        expect(page.locator("main form [name=first_name]")).to_be_attached()
    complaints.clear()
    for _attempt in range(6):
        go("/accounts/password/change/")
        page.locator("main button[type=submit]").click()
    expect(page.locator(".mp-sign")).to_be_visible()
    check()
    go("/accounts/password/reset/")
    context.clear_cookies(name="csrftoken")
    page.locator("main button[type=submit]").click()
    expect(page.locator("main form")).to_have_count(0)
    check()


@both_languages
def test_the_page_that_asks_for_a_second_factor_is_accessible(page: Page, agent: Any, check: Check, t: Any, go: Any) -> None:
    agent.account.second_factor_required = True
    agent.account.save()
    go("/customers/")
    expect(page.get_by_text(t("Set up a second factor to go on."))).to_be_visible()
    check()


def test_what_is_typed_before_the_scripts_have_come_is_looked_up_when_they_are_there(page: Page, agent: Any, live_server: Any) -> None:
    for name in ("Fourth Coffee", "Wingtip Toys"):
        make_customer(agent, company_name=name)
    held: list[Any] = []
    page.route("**/htmx-2*.js", lambda route: held.append(route))
    page.goto(f"{live_server.url}/customers/", wait_until="commit")
    page.locator("#q").fill("wing")
    expect(page.locator("#rows tbody tr")).to_have_count(2)
    held[0].continue_()
    expect(page.locator("#rows tbody tr")).to_have_count(1)


def test_the_microsoft_id_can_be_copied(page: Page, agent: Any, go: Any, context: Any, t: Any) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    customer = make_customer(agent)
    go(f"/customers/{customer.pk}/")
    page.get_by_role("button", name=f"{t('Copy')} Microsoft ID").click()
    expect(page.get_by_text(t("Copied"), exact=True)).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == str(customer.pk)
