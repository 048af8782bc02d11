"""The database goes away and comes back, on PostgreSQL really stopped under a running server.

Everybody is told so in their language, loses nothing that they typed, and goes on as soon as it is back, without a restart of the portal.
"""

import dataclasses
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from tests.soak.browser import Browser, Form, Script
from tests.soak.server import Portal
from tests.with_postgresql import Cluster

pytestmark = pytest.mark.skipif(not settings.DATABASE_URL, reason="SQLite is a file: test_sqlite.py")

PEOPLE = """
import dataclasses
import json
from tests.factories import *
agent = make_staff(make_account(), language="ko", email="agent@partner.example")
customer = make_customer(agent)
make_token(agent, "secret")
print(json.dumps({"customer": str(customer.pk), "email": agent.email, "password": PASSWORD}))
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL of these tests' own, to be taken away."""
    with Cluster(durable=True) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def portal(cluster: Cluster, static: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A portal whose patience ends after two seconds and that has one connection for four requests at once."""
    more = {"DATABASE_TIMEOUT": 2, "DATABASE_POOL_SIZE": 1, "THREADS": 4, "WEB_CONCURRENCY": 1}
    with Portal(tmp_path_factory.mktemp("portal"), database_url=cluster.url(), production=True, **more).prepare(static) as portal:
        yield portal.start()


@dataclasses.dataclass
class Agent:
    """Somebody signed in, a script of theirs, and a customer."""

    browser: Browser
    script: Script
    customer: str


@pytest.fixture(scope="module")
def agent(portal: Portal) -> Agent:
    """A Korean agent, whose browser is English."""
    made = json.loads(portal.run(PEOPLE))
    browser = Browser(portal)
    browser.sign_in(made["email"], made["password"])
    return Agent(browser, Script(portal, "secret"), made["customer"])


def test_the_database_goes_away_and_comes_back(portal: Portal, cluster: Cluster, agent: Agent) -> None:
    browser = agent.browser
    form_page = f"/customers/{agent.customer}/agreement/"
    typed = Form(browser.get(form_page).text, "agreement/").fields | {
        "mca-first_name": "민서 <b>",
        "mca-last_name": "김",
        "mca-email": "minseo@customer.example",
        "mca-agreed_on": "2026-01-31",
    }
    server = portal.workers()

    cluster.stop()
    refused = browser.post(form_page, typed)
    assert (refused.status, refused.headers["Retry-After"]) == (503, "10")
    assert '<html lang="ko"' in refused.text  # the person's own language, although nobody can look them up
    assert "방금 보낸 내용은 이 페이지에 보관되어 있습니다" in refused.text
    assert portal.request("GET", "/readyz").status == 503
    assert browser.get("/customers/").status == 503
    answer = agent.script.call("GET", "/customers")
    assert answer.status == 503
    assert json.loads(answer.body).keys() == {"code", "description", "data", "source"}
    assert "Retry-After" in answer.headers
    # A page that needs nothing from the database is still there, and so are the files that pages are made of.
    assert Browser(portal).get("/accounts/login/").status == 200

    cluster.start()
    portal.wait_until_it_answers()
    again = Form(refused.text, "agreement/")
    assert again.action == form_page
    assert again.fields == typed | {"csrfmiddlewaretoken": browser.cookies["csrftoken"]} | again.fields
    saved = browser.post(again.action, again.fields)
    assert (saved.status, saved.location) == (302, f"/customers/{agent.customer}/")  # still signed in
    assert "민서 &lt;b&gt;" in browser.get(saved.location).text
    assert agent.script.call("GET", "/customers").status == 200
    assert portal.workers() == server


def test_no_request_fails_with_a_connection_that_died_in_the_pool(portal: Portal, cluster: Cluster, agent: Agent) -> None:
    browser = agent.browser
    cluster.kill()
    cluster.start()
    assert [browser.get("/customers/").status for _ in range(6)] == [200] * 6


def test_with_every_connection_in_use_people_are_told_to_wait(portal: Portal, cluster: Cluster, agent: Agent) -> None:
    browser = agent.browser
    holds = "SELECT {} FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = 'customers_customer'::regclass"
    with ThreadPoolExecutor() as pool:
        held = pool.submit(cluster.sql, "BEGIN; LOCK TABLE customers_customer IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(300)")
        while cluster.sql(holds.format("count(*)")) == "0":
            assert not held.done()
        answers = list(pool.map(lambda _n: browser.get("/customers/"), range(4)))
        cluster.sql(holds.format("pg_terminate_backend(pid)"))
        assert held.exception()
    assert [answer.status for answer in answers] == [503] * 4
    assert browser.get("/customers/").status == 200


@pytest.mark.django_db
def test_nobody_waits_for_a_lock_or_sleeps_in_a_transaction_for_ever() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout')")
        assert cursor.fetchone() == ("10s", "1min")


@pytest.mark.django_db
def test_no_query_waits_for_processes_or_a_compiler_that_would_make_it_quicker() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('max_parallel_workers_per_gather'), current_setting('jit')")
        assert cursor.fetchone() == ("0", "off")
