"""Customers on the wire, as Partner Center's clients send and read them."""

import json
from urllib.parse import quote, quote_plus

import pytest

from agreements.models import Standing
from customers.countries import RULES
from customers.models import Customer
from mca_portal.staff.roles import Role
from tests.factories import make_account, make_customer, make_staff

pytestmark = pytest.mark.django_db


def sample(**billing: object) -> dict:
    """The documentation's request."""
    return {
        "CompanyProfile": {"Domain": "xyz.onmicrosoft.com"},
        "BillingProfile": {
            "Culture": "EN-US",
            "Email": "t@example.com",
            "Language": "en",
            "CompanyName": "test company",
            "DefaultAddress": {
                "FirstName": "T", "LastName": "T", "AddressLine1": "One Microsoft Way", "City": "Redmond", "State": "WA",
                "PostalCode": "98052", "Country": "US",
            },
        } | billing,
    }  # fmt: skip


def names(answer) -> list[str]:
    return [item["companyProfile"]["companyName"] for item in answer.json()["items"]]


def test_a_customer_is_created_with_what_clients_read(call) -> None:
    answer = call("POST", "/customers", sample())
    assert answer.status_code == 201
    made = answer.json()
    customer = Customer.objects.get(pk=made["id"])
    assert (customer.company_name, customer.region, customer.language, customer.contact_name) == ("test company", "WA", "en", "T T")
    assert Standing.objects.get(customer=customer).rank == 0
    assert made["companyProfile"]["tenantId"] == made["id"]
    assert made["companyProfile"]["domain"] == "xyz.onmicrosoft.com"
    assert made["billingProfile"]["attributes"]["etag"]
    assert made["billingProfile"]["defaultAddress"]["state"] == "WA"
    assert made["billingProfile"]["culture"] == "en-US"
    assert made["userCredentials"] == {"userName": "admin", "password": ""}, (
        "read by clients; the portal makes no user, so there is no secret"
    )
    assert None not in json.loads(answer.content, object_pairs_hook=lambda pairs: [value for _name, value in pairs])


def test_a_domain_that_is_taken_is_a_conflict(call) -> None:
    make_customer(make_staff(), domain="xyz.onmicrosoft.com")
    assert call("POST", "/customers", sample()).status_code == 409
    assert call("HEAD", "/domains/XYZ.onmicrosoft.com").status_code == 200
    free = call("HEAD", "/domains/free.onmicrosoft.com")
    assert (free.status_code, free.content) == (404, b"")


@pytest.mark.parametrize(
    ("billing", "member"),
    [
        ({"Email": "nobody"}, "email"),
        ({"CompanyName": None}, "companyName"),
        ({"DefaultAddress": None}, "country"),
        ({"Language": "xx"}, "language"),
        ({"DefaultAddress": {"Country": "US", "State": "XX"}}, "state"),
    ],
)
def test_what_is_wrong_with_a_new_customer_is_named(call, billing: dict, member: str) -> None:
    answer = call("POST", "/customers", sample(**billing))
    assert (answer.status_code, answer.json()["code"]) == (400, 800002)
    assert any(one.startswith(f"{member}: ") for one in answer.json()["data"])
    assert not Customer.objects.exists()


def test_a_list_item_is_thin(call) -> None:
    customer = make_customer(call.person)
    key = str(customer.pk)
    assert call("GET", "/customers").json() == {
        "totalCount": 1,
        "items": [
            {
                "id": key,
                "companyProfile": {
                    "tenantId": key,
                    "domain": customer.domain,
                    "companyName": customer.company_name,
                    "links": {"self": {"uri": f"/customers/{key}/profiles/company", "method": "GET", "headers": []}},
                    "attributes": {"objectType": "CustomerCompanyProfile"},
                },
                "relationshipToPartner": "reseller",
                "links": {"self": {"uri": f"/customers/{key}", "method": "GET", "headers": []}},
                "attributes": {"objectType": "Customer"},
            }
        ],
        "links": {"self": {"uri": "/customers", "method": "GET", "headers": []}},
        "attributes": {"objectType": "Collection"},
    }


def test_without_a_size_there_is_everything(call) -> None:
    for number in range(40):
        make_customer(call.person, company_name=f"Company {number:02}")
    make_customer(make_staff(), company_name="Foreign")
    answer = call("GET", "/customers?size=0")
    assert names(answer) == [f"Company {number:02}" for number in range(40)]
    assert "next" not in answer.json()["links"]


def test_a_long_list_without_a_size_is_written_while_it_is_read_and_is_the_same_list(call, monkeypatch) -> None:
    for number in range(10):
        make_customer(call.person, company_name=f"Company {number:02}")
    make_customer(make_staff(), company_name="Foreign")
    whole = call("GET", "/customers").json()
    monkeypatch.setattr("mca_portal.api.customers.LARGEST_PAGE", 3)
    answer = call("GET", "/customers")
    assert answer.streaming
    assert json.loads(b"".join(answer)) == whole
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    assert answer["MS-RequestId"]
    wanted = quote(json.dumps({"Field": "CompanyName", "Value": "company 0", "Operator": "starts_with"}))
    assert json.loads(b"".join(call("GET", f"/customers?size=0&filter={wanted}")))["totalCount"] == 10


def test_pages_are_followed_by_their_link_alone(call) -> None:
    for number in range(5):
        make_customer(call.person, company_name=f"Cont {number}")
    make_customer(call.person, company_name="Other")
    wanted = quote(json.dumps({"Field": "CompanyName", "Value": "cont", "Operator": "starts_with"}))
    page = call("GET", f"/customers?size=2&filter={wanted}")
    seen = names(page)
    while following := page.json()["links"].get("next"):
        [header] = following["headers"]
        assert header["value"] == page.json()["continuationToken"]
        page = call("GET", f"/{following['uri']}", **{header["key"]: header["value"]})
        seen += names(page)
    assert seen == [f"Cont {number}" for number in range(5)]
    back = page.json()["links"]["previous"]
    page = call("GET", "/customers?seekOperation=Previous", **{back["headers"][0]["key"]: back["headers"][0]["value"]})
    assert names(page) == ["Cont 2", "Cont 3"]


@pytest.mark.parametrize(
    "filter_",
    [
        '{"Field":"CompanyName","Value":"contoso l","Operator":"starts_with"}',
        '{"Field":"Domain","Value":"CONTOSO","Operator":"StartsWith"}',
        '{"value":"CONTOSO L","field":"CompanyName","fieldType":"String","operator":"StartsWith"}',
    ],
)
def test_filters_come_in_three_spellings(call, filter_: str) -> None:
    make_customer(call.person, company_name="Contoso Ltd", domain="contoso.onmicrosoft.com")
    make_customer(call.person, company_name="Fabrikam")
    assert names(call("GET", f"/customers?size=0&filter={quote_plus(filter_)}")) == ["Contoso Ltd"]


@pytest.mark.parametrize(
    "query",
    ["size=-1", "size=x", "filter={", "filter=[]", "filter={}", 'filter={"Field":"Phone","Value":"","Operator":"starts_with"}', "filter=1"],
)
def test_queries_that_cannot_be_read_are_refused(call, query: str) -> None:
    assert call("GET", f"/customers?{query}").status_code == 400


@pytest.mark.parametrize("token", ["AQAAAA==", "x", "é", "W10=", "WzEsMV0=", "WzIsIiIsIiIsIngiLCIiXQ=="])
def test_a_token_that_is_none_is_refused(call, token: str) -> None:
    assert call("GET", "/customers?seekOperation=Next", MS_ContinuationToken=token).status_code == 400


def test_a_customer_is_opened_by_its_id_in_any_letter_case(call) -> None:
    customer = make_customer(call.person)
    answer = call("GET", f"/customers/{str(customer.pk).upper()}").json()
    assert answer["id"] == str(customer.pk)
    assert answer["companyProfile"]["address"]["city"] == "Seoul"
    assert call("GET", f"/customers/{customer.pk}/profiles/company").json() == answer["companyProfile"]
    assert call("GET", f"/customers/{customer.pk}/profiles/billing").json() == answer["billingProfile"]


def test_a_billing_profile_is_changed_once_with_an_etag(call) -> None:
    customer = make_customer(call.person)
    path = f"/customers/{customer.pk}/profiles/billing"
    profile = call("GET", path).json() | {"companyName": "New name"}
    changed = call("PUT", path, profile)
    assert (changed.status_code, changed.json()["companyName"]) == (200, "New name")
    assert changed.json()["attributes"]["etag"] != profile["attributes"]["etag"]
    stale = call("PUT", path, profile)
    assert (stale.status_code, stale.json()["code"]) == (400, 2055)
    assert call("PUT", path, {"CompanyName": "Third"}).json()["companyName"] == "Third"
    assert call("PUT", path, {"CompanyName": "Fourth"}, If_Match='"nonsense"').json()["code"] == 2055


def test_a_billing_profile_s_address_comes_whole(call) -> None:
    customer = make_customer(call.person, address_line2="Floor 3", contact_phone="02-555-0142")
    path = f"/customers/{customer.pk}/profiles/billing"
    address = {"Country": "KR", "City": "Busan", "AddressLine1": "1", "PostalCode": "48058"}
    profile = call("PUT", path, {"DefaultAddress": address}).json()
    assert profile["defaultAddress"] == {
        "country": "KR",
        "city": "Busan",
        "addressLine1": "1",
        "postalCode": "48058",
        "firstName": "Tania",
        "lastName": "Carr",
    }
    assert profile["companyName"] == customer.company_name
    refused = call("PUT", path, {"DefaultAddress": {"City": "Busan"}})
    assert (refused.status_code, [line.partition(":")[0] for line in refused.json()["data"]]) == (400, ["country", "addressLine1"])


@pytest.mark.parametrize(("method", "path", "body"), [("PATCH", "", {"relationshipToPartner": "none"}), ("DELETE", "", None)])
def test_customers_are_kept_whatever_clients_ask(call, method: str, path: str, body: dict | None) -> None:
    customer = make_customer(call.person)
    answer = call(method, f"/customers/{customer.pk}{path}", body)
    assert (answer.status_code, answer.json()["code"]) == (403, 600006)
    assert Customer.objects.filter(pk=customer.pk).exists()


def test_the_rules_of_a_country_are_those_of_the_recorded_answer(call) -> None:
    answer = call("GET", "/countryvalidationrules/US").json()
    assert answer["postalCodeRegex"] == r"^\d{5}(-\d{4})?$"
    assert answer["supportedCulturesList"] == ["en-US", "es-US"]
    assert {"AK", "WY"} <= set(answer["supportedStatesList"])
    assert call("GET", "/countryvalidationrules/us").json() == answer
    assert call("GET", "/countryvalidationrules/XX").status_code == 404


@pytest.mark.parametrize("country", sorted(RULES))
def test_a_country_asks_for_a_state_where_its_customers_need_one(call, country: str) -> None:
    answer = call("GET", f"/countryvalidationrules/{country}").json()
    assert answer["isStateRequired"] == RULES[country].region_required
    assert answer["supportedStatesList"] == list(RULES[country].regions)
    assert answer["defaultCulture"] in answer["supportedCulturesList"]


def test_an_address_is_checked_in_the_form_that_each_client_reads(call) -> None:
    right = {"AddressLine1": "One Microsoft Way", "City": "Redmond", "State": "WA", "PostalCode": "98052", "Country": "US"}
    wrong = right | {"PostalCode": "x"}
    java = {"MS_PartnerCenter_Client": "Partner Center Java SDK"}
    assert call("POST", "/validations/address", right, **java).json() is True
    assert call("POST", "/validations/address", wrong, **java).json()["code"] == 2007
    assert call("POST", "/validations/address", right).json()["status"] == "VerifiedShippable"
    assert call("POST", "/validations/address", wrong).json()["status"] == "None"


OPERATIONS = [
    ("GET", "/customers/{id}", None),
    ("GET", "/customers/{id}/profiles/company", None),
    ("GET", "/customers/{id}/profiles/billing", None),
    ("PUT", "/customers/{id}/profiles/billing", {"companyName": "Stolen"}),
    ("PATCH", "/customers/{id}", {"relationshipToPartner": "none"}),
    ("DELETE", "/customers/{id}", None),
]


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS)
def test_a_foreign_customer_is_not_found(call, method: str, path: str, body: dict | None) -> None:
    foreign = make_customer(make_staff())
    answer = call(method, path.format(id=foreign.pk), body)
    assert (answer.status_code, answer.json()["code"]) == (404, 60003)


@pytest.mark.parametrize("role", [Role.HELPDESK_AGENT, None])
@pytest.mark.parametrize(("method", "path", "body"), [*OPERATIONS, ("GET", "/customers", None), ("POST", "/customers", sample())])
def test_roles_without_tokens_are_refused(script, method: str, path: str, body: dict | None, role: Role | None) -> None:
    account = make_account()
    customer = make_customer(make_staff(account))
    answer = script(make_staff(account, roles=(role,) if role else ()))(method, path.format(id=customer.pk), body)
    assert (answer.status_code, answer.json()["code"]) == (403, 900150)
