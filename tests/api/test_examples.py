"""The examples of /v1/openapi.json are what really happens: each is executed against the demo and answers as written.

`WRITE_EXAMPLES=1 .venv/bin/pytest tests/api/test_examples.py` writes them anew after a change of the API or of the demo.
"""

import datetime as dt
import json
import os
import random
import uuid
from io import StringIO
from typing import Any
from unittest import mock
from urllib.parse import urlencode

import pytest
import time_machine
from django.core.management import call_command
from django.db import transaction

from customers.models import Customer
from mca_portal.api.documentation import EXAMPLES
from mca_portal.api.urls import api
from mca_portal.pages import demo_data
from mca_portal.staff.models import StaffMember
from orders.models import Offer

pytestmark = pytest.mark.django_db
DAY = dt.datetime(2026, 11, 25, 9, tzinfo=dt.UTC)
MCA = "117a77b0-9360-443b-8795-c6dedc750cf9"

CONTACT = {"firstName": "Avery", "lastName": "Howard", "email": "avery.howard@bestforyou.example", "phoneNumber": "+61 2 5550 0142"}
ADDRESS = {
    "firstName": "Hayun", "lastName": "Seo", "addressLine1": "152 Teheran-ro, Gangnam-gu", "city": "Seoul", "postalCode": "06236",
    "country": "KR",
}  # fmt: skip
WRONG_ADDRESS = {"addressLine1": "One Microsoft Way", "city": "Redmond", "state": "XX", "postalCode": "98052", "country": "US"}
NEW = {
    "companyProfile": {"domain": "litwareexample.onmicrosoft.com"},
    "billingProfile": {
        "culture": "ko-KR",
        "language": "ko",
        "companyName": "Litware Example",
        "email": "hayun.seo@litware.example",
        "defaultAddress": ADDRESS,
    },
}
LINES = [{"lineItemNumber": 0, "offerId": "<offer>", "friendlyName": "Licenses for sales", "quantity": 5}]
CUSTOMER = {"customer_id": "<confirmed>"}
SUBSCRIPTION = CUSTOMER | {"subscription_id": "<subscription>"}
CONFIRMATION = {
    "primaryContact": CONTACT,
    "templateId": "<latest>",
    "dateAgreed": "2026-11-20T00:00:00.000Z",
    "type": "MicrosoftCustomerAgreement",
}
RENAMED = {"companyName": "Alpine Ski House GmbH"}
STARTS = '{"Field":"CompanyName","Value":"alpine","Operator":"starts_with"}'

# operation, what it shows, parameters, body, status
SPEC: list[tuple[str, str, dict[str, str], Any, int]] = [
    ("listTemplates", "The latest Microsoft Customer Agreement", {"agreementType": "MicrosoftCustomerAgreement"}, None, 200),
    ("listAcceptances", "Who confirmed", CUSTOMER | {"agreementType": "*"}, None, 200),
    ("confirmAcceptance", "Confirm", {"customer_id": "<unconfirmed>"}, CONFIRMATION, 201),
    ("confirmAcceptance", "The Cloud Agreement", {"customer_id": "<unconfirmed>"}, CONFIRMATION | {"templateId": "<cloud>"}, 400),
    ("confirmAcceptance", "In the future", {"customer_id": "<unconfirmed>"}, CONFIRMATION | {"dateAgreed": "2999-01-01"}, 400),
    ("getDirectAcceptance", "Not that the portal knows", CUSTOMER, None, 200),
    ("getAgreementDocument", "In Korean", {"template_id": MCA, "language": "ko-KR", "country": "KR"}, None, 200),
    ("listCustomers", "Those whose name starts with alpine", {"size": "2", "filter": STARTS}, None, 200),
    ("createCustomer", "A customer in Korea", {}, NEW, 201),
    ("createCustomer", "A domain that is taken", {}, NEW | {"companyProfile": {"domain": "adatum.onmicrosoft.com"}}, 409),
    ("getCustomer", "A customer", CUSTOMER, None, 200),
    ("patchCustomer", "Customers stay", CUSTOMER, None, 403),
    ("deleteCustomer", "Customers stay", CUSTOMER, None, 403),
    ("getCompanyProfile", "A company", CUSTOMER, None, 200),
    ("getBillingProfile", "Contact and address", CUSTOMER, None, 200),
    ("updateBillingProfile", "Another name", CUSTOMER, RENAMED | {"attributes": {"etag": "<customer etag>"}}, 200),
    ("updateBillingProfile", "Somebody was faster", CUSTOMER, RENAMED | {"attributes": {"etag": "<stale etag>"}}, 400),
    ("checkDomain", "Taken", {"domain": "adatum.onmicrosoft.com"}, None, 200),
    ("getCountryRules", "Korea", {"country": "KR"}, None, 200),
    ("validateAddress", "An address that is right", {}, ADDRESS, 200),
    ("validateAddress", "A state that there is not", {}, WRONG_ADDRESS, 200),
    ("createOrder", "Five licenses", CUSTOMER, {"billingCycle": "monthly", "lineItems": LINES}, 201),
    ("createOrder", "Not confirmed yet", {"customer_id": "<unconfirmed>"}, {"billingCycle": "monthly", "lineItems": LINES}, 403),
    ("listOrders", "All orders", CUSTOMER, None, 200),
    ("getOrder", "An order", CUSTOMER | {"order_id": "<order>"}, None, 200),
    ("updateOrder", "Orders stay", CUSTOMER | {"order_id": "<order>"}, None, 403),
    ("listSubscriptions", "Those of one order", CUSTOMER | {"order_id": "<order>"}, None, 200),
    ("getSubscription", "A subscription", SUBSCRIPTION, None, 200),
    ("updateSubscription", "50 licenses", SUBSCRIPTION, {"quantity": 50, "attributes": {"etag": "<etag>"}}, 200),
    ("updateSubscription", "More than the offer allows", SUBSCRIPTION, {"quantity": 301}, 400),
    ("listOffers", "The first two", {"country": "KR", "size": "2"}, None, 200),
    ("getOffer", "An offer", {"offer_id": "<offer>", "country": "KR"}, None, 200),
    ("listCustomerOffers", "The first one", CUSTOMER | {"size": "1"}, None, 200),
    ("getOrganizationProfile", "Contoso", {}, None, 200),
    ("updateOrganizationProfile", "The account stays", {}, None, 403),
]  # fmt: skip


def names(call) -> dict[str, str]:
    """What the names in SPEC stand for in the demo."""
    confirmed = Customer.objects.get(domain="alpineskihouse.onmicrosoft.com")
    order = confirmed.orders.earliest("placed_at")
    subscription = order.subscriptions.get(offer__name="Microsoft 365 Business Premium")
    return {
        "<confirmed>": str(confirmed.pk),
        "<unconfirmed>": str(Customer.objects.get(domain="bestforyou.onmicrosoft.com").pk),
        "<order>": str(order.pk),
        "<subscription>": str(subscription.pk),
        "<etag>": call("GET", f"/customers/{confirmed.pk}/subscriptions/{subscription.pk}").json()["attributes"]["etag"],
        "<customer etag>": call("GET", f"/customers/{confirmed.pk}").json()["billingProfile"]["attributes"]["etag"],
        "<stale etag>": "eyJpZCI6ImMiLCJ2ZXJzaW9uIjowfQ==",
        "<offer>": str(Offer.objects.get(name="Microsoft 365 Business Standard").pk),
        "<latest>": str(demo_data.NEWER_TEMPLATE),
        "<cloud>": "998b88de-aa99-4388-a42c-1b3517d49490",
    }


def executed(call) -> list[dict[str, Any]]:
    """Every example of SPEC with its answer; each starts from the demo as it was."""
    places = {
        operation["operationId"]: (path, method, operation)
        for path, operations in api.get_openapi_schema()["paths"].items()
        for method, operation in operations.items()
    }
    named = names(call)
    found = []
    for operation, summary, parameters, body, status in SPEC:
        path, method, described = places[operation]
        text = json.dumps([parameters, body])
        for name, value in named.items():
            text = text.replace(name, value)
        parameters, body = json.loads(text)
        where = {each["name"]: each["in"] for each in described["parameters"] if "name" in each}
        query = {name: value for name, value in parameters.items() if where[name] == "query"}
        address = path.format(**parameters).removeprefix("/v1") + (f"?{urlencode(query)}" if query else "")
        with transaction.atomic(), mock.patch.object(os, "urandom", random.Random(summary).randbytes):
            answer = call(method.upper(), address, body)
            transaction.set_rollback(True)
        assert answer.status_code == status, (operation, summary, answer.content)
        shown = answer.json() if answer.content else None
        found.append(
            {"operation": operation, "summary": summary, "parameters": parameters, "body": body, "status": status, "answer": shown}
        )
    return found


def test_each_example_answers_as_it_is_written(script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEMO_PASSWORD", raising=False)
    with time_machine.travel(DAY, tick=False):
        call_command("demo", stdout=StringIO())
        person = StaffMember.objects.select_related("account").get(email="admin.agent@contoso.example")
        person.object_id = uuid.UUID("4f0c5a3e-9d5b-4f0e-8a66-0a4f5f7c2d11")  # the one thing in an answer that each installation draws anew
        person.save()
        examples = executed(script(person))
    if os.environ.get("WRITE_EXAMPLES"):
        EXAMPLES.write_text(json.dumps(examples, indent=1, ensure_ascii=False) + "\n")
    written = json.loads(EXAMPLES.read_text())
    for example, as_written in zip(examples, written, strict=True):
        assert example == as_written
