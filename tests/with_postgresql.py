#!/usr/bin/env python3
"""Run a command with DATABASE_URL naming a PostgreSQL that lives as long as the command.

    tests/with_postgresql.py .venv/bin/pytest tests/database
    tests/with_postgresql.py --or-skip .venv/bin/pytest    without the server programs: one line that says so, and success

The cluster is made by the machine's own `initdb`, in a temporary folder, and listens on a socket there and nowhere else. It does
not wait for the disk (fsync off): it is for tests, never for data. As root the server runs as the user `postgres`, because
PostgreSQL refuses root.
Exits with the command's own code; REQUIRE_ALL=1 makes --or-skip an error like any other.
"""

import glob
import os
import pwd
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

HOW_TO_GET_IT = "PostgreSQL's server programs (initdb, pg_ctl) are missing; on Debian: apt-get install postgresql"


def programs() -> Path | None:
    """The folder that holds initdb and pg_ctl: the newest of the Debian folders, else what PATH finds."""
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: [int(n) for n in path.split("/")[4].split(".")])
    on_path = shutil.which("initdb")
    if on_path:
        folders.insert(0, str(Path(on_path).resolve().parent))
    return next((Path(folder) for folder in reversed(folders) if Path(folder, "initdb").exists() and Path(folder, "pg_ctl").exists()), None)


def main(command: list[str]) -> int:
    """Start the cluster, run `command`, stop the cluster; returns the command's exit code."""
    found = programs()
    may_skip = command[:1] == ["--or-skip"] and os.environ.get("REQUIRE_ALL") != "1"
    command = [word for word in command if word != "--or-skip"]
    if not command:
        print(__doc__)
        return 2
    if not found:
        print(f"Skipped on PostgreSQL: {HOW_TO_GET_IT}" if may_skip else HOW_TO_GET_IT, file=sys.stderr)
        return 0 if may_skip else 1
    # Ending this script by a signal must still stop the server and remove its folder.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix="mca-pg-", dir="/tmp"))  # short: a socket's path may have 107 bytes
    as_server: list[str] = []
    if os.geteuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)
        as_server = ["runuser", "-u", "postgres", "--"]
    data = folder / "data"

    def run(*arguments: object) -> None:
        subprocess.run([*as_server, *map(str, arguments)], check=True, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    options = {
        "listen_addresses": "",
        "unix_socket_directories": str(folder),
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": os.environ.get("POSTGRESQL_SYNCHRONOUS_COMMIT", "off"),
        "max_connections": "100",
        "timezone": "UTC",
    }
    try:
        run(found / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        settings = " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in options.items())
        run(found / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", settings, "start")
        try:
            environment = os.environ | {"DATABASE_URL": f"postgres://postgres@/{folder}/postgres"}
            return subprocess.run(command, env=environment).returncode
        finally:
            run(found / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
