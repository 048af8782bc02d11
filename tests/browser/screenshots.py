"""Takes a picture of each page of the portal with its demo data:  python tests/browser/screenshots.py docs/screenshots

It starts a portal of its own on a database of its own and stops it again. Needs Chromium, and fonts that have Hangul.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PASSWORD = "bright-harbor-2026"
AGENT = "admin.agent@contoso.example"
WORDS = {
    "en": {"next": "Next", "update": "Update", "save": "Save and continue"},
    "ko": {"next": "다음", "update": "업데이트", "save": "저장하고 계속"},
}
WIDE, NARROW = (1280, 800), (360, 740)
TALLEST = 870  # pixels; the rest of a longer page says nothing new


@contextlib.contextmanager
def portal() -> Iterator[str]:
    """A portal with the demo data; gives its address."""
    with tempfile.TemporaryDirectory(prefix="mca-screenshots-") as var, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        environment = {
            name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "PRODUCTION", "SECRET_KEY", "DEBUG")
        }
        environment |= {"VAR_DIR": var, "DEMO_PASSWORD": PASSWORD, "DJANGO_SETTINGS_MODULE": "mca_portal.settings"}
        for command in (
            ["compile_catalogues"],
            ["collectstatic", "--no-input", "--verbosity", "0"],
            ["migrate", "--verbosity", "0"],
            ["createcachetable", "--verbosity", "0"],
            ["demo"],
        ):
            subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
        arguments = ["-m", "gunicorn", "--no-control-socket", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--threads", "4"]
        server = subprocess.Popen([sys.executable, *arguments, "--log-level", "warning", "mca_portal.wsgi"], cwd=ROOT, env=environment)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(f"{address}/healthz", server)
            yield address
        finally:
            server.terminate()
            server.wait(timeout=20)


def _wait_for(address: str, server: "subprocess.Popen[bytes]") -> None:
    for _attempt in range(100):
        if server.poll() is not None:
            raise SystemExit("The portal did not start.")
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5) as answer:
            if answer.status == 200:
                return
        time.sleep(0.2)
    raise SystemExit("The portal did not answer.")


class Camera:
    """One tab in one language that goes about and takes pictures, each named after what it shows."""

    def __init__(self, browser: Browser, address: str, folder: Path, language: str) -> None:
        self.address, self.folder, self.language = address, folder, language
        self.words = WORDS[language]
        context = browser.new_context(
            locale={"en": "en-US", "ko": "ko-KR"}[language],
            viewport={"width": WIDE[0], "height": WIDE[1]},
            color_scheme="light",
            reduced_motion="reduce",
        )
        context.set_default_timeout(15_000)
        self.page: Page = context.new_page()

    def go(self, path: str) -> None:
        """Open a page of the portal."""
        self.page.goto(self.address + path)

    def sign_in(self, email: str = AGENT) -> None:
        """Sign in, in this tab's language."""
        self.page.context.clear_cookies()
        self.go("/accounts/login/")
        self.page.locator("[name=login]").fill(email)
        self.page.locator("[name=password]").fill(PASSWORD)
        self.page.locator("form:has([name=password]) button[type=submit]").click()
        self.page.wait_for_url(self.address + "/")
        if self.page.locator("html").get_attribute("lang") != self.language:
            self.page.locator(f"button[name=language][value={self.language}]").first.evaluate("button => button.form.requestSubmit(button)")
            self.page.wait_for_selector(f"html[lang={self.language}]")

    def shoot(self, name: str, *, look: str = "", tallest: int = TALLEST) -> None:
        """Take `name`-en.png or `name`-ko.png; `look` "dark" or "narrow" goes into the name, too."""
        page = self.page
        if look == "dark":
            page.emulate_media(color_scheme="dark")
        width, height = NARROW if look == "narrow" else WIDE
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("document.activeElement.id === 'error-summary' || document.activeElement.blur()")
        page.evaluate("scrollTo(0, 0)")
        tall = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": width, "height": max(height, min(tall, tallest))})
        path = self.folder / f"{name}-{self.language}{'-' + look if look else ''}.png"
        page.screenshot(path=path, animations="disabled", caret="hide")
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
        print(f"{path.name}  {path.stat().st_size // 1024} kB")

    def open_customer(self, standing: str, *, number: int = 0) -> str:
        """Open the account info of one customer of this standing; gives its path."""
        self.go(f"/customers/?standing={standing}")
        self.page.locator("#rows tbody th a").nth(number).click()
        self.page.wait_for_url("**/customers/*-*/")
        return self.page.url.removeprefix(self.address)

    def press(self, word: str) -> None:
        """Press the button that is called so."""
        self.page.get_by_role("button", name=self.words[word], exact=True).click()


def take_all(camera: Camera) -> None:
    """Every page, in the camera's language; the most important ones in dark and on a telephone in one language."""
    page, english = camera.page, camera.language == "en"
    camera.go("/accounts/login/")
    camera.shoot("sign-in")
    camera.sign_in()
    camera.shoot("home", tallest=WIDE[1])
    camera.go("/customers/")
    camera.shoot("customers", tallest=WIDE[1])
    camera.shoot("customers", look="narrow" if english else "dark", tallest=WIDE[1])

    camera.open_customer("due")
    camera.shoot("account-info")
    camera.shoot("account-info", look="dark" if english else "narrow")
    path = camera.open_customer("not_confirmed")
    camera.shoot("account-info-not-confirmed")
    camera.go(f"{path}agreement/")
    camera.press("save")
    page.locator("#error-summary").wait_for()
    camera.shoot("agreement-update", tallest=1_080)

    camera.go(f"{path}orders/new/")
    for offer in ("Microsoft 365 Business Premium", "Microsoft Defender for Business"):
        page.get_by_role("button", name=offer).click()
        page.get_by_role("group", name=offer).wait_for()
    if english:
        camera.shoot("new-order")
    camera.press("next")
    page.locator("[name=mca-email]").wait_for()
    camera.shoot("order-prompt")

    path = camera.open_customer("confirmed")
    camera.go(f"{path}subscriptions/")
    camera.shoot("subscriptions")
    camera.go("/orders/")
    if english:
        camera.shoot("orders", tallest=WIDE[1])
        page.locator("main tbody th a").first.click()
        page.wait_for_url("**/orders/*-*/")
        camera.shoot("order")
        camera.go("/staff/")
        camera.shoot("staff")
        camera.go("/agreement-versions/")
        camera.shoot("agreement-versions")
    new_customer(camera)
    if english:
        camera.go("/")
        camera.shoot("home", look="dark", tallest=WIDE[1])
        camera.sign_in("admin.agent@contoso-sandbox.example")
        camera.go("/customers/")
        camera.shoot("sandbox")


def new_customer(camera: Camera) -> None:
    """The steps of a new customer; it is not submitted, so that the other pictures stay as they are."""
    page = camera.page
    camera.go("/customers/new/")
    first, last, company, prefix = {
        "en": ("Tania", "Carr", "Tailwind Bakery", "tailwindbakery"),
        "ko": ("서연", "이", "한빛 서점", "hanbitbooks"),
    }[camera.language]
    address, city = {"en": ("152 Teheran-ro, Gangnam-gu", "Seoul"), "ko": ("강남구 테헤란로 152", "서울특별시")}[camera.language]
    page.locator("[name=mca-accepted]").check()
    for name, value in {
        "company_name": company,
        "domain_prefix": prefix,
        "address_line1": address,
        "city": city,
        "postal_code": "06236",
        "contact_first_name": first,
        "contact_last_name": last,
        "contact_email": f"contact@{prefix}.example",
        "contact_phone": "02-555-0142",
    }.items():
        page.locator(f"[name={name}]").fill(value)
    date = page.locator("[name=mca-agreed_on]")
    date.fill(date.get_attribute("max") or "")
    camera.shoot("new-customer", tallest=1_700)
    camera.press("next")
    page.get_by_role("button", name="Microsoft 365 Business Premium").click()
    page.get_by_role("group", name="Microsoft 365 Business Premium").wait_for()
    page.locator("[name^=quantity]").fill("25")
    camera.press("next")
    page.wait_for_url("**/review/")
    camera.shoot("new-customer-review")


def main(folder: Path) -> None:
    """Take all pictures into `folder`. Raises SystemExit without Chromium."""
    if not CHROMIUM:
        raise SystemExit("Chromium is missing; on Debian: apt-get install chromium fonts-noto-cjk")
    folder.mkdir(parents=True, exist_ok=True)
    with portal() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for language in WORDS:
            take_all(Camera(browser, address, folder, language))
        browser.close()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
