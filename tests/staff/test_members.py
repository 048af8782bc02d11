"""Partner accounts, their people and their roles (A1, A5, Roles)."""

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, transaction

from mca_portal.staff.errors import LastAdminAgent, NotYourself
from mca_portal.staff.models import PartnerAccount, StaffMember
from mca_portal.staff.names import display_name, tidy
from mca_portal.staff.roles import MATRIX, Permission, Role
from mca_portal.staff.services import add_member, change_member, open_account, set_active, set_preferences
from tests.factories import make_account, make_staff

pytestmark = pytest.mark.django_db


def opened(**fields: object) -> PartnerAccount:
    defaults = {
        "admin_email": "First@Partner.example",
        "admin_first_name": "길동",
        "admin_last_name": "홍",
        "password": None,
        "name": "Contoso",
        "partner_type": "direct_bill_partner",
        "country": "KR",
        "time_zone": "Asia/Seoul",
    }
    return open_account(**(defaults | fields))


def test_an_account_opens_with_its_first_admin_agent():
    account = opened(default_language="ko")
    (admin,) = account.staff.all()
    assert (admin.email, admin.language, admin.roles) == ("first@partner.example", "ko", [Role.ADMIN_AGENT])
    assert not admin.has_usable_password()
    assert str(admin) == "홍길동"


@pytest.mark.parametrize(
    "wrong", [{"time_zone": "Mars/Olympus"}, {"time_zone": "/etc/passwd"}, {"country": "XX"}, {"partner_type": "x"}, {"admin_email": "x"}]
)
def test_an_account_that_is_wrong_is_not_opened_at_all(wrong):
    with pytest.raises(ValidationError):
        opened(**wrong)
    assert not PartnerAccount.objects.exists()
    assert not StaffMember.objects.exists()


def test_an_email_address_belongs_to_one_person_in_any_letter_case():
    admin = make_staff()
    with pytest.raises(ValidationError) as caught:
        add_member(by=admin, email=admin.email.upper(), first_name="A", last_name="B", roles=[])
    assert list(caught.value.error_dict) == ["email"]


def test_the_last_admin_agent_keeps_role_and_access():
    admin = make_staff()
    make_staff(admin.account, is_active=False)
    with pytest.raises(LastAdminAgent):
        change_member(by=admin, member=admin, first_name="A", last_name="B", roles=[Role.SALES_AGENT])
    with pytest.raises(LastAdminAgent):
        set_active(by=admin, member=admin, active=False)
    assert StaffMember.objects.get(pk=admin.pk).roles == [Role.ADMIN_AGENT]


def test_nobody_deactivates_themselves_but_another_admin_agent_does():
    admin, other = (make_staff(account) for account in [make_account()] * 2)
    with pytest.raises(NotYourself):
        set_active(by=admin, member=admin, active=False)
    assert not set_active(by=admin, member=other, active=False).is_active
    assert set_active(by=admin, member=other, active=True).is_active


def test_a_changed_role_counts_at_once():
    admin = make_staff()
    member = make_staff(admin.account, Role.HELPDESK_AGENT)
    changed = change_member(by=admin, member=member, first_name="A", last_name="B", roles=[Role.SALES_AGENT, Role.HELPDESK_AGENT])
    assert changed.roles == [Role.SALES_AGENT, Role.HELPDESK_AGENT]
    assert StaffMember.objects.get(pk=member.pk).has_perm("staff.place_orders")


@pytest.mark.parametrize("wrong", [{"language": "xx"}, {"theme": "x"}, {"first_name": " "}, {"last_name": "x" * 51}])
def test_a_preference_that_is_wrong_is_refused(wrong):
    member = make_staff()
    with pytest.raises(ValidationError):
        set_preferences(by=member, **wrong)
    assert StaffMember.objects.get(pk=member.pk).theme == "system"


def test_groups_say_what_the_matrix_says_after_every_migrate():
    group = Group.objects.get(name=Role.HELPDESK_AGENT)
    group.permissions.set(Group.objects.get(name=Role.ADMIN_AGENT).permissions.all())
    call_command("migrate", verbosity=0)
    for role, allowed in MATRIX.items():
        assert set(Group.objects.get(name=role.value).permissions.values_list("codename", flat=True)) == set(allowed)


def test_the_matrix_is_the_specifications():
    everybody, two, one = (
        {Permission.VIEW_CUSTOMERS},
        {
            Permission.EDIT_CUSTOMERS,
            Permission.VIEW_ACCEPTANCES,
            Permission.CONFIRM_ACCEPTANCE,
            Permission.PLACE_ORDERS,
            Permission.USE_API_TOKENS,
        },
        {
            Permission.WITHDRAW_ACCEPTANCE,
            Permission.EXPORT_CUSTOMERS,
            Permission.IMPORT_ACCEPTANCES,
            Permission.MANAGE_STAFF,
            Permission.VIEW_ACTIVITY,
        },
    )
    assert MATRIX[Role.HELPDESK_AGENT] == everybody
    assert MATRIX[Role.SALES_AGENT] == everybody | two
    assert MATRIX[Role.ADMIN_AGENT] == everybody | two | one == set(Permission)


def test_somebody_may_hold_several_roles_and_may_what_any_of_them_allows():
    member = make_staff(None, Role.HELPDESK_AGENT, Role.SALES_AGENT)
    assert member.has_perm("staff.place_orders")
    assert not member.has_perm("staff.manage_staff")


def test_members_of_staff_belong_to_an_account():
    with pytest.raises(IntegrityError, match="staff_belong_to_an_account"), transaction.atomic():
        StaffMember.objects.create(email="x@partner.example", first_name="A", last_name="B")


@pytest.mark.parametrize(
    ("first", "last", "shown"),
    [("Tania", "Carr", "Tania Carr"), ("길동", "홍", "홍길동"), ("Gildong", "홍", "Gildong 홍"), ("", "Carr", "Carr")],
)
def test_a_hangul_name_is_shown_with_the_family_name_first(first, last, shown):
    assert display_name(first, last) == shown


@pytest.mark.parametrize(
    ("typed", "kept"), [("  a \t b\n", "a b"), ("한글", "한글"), ("\x00a\x1f", "a"), ("\u3000", ""), ("a\u200cb", "a\u200cb")]
)
def test_text_is_tidied(typed, kept):
    assert tidy(typed) == kept
