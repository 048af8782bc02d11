"""How is the portal served? gunicorn reads this file by itself when it is started in this folder: `gunicorn mca_portal.wsgi`.

The same for `make run`, `make serve`, production, and every test that starts a real server. From the environment:

    BIND             where it listens: an address and port, or unix:/path (127.0.0.1:PORT); systemd's sockets go before it
    PORT             the port on this machine (8000)
    WEB_CONCURRENCY  server processes (one per processor on PostgreSQL; one on SQLite, where writes wait for each other anyway)
    THREADS          requests that each process answers at once (8); each may hold one connection to the database
    GRACEFUL_TIMEOUT seconds that running requests get to finish when the server stops (30)

SIGTERM stops it once running requests have been answered; SIGHUP starts new processes, then stops the old ones so.
"""

import gc
import json
import os
import shutil
import socket
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

from gunicorn import util

sys.path.insert(0, str(Path(__file__).parent))
from mca_portal import logs

production = os.environ.get("PRODUCTION", "").lower() in ("true", "1", "yes", "on", "y", "t", "ok")
on_postgresql = bool(os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE"))

bind = os.environ.get("BIND") or f"127.0.0.1:{os.environ.get('PORT') or 8000}"
workers = int(os.environ.get("WEB_CONCURRENCY") or ((os.cpu_count() or 1) if on_postgresql else 1))
worker_class = "gthread"
threads = int(os.environ.get("THREADS") or 8)
graceful_timeout = int(os.environ.get("GRACEFUL_TIMEOUT") or 30)
timeout = 60  # seconds; a process that gives no sign of life for so long is replaced
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # the sign of life must not wait for a disk
control_socket_disable = True  # it would open a socket in the home folder that nothing here uses
limit_request_line = 8190  # bytes of an address with its query: as many as nginx takes
logconfig_dict = logs.configuration(production=production)

# Where the processes put what they count, for whichever of them Prometheus reaches (mca_portal/metrics.py).
if (os.environ.get("METRICS_TOKEN") or os.environ.get("METRICS_TOKEN_FILE")) and not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="mca-portal-metrics-")


def post_worker_init(worker: Any) -> None:
    """The code is loaded: make ready for requests."""
    # What is no HTTP request reaches neither a page nor an operation of the API; it gets the API's error body and not gunicorn's HTML.
    util.write_error = refuse
    # What is loaded stays. To look for garbage in all of it stops every request of the process for a tenth of a second, again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)  # new objects between two looks; a request makes some thousands, and few of them are garbage that needs one


def refuse(client: socket.socket, status: int, reason: str, _message: str) -> None:
    """Send Partner Center's error body: 500 for a mistake of ours, else 400, which its clients do not repeat without end."""
    ours = status == 500
    said = "Something went wrong here. Try again." if ours else f"This is no HTTP request that the portal can read: {reason}."
    body = json.dumps({"code": 800003 if ours else 800002, "description": said, "data": [], "source": "PartnerFD"})
    made = uuid.uuid4()  # whatever the client sent cannot be read
    head = (
        f"HTTP/1.1 {'500 Internal Server Error' if ours else '400 Bad Request'}\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"MS-RequestId: {made}\r\nMS-CorrelationId: {made}\r\n"
    )
    util.write_nonblock(client, f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode("latin1", "replace"))


def child_exit(server: Any, worker: Any) -> None:
    """Take a process that ended out of what is open now; what it had counted stays."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)


def on_exit(server: Any) -> None:
    """Leave no files behind."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
    if "mca-portal-metrics-" in folder:  # made above, not by whoever runs this
        shutil.rmtree(folder, ignore_errors=True)
