"""What can be wrong about customers, as facts; each door says it in its own way."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from customers.models import Customer


class StaleCustomer(Exception):
    """Somebody else changed the customer first. `customer`: as it is now."""

    def __init__(self, customer: "Customer") -> None:
        self.customer = customer
        super().__init__(f"customer is at version {customer.version}")


class NotYoursToTransact(Exception):
    """The account is an indirect reseller: its indirect provider confirms and orders for its customers (A2)."""
