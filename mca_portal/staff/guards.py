"""What does the database itself refuse, whoever asks (R3, G5)? Triggers, in the words of SQLite and of PostgreSQL.

They are not in migrations: SQLite rebuilds tables in migrations, which aborts on triggers that name the rebuilt table and drops its own.
So they are lifted before and put back after every migrate. `customers.kept`, `agreements.guards` and `orders.guards` add those of their
tables to GUARDS.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from django.core.checks import CheckMessage, Warning
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper


class Trigger(Protocol):
    """What the database does by itself: a `Guard` refuses, a `Keeper` keeps in step."""

    @property
    def name(self) -> str:
        """The trigger's name in the database."""

    @property
    def tables(self) -> frozenset[str]:
        """Those that must be there."""

    def install(self, connection: BaseDatabaseWrapper) -> None:
        """Create the trigger, or replace it."""

    def remove(self, connection: BaseDatabaseWrapper) -> None:
        """Drop the trigger if it is there."""

    def wanted_on(self, vendor: str) -> bool:
        """Whether this database needs it."""


@dataclass(frozen=True)
class Guard:
    """One trigger. `event`: such as "UPDATE" or "UPDATE OF quantity". It refuses a row when the SQL condition `when` holds.

    `when_postgresql` stands in where the two databases need different words; None means: not needed there.
    """

    name: str
    table: str
    event: str
    when: str
    when_postgresql: str | None = ""
    sqlite: bool = True

    @property
    def tables(self) -> frozenset[str]:
        """The table that it guards."""
        return frozenset({self.table})

    def install(self, connection: BaseDatabaseWrapper) -> None:
        """Create the trigger, or replace it."""
        with connection.cursor() as cursor:
            for statement in self._statements(connection.vendor):
                cursor.execute(statement)

    def remove(self, connection: BaseDatabaseWrapper) -> None:
        """Drop the trigger if it is there."""
        with connection.cursor() as cursor:
            on = f" ON {self.table}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS {self.name}{on}")

    def wanted_on(self, vendor: str) -> bool:
        """Whether this database needs it."""
        return self.sqlite if vendor == "sqlite" else self.when_postgresql is not None

    def _statements(self, vendor: str) -> Iterable[str]:
        if vendor == "sqlite":
            yield f"DROP TRIGGER IF EXISTS {self.name}"
            yield (
                f"CREATE TRIGGER {self.name} BEFORE {self.event} ON {self.table} WHEN {self.when} "
                f"BEGIN SELECT RAISE(ABORT, '{self.name}'); END"
            )
            return
        when = self.when_postgresql or self.when
        each = "STATEMENT" if self.event == "TRUNCATE" else "ROW"
        result = "NULL" if each == "STATEMENT" else "OLD" if self.event == "DELETE" else "NEW"
        yield (
            f"CREATE OR REPLACE FUNCTION {self.name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF {when} THEN RAISE EXCEPTION '{self.name}' USING ERRCODE = 'integrity_constraint_violation'; END IF; "
            f"RETURN {result}; END $$"
        )
        yield f"CREATE OR REPLACE TRIGGER {self.name} BEFORE {self.event} ON {self.table} FOR EACH {each} EXECUTE FUNCTION {self.name}()"


@dataclass(frozen=True)
class Keeper:
    """One trigger that keeps other rows in step, in the words of each database from its event on; None: not needed there.

    `keeps`: the tables in which it writes. `function`: PostgreSQL's, which its trigger runs. `then`: statements that on SQLite bring in
    step what was written while the trigger was lifted.
    """

    name: str
    table: str
    keeps: frozenset[str]
    sqlite: str
    postgresql: str | None = None
    function: str = ""
    then: tuple[str, ...] = ()

    @property
    def tables(self) -> frozenset[str]:
        """Where it sits and where it writes."""
        return frozenset({self.table}) | self.keeps

    def install(self, connection: BaseDatabaseWrapper) -> None:
        """Create the trigger, or replace it."""
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute(f"DROP TRIGGER IF EXISTS {self.name}")
                cursor.execute(f"CREATE TRIGGER {self.name} AFTER {self.sqlite}")
                for statement in self.then:
                    cursor.execute(statement)
            else:
                cursor.execute(self.function)
                cursor.execute(f"CREATE OR REPLACE TRIGGER {self.name} AFTER {self.postgresql}")

    def remove(self, connection: BaseDatabaseWrapper) -> None:
        """Drop the trigger if it is there."""
        with connection.cursor() as cursor:
            on = f" ON {self.table}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS {self.name}{on}")

    def wanted_on(self, vendor: str) -> bool:
        """Whether this database needs it."""
        return vendor == "sqlite" or self.postgresql is not None


def only_added(table: str, same: str = "id = NEW.id") -> list[Guard]:
    """Guards that let rows of `table` be added and nothing else (R3). `same`: the SQL condition that a row has a unique key of the new one.

    SQLite's INSERT OR REPLACE slips past a DELETE trigger, hence the one on INSERT; TRUNCATE exists in PostgreSQL only.
    """
    return [
        Guard(f"{table}_no_update", table, "UPDATE", "TRUE"),
        Guard(f"{table}_no_delete", table, "DELETE", "TRUE"),
        Guard(f"{table}_no_replace", table, "INSERT", f"EXISTS (SELECT 1 FROM {table} WHERE {same})", None),
        Guard(f"{table}_no_truncate", table, "TRUNCATE", "TRUE", sqlite=False),
    ]


# The second one is Django's log of the operator's pages (admin.py).
GUARDS: list[Trigger] = [*only_added("staff_activity"), *only_added("django_admin_log")]


def before_migrate(*, using: str, **_kwargs: Any) -> None:
    """Lift the guards on SQLite, which could not rebuild tables otherwise."""
    if connections[using].vendor == "sqlite":
        remove_guards(using)


def after_migrate(*, using: str, **_kwargs: Any) -> None:
    """Put the guards in place."""
    install_guards(using)


def install_guards(using: str) -> None:
    """Create or replace the guard of every table that is there, all at once."""
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    with transaction.atomic(using):
        for guard in GUARDS:
            if guard.wanted_on(connection.vendor) and guard.tables <= tables:
                guard.install(connection)


def remove_guards(using: str) -> None:
    """Drop every guard. Only migrations on SQLite and the tests' flush do this."""
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    with transaction.atomic(using):
        for guard in GUARDS:
            if guard.tables <= tables:
                guard.remove(connection)


def missing_guards(using: str) -> list[str]:
    """The names of guards that the database should have and has not."""
    connection = connections[using]
    question = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if connection.vendor == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
    )
    with connection.cursor() as cursor:
        cursor.execute(question)
        present = {name for (name,) in cursor.fetchall()}
    tables = set(connection.introspection.table_names())  # before the first migrate there is nothing to guard
    wanted = [guard for guard in GUARDS if guard.wanted_on(connection.vendor) and guard.tables <= tables]
    return [guard.name for guard in wanted if guard.name not in present]


def check_guards(databases: Iterable[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """Django's check, run with `manage.py check --database default`: a warning, because as an error it would stop `migrate` itself."""
    found: list[CheckMessage] = []
    for alias in databases or []:
        missing = missing_guards(alias)
        if missing:
            found.append(Warning(f"The database lacks these guards: {', '.join(missing)}", hint="Run manage.py migrate.", id="staff.W001"))
    return found
