"""Opens a partner account with its first Admin agent, who chooses a password by the link that is printed once."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from mca_portal.pages.staff import said_of_password
from mca_portal.staff.models import Cloud, Environment, Language, PartnerType, StaffMember
from mca_portal.staff.services import open_account


class Command(BaseCommand):
    """For the operator, at set-up and for each further partner: nobody who is signed in can do it."""

    help = "Open a partner account with its first Admin agent; prints the link by which they choose their password."

    def add_arguments(self, parser: CommandParser) -> None:
        """The fields of the account, then the Admin agent."""
        parser.add_argument("name", help="the partner's name")
        parser.add_argument("--partner-type", required=True, choices=PartnerType.values)
        parser.add_argument("--country", required=True, help="ISO code of two letters, such as KR")
        parser.add_argument("--time-zone", default="UTC", help="such as Asia/Seoul")
        parser.add_argument("--language", default=Language.ENGLISH, choices=Language.values)
        parser.add_argument("--cloud", default=Cloud.PUBLIC, choices=Cloud.values)
        parser.add_argument("--environment", default=Environment.PRODUCTION, choices=Environment.values)
        parser.add_argument("--admin-email", required=True)
        parser.add_argument("--admin-first-name", required=True)
        parser.add_argument("--admin-last-name", required=True)

    def handle(self, **options: Any) -> None:
        """Open it and print the link. Raises CommandError with everything that is wrong."""
        try:
            account = open_account(
                name=options["name"],
                partner_type=options["partner_type"],
                country=options["country"],
                time_zone=options["time_zone"],
                default_language=options["language"],
                cloud=options["cloud"],
                environment=options["environment"],
                admin_email=options["admin_email"],
                admin_first_name=options["admin_first_name"],
                admin_last_name=options["admin_last_name"],
                password=None,
            )
        except ValidationError as error:
            wrong = [f"{field}: {' '.join(messages)}" for field, messages in error.message_dict.items()]
            raise CommandError("Nothing was opened. " + "; ".join(wrong)) from error
        admin = StaffMember.objects.get(account=account)
        self.stdout.write(f"{account.name} is open (Microsoft ID {account.pk}).")
        self.stdout.write(said_of_password(admin))
