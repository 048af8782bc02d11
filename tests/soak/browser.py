"""What a person's browser and a partner's script do over HTTP: cookies, forms with their tokens, redirects; JSON with a token."""

import json
import uuid
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from tests.soak.server import Answer, Portal

Fields = Mapping[str, str | Sequence[str]]


class Form(HTMLParser):
    """The fields of a page's form as a browser would send them untouched: of the one whose address ends with `action`, or the last."""

    def __init__(self, page: str, action: str | None = None) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []
        self._select = ""
        self.feed(page)
        found = [form for form in self.forms if action is None or form[0].endswith(action)]
        self.action, self.fields = found[-1] if found else ("", {})

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect what a browser sends."""
        at = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((at.get("action", ""), {}))
        elif tag == "select":
            self._select = at.get("name", "")
        elif not self.forms:
            return
        elif tag == "option" and "selected" in at:
            self.forms[-1][1][self._select] = at.get("value", "")
        elif tag == "input" and at.get("name") and (at.get("type") not in ("submit", "radio", "checkbox") or "checked" in at):
            self.forms[-1][1][at["name"]] = at.get("value", "")


class Browser:
    """One person's browser. Redirects are not followed: they are what tells that something was done."""

    def __init__(self, portal: Portal, language: str = "en") -> None:
        self.portal, self.language = portal, language
        self.cookies: dict[str, str] = {}

    def get(self, path: str, **more: Any) -> Answer:
        """Open a page."""
        return self._send("GET", path, b"", {}, **more)

    def post(self, path: str, fields: Fields, **more: Any) -> Answer:
        """Send a form from the page of the same address."""
        said = {"csrfmiddlewaretoken": self.cookies.get("csrftoken", "")} | dict(fields)
        origin = f"{self.portal.scheme}://{self.portal.host}:{self.portal.port}"
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": origin, "Referer": f"{origin}{path}"}
        return self._send("POST", path, urlencode(said, doseq=True).encode(), headers, **more)

    def sign_in(self, email: str, password: str) -> None:
        """Sign in as this person. Raises AssertionError."""
        page = self.get("/accounts/login/")
        answer = self.post("/accounts/login/", Form(page.text, "login/").fields | {"login": email, "password": password})
        assert answer.status == 302, (answer.status, answer.text[:2000])

    def _send(self, method: str, path: str, body: bytes, headers: dict[str, str], **more: Any) -> Answer:
        headers |= {"Accept-Language": self.language, "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        answer = self.portal.request(method, path, body, headers, **more)
        for line in answer.headers.get_all("Set-Cookie", []):
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0" or not morsel.value:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return answer


class Script:
    """A partner's script: JSON over /v1 with an API token. `request_id` names an intention; a call that is repeated repeats it."""

    def __init__(self, portal: Portal, token: str) -> None:
        self.portal, self.token = portal, token

    def call(self, method: str, path: str, body: Any = None, *, request_id: str = "", **more: Any) -> Answer:
        """Call the API."""
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "MS-RequestId": request_id or str(uuid.uuid4()),
        }
        return self.portal.request(method, f"/v1{path}", b"" if body is None else json.dumps(body).encode(), headers, **more)
