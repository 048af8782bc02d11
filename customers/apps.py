"""Customers of a partner."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CustomersConfig(AppConfig):
    """Customers: who they are, where they are, whom to talk to."""

    name = "customers"
    verbose_name = _("Customers")
