"""Home: how does the account stand with the agreement, and what is to be done next?"""

import datetime as dt
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import Any

from django.db.models import Count, OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from agreements.models import AgreementTemplate, Standing, StandingCount
from agreements.standing import StandingWord, Versions
from mca_portal.staff.models import PartnerAccount, StaffMember
from mca_portal.staff.roles import Permission, Role, may
from orders.models import Order, OrderLine

QUEUE_LENGTH = 12
RECENT_ORDERS = 6
SHOWN = (StandingWord.CONFIRMED, StandingWord.DUE, StandingWord.REQUIRED, StandingWord.NOT_CONFIRMED)  # in the order of the picture
SHOWN_OF_A_CUSTOMER = [f"customer__{name}" for name in ("company_name", "contact_first_name", "contact_last_name", "created_at")]
NEWEST_NEED_FIRST = (StandingWord.NOT_CONFIRMED, StandingWord.REQUIRED, StandingWord.DUE)


@dataclass(frozen=True)
class Share:
    """One standing's part of all customers. `left` and `width` are percentages of the picture's width, as SVG wants them."""

    word: StandingWord
    count: int
    percent: int
    left: str
    width: str


@dataclass(frozen=True)
class Waiting:
    """A customer that somebody should ask for an acceptance. `since`: from when it was shut; `by`: until when it still counts."""

    standing: Standing
    word: StandingWord
    since: dt.date | dt.datetime | None
    by: dt.date | None


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show counts, what is coming and the work queue; to those who may not see acceptances, a search and recent orders (P1)."""
    person = request.user
    assert isinstance(person, StaffMember)
    account = person.account
    if account is None or not may(person, Permission.VIEW_CUSTOMERS):
        return render(request, "home/no_role.html", {"admins": [] if account is None else _admin_agents(person)})
    lines = OrderLine.objects.filter(order=OuterRef("pk")).order_by()
    context: dict[str, Any] = {
        "orders": Order.objects.visible_to(person)
        .select_related("customer")
        .only("placed_at", "customer__company_name")
        .annotate(line_count=Subquery(lines.values("order").annotate(number=Count("pk")).values("number")))
        .order_by("-placed_at", "-id")[:RECENT_ORDERS],
        "shows_agreement": account.agreement_applies and may(person, Permission.VIEW_ACCEPTANCES),
        "may_create": account.transacts and may(person, Permission.EDIT_CUSTOMERS),
    }
    if context["shows_agreement"]:
        context |= _agreement(person, account)
        context["may_confirm"] = account.transacts and may(person, Permission.CONFIRM_ACCEPTANCE)
    return render(request, "home/home.html", context)


def _agreement(person: StaffMember, account: PartnerAccount) -> dict[str, Any]:
    """Everything that Home says about the agreement."""
    versions = AgreementTemplate.objects.versions_for(account)
    by_rank = StandingCount.objects.by_rank(account.pk)
    shares = _shares(versions, by_rank)
    return {
        "versions": versions,
        "total": sum(by_rank.values()),
        "shares": shares,
        "picture": _in_a_sentence(shares),
        "to_confirm": sum(share.count for share in shares if share.word != StandingWord.CONFIRMED),
        "upcoming": _upcoming(versions, by_rank, account.local_today()),
        "queue": _queue(versions, account),
    }


def _shares(versions: Versions, by_rank: dict[int, int]) -> list[Share]:
    """The four standings with their numbers and their places in the picture."""
    counts = dict.fromkeys(SHOWN, 0)
    for rank, number in by_rank.items():
        counts[versions.word(rank)] += number
    total = sum(counts.values()) or 1
    shares, left = [], 0.0
    for word in SHOWN:
        width = 100 * counts[word] / total
        gap = min(0.5, width / 2)  # a hair of the ground between neighbours
        shares.append(Share(word, counts[word], round(width), f"{left:.2f}%", f"{width - gap:.2f}%"))
        left += width
    return shares


def _in_a_sentence(shares: list[Share]) -> str:
    """What the picture shows, for those who hear it."""
    parts = [gettext("%(standing)s %(number)d") % {"standing": share.word.label, "number": share.count} for share in shares]
    return gettext("Bar of all customers by standing: %(parts)s.") % {"parts": ", ".join(parts)}


def _upcoming(versions: Versions, by_rank: dict[int, int], today: dt.date) -> list[dict[str, Any]]:
    """The days on which acceptances that count now will no longer count, and of how many customers (V4)."""
    days: dict[dt.date, int] = {}
    for rank, number in by_rank.items():
        if versions.word(rank) == StandingWord.DUE and (day := versions.due_on(rank)):
            days[day] = days.get(day, 0) + number
    return [{"day": day, "in_days": (day - today).days, "count": number} for day, number in sorted(days.items())]


def _queue(versions: Versions, account: PartnerAccount) -> list[Waiting]:
    """The customers to confirm, newest need first: nobody confirmed, then no longer counting, then due. One query a rank until full."""
    queue: list[Waiting] = []
    for word in NEWEST_NEED_FIRST:
        ranks = versions.ranks(word)
        room = QUEUE_LENGTH - len(queue)
        if not ranks or not room:
            continue
        standings = Standing.objects.filter(account=account).select_related("customer").only("rank", "customer_since", *SHOWN_OF_A_CUSTOMER)
        each = [standings.filter(rank=rank).order_by("-customer_since", "-customer")[:room] for rank in ranks]
        for standing in islice(merge(*each, key=lambda standing: (standing.customer_since, standing.customer_id), reverse=True), room):
            due = versions.due_on(standing.rank)
            queue.append(
                Waiting(
                    standing=standing,
                    word=word,
                    since=standing.customer.created_at
                    if word == StandingWord.NOT_CONFIRMED
                    else due
                    if word == StandingWord.REQUIRED
                    else None,
                    by=due if word == StandingWord.DUE else None,
                )
            )
    return queue


def _admin_agents(person: StaffMember) -> list[StaffMember]:
    """Whom somebody without a role can ask: active colleagues who may give one."""
    return list(StaffMember.objects.visible_to(person).with_role(Role.ADMIN_AGENT).filter(is_active=True).order_by("last_name", "id")[:5])
