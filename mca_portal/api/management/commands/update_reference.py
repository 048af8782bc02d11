"""`manage.py update_reference`: bring the Korean catalogue of the API's reference in line with /v1/openapi.json."""

from typing import Any

from django.core.management.base import BaseCommand

from mca_portal import catalogues
from mca_portal.api.documentation import texts_of
from mca_portal.api.urls import api


class Command(BaseCommand):
    """Collect the texts to translate."""

    help = "Collect the texts of /v1/openapi.json into the Korean catalogue of the reference."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Update the catalogue; says how many texts wait for a translation."""
        catalogues.collect_reference(texts_of(api.get_openapi_schema()))
        waiting = len(catalogues.untranslated(catalogues.REFERENCE))
        self.stdout.write(f"{catalogues.REFERENCE.relative_to(catalogues.ROOT)}: {waiting} to translate")
