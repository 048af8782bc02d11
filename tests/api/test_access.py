"""Beside the matrix in test_every_call.py: what an indirect reseller's staff get (A2), and that nothing of others leaks (A5)."""

import uuid
from typing import Any

import pytest

from mca_portal.staff.models import PartnerType
from tests.api.test_every_call import CALLS, CUSTOMER, PEOPLES, _own, ask, world  # noqa: F401  (a fixture)
from tests.factories import make_staff

pytestmark = pytest.mark.django_db
CONFIRMS_OR_ORDERS = {*PEOPLES, "createCustomer", "createOrder", "updateSubscription"} - {"getCompanyProfile"}


@pytest.mark.parametrize("operation", CALLS)
def test_the_staff_of_an_indirect_reseller_may_look_and_are_told_who_confirms_and_orders(world: Any, operation: str) -> None:  # noqa: F811
    world["account"].partner_type = PartnerType.INDIRECT_RESELLER
    world["account"].save()
    answer = ask(world, operation, _own(world["admin"]))
    if operation in CONFIRMS_OR_ORDERS:
        assert (answer.status_code, answer.json()["code"]) == (403, 600006)
        assert "indirect provider" in answer.json()["description"]
    else:
        assert answer.status_code == CALLS[operation][3]


@pytest.mark.parametrize("operation", [name for name, call in CALLS.items() if call[1].startswith(CUSTOMER)])
def test_what_is_another_account_s_answers_as_what_there_is_not(world: Any, operation: str) -> None:  # noqa: F811
    stranger = make_staff()
    theirs, nowhere = world["names"]["customer"], uuid.uuid4()
    foreign = ask(world, operation, _own(stranger))
    world["names"]["customer"] = nowhere
    absent = ask(world, operation, _own(stranger))
    assert (foreign.status_code, foreign.json()["code"]) == (absent.status_code, absent.json()["code"]) == (404, 60003)
    assert foreign.content.replace(str(theirs).encode(), b"") == absent.content.replace(str(nowhere).encode(), b"")
