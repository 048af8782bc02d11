"""Fills an empty database with made-up partner accounts, staff, customers and their histories, and says how to sign in."""

import datetime as dt
import functools
import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from agreements.models import AgreementTemplate, AgreementType, Via
from agreements.services import Person, confirm_acceptance, withdraw_acceptance
from customers.models import Customer
from mca_portal.pages import demo_data
from mca_portal.staff.models import PartnerAccount, PartnerType, StaffMember
from mca_portal.staff.services import add_member, open_account
from orders.models import BillingCycle, Offer, Order, Status, Subscription
from orders.services import Confirmation, Line, NewOrder, change_license_count, place_order, set_status, sign_up_customer

DEFAULT_PASSWORD = "bright-harbor-2026"
OPENED = dt.date(2017, 1, 9)
PUBLISHED_AGO, REQUIRED_AHEAD = 21, 35  # days
# One letter a customer, over and over: n not confirmed, c confirmed, d reconfirmation due, r reconfirmation required.
KINDS = "ncdcrdcndcdr"
BUNDLES = (
    (("Microsoft 365 Business Standard", 25), ("Exchange Online Archiving", 5)),
    (("Microsoft 365 E3", 120), ("Power BI Pro", 12), ("Microsoft Azure", 1)),
    (("Microsoft 365 Business Premium", 48),),
    (("Office 365 E1", 60), ("Teams Phone Standard", 15)),
    (("Microsoft 365 E5", 300), ("Microsoft 365 Copilot", 40), ("Azure plan", 1)),
    (("Microsoft 365 Business Basic", 10), ("Microsoft Defender for Business", 10)),
    (("Dynamics 365 Business Central Essentials", 8), ("Microsoft 365 Apps for business", 30)),
    (("Microsoft 365 F3", 200), ("Microsoft Intune Plan 1", 200)),
)
LATER = ("Visio Plan 2", "Project Plan 3", "Microsoft Entra ID P2", "Windows 365 Enterprise 2 vCPU, 8 GB, 128 GB")
COLLEAGUES = (("Mina", "Reyes"), ("Theo", "Lindqvist"), ("Clara", "Bauer"), ("Arthur", "Quinn"))
KOREAN_COLLEAGUES = (("영수", "김"), ("은정", "이"), ("상훈", "박"), ("미경", "정"))


@contextmanager
def _clock_says(moment: dt.datetime) -> Iterator[None]:
    """Let the services believe that it is `moment`.

    They stamp the present, as they should; a history in the past is made by living through it again.
    """

    class Clock(dt.datetime):
        """A clock that stands still."""

        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override]
            """`moment`, whenever asked."""
            return moment.astimezone(tz)

    # The class below timezone.now, because the models' defaults hold timezone.now itself.
    with mock.patch("django.utils.timezone.datetime", Clock):
        yield


def _ids_from(seed: str) -> Any:
    """Draw ids from `seed`, the same in every installation. Nothing secret may be drawn meanwhile."""
    return mock.patch.object(os, "urandom", random.Random(seed).randbytes)


class _Past:
    """What happened at one account's customers: noted in any order, lived through in order of time."""

    def __init__(self, account: PartnerAccount, now: dt.datetime) -> None:
        self.account, self.now = account, now
        self.events: list[tuple[dt.datetime, str, int, Callable[[], Any]]] = []
        by_mailbox = {member.email.partition("@")[0]: member for member in account.staff.select_related("account")}
        self.admin, self.sales = by_mailbox["admin.agent"], by_mailbox["sales.agent"]

    def ago(self, days: int, *, not_before: dt.date = OPENED) -> dt.date:
        """The account's calendar day so many days ago."""
        return max(self.now.astimezone(self.account.tz).date() - dt.timedelta(days=days), not_before)

    def note(self, day: dt.date, what: str, happens: Callable[[], Any]) -> None:
        """Something happens on `day` within office hours, and never in the future; `what` names it once and for all."""
        draw = random.Random(what)
        clock = dt.time(9 + draw.randrange(9), draw.randrange(60), draw.randrange(60))
        moment = dt.datetime.combine(day, clock, tzinfo=self.account.tz)
        latest = self.now - dt.timedelta(minutes=90 - min(len(self.events) % 80, 80))
        self.events.append((min(moment, latest), what, len(self.events), happens))

    def happen(self) -> None:
        """Live through everything noted."""
        for moment, what, _number, happens in sorted(self.events, key=lambda event: (event[0], event[2])):
            with _clock_says(moment), _ids_from(what):
                happens()


class _CustomerStory:
    """One customer's history, by its kind (see KINDS; x: in a cloud without the agreement)."""

    def __init__(self, past: _Past, company: demo_data.Company, number: int, kind: str) -> None:
        self.past, self.company, self.number, self.kind = past, company, number, kind
        self.details = demo_data.details(company, number)
        self.by = past.admin if number % 4 == 0 else past.sales
        self.customer: Customer | None = None
        self.steps = 0

    def tell(self) -> None:
        """Note everything that happened."""
        n, ago = self.number, self.past.ago
        introduced = dt.date(2019, 10, 7)
        if self.kind == "n" and n % 5 == 3:
            self.begin(ago(34), confirmed=True, ordered=True)
            self.then(ago(9), self.withdraw)
        elif self.kind == "n":
            self.begin(ago(n * 7 % 90), confirmed=False)
        elif self.kind == "c" and n % 3 == 0:
            self.begin(ago(n % 19), confirmed=True, ordered=n % 2 == 0)
        elif self.kind == "c":
            joined = ago(90 + n * 37)
            self.begin(joined, confirmed=True, ordered=True)
            self.live(joined)
            self.then(ago(1 + n % 18), self.confirm)
        elif self.kind == "d":
            joined = ago(40 + n * 29, not_before=introduced)
            self.begin(joined, confirmed=True, ordered=n % 4 != 1)
            self.live(joined)
            if n % 7 == 2:
                self.then(ago(6), lambda: self.confirm(colleague=True))
                self.then(ago(3), self.withdraw)
            elif n % 3 == 0:
                self.then(ago(30 + n % 9), lambda: self.confirm(colleague=True))
        elif self.kind == "r":
            joined = dt.date(2018, 2, 5) + dt.timedelta(days=n * 8)
            self.begin(joined, confirmed=True, ordered=True)
            self.then(joined + dt.timedelta(days=60), self.change_count)
            if n % 3 == 1:
                self.then(ago(50 + n), self.suspend)
        else:
            joined = ago(20 + n * 61)
            self.begin(joined, confirmed=False, ordered=True)
            self.live(joined)

    def live(self, joined: dt.date) -> None:
        """What happens to customers over time: license changes, suspensions, further orders."""
        n = self.number
        days = (self.past.ago(0) - joined).days
        for part, happens in ((4, self.change_count), (3, self.order_more), (2, self.change_count)):
            if n % part != 1 or part == 4:
                self.then(joined + dt.timedelta(days=days // part), happens)
        if n % 6 == 5:
            self.then(joined + dt.timedelta(days=days * 3 // 4), self.suspend)
            if n % 12 == 5:
                self.then(joined + dt.timedelta(days=days * 7 // 8), self.reactivate)

    def then(self, day: dt.date, happens: Callable[[], Any]) -> None:
        """Note one step of this customer."""
        self.steps += 1
        self.past.note(day, f"{self.company.prefix} {self.steps}", happens)

    def begin(self, day: dt.date, *, confirmed: bool, ordered: bool = False) -> None:
        """The customer signs up."""

        def happens() -> None:
            lines = tuple(Line(self.offer(name), quantity + self.number % 7 if quantity > 1 else 1) for name, quantity in self.bundle())
            order = NewOrder(lines, self.cycle()) if ordered else None
            confirmation = Confirmation(**self.confirmation(colleague=self.number % 6 == 4)) if confirmed else None
            self.customer = sign_up_customer(by=self.by, details=self.details, confirmation=confirmation, order=order).customer

        self.then(day, happens)

    def confirm(self, *, colleague: bool = False) -> None:
        """Somebody accepts what is the latest text by now; an Admin agent imports some of it."""
        confirmation = self.confirmation(colleague=colleague)
        by = self.by
        if self.number % 10 == 9:
            by, confirmation["via"] = self.past.admin, Via.IMPORT
        confirm_acceptance(by=by, customer=self.known, **confirmation)

    def withdraw(self) -> None:
        """The last confirmation was a mistake."""
        last = self.known.acceptances.order_by("-pk")[0]
        withdraw_acceptance(by=self.past.admin, acceptance=last, reason="Recorded for the wrong customer")

    def order_more(self) -> None:
        """A further order of one line."""
        name = LATER[self.number % len(LATER)]
        place_order(by=self.by, customer=self.known, lines=[Line(self.offer(name), 2 + self.number % 9)], billing_cycle=self.cycle())

    def change_count(self) -> None:
        """The first subscription grows, or shrinks a little."""
        subscription = self.subscription()
        if subscription is not None and subscription.is_active:
            more = subscription.quantity + (5 if self.number % 3 else -3)
            change_license_count(by=self.by, subscription=subscription, quantity=max(more, 1), version=subscription.version)

    def suspend(self) -> None:
        """The last subscription is suspended."""
        self.set_status(Status.SUSPENDED)

    def reactivate(self) -> None:
        """And runs again."""
        self.set_status(Status.ACTIVE)

    def set_status(self, status: Status) -> None:
        """Change the status of the last subscription, if there is one."""
        if subscription := self.subscription(first=False):
            set_status(by=self.past.admin, subscription=subscription, status=status, version=subscription.version)

    @property
    def known(self) -> Customer:
        """The customer, once signed up."""
        assert self.customer is not None
        return self.customer

    def subscription(self, *, first: bool = True) -> Subscription | None:
        """The first license-based subscription, or the last of all."""
        rows = Subscription.objects.filter(customer=self.known).select_related("offer", "customer__account")
        return (
            rows.filter(offer__billing="license").order_by("created_at", "-quantity").first()
            if first
            else rows.order_by("created_at", "quantity").last()
        )

    def confirmation(self, *, colleague: bool) -> dict[str, Any]:
        """Who accepted, some days before it is recorded, and what: the latest text of that day."""
        person = Person(*(self.details[name] for name in Customer.CONTACT_FIELDS))
        if colleague:
            first, last = (KOREAN_COLLEAGUES if self.company.is_korean else COLLEAGUES)[self.number % 4]
            person = Person(first, last, f"legal@{self.company.prefix}.example")
        latest = AgreementTemplate.objects.versions_for(self.past.account).latest
        agreed_on = self.past.account.local_today() - dt.timedelta(days=self.number % 4)
        # An account that confirms a text cannot have had it accepted before there was one.
        return {
            "person": person,
            "agreed_on": max(agreed_on, latest.published_on),
            "template_id": latest.pk,
            "via": Via.API if self.number % 10 == 6 else Via.PORTAL,
        }

    def bundle(self) -> tuple[tuple[str, int], ...]:
        """What a customer of this number starts with."""
        return BUNDLES[self.number % len(BUNDLES)]

    def cycle(self) -> BillingCycle:
        """Every third pays by the year."""
        return BillingCycle.ANNUAL if self.number % 3 == 0 else BillingCycle.MONTHLY

    @staticmethod
    @functools.cache
    def offer(name: str) -> Any:
        """The id of the catalogue's offer of this name."""
        return Offer.objects.sold().get(name=name).pk


class Command(BaseCommand):
    """`manage.py demo [--if-empty]`: DEMO_PASSWORD sets the password of everybody in it."""

    help = "Fills an empty database with demo accounts; prints them and their password."

    def add_arguments(self, parser: CommandParser) -> None:
        """--if-empty: a database with other accounts is left alone without complaint."""
        parser.add_argument("--if-empty", action="store_true", help="Say nothing of a database that holds other accounts.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the demo once; then only say how to sign in. Raises CommandError for a weak password or a database of others."""
        if settings.PRODUCTION:
            raise CommandError("The demo's password is known to everybody: it has no place in production.")
        password = os.environ.get("DEMO_PASSWORD") or DEFAULT_PASSWORD
        is_there = PartnerAccount.objects.filter(pk__in=[account.id for account in demo_data.ACCOUNTS]).exists()
        if not is_there and PartnerAccount.objects.exists():
            if not options["if_empty"]:
                raise CommandError("This database holds other partner accounts. The demo wants an empty one.")
            return
        if not is_there:
            self._fill(password)
        self._say_how_to_sign_in(password)

    def _fill(self, password: str) -> None:
        now = timezone.now()
        _CustomerStory.offer.cache_clear()
        # Hashing is slow on purpose; one password needs it once.
        hashed = mock.patch("django.contrib.auth.base_user.make_password", functools.cache(make_password))
        with transaction.atomic(), hashed:
            self._publish(now)
            for made_up in demo_data.ACCOUNTS:
                account = self._open(made_up, password)
                past = _Past(account, now)
                for number, company in enumerate(demo_data.companies(made_up)):
                    kind = KINDS[number % len(KINDS)] if account.agreement_applies else "x"
                    _CustomerStory(past, company, number, kind).tell()
                past.happen()
                if made_up.reseller:
                    # Its provider set the customers up; the operator enters such an account as what it is (A2).
                    account.partner_type = PartnerType.INDIRECT_RESELLER
                    account.save(update_fields=["partner_type"])

    def _publish(self, now: dt.datetime) -> None:
        """A newer text, as the operator would enter it: published some weeks ago, required some weeks ahead (V4)."""
        published = now.date() - dt.timedelta(days=PUBLISHED_AGO)
        newest = AgreementTemplate.objects.order_by("-version_rank")[0].version_rank
        AgreementTemplate.objects.create(
            id=demo_data.NEWER_TEMPLATE,
            agreement_type=AgreementType.CUSTOMER,
            name=f"{published:%B %Y}",
            version_rank=newest + 1,
            link=demo_data.NEWER_LINK,
            published_on=published,
            required_from=now.date() + dt.timedelta(days=REQUIRED_AHEAD),
        )

    def _open(self, made_up: demo_data.Account, password: str) -> PartnerAccount:
        """A partner account with its staff, opened years ago."""
        admin, *others = made_up.staff
        try:
            for member in made_up.staff:
                validate_password(
                    password,
                    StaffMember(email=f"{member.mailbox}@{made_up.host}", first_name=member.first_name, last_name=member.last_name),
                )
        except ValidationError as error:
            raise CommandError("DEMO_PASSWORD: " + " ".join(error.messages)) from error
        opened_at = dt.datetime.combine(OPENED, dt.time(9), tzinfo=dt.UTC)
        with _clock_says(opened_at):
            account = open_account(
                id=made_up.id,
                admin_email=f"{admin.mailbox}@{made_up.host}",
                admin_first_name=admin.first_name,
                admin_last_name=admin.last_name,
                password=password,
                **made_up.fields,
            )
            first = StaffMember.objects.select_related("account").get(account=account)
            for member in others:
                add_member(
                    by=first,
                    email=f"{member.mailbox}@{made_up.host}",
                    first_name=member.first_name,
                    last_name=member.last_name,
                    roles=[member.role] if member.role else [],
                    language=member.language,
                    password=password,
                )
        return account

    def _say_how_to_sign_in(self, password: str) -> None:
        accounts = PartnerAccount.objects.filter(pk__in=[account.id for account in demo_data.ACCOUNTS]).prefetch_related("staff__groups")
        known = {account.pk: account for account in accounts}
        self.stdout.write(f"Demo: {Customer.objects.count()} customers, {Order.objects.count()} orders. Sign in as:")
        sample = None
        for made_up in demo_data.ACCOUNTS:
            if (account := known.get(made_up.id)) is None:
                continue
            kinds = (account.get_partner_type_display(), account.get_cloud_display(), account.get_environment_display())
            self.stdout.write(f"  {account.name} ({', '.join(str(kind) for kind in kinds)})")
            mailboxes = [member.mailbox for member in made_up.staff]
            for member in sorted(account.staff.all(), key=lambda member: member.pk):
                if member.email.partition("@")[0] in mailboxes:
                    sample = sample or member
                    roles = ", ".join(str(label) for label in member.roles_display) or "no role"
                    language = ", in Korean" if member.language == "ko" else ""
                    self.stdout.write(f"    {member.email:<44} {roles}{language}")
        if sample is not None and not sample.check_password(password):
            self.stdout.write("Password: the one that was set when the demo was made (or changed since).")
        else:
            self.stdout.write(f"Password of them all: {password}")
