"""During an upgrade the old and the new server work on one database: a release's migrations only add what the old one can do without.

What is taken away or tightened goes into a later release, when no server is running any more that needs it: such a migration says
`contracts_after = "0.4.0"`, the last release whose server would break, and the version in pyproject.toml is a higher one.
"""

import tomllib
from typing import Any

import pytest
from django.conf import settings
from django.db import models
from django.db.migrations import Migration, operations
from django.db.migrations.loader import MigrationLoader

# The newest migration of each app that no released version came before: there is no older server to go on working.
BEFORE_THE_FIRST_RELEASE = {"staff": 6, "customers": 2, "agreements": 4, "orders": 2, "pages": 1, "api": 1}

TAKES_AWAY = (
    operations.RemoveField,
    operations.RenameField,
    operations.DeleteModel,
    operations.RenameModel,
    operations.AlterModelTable,
    operations.AlterUniqueTogether,
    operations.AddConstraint,
)


def breaks_the_old_server(operation: Any) -> str:
    """Why the old server could no longer read or write what the operation changes; empty when it can."""
    if isinstance(operation, TAKES_AWAY):
        return f"{type(operation).__name__} takes away what it uses, or refuses what it writes"
    if isinstance(operation, operations.AddField | operations.AlterField):
        field = operation.field
        if not field.null and field.db_default is models.NOT_PROVIDED and not field.many_to_many:
            return f"{operation.model_name}.{operation.name} must be filled in and has no db_default: it leaves the column out"
    return ""


def found(migration: Migration) -> list[str]:
    """What is wrong with a migration. One that contracts is right when the release that would break is behind us."""
    broken = [why for operation in migration.operations if (why := breaks_the_old_server(operation))]
    last = getattr(migration, "contracts_after", None)
    if not broken or last is None:
        return broken
    version = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]["version"]
    return [] if parts(version) > parts(last) else [f"it contracts after {last}, and this is still {version}"]


def parts(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def ours() -> list[Migration]:
    """The portal's own migrations after the first release."""
    every = MigrationLoader(None).disk_migrations.items()
    return [migration for (app, name), migration in every if int(name[:4]) > BEFORE_THE_FIRST_RELEASE.get(app, 0) and is_ours(app)]


def is_ours(app: str) -> bool:
    return app in BEFORE_THE_FIRST_RELEASE or (settings.BASE_DIR / app).is_dir() or (settings.BASE_DIR / "mca_portal" / app).is_dir()


def test_the_old_server_goes_on_working_on_the_migrated_database() -> None:
    wrong = {f"{migration.app_label} {migration.name}": why for migration in ours() if (why := found(migration))}
    assert not wrong, "let it add only (null=True or db_default=…), or take away one release later (contracts_after)"


@pytest.mark.parametrize(
    "operation",
    [
        operations.RemoveField("order", "billing_cycle"),
        operations.RenameField("order", "placed_at", "at"),
        operations.DeleteModel("order"),
        operations.AddField("order", "note", models.CharField(max_length=10, default="")),
        operations.AlterField("order", "acceptance", models.IntegerField()),
        operations.AddConstraint("order", models.CheckConstraint(condition=models.Q(pk=1), name="one")),
    ],
)
def test_what_would_break_it_is_found(operation: Any) -> None:
    migration = Migration("0099_later", "orders")
    migration.operations = [operation]
    assert found(migration)
    migration.contracts_after = "0.0.9"
    assert not found(migration)
    migration.contracts_after = "99.0"
    assert found(migration)


@pytest.mark.parametrize(
    "operation",
    [
        operations.AddField("order", "note", models.CharField(max_length=10, null=True)),
        operations.AddField("order", "note", models.CharField(max_length=10, default="", db_default="")),
        operations.AlterField("order", "billing_cycle", models.CharField(max_length=99, null=True)),
        operations.CreateModel("note", [("id", models.BigAutoField(primary_key=True))]),
        operations.AddIndex("order", models.Index(fields=["placed_at"], name="by_day")),
    ],
)
def test_what_only_adds_is_right(operation: Any) -> None:
    assert not breaks_the_old_server(operation)
