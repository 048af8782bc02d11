"""Offers, orders and subscriptions."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OrdersConfig(AppConfig):
    """Adds its tables' guards to those that staff keeps in place."""

    name = "orders"
    verbose_name = _("Orders")

    def ready(self) -> None:
        """Make the guards known before anything migrates."""
        from orders import guards  # noqa: F401
