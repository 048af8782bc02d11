"""How every test runs: on a database, files and settings of its own, whatever the shell around it says.

The database is SQLite, or the one named by DATABASE_URL (see `tests/with_postgresql.py`); Django adds `test_` to its name.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mca_portal import catalogues

# Settings are read from the environment at import: what the shell holds for a running portal must not reach the tests.
for name in (
    "PRODUCTION",
    "DEBUG",
    "SECRET_KEY",
    "ALLOWED_HOSTS",
    "CSRF_TRUSTED_ORIGINS",
    "SESSION_COOKIE_AGE",
    "EMAIL_URL",
    "OIDC_ISSUER",
    "DEMO_PASSWORD",
    "API_CALLS_PER_MINUTE",
    "IDP_OIDC_PRIVATE_KEY",
):
    os.environ.pop(name, None)
TEMPORARY = Path(tempfile.mkdtemp(prefix="mca-tests-"))
os.environ["VAR_DIR"] = str(TEMPORARY)
os.environ["DJANGO_SETTINGS_MODULE"] = "mca_portal.settings"
catalogues.compile_stale()

import django  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.cache import cache  # noqa: E402
from django.utils import timezone, translation  # noqa: E402

if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not memory: threads and other processes see the same database, as in a running portal.
    settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = str(TEMPORARY / "test_portal.sqlite3")
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the real one is slow on purpose
settings.API_CALLS_PER_MINUTE = 0  # but where the limit is what is tested: counting costs a query now and then
settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
settings.STATIC_ROOT.mkdir(exist_ok=True)  # WhiteNoise warns of a missing one
django.setup()  # here, so that test modules and other conftests may import models at their top


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind."""
    shutil.rmtree(TEMPORARY, ignore_errors=True)


def pytest_report_header(config: pytest.Config) -> str:
    """Say at the top of the output which database is under test."""
    return f"database: {settings.DATABASES['default']['ENGINE'].rpartition('.')[2]}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the folder they are in, so that `-m browser` and `-m database` need no decorators."""
    for item in items:
        for folder in ("browser", "database"):
            if folder in item.path.relative_to(Path(__file__).parent).parts:
                item.add_marker(folder)


@pytest.fixture(autouse=True)
def _forget_language_and_clock() -> Iterator[None]:
    """Leave the language and the time zone as they were: a request activates them for the thread, and in tests the thread stays."""
    yield
    translation.deactivate()
    timezone.deactivate()


@pytest.fixture(autouse=True)
def _send_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send e-mail before the request ends, so that a test finds it in the outbox."""
    monkeypatch.setattr("mca_portal.staff.adapters.postman.submit", lambda send, message, _due: send(message, 0))


@pytest.fixture(autouse=True)
def _forget_cached(request: pytest.FixtureRequest) -> Iterator[None]:
    """Empty the cache table after tests that commit: no rate limit or counter reaches the next test.

    Other tests roll the table back with everything else.
    """
    yield
    marker = request.node.get_closest_marker("django_db")
    if {"transactional_db", "live_server"} & set(request.fixturenames) or (marker and marker.kwargs.get("transaction")):
        cache.clear()
