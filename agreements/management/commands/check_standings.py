"""Recomputes every customer's standing from the records, and their counts, and reports differences; with --repair it mends them."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Exists, F, OuterRef, Q, Subquery

from agreements.models import Acceptance, Standing
from agreements.services import miscounted, recompute_standing, repair_counts
from customers.models import Customer


class Command(BaseCommand):
    """`manage.py check_standings [--repair]`: exit code 1 when a standing differs from the records and was not repaired."""

    help = "Compares each customer's standing with its records, and the counts with the standings."

    def add_arguments(self, parser: CommandParser) -> None:
        """--repair: write what the records say."""
        parser.add_argument("--repair", action="store_true", help="Make the standings say what the records say.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each differing customer's Microsoft ID and a closing count. Raises CommandError when differences remain."""
        wrong = 0
        for customer_id in self._differing():
            wrong += 1
            self.stdout.write(f"{customer_id}{': repaired' if options['repair'] else ''}")
            if options["repair"]:
                recompute_standing(customer_id)
        self.stdout.write(f"{Standing.objects.count()} standings checked, {wrong} differ")
        differing = miscounted()
        for account_id, rank, number in differing:
            self.stdout.write(f"count of account {account_id} at rank {rank} is {number} short{': repaired' if options['repair'] else ''}")
        if differing and options["repair"]:
            repair_counts()
        wrong += len(differing)
        if wrong and not options["repair"]:
            raise CommandError("Standings differ from the records. Run again with --repair.")

    def _differing(self) -> list[Any]:
        best = Acceptance.objects.filter(customer=OuterRef("customer")).standing().best_first()
        standings = Standing.objects.annotate(
            best=Subquery(best.values("pk")[:1]), best_rank=Subquery(best.values("template__version_rank")[:1])
        )
        differs = (
            Q(best__isnull=True, acceptance__isnull=False)
            | Q(best__isnull=False, acceptance__isnull=True)
            | ~Q(acceptance=F("best")) & Q(best__isnull=False)
            | ~Q(rank=F("best_rank")) & Q(best__isnull=False)
            | ~Q(account=F("customer__account"))
            | ~Q(name_key=F("customer__name_key"))
            | ~Q(customer_since=F("customer__created_at"))
        )
        missing = Customer.objects.filter(~Exists(Standing.objects.filter(customer=OuterRef("pk"))))
        return [*standings.filter(differs).values_list("customer_id", flat=True), *missing.values_list("pk", flat=True)]
