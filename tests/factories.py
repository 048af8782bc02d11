"""The cast of the tests, made through the services where a rule applies."""

import datetime as dt
import itertools
from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from agreements.models import Acceptance, AgreementTemplate, Via
from agreements.services import Person, confirm_acceptance, register_customer
from customers.models import Customer
from mca_portal.staff.models import ApiToken, Application, Cloud, PartnerAccount, PartnerType, StaffMember
from mca_portal.staff.roles import Role
from mca_portal.staff.services import register_application, token_digest
from orders.models import BillingCycle, Offer, Order, Subscription
from orders.services import Line, place_order

PASSWORD = "correct horse battery"
_numbers = itertools.count(1)


def make_account(**fields: Any) -> PartnerAccount:
    """A partner account: public, production, direct bill, Seoul."""
    defaults = {
        "name": f"Partner {next(_numbers)}",
        "partner_type": PartnerType.DIRECT_BILL,
        "cloud": Cloud.PUBLIC,
        "time_zone": "Asia/Seoul",
        "country": "KR",
        "default_language": "en",
    }
    return PartnerAccount.objects.create(**(defaults | fields))


def make_staff(account: PartnerAccount | None = None, *roles: Role, **fields: Any) -> StaffMember:
    """A member of staff with these roles (an Admin agent when none is named; pass roles=() in `fields` for nobody's role)."""
    number = next(_numbers)
    held = fields.pop("roles", roles or (Role.ADMIN_AGENT,))
    defaults = {"email": f"person{number}@partner.example", "first_name": "Robin", "last_name": f"Person{number}", "language": "en"}
    member = StaffMember(account=account or make_account(), **(defaults | fields))
    member.set_password(PASSWORD)
    member.save()
    member.groups.set(Group.objects.filter(name__in=held))
    return member


def signed_in_and_confirmed(person: StaffMember) -> Client:
    """A browser in which `person` is signed in and was asked for the password once more just now."""
    client = Client()
    client.force_login(person)
    assert client.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302
    return client


def customer_details(**fields: str) -> dict[str, str]:
    """What somebody types for a customer: right in every field, a new domain each time."""
    number = next(_numbers)
    return {
        "company_name": f"Customer {number}",
        "domain": f"customer{number}.onmicrosoft.com",
        "country": "KR",
        "address_line1": "152 Teheran-ro, Gangnam-gu",
        "address_line2": "",
        "city": "Seoul",
        "region": "",
        "postal_code": "06236",
        "language": "ko",
        "contact_first_name": "Tania",
        "contact_last_name": "Carr",
        "contact_email": "tania.carr@customer.example",
        "contact_phone": "02-555-0142",
    } | fields


def make_customer(by: StaffMember, **fields: str) -> Customer:
    """A customer of `by`'s account that stands as not confirmed."""
    return register_customer(by=by, details=customer_details(**fields))


def confirm(by: StaffMember, customer: Customer, *, agreed_on: dt.date | None = None, via: str = Via.PORTAL, **person: str) -> Acceptance:
    """Confirm the latest template for the customer, today unless said otherwise."""
    latest = AgreementTemplate.objects.versions_for(customer.account).latest
    who = Person(**({"first_name": "Tania", "last_name": "Carr", "email": "tania.carr@customer.example", "phone": ""} | person))
    day = agreed_on or customer.account.local_today()
    return confirm_acceptance(by=by, customer=customer, person=who, agreed_on=day, template_id=latest.pk, via=via)


def publish(name: str = "Newer", *, rank: int = 3, required_in_days: int = 30, published_in_days: int = 0) -> AgreementTemplate:
    """Publish a newer Customer Agreement template, as the operator does; days count from today in UTC."""
    today = timezone.now().date()
    return AgreementTemplate.objects.create(
        agreement_type="MicrosoftCustomerAgreement",
        name=name,
        version_rank=rank,
        link="https://aka.ms/customeragreement",
        published_on=today + dt.timedelta(days=published_in_days),
        required_from=today + dt.timedelta(days=max(required_in_days, published_in_days)),
    )


def license_offer() -> Offer:
    """A license-based offer of 1 to 300."""
    return Offer.objects.get(name="Microsoft 365 Business Standard")


def usage_offer() -> Offer:
    """A usage-based offer."""
    return Offer.objects.get(name="Microsoft Azure")


def make_order(by: StaffMember, customer: Customer, *lines: tuple[Offer, int]) -> Order:
    """An order through the gate: one line of 5 licenses unless said otherwise."""
    wanted = lines or ((license_offer(), 5),)
    return place_order(
        by=by, customer=customer, lines=[Line(offer.pk, quantity) for offer, quantity in wanted], billing_cycle=BillingCycle.MONTHLY
    )


def make_subscription(by: StaffMember, customer: Customer, *, quantity: int = 5, offer: Offer | None = None) -> Subscription:
    """A running subscription of a customer whose gate is open."""
    return Subscription.objects.get(order=make_order(by, customer, (offer or license_offer(), quantity)))


def make_token(owner: StaffMember, secret: str = "", **fields: Any) -> ApiToken:
    """An API token of `owner` with this secret, good for a day; also for somebody who could not make one."""
    now = timezone.now()
    defaults = {"name": "Script", "created_at": now, "expires_at": now + dt.timedelta(days=1)}
    return ApiToken.objects.create(owner=owner, digest=token_digest(secret or f"secret {next(_numbers)}"), **(defaults | fields))


def make_application(by: StaffMember, *, kind: str = "service", redirect_uris: Sequence[str] = ()) -> tuple[Application, str]:
    """An application of `by`'s account, and its secret."""
    return register_application(by=by, name=f"Application {next(_numbers)}", kind=kind, redirect_uris=redirect_uris)
