"""What does a script read when the API refuses? One table from facts to Partner Center's error bodies.

A refusal has one of the statuses that Partner Center's clients can bear: 400, 401, 403, 404, 409.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext
from ninja import errors as ninja

from agreements.errors import AgreementNotApplicable, AgreementNotConfirmed, AlreadyConfirmed, NewerTemplate
from agreements.known_templates import CLOUD_AGREEMENT
from agreements.standing import StandingWord
from customers.errors import NotYoursToTransact, StaleCustomer
from customers.keyset import BadCursor
from mca_portal.staff.errors import NotForApplications, SecondFactorMissing, TokenNotAccepted
from mca_portal.staff.roles import NotAllowed
from orders.errors import EmptyOrder, NotLicenseBased, OfferNotSold, QuantityOutOfRange, StaleSubscription, SubscriptionSuspended

DESCRIPTION_LENGTH = 1024  # characters; Partner Center's limit

INVALID_INPUT = 800002
NOT_FOUND = 1000
ACTION_NOT_ALLOWED = 600006
SERVER_ERROR = 800003


@dataclass(frozen=True)
class Fault:
    """An answer that refuses: HTTP status, Partner Center's code, what a person reads, and details for them."""

    status: int
    code: int
    description: str
    data: tuple[str, ...] = ()


class Refused(Exception):
    """The door itself refuses: what arrived cannot be read, or is not there."""

    def __init__(self, status: int, code: int, description: str, data: Iterable[str] = ()) -> None:
        self.fault = Fault(status, code, description, tuple(data))
        super().__init__(description)


class TemplateNotSupported(Exception):
    """A confirmation names `template_id`, which is not the latest template (V3)."""

    def __init__(self, template_id: Any, latest: Any) -> None:
        self.template_id, self.latest = template_id, latest
        super().__init__(f"template {template_id} is not supported")


def invalid(description: str, *data: str) -> Refused:
    """400: what arrived cannot be taken. `data`: which members."""
    return Refused(400, INVALID_INPUT, description, data)


def not_found(description: str, code: int = NOT_FOUND) -> Refused:
    """404: there is nothing here for this person; whether there is for others is not said (A5)."""
    return Refused(404, code, description)


def answer(fault: Fault) -> HttpResponse:
    """The documented error body."""
    body = {"code": fault.code, "description": fault.description[:DESCRIPTION_LENGTH], "data": list(fault.data), "source": "PartnerFD"}
    response = JsonResponse(body, status=fault.status)
    if fault.status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="MCA portal"'
    return response


def one_of(labels: Iterable[Any]) -> str:
    """Such as "Admin agent or Sales agent"."""
    *others, last = [str(label) for label in labels]
    return gettext("%(others)s or %(last)s") % {"others": ", ".join(others), "last": last} if others else last


def _not_signed_in(_error: Exception) -> Fault:
    return Fault(401, 800001, gettext("Send a valid API token: it may be missing, expired or revoked."))


def _not_allowed(error: NotAllowed) -> Fault:
    return Fault(403, 900150, gettext("This needs the role %(roles)s.") % {"roles": one_of(error.roles)})


def _no_second_factor(_error: Exception) -> Fault:
    text = gettext("The account requires a second factor, and the owner of this token has none. Set one up in the portal, then try again.")
    return Fault(403, ACTION_NOT_ALLOWED, text)


def _not_for_applications(_error: NotForApplications) -> Fault:
    return Fault(403, 900329, gettext("An application cannot do this by itself: use a token of a person, of their own or through sign-in."))


def _not_yours(_error: NotYoursToTransact) -> Fault:
    return Fault(403, ACTION_NOT_ALLOWED, gettext("An indirect reseller's indirect provider confirms and orders for its customers."))


def _not_applicable(_error: AgreementNotApplicable) -> Fault:
    return Fault(
        404, NOT_FOUND, gettext("The Microsoft customer agreement does not apply in this account's cloud. Orders need no confirmation.")
    )


def _not_confirmed(error: AgreementNotConfirmed) -> Fault:
    what = (
        gettext("This customer accepted an older version of the Microsoft customer agreement, which no longer counts.")
        if error.word == StandingWord.REQUIRED
        else gettext("Nobody has confirmed that this customer accepted the Microsoft customer agreement.")
    )
    way_out = gettext("Confirm it with POST /v1/customers/%(id)s/agreements, templateId %(template)s, then try again.") % {
        "id": error.customer.pk,
        "template": error.latest.pk,
    }
    return Fault(403, 13605, f"{what} {way_out}")


def _newer_template(error: TemplateNotSupported) -> Fault:
    text = (
        gettext("Microsoft Cloud Agreement Template ID '%(id)s' is no longer supported. Use %(latest)s.")
        if error.template_id == CLOUD_AGREEMENT
        else gettext("Agreement template ID '%(id)s' is not the latest. Use %(latest)s.")
    )
    return Fault(400, INVALID_INPUT, text % {"id": error.template_id, "latest": error.latest}, ("templateId",))


def _stale(_error: Exception) -> Fault:
    return Fault(400, 2055, gettext("Etag is no longer valid: somebody changed it. Get it again, then repeat your change."))


def _out_of_range(error: QuantityOutOfRange) -> Fault:
    text = gettext("The license count must be %(least)s to %(most)s.")
    return Fault(400, 2002, text % {"least": error.offer.minimum_quantity, "most": error.offer.maximum_quantity}, ("quantity",))


def _not_sold(error: OfferNotSold) -> Fault:
    return Fault(400, 800004, gettext("There is no offer with this ID on sale."), (f"lineItems[{error.line}].offerId",))


# The portal's names of fields, where the wire has another one.
MEMBERS = {
    "agreed_on": "dateAgreed",
    "first_name": "firstName",
    "last_name": "lastName",
    "phone": "phoneNumber",
    "company_name": "companyName",
    "address_line1": "addressLine1",
    "address_line2": "addressLine2",
    "region": "state",
    "postal_code": "postalCode",
    "contact_first_name": "firstName",
    "contact_last_name": "lastName",
    "contact_email": "email",
    "contact_phone": "phoneNumber",
    "friendly_name": "friendlyName",
}


def _field_rules(error: ValidationError) -> Fault:
    """What a rule of the record says; a date in the future has a code of its own."""
    fields = error.error_dict if hasattr(error, "error_dict") else {"": error.error_list}
    said = [(MEMBERS.get(name, name), " ".join(part.messages)) for name, parts in fields.items() for part in parts]
    codes = {part.code for parts in fields.values() for part in parts}
    if "future" in codes:
        return Fault(400, 600002, gettext("Date of agreement cannot be greater than the current date."), ("dateAgreed",))
    if "unique" in codes:
        return Fault(409, INVALID_INPUT, " ".join(text for _name, text in said), tuple(name for name, _text in said))
    return Fault(400, INVALID_INPUT, " ".join(text for _name, text in said), tuple(f"{name}: {text}" for name, text in said if name))


def _members(error: ninja.ValidationError) -> Fault:
    """Members of a body or parameters of an address that cannot be read."""
    names = list(dict.fromkeys(".".join(str(part) for part in one["loc"][1:] if part not in ("body", "patch")) for one in error.errors))
    said = gettext("These are missing or cannot be read: %(names)s.") % {"names": ", ".join(name or "body" for name in names)}
    return Fault(400, INVALID_INPUT, said, tuple(names[:20]))


def _unreadable(error: ninja.HttpError) -> Fault:
    return Fault(error.status_code, INVALID_INPUT, gettext("The body cannot be read: send JSON in UTF-8, without NUL characters."))


TABLE: dict[type[Exception], Callable[[Any], Fault]] = {
    Refused: lambda error: error.fault,
    ninja.AuthenticationError: _not_signed_in,
    TokenNotAccepted: _not_signed_in,
    NotAllowed: _not_allowed,
    SecondFactorMissing: _no_second_factor,
    NotForApplications: _not_for_applications,
    NotYoursToTransact: _not_yours,
    AgreementNotApplicable: _not_applicable,
    AgreementNotConfirmed: _not_confirmed,
    TemplateNotSupported: _newer_template,
    StaleCustomer: _stale,
    StaleSubscription: _stale,
    EmptyOrder: lambda _error: Fault(400, INVALID_INPUT, gettext("The order has no line items."), ("lineItems",)),
    OfferNotSold: _not_sold,
    QuantityOutOfRange: _out_of_range,
    SubscriptionSuspended: lambda _error: Fault(400, 2001, gettext("The subscription is suspended: reactivate it first.")),
    NotLicenseBased: lambda _error: Fault(400, 2006, gettext("A usage-based subscription has no license count to change.")),
    ValidationError: _field_rules,
    BadCursor: lambda _error: Fault(400, INVALID_INPUT, gettext("The continuation token is not one of this list.")),
    ninja.ValidationError: _members,
    ninja.HttpError: _unreadable,
    Http404: lambda _error: Fault(404, NOT_FOUND, gettext("There is nothing at this address.")),
    ObjectDoesNotExist: lambda _error: Fault(404, NOT_FOUND, gettext("There is nothing at this address.")),
}


def already_confirmed(_request: HttpRequest, _error: AlreadyConfirmed) -> HttpResponse:
    """409 with the body of its own that Partner Center gives to this one refusal (R4)."""
    said = gettext("A partner confirmed agreement already exists for the customer.")
    return JsonResponse(
        {
            "code": 600061,
            "message": said,
            "description": said,
            "errorName": "PartnerConfirmedAgreementAlreadyExists",
            "isRetryable": False,
            "parameters": {},
            "errorMessageExtended": "InternalErrorCode=600061",
        },
        status=409,
    )


def too_many_calls(wait: int) -> HttpResponse:
    """429 with the body of its own that Partner Center gives it: ask again in `wait` seconds."""
    said = gettext("Rate limit is exceeded. Try again in %(wait)s seconds.") % {"wait": wait}
    response = JsonResponse({"statusCode": 429, "message": said}, status=429)
    response["Retry-After"] = str(wait)
    return response


def newer_template(template_id: Any, error: NewerTemplate) -> TemplateNotSupported:
    """The service's fact with the template id that the script sent."""
    return TemplateNotSupported(template_id, error.latest.pk)


# What Django answers before or around the operations (no such path, a wrong method, a crash), by status.
def of_status(status: int) -> Fault:
    """The error body for an answer that no operation gave."""
    if status == 404:
        return Fault(404, NOT_FOUND, gettext("There is nothing at this address."))
    if status == 405:
        return Fault(405, NOT_FOUND, gettext("This address does not take this method."))
    if status == 503:
        # Not one of the statuses of a refusal: this is none, and a client that sends the call again by itself does right.
        return Fault(503, SERVER_ERROR, gettext("The portal's database is not available at the moment. Please try again shortly."))
    if status >= 500:
        return Fault(status, SERVER_ERROR, gettext("Something went wrong on our side. Please try again in a moment."))
    return Fault(status, INVALID_INPUT, gettext("The request cannot be read."))
