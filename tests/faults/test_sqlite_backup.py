"""A portal on SQLite is backed up while people work, loses its file, and is restored, by the commands of docs/operations.md."""

import json
import re
import shutil
import sqlite3
import subprocess
import threading
from pathlib import Path

import pytest
from django.conf import settings

from tests.soak.browser import Browser, Script
from tests.soak.server import ROOT, Portal

pytestmark = [
    pytest.mark.skipif(bool(settings.DATABASE_URL), reason="PostgreSQL's backup is part of the rehearsal"),
    pytest.mark.skipif(not shutil.which("sqlite3"), reason="sqlite3 is not here; on Debian: apt-get install sqlite3"),
]
PEOPLE = """
import json
from tests.factories import *
agent = make_staff(make_account(), email="agent@partner.example")
customer = make_customer(agent)
confirm(agent, customer)
make_token(agent, "secret")
print(json.dumps({"email": agent.email, "password": PASSWORD, "customer": str(customer.pk), "offer": str(license_offer().pk)}))
"""


def commands() -> list[str]:
    """What the page says for SQLite: how to back up, and how to restore."""
    found = re.findall(r"^```bash\n(.*?)^```$", (ROOT / "docs/operations.md").read_text(), flags=re.MULTILINE | re.DOTALL)
    assert len(found) == 2
    return found


def follow(block: str, portal: Portal, backups: Path) -> None:
    """Run a block of the page on the portal's files."""
    here = block.replace("/var/backups/mca-portal", str(backups)).replace("var/db", f"{portal.folder}/db")
    subprocess.run(["bash", "-euo", "pipefail", "-c", here], check=True)


def test_a_portal_on_sqlite_is_backed_up_at_work_and_restored(static: Path, tmp_path: Path) -> None:
    back_up, restore = commands()
    backups = tmp_path / "backups"
    backups.mkdir()
    with Portal(tmp_path / "portal", API_CALLS_PER_MINUTE=0).prepare(static) as portal:
        made = json.loads(portal.run(PEOPLE))
        portal.start()
        browser = Browser(portal)
        browser.sign_in(made["email"], made["password"])
        over, placed = threading.Event(), []

        def work() -> None:
            script = Script(portal, "secret")
            while not over.is_set():
                lines = {"lineItems": [{"lineItemNumber": 0, "offerId": made["offer"], "quantity": 3}]}
                answer = script.call("POST", f"/customers/{made['customer']}/orders", lines)
                assert answer.status == 201, answer.text
                placed.append(json.loads(answer.body)["id"])

        worker = threading.Thread(target=work)
        worker.start()
        try:
            while len(placed) < 5:
                assert worker.is_alive()
                over.wait(0.01)
            before = list(placed)
            follow(back_up, portal, backups)
        finally:
            over.set()
            worker.join()
        assert (backups / "mca.sqlite3").stat().st_mode & 0o077 == 0, "for nobody else to read"

        portal.kill()
        (portal.folder / "db.sqlite3").write_bytes(b"not a database" * 1000)
        follow(restore, portal, backups)
        portal.start()

        kept = sqlite3.connect(portal.folder / "db.sqlite3")
        assert kept.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert kept.execute("PRAGMA foreign_key_check").fetchall() == []
        orders = {row[0] for row in kept.execute("SELECT lower(id) FROM orders_order")}
        assert {order.replace("-", "") for order in before} <= orders, "what was acknowledged before the backup began"
        with pytest.raises(sqlite3.IntegrityError, match="agreements_acceptance_no_update"):
            kept.execute("UPDATE agreements_acceptance SET first_name = 'X'")
        kept.close()
        portal.manage("check", "--database", "default", "--fail-level", "WARNING")
        portal.manage("check_standings")
        assert browser.get(f"/customers/{made['customer']}/").status == 200, "people are still signed in"
        lines = {"lineItems": [{"lineItemNumber": 0, "offerId": made["offer"], "quantity": 1}]}
        assert Script(portal, "secret").call("POST", f"/customers/{made['customer']}/orders", lines).status == 201
