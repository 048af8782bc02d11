"""Everything that writes customers."""

import uuid
from collections.abc import Mapping

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from customers.errors import StaleCustomer
from customers.models import Customer
from mca_portal.staff.activity import differences, record
from mca_portal.staff.models import Action, StaffMember
from mca_portal.staff.roles import Permission, require

__all__ = ["create_customer", "note_customer_export", "update_customer"]

_FIELDS = frozenset({"domain", *Customer.COMPANY_FIELDS, *Customer.CONTACT_FIELDS})


def create_customer(*, by: StaffMember, details: dict[str, str]) -> Customer:
    """Create a customer of `by`'s account with a new Microsoft ID (C1). `details`: the fields of company and primary contact.

    Doors do not call this: `orders.services.sign_up_customer` also gives the customer its standing. Raises NotAllowed, ValidationError.
    """
    require(by, Permission.EDIT_CUSTOMERS)
    assert by.account is not None
    customer = Customer(id=uuid.uuid4(), account=by.account, created_by=by, **_known(details))
    customer.full_clean()
    try:
        with transaction.atomic():
            customer.save(force_insert=True)
            record(Action.CUSTOMER_CREATED, by=by, customer=customer)
    except IntegrityError as error:  # somebody took the domain since full_clean looked
        customer.validate_unique()
        raise ValidationError({"domain": Customer._meta.get_field("domain").error_messages["unique"]}) from error
    return customer


def update_customer(*, by: StaffMember, customer: Customer, version: int | None, details: dict[str, str]) -> Customer:
    """Change company or contact fields; the domain stays. `version`: the one that the person saw, None for "whatever it is now".

    Raises NotAllowed (P1), StaleCustomer, ValidationError.
    """
    require(by, Permission.EDIT_CUSTOMERS)
    with transaction.atomic():
        locked = Customer.objects.visible_to(by).select_for_update(of=("self",), no_key=True).select_related("account").get(pk=customer.pk)
        if version is not None and version != locked.version:
            raise StaleCustomer(locked)
        changes = _known(details)
        changes.pop("domain", None)
        before = _as_text(locked)
        for name, value in changes.items():
            setattr(locked, name, value)
        locked.full_clean()
        locked.version += 1
        locked.save()
        if changed := differences(before, _as_text(locked)):
            record(Action.CUSTOMER_CHANGED, by=by, customer=locked, changes=changed)
    return locked


def note_customer_export(*, by: StaffMember, filters: Mapping[str, object]) -> None:
    """Log that `by` takes the list of customers away as a file, and which part of it. Raises NotAllowed (P1)."""
    require(by, Permission.EXPORT_CUSTOMERS)
    record(Action.CUSTOMERS_EXPORTED, by=by, changes=differences({}, filters))


def _as_text(customer: Customer) -> dict[str, str]:
    """What a person may change, as the activity log keeps it."""
    return {name: str(getattr(customer, name)) for name in (*Customer.COMPANY_FIELDS, *Customer.CONTACT_FIELDS)}


def _known(details: dict[str, str]) -> dict[str, str]:
    """Only the fields that a person may fill in."""
    unknown = set(details) - _FIELDS
    if unknown:
        raise ValidationError(f"unknown fields: {sorted(unknown)}")
    return dict(details)
