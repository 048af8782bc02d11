"""Whatever is sent, the answer is one of the documented ones: never a crash, always Partner Center's body."""

import copy
import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from mca_portal.api.errors import SERVER_ERROR
from tests.factories import confirm, license_offer, make_customer, make_subscription

pytestmark = pytest.mark.django_db

ADDRESS = {"country": "KR", "city": "Seoul", "addressLine1": "1", "postalCode": "04524", "firstName": "T", "lastName": "C"}
BILLING = {"email": "t@example.com", "culture": "ko-KR", "language": "ko", "companyName": "Some company", "defaultAddress": ADDRESS}
RIGHT: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/customers"): {"companyProfile": {"domain": "some.onmicrosoft.com"}, "billingProfile": BILLING},
    ("PUT", "/customers/{customer}/profiles/billing"): BILLING | {"attributes": {"etag": "x"}},
    ("POST", "/customers/{customer}/agreements"): {
        "primaryContact": {"firstName": "T", "lastName": "C", "email": "t@example.com", "phoneNumber": "+82255501420"},
        "templateId": "117a77b0-9360-443b-8795-c6dedc750cf9",
        "dateAgreed": "2020-06-14T00:00:00.000Z",
        "type": "MicrosoftCustomerAgreement",
    },
    ("POST", "/customers/{customer}/orders"): {
        "billingCycle": "monthly",
        "lineItems": [{"lineItemNumber": 0, "offerId": "{offer}", "quantity": 5, "friendlyName": "A name"}],
    },
    ("PATCH", "/customers/{customer}/subscriptions/{subscription}"): {
        "quantity": 6,
        "status": "active",
        "friendlyName": "A name",
        "autoRenewEnabled": True,
        "billingCycle": "monthly",
        "attributes": {"etag": "x"},
    },
    ("POST", "/validations/address"): ADDRESS,
}
WRONG = [None, True, 0, -1, 1.5, 10**40, "", " ", "x" * 3000, "\u202e", "١", [], {}, [None], {"": None}, [[]]]


@pytest.fixture
def places(call) -> dict[str, str]:
    """What stands for the names in an address."""
    customer = confirm(call.person, make_customer(call.person)).customer
    row = make_subscription(call.person, customer)
    return {"customer": str(customer.pk), "subscription": str(row.pk), "order": str(row.order_id), "offer": str(license_offer().pk)}


def is_documented(answer) -> bool:
    """Whether a script can read the answer: JSON; a refusal in Partner Center's body."""
    if answer.status_code >= 400:
        refusal = answer.json()
        said = (
            isinstance(refusal["code"], int)
            and refusal["code"] != SERVER_ERROR
            and isinstance(refusal["description"], str)
            and refusal["description"]
        )
        return bool(said) and answer.status_code < 500
    return answer["Content-Type"].startswith("application/json")


def changed(value: Any) -> Iterator[Any]:
    """`value` with one of its members, at any depth, replaced by each wrong one, or left out."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield {other: part for other, part in value.items() if other != name}
            yield from ({**value, name: wrong} for wrong in WRONG)
            yield from ({**value, name: deeper} for deeper in changed(member))
    elif isinstance(value, list):
        for number, member in enumerate(value):
            for deeper in changed(member):
                yield [*value[:number], deeper, *value[number + 1 :]]


@pytest.mark.parametrize(("method", "path"), RIGHT)
def test_a_member_of_another_type_or_left_out_is_answered(call, places, method: str, path: str) -> None:
    right = json.loads(json.dumps(RIGHT[method, path]).replace("{offer}", places["offer"]))
    for body in (*changed(right), *WRONG):
        answer = call(method, path.format(**places), json.dumps(body).encode())
        assert is_documented(answer), (body, answer.status_code, answer.content)


HOSTILE = {
    "nothing": b"",
    "no JSON": b"{'a': 1}",
    "cut off": b'{"a": "b',
    "invalid UTF-8": b'{"companyName": "\xff\xfe"}',
    "UTF-16": '{"companyName": "x"}'.encode("utf-16"),
    "a byte order mark alone": b"\xef\xbb\xbf",
    "NUL": b'{"friendlyName": "\\u0000", "companyName": "\\u0000", "city": "\\u0000"}',
    "a NUL in a name": b'{"\\u0000": 1}',
    "half a character": b'{"friendlyName": "\\ud800", "companyName": "\\udfff", "city": "\\ud800"}',
    "Infinity": b'{"quantity": Infinity}',
    "1e400": b'{"quantity": 1e400, "friendlyName": 1e400, "companyName": 1e400, "city": 1e400, "dateAgreed": 1e400}',
    "-1e400": b'{"quantity": -1e400, "lineItems": -1e400, "primaryContact": 1e400, "companyProfile": 1e400}',
    "a long number": b'{"quantity": ' + b"9" * 4000 + b"}",
    "a number too long to read": b'{"quantity": ' + b"9" * 5000 + b"}",
    "deep lists": b'{"lineItems": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "deep objects": b'{"attributes":' * 20_000 + b"1" + b"}" * 20_000,
    "a list on top": b"[1, 2, 3]",
    "a text on top": b'"text"',
    "null": b"null",
    "members twice": b'{"quantity": 1, "Quantity": "x", "QUANTITY": null, "quantity": {}}',
    "100,000 members": json.dumps({f"member {number}": number for number in range(50_000)}).encode(),
    "100,000 lines": json.dumps({"lineItems": [{}] * 100_000}).encode(),
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_body_that_means_harm_is_answered(call, places, body: bytes) -> None:
    for method, path in RIGHT:
        answer = call(method, path.format(**places), body)
        assert is_documented(answer), (method, path, answer.status_code, answer.content[:300])


def test_a_byte_order_mark_and_a_strange_content_type_change_nothing(call, places) -> None:
    for start, kind in ((b"\xef\xbb\xbf", "application/json"), (b"", "text/plain"), (b"", ""), (b"", "application/x-www-form-urlencoded")):
        path = f"/v1/customers/{places['customer']}/subscriptions/{places['subscription']}"
        body = start + json.dumps({"friendlyName": f"Name {kind}"}).encode()
        answer = call.client.patch(path, body, content_type=kind, headers={"Authorization": f"Bearer {call.secret}"})
        assert (answer.status_code, answer.json()["friendlyName"]) == (200, f"Name {kind}".strip())


def test_the_last_of_a_member_sent_twice_counts_in_any_letter_case(call, places) -> None:
    path = f"/customers/{places['customer']}/subscriptions/{places['subscription']}"
    assert call("PATCH", path, b'{"Quantity": 7, "quantity": 8}').json()["quantity"] == 8


class Chunks(BytesIO):
    """A body of unknown length, as a server hands on one that came in chunks."""


class BrokenChunks(BytesIO):
    """A body in chunks that the server cannot make out."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Fail as gunicorn does: with an exception of its own."""
        raise RuntimeError("Invalid chunk size")


def test_a_body_in_broken_chunks_is_refused(call) -> None:
    answer = call.client.post("/v1/customers", **{"wsgi.input": BrokenChunks(), "wsgi.input_terminated": True, "CONTENT_LENGTH": ""})
    assert (answer.status_code, answer.json()["code"]) == (400, 800002)


@pytest.mark.parametrize(("body", "status"), [(b'{"quantity": 7}', 200), (b"", 400), (b" " * 1_000_001, 400)])
def test_a_body_in_chunks_is_read_up_to_the_limit(call, places, body: bytes, status: int) -> None:
    answer = call.client.generic(
        "PATCH",
        f"/v1/customers/{places['customer']}/subscriptions/{places['subscription']}",
        headers={"Authorization": f"Bearer {call.secret}", "Transfer-Encoding": "chunked"},
        **{"wsgi.input": Chunks(body), "wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
    )
    assert answer.status_code == status
    assert is_documented(answer)


def test_a_body_over_one_megabyte_is_refused_before_a_token_is_looked_at(call, django_assert_num_queries) -> None:
    for length in ("1000001", "9" * 30, "-1", "x", "１"):
        with django_assert_num_queries(0):
            answer = call.client.generic("POST", "/v1/customers", b"{}", CONTENT_LENGTH=length)
        assert (answer.status_code, answer.json()["code"]) == (400, 800002)
    assert call("POST", "/customers", b" " * 1_000_000).status_code == 400


PATHS = [
    "/customers/%00",
    "/customers/{customer}%00",
    "/customers/{customer}/agreements/../orders",
    "/customers/{customer}/orders/%F0%9F%98%80",
    "/customers/{customer}/orders/{order}%0a",
    "/customers/{customer}/subscriptions/%ED%A0%80",
    "/customers/%2e%2e/customers",
    "/customers/" + "9" * 5000,
    "/customers/{customer}?size=" + "9" * 5000,
    "/customers?size=" + "9" * 5000,
    "/customers?size=1e400",
    "/customers?size=%00",
    "/customers?size=",
    "/customers?" + "size=1&" * 2000,
    "/customers?seekOperation=%00&filter=%ff",
    "/customers?filter=" + quote('{"Field":"CompanyName","Value":"\\u0000","Operator":"starts_with"}'),
    "/customers?filter=" + quote('{"Field":"Domain","Value":"\\ud800","Operator":"starts_with"}'),
    "/customers?filter=" + quote('{"Field":"Domain","Value":{"a":[]},"Operator":"starts_with"}'),
    "/customers?filter=" + quote('{"Field":"CompanyName","Value":1e400,"Operator":"starts_with"}'),
    "/customers?filter=" + "[" * 3000,
    "/customers?filter=" + "9" * 5000,
    "/customers/{customer}/orders?billingType=%00&include_price=x",
    "/customers/{customer}/subscriptions?order_id=%00&mpn_id=%00",
    "/customers/{customer}/subscriptions?order_id=%F0%9F%98%80",
    "/customers/{customer}/agreements?agreementType=%00",
    "/customers/{customer}/offers?offset=-1",
    "/offers?offset=" + "9" * 4000 + "&size=" + "9" * 4000,
    "/offers?country=%00%00",
    "/offers/%00?country=US",
    "/agreements?agreementType=%ED%A0%80",
    "/agreementtemplates/%00/document",
    "/agreementtemplates/117a77b0-9360-443b-8795-c6dedc750cf9/document?language=%00&country=US",
    "/agreementtemplates/117a77b0-9360-443b-8795-c6dedc750cf9/document?country=%00",
    "/countryvalidationrules/%00",
    "/countryvalidationrules/ﬀ",
    "/domains/%00",
    "/domains/" + "x" * 5000,
    "/domains/%F0%9F%98%80",
    "//////",
    "/%2F%2Fcustomers",
    "/customers;x=1",
    "/customers/{customer}/agreements#x",
]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:60])
def test_an_address_that_means_harm_is_answered(call, places, path: str) -> None:
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        answer = call(method, path.format(**places) if "{customer}" in path or "{order}" in path else path)
        assert is_documented(answer), (method, answer.status_code, answer.content[:300])
    # An answer to HEAD has no body.
    assert call("HEAD", path.format(**places) if "{customer}" in path or "{order}" in path else path).status_code < 500


HEADERS = [
    "",
    " ",
    "\x00",
    "é",
    "\udcff",
    "x" * 20_000,
    '"',
    "*",
    'W/"x"',
    "bnVsbA==",
    "W10=",
    "e30=",
    "eyJpZCI6MX0=",
    "'; --",
    "%00",
    "\t",
]


@pytest.mark.parametrize(
    "name",
    [
        "If-Match", "MS-ContinuationToken", "MS-RequestId", "MS-CorrelationId", "X-Locale", "Accept-Language", "Accept", "Content-Type",
        "MS-PartnerCenter-Client", "MS-Contract-Version", "Authorization", "Host", "Cookie", "Content-Encoding", "Expect", "Range",
    ],
)  # fmt: skip
def test_a_header_that_means_harm_is_answered(call, places, name: str) -> None:
    path = f"/customers/{places['customer']}/subscriptions/{places['subscription']}"
    for value in HEADERS:
        for method, where, body in (("GET", "/customers?size=1", None), ("PATCH", path, {"quantity": 5})):
            answer = call(method, where, body, **{name: value})
            assert is_documented(answer), (method, value, answer.status_code, answer.content[:300])


def test_a_mistaken_address_or_method_changes_nothing(call, places) -> None:
    for method in ("PUT", "TRACE", "PROPFIND", "X" * 300):
        answer = call(method, "/agreements")
        assert answer.status_code in (404, 405)
        assert is_documented(answer)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


@seed(20261125)
@settings(max_examples=60, derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_json_in_any_member_is_answered(call, places, data: st.DataObject) -> None:
    method, path = data.draw(st.sampled_from(sorted(RIGHT)))
    body = copy.deepcopy(RIGHT[method, path])
    name = data.draw(st.sampled_from(sorted(body)))
    body[name] = data.draw(json_values)
    answer = call(method, path.format(**places), json.dumps(body).encode("utf-8", "surrogatepass"))
    assert is_documented(answer), (body, answer.status_code, answer.content)
