"""Whatever happens in whatever order: the portal agrees with a model of the rules that fits on one screen (V3, V4, R4, R5, G1, G2, G5)."""

import datetime as dt
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from agreements.errors import AgreementNotConfirmed, AlreadyConfirmed, AlreadyWithdrawn
from agreements.models import Acceptance, AgreementTemplate, Standing
from agreements.services import withdraw_acceptance
from mca_portal.staff.models import PartnerAccount
from orders.models import LicenseChange, Order
from orders.services import change_license_count
from tests.factories import confirm, make_account, make_customer, make_order, make_staff, make_subscription, publish

pytestmark = pytest.mark.django_db
START = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
ZONES = st.sampled_from(["Asia/Seoul", "UTC", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago"])

ACTIONS = st.one_of(
    st.tuples(st.just("confirm"), st.sampled_from(["Ann", "Ben"])),
    st.tuples(st.just("withdraw"), st.integers(0, 5)),
    st.tuples(st.just("publish"), st.integers(0, 2), st.integers(0, 3)),
    st.tuples(st.just("order")),
    st.tuples(st.just("change")),
    st.tuples(st.just("pass"), st.integers(1, 60)),
)


@dataclass
class Record:
    """One acceptance as the model keeps it."""

    pk: int
    name: str
    rank: int
    withdrawn: bool = False


@dataclass
class Plain:
    """The rules, said plainly. Templates: rank to (published on, required from)."""

    zone: str
    templates: dict[int, tuple[dt.date, dt.date]] = field(
        default_factory=lambda: {
            1: (dt.date(2014, 1, 1), dt.date(2014, 1, 1)),
            2: (dt.date(2019, 10, 1), dt.date(2020, 1, 31)),
        }
    )
    records: list[Record] = field(default_factory=list)

    def best(self) -> Record | None:
        return max((r for r in self.records if not r.withdrawn), key=lambda r: (r.rank, r.pk), default=None)

    def latest(self, day: dt.date) -> int:
        return max(rank for rank, (published, _required) in self.templates.items() if published <= day)

    def required(self, day: dt.date) -> int:
        return max(rank for rank, (_published, required) in self.templates.items() if required <= day)

    def word(self, day: dt.date) -> str:
        best = self.best()
        if best is None:
            return "not_confirmed"
        if best.rank < self.required(day):
            return "required"
        return "confirmed" if best.rank == self.latest(day) else "due"

    def is_open(self, day: dt.date) -> bool:
        return self.word(day) in {"confirmed", "due"}


@settings(max_examples=40, deadline=None)
@given(zone=ZONES, actions=st.lists(ACTIONS, min_size=8, max_size=25))
def test_the_portal_agrees_with_the_plain_model(zone: str, actions: list[tuple]) -> None:
    with transaction.atomic(), time_machine.travel(START, tick=False) as clock:
        admin = make_staff(make_account(time_zone=zone))
        customer = make_customer(admin)
        plain = Plain(zone)
        subscription = None
        moment = START
        for action, *given_ in actions:
            day = admin.account.local_today()
            if action == "pass":
                moment += dt.timedelta(hours=given_[0])
                clock.move_to(moment)
            elif action == "publish":
                rank = max(plain.templates) + 1
                template = publish(rank=rank, published_in_days=given_[0], required_in_days=given_[1])
                plain.templates[rank] = (template.published_on, template.required_from)
            elif action == "confirm":
                rank = plain.latest(day)
                twin = any(r.name == given_[0] and r.rank == rank and not r.withdrawn for r in plain.records)
                try:
                    record = confirm(admin, customer, first_name=given_[0])
                except AlreadyConfirmed:
                    assert twin
                else:
                    assert not twin
                    plain.records.append(Record(record.pk, given_[0], record.template.version_rank))
                    assert record.template.version_rank == rank
            elif action == "withdraw" and plain.records:
                model = plain.records[given_[0] % len(plain.records)]
                try:
                    withdraw_acceptance(by=admin, acceptance=Acceptance.objects.get(pk=model.pk), reason="Mistake")
                except AlreadyWithdrawn:
                    assert model.withdrawn
                else:
                    assert not model.withdrawn
                    model.withdrawn = True
            elif action == "order":
                named = _opened(plain, day, lambda: make_order(admin, customer).acceptance_id)
                assert named is None or named == plain.best().pk
                if named and subscription is None:
                    subscription = make_subscription(admin, customer)
            elif action == "change" and subscription:
                step = subscription.quantity + 1 if subscription.quantity < 300 else 1
                before = LicenseChange.objects.count()
                changed = _opened(
                    plain, day, lambda s=subscription, q=step: change_license_count(by=admin, subscription=s, quantity=q, version=s.version)
                )
                assert LicenseChange.objects.count() == before + bool(changed)
                if changed:
                    subscription = changed
                    assert LicenseChange.objects.first().acceptance_id == plain.best().pk
            _agree(plain, customer, admin.account.local_today())
        assert Order.objects.filter(customer=customer, acceptance=None).count() == 0
        transaction.set_rollback(True)


def _opened(plain: Plain, day: dt.date, action):
    """What the action returns; None when the gate was shut, which the model must have said, too."""
    try:
        result = action()
    except AgreementNotConfirmed as shut:
        assert (plain.is_open(day), plain.word(day)) == (False, shut.word)  # noqa: PT017 (which of the two it is is the question)
        return None
    assert plain.is_open(day)
    return result


def _agree(plain: Plain, customer, day: dt.date) -> None:
    standing = Standing.objects.get(customer=customer)
    best = plain.best()
    assert (standing.rank, standing.acceptance_id) == ((best.rank, best.pk) if best else (0, None))
    versions = AgreementTemplate.objects.versions_for(customer.account)
    assert versions.word(standing.rank) == plain.word(day)
    assert standing.rank in versions.ranks(versions.word(standing.rank))
    assert versions.word(standing.rank).opens_the_gate == plain.is_open(day)


@settings(max_examples=60, deadline=None)
@given(minutes=st.integers(0, 8_000_000), zone=ZONES, days=st.integers(-3, 3))
def test_a_date_is_right_until_the_later_of_the_accounts_today_and_utcs(minutes: int, zone: str, days: int) -> None:
    now = dt.datetime(2020, 2, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=minutes)
    with time_machine.travel(now, tick=False):
        account = PartnerAccount(time_zone=zone)
        there, utc = now.astimezone(ZoneInfo(zone)).date(), now.date()
        assert account.local_today() == there
        candidate = utc + dt.timedelta(days=days)
        assert (candidate <= account.latest_today()) == (candidate <= there or candidate <= utc)
