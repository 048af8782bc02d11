"""Without an acceptance that counts, no new order and no change of a license count (G1–G5)."""

import pytest

from agreements.errors import AgreementNotConfirmed
from agreements.models import Standing
from agreements.services import require_acceptance, withdraw_acceptance
from agreements.standing import StandingWord
from mca_portal.staff.models import Cloud
from orders.models import LicenseChange, Order
from orders.services import change_license_count, set_status
from tests.factories import confirm, make_account, make_customer, make_order, make_staff, make_subscription, publish

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin():
    return make_staff()


@pytest.fixture
def customer(admin):
    return make_customer(admin)


def test_no_order_without_acceptance(admin, customer):
    with pytest.raises(AgreementNotConfirmed) as caught:
        make_order(admin, customer)
    assert caught.value.word == StandingWord.NOT_CONFIRMED
    assert not Order.objects.exists()


def test_an_order_names_the_acceptance_that_opened_the_gate(admin, customer):
    acceptance = confirm(admin, customer)
    assert make_order(admin, customer).acceptance == acceptance


def test_no_license_change_without_acceptance(admin, customer):
    acceptance = confirm(admin, customer)
    subscription = make_subscription(admin, customer, quantity=5)
    withdraw_acceptance(by=admin, acceptance=acceptance, reason="Wrong customer")
    with pytest.raises(AgreementNotConfirmed):
        change_license_count(by=admin, subscription=subscription, quantity=4, version=1)
    assert not LicenseChange.objects.exists()


def test_suspending_and_reactivating_is_not_gated(admin, customer):
    acceptance = confirm(admin, customer)
    subscription = make_subscription(admin, customer)
    withdraw_acceptance(by=admin, acceptance=acceptance, reason="Wrong customer")
    assert set_status(by=admin, subscription=subscription, status="suspended", version=1).status == "suspended"
    assert set_status(by=admin, subscription=subscription, status="active", version=2).status == "active"


def test_an_older_acceptance_counts_until_the_newer_template_is_required(admin, customer):
    confirm(admin, customer)
    publish(required_in_days=30)
    make_order(admin, customer)
    publish(rank=4, required_in_days=0, published_in_days=0)
    with pytest.raises(AgreementNotConfirmed) as caught:
        make_order(admin, customer)
    assert caught.value.word == StandingWord.REQUIRED


def test_where_the_agreement_does_not_apply_the_gate_stays_open():
    admin = make_staff(make_account(cloud=Cloud.US_GOVERNMENT, country="US", time_zone="America/New_York"))
    customer = make_customer(admin)
    assert make_order(admin, customer).acceptance is None


def test_the_gate_costs_one_query(admin, customer, django_assert_num_queries):
    confirm(admin, customer)
    with django_assert_num_queries(1):
        require_acceptance(customer)


def test_withdrawal_falls_back_to_the_best_remaining_acceptance(admin, customer):
    first = confirm(admin, customer)
    second = confirm(admin, customer, first_name="Other")
    assert Standing.objects.get(customer=customer).acceptance == second
    withdraw_acceptance(by=admin, acceptance=second, reason="Mistake")
    assert Standing.objects.get(customer=customer).acceptance == first
    withdraw_acceptance(by=admin, acceptance=first, reason="Mistake")
    assert Standing.objects.get(customer=customer).rank == 0


def test_a_license_change_is_kept_with_its_acceptance(admin, customer):
    acceptance = confirm(admin, customer)
    subscription = make_subscription(admin, customer, quantity=5)
    change_license_count(by=admin, subscription=subscription, quantity=9, version=1)
    change = LicenseChange.objects.get()
    assert (change.from_quantity, change.to_quantity, change.acceptance, change.changed_by) == (5, 9, acceptance, admin)
