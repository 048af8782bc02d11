"""No page and no file that a page needs outgrows its budget: bytes as they are transferred."""

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse

from customers.models import Customer
from tests.factories import confirm, make_customer, make_order, make_staff

pytestmark = pytest.mark.django_db

FIRST_VISIT = 150_000  # bytes: a page and everything that it needs
LATER_PAGE = 30_000
FILES = {  # bytes of each, compressed; together they leave a page its own
    "bootstrap/css/bootstrap.min.css": 33_000,
    "portal/portal.css": 10_000,
    "portal/portal.js": 2_500,
    "portal/icons.svg": 3_000,
    "portal/favicon.svg": 500,
    "django_htmx/htmx-2.min.js": 18_000,
    "portal/passkeys.js": 1_000,
    "mfa/js/webauthn-json.js": 2_500,
    "mfa/js/webauthn.js": 1_500,
}


@pytest.fixture
def by():
    """An Admin agent with so many customers and orders that every list is full."""
    agent = make_staff()
    for number in range(31):
        customer = make_customer(agent, company_name=f"A company with rather a long name of {number:02}")
        if number % 3:
            confirm(agent, customer)
            make_order(agent, customer)
    return agent


def pages(browser: Client) -> dict[str, bytes]:
    """The pages that people open most, and all others that are long, as they are sent."""
    one = Customer.objects.filter(orders__isnull=False).first()
    waiting = Customer.objects.filter(orders__isnull=True).first()
    found = {}
    for route, args in (
        ("account_login", []),
        ("home", []),
        ("customers", []),
        ("customer", [one.pk]),
        ("customer_edit", [one.pk]),
        ("agreement", [waiting.pk]),
        ("subscriptions", [one.pk]),
        ("customer_orders", [one.pk]),
        ("new_order", [one.pk]),
        ("new_customer", []),
        ("orders", []),
        ("agreement_versions", []),
        ("staff", []),
    ):
        client = Client() if route == "account_login" else browser
        response = client.get(reverse(route, args=args), follow=True, headers={"accept-encoding": "gzip"})
        assert response.status_code == 200, route
        assert response["Content-Encoding"] == "gzip", route
        found[route] = response.content
    return found


def needed(html: str) -> set[str]:
    """The files that a page loads: style sheets, scripts, pictures."""
    return {path.removeprefix("/" + settings.STATIC_URL.strip("/") + "/") for path in re.findall(r'(?:href|src)="(/static/[^"#]+)', html)}


def size(name: str) -> int:
    """Bytes of a static file, compressed."""
    found = finders.find(name)
    assert isinstance(found, str), name
    return len(gzip.compress(Path(found).read_bytes()))


def test_every_page_and_its_files_stay_within_their_budgets(by) -> None:
    browser = Client()
    browser.force_login(by)
    too_much = {}
    for route, sent in pages(browser).items():
        files = needed(gzip.decompress(sent).decode())
        assert files <= FILES.keys(), f"{route} loads a file that has no budget"
        if len(sent) > LATER_PAGE:
            too_much[route] = len(sent)
    assert not too_much
    assert {name: size(name) for name in FILES if size(name) > FILES[name]} == {}
    assert sum(FILES.values()) + LATER_PAGE <= FIRST_VISIT


def test_a_page_waits_for_its_style_sheets_and_for_nothing_else(by) -> None:
    browser = Client()
    browser.force_login(by)
    for route, sent in pages(browser).items():
        html = gzip.decompress(sent).decode()
        assert all(" defer" in script for script in re.findall(r"<script[^>]*>", html)), route
        assert len(re.findall(r'rel="stylesheet"', html)) == 2, route
    assert "@import" not in Path(finders.find("portal/portal.css")).read_text()
