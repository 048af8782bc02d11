"""The page that shows how to connect a script: its lines, and README's, work as they stand."""

import contextlib
import io
import re
import shlex
import urllib.request
from html import unescape
from pathlib import Path

import pytest
from django.test import Client

from mca_portal.staff.models import Cloud, StaffMember
from mca_portal.staff.services import create_token
from tests.factories import make_account, make_application, make_customer, make_staff

README = Path(__file__).resolve().parents[2] / "README.md"


def shown(person: StaffMember, path: str = "/api/", **more: str) -> str:
    """The page as `person` sees it."""
    client = Client(**more)
    client.force_login(person)
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def lines_of(page: str, client: str) -> str:
    """What the page shows for one client to copy."""
    found = re.search(rf'<code id="{client}-code"[^>]*>(.*?)</code>', page, re.DOTALL)
    assert found
    return unescape(found[1])


def curl(command: str, secret: str) -> tuple[int, bytes]:
    """Do what the command line does: `curl -H HEADER URL`, with the token in TOKEN."""
    name, option, header, address = shlex.split(command.replace("$TOKEN", secret))
    assert (name, option) == ("curl", "-H")
    request = urllib.request.Request(address, headers=dict([header.split(": ", 1)]))
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.status, answer.read()


@pytest.mark.django_db
def test_every_client_is_shown_with_the_portal_s_own_address() -> None:
    page = shown(make_staff(), HTTP_HOST="localhost:8123")
    for client, line in {
        "curl": 'curl -H "Authorization: Bearer $TOKEN" "http://localhost:8123/v1/agreements?agreementType=MicrosoftCustomerAgreement"',
        "python": 'answer = portal.get("http://localhost:8123/v1/customers")',
        "node": 'const answer = await fetch("http://localhost:8123/v1/customers", {',
        "powershell": '$environments.Values | ForEach-Object { $_.PartnerCenterEndpoint = "http://localhost:8123" }',
        "dotnet": 'PartnerService.Instance.ApiRootUrl = "http://localhost:8123";',
        "java": 'PartnerService.getInstance().setApiRootUrl("http://localhost:8123");',
    }.items():
        assert line in lines_of(page, client).splitlines()
    assert "ROOT" not in page


@pytest.mark.django_db
def test_what_to_confirm_is_shown_only_where_the_agreement_applies() -> None:
    assert "117a77b0-9360-443b-8795-c6dedc750cf9" in shown(make_staff())
    government = shown(make_staff(make_account(cloud=Cloud.US_GOVERNMENT)))
    assert "117a77b0-9360-443b-8795-c6dedc750cf9" not in government
    assert "13605" not in government


@pytest.mark.django_db
def test_an_application_gets_its_token_at_the_address_that_is_shown() -> None:
    person = make_staff()
    found = re.search(r"http://testserver(/[^<]*oauth2/v2.0/token)", shown(person))
    assert found
    application, secret = make_application(person)
    asked = {"grant_type": "client_credentials", "client_id": application.pk, "client_secret": secret}
    assert Client().post(found[1], asked | {"scope": "https://api.partnercenter.microsoft.com/.default"}).json()["token_type"] == "Bearer"


@pytest.mark.django_db
def test_it_is_there_in_korean() -> None:
    assert "<h1>스크립트 연결</h1>" in shown(make_staff(language="ko"))


@pytest.mark.django_db
def test_the_pages_lead_to_each_other() -> None:
    person = make_staff()
    assert 'href="/api/"' in shown(person, "/")
    assert 'href="/api/"' in shown(person, "/profile/tokens/")
    page = shown(person)
    assert 'href="/profile/tokens/"' in page
    assert 'href="/api/reference/"' in page
    assert 'href="/v1/openapi.json"' in shown(person, "/api/reference/")


@pytest.mark.django_db
def test_the_number_of_queries_does_not_grow(django_assert_max_num_queries) -> None:
    person = make_staff()
    client = Client()
    client.force_login(person)
    with django_assert_max_num_queries(8):
        client.get("/api/")


def test_the_calls_work_as_they_are_shown(live_server, monkeypatch: pytest.MonkeyPatch) -> None:
    person = make_staff()
    customer = make_customer(person, company_name="Contoso")
    _token, secret = create_token(by=person, name="Script", days=1)
    monkeypatch.setenv("TOKEN", secret)
    page = shown(person, HTTP_HOST=live_server.url.removeprefix("http://"))
    status, content = curl(lines_of(page, "curl"), secret)
    assert (status, b"117a77b0-9360-443b-8795-c6dedc750cf9" in content) == (200, True)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(lines_of(page, "python"), "python", "exec"), {})
    assert printed.getvalue() == f"{customer.pk} Contoso\n"


def test_the_call_in_the_readme_works(live_server) -> None:
    [command] = re.findall(r"^curl .*$", README.read_text(), re.MULTILINE)
    assert "http://127.0.0.1:8000/v1/" in command
    _token, secret = create_token(by=make_staff(), name="Script", days=1)
    status, content = curl(command.replace("http://127.0.0.1:8000", live_server.url), secret)
    assert (status, b"117a77b0-9360-443b-8795-c6dedc750cf9" in content) == (200, True)
