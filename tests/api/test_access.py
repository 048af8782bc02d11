"""THE API'S PERMISSION MATRIX: what every operation answers to everybody (P1, A2, A5).

An operation of /v1/openapi.json that is not in TABLE fails: add a line that says what whoever may call it gets, what somebody of another
account gets, and what the staff of an indirect reseller get. Whoever has no token gets 401, whoever may have none 403, everywhere.
"""

import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from customers.models import Customer
from mca_portal.api.urls import api
from mca_portal.staff.models import PartnerType, StaffMember
from mca_portal.staff.roles import Role
from orders.models import Subscription
from tests.factories import confirm, license_offer, make_account, make_application, make_customer, make_staff, make_subscription

pytestmark = pytest.mark.django_db
MCA = "117a77b0-9360-443b-8795-c6dedc750cf9"

ADDRESS = {"country": "KR", "city": "Seoul", "addressLine1": "1", "postalCode": "04524", "firstName": "T", "lastName": "C"}
BILLING = {"email": "t@example.com", "culture": "ko-KR", "language": "ko", "companyName": "Some company", "defaultAddress": ADDRESS}
CONSENT = {
    "primaryContact": {"firstName": "Robin", "lastName": "C", "email": "t@example.com"},
    "templateId": MCA,
    "dateAgreed": "2020-06-14T00:00:00Z",
}
ROOT, ORDER, SUBSCRIPTION = (
    "/customers/{customer}",
    "/customers/{customer}/orders/{order}",
    "/customers/{customer}/subscriptions/{subscription}",
)

# Operation: what is sent; what Sales and Admin agents get, an Admin agent of another account, and one of an indirect reseller.
TABLE: dict[str, tuple[str, Any, str]] = {
    "listTemplates": ("/agreements", None, "200 200 403"),
    "listAcceptances": (f"{ROOT}/agreements", None, "200 404 403"),
    "confirmAcceptance": (f"{ROOT}/agreements", CONSENT, "201 404 403"),
    "getDirectAcceptance": (f"{ROOT}/directSignedMicrosoftCustomerAgreementStatus", None, "200 404 403"),
    "getAgreementDocument": (f"/agreementtemplates/{MCA}/document", None, "200 200 403"),
    "listCustomers": ("/customers", None, "200 200 200"),
    "createCustomer": ("/customers", {"companyProfile": {"domain": "some.onmicrosoft.com"}, "billingProfile": BILLING}, "201 201 403"),
    "getCustomer": (ROOT, None, "200 404 200"),
    "patchCustomer": (ROOT, {"relationshipToPartner": "none"}, "403 404 403"),
    "deleteCustomer": (ROOT, None, "403 404 403"),
    "getCompanyProfile": (f"{ROOT}/profiles/company", None, "200 404 200"),
    "getBillingProfile": (f"{ROOT}/profiles/billing", None, "200 404 200"),
    "updateBillingProfile": (f"{ROOT}/profiles/billing", {"companyName": "New name"}, "200 404 200"),
    "checkDomain": ("/domains/some.onmicrosoft.com", None, "404 404 404"),
    "getCountryRules": ("/countryvalidationrules/KR", None, "200 200 200"),
    "validateAddress": ("/validations/address", ADDRESS, "200 200 200"),
    "createOrder": (f"{ROOT}/orders", {"lineItems": [{"offerId": "{offer}", "quantity": 5}]}, "201 404 403"),
    "listOrders": (f"{ROOT}/orders", None, "200 404 200"),
    "getOrder": (ORDER, None, "200 404 200"),
    "updateOrder": (ORDER, {"billingCycle": "annual"}, "403 404 403"),
    "listSubscriptions": (f"{ROOT}/subscriptions", None, "200 404 200"),
    "getSubscription": (SUBSCRIPTION, None, "200 404 200"),
    "updateSubscription": (SUBSCRIPTION, {"quantity": 9}, "200 404 403"),
    "listOffers": ("/offers", None, "200 200 200"),
    "getOffer": ("/offers/{offer}", None, "200 200 200"),
    "listCustomerOffers": (f"{ROOT}/offers", None, "200 404 200"),
    "getOrganizationProfile": ("/profiles/organization", None, "200 200 200"),
}
# "App+User" in Partner Center.
WANT_A_PERSON = {
    "listTemplates",
    "listAcceptances",
    "confirmAcceptance",
    "getDirectAcceptance",
    "getAgreementDocument",
    "getCompanyProfile",
}
METHODS = {
    operation["operationId"]: method.upper()
    for methods in api.get_openapi_schema()["paths"].values()
    for method, operation in methods.items()
}


@dataclass
class Service:
    """A script whose calls are made with an application's token."""

    script: Any
    token: str

    def __call__(self, method: str, path: str, body: Any = None) -> HttpResponse:
        """The answer to the application."""
        return self.script(method, path, body, Authorization=f"Bearer {self.token}")


@dataclass
class World:
    """One customer with everything, and who works for its partner."""

    admin: StaffMember
    row: Subscription

    def ask(self, script: Any, person: StaffMember | None, operation: str) -> HttpResponse:
        """The answer to the operation's request, after which everything is as before."""
        path, body, _answers = TABLE[operation]
        names = {
            "customer": self.row.customer_id,
            "order": self.row.order_id,
            "subscription": self.row.pk,
            "offer": license_offer().pk,
        }
        if operation == "createOrder":
            body = {"lineItems": [{"offerId": str(names["offer"]), "quantity": 5}]}
        with transaction.atomic():
            if person is None:
                answer = Client().generic(METHODS[operation], f"/v1{path.format(**names)}")
            else:
                answer = script(person)(METHODS[operation], path.format(**names), body)
            transaction.set_rollback(True)
        return answer


@pytest.fixture
def world() -> World:
    """Made once a test, by its Admin agent."""
    admin = make_staff()
    return World(admin, make_subscription(admin, confirm(admin, make_customer(admin)).customer))


def test_every_operation_is_in_the_table() -> None:
    assert TABLE.keys() == METHODS.keys()


@pytest.mark.parametrize("operation", TABLE)
def test_an_operation_answers_each_person_as_the_table_says(world, script, operation: str) -> None:
    right, foreign, reseller = (int(status) for status in TABLE[operation][2].split())
    assert world.ask(script, None, operation).status_code == 401
    for roles in ((), (Role.HELPDESK_AGENT,)):
        refused = world.ask(script, make_staff(world.admin.account, roles=roles), operation)
        assert refused.status_code == 403
        assert METHODS[operation] == "HEAD" or refused.json()["code"] == 900150
    for person in (make_staff(world.admin.account, Role.SALES_AGENT), world.admin):
        assert world.ask(script, person, operation).status_code == right
    assert world.ask(script, make_staff(), operation).status_code == foreign
    world.admin.account.partner_type = PartnerType.INDIRECT_RESELLER
    world.admin.account.save()
    assert world.ask(script, world.admin, operation).status_code == reseller


@pytest.mark.parametrize("operation", TABLE)
def test_a_service_that_acts_by_itself_is_refused_where_a_person_takes_part(world, script, operation: str) -> None:
    application, secret = make_application(world.admin)
    asked = {"grant_type": "client_credentials", "client_id": application.pk, "client_secret": secret}
    token = Client().post("/identity/o/api/token", asked).json()["access_token"]
    answer = world.ask(lambda person: Service(script(person), token), world.admin, operation)
    if operation in WANT_A_PERSON:
        assert (answer.status_code, answer.json()["code"]) == (403, 900329)
    else:
        assert answer.status_code == int(TABLE[operation][2].split()[0])


@pytest.mark.parametrize(
    "operation", [name for name, (_path, _body, answers) in TABLE.items() if answers.split()[1] == "404" != answers[:3]]
)
def test_what_is_another_account_s_answers_as_what_there_is_not(world, script, operation: str) -> None:
    stranger = make_staff(make_account())
    foreign = world.ask(script, stranger, operation)
    there = Customer.objects.get(pk=world.row.customer_id)
    nowhere = uuid.uuid4()
    world.row.customer_id = nowhere
    absent = world.ask(script, stranger, operation)
    assert (foreign.status_code, foreign.json()["code"]) == (absent.status_code, absent.json()["code"]) == (404, 60003)
    assert foreign.content.replace(str(there.pk).encode(), b"") == absent.content.replace(str(nowhere).encode(), b"")
