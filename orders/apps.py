"""Offers, orders and subscriptions."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """Adds its tables' guards to those that agreements keeps in place."""

    name = "orders"

    def ready(self) -> None:
        """Make the guards known before anything migrates."""
        from orders import guards  # noqa: F401
