"""Registering an application and allowing it, in the browser: the policy lets the answer through to the application and to nowhere else."""

import http.server
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Page, expect

from mca_portal.staff.models import Application
from tests.browser.test_accessibility import both_languages, check  # noqa: F401
from tests.factories import PASSWORD, make_application


class _Back(http.server.BaseHTTPRequestHandler):
    """The application's own page, to which the browser is sent back."""

    def do_GET(self) -> None:
        """Anything is answered."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<link rel='icon' href='data:,'>Welcome back")

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def back() -> Iterator[str]:
    """The address of an application on this machine."""
    server = http.server.HTTPServer(("127.0.0.1", 0), _Back)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/back"
    server.shutdown()
    server.server_close()


def confirm_it_is_you(page: Page, t: Any) -> None:
    """Give the password that is asked for once more."""
    expect(page.get_by_role("heading", level=1)).to_have_text(t("Confirm that it is you"))
    page.get_by_label(t("Password"), exact=True).fill(PASSWORD)
    page.get_by_role("button", name=t("Go on"), exact=True).click()


def authorize(application: Application, back: str) -> str:
    """Where the application sends the browser."""
    asked = {"client_id": application.pk, "response_type": "code", "redirect_uri": back, "state": "mine"}
    return "/identity/o/authorize?" + urlencode(asked | {"code_challenge": "c" * 43, "code_challenge_method": "S256"})


@both_languages
def test_an_application_is_registered_and_allowed(page: Page, agent: Any, check: Any, go: Any, t: Any, back: str) -> None:  # noqa: F811
    check("/applications/")
    check("/applications/new/")
    page.get_by_label(t("Application name"), exact=True).fill("Shop")
    page.get_by_label(t("Desktop program or script that staff sign in to")).check()
    page.get_by_role("button", name=t("Register"), exact=True).click()
    check()
    confirm_it_is_you(page, t)
    page.get_by_label(t("Redirect addresses")).fill("http://127.0.0.1/back")
    check()
    page.get_by_role("button", name=t("Register"), exact=True).click()
    expect(page.get_by_role("status")).to_contain_text(t("The application was registered."))
    check()
    application = Application.objects.get()
    check(authorize(application, back))
    page.get_by_role("button", name=t("Allow"), exact=True).click()
    expect(page.get_by_text("Welcome back")).to_be_visible()
    assert parse_qs(urlsplit(page.url).query).keys() == {"code", "state"}
    check(authorize(application, back + "/elsewhere"))
    expect(page.get_by_role("heading", level=1)).to_have_text(t("This application asked in a wrong way"))


def test_somebody_who_does_not_allow_it_goes_back_without_a_code(page: Page, agent: Any, go: Any, t: Any, back: str) -> None:
    application, _none = make_application(agent, kind="native", redirect_uris=["http://127.0.0.1/back"])
    go(authorize(application, back))
    page.get_by_role("button", name=t("Do not allow"), exact=True).click()
    expect(page.get_by_text("Welcome back")).to_be_visible()
    assert parse_qs(urlsplit(page.url).query) == {"error": ["access_denied"], "state": ["mine"]}


def test_a_secret_is_shown_to_whoever_registers_a_service(page: Page, agent: Any, check: Any, t: Any) -> None:  # noqa: F811
    check("/applications/new/")
    page.get_by_label(t("Application name"), exact=True).fill("Nightly orders")
    page.get_by_role("button", name=t("Register"), exact=True).click()
    confirm_it_is_you(page, t)
    expect(page.get_by_label(t("Secret"), exact=True)).not_to_be_empty()
    check()
    page.get_by_role("button", name=t("Disable")).click()
    check()
    check("/applications/")
