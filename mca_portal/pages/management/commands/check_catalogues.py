"""`manage.py check_catalogues`: would a Korean reader meet an English or a wrong text?"""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mca_portal import catalogues


class Command(BaseCommand):
    """Fail when a translation is missing, doubtful, or out of date."""

    help = "Check that every text is translated. With REQUIRE_ALL=1 missing gettext programs are an error, too."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Check; raises CommandError listing what is wrong."""
        problems = catalogues.untranslated()
        if catalogues.has_gettext():
            problems += catalogues.out_of_date()
        elif os.environ.get("REQUIRE_ALL") == "1":
            problems.append(catalogues.HOW_TO_GET_GETTEXT)
        else:
            self.stdout.write(f"Not compared with the source: {catalogues.HOW_TO_GET_GETTEXT}")
        if problems:
            raise CommandError(
                f"{len(problems)} problems with the translations; `make messages` collects new texts.\n" + "\n".join(problems)
            )
        self.stdout.write("Translations: complete.")
