"""How are many confirmations recorded at once? A CSV file, a preview in which nothing is written yet, and what came of it (R1, R4).

The rows wait in a draft, so that the preview can be left, come back to, and submitted twice without recording anything twice.
"""

import uuid
from collections import Counter
from collections.abc import Callable
from functools import wraps
from itertools import chain
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from agreements.bulk_import import COLUMNS, MAX_ROWS, ImportFileForm, Row, RowState, check_rows
from agreements.errors import NewerTemplate
from agreements.models import AgreementTemplate, Standing
from agreements.services import import_acceptances
from agreements.standing import StandingWord, Versions
from customers.errors import NotYoursToTransact
from customers.services import note_customer_export
from mca_portal.pages import drafts, errors, exports
from mca_portal.pages.access import needs
from mca_portal.pages.customers import account_of, person_of
from mca_portal.pages.middleware import PortalRequest
from mca_portal.pages.models import Draft
from mca_portal.staff.roles import Permission

KIND = Draft.Kind.BULK_IMPORT
ROWS_SHOWN = 100  # on one page
TO_CONFIRM = (StandingWord.NOT_CONFIRMED, StandingWord.REQUIRED, StandingWord.DUE)


def importing(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Decorate a view: for whoever may import, in an account that confirms acceptance (A2); 404 where there is no agreement (A3)."""

    @needs(Permission.VIEW_ACCEPTANCES, Permission.CONFIRM_ACCEPTANCE, Permission.IMPORT_ACCEPTANCES)
    @wraps(view)
    def guarded(request: PortalRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        account = account_of(request)
        if not account.agreement_applies:
            return errors.page_not_found(request)
        if not account.transacts:
            raise NotYoursToTransact
        return view(request, *args, **kwargs)

    return guarded


@require_http_methods(["GET", "HEAD", "POST"])
@importing
def upload(request: PortalRequest) -> HttpResponse:
    """Step 1: choose the file. Its rows are kept in a draft of the person's own."""
    country = str(account_of(request).country)
    form = ImportFileForm(country=country)
    if request.method == "POST":
        form = ImportFileForm(request.POST, request.FILES, country=country)
        if form.is_valid():
            name = request.FILES["file"].name or ""
            draft = drafts.begin(person_of(request), KIND, data={"name": name[:100], "rows": form.cleaned_data["file"]})
            return redirect("import_preview", draft_id=draft.pk)
    context = _frame(1) | {"form": form, "columns": _columns()}
    return render(request, "bulk_import/upload.html", context, status=422 if request.method == "POST" else 200)


@require_http_methods(["POST"])
@importing
def template(request: PortalRequest) -> HttpResponseBase:
    """A file to fill in: the customers whose acceptance is to be confirmed, those without any first, as many as one file takes. Logged."""
    account, versions = account_of(request), _versions(request)
    standings = Standing.objects.filter(account=account).select_related("customer")
    wanted = (
        standings.filter(rank=rank).order_by("name_key", "customer_id")[:MAX_ROWS] for word in TO_CONFIRM for rank in versions.ranks(word)
    )
    note_customer_export(by=person_of(request), filters={"standing": [word.value for word in TO_CONFIRM]})
    rows = [standing.customer for standing in chain.from_iterable(wanted)][:MAX_ROWS]
    name = f"confirmations-{timezone.localdate():%Y-%m-%d}"
    return exports.csv_download(name, ["company_name", *COLUMNS], rows, lambda customer: [customer.company_name, customer.pk, *[""] * 5])


@require_http_methods(["GET", "HEAD", "POST"])
@importing
def preview(request: PortalRequest, draft_id: uuid.UUID) -> HttpResponse:
    """Step 2: every row and what is wrong with it; nothing is written until somebody says that these customers have accepted."""
    draft = drafts.open_draft(person_of(request), KIND, draft_id)
    if draft.outcome:
        return redirect(draft.outcome)
    versions = _versions(request)
    rows = check_rows(draft.data["rows"], by=person_of(request), versions=versions)
    problem = ""
    if request.method == "POST":
        problem = _why_not(request, versions)
        if not problem and any(row.state == RowState.READY for row in rows):
            try:
                return redirect(drafts.submit(draft, lambda: _record(request, draft, rows, versions.latest.pk)))
            except NewerTemplate as error:
                problem = _newer(error.latest)
                versions = _versions(request)
    numbers = Counter(row.state for row in rows)
    shown = _wanted(request, numbers)
    page = Paginator([row for row in rows if shown is None or row.state == shown], ROWS_SHOWN).get_page(request.GET.get("page"))
    context = _frame(2) | {
        "draft": draft,
        "name": draft.data["name"],
        "uploaded_at": draft.begun_at,
        "total": len(rows),
        "errors": numbers[RowState.ERROR],
        "recorded": numbers[RowState.RECORDED],
        "ready": numbers[RowState.READY],
        "shown": shown,
        "tabs": [
            {"url": "?show=all", "label": gettext("All"), "current": shown is None, "count": len(rows)},
            *({"url": f"?show={s.value}", "label": s.label, "current": shown == s, "count": numbers[s]} for s in RowState),
        ],
        "page": page,
        "latest": versions.latest,
        "problem": problem,
        "previous_url": f"?show={shown or 'all'}&page={page.previous_page_number()}" if page.has_previous() else "",
        "next_url": f"?show={shown or 'all'}&page={page.next_page_number()}" if page.has_next() else "",
    }
    return render(request, "bulk_import/preview.html", context, status=422 if problem else 200)


@require_http_methods(["GET", "HEAD"])
@importing
def rows_with_errors(request: PortalRequest, draft_id: uuid.UUID) -> HttpResponseBase:
    """The rows that cannot be recorded as a file to correct, each with what is wrong; the same file can be uploaded again."""
    draft = drafts.open_draft(person_of(request), KIND, draft_id)
    kept = draft.data["rows"]
    wrong = [row for row in check_rows(kept, by=person_of(request), versions=_versions(request)) if row.state == RowState.ERROR]
    return exports.csv_download("rows-with-errors", [*COLUMNS, "error"], wrong, _with_errors)


@require_http_methods(["GET", "HEAD"])
@importing
def result(request: PortalRequest, draft_id: uuid.UUID) -> HttpResponse:
    """Step 3: how many were recorded, and what is left to do."""
    draft = drafts.open_draft(person_of(request), KIND, draft_id)
    if not draft.outcome:
        return redirect("import_preview", draft_id=draft.pk)
    context = _frame(3) | {"draft": draft, "name": draft.data["name"]} | draft.data["result"]
    return render(request, "bulk_import/result.html", context)


def _frame(current: int) -> dict[str, Any]:
    return {"steps": [gettext("File"), gettext("Preview"), gettext("Result")], "current": current}


def _columns() -> list[tuple[str, str, str]]:
    """Each column with what it means and an example."""
    return [
        ("customer_id", gettext("Microsoft ID of the customer"), "4d9a6f10-2c8e-4f6b-8a3d-91b7c5e20f48"),
        ("first_name", gettext("First name"), "Megan"),
        ("last_name", gettext("Last name"), "Bowen"),
        ("email", gettext("Email address"), "megan.bowen@northwind.example"),
        ("phone", gettext("Phone number, optional"), "+82 51 555 0188"),
        ("date_agreed", gettext("Agreement acceptance date, today or earlier"), "2026-11-19"),
    ]


def _with_errors(row: Row) -> list[str]:
    return [*row.said.values(), " ".join(f"{column}: {message}" if column else message for column, message in row.errors)]


def _versions(request: PortalRequest) -> Versions:
    return AgreementTemplate.objects.versions_for(account_of(request))


def _why_not(request: PortalRequest, versions: Versions) -> str:
    """Why nothing is recorded yet: the box is not ticked, or another version was shown (V5); else empty."""
    if request.POST.get("template_id") != str(versions.latest.pk):
        return _newer(versions.latest)
    return "" if request.POST.get("attest") else gettext("Tick the box if each of these customers has accepted the agreement.")


def _newer(latest: AgreementTemplate) -> str:
    said = gettext(
        "A newer version of the agreement, %(name)s, was published meanwhile. Check that the customers accepted it, and record again."
    )
    return said % {"name": latest.version}


def _record(request: PortalRequest, draft: Draft, rows: list[Row], shown: uuid.UUID) -> str:
    """Record the rows that are ready; one that a colleague recorded meanwhile is left as it is (R4). Raises NewerTemplate (V5)."""
    numbers = Counter(row.state for row in rows)
    ready = [(row.customer, row.person, row.form.cleaned_data["agreed_on"]) for row in rows if row.state == RowState.READY]
    recorded = len(import_acceptances(by=person_of(request), rows=ready, template_id=shown))
    already = numbers[RowState.RECORDED] + numbers[RowState.READY] - recorded
    drafts.keep(draft, result={"recorded": recorded, "already": already, "errors": numbers[RowState.ERROR]})
    return reverse("import_result", kwargs={"draft_id": draft.pk})


def _wanted(request: PortalRequest, numbers: Counter[RowState]) -> RowState | None:
    """Which rows the page shows: those that the address names; else those with errors, where there are any."""
    wanted = request.GET.get("show", "")
    if wanted in RowState:
        return RowState(wanted)
    return RowState.ERROR if not wanted and numbers[RowState.ERROR] else None
