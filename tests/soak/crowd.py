"""`make crowd`: two hundred people at once, each sending the next request as soon as the last one was answered.

    make crowd CLIENTS=200 REQUESTS=4000 DATABASE=sqlite|postgresql

The same people and scripts as in a soak, and the same check of every record afterwards, but nothing is killed: every request has to be
answered as it should, every write has to be there once, and the server's memory has to stay where it was. Exits with 1 if not.
Clients and server share the machine, so the times are upper bounds.
"""

import argparse
import contextlib
import random
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

from tests.soak.clients import Round
from tests.soak.soak import Soak
from tests.with_postgresql import Cluster

LONGEST = 240  # seconds
MAY_GROW = 1.25  # from after the first third of the requests to the end


def main() -> int:
    """Let the crowd in as the command line says; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--requests", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    wanted = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # which still stops the servers
    seed = wanted.seed if wanted.seed is not None else random.SystemRandom().randrange(1_000_000)
    wrong = False
    for database in wanted.database or ("sqlite", "postgresql"):
        with tempfile.TemporaryDirectory(prefix="mca-crowd-") as folder, contextlib.ExitStack() as stack:
            cluster = stack.enter_context(Cluster(durable=True)) if database == "postgresql" else None
            # Served as it is by default: one process on SQLite, one for each processor on PostgreSQL.
            soak = stack.enter_context(Soak(Path(folder), cluster=cluster, clients=wanted.clients, seed=seed, as_served=True))
            print(f"{database}: {wanted.clients} clients, {wanted.requests} requests, seed {seed}", flush=True)
            violations = let_in(soak, wanted.requests)
        print("\n".join(violations) or "  nothing wrong", flush=True)
        wrong = wrong or bool(violations)
    return int(wrong)


def let_in(soak: Soak, requests: int) -> list[str]:
    """Everybody works until there were so many requests; prints the figures and returns what was wrong."""
    soak.portal.start()
    for client in soak.clients:
        client.sign_in()
    round_ = Round()
    threads = [threading.Thread(target=client.work, args=(round_,)) for client in soak.clients]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    memory = []
    for part in (requests // 3, requests):
        while round_.requests < part and time.monotonic() < began + LONGEST and not round_.violations:
            time.sleep(0.05)
        memory.append(soak.portal.memory())
    round_.over.set()
    for thread in threads:
        thread.join(120)
    seconds = time.monotonic() - began
    speed = f"{round_.requests} requests in {seconds:.0f} s, {round_.requests / seconds:.0f} a second"
    print(f"  {speed}, {soak.acknowledged()} writes acknowledged")
    for door, times in sorted(round_.times.items()):
        ordered = sorted(times)
        at = {f"p{percent}": ordered[min(len(ordered) * percent // 100, len(ordered) - 1)] for percent in (50, 95, 99)}
        shown = ", ".join(f"{name} {value:.2f} s" for name, value in at.items())
        print(f"  {door:<12} {len(ordered):>5}: {shown}, longest {ordered[-1]:.2f} s")
    print(f"  memory of the server: {memory[0]} MB after a third, {memory[1]} MB at the end; {dict(sorted(round_.answers.items()))}")
    grown = [f"the server grew from {memory[0]} to {memory[1]} MB"] if memory[1] > memory[0] * MAY_GROW else []
    return [*round_.violations[:20], *grown, *soak.check()]


if __name__ == "__main__":
    sys.exit(main())
