"""Everything that writes orders and subscriptions; each write that the gate guards asks it inside its own transaction (G4)."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Sequence

from dateutil.relativedelta import relativedelta
from django.db import transaction

from agreements.errors import AgreementNotConfirmed
from agreements.models import Acceptance
from agreements.services import Person, confirm_acceptance, register_customer, require_acceptance
from customers.errors import NotYoursToTransact
from customers.models import Customer
from mca_portal import metrics
from mca_portal.staff.activity import Changes, differences, record
from mca_portal.staff.models import Action, StaffMember
from mca_portal.staff.names import tidy
from mca_portal.staff.roles import Permission, require
from orders.errors import (
    EmptyOrder,
    NotLicenseBased,
    OfferNotSold,
    QuantityOutOfRange,
    StaleSubscription,
    SubscriptionSuspended,
)
from orders.models import BillingCycle, LicenseChange, Offer, Order, OrderLine, Status, StatusChange, Subscription

__all__ = [
    "Confirmation",
    "Line",
    "NewOrder",
    "SignedUp",
    "change_license_count",
    "place_order",
    "rename_subscription",
    "set_auto_renew",
    "set_status",
    "sign_up_customer",
    "what_was_ordered",
]


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of an order to be placed. Without a `friendly_name` the offer's own name is taken."""

    offer_id: uuid.UUID
    quantity: int
    friendly_name: str = ""


@dataclasses.dataclass(frozen=True)
class NewOrder:
    """An order to be placed (F5)."""

    lines: Sequence[Line]
    billing_cycle: str = BillingCycle.MONTHLY


@dataclasses.dataclass(frozen=True)
class Confirmation:
    """A confirmation to be recorded. `agreed_on`: the account's calendar day (R2). `template_id`: what was shown (V5)."""

    person: Person
    agreed_on: dt.date
    template_id: uuid.UUID
    via: str


@dataclasses.dataclass(frozen=True)
class SignedUp:
    """What came of a sign-up."""

    customer: Customer
    acceptance: Acceptance | None
    order: Order | None


def sign_up_customer(
    *, by: StaffMember, details: dict[str, str], confirmation: Confirmation | None = None, order: NewOrder | None = None
) -> SignedUp:
    """Create a customer, with its acceptance and first order when given: together or not at all (F1.4).

    Raises what `register_customer`, `confirm_acceptance` and `place_order` raise.
    """
    require(by, Permission.EDIT_CUSTOMERS)
    with transaction.atomic():
        customer = register_customer(by=by, details=details)
        acceptance = confirm_acceptance(by=by, customer=customer, **vars(confirmation)) if confirmation else None
        placed = place_order(by=by, customer=customer, lines=order.lines, billing_cycle=order.billing_cycle) if order else None
    return SignedUp(customer, acceptance, placed)


def place_order(*, by: StaffMember, customer: Customer, lines: Sequence[Line], billing_cycle: str) -> Order:
    """Place an order; every line becomes a subscription from today for one year (F5). It names the acceptance that opened the gate (G5).

    Raises NotAllowed (P1), NotYoursToTransact (A2), AgreementNotConfirmed (G1), EmptyOrder, OfferNotSold, QuantityOutOfRange,
    ValidationError (a friendly name over 200 characters, an unknown billing cycle).
    """
    require(by, Permission.PLACE_ORDERS)
    with transaction.atomic():
        customer = _own(by, customer)
        acceptance = require_acceptance(customer)
        if not lines:
            raise EmptyOrder
        offers = Offer.objects.in_bulk({line.offer_id for line in lines})
        order = Order(
            account_id=customer.account_id, customer=customer, acceptance_id=acceptance, billing_cycle=billing_cycle, placed_by=by
        )
        order.clean_fields(exclude=["account", "customer", "acceptance", "placed_by"])
        today = customer.account.local_today()
        subscriptions = []
        for index, line in enumerate(lines):
            offer = offers.get(line.offer_id)
            if offer is None or not offer.is_sold:
                raise OfferNotSold(index)
            if not offer.allows(line.quantity):
                raise QuantityOutOfRange(offer, index)
            subscription = Subscription(
                customer=customer,
                order=order,
                offer=offer,
                friendly_name=tidy(line.friendly_name) or offer.name,
                quantity=line.quantity,
                starts_on=today,
                commitment_ends_on=today + relativedelta(years=1),
                created_at=order.placed_at,
                created_by=by,
            )
            subscription.clean_fields(exclude=["customer", "order", "offer", "created_by"])
            subscriptions.append(subscription)
        order.save(force_insert=True)
        Subscription.objects.bulk_create(subscriptions)
        ordered = OrderLine.objects.bulk_create(
            OrderLine(order=order, number=number, offer=s.offer, quantity=s.quantity, friendly_name=s.friendly_name, subscription=s)
            for number, s in enumerate(subscriptions)
        )
        order.line_list = ordered
        record(
            Action.ORDER_PLACED, by=by, customer=customer, about=order, name=order.number, changes=what_was_ordered(billing_cycle, ordered)
        )
        metrics.after_commit(metrics.ORDERS)
    return order


def what_was_ordered(billing_cycle: str, lines: Sequence[OrderLine]) -> Changes:
    """What the activity log says of an order."""
    return {"lines": [None, [f"{line.friendly_name} × {line.quantity}" for line in lines]], "billing_cycle": [None, billing_cycle]}


def change_license_count(*, by: StaffMember, subscription: Subscription, quantity: int, version: int | None) -> Subscription:
    """Change the license count of a license-based subscription (G2). `version`: what the person saw; None for "whatever it is now".

    The same count again changes nothing, so the gate may be shut. Raises NotAllowed (P1), NotYoursToTransact (A2),
    AgreementNotConfirmed (G2), NotLicenseBased (G3), SubscriptionSuspended, QuantityOutOfRange, StaleSubscription.
    """
    require(by, Permission.PLACE_ORDERS)
    with transaction.atomic():
        customer = _own(by, subscription.customer)
        if not subscription.offer.is_license_based:
            raise NotLicenseBased
        shut = acceptance = None
        try:
            acceptance = require_acceptance(customer)  # the standing is locked before the subscription, everywhere
        except AgreementNotConfirmed as error:
            shut = error
        subscription = _lock_subscription(subscription, version)
        if quantity == subscription.quantity:
            return subscription
        if shut:
            raise shut
        if not subscription.is_active:
            raise SubscriptionSuspended
        if not subscription.offer.allows(quantity):
            raise QuantityOutOfRange(subscription.offer)
        subscription.version += 1
        LicenseChange.objects.create(
            subscription=subscription,
            version=subscription.version,
            from_quantity=subscription.quantity,
            to_quantity=quantity,
            acceptance_id=acceptance,
            changed_by=by,
        )
        before, subscription.quantity = subscription.quantity, quantity
        subscription.save(update_fields=["quantity", "version"])
        _record(Action.LICENSES_CHANGED, by, subscription, "quantity", before)
    return subscription


def set_status(*, by: StaffMember, subscription: Subscription, status: Status, version: int | None) -> Subscription:
    """Suspend or reactivate; never gated (G3).

    Raises NotAllowed (P1), NotYoursToTransact (A2), StaleSubscription, ValidationError (a status that there is not).
    """
    require(by, Permission.PLACE_ORDERS)
    with transaction.atomic():
        _own(by, subscription.customer)
        subscription = _lock_subscription(subscription, version)
        if subscription.status == status:
            return subscription
        subscription.version += 1
        before, subscription.status = subscription.status, status
        subscription.clean_fields(exclude=["customer", "order", "offer", "created_by"])
        subscription.save(update_fields=["status", "version"])
        StatusChange.objects.create(subscription=subscription, to_status=status, changed_by=by)
        action = Action.SUBSCRIPTION_REACTIVATED if status == Status.ACTIVE else Action.SUBSCRIPTION_SUSPENDED
        _record(action, by, subscription, "status", before)
    return subscription


def rename_subscription(*, by: StaffMember, subscription: Subscription, friendly_name: str, version: int | None) -> Subscription:
    """Give a subscription another name; never gated (G3).

    Raises NotAllowed (P1), NotYoursToTransact (A2), StaleSubscription, ValidationError.
    """
    require(by, Permission.PLACE_ORDERS)
    with transaction.atomic():
        _own(by, subscription.customer)
        subscription = _lock_subscription(subscription, version)
        before, subscription.friendly_name = subscription.friendly_name, tidy(friendly_name)
        subscription.clean_fields(exclude=["customer", "order", "offer", "created_by"])
        subscription.version += 1
        subscription.save(update_fields=["friendly_name", "version"])
        _record(Action.SUBSCRIPTION_RENAMED, by, subscription, "friendly_name", before)
    return subscription


def set_auto_renew(*, by: StaffMember, subscription: Subscription, auto_renew: bool, version: int | None) -> Subscription:
    """Let a subscription renew itself or not; never gated (G3). Raises NotAllowed (P1), NotYoursToTransact (A2), StaleSubscription."""
    require(by, Permission.PLACE_ORDERS)
    with transaction.atomic():
        _own(by, subscription.customer)
        subscription = _lock_subscription(subscription, version)
        before, subscription.auto_renew = subscription.auto_renew, auto_renew
        subscription.version += 1
        subscription.save(update_fields=["auto_renew", "version"])
        _record(Action.RENEWAL_CHANGED, by, subscription, "auto_renew", before)
    return subscription


def _own(by: StaffMember, customer: Customer) -> Customer:
    """The customer with its account, which must be `by`'s own (A5) and must transact (A2)."""
    if by.account is None or customer.account_id != by.account_id:
        raise Customer.DoesNotExist
    if not by.account.transacts:
        raise NotYoursToTransact
    customer.account = by.account
    return customer


def _lock_subscription(subscription: Subscription, version: int | None) -> Subscription:
    """The subscription as it is now, locked. Raises StaleSubscription when it is no longer at `version`."""
    locked = Subscription.objects.select_for_update().get(pk=subscription.pk, customer=subscription.customer)
    locked.customer, locked.offer = subscription.customer, subscription.offer  # these never change
    if version is not None and version != locked.version:
        raise StaleSubscription(locked)
    return locked


def _record(action: Action, by: StaffMember, subscription: Subscription, field: str, before: object) -> None:
    """Log a change of one of the subscription's fields; one that changed nothing leaves no entry."""
    if changes := differences({field: before}, {field: getattr(subscription, field)}):
        record(action, by=by, customer=subscription.customer, about=subscription, changes=changes)
