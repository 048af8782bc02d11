"""500 calls a minute of one account about customers, orders and subscriptions; then 429, as Partner Center says it."""

import datetime as dt
import uuid

import pytest
import time_machine
from django.db import OperationalError

from mca_portal.api import limits
from mca_portal.api.models import CallCount
from tests.factories import make_customer, make_staff

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 3, 2, 9, 0, 3, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def clock():
    """Three seconds into a minute, and nothing counted yet."""
    limits.forget()
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock
    limits.forget()


@pytest.fixture(autouse=True)
def limit(settings, clock):
    """Small enough to reach."""
    settings.API_CALLS_PER_MINUTE = 20


@pytest.fixture
def call(clock, script):
    """Made by the test's clock, so that its token is good then."""
    return script(make_staff())


def test_calls_over_the_limit_are_told_when_to_come_back(call):
    assert {call("GET", "/customers").status_code for _ in range(20)} == {200}
    answer = call("GET", "/customers", MS_RequestId="one-too-many")
    assert answer.status_code == 429
    assert answer["Retry-After"] == "57"
    assert answer.json() == {"statusCode": 429, "message": "Rate limit is exceeded. Try again in 57 seconds."}
    assert answer["MS-RequestId"] == "one-too-many"


def test_it_begins_anew_with_the_minute(call, clock):
    for _ in range(21):
        call("GET", "/customers")
    clock.shift(57)
    assert call("GET", "/customers").status_code == 200


def test_orders_and_subscriptions_count_with_customers_and_the_rest_does_not(call):
    customer = make_customer(call.person)
    for path in ("orders", "subscriptions", "agreements", "profiles/billing") * 5:
        assert call("GET", f"/customers/{customer.pk}/{path}").status_code == 200
    assert call("GET", f"/customers/{customer.pk}/orders").status_code == 429
    assert call("GET", "/agreements").status_code == 200
    assert call("GET", "/offers").status_code == 200


def test_each_account_has_a_limit_of_its_own(call, script):
    for _ in range(21):
        call("GET", "/customers")
    assert script(make_staff())("GET", "/customers").status_code == 200
    assert script(make_staff(call.person.account))("GET", "/customers").status_code == 429


def test_a_clients_own_echoes_are_not_counted(call):
    """Partner Center's Java client sends a refused call five times."""
    for _ in range(20):
        request_id = str(uuid.uuid4())
        for _ in range(5):
            assert call("GET", f"/customers/{call.person.object_id}", MS_RequestId=request_id).status_code == 404
    assert call("GET", "/customers").status_code == 429


def test_echoes_of_writes_are_not_counted(call):
    path = f"/customers/{call.person.object_id}/orders"
    for _ in range(20):
        request_id = str(uuid.uuid4())
        for _ in range(9):
            assert call("POST", path, {"lineItems": []}, MS_RequestId=request_id).status_code == 404
    assert call("POST", path, {"lineItems": []}, MS_RequestId=str(uuid.uuid4())).status_code == 429


def test_an_identifier_that_never_changes_is_counted_all_the_same(call):
    answers = [call("GET", "/customers", MS_RequestId="always-this-one").status_code for _ in range(25)]
    assert answers == [200] * 24 + [429]


def test_the_same_identifier_with_another_request_is_counted(call):
    for number in range(20):
        call("GET", f"/customers?size={number + 1}", MS_RequestId="always-this-one")
    assert call("GET", "/customers", MS_RequestId="always-this-one").status_code == 429


def test_another_process_knows_what_was_counted(call, settings):
    settings.API_CALLS_PER_MINUTE = 11
    for _ in range(11):
        call("GET", "/customers")
    limits.forget()  # a process that has not counted yet
    assert call("GET", "/customers").status_code == 429


def test_a_process_asks_the_database_at_its_first_call_and_at_every_tenth(call, django_assert_num_queries):
    customer = make_customer(call.person)
    call("GET", f"/customers/{customer.pk}")
    for _ in range(9):
        with django_assert_num_queries(2):
            call("GET", f"/customers/{customer.pk}")
    with django_assert_num_queries(3):
        call("GET", f"/customers/{customer.pk}")


def test_where_nothing_can_be_written_reads_go_on(call, monkeypatch):
    def fail(*_args: object) -> int:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(limits, "_tell", fail)
    assert call("GET", "/customers").status_code == 200


def test_a_clock_that_is_behind_does_not_begin_the_minute_anew(call, clock):
    for _ in range(11):
        call("GET", "/customers")
    clock.shift(-10)
    limits.forget()
    call("GET", "/customers")
    assert CallCount.objects.get().calls == 12


def test_zero_means_no_limit(call, settings):
    settings.API_CALLS_PER_MINUTE = 0
    assert {call("GET", "/customers").status_code for _ in range(30)} == {200}
    assert not CallCount.objects.exists()


def test_the_limit_is_500_unless_set_otherwise():
    import subprocess
    import sys

    code = "from mca_portal import settings; print(settings.API_CALLS_PER_MINUTE)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "500"
