"""Every operation as /v1/openapi.json describes it, with right and wrong input: always one of the answers described there."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase
from hypothesis import settings as how
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from mca_portal.wsgi import application
from tests.factories import confirm, license_offer, make_customer, make_staff, make_subscription, make_token

pytestmark = pytest.mark.django_db
SECRET = "of the tests"
# Not those that want a refusal of everything that the description does not name: clients send numbers as texts, nulls and members more.
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.unsupported_method,
    checks.ignored_auth,
]
schema = schemathesis.openapi.from_wsgi("/v1/openapi.json", application)


@pytest.fixture
def _one_connection() -> Iterator[None]:
    """Let an answer not end the test's connection to the database, as Django's own test client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def real(_one_connection: None, settings: Any) -> dict[str, str]:
    """What stands for the parameters of addresses, so that calls get past "not found"."""
    settings.API_CALLS_PER_MINUTE = 0
    person = make_staff()
    make_token(person, SECRET)
    row = make_subscription(person, confirm(person, make_customer(person)).customer)
    return {
        "customer_id": str(row.customer_id),
        "order_id": str(row.order_id),
        "subscription_id": str(row.pk),
        "offer_id": str(license_offer().pk),
        "template_id": "117a77b0-9360-443b-8795-c6dedc750cf9",
        "country": "KR",
        "domain": "some.onmicrosoft.com",
    }


@schema.parametrize()
@how(
    max_examples=10,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_is_described(case: schemathesis.Case, real: dict[str, str]) -> None:
    assert settings.API_CALLS_PER_MINUTE == 0
    # Not compressed: schemathesis does not unpack what it gets in process.
    headers = {"Authorization": f"Bearer {SECRET}", "Accept-Encoding": "identity"}
    case.call_and_validate(headers=headers, checks=CHECKS)
    if case.path_parameters:
        case.path_parameters = {name: real.get(name, value) for name, value in case.path_parameters.items()}
        case.call_and_validate(headers=headers, checks=CHECKS)
