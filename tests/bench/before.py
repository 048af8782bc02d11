"""What did each change give? Prints, as JSON, the milliseconds of what the portal asked before and of what it asks now.

In the same database. Before: the SQL as the first version of the portal made it, by itself. Now: the portal's own code, with all that
it does around its SQL.
"""

import json
import time
from collections.abc import Callable
from typing import Any

import django

django.setup()

from django.db import connection  # noqa: E402
from django.db.models import Count, OuterRef, Subquery  # noqa: E402

from agreements.models import Standing, StandingCount  # noqa: E402
from customers.models import Customer  # noqa: E402
from customers.search import read_matches  # noqa: E402
from mca_portal.staff.models import PartnerAccount  # noqa: E402
from orders.models import Order, OrderLine  # noqa: E402
from tests.bench.floor import key, rows  # noqa: E402
from tests.bench.prepare import ACCOUNT  # noqa: E402

TIMES = 3
SEARCHED = "c.account_id = %s AND (c.name_key || %s || c.domain) LIKE %s"


def ms(work: Callable[[], Any]) -> float:
    """The middle of three times."""
    took = []
    for _ in range(TIMES):
        began = time.perf_counter()
        work()
        took.append(1000 * (time.perf_counter() - began))
    return sorted(took)[TIMES // 2]


def main() -> None:
    """Measure and print."""
    account = PartnerAccount.objects.get(name=ACCOUNT)
    mine, everybody = key(str(account.pk)), Customer.objects.filter(account=account)
    some = everybody.order_by("id")[11]
    line = "\n"

    def searched(text: str) -> tuple[Callable[[], Any], Callable[[], Any]]:
        sql = f"SELECT c.* FROM customers_customer c WHERE {SEARCHED} ORDER BY c.name_key, c.id LIMIT 31"
        return lambda: rows(sql, mine, line, f"%{text}%"), lambda: read_matches(everybody, text)

    def counted() -> tuple[Callable[[], Any], Callable[[], Any]]:
        sql = "SELECT rank, COUNT(*) FROM agreements_standing WHERE account_id = %s GROUP BY rank"
        return lambda: rows(sql, mine), lambda: StandingCount.objects.by_rank(account.pk)

    def counted_matches() -> tuple[Callable[[], Any], Callable[[], Any]]:
        found = f"SELECT c.id FROM customers_customer c WHERE {SEARCHED}"
        sql = f"SELECT rank, COUNT(*) FROM agreements_standing WHERE account_id = %s AND customer_id IN ({found}) GROUP BY rank"
        return lambda: rows(sql, mine, mine, line, "%logistics%"), lambda: None

    def queue() -> tuple[Callable[[], Any], Callable[[], Any]]:
        sql = (
            "SELECT c.*, s.rank FROM agreements_standing s JOIN customers_customer c ON c.id = s.customer_id "
            "WHERE s.account_id = %s AND s.rank IN (1) ORDER BY c.created_at DESC, c.id LIMIT 12"
        )
        standings = Standing.objects.filter(account=account, rank=1).select_related("customer", "acceptance")
        return lambda: rows(sql, mine), lambda: list(standings.order_by("-customer_since", "-customer")[:12])

    def newest_orders() -> tuple[Callable[[], Any], Callable[[], Any]]:
        sql = (
            "SELECT o.id, o.placed_at, COUNT(l.id) FROM orders_order o LEFT JOIN orders_orderline l ON l.order_id = o.id "
            "WHERE o.account_id = %s GROUP BY o.id, o.placed_at ORDER BY o.placed_at DESC, o.id DESC LIMIT 6"
        )
        lines = OrderLine.objects.filter(order=OuterRef("pk")).order_by().values("order").annotate(number=Count("pk")).values("number")
        orders = Order.objects.filter(account=account).annotate(line_count=Subquery(lines)).select_related("customer")
        return lambda: rows(sql, mine), lambda: list(orders.order_by("-placed_at", "-id")[:6])

    pairs = {
        "search, rare part of a name": searched(some.name_key[1:]),
        "search, absent word": searched("xylophone"),
        "search, two letters, absent": searched("qx"),
        "search, frequent word": searched("logistics"),
        "how many match, by standing": counted_matches(),
        "how many stand where": counted(),
        "work queue of Home": queue(),
        "newest orders of Home": newest_orders(),
    }
    with connection.cursor():
        print(json.dumps({name: {"before": ms(before), "now": ms(now)} for name, (before, now) in pairs.items()}))


if __name__ == "__main__":
    main()
