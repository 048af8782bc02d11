#!/usr/bin/env python3
"""Run a command with DATABASE_URL naming a PostgreSQL that lives as long as the command.

    tests/with_postgresql.py .venv/bin/pytest tests/database
    tests/with_postgresql.py --or-skip .venv/bin/pytest    without the server programs: one line that says so, and success

The cluster is made by the machine's own `initdb`, in a temporary folder, and listens on a socket there and nowhere else. It does
not wait for the disk (fsync off): it is for tests, never for data. As root the server runs as the user `postgres`, because
PostgreSQL refuses root.
Exits with the command's own code; REQUIRE_ALL=1 makes --or-skip an error like any other.
"""

import contextlib
import glob
import os
import pwd
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Self

HOW_TO_GET_IT = "PostgreSQL's server programs (initdb, pg_ctl) are missing; on Debian: apt-get install postgresql"


def programs() -> Path | None:
    """The folder that holds initdb and pg_ctl: the newest of the Debian folders, else what PATH finds."""
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: [int(n) for n in path.split("/")[4].split(".")])
    on_path = shutil.which("initdb")
    if on_path:
        folders.insert(0, str(Path(on_path).resolve().parent))
    return next((Path(folder) for folder in reversed(folders) if Path(folder, "initdb").exists() and Path(folder, "pg_ctl").exists()), None)


class Cluster:
    """A PostgreSQL in a temporary folder: `with Cluster() as cluster:` makes, starts and at the end stops and removes it.

    `durable`: it waits for the disk, so that it may be killed and must come back with everything that it had confirmed.
    `port`: it also listens there on this machine, to whoever has a password.
    """

    def __init__(self, *, durable: bool = False, port: int = 0, **options: str) -> None:
        """`options`: further settings of the server, such as shared_buffers="1GB".

        Raises FileNotFoundError when the server programs are missing.
        """
        found = programs()
        if not found:
            raise FileNotFoundError(HOW_TO_GET_IT)
        self._programs = found
        self.port = port
        self.folder = Path(tempfile.mkdtemp(prefix="mca-pg-", dir="/tmp"))  # short: a socket's path may have 107 bytes
        self._data = self.folder / "data"
        self._as_server: list[str] = []
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(self.folder, account.pw_uid, account.pw_gid)
            self._as_server = ["runuser", "-u", "postgres", "--"]
        self._options = {
            "listen_addresses": "127.0.0.1" if port else "",
            "port": str(port or 5432),
            "unix_socket_directories": str(self.folder),
            "fsync": "on" if durable else "off",
            "full_page_writes": "on" if durable else "off",
            "synchronous_commit": "on" if durable else os.environ.get("POSTGRESQL_SYNCHRONOUS_COMMIT", "off"),
            "max_connections": "100",
            "timezone": "UTC",
        } | options

    def __enter__(self) -> Self:
        try:
            auth = ["-U", "postgres", "--auth-local=trust", "--auth-host=scram-sha-256"]
            self._run("initdb", "-D", self._data, *auth, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
            self.start()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        try:
            if (self._data / "postmaster.pid").exists():
                self.stop("immediate")
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str = "postgres") -> str:
        """DATABASE_URL of one of its databases."""
        return f"postgres://postgres@/{self.folder}/{database}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in self._options.items())
        self._run("pg_ctl", "-D", self._data, "-s", "-w", "-l", self.folder / "log", "-o", settings, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop it: `fast` ends its sessions, `immediate` does not even write anything more."""
        self._run("pg_ctl", "-D", self._data, "-m", mode, "-w", "stop")

    def kill(self) -> None:
        """Kill its processes, all at once."""
        main = (self._data / "postmaster.pid").read_text().split()[0]
        parents = {path.parent.name: path.read_text().rpartition(")")[2].split()[1] for path in Path("/proc").glob("[0-9]*/stat")}
        pids = [main, *(child for child, parent in parents.items() if parent == main)]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        while any(_runs(pid) for pid in pids):
            time.sleep(0.01)
        # A process that nobody has buried yet would keep the next start out.
        for lock in (self._data / "postmaster.pid", *self.folder.glob(".s.PGSQL.*.lock")):
            lock.unlink(missing_ok=True)

    def sql(self, statement: str, database: str = "postgres") -> str:
        """What psql prints for `statement`."""
        reach = ["-h", self.folder, "-p", self.port or 5432, "-U", "postgres"]
        command = [*self._as_server, self._programs / "psql", "-qAt", *reach, "-c", statement, database]
        return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True, cwd=self.folder).stdout.strip()

    def _run(self, program: str, *arguments: object) -> None:
        command = [*self._as_server, str(self._programs / program), *map(str, arguments)]
        subprocess.run(command, check=True, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def _runs(pid: str) -> bool:
    """Whether the process is there and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def main(command: list[str]) -> int:
    """Start the cluster, run `command`, stop the cluster; returns the command's exit code."""
    may_skip = command[:1] == ["--or-skip"] and os.environ.get("REQUIRE_ALL") != "1"
    command = [word for word in command if word != "--or-skip"]
    if not command:
        print(__doc__)
        return 2
    if not programs():
        print(f"Skipped on PostgreSQL: {HOW_TO_GET_IT}" if may_skip else HOW_TO_GET_IT, file=sys.stderr)
        return 0 if may_skip else 1
    # Ending this script by a signal must still stop the server and remove its folder.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with Cluster() as cluster:
        return subprocess.run(command, env=os.environ | {"DATABASE_URL": cluster.url()}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
