"""`manage.py compile_catalogues`: make the compiled translations that Django reads."""

from typing import Any

from django.core.management.base import BaseCommand

from mca_portal import catalogues


class Command(BaseCommand):
    """Compile the catalogues that changed since they were compiled."""

    help = "Compile the translation catalogues that changed since they were last compiled (needs no gettext programs)."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Compile; says which files it wrote."""
        for path in catalogues.compile_stale():
            self.stdout.write(f"compiled {path.relative_to(catalogues.LOCALE)}")
