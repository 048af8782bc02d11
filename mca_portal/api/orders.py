"""Offers, orders and subscriptions on the wire: what can be ordered, ordering it, and changing what runs."""

import datetime as dt
import uuid
from collections.abc import Callable
from contextlib import nullcontext
from http import HTTPStatus

from django.db import transaction
from django.http import HttpResponse
from django.utils.translation import gettext
from ninja import Router
from pydantic import Field

from mca_portal.api import answers as shown
from mca_portal.api.access import ApiRequest, account_of, customer_key, own_customer
from mca_portal.api.documentation import REFUSED, answers
from mca_portal.api.errors import ACTION_NOT_ALLOWED, Refused, invalid, not_found
from mca_portal.api.wire import Body, Json, collection, etag, guid, link, reply, seen_version
from mca_portal.staff.names import tidy
from mca_portal.staff.roles import Permission, require
from orders.errors import QuantityOutOfRange, StaleSubscription
from orders.models import BillingCycle, Offer, Order, Status, Subscription
from orders.services import Line, change_license_count, place_order, rename_subscription, set_auto_renew, set_status

router = Router(tags=["Orders"], by_alias=True)

ORDER_NOT_FOUND = 20000
SUBSCRIPTION_NOT_FOUND = 20003
OFFER_ID_INVALID = 800004
LINE_NUMBER_OUT_OF_RANGE = 800071
LINE_QUANTITY_NOT_ALLOWED = 900275
NO_SUCH_VALUE = 900126
NO_PARENT = 2000
IS_DELETED = 2011
CYCLE_BY_ORDER = 2054
MOST_LINES = 200  # of one order, as in Partner Center's carts; keeps answers small
ENDLESS = "9999-12-31T00:00:00Z"


class LineItem(Body):
    """One line of an order to be placed."""

    line_item_number: int = 0
    offer_id: str
    quantity: int
    friendly_name: str = ""
    parent_subscription_id: str | None = None


class NewOrder(Body):
    """An order to be placed."""

    line_items: list[LineItem] = Field(max_length=1000)  # more are no order; reading them all would take long
    billing_cycle: str = ""


class Attributes(Body):
    """What the client saw."""

    etag: str | None = None


class Change(Body):
    """A subscription as the client wants it; what is absent, and everything else that it sends along, stays."""

    quantity: int | None = None
    status: str | None = None
    friendly_name: str | None = None
    auto_renew_enabled: bool | None = None
    billing_cycle: str | None = None
    attributes: Attributes | None = None


def _cycle(text: str) -> BillingCycle:
    """The billing cycle that any of the clients' spellings names; monthly where they name none. Raises Refused."""
    name = text.strip().replace("_", "").lower()
    if name in ("", "unknown", "none"):
        return BillingCycle.MONTHLY
    if name not in BillingCycle.values:
        raise Refused(400, NO_SUCH_VALUE, gettext("The billing cycle can be monthly or annual."), ["billingCycle"])
    return BillingCycle(name)


def _numbered(items: list[LineItem]) -> list[LineItem]:
    """The lines in the order of their numbers, or as they come when nobody numbered them (Java sends 0 on each). Raises Refused."""
    if len(items) > MOST_LINES:
        raise invalid(gettext("Send at most %(most)s line items in one order.") % {"most": MOST_LINES}, "lineItems")
    numbers = [item.line_item_number for item in items]
    if any(numbers) and sorted(numbers) != list(range(len(items))):
        said = gettext("Number the line items from 0, each number once.")
        raise Refused(400, LINE_NUMBER_OUT_OF_RANGE, said, ["lineItems.lineItemNumber"])
    return sorted(items, key=lambda item: item.line_item_number)


def _offer_id(text: str) -> uuid.UUID:
    return guid(text.strip(), Refused(400, OFFER_ID_INVALID, gettext("There is no offer with this ID."), [text[:100]]))


@router.post("/customers/{customer_id}/orders", summary="Create an order", response=answers(shown.Order, 404, status=201))
def create_order(request: ApiRequest, customer_id: str, body: NewOrder) -> HttpResponse:
    """Place an order; 403 with 13605 until the customer's acceptance is confirmed (G1)."""
    customer = own_customer(request.auth, customer_id)
    items = _numbered(body.line_items)
    if any(item.parent_subscription_id for item in items):
        raise Refused(400, NO_PARENT, gettext("ParentSubscriptionId is not supported for this request."))
    lines = [Line(_offer_id(item.offer_id), item.quantity, item.friendly_name) for item in items]
    try:
        order = place_order(by=request.auth, customer=customer, lines=lines, billing_cycle=_cycle(body.billing_cycle))
    except QuantityOutOfRange as error:
        said = gettext("The quantity of line item %(line)s is not allowed: use %(least)s to %(most)s.")
        values = {"line": error.line, "least": error.offer.minimum_quantity, "most": error.offer.maximum_quantity}
        raise Refused(400, LINE_QUANTITY_NOT_ALLOWED, said % values, [f"lineItems[{error.line}].quantity"]) from error
    return reply(_order(order), HTTPStatus.CREATED)


@router.get("/customers/{customer_id}/orders", summary="Get a customer's orders", response=answers(shown.Orders, 404))
def list_orders(request: ApiRequest, customer_id: str, billingType: str | None = None) -> HttpResponse:
    """The customer's orders, newest first, or those of one billing cycle."""
    customer = own_customer(request.auth, customer_id)
    rows = Order.objects.visible_to(request.auth).filter(customer=customer).prefetch_related("lines").order_by("-placed_at", "-id")
    if billingType:
        cycle = billingType.strip().lower()
        rows = rows.filter(billing_cycle=cycle) if cycle in BillingCycle.values else rows.none()
    return collection([_order(order) for order in rows], f"/customers/{customer.pk}/orders")


@router.get("/customers/{customer_id}/orders/{order_id}", summary="Get an order", response=answers(shown.Order, 404))
def get_order(request: ApiRequest, customer_id: str, order_id: str) -> HttpResponse:
    """One order."""
    customer = own_customer(request.auth, customer_id)
    missing = not_found(gettext("This customer has no order with this ID."), ORDER_NOT_FOUND)
    rows = Order.objects.visible_to(request.auth).filter(customer=customer).prefetch_related("lines")
    order = rows.filter(pk=guid(order_id, missing)).first()
    if order is None:
        raise missing
    return reply(_order(order))


@router.patch("/customers/{customer_id}/orders/{order_id}", summary="Update an order", response=REFUSED)
def update_order(request: ApiRequest, customer_id: str, order_id: str) -> HttpResponse:
    """Refused: an order stays as it was placed. Clients know the call, and would repeat a plain 405 without end."""
    require(request.auth, Permission.PLACE_ORDERS)
    get_order(request, customer_id, order_id)
    said = gettext("The requested action is not allowed: an order stays as it was placed. Change its subscriptions instead.")
    raise Refused(403, ACTION_NOT_ALLOWED, said)


@router.get("/customers/{customer_id}/subscriptions", summary="Get a customer's subscriptions", response=answers(shown.Subscriptions, 404))
def list_subscriptions(request: ApiRequest, customer_id: str, order_id: str | None = None, mpn_id: str | None = None) -> HttpResponse:
    """The customer's subscriptions, newest first, or those of one order; the portal keeps no partner of record (`mpn_id`)."""
    customer = own_customer(request.auth, customer_id)
    rows = Subscription.objects.visible_to(request.auth).filter(customer=customer).select_related("offer", "order")
    if order_id:
        try:
            rows = rows.filter(order_id=uuid.UUID(order_id))
        except ValueError:
            rows = rows.none()
    if mpn_id:
        rows = rows.none()
    country = str(account_of(request.auth).country)
    items = [_subscription(row, country) for row in rows.order_by("-created_at", "-id")]
    return collection(items, f"/customers/{customer.pk}/subscriptions")


@router.get(
    "/customers/{customer_id}/subscriptions/{subscription_id}", summary="Get a subscription", response=answers(shown.Subscription, 404)
)
def get_subscription(request: ApiRequest, customer_id: str, subscription_id: str) -> HttpResponse:
    """One subscription, with the etag to send with a change."""
    row = _own_subscription(request, customer_id, subscription_id)
    return reply(_subscription(row, str(account_of(request.auth).country)))


@router.patch(
    "/customers/{customer_id}/subscriptions/{subscription_id}", summary="Update a subscription", response=answers(shown.Subscription, 404)
)
def update_subscription(request: ApiRequest, customer_id: str, subscription_id: str, body: Change) -> HttpResponse:
    """Change license count, status, name or renewal, together or not at all; 403 with 13605 for the license count as for orders (G2)."""
    require(request.auth, Permission.PLACE_ORDERS)
    row = _own_subscription(request, customer_id, subscription_id)
    version = seen_version(request, body.attributes and body.attributes.etag, row.pk)
    if version is not None and version != row.version:
        raise StaleSubscription(row)
    status = _status(body.status)
    named = (body.billing_cycle or "").lower() not in ("", "none", "unknown")
    if named and _cycle(body.billing_cycle or "") != row.order.billing_cycle:
        raise Refused(400, CYCLE_BY_ORDER, gettext("A subscription's billing cycle is its order's and cannot be changed here."))
    placed, name = row.order, tidy(body.friendly_name or "")
    # The license count first: it locks the customer's standing before the subscription, as everywhere.
    possible: list[tuple[Callable[..., Subscription], str, object, object]] = [
        (change_license_count, "quantity", body.quantity, row.quantity),
        (set_status, "status", status, row.status),
        (rename_subscription, "friendly_name", name or None, row.friendly_name),
        (set_auto_renew, "auto_renew", body.auto_renew_enabled, row.auto_renew),
    ]
    changes = [(change, {field: wanted}) for change, field, wanted, now in possible if wanted is not None and wanted != now]
    with transaction.atomic() if len(changes) > 1 else nullcontext():
        for change, to in changes:
            row, version = change(by=request.auth, subscription=row, version=version, **to), None
    row.order = placed
    return reply(_subscription(row, str(account_of(request.auth).country)))


def _status(text: str | None) -> Status | None:
    """The status that the client wants; None for "as it is". Raises Refused."""
    name = (text or "").strip().lower()
    if name in ("", "none"):
        return None
    if name == "deleted":
        raise Refused(400, IS_DELETED, gettext("The portal deletes no subscriptions. Suspend it instead."), ["status"])
    if name not in Status.values:
        raise Refused(400, NO_SUCH_VALUE, gettext("The status can be active or suspended."), ["status"])
    return Status(name)


def _own_subscription(request: ApiRequest, customer_id: str, subscription_id: str) -> Subscription:
    """The customer's subscription; another customer's or account's is not found (A5). Raises NotAllowed (P1), Refused."""
    require(request.auth, Permission.VIEW_CUSTOMERS)
    missing = not_found(gettext("Subscription with ID %(id)s not found.") % {"id": subscription_id[:100]}, SUBSCRIPTION_NOT_FOUND)
    owner = customer_key(customer_id)
    rows = Subscription.objects.visible_to(request.auth).select_related("offer", "order", "customer")
    try:
        return rows.get(customer_id=owner, pk=guid(subscription_id, missing))
    except Subscription.DoesNotExist:
        own_customer(request.auth, customer_id)
        raise missing from None


@router.get("/offers", summary="Get a list of offers", response=answers(shown.Offers))
def list_offers(
    request: ApiRequest, country: str | None = None, offset: int = 0, size: int = 0, offer_category_id: str | None = None
) -> HttpResponse:
    """What is sold, in the catalogue's order, or what of it is in one category."""
    require(request.auth, Permission.VIEW_CUSTOMERS)
    if offset < 0 or size < 0:
        raise invalid(gettext("Send an offset and a size from 0."), "offset", "size")
    where = _country(request, country)
    wanted = (offer_category_id or "").strip().lower()
    offers = [offer for offer in Offer.objects.sold() if wanted in ("", _category_id(offer).lower())]
    offers = offers[offset : offset + size if size else None]
    return collection([_offer(offer, where) for offer in offers], f"/offers?country={where}")


@router.get("/offers/{offer_id}", summary="Get an offer", response=answers(shown.Offer, 404))
def get_offer(request: ApiRequest, offer_id: str, country: str | None = None) -> HttpResponse:
    """One offer, also one that is no longer sold."""
    require(request.auth, Permission.VIEW_CUSTOMERS)
    missing = not_found(gettext("There is no offer with this ID."))
    offer = Offer.objects.filter(pk=guid(offer_id, missing)).first()
    if offer is None:
        raise missing
    return reply(_offer(offer, _country(request, country)))


@router.get("/customers/{customer_id}/offers", summary="Get the offers for a customer", response=answers(shown.Offers, 404))
def list_customer_offers(request: ApiRequest, customer_id: str, offset: int = 0, size: int = 0) -> HttpResponse:
    """What can be sold to the customer: the same catalogue."""
    return list_offers(request, str(own_customer(request.auth, customer_id).country), offset, size)


def _country(request: ApiRequest, text: str | None) -> str:
    """The country asked for, in capitals; the account's own when none is. Raises Refused."""
    country = (text or str(account_of(request.auth).country)).upper()
    if len(country) != 2 or not country.isascii() or not country.isalpha():
        raise invalid(gettext("Send the country as two capital letters, such as US."), "country")
    return country


def _moment(value: dt.datetime) -> str:
    return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03}Z"


def _order(order: Order) -> Json:
    uri = f"/customers/{order.customer_id}"
    return {
        "id": str(order.pk),
        "referenceCustomerId": str(order.customer_id),
        "billingCycle": order.billing_cycle,
        "lineItems": [
            {
                "lineItemNumber": line.number,
                "offerId": str(line.offer_id),
                "subscriptionId": str(line.subscription_id),
                "friendlyName": line.friendly_name,
                "quantity": line.quantity,
                "links": {"subscription": link(f"{uri}/subscriptions/{line.subscription_id}")},
            }
            for line in order.line_list
        ],
        "creationDate": _moment(order.placed_at),
        "status": "completed",
        "transactionType": "UserPurchase",
        "links": {"self": link(f"{uri}/orders/{order.pk}")},
        "attributes": {"etag": etag(order.pk, 1), "objectType": "Order"},
    }


def _subscription(row: Subscription, country: str) -> Json:
    licenses = row.offer.is_license_based
    return {
        "id": str(row.pk),
        "offerId": str(row.offer_id),
        "entitlementId": None if licenses else str(row.pk),
        "offerName": row.offer.name,
        "friendlyName": row.friendly_name,
        "quantity": row.quantity,
        "unitType": row.offer.unit_type if licenses else "Usage-based",
        "hasPurchasableAddons": False,
        "creationDate": _moment(row.created_at),
        "effectiveStartDate": f"{row.starts_on}T00:00:00Z",
        "commitmentEndDate": f"{row.term_ends_on}T00:00:00Z" if licenses else ENDLESS,
        "status": row.status,
        "autoRenewEnabled": row.auto_renew,
        "isTrial": False,
        "billingType": row.offer.billing,
        "billingCycle": row.order.billing_cycle,
        "actions": ["Edit", "Cancel"],
        "contractType": "subscription",
        "links": {
            "offer": link(f"/offers/{row.offer_id}?country={country}"),
            "self": link(f"/customers/{row.customer_id}/subscriptions/{row.pk}"),
        },
        "orderId": str(row.order_id),
        "attributes": {"etag": etag(row.pk, row.version), "objectType": "Subscription"},
    }


def _category_id(offer: Offer) -> str:
    return f"{offer.category.replace(' ', '')}_Key"


def _offer(offer: Offer, country: str) -> Json:
    place = {"locale": "en-US", "country": country}
    unit = offer.unit_type if offer.is_license_based else "Usage-based"
    category = {"id": _category_id(offer), "name": offer.category, "rank": 0} | place
    return {
        "id": str(offer.pk),
        "name": offer.name,
        "description": offer.description,
        "minimumQuantity": offer.minimum_quantity,
        "maximumQuantity": offer.maximum_quantity,
        "rank": 0,  # none goes before another
        "uri": f"/offers/{offer.pk}",
        **place,
        "category": category | {"attributes": {"objectType": "OfferCategory"}},
        "limitUnitOfMeasure": "None",
        "limit": 0,
        "prerequisiteOffers": [],
        "isAddOn": False,
        "hasAddOns": False,
        "isAvailableForPurchase": offer.is_sold,
        "billing": offer.billing,
        "supportedBillingCycles": ["annual", "monthly"],
        "isAutoRenewable": True,
        "isTrial": False,
        "salesGroupId": "Default",
        "product": {"id": str(offer.pk), "name": offer.name, "unit": unit},
        "unitType": unit,
        "links": {"learnMore": {"method": "GET", "headers": []}, "self": link(f"/offers/{offer.pk}?country={country}")},
        "attributes": {"objectType": "Offer"},
    }
