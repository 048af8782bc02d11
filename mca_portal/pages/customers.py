"""Customers: the list, one customer's account info, and changes of its company and primary contact (C1–C3, F4)."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from agreements.models import Acceptance, AgreementTemplate, Standing, StandingCount
from agreements.standing import StandingWord, Versions
from customers.errors import StaleCustomer
from customers.forms import CompanyForm, ContactForm, both_valid
from customers.keyset import BadCursor, Page, read_page
from customers.models import Customer
from customers.search import read_matches
from customers.services import note_customer_export, update_customer
from customers.validators import DOMAIN_SUFFIX, validate_domain
from mca_portal.pages import exports, formatting
from mca_portal.pages.access import needs
from mca_portal.pages.middleware import PortalRequest
from mca_portal.pages.typed import unchecked
from mca_portal.staff.models import PartnerAccount, StaffMember
from mca_portal.staff.roles import Permission, may, require
from orders.models import Subscription

FILTERS = (StandingWord.NOT_CONFIRMED, StandingWord.REQUIRED, StandingWord.DUE, StandingWord.CONFIRMED)
# What the list shows of a customer. Thirty rows with all columns of theirs and of their acceptances take half as long again.
LISTED = ("company_name", "domain", "country")
LANGUAGE_CHOICES = dict(Customer._meta.get_field("language").choices or [])


def person_of(request: HttpRequest) -> StaffMember:
    """Whoever is signed in: `needs` has let nobody else through."""
    assert isinstance(request.user, StaffMember)
    return request.user


def account_of(request: HttpRequest) -> PartnerAccount:
    """The partner account of whoever is signed in: nobody without one holds a permission (`staff.roles.may`)."""
    account = person_of(request).account
    assert account is not None
    return account


def find_customer(request: PortalRequest, customer_id: uuid.UUID) -> Customer:
    """The customer with its account and standing. Raises Http404 for another account's (A5)."""
    customer = get_object_or_404(Customer.objects.visible_to(person_of(request)).select_related("standing"), pk=customer_id)
    customer.account = account_of(request)
    return customer


def account_context(request: PortalRequest, customer: Customer, tab: str, versions: Versions | None = None) -> dict[str, Any]:
    """What `customers/account_base.html` needs. `tab`: "customer", "subscriptions", "customer_orders" or "customer_activity" (route names).

    `versions`: the account's, where the page has asked for them already. In the context `standing` and `versions` are None for those who
    may not see acceptances; `gate_open` says whether orders pass (G1, A3).
    """
    versions = versions or AgreementTemplate.objects.versions_for(customer.account)
    word = versions.word(customer.standing.rank)
    sees = may(person_of(request), Permission.VIEW_ACCEPTANCES)
    orders = customer.account.transacts and may(person_of(request), Permission.PLACE_ORDERS)
    labels = {
        "customer": gettext("Account info"),
        "subscriptions": gettext("Subscriptions"),
        "customer_orders": gettext("Orders"),
        "customer_activity": gettext("Activity"),
    }
    return {
        "customer": customer,
        "account": customer.account,
        "versions": versions if sees else None,
        "standing": word if sees else None,
        "gate_open": word.opens_the_gate,
        "new_order_url": reverse("new_order", kwargs={"customer_id": customer.pk}) if orders else "",
        "tabs": [
            {"url": reverse(name, kwargs={"customer_id": customer.pk}), "label": label, "current": name == tab, "count": None}
            for name, label in labels.items()
        ],
    }


def agreement_context(request: PortalRequest, customer: Customer, context: dict[str, Any]) -> dict[str, Any]:
    """What the agreement section adds to `account_context`: the record in force, the history, and what the person may do (F4)."""
    if not may(person_of(request), Permission.VIEW_ACCEPTANCES):
        return {}
    account = customer.account
    versions: Versions = context["versions"]
    history = list(Acceptance.objects.visible_to(person_of(request)).filter(customer=customer).history())
    return {
        "acceptance": next((record for record in history if record.pk == customer.standing.acceptance_id), None),
        "history": history,
        "due_on": versions.due_on(customer.standing.rank),
        "may_confirm": account.agreement_applies and account.transacts and may(person_of(request), Permission.CONFIRM_ACCEPTANCE),
        "may_withdraw": account.transacts and may(person_of(request), Permission.WITHDRAW_ACCEPTANCE),
    }


@require_http_methods(["GET", "HEAD"])
@needs(Permission.VIEW_CUSTOMERS)
def customer_list(request: PortalRequest) -> HttpResponse:
    """Find customers by name, domain or Microsoft ID, and narrow them to one standing (C2, C3). 404 for a filter or cursor that is none."""
    person, account = person_of(request), account_of(request)
    search = request.GET.get("q", "").strip()
    wanted = _wanted_standing(request)
    rows = Customer.objects.visible_to(person).select_related("standing__acceptance")
    rows = rows.only(*LISTED, "name_key", "standing__rank", "standing__acceptance__agreed_on")
    sees = may(person, Permission.VIEW_ACCEPTANCES)
    versions = AgreementTemplate.objects.versions_for(account) if sees else None
    ranks = versions.ranks(wanted) if versions and wanted else None
    cursor = request.GET.get("cursor", "")
    try:
        if search:
            only = Q() if ranks is None else Q(standing__rank__in=ranks)
            page = read_matches(rows, search, only=only, cursor=cursor)
        elif ranks is None:
            page = read_page(rows, order=("name_key", "id"), cursor=cursor)
        else:
            standings = Standing.objects.filter(account=account).select_related("customer", "acceptance")
            standings = standings.only("rank", "name_key", "acceptance__agreed_on", *(f"customer__{name}" for name in LISTED))
            each = [standings.filter(rank=rank) for rank in ranks]  # in order by index, however many there are of each
            found = read_page(each, order=("name_key", "customer_id"), cursor=cursor)
            page = Page([standing.customer for standing in found.items], found.next, found.previous)
    except BadCursor as error:
        raise Http404("no such place in the list") from error
    subscriptions = Subscription.objects.filter(customer__in=page.items).order_by().values_list("customer").annotate(number=Count("pk"))
    how_many = dict(subscriptions)
    for customer in page.items:
        customer.word = versions.word(customer.standing.rank) if versions else None
        customer.subscription_count = how_many.get(customer.pk, 0)
    counts = {} if search else _counts(versions, account)
    context = {
        "page": page,
        "search": search,
        "wanted": wanted,
        "total": len(page.items) if search else counts.get(wanted, 0) if wanted else sum(counts.values()),
        "and_more": bool(search and (page.next or page.previous)),
        "shows_standing": sees,
        "tabs": _standing_tabs(request, counts, wanted) if versions and versions.applies else [],
        "may_create": account.transacts and may(person, Permission.EDIT_CUSTOMERS),
        "may_confirm": account.agreement_applies and account.transacts and may(person, Permission.CONFIRM_ACCEPTANCE),
        "asks": (StandingWord.NOT_CONFIRMED, StandingWord.REQUIRED, StandingWord.DUE),
        "may_export": may(person, Permission.EXPORT_CUSTOMERS),
        "may_import": account.agreement_applies and account.transacts and may(person, Permission.IMPORT_ACCEPTANCES),
    }
    return render(request, "customers/list.html", context)


@require_http_methods(["POST"])
@needs(Permission.EXPORT_CUSTOMERS)
def customer_export(request: PortalRequest) -> HttpResponseBase:
    """The customers that the list shows for the search and the standing in the address, all of them, as CSV. It is logged.

    What concerns acceptances is left out for those who may not see them (P1). 404 for a standing that is none.
    """
    person, account = person_of(request), account_of(request)
    search = request.GET.get("q", "").strip()
    wanted = _wanted_standing(request)
    sees = may(person, Permission.VIEW_ACCEPTANCES)
    versions = AgreementTemplate.objects.versions_for(account)
    only = Q(standing__rank__in=versions.ranks(wanted)) if wanted else Q()
    note_customer_export(by=person, filters={n: v for n, v in (("search", search), ("standing", wanted and wanted.value)) if v})
    rows = Customer.objects.visible_to(person).select_related("standing__acceptance__template", "standing__acceptance__recorded_by")

    def page(cursor: str) -> Page:
        if search:
            return read_matches(rows, search, only=only, cursor=cursor, size=exports.BATCH)
        return read_page(rows.filter(only), order=("domain",), cursor=cursor, size=exports.BATCH)  # a domain never changes

    def cells(customer: Customer) -> list[Any]:
        first = [customer.pk, customer.company_name, customer.domain, formatting.country(customer.country.code)]
        contact = [customer.contact_name, customer.contact_email, formatting.phone(customer.contact_phone)]
        return first + contact + (_acceptance_cells(customer, versions) if sees else [])

    header = [
        *(gettext("Microsoft ID"), gettext("Company name"), gettext("Primary domain"), gettext("Country/region")),
        *(gettext("Primary contact"), gettext("Contact’s email address"), gettext("Contact’s phone number")),
    ]
    if sees:
        header += [
            *(gettext("Microsoft customer agreement"), gettext("Version"), gettext("Accepted on"), gettext("Accepted by")),
            *(gettext("Email address"), gettext("Phone number"), gettext("Recorded by"), gettext("Recorded at"), gettext("Way")),
        ]
    return exports.csv_download(f"customers-{timezone.localdate():%Y-%m-%d}", header, exports.every_row(page), cells)


def _acceptance_cells(customer: Customer, versions: Versions) -> list[Any]:
    """Where a customer stands, and the record in force."""
    standing = [versions.word(customer.standing.rank).label]
    record = customer.standing.acceptance
    if record is None:
        return standing + [""] * 8
    return [
        *standing,
        *(record.template.version, record.agreed_on.isoformat(), record.name, record.email, formatting.phone(record.phone)),
        *(str(record.recorded_by), timezone.localtime(record.recorded_at).isoformat(timespec="seconds"), record.get_via_display()),
    ]


@require_http_methods(["GET", "HEAD"])
@needs(Permission.VIEW_CUSTOMERS)
def customer(request: PortalRequest, customer_id: uuid.UUID) -> HttpResponse:
    """Account info: where the customer stands with the agreement and why, the records, the company and the primary contact (F4)."""
    return account_page(request, find_customer(request, customer_id))


def account_page(
    request: PortalRequest, customer: Customer, *, versions: Versions | None = None, status: int = 200, **more: Any
) -> HttpResponse:
    """Show account info; `more` goes to the template, such as `form` for the agreement section turned into its form."""
    context = account_context(request, customer, "customer", versions)
    context |= agreement_context(request, customer, context)
    context |= {
        "shown_at": timezone.now(),
        "language_name": LANGUAGE_CHOICES.get(customer.language, customer.language),
        "may_edit": may(person_of(request), Permission.EDIT_CUSTOMERS),
    }
    return render(request, "customers/account.html", context | more, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Permission.EDIT_CUSTOMERS)
def customer_edit(request: PortalRequest, customer_id: uuid.UUID) -> HttpResponse:
    """Change company and primary contact. When somebody else saved first, nothing typed is lost and nothing of theirs either (C1)."""
    customer = find_customer(request, customer_id)
    data = request.POST if request.method == "POST" else request.typed  # even a form with nothing in it was sent
    saved = _as_typed(customer)
    company = CompanyForm(data, account=customer.account, new=False, initial=saved)
    contact = ContactForm(data, initial=saved)
    unchecked(request, company, contact)
    seen = _number(data.get("version", "")) if data is not None else customer.version
    stale = False
    if request.method == "POST" and both_valid(company, contact, customer=customer):
        try:
            update_customer(by=person_of(request), customer=customer, version=seen, details=company.details() | contact.details())
        except StaleCustomer as error:
            customer, stale = error.customer, True
        except ValidationError as error:
            company.add_service_errors(error)
            contact.add_service_errors(error)
        else:
            messages.success(request, gettext("The changes to %(customer)s are saved.") % {"customer": company.details()["company_name"]})
            return redirect("customer", customer_id=customer.pk)
    elif request.method == "POST":
        stale = seen != customer.version
    context = {
        "customer": customer,
        "company": company,
        "contact": contact,
        "stale": stale,
        "version": customer.version if stale else seen,
        "differences": _differences(customer, [company, contact]) if stale else [],
        "has_errors": stale or bool(company.errors or contact.errors),
    }
    return render(request, "customers/edit.html", context, status=422 if request.method == "POST" else 200)


@require_http_methods(["POST"])
@needs(Permission.EDIT_CUSTOMERS)
def address_fields(request: PortalRequest) -> HttpResponse:
    """The address part of the form for the country just chosen, with what was typed and nothing checked yet. Writes nothing.

    A POST, so that an address that somebody types does not end up in logs.
    """
    typed = {name: request.POST[name] for name in CompanyForm.base_fields if name in request.POST}
    form = CompanyForm(account=account_of(request), initial=typed)
    return render(request, "customers/_address_fields.html", {"form": form})


@require_http_methods(["GET", "HEAD"])
@needs(Permission.EDIT_CUSTOMERS)
def domain_check(request: PortalRequest) -> HttpResponse:
    """One sentence about `?domain_prefix=`: free, taken, or not a domain. An aid while typing; saving asks again (C1)."""
    prefix = request.GET.get("domain_prefix", "").strip().lower().removesuffix(DOMAIN_SUFFIX)
    domain = prefix + DOMAIN_SUFFIX
    hint = state = ""
    if prefix:
        try:
            validate_domain(domain)
        except ValidationError as error:
            state, hint = "malformed", error.messages[0]
        else:
            state = "taken" if Customer.objects.filter(domain=domain).exists() else "free"
    return render(request, "customers/_domain_state.html", {"state": state, "domain": domain, "hint": hint})


def _wanted_standing(request: PortalRequest) -> StandingWord | None:
    """The standing in the address; None for all. Raises Http404, and NotAllowed for those who may not see acceptances."""
    word = request.GET.get("standing", "")
    if not word:
        return None
    require(person_of(request), Permission.VIEW_ACCEPTANCES)
    try:
        return StandingWord(word)
    except ValueError as error:
        raise Http404("no such standing") from error


def _counts(versions: Versions | None, account: PartnerAccount) -> dict[StandingWord | None, int]:
    """How many customers have each standing; all under None where standings are not shown."""
    counts: dict[StandingWord | None, int] = {}
    for rank, number in StandingCount.objects.by_rank(account.pk).items():
        word = versions.word(rank) if versions else None
        counts[word] = counts.get(word, 0) + number
    return counts


def _standing_tabs(request: PortalRequest, counts: dict[StandingWord | None, int], wanted: StandingWord | None) -> list[dict[str, Any]]:
    """The filters; with numbers unless the list is narrowed by a search, whose matches nobody counts (`counts` is empty then)."""
    searched = bool(request.GET.get("q", "").strip())

    def number(of: int) -> int | None:
        return None if searched else of

    def url(word: StandingWord | None) -> str:
        query = request.GET.copy()
        query.pop("cursor", None)
        query.pop("standing", None)
        if word:
            query["standing"] = word.value
        return f"?{query.urlencode()}"

    return [
        {"url": url(None), "label": gettext("All"), "current": wanted is None, "count": number(sum(counts.values()))},
        *({"url": url(word), "label": word.label, "current": wanted == word, "count": number(counts.get(word, 0))} for word in FILTERS),
    ]


def _number(text: str) -> int:
    """A version as the form sent it; one that never was for anything else, so that it counts as outdated."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _as_typed(customer: Customer) -> dict[str, str]:
    """What is saved, as somebody would type it."""
    saved = {name: str(getattr(customer, name)) for name in (*Customer.COMPANY_FIELDS, *Customer.CONTACT_FIELDS)}
    return saved | {"contact_phone": formatting.phone(customer.contact_phone)}


def _differences(customer: Customer, forms: list[Any]) -> list[dict[str, str]]:
    """The fields in which what was typed differs from what is saved now: label and saved value."""
    found = []
    now = _as_typed(customer)
    for form in forms:
        for field in form:
            saved = now[field.name]
            if str(field.value() or "") != saved:
                shown = dict(field.field.choices).get(saved, saved) if hasattr(field.field, "choices") else saved
                found.append({"label": field.label, "now": shown})
    return found
