"""Several people at the same moment (G4, F5): whatever the order of things, never an order past a shut gate, never a lost change,
never a deadlock, never "database is locked"."""

import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction

from agreements.errors import AgreementNotConfirmed, AlreadyConfirmed, AlreadyWithdrawn
from agreements.known_templates import CUSTOMER_AGREEMENT
from agreements.models import Acceptance, Standing, Withdrawal
from agreements.services import Person, import_acceptances, require_acceptance, withdraw_acceptance
from customers.models import Customer
from customers.services import create_customer
from mca_portal.pages import drafts
from mca_portal.pages.models import Draft
from mca_portal.staff.errors import LastAdminAgent
from mca_portal.staff.models import StaffMember
from mca_portal.staff.roles import NotAllowed, Role
from mca_portal.staff.services import add_member, change_member
from orders.errors import StaleSubscription, SubscriptionSuspended
from orders.models import LicenseChange, Order, Subscription
from orders.services import change_license_count, set_status
from tests.factories import confirm, customer_details, make_account, make_customer, make_order, make_staff, make_subscription

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """Run the actions in threads that start together; what each returned, or the exception it raised."""
    gate = threading.Barrier(len(actions))
    results: list[Any] = [None] * len(actions)

    def run(index: int, action: Callable[[], Any]) -> None:
        try:
            gate.wait(10)
            results[index] = action()
        except Exception as error:
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "somebody waits for ever"
    return results


def only(results: list[Any], *expected: type[Exception]) -> list[Any]:
    """What was returned; every exception is one of `expected`."""
    unexpected = [result for result in results if isinstance(result, Exception) and not isinstance(result, expected)]
    assert unexpected == []
    return [result for result in results if not isinstance(result, Exception)]


@pytest.fixture
def admin() -> StaffMember:
    return make_staff()


@pytest.fixture
def customer(admin) -> Customer:
    return make_customer(admin)


def test_orders_of_one_customer_at_once_all_succeed(admin, customer):
    confirm(admin, customer)
    assert len(only(at_once(*[lambda: make_order(admin, customer)] * 4))) == 4
    assert Order.objects.count() == Subscription.objects.count() == 4


def test_imports_of_the_same_customers_at_once_record_each_of_them_once(admin):
    customers = [make_customer(admin) for _number in range(8)]
    rows = [(customer, Person("Tania", "Carr", "tania.carr@customer.example"), dt.date(2026, 1, 15)) for customer in customers]

    def importing(order):
        return lambda: import_acceptances(by=admin, rows=order, template_id=CUSTOMER_AGREEMENT)

    single = [lambda: confirm(admin, customers[3]), lambda: confirm(admin, customers[5])]
    only(at_once(importing(rows), importing(rows[::-1]), *single), AlreadyConfirmed)
    assert Acceptance.objects.count() == 8
    assert not Standing.objects.filter(acceptance=None).exists()


def test_the_same_confirmation_at_once_is_recorded_once(admin, customer):
    assert len(only(at_once(*[lambda: confirm(admin, customer)] * 4), AlreadyConfirmed)) == 1
    assert Acceptance.objects.count() == 1


def test_different_confirmations_at_once_are_all_kept_and_the_last_stands(admin, customer):
    actions = [lambda name=name: confirm(admin, customer, first_name=name) for name in ("Ann", "Ben", "Cho")]
    assert len(only(at_once(*actions))) == 3
    assert Standing.objects.get(customer=customer).acceptance == Acceptance.objects.order_by("pk").last()


def test_a_withdrawal_at_once_with_another_is_recorded_once(admin, customer):
    record = confirm(admin, customer)
    actions = [lambda: withdraw_acceptance(by=admin, acceptance=record, reason="Mistake")] * 3
    assert len(only(at_once(*actions), AlreadyWithdrawn)) == 1
    assert Withdrawal.objects.count() == 1
    assert Standing.objects.get(customer=customer).rank == 0


@pytest.mark.parametrize("attempt", range(4))
def test_no_order_slips_past_a_withdrawal_of_the_same_moment(admin, customer, attempt):
    record = confirm(admin, customer)
    orders = [lambda: make_order(admin, customer)] * 3
    only(at_once(*orders, lambda: withdraw_acceptance(by=admin, acceptance=record, reason="Mistake")), AgreementNotConfirmed)
    withdrawn_at = Withdrawal.objects.get().withdrawn_at
    assert all(order.placed_at <= withdrawn_at for order in Order.objects.all())
    assert all(order.acceptance == record for order in Order.objects.all())
    with pytest.raises(AgreementNotConfirmed):
        make_order(admin, customer)


def held(customer: Customer, change: Callable[[], Any], then: Callable[[], Any]) -> Any:
    """What `then` comes to when it has to wait for the customer's standing while `change` is under way and is committed."""
    asks, done = threading.Event(), []

    def wait() -> None:
        asks.wait(10)
        try:
            done.append(then())
        except Exception as error:
            done.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=wait)
    thread.start()
    with transaction.atomic():
        Standing.objects.select_for_update().get(customer=customer)
        asks.set()
        thread.join(0.3)
        assert not done, "it did not wait for the lock"
        change()
    thread.join(30)
    return done[0]


def test_an_order_that_waited_for_a_withdrawal_finds_the_gate_shut(admin, customer):
    record = confirm(admin, customer)
    found = held(customer, lambda: withdraw_acceptance(by=admin, acceptance=record, reason="Mistake"), lambda: make_order(admin, customer))
    assert isinstance(found, AgreementNotConfirmed)
    assert not Order.objects.exists()


def test_an_order_that_waited_for_the_first_confirmation_names_it(admin, customer):
    found = held(customer, lambda: confirm(admin, customer), lambda: make_order(admin, customer))
    assert found.acceptance == Acceptance.objects.get()


def test_an_order_that_waited_for_a_newer_confirmation_names_the_newer_one(admin, customer):
    confirm(admin, customer)
    found = held(customer, lambda: confirm(admin, customer, first_name="Other"), lambda: make_order(admin, customer))
    assert found.acceptance == Acceptance.objects.get(first_name="Other")


def test_an_order_that_waited_while_it_fell_back_to_an_older_confirmation_names_that_one(admin, customer):
    older, newer = confirm(admin, customer), confirm(admin, customer, first_name="Other")
    found = held(customer, lambda: withdraw_acceptance(by=admin, acceptance=newer, reason="Mistake"), lambda: make_order(admin, customer))
    assert found.acceptance == older


def test_license_changes_at_once_lose_nothing(admin, customer):
    confirm(admin, customer)
    subscription = make_subscription(admin, customer, quantity=5)
    actions = [
        lambda quantity=quantity: change_license_count(by=admin, subscription=subscription, quantity=quantity, version=1)
        for quantity in (6, 7, 8)
    ]
    (changed,) = only(at_once(*actions), StaleSubscription)
    now = Subscription.objects.get()
    assert (now.quantity, now.version) == (changed.quantity, 2)
    assert LicenseChange.objects.get().to_quantity == now.quantity


def test_license_changes_that_do_not_mind_what_it_is_now_follow_each_other(admin, customer):
    confirm(admin, customer)
    subscription = make_subscription(admin, customer, quantity=5)
    actions = [
        lambda quantity=quantity: change_license_count(by=admin, subscription=subscription, quantity=quantity, version=None)
        for quantity in (6, 7, 8, 9)
    ]
    only(at_once(*actions, lambda: set_status(by=admin, subscription=subscription, status="active", version=None)))
    changes = list(LicenseChange.objects.order_by("pk"))
    assert [change.version for change in changes] == [2, 3, 4, 5]
    assert [change.from_quantity for change in changes] == [5, *[change.to_quantity for change in changes[:-1]]]
    assert Subscription.objects.get().quantity == changes[-1].to_quantity


def test_the_same_colleague_added_at_once_is_added_once_and_the_others_are_told_at_the_address(admin):
    new = {"email": "new@partner.example", "first_name": "Kim", "last_name": "New", "roles": [Role.SALES_AGENT]}
    results = at_once(*[lambda: add_member(by=admin, **new)] * 4)
    assert len(only(results, ValidationError)) == 1
    refused = [result for result in results if isinstance(result, ValidationError)]
    assert {message for error in refused for message in error.message_dict["email"]} == {"Somebody with this email address exists."}


def test_everything_at_once_ends_without_deadlock(admin, customer):
    record = confirm(admin, customer)
    subscription = make_subscription(admin, customer, quantity=5)
    only(
        at_once(
            lambda: make_order(admin, customer),
            lambda: confirm(admin, customer, first_name="Ann"),
            lambda: withdraw_acceptance(by=admin, acceptance=record, reason="Mistake"),
            lambda: change_license_count(by=admin, subscription=subscription, quantity=9, version=None),
            lambda: set_status(by=admin, subscription=subscription, status="suspended", version=None),
            lambda: make_order(admin, customer),
        ),
        AgreementNotConfirmed,
        SubscriptionSuspended,
    )
    standing = Standing.objects.get(customer=customer)
    assert standing.acceptance.first_name == "Ann"


def test_a_domain_that_two_take_at_once_goes_to_one(admin):
    details = [customer_details(domain="contoso.onmicrosoft.com") for _ in range(3)]
    results = at_once(*[lambda typed=typed: create_customer(by=admin, details=typed) for typed in details])
    assert len(only(results, ValidationError)) == 1
    assert all(list(error.error_dict) == ["domain"] for error in results if isinstance(error, ValidationError))


def test_a_draft_that_is_submitted_twice_at_once_runs_once(admin):
    draft = drafts.begin(admin, Draft.Kind.NEW_CUSTOMER)

    def submit() -> str:
        return drafts.submit(Draft.objects.get(pk=draft.pk), lambda: f"/customers/{make_customer(admin).pk}/")

    results = only(at_once(*[submit] * 4))
    assert len(results) == 4
    assert len(set(results)) == 1
    assert Customer.objects.count() == 1


def test_a_submission_that_failed_can_be_repeated(admin):
    draft = drafts.begin(admin, Draft.Kind.NEW_CUSTOMER)

    def fail() -> str:
        make_customer(admin)
        raise ValidationError("interrupted")

    with pytest.raises(ValidationError, match="interrupted"):
        drafts.submit(draft, fail)
    assert not Customer.objects.exists()
    assert drafts.submit(draft, lambda: "/done/") == "/done/"


def test_two_admin_agents_cannot_demote_each_other_at_once():
    account = make_account()
    one, two = make_staff(account), make_staff(account)
    actions = [
        lambda by=by, member=member: change_member(by=by, member=member, first_name="A", last_name="B", roles=[Role.SALES_AGENT])
        for by, member in ((one, two), (two, one))
    ]
    only(at_once(*actions), LastAdminAgent, NotAllowed)
    assert StaffMember.objects.visible_to(one).with_role(Role.ADMIN_AGENT).exists()


def test_the_gate_costs_one_query_on_every_database(admin, customer, django_assert_num_queries):
    confirm(admin, customer)
    customer = Customer.objects.select_related("account").get(pk=customer.pk)
    with transaction.atomic(), django_assert_num_queries(1):
        require_acceptance(customer)
