"""Activity: who did what, when and from where, at one customer and in the whole account; and the log as a file."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from customers.keyset import BadCursor, Page, read_page
from customers.models import Customer
from customers.search import read_matches
from mca_portal.pages import activity_words, exports
from mca_portal.pages.access import needs
from mca_portal.pages.customers import account_context, account_of, find_customer, person_of
from mca_portal.staff.forms import ActivityFilterForm
from mca_portal.staff.models import Activity
from mca_portal.staff.origin import Way
from mca_portal.staff.roles import Permission, may
from mca_portal.staff.services import note_activity_export

NEWEST_FIRST = ("-at", "-id")
CUSTOMERS_AT_ONCE = 100  # that a search may find: the log is then read by their index


@require_http_methods(["GET", "HEAD"])
@needs(Permission.VIEW_CUSTOMERS)
def customer_activity(request: HttpRequest, customer_id: uuid.UUID) -> HttpResponse:
    """What was done to one customer, newest first; about acceptances only for those who may see them (P1)."""
    customer = find_customer(request, customer_id)
    rows = Activity.objects.visible_to(person_of(request)).filter(customer_id=customer.pk)
    context = account_context(request, customer, "customer_activity") | _shown(request, _page(request, rows))
    return render(request, "activity/of_customer.html", context)


@require_http_methods(["GET", "HEAD"])
@needs(Permission.VIEW_ACTIVITY)
def activity(request: HttpRequest) -> HttpResponse:
    """What was done in the whole account, newest first, by person, topic, customer and days (422 for a filter that is none)."""
    form = ActivityFilterForm(request.GET, by=person_of(request))
    rows = _narrowed(request, form)
    context = {"form": form, "narrowed": any(form.data.get(name) for name in form.fields)}
    if rows is None:
        return render(request, "activity/list.html", context, status=422)
    return render(request, "activity/list.html", context | _shown(request, _page(request, rows)))


@require_http_methods(["POST"])
@needs(Permission.VIEW_ACTIVITY)
def activity_export(request: HttpRequest) -> HttpResponseBase:
    """The part of the log that the filters in the address name, all of it, as CSV. That it was taken away is logged, too."""
    person = person_of(request)
    form = ActivityFilterForm(request.GET, by=person)
    rows = _narrowed(request, form)
    if rows is None:
        return redirect(f"{reverse('activity')}?{request.GET.urlencode()}")
    note_activity_export(by=person, filters=_said(form))
    rows = rows.filter(at__lte=timezone.now())
    header = [
        *(gettext("When"), gettext("Done by"), gettext("Topic"), gettext("Action"), gettext("What was done"), gettext("Customer")),
        *(gettext("Microsoft ID"), gettext("Changes"), gettext("Way"), gettext("Address"), gettext("Request ID"), gettext("Entry")),
    ]
    name = f"activity-{timezone.localdate():%Y-%m-%d}"
    entries = exports.every_row(lambda cursor: read_page(rows, order=NEWEST_FIRST, cursor=cursor, size=exports.BATCH))
    return exports.csv_download(name, header, entries, _cells)


def _narrowed(request: HttpRequest, form: ActivityFilterForm) -> QuerySet[Activity] | None:
    """The rows that the form asks for; None when it asks for what cannot be, which it then says at the field."""
    if not form.is_valid():
        return None
    person, wanted = person_of(request), form.cleaned_data
    rows = Activity.objects.visible_to(person).select_related("actor")
    if wanted["person"]:
        rows = rows.filter(actor=wanted["person"])
    if wanted["topic"]:
        rows = rows.filter(topic=wanted["topic"])
    if wanted["customer"]:
        found = read_matches(Customer.objects.visible_to(person), wanted["customer"], size=CUSTOMERS_AT_ONCE)
        if found.next:
            form.add_error("customer", gettext("Many customers match. Type more of the name or the domain, or the Microsoft ID."))
            return None
        rows = rows.filter(customer_id__in=[customer.pk for customer in found.items])
    if wanted["since"]:
        rows = rows.filter(at__gte=_midnight(request, wanted["since"]))
    if wanted["until"]:
        rows = rows.filter(at__lt=_midnight(request, wanted["until"] + dt.timedelta(days=1)))
    return rows


def _midnight(request: HttpRequest, day: dt.date) -> dt.datetime:
    """The moment at which `day` begins in the account's time zone."""
    return dt.datetime.combine(day, dt.time.min, tzinfo=account_of(request).tz)


def _said(form: ActivityFilterForm) -> dict[str, object]:
    """The filters as the log keeps them."""
    return {name: str(value) for name, value in form.cleaned_data.items() if value}


def _page(request: HttpRequest, rows: QuerySet[Activity]) -> Page:
    """One page of the log. Raises Http404 for a place in it that there is not."""
    try:
        return read_page(rows.select_related("actor"), order=NEWEST_FIRST, cursor=request.GET.get("cursor", ""))
    except BadCursor as error:
        raise Http404("no such place in the log") from error


def _shown(request: HttpRequest, page: Page) -> dict[str, Any]:
    """What the table needs. Addresses of colleagues are shown only to those who see the whole log."""
    for entry in page.items:
        entry.sentence = activity_words.sentence(entry)
        entry.shown_changes = [] if entry.action in activity_words.SAYS_ITS_CHANGE else activity_words.changes_of(entry)
        entry.way_name = Way(entry.way).label
    return {"page": page, "shows_addresses": may(person_of(request), Permission.VIEW_ACTIVITY)}


def _cells(entry: Activity) -> Sequence[Any]:
    """A line of the file."""
    changes = activity_words.changes_of(entry)
    said = (f"{change.label}: {change.old} → {change.new}" if change.old else f"{change.label}: {change.new}" for change in changes)
    return [
        timezone.localtime(entry.at).isoformat(timespec="seconds"),
        str(entry.actor or ""),
        activity_words.topic_name(entry.topic),
        activity_words.action_name(entry),
        activity_words.sentence(entry),
        entry.customer_name,
        str(entry.customer_id or ""),
        "; ".join(said),
        str(Way(entry.way).label),
        entry.address or "",
        entry.request_id,
        entry.pk,
    ]
