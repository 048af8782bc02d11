"""Each request has one line in the log, with ids: nothing personal, nothing typed, no secret; and nobody can forge a line."""

import io
import json
import logging
import logging.config
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.decorators import login_not_required
from django.core import mail
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path

from mca_portal import logs
from mca_portal.staff.models import StaffMember
from mca_portal.staff.services import create_token
from mca_portal.urls import handler400, handler403, handler404, handler500  # noqa: F401  # Django looks for them beside urlpatterns
from tests.factories import make_account, make_customer, make_staff

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
SECRET = "hidden-word-4711"


@login_not_required
def broken(request: HttpRequest) -> HttpResponse:
    """A page with a mistake in it, which holds what somebody typed in a local value and in the exception."""
    typed = request.GET["typed"]
    raise ValueError(typed)


@login_not_required
def not_unique(request: HttpRequest) -> HttpResponse:
    """A write that the database refuses with the value in its words."""
    member = StaffMember.objects.first()
    assert member is not None
    with transaction.atomic():
        StaffMember.objects.bulk_create([StaffMember(account=member.account, email=member.email, first_name="A", last_name="B")])
    return HttpResponse()


urlpatterns = [path("broken/", broken), path("not-unique/", not_unique), path("", include("mca_portal.urls"))]


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What production would have written since the test began."""
    out = io.StringIO()
    made = logs.configuration(production=True)["formatters"]["line"]
    handler = logging.StreamHandler(out)
    handler.setFormatter(made.pop("()")(**made))
    logging.getLogger().addHandler(handler)
    yield lambda: [json.loads(line) for line in out.getvalue().splitlines()]
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def visitor() -> Client:
    return Client(raise_request_exception=False)


def requests_in(written: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in written if line["event"] == "request"]


def test_a_request_has_one_line_that_says_who_what_and_how_long(lines, visitor):
    admin = make_staff(make_account())
    customer = make_customer(admin)
    visitor.force_login(admin)
    assert visitor.get(f"/customers/{customer.pk}/").status_code == 200
    (line,) = lines()
    assert line.pop("ms") > 0
    assert line.pop("timestamp").endswith("Z")
    assert len(line.pop("request_id")) == 32
    assert line == {
        "event": "request",
        "level": "info",
        "logger": "mca_portal.request",
        "method": "GET",
        "route": "customers/<uuid:customer_id>/",
        "customer_id": str(customer.pk),
        "status": 200,
        "staff_id": admin.pk,
        "account_id": str(admin.account_id),
    }


def test_the_line_of_a_sign_in_says_who_is_in_now(lines, client):
    admin = make_staff(make_account())
    admin.set_password("correct horse battery")
    admin.save()
    client.post("/accounts/login/", {"login": admin.email, "password": "wrong horse battery"})
    client.post("/accounts/login/", {"login": admin.email, "password": "correct horse battery"})
    failed, signed_in = lines()
    assert "staff_id" not in failed
    assert signed_in["staff_id"] == admin.pk


def test_a_call_of_the_api_has_the_clients_ids_and_the_tokens_owner(lines, client):
    admin = make_staff(make_account())
    customer = make_customer(admin)
    request_id, correlation_id = str(uuid.uuid4()), str(uuid.uuid4())
    _, token = create_token(by=admin, name="Nightly", days=1)
    answer = client.get(
        f"/v1/customers/{customer.pk}?{SECRET}",
        headers={"authorization": f"Bearer {token}", "ms-requestid": request_id, "ms-correlationid": correlation_id},
    )
    assert answer.status_code == 200
    (line,) = requests_in(lines())
    assert (line["ms_request_id"], line["ms_correlation_id"], line["staff_id"]) == (request_id, correlation_id, admin.pk)
    assert (line["route"], line["customer_id"]) == ("v1/customers/<customer_id>", str(customer.pk))
    assert SECRET not in json.dumps(lines())
    assert token not in json.dumps(lines())


def test_what_was_searched_typed_or_secret_never_reaches_the_log(lines, visitor):
    admin = make_staff(make_account())
    make_customer(admin)
    password = f"{SECRET}-password"
    admin.set_password(password)
    admin.save()
    token = f"{SECRET}-token"
    visitor.post("/accounts/login/", {"login": admin.email, "password": f"wrong {SECRET}"})
    visitor.post("/accounts/login/", {"login": admin.email, "password": password})
    visitor.get("/customers/", {"q": f"{SECRET} someone@customer.example"})
    visitor.get(f"/nowhere/{SECRET}/someone@customer.example/")
    visitor.get("/", headers={"host": f"{SECRET}.example"})
    visitor.get("/broken/", {"typed": SECRET})
    visitor.get("/not-unique/")
    visitor.get("/v1/customers", headers={"authorization": f"Bearer {token}"})
    visitor.get(f"/v1/customers/{SECRET}", headers={"authorization": f"Basic {token}"})
    visitor.post("/customers/new/", {"company_name": SECRET})
    visitor.get(f"/?{SECRET}=%00", headers={"user-agent": SECRET, "referer": f"https://testserver/{SECRET}", "x-request-id": SECRET})
    strict = Client(enforce_csrf_checks=True)
    strict.post("/accounts/login/", {"login": admin.email}, headers={"referer": f"https://{SECRET}.example/"}, secure=True)
    strict.post("/accounts/login/", {"login": admin.email}, headers={"origin": f"https://{SECRET}.example"})
    visitor.post("/accounts/logout/")
    visitor.post("/accounts/password/reset/", {"email": admin.email})
    link = next(word for word in mail.outbox[-1].body.split() if "/password/reset/key/" in word).partition("testserver")[2]
    visitor.get(link)
    strict.post(link)
    assert {line["reason"] for line in lines() if line["event"] == "refused"} >= {
        "DisallowedHost",
        "Referer checking failed",
        "Origin checking failed",
    }
    written = json.dumps(lines())
    assert len(requests_in(lines())) >= 16
    for word in (SECRET, password, token, admin.email, "@", admin.first_name, link, link.rsplit("-", 1)[1]):
        assert word not in written, word


def test_an_exception_says_where_and_what_kind_but_not_what_the_values_were(lines, visitor):
    make_staff(make_account())
    answer = visitor.get("/broken/", {"typed": SECRET})
    failed, line = lines()
    assert (failed["event"], failed["level"], line["status"]) == ("request failed", "error", 500)
    assert failed["request_id"] == line["request_id"] == answer["X-Request-ID"]
    (raised,) = failed["exception"]
    assert raised["type"] == "ValueError"
    assert "text" not in raised
    assert raised["at"][-1].startswith("tests/operations/test_logs.py:")
    assert raised["at"][-1].endswith(" broken")
    assert SECRET not in json.dumps(lines())


def test_an_exception_of_the_database_says_its_codes_but_not_its_values(lines, visitor):
    member = make_staff(make_account())
    visitor.get("/not-unique/")
    raised = lines()[0]["exception"]
    assert raised[0]["type"] == "django.db.utils.IntegrityError"
    assert member.email not in json.dumps(lines())


def test_the_text_of_an_exception_about_code_or_set_up_is_kept():
    assert logs.describe(TypeError("takes no arguments"))["text"] == "takes no arguments"
    assert "text" not in logs.describe(KeyError("typed"))
    assert "text" not in logs.describe(IntegrityError("Key (email)=(a@b.example) already exists"))


def test_the_error_page_shows_the_number_that_the_log_has(lines, visitor):
    page = visitor.get("/broken/", {"typed": "x"}).content.decode()
    assert lines()[0]["request_id"] in page


@pytest.mark.parametrize("given", ["5f3c0b6e9d1f4f0c8f5e6a7b8c9d0e1f", "5f3c0b6e-9d1f-4f0c-8f5e-6a7b8c9d0e1f"])
def test_the_proxys_id_is_taken_over_and_sent_back(lines, client, given):
    assert client.get("/healthz", headers={"x-request-id": given})["X-Request-ID"] == given
    assert lines()[0]["request_id"] == given


@pytest.mark.parametrize("given", ["short", "x" * 32, "a" * 65, "someone@x.example", "abcdef0123456789\nevent", "abcdef0123456789\x1b[2J"])
def test_an_id_that_is_none_is_replaced(lines, client, given):
    answer = client.get("/healthz", headers={"x-request-id": given})
    assert answer["X-Request-ID"] != given
    assert len(answer["X-Request-ID"]) == 32
    assert len(lines()) == 1


def test_nobody_forges_a_line(lines):
    forged = 'x\n{"event": "request", "status": 200}\r\x1b[2J\u2028\u202e'
    logs.get_logger("mca_portal.test").info(forged, value=forged)
    logging.getLogger("mca_portal.test").info(forged)
    logging.getLogger("gunicorn.error").warning("Invalid request from ip=192.0.2.1: %s", forged)
    logging.getLogger("elsewhere").warning("It was %s", forged)
    written = lines()
    assert [line["event"] for line in written[2:]] == ["Invalid request", "It was %s"]
    assert len(written) == 4
    assert not set(written[0]["event"] + written[0]["value"]) & set("\n\r\x1b\u2028\u202e")


def test_a_working_copy_writes_lines_for_reading_that_nobody_forges():
    out = io.StringIO()
    made = logs.configuration(production=False)["formatters"]["line"]
    handler = logging.StreamHandler(out)
    handler.setFormatter(made.pop("()")(**made))
    logger = logging.getLogger("mca_portal.reading")
    logger.addHandler(handler)
    try:
        logs.get_logger("mca_portal.reading").info("saved\nand more", status=200)
    finally:
        logger.removeHandler(handler)
    assert out.getvalue().count("\n") == 1
    assert "status=200" in out.getvalue()


def test_made_up_methods_stay_out_of_the_log(lines, client):
    client.generic("X@Y", "/healthz")
    assert lines()[0]["method"] == "other"
