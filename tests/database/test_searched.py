"""What a search finds by its index of pieces is in step with the customers, whichever way they are written (on SQLite by triggers)."""

import itertools
import sqlite3

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customers import kept, search
from customers.models import Customer
from customers.search import read_matches
from mca_portal.staff.guards import install_guards, remove_guards
from mca_portal.staff.names import tidy
from tests.factories import customer_details, make_customer, make_staff

pytestmark = pytest.mark.django_db
on_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL keeps its index by itself")


@pytest.fixture
def admin():
    return make_staff()


@pytest.fixture(autouse=True)
def _by_pieces(monkeypatch):
    """Next to nothing is found by the index by name."""
    monkeypatch.setattr(search, "NEAR", 1)
    monkeypatch.setattr(search, "NEAR_IF_SHORT", 1)
    monkeypatch.setattr(search, "NEAR_ON_SQLITE", 1)


def found(admin, typed: str) -> list[Customer]:
    return sorted(read_matches(Customer.objects.visible_to(admin), typed, size=100).items, key=lambda row: row.pk)


def expected(typed: str) -> list[Customer]:
    """What a plain look through all customers finds."""
    typed = tidy(typed).casefold()
    return [row for row in Customer.objects.order_by("pk") if typed in row.name_key or typed in row.domain]


def assert_in_step() -> None:
    """SQLite's index holds every customer's text, and nothing else."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SELECT customer_id, text FROM customers_searchtext ORDER BY customer_id")
            held = cursor.fetchall()
            cursor.execute("INSERT INTO customers_pieces (customers_pieces, rank) VALUES ('integrity-check', 1)")
        rows = Customer.objects.order_by("pk")
        assert held == [(row.pk.hex, f"{row.name_key}\n{row.domain_prefix}.\n\n") for row in rows]


NUMBERS = itertools.count(10_000_000)


def new(admin, name: str) -> Customer:
    """A customer with this name that is not written yet. Its domain is as long as all others, and the last by the alphabet."""
    details = customer_details(company_name=name, domain=f"customer{next(NUMBERS)}.onmicrosoft.com")
    row = Customer(account=admin.account, created_by=admin, **details)
    row.derive_keys()
    return row


def run(sql: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def key(row: Customer) -> object:
    return row.pk.hex if connection.vendor == "sqlite" else row.pk


def rename(row: Customer, name: str) -> Customer:
    row.company_name = name
    row.derive_keys()
    return row


def undone(row: Customer, name: str) -> None:
    with transaction.atomic():
        rename(row, name).save()
        Customer.objects.exclude(pk=row.pk).delete()
        transaction.set_rollback(True)


WAYS = {
    "save": lambda row, name: rename(row, name).save(),
    "update": lambda row, name: Customer.objects.filter(pk=row.pk).update(name_key=name.casefold()),
    "bulk update": lambda row, name: Customer.objects.bulk_update([rename(row, name)], ["company_name", "name_key"]),
    "upsert": lambda row, name: Customer.objects.bulk_create(
        [rename(row, name)], update_conflicts=True, update_fields=["company_name", "name_key"], unique_fields=["id"]
    ),
    "plain SQL": lambda row, name: run("UPDATE customers_customer SET name_key = %s WHERE id = %s", name.casefold(), key(row)),
    "another domain": lambda row, _name: Customer.objects.filter(pk=row.pk).update(domain=f"moved-{row.domain}"[-40:]),
    "undone": undone,
    "delete": lambda row, _name: row.delete(),
    "delete by plain SQL": lambda row, _name: run("DELETE FROM customers_customer WHERE id = %s", key(row)),
    "add": lambda row, name: new(row.created_by, name).save(),
    "add and delete": lambda row, name: (added := new(row.created_by, name)).save() or added.delete(),
}
# Quotes, spaces, line breaks, % and _, Hangul, characters that take four bytes, and anything else but NUL, which neither database takes.
TEXTS = st.text(
    st.sampled_from("ab \"'*\n%_-.가나다😀ß") | st.characters(exclude_characters="\0\U0010ffff", exclude_categories=["Cs"]),
    min_size=1,
    max_size=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_search_finds_what_a_look_through_all_finds_however_they_were_written(admin, data):
    with transaction.atomic():
        Customer.objects.bulk_create([new(admin, name) for name in data.draw(st.lists(TEXTS, min_size=3, max_size=8))])
        for way, name in data.draw(st.lists(st.tuples(st.sampled_from(sorted(WAYS)), TEXTS), max_size=8)):
            if rows := list(Customer.objects.order_by("domain")):
                WAYS[way](rows[len(name) % len(rows)], name)
        assert_in_step()
        for row in Customer.objects.order_by("domain"):
            text = data.draw(st.sampled_from([row.name_key, row.domain]))
            begin = data.draw(st.integers(0, len(text)))
            typed = text[begin : begin + data.draw(st.integers(1, 9))]
            assert found(admin, typed) == expected(typed), typed
        typed = data.draw(TEXTS)
        assert found(admin, typed) == expected(typed), typed
        transaction.set_rollback(True)


AWKWARD = ("say \"hi\" or 'ho'", '""" AND text:* NOT (^a)', "100% _sure_ -- \\d", "가나 다라 😀😀 é ß", "ᎣᏏᏲ ᏣᎳᎩ İi")


def test_every_part_of_an_awkward_name_is_found(admin):
    rows = {name: make_customer(admin, company_name=f"x {name}") for name in AWKWARD}
    for name, row in rows.items():
        key = row.name_key
        for begin in range(2, len(key)):
            for length in (1, 2, 3, 4, 7):
                typed = key[begin : begin + length]
                assert found(admin, typed) == expected(typed), typed
        assert row in found(admin, name)


@on_sqlite
def test_a_rare_word_is_found_without_going_through_all_names_also_where_nobody_has_analyzed_the_tables(admin):
    Customer.objects.bulk_create([new(admin, f"Company {number}") for number in range(1000)] + [new(admin, "Tailspin Toys")])
    run("ANALYZE")
    run("DELETE FROM sqlite_stat1")
    run("ANALYZE sqlite_schema")
    for typed in ("qx", "lspi", "xylophone", "n t"):
        hundreds = itertools.count()
        connection.connection.set_progress_handler(lambda each=hundreds: bool(next(each) < 0), 100)
        rows = found(admin, typed)
        connection.connection.set_progress_handler(None, 0)
        assert rows == expected(typed)
        assert next(hundreds) < 100, typed  # to go through a thousand names takes more than ten thousand instructions


@on_sqlite
@pytest.mark.parametrize("verb", ["INSERT OR REPLACE INTO", "REPLACE INTO"])
def test_a_customer_that_is_replaced_is_found_by_the_new_name(admin, verb):
    make_customer(admin, company_name="Northwind")
    row = Customer.objects.get()
    names = [field.column for field in Customer._meta.concrete_fields]
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA defer_foreign_keys = ON")
    run(
        f"{verb} customers_customer ({', '.join(names)}) SELECT {', '.join(names).replace('name_key', repr('tailspin'))} "
        "FROM customers_customer WHERE id = %s",
        key(row),
    )
    assert found(admin, "ilspi") == [row]
    assert found(admin, "rthwi") == []
    assert_in_step()


@on_sqlite
def test_what_is_written_while_the_triggers_are_lifted_is_found_once_they_are_back(admin):
    kept_as_is, renamed, gone = (make_customer(admin, company_name=name) for name in ("Contoso", "Fabrikam", "Tailspin"))
    remove_guards("default")
    Customer.objects.filter(pk=renamed.pk).update(name_key="wingtip")
    run("DELETE FROM agreements_standing WHERE customer_id = %s", key(gone))
    run("DELETE FROM customers_customer WHERE id = %s", key(gone))
    added = new(admin, "Litware")
    added.save()
    install_guards("default")
    assert_in_step()
    for typed, row in (("ontos", kept_as_is), ("ingti", renamed), ("itwar", added)):
        assert found(admin, typed) == [row]
    assert found(admin, "abrik") == found(admin, "ailsp") == []


@pytest.mark.django_db(transaction=True)
def test_a_migration_fills_the_index_with_the_customers_that_are_there_already():
    admin = make_staff()
    before = make_customer(admin, company_name="Northwind")
    call_command("migrate", "customers", "0002", verbosity=0)
    new(admin, "Litware").save()
    call_command("migrate", verbosity=0)
    assert_in_step()
    assert found(admin, "orthw") == [before]
    assert [row.company_name for row in found(admin, "itwar")] == ["Litware"]


@pytest.mark.django_db(transaction=True)
def test_flush_between_tests_empties_the_index():
    admin = make_staff()
    make_customer(admin, company_name="Northwind")
    call_command("flush", interactive=False, verbosity=0)
    assert_in_step()
    admin = make_staff()
    customer = make_customer(admin, company_name="Tailspin")
    assert found(admin, "ailsp") == [customer]
    assert found(admin, "orthw") == []
    assert_in_step()


@on_sqlite
@pytest.mark.django_db(transaction=True)
def test_the_index_survives_that_the_file_is_packed():
    admin = make_staff()
    first, second = (make_customer(admin, company_name=name) for name in ("Northwind", "Tailspin"))
    run("DELETE FROM agreements_standing WHERE customer_id = %s", key(first))
    first.delete()
    run("VACUUM")
    assert_in_step()
    assert found(admin, "ailsp") == [second]


def test_the_database_can_keep_the_index():
    assert run_checks(databases=["default"]) == []


@on_sqlite
def test_a_sqlite_that_cannot_keep_the_index_is_named_before_anything_migrates(monkeypatch):
    monkeypatch.setattr(kept, "TOKENIZER", "of a later version")
    with pytest.raises(SystemCheckError, match=rf"customers.E001.*SQLite 3\.34 or newer with FTS5.*{sqlite3.sqlite_version}"):
        call_command("migrate", skip_checks=False, verbosity=0)
