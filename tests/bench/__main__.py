"""`make bench`: how fast is the portal with 10 000, 100 000, a million customers, and how near to the floor?

    python -m tests.bench [--postgresql 10000,100000,1000000] [--sqlite 10000,100000] [--repeat 40] [--report docs/performance.md]
                          [--before COMMIT]

Starts its own PostgreSQL (or uses the empty database of DATABASE_URL), fills one account with `manage.py seed`, and asks the production
server on loopback for every job, with one and with eight clients: in turns with its floor (`floor.py`), and with a page that has nothing to
do with customers, which shows the machine's own pace at that time. Prints tables; with --report it
writes them as a page with pictures. With --before a second server runs the code of an earlier commit on the same database and takes its
turn with the other two; the commit must do with the database as it is now.
"""

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench import report
from tests.bench.client import Connection, all_at_once, in_turns, median, message, p95
from tests.soak.server import Portal
from tests.with_postgresql import Cluster

CLIENTS = 8
ACCOUNT = "Bench"


class Bench:
    """One database, from empty to its largest size."""

    def __init__(self, engine: str, portal: Portal, repeat: int, before: Portal | None = None) -> None:
        self.engine, self.portal, self.repeat, self.before = engine, portal, repeat, before
        self.secure = engine == "PostgreSQL"  # the settings for production want PostgreSQL

    def run(self, sizes: list[int]) -> list[dict[str, Any]]:
        """The figures at each size."""
        self.portal.prepare()
        self._python("tests.bench.prepare", "people")
        if self.before:
            self.before.folder.mkdir(parents=True)
            self.before.manage("compile_catalogues")
            self.before.manage("collectstatic", "--noinput", "--verbosity", "0")
        found, filled = [], 0
        for size in sizes:
            seeding = self._seed(size - filled, unconfirmed=0 if filled else 10)
            filled = size
            found.append(self._measure(size) | {"seeding": seeding})
        return found

    def _python(self, module: str, *arguments: str) -> str:
        command = [sys.executable, "-m", module, *arguments]
        done = subprocess.run(command, cwd=self.portal.code, env=self.portal.environment, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{module} {' '.join(arguments)}\n{done.stdout}{done.stderr}")
        return done.stdout

    def _seed(self, count: int, *, unconfirmed: int) -> dict[str, float]:
        """Customers a second and the command's largest memory in MB."""
        say(f"{self.engine}: seeding {count:,} customers")
        arguments = ["seed", "--customers", str(count), "--account", ACCOUNT, "--unconfirmed", str(unconfirmed)]
        began = time.monotonic()
        script = (
            "import resource, sys; from django.core.management import execute_from_command_line as run; "
            "run(sys.argv); print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        command = [sys.executable, "-c", script, *arguments]
        done = subprocess.run(command, cwd=self.portal.code, env=self.portal.environment, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        seconds = time.monotonic() - began
        return {"customers": count, "seconds": seconds, "a second": count / seconds, "memory": int(done.stdout.split()[-1]) / 1024}

    def _measure(self, size: int) -> dict[str, Any]:
        say(f"{self.engine}: waiting for the database")
        self._python("tests.bench.prepare", "settle")
        say(f"{self.engine}: measuring with {size:,} customers")
        chosen = json.loads(self._python("tests.bench.prepare", "jobs"))
        jobs = chosen["jobs"]
        with contextlib.ExitStack() as running:
            for portal in filter(None, (self.portal, self.before)):
                running.enter_context(portal).start()
                for job in jobs:  # every process and connection has answered before anything is measured
                    if not job["write"]:
                        all_at_once(portal.port, [self._message(job["requests"][0], portal)] * 16, CLIENTS)
            before = self.portal.memory()
            figures = {job["name"]: self._job(job, chosen["pace"]) for job in jobs}
            memory = {"before": before, "after": self.portal.memory()}
        more = {name: json.loads(self._python(f"tests.bench.{name}")) for name in ("profile", "before")}
        return {"size": size, "jobs": figures, "memory": memory} | more

    def _message(self, request: dict[str, Any], portal: Portal | None = None, extra: dict[str, str] | None = None) -> bytes:
        return message(request, (portal or self.portal).port, secure=self.secure, extra=extra)

    def _job(self, job: dict[str, Any], pace: dict[str, Any]) -> dict[str, Any]:
        link = Connection(self.portal.port)
        requests, floors = job["requests"], job["floor"]
        if job["write"]:
            counted, *requests = requests
            floors = floors[1:]
        else:
            counted = requests[0]
        status, headers, length = link.send(self._message(counted, extra={"X-Bench-Count": "1"}))
        if status not in (200, 201, 302):
            raise SystemExit(f"{job['name']} answered {status}: {self.portal.last_words()}")
        for floor in floors:
            floor["asked"]["bytes"] = length
        # A job that writes needs another customer or subscription each time; one that reads asks the same again.
        each = self.repeat if not job["write"] else min(self.repeat, len(requests) // 4, len(floors) // 4)
        crowd = 4 * self.repeat
        if not job["write"]:
            requests, floors = requests * (2 * each + crowd), floors * (2 * each + crowd)
        lanes = [
            (self.portal.port, [self._message(request) for request in requests[:each]], status),
            (self.portal.port, [self._message(floor) for floor in floors[:each]], floors[0]["asked"].get("status", 200)),
            (self.portal.port, [self._message(pace)] * each, 200),
        ]
        if self.before:
            earlier = [self._message(request, self.before) for request in requests[each : 2 * each]]
            lanes.append((self.before.port, earlier, status))
        mine, floor, paced, *before = in_turns(lanes)
        rate, crowded = all_at_once(self.portal.port, [self._message(r) for r in requests[2 * each :][:crowd]], CLIENTS)
        floor_rate, _times = all_at_once(self.portal.port, [self._message(r) for r in floors[each:][:crowd]], CLIENTS)
        return {
            "write": job["write"],
            "median": median(mine),
            "p95": p95(mine),
            "floor": median(floor),
            "ratio": median(mine) / median(floor),
            "pace": median(paced),
            "before": median(before[0]) if before else None,
            "rate": rate,
            "floor rate": floor_rate,
            "crowded p95": p95(crowded),
            "queries": int(headers["x-bench-queries"]),
            "sql": float(headers["x-bench-sql"]),
            "bytes": length,
        }


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """The address of an empty database: DATABASE_URL's, or one of our own, which waits for the disk as production does."""
    if url := os.environ.get("DATABASE_URL"):
        yield url
        return
    # As on a small server of its own: a quarter of 4 GB for its cache, and the disk is waited for.
    with Cluster(durable=True, shared_buffers="1GB", max_wal_size="4GB", effective_cache_size="3GB") as cluster:
        yield cluster.url()


def code_of(commit: str, folder: Path) -> Path:
    """The files of an earlier commit, unpacked in `folder`."""
    folder.mkdir()
    packed = subprocess.run(["git", "archive", commit], capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", folder], input=packed, check=True)
    return folder


def say(text: str) -> None:
    """Tell whoever waits."""
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


def sizes(text: str) -> list[int]:
    """Numbers between commas, growing."""
    return sorted(int(number) for number in re.findall(r"\d+", text))


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--postgresql", type=sizes, default=[10_000, 100_000, 1_000_000], help="numbers of customers; empty for none")
    parser.add_argument("--sqlite", type=sizes, default=[10_000, 100_000], help="numbers of customers; empty for none")
    parser.add_argument("--repeat", type=int, default=40, help="requests of each job by one client; four times as many by eight")
    parser.add_argument("--before", help="an earlier commit, to be measured beside this one")
    parser.add_argument("--report", type=Path, help="the page to write; its pictures go beside it")
    parser.add_argument("--keep", type=Path, help="a file for the figures as JSON")
    options = parser.parse_args()
    began = time.monotonic()
    found: dict[str, list[dict[str, Any]]] = {}
    common = {"DJANGO_SETTINGS_MODULE": "tests.bench.settings", "API_CALLS_PER_MINUTE": "0", "SECURE_SSL_REDIRECT": "true"}
    with tempfile.TemporaryDirectory(prefix="mca-bench-") as folder:
        earlier = code_of(options.before, Path(folder, "before")) if options.before else None
        if options.postgresql:
            with postgresql() as url:
                how: dict[str, Any] = {"database_url": url, "production": True} | common
                portal = Portal(Path(folder, "postgresql"), **how)
                before = Portal(Path(folder, "postgresql-before"), code=earlier, **how) if earlier else None
                found["PostgreSQL"] = Bench("PostgreSQL", portal, options.repeat, before).run(options.postgresql)
        if options.sqlite:
            portal = Portal(Path(folder, "sqlite"), **common)
            found["SQLite"] = Bench("SQLite", portal, options.repeat).run(options.sqlite)
    run = {"minutes": (time.monotonic() - began) / 60, "processors": os.cpu_count(), "repeat": options.repeat, "before": options.before}
    if options.keep:
        options.keep.write_text(json.dumps({"run": run, "found": found}))
    print(report.text(run, found))
    if options.report:
        report.write(options.report, run, found)


if __name__ == "__main__":
    main()
