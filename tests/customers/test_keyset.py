"""Long lists are read page by page, forwards and backwards, with nothing lost and nothing twice."""

import base64
import contextlib
import datetime as dt
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customers.keyset import BadCursor, read_page
from customers.models import Customer
from tests.factories import customer_details, make_staff

pytestmark = pytest.mark.django_db
LISTS = [("name_key", "id"), ("-created_at", "-id"), ("id",), ("-id",), ("country", "name_key", "id")]


@pytest.fixture
def admin():
    return make_staff()


def fill(admin, names: list[str]) -> None:
    """Customers with these names, several created at the same moment."""
    rows = []
    for number, name in enumerate(names):
        customer = Customer(account=admin.account, created_by=admin, **customer_details(company_name=name))
        customer.created_at = dt.datetime(2026, 1, 1 + number % 3, tzinfo=dt.UTC)
        customer.derive_keys()
        rows.append(customer)
    Customer.objects.bulk_create(rows)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(st.sampled_from(["contoso", "Contoso", "한빛", "한", "zeta", "a%", "a b", "Ä"]), max_size=14),
    size=st.integers(1, 5),
    order=st.sampled_from(LISTS),
)
def test_reading_forwards_and_back_again_shows_every_row_once_in_order(admin, names, size, order):
    Customer.objects.all().delete()
    fill(admin, names)
    expected = list(Customer.objects.order_by(*order))
    pages = [read_page(Customer.objects.all(), order=order, size=size)]
    while pages[-1].next:
        pages.append(read_page(Customer.objects.all(), order=order, cursor=pages[-1].next, size=size))
    assert [row for page in pages for row in page.items] == expected
    assert pages[0].previous == ""
    back = pages[-1]
    for page in reversed(pages[:-1]):
        back = read_page(Customer.objects.all(), order=order, cursor=back.previous, size=size)
        assert back.items == page.items
    assert back.previous == ""


def test_a_page_costs_one_query(admin, django_assert_num_queries):
    fill(admin, ["a", "b", "c"])
    first = read_page(Customer.objects.all(), order=("name_key", "id"), size=2)
    with django_assert_num_queries(1):
        assert len(read_page(Customer.objects.all(), order=("name_key", "id"), cursor=first.next, size=2).items) == 1


def test_a_row_that_is_gone_does_not_lose_its_neighbours(admin):
    fill(admin, ["a", "b", "c", "d"])
    first = read_page(Customer.objects.all(), order=("name_key", "id"), size=2)
    first.items[1].delete()
    following = read_page(Customer.objects.all(), order=("name_key", "id"), cursor=first.next, size=2)
    assert [row.company_name for row in following.items] == ["c", "d"]


def made(*values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "!!!",
        "한글",
        "=" * 10,
        "A" * 10000,
        made(),
        made("n"),
        made("x", "a", "b"),
        made("n", "a", "b", "c"),
        made("n", 1, 2),
        made("n", None, None),
        made("n", "a", "no uuid"),
        made("n", "\x00", "a"),
        made("n", "\ud800", "a"),
        made("n", {"a": 1}, "b"),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
        made("n", "a", "9" * 5000),
    ],
)
def test_a_cursor_that_the_portal_did_not_make_is_refused(admin, cursor):
    fill(admin, ["a"])
    with pytest.raises(BadCursor):
        read_page(Customer.objects.all(), order=("name_key", "id"), cursor=cursor)


@pytest.mark.parametrize(
    "moment", ["yesterday", "", "2026-13-01T00:00:00+00:00", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "1e999"]
)
def test_a_cursor_with_a_moment_that_never_was_is_refused(admin, moment):
    fill(admin, ["a"])
    with pytest.raises(BadCursor):
        read_page(Customer.objects.all(), order=("-created_at", "-id"), cursor=made("n", moment, "a" * 8))
    id_ = str(Customer.objects.get().pk)
    with pytest.raises(BadCursor):
        read_page(Customer.objects.all(), order=("-created_at", "-id"), cursor=made("n", moment, id_))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cursor=st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_no_cursor_at_all_breaks_the_list(admin, cursor):
    with contextlib.suppress(BadCursor):
        read_page(Customer.objects.all(), order=("-created_at", "-id"), cursor=cursor)
