"""How does a new customer come about? F1: Account info, Subscriptions, Review, Confirmation, over a draft of the person's own.

Each step keeps what was typed in the draft and checks it by the rules of models and services; nothing else is written before Submit.
Whatever is wrong, at a step or at the very end, leads to the step where it can be mended, `?check` showing its messages there. It is shown
from the draft and kept by no browser, so that going back to it shows what was typed to mend it, and no longer that it is wrong.
"""

import datetime as dt
import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from agreements.errors import AgreementNotApplicable, AgreementNotConfirmed, AlreadyConfirmed, NewerTemplate
from agreements.forms import NewCustomerAcceptanceForm
from agreements.models import Acceptance, AgreementTemplate, Via
from agreements.services import check_acceptance
from agreements.standing import Versions
from customers.errors import NotYoursToTransact
from customers.forms import CompanyForm, ContactForm, both_valid
from customers.models import Customer
from mca_portal.pages import drafts
from mca_portal.pages.access import needs
from mca_portal.pages.customers import account_of, person_of
from mca_portal.pages.middleware import PortalRequest
from mca_portal.pages.models import Draft
from mca_portal.staff.models import PartnerAccount
from mca_portal.staff.roles import Permission
from orders.errors import EmptyOrder, LineError
from orders.forms import OrderForm
from orders.models import BillingCycle, Order
from orders.services import Confirmation, NewOrder, sign_up_customer

KIND = Draft.Kind.NEW_CUSTOMER
CONTINUED_FOR = dt.timedelta(days=1)  # how long a draft is offered to be continued
ACCOUNT_INFO, SUBSCRIPTIONS, REVIEW, DONE = "new_customer_account", "new_customer_subscriptions", "new_customer_review", "new_customer_done"
_ACCOUNT_FIELDS = frozenset(
    {*CompanyForm.base_fields, *ContactForm.base_fields, *(f"mca-{name}" for name in NewCustomerAcceptanceForm.base_fields)}
)
_PERSON_FIELDS = tuple(f"mca-{name}" for name in NewCustomerAcceptanceForm.PERSON)

Typed = dict[str, list[str]]


class AccountInfo:
    """The three forms of the step Account info over what was typed; `acceptance` is None where the agreement does not apply (A3)."""

    def __init__(self, account: PartnerAccount, typed: Typed, *, check: bool = False) -> None:
        """`typed`: field names with all their values. `check`: whether the forms say what is wrong."""
        self.account = account
        self.versions: Versions = AgreementTemplate.objects.versions_for(account)
        data = QueryDict(mutable=True)
        for name, values in typed.items():
            data.setlist(name, values)
        bound = data if check else None
        first = data.dict()
        self.company = CompanyForm(bound, account=account, initial=first)
        self.contact = ContactForm(bound, initial=first)
        as_typed = {name: first.get(name, "") for name in ("country", *Customer.CONTACT_FIELDS)}
        as_typed["country"] = as_typed["country"] or str(account.country)
        self.acceptance: NewCustomerAcceptanceForm | None = None
        if account.agreement_applies:
            mca = {name.removeprefix("mca-"): value for name, value in first.items() if name.startswith("mca-")}
            if typed and not mca.get("accepted"):
                mca["accepted"] = ""
            unsaved = Customer(account=account, **as_typed)
            self.acceptance = NewCustomerAcceptanceForm(bound, customer=unsaved, versions=self.versions, initial=mca)

    @property
    def forms(self) -> list[Any]:
        """For the summary of what is wrong."""
        return [form for form in (self.company, self.contact, self.acceptance) if form is not None]

    def is_right(self) -> bool:
        """Whether checked forms hold a customer and an acceptance that Submit would take; if not, they say why (C1, R2, R6, V5)."""
        right = both_valid(self.company, self.contact)
        if self.acceptance is None:
            return right
        accepted = self.acceptance.is_valid()
        if self.is_accepted and self.acceptance.cleaned_data.get("template_id") != self.versions.latest.pk:
            self.acceptance.errors.pop("template_id", None)
            self.acceptance.show_newer(NewerTemplate(self.versions.latest))
            accepted = False
        return right and accepted

    @property
    def is_accepted(self) -> bool:
        """Whether the box is ticked, in checked forms."""
        return bool(self.acceptance is not None and self.acceptance.cleaned_data.get("accepted"))

    @property
    def opens_orders(self) -> bool:
        """Whether a first order may be placed with this customer, in checked forms (G1, G3)."""
        return self.acceptance is None or self.is_accepted

    @property
    def details(self) -> dict[str, str]:
        """Company and primary contact, for the service."""
        return self.company.details() | self.contact.details()

    def customer(self) -> Customer:
        """The customer as it would be kept, unsaved."""
        customer = Customer(account=self.account, **self.details)
        customer.clean_fields(exclude=["account", "created_by", "name_key"])
        customer.clean()
        return customer

    def record(self, customer: Customer) -> Acceptance | None:
        """The acceptance as it would be recorded, unsaved; None when none is confirmed."""
        form = self.acceptance
        return check_acceptance(customer, form.person(), form.cleaned_data["agreed_on"]) if form is not None and self.is_accepted else None

    def confirmation(self) -> Confirmation | None:
        """The acceptance for the service; None when none is confirmed."""
        if self.acceptance is None or not self.is_accepted:
            return None
        said = self.acceptance.cleaned_data
        return Confirmation(self.acceptance.person(), said["agreed_on"], said["template_id"], Via.PORTAL)


def _step(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Give a step its draft: the person's own or 404 (A5). A draft that was submitted leads to what came of it (F1.4)."""

    @wraps(view)
    def opened(request: PortalRequest, draft_id: uuid.UUID) -> HttpResponse:
        draft = drafts.open_draft(person_of(request), KIND, draft_id)
        if draft.outcome:
            return redirect(draft.outcome)
        if not account_of(request).transacts:
            return _not_yours(request)
        return view(request, draft)

    return opened


@require_http_methods(["GET"])
@needs(Permission.EDIT_CUSTOMERS)
def begin(request: PortalRequest) -> HttpResponse:
    """Begin a draft and open its first step (F1)."""
    if not account_of(request).transacts:
        return _not_yours(request)
    return redirect(ACCOUNT_INFO, drafts.begin(person_of(request), KIND).pk)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Permission.EDIT_CUSTOMERS)
@_step
def account_info(request: PortalRequest, draft: Draft) -> HttpResponse:
    """Company, primary contact and the Microsoft customer agreement (F1.1)."""
    kept: Typed = draft.data.get("account", {})
    sent: QueryDict | None = request.POST if request.method == "POST" else request.typed
    if sent is not None:
        kept = _account_typed(sent, kept)
        drafts.keep(draft, account=kept)
    if request.method == "POST" and "person" in request.POST:
        return redirect(f"{_address(ACCOUNT_INFO, draft)}#who")
    check = request.method == "POST" or "check" in request.GET
    info = AccountInfo(account_of(request), kept, check=check)
    wrong = check and not info.is_right()
    if request.method == "POST":
        return _back_to(ACCOUNT_INFO, draft) if wrong else redirect(SUBSCRIPTIONS, draft.pk)
    context = {
        "draft": draft,
        "info": info,
        "has_errors": wrong,
        "unfinished": [] if kept else _unfinished(request, draft),
    }
    return _page(request, "account_info", 1, context)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Permission.EDIT_CUSTOMERS)
@_step
def subscriptions(request: PortalRequest, draft: Draft) -> HttpResponse:
    """The first order, if there is one; shut while acceptance is not confirmed (F1.3)."""
    info = AccountInfo(account_of(request), draft.data.get("account", {}), check=True)
    ready = info.is_right()
    if not ready and request.method == "GET":
        return _back_to(ACCOUNT_INFO, draft)
    form = None
    kept = draft.data.get("order") or None
    sent: QueryDict | None = request.POST if request.method == "POST" else request.typed
    if not info.opens_orders:
        if request.method == "POST":
            drafts.keep(draft, order=draft.data.get("order", {}))  # lines chosen before the box was unticked wait for it
    elif sent is not None:
        form = OrderForm(sent)
        pressed = form.pressed()
        kept = form.to_json()
        drafts.keep(draft, order=kept)
        if pressed is not None and request.method == "POST":
            return redirect(f"{_address(SUBSCRIPTIONS, draft)}?{urlencode(form.after_press())}")
        if request.method == "GET":
            form = OrderForm(kept=kept, look=request.GET)
    else:
        form = OrderForm(kept=kept, check="check" in request.GET, look=request.GET)
    if request.method == "POST" and "back" in request.POST:
        return redirect(ACCOUNT_INFO, draft.pk)
    if not ready:
        return _back_to(ACCOUNT_INFO, draft)
    if request.method == "POST":
        right = form is None or form.is_empty or form.is_valid()
        return redirect(REVIEW, draft.pk) if right else _back_to(SUBSCRIPTIONS, draft)
    wrong = form is not None and form.is_bound and not form.is_empty and not form.is_valid()
    context = {"draft": draft, "info": info, "order_form": form, "shown_errors": form if wrong else None, "has_errors": wrong}
    return _page(request, "subscriptions", 2, context)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Permission.EDIT_CUSTOMERS)
@_step
def review(request: PortalRequest, draft: Draft) -> HttpResponse:
    """Everything as it will be written, and Submit, which writes it together or not at all (F1.4)."""
    info = AccountInfo(account_of(request), draft.data.get("account", {}), check=True)
    if not info.is_right():
        return _back_to(ACCOUNT_INFO, draft)
    if "order" not in draft.data:
        return redirect(SUBSCRIPTIONS, draft.pk)
    chosen = OrderForm.of_draft(draft.data["order"])
    order = None if chosen.is_empty or not info.opens_orders else chosen
    if order is not None and not order.is_valid():
        return _back_to(SUBSCRIPTIONS, draft)
    if request.method == "POST":
        return _submit(request, draft, info, order)
    customer = info.customer()
    wanted = order.order() if order is not None else NewOrder(())
    context = {
        "draft": draft,
        "info": info,
        "customer": customer,
        "acceptance": info.record(customer),
        "order": order,
        "order_lines": list(zip(wanted.lines, order.lines if order is not None else (), strict=True)),
        "billing_cycle": BillingCycle(wanted.billing_cycle).label,
        "order_waits": order is None and not chosen.is_empty,
    }
    return _page(request, "review", 3, context)


@require_http_methods(["GET", "HEAD"])
@needs(Permission.EDIT_CUSTOMERS)
def done(request: PortalRequest, draft_id: uuid.UUID) -> HttpResponse:
    """What was created, and where to go from here."""
    draft = drafts.open_draft(person_of(request), KIND, draft_id)
    if not draft.outcome:
        return redirect(REVIEW, draft.pk)
    made = draft.data["made"]
    customers = Customer.objects.visible_to(person_of(request)).select_related("account", "standing__acceptance__template")
    customer = get_object_or_404(customers, pk=made["customer"])
    order = Order.objects.visible_to(person_of(request)).filter(pk=made["order"]).first() if made["order"] else None
    versions = AgreementTemplate.objects.versions_for(customer.account)
    context = {
        "customer": customer,
        "acceptance": customer.standing.acceptance,
        "order": order,
        "word": versions.word(customer.standing.rank),
    }
    return _page(request, "done", 5, context)


@require_http_methods(["POST"])
@needs(Permission.EDIT_CUSTOMERS)
def discard(request: PortalRequest, draft_id: uuid.UUID) -> HttpResponse:
    """Throw away one's own unfinished draft."""
    drafts.discard(drafts.open_draft(person_of(request), KIND, draft_id))
    messages.success(request, gettext("The unfinished customer was discarded."))
    return redirect("new_customer")


def _submit(request: PortalRequest, draft: Draft, info: AccountInfo, order: OrderForm | None) -> HttpResponse:
    """Write everything once, or lead to the step where what stands against it can be mended (F1.4)."""

    def action() -> str:
        made = sign_up_customer(
            by=person_of(request), details=info.details, confirmation=info.confirmation(), order=order.order() if order else None
        )
        # What was typed has become records: the draft need not keep people's data twice.
        drafts.keep(
            draft, account={}, order={}, made={"customer": str(made.customer.pk), "order": str(made.order.pk) if made.order else ""}
        )
        return _address(DONE, draft)

    try:
        return redirect(drafts.submit(draft, action))
    except NotYoursToTransact:
        return _not_yours(request)
    except (EmptyOrder, LineError):
        step = SUBSCRIPTIONS
    except (NewerTemplate, AlreadyConfirmed, AgreementNotApplicable, AgreementNotConfirmed):
        step = ACCOUNT_INFO
    except ValidationError as error:
        known = {field.name for model in (Customer, Acceptance) for field in model._meta.get_fields()}
        step = ACCOUNT_INFO if known & set(getattr(error, "error_dict", known)) else SUBSCRIPTIONS
    messages.warning(request, gettext("Something changed while you were submitting, so nothing was created. Check this step and go on."))
    return _back_to(step, draft)


def _account_typed(sent: QueryDict, kept: Typed) -> Typed:
    """What was typed at Account info, as the draft keeps it.

    The person's fields are not on the page while the primary contact is followed: what was typed there before is kept.
    """
    typed: Typed = {name: kept[name] for name in _PERSON_FIELDS if name in kept}
    typed |= {name: values for name, values in sent.lists() if name in _ACCOUNT_FIELDS}
    if wanted := sent.get("person"):
        typed["mca-someone_else"] = ["True" if wanted == "other" else ""]
    return typed


def _unfinished(request: PortalRequest, draft: Draft) -> list[dict[str, Any]]:
    """The person's other drafts of the last day in which something was typed, for "continue where you stopped"."""
    found = drafts.unfinished(person_of(request), KIND, within=CONTINUED_FOR).exclude(pk=draft.pk)[:3]
    return [{"draft": other, "name": "".join(other.data.get("account", {}).get("company_name", []))[:80].strip()} for other in found]


def _back_to(step: str, draft: Draft) -> HttpResponse:
    return redirect(f"{_address(step, draft)}?check")


def _address(step: str, draft: Draft) -> str:
    return reverse(step, args=[draft.pk])


def _page(request: PortalRequest, name: str, current: int, context: dict[str, Any]) -> HttpResponse:
    steps = [gettext("Account info"), gettext("Subscriptions"), gettext("Review"), gettext("Confirmation")]
    response = render(request, f"new_customer/{name}.html", {"steps": steps, "current": current} | context)
    if context.get("has_errors"):
        response["Cache-Control"] = "no-store"
    return response


def _not_yours(request: PortalRequest) -> HttpResponse:
    """An indirect reseller does not create customers here: its provider does (A2)."""
    return render(request, "new_customer/not_yours.html", status=403)
