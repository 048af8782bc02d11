"""A company's directory for tests: a small OpenID Connect server that can also say what a good one never says.

It signs with a key of its own, insists on PKCE and on the client's secret, and lets everybody in as whoever `claims` describes.
"""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT_ID, CLIENT_SECRET = "portal", "the client's secret"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Directory:
    """What the server says. `claims`: of the person; `instead`: claims as they are sent whatever would be right; `sign`: how."""

    def __init__(self) -> None:
        self.address = ""
        self.claims: dict[str, Any] = {}
        self.instead: dict[str, Any] = {}
        self.sign: dict[str, Any] = {"key": KEY, "algorithm": "RS256", "headers": {"kid": "1"}}
        self.asked: dict[str, dict[str, str]] = {}  # code -> what the way began with
        self.issuer = ""  # as its document names it; its address when empty

    def token(self, nonce: str) -> str:
        """The signed id_token."""
        now = int(time.time())
        right = {"iss": self.address, "aud": CLIENT_ID, "sub": "s", "iat": now, "exp": now + 300, "nonce": nonce}
        return jwt.encode(right | self.claims | self.instead, **self.sign)


class _Handler(BaseHTTPRequestHandler):
    directory: Directory

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _json(self, body: object, status: int = 200) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        """The document, the keys, and the page where somebody signs in, which here lets everybody pass."""
        own, there = self.directory, urlsplit(self.path)
        if there.path == "/.well-known/openid-configuration":
            ways = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys", "userinfo_endpoint": "nobody"}
            self._json({"issuer": own.issuer or own.address} | {name: f"{own.address}/{path}" for name, path in ways.items()})
        elif there.path == "/keys":
            key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
            self._json({"keys": [key | {"kid": "1", "use": "sig", "alg": "RS256"}]})
        elif there.path == "/authorize":
            asked = {name: values[0] for name, values in parse_qs(there.query).items()}
            code = f"code{len(own.asked)}"
            own.asked[code] = asked
            self.send_response(302)
            self.send_header("Location", f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}")
            self.end_headers()
        else:
            self._json({}, 404)

    def do_POST(self) -> None:
        """A token for a code, once, for whoever began that way."""
        sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        asked = self.directory.asked.pop(sent["code"][0], None)
        digest = hashlib.sha256(sent.get("code_verifier", [""])[0].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if asked is None or asked.get("code_challenge") != challenge or sent["client_secret"] != [CLIENT_SECRET]:
            self._json({"error": "invalid_grant"}, 400)
            return
        self._json({"access_token": "a", "token_type": "Bearer", "id_token": self.directory.token(asked["nonce"])})


@contextmanager
def running_directory() -> Iterator[Directory]:
    """A directory that listens on this machine while the block runs."""
    own = Directory()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"directory": own}))
    own.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield own
    finally:
        server.shutdown()
        server.server_close()
