"""Who watches the portal learns without a sign-in whether it is alive and ready (P2), and nothing that an attacker could use."""

import pytest
from django.db import DatabaseError, OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder

from mca_portal.pages import health
from mca_portal.staff.guards import GUARDS

pytestmark = pytest.mark.django_db


def refuse(*_args):
    """A database that is away; libpq's words name host and user."""
    raise OperationalError('connection to server at "10.0.0.1" failed: password authentication failed for user "mca"')


def test_alive_needs_no_database(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok")
    assert "no-store" in answer["Cache-Control"]


def test_ready_when_database_migrations_guards_and_cache_are_there(client):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "failing": []})
    assert "no-store" in answer["Cache-Control"]


def test_ready_costs_few_queries(client, django_assert_max_num_queries):
    client.get("/readyz")
    with django_assert_max_num_queries(6):
        client.get("/readyz")


def test_not_ready_without_the_database_and_says_no_more(client, monkeypatch):
    monkeypatch.setattr(connection, "cursor", refuse)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "failing": ["database"]})


def test_not_ready_while_a_migration_is_missing(client):
    recorder = MigrationRecorder(connection)
    recorder.migration_qs.filter(app="orders", name="0001_initial").delete()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["failing"]) == (503, ["migrations"])


def test_ready_when_newer_code_has_migrated_further(client):
    MigrationRecorder(connection).record_applied("orders", "9999_of_the_next_version")
    assert client.get("/readyz").status_code == 200


def test_not_ready_when_a_guard_is_gone(client):
    GUARDS[0].remove(connection)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["failing"]) == (503, ["guards"])


def test_not_ready_without_the_table_of_the_cache(client, settings):
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "nowhere"}}
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["failing"]) == (503, ["cache"])


def test_a_part_that_cannot_be_asked_counts_as_failing(client, monkeypatch):
    def broken():
        raise DatabaseError("permission denied for table django_migrations")

    monkeypatch.setattr(health, "_migrations", broken)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "failing": ["migrations"]})
