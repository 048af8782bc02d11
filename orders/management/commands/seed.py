"""Fills one account with many customers for tests of scale: what the services would have left, written in bulk."""

import datetime as dt
import json
import random
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

from dateutil.relativedelta import relativedelta
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.db.models import AutoField, CharField, JSONField, Model
from django.utils import timezone
from django_countries.fields import CountryField

from agreements.models import PROGRAMME_START, Acceptance, AgreementTemplate, Standing, Via
from agreements.services import what_was_confirmed
from customers.models import Customer
from customers.validators import normalized_phone
from mca_portal.staff.activity import entry
from mca_portal.staff.models import Action, Activity, PartnerAccount, StaffMember
from mca_portal.staff.roles import Role
from orders.models import BillingCycle, LicenseChange, Offer, Order, OrderLine, Subscription
from orders.services import what_was_ordered

Row = TypeVar("Row", bound=Model)
BATCH = 2000  # customers in one transaction; keeps memory flat

FIRST_WORDS = (
    "Alpine Blue Bright Cascade Cobalt Coastal Copper Crescent Daehan Eastern Emerald First Golden Grand Hanbit "
    "Harbor Highland Ivory Jade Jinro Lakeside Liberty Maple Meridian Metro Mirae Northern Oakwood Orchard Pacific "
    "Pioneer Prime Quartz River Royal Saebom Shinhwa Silver Southern Summit Sunrise Trident Union Valley Vertex "
    "Western Willow 가온 그린 나래 누리 다온 대성 동방 라온 마루 미래 바른 보람 새한 서울 세종 아름 우리 정원 진성 "
    "창조 태양 푸른 하늘 한길 한빛 해오름"
).split()  # fmt: skip
SECOND_WORDS = (
    "Airlines Analytics Bank Bakery Biotech Books Builders Capital Clinic Coffee Components Design Electric Energy "
    "Engineering Farms Fashion Foods Freight Games Health Hotels Imports Insurance Labs Logistics Manufacturing "
    "Marine Media Motors Optics Paper Pharma Printing Retail Robotics School Shipping Software Sports Steel Studio "
    "Systems Tech Textiles Tools Toys Trading Travel Works 건설 공업 교육 금융 기술 농장 디자인 무역 물산 물류 미디어 "
    "바이오 산업 상사 소프트 식품 에너지 엔지니어링 유통 의료 전자 제약 제조 출판 학원 호텔"
).split()  # fmt: skip
PEOPLE = (
    ("Tania", "Carr"), ("Kenji", "Mori"), ("Megan", "Bowen"), ("Diego", "Siciliani"), ("Adele", "Vance"), ("Lee", "Gu"),
    ("Alex", "Wilber"), ("민준", "김"), ("서연", "이"), ("도윤", "박"), ("지우", "최"), ("하준", "정"), ("수빈", "강"), ("예은", "조"),
    ("지훈", "윤"), ("유진", "장"),
)  # fmt: skip


class Command(BaseCommand):
    """`manage.py seed --customers N [--account NAME] [--unconfirmed N] [--random-seed N]`; run again, it adds N more."""

    help = "Fills one account with N customers, with acceptances, orders and subscriptions in realistic shares. Not for production."

    def add_arguments(self, parser: CommandParser) -> None:
        """How many, whose, and how many of them without any acceptance (default: 8 of 100)."""
        parser.add_argument("--customers", type=int, required=True)
        parser.add_argument("--account", default="Contoso", help="The account's name (Contoso).")
        parser.add_argument("--unconfirmed", type=int, default=None, help="Exactly so many customers without acceptance.")
        parser.add_argument("--random-seed", type=int, default=1, help="The same seed and numbers make the same data.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed and report customers a second. Raises CommandError for an unknown account or a negative number."""
        count = options["customers"]
        account = PartnerAccount.objects.filter(name=options["account"]).first()
        if account is None or count < 0:
            raise CommandError("Name an existing account (--account) and a number of customers from 0. `manage.py demo` makes accounts.")
        agent = StaffMember.objects.with_role(Role.ADMIN_AGENT).filter(account=account, is_active=True).first()
        if agent is None or not account.transacts:
            raise CommandError("The account needs an active Admin agent, and must not be an indirect reseller.")
        began = time.monotonic()
        already = Customer.objects.filter(account=account).count()
        unconfirmed = count * 8 // 100 if options["unconfirmed"] is None else options["unconfirmed"]
        # Spread evenly, whatever the numbers: customer i has no acceptance when its share of `unconfirmed` grows at i.
        shares = [((i + 1) * unconfirmed) // count > (i * unconfirmed) // count for i in range(count)]
        alone = connection.vendor == "postgresql" and not connection.in_atomic_block

        def write(begin: int) -> None:
            chance = random.Random(f"{options['random_seed']}-{already + begin}")
            try:
                with transaction.atomic():
                    _Seeder(account, agent, chance, already + begin).write(shares[begin : begin + BATCH])
            finally:
                if alone:
                    connection.close()

        if alone:  # one batch is made while PostgreSQL writes another
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(write, range(0, count, BATCH)))
        else:
            for begin in range(0, count, BATCH):
                write(begin)
        with connection.cursor() as cursor:
            # So many rows at once: tell the planner, and which pages hold nothing but rows that everybody sees.
            cursor.execute("VACUUM ANALYZE" if alone else "ANALYZE")
        seconds = time.monotonic() - began
        self.stdout.write(f"{count} customers added to {account.name} in {seconds:.1f} s ({count / max(seconds, 0.001):.0f} a second)")


class _Seeder:
    """Makes batches of customers with everything that belongs to them."""

    def __init__(self, account: PartnerAccount, agent: StaffMember, chance: random.Random, number: int) -> None:
        self.account, self.agent, self.chance, self.number = account, agent, chance, number
        today = account.local_today()
        self.today = today
        self.versions = AgreementTemplate.objects.versions_for(account)
        self.offers = list(Offer.objects.sold())
        # As in an account that keeps at it: most on the latest version, some on the one before, few on older ones.
        self.templates = list(self.versions.published)
        self.weights = [80, 14, 6, *([1] * len(self.templates))][: len(self.templates)]

    def write(self, unconfirmed: list[bool]) -> None:
        """Add one batch: `unconfirmed[i]` says whether customer i has no acceptance."""
        customers = [self._customer() for _ in unconfirmed]
        _add(Customer, customers)
        applies = self.account.agreement_applies
        confirmed = [customer for customer, without in zip(customers, unconfirmed, strict=True) if applies and not without]
        acceptances = _add(Acceptance, [self._acceptance(customer) for customer in confirmed])
        of_customer = {acceptance.customer_id: acceptance for acceptance in acceptances}
        _add(Standing, [Standing.of(customer, of_customer.get(customer.pk)) for customer in customers])
        buyers = customers if not applies else confirmed
        orders = [order for customer in buyers for order in self._orders(customer, of_customer.get(customer.pk))]
        _add(Order, orders)
        subscriptions = [subscription for order in orders for subscription in self._subscriptions(order)]
        lines = list(self._lines(subscriptions))
        changes = self._change_licenses(subscriptions)
        _add(Subscription, subscriptions)
        _add(OrderLine, lines)
        _add(LicenseChange, changes)
        _add(Activity, self._activity(customers, acceptances, orders, lines, changes))

    def _customer(self) -> Customer:
        chance = self.chance
        self.number += 1
        first_name, last_name = chance.choice(PEOPLE)
        domain = f"seed{self.account.pk.hex[:6]}{self.number:07}"
        korean = chance.random() < 0.7
        customer = Customer(
            id=uuid.UUID(int=chance.getrandbits(128), version=4),
            account=self.account,
            company_name=f"{chance.choice(FIRST_WORDS)} {chance.choice(SECOND_WORDS)} {self.number}",
            domain=f"{domain}.onmicrosoft.com",
            country="KR" if korean else "US",
            address_line1=f"{chance.randrange(1, 400)} Teheran-ro" if korean else f"{chance.randrange(1, 9000)} Main Street",
            city="Seoul" if korean else "Seattle",
            region="" if korean else "WA",
            postal_code="06236" if korean else "98101",
            language="ko" if korean else "en",
            contact_first_name=first_name,
            contact_last_name=last_name,
            contact_email=f"contact{self.number}@{domain}.example",
            contact_phone=_phone("KR" if korean else "US"),
            created_by=self.agent,
            created_at=timezone.now() - dt.timedelta(days=chance.randrange(30, 2500)),
        )
        customer.derive_keys()
        return customer

    def _acceptance(self, customer: Customer) -> Acceptance:
        template = self.chance.choices(self.templates, self.weights)[0]
        newer = [t.published_on for t in self.templates if t.version_rank > template.version_rank]
        # While this template was the latest one: that is when a confirmation would have named it.
        first = max(template.published_on, PROGRAMME_START)
        last = min([self.today, *(day - dt.timedelta(days=1) for day in newer)])
        agreed_on = first + dt.timedelta(days=self.chance.randrange(max((last - first).days, 0) + 1))
        return Acceptance(
            customer=customer,
            template=template,
            first_name=customer.contact_first_name,
            last_name=customer.contact_last_name,
            email=customer.contact_email,
            phone=customer.contact_phone,
            agreed_on=agreed_on,
            recorded_at=min(dt.datetime.combine(agreed_on, dt.time(15), tzinfo=self.account.tz), timezone.now()),
            recorded_by=self.agent,
            via=self.chance.choices([Via.PORTAL, Via.API], [7, 3])[0],
        )

    def _orders(self, customer: Customer, acceptance: Acceptance | None) -> Iterator[Order]:
        for _ in range(self.chance.choices([0, 1, 2, 3], [25, 50, 18, 7])[0]):
            earliest = acceptance.recorded_at if acceptance else customer.created_at
            yield Order(
                id=uuid.UUID(int=self.chance.getrandbits(128), version=4),
                account=self.account,
                customer=customer,
                acceptance=acceptance,
                billing_cycle=self.chance.choice(BillingCycle.values),
                placed_at=earliest + (timezone.now() - earliest) * self.chance.random(),
                placed_by=self.agent,
            )

    def _subscriptions(self, order: Order) -> Iterator[Subscription]:
        for offer in self.chance.sample(self.offers, self.chance.choices([1, 2, 3], [70, 22, 8])[0]):
            starts_on = order.placed_at.astimezone(self.account.tz).date()
            yield Subscription(
                id=uuid.UUID(int=self.chance.getrandbits(128), version=4),
                customer=order.customer,
                order=order,
                offer=offer,
                friendly_name=offer.name,
                quantity=self.chance.randrange(1, 200) if offer.is_license_based else 1,
                starts_on=starts_on,
                commitment_ends_on=starts_on + relativedelta(years=1),
                created_at=order.placed_at,
                created_by=self.agent,
            )

    def _lines(self, subscriptions: list[Subscription]) -> Iterator[OrderLine]:
        numbers: dict[uuid.UUID, int] = {}
        for subscription in subscriptions:
            number = numbers.get(subscription.order_id, 0)
            numbers[subscription.order_id] = number + 1
            yield OrderLine(
                order=subscription.order,
                number=number,
                offer=subscription.offer,
                quantity=subscription.quantity,
                friendly_name=subscription.friendly_name,
                subscription=subscription,
            )

    def _change_licenses(self, subscriptions: list[Subscription]) -> list[LicenseChange]:
        """One license-based subscription in ten grew once: the changes; the subscriptions become what they are since."""
        changed = [s for s in subscriptions if s.offer.is_license_based and self.chance.random() < 0.1]
        changes = []
        for subscription in changed:
            before, after = subscription.quantity, subscription.quantity + self.chance.randrange(1, 50)
            subscription.quantity, subscription.version = after, 2
            changes.append(
                LicenseChange(
                    subscription=subscription,
                    version=2,
                    from_quantity=before,
                    to_quantity=after,
                    acceptance=subscription.order.acceptance,
                    changed_at=subscription.created_at + (timezone.now() - subscription.created_at) * self.chance.random(),
                    changed_by=self.agent,
                )
            )
        return changes

    def _activity(
        self,
        customers: list[Customer],
        acceptances: list[Acceptance],
        orders: list[Order],
        lines: list[OrderLine],
        changes: list[LicenseChange],
    ) -> Iterator[Activity]:
        """What the services would have logged."""
        by = self.agent
        for customer in customers:
            yield entry(Action.CUSTOMER_CREATED, by=by, customer=customer, at=customer.created_at)
        for one in acceptances:
            said = what_was_confirmed(one)
            yield entry(
                Action.ACCEPTANCE_CONFIRMED, by=by, customer=one.customer, about=one, name=one.name, changes=said, at=one.recorded_at
            )
        of_order: dict[uuid.UUID, list[OrderLine]] = {order.pk: [] for order in orders}
        for line in lines:
            of_order[line.order_id].append(line)
        for order in orders:
            ordered = what_was_ordered(order.billing_cycle, of_order[order.pk])
            yield entry(
                Action.ORDER_PLACED, by=by, customer=order.customer, about=order, name=order.number, changes=ordered, at=order.placed_at
            )
        for change in changes:
            subscription, counts = change.subscription, {"quantity": [change.from_quantity, change.to_quantity]}
            yield entry(
                Action.LICENSES_CHANGED,
                by=by,
                customer=subscription.customer,
                about=subscription,
                changes=counts,
                at=change.changed_at,
            )


def _add(model: type[Row], rows: Iterable[Row]) -> list[Row]:
    """Insert rows; on PostgreSQL by COPY, at less than half of what `bulk_create` costs. Triggers run all the same."""
    made = list(rows)
    if connection.vendor != "postgresql":
        return model._default_manager.bulk_create(made)
    fields, table = model._meta.concrete_fields, model._meta.db_table
    with connection.cursor() as cursor:
        if isinstance(model._meta.pk, AutoField):
            sequence = f"SELECT nextval(pg_get_serial_sequence('{table}', '{model._meta.pk.column}')) FROM generate_series(1, %s)"
            cursor.execute(sequence, [len(made)])
            for row, (pk,) in zip(made, cursor.fetchall(), strict=True):
                row.pk = pk
        columns = [(field.attname, _AS_TEXT.get(type(field), _as_it_is)) for field in fields]
        with cursor.copy(f"COPY {table} ({', '.join(str(field.column) for field in fields)}) FROM STDIN") as copy:
            for row in made:
                copy.write_row([convert(getattr(row, name)) for name, convert in columns])
    return made


def _as_it_is(value: Any) -> Any:
    return value


# Fields whose values in Python are not yet what the database is given.
_AS_TEXT: dict[type, Callable[[Any], Any]] = {
    CharField: str,
    CountryField: str,
    JSONField: lambda value: json.dumps(value, cls=DjangoJSONEncoder),
}


@cache
def _phone(country: str) -> str:
    """A valid number of the country, the same for everybody: nobody is ever called."""
    return normalized_phone({"KR": "02-312-3456", "US": "206-555-0100"}[country], country)
