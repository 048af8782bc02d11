"""What does a client read whose request is no HTTP, so that no page and no operation of the API ever sees it?"""

import json
import re
import socket
from collections.abc import Iterator

import pytest

from tests.soak.server import Portal


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    static = tmp_path_factory.mktemp("static")  # nobody asks for a file here
    with Portal(tmp_path_factory.mktemp("portal")).prepare(static) as made:
        yield made.start()


def sent(portal: Portal, request: bytes) -> tuple[str, str, bytes]:
    """The status line, the head and the body of the answer to these bytes."""
    with socket.create_connection((portal.host, portal.port), 10) as connection:
        connection.sendall(request)
        answer = b""
        while more := connection.recv(65536):
            answer += more
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.decode().split("\r\n")[0], head.decode(), body


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /v1/" + b"x" * 9000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /v1/customers HTTP/1.1\r\nHost: 127.0.0.1\r\nBad Header Name: 1\r\n\r\n",
        b"GET /v1/customers HTTP/1.1\r\nHost: 127.0.0.1\r\nLarge: " + b"x" * 9000 + b"\r\n\r\n",
        b"GET /v1/customers HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"Many: 1\r\n" * 200 + b"\r\n",
        b"GET /v1/customers HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n",
        b"no request at all\r\n\r\n",
    ],
)
def test_what_cannot_be_read_gets_the_documented_error_body(portal: Portal, request_bytes: bytes) -> None:
    status, head, body = sent(portal, request_bytes)
    assert status == "HTTP/1.1 400 Bad Request"
    assert "Content-Type: application/json" in head
    assert re.search(r"^MS-RequestId: [0-9a-f-]{36}\r\nMS-CorrelationId: [0-9a-f-]{36}\r$", head, flags=re.MULTILINE)
    says = json.loads(body)
    assert (says["code"], says["data"], says["source"]) == (800002, [], "PartnerFD")
