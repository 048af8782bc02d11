"""What an answer costs does not grow with what it shows."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import confirm, make_customer, make_order, make_subscription

pytestmark = pytest.mark.django_db


@pytest.fixture
def queries(call) -> Callable[[str], int]:
    """How many queries an answer takes, once the token's use is noted."""
    call("GET", "/agreements")

    def count(path: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert call("GET", path).status_code == 200
        return len(captured)

    return count


LISTS = {
    "/customers": 3,
    "/customers?size=0": 3,
    "/customers?size=50": 3,
    "/customers/{customer}/agreements?agreementType=*": 4,
    "/customers/{customer}/orders": 5,
    "/customers/{customer}/orders?include_price=false": 5,
    "/customers/{customer}/subscriptions": 4,
    "/customers/{customer}/offers": 4,
}


@pytest.mark.parametrize(("path", "most"), LISTS.items())
def test_a_list_costs_the_same_for_one_row_and_for_thirty(call, queries, path: str, most: int) -> None:
    customer = make_customer(call.person)
    path = path.format(customer=customer.pk)
    counts = []
    for rows in (1, 30):
        for number in range(rows):
            confirm(call.person, customer, first_name=f"Person {rows} {number}")
            make_order(call.person, customer)
            make_customer(call.person)
        counts.append(queries(path))
    assert counts[0] == counts[1] <= most


def test_one_thing_costs_little(call, queries) -> None:
    customer = confirm(call.person, make_customer(call.person)).customer
    row = make_subscription(call.person, customer)
    for path, most in {
        f"/customers/{customer.pk}": 3,
        f"/customers/{customer.pk}/profiles/company": 3,
        f"/customers/{customer.pk}/profiles/billing": 3,
        f"/customers/{customer.pk}/orders/{row.order_id}": 5,
        f"/customers/{customer.pk}/subscriptions/{row.pk}": 4,
        f"/offers/{row.offer_id}": 3,
        "/offers": 3,
        "/agreements?agreementType=*": 3,
        "/profiles/organization": 2,
        "/countryvalidationrules/KR": 2,
    }.items():
        assert queries(path) <= most, path


def test_500_customers_take_no_more_than_six_queries(call, queries) -> None:
    for _each in range(500):
        make_customer(call.person)
    for path in ("/customers", "/customers?size=500"):
        assert queries(path) <= 6
        assert call("GET", path).json()["totalCount"] == 500
