"""Offers, orders, subscriptions and the gate on the wire."""

import base64
import json

import pytest

from mca_portal.staff.models import Cloud, PartnerType
from mca_portal.staff.roles import Role
from orders.models import LicenseChange, Order, Subscription
from tests.factories import (
    confirm,
    license_offer,
    make_account,
    make_customer,
    make_order,
    make_staff,
    make_subscription,
    publish,
    usage_offer,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer(call):
    """A customer whose acceptance is confirmed."""
    return confirm(call.person, make_customer(call.person)).customer


def order_of(*quantities: int, **members: object) -> dict:
    """The documentation's request."""
    lines = [
        {"lineItemNumber": number, "offerId": str(license_offer().pk).upper(), "friendlyName": f"Line {number}", "quantity": quantity}
        for number, quantity in enumerate(quantities)
    ]
    return {"billingCycle": "monthly", "lineItems": lines, "attributes": {"objectType": "Order"}, "totalPrice": 0.0} | members


def test_an_order_is_created_and_its_subscription_is_there_at_once(call, customer) -> None:
    answer = call("POST", f"/customers/{customer.pk}/orders", order_of(5))
    assert answer.status_code == 201
    made, order, subscription = json.loads(answer.content), Order.objects.get(), Subscription.objects.get()
    uri = f"/customers/{customer.pk}"
    assert made.pop("creationDate").endswith("Z")
    assert json.loads(base64.b64decode(made["attributes"].pop("etag"))) == {"id": str(order.pk), "version": 1}
    assert made == {
        "id": str(order.pk),
        "referenceCustomerId": str(customer.pk),
        "billingCycle": "monthly",
        "lineItems": [
            {
                "lineItemNumber": 0,
                "offerId": str(license_offer().pk),
                "subscriptionId": str(subscription.pk),
                "friendlyName": "Line 0",
                "quantity": 5,
                "links": {"subscription": {"uri": f"{uri}/subscriptions/{subscription.pk}", "method": "GET", "headers": []}},
            }
        ],
        "status": "completed",
        "transactionType": "UserPurchase",
        "links": {"self": {"uri": f"{uri}/orders/{order.pk}", "method": "GET", "headers": []}},
        "attributes": {"objectType": "Order"},
    }
    found = call("GET", f"{uri}/subscriptions?order_id={order.pk}").json()["items"]
    assert [item["id"] for item in found] == [str(subscription.pk)]
    assert call("GET", f"{uri}/orders/{str(order.pk).upper()}").json() == answer.json()
    assert call("GET", f"{uri}/orders?include_price=false").json()["items"] == [answer.json()]


def test_without_an_acceptance_an_order_is_refused_with_13605(call) -> None:
    customer = make_customer(call.person)
    path = f"/customers/{customer.pk}/orders"
    answer = call("POST", path, order_of(5))
    assert (answer.status_code, answer.json()["code"]) == (403, 13605)
    assert "Nobody has confirmed" in answer.json()["description"]
    assert f"POST /v1/customers/{customer.pk}/agreements" in answer.json()["description"]
    assert not Order.objects.exists()
    confirm(call.person, customer)
    assert call("POST", path, order_of(5)).status_code == 201


def test_an_outdated_acceptance_says_so(call, customer) -> None:
    publish(required_in_days=-1)
    answer = call("POST", f"/customers/{customer.pk}/orders", order_of(5)).json()
    assert answer["code"] == 13605
    assert "older version" in answer["description"]


@pytest.mark.parametrize("cloud", [cloud for cloud in Cloud if cloud != Cloud.PUBLIC])
def test_clouds_without_the_agreement_order_freely(script, cloud: str) -> None:
    call = script(make_staff(make_account(cloud=cloud)))
    assert call("POST", f"/customers/{make_customer(call.person).pk}/orders", order_of(5)).status_code == 201


@pytest.mark.parametrize("cycle", ["monthly", "Monthly", "annual", "unknown", "none", None])
def test_billing_cycles_come_in_any_letter_case(call, customer, cycle: str | None) -> None:
    made = call("POST", f"/customers/{customer.pk}/orders", order_of(1, billingCycle=cycle)).json()
    assert made["billingCycle"] == ("annual" if cycle == "annual" else "monthly")


def test_lines_that_nobody_numbered_keep_their_order(call, customer) -> None:
    lines = [line | {"lineItemNumber": 0} for line in order_of(1, 2, 3)["lineItems"]]
    made = call("POST", f"/customers/{customer.pk}/orders", order_of(lineItems=lines)).json()
    assert [(line["lineItemNumber"], line["quantity"]) for line in made["lineItems"]] == [(0, 1), (1, 2), (2, 3)]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"lineItems": []}, 800002),
        ({"lineItems": None}, 800002),
        ({"lineItems": [{"offerId": "x", "quantity": 1}]}, 800004),
        ({"lineItems": [{"offerId": "00000000-0000-4000-8000-000000000000", "quantity": 1}]}, 800004),
        ({"lineItems": [{"lineItemNumber": 7, "offerId": "x", "quantity": 1}]}, 800071),
        ({"lineItems": [{"offerId": "x", "quantity": 1, "parentSubscriptionId": "x"}]}, 2000),
        ({"billingCycle": "triennial"}, 900126),
    ],
)
def test_orders_that_cannot_be_are_refused(call, customer, change: dict, code: int) -> None:
    answer = call("POST", f"/customers/{customer.pk}/orders", order_of(1, **change))
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize("quantity", [0, -1, 301, 10**30])
def test_a_quantity_outside_the_offer_is_refused_with_its_line(call, customer, quantity: int) -> None:
    answer = call("POST", f"/customers/{customer.pk}/orders", order_of(1, quantity)).json()
    assert (answer["code"], answer["data"]) == (900275, ["lineItems[1].quantity"])
    assert "1 to 300" in answer["description"]


def test_a_subscription_is_shown_as_documented(call, customer) -> None:
    row = make_subscription(call.person, customer, quantity=2)
    shown = call("GET", f"/customers/{customer.pk}/subscriptions/{row.pk}").json()
    assert shown["attributes"].keys() == {"etag", "objectType"}
    assert {name: shown[name] for name in ("quantity", "unitType", "status", "billingType", "autoRenewEnabled", "isTrial")} == {
        "quantity": 2,
        "unitType": "Licenses",
        "status": "active",
        "billingType": "license",
        "autoRenewEnabled": True,
        "isTrial": False,
    }
    assert "entitlementId" not in shown
    usage = make_subscription(call.person, customer, quantity=1, offer=usage_offer())
    shown = call("GET", f"/customers/{customer.pk}/subscriptions/{usage.pk}").json()
    assert (shown["billingType"], shown["unitType"], shown["commitmentEndDate"][:4]) == ("usage", "Usage-based", "9999")


def test_a_whole_subscription_is_sent_back_changed(call, customer) -> None:
    row = make_subscription(call.person, customer)
    path = f"/customers/{customer.pk}/subscriptions/{row.pk}"
    seen = call("GET", path).json()
    answer = call("PATCH", path, seen | {"quantity": 9, "friendlyName": "New name", "autoRenewEnabled": False, "status": "suspended"})
    assert answer.status_code == 200
    changed = answer.json()
    assert (changed["quantity"], changed["friendlyName"], changed["autoRenewEnabled"], changed["status"]) == (
        9,
        "New name",
        False,
        "suspended",
    )
    assert changed["attributes"]["etag"] != seen["attributes"]["etag"]
    assert LicenseChange.objects.get().to_quantity == 9
    stale = call("PATCH", path, seen | {"quantity": 10})
    assert (stale.status_code, stale.json()["code"]) == (400, 2055)
    suspended = call("PATCH", path, {"Quantity": 10})
    assert (suspended.status_code, suspended.json()["code"]) == (400, 2001)
    assert call("PATCH", path, {"Status": "Active"}).json()["status"] == "active"
    assert call("PATCH", path, {"Quantity": 301}).json()["code"] == 2002
    assert call("PATCH", path, {"Quantity": 10}, If_Match=f'"{seen["attributes"]["etag"]}"').json()["code"] == 2055


def test_a_change_is_made_whole_or_not_at_all(call, customer) -> None:
    row = make_subscription(call.person, customer)
    answer = call("PATCH", f"/customers/{customer.pk}/subscriptions/{row.pk}", {"quantity": 9, "friendlyName": "x" * 201})
    assert answer.status_code == 400
    row.refresh_from_db()
    assert (row.quantity, row.version) == (5, 1)


def test_the_gate_guards_the_license_count_and_nothing_else(call, customer) -> None:
    row = make_subscription(call.person, customer)
    publish(required_in_days=-1)
    path = f"/customers/{customer.pk}/subscriptions/{row.pk}"
    refused = call("PATCH", path, {"quantity": 9})
    assert (refused.status_code, refused.json()["code"]) == (403, 13605)
    assert call("PATCH", path, {"quantity": 5, "status": "suspended"}).status_code == 200


@pytest.mark.parametrize(
    ("change", "code"), [({"status": "deleted"}, 2011), ({"status": "pending"}, 900126), ({"billingCycle": "annual"}, 2054)]
)
def test_changes_that_the_portal_does_not_make_are_refused(call, customer, change: dict, code: int) -> None:
    row = make_subscription(call.person, customer)
    answer = call("PATCH", f"/customers/{customer.pk}/subscriptions/{row.pk}", change)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_a_usage_based_subscription_has_no_license_count(call, customer) -> None:
    row = make_subscription(call.person, customer, quantity=1, offer=usage_offer())
    path = f"/customers/{customer.pk}/subscriptions/{row.pk}"
    assert call("PATCH", path, {"quantity": 2}).json()["code"] == 2006
    assert call("PATCH", path, {"quantity": 1, "status": "suspended"}).status_code == 200


def test_offers_are_listed_and_opened(call, customer) -> None:
    everything = call("GET", "/offers?country=us").json()
    assert everything["totalCount"] == len(everything["items"]) > 20
    offer = next(item for item in everything["items"] if item["name"] == "Microsoft 365 Business Standard")
    assert (offer["minimumQuantity"], offer["maximumQuantity"], offer["country"], offer["billing"]) == (1, 300, "US", "license")
    assert call("GET", f"/offers/{offer['id'].upper()}?country=US").json() == offer
    assert len(call("GET", f"/customers/{customer.pk}/offers?offset=1&size=2").json()["items"]) == 2
    for bad, status in (("/offers?country=USA", 400), ("/offers?size=-1", 400), ("/offers/x", 404), (f"/offers/{customer.pk}", 404)):
        assert call("GET", bad).status_code == status


def test_what_is_not_there_is_not_found(call, customer) -> None:
    other = confirm(call.person, make_customer(call.person)).customer
    row = make_subscription(call.person, other)
    for path, code in (
        (f"orders/{row.order_id}", 20000),
        ("orders/x", 20000),
        (f"subscriptions/{row.pk}", 20003),
        ("subscriptions/x", 20003),
    ):
        answer = call("GET", f"/customers/{customer.pk}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, code)
    assert call("GET", f"/customers/{customer.pk}/subscriptions?order_id=x").json()["items"] == []


def test_an_order_stays_as_it_was_placed(call, customer) -> None:
    order = make_order(call.person, customer)
    answer = call("PATCH", f"/customers/{customer.pk}/orders/{order.pk}", {"billingCycle": "annual"})
    assert (answer.status_code, answer.json()["code"]) == (403, 600006)
    assert Order.objects.get().billing_cycle == "monthly"


OPERATIONS = [
    ("GET", "orders", None),
    ("POST", "orders", {"lineItems": []}),
    ("GET", "orders/{order}", None),
    ("PATCH", "orders/{order}", {"billingCycle": "annual"}),
    ("GET", "subscriptions", None),
    ("GET", "subscriptions/{subscription}", None),
    ("PATCH", "subscriptions/{subscription}", {"quantity": 9}),
    ("GET", "offers", None),
]


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS)
def test_foreign_things_are_not_found_and_roles_are_asked_for(call, script, method: str, path: str, body: dict | None) -> None:
    account = make_account()
    admin = make_staff(account)
    row = make_subscription(admin, confirm(admin, make_customer(admin)).customer)
    path = f"/customers/{row.customer_id}/{path.format(order=row.order_id, subscription=row.pk)}"
    assert (call(method, path, body).status_code, call(method, path, body).json()["code"]) == (404, 60003)
    refused = script(make_staff(account, Role.HELPDESK_AGENT))(method, path, body)
    assert (refused.status_code, refused.json()["code"]) == (403, 900150)
    row.refresh_from_db()
    assert row.quantity == 5


def test_indirect_resellers_order_nothing(script) -> None:
    account = make_account()
    admin = make_staff(account)
    row = make_subscription(admin, confirm(admin, make_customer(admin)).customer)
    account.partner_type = PartnerType.INDIRECT_RESELLER
    account.save()
    call = script(admin)
    for method, path, body in (("POST", "orders", order_of(1)), ("PATCH", f"subscriptions/{row.pk}", {"quantity": 9})):
        answer = call(method, f"/customers/{row.customer_id}/{path}", body)
        assert (answer.status_code, answer.json()["code"]) == (403, 600006)
