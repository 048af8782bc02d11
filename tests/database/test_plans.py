"""Nothing reads more than what it shows, however many customers there are: what the database says of every query of every page.

No clock is looked at. An account is filled with customers, each page is opened once, and each of its queries is explained: PostgreSQL runs
it and says how many rows each step handled; SQLite says whether it goes through a whole table, and runs it counting its instructions.
"""

import itertools
import json
import uuid
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agreements.models import Standing
from customers import search
from customers.keyset import encode
from customers.models import Customer
from mca_portal.pages import drafts
from mca_portal.pages.models import Draft
from mca_portal.staff.guards import install_guards
from orders.models import Offer, Order, Subscription
from tests.factories import make_account, make_staff, make_token

pytestmark = pytest.mark.django_db

CUSTOMERS = 4000
ROWS = 800  # that a step may handle: a page of 500 of the API, or the names that a search looks at
INSTRUCTIONS = 20_000  # of SQLite's that a query may take, which is some twenty a row
QUERIES = 12  # of one page
GROWING = (
    "customers_customer",
    "agreements_standing",
    "agreements_acceptance",
    "orders_order",
    "orders_orderline",
    "orders_subscription",
    "orders_licensechange",
    "staff_activity",
)
# SQLite cannot know that every domain here begins with it, and sorts those that do.
SHARED = '/v1/customers?size=100&filter={"Field":"Domain","Value":"seed","Operator":"starts_with"}'
SEARCHES = ("logistics", "xylophone", "an", "qx", "물류", "한빛", "빛", "1234", "rs 3999", "t.com", "z")


@pytest.fixture
def person(monkeypatch):
    """An Admin agent of an account with many customers, of which ten are not confirmed."""
    monkeypatch.setattr(search, "NEAR", 100)
    monkeypatch.setattr(search, "NEAR_IF_SHORT", 300)
    monkeypatch.setattr(search, "NEAR_ON_SQLITE", 100)
    monkeypatch.setattr(search, "FEW", 150)
    monkeypatch.setattr(search, "FAR", 600)
    agent = make_staff(make_account(name="Contoso"))
    call_command("seed", customers=CUSTOMERS, unconfirmed=10, stdout=StringIO())
    make_token(agent, "secret")
    if connection.vendor == "sqlite":  # where nobody analyzes the tables but the end of a migrate
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM sqlite_stat1")
            cursor.execute("ANALYZE sqlite_schema")
        install_guards("default")
    return agent


def addresses(person) -> list[str]:
    """Every page and call that shows customers, orders or subscriptions."""
    confirmed = Standing.objects.filter(rank=2).order_by("pk")[7]
    waiting = Standing.objects.filter(rank=0).select_related("customer").order_by("pk")[7]
    middle = Customer.objects.order_by("name_key", "id")[CUSTOMERS // 2]
    subscription = Subscription.objects.order_by("pk")[7]
    order = {
        "lines": [{"offer": str(offer.pk), "quantity": "5", "name": ""} for offer in Offer.objects.sold()[:3]],
        "billing_cycle": "monthly",
    }
    draft = drafts.begin(person, Draft.Kind.NEW_ORDER, customer=waiting.customer, data={"order": order})
    customers, one = reverse("customers"), [confirmed.customer_id]
    step = {"customer_id": waiting.customer_id, "draft_id": draft.pk}
    return [
        reverse("home"),
        customers,
        f"{customers}?cursor={encode([middle.name_key, str(middle.pk)], backwards=False)}",
        f"{customers}?cursor={encode([middle.name_key, str(middle.pk)], backwards=True)}",
        *(f"{customers}?standing={word}" for word in ("not_confirmed", "confirmed", "required", "due")),
        *(f"{customers}?q={text}" for text in (*SEARCHES, middle.name_key[1:], middle.domain[3:], middle.pk, uuid.uuid4())),
        f"{customers}?q=an&standing=not_confirmed",
        reverse("customer", args=one),
        reverse("customer_edit", args=one),
        reverse("agreement", args=one),
        reverse("customer_orders", args=one),
        reverse("subscriptions", args=[subscription.customer_id]),
        reverse("subscription", args=[subscription.customer_id, subscription.pk]),
        reverse("new_order_lines", kwargs=step),
        reverse("new_order_agreement", kwargs=step),
        reverse("orders"),
        reverse("order", args=[Order.objects.order_by("pk")[7].pk]),
        reverse("staff"),
        "/v1/customers?size=500",
        '/v1/customers?size=100&filter={"Field":"CompanyName","Value":"Willow","Operator":"starts_with"}',
        SHARED,
        f"/v1/customers/{confirmed.customer_id}",
        f"/v1/customers/{confirmed.customer_id}/agreements",
        f"/v1/customers/{subscription.customer_id}/orders",
        f"/v1/customers/{subscription.customer_id}/subscriptions",
    ]


def steps(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """A plan of PostgreSQL's, step by step."""
    return [plan, *(step for below in plan.get("Plans", []) for step in steps(below))]


def objections(sql: str) -> list[str]:
    """What is wrong with how the database answers this query."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # A table of a few thousand rows it would rather read whole. Without that choice it does what it does with a million.
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + sql.replace("%", "%%"), [])
            found = cursor.fetchone()[0]
            cursor.execute("SET LOCAL enable_seqscan = on")
            [plan] = json.loads(found) if isinstance(found, str) else found
            wrong = []
            for step in steps(plan["Plan"]):
                handled = (step["Actual Rows"] + step.get("Rows Removed by Filter", 0)) * step["Actual Loops"]
                if handled > ROWS:
                    wrong.append(f"{step['Node Type']} on {step.get('Relation Name', '?')} handles {handled} rows")
                if step["Node Type"].endswith("Seq Scan") and step["Relation Name"] in GROWING:
                    wrong.append(f"{step['Node Type']} on {step['Relation Name']}")
            return wrong
        cursor.execute("EXPLAIN QUERY PLAN " + sql.replace("%", "%%"), [])
        wrong = [line for *_ids, line in cursor.fetchall() if line.startswith("SCAN") and line.split()[1] in GROWING]
        taken = instructions(sql)
        return [*wrong, f"takes {taken} instructions"] if taken > INSTRUCTIONS else wrong


def instructions(sql: str) -> int:
    """How many instructions SQLite carries out for a query, to the hundred."""
    hundreds = itertools.count()
    with connection.cursor() as cursor:
        connection.connection.set_progress_handler(lambda: bool(next(hundreds) < 0), 100)
        cursor.execute(sql.replace("%", "%%"), [])
        cursor.fetchall()
        connection.connection.set_progress_handler(None, 0)
    return 100 * next(hundreds)


def test_no_page_goes_through_a_table_or_asks_often(person) -> None:
    browser = Client()
    browser.force_login(person)
    wrong: list[str] = []
    for address in addresses(person):
        headers = {"authorization": "Bearer secret"} if address.startswith("/v1/") else {}
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert browser.get(address, headers=headers).status_code == 200, address
        queries = [query["sql"] for query in asked.captured_queries]
        if len(queries) > QUERIES:
            wrong.append(f"{address} asks {len(queries)} times")
        for sql in queries:
            if sql.startswith(("SELECT", "WITH")) and not (address == SHARED and connection.vendor == "sqlite"):
                wrong += [f"{address}: {said}\n  {sql[:1200]}" for said in objections(sql)]
    assert not wrong, "\n".join(wrong)
