"""What is asked of the portal, and of its floor? Prints the jobs as JSON, for the data that is in the database now.

Run in the portal's own environment. `people` makes the account and somebody who works there; `settle` waits for the database; `jobs`
chooses customers for each job.
"""

import contextlib
import json
import os
import sys
import time
import uuid
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import ProgrammingError, connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402

from agreements.models import AgreementTemplate, Standing  # noqa: E402
from customers.keyset import encode  # noqa: E402
from customers.models import Customer  # noqa: E402
from customers.search import _pieces  # noqa: E402
from mca_portal.pages import drafts  # noqa: E402
from mca_portal.pages.models import Draft  # noqa: E402
from mca_portal.pages.orders import _fingerprint  # noqa: E402
from mca_portal.staff.models import PartnerAccount, StaffMember  # noqa: E402
from orders.models import Billing, Offer, Status, Subscription  # noqa: E402
from tests.factories import make_account, make_staff, make_token  # noqa: E402

ACCOUNT = "Bench"
TOKEN = "bench"
CSRF = "b" * 32
WRITES = 160  # targets of each writing job
PAGE = 30


def people() -> None:
    """The account, and an Admin agent with a token."""
    make_token(make_staff(make_account(name=ACCOUNT)), TOKEN)


def jobs() -> None:
    """Print every job (its name, whether it writes, its requests, the same for its floor) and the request that shows the machine's pace."""
    account = PartnerAccount.objects.get(name=ACCOUNT)
    person = StaffMember.objects.filter(account=account).get()
    browser = Client()
    browser.force_login(person)
    chosen = _Jobs(account, person, browser.cookies[settings.SESSION_COOKIE_NAME].value)
    print(json.dumps({"jobs": chosen.all(), "pace": chosen.pace()}))


def settle() -> None:
    """Wait until the database has done what so many new rows leave it to do, and the disk has everything: it is not what is measured."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            while True:
                cursor.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker' AND datname = current_database()"
                )
                if not cursor.fetchone()[0]:
                    break
                time.sleep(1)
            with contextlib.suppress(ProgrammingError):  # in a database of somebody else's it may not be allowed
                cursor.execute("CHECKPOINT")
    os.sync()


class _Jobs:
    def __init__(self, account: PartnerAccount, person: StaffMember, session: str) -> None:
        self.account, self.person, self.session = account, person, session
        self.latest = AgreementTemplate.objects.versions_for(account).latest
        confirmed = Standing.objects.filter(account=account, rank=self.latest.version_rank).select_related("customer")
        self.customers = [standing.customer for standing in confirmed.order_by("?")[: 4 * WRITES + 20]]
        sold = Offer.objects.sold().filter(billing=Billing.LICENSE, maximum_quantity__gte=10_000)
        self.offers = [str(offer.pk) for offer in sold[:3]]
        running = Subscription.objects.filter(
            customer__in=[c.pk for c in self._customers(0)], status=Status.ACTIVE, offer__billing=Billing.LICENSE
        )
        rooms = [s for s in running.select_related("offer") if s.quantity + 2 < s.offer.maximum_quantity]
        self.subscriptions = rooms

    def _customers(self, part: int) -> list[Customer]:
        """A part of the chosen customers, each of which is written to by one job alone."""
        return self.customers if part == 0 else self.customers[(part - 1) * WRITES : part * WRITES]

    def all(self) -> list[dict[str, Any]]:
        """Every job."""
        return [*self._lists(), *self._searches(), *self._pages(), *self._writes(), *self._api()]

    def pace(self) -> dict[str, Any]:
        """A request that has nothing to do with customers: one's own profile."""
        return {"method": "GET", "path": reverse("profile"), "headers": self._headers(False)}

    def _headers(self, write: bool) -> dict[str, str]:
        cookies = f"{settings.SESSION_COOKIE_NAME}={self.session}; {settings.CSRF_COOKIE_NAME}={CSRF}"
        posted = {"Content-Type": "application/x-www-form-urlencoded", "X-CSRFToken": CSRF} if write else {}
        return {"Cookie": cookies, "Accept-Language": "en"} | posted

    def _job(self, name: str, floor: str, asked: list[dict[str, Any]], requests: list[tuple[str, Any]], *, write: bool = False) -> dict:
        call = {"method": "POST" if write else "GET", "headers": self._headers(write)}
        common = {"account": str(self.account.pk), "person": self.person.pk}
        return {
            "name": name,
            "write": write,
            "requests": [call | {"path": path, "form": form} for path, form in requests],
            "floor": [call | {"path": f"/floor/{floor}", "asked": common | one} for one in asked],
        }

    def _read(self, name: str, path: str, floor: str, /, **asked: Any) -> dict[str, Any]:
        return self._job(name, floor, [asked], [(path, None)])

    def _lists(self) -> list[dict[str, Any]]:
        url = reverse("customers")
        total = Customer.objects.filter(account=self.account).count()
        page = min(500, total // PAGE)
        rows = Customer.objects.filter(account=self.account).order_by("name_key", "id")
        [last] = rows[(page - 1) * PAGE - 1 : (page - 1) * PAGE]
        cursor = encode([last.name_key, str(last.pk)], backwards=False)
        return [
            self._read("list, first page", url, "listing"),
            self._read("list, page 500", f"{url}?cursor={cursor}", "listing", name=last.name_key, id=str(last.pk)),
            self._read("list, 10 not confirmed", f"{url}?standing=not_confirmed", "standing", rank=0),
            self._read("list, confirmed", f"{url}?standing=confirmed", "standing", rank=self.latest.version_rank),
        ]

    def _searches(self) -> list[dict[str, Any]]:
        some = self.customers[-1]
        middle = some.name_key[1:]  # not its beginning
        domain = some.domain.split(".")[0][8:]
        searches = [
            ("search, frequent word", "logistics", "frequent"),
            ("search, rare part of a name", middle, "rare"),
            ("search, absent word", "xylophone", "rare"),
            ("search, two letters", "an", "frequent"),
            ("search, two letters, absent", "qx", "rare"),
            ("search, Hangul, frequent", "물류", "frequent"),
            ("search, Hangul, beginnings", "한빛", "beginning"),
            ("search, part of a domain", domain, "rare"),
        ]
        url = reverse("customers")
        found = [self._read(name, f"{url}?q={text}", floor, text=text, pieces=_pieces(text)) for name, text, floor in searches]
        return [*found, self._read("search, Microsoft ID", f"{url}?q={some.pk}", "exact", customer=str(some.pk))]

    def _pages(self) -> list[dict[str, Any]]:
        some = self.customers[-1]
        [waiting] = Standing.objects.filter(account=self.account, rank=0).select_related("customer")[:1]
        draft = drafts.begin(self.person, Draft.Kind.NEW_ORDER, customer=waiting.customer, data={"order": self._order()})
        step = reverse("new_order_agreement", kwargs={"customer_id": waiting.customer_id, "draft_id": draft.pk})
        return [
            self._read("home", reverse("home"), "home", ranks=[0, 1]),
            self._read("account info", reverse("customer", args=[some.pk]), "account_info", customer=str(some.pk)),
            self._read("update form", reverse("agreement", args=[some.pk]), "account_info", customer=str(some.pk)),
            self._read("order prompt", step, "prompt", customer=str(waiting.customer_id), draft=str(draft.pk), offers=self.offers),
        ]

    def _order(self) -> dict[str, Any]:
        return {"lines": [{"offer": offer, "quantity": "5", "name": ""} for offer in self.offers], "billing_cycle": "monthly"}

    def _draft(self, customer: Customer) -> Draft:
        return Draft(owner=self.person, kind=Draft.Kind.NEW_ORDER, customer=customer, data={"order": self._order()})

    def _writes(self) -> list[dict[str, Any]]:
        template, rank = str(self.latest.pk), self.latest.version_rank
        day = self.account.local_today().isoformat()
        confirmations, orders = [], []
        for number, customer in enumerate(self._customers(1)):
            form = {"template_id": template, "agreed_on": day, "first_name": "Some", "last_name": f"Person {uuid.uuid4().hex[:8]}"}
            form |= {"email": f"person{number}@customer.example", "phone": ""}
            confirmations.append((reverse("agreement", args=[customer.pk]), {f"mca-{name}": value for name, value in form.items()}))
        begun = Draft.objects.bulk_create([self._draft(customer) for customer in self._customers(2)])
        for draft in begun:
            step = reverse("new_order_review", kwargs={"customer_id": draft.customer_id, "draft_id": draft.pk})
            orders.append((step, {"shown": _fingerprint(draft)}))
        also = Draft.objects.bulk_create([self._draft(customer) for customer in self._customers(3)])
        mine, floors = self.subscriptions[:WRITES], self.subscriptions[WRITES : 2 * WRITES]
        changes = [
            (reverse("subscriptions", args=[s.customer_id]), {"subscription": str(s.pk), "version": s.version, "quantity": s.quantity + 1})
            for s in mine
        ]
        return [
            self._job(
                "confirm",
                "confirm",
                [{"customer": str(c.pk), "template": template, "rank": rank, "status": 302} for c in self._customers(1)],
                confirmations,
                write=True,
            ),
            self._job(
                "order of 3 lines",
                "order",
                [{"customer": str(d.customer_id), "draft": str(d.pk), "offers": self.offers, "status": 302} for d in also],
                orders,
                write=True,
            ),
            self._job(
                "license change",
                "license_change",
                [{"customer": str(s.customer_id), "subscription": str(s.pk), "status": 302} for s in floors],
                changes,
                write=True,
            ),
        ]

    def _api(self) -> list[dict[str, Any]]:
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json", "Accept": "application/json"}
        template, rank = str(self.latest.pk), self.latest.version_rank
        common = {"account": str(self.account.pk), "person": self.person.pk}

        def job(name: str, method: str, floor: str, asked: list[dict[str, Any]], calls: list[tuple[str, Any]]) -> dict[str, Any]:
            return {
                "name": f"API: {name}",
                "write": method != "GET",
                "requests": [{"method": method, "path": path, "headers": headers, "json": body} for path, body in calls],
                "floor": [{"method": method, "path": f"/v1/floor/{floor}", "headers": headers, "asked": common | one} for one in asked],
            }

        sought = json.dumps({"Field": "CompanyName", "Value": "Willow", "Operator": "starts_with"})
        contact = {"firstName": "Some", "email": "person@customer.example", "phoneNumber": ""}
        now = f"{self.account.local_today().isoformat()}T00:00:00Z"
        confirmations = [
            (
                f"/v1/customers/{c.pk}/agreements",
                {
                    "primaryContact": contact | {"lastName": f"Person {uuid.uuid4().hex[:8]}"},
                    "templateId": template,
                    "dateAgreed": now,
                    "type": self.latest.agreement_type,
                },
            )
            for c in self._customers(4)
        ]
        order = {"lineItems": [{"lineItemNumber": i, "offerId": offer, "quantity": 5} for i, offer in enumerate(self.offers)]}
        orders = [(f"/v1/customers/{c.pk}/orders", order | {"billingCycle": "monthly"}) for c in self._customers(4)]
        mine, floors = self.subscriptions[2 * WRITES : 3 * WRITES], self.subscriptions[3 * WRITES : 4 * WRITES]
        changes = [(f"/v1/customers/{s.customer_id}/subscriptions/{s.pk}", {"quantity": s.quantity + 1}) for s in mine]
        # A hundred: so many begin with it among 10 000 already, so that the answer is as long at each size.
        begins = f"/v1/customers?size=100&filter={sought}"
        return [
            job("list of 500", "GET", "api_listing", [{}], [("/v1/customers?size=500", None)]),
            job("filter", "GET", "api_filter", [{"text": "willow"}], [(begins, None)]),
            job(
                "confirm",
                "POST",
                "confirm",
                [{"customer": str(c.pk), "template": template, "rank": rank, "status": 201} for c in self._customers(4)],
                confirmations,
            ),
            job(
                "order of 3 lines",
                "POST",
                "order",
                [{"customer": str(c.pk), "offers": self.offers, "status": 201} for c in self._customers(3)],
                orders,
            ),
            job(
                "license change",
                "PATCH",
                "license_change",
                [{"customer": str(s.customer_id), "subscription": str(s.pk)} for s in floors],
                changes,
            ),
        ]


if __name__ == "__main__":
    {"people": people, "settle": settle, "jobs": jobs}[sys.argv[1]]()
