"""What does the portal count for Prometheus? Every series is declared here; `pages/health.py` shows them.

Several server processes write into files of one folder (PROMETHEUS_MULTIPROC_DIR, made by gunicorn.conf.py), so that whichever answers
tells of all. Labels hold words of the code alone (routes, methods, statuses), never data: their number stays small.
"""

import os

from django.db import connection, transaction
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

REQUESTS = Counter("mca_requests", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram(
    "mca_request_seconds",
    "Time from a request's arrival to its answer.",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
ERRORS = Counter("mca_errors", "Requests that ended in an exception.", ["route"])
CONNECTIONS = Gauge(
    "mca_database_connections",
    "Connections to PostgreSQL that the pools hold, when last looked at.",
    ["state"],
    multiprocess_mode="livesum",
)
WAITING = Gauge(
    "mca_database_waiting", "Requests that wait for a connection to PostgreSQL, when last looked at.", multiprocess_mode="livesum"
)
ORDERS = Counter("mca_orders_placed", "Orders placed.")
CONFIRMATIONS = Counter("mca_confirmations", "Acceptances recorded.", ["via"])
GATE_REFUSALS = Counter("mca_gate_refusals", "Orders and license changes that found the gate shut.")
SIGN_IN_FAILURES = Counter("mca_sign_in_failures", "Sign-ins refused because of the address or the password.")


TURNED_AWAY = Counter("mca_turned_away", "Attempts to sign in, or to confirm who one is, that throttling turned away.")


def after_commit(counter: Counter, number: int = 1) -> None:
    """Count one more, or `number`, when, and only if, the present transaction is committed."""
    transaction.on_commit(lambda: counter.inc(number))


def note_failed_sign_in(**_kwargs: object) -> None:
    """Django's signal that an address and a password did not fit together."""
    SIGN_IN_FAILURES.inc()


def note_request(*, method: str, route: str, status: int, seconds: float) -> None:
    """Count an answered request, and look at this process's pool of connections."""
    REQUESTS.labels(method, route, status).inc()
    SECONDS.labels(method, route).observe(seconds)
    # Not `connection.pool`, which would make one: of a test before its database is there, it would lead to another database for good.
    pool = getattr(connection, "_connection_pools", {}).get(connection.alias)
    if pool is not None:
        now = pool.get_stats()
        CONNECTIONS.labels("in use").set(now["pool_size"] - now["pool_available"])
        CONNECTIONS.labels("idle").set(now["pool_available"])
        WAITING.set(now.get("requests_waiting", 0))


def exposition() -> bytes:
    """Every series in Prometheus' text format: of all server processes, or of this one when it is alone."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    return generate_latest(registry)
