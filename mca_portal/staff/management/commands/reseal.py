"""Encrypt the secrets of second factors anew, with the present SECRET_KEY. Run it before an earlier key leaves SECRET_KEY_FALLBACKS."""

from typing import Any

from django.core.management.base import BaseCommand

from mca_portal.staff.services import reseal_second_factors


class Command(BaseCommand):
    """Says how many were encrypted anew, and how many cannot be: their key is gone, and an Admin agent has to reset them."""

    help = "Encrypt the secrets of second factors with the present SECRET_KEY; run it before an earlier key leaves SECRET_KEY_FALLBACKS."

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it."""
        done, lost = reseal_second_factors()
        self.stdout.write(f"{done} encrypted anew, {lost} whose key is gone.")
