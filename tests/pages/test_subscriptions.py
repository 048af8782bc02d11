"""The pages of subscriptions: license counts, the prompt before they change, status, name, renewal, history (F3, F5)."""

from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agreements.models import Acceptance
from agreements.services import withdraw_acceptance
from mca_portal.staff.models import Cloud, PartnerType, StaffMember
from mca_portal.staff.roles import Role
from orders.models import LicenseChange, Subscription
from orders.services import change_license_count, set_status
from tests.factories import confirm, make_account, make_customer, make_staff, make_subscription, usage_offer
from tests.pages.test_orders import acceptance_fields, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def by() -> StaffMember:
    """A Sales agent."""
    return make_staff(None, Role.SALES_AGENT)


@pytest.fixture
def running(by: StaffMember) -> Subscription:
    """A subscription of 5 licenses of a confirmed customer."""
    customer = make_customer(by)
    confirm(by, customer)
    return make_subscription(by, customer)


@pytest.fixture
def client(by: StaffMember) -> Client:
    """The Sales agent's browser."""
    return signed_in(by)


def address(route: str, of: Subscription) -> str:
    """Where a page or button of a subscription is."""
    return reverse(route, args=[of.customer_id] if route == "subscriptions" else [of.customer_id, of.pk])


def save(client: Client, of: Subscription, quantity: str, **more: Any) -> HttpResponse:
    """Save another license count in the list."""
    fields = {"subscription": str(of.pk), "version": of.version, "quantity": quantity} | more
    return client.post(address("subscriptions", of), fields, follow=True)


def shut_the_gate(by: StaffMember) -> None:
    """Withdraw the only confirmation."""
    withdraw_acceptance(by=make_staff(by.account), acceptance=Acceptance.objects.get(), reason="Wrong customer")


def test_a_license_count_is_saved_and_kept_in_the_history(client: Client, running: Subscription) -> None:
    text = save(client, running, "25").content.decode()
    assert "25 (was 5)" in text
    assert LicenseChange.objects.get().to_quantity == 25
    text = client.get(address("subscription", running)).content.decode()
    assert "5 → 25" in text
    assert "Tania Carr" in text


def test_the_same_count_again_changes_nothing(client: Client, running: Subscription) -> None:
    assert "already" in save(client, running, "5").content.decode()
    assert not LicenseChange.objects.exists()


@pytest.mark.parametrize("quantity", ["", "0", "-1", "1e3", "10^12", "301", "abc"])
@pytest.mark.parametrize("route", ["subscriptions", "subscription"])
def test_a_wrong_count_is_said_and_kept(client: Client, running: Subscription, quantity: str, route: str) -> None:
    fields = {"subscription": str(running.pk), "version": running.version, "quantity": quantity}
    answer = client.post(address(route, running), fields)
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "There is a problem" in text
    assert f'value="{quantity}"' in text or not quantity
    assert not LicenseChange.objects.exists()


def test_the_minus_and_plus_buttons_answer_with_the_number_unsaved(client: Client, running: Subscription) -> None:
    text = save(client, running, "5", step="1").content.decode()
    assert 'value="6"' in text
    assert "was 5" in text
    assert 'value="1"' in save(client, running, "1", step="-1").content.decode()
    assert not LicenseChange.objects.exists()


def test_the_second_of_two_people_is_told_what_it_is_now_and_loses_nothing(client: Client, running: Subscription) -> None:
    colleague = make_staff(running.customer.account, first_name="Hana", last_name="Colleague")
    change_license_count(by=colleague, subscription=running, quantity=8, version=running.version)
    text = save(client, running, "12").content.decode()
    assert ": now 8, changed by Hana Colleague" in text
    assert 'value="12"' in text
    running.refresh_from_db()
    assert running.quantity == 8
    assert "12 (was 8)" in save(client, running, "12").content.decode()


def test_a_second_click_is_no_conflict(client: Client, running: Subscription) -> None:
    save(client, running, "9")
    assert "already" in save(client, running, "9").content.decode()
    assert LicenseChange.objects.count() == 1


def test_with_the_gate_shut_counts_are_blocked_and_the_prompt_lets_the_change_go_on(
    by: StaffMember, client: Client, running: Subscription
) -> None:
    shut_the_gate(by)
    text = client.get(address("subscriptions", running)).content.decode()
    assert "Blocked" in text
    assert "License counts can’t be changed." in text
    prompt = client.post(
        address("subscriptions", running), {"subscription": str(running.pk), "version": running.version, "quantity": "30"}
    )["Location"]
    assert prompt == address("license_agreement", running) + "?quantity=30"
    text = client.get(prompt).content.decode()
    assert 'value="30"' in text
    fields = acceptance_fields(running.customer) | {"version": str(running.version), "quantity": "30"}
    wrong = client.post(prompt, fields | {"mca-email": "nobody"})
    assert wrong.status_code == 422
    assert 'value="30"' in wrong.content.decode()
    assert "Carr" in client.post(prompt, fields | {"fill": "contact"}).content.decode()
    assert 'value="31"' in client.post(prompt, fields | {"step": "1"}).content.decode()
    assert "30 (was 5)" in client.post(prompt, fields, follow=True).content.decode()
    change = LicenseChange.objects.get()
    assert change.acceptance == Acceptance.objects.order_by("-pk").first()
    assert "already" in client.post(prompt, fields, follow=True).content.decode()  # the second click
    assert Acceptance.objects.count() == 2


def test_a_change_that_came_between_during_the_prompt_is_told(by: StaffMember, client: Client, running: Subscription) -> None:
    shut_the_gate(by)
    old = str(running.version)
    confirm(by, running.customer, first_name="Somebody")
    change_license_count(by=by, subscription=running, quantity=8, version=None)
    fields = acceptance_fields(running.customer) | {"version": old, "quantity": "30"}
    text = client.post(address("license_agreement", running), fields, follow=True).content.decode()
    assert ": now 8" in text
    assert 'value="30"' in text


def test_a_suspended_subscription_keeps_its_count_until_it_is_reactivated(client: Client, running: Subscription) -> None:
    text = client.post(address("subscription_status", running), {"version": running.version, "status": "suspended"}, follow=True)
    assert "is suspended" in text.content.decode()
    running.refresh_from_db()
    text = save(client, running, "9").content.decode()
    assert "Reactivate it" in text
    assert "Suspended subscriptions can’t be changed" in text
    client.post(address("subscription_status", running), {"version": running.version, "status": "active"})
    running.refresh_from_db()
    assert running.is_active
    assert not LicenseChange.objects.exists()
    assert client.post(address("subscription_status", running), {"version": 1, "status": "deleted"}).status_code == 404


def test_renaming_and_renewal_are_never_gated(by: StaffMember, client: Client, running: Subscription) -> None:
    shut_the_gate(by)
    page = client.post(address("subscription_name", running), {"version": running.version, "friendly_name": "Front desk"}, follow=True)
    assert "now called Front desk" in page.content.decode()
    running.refresh_from_db()
    client.post(address("subscription_renewal", running), {"version": running.version, "auto_renew": "0"})
    running.refresh_from_db()
    assert (running.friendly_name, running.auto_renew) == ("Front desk", False)


@pytest.mark.parametrize("name", ["", "   ", "x" * 201])
def test_a_wrong_name_is_said_and_kept(client: Client, running: Subscription, name: str) -> None:
    answer = client.post(address("subscription_name", running), {"version": running.version, "friendly_name": name})
    assert answer.status_code == 422
    assert "There is a problem" in answer.content.decode()


@pytest.mark.parametrize(
    ("route", "fields"),
    [
        ("subscription_status", {"status": "suspended"}),
        ("subscription_renewal", {"auto_renew": "0"}),
        ("subscription_name", {"friendly_name": "Mine"}),
    ],
)
@pytest.mark.parametrize("version", ["1", "0", "x", "9" * 50])
def test_other_changes_of_an_outdated_page_are_told_too(
    by: StaffMember, client: Client, running: Subscription, route: str, fields: dict[str, str], version: str
) -> None:
    set_status(by=by, subscription=running, status="suspended", version=None)
    answer = client.post(address(route, running), fields | {"version": version}, follow=True)
    text = answer.content.decode()
    assert "meanwhile" in text or "There is a problem" in text
    running.refresh_from_db()
    assert (running.auto_renew, running.friendly_name != "Mine") == (True, True)
    assert running.version == 2


def test_a_usage_based_subscription_has_no_count(by: StaffMember, client: Client, running: Subscription) -> None:
    usage = make_subscription(by, running.customer, offer=usage_offer(), quantity=1)
    assert "has no license count" in save(client, usage, "1").content.decode()
    assert "Usage-based" in client.get(address("subscription", usage)).content.decode()


def test_a_helpdesk_agent_sees_subscriptions_and_changes_nothing(by: StaffMember, running: Subscription) -> None:
    helpdesk = signed_in(make_staff(by.account, Role.HELPDESK_AGENT))
    for route in ("subscriptions", "subscription"):
        text = helpdesk.get(address(route, running)).content.decode()
        assert running.friendly_name in text
        assert "Suspend<" not in text
        assert 'name="quantity"' not in text
        assert "Tania Carr" not in text
    assert save(helpdesk, running, "9").status_code == 403
    for route in ("subscription_status", "subscription_name", "subscription_renewal", "license_agreement"):
        assert helpdesk.post(address(route, running), {}).status_code == 403


def test_another_account_and_forged_ids_are_not_found(client: Client, running: Subscription) -> None:
    stranger = signed_in(make_staff())
    for route in ("subscriptions", "subscription", "license_agreement"):
        assert stranger.get(address(route, running)).status_code == 404
    assert client.post(address("subscriptions", running), {"subscription": "forged", "quantity": "1"}).status_code == 404
    assert client.get(address("subscriptions", running), {"cursor": "forged"}).status_code == 404
    other = make_customer(make_staff(running.customer.account))
    assert client.get(reverse("subscription", args=[other.pk, running.pk])).status_code == 404


def test_an_indirect_reseller_looks_and_is_told_who_orders(by: StaffMember, client: Client, running: Subscription) -> None:
    by.account.partner_type = PartnerType.INDIRECT_RESELLER
    by.account.save()
    assert "Your indirect provider" in client.get(address("subscriptions", running)).content.decode()
    answer = save(client, running, "9")
    assert answer.status_code == 403
    assert "Your indirect provider" in answer.content.decode()
    assert client.get(address("license_agreement", running)).status_code == 403


def test_where_the_agreement_does_not_apply_counts_are_open() -> None:
    by = make_staff(make_account(cloud=Cloud.CHINA, country="CN"))
    subscription = make_subscription(by, make_customer(by, country="KR"))
    client = signed_in(by)
    assert "does not apply in this cloud" in client.get(address("subscriptions", subscription)).content.decode()
    assert "9 (was 5)" in save(client, subscription, "9").content.decode()
    assert client.get(address("license_agreement", subscription)).status_code == 302


def test_pages_ask_the_same_number_of_queries_for_one_row_and_for_thirty(by: StaffMember, client: Client, running: Subscription) -> None:
    addresses = [address("subscriptions", running), address("subscription", running)]

    def queries() -> list[int]:
        numbers = []
        for page in addresses:
            with CaptureQueriesContext(connection) as captured:
                assert client.get(page).status_code == 200
            numbers.append(len(captured))
        return numbers

    change_license_count(by=by, subscription=running, quantity=50, version=None)
    queries()
    few = queries()
    for number in range(31):
        make_subscription(by, running.customer)
        change_license_count(by=by, subscription=running, quantity=100 + number, version=None)
    assert queries() == few
    assert max(few) <= 12


def test_a_number_saved_after_the_sign_in_expired_is_there_again(by: StaffMember, client: Client, running: Subscription) -> None:
    page = address("subscriptions", running)
    client.get(page)
    del client.cookies["sessionid"]
    assert client.post(page, {"subscription": str(running.pk), "version": running.version, "quantity": "77"}).status_code == 302
    client.force_login(by)
    text = client.get(page).content.decode()
    assert 'value="77"' in text
    assert "was 5" in text
