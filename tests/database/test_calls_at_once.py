"""The same call of the API at the same moment, as an impatient client sends it: the work is done once, and everybody gets its answer."""

import pytest
from django.conf import settings
from django.test import Client

from mca_portal.api import limits
from mca_portal.api.models import Answer, CallCount
from orders.models import Order, Subscription
from tests.api.conftest import Script
from tests.database.test_at_once import at_once
from tests.factories import confirm, license_offer, make_account, make_customer, make_staff

pytestmark = pytest.mark.django_db(transaction=True)
ID = "6f2a1d5e-0000-4000-8000-000000000001"


@pytest.fixture
def call() -> Script:
    return Script(make_staff())


@pytest.fixture
def customer(call):
    return make_customer(call.person)


def send(call: Script, customer, **headers: str):
    """What a thread of its own does: the order, through a client of its own."""
    own = Script.__new__(Script)
    own.__dict__ |= call.__dict__ | {"client": Client(raise_request_exception=False)}
    body = {"lineItems": [{"lineItemNumber": 0, "offerId": str(license_offer().pk), "quantity": 5}]}
    return own("POST", f"/customers/{customer.pk}/orders", body, **headers)


def test_one_order_of_five_that_are_the_same(call, customer):
    confirm(call.person, customer)
    answers = at_once(*[lambda: send(call, customer, MS_RequestId=ID)] * 5)
    assert {(answer.status_code, answer.content) for answer in answers} == {(201, answers[0].content)}
    assert Order.objects.count() == Subscription.objects.count() == Answer.objects.count() == 1


def test_one_refusal_of_five_that_are_the_same(call, customer):
    answers = at_once(*[lambda: send(call, customer, MS_RequestId=ID)] * 5)
    assert {(answer.status_code, answer.content) for answer in answers} == {(403, answers[0].content)}
    assert Answer.objects.count() == 1


def test_others_do_not_wait_for_each_other_and_all_get_their_own(call, customer):
    confirm(call.person, customer)
    answers = at_once(*[lambda number=number: send(call, customer, MS_RequestId=f"request-{number // 2}") for number in range(8)])
    assert {answer.status_code for answer in answers} == {201}
    assert Order.objects.count() == Answer.objects.count() == 4


def test_when_the_first_crashes_the_one_that_waits_does_the_work(call, customer, monkeypatch):
    confirm(call.person, customer)
    from mca_portal.api import orders

    real, crashes = orders._order, iter([True, False, False])

    def crash_once(order):
        if next(crashes):
            raise ZeroDivisionError
        return real(order)

    monkeypatch.setattr(orders, "_order", crash_once)
    answers = at_once(*[lambda: send(call, customer, MS_RequestId=ID)] * 3)
    assert sorted(answer.status_code for answer in answers) == [201, 201, 500]
    assert Order.objects.count() == Answer.objects.count() == 1


def test_no_call_is_lost_in_the_count(monkeypatch):
    monkeypatch.setattr(settings, "API_CALLS_PER_MINUTE", 10_000)
    monkeypatch.setattr(limits.time, "time", lambda: 1_000_000.0)
    limits.forget()
    account = make_account()
    at_once(*[lambda: [limits.seconds_to_wait(account.pk, "/v1/customers", None) for _ in range(100)]] * 4)
    minute = limits._minutes[account.pk]
    assert CallCount.objects.get().calls + minute.untold == 400
    limits.forget()
