"""How is the portal served? gunicorn reads this file by itself when it is started in this folder: `gunicorn mca_portal.wsgi`.

The same for `make run`, `make serve`, production, and every test that starts a real server. From the environment:

    BIND             where it listens: an address and port, or unix:/path (127.0.0.1:PORT); systemd's sockets go before it
    PORT             the port on this machine (8000)
    WEB_CONCURRENCY  server processes (one per processor on PostgreSQL; one on SQLite, where writes wait for each other anyway)
    THREADS          requests that each process answers at once (8); each may hold one connection to the database
    GRACEFUL_TIMEOUT seconds that running requests get to finish when the server stops (30)

SIGTERM stops it once running requests have been answered; SIGHUP starts new processes, then stops the old ones so.
"""

import os

on_postgresql = bool(os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE"))

bind = os.environ.get("BIND") or f"127.0.0.1:{os.environ.get('PORT') or 8000}"
workers = int(os.environ.get("WEB_CONCURRENCY") or ((os.cpu_count() or 1) if on_postgresql else 1))
worker_class = "gthread"
threads = int(os.environ.get("THREADS") or 8)
graceful_timeout = int(os.environ.get("GRACEFUL_TIMEOUT") or 30)
timeout = 60  # seconds; a process that gives no sign of life for so long is replaced
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # the sign of life must not wait for a disk
control_socket_disable = True  # it would open a socket in the home folder that nothing here uses
loglevel = "warning"
