"""An upgrade without a break: the server from before the last migration goes on serving on the migrated database beside the new one.

The code of then is taken from the repository's history; without one (an archive, a shallow clone) there is nothing to compare.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.soak.browser import Browser, Form, Script
from tests.soak.server import ROOT, Portal
from tests.with_postgresql import Cluster

pytestmark = pytest.mark.skipif(not settings.DATABASE_URL, reason="migrations lift SQLite's guards: the portal is stopped meanwhile")

PEOPLE = """
import json
from tests.factories import *
from orders.models import Offer
agent = make_staff(make_account(), email="agent@partner.example")
customer = make_customer(agent)
confirm(agent, customer)
make_token(agent, "secret")
print(json.dumps({"email": agent.email, "password": PASSWORD, "customer": str(customer.pk), "offer": str(license_offer().pk)}))
"""

COUNT = """
import io
from django.core.management import call_command
from orders.models import Order, OrderLine, Subscription
call_command("check_standings", stdout=io.StringIO())
print(Order.objects.count(), OrderLine.objects.count(), Subscription.objects.count())
"""


def git(*arguments: object) -> str:
    """What git prints. Raises CalledProcessError."""
    return subprocess.run(["git", *map(str, arguments)], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def old_code(tmp_path: Path) -> Iterator[Path]:
    """The portal as it was before the newest migration."""
    try:
        before = git("rev-parse", "--verify", git("log", "-1", "--format=%H", "--diff-filter=A", "--", "*/migrations/0*.py") + "^")
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"the history is not here: {error}")
    folder = tmp_path / "old"
    git("worktree", "add", "--detach", folder, before)
    try:
        yield folder
    finally:
        git("worktree", "remove", "--force", folder)


def test_old_and_new_servers_serve_side_by_side(old_code: Path, static: Path, tmp_path: Path) -> None:
    with Cluster() as cluster:
        common = {"database_url": cluster.url(), "WEB_CONCURRENCY": 1, "THREADS": 2, "API_CALLS_PER_MINUTE": 0}
        with (
            Portal(tmp_path / "portal-old", code=old_code, **common).prepare() as old,
            Portal(tmp_path / "portal-new", **common).prepare(static) as new,  # migrates, while the old one could be running
        ):
            made = json.loads(new.run(PEOPLE))
            for portal in (old, new):
                portal.start()
            browser, offer = Browser(old), made["offer"]
            browser.sign_in(made["email"], made["password"])
            order = {"offer": offer, f"quantity-{offer}": "5", f"name-{offer}": "Shops", "billing_cycle": "monthly"}

            # Each step of an order, and each sign-in, by whichever server the load balancer chooses.
            for first, second in ((old, new), (new, old)):
                browser.portal = first
                draft = browser.get(f"/customers/{made['customer']}/orders/new/").location
                assert browser.post(draft, order).location == f"{draft}review/"
                browser.portal = second
                review = browser.get(f"{draft}review/")
                assert "Shops" in review.text
                placed = browser.post(f"{draft}review/", Form(review.text, "").fields)
                assert placed.location.startswith("/orders/")
                browser.portal = first
                assert browser.get(placed.location).status == 200
                assert browser.post(f"{draft}review/", Form(review.text, "").fields).location == placed.location

            for here, there in ((old, new), (new, old)):
                domain = f"madeby{'old' if here is old else 'new'}"
                script = Script(here, "secret")
                body = {
                    "companyProfile": {"domain": f"{domain}.onmicrosoft.com"},
                    "billingProfile": {
                        "email": "a@customer.example",
                        "culture": "en-US",
                        "language": "en",
                        "companyName": domain,
                        "defaultAddress": {
                            "firstName": "T",
                            "lastName": "C",
                            "addressLine1": "152 Teheran-ro",
                            "city": "Seoul",
                            "state": "Seoul",
                            "postalCode": "06236",
                            "country": "KR",
                        },
                    },
                }
                created = script.call("POST", "/customers", body, request_id=f"the same for {domain}")
                assert created.status == 201, created.text
                customer = json.loads(created.body)["id"]
                browser.portal = there
                assert domain in browser.get(f"/customers/{customer}/").text
                page = browser.get(f"/customers/{customer}/agreement/")
                fields = Form(page.text, "agreement/").fields | {
                    "mca-first_name": "Tania",
                    "mca-last_name": "Carr",
                    "mca-email": "tania@customer.example",
                    "mca-agreed_on": "2026-01-31",
                }
                assert browser.post(f"/customers/{customer}/agreement/", fields).status == 302
                lines = {"lineItems": [{"lineItemNumber": 0, "offerId": offer, "quantity": 3}]}
                assert script.call("POST", f"/customers/{customer}/orders", lines).status == 201
            assert new.run(COUNT).split() == ["4", "4", "4"]
