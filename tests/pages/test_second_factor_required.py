"""An account may require a second factor of everybody who works for it; a portal in production requires it of its operator."""

import re
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.conf import settings
from django.core import mail
from django.test import Client
from django.urls import get_resolver

from customers.models import Customer
from mca_portal.pages.middleware import SecondFactorMiddleware
from mca_portal.staff.errors import NotYourself, SecondFactorMissing
from mca_portal.staff.models import Action, Activity, StaffMember
from mca_portal.staff.roles import Role
from mca_portal.staff.services import create_token, require_second_factor, reset_second_factor
from tests.factories import PASSWORD, make_account, make_customer, make_staff, make_token

pytestmark = pytest.mark.django_db
SETUP = "/profile/security/"


@pytest.fixture(autouse=True)
def _slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A code may change while it is sent."""
    monkeypatch.setattr(settings, "MFA_TOTP_TOLERANCE", 1, raising=False)


@pytest.fixture
def admin() -> StaffMember:
    """An Admin agent with a second factor, whose account requires it."""
    person = make_staff(make_account(second_factor_required=True), email="admin@example.com")
    TOTP.activate(person, "JBSWY3DPEHPK3PXP")
    return person


@pytest.fixture
def kim(admin: StaffMember) -> StaffMember:
    """Their colleague, who has none."""
    return make_staff(admin.account, Role.SALES_AGENT, email="kim@example.com", first_name="Sora", last_name="Kim")


def signed_in(person: StaffMember) -> Client:
    client = Client()
    client.force_login(person)
    return client


def confirmed(person: StaffMember) -> Client:
    client = signed_in(person)
    assert client.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302
    return client


def set_up_app(client: Client) -> None:
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page = client.get("/accounts/authenticator-app/").content.decode()
    secret = re.search(r'id="secret" value="(\w+)"', page)
    assert secret
    code = format_hotp_value(hotp_value(secret[1], int(time.time()) // 30))
    assert client.post("/accounts/authenticator-app/", {"code": code})["Location"] == "/accounts/recovery-codes/"


@pytest.mark.parametrize("path", ["/", "/customers/", "/orders/", "/profile/", "/profile/tokens/", "/customers/new/"])
def test_whoever_has_none_is_led_to_setting_it_up(kim: StaffMember, path: str) -> None:
    answer = signed_in(kim).get(path)
    assert (answer.status_code, answer["Location"]) == (302, SETUP)


def test_the_way_is_explained_walked_and_leads_back(kim: StaffMember) -> None:
    client = signed_in(kim)
    page = client.get("/customers/?q=adatum", follow=True).content.decode()
    assert "Set up a second factor to go on." in page
    assert "Go on to where you were" not in page
    set_up_app(client)
    page = client.get(SETUP).content.decode()
    assert "Set up a second factor to go on." not in page
    assert 'href="/customers/?q=adatum"' in page
    assert client.get("/customers/?q=adatum").status_code == 200
    assert "Go on to where you were" not in client.get(SETUP).content.decode()


def test_nothing_that_they_typed_is_lost(admin: StaffMember, kim: StaffMember) -> None:
    customer = make_customer(admin, company_name="Adatum")
    path = f"/customers/{customer.pk}/edit/"
    client = signed_in(kim)
    assert client.post(path, {"company_name": "Adatum Corporation"})["Location"] == SETUP
    assert Customer.objects.get().company_name == "Adatum"
    client.get("/")
    set_up_app(client)
    assert f'href="{path}"' in client.get(SETUP).content.decode()
    assert "Adatum Corporation" in client.get(path).content.decode()


def test_htmx_opens_the_page_in_the_whole_window(kim: StaffMember) -> None:
    here = {"HX-Request": "true", "HX-Current-URL": "http://testserver/customers/?standing=due"}
    client = signed_in(kim)
    answer = client.get("/customers/?q=a", headers=here)
    assert (answer.status_code, answer["HX-Redirect"]) == (204, SETUP)
    assert client.session["go_on"] == "/customers/?standing=due"


def test_signing_out_language_appearance_and_health_stay_open(kim: StaffMember) -> None:
    client = signed_in(kim)
    assert client.get("/healthz").status_code == 200
    assert client.post("/preferences/theme/?next=/profile/security/", {"portal_theme": "dark"})["Location"] == SETUP
    assert client.post("/preferences/language/?next=/profile/security/", {"portal_language": "ko"})["Location"] == SETUP
    assert client.post("/accounts/logout/").status_code == 302
    assert "_auth_user_id" not in client.session


def test_what_stays_open_is_still_there() -> None:
    assert {name for name in get_resolver().reverse_dict if isinstance(name, str)} >= SecondFactorMiddleware.OPEN


def test_recovery_codes_alone_are_no_second_factor(kim: StaffMember) -> None:
    RecoveryCodes.activate(kim)
    assert signed_in(kim).get("/")["Location"] == SETUP


def test_whoever_removes_their_last_one_starts_anew(admin: StaffMember) -> None:
    client = confirmed(admin)
    assert client.get("/").status_code == 200
    client.post("/accounts/authenticator-app/remove/")
    assert client.get("/")["Location"] == SETUP


def test_other_accounts_are_not_asked() -> None:
    assert signed_in(make_staff()).get("/").status_code == 200


# API tokens: never more rights than their owner


def test_no_token_is_made_without_one(kim: StaffMember) -> None:
    with pytest.raises(SecondFactorMissing):
        create_token(by=kim, name="Script", days=30)


def test_a_token_of_before_stops_and_works_again_once_its_owner_has_one(kim: StaffMember) -> None:
    make_token(kim, "secret")
    api = Client(headers={"authorization": "Bearer secret"})
    refused = api.get("/v1/agreements?agreementType=*")
    assert refused.status_code == 403
    assert "second factor" in refused.json()["description"]
    TOTP.activate(kim, "JBSWY3DPEHPK3PXP")
    assert api.get("/v1/agreements?agreementType=*").status_code == 200


# The setting


def test_an_admin_agent_requires_it_after_giving_their_password(kim: StaffMember, admin: StaffMember) -> None:
    require_second_factor(by=admin, required=False)
    client = signed_in(admin)
    page = client.get("/staff/security/").content.decode()
    assert "kim@example.com" in page
    assert "admin@example.com" not in page[page.index("without-h") :]
    assert client.post("/staff/security/", {"second_factor_required": "on"})["Location"].startswith("/accounts/reauthenticate/")
    admin.account.refresh_from_db()
    assert not admin.account.second_factor_required
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert client.post("/staff/security/", {"second_factor_required": "on"})["Location"] == "/staff/security/"
    admin.account.refresh_from_db()
    assert admin.account.second_factor_required
    assert signed_in(kim).get("/")["Location"] == SETUP
    client.post("/staff/security/", {})
    admin.account.refresh_from_db()
    assert not admin.account.second_factor_required


def test_a_change_of_the_setting_is_logged_once(admin: StaffMember) -> None:
    for _time in range(2):
        require_second_factor(by=admin, required=False)
    entry = Activity.objects.get(action=Action.SECOND_FACTOR_REQUIRED)
    assert entry.changes == {"second_factor_required": [True, False]}


def test_the_list_of_staff_says_who_has_one(admin: StaffMember, kim: StaffMember) -> None:
    page = signed_in(admin).get("/staff/").content.decode()
    rows = {row: "Yes" in row for row in page.split('<tr role="row">') if "rowheader" in row}
    assert sorted((("admin@" in row), has) for row, has in rows.items()) == [(False, False), (True, True)]


# A lost one


def test_an_admin_agent_resets_what_a_colleague_lost(admin: StaffMember, kim: StaffMember) -> None:
    TOTP.activate(kim, "JBSWY3DPEHPK3PXP")
    RecoveryCodes.activate(kim)
    theirs = signed_in(kim)
    client = confirmed(admin)
    assert "Reset the second factor" in client.get(f"/staff/{kim.pk}/").content.decode()
    assert client.post(f"/staff/{kim.pk}/second-factor/reset/")["Location"] == f"/staff/{kim.pk}/"
    assert not Authenticator.objects.filter(user=kim).exists()
    assert theirs.get("/")["Location"].startswith("/accounts/login/"), "whoever found the phone is out, too"
    assert Activity.objects.get(action=Action.SECOND_FACTOR_RESET).actor == admin
    assert mail.outbox[-1].to == ["kim@example.com"]
    assert mail.outbox[-1].subject == "MCA portal: Second factor reset"
    assert "Reset the second factor" not in client.get(f"/staff/{kim.pk}/").content.decode()


def test_nobody_resets_their_own_nor_somebody_elses_elsewhere(admin: StaffMember) -> None:
    with pytest.raises(NotYourself):
        reset_second_factor(by=admin, member=admin)
    client = confirmed(admin)
    assert "Reset the second factor" not in client.get(f"/staff/{admin.pk}/").content.decode()
    client.post(f"/staff/{admin.pk}/second-factor/reset/")
    assert Authenticator.objects.filter(user=admin).exists()
    assert client.post(f"/staff/{make_staff().pk}/second-factor/reset/").status_code == 404


# The operator


@pytest.mark.parametrize("production", [False, True])
def test_in_production_the_operator_needs_one(monkeypatch: pytest.MonkeyPatch, production: bool) -> None:
    operator = StaffMember.objects.create(email="op@example.com", first_name="O", last_name="P", is_staff=True, is_superuser=True)
    monkeypatch.setattr(settings, "PRODUCTION", production)
    client = signed_in(operator)
    answer = client.get("/operator/")
    assert (answer.status_code, answer.get("Location")) == ((302, SETUP) if production else (200, None))
    assert client.get(SETUP).status_code == 200
    TOTP.activate(operator, "JBSWY3DPEHPK3PXP")
    assert client.get("/operator/").status_code == 200
