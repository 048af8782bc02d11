"""Customers of a partner."""

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.utils.translation import gettext_lazy as _


class CustomersConfig(AppConfig):
    """Customers: who they are, where they are, whom to talk to. What keeps the search's index joins the guards that staff installs."""

    name = "customers"
    verbose_name = _("Customers")

    def ready(self) -> None:
        """Make the triggers known before anything migrates."""
        from customers import kept

        register(kept.check_full_text, Tags.database)
