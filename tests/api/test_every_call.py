"""What holds for every call: who calls, identifiers, what cannot be read.

THE MATRIX is here, too: what every operation answers to every kind of token (P1, A5). An operation that is not in CALLS fails: add it.
"""

import datetime as dt
import itertools
import json
import uuid
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from allauth.idp.oidc.models import Token as OAuthToken
from django.test import Client
from django.utils import timezone

from agreements.models import Acceptance
from customers.models import Customer
from mca_portal.api.urls import api
from mca_portal.staff.models import ApiToken, Application, StaffMember
from mca_portal.staff.roles import Role
from mca_portal.staff.scopes import ACT_AS_PERSON, EVERYTHING
from mca_portal.staff.services import change_member, create_token, revoke_token, set_active, set_application_active, token_digest
from orders.models import Order, Subscription
from tests.factories import (
    PASSWORD,
    confirm,
    license_offer,
    make_account,
    make_application,
    make_customer,
    make_staff,
    make_subscription,
    make_token,
)

pytestmark = pytest.mark.django_db
ERROR_MEMBERS = {"code", "description", "data", "source"}


def test_a_call_without_a_token_is_told_to_send_one() -> None:
    answer = Client().get("/v1/agreements")
    assert answer.status_code == 401
    assert answer.json()["code"] == 800001
    assert answer.json().keys() == ERROR_MEMBERS
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic eDp5", "Bearer wrong", "Bearer \udcff", "Bearer a b c"])
def test_a_bad_token_is_no_token(call, header: str) -> None:
    assert call("GET", "/agreements", Authorization=header).status_code == 401


def test_a_browser_that_signed_in_is_nobody_here(call) -> None:
    client = Client()
    client.login(email=call.person.email, password=PASSWORD)
    assert client.get("/v1/agreements").status_code == 401


@pytest.mark.parametrize("fields", [{"revoked_at": timezone.now()}, {"expires_at": timezone.now() - dt.timedelta(seconds=1)}])
def test_a_revoked_or_expired_token_is_refused(call, fields: dict) -> None:
    fields = {"created_at": timezone.now() - dt.timedelta(days=2)} | fields
    ApiToken.objects.filter(pk=call.token.pk).update(**fields)
    assert call("GET", "/agreements").status_code == 401


def test_a_token_ends_when_it_is_revoked(call) -> None:
    token, secret = create_token(by=call.person, name="Nightly", days=30)
    assert call("GET", "/agreements", Authorization=f"Bearer {secret}").status_code == 200
    revoke_token(by=call.person, token=token)
    assert call("GET", "/agreements", Authorization=f"Bearer {secret}").status_code == 401


def test_a_token_has_the_roles_that_its_owner_holds_now(call, script) -> None:
    sales = make_staff(call.person.account, Role.SALES_AGENT)
    theirs = script(sales)
    assert theirs("GET", "/agreements").status_code == 200
    change_member(by=call.person, member=sales, first_name="A", last_name="B", roles=[Role.HELPDESK_AGENT])
    refused = theirs("GET", "/agreements")
    assert (refused.status_code, refused.json()["code"]) == (403, 900150)
    assert "Admin agent or Sales agent" in refused.json()["description"]
    set_active(by=call.person, member=sales, active=False)
    assert theirs("GET", "/agreements").status_code == 401


def test_a_token_may_what_any_of_its_owners_roles_allows(call, script) -> None:
    both = script(make_staff(call.person.account, roles=(Role.HELPDESK_AGENT, Role.SALES_AGENT)))
    assert both("GET", "/agreements").status_code == 200
    neither = script(make_staff(call.person.account, roles=()))
    assert neither("GET", "/agreements").status_code == 403


def test_the_last_use_of_a_token_is_noted(call) -> None:
    call("GET", "/agreements")
    assert ApiToken.objects.get(pk=call.token.pk).last_used_at is not None


def test_identifiers_are_echoed_also_by_refusals(call) -> None:
    mine = {"MS_RequestId": str(uuid.uuid4()), "MS_CorrelationId": str(uuid.uuid4())}
    for path, headers in (("/agreements", mine), ("/nothing", mine), ("/agreements", mine | {"Authorization": ""})):
        answer = call("GET", path, **headers)
        assert (answer["MS-RequestId"], answer["MS-CorrelationId"]) == tuple(mine.values())


def test_absent_or_odd_identifiers_are_made_new(call) -> None:
    for answer in (call("GET", "/agreements"), call("GET", "/agreements", MS_RequestId="x" * 500, MS_CorrelationId="é ü")):
        assert uuid.UUID(answer["MS-RequestId"])
        assert uuid.UUID(answer["MS-CorrelationId"])


def test_identifiers_stand_in_the_log(call, caplog) -> None:
    caplog.set_level("INFO", "mca_portal.api")
    call("GET", "/agreements", MS_RequestId="6f2a1d5e-0000-4000-8000-000000000001")
    assert "6f2a1d5e-0000-4000-8000-000000000001" in caplog.text
    assert call.secret not in caplog.text


def test_doubled_slashes_and_upper_case_ids_work(call) -> None:
    customer = make_customer(call.person)
    assert call("GET", f"//customers/{str(customer.pk).upper()}//agreements").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["", "/", "/nothing", "/customers/x/agreements", "/customers/%00/agreements", "/agreements?agreementType=%00", "/agreements/%FF/../.."],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
def test_any_address_gets_an_answer_in_json(call, path: str, method: str) -> None:
    answer = call(method, path)
    assert answer.status_code in (200, 400, 404, 405)
    assert answer["Content-Type"].startswith("application/json")
    if answer.status_code != 200:
        assert answer.json().keys() == ERROR_MEMBERS


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"1", b'"x"', b"\xff\xfe", b'{"templateId":"\\u0000"}', b'{"x":"\\ud800"}', b"NaN",
        b'{"a":' * 5000, b"[" * 100_000, b"9" * 5000, b'{"primaryContact":[]}', b'{"primaryContact":{},"dateAgreed":{}}',
    ],
    ids=lambda body: repr(body[:20]),
)  # fmt: skip
def test_a_body_that_cannot_be_read_is_refused(call, body: bytes) -> None:
    answer = call("POST", f"/customers/{make_customer(call.person).pk}/agreements", body)
    assert answer.status_code == 400
    assert answer.json().keys() == ERROR_MEMBERS


def test_a_body_over_one_megabyte_is_refused_before_it_is_read(call) -> None:
    answer = call("POST", f"/customers/{make_customer(call.person).pk}/agreements", b" " * 1_000_001)
    assert answer.status_code == 400
    assert "1 MB" in answer.json()["description"]


def test_a_crash_is_answered_in_json(call, monkeypatch) -> None:
    def crash(*_args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("mca_portal.api.agreements._templates", crash)
    answer = call("GET", "/agreements")
    assert (answer.status_code, answer.json()["code"]) == (500, 800003)


def test_texts_are_in_the_language_that_was_asked_for(call) -> None:
    english, korean = (call("GET", "/nothing", X_Locale=locale).json()["description"] for locale in ("en-US", "ko-KR"))
    assert english == "There is nothing at this address."
    assert korean  # the same text until its translation is there


def test_a_token_parses_as_a_jwt_with_what_clients_read(call) -> None:
    import base64

    token, secret = create_token(by=call.person, name="PowerShell", days=1)
    header, claims, _signature = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in secret.split("."))
    assert json.loads(header)["typ"] == "JWT"
    assert json.loads(claims) == {
        "tid": str(call.person.account_id),
        "oid": str(call.person.object_id),
        "exp": int(token.expires_at.timestamp()),
    }


def test_a_foreign_token_cannot_be_revoked(call) -> None:
    theirs = make_token(make_staff())
    with pytest.raises(ApiToken.DoesNotExist):
        revoke_token(by=call.person, token=theirs)


def test_a_token_of_ones_own_is_read_by_a_jwt_parser(call) -> None:
    _token, secret = create_token(by=call.person, name="PowerShell", days=1)
    said = jwt.decode(secret, options={"verify_signature": False, "require": ["exp", "tid", "oid"]})
    assert said["exp"] > timezone.now().timestamp()


# The matrix ----------------------------------------------------------------------------------------------------------------------------

NUMBERS = itertools.count(1)
CUSTOMER, TEMPLATE = "/customers/{customer}", "117a77b0-9360-443b-8795-c6dedc750cf9"
ADDRESS = {"country": "KR", "city": "Seoul", "addressLine1": "1 Sejong-daero", "postalCode": "06236"}


def _order() -> dict[str, Any]:
    return {"lineItems": [{"lineItemNumber": 0, "offerId": str(license_offer().pk), "quantity": 5}]}


def _confirmation() -> dict[str, Any]:
    contact = {"firstName": "Person", "lastName": f"Number {next(NUMBERS)}", "email": "a@customer.example"}
    return {"primaryContact": contact, "templateId": TEMPLATE, "dateAgreed": "2026-01-05"}


def _customer() -> dict[str, Any]:
    contact = {"firstName": "T", "lastName": "Carr"}
    profile = {"culture": "ko-KR", "language": "ko", "companyName": "New", "email": "a@new.example", "defaultAddress": ADDRESS | contact}
    return {"companyProfile": {"domain": f"new{next(NUMBERS)}.onmicrosoft.com"}, "billingProfile": profile}


# Operation: (method, path, body, what it answers to a person of the account, to a person of another account, to a service of the account).
CALLS: dict[str, tuple[str, str, Callable[[], Any] | None, int, int, int]] = {
    "listTemplates": ("GET", "/agreements", None, 200, 200, 403),
    "listAcceptances": ("GET", f"{CUSTOMER}/agreements", None, 200, 404, 403),
    "confirmAcceptance": ("POST", f"{CUSTOMER}/agreements", _confirmation, 201, 404, 403),
    "getDirectAcceptance": ("GET", f"{CUSTOMER}/directSignedMicrosoftCustomerAgreementStatus", None, 200, 404, 403),
    "getAgreementDocument": ("GET", f"/agreementtemplates/{TEMPLATE}/document", None, 200, 200, 403),
    "listCustomers": ("GET", "/customers", None, 200, 200, 200),
    "createCustomer": ("POST", "/customers", _customer, 201, 201, 201),
    "getCustomer": ("GET", CUSTOMER, None, 200, 404, 200),
    "deleteCustomer": ("DELETE", CUSTOMER, None, 403, 404, 403),
    "patchCustomer": ("PATCH", CUSTOMER, lambda: {"relationshipToPartner": "none"}, 403, 404, 403),
    "getCompanyProfile": ("GET", f"{CUSTOMER}/profiles/company", None, 200, 404, 403),
    "getBillingProfile": ("GET", f"{CUSTOMER}/profiles/billing", None, 200, 404, 200),
    "updateBillingProfile": ("PUT", f"{CUSTOMER}/profiles/billing", lambda: {"companyName": f"Name {next(NUMBERS)}"}, 200, 404, 200),
    "checkDomain": ("HEAD", "/domains/free.onmicrosoft.com", None, 404, 404, 404),
    "getCountryRules": ("GET", "/countryvalidationrules/KR", None, 200, 200, 200),
    "validateAddress": ("POST", "/validations/address", lambda: ADDRESS, 200, 200, 200),
    "createOrder": ("POST", f"{CUSTOMER}/orders", _order, 201, 404, 201),
    "listOrders": ("GET", f"{CUSTOMER}/orders", None, 200, 404, 200),
    "getOrder": ("GET", f"{CUSTOMER}/orders/{{order}}", None, 200, 404, 200),
    "updateOrder": ("PATCH", f"{CUSTOMER}/orders/{{order}}", lambda: {}, 403, 404, 403),
    "listSubscriptions": ("GET", f"{CUSTOMER}/subscriptions", None, 200, 404, 200),
    "getSubscription": ("GET", f"{CUSTOMER}/subscriptions/{{subscription}}", None, 200, 404, 200),
    "updateSubscription": (
        "PATCH", f"{CUSTOMER}/subscriptions/{{subscription}}", lambda: {"quantity": next(NUMBERS) % 300 + 1}, 200, 404, 200
    ),
    "listOffers": ("GET", "/offers?country=KR", None, 200, 200, 200),
    "getOffer": ("GET", "/offers/{offer}", None, 200, 200, 200),
    "listCustomerOffers": ("GET", f"{CUSTOMER}/offers", None, 200, 404, 200),
    "updateOrganizationProfile": ("PUT", "/profiles/organization", lambda: {}, 403, 403, 403),
    "getOrganizationProfile": ("GET", "/profiles/organization", None, 200, 200, 200),
}  # fmt: skip
PEOPLES = ("listTemplates", "listAcceptances", "confirmAcceptance", "getDirectAcceptance", "getAgreementDocument", "getCompanyProfile")


def _through(application: Application, person: StaffMember | None = None, **fields: Any) -> str:
    """A token that the application got, for itself or for a person who signed in."""
    secret = f"token {next(NUMBERS)}"
    scopes = ACT_AS_PERSON if person else EVERYTHING
    expires_at = timezone.now() + dt.timedelta(hours=1)
    said = {"type": "at", "hash": token_digest(secret), "user": person, "scopes": scopes, "expires_at": expires_at} | fields
    OAuthToken.objects.create(client=application.client, **said)
    return f"Bearer {secret}"


def _own(person: StaffMember, **fields: Any) -> str:
    secret = f"token {next(NUMBERS)}"
    make_token(person, secret, **fields)
    return f"Bearer {secret}"


@pytest.fixture
def world(db: None) -> dict[str, Any]:
    """One account with one of everything that a call is about, and what stands in addresses for it."""
    account = make_account()
    admin = make_staff(account)
    customer = make_customer(admin)
    confirm(admin, customer)
    subscription = make_subscription(admin, customer)
    names = {"customer": customer.pk, "subscription": subscription.pk, "order": subscription.order_id, "offer": license_offer().pk}
    return {"account": account, "admin": admin, "names": names}


def ask(world: dict[str, Any], operation: str, authorization: str, **headers: str) -> Any:
    """The answer to the operation's call with this header."""
    method, path, body, *_statuses = CALLS[operation]
    content = json.dumps(body()).encode() if body else b""
    sent = {"Authorization": authorization} | headers
    client = Client(raise_request_exception=False)
    return client.generic(method, "/v1" + path.format(**world["names"]), content, content_type="application/json", headers=sent)


def left() -> list[Any]:
    """What calls could have written."""
    return [list(table.objects.order_by("pk").values()) for table in (Customer, Acceptance, Order, Subscription)]


def test_every_operation_has_its_line_in_the_matrix() -> None:
    there = {operation["operationId"]: method for path in api.get_openapi_schema()["paths"].values() for method, operation in path.items()}
    assert there == {name: method.lower() for name, (method, *_more) in CALLS.items()}


@pytest.mark.parametrize("operation", CALLS)
def test_an_operation_answers_the_people_of_the_account_whichever_token_they_have(world, operation: str) -> None:
    admin, account = world["admin"], world["account"]
    sales = make_staff(account, Role.SALES_AGENT)
    web = make_application(admin, kind="web", redirect_uris=["https://app.example/back"])[0]
    expected = CALLS[operation][3]
    for authorization in (_own(admin), _own(sales), _through(web, admin), _through(web, sales)):
        assert ask(world, operation, authorization).status_code == expected


@pytest.mark.parametrize("operation", CALLS)
def test_an_operation_answers_a_service_with_the_rights_of_whoever_registered_it(world, operation: str) -> None:
    boss, registrar = world["admin"], make_staff(world["account"])
    service = _through(make_application(registrar)[0])
    before = left()
    for role in (Role.ADMIN_AGENT, Role.SALES_AGENT):
        change_member(by=boss, member=registrar, first_name="A", last_name="B", roles=[role])
        answer = ask(world, operation, service)
        assert answer.status_code == CALLS[operation][5]
        if operation in PEOPLES:
            assert answer.json()["code"] == 900329
    if CALLS[operation][5] >= 400:
        assert left() == before


@pytest.mark.parametrize("operation", CALLS)
def test_an_operation_finds_nothing_of_another_account_and_changes_nothing_of_it(world, operation: str) -> None:
    stranger = make_staff()
    web = make_application(stranger, kind="web", redirect_uris=["https://app.example/back"])[0]
    before = left()
    person, service = CALLS[operation][4], 403 if operation in PEOPLES else CALLS[operation][4]
    for authorization in (_own(stranger), _through(web, stranger)):
        assert ask(world, operation, authorization).status_code == person
    assert ask(world, operation, _through(make_application(stranger)[0])).status_code == service
    assert person < 400 or left() == before


@pytest.mark.parametrize("operation", CALLS)
def test_an_operation_refuses_whose_roles_allow_no_programs(world, operation: str) -> None:
    account, before = world["account"], left()
    web = make_application(world["admin"], kind="web", redirect_uris=["https://app.example/back"])[0]
    registrar = make_staff(account)
    service = _through(make_application(registrar)[0])
    change_member(by=world["admin"], member=registrar, first_name="A", last_name="B", roles=[Role.HELPDESK_AGENT])
    helpdesk, nobody = make_staff(account, Role.HELPDESK_AGENT), make_staff(account, roles=())
    for authorization in (_own(helpdesk), _own(nobody), _through(web, helpdesk), _through(web, nobody), service):
        answer = ask(world, operation, authorization)
        assert answer.status_code == 403
        assert operation == "checkDomain" or answer.json()["code"] == 900150
    assert left() == before


@pytest.mark.parametrize("operation", CALLS)
def test_an_operation_refuses_a_token_that_is_none_any_more(world, operation: str) -> None:
    admin, account, before = world["admin"], world["account"], left()
    now = timezone.now()
    past = {"expires_at": now - dt.timedelta(seconds=1)}
    gone = make_staff(account)
    web = make_application(admin, kind="web", redirect_uris=["https://app.example/back"])[0]
    disabled = make_application(admin)[0]
    tokens = [
        _own(admin, revoked_at=now),
        _own(admin, created_at=now - dt.timedelta(days=1), **past),
        _own(gone),
        _through(web, gone),
        _through(make_application(gone)[0]),
        _through(web, admin, **past),
        _through(make_application(admin)[0], **past),
        _through(web, make_staff()),
        _through(web),
        _through(web, admin, scopes="openid"),
        _through(web, admin, type="rt"),
        _through(disabled),
        "Bearer unknown",
        _own(admin).replace("Bearer", "Basic"),
        "",
    ]
    set_active(by=admin, member=gone, active=False)
    set_application_active(by=admin, application=disabled, active=False)
    for authorization in tokens:
        answer = ask(world, operation, authorization)
        assert answer.status_code == 401
        assert operation == "checkDomain" or answer.json()["code"] == 800001
    assert left() == before


@pytest.mark.parametrize("operation", [name for name, call in CALLS.items() if call[0] in ("POST", "PUT", "PATCH", "DELETE")])
def test_a_write_that_is_repeated_is_answered_the_same_and_only_to_whom_it_was_answered(world, operation: str) -> None:
    admin = world["admin"]
    body = CALLS[operation][2]
    same = body() if body else None
    world["names"] = dict(world["names"])
    method, path, *_more = CALLS[operation]
    other = make_staff(world["account"], Role.SALES_AGENT)

    def send(authorization: str) -> Any:
        sent = {"Authorization": authorization, "MS-RequestId": "6f2a1d5e-0000-4000-8000-000000000001"}
        content = json.dumps(same).encode() if body else b""
        client = Client(raise_request_exception=False)
        return client.generic(method, "/v1" + path.format(**world["names"]), content, content_type="application/json", headers=sent)

    first, before = send(_own(admin)), left()
    again = send(_own(admin))
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert left() == before
    set_active(by=admin, member=other, active=False)
    assert send(_own(other)).status_code == 401
