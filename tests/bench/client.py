"""How long do requests take? A small client that keeps its connection, so that it adds little of its own and the same to everything."""

import json
import socket
import statistics
import threading
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

Request = dict[str, Any]


class Connection:
    """One client's connection to the server."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def send(self, message: bytes) -> tuple[int, dict[str, str], int]:
        """Status, headers and length of the answer; a connection that the server closed meanwhile is opened again."""
        if self._socket is not None:
            try:
                return self._exchange(self._socket, message)
            except (ConnectionError, EOFError):
                self._socket.close()
        self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._exchange(self._socket, message)

    @staticmethod
    def _exchange(link: socket.socket, message: bytes) -> tuple[int, dict[str, str], int]:
        link.sendall(message)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += (part := link.recv(65536))
            if not part:
                raise EOFError
        head, _, body = answer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length, received = int(headers.get("content-length", "0")), len(body)
        while received < length:
            received += len(part := link.recv(262144))
            if not part:
                raise EOFError
        return int(first.split()[1]), headers, length


def message(request: Request, port: int, *, secure: bool, extra: dict[str, str] | None = None) -> bytes:
    """A request as it goes over the wire."""
    host = f"127.0.0.1:{port}"
    headers = {"Host": host} | request["headers"] | (extra or {})
    if secure:
        headers |= {"X-Forwarded-Proto": "https", "Referer": f"https://{host}/"}
    body = b""
    if request.get("form") is not None:
        body = urlencode(request["form"]).encode()
    elif request.get("json") is not None:
        body = json.dumps(request["json"]).encode()
    if request.get("asked") is not None:
        headers["X-Bench-Asked"] = json.dumps(request["asked"])
    if request["method"] != "GET":
        headers["Content-Length"] = str(len(body))
    path = quote(request["path"], safe="/?=&%{}\",:'")
    lines = [f"{request['method']} {path.replace(chr(34), '%22').replace('{', '%7B').replace('}', '%7D')} HTTP/1.1"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode() + body


def in_turns(lanes: Sequence[tuple[int, Sequence[bytes], int]]) -> list[list[float]]:
    """Milliseconds of each request of each lane, one of each lane after the other, so that all meet the same machine.

    A lane is a port, as many messages as every other lane has, and the status that each has to be answered with.
    """
    links = [Connection(port) for port, _messages, _status in lanes]
    took: list[list[float]] = [[] for _lane in lanes]
    for turn in range(len(lanes[0][1])):
        for link, times, (_port, messages, expected) in zip(links, took, lanes, strict=True):
            began = time.perf_counter()
            status, _headers, _length = link.send(messages[turn])
            times.append(1000 * (time.perf_counter() - began))
            if status != expected:
                raise AssertionError(f"answered {status} instead of {expected}: {messages[turn][:300]!r}")
    return took


def all_at_once(port: int, messages: Sequence[bytes], clients: int) -> tuple[float, list[float]]:
    """Requests a second and the milliseconds of each, when so many clients share the messages."""
    waiting = iter(messages)
    lock = threading.Lock()
    took: list[float] = []

    def work() -> None:
        link = Connection(port)
        while True:
            with lock:
                one = next(waiting, None)
            if one is None:
                return
            began = time.perf_counter()
            link.send(one)
            took.append(1000 * (time.perf_counter() - began))

    threads = [threading.Thread(target=work) for _ in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(messages) / (time.perf_counter() - began), took


def p95(times: Sequence[float]) -> float:
    """What 95 of 100 do not exceed."""
    return sorted(times)[max(0, round(len(times) * 0.95) - 1)]


def median(times: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(times)
