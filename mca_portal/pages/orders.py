"""Orders: a new one step by step, with the prompt for the confirmation where it is needed, and those that were placed (F3, F5)."""

import hashlib
import json
import uuid
from typing import Any

from dateutil.relativedelta import relativedelta
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from agreements.errors import AgreementNotApplicable, AgreementNotConfirmed
from agreements.forms import AcceptanceForm
from agreements.models import Acceptance, AgreementTemplate, Via
from customers.errors import NotYoursToTransact
from customers.keyset import BadCursor, Page, read_page
from customers.models import Customer
from mca_portal.pages import drafts
from mca_portal.pages.access import needs
from mca_portal.pages.agreements import tell_of_anothers_confirmation
from mca_portal.pages.customers import account_context, find_customer
from mca_portal.pages.models import Draft
from mca_portal.pages.typed import unchecked
from mca_portal.staff.roles import Permission, may
from orders.errors import EmptyOrder, LineError
from orders.forms import OrderForm
from orders.models import Order, OrderLine
from orders.services import place_order


@require_http_methods(["GET", "HEAD"])
@needs(Permission.VIEW_CUSTOMERS)
def order_list(request: HttpRequest) -> HttpResponse:
    """The account's orders, newest first."""
    rows = Order.objects.visible_to(request.user)
    return render(request, "orders/list.html", {"page": _orders_page(request, rows)})


@require_http_methods(["GET", "HEAD"])
@needs(Permission.VIEW_CUSTOMERS)
def customer_orders(request: HttpRequest, customer_id: uuid.UUID) -> HttpResponse:
    """One customer's orders, newest first."""
    customer = find_customer(request, customer_id)
    rows = Order.objects.visible_to(request.user).filter(customer=customer)
    context = account_context(request, customer, "customer_orders") | {"page": _orders_page(request, rows)}
    return render(request, "orders/of_customer.html", context)


@require_http_methods(["GET", "HEAD"])
@needs(Permission.VIEW_CUSTOMERS)
def order(request: HttpRequest, order_id: uuid.UUID) -> HttpResponse:
    """An order as it was placed; the acceptance that opened the gate only for those who may see acceptances (G5, P1)."""
    rows = Order.objects.visible_to(request.user).select_related("customer", "account", "placed_by", "acceptance__template")
    lines = OrderLine.objects.select_related("offer", "subscription").order_by("number")
    found = get_object_or_404(rows.prefetch_related(Prefetch("lines", lines)), pk=order_id)
    context = {"order": found, "sees_acceptance": may(request.user, Permission.VIEW_ACCEPTANCES)}
    return render(request, "orders/order.html", context)


@require_http_methods(["GET", "HEAD"])
@needs(Permission.PLACE_ORDERS)
def new_order(request: HttpRequest, customer_id: uuid.UUID) -> HttpResponse:
    """Begin an order: a draft with an address of its own. Raises NotYoursToTransact (A2)."""
    customer = _customer(request, customer_id)
    draft = drafts.begin(request.user, Draft.Kind.NEW_ORDER, customer=customer)
    return redirect(_step("new_order_lines", draft))


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Permission.PLACE_ORDERS)
def new_order_lines(request: HttpRequest, customer_id: uuid.UUID, draft_id: uuid.UUID) -> HttpResponse:
    """Step 1: choose offers. Its buttons keep what was typed; Next checks it and goes on to the prompt or to the review."""
    customer, draft = _open(request, customer_id, draft_id)
    if draft.outcome:
        return redirect(draft.outcome)
    if request.method == "POST":
        form = OrderForm(request.POST)
        if (changed := form.pressed()) is not None:
            drafts.keep(draft, order=changed)
            return redirect(_with_query(_step("new_order_lines", draft), form.after_press()))
        drafts.keep(draft, order=form.to_json())
        if form.is_valid():
            return redirect(_step("new_order_review" if _gate_is_open(customer) else "new_order_agreement", draft))
        return redirect(_with_query(_step("new_order_lines", draft), {"check": "1"} | form.after_press()))
    if typed := request.typed:
        drafts.keep(draft, order=OrderForm(typed).to_json())
    check = bool(request.GET.get("check"))
    response = _show_lines(request, customer, draft, OrderForm(kept=draft.data.get("order"), check=check, look=request.GET))
    if check:
        response["Cache-Control"] = "no-store"  # as in `new_customer`: going back shows what was typed to mend it
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Permission.PLACE_ORDERS, Permission.CONFIRM_ACCEPTANCE)
def new_order_agreement(request: HttpRequest, customer_id: uuid.UUID, draft_id: uuid.UUID) -> HttpResponse:
    """The prompt: who accepted and when; then the order goes on where it was, its lines intact (F3)."""
    customer, draft = _open(request, customer_id, draft_id)
    if draft.outcome:
        return redirect(draft.outcome)
    versions = AgreementTemplate.objects.versions_for(customer.account)
    word = versions.word(customer.standing.rank)
    if word.opens_the_gate:  # it was confirmed in another tab, or by somebody else
        tell_of_anothers_confirmation(request, customer)
        return redirect(_step("new_order_review", draft))
    data = request.POST if request.method == "POST" else request.typed
    form = AcceptanceForm(data, customer=customer, versions=versions)
    unchecked(request, form)
    if request.method == "POST" and "fill" in request.POST:
        form = form.with_primary_contact()
    elif request.method == "POST" and form.is_valid():
        try:
            acceptance = form.apply(by=request.user, customer=customer, via=Via.PORTAL)
        except AgreementNotApplicable as error:
            raise Http404("no agreement in this cloud") from error
        if acceptance is not None:
            messages.success(request, gettext("Acceptance is confirmed. Your order is as you left it."))
            return redirect(_step("new_order_review", draft))
    context = _frame(customer, draft, 2, prompt=True) | {"form": form, "word": word}
    return render(
        request, "orders/agreement.html", context, status=422 if request.method == "POST" and form.is_bound and form.errors else 200
    )


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Permission.PLACE_ORDERS)
def new_order_review(request: HttpRequest, customer_id: uuid.UUID, draft_id: uuid.UUID) -> HttpResponse:
    """Step 2: check and place. Placing twice makes one order; when the gate was shut meanwhile the prompt comes (G4, F3)."""
    customer, draft = _open(request, customer_id, draft_id)
    if draft.outcome:
        return redirect(draft.outcome)
    form = OrderForm.of_draft(draft.data.get("order"))
    if not form.is_valid():
        return redirect(_with_query(_step("new_order_lines", draft), {"check": "1"}))
    shown = _fingerprint(draft)
    if request.method == "POST":
        if request.POST.get("shown") == shown:
            return _place(request, customer, draft, form)
        messages.warning(request, gettext("This order was changed in another tab. Check it once more and place it then."))
        return redirect(_step("new_order_review", draft))
    if not _gate_is_open(customer):
        return redirect(_step("new_order_agreement", draft))
    today = customer.account.local_today()
    context = _frame(customer, draft, 2) | {
        "form": form,
        "shown": shown,
        "lines": _kept_lines(form),
        "cycle": dict(form.fields["billing_cycle"].choices)[form.cleaned_data["billing_cycle"]],
        "starts_on": today,
        "ends_on": today + relativedelta(years=1),
        "acceptance": Acceptance.objects.select_related("template").filter(pk=customer.standing.acceptance_id).first(),
    }
    return render(request, "orders/review.html", context)


def _place(request: HttpRequest, customer: Customer, draft: Draft, form: OrderForm) -> HttpResponse:
    """Place the order of the draft and show it, or go to the step that can mend what stopped it."""
    wanted = form.order()

    def action() -> str:
        placed = place_order(by=request.user, customer=customer, lines=wanted.lines, billing_cycle=wanted.billing_cycle)
        messages.success(
            request,
            gettext("Order %(number)s for %(customer)s is placed.") % {"number": placed.number, "customer": customer.company_name},
        )
        return reverse("order", kwargs={"order_id": placed.pk})

    try:
        return redirect(drafts.submit(draft, action))
    except AgreementNotConfirmed:
        messages.warning(request, gettext("The order was not placed: acceptance is no longer confirmed. Your order is kept as it is."))
        return redirect(_step("new_order_agreement", draft))
    except (EmptyOrder, LineError) as error:
        form.add_service_error(error)
    except ValidationError as error:
        form.add_error(None, error.messages)
    return _show_lines(request, customer, draft, form, status=422)


def _customer(request: HttpRequest, customer_id: uuid.UUID) -> Customer:
    """The customer to order for. Raises Http404 (A5), NotYoursToTransact (A2)."""
    customer = find_customer(request, customer_id)
    if not customer.account.transacts:
        raise NotYoursToTransact
    return customer


def _open(request: HttpRequest, customer_id: uuid.UUID, draft_id: uuid.UUID) -> tuple[Customer, Draft]:
    """The customer and the person's own draft of an order for it. Raises Http404, NotYoursToTransact."""
    customer = _customer(request, customer_id)
    return customer, drafts.open_draft(request.user, Draft.Kind.NEW_ORDER, draft_id, customer=customer)


def _gate_is_open(customer: Customer) -> bool:
    return AgreementTemplate.objects.versions_for(customer.account).word(customer.standing.rank).opens_the_gate


def _show_lines(request: HttpRequest, customer: Customer, draft: Draft, form: OrderForm, *, status: int = 200) -> HttpResponse:
    context = _frame(customer, draft, 1, prompt=not _gate_is_open(customer)) | {"order_form": form}
    return render(request, "orders/lines.html", context, status=status)


def _frame(customer: Customer, draft: Draft, current: int, *, prompt: bool = False) -> dict[str, Any]:
    """What every step shows: the customer, the stepper (with the prompt as a step of its own), the draft's lines."""
    names = [gettext("Offers"), *([gettext("Confirm acceptance")] if prompt else []), gettext("Review"), gettext("Confirmation")]
    return {
        "customer": customer,
        "draft": draft,
        "steps": names,
        "current": current,
        "kept": _kept_lines(OrderForm(kept=draft.data.get("order"))),
        "lines_url": _step("new_order_lines", draft),
    }


def _kept_lines(form: OrderForm) -> list[dict[str, Any]]:
    """The draft's lines for reading: offer, quantity and name as typed."""
    return [{"offer": line.offer, "quantity": line.quantity.value(), "name": line.name.value()} for line in form.lines]


def _step(route: str, draft: Draft) -> str:
    return reverse(route, kwargs={"customer_id": draft.customer_id, "draft_id": draft.pk})


def _with_query(address: str, query: dict[str, str]) -> str:
    return f"{address}?{urlencode(query)}" if query else address


def _fingerprint(draft: Draft) -> str:
    """A short word for exactly these lines, so that nobody places lines that they were not shown."""
    return hashlib.sha256(json.dumps(draft.data.get("order"), sort_keys=True).encode()).hexdigest()[:16]


def _orders_page(request: HttpRequest, rows: Any) -> Page:
    """One page of orders with what their rows show, and no more. Raises Http404 for a broken cursor."""
    lines = OrderLine.objects.select_related("offer").only("order", "quantity", "offer__name", "offer__billing").order_by("number")
    rows = rows.select_related("customer", "placed_by").prefetch_related(Prefetch("lines", lines))
    rows = rows.only("placed_at", "customer__company_name", "placed_by__first_name", "placed_by__last_name")
    try:
        return read_page(rows, order=("-placed_at", "-id"), cursor=request.GET.get("cursor", ""))
    except BadCursor as error:
        raise Http404("no such place in the list") from error
