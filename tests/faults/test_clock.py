"""The clock steps (NTP, a machine that was asleep, summer time): nothing crashes, what came first is told by number and not by time.

Steps are an hour back and forward, across midnight too, as machines make them.
"""

import datetime as dt
import zoneinfo
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import Client

from agreements.errors import AgreementNotConfirmed
from agreements.models import Acceptance, Standing
from agreements.services import withdraw_acceptance
from customers.keyset import read_page
from customers.models import Customer
from mca_portal.api import limits
from mca_portal.staff.models import StaffMember
from orders.models import LicenseChange, Order, Subscription
from orders.services import change_license_count, set_status
from tests.factories import confirm, make_account, make_customer, make_order, make_staff, make_token

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)
NOON = dt.datetime(2026, 11, 23, 3, 0, tzinfo=dt.UTC)  # in Seoul


@pytest.fixture
def clock() -> Iterator[Any]:
    """Noon in Seoul; `clock.shift` makes it step."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def admin(clock: Any) -> StaffMember:
    return make_staff()


@pytest.fixture
def customer(admin: StaffMember) -> Customer:
    return make_customer(admin)


@pytest.mark.parametrize("step", [-HOUR, HOUR, dt.timedelta(0)])
def test_the_later_confirmation_stands_although_the_clock_stepped(admin, customer, clock, step):
    confirm(admin, customer, first_name="Earlier")
    clock.shift(step)
    later = confirm(admin, customer, first_name="Later")
    assert Standing.objects.get(customer=customer).acceptance == later
    assert [record.first_name for record in Acceptance.objects.history()] == ["Later", "Earlier"]
    call_command("check_standings", verbosity=0)
    assert make_order(admin, customer).acceptance == later


@pytest.mark.parametrize("step", [-HOUR, HOUR])
def test_the_gate_is_shut_by_a_withdrawal_although_the_clock_stepped(admin, customer, clock, step):
    record = confirm(admin, customer)
    order = make_order(admin, customer)
    clock.shift(step)
    withdraw_acceptance(by=admin, acceptance=record, reason="Mistake")
    with pytest.raises(AgreementNotConfirmed):
        make_order(admin, customer)
    clock.shift(-2 * step)
    with pytest.raises(AgreementNotConfirmed):
        make_order(admin, customer)
    call_command("check_standings", verbosity=0)
    assert Order.objects.get() == order


def test_license_counts_and_statuses_follow_each_other_by_version(admin, customer, clock):
    confirm(admin, customer)
    make_order(admin, customer)
    subscription = Subscription.objects.get()
    for number in range(1, 5):
        clock.shift(HOUR if number % 2 else -2 * HOUR)
        subscription = change_license_count(by=admin, subscription=subscription, quantity=10 + number, version=subscription.version)
        for status in ("suspended", "active"):
            subscription = set_status(by=admin, subscription=subscription, status=status, version=subscription.version)
    changes = LicenseChange.objects.order_by("version")
    assert [change.to_quantity for change in changes] == [11, 12, 13, 14]
    assert [change.from_quantity for change in changes] == [5, 11, 12, 13]
    client = Client()
    client.force_login(admin)
    assert client.get(f"/customers/{customer.pk}/subscriptions/{subscription.pk}/").status_code == 200
    assert client.get(f"/customers/{customer.pk}/").status_code == 200


def test_today_is_what_the_clock_says_now_although_it_was_tomorrow_already(admin, customer, clock):
    clock.move_to(dt.datetime(2026, 11, 23, 15, 10, tzinfo=dt.UTC))  # ten past midnight in Seoul, the 24th
    first = confirm(admin, customer, agreed_on=dt.date(2026, 11, 24))
    clock.shift(-HOUR)
    with pytest.raises(ValidationError) as refused:
        confirm(admin, customer, first_name="Other", agreed_on=dt.date(2026, 11, 24))
    assert list(refused.value.error_dict) == ["agreed_on"]
    assert make_order(admin, customer).acceptance == first  # what was recorded stays recorded
    confirm(admin, customer, first_name="Other", agreed_on=dt.date(2026, 11, 23))
    client = Client()
    client.force_login(admin)
    assert client.get(f"/customers/{customer.pk}/").status_code == 200


@pytest.mark.parametrize(
    ("zone", "changes_at"), [("America/New_York", (2026, 3, 8)), ("America/New_York", (2026, 11, 1)), ("Europe/Berlin", (2026, 10, 25))]
)
def test_the_day_on_which_summer_time_begins_or_ends_is_one_day(clock, zone, changes_at):
    admin = make_staff(make_account(time_zone=zone, country="US"))
    customer = make_customer(admin, country="US", region="WA", postal_code="98052", city="Redmond", contact_phone="")
    tz = zoneinfo.ZoneInfo(zone)
    midnight = dt.datetime(*changes_at, tzinfo=tz).astimezone(dt.UTC)
    for minutes in range(0, 27 * 60, 30):
        moment = midnight + dt.timedelta(minutes=minutes)
        clock.move_to(moment)
        assert admin.account.local_today() == moment.astimezone(tz).date()
        today = admin.account.latest_today()
        confirm(admin, customer, first_name=f"At{minutes}x", agreed_on=today)
        with pytest.raises(ValidationError):
            confirm(admin, customer, first_name=f"Then{minutes}x", agreed_on=today + dt.timedelta(days=1))
    assert make_order(admin, customer).acceptance.first_name == f"At{26 * 60 + 30}x"


@pytest.mark.parametrize("step", [-HOUR, HOUR])
def test_sign_ins_tokens_and_links_outlive_a_step(admin, customer, clock, step):
    make_token(admin, "secret")
    client = Client()
    client.force_login(admin)
    script = {"authorization": "Bearer secret"}
    assert client.get("/customers/").status_code == 200
    assert client.get("/v1/customers", headers=script).status_code == 200
    clock.shift(step)
    assert client.get("/customers/").status_code == 200
    assert client.get("/v1/customers", headers=script).status_code == 200
    draft = client.get("/customers/new/")["Location"]
    clock.shift(-step)
    assert client.get(draft).status_code == 200
    assert client.post(f"/customers/{customer.pk}/agreement/", {}).status_code == 422


def test_a_step_back_does_not_count_an_hour_of_calls_as_one_minute(admin, clock, settings):
    settings.API_CALLS_PER_MINUTE = 20
    make_token(admin, "secret")
    client = Client()

    def calls(number: int) -> set[int]:
        limits.forget()  # as many processes, which all ask the database
        return {client.get("/v1/customers", headers={"authorization": "Bearer secret"}).status_code for _ in range(number)}

    assert calls(15) == {200}
    clock.shift(-HOUR)
    for _minute in range(5):
        assert calls(15) == {200}
        clock.shift(dt.timedelta(minutes=1))


def test_walking_through_a_list_by_time_loses_and_repeats_nothing_although_the_clock_steps(admin, customer, clock):
    confirm(admin, customer)
    steps = [0, 0, 60, -3600, 0, 3600, 1, -1, 7200, -7200]  # seconds; several orders have the same moment
    made = []
    for number in range(40):
        clock.shift(steps[number % len(steps)])
        made.append(make_order(admin, customer).pk)
    rows, order = Order.objects.visible_to(admin), ("-placed_at", "-id")
    pages = [read_page(rows, order=order, size=7)]
    while pages[-1].next:
        clock.shift(-600)
        late = make_order(admin, customer).pk  # an order placed meanwhile, with a moment among those already seen
        assert late not in made
        pages.append(read_page(rows, order=order, cursor=pages[-1].next, size=7))
    seen = [row.pk for page in pages for row in page.items]
    assert len(seen) == len(set(seen))
    assert set(made) <= set(seen)
    assert [row.placed_at for page in pages for row in page.items] == sorted(
        (row.placed_at for page in pages for row in page.items), reverse=True
    )
