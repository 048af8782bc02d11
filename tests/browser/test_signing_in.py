"""Signing in through Chromium: with an authenticator app, a passkey (Chromium's virtual authenticator), the company's directory."""

import copy
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.conf import settings
from playwright.sync_api import BrowserContext, Page, expect

from mca_portal.settings import directory_app
from mca_portal.staff.models import StaffMember
from tests.directory import CLIENT_ID, CLIENT_SECRET, running_directory
from tests.factories import PASSWORD, make_account, make_staff


@pytest.fixture(autouse=True)
def _slow_hands(monkeypatch: pytest.MonkeyPatch) -> None:
    """A code may change while the test types it."""
    monkeypatch.setattr(settings, "MFA_TOTP_TOLERANCE", 1, raising=False)


@pytest.fixture
def kim(live_server: Any) -> StaffMember:
    return make_staff(make_account(name="Contoso"), email="kim@contoso.example", first_name="Sora", last_name="Kim")


@pytest.fixture
def virtual_authenticator(context: BrowserContext, page: Page) -> None:
    """A device of the person's that asks for their finger and gets it at once."""
    devices = context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "automaticPresenceSimulation": True}
    able = {"hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True}
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": options | able})


def type_password(page: Page) -> None:
    page.get_by_label("Work email address").fill("kim@contoso.example")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def confirm_it_is_you(page: Page) -> None:
    expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()


def code_now(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def sign_out(page: Page, go: Callable[[str], Any]) -> None:
    go("/accounts/logout/")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    go("/accounts/login/")


@pytest.mark.parametrize("javascript", [True, False])
def test_an_authenticator_app_is_set_up_and_asked_for(page: Page, go: Callable[[str], Any], kim: StaffMember) -> None:
    go("/profile/security/")
    type_password(page)
    page.get_by_role("link", name="Set up an authenticator app").click()
    confirm_it_is_you(page)
    expect(page.get_by_alt_text("QR code that holds the key below")).to_be_visible()
    secret = page.get_by_label("Key").input_value()
    page.get_by_label("Code", exact=True).fill(code_now(secret))
    page.get_by_role("button", name="Set up").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    spare = page.locator(".mp-codes li").first.inner_text()
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_text("10 are left")).to_be_visible()
    sign_out(page, go)
    type_password(page)
    page.get_by_label("Code", exact=True).fill("000000")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#error-summary")).to_be_visible()
    page.get_by_label("Code", exact=True).fill(spare)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("navigation", name="Main")).to_be_attached()


@pytest.mark.usefixtures("virtual_authenticator")
def test_a_passkey_is_added_and_signs_in_alone(page: Page, go: Callable[[str], Any], kim: StaffMember) -> None:
    go("/profile/security/")
    type_password(page)
    page.get_by_role("link", name="Add a passkey").click()
    confirm_it_is_you(page)
    page.get_by_label("Name").fill("Work laptop")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    go("/profile/security/")
    expect(page.get_by_text("Work laptop, added")).to_be_visible()
    sign_out(page, go)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("navigation", name="Main")).to_be_attached()
    go("/profile/security/")
    expect(page.get_by_text("Work laptop, last used")).to_be_visible()
    expect(page.get_by_text("This browser")).to_be_visible()


@pytest.mark.usefixtures("virtual_authenticator")
def test_a_passkey_is_a_second_factor_and_confirms_that_it_is_you(page: Page, go: Callable[[str], Any], kim: StaffMember) -> None:
    go("/accounts/passkeys/add/")
    type_password(page)
    confirm_it_is_you(page)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    sign_out(page, go)
    type_password(page)
    page.get_by_role("button", name="Use a passkey or security key").click()
    expect(page.get_by_role("navigation", name="Main")).to_be_attached()
    go("/accounts/recovery-codes/")
    page.get_by_role("link", name="Use a passkey or security key").click()
    page.get_by_role("button", name="Use a passkey or security key").click()
    expect(page.get_by_text("10 of 10 are left.")).to_be_visible()


@pytest.mark.usefixtures("virtual_authenticator")
def test_a_passkey_that_there_is_not_is_said_kindly(page: Page, go: Callable[[str], Any], live_server: Any) -> None:
    go("/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator("#passkey-problem")).to_be_visible()
    expect(page.locator("#passkey-problem")).to_be_focused()


@pytest.mark.parametrize("javascript", [False])
def test_without_scripts_no_button_promises_a_passkey(page: Page, go: Callable[[str], Any], kim: StaffMember) -> None:
    go("/accounts/login/")
    expect(page.locator("#passkey")).to_be_hidden()
    go("/accounts/passkeys/add/")
    type_password(page)
    confirm_it_is_you(page)
    expect(page.locator("#passkey")).to_be_hidden()
    assert "scripts are off" in page.content()  # inside <noscript>, which this way of switching scripts off does not show


@pytest.mark.usefixtures("virtual_authenticator")
def test_where_a_second_factor_is_required_the_way_leads_through_setting_it_up(
    page: Page, go: Callable[[str], Any], kim: StaffMember
) -> None:
    kim.account.second_factor_required = True
    kim.account.save()
    go("/customers/?q=adatum")
    type_password(page)
    expect(page.get_by_text("Set up a second factor to go on.")).to_be_visible()
    page.get_by_role("link", name="Customers").first.click()
    expect(page.get_by_text("Set up a second factor to go on.")).to_be_visible()
    go("/customers/?q=adatum")
    page.get_by_role("link", name="Add a passkey").click()
    confirm_it_is_you(page)
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("link", name="Done").click()
    page.get_by_role("link", name="Go on to where you were").click()
    expect(page).to_have_url(re.compile(r"/customers/\?q=adatum$"))
    assert Authenticator.objects.filter(user=kim, type=Authenticator.Type.WEBAUTHN).exists()


def test_the_companys_directory_signs_in(page: Page, go: Callable[[str], Any], kim: StaffMember, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_directory() as directory:
        person = {"tid": str(kim.account_id), "oid": "5c0ee1c6-7b8e-4d2f-9a51-000000000001", "name": "Minji Lee", "roles": ["sales_agent"]}
        directory.claims = person | {"email": "minji@contoso.example", "email_verified": True}
        ours = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]
        apps = [directory_app(directory.address, CLIENT_ID, CLIENT_SECRET)]
        monkeypatch.setattr(settings, "SOCIALACCOUNT_PROVIDERS", {"openid_connect": ours | {"APPS": apps}})
        monkeypatch.setattr(settings, "SINGLE_SIGN_ON_NAME", "Microsoft")
        policy = copy.deepcopy(settings.CONTENT_SECURITY_POLICY)
        policy["DIRECTIVES"]["form-action"].append(directory.address)
        monkeypatch.setattr(settings, "CONTENT_SECURITY_POLICY", policy)
        go("/orders/")
        page.get_by_role("button", name="Sign in with Microsoft").click()
        expect(page.get_by_role("heading", name="Orders", level=1)).to_be_visible()
        expect(page.get_by_text("Minji Lee").first).to_be_attached()


@pytest.mark.parametrize("javascript", [True, False])
def test_the_address_that_was_typed_is_there_in_the_other_language_and_enter_signs_in(
    page: Page, go: Callable[[str], Any], kim: Any
) -> None:
    go("/accounts/login/?next=/orders/")
    page.get_by_label("Work email address").fill(kim.email)
    page.get_by_label("Password", exact=True).fill("half a pass")
    page.get_by_role("button", name="한국어").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("로그인")
    expect(page.locator("[name=login]")).to_have_value(kim.email)
    expect(page.locator("[name=password]")).to_have_value("")
    page.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/orders/$"))
