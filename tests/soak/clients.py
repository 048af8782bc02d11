"""What the people and scripts of a soak do, and the books that they keep of it.

Each thing that somebody wants is an intention with a mark that finds it again in the database. It is acknowledged when an answer said that
it was done, refused when an answer said that it was not, unknown when the answer never came; what is unknown may be tried again.
"""

import base64
import html
import json
import random
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode

from tests.soak.browser import Browser, Form, Script
from tests.soak.server import Answer, Portal

DONE, REFUSED, UNKNOWN = "done", "refused", "unknown"
AGREED_ON = "2026-01-15"


@dataclass
class Intention:
    """Something that somebody wanted. `facts`: what has to be in the database if it was done."""

    kind: str
    mark: str
    by: int
    facts: dict[str, Any] = field(default_factory=dict)
    state: str = UNKNOWN
    sent: int = 0

    def to_json(self) -> dict[str, Any]:
        """For the check, which runs in another process."""
        return asdict(self)


class Lost(Exception):
    """The connection broke: nobody knows what became of the request."""


class Round:
    """What the clients of one round share. `disturbed` is set just before something is killed."""

    def __init__(self, *, database: bool = False) -> None:
        """`database`: the database will be killed, so that 503 is the right answer for a while."""
        self.over, self.disturbed = threading.Event(), threading.Event()
        self.database = database
        self._lock = threading.Lock()
        self.requests = 0
        self.answers: Counter[str] = Counter()
        self.times: dict[str, list[float]] = defaultdict(list)  # seconds until the answer
        self.violations: list[str] = []

    def count(self, door: str, method: str, status: int | str, seconds: float) -> None:
        """Note an answer."""
        with self._lock:
            self.requests += 1
            self.answers[f"{door} {status}"] += 1
            self.times[f"{door} {method}"].append(seconds)

    def violation(self, words: str) -> None:
        """Note what must not be."""
        with self._lock:
            self.violations.append(words)


class Client:
    """One person with a browser and a script, working until the round is over."""

    def __init__(self, portal: Portal, world: dict[str, Any], number: int, seed: str) -> None:
        self.portal, self.world, self.number = portal, world, number
        self.me = world["people"][number]
        self.chance = random.Random(f"{seed} {number}")
        self.browser, self.script = Browser(portal), Script(portal, self.me["token"])
        self.customers: list[str] = list(world["customers"][self.me["account"]])
        others = "public" if self.me["account"] == "government" else "government"
        self.foreign: str = world["customers"][others][0]
        self.offers = world["offers"]
        self.program: Script | None = None  # a service of theirs, once it has its token (OAuth2)
        self.intentions: list[Intention] = []
        self.waiting: list[tuple[Intention, Callable[[Intention], None]]] = []  # unknown, to be tried again
        self.round = Round()

    def sign_in(self) -> None:
        """Once; the sign-in outlives every kill. A crowd has signed in before: so many from one address at once are kept out."""
        if self.me["cookies"]:
            self.browser.cookies |= self.me["cookies"]
            self.browser.get("/")  # a page with a form on it brings the token for all forms
        else:
            self.browser.sign_in(self.me["email"], self.me["password"])

    def work(self, round_: Round) -> None:
        """Do one thing after the other until the round is over or the server is gone."""
        self.round = round_
        while not round_.over.is_set():
            try:
                if self.waiting and self.chance.random() < 0.5:
                    intention, again = self.waiting.pop(self.chance.randrange(len(self.waiting)))
                    again(intention)
                else:
                    self.chance.choices(*zip(*self.things(), strict=True))[0]()
            except Lost:
                if not self.portal.is_alive():
                    return
                round_.over.wait(0.05)
            except Exception as error:
                round_.violation(f"{self.me['email']}: {type(error).__name__}: {error}")
                return

    def things(self) -> list[tuple[Callable[[], None], int]]:
        """What this person does, and how often."""
        things: list[tuple[Callable[[], None], int]] = [
            (self.sign_up, 3),
            (self.order, 5),
            (self.order_by_script, 4),
            (self.change_licenses, 4),
            (self.change_licenses_by_script, 4),
            (self.change_status_by_script, 2),
            (self.sign_up_by_script, 1),
            (self.look, 2),
            (self.reach_for_what_is_not_ours, 1),
            (self.make_and_revoke_token, 1),
        ]
        if self.me["application"]:
            things += [(self.order_by_program, 3), (self.reach_by_program, 1)]
        if self.me["account"] == "public":
            things += [(self.confirm, 4), (self.confirm_by_script, 2)]
        if self.me["withdraws"] and self.me["account"] == "public":
            things += [(self.withdraw, 2)]
        return things

    # Pages ---------------------------------------------------------------------------------------

    def sign_up(self) -> None:
        """A new customer, with or without acceptance and a first order, submitted once or twice."""
        domain = self._word("d")
        draft = self._get("/customers/new/", 302).location.removesuffix("account/")
        page = self._get(f"{draft}account/", 200)
        accepted = self.me["account"] == "public" and self.chance.random() < 0.7
        email = f"{domain}@customer.example"
        fields = Form(page.text, "account/").fields | {
            "company_name": f"Company {domain}",
            "domain_prefix": domain,
            "country": "KR",
            "address_line1": "152 Teheran-ro, Gangnam-gu",
            "city": "Seoul",
            "region": "Seoul",
            "postal_code": "06236",
            "language": "ko",
            "contact_first_name": "Jihoon",
            "contact_last_name": "Park",
            "contact_email": email,
            "mca-agreed_on": AGREED_ON,
            "mca-someone_else": "False",
        }
        if accepted:
            fields["mca-accepted"] = "on"
        self._post(f"{draft}account/", fields, 302)
        lines = self._lines(domain) if (accepted or self.me["account"] == "government") and self.chance.random() < 0.7 else []
        self._post(f"{draft}subscriptions/", self._order_fields(lines), 302)
        facts = {"confirmed": email if accepted else "", "names": [line[2] for line in lines]}
        intention = self._intend("sign_up", f"{domain}.onmicrosoft.com", facts)
        self._submit(intention, f"{draft}review/", {}, lambda to: DONE if to.endswith("/done/") else REFUSED)

    def confirm(self) -> None:
        """Confirm acceptance of the latest agreement for one of the customers."""
        self._confirm(f"/customers/{self._customer()}/agreement/", DONE)

    def _confirm(self, address: str, redirected: str) -> None:
        """Fill in the acceptance wherever it is asked for; `redirected` is what a redirect says of it."""
        page = self._get(address, 200, 302)
        if page.status == 302:
            return
        email = f"{self._word('p')}@customer.example"
        fields = Form(page.text, "agreement/").fields | {
            "mca-first_name": "Tania",
            "mca-last_name": "Carr",
            "mca-email": email,
            "mca-agreed_on": AGREED_ON,
        }
        intention = self._intend("confirm", email)
        self._submit(intention, address, fields, lambda to: redirected)

    def withdraw(self) -> None:
        """Withdraw a confirmation that the customer's page offers to withdraw."""
        customer = self._customer()
        page = self._get(f"/customers/{customer}/", 200).text
        found = [part.split('"')[0] for part in page.split(f'href="/customers/{customer}/agreement/')[1:] if "/withdraw/" in part[:60]]
        if not found:
            return
        address = f"/customers/{customer}/agreement/{self.chance.choice(found)}"
        page = self._get(address, 200, 302)
        if page.status == 302:
            return
        intention = self._intend("withdraw", f"Mistake {self._word('w')}")
        # When somebody else was first the answer is the same redirect: only the message there tells.
        self._submit(intention, address, Form(page.text, "withdraw/").fields | {"reason": intention.mark}, lambda to: UNKNOWN, once=True)
        if "now stands as:" in self._get(f"/customers/{customer}/", 200).text:
            intention.state = DONE

    def order(self) -> None:
        """An order step by step, through the prompt where it comes, placed once or twice."""
        customer, word = self._customer(), self._word("o")
        lines = self._lines(word)
        address = self._get(f"/customers/{customer}/orders/new/", 302).location
        sent = self._post(address, self._order_fields(lines), 302)
        if sent.location.endswith("/agreement/"):
            if self.chance.random() < 0.4:
                return
            self._confirm(sent.location, UNKNOWN)  # the order goes on as well when somebody else confirmed meanwhile
        review = f"{address}review/"
        page = self._get(review, 200, 302)
        if page.status == 302:
            return
        intention = self._intend("order", word, {"names": [line[2] for line in lines]})
        self._submit(intention, review, Form(page.text, "").fields, lambda to: DONE if to.startswith("/orders/") else REFUSED)

    def change_licenses(self) -> None:
        """Change a license count on the customer's page."""
        customer = self._customer()
        row = self._subscription(customer, licenses=True)
        if row is None:
            return
        address = f"/customers/{customer}/subscriptions/{row['id']}/"
        page = self._get(address, 200)
        fields = [fields for _action, fields in Form(page.text).forms if "quantity" in fields]
        if not fields:
            return
        quantity = self._quantity()
        answer = self._post(address, fields[0] | {"quantity": str(quantity)}, 302, 422)
        # When it had been suspended meanwhile the answer is the same redirect: only the message there tells.
        if answer.status == 302 and answer.location == address and f": {quantity} (was" in self._get(address, 200).text:
            self._intend("count_is", row["id"], {"quantity": quantity}).state = DONE

    def make_and_revoke_token(self) -> None:
        """Make an API token, giving the password where it is asked for, use it, and mostly revoke it, after which it is dead."""
        name, address = self._word("t"), "/profile/tokens/"
        intention = self._intend("token", name)
        answer = self._post(address, {"name": name, "days": "90"}, 200, 302)
        if answer.status == 302:
            again = {"password": self.me["password"], "next": address}
            answer = self._post("/accounts/reauthenticate/", again, 200)
        secret = html.unescape(answer.text.partition('id="secret"')[2].partition(">")[2].partition("</textarea>")[0])
        intention.state = DONE
        token = Script(self.portal, secret)
        self._call("GET", f"/customers/{self._customer()}", None, {200}, by=token)
        revoke = answer.text.partition(f">{name}<")[2].partition(f'action="{address}')[2].partition('"')[0]
        if self.chance.random() < 0.9:
            ended = self._intend("revoke", name)
            self._post(address + revoke, {}, 302)
            ended.state = DONE
            self._call("GET", f"/customers/{self._customer()}", None, {401}, by=token)

    def look(self) -> None:
        """Read what is slow to read."""
        for address in ("/", "/customers/", "/orders/", f"/customers/{self._customer()}/"):
            self._get(address, 200)

    def reach_for_what_is_not_ours(self) -> None:
        """Another account's customer is not found, whatever one wants of it."""
        self._get(f"/customers/{self.foreign}/", 404)
        self._get(f"/customers/{self.foreign}/orders/new/", 404)
        self._call("POST", f"/customers/{self.foreign}/orders", self._api_order(self._lines(self._word("x"))), {404})

    # Scripts -------------------------------------------------------------------------------------

    def sign_up_by_script(self) -> None:
        """A new customer over the API."""
        domain = self._word("a")
        body = {
            "companyProfile": {"domain": f"{domain}.onmicrosoft.com"},
            "billingProfile": {
                "email": f"{domain}@customer.example",
                "culture": "ko-KR",
                "language": "ko",
                "companyName": f"Company {domain}",
                "defaultAddress": {
                    "firstName": "Jihoon",
                    "lastName": "Park",
                    "addressLine1": "152 Teheran-ro",
                    "city": "Seoul",
                    "state": "Seoul",
                    "postalCode": "06236",
                    "country": "KR",
                },
            },
        }
        intention = self._intend("sign_up", f"{domain}.onmicrosoft.com", {"confirmed": "", "names": []})
        answer = self._call_for(intention, "POST", "/customers", body, {201})
        if answer.status == 201:
            self.customers.append(json.loads(answer.body)["id"])

    def confirm_by_script(self) -> None:
        """Confirm acceptance over the API."""
        templates = json.loads(self._call("GET", "/agreements?agreementType=MicrosoftCustomerAgreement", None, {200}).body)["items"]
        email = f"{self._word('s')}@customer.example"
        body = {
            "primaryContact": {"firstName": "Tania", "lastName": "Carr", "email": email},
            "templateId": max(templates, key=lambda one: one["versionRank"])["templateId"],
            "dateAgreed": f"{AGREED_ON}T00:00:00Z",
        }
        # 400: a newer agreement was published before a try that had got no answer was repeated.
        self._call_for(self._intend("confirm", email), "POST", f"/customers/{self._customer()}/agreements", body, {201, 400})

    def order_by_script(self) -> None:
        """An order over the API; 403 while the gate is shut."""
        word = self._word("q")
        lines = self._lines(word)
        intention = self._intend("order", word, {"names": [line[2] for line in lines]})
        self._call_for(intention, "POST", f"/customers/{self._customer()}/orders", self._api_order(lines), {201, 403})

    def order_by_program(self) -> None:
        """The same by a service with a token of its own; sometimes it asks for a new token first."""
        if self.program is None or self.chance.random() < 0.2:
            asked = {"grant_type": "client_credentials", **self.me["application"]}
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            got = self._answer(
                "OAuth2",
                "POST token",
                (200,),
                lambda: self.portal.request("POST", "/identity/o/api/token", urlencode(asked).encode(), form),
            )
            self.program = Script(self.portal, json.loads(got.body)["access_token"])
        word, customer, program = self._word("g"), self._customer(), self.program
        lines = self._lines(word)
        intention = self._intend("order", word, {"names": [line[2] for line in lines]})
        address = f"/customers/{customer}/orders"
        self._call_for(intention, "POST", address, self._api_order(lines), {201, 403}, program)

    def reach_by_program(self) -> None:
        """A service by itself sees and confirms no acceptance."""
        if self.program is not None and self.me["account"] == "public":
            self._call("GET", f"/customers/{self._customer()}/agreements", None, {403}, by=self.program)

    def change_licenses_by_script(self) -> None:
        """Change a license count over the API, naming the version that was seen."""
        customer = self._customer()
        if row := self._subscription(customer, licenses=True):
            quantity = self._quantity()
            if quantity == row["quantity"]:
                return
            facts = {"subscription": row["id"], "version": self._version(row) + 1, "quantity": quantity}
            intention = self._intend("licenses", f"{row['id']} {facts['version']} {quantity}", facts)
            body = {"quantity": quantity, "attributes": {"etag": row["attributes"]["etag"]}}
            self._call_for(intention, "PATCH", f"/customers/{customer}/subscriptions/{row['id']}", body, {200, 400, 403})

    def change_status_by_script(self) -> None:
        """Suspend or reactivate over the API."""
        customer = self._customer()
        if row := self._subscription(customer):
            wanted = "active" if row["status"] == "suspended" else "suspended"
            facts = {"subscription": row["id"], "status": wanted}
            intention = self._intend("status", f"{row['id']} {self._version(row) + 1} {wanted}", facts)
            body = {"status": wanted, "attributes": {"etag": row["attributes"]["etag"]}}
            self._call_for(intention, "PATCH", f"/customers/{customer}/subscriptions/{row['id']}", body, {200, 400})

    # What these are made of ----------------------------------------------------------------------

    def _intend(self, kind: str, mark: str, facts: dict[str, Any] | None = None) -> Intention:
        intention = Intention(kind, mark, self.me["id"], facts or {})
        self.intentions.append(intention)
        return intention

    def _submit(
        self, intention: Intention, address: str, fields: dict[str, str], meaning: Callable[[str], str], *, once: bool = False
    ) -> None:
        """Send the form that does it, sometimes twice at once; try it again later when the answer does not come."""

        def send(_number: int) -> Answer | None:
            try:
                return self._post(address, fields, 302, 422)
            except Lost:
                return None

        intention.sent += 1
        twice = not once and self.chance.random() < 0.3
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(send, range(1 + twice)))
        came = [answer for answer in answers if answer is not None]
        states = {REFUSED if answer.status == 422 else meaning(answer.location) for answer in came}
        if DONE in states:
            intention.state = DONE
        elif len(came) == len(answers) and states == {REFUSED}:
            # "Already confirmed" may be said of what an earlier try had done without an answer.
            intention.state = REFUSED if intention.sent == 1 else UNKNOWN
        elif len(came) < len(answers):
            self.waiting.append((intention, lambda same: self._submit(same, address, fields, meaning, once=once)))
            raise Lost

    def _call_for(self, intention: Intention, method: str, path: str, body: Any, expected: set[int], by: Script | None = None) -> Answer:
        """Call the API for an intention, sometimes twice at once, always under the same identifier: repeating it does it once."""
        request_id = intention.facts.setdefault("request_id", str(uuid.uuid5(uuid.NAMESPACE_URL, f"{intention.kind} {intention.mark}")))

        def once(_number: int) -> Answer | None:
            try:
                return self._call(method, path, body, expected, request_id, by)
            except Lost:
                return None

        intention.sent += 1
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(once, range(1 + (self.chance.random() < 0.3))))
        came = [answer for answer in answers if answer is not None]
        if len({answer.body for answer in came}) > 1:
            self.round.violation(f"{method} {path} twice under one MS-RequestId: {[answer.text for answer in came]}")
        if any(answer.status < 300 for answer in came):
            intention.state = DONE
        elif len(came) == len(answers):
            intention.state = REFUSED
        if not came:
            self.waiting.append((intention, lambda same: self._call_for(same, method, path, body, expected, by) and None))
            raise Lost
        return came[0]

    def _get(self, path: str, *expected: int) -> Answer:
        return self._answer("pages", f"GET {path}", expected, lambda: self.browser.get(path))

    def _post(self, path: str, fields: dict[str, Any], *expected: int) -> Answer:
        return self._answer("pages", f"POST {path}", expected, lambda: self.browser.post(path, fields))

    def _call(self, method: str, path: str, body: Any, expected: set[int], request_id: str = "", by: Script | None = None) -> Answer:
        script = by or self.script
        return self._answer("API", f"{method} {path}", tuple(expected), lambda: script.call(method, path, body, request_id=request_id))

    def _answer(self, door: str, what: str, expected: tuple[int, ...], send: Callable[[], Answer]) -> Answer:
        """One answer, which has to be of an expected status. Raises Lost."""
        began, method = time.monotonic(), what.partition(" ")[0]
        try:
            answer = send()
        except (OSError, HTTPException) as error:
            self.round.count(door, method, "lost", time.monotonic() - began)
            if not self.round.disturbed.is_set():
                self.round.violation(f"{what}: {error!r}, and nobody had killed anything")
            raise Lost from error
        self.round.count(door, method, answer.status, time.monotonic() - began)
        if answer.status == 503 and self.round.database and self.round.disturbed.is_set():
            raise Lost
        if answer.status not in expected:
            self.round.violation(f"{what}: {answer.status} {answer.location} {answer.text[:300] if door == 'API' else _said(answer)}")
            raise Lost
        if "/accounts/login/" in answer.location:
            self.round.violation(f"{what}: signed out")
        return answer

    def _word(self, letter: str) -> str:
        """A mark that nobody else uses."""
        return f"{letter}{self.number}x{len(self.intentions)}x{self.chance.randrange(16**6):06x}"

    def _customer(self) -> str:
        """Mostly one of the customers that everybody works on."""
        shared = len(self.world["customers"][self.me["account"]])
        return self.chance.choice(self.customers[:shared] if self.chance.random() < 0.8 else self.customers)

    def _quantity(self) -> int:
        return self.chance.randrange(1, 250)

    def _lines(self, word: str) -> list[tuple[dict[str, Any], int, str]]:
        """One to three lines: offer, quantity, and a name that bears the mark."""
        offers = self.chance.sample(self.offers, self.chance.choice((1, 1, 2, 3)))
        return [
            (offer, self.chance.randint(offer["least"], min(offer["most"], 250)) if offer["licenses"] else 1, f"{word} line {number}")
            for number, offer in enumerate(offers)
        ]

    @staticmethod
    def _order_fields(lines: list[tuple[dict[str, Any], int, str]]) -> dict[str, Any]:
        fields: dict[str, Any] = {"offer": [offer["id"] for offer, _quantity, _name in lines], "billing_cycle": "monthly"}
        for offer, quantity, name in lines:
            fields |= {f"quantity-{offer['id']}": str(quantity), f"name-{offer['id']}": name}
        return fields

    @staticmethod
    def _api_order(lines: list[tuple[dict[str, Any], int, str]]) -> dict[str, Any]:
        items = [
            {"lineItemNumber": number, "offerId": offer["id"], "quantity": quantity, "friendlyName": name}
            for number, (offer, quantity, name) in enumerate(lines)
        ]
        return {"lineItems": items, "billingCycle": "monthly"}

    def _subscription(self, customer: str, *, licenses: bool = False) -> dict[str, Any] | None:
        """One of the customer's subscriptions, as the API shows it."""
        rows = json.loads(self._call("GET", f"/customers/{customer}/subscriptions", None, {200}).body)["items"]
        rows = [row for row in rows[:10] if not licenses or row["billingType"] == "license"]
        return self.chance.choice(rows) if rows else None

    @staticmethod
    def _version(row: dict[str, Any]) -> int:
        return int(json.loads(base64.b64decode(row["attributes"]["etag"]))["version"])


def _said(answer: Answer) -> str:
    """The title of a page."""
    return answer.text.partition("<title>")[2].partition("</title>")[0]
