"""THE PERMISSION MATRIX: what every address answers to everybody (P1, P2, A5).

A route that is not in TABLE fails: add a line that says what each kind of person gets on GET and on POST. Columns:
nobody signed in · no role · Helpdesk agent · Sales agent · Admin agent · Admin agent of another account.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import models
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from agreements.models import Acceptance
from customers.models import Customer
from mca_portal.pages.models import Draft
from mca_portal.staff.models import ApiToken, Application, StaffMember
from mca_portal.staff.roles import Role
from orders.models import Order, Subscription
from tests.factories import confirm, make_account, make_application, make_customer, make_staff, make_subscription, make_token

pytestmark = pytest.mark.django_db

PEOPLE = ("anonymous", "no role", "helpdesk", "sales", "admin", "foreign admin")
SIGNED_IN = "302 200 200 200 200 200"
NOT_THIS_WAY = "302 405 405 405 405 405"
NOT_THIS_WAY_FOR_ANYBODY = "405 405 405 405 405 405"
ANYBODY = "200 200 200 200 200 200"

# Route: (what GET answers, what POST answers to a form with nothing in it).
TABLE: dict[str, tuple[str, str]] = {
    # Sign-in, and what needs none
    "healthz": (ANYBODY, NOT_THIS_WAY_FOR_ANYBODY),
    "readyz": (ANYBODY, NOT_THIS_WAY_FOR_ANYBODY),
    "metrics": ("404 404 404 404 404 404", NOT_THIS_WAY_FOR_ANYBODY),
    "account_login": ("200 302 302 302 302 302", "422 302 302 302 302 302"),
    "account_logout": (SIGNED_IN, "302 302 302 302 302 302"),
    "account_inactive": (ANYBODY, NOT_THIS_WAY_FOR_ANYBODY),
    "account_reauthenticate": (SIGNED_IN, "302 422 422 422 422 422"),
    "account_change_password": (SIGNED_IN, "302 422 422 422 422 422"),
    "account_reset_password": (ANYBODY, "422 422 422 422 422 422"),
    "account_reset_password_done": (ANYBODY, NOT_THIS_WAY_FOR_ANYBODY),
    "account_reset_password_from_key": (ANYBODY, "422 422 422 422 422 422"),
    "account_reset_password_from_key_done": (ANYBODY, NOT_THIS_WAY_FOR_ANYBODY),
    "single_sign_on": (NOT_THIS_WAY_FOR_ANYBODY, "404 404 404 404 404 404"),  # nothing is set up; see test_single_sign_on.py
    "single_sign_on_callback": ("404 404 404 404 404 404", NOT_THIS_WAY_FOR_ANYBODY),
    # Second factors. Without one: nothing to remove, no codes. Before anything sensitive, allauth asks for the password once more.
    "mfa_authenticate": ("302 302 302 302 302 302", "302 302 302 302 302 302"),
    "mfa_reauthenticate": ("302 302 302 302 302 302", "302 302 302 302 302 302"),
    "mfa_reauthenticate_webauthn": ("302 302 302 302 302 302", "302 302 302 302 302 302"),
    "mfa_activate_totp": ("302 302 302 302 302 302", "302 302 302 302 302 302"),
    "mfa_deactivate_totp": ("302 404 404 404 404 404", "302 404 404 404 404 404"),
    "mfa_view_recovery_codes": ("302 404 404 404 404 404", NOT_THIS_WAY),
    "mfa_generate_recovery_codes": ("302 302 302 302 302 302", "302 302 302 302 302 302"),
    "mfa_download_recovery_codes": ("302 404 404 404 404 404", "302 404 404 404 404 404"),
    "mfa_login_webauthn": ("302 302 302 302 302 302", "302 302 302 302 302 302"),
    "mfa_add_webauthn": ("302 302 302 302 302 302", "302 302 302 302 302 302"),
    "mfa_edit_webauthn": ("302 302 302 302 302 302", "302 302 302 302 302 302"),
    "mfa_remove_webauthn": ("302 302 302 302 302 302", "302 302 302 302 302 302"),
    "set_language": (NOT_THIS_WAY_FOR_ANYBODY, "400 400 400 400 400 400"),
    "set_theme": (NOT_THIS_WAY, "302 400 400 400 400 400"),
    # Home
    "home": (SIGNED_IN, NOT_THIS_WAY),
    # Customers
    "customers": ("302 403 200 200 200 200", NOT_THIS_WAY),
    "customer_export": (NOT_THIS_WAY, "302 403 403 403 200 200"),
    "import_upload": ("302 403 403 403 200 200", "302 403 403 403 422 422"),
    "import_template": (NOT_THIS_WAY, "302 403 403 403 200 200"),
    "import_preview": ("302 403 403 403 200 404", "302 403 403 403 422 404"),
    "import_errors": ("302 403 403 403 200 404", NOT_THIS_WAY),
    "import_result": ("302 403 403 403 302 404", NOT_THIS_WAY),
    "customer": ("302 403 200 200 200 404", NOT_THIS_WAY),
    "customer_edit": ("302 403 403 200 200 404", "302 403 403 422 422 404"),
    "address_fields": (NOT_THIS_WAY, "302 403 403 200 200 200"),
    "domain_check": ("302 403 403 200 200 200", NOT_THIS_WAY),
    # The Microsoft customer agreement
    "agreement": ("302 403 403 200 200 404", "302 403 403 422 422 404"),
    "agreement_withdraw": ("302 403 403 403 200 404", "302 403 403 403 422 404"),
    "agreement_versions": ("302 403 403 200 200 200", NOT_THIS_WAY),
    # New customer
    "new_customer": ("302 403 403 302 302 302", NOT_THIS_WAY),
    "new_customer_account": ("302 403 403 200 200 404", "302 403 403 302 302 404"),
    "new_customer_subscriptions": ("302 403 403 302 302 404", "302 403 403 302 302 404"),
    "new_customer_review": ("302 403 403 302 302 404", "302 403 403 302 302 404"),
    "new_customer_done": ("302 403 403 302 302 404", NOT_THIS_WAY),
    "new_customer_discard": (NOT_THIS_WAY, "302 403 403 302 302 404"),
    # Orders
    "orders": ("302 403 200 200 200 200", NOT_THIS_WAY),
    "order": ("302 403 200 200 200 404", NOT_THIS_WAY),
    "customer_orders": ("302 403 200 200 200 404", NOT_THIS_WAY),
    "new_order": ("302 403 403 302 302 404", NOT_THIS_WAY),
    "new_order_lines": ("302 403 403 200 200 404", "302 403 403 302 302 404"),
    "new_order_agreement": ("302 403 403 302 302 404", "302 403 403 302 302 404"),
    "new_order_review": ("302 403 403 302 302 404", "302 403 403 302 302 404"),
    # Subscriptions; a form for the list that names no subscription finds none
    "subscriptions": ("302 403 200 200 200 404", "302 403 404 404 404 404"),
    "subscription": ("302 403 200 200 200 404", "302 403 403 422 422 404"),
    "license_agreement": ("302 403 403 302 302 404", "302 403 403 302 302 404"),
    "subscription_status": (NOT_THIS_WAY, "302 403 403 404 404 404"),
    "subscription_name": (NOT_THIS_WAY, "302 403 403 422 422 404"),
    "subscription_renewal": (NOT_THIS_WAY, "302 403 403 302 302 404"),
    # The API
    "connect": ("302 403 403 200 200 200", NOT_THIS_WAY),
    "api_reference": ("302 403 403 200 200 200", NOT_THIS_WAY),
    # Activity
    "activity": ("302 403 403 403 200 200", NOT_THIS_WAY),
    "activity_export": (NOT_THIS_WAY, "302 403 403 403 200 200"),
    "customer_activity": ("302 403 200 200 200 404", NOT_THIS_WAY),
    # Staff, and oneself
    "staff": ("302 403 403 403 200 200", NOT_THIS_WAY),
    "staff_new": ("302 403 403 403 200 200", "302 403 403 403 422 422"),
    "staff_member": ("302 403 403 403 200 404", "302 403 403 403 422 404"),
    "staff_factor_reset": (NOT_THIS_WAY, "302 403 403 403 302 302"),  # asks for the password, then finds a colleague or nobody
    "staff_security": ("302 403 403 403 200 200", "302 403 403 403 302 302"),  # asks for the password first
    "profile": (SIGNED_IN, "302 422 422 422 422 422"),
    "mfa_index": (SIGNED_IN, NOT_THIS_WAY),
    "session_end": (NOT_THIS_WAY, "302 302 302 302 302 302"),
    "sessions_end": (NOT_THIS_WAY, "302 302 302 302 302 302"),
    # API tokens of one's own
    "tokens": ("302 403 403 200 200 200", "302 403 403 422 422 422"),
    "token_revoke": (NOT_THIS_WAY, "302 403 403 404 404 404"),
    "consent_withdraw": (NOT_THIS_WAY, "302 403 403 302 302 404"),
    # Applications; a token is given for a secret, to nobody signed in
    "applications": ("302 403 403 403 200 200", NOT_THIS_WAY),
    "application_new": ("302 403 403 403 200 200", "302 403 403 403 422 422"),
    "application": ("302 403 403 403 200 404", "302 403 403 403 422 404"),
    "idp:oidc:authorization": ("302 403 403 404 404 404", "302 403 403 404 404 404"),
    "authorize_of_tenant": ("302 403 403 404 404 404", "302 403 403 404 404 404"),
    "idp:oidc:token": (NOT_THIS_WAY_FOR_ANYBODY, "401 401 401 401 401 401"),
    "token_of_tenant": (NOT_THIS_WAY_FOR_ANYBODY, "401 401 401 401 401 401"),
    "old_token_of_tenant": (NOT_THIS_WAY_FOR_ANYBODY, "401 401 401 401 401 401"),
    "exchange_token": (NOT_THIS_WAY_FOR_ANYBODY, "400 400 400 400 400 400"),
    "idp:oidc:revoke": (NOT_THIS_WAY_FOR_ANYBODY, "401 401 401 401 401 401"),
    "idp:oidc:userinfo": ("401 401 401 401 401 401", "401 401 401 401 401 401"),
    "idp:oidc:configuration": (ANYBODY, NOT_THIS_WAY_FOR_ANYBODY),
    "configuration_of_tenant": (ANYBODY, NOT_THIS_WAY_FOR_ANYBODY),
    "idp:oidc:jwks": (ANYBODY, NOT_THIS_WAY_FOR_ANYBODY),
}

# The operator's pages are one entry: nobody of a partner account gets in.
OPERATOR = "operator/"
# The API has a matrix of its own (tests/api): by tokens, and with Partner Center's answers.
API = "v1/"

# A form that would be right in many places.
TYPED = {
    "reason": "Mistake",
    "first_name": "Tania",
    "last_name": "Carr",
    "email": "else@customer.example",
    "phone": "",
    "agreed_on": "2026-01-02",
    "template_id": "117a77b0-9360-443b-8795-c6dedc750cf9",
    "accepted": "on",
    "company_name": "New name",
    "quantity": "9",
    "version": "1",
    "status": "suspended",
    "friendly_name": "New name",
    "role": "admin_agent",
    "roles": "admin_agent",
    "active": "",
}


@dataclass
class World:
    """One account with one of everything, and the six who ask."""

    customer: Customer
    acceptance: Acceptance
    subscription: Subscription
    order: Order
    colleague: StaffMember
    token: ApiToken
    application: Application
    people: dict[str, StaffMember | None]

    def arguments(self, pattern: URLPattern, person: StaffMember | None) -> dict[str, Any]:
        """What to fill into the address: this account's things, and the person's own draft if they are of this account."""
        known = {
            "customer_id": self.customer.pk,
            "acceptance_id": self.acceptance.pk,
            "subscription_id": self.subscription.pk,
            "order_id": self.order.pk,
            "pk": self.colleague.pk,
            "member_id": self.colleague.pk,
            "token_id": self.token.pk,
            "session_id": 1,
            "client_id": self.application.pk,
            "tenant": str(self.customer.account_id),
            "uidb36": "1",
            "key": "x",
        }
        names = pattern.pattern.converters.keys() | pattern.pattern.regex.groupindex.keys()
        if names & {"draft_id", "draft"}:
            known["draft_id"] = known["draft"] = self._draft(pattern.name or "", person).pk
        unknown = names - known.keys()
        assert not unknown, f"{pattern.name}: tell World.arguments what {sorted(unknown)} is"
        return {name: known[name] for name in names}

    def _draft(self, route: str, person: StaffMember | None) -> Draft:
        own = person is not None and person.account_id == self.customer.account_id
        kinds = {"new_customer": Draft.Kind.NEW_CUSTOMER, "import": Draft.Kind.BULK_IMPORT}
        kind = next((kind for beginning, kind in kinds.items() if route.startswith(beginning)), Draft.Kind.NEW_ORDER)
        customer = self.customer if kind == Draft.Kind.NEW_ORDER else None
        row = [2, str(self.customer.pk), "Tania", "Carr", "else@customer.example", "", "2026-01-02"]
        data = {"name": "file.csv", "rows": [row]} if kind == Draft.Kind.BULK_IMPORT else {}
        return Draft.objects.create(owner=person if own else self.people["admin"], kind=kind, customer=customer, data=data)


@pytest.fixture
def world() -> World:
    account = make_account()
    admin = make_staff(account)
    customer = make_customer(admin)
    acceptance = confirm(admin, customer)
    subscription = make_subscription(admin, customer)
    people = {
        "anonymous": None,
        "no role": make_staff(account, roles=()),
        "helpdesk": make_staff(account, Role.HELPDESK_AGENT),
        "sales": make_staff(account, Role.SALES_AGENT),
        "admin": admin,
        "foreign admin": make_staff(),
    }
    colleague = make_staff(account, Role.SALES_AGENT)
    return World(
        customer, acceptance, subscription, subscription.order, colleague, make_token(colleague), make_application(admin)[0], people
    )


def routes(patterns: list[Any] | None = None, prefix: str = "", space: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every address of the portal with its name (or path), but the operator's pages and the API."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + str(pattern.pattern)
        if path in (OPERATOR, API):
            continue
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, path, f"{space}{pattern.namespace}:" if pattern.namespace else space)
        else:
            yield f"{space}{pattern.name}" if pattern.name else path, pattern


ROUTES = dict(routes())


def signed_in(person: StaffMember | None) -> Client:
    client = Client()
    if person:
        client.force_login(person)
    return client


def written() -> dict[str, list[dict]]:
    """Every row of the portal's own tables but drafts, which everybody may begin for themselves."""
    own = ("staff", "customers", "agreements", "orders")
    tables: list[type[models.Model]] = [model for label in own for model in apps.get_app_config(label).get_models()]
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in tables} | {
        "roles": list(StaffMember.groups.through.objects.order_by("pk").values())
    }


def codes(row: str) -> dict[str, int]:
    """A row of the table by person."""
    return dict(zip(PEOPLE, map(int, row.split()), strict=True))


def ask(world: World, route: str, method: str, name: str, typed: dict[str, str] | None = None) -> Any:
    """What `name` gets from the route."""
    person = world.people[name]
    address = reverse(route, kwargs=world.arguments(ROUTES[route], person))
    return getattr(signed_in(person), method)(address, typed or {})


def test_every_address_has_its_line_in_the_table() -> None:
    missing = sorted(ROUTES.keys() - TABLE.keys())
    assert not missing, f"add to TABLE in tests/pages/test_access.py what {', '.join(PEOPLE)} get on GET and on POST of: {missing}"
    assert not TABLE.keys() - ROUTES.keys(), "these addresses are gone: take them out of TABLE"


@pytest.mark.parametrize("route", sorted(ROUTES.keys() & TABLE.keys()))
def test_an_address_answers_everybody_as_the_table_says(world: World, route: str) -> None:
    before = written()
    for method, row in zip(("get", "post"), TABLE[route], strict=True):
        assert {name: ask(world, route, method, name).status_code for name in PEOPLE} == codes(row), method
    after = written()
    logged = route in (
        "account_logout",
        "sessions_end",
        "activity_export",
        "customer_export",
        "import_template",
    )  # what they do needs nothing typed
    written_without_a_form = {"StaffMember"} | ({"Activity"} if logged else set())
    assert {table for table in after if after[table] != before[table]} <= written_without_a_form, "an empty form writes nothing"


@pytest.mark.parametrize("route", sorted(ROUTES.keys() & TABLE.keys()))
def test_whoever_is_refused_writes_nothing_with_a_form_that_is_right(world: World, route: str) -> None:
    before = written()
    for name, code in codes(TABLE[route][1]).items():
        if code == 403 or (code == 404 and name == "foreign admin"):
            assert ask(world, route, "post", name, TYPED).status_code == code
    after = written()
    assert {table for table in after if after[table] != before[table]} <= {"StaffMember"}  # the time of signing in


def test_the_list_of_subscriptions_changes_no_count_for_whoever_may_only_look(world: World) -> None:
    typed = TYPED | {"subscription": str(world.subscription.pk)}
    assert ask(world, "subscriptions", "post", "helpdesk", typed).status_code == 403
    assert ask(world, "subscriptions", "post", "foreign admin", typed).status_code == 404
    assert Subscription.objects.get().quantity == world.subscription.quantity


@pytest.mark.parametrize("route", sorted(name for name in ROUTES.keys() & TABLE.keys() if TABLE[name][0].startswith("302")))
def test_nobody_signed_in_is_sent_to_sign_in(world: World, route: str) -> None:
    assert ask(world, route, "get", "anonymous")["Location"].startswith("/accounts/login/" if route != "account_logout" else "/")


@pytest.mark.parametrize("name", PEOPLE)
@pytest.mark.parametrize("path", ["", "staff/staffmember/", "staff/partneraccount/", "agreements/agreementtemplate/add/", "login/"])
def test_the_operators_pages_let_nobody_of_a_partner_account_in(world: World, name: str, path: str) -> None:
    assert signed_in(world.people[name]).get(f"/{OPERATOR}{path}").status_code in {302, 403}


def test_the_operators_pages_hold_nothing_but_what_the_operator_sees_to() -> None:
    assert sorted(model._meta.label for model in admin.site._registry) == [
        "admin.LogEntry",  # to read
        "agreements.AgreementTemplate",
        "orders.Offer",
        "staff.Activity",  # to read
        "staff.PartnerAccount",
        "staff.StaffMember",
    ]
