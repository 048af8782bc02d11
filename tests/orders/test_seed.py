"""`manage.py seed` leaves what the services would have left."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from agreements.models import Acceptance, Standing
from customers.models import Customer
from mca_portal.staff.models import Action, Activity
from orders.management.commands import seed as command
from orders.models import LicenseChange, Order, OrderLine, Subscription
from orders.services import change_license_count
from tests.factories import confirm, make_account, make_customer, make_order, make_staff

pytestmark = pytest.mark.django_db


def seed(count: int, **options) -> str:
    out = StringIO()
    call_command("seed", customers=count, stdout=out, **options)
    return out.getvalue()


def test_seeded_customers_agree_with_their_records_and_are_all_valid():
    make_staff(make_account(name="Contoso"))
    assert "200 customers added" in seed(200, unconfirmed=10)
    out = StringIO()
    call_command("check_standings", stdout=out)
    assert "200 standings checked, 0 differ" in out.getvalue()
    assert Standing.objects.filter(rank=0).count() == 10
    for customer in Customer.objects.select_related("account")[:40]:
        before = (customer.name_key, customer.contact_phone, customer.contact_email)
        customer.full_clean()
        assert before == (customer.name_key, customer.contact_phone, customer.contact_email)
    assert not Order.objects.filter(acceptance=None).exists()
    assert OrderLine.objects.count() == Subscription.objects.count() > 0
    assert LicenseChange.objects.exists()


def test_seeded_customers_have_the_activity_log_that_the_services_would_have_left():
    admin = make_staff(make_account(name="Contoso"))
    seed(60)
    assert set(Activity.objects.values_list("actor", "account", "way")) == {(admin.pk, admin.account_id, "command")}
    assert Activity.objects.filter(action=Action.CUSTOMER_CREATED).count() == 60
    seeded = {row.about_id or str(row.customer_id): row for row in Activity.objects.all()}
    for acceptance in Acceptance.objects.select_related("customer", "template"):
        assert seeded[str(acceptance.pk)].at == acceptance.recorded_at
    for order in Order.objects.all():
        assert seeded[str(order.pk)].at == order.placed_at
    assert len(seeded) == Activity.objects.count() == 60 + sum(t.objects.count() for t in (Acceptance, Order, LicenseChange))
    # One of each, done once more through the services, is logged in the same words.
    change = LicenseChange.objects.select_related("subscription__order__customer", "acceptance__template")[0]
    subscription = change.subscription
    customer = make_customer(admin, company_name=subscription.customer.company_name)
    said = change.acceptance
    person = {"first_name": said.first_name, "last_name": said.last_name, "email": said.email}
    acceptance = confirm(admin, customer, agreed_on=said.agreed_on, **person)
    lines = [(line.offer, line.quantity) for line in subscription.order.lines.order_by("number")]
    order = make_order(admin, customer, *lines)
    again = order.subscriptions.get(offer=subscription.offer)
    change_license_count(by=admin, subscription=again, quantity=change.to_quantity, version=None)

    def words(row: Activity) -> dict:
        changes = row.changes | {name: None for name in ("template", "billing_cycle") if name in row.changes}
        return {name: getattr(row, name) for name in ("action", "topic", "customer_name", "about_kind", "way", "address")} | changes

    for before, now in (
        (str(subscription.customer_id), str(customer.pk)),
        (str(said.pk), str(acceptance.pk)),
        (str(subscription.order_id), str(order.pk)),
        (str(subscription.pk), str(again.pk)),
    ):
        logged = Activity.objects.filter(about_id=now).last() or Activity.objects.get(customer_id=now, about_id="")
        assert words(logged) == words(seeded[before])
    assert Activity.objects.get(about_id=str(order.pk)).about_name == order.number
    assert seeded[str(subscription.order_id)].about_name == subscription.order.number


@pytest.mark.django_db(transaction=True)
def test_batches_that_are_written_at_the_same_time_are_all_there_and_counted(monkeypatch):
    monkeypatch.setattr(command, "BATCH", 30)
    make_staff(make_account(name="Contoso"))
    seed(200, unconfirmed=10)
    out = StringIO()
    call_command("check_standings", stdout=out)
    assert "200 standings checked, 0 differ" in out.getvalue()
    assert Standing.objects.filter(rank=0).count() == 10


def test_seeding_again_adds_more():
    make_staff(make_account(name="Contoso"))
    seed(20)
    seed(20)
    assert Customer.objects.count() == 40


def test_seeding_an_unknown_account_says_so():
    with pytest.raises(CommandError, match="existing account"):
        seed(1, account="Nobody")
