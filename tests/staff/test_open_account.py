"""From the shell: an operator, and a partner account with its first Admin agent, who get in by the link that is printed."""

import io

import pytest
from django.core.management import CommandError, call_command

from mca_portal.staff.models import PartnerAccount, StaffMember
from mca_portal.staff.roles import Role

pytestmark = pytest.mark.django_db
SAID = ["Contoso", "--partner-type=direct_bill_partner", "--admin-first-name=Jisoo", "--admin-last-name=Han", "--language=ko"]


def test_the_first_admin_agent_chooses_a_password_by_the_link_and_is_in(client, settings):
    out = io.StringIO()
    call_command("open_account", *SAID, "--country=KR", "--time-zone=Asia/Seoul", "--admin-email=Jisoo.Han@contoso.example", stdout=out)
    admin = StaffMember.objects.get()
    assert (admin.email, admin.roles, admin.language) == ("jisoo.han@contoso.example", [Role.ADMIN_AGENT], "ko")
    link = out.getvalue().split()[-1].removeprefix("http://127.0.0.1:8000")
    form = client.get(link)["Location"]
    typed = {"password1": "several words in a row", "password2": "several words in a row"}
    assert client.post(form, typed).status_code == 302
    client.post("/accounts/login/", {"login": admin.email, "password": "several words in a row"})
    assert client.get("/staff/").status_code == 200


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (["--country=XX"], "country"),
        (["--country=KR", "--time-zone=Seoul"], "time_zone"),
        (["--country=KR", "--admin-email=nobody"], "email"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_opened(wrong, field):
    email = [] if "admin-email" in wrong[-1] else ["--admin-email=jisoo.han@contoso.example"]
    with pytest.raises(CommandError, match=f"Nothing was opened. .*{field}: "):
        call_command("open_account", *SAID, *wrong, *email)
    assert not PartnerAccount.objects.exists()


def test_an_operator_chooses_a_password_by_the_link_and_sees_the_operators_pages(client):
    out = io.StringIO()
    call_command("add_operator", "Kit.Ward@portal.example", "--first-name=Kit", "--last-name=Ward", "--language=ko", stdout=out)
    operator = StaffMember.objects.get()
    assert (operator.email, operator.account, operator.language) == ("kit.ward@portal.example", None, "ko")
    link = out.getvalue().split()[-1].removeprefix("http://127.0.0.1:8000")
    typed = {"password1": "several words in a row", "password2": "several words in a row"}
    assert client.post(client.get(link)["Location"], typed).status_code == 302
    client.post("/accounts/login/", {"login": operator.email, "password": "several words in a row"})
    assert client.get("/operator/agreements/agreementtemplate/add/").status_code == 200


def test_a_wrong_operator_is_not_added():
    for wrong in ("nobody", "kit.ward@portal.example"):
        with pytest.raises(CommandError, match=r"Nobody was added. .*(email|first_name): "):
            call_command("add_operator", wrong, "--first-name=", "--last-name=Ward")
    assert not StaffMember.objects.exists()
