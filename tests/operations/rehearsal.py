#!/usr/bin/env python3
"""Does docs/operations.md work? Run every command of it, in its order, and look after each part whether what it promises is so.

    .venv/bin/python tests/operations/rehearsal.py

The commands come from the page itself. They run in a folder of their own: the addresses in REPLACED stand for those of a real machine,
and small programs in `programs/` for those that would change it (apt-get, adduser, systemctl). PostgreSQL, nginx with TLS, gunicorn
under systemd's socket, pg_dump and pg_restore are the real ones, and `systemd-analyze` reads the units. As root each part runs as its own
user, with the rights on files that the page gives it: the portal's has a number that nobody has, so that none is added to this machine.
(Where only root may run Python, the portal runs as root.)
Without nginx, PostgreSQL's server, curl or systemd-analyze: one line that says so, and success; REQUIRE_ALL=1 makes that a failure.
"""

import http.client
import os
import re
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.soak.browser import Browser, Form  # noqa: E402
from tests.soak.server import Answer, free_port  # noqa: E402
from tests.with_postgresql import Cluster, programs  # noqa: E402

HOST = "mca.partner.example"
PAGE = ROOT / "docs" / "operations.md"
PASSWORD = "several words in a row"
# What a shell, or make, has set for itself must not reach the portal of the page.
DROPPED = ("VAR_DIR", "PORT", "BIND", "DATABASE_URL", "PRODUCTION", "SECRET_KEY", "PYTHONPATH", "VIRTUAL_ENV", "MAKE", "MFLAGS", "DJANGO")
NGINX = """
{user}worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 256; }}
http {{
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    include {folder}/etc/nginx/sites-enabled/*;
}}
"""
# What systemd would do for the two units of the page: hold the socket, start with the environment's file, stop by SIGTERM, reload.
SYSTEMCTL = f"exec {shlex.quote(sys.executable)} {shlex.quote(str(Path(__file__).resolve()))} systemctl"
MCA = 61_999  # the number of the page's user `mca` and of its group
STRANGER = 61_998  # somebody else on the machine


def as_user(number: int) -> list[str]:
    """How a command is run by the user with this number, who is in no other group."""
    return ["setpriv", f"--reuid={number}", f"--regid={number}", "--clear-groups", "--"]


def everybodys_python() -> str | None:
    """A Python that users other than root may run, too: one in root's own folder is of no use to the portal."""
    question = "import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))"
    for name in (os.environ.get("PY"), "python3", "/usr/bin/python3", "/usr/local/bin/python3"):
        if (found := shutil.which(name or "")) and subprocess.run(
            [*as_user(MCA), found, "-c", question], capture_output=True
        ).returncode == 0:
            return found
    return None


PY = everybodys_python() if os.geteuid() == 0 else None
AS_ROOT = PY is not None  # else there are no other users: everything belongs to whoever rehearses
TO_POSTGRESQL = 'export PGHOST="$PG_HOST" PGPORT="$PG_PORT" PGUSER=postgres'
PROGRAMS = {
    "apt-get": ":",
    "adduser": ":",
    "chown": f'case "$1" in *:mca) o="${{1%mca}}{MCA}"; shift; set -- "$o" "$@";; esac; exec /usr/bin/chown "$@"' if AS_ROOT else ":",
    "install": f'set -- $(printf "%s\\n" "$@" | sed -e "s/^mca$/{MCA}/"); exec /usr/bin/install "$@"'
    if AS_ROOT
    else 'set -- $(printf "%s\\n" "$@" | sed -e "/^-[og]$/{N;d}"); exec /usr/bin/install "$@"',
    "runuser": f'u="$2"; shift 3; if [ "$u" = postgres ]; then {TO_POSTGRESQL}; exec /usr/sbin/runuser -u postgres -- "$@"; fi; '
    f'exec {shlex.join(as_user(MCA))} "$@"'
    if AS_ROOT
    else f'if [ "$2" = postgres ]; then {TO_POSTGRESQL}; fi; shift 3; exec "$@"',
    "nginx": 'exec "$NGINX_PROGRAM" -c "$REHEARSAL/nginx.conf" "$@"',
    "systemctl": f'{SYSTEMCTL} "$@"',
}


class Rehearsal:
    """One walk through the page in `folder`, against `cluster`."""

    def __init__(self, folder: Path, cluster: Cluster, nginx: str) -> None:
        self.folder, self.cluster, self.nginx = folder, cluster, nginx
        self.https, self.http = free_port(), free_port()
        self.socket = folder / "run.sock"
        self.replaced = {
            "/etc/mca-portal": f"{folder}/etc/mca-portal",
            "/etc/systemd": f"{folder}/etc/systemd",
            "/etc/nginx": f"{folder}/etc/nginx",
            "/opt/mca-portal": f"{folder}/opt/mca-portal",
            "/usr/local/sbin": f"{folder}/programs",
            "/run/mca-portal.sock": str(self.socket),
            "/var/backups": f"{folder}/backups",
            "127.0.0.1:5432": f"127.0.0.1:{cluster.port}",
            "listen 443": f"listen 127.0.0.1:{self.https}",
            "listen 80": f"listen 127.0.0.1:{self.http}",
        }
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(DROPPED)}
        self.environment |= {
            "PATH": f"{folder}/programs:{programs()}:{os.environ['PATH']}:/usr/sbin:/sbin",
            "REHEARSAL": str(folder),
            "NGINX_PROGRAM": nginx,
            "PG_HOST": str(cluster.folder),
            "PG_PORT": str(cluster.port),
            "SOURCE": f"file://{folder}/source",
        } | ({"PY": PY} if PY else {})
        self.browser = Browser(self)  # type: ignore[arg-type]  # this class answers requests as the soak's Portal does
        self.customer = ""
        self.before: dict[str, str] = {}

    # A browser's view: HTTPS to nginx, whatever port it listens on here.
    host, port, scheme = HOST, 443, "https"

    def request(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None, timeout: float = 60) -> Answer:
        """One request over HTTPS, on a connection of its own."""
        trusted = ssl.create_default_context(cafile=str(self.folder / "etc/mca-portal/tls/fullchain.pem"))
        connection = http.client.HTTPSConnection("127.0.0.1", self.https, timeout=timeout, context=trusted)
        plain = socket.create_connection(("127.0.0.1", self.https), timeout)
        connection.sock = trusted.wrap_socket(plain, server_hostname=HOST)
        sent = {"Host": HOST} | {name: value.replace(f"{HOST}:443", HOST) for name, value in (headers or {}).items()}
        try:
            connection.request(method, path, body or None, sent)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def prepare(self) -> None:
        """What a real machine has already: programs, folders, a certificate, the source, and systemd holding the socket."""
        folders = "programs etc/systemd/system etc/nginx/sites-available etc/nginx/sites-enabled etc/mca-portal/tls backups"
        for name in folders.split():
            (self.folder / name).mkdir(parents=True)
        for name, code in PROGRAMS.items():
            program = self.folder / "programs" / name
            program.write_text(f"#!/bin/sh\n{code}\n")
            program.chmod(0o755)
        user = f"user {'www-data' if AS_ROOT else 'root'};\n" if os.geteuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(NGINX.format(folder=self.folder, user=user))
        tls = self.folder / "etc/mca-portal/tls"
        files = ["-keyout", str(tls / "privkey.pem"), "-out", str(tls / "fullchain.pem")]
        names = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names, *files]
        subprocess.run(command, check=True, capture_output=True)
        self._copy_source()
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(self.socket))
        self.listener.listen(2048)
        if AS_ROOT:
            shutil.chown(self.socket, "www-data")
            self.socket.chmod(0o600)
        self.environment["LISTENER"] = str(self.listener.fileno())

    def _copy_source(self) -> None:
        """The files of this working copy as a repository that can be cloned."""
        source = self.folder / "source"
        git = ["git", "-c", "safe.directory=*", "-c", "user.name=rehearsal", "-c", "user.email=rehearsal@partner.example"]
        listed = subprocess.run([*git, "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True)
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                (source / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, source / name)
        for arguments in (["init", "-q"], ["add", "-A", "-f"], ["commit", "-qm", "What is rehearsed"]):
            subprocess.run([*git, *arguments], cwd=source, check=True, stdout=subprocess.DEVNULL)

    def run(self, block: str) -> str:
        """Run one block of the page; what it printed. Raises AssertionError with everything that it said."""
        for real, here in self.replaced.items():
            block = block.replace(real, here)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=self.folder,
            env=self.environment,
            pass_fds=[self.listener.fileno()],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}\n{self.last_words()}"
        return done.stdout

    def last_words(self) -> str:
        """The end of the portal's log and of nginx's."""
        logs = [self.folder / "journal", self.folder / "nginx.log"]
        return "\n".join(line for log in logs if log.exists() for line in log.read_text(errors="replace").splitlines()[-12:])

    def sql(self, statement: str) -> str:
        """As PostgreSQL's superuser."""
        return self.cluster.sql(statement, "mca")

    def refused(self, role: str, statement: str) -> str:
        """What the database says when `role` (its login in secrets/) tries `statement`. Raises AssertionError when it does not refuse."""
        url = (self.folder / "etc/mca-portal/secrets" / role).read_text().strip()
        done = subprocess.run(["psql", "-qAt", url, "-c", statement], capture_output=True, text=True, env=self.environment)
        assert done.returncode != 0, f"{role} was allowed: {statement}"
        return done.stderr

    def contents(self) -> dict[str, str]:
        """Every row of every table (as a sum), every guard, constraint, function and right."""
        tables = self.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").split()
        rows = "SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {} t"
        found = {table: self.sql(rows.format(table)) for table in tables}
        found["(guards)"] = self.sql("SELECT tgname, tgrelid::regclass, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1")
        found["(constraints)"] = self.sql(
            "SELECT conname, contype, conrelid::regclass FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1, 3"
        )
        found["(functions)"] = self.sql("SELECT proname, md5(prosrc) FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1")
        found["(rights)"] = self.sql("SELECT relname, relacl FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1")
        found["(default rights)"] = self.sql("SELECT defaclobjtype, defaclacl FROM pg_default_acl ORDER BY 1")
        return found

    # What is looked at after each part of the page -------------------------------------

    def can(self, user: int, test: str, *paths: Path) -> list[str]:
        """Those of `paths` of which `test` of find (such as -readable) is true for a user with this number."""
        command = [*as_user(user), "find", *map(str, paths), test]
        return subprocess.run(command, capture_output=True, text=True).stdout.split()

    def after_settings_and_secrets(self, said: str) -> None:
        """The portal reads its secrets and no other, and changes none; nobody else on the machine reads any."""
        if not AS_ROOT:
            return
        folder = self.folder / "etc/mca-portal"
        secrets = sorted(path for path in folder.rglob("*") if path.is_file() and "tls" not in path.parts)
        assert len(secrets) > 8
        self_kept = {"owner_password", "app_password", "database_owner_url"}
        assert {Path(path).name for path in self.can(MCA, "-readable", *secrets)} == {path.name for path in secrets} - self_kept
        assert not self.can(MCA, "-writable", folder / "secrets", *secrets)
        assert not self.can(STRANGER, "-readable", folder / "secrets", *secrets)

    def _runs_as_it_should(self) -> None:
        """The units are right and shut in, and what they run is neither root nor able to change its own code."""
        units = [str(self.folder / "etc/systemd/system" / f"mca-portal.{kind}") for kind in ("service", "socket")]
        read = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True)
        about = [line for line in read.stderr.splitlines() if "mca-portal" in line]
        assert not about, "\n".join(about)
        judge = ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20", units[0]]
        judged = subprocess.run(judge, capture_output=True, text=True)
        assert judged.returncode == 0, judged.stdout + judged.stderr
        print(f"  {judged.stdout.splitlines()[-1].removeprefix('→ ').strip()}")
        if AS_ROOT:
            said = Path(f"/proc/{(self.folder / 'portal.pid').read_text()}/status").read_text()
            assert re.search(rf"^Uid:\s{MCA}\s{MCA}\s{MCA}\s{MCA}$", said, re.MULTILINE), said
            assert not self.can(MCA, "-writable", self.folder / "opt/mca-portal/current/"), "the portal could change its own code"

    def after_the_portal_itself(self, said: str) -> None:
        """Started; and the portal's own role can neither lift a guard nor change a table."""
        assert '"ready": true' in said, said
        self._runs_as_it_should()
        for statement in (
            "DROP TRIGGER agreements_acceptance_no_update ON agreements_acceptance",
            "ALTER TABLE agreements_acceptance DISABLE TRIGGER ALL",
            "ALTER TABLE agreements_acceptance ADD COLUMN more text",
            "DROP TABLE agreements_acceptance CASCADE",
            "TRUNCATE agreements_acceptance CASCADE",
            "CREATE TABLE more (id int)",
            "CREATE OR REPLACE FUNCTION agreements_acceptance_no_update() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
            "SET session_replication_role = replica",
            "SET ROLE mca_owner",
        ):
            assert re.search("must be owner|permission denied", self.refused("database_url", statement)), statement

    def after_nginx(self, said: str) -> None:
        """HTTPS with safe headers; HTTP leads there; other hosts are turned away; files are kept by the browser."""
        page = self.request("GET", "/accounts/login/")
        assert page.status == 200
        assert page.headers["Strict-Transport-Security"].startswith("max-age=31536000")
        cookie = page.headers["Set-Cookie"]
        assert not {"Secure", "HttpOnly", "SameSite=Lax"} - set(cookie.split("; ")), cookie
        style = re.search(r'href="(/static/[^"]+\.[0-9a-f]{12}\.css)"', page.text)
        assert style
        file = self.request("GET", style[1], headers={"Accept-Encoding": "gzip"})
        assert file.headers["Content-Encoding"] == "gzip"
        assert file.headers["Cache-Control"] == "max-age=315360000, public, immutable"
        plain = http.client.HTTPConnection("127.0.0.1", self.http, timeout=10)
        plain.request("GET", "/customers/", headers={"Host": "evil.example"})
        assert plain.getresponse().headers["Location"] == f"https://{HOST}/customers/"
        try:
            anybody = ssl._create_unverified_context()
            with socket.create_connection(("127.0.0.1", self.https), 10) as other:
                anybody.wrap_socket(other, server_hostname="evil.example")
            raise AssertionError("nginx answers for another host")
        except ssl.SSLError:
            pass
        big = self.request("POST", "/accounts/login/", b"x" * 1_200_000)
        assert (big.status, "too large" in big.text) == (400, True), big.text
        long = self.request("GET", f"/v1/customers?filter={'x' * 9000}")
        assert (long.status, long.headers["Content-Type"]) == (400, "application/json"), long.text
        assert '"source": "PartnerFD"' in long.text
        self._slow_clients()

    def _slow_clients(self) -> None:
        """Far more clients than the server has threads begin a request and do not go on; everybody else is answered all the same."""
        anybody = ssl._create_unverified_context()
        head = f"POST /accounts/login/ HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/x-www-form-urlencoded\r\n".encode()
        waiting = []
        try:
            for number in range(60):
                one = anybody.wrap_socket(socket.create_connection(("127.0.0.1", self.https), 10), server_hostname=HOST)
                one.sendall(head if number % 2 else head + b"Content-Length: 1000\r\n\r\nlogin=")  # in the head, or in the body
                waiting.append(one)
            for _ in range(3):
                assert self.request("GET", "/accounts/login/", timeout=10).status == 200
        finally:
            for one in waiting:
                one.close()

    def after_the_first_admin_agent(self, said: str) -> None:
        """They choose a password by the link, sign in, and do a day's work: a customer, its acceptance, its orders."""
        assert said.split()[-1].startswith(f"https://{HOST}/"), said
        form = self.browser.get(self.browser.get(said.split()[-1].removeprefix(f"https://{HOST}")).location)
        chosen = {"password1": PASSWORD, "password2": PASSWORD}
        fields = Form(form.text, "/").fields | chosen
        assert self.browser.post(self._path_of_the_form(form, said), fields).status == 302
        self.browser.sign_in("jisoo.han@contoso.example", PASSWORD)
        forged = self.request("POST", "/preferences/theme/", b"theme=dark", {"Cookie": "csrftoken=x", "Origin": "https://evil.example"})
        assert forged.status == 403
        self._new_customer()
        self._order("7")

    @staticmethod
    def _path_of_the_form(form: Answer, said: str) -> str:
        """A form without an action goes to its own address: the link with its token taken into the session."""
        link = said.split()[-1].removeprefix(f"https://{HOST}")
        return Form(form.text).action or re.sub(r"(/key/[^-]+-).*", r"\1set-password/", link)

    def _new_customer(self) -> None:
        """The whole way through New customer, with the acceptance and a first order."""
        first = self.browser.get("/customers/new/").location
        page = Form(self.browser.get(first).text, "/")
        typed = page.fields | {
            "company_name": "Fourth Coffee",
            "domain_prefix": "fourthcoffee",
            "country": "KR",
            "address_line1": "152 Teheran-ro, Gangnam-gu",
            "city": "Seoul",
            "region": "Seoul",
            "postal_code": "06236",
            "language": "ko",
            "contact_first_name": "Jihoon",
            "contact_last_name": "Park",
            "contact_email": "jihoon.park@customer.example",
            "mca-template_id": self.sql("SELECT id FROM agreements_agreementtemplate ORDER BY version_rank DESC LIMIT 1"),
            "mca-accepted": "on",
            "mca-agreed_on": time.strftime("%Y-%m-%d", time.gmtime()),
            "mca-someone_else": "False",
        }
        second = self.browser.post(first, typed).location
        third = self.browser.post(second, self._lines("25")).location
        assert third.endswith("/review/"), third
        done = self.browser.post(third, {}).location
        assert done.endswith("/done/"), done
        self.customer = self.sql("SELECT id FROM customers_customer")
        assert self.sql("SELECT count(*) FROM orders_order") == "1"

    def _lines(self, quantity: str) -> dict[str, str]:
        offer = self.sql("SELECT id FROM orders_offer WHERE billing = 'license' AND is_sold ORDER BY name LIMIT 1")
        return {"offer": offer, f"quantity-{offer}": quantity, f"name-{offer}": "", "billing_cycle": "monthly", "next": "1"}

    def _order(self, quantity: str) -> None:
        """An order for the customer, as pages place it."""
        lines = self.browser.get(f"/customers/{self.customer}/orders/new/").location
        review = self.browser.post(lines, self._lines(quantity)).location
        assert review.endswith("/review/"), review
        forms = Form(self.browser.get(review).text).forms
        placed = self.browser.post(review, next(fields for _action, fields in forms if "shown" in fields))
        assert placed.status == 302, placed.text[-2000:]
        assert placed.location.startswith("/orders/"), placed.location

    def after_what_to_watch(self, said: str) -> None:
        """Metrics are there for who has the token; the log has the requests, in JSON, and nothing that was typed."""
        assert int(said.split()[0]) > 20, said
        assert self.request("GET", "/metrics").status == 404
        token = (self.folder / "etc/mca-portal/secrets/metrics_token").read_text().strip()
        counted = self.request("GET", "/metrics", headers={"Authorization": f"Bearer {token}"}).text
        placed = self.sql("SELECT count(*) FROM orders_order")
        assert f"mca_orders_placed_total {placed}.0" in counted, placed + counted
        journal = (self.folder / "journal").read_text()
        assert '"route": "customers/new/<uuid:draft_id>/review/"' in journal
        for word in ("jisoo.han", "Fourth Coffee", "jihoon.park", "/?", PASSWORD, token):
            assert word not in journal, word

    def after_back_up(self, said: str) -> None:
        """Note everything that is there, and destroy it."""
        self.before = self.contents()
        assert self.before["orders_order"].startswith("2 ")
        self.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        assert self.browser.get("/customers/").status >= 500
        assert self.request("GET", "/readyz").status == 503

    def after_restore(self, said: str) -> None:
        """Everything is there again, row for row; the guards hold; people are still signed in and go on working."""
        now = self.contents()
        # Noted by the checks themselves while the database was gone and came back.
        moving = {"django_session", "usersessions_usersession", "cache"}
        other = sorted(name for name in now.keys() | self.before.keys() if now.get(name) != self.before.get(name))
        assert set(other) <= moving, "\n".join(f"{name} before: {self.before.get(name)}\nnow: {now.get(name)}" for name in other)
        for role in ("database_url", "database_owner_url"):
            for statement in ("UPDATE agreements_acceptance SET first_name = 'x'", "DELETE FROM agreements_acceptance"):
                assert "agreements_acceptance_no_" in self.refused(role, statement)
        assert "Fourth Coffee" in self.browser.get("/customers/").text
        self._order("3")

    def during_upgrade(self) -> Iterator[None]:
        """People work all the while: every request is answered, and none with an error."""
        answers: list[tuple[int, float]] = []
        over = threading.Event()

        def work() -> None:
            while not over.is_set():
                for path in ("/customers/", f"/customers/{self.customer}/", "/healthz"):
                    began = time.monotonic()
                    try:
                        status = self.browser.get(path).status
                    except (OSError, http.client.HTTPException):
                        status = 0
                    answers.append((status, time.monotonic() - began))
                over.wait(0.3)  # people, not a load test: the machine has a version to install

        workers = [threading.Thread(target=work) for _ in range(2)]
        for worker in workers:
            worker.start()
        try:
            yield
        finally:
            over.set()
            for worker in workers:
                worker.join()
        failed = [status for status, _seconds in answers if status != 200]
        assert not failed, f"{len(failed)} of {len(answers)} requests failed during the upgrade: {set(failed)}\n{self.last_words()}"
        print(f"  {len(answers)} requests meanwhile, none failed; the longest took {max(s for _status, s in answers):.1f} s")

    def after_upgrade(self, said: str) -> None:
        """The new version runs, from its own folder."""
        assert '"ready": true' in said, said
        pid = (self.folder / "portal.pid").read_text()
        assert os.readlink(f"/proc/{pid}/cwd").endswith("/2027-01-15")
        self._order("4")

    def after_change_secrets(self, said: str) -> None:
        """Nobody was signed out, and the portal reaches the database with the new password."""
        patience = time.monotonic() + 30  # until the processes that read the files anew have taken over
        while self.request("GET", "/readyz").status != 200:
            assert time.monotonic() < patience, self.last_words()
            time.sleep(0.2)
        self._order("5")
        another = Browser(self)  # type: ignore[arg-type]
        another.sign_in("jisoo.han@contoso.example", PASSWORD)
        assert self.sql("SELECT count(*) FROM orders_order") == "5"

    def follow(self) -> None:
        """Every block of the page in its order; after each part what is promised is looked at."""
        for heading, blocks in parts(PAGE.read_text()):
            name = re.sub(r"\W+", "_", heading.lower())
            began = time.monotonic()
            print(f"{heading}: {len(blocks)} block{'s' * (len(blocks) != 1)}", flush=True)
            during: Iterator[None] | None = getattr(self, f"during_{name}", lambda: None)()
            if during:
                next(during)
            try:
                said = "".join(self.run(block) for block in blocks)
            finally:
                if during:
                    next(during, None)
            look: Callable[[str], None] | None = getattr(self, f"after_{name}", None)
            if look:
                look(said)
            print(f"  {'and as promised, ' if look else ''}{time.monotonic() - began:.1f} s", flush=True)
        left = {name for name in vars(Rehearsal) if name.startswith("after_")} - {
            "after_" + re.sub(r"\W+", "_", heading.lower()) for heading, _blocks in parts(PAGE.read_text())
        }
        assert not left, f"the page no longer has the parts for {sorted(left)}"

    def stop(self) -> None:
        """Stop what the page started."""
        for name in ("portal.pid", "nginx.pid"):
            file = self.folder / name
            if file.exists():
                try:
                    os.kill(int(file.read_text()), signal.SIGTERM)
                    wait_for_end(int(file.read_text()), 40)
                except (ProcessLookupError, ValueError):
                    pass


def parts(page: str) -> list[tuple[str, list[str]]]:
    """The page's headings with the commands below each; those without commands are left out."""
    found: list[tuple[str, list[str]]] = []
    for block, heading in re.findall(r"^```sh\n(.*?)^```$|^#+ ([^\n]*)$", page, flags=re.MULTILINE | re.DOTALL):
        if heading:
            found.append((heading, []))
        else:
            found[-1][1].append(block)
    return [(heading, blocks) for heading, blocks in found if blocks]


def wait_for_end(pid: int, patience: float) -> None:
    """Wait until the process is gone, or at least dead. Raises AssertionError when it takes longer than `patience` seconds."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return
        except (FileNotFoundError, ProcessLookupError):
            return
        time.sleep(0.05)
    raise AssertionError(f"process {pid} did not end within {patience} s")


def systemctl(action: str, *units: str) -> None:
    """What systemd does with the page's units and nginx."""
    folder = Path(os.environ["REHEARSAL"])
    for unit in (word for word in units if not word.startswith("-")):
        if unit == "nginx":
            running = (folder / "nginx.pid").exists() and (folder / "nginx.pid").stat().st_size  # `nginx -t` leaves an empty one
            subprocess.run(["nginx", *(["-s", "reload"] if running else [])], check=True)
        elif unit.endswith(".socket"):
            listens = (folder / "etc/systemd/system" / unit).read_text()
            assert f"ListenStream={folder}/run.sock\n" in listens
        else:
            {"enable": _start, "start": _start, "stop": _stop, "restart": _restart, "reload": _reload}[action](folder, unit)


def _service(folder: Path, unit: str) -> dict[str, str]:
    """The unit's settings; each stands once."""
    lines = (folder / "etc/systemd/system" / unit).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)  # type: ignore[misc]


def _start(folder: Path, unit: str) -> None:
    service = _service(folder, unit)
    settings = shlex.split(Path(service["EnvironmentFile"]).read_text())
    notices = folder / "notify"
    notices.unlink(missing_ok=True)
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(str(notices))
    notices.chmod(0o777)  # as systemd's own
    notify.settimeout(60)
    environment = {"PATH": "/usr/bin:/bin", "NOTIFY_SOCKET": str(notices)} | dict(line.split("=", 1) for line in settings)  # type: ignore[misc]
    listener = int(os.environ["LISTENER"])
    if listener != 3:
        os.dup2(listener, 3)
    os.set_inheritable(3, True)
    with (folder / "journal").open("ab") as journal:
        process = subprocess.Popen(
            ["/bin/sh", "-c", f"LISTEN_FDS=1 LISTEN_PID=$$ exec {service['ExecStart']}"],
            cwd=service["WorkingDirectory"],
            env=environment,
            pass_fds=[3],
            stdin=subprocess.DEVNULL,
            stdout=journal,
            stderr=journal,
            start_new_session=True,
            umask=int(service["UMask"], 8),
            **({"user": MCA, "group": MCA, "extra_groups": []} if AS_ROOT else {}),  # type: ignore[arg-type]
        )
    (folder / "portal.pid").write_text(str(process.pid))
    assert service["Type"] == "notify"
    while b"READY=1" not in notify.recv(4096):  # until then a signal would find nobody to handle it
        continue


def _stop(folder: Path, unit: str) -> None:
    pid = int((folder / "portal.pid").read_text())
    os.kill(pid, signal.SIGTERM)
    wait_for_end(pid, float(_service(folder, unit)["TimeoutStopSec"]))


def _restart(folder: Path, unit: str) -> None:
    _stop(folder, unit)
    _start(folder, unit)


def _reload(folder: Path, unit: str) -> None:
    command = _service(folder, unit)["ExecReload"].replace("$MAINPID", (folder / "portal.pid").read_text())
    subprocess.run(shlex.split(command), check=True)


def main(*arguments: Any) -> int:
    """Rehearse, or play systemctl for the commands of the page."""
    if arguments[:1] == ("systemctl",):
        systemctl(*arguments[1:])
        return 0
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    wanted = {"nginx": nginx, "PostgreSQL's server": programs()} | {name: shutil.which(name) for name in ("curl", "systemd-analyze")}
    missing = [name for name, found in wanted.items() if not found]
    if missing or not nginx:
        print(f"Not rehearsed: {' and '.join(missing)} missing; on Debian: apt-get install nginx postgresql curl systemd", file=sys.stderr)
        return 1 if os.environ.get("REQUIRE_ALL") == "1" else 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="mca-op-", dir="/tmp"))  # short: a socket's path may have 107 bytes
    folder.chmod(0o755)
    try:
        with Cluster(port=free_port()) as cluster:
            rehearsal = Rehearsal(folder, cluster, nginx)
            try:
                rehearsal.prepare()
                rehearsal.follow()
            finally:
                rehearsal.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"docs/operations.md works: rehearsed in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
