"""Calls as scripts make them: a bearer token, JSON in, JSON out."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from mca_portal.staff.models import StaffMember
from tests.factories import make_staff, make_token

Call = Callable[..., HttpResponse]


class Script:
    """A program that calls the API as `person`."""

    def __init__(self, person: StaffMember) -> None:
        self.person = person
        self.secret = f"secret of {person.pk}"
        self.token = make_token(person, self.secret)
        self.client = Client(raise_request_exception=False)

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        """The answer to a call of `/v1` + `path`, unpacked when it came compressed; `body` is JSON, or bytes to be sent as they are."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {self.secret}"} | {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.client.generic(method, f"/v1{path}", content, content_type="application/json; charset=utf-8", headers=sent)
        if answer.get("Content-Encoding") == "gzip":
            answer.content = gzip.decompress(answer.content)
        return answer


@pytest.fixture
def person(db: None) -> StaffMember:
    """An Admin agent of an account in Seoul."""
    return make_staff()


@pytest.fixture
def call(person: StaffMember) -> Script:
    """A script of that Admin agent."""
    return Script(person)


@pytest.fixture
def script() -> type[Script]:
    """Scripts of others."""
    return Script
