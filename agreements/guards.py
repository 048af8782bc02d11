"""What does the database refuse about acceptances and standings, whoever asks (R2, R3)? With what it keeps in step (`kept`)."""

from agreements.kept import KEEPERS
from mca_portal.staff.guards import GUARDS, Guard, only_added

GUARDS += [
    *KEEPERS,
    *only_added("agreements_acceptance"),
    *only_added("agreements_withdrawal", "acceptance_id = NEW.acceptance_id OR rowid = NEW.rowid"),
    # No clock on earth is further ahead of UTC than 14 hours; the service knows the account's own day (R2).
    Guard(
        "acceptance_not_in_the_future",
        "agreements_acceptance",
        "INSERT",
        "NEW.agreed_on > date(NEW.recorded_at, '+14 hours')",
        "NEW.agreed_on > ((NEW.recorded_at AT TIME ZONE 'UTC') + interval '14 hours')::date",
    ),
    Guard(
        "standing_has_its_own_acceptance",
        "agreements_standing",
        "INSERT",
        "NEW.acceptance_id IS NOT NULL AND NOT EXISTS "
        "(SELECT 1 FROM agreements_acceptance WHERE id = NEW.acceptance_id AND customer_id = NEW.customer_id)",
    ),
    Guard(
        "standing_keeps_its_own_acceptance",
        "agreements_standing",
        "UPDATE",
        "NEW.acceptance_id IS NOT NULL AND NOT EXISTS "
        "(SELECT 1 FROM agreements_acceptance WHERE id = NEW.acceptance_id AND customer_id = NEW.customer_id)",
    ),
]
