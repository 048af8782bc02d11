"""What does SQLite keep in step by itself? The index of pieces by which a search finds rare names (`search`).

Triggers, because every way of writing must keep it, also `bulk_create` and raw SQL; installed together with the guards. PostgreSQL keeps
its index as any other. Migration 0003 makes the tables: `customers_searchtext` has what is searched of each customer, under a number that
stays the same when the file is packed, and an index of every three characters of it.
"""

import sqlite3
from collections.abc import Iterable
from typing import Any

from django.core.checks import CheckMessage, Error
from django.db import connections

from mca_portal.staff.guards import GUARDS, Keeper

TOKENIZER = "trigram case_sensitive 1"


def _text(row: str) -> str:
    """Name, and domain up to its first dot, as in PostgreSQL's index; with two characters more, each begins a piece of three."""
    return f"{row}.name_key || char(10) || substr({row}.domain, 1, instr({row}.domain || '.', '.')) || char(10, 10)"


_ADD = f"INSERT INTO customers_searchtext (customer_id, text) VALUES (NEW.id, {_text('NEW')});"
_KEEPS = frozenset({"customers_searchtext"})
KEEPERS = [
    Keeper(
        "customer_searched_when_added",
        "customers_customer",
        _KEEPS,
        # INSERT OR REPLACE takes a row away without a word to the last of these triggers.
        f"INSERT ON customers_customer BEGIN DELETE FROM customers_searchtext WHERE customer_id = NEW.id; {_ADD} END",
    ),
    Keeper(
        "customer_searched_when_renamed",
        "customers_customer",
        _KEEPS,
        "UPDATE OF id, name_key, domain ON customers_customer "
        "WHEN OLD.id <> NEW.id OR OLD.name_key <> NEW.name_key OR OLD.domain <> NEW.domain "
        f"BEGIN DELETE FROM customers_searchtext WHERE customer_id IN (OLD.id, NEW.id); {_ADD} END",
    ),
    Keeper(
        "customer_searched_no_more_when_gone",
        "customers_customer",
        _KEEPS,
        "DELETE ON customers_customer BEGIN DELETE FROM customers_searchtext WHERE customer_id = OLD.id; END",
        then=(
            "DELETE FROM customers_searchtext WHERE NOT EXISTS "
            f"(SELECT 1 FROM customers_customer c WHERE c.id = customer_id AND {_text('c')} = text)",
            f"INSERT INTO customers_searchtext (customer_id, text) SELECT c.id, {_text('c')} FROM customers_customer c "
            "WHERE NOT EXISTS (SELECT 1 FROM customers_searchtext WHERE customer_id = c.id)",
            # SQLite, which analyzes nothing by itself, would believe that an account has ten customers, and go through them for a page's.
            "ANALYZE customers_customer",
        ),
    ),
]
GUARDS += KEEPERS


def check_full_text(databases: Iterable[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """Django's check, which `migrate` begins with: whether this Python's SQLite can keep the index."""
    if not any(connections[alias].vendor == "sqlite" for alias in databases or []):
        return []
    with sqlite3.connect(":memory:") as memory:
        try:
            memory.execute(f"CREATE VIRTUAL TABLE pieces USING fts5(text, tokenize='{TOKENIZER}')")
        except sqlite3.OperationalError as error:
            return [
                Error(
                    f"The search needs SQLite 3.34 or newer with FTS5; this Python has SQLite {sqlite3.sqlite_version}: {error}.",
                    hint="Use a Python whose sqlite3 module has it, or PostgreSQL (DATABASE_URL).",
                    id="customers.E001",
                )
            ]
    return []
