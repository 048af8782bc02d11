"""Delete the API's answers that are older than a day. The API does so itself while it is used; this does it where nobody calls any more."""

from typing import Any

from django.core.management.base import BaseCommand

from mca_portal.api.once import BATCH, delete_old_answers


class Command(BaseCommand):
    """Delete all of them, in small batches."""

    help = "Delete the API's answers that are older than a day."

    def handle(self, *args: Any, **options: Any) -> None:
        """Say how many there were."""
        deleted = 0
        while batch := delete_old_answers(BATCH):
            deleted += batch
        self.stdout.write(f"{deleted} answers deleted.")
