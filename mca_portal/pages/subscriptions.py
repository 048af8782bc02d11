"""Subscriptions of a customer: license counts and the prompt before they change; status, name, renewal, history (F3, F5)."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from agreements.errors import AgreementNotApplicable, AgreementNotConfirmed
from agreements.forms import AcceptanceForm
from agreements.models import AgreementTemplate, Via
from customers.errors import NotYoursToTransact
from customers.keyset import BadCursor, read_page
from customers.models import Customer
from mca_portal.pages import formatting
from mca_portal.pages.access import needs
from mca_portal.pages.agreements import tell_of_anothers_confirmation
from mca_portal.pages.customers import account_context, find_customer
from mca_portal.pages.typed import unchecked
from mca_portal.staff.names import display_name
from mca_portal.staff.roles import Permission, may, require
from orders.errors import NotLicenseBased, QuantityOutOfRange, StaleSubscription, SubscriptionSuspended
from orders.forms import LicenseCountForm, SubscriptionNameForm, bounds_message, stepped
from orders.models import LicenseChange, Status, StatusChange, Subscription
from orders.services import change_license_count, rename_subscription, set_auto_renew, set_status


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Permission.VIEW_CUSTOMERS)
def subscription_list(request: HttpRequest, customer_id: uuid.UUID) -> HttpResponse:
    """A customer's subscriptions, newest first; a POST saves or steps the license count of one of them.

    `?change=` and `?quantity=`: a subscription and a number for it that is not saved yet.
    """
    customer = find_customer(request, customer_id)
    form = None
    if request.method == "POST":
        found = _find(request, customer, _uuid(request.POST.get("subscription", "")))
        answer = _save_count(request, found, _here(request))
        if isinstance(answer, HttpResponse):
            return answer
        form = answer
    rows = Subscription.objects.visible_to(request.user).filter(customer=customer).select_related("offer", "order")
    try:
        page = read_page(rows, order=("-created_at", "-id"), cursor=request.GET.get("cursor", ""))
    except BadCursor as error:
        raise Http404("no such place in the list") from error
    context = account_context(request, customer, "subscriptions")
    may_change = _may_change(request, customer)
    context |= {
        "page": page,
        "may_change": may_change,
        "form": form,
        "rows": [{"subscription": row, "form": _row_form(request, row, form) if may_change else None} for row in page.items],
    }
    return render(request, "subscriptions/list.html", context, status=422 if form else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Permission.VIEW_CUSTOMERS)
def subscription(request: HttpRequest, customer_id: uuid.UUID, subscription_id: uuid.UUID) -> HttpResponse:
    """One subscription with its history; a POST saves or steps its license count."""
    customer = find_customer(request, customer_id)
    found = _find(request, customer, subscription_id)
    form = None
    if request.method == "POST":
        answer = _save_count(request, found, request.path)
        if isinstance(answer, HttpResponse):
            return answer
        form = answer
    return _subscription_page(request, customer, found, form=form)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Permission.PLACE_ORDERS, Permission.CONFIRM_ACCEPTANCE)
def license_agreement(request: HttpRequest, customer_id: uuid.UUID, subscription_id: uuid.UUID) -> HttpResponse:
    """The prompt when a license count is changed and the gate is shut: confirm, and the change goes on (F3). `?quantity=`: the new count.

    Raises NotYoursToTransact (A2).
    """
    customer = find_customer(request, customer_id)
    found = _find(request, customer, subscription_id)
    if not customer.account.transacts:
        raise NotYoursToTransact
    back = reverse("subscriptions", kwargs={"customer_id": customer.pk})
    versions = AgreementTemplate.objects.versions_for(customer.account)
    word = versions.word(customer.standing.rank)
    if not found.offer.is_license_based or not found.is_active:
        return _refused(request, found, back)
    data = request.POST if request.method == "POST" else request.typed
    typed = request.GET.get("quantity", "")[:40] or str(found.quantity)
    count = LicenseCountForm(data, subscription=found, typed=typed)
    form = AcceptanceForm(data, customer=customer, versions=versions)
    unchecked(request, count, form)
    if word.opens_the_gate:  # it was confirmed in another tab, or by somebody else, or this is the second click
        tell_of_anothers_confirmation(request, customer)
        if request.method == "POST" and "step" not in request.POST and "fill" not in request.POST and count.is_valid():
            return _change(request, found, count, back) or redirect(_unsaved(back, found, str(count["quantity"].value())))
        return redirect(_unsaved(back, found, str(count["quantity"].value())))
    if request.method == "POST" and ("fill" in request.POST or "step" in request.POST):
        number = request.POST.get("quantity", "")
        if "step" in request.POST:
            number = stepped(number, request.POST["step"], found.offer)
        count = LicenseCountForm(subscription=found, typed=number)
        form = form.with_primary_contact() if "fill" in request.POST else form.as_typed()
    elif request.method == "POST" and all([form.is_valid(), count.is_valid()]):
        try:
            acceptance = form.apply(by=request.user, customer=customer, via=Via.PORTAL)
        except AgreementNotApplicable as error:
            raise Http404("no agreement in this cloud") from error
        if acceptance is not None:
            messages.success(request, gettext("Acceptance is confirmed."))
            return _change(request, found, count, back) or redirect(_unsaved(back, found, str(count["quantity"].value())))
    context = {
        "customer": customer,
        "subscription": found,
        "form": form,
        "count": count,
        "word": word,
        "back": back,
        "has_errors": bool((form.is_bound and form.errors) or (count.is_bound and count.errors)),
    }
    return render(
        request, "subscriptions/agreement.html", context, status=422 if request.method == "POST" and context["has_errors"] else 200
    )


@require_http_methods(["POST"])
@needs(Permission.PLACE_ORDERS)
def subscription_status(request: HttpRequest, customer_id: uuid.UUID, subscription_id: uuid.UUID) -> HttpResponse:
    """Suspend or reactivate; never gated (G3). Raises NotYoursToTransact (A2)."""
    found = _find(request, find_customer(request, customer_id), subscription_id)
    wanted = request.POST.get("status", "")
    if wanted not in Status.values:
        raise Http404("no such status")
    try:
        set_status(by=request.user, subscription=found, status=Status(wanted), version=_version(request))
    except StaleSubscription as error:
        messages.warning(request, _what_it_is_now(error.subscription))
    else:
        words = gettext("%(name)s is suspended.") if wanted == Status.SUSPENDED else gettext("%(name)s is active.")
        messages.success(request, words % {"name": found.friendly_name})
    return _to_page(found)


@require_http_methods(["POST"])
@needs(Permission.PLACE_ORDERS)
def subscription_name(request: HttpRequest, customer_id: uuid.UUID, subscription_id: uuid.UUID) -> HttpResponse:
    """Rename; never gated (G3). Raises NotYoursToTransact (A2)."""
    customer = find_customer(request, customer_id)
    found = _find(request, customer, subscription_id)
    form = SubscriptionNameForm(request.POST)
    if form.is_valid():
        name, version = form.cleaned_data["friendly_name"], form.cleaned_data["version"]
        try:
            renamed = rename_subscription(by=request.user, subscription=found, friendly_name=name, version=version)
        except StaleSubscription as error:
            messages.warning(request, _what_it_is_now(error.subscription))
            found = _find(request, customer, subscription_id)
            form = SubscriptionNameForm(initial={"version": found.version, "friendly_name": name})
        except ValidationError as error:
            form.add_error("friendly_name", error.messages)
        else:
            messages.success(request, gettext("The subscription is now called %(name)s.") % {"name": renamed.friendly_name})
            return _to_page(found)
    return _subscription_page(request, customer, found, name_form=form, status=422)


@require_http_methods(["POST"])
@needs(Permission.PLACE_ORDERS)
def subscription_renewal(request: HttpRequest, customer_id: uuid.UUID, subscription_id: uuid.UUID) -> HttpResponse:
    """Turn automatic renewal on or off; never gated (G3). Raises NotYoursToTransact (A2)."""
    found = _find(request, find_customer(request, customer_id), subscription_id)
    wanted = request.POST.get("auto_renew") == "1"
    try:
        set_auto_renew(by=request.user, subscription=found, auto_renew=wanted, version=_version(request))
    except StaleSubscription as error:
        messages.warning(request, _what_it_is_now(error.subscription))
    else:
        words = gettext("%(name)s renews automatically.") if wanted else gettext("%(name)s no longer renews automatically.")
        messages.success(request, words % {"name": found.friendly_name})
    return _to_page(found)


def _find(request: HttpRequest, customer: Customer, subscription_id: uuid.UUID | None) -> Subscription:
    """One of the customer's subscriptions. Raises Http404 (A5)."""
    rows = Subscription.objects.visible_to(request.user).filter(customer=customer)
    return get_object_or_404(rows.select_related("offer", "order", "created_by", "customer__account"), pk=subscription_id)


def _may_change(request: HttpRequest, customer: Customer) -> bool:
    return customer.account.transacts and may(request.user, Permission.PLACE_ORDERS)


def _row_form(request: HttpRequest, row: Subscription, answered: LicenseCountForm | None) -> LicenseCountForm | None:
    """The count's form of one row: as it was just answered, or with the number in the address, or as saved."""
    if not row.offer.is_license_based or not row.is_active:
        return None
    if answered and answered.subscription.pk == row.pk:
        return answered
    kept = request.typed or {}
    unsaved = request.GET.get("quantity", "")[:40] if request.GET.get("change") == str(row.pk) else ""
    if kept.get("subscription") == str(row.pk):
        unsaved = kept.get("quantity", "")[:40]
    return LicenseCountForm(subscription=row, typed=unsaved or None)


def _save_count(request: HttpRequest, found: Subscription, back: str) -> HttpResponse | LicenseCountForm:
    """What a row's buttons do: step the number without saving it, or save it. Returns the form when the number is wrong."""
    require(request.user, Permission.PLACE_ORDERS)
    typed = request.POST.get("quantity", "")
    if "step" in request.POST:
        return redirect(_unsaved(back, found, stepped(typed, request.POST["step"], found.offer)))
    form = LicenseCountForm(request.POST, subscription=found)
    if not found.offer.is_license_based or not found.is_active:
        return _refused(request, found, back)
    if form.is_valid():
        return _change(request, found, form, back) or form
    return form


def _change(request: HttpRequest, found: Subscription, form: LicenseCountForm, back: str) -> HttpResponse | None:
    """Change the count as the valid form says and go `back`; None when the form now says why not. Raises NotYoursToTransact."""
    wanted = form.cleaned_data["quantity"]
    facts = {"name": found.friendly_name, "now": number_format(wanted, force_grouping=True)}
    try:
        change_license_count(by=request.user, subscription=found, quantity=wanted, version=form.cleaned_data["version"])
    except AgreementNotConfirmed:
        address = reverse("license_agreement", kwargs={"customer_id": found.customer_id, "subscription_id": found.pk})
        return redirect(f"{address}?{urlencode({'quantity': wanted})}")
    except StaleSubscription as error:
        if error.subscription.quantity == wanted:  # the second click, or somebody had the same wish
            messages.info(request, gettext("Licenses of %(name)s: %(now)s already.") % facts)
            return redirect(back)
        messages.warning(request, _what_it_is_now(error.subscription))
        return redirect(_unsaved(back, found, str(wanted)))
    except (NotLicenseBased, SubscriptionSuspended):
        return _refused(request, found, back)
    except QuantityOutOfRange as error:
        form.add_error("quantity", bounds_message(error.offer))
        return None
    if wanted == found.quantity:
        messages.info(request, gettext("Licenses of %(name)s: %(now)s already.") % facts)
    else:
        facts["before"] = number_format(found.quantity, force_grouping=True)
        messages.success(request, gettext("Saved. Licenses of %(name)s: %(now)s (was %(before)s).") % facts)
    return redirect(back)


def _refused(request: HttpRequest, found: Subscription, back: str) -> HttpResponse:
    """Say why this subscription's count cannot change at all."""
    words = (
        gettext("%(name)s is suspended. Reactivate it to change its licenses.")
        if found.offer.is_license_based
        else gettext("%(name)s is usage-based and has no license count.")
    )
    messages.warning(request, words % {"name": found.friendly_name})
    return redirect(back)


def _what_it_is_now(found: Subscription) -> str:
    """Tell the second of two people what the subscription is now, and who changed it, as far as that is on record (F5)."""
    facts = {
        "name": found.friendly_name,
        "now": number_format(found.quantity, force_grouping=True),
        "status": found.get_status_display(),
    }
    last = LicenseChange.objects.filter(subscription=found, version=found.version).select_related("changed_by").first()
    if last is None:
        words = gettext("Somebody changed %(name)s meanwhile. Licenses: %(now)s. Status: %(status)s. Nothing of yours was saved.")
        return words % facts
    facts |= {
        "person": display_name(last.changed_by.first_name, last.changed_by.last_name),
        "when": formatting.moment(last.changed_at),
    }
    return (
        gettext("Licenses of %(name)s: now %(now)s, changed by %(person)s at %(when)s. Your number is not saved: check it and save again.")
        % facts
    )


def _subscription_page(
    request: HttpRequest,
    customer: Customer,
    found: Subscription,
    *,
    form: LicenseCountForm | None = None,
    name_form: SubscriptionNameForm | None = None,
    status: int = 200,
) -> HttpResponse:
    may_change = _may_change(request, customer)
    sees = may(request.user, Permission.VIEW_ACCEPTANCES)
    typed = request.typed or {}
    named = {"version": typed.get("version", found.version), "friendly_name": typed.get("friendly_name", found.friendly_name)}
    changes = LicenseChange.objects.filter(subscription=found).select_related("changed_by", *(["acceptance"] if sees else []))
    turns = StatusChange.objects.filter(subscription=found).select_related("changed_by")
    context = account_context(request, customer, "subscriptions") | {
        "subscription": found,
        "may_change": may_change,
        "form": form,
        "row": {"subscription": found, "form": _row_form(request, found, form) if may_change else None},
        "page_url": reverse("subscription", kwargs={"customer_id": customer.pk, "subscription_id": found.pk}),
        "name_form": name_form or SubscriptionNameForm(initial=named),
        "history": sorted([*changes, *turns], key=lambda change: change.changed_at, reverse=True),
        "sees_acceptance": sees,
        "has_errors": bool(form and form.errors) or bool(name_form and name_form.errors),
    }
    return render(request, "subscriptions/subscription.html", context, status=422 if form else status)


def _to_page(found: Subscription) -> HttpResponse:
    return redirect("subscription", customer_id=found.customer_id, subscription_id=found.pk)


def _here(request: HttpRequest) -> str:
    """The address of this page of the list, without a number that is not saved."""
    cursor = request.GET.get("cursor", "")
    return f"{request.path}?{urlencode({'cursor': cursor})}" if cursor else request.path


def _unsaved(back: str, found: Subscription, number: str) -> str:
    """The page with a number at the subscription that is not saved yet."""
    query: dict[str, Any] = {"change": found.pk, "quantity": number[:40]}
    return f"{back}{'&' if '?' in back else '?'}{urlencode(query)}#s-{found.pk}"


def _version(request: HttpRequest) -> int:
    """The version that the page showed; one that never was when the form was forged, so that it counts as outdated."""
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
