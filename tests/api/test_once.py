"""A write that is repeated with its identifier is answered as the first time and done once, for 24 hours."""

import datetime as dt
import uuid

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone

from agreements.models import Acceptance
from customers.models import Customer
from mca_portal.api.models import Answer
from mca_portal.staff.roles import Role
from orders.models import Order
from tests.factories import confirm, license_offer, make_customer, make_staff, make_subscription

pytestmark = pytest.mark.django_db
ID = "6f2a1d5e-0000-4000-8000-000000000001"
CONTACT = {"firstName": "Tania", "lastName": "Carr", "email": "tania.carr@customer.example"}


def confirmation(**fields):
    body = {"primaryContact": CONTACT, "templateId": "117a77b0-9360-443b-8795-c6dedc750cf9", "dateAgreed": "2026-01-05T00:00:00Z"}
    return body | fields


def order(quantity=5):
    return {"lineItems": [{"lineItemNumber": 0, "offerId": str(license_offer().pk), "quantity": quantity}]}


@pytest.fixture
def customer(person) -> Customer:
    return make_customer(person)


@pytest.fixture
def open_gate(person, customer) -> str:
    """The address of orders of a customer that may order."""
    confirm(person, customer)
    return f"/customers/{customer.pk}/orders"


def test_an_order_that_is_sent_again_is_placed_once(call, open_gate):
    first = call("POST", open_gate, order(), MS_RequestId=ID, MS_CorrelationId=str(uuid.uuid4()))
    again = call("POST", open_gate, order(), MS_RequestId=ID, MS_CorrelationId=ID)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again["Content-Type"] == first["Content-Type"]
    assert (again["MS-RequestId"], again["MS-CorrelationId"]) == (ID, ID)
    assert Order.objects.count() == 1


def test_the_log_says_which_answer_was_a_repetition(call, open_gate, caplog):
    caplog.set_level("INFO", "mca_portal.request")
    for _ in range(2):
        call("POST", open_gate, order(), MS_RequestId=ID)
    first, again = [record.msg for record in caplog.records if record.name == "mca_portal.request"]
    assert "repeated" not in first
    assert again["repeated"] is True
    assert again["ms_request_id"] == ID


def test_a_refusal_is_repeated_too_but_a_new_identifier_after_confirming_gets_through(call, customer):
    """Partner Center's Java client sends a refused order five times within some milliseconds."""
    path = f"/customers/{customer.pk}/orders"
    answers = [call("POST", path, order(), MS_RequestId=ID) for _ in range(5)]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(403, 13605)}
    confirm(call.person, customer)
    assert call("POST", path, order(), MS_RequestId=ID).status_code == 403
    assert call("POST", path, order(), MS_RequestId=str(uuid.uuid4())).status_code == 201
    assert Order.objects.count() == 1


def test_a_confirmation_that_is_sent_again_is_no_second_confirmation(call, customer):
    path = f"/customers/{customer.pk}/agreements"
    answers = [call("POST", path, confirmation(), MS_RequestId=ID) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert call("POST", path, confirmation(), MS_RequestId=str(uuid.uuid4())).json()["code"] == 600061
    assert Acceptance.objects.count() == 1


@pytest.mark.parametrize("status", [400, 403, 404, 409])
def test_every_refusal_is_repeated(call, person, customer, status):
    requests = {
        400: ("POST", f"/customers/{customer.pk}/agreements", confirmation(dateAgreed="2099-01-01")),
        403: ("POST", f"/customers/{customer.pk}/orders", order()),
        404: ("POST", f"/customers/{uuid.uuid4()}/orders", order()),
        409: ("POST", f"/customers/{customer.pk}/agreements", confirmation()),
    }
    if status == 409:
        confirm(person, customer)
    first, again = (call(*requests[status], MS_RequestId=ID) for _ in range(2))
    assert (first.status_code, again.status_code) == (status, status)
    assert first.content == again.content
    assert Answer.objects.get().status == status


def test_the_same_identifier_with_another_body_address_or_method_is_another_request(call, person, open_gate):
    other = make_customer(person)
    confirm(person, other)
    for path, body in ((open_gate, order()), (open_gate, order(6)), (f"/customers/{other.pk}/orders", order())):
        assert call("POST", path, body, MS_RequestId=ID).status_code == 201
    assert Order.objects.count() == 3


def test_the_same_identifier_with_another_etag_is_another_request(call, person, open_gate):
    subscription = make_subscription(person, Customer.objects.get())
    path = f"/customers/{subscription.customer_id}/subscriptions/{subscription.pk}"
    etag = call("GET", path).json()["attributes"]["etag"]
    assert call("PATCH", path, {"quantity": 6}, MS_RequestId=ID, If_Match="stale").status_code == 400
    assert call("PATCH", path, {"quantity": 6}, MS_RequestId=ID, If_Match=etag).status_code == 200


def test_somebody_elses_identifier_is_not_mine(call, script, open_gate):
    colleague, stranger = script(make_staff(call.person.account, Role.SALES_AGENT)), script(make_staff())
    assert call("POST", open_gate, order(), MS_RequestId=ID).status_code == 201
    assert colleague("POST", open_gate, order(), MS_RequestId=ID).status_code == 201
    assert stranger("POST", open_gate, order(), MS_RequestId=ID).status_code == 404
    assert Order.objects.count() == 2


def test_a_revoked_token_gets_no_answer_again(call, open_gate):
    call("POST", open_gate, order(), MS_RequestId=ID)
    call.token.revoked_at = timezone.now()
    call.token.save()
    assert call("POST", open_gate, order(), MS_RequestId=ID).status_code == 401


def test_without_an_identifier_every_call_is_a_new_one(call, open_gate):
    assert [call("POST", open_gate, order()).status_code for _ in range(2)] == [201, 201]
    assert Order.objects.count() == 2
    assert not Answer.objects.exists()


def test_reads_are_never_kept(call, customer):
    path = f"/customers/{customer.pk}"
    call("GET", path, MS_RequestId=ID)
    Customer.objects.filter(pk=customer.pk).update(company_name="Renamed")
    assert call("GET", path, MS_RequestId=ID).json()["companyProfile"]["companyName"] == "Renamed"
    assert not Answer.objects.exists()


def test_a_crash_is_not_kept_and_undoes_the_work(call, open_gate, monkeypatch):
    def crash(_order):
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr("mca_portal.api.orders._order", crash)
        assert call("POST", open_gate, order(), MS_RequestId=ID).status_code == 500
    assert not Order.objects.exists()
    assert not Answer.objects.exists()
    assert call("POST", open_gate, order(), MS_RequestId=ID).status_code == 201


def test_a_refusal_half_way_leaves_nothing_but_its_answer(call, open_gate, monkeypatch):
    from mca_portal.api.errors import invalid

    def refuse(_order):
        raise invalid("Too late.")

    monkeypatch.setattr("mca_portal.api.orders._order", refuse)
    assert call("POST", open_gate, order(), MS_RequestId=ID).status_code == 400
    assert not Order.objects.exists()
    assert Answer.objects.get().status == 400


def test_after_24_hours_it_is_a_new_request(call, open_gate):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        call("POST", open_gate, order(), MS_RequestId=ID)
        clock.shift(dt.timedelta(hours=23, minutes=59, seconds=59))
        call.token.expires_at = timezone.now() + dt.timedelta(days=9)
        call.token.save()
        call("POST", open_gate, order(), MS_RequestId=ID)
        assert Order.objects.count() == 1
        clock.shift(dt.timedelta(seconds=2))
        call("POST", open_gate, order(), MS_RequestId=ID)
        call("POST", open_gate, order(), MS_RequestId=ID)
    assert Order.objects.count() == 2
    assert Answer.objects.count() == 1


def test_answers_are_deleted_after_a_day_while_the_api_is_used(call, open_gate):
    with time_machine.travel(timezone.now() - dt.timedelta(days=2)):
        Answer.objects.bulk_create(Answer(key=f"{number:064x}", status=201, content="{}") for number in range(300))
    for _ in range(300):  # each write has one chance in sixteen, by a hash
        call("POST", f"/customers/{uuid.uuid4()}/orders", order(), MS_RequestId=str(uuid.uuid4()))
        if Answer.objects.filter(made_at__lt=timezone.now() - dt.timedelta(days=1)).count() == 100:
            break
    assert Answer.objects.filter(made_at__lt=timezone.now() - dt.timedelta(days=1)).count() == 100


def test_the_command_deletes_all_old_answers(call, open_gate, capsys):
    call("POST", open_gate, order(), MS_RequestId=ID)  # before there is anything old: a call may delete some of it, too
    with time_machine.travel(timezone.now() - dt.timedelta(days=2)):
        Answer.objects.bulk_create(Answer(key=f"{number:064x}", status=201, content="{}") for number in range(300))
    call_command("delete_old_answers")
    assert "300" in capsys.readouterr().out
    assert Answer.objects.count() == 1


def test_an_order_of_more_lines_than_an_answer_should_hold_is_refused(call, open_gate):
    assert call("POST", open_gate, {"lineItems": order()["lineItems"] * 201}).status_code == 400
    assert call("POST", open_gate, {"lineItems": order()["lineItems"] * 200}).status_code == 201
    assert len(Order.objects.get().lines.all()) == 200
