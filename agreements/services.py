"""Everything that writes acceptances and standings, and the gate that orders ask (G1–G5)."""

import dataclasses
import datetime as dt
import uuid
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Subquery

from agreements.errors import AgreementNotApplicable, AgreementNotConfirmed, AlreadyConfirmed, AlreadyWithdrawn, NewerTemplate
from agreements.models import Acceptance, AgreementTemplate, Standing, StandingCount, Withdrawal
from customers.errors import NotYoursToTransact
from customers.models import Customer
from customers.services import create_customer
from customers.validators import normalized_email, normalized_phone
from mca_portal import metrics
from mca_portal.staff.activity import Changes, record
from mca_portal.staff.models import Action, StaffMember
from mca_portal.staff.names import tidy
from mca_portal.staff.roles import Permission, require

__all__ = [
    "Person",
    "check_acceptance",
    "confirm_acceptance",
    "miscounted",
    "recompute_standing",
    "register_customer",
    "repair_counts",
    "require_acceptance",
    "what_was_confirmed",
    "withdraw_acceptance",
]


@dataclasses.dataclass(frozen=True)
class Person:
    """The person at the customer who accepted (R1). `phone` is optional: "" for none."""

    first_name: str
    last_name: str
    email: str
    phone: str = ""


def register_customer(*, by: StaffMember, details: dict[str, str]) -> Customer:
    """Create a customer that stands as "not confirmed". Raises NotAllowed (P1), NotYoursToTransact (A2), ValidationError."""
    require(by, Permission.EDIT_CUSTOMERS)
    if by.account is not None and not by.account.transacts:
        raise NotYoursToTransact
    with transaction.atomic():
        customer = create_customer(by=by, details=details)
        Standing.of(customer).save(force_insert=True)
    return customer


def confirm_acceptance(
    *, by: StaffMember, customer: Customer, person: Person, agreed_on: dt.date, template_id: uuid.UUID, via: str
) -> Acceptance:
    """Record that `person` accepted the template for `customer` on `agreed_on` (the account's calendar day, R2).

    `template_id` is the template that whoever confirms was shown. Raises NotAllowed (P1), NotYoursToTransact (A2),
    AgreementNotApplicable (A3), NewerTemplate (V5), AlreadyConfirmed (R4), ValidationError (R2, R6; keys are the fields of Acceptance).
    """
    require(by, Permission.CONFIRM_ACCEPTANCE)
    with transaction.atomic():
        standing = _lock_standing(by, customer)
        account = standing.customer.account
        if not account.agreement_applies:
            raise AgreementNotApplicable
        if not account.transacts:
            raise NotYoursToTransact
        latest = AgreementTemplate.objects.versions_for(account).latest
        if template_id != latest.pk:
            raise NewerTemplate(latest)
        acceptance = check_acceptance(standing.customer, person, agreed_on)
        acceptance.template, acceptance.recorded_by, acceptance.via = latest, by, via
        twin = Acceptance.objects.standing().filter(
            customer=customer,
            template=latest,
            first_name=acceptance.first_name,
            last_name=acceptance.last_name,
            email__iexact=acceptance.email,
            phone=acceptance.phone,
        )
        if already := twin.first():
            raise AlreadyConfirmed(already)
        acceptance.save(force_insert=True)
        standing.rank, standing.acceptance = latest.version_rank, acceptance
        standing.save(update_fields=["rank", "acceptance"])
        record(
            Action.ACCEPTANCE_CONFIRMED,
            by=by,
            customer=standing.customer,
            about=acceptance,
            name=acceptance.name,
            changes=what_was_confirmed(acceptance),
        )
        metrics.after_commit(metrics.CONFIRMATIONS.labels(via))
    return acceptance


def what_was_confirmed(acceptance: Acceptance) -> Changes:
    """What the activity log says of a confirmation besides the person's name; the record itself is kept beside it."""
    return {"email": [None, acceptance.email], "agreed_on": [None, acceptance.agreed_on], "template": [None, acceptance.template.name]}


def withdraw_acceptance(*, by: StaffMember, acceptance: Acceptance, reason: str) -> Withdrawal:
    """Mark a confirmation as a mistake; the customer falls back to its best remaining one, or to none (R5).

    Raises NotAllowed (P1), NotYoursToTransact (A2), AlreadyWithdrawn, ValidationError (key "reason").
    """
    require(by, Permission.WITHDRAW_ACCEPTANCE)
    with transaction.atomic():
        standing = _lock_standing(by, acceptance.customer)
        if not standing.customer.account.transacts:
            raise NotYoursToTransact
        if Withdrawal.objects.filter(acceptance=acceptance).exists():
            raise AlreadyWithdrawn
        withdrawal = Withdrawal(acceptance=acceptance, reason=tidy(reason), withdrawn_by=by)
        withdrawal.full_clean()
        withdrawal.save(force_insert=True)
        _derive(standing)
        record(
            Action.ACCEPTANCE_WITHDRAWN,
            by=by,
            customer=standing.customer,
            about=acceptance,
            name=acceptance.name,
            changes={"reason": [None, withdrawal.reason]},
        )
    return withdrawal


def check_acceptance(customer: Customer, person: Person, agreed_on: dt.date | None) -> Acceptance:
    """The acceptance as it would be recorded, unsaved; nothing is written. `customer` may be unsaved: its account and country count.

    Raises ValidationError with every field's message at once (R2, R6).
    """
    acceptance = Acceptance(
        customer=customer,
        first_name=tidy(person.first_name),
        last_name=tidy(person.last_name),
        email=person.email.strip(),
        phone=person.phone.strip(),
        agreed_on=cast(dt.date, agreed_on),  # None while it is still to be typed: the form says so
    )
    errors: dict[str, list[ValidationError]] = {}
    for field, normalize in (
        ("email", normalized_email),
        ("phone", lambda value: normalized_phone(value, str(customer.country))),
    ):
        try:
            setattr(acceptance, field, normalize(getattr(acceptance, field)))
        except ValidationError as error:
            errors.setdefault(field, []).append(error)
    not_typed = {"customer", "template", "recorded_by", "recorded_at", "via"} | ({"agreed_on"} if agreed_on is None else set())
    for check in (lambda: acceptance.clean_fields(exclude=not_typed | set(errors)), acceptance.clean):
        try:
            check()
        except ValidationError as error:
            for field, messages in error.error_dict.items():
                errors.setdefault(field, []).extend(messages)
    if errors:
        raise ValidationError(errors)
    return acceptance


def require_acceptance(customer: Customer) -> Acceptance | None:
    """The gate: the acceptance that lets orders and license changes of `customer` through, or None where the agreement does not apply (A3).

    Call it inside the transaction that writes: it locks the customer's standing until that ends (G4), in one query.
    Raises AgreementNotConfirmed (G1, G2).
    """
    account = customer.account
    day = account.local_today()
    required = AgreementTemplate.objects.published_on(day).filter(required_from__lte=day).values("version_rank")[:1]
    standing = (
        Standing.objects.select_for_update(of=("self",))
        .select_related("acceptance")
        .annotate(required_rank=Subquery(required))
        .get(customer=customer, account=account)
    )
    if not account.agreement_applies:
        return None
    if standing.acceptance_id is not None and standing.rank >= (standing.required_rank or 0):
        # PostgreSQL, when it had to wait for the lock, reads the standing anew but not what was joined to it.
        return standing.acceptance or Acceptance.objects.get(pk=standing.acceptance_id)
    metrics.GATE_REFUSALS.inc()
    versions = AgreementTemplate.objects.versions_for(account)
    raise AgreementNotConfirmed(customer, versions.word(standing.rank), versions.latest)


def recompute_standing(customer_id: uuid.UUID) -> bool:
    """Make a customer's standing say what its records say, for `check_standings --repair`. Returns whether it was wrong."""
    with transaction.atomic():
        customer = Customer.objects.get(pk=customer_id)
        standing = Standing.objects.select_for_update().filter(customer=customer).first()
        if created := standing is None:
            standing = Standing.of(customer)
            standing.save(force_insert=True)
        before = (standing.rank, standing.acceptance_id, *_copied(standing))
        standing.account_id, standing.name_key, standing.customer_since = customer.account_id, customer.name_key, customer.created_at
        _derive(standing)
        return created or before != (standing.rank, standing.acceptance_id, *_copied(standing))


def repair_counts() -> int:
    """Make the kept counts say what the standings say, for `check_standings --repair`. Returns how many differed."""
    with transaction.atomic():
        rows = [StandingCount(account_id=account_id, rank=rank, number=number) for account_id, rank, number in miscounted()]
        StandingCount.objects.bulk_create(rows)
    return len(rows)


def miscounted() -> list[tuple[Any, int, int]]:
    """Account, rank and how many customers too few are counted, wherever the kept counts differ from the standings; nothing is written.

    One statement, so that what others write meanwhile is either in both or in neither.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT account_id, rank, SUM(number) FROM (SELECT account_id, rank, 1 AS number FROM agreements_standing "
            "UNION ALL SELECT account_id, rank, -number FROM agreements_standingcount) AS both_of_them "
            "GROUP BY account_id, rank HAVING SUM(number) <> 0"
        )
        return [(account_id, rank, int(number)) for account_id, rank, number in cursor.fetchall()]


def _copied(standing: Standing) -> tuple[object, ...]:
    """What a standing holds of its customer."""
    return standing.account_id, standing.name_key, standing.customer_since


def _lock_standing(by: StaffMember, customer: Customer) -> Standing:
    """The customer's standing, locked until the transaction ends, reached only through `by`'s own account (A5)."""
    standing = Standing.objects.select_for_update().get(customer=customer, account_id=by.account_id)
    assert by.account is not None  # else there were no such standing
    customer.account, standing.customer = by.account, customer
    return standing


def _derive(standing: Standing) -> None:
    """Set and save the standing from the records: the best acceptance that was not withdrawn."""
    records = Acceptance.objects.filter(customer_id=standing.customer_id).standing()
    best = records.best_first().select_related("template").first()
    standing.rank, standing.acceptance = (best.template.version_rank, best) if best else (0, None)
    standing.save(update_fields=["rank", "acceptance", "account", "name_key", "customer_since"])
