"""How a test looks at the portal through Chromium.

    def test_something(page, sign_in, axe, live_server): ...

`page` is a tab of a browser that speaks `language` ("en" unless the test is parametrized with it) and runs scripts if `javascript` is true:

    @pytest.mark.parametrize("language", ["en", "ko"])
    @pytest.mark.parametrize("javascript", [True, False])

`t` says a text of the portal in that language, `agent` is an Admin agent who reads it and is signed in, `go("/customers/")` opens a page.

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
from django.utils import translation
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Response, expect

from tests.factories import make_account, make_staff

# Playwright's own event loop makes Django believe that the test is asynchronous; it is not.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
HOW_TO_GET_IT = "Chromium is missing; on Debian: apt-get install chromium fonts-noto-cjk"
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

# Partner Center's words as the specification has them: a page that says them otherwise is wrong, whatever its translation holds.
PARTNER_CENTER_WORDS = {
    "Customers": "고객",
    "New customer": "신규 고객",
    "Account info": "계정 정보",
    "Company": "회사",
    "Primary contact": "기본 연락처",
    "Microsoft customer agreement": "Microsoft 고객 계약",
    "The customer has accepted the latest Microsoft customer agreement": "고객이 최신 Microsoft 고객 계약에 동의했음",
    "Agreement acceptance date": "계약 동의 날짜",
    "First name": "이름",
    "Last name": "성",
    "Email address": "이메일 주소",
    "Phone number": "전화 번호",
    "(optional)": "(선택 사항)",
    "Date of acceptance": "동의 날짜",
    "Save and continue": "저장하고 계속",
    "Update": "업데이트",
    "Next": "다음",
    "Review": "검토",
    "Submit": "제출",
    "Subscriptions": "구독",
    "Orders": "주문",
    "New order": "신규 주문",
    "Licenses": "라이선스",
    "Offers": "제안",
    "Confirmed": "확인됨",
    "Reconfirmation due": "재확인 예정",
    "Reconfirmation required": "재확인 필요",
    "Not confirmed": "확인되지 않음",
    "Not applicable": "해당 없음",
}

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


@pytest.fixture
def t(language: str) -> Callable[..., str]:
    """`t("Order %(number)s", number=1)`: what the portal says for it in the language of the test."""

    def in_language(message: str, **values: Any) -> str:
        if language == "ko" and message in PARTNER_CENTER_WORDS:
            return PARTNER_CENTER_WORDS[message]
        with translation.override(language):
            text = translation.gettext(message)
        return text % values if values else text

    return in_language


@pytest.fixture
def agent(language: str, sign_in: Callable[[Any], None]) -> Any:
    """An Admin agent of Contoso who reads the language of the test, signed in."""
    member = make_staff(make_account(name="Contoso"), first_name="Robin", last_name="Park", language=language)
    sign_in(member)
    return member


@pytest.fixture
def go(page: Page, live_server: Any) -> Callable[[str], Response | None]:
    """`go("/customers/")`: open a page of the portal."""
    return lambda path: page.goto(live_server.url + path)


@pytest.fixture(scope="session")
def axe() -> Callable[[Page], None]:
    """`axe(page)`: the page as it is now breaks no rule of WCAG A and AA nor any best practice."""

    def assert_accessible(page: Page) -> None:
        options = {"runOnly": {"type": "tag", "values": AXE_RULES}, "resultTypes": ["violations"]}
        results = Axe().run(page, options=options)
        assert results.violations_count == 0, f"{page.url}\n{results.generate_report()}"

    return assert_accessible
