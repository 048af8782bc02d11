"""Customers of a partner."""

from django.apps import AppConfig


class CustomersConfig(AppConfig):
    """Customers: who they are, where they are, whom to talk to."""

    name = "customers"
