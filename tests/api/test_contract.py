"""Partner Center's samples, letter for letter: what its documentation shows as sent is taken, what it shows as answered is answered.

In an expected text ‹name› stands for what is drawn anew each time. Where the portal's rules say otherwise than a sample, the test says why.
"""

import base64
import datetime as dt
import json
import re
import uuid
from typing import Any

import pytest
import time_machine
from django.http import HttpResponse

from agreements.models import Acceptance
from mca_portal.api import limits
from orders.models import Offer
from tests.factories import confirm, license_offer, make_account, make_customer, make_staff, make_subscription, publish

pytestmark = pytest.mark.django_db
MCA = "117a77b0-9360-443b-8795-c6dedc750cf9"
CONFIRMATION = (
    b'{"primaryContact":{"firstName":"Tania","lastName":"Carr","email":"someone@example.com","phoneNumber":"1234567890"},'
    b'"templateId":"117a77b0-9360-443b-8795-c6dedc750cf9","dateAgreed":"2018-06-14T00:00:00.000Z","type":"MicrosoftCustomerAgreement"}'
)
NEW_CUSTOMER = (
    b'{"CompanyProfile":{"Domain":"xyz.onmicrosoft.com"},"BillingProfile":{"Culture":"EN-US","Email":"t@x.com","Language":"en",'
    b'"CompanyName":"test company","DefaultAddress":{"FirstName":"T","LastName":"T","AddressLine1":"One Microsoft Way","City":"Redmond",'
    b'"State":"WA","PostalCode":"98052","Country":"US"}}}'
)


def assert_answers(answer: HttpResponse, status: int, expected: str) -> dict[str, str]:
    """The answer is this text, without its line breaks and their indents; what stood for each ‹name›, the same wherever it stands."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    written = re.sub(r"\n\s*", "", expected)
    seen: set[str] = set()
    pattern = ""
    for part in re.split(r"(‹\w+›)", written):
        name = part.strip("‹›")
        if not part.startswith("‹"):
            pattern += re.escape(part)
        elif name in seen:
            pattern += f"(?P={name})"
        else:
            seen.add(name)
            pattern += f'(?P<{name}>[^"]*)'
    found = re.fullmatch(pattern, answer.content.decode())
    assert found, f"{answer.content.decode()}\nis not\n{written}"
    return found.groupdict()


@pytest.fixture
def customer(call):
    """A customer in Korea, where the samples' phone number exists."""
    return make_customer(call.person)


@pytest.fixture
def american(script):
    """A script of a partner in the United States."""
    return script(make_staff(make_account(country="US")))


# Agreements


def test_metadata_of_the_customer_agreement(call) -> None:
    answer = call("GET", "/agreements?agreementType=MicrosoftCustomerAgreement")
    assert_answers(
        answer,
        200,
        """
        {"totalCount":1,"items":[{"templateId":"117a77b0-9360-443b-8795-c6dedc750cf9","agreementType":"MicrosoftCustomerAgreement",
        "agreementLink":"https://aka.ms/customeragreement","versionRank":0}],
        "links":{"self":{"uri":"/agreements","method":"GET","headers":[]}},"attributes":{"objectType":"Collection"}}""",
    )


def test_a_confirmation_is_sent_listed_and_refused_the_second_time(call, customer) -> None:
    """The phone number is answered as the portal keeps it, in E.164 (R6)."""
    path = f"/customers/{customer.pk}/agreements"
    made = assert_answers(
        call("POST", path, CONFIRMATION),
        201,
        """
        {"primaryContact":{"firstName":"Tania","lastName":"Carr","email":"someone@example.com","phoneNumber":"+821234567890"},
        "templateId":"117a77b0-9360-443b-8795-c6dedc750cf9","dateAgreed":"2018-06-14T00:00:00.000Z","type":"MicrosoftCustomerAgreement",
        "userId":"‹user›","attributes":{"objectType":"Agreement"}}""",
    )
    assert made["user"] == str(call.person.object_id)
    other = CONFIRMATION.replace(b"someone@", b"a@").replace(b"2018-06-14T00:00:00.000Z", b"2019-08-26T00:00:00Z")
    assert call("POST", path, other).status_code == 201
    assert_answers(
        call("GET", f"{path}?agreementType=MicrosoftCustomerAgreement"),
        200,
        """
        {"totalCount":2,"items":[{"primaryContact":{"firstName":"Tania","lastName":"Carr","email":"a@example.com",
        "phoneNumber":"+821234567890"},
        "templateId":"117a77b0-9360-443b-8795-c6dedc750cf9","dateAgreed":"2019-08-26T00:00:00","type":"MicrosoftCustomerAgreement",
        "agreementLink":"https://aka.ms/customeragreement"},
        {"primaryContact":{"firstName":"Tania","lastName":"Carr","email":"someone@example.com","phoneNumber":"+821234567890"},
        "templateId":"117a77b0-9360-443b-8795-c6dedc750cf9","dateAgreed":"2018-06-14T00:00:00","type":"MicrosoftCustomerAgreement",
        "agreementLink":"https://aka.ms/customeragreement"}],
        "links":{"self":{"uri":"/customers/‹customer›/agreements","method":"GET","headers":[]}},
        "attributes":{"objectType":"Collection"}}""",
    )
    assert_answers(
        call("POST", path, CONFIRMATION),
        409,
        """
        {"code": 600061, "message": "A partner confirmed agreement already exists for the customer.",
         "description": "A partner confirmed agreement already exists for the customer.",
         "errorName": "PartnerConfirmedAgreementAlreadyExists", "isRetryable": false, "parameters": {},
         "errorMessageExtended": "InternalErrorCode=600061"}""".replace('":', '":').replace(",\n         ", ", "),
    )


def test_the_sample_s_phone_number_exists_in_korea_but_not_in_the_united_states(american) -> None:
    """R6 goes before the sample: a number of the customer's country, an international one, or none."""
    customer = make_customer(american.person, country="US", city="Redmond", region="WA", postal_code="98052", contact_phone="")
    path = f"/customers/{customer.pk}/agreements"
    said = "Enter a phone number of the customer’s country, or an international one that starts with +."
    answer = american("POST", path, CONFIRMATION)
    assert (answer.status_code, answer.json()) == (
        400,
        {"code": 800002, "description": said, "data": [f"phoneNumber: {said}"], "source": "PartnerFD"},
    )
    assert not Acceptance.objects.exists()
    for number in (b'"4255550142"', b'"+82 2-555-0142"', b'""', b"null"):
        person = CONFIRMATION.replace(b'"1234567890"', number).replace(b"someone", b"s%d" % len(number))
        assert american("POST", path, person).status_code == 201, number


def test_who_accepted_directly_and_the_text(call, customer) -> None:
    assert_answers(call("GET", f"/customers/{customer.pk}/directSignedMicrosoftCustomerAgreementStatus"), 200, '{"isSigned":false}')
    assert_answers(
        call("GET", f"/agreementtemplates/{MCA}/document?language=en-US&country=US"),
        200,
        '{"displayUri":"https://‹there›","downloadUri":"https://‹there›","language":"en-US","country":"US"}',
    )


# Customers


def test_customers_are_listed_thin(call, customer) -> None:
    found = assert_answers(
        call("GET", "/customers"),
        200,
        """
        {"totalCount":1,"items":[{"id":"‹id›","companyProfile":{"tenantId":"‹id›","domain":"‹domain›","companyName":"‹name›",
        "links":{"self":{"uri":"/customers/‹key›/profiles/company","method":"GET","headers":[]}},
        "attributes":{"objectType":"CustomerCompanyProfile"}},
        "relationshipToPartner":"reseller","links":{"self":{"uri":"/customers/‹own›","method":"GET","headers":[]}},
        "attributes":{"objectType":"Customer"}}],
        "links":{"self":{"uri":"/customers","method":"GET","headers":[]}},"attributes":{"objectType":"Collection"}}""",
    )
    assert {found["id"], found["key"], found["own"]} == {str(customer.pk)}


def test_a_page_names_the_next_one_with_its_header(call) -> None:
    for _each in range(3):
        make_customer(call.person)
    page = call("GET", "/customers?size=2").json()
    token = page["continuationToken"]
    header = {"key": "MS-ContinuationToken", "value": token}
    assert page["links"]["next"] == {"uri": "/customers?size=2&seekOperation=Next", "method": "GET", "headers": [header]}
    assert "next" not in call("GET", "/customers?seekOperation=Next", MS_ContinuationToken=token).json()["links"]


def test_a_customer_is_created(call) -> None:
    """The answer's relationship is "reseller" where the sample says "none": it orders at once."""
    answer = call("POST", "/customers", NEW_CUSTOMER)
    made = answer.json()
    assert answer.status_code == 201
    assert {"id", "commerceId", "companyProfile", "billingProfile", "relationshipToPartner", "userCredentials", "attributes"} <= set(made)
    assert {name: made["companyProfile"][name] for name in ("tenantId", "domain", "attributes")} == {
        "tenantId": made["id"],
        "domain": "xyz.onmicrosoft.com",
        "attributes": {"objectType": "CustomerCompanyProfile"},
    }
    billing = made["billingProfile"]
    assert {name: billing[name] for name in ("id", "email", "culture", "language", "companyName")} == {
        "id": made["id"],
        "email": "t@x.com",
        "culture": "en-US",
        "language": "en",
        "companyName": "test company",
    }
    assert billing["defaultAddress"] == {
        "country": "US",
        "city": "Redmond",
        "state": "WA",
        "addressLine1": "One Microsoft Way",
        "postalCode": "98052",
        "firstName": "T",
        "lastName": "T",
    }
    assert set(billing["attributes"]) == {"etag", "objectType"}
    assert (made["relationshipToPartner"], made["attributes"]) == ("reseller", {"objectType": "Customer"})


@pytest.mark.parametrize(
    ("agent", "credentials"),
    [
        ("Partner Center Java SDK", {"userName": "admin", "password": ""}),
        ("Java/11", {"userName": "admin", "password": ""}),
        ("python/3.11 (Linux) msrest/0.7.1 partnercenterservices/0.1.2", {"userName": "admin"}),
    ],
)
def test_who_is_created_has_credentials_that_each_client_can_read(call, agent: str, credentials: dict) -> None:
    """Java, .NET and Kotlin want a text, AutoRest's Python client an object or nothing. The portal makes no user, so there is no secret."""
    assert call("POST", "/customers", NEW_CUSTOMER, User_Agent=agent).json()["userCredentials"] == credentials


def test_a_customer_is_shown_whole(call) -> None:
    customer = make_customer(call.person, contact_phone="02-555-0142")
    shown = call("GET", f"/customers/{customer.pk}").json()
    assert set(shown) == {
        "id", "commerceId", "companyProfile", "billingProfile", "relationshipToPartner", "allowDelegatedAccess", "customDomains", "links",
        "attributes",
    }  # fmt: skip
    company = shown["companyProfile"]
    assert set(company) == {"tenantId", "domain", "companyName", "address", "email", "links", "attributes"}
    assert set(company["address"]) <= {"country", "region", "city", "addressLine1", "addressLine2", "postalCode", "phoneNumber"}
    assert shown["billingProfile"]["attributes"]["etag"]


@pytest.mark.parametrize(("domain", "status"), [("taken.onmicrosoft.com", 200), ("free.onmicrosoft.com", 404)])
def test_a_domain_is_taken_or_free_without_a_word(call, domain: str, status: int) -> None:
    make_customer(call.person, domain="taken.onmicrosoft.com")
    answer = call("HEAD", f"/domains/{domain}")
    assert (answer.status_code, answer.content) == (status, b"")


def test_the_rules_of_the_united_states(call) -> None:
    """No tax numbers, which the portal does not keep, and no `phoneNumberRegex`: R6 says more than a pattern can."""
    states = json.dumps(call("GET", "/countryvalidationrules/US").json()["supportedStatesList"], separators=(",", ":"))
    assert states.startswith('["AK","AL",')
    assert_answers(
        call("GET", "/countryvalidationrules/US"),
        200,
        r"""
        {"iso2Code":"US","defaultCulture":"en-US","isStateRequired":true,"supportedStatesList":STATES,
        "supportedLanguagesList":["en","es"],"supportedCulturesList":["en-US","es-US"],"isPostalCodeRequired":true,
        "postalCodeRegex":"^\\d{5}(-\\d{4})?$","isCityRequired":true,"isVatIdSupported":false,"isTaxIdSupported":false,
        "isTaxIdOptional":true,"countryCallingCodesList":["1"],"attributes":{"objectType":"CountryValidationRules"}}""".replace(
            "STATES", states
        ),
    )


@pytest.mark.parametrize("client", ["Partner Center Java SDK", "Partner Center PowerShell"])
def test_an_address_is_right_or_wrong_in_two_generations(call, client: str) -> None:
    right = {"AddressLine1": "One Microsoft Way", "City": "Redmond", "State": "WA", "PostalCode": "98052", "Country": "US"}
    assert_answers(call("POST", "/validations/address", right, MS_PartnerCenter_Client=client), 200, "true")
    wrong = call("POST", "/validations/address", right | {"State": "XX"}, MS_PartnerCenter_Client=client)
    assert wrong.status_code == 400
    assert {name: value for name, value in wrong.json().items() if name != "description"} == {
        "code": 2007,
        "data": [],
        "source": "PartnerFD",
    }
    assert_answers(
        call("POST", "/validations/address", right),
        200,
        """
        {"originalAddress":{"country":"US","city":"Redmond","state":"WA","addressLine1":"One Microsoft Way","postalCode":"98052"},
        "suggestedAddresses":[],"status":"VerifiedShippable"}""",
    )


# Offers, orders, subscriptions


def test_an_offer(call) -> None:
    offer = license_offer()
    assert_answers(
        call("GET", f"/offers/{str(offer.pk).upper()}?country=US"),
        200,
        """
        {"id":"‹id›","name":"‹name›","description":"‹text›","minimumQuantity":LEAST,"maximumQuantity":MOST,"rank":0,"uri":"/offers/‹uri›",
        "locale":"en-US","country":"US","category":{"id":"‹category›_Key","name":"‹group›","rank":0,"locale":"en-US","country":"US",
        "attributes":{"objectType":"OfferCategory"}},
        "limitUnitOfMeasure":"None","limit":0,"prerequisiteOffers":[],"isAddOn":false,"hasAddOns":false,"isAvailableForPurchase":true,
        "billing":"license","supportedBillingCycles":["annual","monthly"],"isAutoRenewable":true,
        "isTrial":false,"salesGroupId":"Default","product":{"id":"‹id›","name":"‹name›","unit":"Licenses"},"unitType":"Licenses",
        "links":{"learnMore":{"method":"GET","headers":[]},"self":{"uri":"/offers/‹own›?country=US","method":"GET","headers":[]}},
        "attributes":{"objectType":"Offer"}}""".replace("LEAST", str(offer.minimum_quantity)).replace("MOST", str(offer.maximum_quantity)),
    )


@pytest.fixture
def sample_offer(db) -> Offer:
    """The offer that the order's sample names."""
    return Offer.objects.create(
        id="DB2E705F-0000-4000-8000-00000000000A", name="Sample", category="Microsoft 365", billing="license", maximum_quantity=300
    )


def test_an_order_with_its_subscription(call, customer, sample_offer) -> None:
    """No currency, since the portal keeps no prices; the moment is in UTC."""
    confirm(call.person, customer)
    body = (
        b'{"referenceCustomerId":"%s","billingCycle":"monthly","lineItems":[{"lineItemNumber":0,'
        b'"offerId":"DB2E705F-0000-4000-8000-00000000000A","friendlyName":"New offer purchase.","quantity":5,'
        b'"partnerIdOnRecord":"4847383"}],'
        b'"attributes":{"objectType":"Order"}}' % str(customer.pk).encode()
    )
    with time_machine.travel(dt.datetime(2026, 4, 10, 23, 2, 25, 983_000, tzinfo=dt.UTC), tick=False):
        made = assert_answers(
            call("POST", f"/customers/{customer.pk}/orders", body),
            201,
            """
            {"id":"‹order›","referenceCustomerId":"‹customer›","billingCycle":"monthly",
            "lineItems":[{"lineItemNumber":0,"offerId":"db2e705f-0000-4000-8000-00000000000a","subscriptionId":"‹subscription›",
            "friendlyName":"New offer purchase.","quantity":5,
            "links":{"subscription":{"uri":"/customers/‹there›","method":"GET","headers":[]}}}],
            "creationDate":"2026-04-10T23:02:25.983Z","status":"completed","transactionType":"UserPurchase",
            "links":{"self":{"uri":"/customers/‹here›","method":"GET","headers":[]}},
            "attributes":{"etag":"‹etag›","objectType":"Order"}}""",
        )
    assert made["customer"] == str(customer.pk)
    assert made["there"] == f"{customer.pk}/subscriptions/{made['subscription']}"
    assert made["here"] == f"{customer.pk}/orders/{made['order']}"
    assert base64.b64decode(made["etag"]).decode() == f'{{"id":"{made["order"]}","version":1}}'
    shown = assert_answers(
        call("GET", f"/customers/{customer.pk}/subscriptions/{made['subscription'].upper()}"),
        200,
        """
        {"id":"‹id›","offerId":"‹offer›","offerName":"Sample","friendlyName":"New offer purchase.","quantity":5,"unitType":"Licenses",
        "hasPurchasableAddons":false,"creationDate":"2026-04-10T23:02:25.983Z","effectiveStartDate":"‹start›T00:00:00Z",
        "commitmentEndDate":"‹end›T00:00:00Z","status":"active",
        "autoRenewEnabled":true,"isTrial":false,"billingType":"license","billingCycle":"monthly","actions":["Edit","Cancel"],
        "contractType":"subscription",
        "links":{"offer":{"uri":"/offers/db2e705f-0000-4000-8000-00000000000a?country=KR","method":"GET","headers":[]},
        "self":{"uri":"/customers/‹here›","method":"GET","headers":[]}},
        "orderId":"‹order›","attributes":{"etag":"‹etag›","objectType":"Subscription"}}""",
    )
    assert base64.b64decode(shown["etag"]).decode() == f'{{"id":"{made["subscription"]}","version":1}}'


def test_orders_are_narrowed_to_a_billing_cycle(call, customer) -> None:
    confirm(call.person, customer)
    lines = [{"lineItemNumber": 0, "offerId": str(license_offer().pk), "quantity": 5}]
    path = f"/customers/{customer.pk}/orders"
    for cycle in ("monthly", "annual", "annual"):
        assert call("POST", path, {"billingCycle": cycle, "lineItems": lines}).status_code == 201
    for cycle, count in {"monthly": 1, "Annual": 2, "onetime": 0, "": 3}.items():
        assert call("GET", f"{path}?billingType={cycle}").json()["totalCount"] == count, cycle


# Refusals


def refusal(call, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, int]:
    """Status and code of an answer that has the documented body and nothing else."""
    answer = call(method, path, body, **headers)
    said = answer.json()
    assert list(said) == ["code", "description", "data", "source"]
    assert type(said["code"]) is int
    assert said["description"]
    assert all(type(each) is str for each in said["data"])
    assert said["source"] == "PartnerFD"
    return answer.status_code, said["code"]


def test_each_refusal_has_its_documented_status_and_code(call, customer) -> None:
    agreements, orders = f"/customers/{customer.pk}/agreements", f"/customers/{customer.pk}/orders"
    order = {"lineItems": [{"lineItemNumber": 0, "offerId": str(license_offer().pk), "quantity": 5}]}
    unknown = "00000000-0000-4000-8000-000000000000"
    future = CONFIRMATION.replace(b"2018-06-14", b"2999-06-14")
    assert refusal(call, "POST", agreements, future) == (400, 600002)
    assert call("POST", agreements, future).json()["description"] == "Date of agreement cannot be greater than the current date."
    cloud = CONFIRMATION.replace(MCA.encode(), b"998b88de-aa99-4388-a42c-1b3517d49490")
    assert refusal(call, "POST", agreements, cloud) == (400, 800002)
    said = call("POST", agreements, cloud).json()["description"]
    assert said.startswith("Microsoft Cloud Agreement Template ID '998b88de-aa99-4388-a42c-1b3517d49490' is no longer supported.")
    assert refusal(call, "POST", orders, order) == (403, 13605)
    confirm(call.person, customer)
    assert refusal(call, "POST", orders, {"lineItems": [{"lineItemNumber": 0, "offerId": unknown, "quantity": 5}]}) == (400, 800004)
    assert refusal(call, "POST", orders, {"lineItems": [{"lineItemNumber": 3, "offerId": unknown, "quantity": 5}]}) == (400, 800071)
    large = {"lineItems": [order["lineItems"][0] | {"quantity": 99999}]}
    assert refusal(call, "POST", orders, large) == (400, 900275)
    assert refusal(call, "POST", orders, order | {"billingCycle": "triennial"}) == (400, 900126)
    assert refusal(call, "GET", f"{orders}/{unknown}") == (404, 20000)
    assert refusal(call, "GET", "/customers/x") == (400, 900118)
    assert refusal(call, "GET", f"/customers/{unknown}") == (404, 60003)
    assert refusal(call, "GET", f"/customers/{customer.pk}/subscriptions/{unknown}") == (404, 20003)
    said = call("GET", f"/customers/{customer.pk}/subscriptions/{unknown}").json()["description"]
    assert said == f"Subscription with ID {unknown} not found."
    assert refusal(call, "GET", f"/offers/{unknown}?country=US") == (404, 1000)
    assert refusal(call, "GET", "/customers", Authorization="Bearer x") == (401, 800001)
    assert call("GET", "/customers", Authorization="Bearer x")["WWW-Authenticate"]
    row = make_subscription(call.person, customer)
    path = f"/customers/{customer.pk}/subscriptions/{row.pk}"
    assert refusal(call, "PATCH", path, {"quantity": 0}) == (400, 2002)
    assert refusal(call, "PATCH", path, {"status": "deleted"}) == (400, 2011)
    assert refusal(call, "PATCH", path, {"billingCycle": "annual"}) == (400, 2054)
    assert refusal(call, "PATCH", path, {"quantity": 6, "attributes": {"etag": "AAAA"}}) == (400, 2055)
    assert call("PATCH", path, {"status": "suspended"}).status_code == 200
    assert refusal(call, "PATCH", path, {"quantity": 6}) == (400, 2001)
    publish(required_in_days=-1)
    assert call("PATCH", path, {"status": "active"}).status_code == 200
    assert refusal(call, "PATCH", path, {"quantity": 6}) == (403, 13605)


def test_too_many_calls_have_a_body_of_their_own(call, settings) -> None:
    settings.API_CALLS_PER_MINUTE = 1
    limits.forget()
    with time_machine.travel(dt.datetime(2026, 11, 25, 9, 0, 3, tzinfo=dt.UTC), tick=False):
        assert call("GET", "/customers").status_code == 200
        answer = call("GET", "/customers")
        assert answer["Retry-After"] == "57"
        assert (answer.status_code, answer.json()) == (
            429,
            {"statusCode": 429, "message": "Rate limit is exceeded. Try again in 57 seconds."},
        )
    limits.forget()


# What is the same for every call


@pytest.mark.parametrize("path", ["/customers", "/nothing", "/customers/x"])
def test_identifiers_are_echoed_or_made(call, path: str) -> None:
    answer = call("GET", path)
    assert uuid.UUID(answer["MS-RequestId"])
    assert uuid.UUID(answer["MS-CorrelationId"])
    asked = {"MS-RequestId": str(uuid.uuid4()).upper(), "MS-CorrelationId": str(uuid.uuid4())}
    answer = call("GET", path, **asked)
    assert {name: answer[name] for name in asked} == asked


def test_no_header_is_required_but_the_token(call, customer) -> None:
    answer = call.client.post(
        f"/v1//customers/{str(customer.pk).upper()}/agreements",
        CONFIRMATION,
        content_type="text/plain",
        headers={"Authorization": f"bearer {call.secret}"},
    )
    assert answer.status_code == 201
