"""What outlives a session left open asks for the password once more, and does what was asked when it is given."""

import re
import time

import pytest
import time_machine
from django.test import Client

from mca_portal.staff.models import ApiToken, Application, StaffMember
from mca_portal.staff.roles import Role
from tests.factories import PASSWORD, make_application, make_staff

pytestmark = pytest.mark.django_db
NEW_MEMBER = {"first_name": "Dana", "last_name": "Reed", "email": "dana.reed@partner.example", "roles": ["sales_agent"]}


@pytest.fixture
def admin() -> StaffMember:
    return make_staff()


@pytest.fixture
def client(admin: StaffMember) -> Client:
    """Signed in a while ago."""
    browser = Client()
    browser.force_login(admin)
    return browser


def asks(client: Client, address: str, typed: dict) -> str:
    """The page that a form leads to; it asks for the password."""
    answer = client.post(address, typed)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/reauthenticate/?next="), answer["Location"]
    return answer["Location"]


def answered(client: Client, page: str, password: str = PASSWORD):
    """The answer to the page as it is in a browser, its hidden field with it."""
    shown = client.get(page).content.decode()
    back = re.search(r'name="next" value="([^"]+)"', shown)
    assert back
    return client.post("/accounts/reauthenticate/", {"password": password, "next": back[1]})


def test_a_token_is_made_after_the_password_as_it_was_typed(client: Client, admin: StaffMember) -> None:
    page = asks(client, "/profile/tokens/", {"name": "Nightly <b>", "days": "90"})
    assert not ApiToken.objects.exists()
    wrong = answered(client, page, "wrong")
    assert wrong.status_code == 422
    assert not ApiToken.objects.exists()
    made = client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": "/profile/tokens/"})
    assert made["Cache-Control"] == "no-store"
    assert "Copy it now" in made.content.decode()
    assert (ApiToken.objects.get().name, ApiToken.objects.get().owner) == ("Nightly <b>", admin)
    again = client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": "/profile/tokens/"})
    assert again.status_code == 302, "reloading makes no second one"
    assert ApiToken.objects.count() == 1


def test_a_mistake_is_said_before_the_password_is_asked_for(client: Client) -> None:
    assert client.post("/profile/tokens/", {"name": "", "days": "90"}).status_code == 422


def test_within_five_minutes_it_is_not_asked_again(client: Client) -> None:
    answered(client, asks(client, "/profile/tokens/", {"name": "One", "days": "90"}))
    assert client.post("/profile/tokens/", {"name": "Two", "days": "90"}).status_code == 200
    with time_machine.travel(time.time() + 301):
        asks(client, "/profile/tokens/", {"name": "Three", "days": "90"})


def test_the_form_of_one_page_is_not_sent_by_the_password_for_another(client: Client) -> None:
    asks(client, "/profile/tokens/", {"name": "One", "days": "90"})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": "/profile/"})
    assert not ApiToken.objects.exists()


def test_an_application_is_registered_and_changed_after_the_password(client: Client, admin: StaffMember) -> None:
    made = answered(client, asks(client, "/applications/new/", {"name": "Nightly", "kind": "service"}))
    assert Application.objects.get().client.name == "Nightly"
    assert 'id="secret"' in made.content.decode()


@pytest.mark.parametrize("typed", [{"action": "secret"}, {"action": "enable"}, {"name": "Other", "redirect_uris": "https://evil.example/"}])
def test_whoever_finds_a_session_open_gets_nothing_of_an_application(client: Client, admin: StaffMember, typed: dict[str, str]) -> None:
    application, secret = make_application(admin)
    asks(client, f"/applications/{application.pk}/", typed)
    application.client.refresh_from_db()
    assert application.client.check_secret(secret)


def test_an_application_is_switched_off_at_once(client: Client, admin: StaffMember) -> None:
    application, _secret = make_application(admin)
    assert client.post(f"/applications/{application.pk}/", {"action": "disable"})["Location"] == f"/applications/{application.pk}/"


def test_somebody_new_is_added_after_the_password(client: Client) -> None:
    added = answered(client, asks(client, "/staff/new/", NEW_MEMBER))
    member = StaffMember.objects.get(email="dana.reed@partner.example")
    assert added["Location"] == f"/staff/{member.pk}/"
    assert 'id="link"' in client.get(added["Location"]).content.decode()


def test_other_roles_and_a_link_for_a_password_ask_for_it_and_another_name_does_not(client: Client, admin: StaffMember) -> None:
    member = make_staff(admin.account, Role.SALES_AGENT)
    address = f"/staff/{member.pk}/"
    name = {"action": "save", "first_name": "Other", "last_name": "Name"}
    assert client.post(address, name | {"roles": ["sales_agent"]})["Location"] == address
    asks(client, address, {"action": "link"})
    answered(client, asks(client, address, name | {"roles": ["sales_agent", "admin_agent"]}))
    assert StaffMember.objects.get(pk=member.pk).roles == [Role.ADMIN_AGENT, Role.SALES_AGENT]


def test_somebody_is_deactivated_at_once(client: Client, admin: StaffMember) -> None:
    member = make_staff(admin.account, Role.SALES_AGENT)
    assert client.post(f"/staff/{member.pk}/", {"action": "deactivate"})["Location"] == f"/staff/{member.pk}/"
    assert not StaffMember.objects.get(pk=member.pk).is_active
