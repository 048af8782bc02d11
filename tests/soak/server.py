"""The portal as it runs for people: its own folder, its own database, gunicorn set up by gunicorn.conf.py, requests over HTTP.

For the tests that a thread inside the test process cannot make: killing the server, taking its database away, crowds.
"""

import contextlib
import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(sys.executable).parent
STARTS_WITHIN = 120  # seconds, on the slowest and busiest machine
# What a shell or the test process around has set for itself must not reach the server.
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH")


class Portal:
    """A portal of its own in `folder`, on SQLite there or on `database_url`.

    `production`: as for real customers' data, which wants PostgreSQL; requests come as from a proxy that speaks HTTPS.
    """

    def __init__(self, folder: Path, *, database_url: str = "", production: bool = False, code: Path = ROOT, **environment: object) -> None:
        self.folder, self.code = folder, code
        self.host, self.port = "127.0.0.1", free_port()
        self.scheme = "https" if production else "http"
        settings: dict[str, Any] = {
            "PORT": self.port,
            "VAR_DIR": folder,
            "SECRET_KEY": "for tests only, never for data " * 2,
            "DJANGO_SETTINGS_MODULE": "mca_portal.settings",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        if database_url:
            settings["DATABASE_URL"] = database_url
        if production:
            settings |= {
                "PRODUCTION": "true",
                "ALLOWED_HOSTS": self.host,
                "EMAIL_URL": "smtp://127.0.0.1:9",  # nobody listens there
                "DEFAULT_FROM_EMAIL": "noreply@partner.example",
            }
        self.environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        self.environment |= {name: str(value) for name, value in (settings | environment).items()}
        self._process: subprocess.Popen[bytes] | None = None
        self.log = folder / "server.log"

    def prepare(self, static: Path | None = None) -> Self:
        """Migrate the database and collect the static files, unless they are in `static` already."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.manage("migrate", "--verbosity", "0")
        self.manage("createcachetable", "--verbosity", "0")
        if static is None:
            self.manage("collectstatic", "--noinput", "--verbosity", "0")
        else:
            (self.folder / "static").symlink_to(static)
        return self

    def manage(self, *arguments: str) -> str:
        """Run manage.py; what it printed. Raises AssertionError with its complaint."""
        return self.python("manage.py", *arguments)

    def run(self, script: str) -> str:
        """Run Python inside the portal's settings, as in its shell; what it printed. Raises AssertionError with its complaint."""
        return self.python("-", stdin=f"import django; django.setup()\n{script}")

    def python(self, *arguments: str, stdin: str = "") -> str:
        """Run Python in the portal's environment; what it printed. Raises AssertionError with its complaint."""
        command = [sys.executable, *arguments]
        done = subprocess.run(command, cwd=self.code, env=self.environment, input=stdin, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self) -> Self:
        """Start the server and wait until it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(PROGRAMS / "gunicorn"), "mca_portal.wsgi"],
                cwd=self.code,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a process group of its own, to be killed whole
            )
        self.wait_until_it_answers()
        return self

    def wait_until_it_answers(self) -> None:
        """Raises AssertionError with the end of the log when it does not within two minutes."""
        patience = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < patience:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.request("GET", "/readyz").status == 200:
                    return
            assert self._process is not None
            assert self._process.poll() is None, f"the server ended:\n{self.last_words()}"
            time.sleep(0.1)
        raise AssertionError(f"the server does not answer:\n{self.last_words()}")

    def kill(self) -> None:
        """SIGKILL to every process of the server at once: nobody gets to say or to save anything."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def kill_one(self, chance: random.Random) -> None:
        """SIGKILL to one of the processes that answer requests; the server replaces it."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(chance.choice(self.workers()), signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM: running requests are answered, then it ends."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None

    def is_alive(self) -> bool:
        """Whether it has been started and has not ended."""
        process = self._process
        return process is not None and process.poll() is None

    def workers(self) -> list[int]:
        """The ids of the processes that answer requests."""
        assert self._process is not None
        mine = str(self._process.pid)
        stats = {path.parent.name: path for path in Path("/proc").glob("[0-9]*/stat")}
        found = []
        for pid, path in stats.items():
            with contextlib.suppress(OSError):  # it ended meanwhile
                if path.read_text().rpartition(")")[2].split()[1] == mine:
                    found.append(int(pid))
        return found

    def memory(self) -> int:
        """How much memory its processes have for themselves and share, in MB."""
        assert self._process is not None
        total = 0
        for pid in (self._process.pid, *self.workers()):
            with contextlib.suppress(OSError):
                fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
                total += int(fields["Pss"].split()[0])
        return total // 1024

    def last_words(self, lines: int = 12) -> str:
        """The end of the server's log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""

    def request(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None, timeout: float = 60) -> "Answer":
        """One request on a connection of its own. Raises OSError or http.client.HTTPException when the server is not there (any more)."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        sent = {"Host": f"{self.host}:{self.port}", "X-Forwarded-Proto": self.scheme} | dict(headers or {})
        try:
            connection.request(method, path, body or None, sent)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.kill()


class Answer:
    """What came back."""

    def __init__(self, status: int, headers: http.client.HTTPMessage, body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8")

    @property
    def location(self) -> str:
        """Where a redirect leads."""
        return self.headers.get("Location", "")


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]
