"""A search finds the same whether matches are frequent or rare, forwards and backwards, on both databases (C2)."""

import pytest
from django.db import connection
from django.db.models import Q
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customers import search
from customers.keyset import BadCursor
from customers.models import Customer
from customers.search import read_matches
from tests.factories import customer_details, make_staff

pytestmark = pytest.mark.django_db
NAMES = ["han", "Hanbit", "alpha han", "beta HANBIT", "gamma", "한빛", "서울한빛상사", "한", "100% gamma", "onm", "x"]


@pytest.fixture
def admin():
    return make_staff()


@pytest.fixture(autouse=True)
def _few(monkeypatch):
    """So few names are read, before and after the index of pieces is asked, that every way of finding is taken."""
    monkeypatch.setattr(search, "NEAR", 3)
    monkeypatch.setattr(search, "NEAR_IF_SHORT", 5)
    monkeypatch.setattr(search, "NEAR_ON_SQLITE", 3)
    monkeypatch.setattr(search, "FEW", 4)
    monkeypatch.setattr(search, "FAR", 7)


def fill(admin, names: list[str]) -> None:
    """Customers with these names and domains of their own."""
    rows = [Customer(account=admin.account, created_by=admin, **customer_details(company_name=name)) for name in names]
    for row in rows:
        row.derive_keys()
    Customer.objects.bulk_create(rows)


def expected(typed: str) -> list[Customer]:
    """What a plain look through all names finds: those that begin with it, then the others, each by name."""
    typed = typed.casefold()
    rows = sorted(Customer.objects.all(), key=lambda row: (not row.name_key.startswith(typed), row.name_key, row.pk))
    return [row for row in rows if typed in row.name_key or typed in row.domain]


TYPED = ["han", "H", "bit", "한빛", "빛", "한", "%", "gamma", "customer", "soft.com", "r1.onmicro", ".on", "micom", "nobody", ""]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.sampled_from(NAMES), max_size=25), typed=st.sampled_from(TYPED), size=st.integers(1, 6))
def test_pages_of_matches_hold_each_once_in_order_both_ways(admin, names, typed, size):
    Customer.objects.all().delete()
    fill(admin, names)
    assert_pages(admin, typed, size)


@pytest.mark.parametrize("copies", [1, 2, 4])
def test_pages_are_right_whichever_way_the_matches_are_found(admin, copies):
    fill(admin, NAMES * copies)
    for typed in TYPED:
        for size in (1, 3, 8):
            assert_pages(admin, typed, size)


def assert_pages(admin, typed: str, size: int) -> None:
    """Forwards page by page every match comes once, in order; and each page comes again on the way back."""
    everybody = Customer.objects.visible_to(admin)
    pages = [read_matches(everybody, typed, size=size)]
    while pages[-1].next:
        pages.append(read_matches(everybody, typed, cursor=pages[-1].next, size=size))
    assert [row for page in pages for row in page.items] == expected(typed)
    assert pages[0].previous == ""
    for page, before in zip(reversed(pages), list(reversed(pages))[1:], strict=False):
        assert read_matches(everybody, typed, cursor=page.previous, size=size).items == before.items


def test_a_search_stays_in_the_account_and_within_what_it_is_narrowed_to(admin):
    fill(admin, ["Hanbit One", "Second Hanbit"])
    fill(make_staff(), ["Hanbit Elsewhere"])
    found = read_matches(Customer.objects.visible_to(admin), "hanbit", only=Q(company_name__startswith="S"))
    assert [row.company_name for row in found.items] == ["Second Hanbit"]


@pytest.mark.parametrize("many", [2, 6, 20])
def test_a_narrowed_search_finds_those_alone_however_many_match(admin, many):
    fill(admin, [f"{letter} hanbit" for letter in "abcdefghijklmnopqrst"[:many]] + ["z hanbit", "zz hanbit"])
    for narrow in (Q(company_name__startswith="z"), Q(company_name__endswith="t")):
        found = read_matches(Customer.objects.visible_to(admin), "hanbit", only=narrow, size=50)
        assert found.items == list(Customer.objects.filter(narrow).order_by("name_key", "id"))


@pytest.mark.parametrize("cursor", ["nonsense", "WyJuIiwgIjIiLCAiYSIsICJiIl0", "WyJuIiwgIjEiLCAiYSIsICJiIl0", "WyJuIiwgIngiLCAieSJd"])
def test_a_cursor_of_another_list_is_refused(admin, cursor):
    with pytest.raises(BadCursor):
        read_matches(Customer.objects.visible_to(admin), "han", cursor=cursor)


def test_the_database_cuts_names_into_the_pieces_that_a_search_asks_for(admin):
    fill(admin, ["가온 Han"])
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT unnest(customers_pieces(name_key, domain)) FROM customers_customer")
        else:
            cursor.execute("SELECT term FROM customers_pieces_terms")
        pieces = {piece for (piece,) in cursor.fetchall()}
    for typed in ("가", "가온", "온 h", "가온 han", "customer", "r", "n", Customer.objects.get().domain):
        for piece in search._pieces(typed):  # PostgreSQL has short ones, too; SQLite those of three that begin with them
            assert piece in pieces or (connection.vendor == "sqlite" and any(one.startswith(piece) for one in pieces)), typed
