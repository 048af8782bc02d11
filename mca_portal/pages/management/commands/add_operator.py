"""Adds an operator, who publishes agreement versions and offers, and chooses a password by the link that is printed once."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from mca_portal.pages.staff import said_of_password
from mca_portal.staff.models import Language
from mca_portal.staff.services import add_operator


class Command(BaseCommand):
    """For whoever has the server's shell: nobody who is signed in can do it."""

    help = "Add an operator, for the pages under /operator/; prints the link by which they choose their password."

    def add_arguments(self, parser: CommandParser) -> None:
        """Who it is."""
        parser.add_argument("email")
        parser.add_argument("--first-name", required=True)
        parser.add_argument("--last-name", required=True)
        parser.add_argument("--language", default=Language.ENGLISH, choices=Language.values)

    def handle(self, **options: Any) -> None:
        """Add them and print the link. Raises CommandError with everything that is wrong."""
        said = {name: options[name] for name in ("email", "first_name", "last_name", "language")}
        try:
            operator = add_operator(**said)
        except ValidationError as error:
            wrong = [f"{field}: {' '.join(messages)}" for field, messages in error.message_dict.items()]
            raise CommandError("Nobody was added. " + "; ".join(wrong)) from error
        self.stdout.write(said_of_password(operator))
