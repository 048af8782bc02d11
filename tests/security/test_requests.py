"""What can another site, or somebody with a tool of their own, make the portal do?"""

import json
import re
import uuid
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client, override_settings
from django.urls import reverse

from customers.models import Customer
from mca_portal.staff.models import StaffMember
from mca_portal.staff.roles import Role
from tests.factories import PASSWORD, customer_details, make_account, make_customer, make_staff, make_token
from tests.pages.test_access import ROUTES, TABLE, World, signed_in, world, written  # noqa: F401 -- a fixture

pytestmark = pytest.mark.django_db

SECRET = "s3cret" * 8
ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "/%0d%0aLocation:https://evil.example",
    "/\r\nSet-Cookie: a=b",
    "http://testserver@evil.example/",
    "\thttps://evil.example",
]


def bearer(secret: str = SECRET) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


# Another site's forms ---------------------------------------------------------


# Programs call these with a secret or a code of their own, not a browser with a cookie.
FOR_PROGRAMS = {"idp:oidc:token", "idp:oidc:revoke", "idp:oidc:userinfo", "token_of_tenant", "old_token_of_tenant", "exchange_token"}


@pytest.mark.parametrize("route", sorted(FOR_PROGRAMS))
def test_a_browsers_sign_in_opens_nothing_that_is_for_programs(world: World, route: str) -> None:  # noqa: F811
    admin = world.people["admin"]
    before = written()
    address = reverse(route, kwargs=world.arguments(ROUTES[route], admin))
    answer = signed_in(admin).post(address, {"grant_type": "client_credentials", "token": "x"}, headers={"Origin": "https://evil.example"})
    assert answer.status_code in (400, 401)
    assert {name: rows for name, rows in written().items() if rows != before[name]}.keys() <= {"StaffMember"}  # the time of signing in


@pytest.mark.parametrize("route", sorted(route for route, row in TABLE.items() if row[1].split()[4] != "405" and route not in FOR_PROGRAMS))
def test_a_form_from_another_site_changes_nothing(world: World, route: str) -> None:  # noqa: F811
    admin = world.people["admin"]
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin)
    before = written()
    address = reverse(route, kwargs=world.arguments(ROUTES[route], admin))
    assert client.post(address, {"first_name": "Mallory"}).status_code == 403
    assert client.post(address, {"csrfmiddlewaretoken": "x" * 64}, headers={"Origin": "https://evil.example"}).status_code == 403
    assert written() == before


def test_a_browsers_sign_in_does_not_open_the_api() -> None:
    by = make_staff()
    client = signed_in(by)
    assert client.get("/v1/customers").status_code == 401
    assert client.post("/v1/customers", "{}", content_type="application/json").status_code == 401


def test_the_api_invites_no_other_sites_scripts() -> None:
    make_token(make_staff(), SECRET)
    answer = Client().get("/v1/customers", headers=bearer() | {"Origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


# Frames, and what a browser may do with a page -----------------------------------


@pytest.mark.parametrize(
    "address", ["/", "/customers/", "/accounts/login/", "/nothing-here/", "/customers/?standing=none", "/v1/customers"]
)
@pytest.mark.parametrize("somebody", [True, False])
def test_no_page_can_be_put_into_a_frame_or_taken_for_another_type(somebody: bool, address: str) -> None:
    client = signed_in(make_staff()) if somebody else Client()
    answer = client.get(address)
    policy = answer["Content-Security-Policy"]
    assert answer["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "route", sorted(route for route, row in TABLE.items() if row[0].split()[4] == "200" and row[0].split()[0] == "302")
)
def test_a_personal_page_is_kept_by_nobody_on_the_way(world: World, route: str) -> None:  # noqa: F811
    admin = world.people["admin"]
    answer = signed_in(admin).get(reverse(route, kwargs=world.arguments(ROUTES[route], admin)))
    kept = answer["Cache-Control"]
    assert "no-store" in kept or ("private" in kept and "no-cache" in kept)
    assert "Cookie" in answer["Vary"]


def test_an_answer_of_the_api_is_kept_by_nobody() -> None:
    make_token(make_staff(), SECRET)
    assert "no-store" in Client().get("/v1/customers", headers=bearer())["Cache-Control"]


# Sign-in and its cookies ----------------------------------------------------------


def test_signing_in_makes_a_new_session_whatever_was_there_before() -> None:
    somebody = make_staff()
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = "chosenbyanattacker0000000000000000"
    client.get("/accounts/login/")
    client.post("/accounts/login/", {"login": somebody.email, "password": PASSWORD})
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert key != "chosenbyanattacker0000000000000000"
    assert client.get("/").status_code == 200
    assert not Session.objects.filter(session_key="chosenbyanattacker0000000000000000").exists()


def test_a_session_that_was_there_before_signing_in_does_not_become_the_signed_in_one() -> None:
    somebody = make_staff()
    victim = Client()
    session = victim.session
    session["planted"] = True
    session.save()
    before = session.session_key
    victim.cookies[settings.SESSION_COOKIE_NAME] = before
    victim.post("/accounts/login/", {"login": somebody.email, "password": PASSWORD})
    attacker = Client()
    attacker.cookies[settings.SESSION_COOKIE_NAME] = before
    assert victim.get("/").status_code == 200
    assert attacker.get("/").status_code == 302


def test_signing_out_ends_the_session_on_the_server() -> None:
    client = signed_in(make_staff())
    stolen = client.cookies[settings.SESSION_COOKIE_NAME].value
    client.post("/accounts/logout/")
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = stolen
    assert thief.get("/").status_code == 302


def test_no_cookie_is_in_reach_of_scripts_and_other_sites() -> None:
    somebody = make_staff()
    client = Client()
    client.post("/accounts/login/", {"login": somebody.email, "password": PASSWORD})
    client.get("/customers/")
    client.post("/preferences/language/", {"language": "ko"})
    assert len(client.cookies) >= 3
    for name, cookie in client.cookies.items():
        if cookie.value:
            assert cookie["httponly"], name
            assert cookie["samesite"] in ("Lax", "Strict"), name
            assert not cookie["domain"], name


@override_settings(SESSION_COOKIE_SECURE=True, CSRF_COOKIE_SECURE=True)
def test_in_production_every_cookie_travels_encrypted_only() -> None:
    somebody = make_staff()
    client = Client()
    client.post("/accounts/login/", {"login": somebody.email, "password": PASSWORD}, secure=True)
    client.get("/customers/", secure=True)
    client.post("/preferences/language/", {"language": "ko"}, secure=True)
    assert len(client.cookies) >= 3
    assert not [name for name, cookie in client.cookies.items() if cookie.value and not cookie["secure"]]


# Redirects, headers, logs -------------------------------------------------------------


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
@pytest.mark.parametrize("address", ["/accounts/login/", "/accounts/logout/", "/preferences/language/", "/preferences/theme/"])
def test_nobody_is_sent_to_another_site(address: str, elsewhere: str) -> None:
    somebody = make_staff()
    client = Client() if address == "/accounts/login/" else signed_in(somebody)
    typed = {"login": somebody.email, "password": PASSWORD, "language": "ko", "theme": "dark", "next": elsewhere}
    for answer in (client.post(f"{address}", typed), client.post(f"{address}?next={elsewhere}", typed)):
        where = urlsplit(answer.get("Location", "/"))
        assert where.netloc in ("", "testserver"), where
        assert where.scheme in ("", "http", "https")
        assert where.path.startswith("/")
        assert not where.path.startswith(("//", "/\\"))
        assert "Set-Cookie: a=b" not in str(answer.headers)


@pytest.mark.parametrize("name", ["MS-RequestId", "MS-CorrelationId", "X-Locale", "X-Request-ID", "User-Agent", "X-Forwarded-For"])
@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "\x1b[31mred", "\x00", "가" * 50, "x" * 5000, "%0d%0aX-Evil:1"])
def test_a_header_of_the_client_puts_no_line_into_an_answer_or_a_log(
    name: str, value: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    make_token(make_staff(), SECRET)
    answer = Client().get("/v1/customers", headers=bearer() | {name: value})
    assert answer.status_code in (200, 400)
    assert not [text for text in answer.headers.values() if re.search(r"[\x00-\x08\x0a-\x1f]", text)]
    assert "X-Evil" not in answer.headers
    out, err = capfd.readouterr()
    for line in (*[record.getMessage() for record in caplog.records], *out.splitlines(), *err.splitlines()):
        assert "\x1b[31m" not in line
        assert not line.startswith(("X-Evil", "b "))


@pytest.mark.parametrize(
    "host", ["evil.example", "testserver.evil.example", "testserver:80@evil.example", "", "a b", "[::1", "evil.example:x"]
)
def test_another_host_name_is_refused(host: str) -> None:
    assert Client().get("/accounts/login/", headers={"Host": host}).status_code == 400
    assert Client().get("/v1/customers", headers={"Host": host} | bearer()).status_code in (400, 401)


def test_a_password_link_names_this_host_whatever_a_proxy_header_says() -> None:
    somebody = make_staff()
    sent = {
        "X-Forwarded-Host": "evil.example",
        "Forwarded": "host=evil.example",
        "X-Host": "evil.example",
        "X-Original-URL": "//evil.example",
    }
    Client().post("/accounts/password/reset/", {"email": somebody.email}, headers=sent)
    (message,) = mail.outbox
    assert "evil.example" not in message.body
    assert "http://testserver/" in message.body


# What is not there to be had ---------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/static/../manage.py",
        "/static/..%2fmanage.py",
        "/static/%2e%2e/%2e%2e/etc/passwd",
        "/static/portal/../../mca_portal/settings.py",
        "/static//etc/passwd",
        "/static/..\\..\\etc\\passwd",
        "/static/%00",
        "/static/portal/%2e%2e%2f%2e%2e%2fsettings.py",
        "/media/",
        "/media/../db.sqlite3",
        "/var/db.sqlite3",
        "/.git/config",
        "/.env",
        "/../../etc/passwd",
        "/db.sqlite3",
        "/secret_key",
    ],
)
def test_no_file_but_the_portals_own_assets_is_served(path: str) -> None:
    for client in (Client(), signed_in(make_staff())):
        answer = client.get(path)
        assert answer.status_code in (302, 400, 404)
        if answer.status_code == 302:
            assert answer["Location"].startswith("/accounts/login/")


def test_a_token_counts_in_its_header_alone_never_in_an_address_or_a_form() -> None:
    make_token(make_staff(), SECRET)
    client = Client()
    for name in ("token", "access_token", "api_key", "key", "Authorization", "bearer"):
        assert client.get("/v1/customers", {name: SECRET}).status_code == 401
        assert client.post("/v1/customers", json.dumps({name: SECRET}), content_type="application/json").status_code == 401
        client.cookies[name] = SECRET
    assert client.get("/v1/customers").status_code == 401
    assert client.get("/v1/customers", headers=bearer()).status_code == 200


def test_no_page_has_a_secret_in_its_address_after_a_password_link() -> None:
    somebody = make_staff()
    Client().post("/accounts/password/reset/", {"email": somebody.email})
    (address,) = re.findall(r"http://testserver(/\S+)", mail.outbox[0].body)
    client = Client()
    answer = client.get(address, follow=True)
    assert answer.status_code == 200
    last = answer.redirect_chain[-1][0]
    assert address.rstrip("/").split("-")[-1] not in last, "the key has left the address before the page loads anything"


# Fields that a form does not have -------------------------------------------------------------

FORGED = {
    "id": str(uuid.uuid4()),
    "pk": "1",
    "account": "1",
    "account_id": str(uuid.uuid4()),
    "is_staff": "on",
    "is_superuser": "on",
    "is_active": "on",
    "object_id": str(uuid.uuid4()),
    "email": "mallory@evil.example",
    "groups": "admin_agent",
    "roles": "admin_agent",
    "password": "mallory's own password",
    "created_by": "1",
    "created_at": "2001-01-01",
    "domain": "stolen.onmicrosoft.com",
    "domain_prefix": "stolen",
    "name_key": "x",
}


def test_ones_own_profile_takes_name_language_and_theme_alone() -> None:
    somebody = make_staff(None, Role.SALES_AGENT)
    before = StaffMember.objects.filter(pk=somebody.pk).values().get()
    typed = FORGED | {"first_name": "New", "last_name": "Name", "language": "ko", "theme": "dark"}
    assert signed_in(somebody).post(reverse("profile"), typed).status_code == 302
    after = StaffMember.objects.filter(pk=somebody.pk).values().get()
    assert {name for name in after if after[name] != before[name]} <= {"first_name", "last_name", "language", "theme", "last_login"}
    assert [group.name for group in somebody.groups.all()] == [Role.SALES_AGENT]


def test_a_customers_form_takes_company_and_contact_alone() -> None:
    by = make_staff()
    customer = make_customer(by)
    before = Customer.objects.filter(pk=customer.pk).values().get()
    typed = FORGED | customer_details(company_name="New name") | {"domain": "stolen.onmicrosoft.com", "version": "1"}
    assert signed_in(by).post(reverse("customer_edit", args=[customer.pk]), typed).status_code == 302
    after = Customer.objects.filter(pk=customer.pk).values().get()
    assert {name for name in after if after[name] != before[name]} == {"company_name", "name_key", "version"}
    assert after["domain"] == customer.domain


def test_a_colleagues_form_takes_name_and_roles_alone() -> None:
    account = make_account()
    admin, colleague = make_staff(account), make_staff(account, Role.SALES_AGENT)
    before = StaffMember.objects.filter(pk=colleague.pk).values().get()
    typed = FORGED | {"first_name": "New", "last_name": "Name", "roles": "helpdesk_agent", "do": "save"}
    signed_in(admin).post(reverse("staff_member", args=[colleague.pk]), typed)
    after = StaffMember.objects.filter(pk=colleague.pk).values().get()
    assert {name for name in after if after[name] != before[name]} <= {"first_name", "last_name"}


def test_a_script_chooses_neither_the_id_nor_the_account_of_a_customer() -> None:
    by = make_staff()
    make_token(by, SECRET)
    forged = str(uuid.uuid4())
    body = {
        "id": forged,
        "commerceId": forged,
        "accountId": forged,
        "companyProfile": {"tenantId": forged, "domain": "mine.onmicrosoft.com"},
        "billingProfile": {
            "id": forged,
            "culture": "ko-KR",
            "language": "ko",
            "email": "a@b.example",
            "companyName": "Mine",
            "defaultAddress": {
                "firstName": "A",
                "lastName": "B",
                "addressLine1": "1",
                "city": "Seoul",
                "postalCode": "06236",
                "country": "KR",
            },
        },
    }
    answer = Client().post("/v1/customers", json.dumps(body), content_type="application/json", headers=bearer())
    assert answer.status_code == 201, answer.content
    made: dict[str, Any] = answer.json()
    assert forged not in (made["id"], made["companyProfile"]["tenantId"])
    assert Customer.objects.get().account_id == by.account_id


# Too much -------------------------------------------------------------------------------------


def test_more_than_a_megabyte_is_refused_before_it_is_read() -> None:
    by = make_staff()
    make_token(by, SECRET)
    large = "x" * 1_100_000
    assert signed_in(by).post(reverse("profile"), {"first_name": large}).status_code in (400, 413)
    answer = Client().post("/v1/customers", f'"{large}"', content_type="application/json", headers=bearer())
    assert (answer.status_code, answer.json()["code"]) == (400, 800002)
