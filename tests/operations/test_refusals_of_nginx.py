"""What does somebody get whom nginx answers in the portal's place: too long, too large, no HTTP, or the portal is away?

nginx runs with the configuration that docs/operations.md gives it, and no portal behind it.
"""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.operations.rehearsal import HOST, NGINX, PAGE, ROOT
from tests.soak.server import free_port

LONG = "x" * 9000
LARGE = b"x" * 1_100_000


@dataclass(frozen=True)
class Nginx:
    """A running one: its ports for HTTPS and HTTP, and the socket behind which there is no portal."""

    port: int
    plain_port: int
    socket: Path

    def answer(self, request: bytes, head_only: bool = False) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Status, headers and body of the answer to these bytes."""
        anybody = ssl._create_unverified_context()
        plain = socket.create_connection(("127.0.0.1", self.port), 10)
        with anybody.wrap_socket(plain, server_hostname=HOST) as connection:
            connection.sendall(request)
            response = http.client.HTTPResponse(connection, method="HEAD" if head_only else "GET")
            response.begin()
            return response.status, response.headers, response.read()


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """Skips without nginx and openssl; under REQUIRE_ALL=1 fails."""
    programs = {name: shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") for name in ("nginx", "openssl")}
    if not all(programs.values()):
        (pytest.fail if os.environ.get("REQUIRE_ALL") == "1" else pytest.skip)("needs nginx and openssl: apt-get install nginx openssl")
    folder, port, plain_port = tmp_path_factory.mktemp("nginx"), free_port(), free_port()
    folder.chmod(0o755)
    (folder / "tls").mkdir()
    files = ["-keyout", str(folder / "tls/privkey.pem"), "-out", str(folder / "tls/fullchain.pem")]
    made = [str(programs["openssl"]), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={HOST}", *files]
    subprocess.run(made, check=True, capture_output=True)
    [site] = re.findall(r"sites-available/mca-portal <<'END'\n(.*?)^END$", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    for there, here in {
        "/etc/mca-portal": str(folder),
        "/opt/mca-portal/current/var/static": str(ROOT / "static"),
        "/run/mca-portal.sock": str(folder / "portal.sock"),
        "listen 443": f"listen 127.0.0.1:{port}",
        "listen 80": f"listen 127.0.0.1:{plain_port}",
    }.items():
        assert there in site
        site = site.replace(there, here)
    (folder / "etc/nginx/sites-enabled").mkdir(parents=True)
    (folder / "etc/nginx/sites-enabled/mca-portal").write_text(site)
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, user="user root;\n" if os.geteuid() == 0 else ""))
    process = subprocess.Popen([str(programs["nginx"]), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"], stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > until:
                    pytest.fail((folder / "nginx.log").read_text())
                time.sleep(0.02)
        yield Nginx(port, plain_port, folder / "portal.sock")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def request(line: str, *headers: str, body: bytes = b"") -> bytes:
    return "\r\n".join([line, f"Host: {HOST}", "Connection: close", *headers, "", ""]).encode() + body


UNREADABLE = {
    "an address that is too long": lambda path: request(f"GET {path}?filter={LONG} HTTP/1.1"),
    "a header that is too long": lambda path: request(f"GET {path} HTTP/1.1", f"Large: {LONG}"),
    "headers that are too many": lambda path: request(f"GET {path} HTTP/1.1", *[f"Many: {'x' * 7000}"] * 6),
    "two hosts": lambda path: request(f"GET {path} HTTP/1.1", "Host: another.example"),
    "a method that asks for an echo": lambda path: request(f"TRACE {path} HTTP/1.1"),
    "a coding that nobody knows": lambda path: request(f"POST {path} HTTP/1.1", "Transfer-Encoding: gzip"),
    "a version that does not exist": lambda path: request(f"GET {path} HTTP/9.9"),
}


@pytest.mark.parametrize("path", ["/v1/customers", "//v1//customers", "/v1"])
@pytest.mark.parametrize("what", UNREADABLE)
def test_the_api_refuses_what_nginx_cannot_read_with_its_own_error_body(nginx: Nginx, what: str, path: str) -> None:
    status, headers, body = nginx.answer(UNREADABLE[what](path))
    assert (status, headers["Content-Type"]) == (400, "application/json")
    says = json.loads(body)
    assert list(says) == ["code", "description", "data", "source"]
    assert (says["code"], says["data"], says["source"]) == (800002, [], "PartnerFD")
    assert uuid.UUID(headers["MS-RequestId"])
    assert uuid.UUID(headers["MS-CorrelationId"])


@pytest.mark.parametrize("what", UNREADABLE)
def test_a_person_gets_a_page_in_both_languages(nginx: Nginx, what: str) -> None:
    status, headers, body = nginx.answer(UNREADABLE[what]("/customers/"))
    assert (status, headers["Content-Type"]) == (400, "text/html; charset=utf-8")
    assert "We could not read that" in body.decode()
    assert "보낸 내용을 읽을 수 없습니다" in body.decode()


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("path", ["/v1/customers", "/customers/new/"])
def test_a_body_over_1_mb_is_refused_before_the_portal_sees_it(nginx: Nginx, path: str, chunked: bool) -> None:
    """As the API does it itself: 400, since its clients repeat 413 without end."""
    sent = b"%x\r\n%s\r\n0\r\n\r\n" % (len(LARGE), LARGE) if chunked else LARGE
    how = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(LARGE)}"
    asked = "6D1F5A0E-0000-4000-8000-00000000000A"
    status, headers, body = nginx.answer(request(f"POST {path} HTTP/1.1", how, f"MS-RequestId: {asked}", body=sent))
    assert status == 400
    if path.startswith("/v1/"):
        assert headers["Content-Type"] == "application/json"
        assert json.loads(body)["description"] == "The body is too large: send at most 1 MB."
        assert headers["MS-RequestId"] == asked
        assert uuid.UUID(headers["MS-CorrelationId"])
    else:
        assert headers["Content-Type"] == "text/html; charset=utf-8"
        assert "보낸 내용이 너무 큽니다" in body.decode()


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_while_the_portal_is_away_the_api_says_so_and_how_long_to_wait(nginx: Nginx, method: str) -> None:
    status, headers, body = nginx.answer(request(f"{method} /v1/customers HTTP/1.1", "MS-CorrelationId: one-of-many"))
    assert (status, headers["Content-Type"], headers["Retry-After"]) == (503, "application/json", "10")
    assert json.loads(body)["code"] == 800003
    assert headers["MS-CorrelationId"] == "one-of-many"
    assert headers["Cache-Control"] == "no-store"


def test_while_the_portal_is_away_a_person_gets_a_page_in_both_languages(nginx: Nginx) -> None:
    status, headers, body = nginx.answer(request("GET / HTTP/1.1"))
    assert (status, headers["Content-Type"], headers["Retry-After"]) == (503, "text/html; charset=utf-8", "10")
    assert "The portal cannot answer at the moment" in body.decode()
    assert "지금은 포털을 이용할 수 없습니다" in body.decode()


def test_a_portal_that_breaks_off_counts_as_away(nginx: Nginx) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as portal:
        portal.bind(str(nginx.socket))
        portal.listen()
        anybody = ssl._create_unverified_context()
        with anybody.wrap_socket(socket.create_connection(("127.0.0.1", nginx.port), 10), server_hostname=HOST) as client:
            client.sendall(request("GET /v1/customers HTTP/1.1"))
            portal.accept()[0].close()
            response = http.client.HTTPResponse(client)
            response.begin()
            assert response.status == 503
            assert json.loads(response.read())["code"] == 800003
    nginx.socket.unlink()


def test_a_call_without_an_answer_body_gets_none_here_either(nginx: Nginx) -> None:
    status, headers, body = nginx.answer(request("HEAD /v1/domains/contoso.onmicrosoft.com HTTP/1.1"), head_only=True)
    assert (status, headers["Content-Type"], body) == (503, "application/json", b"")


@pytest.mark.parametrize("name", ["away.json", "away.html", "too-large.html", ""])
def test_nobody_opens_these_answers_by_themselves(nginx: Nginx, name: str) -> None:
    assert nginx.answer(request(f"GET /refused/{name} HTTP/1.1"))[0] == 404


@pytest.mark.parametrize("path", ["/v1/customers", "//v1/customers"])
def test_a_call_without_tls_is_refused_and_not_led_on(nginx: Nginx, path: str) -> None:
    """Or a token would travel in the clear for as long as nobody notices; and Java repeats a 301 to a POST without end."""
    plain = http.client.HTTPConnection("127.0.0.1", nginx.plain_port, timeout=10)
    plain.request("POST", path, headers={"Host": HOST, "Authorization": "Bearer x"})
    answer = plain.getresponse()
    assert (answer.status, answer.headers["Content-Type"], answer.headers["Location"]) == (403, "application/json", None)
    assert json.loads(answer.read())["description"] == f"Call https://{HOST}."


@pytest.mark.parametrize(("method", "status"), [("GET", 301), ("POST", 403)])
def test_pages_without_tls_lead_on_but_nothing_that_was_sent_does(nginx: Nginx, method: str, status: int) -> None:
    """What is sent holds passwords, and on /generatetoken and the addresses of OAuth2 secrets and tokens."""
    for path in ("/accounts/login/", "/generatetoken", "/tenant/oauth2/token"):
        plain = http.client.HTTPConnection("127.0.0.1", nginx.plain_port, timeout=10)
        plain.request(method, path, headers={"Host": HOST})
        answer = plain.getresponse()
        assert answer.status == status
        assert answer.headers["Location"] == (f"https://{HOST}{path}" if status == 301 else None)


def test_another_host_under_the_portals_name_gets_no_answer(nginx: Nginx) -> None:
    with pytest.raises(http.client.RemoteDisconnected):
        nginx.answer(b"GET /v1/customers HTTP/1.1\r\nHost: another.example\r\n\r\n")
