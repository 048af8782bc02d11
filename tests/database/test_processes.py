"""Several server processes on one SQLite file: nobody is told that the database is locked, and nothing slips through the gate (G4)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(bool(settings.DATABASE_URL), reason="threads show the same on PostgreSQL (test_at_once.py)")

BEGIN = """
from tests.factories import *
admin = make_staff(make_account())
customer = make_customer(admin)
confirm(admin, customer)
make_subscription(admin, customer, quantity=100)
"""

WORK = """
import json, random, sys
from agreements.errors import AgreementNotConfirmed, AlreadyWithdrawn
from agreements.models import Acceptance
from agreements.services import withdraw_acceptance
from orders.services import change_license_count
from tests.factories import *
worker = int(sys.stdin.read())
chance = random.Random(worker)
admin, customer = StaffMember.objects.get(), Customer.objects.select_related("account").get()
subscription = Subscription.objects.select_related("offer", "customer").order_by("created_at").first()
done = {"orders": 0, "shut": 0, "confirmed": 0, "withdrawn": 0}
for turn in range(20):
    try:
        match chance.randrange(4):
            case 0:
                make_order(admin, customer)
                done["orders"] += 1
            case 1:
                change_license_count(by=admin, subscription=subscription, quantity=chance.randrange(1, 300), version=None)
            case 2:
                confirm(admin, customer, first_name=f"Worker{worker} Turn{turn}")
                done["confirmed"] += 1
            case 3:
                newest = Acceptance.objects.standing().order_by("-pk").first()
                if newest:
                    withdraw_acceptance(by=admin, acceptance=newest, reason="Mistake")
                    done["withdrawn"] += 1
    except AgreementNotConfirmed:
        done["shut"] += 1
    except AlreadyWithdrawn:
        pass
print(json.dumps(done))
"""

CHECK = """
from django.core.management import call_command
from django.db.models import F
from agreements.models import Acceptance, Withdrawal
from orders.models import LicenseChange
from tests.factories import *
call_command("check_standings", verbosity=0)
late = Order.objects.filter(placed_at__gt=F("acceptance__withdrawal__withdrawn_at"))
assert not late.exists(), "an order names an acceptance that had been withdrawn"
late = LicenseChange.objects.filter(changed_at__gt=F("acceptance__withdrawal__withdrawn_at"))
assert not late.exists(), "a license change names an acceptance that had been withdrawn"
count = 100
for change in LicenseChange.objects.order_by("version"):
    assert change.from_quantity == count, "a license change was lost"
    count = change.to_quantity
assert Subscription.objects.order_by("created_at").first().quantity == count
import json
counts = {"orders": Order.objects.count() - 1, "confirmed": Acceptance.objects.count() - 1, "withdrawn": Withdrawal.objects.count()}
print(json.dumps(counts))
"""


# Pages of a process that has not collected the static files.
PAGES = """
from django.conf import settings
settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
from django.test import Client
"""

WRONG = """
from tests.factories import *
make_staff(email="kim@contoso.example")
for attempt in range(6):
    answer = Client(REMOTE_ADDR="203.0.113.9").post("/accounts/login/", {"login": "kim@contoso.example", "password": "wrong"})
print("Too many attempts" in answer.content.decode())
"""

RIGHT = """
from tests.factories import *
answer = Client(REMOTE_ADDR="203.0.113.10").post("/accounts/login/", {"login": "kim@contoso.example", "password": PASSWORD})
print("Too many attempts" in answer.content.decode())
"""


def run(code: str, folder: Path, given: str = "") -> subprocess.Popen:
    """A process of its own with the portal set up on the database in `folder`."""
    start = "import django; django.setup()\n"
    environment = {**os.environ, "VAR_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "mca_portal.settings", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", start + code],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write(given)
    process.stdin.close()
    process.stdin = None
    return process


def finish(process: subprocess.Popen) -> str:
    """What it printed last; fails with its own words when it failed."""
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out.strip().splitlines()[-1] if out.strip() else ""


def test_processes_that_order_confirm_withdraw_and_change_at_once_lose_nothing_and_pass_no_shut_gate(tmp_path):
    finish(run("from django.core.management import call_command; call_command('migrate', verbosity=0)", tmp_path))
    finish(run(BEGIN, tmp_path))
    workers = [run(WORK, tmp_path, str(number)) for number in range(4)]
    done = [json.loads(finish(worker)) for worker in workers]
    counts = json.loads(finish(run(CHECK, tmp_path)))
    assert counts == {name: sum(each[name] for each in done) for name in counts}


def test_what_was_tried_at_one_process_counts_at_every_other(tmp_path):
    finish(run("from django.core.management import call_command; call_command('migrate', verbosity=0)", tmp_path))
    finish(run("from django.core.management import call_command; call_command('createcachetable', verbosity=0)", tmp_path))
    assert finish(run(PAGES + WRONG, tmp_path)) == "True"
    assert finish(run(PAGES + RIGHT, tmp_path)) == "True"
