"""The activity log: who did what to which customer, when, from where, with old and new values."""

import datetime as dt
import json

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.test import Client

from agreements.errors import AgreementNotConfirmed, AlreadyConfirmed
from agreements.known_templates import CUSTOMER_AGREEMENT
from agreements.models import Via
from agreements.services import Person, withdraw_acceptance
from customers.services import update_customer
from mca_portal.staff import activity
from mca_portal.staff.models import Action, Activity, Failure, StaffMember, Topic
from mca_portal.staff.origin import Origin, Way, coming_from, current_origin
from mca_portal.staff.roles import NotAllowed, Role
from mca_portal.staff.services import (
    add_member,
    change_member,
    create_token,
    note_failed_sign_in,
    open_account,
    revoke_token,
    set_active,
    set_password,
    set_preferences,
)
from orders.models import Status
from orders.services import (
    Confirmation,
    Line,
    NewOrder,
    change_license_count,
    rename_subscription,
    set_auto_renew,
    set_status,
    sign_up_customer,
)
from tests.factories import (
    PASSWORD,
    confirm,
    customer_details,
    license_offer,
    make_customer,
    make_order,
    make_staff,
    make_subscription,
    make_token,
    signed_in_and_confirmed,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> StaffMember:
    return make_staff()


def last() -> Activity:
    return Activity.objects.latest("id")


def said(entry: Activity) -> tuple:
    """What an entry says, without when and from where."""
    return entry.actor, Action(entry.action), entry.customer_name, entry.about_name, entry.changes


def test_what_was_done_to_a_customer_is_kept_with_who_and_what(admin):
    customer = make_customer(admin, company_name="Contoso")
    assert said(last()) == (admin, Action.CUSTOMER_CREATED, "Contoso", "", {})
    assert (last().account_id, last().customer_id, last().topic) == (admin.account_id, customer.pk, Topic.CUSTOMERS)


def test_a_changed_customer_is_kept_with_old_and_new_values_of_what_changed(admin):
    customer = make_customer(admin, company_name="Contoso", city="Seoul")
    update_customer(by=admin, customer=customer, version=1, details={"company_name": "Fabrikam", "city": "Seoul", "contact_phone": ""})
    changes = {"company_name": ["Contoso", "Fabrikam"], "contact_phone": ["+8225550142", ""]}
    assert said(last()) == (admin, Action.CUSTOMER_CHANGED, "Fabrikam", "", changes)


def test_saving_a_customer_as_it_was_leaves_no_entry(admin):
    customer = make_customer(admin)
    before = Activity.objects.count()
    update_customer(by=admin, customer=customer, version=1, details={"company_name": customer.company_name})
    assert Activity.objects.count() == before


def test_a_confirmation_and_its_withdrawal_are_kept(admin):
    acceptance = confirm(admin, make_customer(admin, company_name="Contoso"), agreed_on=dt.date(2026, 1, 2))
    changes = {"email": [None, "tania.carr@customer.example"], "agreed_on": [None, "2026-01-02"], "template": [None, "October 2019"]}
    assert said(last()) == (admin, Action.ACCEPTANCE_CONFIRMED, "Contoso", "Tania Carr", changes)
    assert (last().about_kind, last().about_id) == ("agreements.acceptance", str(acceptance.pk))
    withdraw_acceptance(by=admin, acceptance=acceptance, reason="Wrong customer")
    assert said(last()) == (admin, Action.ACCEPTANCE_WITHDRAWN, "Contoso", "Tania Carr", {"reason": [None, "Wrong customer"]})


def test_orders_and_changes_of_subscriptions_are_kept(admin):
    customer = confirm(admin, make_customer(admin, company_name="Contoso")).customer
    order = make_order(admin, customer, (license_offer(), 5))
    name = license_offer().name
    changes = {"lines": [None, [f"{name} × 5"]], "billing_cycle": [None, "monthly"]}
    assert said(last()) == (admin, Action.ORDER_PLACED, "Contoso", order.number, changes)
    (subscription,) = order.subscriptions.all()
    change_license_count(by=admin, subscription=subscription, quantity=8, version=None)
    assert said(last()) == (admin, Action.LICENSES_CHANGED, "Contoso", name, {"quantity": [5, 8]})
    set_status(by=admin, subscription=subscription, status=Status.SUSPENDED, version=None)
    assert said(last()) == (admin, Action.SUBSCRIPTION_SUSPENDED, "Contoso", name, {"status": ["active", "suspended"]})
    set_status(by=admin, subscription=subscription, status=Status.ACTIVE, version=None)
    assert said(last()) == (admin, Action.SUBSCRIPTION_REACTIVATED, "Contoso", name, {"status": ["suspended", "active"]})
    rename_subscription(by=admin, subscription=subscription, friendly_name="Head office", version=None)
    assert said(last()) == (admin, Action.SUBSCRIPTION_RENAMED, "Contoso", "Head office", {"friendly_name": [name, "Head office"]})
    set_auto_renew(by=admin, subscription=subscription, auto_renew=False, version=None)
    assert said(last()) == (admin, Action.RENEWAL_CHANGED, "Contoso", "Head office", {"auto_renew": [True, False]})
    assert last().about_id == str(subscription.pk)


def test_what_changes_nothing_about_a_subscription_leaves_no_entry(admin):
    subscription = make_subscription(admin, confirm(admin, make_customer(admin)).customer, quantity=5)
    before = Activity.objects.count()
    change_license_count(by=admin, subscription=subscription, quantity=5, version=None)
    set_status(by=admin, subscription=subscription, status=Status.ACTIVE, version=None)
    rename_subscription(by=admin, subscription=subscription, friendly_name=subscription.friendly_name, version=None)
    set_auto_renew(by=admin, subscription=subscription, auto_renew=True, version=None)
    assert Activity.objects.count() == before


def test_changes_of_staff_and_roles_are_kept(admin):
    member = add_member(by=admin, email="new@partner.example", first_name="Ann", last_name="Lee", roles=[Role.SALES_AGENT])
    changes = {"email": [None, "new@partner.example"], "first_name": [None, "Ann"], "last_name": [None, "Lee"]}
    assert said(last()) == (admin, Action.MEMBER_ADDED, "", "Ann Lee", changes | {"roles": [None, ["sales_agent"]]})
    change_member(by=admin, member=member, first_name="Ann", last_name="Kim", roles=[Role.SALES_AGENT, Role.ADMIN_AGENT])
    changes = {"last_name": ["Lee", "Kim"], "roles": [["sales_agent"], ["admin_agent", "sales_agent"]]}
    assert said(last()) == (admin, Action.MEMBER_CHANGED, "", "Ann Kim", changes)
    set_active(by=admin, member=member, active=False)
    assert said(last()) == (admin, Action.MEMBER_DEACTIVATED, "", "Ann Kim", {})
    set_active(by=admin, member=member, active=True)
    assert said(last()) == (admin, Action.MEMBER_REACTIVATED, "", "Ann Kim", {})
    assert last().about_id == str(member.pk)


def test_an_own_other_name_is_kept_but_no_preference(admin):
    set_preferences(by=admin, language="ko", theme="dark")
    assert not Activity.objects.exists()
    set_preferences(by=admin, first_name="Other", last_name=admin.last_name)
    assert last().changes == {"first_name": ["Robin", "Other"]}


def test_tokens_are_kept_by_name_and_never_their_text(admin):
    token, secret = create_token(by=admin, name="Nightly", days=30)
    assert said(last())[:4] == (admin, Action.TOKEN_CREATED, "", "Nightly")
    revoke_token(by=admin, token=token)
    revoke_token(by=admin, token=token)
    assert said(last()) == (admin, Action.TOKEN_REVOKED, "", "Nightly", {"owner": [None, str(admin)]})
    kept = json.dumps(list(Activity.objects.values()), default=str)
    assert Activity.objects.count() == 2
    assert secret not in kept
    assert token.digest not in kept


def test_a_new_password_is_kept_as_a_fact_and_never_itself(admin):
    set_password(by=admin, password="correct horse battery staple")
    assert said(last()) == (admin, Action.PASSWORD_CHANGED, "", "", {})
    assert StaffMember.objects.get(pk=admin.pk).check_password("correct horse battery staple")


def test_a_link_for_a_new_password_is_kept_with_who_made_it(admin):
    member = make_staff(admin.account)
    signed_in_and_confirmed(admin).post(f"/staff/{member.pk}/", {"action": "link"})
    assert said(last()) == (admin, Action.PASSWORD_LINK_MADE, "", str(member), {})


def test_an_opened_account_begins_its_own_log():
    account = open_account(
        admin_email="first@partner.example",
        admin_first_name="Ann",
        admin_last_name="Lee",
        password=None,
        name="Contoso",
        partner_type="direct_bill_partner",
        country="KR",
    )
    opened, added = Activity.objects.order_by("id")
    assert (opened.action, opened.actor, opened.account, opened.way) == (Action.ACCOUNT_OPENED, None, account, Way.COMMAND)
    assert opened.changes["cloud"] == [None, "public"]
    assert (added.action, added.account, added.about_name) == (Action.MEMBER_ADDED, account, "Ann Lee")


def test_a_refused_change_leaves_no_entry(admin):
    acceptance = confirm(admin, make_customer(admin))
    before = Activity.objects.count()
    with pytest.raises(AlreadyConfirmed):
        confirm(admin, acceptance.customer)
    assert Activity.objects.count() == before


def test_an_entry_is_undone_together_with_what_it_says(admin):
    order = NewOrder([Line(license_offer().pk, 1)])
    with pytest.raises(AgreementNotConfirmed):  # the order is refused, so the customer is not created either
        sign_up_customer(by=admin, details=customer_details(), order=order)
    assert not Activity.objects.exists()


def test_a_change_that_cannot_be_logged_does_not_happen(admin, monkeypatch):
    def fails(*args, **kwargs):
        raise RuntimeError

    monkeypatch.setattr(activity.Activity, "save", fails)
    with pytest.raises(RuntimeError):
        make_customer(admin)
    assert not admin.account.customers.exists()


def test_a_sign_up_logs_each_of_its_parts(admin):
    who = Person("Tania", "Carr", "tania.carr@customer.example")
    confirmation = Confirmation(who, dt.date(2026, 1, 2), CUSTOMER_AGREEMENT, Via.PORTAL)
    order = NewOrder([Line(license_offer().pk, 1)])
    sign_up_customer(by=admin, details=customer_details(), confirmation=confirmation, order=order)
    parts = [Action.CUSTOMER_CREATED, Action.ACCEPTANCE_CONFIRMED, Action.ORDER_PLACED]
    assert list(Activity.objects.order_by("id").values_list("action", flat=True)) == parts


def test_an_entry_costs_one_insert(admin, django_assert_num_queries):
    with django_assert_num_queries(1):
        activity.record(Action.SIGNED_IN, by=admin)


@pytest.fixture
def operator(client: Client) -> StaffMember:
    person = StaffMember.objects.create(
        email="operator@portal.example", first_name="The", last_name="Operator", is_superuser=True, is_staff=True
    )
    client.force_login(person)
    return person


def test_what_the_operator_changes_of_an_account_stands_in_its_log(client: Client, operator, admin):
    account = admin.account
    typed = {name: str(getattr(account, name)) for name in ("partner_type", "cloud", "environment", "country", "default_language")}
    answer = client.post(f"/operator/staff/partneraccount/{account.pk}/change/", typed | {"name": "Other", "time_zone": "Asia/Seoul"})
    assert answer.status_code == 302
    assert said(last()) == (operator, Action.ACCOUNT_CHANGED, "", "Other", {"name": [account.name, "Other"]})
    assert last().account == account


def test_whom_the_operator_adds_changes_or_gives_a_password_stands_in_the_accounts_log(client: Client, operator, admin):
    group = Group.objects.get(name=Role.SALES_AGENT)
    typed = {"email": "new@partner.example", "first_name": "Ann", "last_name": "Lee", "account": admin.account_id, "groups": [group.pk]}
    secret = {"password1": "correct horse battery staple", "password2": "correct horse battery staple"}
    assert client.post("/operator/staff/staffmember/add/", typed | secret | {"usable_password": "true"}).status_code == 302
    assert last().changes["roles"] == [None, ["sales_agent"]]
    assert (last().action, last().account, last().actor) == (Action.MEMBER_ADDED, admin.account, operator)
    member = StaffMember.objects.get(email="new@partner.example")
    address = f"/operator/staff/staffmember/{member.pk}/"
    assert client.post(f"{address}change/", typed | {"last_name": "Kim", "language": "en", "is_active": "on"}).status_code == 302
    assert said(last()) == (operator, Action.MEMBER_CHANGED, "", "Ann Kim", {"last_name": ["Lee", "Kim"]})
    assert client.post(f"{address}password/", secret | {"usable_password": "true"}).status_code == 302
    assert said(last()) == (operator, Action.PASSWORD_SET, "", "Ann Kim", {})
    assert "staple" not in json.dumps(list(Activity.objects.values()), default=str)


def test_the_operator_reads_what_belongs_to_no_account_and_nothing_else(client: Client, operator, admin):
    make_customer(admin, company_name="Contoso")
    note_failed_sign_in(email="nobody@partner.example", why=Failure.PASSWORD)
    html = client.get("/operator/staff/activity/").content.decode()
    assert last().about_name in html
    assert "customers.created" not in html
    theirs = Activity.objects.get(action=Action.CUSTOMER_CREATED)
    assert client.get(f"/operator/staff/activity/{theirs.pk}/change/").status_code == 302
    assert client.post(f"/operator/staff/activity/{last().pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.get("/operator/staff/activity/add/").status_code == 403


# From where


def test_what_nobody_says_anything_about_comes_from_a_command(admin):
    make_customer(admin)
    assert (last().way, last().address, last().request_id) == (Way.COMMAND, None, "")


def test_an_origin_lasts_as_long_as_its_block():
    with coming_from(way=Way.PORTAL, address="192.0.2.7", request_id="one"):
        with coming_from(way=Way.API, request_id="two"):
            assert current_origin() == Origin(Way.API, "192.0.2.7", "two")
        assert current_origin() == Origin(Way.PORTAL, "192.0.2.7", "one")
    assert current_origin() == Origin()


def test_a_page_says_the_way_and_the_address(client: Client, admin):
    customer = make_customer(admin)
    client.force_login(admin)
    typed = customer_details(company_name="Other") | {"domain_prefix": customer.domain_prefix, "version": "1"}
    answer = client.post(f"/customers/{customer.pk}/edit/", typed, REMOTE_ADDR="2001:db8::7")
    assert answer.status_code == 302
    assert (last().action, last().way, last().address) == (Action.CUSTOMER_CHANGED, Way.PORTAL, "2001:db8::7")
    assert last().request_id == answer["X-Request-ID"]
    assert current_origin() == Origin()


def test_a_call_of_the_api_says_the_way_the_address_and_the_request_in_the_servers_log(client: Client, admin):
    customer = make_customer(admin)
    make_token(admin, "secret")
    body = {
        "primaryContact": {"firstName": "Tania", "lastName": "Carr", "email": "tania@customer.example"},
        "templateId": "117a77b0-9360-443b-8795-c6dedc750cf9",
        "dateAgreed": "2026-01-02T00:00:00Z",
        "type": "MicrosoftCustomerAgreement",
    }
    answer = client.post(
        f"/v1/customers/{customer.pk}/agreements",
        json.dumps(body),
        content_type="application/json",
        headers={"Authorization": "Bearer secret"},
        REMOTE_ADDR="192.0.2.9",
    )
    assert answer.status_code == 201
    assert (last().actor, last().way, last().address, last().request_id) == (admin, Way.API, "192.0.2.9", answer["X-Request-ID"])


@pytest.mark.parametrize("sent", ["not an address", "unix:"])
def test_an_address_that_cannot_be_known_is_none(client: Client, admin, sent):
    client.post("/accounts/login/", {"login": admin.email, "password": "wrong"}, REMOTE_ADDR=sent)
    assert not Activity.objects.exclude(address=None).exists()


def test_what_comes_through_a_unix_socket_comes_from_this_machine(client: Client, admin):
    client.post("/accounts/login/", {"login": admin.email, "password": "wrong"}, REMOTE_ADDR="")
    assert last().address == "127.0.0.1"


def test_nobody_makes_up_an_address_by_a_header(client: Client, admin):
    client.post(
        "/accounts/login/",
        {"login": admin.email, "password": PASSWORD},
        headers={"X-Forwarded-For": "203.0.113.1"},
        REMOTE_ADDR="192.0.2.1",
    )
    assert last().address == "192.0.2.1"


# Signing in and out


def sign_in(client: Client, email: str, password: str = PASSWORD) -> None:
    client.post("/accounts/login/", {"login": email, "password": password})


def test_signing_in_and_out_is_kept(client: Client, admin):
    sign_in(client, admin.email)
    assert said(last())[:2] == (admin, Action.SIGNED_IN)
    assert last().way == Way.PORTAL
    client.post("/accounts/logout/")
    assert said(last())[:2] == (admin, Action.SIGNED_OUT)
    assert Activity.objects.count() == 2


def test_a_wrong_password_is_kept_in_the_account_of_whoever_it_was_tried_on_and_names_nobody_as_the_actor(client: Client, admin):
    sign_in(client, admin.email.upper(), "wrong")
    assert said(last()) == (None, Action.SIGN_IN_FAILED, "", str(admin), {"why": [None, "password"]})
    assert (last().account, last().about_id) == (admin.account, str(admin.pk))
    assert "wrong" not in json.dumps(list(Activity.objects.values()), default=str)


def test_somebody_deactivated_who_knows_the_password_has_failed_to_sign_in(client: Client):
    gone = make_staff(is_active=False)
    sign_in(client, gone.email)
    assert said(last())[1:] == (Action.SIGN_IN_FAILED, "", str(gone), {"why": [None, "inactive"]})
    assert Activity.objects.count() == 1


def test_an_address_that_nobody_has_belongs_to_no_account_and_is_not_kept_in_clear(client: Client, admin):
    for _ in range(2):
        sign_in(client, "nobody@partner.example")
    sign_in(client, "else@partner.example")
    first, again, other = Activity.objects.order_by("id")
    assert (first.account, first.actor) == (None, None)
    assert first.about_name == again.about_name != other.about_name
    assert "nobody" not in json.dumps(list(Activity.objects.values()), default=str)
    assert not Activity.objects.visible_to(admin).exists()


def test_a_failed_sign_in_costs_the_same_whether_the_address_is_known(admin, django_assert_num_queries):
    for email in (admin.email, "nobody@partner.example"):
        with django_assert_num_queries(2):
            note_failed_sign_in(email=email, why=Failure.PASSWORD)


# Who sees what (P1, A5)


@pytest.fixture
def everything(admin):
    """An account in which one of everything was done."""
    subscription = make_subscription(admin, confirm(admin, make_customer(admin)).customer)
    set_status(by=admin, subscription=subscription, status=Status.SUSPENDED, version=None)
    create_token(by=admin, name="Nightly", days=30)
    note_failed_sign_in(email=admin.email, why=Failure.PASSWORD)
    note_failed_sign_in(email="nobody@partner.example", why=Failure.PASSWORD)
    stranger = make_staff()
    confirm(stranger, make_customer(stranger))
    return admin.account


@pytest.mark.parametrize(
    ("role", "topics"),
    [
        (Role.ADMIN_AGENT, {"customers", "agreements", "orders", "api", "sign_in"}),
        (Role.SALES_AGENT, {"customers", "agreements", "orders"}),
        (Role.HELPDESK_AGENT, {"customers", "orders"}),
    ],
)
def test_everybody_sees_of_their_own_account_what_their_role_lets_them_see(everything, role, topics):
    rows = Activity.objects.visible_to(make_staff(everything, role))
    assert set(rows.values_list("topic", flat=True)) == topics
    assert set(rows.values_list("account", flat=True)) == {everything.pk}


def test_somebody_without_a_role_sees_nothing(everything):
    with pytest.raises(NotAllowed):
        Activity.objects.visible_to(make_staff(everything, roles=()))


# What the database holds


def test_only_sign_ins_belong_to_no_account(admin):
    with pytest.raises(IntegrityError, match="activity_of_no_account_is_about_sign_in"), transaction.atomic():
        activity.record(Action.MEMBER_ADDED, by=None, about=admin)


@time_machine.travel("2026-03-01T09:00Z", tick=False)
def test_names_stay_as_they_were(admin):
    customer = make_customer(admin, company_name="Contoso")
    update_customer(by=admin, customer=customer, version=1, details={"company_name": "Fabrikam"})
    assert list(Activity.objects.order_by("id").values_list("customer_name", flat=True)) == ["Contoso", "Fabrikam"]
    assert last().at == dt.datetime(2026, 3, 1, 9, tzinfo=dt.UTC)


def test_every_action_has_its_topic():
    assert {action.topic for action in Action} <= set(Topic)
