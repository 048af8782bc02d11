"""Empties the database between tests. Evidence cannot be deleted, so this lifts the guards; outside tests it refuses."""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import flush
from django.db import connections

from agreements import known_templates
from agreements.models import AgreementTemplate
from mca_portal.staff.guards import install_guards, remove_guards
from orders import catalogue
from orders.models import Offer


class Command(flush.Command):
    """Django's flush for a test database: guards off, empty, guards on, and what migrations had filled in is there again."""

    help = "Empties a test database. Refuses any other: acceptances are evidence."

    def handle(self, **options: Any) -> None:
        """Run for the database that `options["database"]` names. Raises CommandError outside tests."""
        using = options["database"]
        name = str(connections[using].settings_dict["NAME"])
        if not name.rsplit("/", 1)[-1].startswith(("test_", "file:memorydb")):
            raise CommandError("flush would delete evidence. To start anew, create an empty database and run migrate.")
        remove_guards(using)
        try:
            super().handle(**options)
            known_templates.load(AgreementTemplate)
            catalogue.load(Offer)
        finally:
            install_guards(using)
