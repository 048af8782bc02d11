"""Orders, subscriptions and license counts (F5), and signing up a customer (F1)."""

import datetime as dt
import uuid

import pytest
import time_machine
from dateutil.relativedelta import relativedelta
from django.core.exceptions import ValidationError

from agreements.errors import AgreementNotConfirmed, NewerTemplate
from agreements.known_templates import CUSTOMER_AGREEMENT
from agreements.models import Acceptance, Via
from agreements.services import Person, withdraw_acceptance
from customers.models import Customer
from orders.errors import EmptyOrder, NotLicenseBased, OfferNotSold, QuantityOutOfRange, StaleSubscription, SubscriptionSuspended
from orders.models import LicenseChange, Offer, Order, OrderLine, StatusChange, Subscription
from orders.services import (
    Confirmation,
    Line,
    NewOrder,
    change_license_count,
    place_order,
    rename_subscription,
    set_auto_renew,
    set_status,
    sign_up_customer,
)
from tests.factories import confirm, customer_details, license_offer, make_customer, make_order, make_staff, make_subscription, usage_offer

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin():
    return make_staff()


@pytest.fixture
def customer(admin):
    return confirm(admin, make_customer(admin)).customer


@pytest.fixture
def subscription(admin, customer):
    return make_subscription(admin, customer, quantity=5)


def order(admin, customer, *lines: Line, billing_cycle: str = "monthly") -> Order:
    return place_order(by=admin, customer=customer, lines=lines, billing_cycle=billing_cycle)


def test_an_order_makes_one_subscription_a_line(admin, customer):
    placed = order(admin, customer, Line(license_offer().pk, 5, "  Seoul  office "), Line(usage_offer().pk, 1), billing_cycle="annual")
    first, second = (line.subscription for line in placed.lines.order_by("number"))
    today = admin.account.local_today()
    assert (first.friendly_name, first.quantity, first.status, first.starts_on) == ("Seoul office", 5, "active", today)
    assert (second.friendly_name, second.quantity) == ("Microsoft Azure", 1)
    assert [line.number for line in placed.lines.all()] == [0, 1]
    assert (placed.billing_cycle, placed.placed_by, first.created_by) == ("annual", admin, admin)


@pytest.mark.parametrize(
    ("today", "ends"), [((2028, 2, 29), (2029, 2, 28)), ((2027, 2, 28), (2028, 2, 28)), ((2026, 12, 31), (2027, 12, 31))]
)
def test_the_commitment_ends_one_year_on(admin, customer, today, ends):
    with time_machine.travel(dt.datetime(*today, 3, tzinfo=dt.UTC), tick=False):
        assert make_subscription(admin, customer).commitment_ends_on == dt.date(*ends)


@pytest.mark.parametrize("quantity", [0, -1, 301, 10**30])
def test_a_quantity_outside_the_offers_bounds_is_refused_and_names_its_line(admin, customer, quantity):
    with pytest.raises(QuantityOutOfRange) as caught:
        order(admin, customer, Line(usage_offer().pk, 1), Line(license_offer().pk, quantity))
    assert (caught.value.line, caught.value.offer) == (1, license_offer())
    assert not Order.objects.exists()
    assert not Subscription.objects.exists()


@pytest.mark.parametrize("quantity", [1, 300])
def test_a_quantity_at_the_offers_bounds_is_right(admin, customer, quantity):
    assert make_subscription(admin, customer, quantity=quantity).quantity == quantity


def test_an_offer_that_is_not_sold_or_not_there_is_refused(admin, customer):
    unsold = Offer.objects.filter(is_sold=False).first()
    for offer_id in (unsold.pk, uuid.uuid4()):
        with pytest.raises(OfferNotSold) as caught:
            order(admin, customer, Line(license_offer().pk, 1), Line(offer_id, 1))
        assert caught.value.line == 1
    assert not Order.objects.exists()


def test_an_order_has_a_line_and_a_known_billing_cycle_and_names_that_fit(admin, customer):
    with pytest.raises(EmptyOrder):
        order(admin, customer)
    with pytest.raises(ValidationError):
        order(admin, customer, Line(license_offer().pk, 1), billing_cycle="weekly")
    with pytest.raises(ValidationError):
        order(admin, customer, Line(license_offer().pk, 1, "x" * 201))
    assert not Order.objects.exists()


def test_an_orders_lines_stay_as_they_were_ordered(admin, subscription):
    change_license_count(by=admin, subscription=subscription, quantity=9, version=1)
    rename_subscription(by=admin, subscription=subscription, friendly_name="Other", version=2)
    line = OrderLine.objects.get()
    assert (line.quantity, line.friendly_name) == (5, license_offer().name)


@pytest.mark.parametrize("quantity", [1, 4, 6, 300])
def test_a_license_count_goes_up_and_down_and_every_change_is_kept(admin, subscription, quantity):
    changed = change_license_count(by=admin, subscription=subscription, quantity=quantity, version=1)
    assert (changed.quantity, changed.version) == (quantity, 2)
    assert (LicenseChange.objects.get().from_quantity, LicenseChange.objects.get().to_quantity) == (5, quantity)


@pytest.mark.parametrize("quantity", [0, -3, 301])
def test_a_license_count_stays_within_the_offers_bounds(admin, subscription, quantity):
    with pytest.raises(QuantityOutOfRange):
        change_license_count(by=admin, subscription=subscription, quantity=quantity, version=1)
    assert Subscription.objects.get().quantity == 5


def test_the_second_of_two_changes_is_told_what_it_is_now(admin, subscription):
    change_license_count(by=admin, subscription=subscription, quantity=9, version=1)
    for late in (
        lambda: change_license_count(by=admin, subscription=subscription, quantity=4, version=1),
        lambda: set_status(by=admin, subscription=subscription, status="suspended", version=1),
        lambda: rename_subscription(by=admin, subscription=subscription, friendly_name="Other", version=1),
        lambda: set_auto_renew(by=admin, subscription=subscription, auto_renew=False, version=1),
    ):
        with pytest.raises(StaleSubscription) as caught:
            late()
        assert (caught.value.subscription.quantity, caught.value.subscription.version) == (9, 2)
    now = Subscription.objects.get()
    assert (now.quantity, now.status, now.friendly_name, now.auto_renew, now.version) == (9, "active", license_offer().name, True, 2)


def test_the_same_count_again_changes_nothing_and_needs_no_open_gate(admin, customer, subscription):
    withdraw_acceptance(by=admin, acceptance=Acceptance.objects.get(), reason="Mistake")
    assert change_license_count(by=admin, subscription=subscription, quantity=5, version=1).version == 1
    assert not LicenseChange.objects.exists()
    with pytest.raises(AgreementNotConfirmed):
        change_license_count(by=admin, subscription=subscription, quantity=6, version=1)


def test_a_suspended_subscription_keeps_its_count(admin, subscription):
    set_status(by=admin, subscription=subscription, status="suspended", version=1)
    with pytest.raises(SubscriptionSuspended):
        change_license_count(by=admin, subscription=subscription, quantity=6, version=2)


def test_a_usage_based_subscription_has_no_license_count_to_change(admin, customer):
    azure = make_subscription(admin, customer, quantity=1, offer=usage_offer())
    with pytest.raises(NotLicenseBased):
        change_license_count(by=admin, subscription=azure, quantity=2, version=1)


def test_suspending_is_kept_with_who_and_when_and_twice_changes_nothing(admin, subscription):
    set_status(by=admin, subscription=subscription, status="suspended", version=1)
    set_status(by=admin, subscription=subscription, status="suspended", version=2)
    change = StatusChange.objects.get()
    assert (change.to_status, change.changed_by, Subscription.objects.get().version) == ("suspended", admin, 2)


def test_a_subscription_keeps_a_known_status(admin, subscription):
    with pytest.raises(ValidationError) as refused:
        set_status(by=admin, subscription=subscription, status="deleted", version=1)
    assert list(refused.value.message_dict) == ["status"]
    assert (Subscription.objects.get().status, Subscription.objects.get().version) == ("active", 1)


@pytest.mark.parametrize("name", ["", "  ", "x" * 201])
def test_a_subscription_keeps_a_name(admin, subscription, name):
    with pytest.raises(ValidationError):
        rename_subscription(by=admin, subscription=subscription, friendly_name=name, version=1)
    assert Subscription.objects.get().version == 1


# Signing up (F1) -------------------------------------------------------------------------------------------------------


def confirmation(admin, **changed) -> Confirmation:
    fields = {
        "person": Person("Tania", "Carr", "tania@customer.example"),
        "agreed_on": admin.account.local_today(),
        "template_id": CUSTOMER_AGREEMENT,
        "via": Via.PORTAL,
    }
    return Confirmation(**(fields | changed))


def test_customer_acceptance_and_first_order_are_made_together(admin):
    made = sign_up_customer(
        by=admin, details=customer_details(), confirmation=confirmation(admin), order=NewOrder([Line(license_offer().pk, 3)])
    )
    assert made.order.acceptance == made.acceptance
    assert made.acceptance.customer == made.order.customer == made.customer


def test_a_customer_may_be_made_without_acceptance_and_without_order(admin):
    made = sign_up_customer(by=admin, details=customer_details())
    assert (made.acceptance, made.order, made.customer.standing.rank) == (None, None, 0)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"details": {"postal_code": "x"}}, ValidationError),
        ({"confirmation": {"agreed_on": dt.date(2999, 1, 1)}}, ValidationError),
        ({"confirmation": {"template_id": uuid.UUID(int=1)}}, NewerTemplate),
        ({"confirmation": None}, AgreementNotConfirmed),
        ({"quantity": 301}, QuantityOutOfRange),
    ],
)
def test_what_goes_wrong_undoes_everything(admin, changed, error):
    typed = changed.get("confirmation", {})
    with pytest.raises(error):
        sign_up_customer(
            by=admin,
            details=customer_details(**changed.get("details", {})),
            confirmation=None if typed is None else confirmation(admin, **typed),
            order=NewOrder([Line(license_offer().pk, changed.get("quantity", 3))]),
        )
    assert not Customer.objects.exists()
    assert not Acceptance.objects.exists()
    assert not Order.objects.exists()


def test_orders_are_those_of_ones_own_account(admin, customer):
    placed = make_order(admin, customer)
    assert list(Order.objects.visible_to(admin)) == [placed]
    assert not Order.objects.visible_to(make_staff()).exists()
    assert not Subscription.objects.visible_to(make_staff()).exists()


@pytest.mark.parametrize(
    ("starts", "renews", "today", "ends"),
    [
        ("2026-01-02", True, "2026-06-01", "2027-01-02"),
        ("2019-03-10", True, "2026-03-09", "2026-03-10"),
        ("2019-03-10", True, "2026-03-10", "2027-03-10"),
        ("2019-03-10", False, "2026-03-10", "2020-03-10"),
        ("2024-02-29", True, "2026-01-15", "2026-02-28"),
        ("2024-02-29", True, "2027-12-31", "2028-02-29"),
    ],
)
def test_a_subscription_that_renews_itself_ends_a_year_after_its_last_renewal(starts: str, renews: bool, today: str, ends: str) -> None:
    begun = dt.date.fromisoformat(starts)
    running = Subscription(starts_on=begun, commitment_ends_on=begun + relativedelta(years=1), auto_renew=renews)
    with time_machine.travel(dt.datetime.fromisoformat(f"{today}T12:00:00+00:00")):
        assert running.term_ends_on == dt.date.fromisoformat(ends)
