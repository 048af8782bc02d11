"""The rounds of a soak: clients work, something is killed at a random moment, everything is checked, and it goes on with what is left."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.soak.clients import DONE, Client, Round
from tests.soak.server import Portal
from tests.with_postgresql import Cluster

# Seconds that a request waits for a lock: enough on the busiest machine. Whoever waits longer is told 503, which is right, but not what
# is looked for here.
PATIENT = 20
PATIENCE = 60  # seconds: a round ends by then, however little was done
# Of everybody's address, name, company, password and mark: what must be in no line of the server's log.
PERSONAL = (".example", "Tania", "Jihoon", "Company ", "Teheran", "Mistake ", " line ", "correct horse", "eyJ", "secret ")
HEADINGS = ("round", "killed", "requests", "lost", "done", "refused", "unknown", "violations", "seconds")


def signing_key() -> str:
    """A key of today."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()


class Soak:
    """A portal in `folder`, on SQLite or on a PostgreSQL that may be killed too, and its clients."""

    def __init__(
        self, folder: Path, *, cluster: Cluster | None, clients: int, seed: int, static: Path | None = None, as_served: bool = False
    ) -> None:
        """`as_served`: with the server's own numbers of processes and threads, and its own patience."""
        more = {} if as_served else {"WEB_CONCURRENCY": 2, "THREADS": 4, "DATABASE_TIMEOUT": PATIENT}
        self.cluster, self.chance = cluster, random.Random(seed)
        self.portal = Portal(
            folder,
            database_url=cluster.url() if cluster else "",
            production=cluster is not None,
            API_CALLS_PER_MINUTE=0,
            EMAIL_URL="smtp://127.0.0.1:9",  # nobody listens there; a working copy would write them into the log
            IDP_OIDC_PRIVATE_KEY=signing_key(),  # programs get tokens in production, too
            **more,
        ).prepare(static)
        world: dict[str, Any] = json.loads(self._module("world", str(clients)))
        self.clients = [Client(self.portal, world, number, str(seed)) for number in range(clients)]
        self.published: list[dict[str, Any]] = []
        self.totals: Counter[str] = Counter()

    def run(self, rounds: int, *, requests: tuple[int, int] = (60, 240), tell: Callable[[str], None] = lambda line: None) -> list[str]:
        """So many rounds of `requests` (fewest, most) until the kill; stops at the first with a violation and returns what is wrong."""
        tell("  ".join(HEADINGS))
        self.portal.start()
        for client in self.clients:
            client.sign_in()
        for number in range(1, rounds + 1):
            began = time.monotonic()
            killed = self._kind(number)
            round_ = self._round(killed, self.chance.randint(*requests))
            violations = round_.violations + self.check()
            states = Counter(intention.state for client in self.clients for intention in client.intentions)
            row = {
                "round": number,
                "killed": killed,
                "requests": round_.requests,
                "lost": sum(count for what, count in round_.answers.items() if what.endswith("lost")),
                **{state: states[state] for state in ("done", "refused", "unknown")},
                "violations": len(violations),
                "seconds": round(time.monotonic() - began),
            }
            tell("  ".join(f"{row[heading]:>{len(heading)}}" for heading in HEADINGS))
            self.totals.update({"requests": row["requests"], "kills": 1, "violations": len(violations), "rounds": 1})
            self.totals.update(round_.answers)
            if violations:
                return [*violations, f"the server's last words:\n{self.portal.last_words()}"]
            if number % 3 == 0:
                self.published.append(json.loads(self._module("world", "publish")))
            if not self.portal.is_alive():
                self.portal.start()
        return []

    def acknowledged(self) -> int:
        """How many writes people were told to be done."""
        return sum(intention.state == DONE for client in self.clients for intention in client.intentions)

    def summary(self) -> str:
        """What was done, in one line."""
        books = [intention for client in self.clients for intention in client.intentions]
        done = Counter(intention.kind for intention in books if intention.state == DONE)
        kept = {name: self.totals.pop(name, 0) for name in ("rounds", "requests", "kills", "violations")}
        answers = ", ".join(f"{what}: {count}" for what, count in sorted(self.totals.items()))
        facts = ", ".join(f"{count} {name}" for name, count in kept.items())
        return f"{facts}; {sum(done.values())} writes acknowledged ({', '.join(f'{n} {kind}' for kind, n in done.items())}); {answers}"

    def _kind(self, number: int) -> str:
        """What is killed in this round: the whole server in every other; one of its processes, or the database where it is a server."""
        return "server" if number % 2 else "process" if number % 4 == 0 or not self.cluster else "database"

    def _round(self, killed: str, requests: int) -> Round:
        """The clients work; after so many requests and a moment more it is killed."""
        round_ = Round(database=killed == "database")
        threads = [threading.Thread(target=client.work, args=(round_,)) for client in self.clients]
        for thread in threads:
            thread.start()
        self._wait(round_, requests)
        time.sleep(self.chance.random() * 0.3)
        round_.disturbed.set()
        if killed == "server":
            self.portal.kill()
            round_.over.set()
        else:
            if killed == "process":
                self.portal.kill_one(self.chance)
            else:
                assert self.cluster is not None
                self.cluster.kill()
                time.sleep(self.chance.random())
                self.cluster.start()
            self.portal.wait_until_it_answers()
            self._wait(round_, round_.requests + requests // 2)
            round_.over.set()
        for thread in threads:
            thread.join(180)
            if thread.is_alive():
                round_.violation("a client waits for ever")
        return round_

    @staticmethod
    def _wait(round_: Round, requests: int) -> None:
        patience = time.monotonic() + PATIENCE
        while round_.requests < requests and time.monotonic() < patience and not round_.violations:
            time.sleep(0.01)

    def check(self) -> list[str]:
        """What is wrong with the records, what people were told that they do not say, and what the log should not say."""
        books = [intention.to_json() for client in self.clients for intention in client.intentions]
        found: list[str] = json.loads(self._module("check", stdin=json.dumps({"intentions": books, "published": self.published})))
        log = self.portal.log.read_text(errors="replace")
        return found + [f"the server's log says {word!r}" for word in PERSONAL if word in log]

    def _module(self, name: str, *arguments: str, stdin: str = "") -> str:
        return self.portal.python("-m", f"tests.soak.{name}", *arguments, stdin=stdin)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.portal.kill()
