"""Staff pages: an Admin agent looks after colleagues."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from mca_portal.staff.models import StaffMember
from mca_portal.staff.roles import Role
from tests.factories import make_staff, signed_in_and_confirmed

pytestmark = pytest.mark.django_db

NEW = {"first_name": "Dana", "last_name": "Reed", "email": "Dana.Reed@partner.example", "roles": ["sales_agent"]}


def link_in(html: str) -> str:
    """The address in the field that is to be copied."""
    found = re.search(r'id="link" value="([^"]+)"', html)
    return found[1] if found else ""


def test_somebody_new_gets_a_link_that_is_shown_once_and_lets_them_in() -> None:
    client = signed_in_and_confirmed(make_staff())
    response = client.post("/staff/new/", NEW)
    member = StaffMember.objects.get(email="dana.reed@partner.example")
    assert response.headers["Location"] == f"/staff/{member.pk}/"
    assert member.roles == [Role.SALES_AGENT]
    assert not member.has_usable_password()
    shown = client.get(f"/staff/{member.pk}/")
    link = link_in(shown.content.decode())
    assert link
    assert "no-store" in shown.headers["Cache-Control"]
    assert link_in(client.get(f"/staff/{member.pk}/").content.decode()) == "", "shown once"

    theirs = Client()
    form = theirs.get(link, follow=True)
    assert form.status_code == 200
    chosen = {"password1": "seven quiet harbors", "password2": "seven quiet harbors"}
    theirs.post(form.request["PATH_INFO"], chosen)
    member.refresh_from_db()
    assert member.check_password("seven quiet harbors")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"email": "not an address"}, "email"),
        ({"email": ""}, "email"),
        ({"email": "a" * 300 + "@partner.example"}, "email"),
        ({"first_name": "  "}, "first_name"),
        ({"last_name": "x" * 300}, "last_name"),
        ({"roles": ["owner"]}, "roles"),
    ],
)
def test_bad_input_is_answered_at_its_field_and_nobody_is_added(wrong: dict[str, object], field: str) -> None:
    client = signed_in_and_confirmed(make_staff())
    response = client.post("/staff/new/", NEW | wrong)
    assert response.status_code == 422
    assert response.context["form"].errors[field]
    assert StaffMember.objects.count() == 1


def test_an_address_that_is_taken_is_said_at_the_address() -> None:
    admin = make_staff()
    response = signed_in_and_confirmed(admin).post("/staff/new/", NEW | {"email": admin.email.upper()})
    assert response.status_code == 422
    assert "email" in response.context["form"].errors
    assert "Dana" in response.content.decode()


def test_name_and_roles_are_changed() -> None:
    admin = make_staff()
    member = make_staff(admin.account, Role.HELPDESK_AGENT)
    response = signed_in_and_confirmed(admin).post(
        f"/staff/{member.pk}/",
        {"action": "save", "first_name": "민서", "last_name": "김", "roles": ["admin_agent", "sales_agent"]},
        follow=True,
    )
    assert "김민서 was saved." in response.content.decode()
    assert StaffMember.objects.get(pk=member.pk).roles == [Role.ADMIN_AGENT, Role.SALES_AGENT]


def test_the_last_admin_agent_stays_one() -> None:
    admin = make_staff()
    response = signed_in_and_confirmed(admin).post(
        f"/staff/{admin.pk}/", {"action": "save", "first_name": "A", "last_name": "B", "roles": []}
    )
    assert response.status_code == 422
    assert "last active Admin agent" in str(response.context["form"].errors["roles"])
    assert StaffMember.objects.get(pk=admin.pk).roles == [Role.ADMIN_AGENT]


def test_nobody_deactivates_themselves() -> None:
    admin = make_staff()
    make_staff(admin.account)
    client = signed_in_and_confirmed(admin)
    assert 'value="deactivate"' not in client.get(f"/staff/{admin.pk}/").content.decode()
    response = client.post(f"/staff/{admin.pk}/", {"action": "deactivate"})
    assert response.status_code == 422
    assert "cannot deactivate yourself" in response.content.decode()
    admin.refresh_from_db()
    assert admin.is_active


def test_a_deactivated_member_is_out_until_let_in_again() -> None:
    admin = make_staff()
    member = make_staff(admin.account, Role.SALES_AGENT)
    client, theirs = signed_in_and_confirmed(admin), signed_in_and_confirmed(member)
    client.post(f"/staff/{member.pk}/", {"action": "deactivate"})
    assert theirs.get("/").status_code == 302
    assert 'value="link"' not in client.get(f"/staff/{member.pk}/").content.decode()
    client.post(f"/staff/{member.pk}/", {"action": "reactivate"})
    member.refresh_from_db()
    assert member.is_active


def test_a_new_link_can_be_made_and_an_unknown_action_changes_nothing() -> None:
    admin = make_staff()
    member = make_staff(admin.account, Role.SALES_AGENT)
    client = signed_in_and_confirmed(admin)
    assert link_in(client.post(f"/staff/{member.pk}/", {"action": "link"}, follow=True).content.decode())
    assert client.post(f"/staff/{member.pk}/", {"action": "explode"}).status_code == 422


def test_another_accounts_member_is_not_found() -> None:
    stranger = make_staff()
    client = signed_in_and_confirmed(make_staff())
    assert client.get(f"/staff/{stranger.pk}/").status_code == 404
    assert client.post(f"/staff/{stranger.pk}/", {"action": "deactivate"}).status_code == 404
    assert client.get("/staff/99999999999999999999/").status_code == 404
    assert stranger.email not in client.get("/staff/").content.decode()


@pytest.mark.parametrize("role", [Role.SALES_AGENT, Role.HELPDESK_AGENT])
def test_only_admin_agents_look_after_staff(role: Role) -> None:
    member = make_staff(None, role)
    client = signed_in_and_confirmed(member)
    assert {client.get(address).status_code for address in ("/staff/", "/staff/new/", f"/staff/{member.pk}/")} == {403}
    assert client.post("/staff/new/", NEW).status_code == 403


def test_the_list_asks_as_much_for_thirty_people_as_for_one() -> None:
    admin = make_staff()

    def queries() -> int:
        client = signed_in_and_confirmed(admin)
        with CaptureQueriesContext(connection) as asked:
            client.get("/staff/")
        return len(asked)

    few = queries()
    for _number in range(29):
        make_staff(admin.account, Role.SALES_AGENT)
    assert queries() == few
