"""Where does the time of a request go? Prints, as JSON, each part's share of the processor's time for some pages.

Time spent in a function itself is counted for the part that its file belongs to. Waiting for the database is no work of the processor.
"""

import cProfile
import json
import pstats
import re
import sys
import time

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.test import Client  # noqa: E402

from mca_portal.staff.models import PartnerAccount, StaffMember  # noqa: E402
from tests.bench import prepare  # noqa: E402

PAGES = ("list, first page", "search, frequent word", "home", "account info", "update form", "order prompt")
TIMES = 25
PARTS = (
    ("SQL and models", r"django/db/|psycopg|sqlite3"),
    ("templates", r"django/template/|/templates?/|templatetags|django/utils/(html|safestring)"),
    ("forms", r"django/forms/|/forms\.py|django_countries|phonenumber"),
    ("languages and formats", r"django/utils/(translation|formats|dateformat|timezone|numberformat)|gettext|zoneinfo|formatting\.py"),
    ("middleware, sessions, cookies", r"middleware|sessions/|contrib/auth|core/signing|csp/|http/(cookie|request|response)|csrf"),
    ("addresses", r"django/urls/"),
    ("logs and metrics", r"logging/|structlog|prometheus|metrics\.py|logs\.py"),
)


def part_of(file: str, function: str) -> str:
    """Which part a function belongs to."""
    where = f"{file}:{function}"
    return next((name for name, pattern in PARTS if re.search(pattern, where)), "the rest")


def main() -> None:
    """Profile and print."""
    account = PartnerAccount.objects.get(name=prepare.ACCOUNT)
    person = StaffMember.objects.filter(account=account).get()
    browser = Client(SERVER_NAME="127.0.0.1")
    browser.force_login(person)
    session = browser.cookies[settings.SESSION_COOKIE_NAME].value
    jobs = {job["name"]: job for job in prepare._Jobs(account, person, session).all() if job["name"] in PAGES}
    found: dict[str, dict[str, float]] = {}
    for name in PAGES:
        path = jobs[name]["requests"][0]["path"]
        for _ in range(3):
            assert browser.get(path, secure=True).status_code == 200, path
        profile = cProfile.Profile(time.process_time)
        profile.enable()
        for _ in range(TIMES):
            browser.get(path, secure=True)
        profile.disable()
        shares: dict[str, float] = {}
        for (file, _line, function), (_calls, _ncalls, own, _total, callers) in pstats.Stats(profile).stats.items():
            # What is built into Python works for whoever calls it.
            built_in = file == "~" and callers
            for (whose, _at, name_of), cost in ((key, of[2]) for key, of in callers.items()) if built_in else (((file, 0, function), own),):
                part = part_of(whose, name_of)
                shares[part] = shares.get(part, 0) + cost
        total = sum(shares.values())
        found[name] = {part: share / total for part, share in sorted(shares.items(), key=lambda item: -item[1])}
    print(json.dumps(found))


if __name__ == "__main__":
    sys.exit(main())
