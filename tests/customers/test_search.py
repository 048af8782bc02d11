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
def _near(monkeypatch):
    """A few names are read before the index of pieces is asked, so that both ways are taken."""
    monkeypatch.setattr(search, "NEAR", 3)


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


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(st.sampled_from(NAMES), max_size=25),
    typed=st.sampled_from(
        ["han", "H", "bit", "한빛", "빛", "한", "%", "gamma", "customer", "soft.com", "r1.onmicro", ".on", "micom", "nobody", ""]
    ),
    size=st.integers(1, 6),
)
def test_pages_of_matches_hold_each_once_in_order_both_ways(admin, names, typed, size):
    Customer.objects.all().delete()
    fill(admin, names)
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


@pytest.mark.parametrize("cursor", ["nonsense", "WyJuIiwgIjIiLCAiYSIsICJiIl0", "WyJuIiwgIjEiLCAiYSIsICJiIl0", "WyJuIiwgIngiLCAieSJd"])
def test_a_cursor_of_another_list_is_refused(admin, cursor):
    with pytest.raises(BadCursor):
        read_matches(Customer.objects.visible_to(admin), "han", cursor=cursor)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no index of pieces")
def test_the_database_cuts_names_into_the_pieces_that_a_search_asks_for(admin):
    fill(admin, ["가온 Han"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT customers_pieces(name_key, domain) FROM customers_customer")
        pieces = set(cursor.fetchone()[0])
    for typed in ("가", "가온", "온 h", "가온 han", "customer", "r", Customer.objects.get().domain):
        assert set(search._pieces(typed)) <= pieces, typed
