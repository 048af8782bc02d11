"""Everything that writes acceptances and standings, and the gate that orders ask (G1–G5)."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models.expressions import RawSQL

from agreements.errors import AgreementNotApplicable, AgreementNotConfirmed, AlreadyConfirmed, AlreadyWithdrawn, NewerTemplate
from agreements.models import Acceptance, AgreementTemplate, Standing, StandingCount, Via, Withdrawal
from customers.errors import NotYoursToTransact
from customers.models import Customer
from customers.services import create_customer
from customers.validators import normalized_email, normalized_phone
from mca_portal import metrics
from mca_portal.staff.activity import Changes, entry, record, record_all
from mca_portal.staff.models import Action, PartnerAccount, StaffMember
from mca_portal.staff.names import tidy
from mca_portal.staff.roles import Permission, require

__all__ = [
    "Person",
    "check_acceptance",
    "confirm_acceptance",
    "import_acceptances",
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
        latest = _confirmable(standing.customer.account, template_id)
        acceptance = check_acceptance(standing.customer, person, agreed_on)
        acceptance.template, acceptance.recorded_by, acceptance.via = latest, by, via
        on_record = Acceptance.objects.filter(customer=customer, template=latest)
        twins = [other.pk for other in on_record if other.details == acceptance.details]
        if twins and (already := on_record.standing().filter(pk__in=twins).first()):
            raise AlreadyConfirmed(already)
        acceptance.save(force_insert=True)
        standing.rank, standing.acceptance = latest.version_rank, acceptance
        standing.save(update_fields=["rank", "acceptance"])
        record(Action.ACCEPTANCE_CONFIRMED, **_confirmed(acceptance))
        metrics.after_commit(metrics.CONFIRMATIONS.labels(via))
    return acceptance


def import_acceptances(*, by: StaffMember, rows: Sequence[tuple[Customer, Person, dt.date]], template_id: uuid.UUID) -> list[Acceptance]:
    """Record at once who accepted the template for each customer and on which day, together or not at all, and return what was recorded.

    What is on record with the same details by now is passed over (R4). Each customer at most once. A handful of statements, however many
    rows: nobody waits long for the lock. Raises NotAllowed (P1), Standing.DoesNotExist for a customer of another account (A5), and what
    `confirm_acceptance` raises.
    """
    require(by, Permission.IMPORT_ACCEPTANCES)
    with transaction.atomic():
        wanted = {customer.pk: (person, agreed_on) for customer, person, agreed_on in rows}
        assert len(wanted) == len(rows), "each customer at most once"
        locked = Standing.objects.select_for_update(of=("self",)).select_related("customer__account").order_by("customer_id")
        standings = {s.customer_id: s for s in locked.filter(account_id=by.account_id, customer__in=wanted)}
        if len(standings) != len(wanted):
            raise Standing.DoesNotExist
        latest = _confirmable(cast(PartnerAccount, by.account), template_id)
        same = Acceptance.objects.standing().filter(customer__in=wanted, template=latest)
        on_record = {(acceptance.customer_id, acceptance.details) for acceptance in same}
        recorded = []
        for customer_id, standing in standings.items():
            acceptance = check_acceptance(standing.customer, *wanted[customer_id])
            acceptance.template, acceptance.recorded_by, acceptance.via = latest, by, Via.IMPORT
            if (customer_id, acceptance.details) not in on_record:
                recorded.append(acceptance)
        Acceptance.objects.bulk_create(recorded)
        for acceptance in recorded:
            standing = standings[acceptance.customer_id]
            standing.rank, standing.acceptance = latest.version_rank, acceptance
        Standing.objects.bulk_update([standings[a.customer_id] for a in recorded], ["rank", "acceptance"], batch_size=250)
        record_all(entry(Action.ACCEPTANCE_CONFIRMED, **_confirmed(acceptance)) for acceptance in recorded)
        metrics.after_commit(metrics.CONFIRMATIONS.labels(Via.IMPORT), len(recorded))
    return recorded


def _confirmable(account: PartnerAccount, template_id: uuid.UUID) -> AgreementTemplate:
    """The latest template, if `account` confirms acceptance (A2, A3) and this is the one that was shown (V5)."""
    if not account.agreement_applies:
        raise AgreementNotApplicable
    if not account.transacts:
        raise NotYoursToTransact
    latest = AgreementTemplate.objects.versions_for(account).latest
    if template_id != latest.pk:
        raise NewerTemplate(latest)
    return latest


def _confirmed(acceptance: Acceptance) -> dict[str, Any]:
    """What the activity log says of it."""
    return {
        "by": acceptance.recorded_by,
        "customer": acceptance.customer,
        "about": acceptance,
        "name": acceptance.name,
        "changes": what_was_confirmed(acceptance),
    }


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


def require_acceptance(customer: Customer) -> int | None:
    """The gate: the key of the acceptance that lets orders and license changes of `customer` through; None where none is needed (A3).

    Call it inside the transaction that writes: it locks the customer's standing until that ends (G4), in one query.
    Raises AgreementNotConfirmed (G1, G2).
    """
    account = customer.account
    # V3; nothing is required before it is published (a constraint). By hand: for Django to put it together takes longer than all the rest.
    required = RawSQL("SELECT MAX(version_rank) FROM agreements_agreementtemplate WHERE required_from <= %s", [str(account.local_today())])
    standing = Standing.objects.select_for_update(of=("self",)).annotate(required_rank=required).get(customer=customer, account=account)
    if not account.agreement_applies:
        return None
    if standing.acceptance_id is not None and standing.rank >= (standing.required_rank or 0):
        return standing.acceptance_id
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
