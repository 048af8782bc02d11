"""What does the database keep in step by itself? How many customers stand at each rank, and the name by which standings are in order.

Triggers, because every way of writing must keep them, also `bulk_create` and raw SQL; installed together with the guards.

A count is not one row that is added to: everybody who confirms would wait for whoever confirms at the same time. On PostgreSQL each
statement adds a row with the difference that it makes, and from time to time somebody folds the account's rows into one a rank,
passing over those that somebody else is folding. SQLite has one writer at a time, so there it is one row.
"""

from mca_portal.staff.guards import Keeper

FOLDED_FROM = 100  # rows of one account
_KEEPS = frozenset({"agreements_standing", "agreements_standingcount"})


def _count_row(row: str, difference: str) -> str:
    """SQLite: add to the count of the account and rank of `row` (NEW or OLD)."""
    here = f"account_id = {row}.account_id AND rank = {row}.rank"
    return (
        f"INSERT INTO agreements_standingcount (account_id, rank, number) SELECT {row}.account_id, {row}.rank, 0 "
        f"WHERE NOT EXISTS (SELECT 1 FROM agreements_standingcount WHERE {here}); "
        f"UPDATE agreements_standingcount SET number = number {difference} "
        f"WHERE id = (SELECT MIN(id) FROM agreements_standingcount WHERE {here}); "
    )


_COUNT = f"""
CREATE OR REPLACE FUNCTION standings_counted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    account uuid;
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO agreements_standingcount (account_id, rank, number)
            SELECT account_id, rank, count(*) FROM added GROUP BY account_id, rank;
        SELECT account_id INTO account FROM added LIMIT 1;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO agreements_standingcount (account_id, rank, number)
            SELECT account_id, rank, -count(*) FROM gone GROUP BY account_id, rank;
        SELECT account_id INTO account FROM gone LIMIT 1;
    ELSE
        INSERT INTO agreements_standingcount (account_id, rank, number)
            SELECT account_id, rank, sum(number)
            FROM (SELECT account_id, rank, 1 AS number FROM added UNION ALL SELECT account_id, rank, -1 FROM gone) AS moved
            GROUP BY account_id, rank HAVING sum(number) <> 0;
        SELECT account_id INTO account FROM added LIMIT 1;
    END IF;
    IF (SELECT count(*) FROM agreements_standingcount WHERE account_id = account) >= {FOLDED_FROM} THEN
        WITH one AS (
            SELECT id FROM agreements_standingcount WHERE account_id = account FOR UPDATE SKIP LOCKED
        ), folded AS (
            DELETE FROM agreements_standingcount WHERE id IN (SELECT id FROM one) RETURNING rank, number
        )
        INSERT INTO agreements_standingcount (account_id, rank, number)
            SELECT account, rank, sum(number) FROM folded GROUP BY rank HAVING sum(number) <> 0;
    END IF;
    RETURN NULL;
END $$
"""

KEEPERS = [
    Keeper(
        "standing_counted_when_added",
        "agreements_standing",
        _KEEPS,
        f"INSERT ON agreements_standing BEGIN {_count_row('NEW', '+ 1')} END",
        "INSERT ON agreements_standing REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION standings_counted()",
        _COUNT,
    ),
    Keeper(
        "standing_counted_when_moved",
        "agreements_standing",
        _KEEPS,
        "UPDATE OF account_id, rank ON agreements_standing WHEN OLD.rank <> NEW.rank OR OLD.account_id <> NEW.account_id "
        f"BEGIN {_count_row('OLD', '- 1')} {_count_row('NEW', '+ 1')} END",
        "UPDATE ON agreements_standing REFERENCING OLD TABLE AS gone NEW TABLE AS added "
        "FOR EACH STATEMENT EXECUTE FUNCTION standings_counted()",
        _COUNT,
    ),
    Keeper(
        "standing_counted_when_gone",
        "agreements_standing",
        _KEEPS,
        f"DELETE ON agreements_standing BEGIN {_count_row('OLD', '- 1')} END",
        "DELETE ON agreements_standing REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION standings_counted()",
        _COUNT,
    ),
    Keeper(
        "standing_has_its_customers_name",
        "customers_customer",
        _KEEPS,
        "UPDATE OF name_key ON customers_customer WHEN OLD.name_key <> NEW.name_key "
        "BEGIN UPDATE agreements_standing SET name_key = NEW.name_key WHERE customer_id = NEW.id; END",
        "UPDATE ON customers_customer FOR EACH ROW WHEN (OLD.name_key <> NEW.name_key) EXECUTE FUNCTION standing_named()",
        "CREATE OR REPLACE FUNCTION standing_named() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "UPDATE agreements_standing SET name_key = NEW.name_key WHERE customer_id = NEW.id; RETURN NULL; END $$",
    ),
]
