"""How a test looks at the portal through Chromium.

    def test_something(page, sign_in, axe, live_server): ...

`page` is a tab of a browser that speaks `language` ("en" unless the test is parametrized with it) and runs scripts if `javascript` is true:

    @pytest.mark.parametrize("language", ["en", "ko"])
    @pytest.mark.parametrize("javascript", [True, False])

A test fails at its end if the page broke the Content-Security-Policy, wrote an error to the console, missed an asset, or got a 5xx.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Response, expect

# Playwright's own event loop makes Django believe that the test is asynchronous; it is not.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
HOW_TO_GET_IT = "Chromium is missing; on Debian: apt-get install chromium fonts-noto-cjk"
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

expect.set_options(timeout=10_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without Chromium skip what needs it and say how to get it; under REQUIRE_ALL=1 stop instead."""
    if CHROMIUM:
        return
    if os.environ.get("REQUIRE_ALL") == "1":
        raise pytest.UsageError(HOW_TO_GET_IT)
    for item in items:
        if "page" in getattr(item, "fixturenames", ()) or "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.skip(reason=HOW_TO_GET_IT))


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Start the machine's own Chromium, quiet and able to run as root."""
    return {
        **browser_type_launch_args,
        "executable_path": CHROMIUM,
        "args": [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ],
    }


@pytest.fixture
def language() -> str:
    """The language that the browser asks for."""
    return "en"


@pytest.fixture
def javascript() -> bool:
    """Whether the browser runs scripts."""
    return True


@pytest.fixture
def browser_context_args(browser_context_args: dict[str, Any], language: str, javascript: bool) -> dict[str, Any]:
    """What a tab is: language, scripts, a common laptop's window."""
    return {
        **browser_context_args,
        "locale": {"en": "en-US", "ko": "ko-KR"}[language],
        "java_script_enabled": javascript,
        "viewport": {"width": 1280, "height": 900},
        "reduced_motion": "reduce",
    }


class Complaints(list[str]):
    """What the browser held against the pages so far; a test that provokes an error on purpose clears it."""

    def listen_to(self, page: Page) -> None:
        """Collect what `page` complains of from now on."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.append(f"script error: {error}"))
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        # Statuses are judged in `_response`, where it is known what was asked for: a 404 page is right, a 404 style sheet is not.
        if message.type == "error" and not re.match(r"Failed to load resource|Response Status Error Code 4", message.text):
            self.append(f"console: {message.text}")

    def _response(self, response: Response) -> None:
        asset = response.request.resource_type not in ("document", "xhr", "fetch")
        if response.status >= 500 or (asset and response.status >= 400):
            self.append(f"{response.status} {response.url}")


@pytest.fixture
def complaints(context: BrowserContext) -> Iterator[Complaints]:
    """Fails the test at its end if any tab complained."""
    found = Complaints()
    context.on("page", found.listen_to)
    yield found
    assert not found, "the browser complained:\n" + "\n".join(found)


@pytest.fixture
def page(complaints: Complaints, context: BrowserContext) -> Page:
    """One tab, listened to."""
    return context.new_page()


@pytest.fixture
def sign_in(context: BrowserContext, live_server: Any) -> Callable[[Any], None]:
    """`sign_in(member)`: the tabs of this test are signed in as `member` from now on (without walking through the sign-in page)."""

    def with_session_of(member: Any) -> None:
        client = Client()
        client.force_login(member)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME]
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url, "httpOnly": True, "sameSite": "Lax"}])

    return with_session_of


@pytest.fixture(scope="session")
def axe() -> Callable[[Page], None]:
    """`axe(page)`: the page as it is now breaks no rule of WCAG A and AA nor any best practice."""

    def assert_accessible(page: Page) -> None:
        options = {"runOnly": {"type": "tag", "values": AXE_RULES}, "resultTypes": ["violations"]}
        results = Axe().run(page, options=options)
        assert results.violations_count == 0, f"{page.url}\n{results.generate_report()}"

    return assert_accessible
