"""What holds for every call: who calls, identifiers, what cannot be read."""

import datetime as dt
import json
import uuid

import pytest
from django.test import Client
from django.utils import timezone

from mca_portal.staff.models import ApiToken
from mca_portal.staff.roles import Role
from mca_portal.staff.services import change_member, create_token, revoke_token, set_active
from tests.factories import PASSWORD, make_customer, make_staff, make_token

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
