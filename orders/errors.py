"""What can be wrong about orders and subscriptions, as facts; each door says it in its own way."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orders.models import Offer, Subscription


class EmptyOrder(Exception):
    """The order has no line."""


class LineError(Exception):
    """Something is wrong with one line. `line`: its index from 0."""

    def __init__(self, line: int = 0) -> None:
        self.line = line
        super().__init__(f"line {line}")


class OfferNotSold(LineError):
    """The offer of a line does not exist or is not sold (F5)."""


class QuantityOutOfRange(LineError):
    """The quantity is outside the offer's bounds (F5). `offer` holds them."""

    def __init__(self, offer: "Offer", line: int = 0) -> None:
        super().__init__(line)
        self.offer = offer


class StaleSubscription(Exception):
    """Somebody else changed the subscription first (F5). `subscription`: as it is now."""

    def __init__(self, subscription: "Subscription") -> None:
        self.subscription = subscription
        super().__init__(f"subscription is at version {subscription.version}")


class SubscriptionSuspended(Exception):
    """A suspended subscription's license count cannot change: reactivate it first."""


class NotLicenseBased(Exception):
    """A usage-based subscription has no license count to change (G3)."""
