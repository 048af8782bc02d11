"""The Microsoft customer agreement of one customer: confirm, withdraw; and the versions that there are (F2, R5, V1–V5)."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from agreements.errors import AgreementNotApplicable, AlreadyWithdrawn
from agreements.forms import AcceptanceForm, WithdrawalForm
from agreements.models import Acceptance, AgreementTemplate, Via
from agreements.services import withdraw_acceptance
from customers.errors import NotYoursToTransact
from customers.models import Customer
from mca_portal.pages import formatting
from mca_portal.pages.access import needs
from mca_portal.pages.customers import account_context, account_of, account_page, find_customer, person_of
from mca_portal.pages.middleware import PortalRequest
from mca_portal.pages.typed import unchecked
from mca_portal.staff.roles import Permission


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Permission.VIEW_ACCEPTANCES, Permission.CONFIRM_ACCEPTANCE)
def agreement(request: PortalRequest, customer_id: uuid.UUID) -> HttpResponse:
    """Update: account info with the agreement section turned into its form (F2). `?next=`: a page of the portal to go on to.

    Where there is nothing to confirm, the section says so: 403 for an indirect reseller (A2), 404 where the agreement does not exist (A3).
    """
    customer = find_customer(request, customer_id)
    account = customer.account
    if not account.agreement_applies:
        return account_page(request, customer, status=404)
    if not account.transacts:
        return account_page(request, customer, status=403)
    versions = AgreementTemplate.objects.versions_for(account)
    data = request.POST if request.method == "POST" else request.typed  # even a form with nothing in it was sent
    form = AcceptanceForm(data, customer=customer, versions=versions)
    unchecked(request, form)
    onward = _local_path(request)
    if data and "fill" in data:
        return account_page(request, customer, versions=versions, form=form.with_primary_contact(), onward=onward)
    if request.method == "POST" and form.is_valid():
        try:
            acceptance = form.apply(by=person_of(request), customer=customer, via=Via.PORTAL)
        except AgreementNotApplicable:
            return account_page(request, customer, status=404)
        except NotYoursToTransact:
            return account_page(request, customer, status=403)
        if acceptance is not None:
            messages.success(request, _recorded(acceptance))
            return redirect(onward or reverse("customer", kwargs={"customer_id": customer.pk}))
    if request.method == "POST":  # a version may have been published meanwhile (V5)
        return account_page(request, customer, form=form, onward=onward, status=422)
    return account_page(request, customer, versions=versions, form=form, onward=onward)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Permission.VIEW_ACCEPTANCES, Permission.WITHDRAW_ACCEPTANCE)
def agreement_withdraw(request: PortalRequest, customer_id: uuid.UUID, acceptance_id: int) -> HttpResponse:
    """Withdraw a confirmation that was a mistake, saying why; the page names where the customer stands afterwards (R5).

    Raises NotYoursToTransact (A2).
    """
    customer = find_customer(request, customer_id)
    if not customer.account.transacts:
        raise NotYoursToTransact
    records = Acceptance.objects.visible_to(person_of(request)).filter(customer=customer)
    acceptance = get_object_or_404(records.history(), pk=acceptance_id)
    back = redirect("customer", customer_id=customer.pk)
    if acceptance.is_withdrawn:
        messages.info(request, gettext("This confirmation has been withdrawn already. Nothing was changed."))
        return back
    form = WithdrawalForm(request.POST if request.method == "POST" else request.typed)
    unchecked(request, form)
    if request.method == "POST" and form.is_valid():
        try:
            withdraw_acceptance(by=person_of(request), acceptance=acceptance, reason=form.cleaned_data["reason"])
        except AlreadyWithdrawn:
            messages.info(request, gettext("This confirmation has been withdrawn already. Nothing was changed."))
            return back
        except ValidationError as error:
            form.add_error("reason", error.error_dict.get("reason", error))
        else:
            standing = account_context(request, find_customer(request, customer_id), "customer")["standing"]
            messages.success(
                request,
                gettext("The confirmation by %(person)s is withdrawn. %(customer)s now stands as: %(standing)s.")
                % {"person": acceptance.name, "customer": customer.company_name, "standing": standing.label},
            )
            return back
    context = account_context(request, customer, "customer")
    remaining = records.standing().exclude(pk=acceptance.pk).best_first().select_related("template").first()
    context |= {
        "acceptance": acceptance,
        "form": form,
        "remaining": remaining,
        "standing_after": context["versions"].word(remaining.template.version_rank if remaining else 0),
    }
    return render(request, "agreements/withdraw.html", context, status=422 if request.method == "POST" else 200)


@require_http_methods(["GET", "HEAD"])
@needs(Permission.VIEW_ACCEPTANCES)
def agreement_versions(request: PortalRequest) -> HttpResponse:
    """The published templates on the account's day: which one is the latest, which one is required, which no longer count (V1–V4)."""
    account = account_of(request)
    versions = AgreementTemplate.objects.versions_for(account)
    rows = [
        {
            "template": template,
            "latest": template == versions.latest,
            "required": template.version_rank == versions.required_rank,
            "counts": template.version_rank >= versions.required_rank,
        }
        for template in versions.published
    ]
    return render(request, "agreements/versions.html", {"rows": rows, "versions": versions, "account": account})


def _local_path(request: PortalRequest) -> str:
    """The page of this portal that `next` names, or "": nobody is sent to another site."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    good = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if good and len(wanted) <= 500 else ""


def _recorded(acceptance: Acceptance) -> str:
    facts: dict[str, Any] = {
        "person": acceptance.name,
        "version": acceptance.template.version,
        "day": formatting.day(acceptance.agreed_on),
    }
    return (
        gettext("Recorded: %(person)s accepted the Microsoft customer agreement, version %(version)s, on %(day)s. Orders are open.") % facts
    )


def tell_of_anothers_confirmation(request: PortalRequest, customer: Customer) -> None:
    """At a prompt that was sent when the gate had opened already: say whose confirmation did it, unless it was one's own (F3)."""
    acceptance = customer.standing.acceptance
    if request.method != "POST" or acceptance is None or acceptance.recorded_by_id == person_of(request).pk:
        return
    said = gettext("%(colleague)s has confirmed acceptance meanwhile (%(person)s accepted). What you entered was not recorded.")
    messages.info(request, said % {"colleague": acceptance.recorded_by.get_full_name(), "person": acceptance.name})
