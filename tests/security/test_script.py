"""Does a page ever take for markup what somebody typed? Stored and reflected, in every text field and every place where it is shown."""

from html.parser import HTMLParser
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from agreements.services import withdraw_acceptance
from mca_portal.staff.services import change_member, create_token, set_preferences
from orders.models import BillingCycle, Subscription
from orders.services import Line, place_order
from tests.factories import confirm, license_offer, make_account, make_customer, make_staff
from tests.pages.test_access import ROUTES, TABLE, World, ask, signed_in, world  # noqa: F401 -- a fixture

pytestmark = pytest.mark.django_db

PROBE = "A\"'><xss-probe onload=1>&lt;{{7*7}}{%x%}"  # short enough for every field, and allowed in each
TEXT_FIELDS = [
    "company_name",
    "address_line1",
    "address_line2",
    "city",
    "region",
    "postal_code",
    "domain",
    "contact_first_name",
    "contact_last_name",
    "contact_email",
    "contact_phone",
    "first_name",
    "last_name",
    "email",
    "phone",
    "reason",
    "friendly_name",
    "name",
    "quantity",
    "agreed_on",
    "login",
    "password",
    "oldpassword",
    "password1",
    "password2",
    "roles",
    "status",
    "template_id",
    "version",
    "language",
    "theme",
    "country",
    "billing_cycle",
    "days",
    "subscription",
    "offer",
    "q",
    "standing",
    "cursor",
    "next",
    "person",
]


class Markup(HTMLParser):
    """Finds what the probe would have become: an element, an attribute, or a template's result."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.found += [tag] * (tag == "xss-probe") + [name for name, _value in attrs if name.startswith("on")]
        if tag == "script" and not dict(attrs).get("src"):
            self.found.append("inline script")
        self.text += [value or "" for _name, value in attrs]
        self.found += [
            value for name, value in attrs if name in ("href", "src", "action", "formaction") and str(value).startswith("javascript")
        ]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def assert_harmless(answer: Any) -> str:
    """The page's text and attribute values, once it is known to hold no markup of the probe's."""
    if not answer["Content-Type"].startswith("text/html"):
        assert answer["X-Content-Type-Options"] == "nosniff"
        return ""
    markup = Markup(answer.content.decode())
    assert not markup.found, f"{answer.request['PATH_INFO']}: {markup.found}"
    return "\n".join(markup.text)


@pytest.fixture
def hostile(world: World) -> World:  # noqa: F811 -- pytest's way
    """The world of the access matrix, with the probe in every text that is kept."""
    admin = world.people["admin"]
    assert admin is not None
    set_preferences(by=admin, first_name=PROBE, last_name=PROBE)
    change_member(by=admin, member=world.colleague, first_name=PROBE, last_name=PROBE, roles=world.colleague.roles)
    create_token(by=admin, name=PROBE, days=30)
    type(world.customer).objects.filter(pk=world.customer.pk).update(company_name="x")  # so that the next change is one
    customer = make_customer(
        admin, company_name=PROBE, address_line1=PROBE, address_line2=PROBE, city=PROBE, contact_first_name=PROBE, contact_last_name=PROBE
    )
    confirm(admin, customer)
    withdraw_acceptance(by=admin, acceptance=confirm(admin, customer, first_name=PROBE, last_name=PROBE), reason=PROBE)
    order = place_order(
        by=admin, customer=customer, lines=[Line(license_offer().pk, 5, friendly_name=PROBE)], billing_cycle=BillingCycle.MONTHLY
    )
    world.customer, world.order, world.subscription = customer, order, Subscription.objects.get(order=order)
    world.acceptance = confirm(admin, customer, first_name=PROBE, last_name=PROBE)
    return world


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("route", sorted(route for route, row in TABLE.items() if row[0].split()[4] == "200"))
def test_what_is_kept_is_shown_as_text_on_every_page(hostile: World, route: str, language: str) -> None:
    admin = hostile.people["admin"]
    assert admin is not None
    set_preferences(by=admin, language=language)
    assert_harmless(ask(hostile, route, "get", "admin"))


@pytest.mark.parametrize(
    "route", ["customers", "customer", "customer_edit", "subscriptions", "order", "orders", "staff", "tokens", "profile"]
)
def test_the_probe_really_stands_on_the_pages_that_show_it(hostile: World, route: str) -> None:
    assert PROBE in assert_harmless(ask(hostile, route, "get", "admin"))


@pytest.mark.parametrize("route", sorted(route for route, row in TABLE.items() if row[1].split()[4] not in ("405", "404", "403")))
def test_what_was_typed_comes_back_as_text_when_a_form_is_refused(world: World, route: str) -> None:  # noqa: F811
    assert_harmless(ask(world, route, "post", "admin", dict.fromkeys(TEXT_FIELDS, PROBE)))


@pytest.mark.parametrize("route", sorted(ROUTES.keys() & TABLE.keys()))
def test_nothing_in_an_address_becomes_markup(world: World, route: str) -> None:  # noqa: F811
    assert_harmless(ask(world, route, "get", "admin", dict.fromkeys(TEXT_FIELDS, PROBE)))
    assert_harmless(ask(world, route, "get", "anonymous", dict.fromkeys(TEXT_FIELDS, PROBE)))


def test_a_page_that_is_not_there_does_not_repeat_the_address_as_markup() -> None:
    assert_harmless(signed_in(make_staff()).get("/<xss-probe onload=1>/", {"q": PROBE}))


def test_what_was_done_is_said_with_names_as_text(world: World) -> None:  # noqa: F811
    admin = world.people["admin"]
    client = signed_in(admin)
    typed = {
        "company_name": PROBE,
        "country": "KR",
        "address_line1": PROBE,
        "city": PROBE,
        "postal_code": "06236",
        "language": "ko",
        "contact_first_name": PROBE,
        "contact_last_name": PROBE,
        "contact_email": "a@b.example",
        "version": "1",
    }
    answer = client.post(reverse("customer_edit", args=[world.customer.pk]), typed, follow=True)
    assert answer.redirect_chain
    assert PROBE in assert_harmless(answer)


def test_an_email_holds_names_as_plain_text_and_no_line_of_a_name_becomes_a_header() -> None:
    somebody = make_staff(make_account(name=PROBE), first_name=PROBE, last_name=PROBE)
    Client().post("/accounts/password/reset/", {"email": somebody.email})
    (message,) = mail.outbox
    assert not getattr(message, "alternatives", []), "no HTML part"
    assert message.to == [somebody.email]
    assert "\n" not in message.subject
