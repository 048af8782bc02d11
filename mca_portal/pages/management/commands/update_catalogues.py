"""`manage.py update_catalogues`: bring the translation catalogue in line with the texts in the source."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mca_portal import catalogues


class Command(BaseCommand):
    """Collect the texts to translate."""

    help = "Collect the texts to translate from the source into the Korean catalogue (needs the gettext programs)."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Update the catalogue; says how many texts wait for a translation."""
        if not catalogues.has_gettext():
            raise CommandError(catalogues.HOW_TO_GET_GETTEXT)
        catalogues.collect()
        self.stdout.write(f"{catalogues.KOREAN.relative_to(catalogues.ROOT)}: {len(catalogues.untranslated())} to translate")
