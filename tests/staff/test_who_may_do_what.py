"""Every service that writes, by every role, from a foreign account and from an indirect reseller (P1, A2, A5).

A service that is not in CALLS fails the first test: add it with a call that succeeds for those who may.
"""

import ast
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from allauth.idp.oidc.models import Token as OAuthToken
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core.exceptions import ObjectDoesNotExist

from agreements.known_templates import CUSTOMER_AGREEMENT
from agreements.models import Acceptance, Standing, Via, Withdrawal
from agreements.services import Person, confirm_acceptance, import_acceptances, register_customer, withdraw_acceptance
from customers.errors import NotYoursToTransact
from customers.models import Customer
from customers.services import create_customer, note_customer_export, update_customer
from mca_portal.staff.models import Action, Activity, ApiToken, Application, PartnerAccount, PartnerType, StaffMember
from mca_portal.staff.roles import MATRIX, NotAllowed, Permission, Role, may
from mca_portal.staff.services import (
    add_member,
    change_application,
    change_member,
    create_token,
    end_session,
    end_sessions,
    note_access,
    note_access_ended,
    note_activity_export,
    note_application_use,
    note_consent,
    note_password_link,
    note_second_factor,
    note_sign_in,
    note_sign_out,
    note_token_use,
    register_application,
    renew_secret,
    require_second_factor,
    reset_second_factor,
    revoke_token,
    set_active,
    set_application_active,
    set_password,
    set_preferences,
    withdraw_consent,
)
from orders.models import LicenseChange, Order, OrderLine, Status, StatusChange, Subscription
from orders.services import (
    Line,
    change_license_count,
    place_order,
    rename_subscription,
    set_auto_renew,
    set_status,
    sign_up_customer,
)
from tests.factories import (
    confirm,
    customer_details,
    license_offer,
    make_account,
    make_application,
    make_customer,
    make_staff,
    make_subscription,
    make_token,
)

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]
MODULES = ("mca_portal.staff.services", "customers.services", "agreements.services", "orders.services")
TABLES = (
    *(Acceptance, Withdrawal, Standing, Customer, Order, OrderLine, Subscription, LicenseChange, StatusChange),
    *(StaffMember, ApiToken, Application, Activity),
)


@dataclass
class World:
    """What there is in the account that the calls are about."""

    customer: Customer
    acceptance: Acceptance
    subscription: Subscription
    member: StaffMember
    token: ApiToken
    application: Application


@dataclass(frozen=True)
class Call:
    """One service, called so that it succeeds. `permission`: what it needs. `transacts`: an indirect reseller may not (A2)."""

    do: Callable[[StaffMember, World], Any]
    permission: Permission | None
    transacts: bool = True
    names_an_object: bool = True


def _confirm(by: StaffMember, world: World) -> Acceptance:
    return confirm_acceptance(
        by=by,
        customer=world.customer,
        person=Person("Somebody", "Else", "else@customer.example"),
        agreed_on=world.customer.account.local_today(),
        template_id=CUSTOMER_AGREEMENT,
        via=Via.PORTAL,
    )


def _withdraw_consent(by: StaffMember, world: World) -> None:
    OAuthToken.objects.create(client=world.application.client, user=by, type=OAuthToken.Type.ACCESS_TOKEN, hash=f"of {by.pk}")
    withdraw_consent(by=by, application=world.application)


def _note_token_use(by: StaffMember, world: World) -> None:
    mine = make_token(by) if may(by, Permission.USE_API_TOKENS) else ApiToken(owner=by)
    note_token_use(by=by, token=mine)


CALLS = {
    create_customer: Call(
        lambda by, world: create_customer(by=by, details=customer_details()),
        Permission.EDIT_CUSTOMERS,
        transacts=False,
        names_an_object=False,
    ),
    update_customer: Call(
        lambda by, world: update_customer(by=by, customer=world.customer, version=None, details={"company_name": "New name"}),
        Permission.EDIT_CUSTOMERS,
        transacts=False,
    ),
    register_customer: Call(
        lambda by, world: register_customer(by=by, details=customer_details()), Permission.EDIT_CUSTOMERS, names_an_object=False
    ),
    sign_up_customer: Call(
        lambda by, world: sign_up_customer(by=by, details=customer_details()), Permission.EDIT_CUSTOMERS, names_an_object=False
    ),
    confirm_acceptance: Call(_confirm, Permission.CONFIRM_ACCEPTANCE),
    import_acceptances: Call(
        lambda by, world: import_acceptances(
            by=by,
            rows=[(world.customer, Person("Somebody", "Else", "else@customer.example"), world.customer.account.local_today())],
            template_id=CUSTOMER_AGREEMENT,
        ),
        Permission.IMPORT_ACCEPTANCES,
    ),
    withdraw_acceptance: Call(
        lambda by, world: withdraw_acceptance(by=by, acceptance=world.acceptance, reason="Mistake"), Permission.WITHDRAW_ACCEPTANCE
    ),
    place_order: Call(
        lambda by, world: place_order(
            by=by, customer=world.customer, lines=[Line(license_offer().pk, 2)], billing_cycle="monthly"
        ),
        Permission.PLACE_ORDERS,
    ),
    change_license_count: Call(
        lambda by, world: change_license_count(by=by, subscription=world.subscription, quantity=9, version=None), Permission.PLACE_ORDERS
    ),
    set_status: Call(
        lambda by, world: set_status(by=by, subscription=world.subscription, status=Status.SUSPENDED, version=None), Permission.PLACE_ORDERS
    ),
    rename_subscription: Call(
        lambda by, world: rename_subscription(by=by, subscription=world.subscription, friendly_name="New name", version=None),
        Permission.PLACE_ORDERS,
    ),
    set_auto_renew: Call(
        lambda by, world: set_auto_renew(by=by, subscription=world.subscription, auto_renew=False, version=None), Permission.PLACE_ORDERS
    ),
    add_member: Call(
        lambda by, world: add_member(by=by, email="new@partner.example", first_name="New", last_name="Person", roles=[Role.SALES_AGENT]),
        Permission.MANAGE_STAFF,
        transacts=False,
        names_an_object=False,
    ),
    change_member: Call(
        lambda by, world: change_member(by=by, member=world.member, first_name="New", last_name="Name", roles=[Role.ADMIN_AGENT]),
        Permission.MANAGE_STAFF,
        transacts=False,
    ),
    set_active: Call(
        lambda by, world: set_active(by=by, member=world.member, active=False), Permission.MANAGE_STAFF, transacts=False
    ),
    create_token: Call(
        lambda by, world: create_token(by=by, name="Nightly", days=30), Permission.USE_API_TOKENS, transacts=False, names_an_object=False
    ),
    register_application: Call(
        lambda by, world: register_application(by=by, name="Nightly", kind="service"),
        Permission.MANAGE_STAFF,
        transacts=False,
        names_an_object=False,
    ),
    change_application: Call(
        lambda by, world: change_application(by=by, application=world.application, name="Other", redirect_uris=[]),
        Permission.MANAGE_STAFF,
        transacts=False,
    ),
    renew_secret: Call(
        lambda by, world: renew_secret(by=by, application=world.application), Permission.MANAGE_STAFF, transacts=False
    ),
    set_application_active: Call(
        lambda by, world: set_application_active(by=by, application=world.application, active=False),
        Permission.MANAGE_STAFF,
        transacts=False,
    ),
    note_consent: Call(
        lambda by, world: note_consent(by=by, application=world.application),
        Permission.USE_API_TOKENS,
        transacts=False,
        names_an_object=False,
    ),
    withdraw_consent: Call(_withdraw_consent, Permission.USE_API_TOKENS, transacts=False),
    note_application_use: Call(
        lambda by, world: note_application_use(by=by, application=world.application),
        Permission.USE_API_TOKENS,
        transacts=False,
        names_an_object=False,
    ),
    note_token_use: Call(
        _note_token_use, Permission.USE_API_TOKENS, transacts=False, names_an_object=False
    ),
    require_second_factor: Call(
        lambda by, world: require_second_factor(by=by, required=True),
        Permission.MANAGE_STAFF,
        transacts=False,
        names_an_object=False,
    ),
    reset_second_factor: Call(
        lambda by, world: reset_second_factor(by=by, member=world.member), Permission.MANAGE_STAFF, transacts=False
    ),
    revoke_token: Call(
        lambda by, world: revoke_token(by=by, token=world.token), Permission.MANAGE_STAFF, transacts=False
    ),
    note_password_link: Call(
        lambda by, world: note_password_link(by=by, member=world.member), Permission.MANAGE_STAFF, transacts=False
    ),
    end_session: Call(lambda by, world: end_session(by=by, session_id=1), None, transacts=False, names_an_object=False),
    end_sessions: Call(lambda by, world: end_sessions(by=by), None, transacts=False, names_an_object=False),
    note_activity_export: Call(
        lambda by, world: note_activity_export(by=by, filters={}), Permission.VIEW_ACTIVITY, transacts=False, names_an_object=False
    ),
    note_customer_export: Call(
        lambda by, world: note_customer_export(by=by, filters={}), Permission.EXPORT_CUSTOMERS, transacts=False, names_an_object=False
    ),
    set_preferences: Call(lambda by, world: set_preferences(by=by, theme="dark"), None, transacts=False, names_an_object=False),
    set_password: Call(lambda by, world: set_password(by=by, password="another long one"), None, transacts=False, names_an_object=False),
    note_second_factor: Call(
        lambda by, world: note_second_factor(by=by, action=Action.SECOND_FACTOR_ADDED), None, transacts=False, names_an_object=False
    ),
    note_access: Call(
        lambda by, world: note_access(by=by, application=world.application, grant="refresh_token"),
        None,
        transacts=False,
        names_an_object=False,
    ),
    note_access_ended: Call(
        lambda by, world: note_access_ended(by=by, application=world.application), None, transacts=False, names_an_object=False
    ),
    note_sign_in: Call(lambda by, world: note_sign_in(by=by), None, transacts=False, names_an_object=False),
    note_sign_out: Call(lambda by, world: note_sign_out(by=by), None, transacts=False, names_an_object=False),
}  # fmt: skip


def name(service: Callable[..., Any]) -> str:
    """Such as orders.services.place_order."""
    return f"{service.__module__}.{service.__name__}"


def make_world(account: PartnerAccount) -> World:
    """A confirmed customer with a subscription, and a colleague."""
    admin = make_staff(account)
    acceptance = confirm(admin, make_customer(admin))
    subscription = make_subscription(admin, acceptance.customer, quantity=5)
    member = make_staff(account, Role.SALES_AGENT)
    Authenticator.objects.create(user=member, type=Authenticator.Type.TOTP, data={})
    return World(acceptance.customer, acceptance, subscription, member, make_token(member), make_application(admin)[0])


def written() -> list[list[dict]]:
    """Every row of every table that a service could have written."""
    return [list(table.objects.order_by("pk").values()) for table in (*TABLES, PartnerAccount, UserSession)] + [
        list(StaffMember.groups.through.objects.order_by("pk").values())
    ]


def in_world(*, transacts: bool | None = None, names_an_object: bool | None = None):
    """A parametrization with the services that fit."""
    fitting = {
        service: call
        for service, call in CALLS.items()
        if transacts in (None, call.transacts) and names_an_object in (None, call.names_an_object)
    }
    return pytest.mark.parametrize("call", fitting.values(), ids=[name(service) for service in fitting])


def test_every_service_that_somebody_calls_is_in_the_table() -> None:
    found = set()
    for path in sorted(ROOT.glob("*/services.py")) + sorted(ROOT.glob("mca_portal/*/services.py")):
        module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and "by" in {a.arg for a in node.args.kwonlyargs}:
                found.add(getattr(module, node.name))
    missing = sorted(name(service) for service in found - CALLS.keys())
    assert not missing, f"add to CALLS in {Path(__file__).name}, each with a call that succeeds: {missing}"
    assert found == CALLS.keys()


@pytest.mark.parametrize("roles", [(), *((role,) for role in Role)], ids=["no role", *Role])
@in_world()
def test_a_service_does_what_the_role_may_and_nothing_else(call: Call, roles: tuple[Role, ...]) -> None:
    account = make_account()
    world = make_world(account)
    by = make_staff(account, roles=roles)
    UserSession.objects.create(pk=1, user=by, session_key="elsewhere", ip="192.0.2.1")
    before = written()
    if call.permission is None or any(call.permission in MATRIX[role] for role in roles):
        call.do(by, world)
        assert written() != before
        return
    with pytest.raises(NotAllowed) as refused:
        call.do(by, world)
    assert refused.value.roles == [role.label for role in Role if call.permission in MATRIX[role]]
    assert written() == before


@in_world()
def test_somebody_who_was_deactivated_may_nothing(call: Call) -> None:
    if call.permission is None:
        pytest.skip("about nobody else; they cannot sign in")
    account = make_account()
    world = make_world(account)
    by = make_staff(account, is_active=False)
    before = written()
    with pytest.raises(NotAllowed):
        call.do(by, world)
    assert written() == before


@in_world(names_an_object=True)
def test_what_belongs_to_another_account_is_not_found_and_stays_as_it_is(call: Call) -> None:
    world = make_world(make_account())
    stranger = make_staff()
    before = written()
    with pytest.raises(ObjectDoesNotExist):
        call.do(stranger, world)
    assert written() == before


@in_world()
def test_the_operator_belongs_to_no_account_and_does_nothing_in_one(call: Call) -> None:
    if call.permission is None:
        pytest.skip("about nobody but themselves")
    world = make_world(make_account())
    operator = StaffMember.objects.create(
        email="operator@portal.example", first_name="The", last_name="Operator", is_superuser=True, is_staff=True
    )
    before = written()
    with pytest.raises(NotAllowed):
        call.do(operator, world)
    assert written() == before


@in_world(transacts=True)
def test_an_indirect_reseller_neither_confirms_nor_orders(call: Call) -> None:
    account = make_account()
    world = make_world(account)
    PartnerAccount.objects.filter(pk=account.pk).update(partner_type=PartnerType.INDIRECT_RESELLER)
    by = make_staff(PartnerAccount.objects.get(pk=account.pk))
    world.customer.refresh_from_db()
    before = written()
    with pytest.raises(NotYoursToTransact):
        call.do(by, world)
    assert written() == before


@pytest.mark.parametrize("partner_type", [PartnerType.DIRECT_BILL, PartnerType.INDIRECT_PROVIDER])
def test_a_direct_bill_partner_and_an_indirect_provider_confirm_and_order(partner_type: str) -> None:
    assert make_world(make_account(partner_type=partner_type)).subscription.pk
