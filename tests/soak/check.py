"""Is what the database holds possible, and is it what people were told? Asked after every round of a soak.

Run inside the portal's settings: reads the clients' books (JSON) from standard input and prints what is wrong as JSON, a sentence each.
Everything is derived from the records themselves, without the code whose work is checked where that can be done in a few lines.
"""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import django

Books = dict[str, Any]


def everything(books: Books) -> Iterator[str]:
    """Every violation found."""
    yield from the_database_itself()
    yield from multi_row_writes()
    yield from histories()
    yield from the_gate(books["published"])
    yield from the_activity_log()
    yield from intentions(books["intentions"])


def the_database_itself() -> Iterator[str]:
    """The file is in order, the guards are in place, the standings say what the records say."""
    from django.core.management import CommandError, call_command
    from django.db import connection

    from mca_portal.staff.guards import missing_guards

    if missing := missing_guards("default"):
        yield f"guards are missing: {missing}"
    try:
        call_command("check_standings", stdout=sys.stderr)
    except CommandError:
        yield "standings differ from the records"
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            for question, right in (("integrity_check", [("ok",)]), ("foreign_key_check", [])):
                found = cursor.execute(f"PRAGMA {question}").fetchall()
                if found != right:
                    yield f"PRAGMA {question}: {found[:5]}"


def multi_row_writes() -> Iterator[str]:
    """Each is there as a whole: customer with standing; order with lines with subscriptions; license count with its changes."""
    from agreements.models import Standing
    from customers.models import Customer
    from mca_portal.pages.models import Draft
    from orders.models import Order, OrderLine, Subscription

    for pk in Customer.objects.exclude(pk__in=Standing.objects.values("customer")).values_list("pk", flat=True):
        yield f"customer {pk} has no standing"
    lines: dict[Any, list[OrderLine]] = defaultdict(list)
    for line in OrderLine.objects.select_related("subscription").order_by("order", "number"):
        lines[line.order_id].append(line)
    orders = {order.pk: order for order in Order.objects.all()}
    for order in orders.values():
        own = lines.get(order.pk, [])
        if not own or [line.number for line in own] != list(range(len(own))):
            yield f"order {order.pk} has the lines {[line.number for line in own]}"
        for line in own:
            row = line.subscription
            if (row.order_id, row.customer_id, row.offer_id) != (order.pk, order.customer_id, line.offer_id):
                yield f"line {line.number} of order {order.pk} leads to subscription {row.pk} of something else"
    for pk in Subscription.objects.filter(line__isnull=True).values_list("pk", flat=True):
        yield f"subscription {pk} is of no order line"
    customers = set(map(str, Customer.objects.values_list("pk", flat=True)))
    for draft in Draft.objects.exclude(outcome=""):
        made = draft.outcome.strip("/").split("/")[1] if draft.kind == Draft.Kind.NEW_ORDER else draft.data["made"]["customer"]
        if made not in (set(map(str, orders)) if draft.kind == Draft.Kind.NEW_ORDER else customers):
            yield f"draft {draft.pk} says that it led to {draft.outcome}, which is not there"


def histories() -> Iterator[str]:
    """A subscription is what its order and its changes make of it, each version reached once."""
    from orders.models import LicenseChange, StatusChange, Subscription

    changes: dict[Any, list[LicenseChange]] = defaultdict(list)
    for change in LicenseChange.objects.order_by("subscription", "version"):
        changes[change.subscription_id].append(change)
    turns: dict[Any, list[StatusChange]] = defaultdict(list)
    for turn in StatusChange.objects.order_by("subscription", "pk"):
        turns[turn.subscription_id].append(turn)
    for row in Subscription.objects.select_related("line"):
        quantity = row.line.quantity
        for change in changes[row.pk]:
            if change.from_quantity != quantity:
                yield f"subscription {row.pk}, version {change.version}: from {change.from_quantity}, but it had {quantity}"
            quantity = change.to_quantity
        if row.quantity != quantity:
            yield f"subscription {row.pk} has {row.quantity}, but its changes say {quantity}"
        if row.version != 1 + len(changes[row.pk]) + len(turns[row.pk]):
            yield f"subscription {row.pk} is at version {row.version} after {len(changes[row.pk])} and {len(turns[row.pk])} changes"
        status = turns[row.pk][-1].to_status if turns[row.pk] else "active"
        if row.status != status:
            yield f"subscription {row.pk} is {row.status}, but its changes say {status}"


def the_gate(published: list[dict[str, Any]]) -> Iterator[str]:
    """Every order and license change named, at its moment, the best acceptance that stood, and that one counted (G1, G2, G4, G5).

    The customer's standing is locked while any of these is written and its moment is taken under that lock, so the moments tell the order.
    `published`: which rank was required since when, the agreements that came with the portal apart.
    """
    from agreements.models import Acceptance
    from orders.models import LicenseChange, Order

    acceptances: dict[Any, list[Acceptance]] = defaultdict(list)
    for record in Acceptance.objects.select_related("template", "withdrawal"):
        acceptances[record.customer_id].append(record)
    asked = [
        (f"order {order.pk}", order.customer_id, order.account.agreement_applies, order.placed_at, order.acceptance_id)
        for order in Order.objects.select_related("account")
    ] + [
        (
            f"license change {row.pk}",
            row.subscription.customer_id,
            row.subscription.customer.account.agreement_applies,
            row.changed_at,
            row.acceptance_id,
        )
        for row in LicenseChange.objects.select_related("subscription__customer__account")
    ]
    for what, customer, applies, at, named in asked:
        if not applies:
            if named is not None:
                yield f"{what} names an acceptance where the agreement does not apply"
            continue
        stood = [
            record
            for record in acceptances[customer]
            if record.recorded_at <= at and not (record.is_withdrawn and record.withdrawal.withdrawn_at <= at)
        ]
        best = max(stood, key=lambda record: (record.template.version_rank, record.pk), default=None)
        if best is None or best.pk != named:
            yield f"{what} at {at} names acceptance {named}, but what stood best was {best and best.pk}"
            continue
        required = max([2, *(one["rank"] for one in published if datetime.fromisoformat(one["at"]) <= at)])
        if best.template.version_rank < required:
            yield f"{what} at {at} names an acceptance of rank {best.template.version_rank}, but {required} was required"


def the_activity_log() -> Iterator[str]:
    """Each write has its entry, by the same person, and no entry lacks its write."""
    from django.db.models import Q

    from agreements.models import Acceptance, Withdrawal
    from customers.models import Customer
    from mca_portal.staff.models import Action, Activity, ApiToken, Application, Topic
    from orders.models import LicenseChange, Order, StatusChange

    tokens = ApiToken.objects.exclude(name="Script")  # which the world begins with
    turned = {"suspended": Action.SUBSCRIPTION_SUSPENDED, "active": Action.SUBSCRIPTION_REACTIVATED}
    written = Counter(
        [
            *((Action.CUSTOMER_CREATED, str(row.pk), row.created_by_id) for row in Customer.objects.all()),
            *((Action.ACCEPTANCE_CONFIRMED, str(row.pk), row.recorded_by_id) for row in Acceptance.objects.all()),
            *((Action.ACCEPTANCE_WITHDRAWN, str(row.pk), row.withdrawn_by_id) for row in Withdrawal.objects.all()),
            *((Action.ORDER_PLACED, str(row.pk), row.placed_by_id) for row in Order.objects.all()),
            *(
                (Action.LICENSES_CHANGED, f"{row.subscription_id} {row.from_quantity} {row.to_quantity}", row.changed_by_id)
                for row in LicenseChange.objects.all()
            ),
            *((turned[row.to_status], str(row.subscription_id), row.changed_by_id) for row in StatusChange.objects.all()),
            *((Action.TOKEN_CREATED, str(row.pk), row.owner_id) for row in tokens),
            *((Action.TOKEN_REVOKED, str(row.pk), row.owner_id) for row in tokens if row.revoked_at),
            *((Action.APPLICATION_REGISTERED, str(row.pk), row.registered_by_id) for row in Application.objects.all()),
        ]
    )
    topics = {Topic.CUSTOMERS, Topic.AGREEMENTS, Topic.ORDERS}  # everything in these is a write that is counted here
    of_api = (Action.TOKEN_CREATED, Action.TOKEN_REVOKED, Action.APPLICATION_REGISTERED)
    logged: Counter[Any] = Counter()
    for entry in Activity.objects.filter(Q(topic__in=topics) | Q(action__in=of_api)):
        about = str(entry.customer_id) if entry.action == Action.CUSTOMER_CREATED else entry.about_id
        if entry.action == Action.LICENSES_CHANGED:
            about = " ".join([about, *map(str, entry.changes["quantity"])])
        logged[(entry.action, about, entry.actor_id)] += 1
    yield from (f"{what} has no entry in the activity log" for what in (written - logged).elements())
    yield from (f"the activity log has an entry for {what}, which was not written" for what in (logged - written).elements())


def intentions(books: list[dict[str, Any]]) -> Iterator[str]:
    """What was acknowledged is there once; what was refused is not there; what nobody knows of is there once or not at all."""
    found = _found()
    for one in books:
        kind, mark, facts = one["kind"], one["mark"], one["facts"]
        if kind == "count_is":
            count = max(1, found["count_is"][f"{mark} {facts['quantity']}"]) if found["count_is"][f"{mark} {facts['quantity']}"] else 0
        elif kind in ("licenses", "status"):
            count = found[kind][f"{mark} {one['by']}"]
        else:
            count = found[kind][mark]
        allowed = {"done": (1,), "refused": (0,), "unknown": (0, 1)}[one["state"]]
        if kind == "count_is" and count > 1:
            count = 1
        if count not in allowed:
            yield f"{kind} {mark} was {one['state']} but is there {count} times: {facts}"
        elif count and kind in ("sign_up", "order"):
            yield from _is_whole(kind, mark, facts)


def _found() -> dict[str, Counter[str]]:
    """How often each mark is in the database."""
    from agreements.models import Acceptance, Withdrawal
    from customers.models import Customer
    from mca_portal.staff.models import ApiToken
    from orders.models import LicenseChange, OrderLine, StatusChange, Subscription

    status: Counter[str] = Counter()
    changes = LicenseChange.objects.all()
    licensed: dict[Any, list[int]] = defaultdict(list)
    for change in changes:
        licensed[change.subscription_id].append(change.version)
    for subscription in Subscription.objects.all():
        # A change of status keeps no version: it has those that no change of the count has, in turn.
        free = [version for version in range(2, subscription.version + 1) if version not in licensed[subscription.pk]]
        turns = StatusChange.objects.filter(subscription=subscription).order_by("pk")
        status.update(
            f"{subscription.pk} {version} {turn.to_status} {turn.changed_by_id}" for version, turn in zip(free, turns, strict=False)
        )
    return {
        "sign_up": Counter(Customer.objects.values_list("domain", flat=True)),
        "confirm": Counter(Acceptance.objects.values_list("email", flat=True)),
        "withdraw": Counter(Withdrawal.objects.values_list("reason", flat=True)),
        "order": Counter(
            name.removesuffix(" line 0") for name in OrderLine.objects.filter(number=0).values_list("friendly_name", flat=True)
        ),
        "licenses": Counter(f"{row.subscription_id} {row.version} {row.to_quantity} {row.changed_by_id}" for row in changes),
        "status": status,
        "token": Counter(ApiToken.objects.values_list("name", flat=True)),
        "revoke": Counter(ApiToken.objects.filter(revoked_at__isnull=False).values_list("name", flat=True)),
        "count_is": Counter(f"{row.subscription_id} {row.to_quantity}" for row in changes)
        + Counter(f"{line.subscription_id} {line.quantity}" for line in OrderLine.objects.all()),
    }


def _is_whole(kind: str, mark: str, facts: dict[str, Any]) -> Iterator[str]:
    """The acceptance, the order and all its lines that belong to it."""
    from agreements.models import Acceptance
    from customers.models import Customer
    from orders.models import OrderLine

    names = set(facts["names"])
    lines = OrderLine.objects.filter(friendly_name__in=names).select_related("order")
    if {line.friendly_name for line in lines} != names or len({line.order_id for line in lines}) > 1 or len(lines) != len(names):
        yield f"{kind} {mark} has the lines {[(line.friendly_name, str(line.order_id)) for line in lines]}, wanted were {names}"
    if kind == "sign_up":
        customer = Customer.objects.get(domain=mark)
        if facts["confirmed"] and Acceptance.objects.filter(customer=customer, email=facts["confirmed"]).count() != 1:
            yield f"customer {mark} was signed up without its acceptance"
        if any(line.order.customer_id != customer.pk for line in lines):
            yield f"the first order of {mark} is another customer's"


if __name__ == "__main__":
    django.setup()
    found = list(everything(json.load(sys.stdin)))
    print(json.dumps(found))
