"""Prometheus reads how much the portal does, with the operator's token alone."""

import re

import pytest
from django.db import transaction

from agreements.errors import AgreementNotConfirmed
from tests.factories import confirm, make_account, make_customer, make_order, make_staff

pytestmark = pytest.mark.django_db
TOKEN = "t0ken-of-the-operator-0123456789abcdef"


def series(client) -> dict[str, float]:
    """Every series as Prometheus reads it."""
    text = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"}).content.decode()
    return {name: float(value) for name, value in re.findall(r"^(mca_\S+(?:\{[^}]*\})?) (\S+)$", text, re.MULTILINE)}


@pytest.fixture
def grown(client, settings):
    """How much a series has grown since the test began."""
    settings.METRICS_TOKEN = TOKEN
    before = series(client)
    return lambda name: series(client).get(name, 0) - before.get(name, 0)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer \xe9"])
def test_there_is_nothing_without_the_token(client, settings, header):
    settings.METRICS_TOKEN = TOKEN
    assert client.get("/metrics", headers={"authorization": header}).status_code == 404


@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer None"])
def test_there_is_nothing_at_all_by_default(client, header):
    assert client.get("/metrics", headers={"authorization": header}).status_code == 404


def test_requests_are_counted_by_route_method_and_status(client, grown):
    client.get("/healthz")
    client.get("/nowhere/someone@customer.example/")
    client.generic("MADE-UP", "/healthz")
    assert grown('mca_requests_total{method="GET",route="healthz",status="200"}') == 1
    assert grown('mca_requests_total{method="GET",route="none",status="404"}') == 1
    assert grown('mca_requests_total{method="other",route="healthz",status="405"}') == 1
    assert grown('mca_request_seconds_count{method="GET",route="healthz"}') == 1
    assert not [name for name in series(client) if "@" in name or "MADE" in name]


def test_orders_confirmations_and_refusals_are_counted(grown, django_capture_on_commit_callbacks):
    admin = make_staff(make_account())
    customer = make_customer(admin)
    with django_capture_on_commit_callbacks(execute=True):
        with pytest.raises(AgreementNotConfirmed):
            make_order(admin, customer)
        confirm(admin, customer)
        make_order(admin, customer)
    assert grown("mca_gate_refusals_total") == 1
    assert grown('mca_confirmations_total{via="portal"}') == 1
    assert grown("mca_orders_placed_total") == 1


def test_what_was_rolled_back_is_not_counted(grown, django_capture_on_commit_callbacks):
    admin = make_staff(make_account())
    customer = make_customer(admin)
    with django_capture_on_commit_callbacks(execute=True):
        try:
            with transaction.atomic():
                confirm(admin, customer)
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass
    assert grown('mca_confirmations_total{via="portal"}') == 0


def test_attempts_that_throttling_turns_away_are_counted_each(client, grown):
    for _time in range(8):
        client.post("/accounts/login/", {"login": "nobody@example.com", "password": "wrong"})
    assert grown("mca_turned_away_total") == 3


def test_sign_ins_that_fail_are_counted(client, grown):
    client.post("/accounts/login/", {"login": "nobody@contoso.example", "password": "correct horse battery"})
    assert grown("mca_sign_in_failures_total") == 1
