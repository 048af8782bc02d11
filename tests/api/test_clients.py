"""Requests just as Microsoft's clients send them, and what breaks these clients when they read an answer."""

import datetime as dt
import json
import re
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_plus

import pytest
from django.http import HttpResponse

from agreements.models import Acceptance
from mca_portal.staff.services import create_token
from orders.models import Order
from tests.factories import confirm, license_offer, make_customer, make_subscription, usage_offer

pytestmark = pytest.mark.django_db
MCA = "117a77b0-9360-443b-8795-c6dedc750cf9"
SENT_ONCE = {400, 401, 403, 404, 409, 417}  # Java sends these five times; everything else that refuses it repeats without end


class Java:
    """The Java SDK: its headers, its five tries, its way of following links."""

    def __init__(self, call: Any) -> None:
        self.call, self.correlation = call, str(uuid.uuid4())

    def __call__(self, method: str, path: str, body: Any = None, **more: str) -> HttpResponse:
        """The last of up to five answers to the same request, all of which must be the same."""
        headers = {
            "Accept": "application/json",
            "MS_RequestId": str(uuid.uuid4()),
            "MS_CorrelationId": self.correlation,
            "X_Locale": "en-US",
            "MS_Contract_Version": "v1",
            "MS_SdkVersion": "1.15.4",
            "MS_PartnerCenter_Client": "Partner Center Java SDK",
            "Accept_Encoding": "gzip",
        }
        answers = []
        for _try in range(5):
            answer = self.call(method, path, body, **(headers | more))
            answers.append((answer.status_code, answer.content))
            assert (answer["MS-RequestId"], answer["MS-CorrelationId"]) == (headers["MS_RequestId"], self.correlation)
            if answer.status_code < 300:
                break
            assert answer.status_code in SENT_ONCE, "Java would never come back"
        assert len(set(answers)) == 1
        assert method in ("HEAD", "DELETE") or answer.content, "Java casts an empty success to the wrong class"
        return answer

    def pages(self, path: str) -> Iterator[dict]:
        """A list page by page, as its enumerator walks it: root + "/v1/" + the link's address, with the link's headers."""
        page = self("GET", path).json()
        yield page
        while following := page["links"].get("next"):
            page = self("GET", f"/{following['uri']}", **{each["key"]: each["value"] for each in following["headers"]}).json()
            yield page


@pytest.fixture
def java(call) -> Java:
    """The Java SDK with an Admin agent's token."""
    return Java(call)


@pytest.fixture
def customer(call):
    """A customer whose acceptance is confirmed."""
    return confirm(call.person, make_customer(call.person)).customer


def members(value: Any) -> Iterator[tuple[str, Any]]:
    """Every member at any depth."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield name, member
            yield from members(member)
    elif isinstance(value, list):
        for member in value:
            yield from members(member)


# What Java's and PowerShell's enumerations know; one value more, and the whole answer is lost.
ENUMERATIONS = {
    "relationshipToPartner": {"unknown", "none", "reseller", "advisor", "syndication"},
    "billingCycle": {"unknown", "monthly", "annual", "none", "one_time"},
    "billingType": {"none", "usage", "license"},
    "billing": {"none", "usage", "license"},
    "method": {"GET", "POST", "PUT", "PATCH"},
}


def test_no_answer_holds_what_breaks_an_old_client(call, customer) -> None:
    first = make_subscription(call.person, customer)
    make_subscription(call.person, customer, quantity=1, offer=usage_offer())
    root = f"/customers/{customer.pk}"
    call("PATCH", f"{root}/subscriptions/{first.pk}", {"status": "suspended"})
    for path in (
        "/customers",
        "/customers?size=1",
        root,
        f"{root}/profiles/company",
        f"{root}/profiles/billing",
        f"{root}/orders",
        f"{root}/orders/{first.order_id}",
        f"{root}/subscriptions",
        f"{root}/subscriptions/{first.pk}",
        f"{root}/offers",
        "/offers?country=US",
        f"/offers/{first.offer_id}?country=US",
        f"{root}/agreements?agreementType=*",
        "/agreements?agreementType=*",
        "/profiles/organization",
        "/countryvalidationrules/KR",
        f"/agreementtemplates/{MCA}/document",
    ):
        answer = call("GET", path)
        assert answer.status_code == 200
        for name, value in members(answer.json()):
            assert value is not None, (path, name)
            assert re.fullmatch(r"[a-z][A-Za-z0-9]*", name), (path, name)
            if name in ENUMERATIONS:
                assert value in ENUMERATIONS[name], (path, name, value)
            if name == "uri":
                assert re.fullmatch(r"/(?!v1)[!-~]*", value), (path, value)
            if name.lower().endswith("date"):
                assert dt.datetime.fromisoformat(value).tzinfo
        for row in answer.json().get("items", [answer.json()]):
            if "/subscriptions" in path:
                assert row["status"] in {"none", "active", "suspended", "deleted"}
                for name in ("effectiveStartDate", "commitmentEndDate"):
                    assert re.fullmatch(r"[-0-9]+T[:0-9]+Z", row[name]), "Java's early versions read these two without a fraction only"
            if "/orders" in path:
                assert isinstance(row["lineItems"], list)
                assert row["lineItems"]


def test_java_confirms_with_a_date_that_it_took_to_utc(java, customer) -> None:
    body = {
        "attributes": {"objectType": "Agreement"},
        "dateAgreed": "2020-06-13T23:02:03.456Z",
        "primaryContact": {"firstName": "T", "lastName": "C", "email": "a@b.co"},
        "templateId": MCA,
        "type": "MicrosoftCustomerAgreement",
    }
    made = java("POST", f"/customers/{customer.pk}/agreements", body)
    assert (made.status_code, made.json()["dateAgreed"]) == (201, "2020-06-13T00:00:00.000Z")
    refused = java("POST", f"/customers/{customer.pk}/agreements", body)
    assert (refused.status_code, refused.json()["code"]) == (409, 600061)
    assert Acceptance.objects.filter(email="a@b.co").count() == 1


def test_java_s_refused_order_is_five_requests_and_goes_through_after_the_confirmation(java, call) -> None:
    customer = make_customer(call.person)
    lines = [
        {"attributes": {"objectType": "OrderLineItem"}, "lineItemNumber": 0, "offerId": str(license_offer().pk), "quantity": quantity}
        for quantity in (5, 7)
    ]
    body = {"attributes": {"objectType": "Order"}, "billingCycle": "monthly", "lineItems": lines, "totalPrice": 0.0}
    refused = java("POST", f"/customers/{customer.pk}/orders", body)
    assert (refused.status_code, refused.json()["code"]) == (403, 13605)
    confirm(call.person, customer)
    made = java("POST", f"/customers/{customer.pk}/orders", body)
    assert made.status_code == 201
    assert [(line["lineItemNumber"], line["quantity"]) for line in made.json()["lineItems"]] == [(0, 5), (1, 7)]
    assert Order.objects.count() == 1
    [order] = java("GET", f"/customers/{customer.pk}/orders?include_price=false").json()["items"]
    assert order == made.json()


def test_java_changes_a_subscription_without_the_links_that_it_dropped(java, call, customer) -> None:
    row = make_subscription(call.person, customer)
    path = f"/customers/{customer.pk}/subscriptions/{row.pk}"
    seen = java("GET", path).json()
    seen["hasPurchasableAddOns"] = seen.pop("hasPurchasableAddons")
    del seen["links"]
    changed = java("PATCH", path, seen | {"quantity": 8, "actions": ["edit", "cancel"], "refundableQuantity": {"totalQuantity": 0}})
    assert (changed.status_code, changed.json()["quantity"]) == (200, 8)
    assert java("PATCH", path, seen | {"quantity": 9}).json()["code"] == 2055


def test_java_finds_and_pages_customers(java, call) -> None:
    for number in range(5):
        make_customer(call.person, company_name=f"Contoso Company {number}")
    make_customer(call.person, company_name="Fabrikam")
    wanted = quote_plus('{"value":"contoso c","field":"CompanyName","fieldType":"String","operator":"StartsWith"}')
    assert "+" in wanted
    assert java("GET", f"/customers?size=0&filter={wanted}").json()["totalCount"] == 5
    pages = list(java.pages(f"/customers?size=2&filter={wanted}"))
    assert [len(page["items"]) for page in pages] == [2, 2, 1]
    seek = {"MS_ContinuationToken": pages[1]["continuationToken"]}
    for operation, page in (("Next", 2), ("Previous", 0), ("First", 0)):
        assert java("GET", f"/customers?seekOperation={operation}", **seek).json()["items"] == pages[page]["items"]
    for operation in ("Last", "PageIndex"):
        assert java("GET", f"/customers?seekOperation={operation}", **seek).status_code == 400


def test_java_asks_whether_a_domain_is_free_and_an_address_right(java, call) -> None:
    make_customer(call.person, domain="taken.onmicrosoft.com")
    assert java("HEAD", "/domains/taken.onmicrosoft.com").status_code == 200
    assert java("HEAD", "/domains/free.onmicrosoft.com").status_code == 404
    address = {"addressLine1": "One Microsoft Way", "city": "Redmond", "country": "US", "postalCode": "98052", "state": "WA"}
    assert java("POST", "/validations/address", address).content == b"true"
    assert java("POST", "/validations/address", address | {"state": "XX"}).json()["code"] == 2007


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "/customers/{id}", None),
        ("PATCH", "/customers/{id}", {"relationshipToPartner": "none"}),
        ("PUT", "/profiles/organization", {"companyName": "Fabrikam"}),
        ("GET", "/invoices", None),
        ("DELETE", "/customers/{id}/agreements", None),
    ],
)
def test_java_comes_back_from_what_the_portal_does_not_do(java, customer, method: str, path: str, body: Any) -> None:
    assert java(method, path.format(id=customer.pk), body).status_code in (403, 404)


@pytest.mark.parametrize(
    "moment", ["2020-06-14T09:30:00.1234567Z", "2020-06-14T09:30:00.1234567+02:00", "2020-06-14T09:30:00", "2020-06-14T09:30:00Z"]
)
def test_dotnet_confirms_in_pascal_case_with_nulls(call, customer, moment: str) -> None:
    body = {
        "UserId": None,
        "PrimaryContact": {"FirstName": "T", "LastName": "C", "Email": "a@b.co", "PhoneNumber": None, "MiddleName": None},
        "TemplateId": MCA,
        "DateAgreed": moment,
        "Type": "MicrosoftCustomerAgreement",
        "AgreementLink": None,
        "Attributes": {"ObjectType": "Agreement", "Etag": None},
    }
    answer = call("POST", f"/customers/{str(customer.pk).upper()}/agreements", body, Expect="100-continue")
    assert (answer.status_code, answer.json()["dateAgreed"]) == (201, "2020-06-14T00:00:00.000Z")


def test_dotnet_orders_and_changes_in_pascal_case_with_nulls(call, customer) -> None:
    line = {
        "LineItemNumber": 0, "OfferId": str(license_offer().pk).upper(), "SubscriptionId": None, "ParentSubscriptionId": None,
        "FriendlyName": None, "Quantity": 5, "TermDuration": None, "ProvisioningContext": None, "PartnerIdOnRecord": None, "Links": None,
        "RenewsTo": None, "Attributes": {"ObjectType": "OrderLineItem"},
    }  # fmt: skip
    body = {
        "Id": None, "AlternateId": None, "ReferenceCustomerId": str(customer.pk), "BillingCycle": "monthly", "CurrencyCode": None,
        "LineItems": [line], "CreationDate": None, "Status": None, "Links": None, "TotalPrice": None, "Attributes": {"ObjectType": "Order"},
    }  # fmt: skip
    made = call("POST", f"/customers/{customer.pk}/orders", body).json()
    assert made["lineItems"][0]["friendlyName"] == license_offer().name
    path = f"/customers/{customer.pk}/subscriptions/{made['lineItems'][0]['subscriptionId']}"
    seen = {name[0].upper() + name[1:]: value for name, value in call("GET", path).json().items()}
    seen["Attributes"] = {"Etag": seen["Attributes"]["etag"], "ObjectType": "Subscription"}
    seen |= {"Quantity": 6, "EntitlementId": None, "ParentSubscriptionId": None, "SuspensionReasons": None, "RefundOptions": None}
    assert call("PATCH", path, seen).json()["quantity"] == 6


def test_powershell_signs_on_with_a_token_that_reads_as_a_jwt(call) -> None:
    _token, secret = create_token(by=call.person, name="PowerShell", days=1)
    assert len(secret.split(".")) == 3
    profile = call("GET", "/profiles/organization", Authorization=f"Bearer {secret}", MS_PartnerCenter_Client="Partner Center PowerShell")
    assert profile.json()["defaultAddress"]["country"] == "KR"
    assert re.fullmatch(r"[a-z]{2}-[A-Z]{2}", profile.json()["culture"])


def test_powershell_writes_enumerations_its_own_way(call, customer) -> None:
    line = {"LineItemNumber": 0, "OfferId": str(license_offer().pk), "Quantity": 5}
    path = f"/customers/{customer.pk}/orders"
    made = call("POST", path, {"BillingCycle": "Annual", "LineItems": [line]}).json()
    assert made["billingCycle"] == "annual"
    refused = call("POST", path, {"BillingCycle": "OneTime", "LineItems": [line]})
    assert (refused.status_code, refused.json()["code"]) == (400, 900126)
    subscription = f"/customers/{customer.pk}/subscriptions/{made['lineItems'][0]['subscriptionId']}"
    for status in ("Suspended", "Active"):
        changed = call(
            "PATCH", subscription, {"Status": status, "BillingCycle": "Annual", "BillingType": "License", "ContractType": "Subscription"}
        )
        assert changed.json()["status"] == status.lower()


def test_powershell_takes_guids_in_braces(call, customer) -> None:
    row = make_subscription(call.person, customer)
    path = f"/customers/{{{customer.pk}}}"
    assert call("GET", path).json()["id"] == str(customer.pk)
    assert call("GET", f"{path}/subscriptions/{{{row.pk}}}").json()["id"] == str(row.pk)
    assert call("GET", f"{path}/subscriptions?order_id={{{row.order_id}}}").json()["totalCount"] == 1
    assert call("GET", f"/customers/{{{customer.pk}").json()["code"] == 900118


def test_powershell_reads_the_headers_of_the_next_page_s_link(call) -> None:
    for _each in range(3):
        make_customer(call.person)
    following = call("GET", "/customers?size=2").json()["links"]["next"]
    assert [each.keys() for each in following["headers"]] == [{"key", "value"}]
    assert len(call("GET", f"/{following['uri']}", MS_ContinuationToken=following["headers"][0]["value"]).json()["items"]) == 1


def test_windows_powershell_is_told_the_encoding(call, customer) -> None:
    for path in ("/customers", f"/customers/{customer.pk}", "/nothing"):
        assert call("GET", path)["Content-Type"] == "application/json; charset=utf-8", "it would read Hangul as Latin-1"


def test_powershell_s_old_module_cuts_off_a_byte_order_mark(call, customer, monkeypatch) -> None:
    module = {"MS_PartnerCenter_Application": "Partner Center PowerShell Module v0.10.0.4"}
    for path in ("/customers", "/Countryvalidationrules/KR", "/offers?Country=US&locale="):
        answer = call("GET", path, **module)
        text = answer.content.decode()
        assert text[0] == "\ufeff"
        assert json.loads(text[1:]) == call("GET", path).json()
        assert int(answer["Content-Length"]) == len(answer.content)
    assert not call("HEAD", "/domains/free.onmicrosoft.com", **module).content
    assert call("GET", "/customers", MS_PartnerCenter_Application="Mine").content.startswith(b"{")
    monkeypatch.setattr("mca_portal.api.customers.LARGEST_PAGE", 0)  # written while it is read
    assert b"".join(call("GET", "/customers", **module)).startswith(b"\xef\xbb\xbf{")


def test_powershell_s_old_module_creates_and_orders_with_empty_members(call, customer) -> None:
    address = {
        "Country": "US", "region": None, "City": "Redmond", "State": "WA", "AddressLine1": "1 Microsoft Way", "AddressLine2": None,
        "PostalCode": "98052", "FirstName": "A", "LastName": "B", "PhoneNumber": "4255550101",
    }  # fmt: skip
    billing = {"Id": "", "FirstName": "A", "LastName": "B", "Email": "a@b.example", "Culture": "en-US", "Language": "en"}
    body = {
        "Id": "", "CommerceId": "", "RelationshipToPartner": "unknown", "UserCredentials": "", "AllowDelegatedAccess": "",
        "BillingProfile": billing | {"CompanyName": "Old", "DefaultAddress": address, "Attributes": {"ObjectType": "BillingProfile"}},
        "CompanyProfile": {"TenantId": "", "Domain": "old.onmicrosoft.com", "CompanyName": ""}, "Attributes": {"ObjectType": "Customer"},
    }  # fmt: skip
    assert call("POST", "/customers", body).status_code == 201
    line = {
        "LineItemNumber": 0,
        "OfferId": str(license_offer().pk).upper(),
        "Quantity": 3,
        "ReferencedEntitlementUris": "",
        "FriendlyName": "",
    }
    line |= {"PartnerIdOnRecord": "", "ParentSubscriptionId": ""}
    order = {"Id": "", "ReferenceCustomerId": str(customer.pk), "LineItems": [line], "CreationDate": "", "BillingCycleType": ""}
    assert call("POST", f"/customers/{customer.pk}/orders", order).status_code == 201


def test_python_s_generated_client_names_the_version_in_full(call, customer) -> None:
    answer = call.client.get(f"/v1.0/customers/{customer.pk}", headers={"Authorization": f"Bearer {call.secret}"})
    assert answer.json()["id"] == str(customer.pk)
    assert call.client.get("/v1.1/customers").status_code == 404


def test_names_of_parameters_come_in_any_letter_case(call, customer) -> None:
    def types(query: str) -> set[str]:
        return {each["agreementType"] for each in call("GET", f"/agreements?{query}").json()["items"]}

    assert types("AgreementType=MicrosoftCustomerAgreement") == types("agreementType=MicrosoftCustomerAgreement")
    assert types("AgreementType=") == types("") == {"MicrosoftCloudAgreement"}
    assert types("x=%41&AGREEMENTTYPE=*&AgreementTypes=1") == types("agreementType=*") > types("")
    make_customer(call.person)
    page = call("GET", "/customers?Size=1").json()
    assert len(page["items"]) == 1
    token = page["continuationToken"]
    assert len(call("GET", "/customers?SeekOperation=Next", MS_ContinuationToken=token).json()["items"]) == 1
    starts = quote_plus(json.dumps({"Field": "CompanyName", "Value": "Nobody has this", "Operator": "starts_with"}))
    assert call("GET", f"/customers?Filter={starts}").json()["totalCount"] == 0


def test_offers_of_one_category_alone(call) -> None:
    license_offer()
    usage_offer()
    offers = call("GET", "/offers?country=US").json()["items"]
    for key in {offer["category"]["id"] for offer in offers}:
        found = call("GET", f"/offers?country=US&offer_category_id={key.lower()}").json()["items"]
        assert found == [offer for offer in offers if offer["category"]["id"] == key]
    assert call("GET", "/offers?country=US&offer_category_id=None_Key").json()["totalCount"] == 0


def test_kotlin_changes_a_subscription_with_its_fourteen_members(call, customer) -> None:
    row = make_subscription(call.person, customer)
    path = f"/customers/{customer.pk}/subscriptions/{row.pk}"
    kept = (
        "id", "offerId", "offerName", "friendlyName", "quantity", "unitType", "creationDate", "effectiveStartDate", "commitmentEndDate",
        "status", "autoRenewEnabled", "billingType", "billingCycle", "orderId",
    )  # fmt: skip
    seen = {name: value for name, value in call("GET", path).json().items() if name in kept}
    assert len(seen) == 14
    assert call("PATCH", path, seen | {"quantity": 8}).json()["quantity"] == 8
    assert call("PATCH", path, seen | {"quantity": 9}).json()["quantity"] == 9, "without an etag the last write wins"


def test_node_orders_without_naming_the_customer_and_sends_a_subscription_back_whole(call, customer) -> None:
    body = {"lineItems": [{"offerId": str(license_offer().pk), "quantity": 5, "lineItemNumber": 0}], "billingCycle": "annual"}
    made = call("POST", f"/customers/{customer.pk}/orders", body)
    assert made.status_code == 201
    path = f"//customers/{customer.pk}/subscriptions/{made.json()['lineItems'][0]['subscriptionId']}"
    seen = call("GET", path).json()
    assert call("PATCH", path, json.loads(json.dumps(seen)) | {"quantity": 6}).json()["quantity"] == 6
