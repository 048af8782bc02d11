"""SQLite's file is locked by a stranger, or its disk is full: a clear page, nothing half written, reading goes on, and so does the portal.

In the test's own process, so that "the disk" can be filled to the page (PRAGMA max_page_count).
"""

import re
import sqlite3
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from agreements.models import Acceptance, AgreementTemplate
from customers.models import Customer
from mca_portal.api import limits
from mca_portal.staff.models import ApiToken, StaffMember
from orders.models import Order, OrderLine, Subscription
from tests.factories import confirm, license_offer, make_customer, make_staff, make_token
from tests.soak.browser import Form

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(bool(settings.DATABASE_URL), reason="PostgreSQL: test_postgresql_away.py"),
]

API_CUSTOMER = {
    "companyProfile": {"domain": "new-one.onmicrosoft.com"},
    "billingProfile": {
        "email": "a@customer.example",
        "culture": "en-US",
        "language": "en",
        "companyName": "New one",
        "defaultAddress": {
            "firstName": "T",
            "lastName": "C",
            "addressLine1": "152 Teheran-ro",
            "city": "Seoul",
            "postalCode": "06236",
            "country": "KR",
        },
    },
}


@pytest.fixture
def impatient() -> Iterator[None]:
    """A portal that waits for a lock for a tenth of a second."""
    options = settings.DATABASES["default"]["OPTIONS"]
    patience = options["timeout"]
    options["timeout"] = 0.1
    connection.close()
    yield
    options["timeout"] = patience
    connection.close()


@pytest.fixture
def agent() -> StaffMember:
    return make_staff(language="ko")


@pytest.fixture
def visitor(agent: StaffMember) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(agent)
    client.get("/")
    return client


def typed(customer: Customer, **more: str) -> dict[str, str]:
    latest = AgreementTemplate.objects.versions_for(customer.account).latest
    return {
        "mca-template_id": str(latest.pk),
        "mca-first_name": "Tania",
        "mca-last_name": "Carr",
        "mca-email": "tania@customer.example",
        "mca-agreed_on": "2026-01-31",
    } | more


def is_kind(answer: HttpResponse) -> bool:
    """Whether it is the page that says that the database is not available, in Korean, and says nothing of SQLite."""
    page = answer.content.decode()
    assert not re.search("sqlite|is locked|is full|OperationalError|Traceback", page, re.I)
    return answer.status_code == 503 and "지금은 포털을 이용할 수 없습니다" in page


@pytest.mark.usefixtures("impatient")
def test_a_stranger_who_locks_the_file_stops_writing_for_so_long_only(agent, visitor, settings):
    settings.API_CALLS_PER_MINUTE = 500
    limits.forget()
    customer = make_customer(agent)
    secret = make_token(agent, "secret")
    stranger = sqlite3.connect(settings.DATABASES["default"]["NAME"], isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    try:
        refused = visitor.post(f"/customers/{customer.pk}/agreement/", typed(customer))
        assert is_kind(refused)
        assert visitor.get(f"/customers/{customer.pk}/").status_code == 200
        read = visitor.get("/v1/customers", headers={"authorization": "Bearer secret"})
        assert read.status_code == 200  # although it cannot be noted that the token was used
        assert ApiToken.objects.get(pk=secret.pk).last_used_at is None
        write = visitor.post("/v1/customers", API_CUSTOMER, "application/json", headers={"authorization": "Bearer secret"})
        assert (write.status_code, write["Retry-After"], write.json()["code"]) == (503, "10", 800003)
    finally:
        stranger.close()
    again = Form(refused.content.decode(), "agreement/")
    assert visitor.post(again.action, again.fields).status_code == 302
    assert Acceptance.objects.filter(customer=customer).count() == 1


def test_a_full_disk_stops_writing_and_nothing_is_half_written(agent, visitor):
    customer = make_customer(agent)
    confirm(agent, customer)
    offer = license_offer()

    def order(number: int) -> HttpResponse:
        lines = visitor.get(visitor.get(f"/customers/{customer.pk}/orders/new/")["Location"])
        address = lines.request["PATH_INFO"]
        name = f"Number {number} {'x' * 150}"
        fields = {"offer": str(offer.pk), f"quantity-{offer.pk}": "5", f"name-{offer.pk}": name, "billing_cycle": "monthly", "next": "1"}
        review = visitor.post(address, fields)
        if review.status_code != 302:
            return review
        shown = Form(visitor.get(review["Location"]).content.decode(), "").fields
        return visitor.post(review["Location"], shown)

    with connection.cursor() as cursor:
        pages = cursor.execute("PRAGMA page_count").fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count = {pages}")
    placed, answer = 0, order(0)
    while answer.status_code == 302:
        placed += 1
        assert placed < 500, "the disk does not fill up"
        answer = order(placed)
    assert is_kind(answer)
    assert is_whole(placed)
    assert visitor.get(f"/customers/{customer.pk}/").status_code == 200
    assert visitor.get("/orders/").status_code == 200

    with connection.cursor() as cursor:
        cursor.execute("PRAGMA max_page_count = 1073741823")
    again = Form(answer.content.decode(), "")
    assert visitor.post(again.action, again.fields).status_code == 302
    assert order(placed + 1).status_code == 302
    assert is_whole(Order.objects.count())


def is_whole(orders: int) -> bool:
    """Whether there are so many orders, each with its line and its subscription, in a file that is in order."""
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    call_command("check_standings", verbosity=0)
    return Order.objects.count() == OrderLine.objects.count() == Subscription.objects.count() == orders
