"""The floor: what would the fastest portal need for the same job, in the same server process?

A view that runs, through a bare cursor, only the SQL that the job cannot do without, written by hand by somebody who knows the answer
(whether a word is rare, at which rank to look), and then answers with as many bytes as the portal does: no models, no forms, no templates.
It passes the same middleware as every other view: encryption, sign-in, CSRF and logs are not what is compared. For writes it makes the
same rows in one transaction under the same lock. API calls come under /v1, where the API's own middleware gives them identifiers and a
language, and are let in by the token's hash, as by the portal.
"""

import hashlib
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from mca_portal.urls import handler400, handler403, handler404, handler500, urlpatterns  # noqa: F401

Answer = dict[str, Any]


class CountingMiddleware:
    """Say how many queries a request took, and how long they took in all (ms), when it asks with X-Bench-Count."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer."""
        if "X-Bench-Count" not in request.headers:
            return self.get_response(request)
        took: list[float] = []

        def timed(execute: Any, *arguments: Any) -> Any:
            began = time.perf_counter()
            try:
                return execute(*arguments)
            finally:
                took.append(time.perf_counter() - began)

        with connection.execute_wrapper(timed):
            response = self.get_response(request)
        response["X-Bench-Queries"] = str(len(took))
        response["X-Bench-Sql"] = f"{1000 * sum(took):.2f}"
        return response


def rows(sql: str, *values: Any) -> list[Any]:
    """What a statement finds."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def run(sql: str, *values: Any) -> None:
    """Run a statement that writes."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def key(text: str) -> Any:
    """A UUID as the database takes it."""
    return uuid.UUID(text) if connection.vendor == "postgresql" else uuid.UUID(text).hex


LOCK = " FOR UPDATE" if connection.vendor == "postgresql" else ""
LOCK_S = " FOR UPDATE OF s" if connection.vendor == "postgresql" else ""
MAY = (
    "SELECT p.codename FROM auth_permission p JOIN auth_group_permissions g ON g.permission_id = p.id "
    "JOIN staff_staffmember_groups m ON m.group_id = g.group_id WHERE m.staffmember_id = %s"
)
VERSIONS = "SELECT * FROM agreements_agreementtemplate WHERE published_on <= %s ORDER BY version_rank DESC"
COUNTS = "SELECT rank, SUM(number) FROM agreements_standingcount WHERE account_id = %s GROUP BY rank"
LISTED = (
    "SELECT c.*, s.rank, a.agreed_on FROM customers_customer c JOIN agreements_standing s ON s.customer_id = c.id "
    "LEFT JOIN agreements_acceptance a ON a.id = s.acceptance_id WHERE c.account_id = %s"
)
SUBSCRIPTIONS = "SELECT customer_id, COUNT(*) FROM orders_subscription WHERE customer_id IN ({}) GROUP BY customer_id"
ONE = LISTED + " AND c.id = %s"


def _page(asked: Answer, sql: str, *values: Any) -> None:
    """A page of the list of customers: versions, the rows, how many subscriptions each has."""
    rows(VERSIONS, timezone.now().date())
    found = [row[0] for row in rows(sql, *values)][:30]
    if found:
        rows(SUBSCRIPTIONS.format(", ".join(["%s"] * len(found))), *found)


def listing(asked: Answer) -> None:
    """The list, at its beginning or anywhere."""
    rows(COUNTS, key(asked["account"]))
    after = " AND c.name_key >= %s AND (c.name_key > %s OR c.id > %s)" if asked.get("name") else ""
    values = [asked["name"], asked["name"], key(asked["id"])] if after else []
    _page(asked, f"{LISTED}{after} ORDER BY c.name_key, c.id LIMIT 31", key(asked["account"]), *values)


def frequent(asked: Answer) -> None:
    """A search for a word of which the next names in order hold many: they are read by the index by name, and those found are shown."""
    like = f"%{asked['text']}%"
    names = "SELECT id, name_key, domain FROM customers_customer WHERE account_id = %s ORDER BY name_key, id LIMIT 25000"
    within = f"SELECT id FROM ({names}) AS names WHERE name_key LIKE %s OR domain LIKE %s LIMIT 31"
    sql = f"{LISTED} AND c.id IN ({within}) ORDER BY c.name_key, c.id"
    _page(asked, sql, key(asked["account"]), key(asked["account"]), like, like)


def beginning(asked: Answer) -> None:
    """A search for a word with which many names begin."""
    sql = f"{LISTED} AND c.name_key >= %s AND c.name_key < %s ORDER BY c.name_key, c.id LIMIT 31"
    _page(asked, sql, key(asked["account"]), asked["text"], asked["text"] + "\U0010ffff")


def rare(asked: Answer) -> None:
    """A search for what few names or none hold: by the index of pieces."""
    like, pieces = f"%{asked['text']}%", asked["pieces"]
    within = "c.id IN (SELECT customer_id FROM customers_searchtext WHERE id IN ({}))"
    if connection.vendor == "postgresql":
        having, values = "customers_pieces(c.name_key, c.domain) @> %s::text[]", [pieces]
    elif len(pieces[0]) == 3:
        having = within.format("SELECT rowid FROM customers_pieces WHERE customers_pieces MATCH %s")
        values = [" AND ".join(f'"{piece}"' for piece in pieces)]
    else:
        having = within.format("SELECT doc FROM customers_pieces_terms WHERE term >= %s AND term < %s")
        values = [pieces[0], pieces[0] + "\U0010ffff"]
    _page(asked, f"{LISTED} AND {having} AND (c.name_key LIKE %s OR c.domain LIKE %s)", key(asked["account"]), *values, like, like)


def exact(asked: Answer) -> None:
    """A search by Microsoft ID."""
    _page(asked, ONE, key(asked["account"]), key(asked["customer"]))


def standing(asked: Answer) -> None:
    """Customers of one standing."""
    rows(COUNTS, key(asked["account"]))
    sql = (
        "SELECT c.*, s.rank, a.agreed_on FROM agreements_standing s JOIN customers_customer c ON c.id = s.customer_id "
        "LEFT JOIN agreements_acceptance a ON a.id = s.acceptance_id WHERE s.account_id = %s AND s.rank = %s "
        "ORDER BY s.name_key, s.customer_id LIMIT 31"
    )
    _page(asked, sql, key(asked["account"]), asked["rank"])


def home(asked: Answer) -> None:
    """Counts, the queue of two standings, the newest orders."""
    account = key(asked["account"])
    rows(VERSIONS, timezone.now().date())
    rows(COUNTS, account)
    for rank in asked["ranks"]:
        rows(
            "SELECT c.*, s.rank FROM agreements_standing s JOIN customers_customer c ON c.id = s.customer_id "
            "WHERE s.account_id = %s AND s.rank = %s ORDER BY s.customer_since DESC, s.customer_id DESC LIMIT 12",
            account,
            rank,
        )
    rows(
        "SELECT o.*, c.company_name, (SELECT COUNT(*) FROM orders_orderline l WHERE l.order_id = o.id) "
        "FROM orders_order o JOIN customers_customer c ON c.id = o.customer_id "
        "WHERE o.account_id = %s ORDER BY o.placed_at DESC, o.id DESC LIMIT 6",
        account,
    )


def account_info(asked: Answer) -> None:
    """One customer with its standing and all its acceptances."""
    rows(ONE, key(asked["account"]), key(asked["customer"]))
    rows(VERSIONS, timezone.now().date())
    rows(
        "SELECT a.*, t.*, p.first_name, p.last_name, w.reason FROM agreements_acceptance a JOIN agreements_agreementtemplate t "
        "ON t.id = a.template_id JOIN staff_staffmember p ON p.id = a.recorded_by_id "
        "LEFT JOIN agreements_withdrawal w ON w.acceptance_id = a.id WHERE a.customer_id = %s ORDER BY a.id DESC",
        key(asked["customer"]),
    )


def prompt(asked: Answer) -> None:
    """The order prompt: the customer, the draft with its offers, the versions."""
    rows(ONE, key(asked["account"]), key(asked["customer"]))
    rows(VERSIONS, timezone.now().date())
    rows("SELECT * FROM pages_draft WHERE id = %s AND owner_id = %s", key(asked["draft"]), asked["person"])
    rows(f"SELECT * FROM orders_offer WHERE id IN ({', '.join(['%s'] * len(asked['offers']))})", *map(key, asked["offers"]))


def confirm(asked: Answer) -> None:
    """A confirmation: the standing locked, the acceptance and the log's entry added, the standing moved."""
    customer, now = key(asked["customer"]), timezone.now()
    rows(ONE, key(asked["account"]), customer)
    rows(VERSIONS, now.date())
    with transaction.atomic():
        rows(f"SELECT * FROM agreements_standing WHERE customer_id = %s{LOCK}", customer)
        rows("SELECT id FROM agreements_acceptance WHERE customer_id = %s AND template_id = %s", customer, key(asked["template"]))
        [(acceptance,)] = rows(
            "INSERT INTO agreements_acceptance (customer_id, template_id, first_name, last_name, email, phone, agreed_on, recorded_at, "
            "recorded_by_id, via) VALUES (%s, %s, 'Floor', 'Person', 'floor@customer.example', '', %s, %s, %s, 'portal') RETURNING id",
            customer,
            key(asked["template"]),
            now.date(),
            now,
            asked["person"],
        )
        run("UPDATE agreements_standing SET rank = %s, acceptance_id = %s WHERE customer_id = %s", asked["rank"], acceptance, customer)
        changes = {"email": [None, "floor@customer.example"], "agreed_on": [None, str(now.date())], "template": [None, "October 2022"]}
        _log(asked, "confirm_acceptance", changes)


def order(asked: Answer) -> None:
    """An order: the standing locked and its acceptance found; order, subscriptions, lines and the log's entry added."""
    customer, now = key(asked["customer"]), timezone.now()
    rows(ONE, key(asked["account"]), customer)
    with transaction.atomic():
        if asked.get("draft"):
            rows(f"SELECT * FROM pages_draft WHERE id = %s{LOCK}", key(asked["draft"]))
        [(acceptance, _rank)] = rows(f"SELECT acceptance_id, rank FROM agreements_standing WHERE customer_id = %s{LOCK}", customer)
        rows(VERSIONS, now.date())
        rows(f"SELECT * FROM orders_offer WHERE id IN ({', '.join(['%s'] * len(asked['offers']))})", *map(key, asked["offers"]))
        number = key(str(uuid.uuid4()))
        run(
            "INSERT INTO orders_order (id, account_id, customer_id, acceptance_id, billing_cycle, placed_at, placed_by_id) "
            "VALUES (%s, %s, %s, %s, 'monthly', %s, %s)",
            *(number, key(asked["account"]), customer, acceptance, now, asked["person"]),
        )
        made = [(key(str(uuid.uuid4())), key(offer)) for offer in asked["offers"]]
        end = now.date().replace(year=now.year + 1, day=min(now.day, 28))
        run(
            "INSERT INTO orders_subscription (id, customer_id, order_id, offer_id, friendly_name, quantity, status, auto_renew, starts_on, "
            "commitment_ends_on, created_at, created_by_id, version) VALUES "
            + ", ".join(["(%s, %s, %s, %s, 'Floor', 5, 'active', TRUE, %s, %s, %s, %s, 1)"] * len(made)),
            *(value for pk, offer in made for value in (pk, customer, number, offer, now.date(), end, now, asked["person"])),
        )
        run(
            "INSERT INTO orders_orderline (order_id, number, offer_id, quantity, friendly_name, subscription_id) VALUES "
            + ", ".join(["(%s, %s, %s, 5, 'Floor', %s)"] * len(made)),
            *(value for line, (pk, offer) in enumerate(made) for value in (number, line, offer, pk)),
        )
        _log(asked, "place_order", {"lines": [None, ["Floor × 5"] * len(made)], "billing_cycle": [None, "monthly"]})
        if asked.get("draft"):
            run("UPDATE pages_draft SET outcome = '/', changed_at = %s WHERE id = %s", now, key(asked["draft"]))


def license_change(asked: Answer) -> None:
    """A license change: standing and subscription locked, the latter with what its offer allows and how its order is billed; the change and
    the log's entry added, the subscription moved."""
    customer, pk, now = key(asked["customer"]), key(asked["subscription"]), timezone.now()
    rows(ONE, key(asked["account"]), customer)
    with transaction.atomic():
        [(acceptance, _rank)] = rows(f"SELECT acceptance_id, rank FROM agreements_standing WHERE customer_id = %s{LOCK}", customer)
        rows(VERSIONS, now.date())
        [(quantity, version, *_rest)] = rows(
            "SELECT s.quantity, s.version, s.*, f.*, o.billing_cycle FROM orders_subscription s JOIN orders_offer f ON f.id = s.offer_id "
            f"JOIN orders_order o ON o.id = s.order_id WHERE s.id = %s{LOCK_S}",
            pk,
        )
        run(
            "INSERT INTO orders_licensechange (subscription_id, version, from_quantity, to_quantity, acceptance_id, changed_at, "
            "changed_by_id) VALUES (%s, %s, %s, %s, %s, %s, %s)",
            *(pk, version + 1, quantity, quantity + 1, acceptance, now, asked["person"]),
        )
        run("UPDATE orders_subscription SET quantity = %s, version = %s WHERE id = %s", quantity + 1, version + 1, pk)
        _log(asked, "change_license_count", {"quantity": [quantity, quantity + 1]})


def api_listing(asked: Answer) -> None:
    """The API's list of 500."""
    sql = "SELECT id, company_name, domain, name_key FROM customers_customer WHERE account_id = %s ORDER BY name_key, id LIMIT 501"
    rows(sql, key(asked["account"]))


def api_filter(asked: Answer) -> None:
    """The API's filter by the beginning of the name."""
    rows(
        "SELECT id, company_name, domain, name_key FROM customers_customer WHERE account_id = %s AND name_key >= %s AND name_key < %s "
        "ORDER BY name_key, id LIMIT 101",
        *(key(asked["account"]), asked["text"], asked["text"] + "\U0010ffff"),
    )


def _log(asked: Answer, action: str, changes: Answer) -> None:
    """The entry in the activity log."""
    columns = (
        "account_id, at, actor_id, topic, action, customer_id, customer_name, about_kind, about_id, about_name, changes, way, request_id"
    )
    run(
        f"INSERT INTO staff_activity ({columns}) VALUES (%s, %s, %s, 'orders', %s, %s, 'Floor', '', '', '', %s, 'portal', '')",
        *(key(asked["account"]), timezone.now(), asked["person"], action, key(asked["customer"]), json.dumps(changes)),
    )


JOBS = {
    job.__name__: job
    for job in (listing, frequent, beginning, rare, exact, standing, home, account_info, prompt, confirm, order, license_change)
} | {job.__name__: job for job in (api_listing, api_filter)}


def _answer(request: HttpRequest, job: str, content_type: str) -> HttpResponse:
    asked = json.loads(request.headers["X-Bench-Asked"])
    rows(MAY, asked["person"])
    JOBS[job](asked)
    return HttpResponse(b" " * asked["bytes"], status=asked.get("status", 200), content_type=content_type)


def floor(request: HttpRequest, job: str) -> HttpResponse:
    """A page's floor."""
    assert request.user.is_authenticated
    return _answer(request, job, "text/html")


@csrf_exempt
@login_not_required
def api_floor(request: HttpRequest, job: str) -> HttpResponse:
    """A call's floor: the token is found by its hash."""
    digest = hashlib.sha256(request.headers["Authorization"].removeprefix("Bearer ").encode()).hexdigest()
    rows("SELECT t.*, o.* FROM staff_apitoken t JOIN staff_staffmember o ON o.id = t.owner_id WHERE t.digest = %s", digest)
    return _answer(request, job, "application/json")


urlpatterns = [path("floor/<str:job>", floor), path("v1/floor/<str:job>", api_floor), *urlpatterns]
