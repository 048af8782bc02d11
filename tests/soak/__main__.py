"""`make soak`: the real server under several clients, killed at random moments, and every record checked after each round.

    make soak ROUNDS=12 CLIENTS=6 SEED=1 DATABASE=sqlite|postgresql

Without DATABASE on both. Prints one line a round and exits with 1 at the first violation, naming the seed to repeat it with; what the
threads of clients and server do to each other is not in the seed, so a repetition comes close but is not the same.
"""

import argparse
import contextlib
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.soak.soak import Soak
from tests.with_postgresql import Cluster


def main() -> int:
    """Soak as the command line says; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    wanted = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # which still stops the servers
    seed = wanted.seed if wanted.seed is not None else random.SystemRandom().randrange(1_000_000)
    for database in wanted.database or ("sqlite", "postgresql"):
        began = time.monotonic()
        print(f"{database}: {wanted.clients} clients, {wanted.rounds} rounds, seed {seed}", flush=True)
        with tempfile.TemporaryDirectory(prefix="mca-soak-") as folder, contextlib.ExitStack() as stack:
            cluster = stack.enter_context(Cluster(durable=True)) if database == "postgresql" else None
            soak = stack.enter_context(Soak(Path(folder), cluster=cluster, clients=wanted.clients, seed=seed))
            violations = soak.run(wanted.rounds, tell=lambda line: print(line, flush=True))
        print(f"{soak.summary()}, {time.monotonic() - began:.0f} s", flush=True)
        if violations:
            print("\n".join(violations))
            print(f"Repeat: make soak ROUNDS={wanted.rounds} CLIENTS={wanted.clients} SEED={seed} DATABASE={database}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
