"""Takes a picture of each page of the portal with its demo data:  python -m tests.browser.screenshots docs/screenshots [NAME...]

Without names all of them, in both languages; with names (`sign-in`, `order*`) only those. README.md beside the pictures says which template
each of them shows; the command fails, and so does a test, if a page's template is on none. It starts a portal of its own on a database of
its own and stops it again. Needs Chromium, and fonts that have Hangul.
"""

import base64
import contextlib
import fnmatch
import functools
import hashlib
import hmac
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from playwright.sync_api import Browser, Page, Response, sync_playwright

from tests.directory import CLIENT_ID, CLIENT_SECRET, Directory, running_directory

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PASSWORD = "bright-harbor-2026"
TEMPLATES = ROOT / "templates"
MEANT = {"errors/500.html": "server-error", "errors/503.html": "database-away*"}  # pictures of these are mistakes but for those meant
INDEX = "README.md"
WORDS = {
    "en": {"next": "Next", "back": "Back", "save": "Save and continue", "submit": "Submit"},
    "ko": {"next": "다음", "back": "뒤로", "save": "저장하고 계속", "submit": "제출"},
}
WIDE, NARROW = (1280, 800), (360, 740)
TALLEST = 870  # pixels; the rest of a longer page says nothing new


class Portal(NamedTuple):
    """Two servers on one database: the second offers single sign-on with a directory."""

    address: str
    address_with_directory: str
    directory: Directory
    database: Path
    operators: dict[str, str]  # for each language the link by which its operator chooses a password

    @contextlib.contextmanager
    def without_database(self, *, damaged: bool = False) -> Iterator[None]:
        """Take the database away (a folder in its place does not open); `damaged`: there is one, but it has no tables."""
        aside = self.database.with_suffix(".aside")
        self.database.rename(aside)
        if not damaged:
            self.database.mkdir()
        try:
            yield
        finally:
            if damaged:
                for file in self.database.parent.glob(f"{self.database.name}*"):
                    file.unlink()
            else:
                self.database.rmdir()
            aside.rename(self.database)


def operator(language: str) -> str:
    """The e-mail address of the operator who reads this language."""
    return f"operator.{language}@portal.example"


@contextlib.contextmanager
def portal() -> Iterator[Portal]:
    """A portal with the demo data."""
    links: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="mca-screenshots-") as var, running_directory() as directory, contextlib.ExitStack() as servers:
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
            *(["add_operator", operator(language), "--first-name=Kit", "--last-name=Ward", f"--language={language}"] for language in WORDS),
        ):
            manage = [sys.executable, "manage.py", *command]
            said = subprocess.run(manage, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
            links |= {word: said.split()[-1] for word in WORDS if command[1:2] == [operator(word)]}
        single_sign_on = {"OIDC_ISSUER": directory.address, "OIDC_CLIENT_ID": CLIENT_ID, "OIDC_CLIENT_SECRET": CLIENT_SECRET}
        address = servers.enter_context(_served(environment))
        with_directory = servers.enter_context(_served(environment | single_sign_on))
        yield Portal(address, with_directory, directory, Path(var) / "db.sqlite3", links)


@contextlib.contextmanager
def _served(environment: dict[str, str]) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "tests.browser.pictured:application"]
    server = subprocess.Popen(
        command, cwd=ROOT, env=environment | {"PORT": str(port)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        address = f"http://localhost:{port}"  # passkeys need a name
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


# In the browser: a picture's 256 most frequent colors, and for each pixel the nearest of them. Few pages have more.
PALETTE = """async (picture) => {
  const bytes = Uint8Array.from(atob(picture), (letter) => letter.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes]));
  const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer);
  const counts = new Map();
  for (const color of pixels) counts.set(color, (counts.get(color) ?? 0) + 1);
  const colors = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a));
  const parts = (color) => [color & 255, (color >> 8) & 255, (color >> 16) & 255];
  const palette = colors.slice(0, 256).map(parts);
  const far = (a, b) => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;
  const nearest = (color) => palette.reduce((best, one, at) => (far(one, color) < far(palette[best], color) ? at : best), 0);
  const places = new Map(colors.map((color, at) => [color, at < 256 ? at : nearest(parts(color))]));
  let text = "";
  for (const color of pixels) text += String.fromCharCode(places.get(color));
  return { width: image.width, height: image.height, palette: palette.flat(), places: btoa(text) };
}"""


def small_png(studio: Page, picture: bytes) -> bytes:
    """The picture as a PNG with a palette, less than half as large; `studio` is any tab."""
    found = studio.evaluate(PALETTE, base64.b64encode(picture).decode())
    width, height, places = found["width"], found["height"], base64.b64decode(found["places"])
    rows = b"".join(b"\0" + places[row * width : (row + 1) * width] for row in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = [(b"IHDR", header), (b"PLTE", bytes(found["palette"])), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


class Camera:
    """One tab in one language that goes about and takes pictures, each named after what it shows.

    `only`: patterns of the names of the pictures to take; all if empty. `taken`: the template of the page on each that was.
    """

    def __init__(self, browser: Browser, portal: Portal, folder: Path, language: str, only: Collection[str] = ()) -> None:
        self.portal, self.address, self.folder, self.language, self.only = portal, portal.address, folder, language, only
        self.taken: dict[str, str] = {}
        self.template = ""
        self.words = WORDS[language]
        context = browser.new_context(
            locale={"en": "en-US", "ko": "ko-KR"}[language],
            viewport={"width": WIDE[0], "height": WIDE[1]},
            color_scheme="light",
            reduced_motion="reduce",
        )
        context.set_default_timeout(15_000)
        self.studio: Page = context.new_page()
        self.page: Page = context.new_page()  # the last: a passkey is made only by the tab in front
        self.page.on("response", self._note_template)

    def _note_template(self, response: Response) -> None:
        """Keep which page this is: the first template of the last answer that is one, not a part of one."""
        shown = [name for name in response.headers.get("x-templates", "").split(",") if not Path(name).name.startswith("_")]
        pages = [name for name in shown if not name.startswith(("components/", "django/"))]
        if pages and (response.request.resource_type == "document" or pages[0] in page_templates()):
            self.template = pages[0]

    def go(self, path: str) -> None:
        """Open a page of the portal."""
        self.page.goto(self.address + path)

    def wants(self, name: str) -> bool:
        """Whether the picture of this name is to be taken."""
        return not self.only or any(fnmatch.fnmatch(name, pattern) for pattern in self.only)

    def sign_in(self, who: str = "admin.agent", partner: str = "contoso") -> None:
        """Sign in, in this tab's language."""
        self.sign_in_as(f"{who}@{partner}.example")

    def sign_in_as(self, email: str) -> None:
        """Sign in by this address, in this tab's language."""
        self.page.context.clear_cookies()
        self.go("/accounts/login/")
        self.page.locator("[name=login]").fill(email)
        self.page.locator("[name=password]").fill(PASSWORD)
        self.page.locator("form:has([name=password]) button[type=submit]").click()
        self.page.wait_for_url(self.address + "/")
        if self.page.locator("html").get_attribute("lang") != self.language:
            self.page.locator(f"button[name=portal_language][value={self.language}]").first.click()
            self.page.wait_for_selector(f"html[lang={self.language}]")

    def shoot(self, name: str, *looks: str, tallest: int = TALLEST) -> None:
        """Take `name`-en.png or `name`-ko.png and, for each of `looks` ("dark", "narrow"), one more."""
        if not self.wants(name):
            return
        page = self.page
        if not fnmatch.fnmatch(name, MEANT.get(self.template, "*")):
            raise SystemExit(f"{name}: {page.url} answered with {self.template}")
        self.taken[name] = self.template
        for look in ("", *looks):
            if look == "dark":
                page.emulate_media(color_scheme="dark")
            width, height = NARROW if look == "narrow" else WIDE
            page.set_viewport_size({"width": width, "height": height})
            page.evaluate("document.activeElement.id === 'error-summary' || document.activeElement.blur()")
            page.evaluate("scrollTo(0, 0)")
            tall = page.evaluate("document.documentElement.scrollHeight")
            page.set_viewport_size({"width": width, "height": max(height, min(tall, tallest))})
            path = self.folder / f"{name}-{self.language}{'-' + look if look else ''}.png"
            path.write_bytes(small_png(self.studio, page.screenshot(animations="disabled", caret="hide")))
            page.emulate_media(color_scheme="light")
            page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
            print(f"{path.name}  {path.stat().st_size // 1024} kB", flush=True)

    def visit(self, **pages: str) -> None:
        """Open and take each of `pages`: its name with _ for -, and its address."""
        for name, path in pages.items():
            self.go(path)
            self.shoot(name.replace("_", "-"))

    def send(self, button: str = "main form button.btn-primary[type=submit]") -> None:
        """Send the form of the page and wait for the answer; say the password again where it is asked for first."""
        with self.page.expect_navigation():
            self.page.locator(button).first.click()
        if self.template == "account/reauthenticate.html":
            with self.page.expect_navigation():
                confirm_it_is_you(self.page)

    def open_customer(self, standing: str) -> str:
        """Open the account info of the first customer of this standing; gives its path."""
        self.go(f"/customers/?standing={standing}")
        return self.open_first()

    def open_first(self) -> str:
        """Open the account info of the list's first customer; gives its path."""
        self.page.locator("#rows tbody th a").first.click()
        self.page.wait_for_url("**/customers/*-*/")
        return self.page.url.removeprefix(self.address)

    def press(self, word: str) -> None:
        """Press the button that is called so."""
        self.page.locator("main").get_by_role("button", name=self.words[word], exact=True).click()


def take_all(camera: Camera) -> None:
    """Every page, in the camera's language; the most important ones in dark and on a telephone, too."""
    signing_in(camera)
    camera.sign_in()
    home_and_customers(camera)
    one_customer(camera)
    orders_and_subscriptions(camera)
    for_oneself_and_colleagues(camera)
    second_factor(camera)
    other_people(camera)
    somebody_new(camera)
    consent(camera)
    bulk_import(camera)
    camera.sign_in()
    new_customer(camera)
    for_the_operator(camera)
    what_goes_wrong(camera)


def signing_in(camera: Camera) -> None:
    """The pages around sign-in."""
    camera.go("/accounts/login/")
    camera.shoot("sign-in", "dark", "narrow")
    camera.page.locator("form:has([name=password]) button[type=submit]").click()
    camera.page.locator("#error-summary").wait_for()
    camera.shoot("sign-in-mistake")
    camera.visit(
        forgotten_password="/accounts/password/reset/",
        forgotten_password_sent="/accounts/password/reset/done/",
        forgotten_password_old_link="/accounts/password/reset/key/1-x/",
        forgotten_password_done="/accounts/password/reset/key/done/",
        deactivated="/accounts/inactive/",
    )
    camera.page.goto(camera.portal.address_with_directory + "/accounts/login/")
    camera.shoot("sign-in-single-sign-on")
    camera.portal.directory.claims = {"tid": "00000000-0000-4000-8000-000000000000", "roles": ["sales_agent"]}
    camera.send("form[action$='single-sign-on/'] button")
    camera.shoot("single-sign-on-refused")


def home_and_customers(camera: Camera) -> None:
    """Home and the list."""
    camera.go("/")
    camera.shoot("home", "dark", "narrow")
    camera.go("/customers/")
    camera.shoot("customers", "dark", "narrow", tallest=WIDE[1])
    camera.visit(customers_due="/customers/?standing=due", customers_nothing_found="/customers/?q=nobody")


def one_customer(camera: Camera) -> None:
    """Account info in its standings, and what is done there."""
    page = camera.page
    path = camera.open_customer("due")
    camera.shoot("account-info", "dark", "narrow", tallest=1_100)
    camera.visit(customer_update=f"{path}edit/", customer_activity=f"{path}activity/")
    camera.go(path)
    page.locator("main a[href$='/withdraw/']").first.click()
    page.locator("[name=reason]").wait_for()
    camera.shoot("withdraw")
    camera.go("/customers/?q=northwindkr")
    path = camera.open_first()
    camera.shoot("account-info-new", "narrow")
    camera.visit(subscriptions_none=f"{path}subscriptions/", customer_orders_none=f"{path}orders/")
    camera.open_customer("required")
    camera.shoot("account-info-required")
    path = camera.open_customer("not_confirmed")
    camera.shoot("account-info-not-confirmed", "narrow")
    camera.go(f"{path}agreement/")
    camera.shoot("agreement-update", "dark", "narrow")
    camera.press("save")
    page.locator("#error-summary").wait_for()
    camera.shoot("agreement-update-mistakes", tallest=1_080)


def orders_and_subscriptions(camera: Camera) -> None:
    """A new order with the prompt and without, orders, and subscriptions whose gate is open and shut."""
    page = camera.page
    for standing, step in (("not_confirmed", "order-prompt"), ("confirmed", "order-review")):
        path = camera.open_customer(standing)
        camera.go(f"{path}orders/new/")
        for offer in ("Microsoft 365 Business Premium", "Microsoft Defender for Business"):
            page.get_by_role("button", name=offer).click()
            page.get_by_role("group", name=offer).wait_for()
        if standing == "not_confirmed":
            camera.shoot("new-order", "dark", "narrow", tallest=1_100)
        camera.press("next")
        page.locator("[name=mca-email], [name=shown]").first.wait_for(state="attached")
        camera.shoot(step, "narrow")
    camera.go("/orders/")
    camera.shoot("orders", "narrow", tallest=WIDE[1])
    page.locator("main tbody th a").first.click()
    page.wait_for_url("**/orders/*-*/")
    camera.shoot("order")
    path = camera.open_customer("confirmed")
    camera.visit(customer_orders=f"{path}orders/")
    camera.go(f"{path}subscriptions/")
    camera.shoot("subscriptions", "dark", "narrow")
    page.locator("main tbody th a").first.click()
    page.locator("[name=friendly_name]").wait_for()
    camera.shoot("subscription")
    path = camera.open_customer("required")
    camera.go(f"{path}subscriptions/")
    camera.shoot("subscriptions-shut", "narrow")
    camera.go((page.locator("main tbody th a").first.get_attribute("href") or "") + "agreement/?quantity=40")
    camera.shoot("license-prompt")


def for_oneself_and_colleagues(camera: Camera) -> None:
    """Staff, one's own pages, the versions of the agreement, what programs need."""
    page = camera.page
    camera.visit(staff="/staff/", staff_new="/staff/new/", staff_security="/staff/security/", agreement_versions="/agreement-versions/")
    camera.visit(activity="/activity/", api="/api/", application_new="/applications/new/")
    page.locator("[name=name]").fill({"en": "Nightly report", "ko": "야간 보고서"}[camera.language])
    camera.send()
    camera.shoot("application-secret")
    camera.visit(applications="/applications/")
    page.locator("main tbody th a").first.click()
    page.wait_for_url(re.compile(r"/applications/(?!new/).+/"))
    camera.shoot("application")
    camera.go("/api/reference/")
    page.locator(".opblock").first.wait_for()
    camera.shoot("api-reference")
    camera.go("/staff/")
    page.locator("main tbody th a").last.click()
    page.locator("[name=roles]").first.wait_for()
    camera.shoot("staff-member")
    camera.visit(profile="/profile/", security="/profile/security/", password="/accounts/password/change/", tokens="/profile/tokens/")
    page.locator("[name=name]").fill({"en": "Nightly import", "ko": "야간 가져오기"}[camera.language])
    page.locator("main form:has([name=days]) button[type=submit]").click()
    page.locator("#secret").wait_for()
    camera.shoot("token-made")
    camera.visit(sign_out="/accounts/logout/")


def second_factor(camera: Camera) -> None:
    """Setting up an authenticator app and a passkey, and signing in with them; each language by somebody else."""
    page = camera.page
    partner = {"en": "contoso", "ko": "fabrikam"}[camera.language]
    camera.sign_in("sales.agent", partner)
    camera.go("/accounts/authenticator-app/")
    camera.shoot("confirm-it-is-you")
    confirm_it_is_you(page)
    page.locator("#secret").wait_for()
    camera.shoot("authenticator-app")
    secret = page.locator("#secret").input_value()
    page.locator("[name=code]").fill(_code(secret))
    page.locator("main form:has([name=code]) button[type=submit]").click()
    page.wait_for_url(lambda url: "authenticator-app" not in url)
    camera.shoot("recovery-codes")
    spare = page.locator(".mp-codes li").first.inner_text()
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    finger = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True}
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": finger | {"automaticPresenceSimulation": True}})
    camera.go("/accounts/passkeys/add/")
    page.locator("[name=name]").fill({"en": "Work laptop", "ko": "업무용 노트북"}[camera.language])
    camera.shoot("passkey")
    camera.send("main form button.btn-primary")
    camera.go("/profile/security/")
    camera.shoot("security-on")
    passkey = page.locator("main a[href*='/passkeys/']:not([href$='/add/'])").first.get_attribute("href") or ""
    camera.visit(
        passkey_rename=passkey,
        passkey_remove=f"{passkey}remove/",
        recovery_codes_new="/accounts/recovery-codes/new/",
        authenticator_app_remove="/accounts/authenticator-app/remove/",
        confirm_by_code="/accounts/reauthenticate/code/",
        confirm_by_passkey="/accounts/reauthenticate/passkey/",
    )
    page.context.clear_cookies()
    camera.go("/accounts/login/")
    page.locator(f"button[name=portal_language][value={camera.language}]").first.click()
    page.locator("[name=login]").fill(f"sales.agent@{partner}.example")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("form:has([name=password]) button[type=submit]").click()
    page.locator("[name=code]").first.wait_for()
    camera.shoot("second-factor")
    page.locator("[name=code]").first.fill(spare)
    camera.send("main form:has([name=code]) button[type=submit]")


def confirm_it_is_you(page: Page) -> None:
    """Give the password that is asked for once more."""
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("form:has([name=password]) button[type=submit]").click()


def _code(secret: str) -> str:
    """What an authenticator app with this key (base32) shows now (RFC 6238)."""
    digest = hmac.digest(base64.b32decode(secret + "=" * (-len(secret) % 8)), struct.pack(">Q", int(time.time()) // 30), hashlib.sha1)
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start : start + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


def other_people(camera: Camera) -> None:
    """What other roles and other partner accounts see."""
    camera.sign_in("helpdesk.agent")
    camera.visit(home_helpdesk_agent="/", customers_helpdesk_agent="/customers/", not_allowed="/customers/new/")
    camera.sign_in("no.role")
    camera.shoot("home-no-role")
    camera.sign_in(partner="contoso-sandbox")
    camera.go("/customers/")
    camera.shoot("sandbox", "narrow")
    for partner in ("fabrikam-government", "northwind"):
        camera.sign_in(partner=partner)
        camera.visit(**{f"home_{partner}": "/", f"customers_{partner}": "/customers/"})
        camera.open_first()
        camera.shoot(f"account-info-{partner}")
        if partner == "northwind":
            camera.visit(new_customer_northwind="/customers/new/")


def somebody_new(camera: Camera) -> None:
    """Add somebody; each language at another partner."""
    page = camera.page
    partner, first, last = {"en": ("fabrikam", "Quinn", "Rivera"), "ko": ("contoso-sandbox", "하늘", "서")}[camera.language]
    camera.sign_in(partner=partner)
    camera.go("/staff/new/")
    for name, value in {"first_name": first, "last_name": last, "email": f"new.agent@{partner}.example"}.items():
        page.locator(f"[name={name}]").fill(value)
    page.locator("[name=roles]").nth(1).check()
    camera.send()
    camera.shoot("staff-added")


def consent(camera: Camera) -> None:
    """An application asks whether it may act as somebody, and one asks in a wrong way."""
    page = camera.page
    camera.sign_in(partner={"en": "fabrikam", "ko": "contoso-sandbox"}[camera.language])
    camera.go("/applications/new/")
    page.locator("[name=name]").fill({"en": "Order desk", "ko": "주문 창구"}[camera.language])
    page.locator("[name=kind][value=native]").check()
    page.locator("[name=redirect_uris]").fill("http://127.0.0.1/back")
    camera.send()
    camera.go("/applications/")
    page.locator("main tbody th a").first.click()
    page.wait_for_url(re.compile(r"/applications/(?!new/).+/"))
    asked = {"client_id": page.url.rstrip("/").rpartition("/")[2], "response_type": "code", "state": "1"}
    asked |= {"code_challenge": "c" * 43, "code_challenge_method": "S256"}
    camera.go("/identity/o/authorize?" + urlencode(asked | {"redirect_uri": "http://127.0.0.1:8400/back"}))
    camera.shoot("consent", "dark", "narrow")
    camera.go("/identity/o/authorize?" + urlencode(asked | {"redirect_uri": "http://elsewhere.example/"}))
    camera.shoot("consent-mistake")


def bulk_import(camera: Camera) -> None:
    """Confirmations from a file: choose it, look at its rows, record those that are right."""
    page = camera.page
    camera.go("/customers/?standing=not_confirmed")
    addresses = page.locator("#rows tbody th a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    customers = [address.split("/")[2] for address in addresses[:2]]
    said = {"en": [("Megan", "Bowen"), ("Diego", "Siciliani")], "ko": [("수민", "박"), ("지호", "정")]}[camera.language]
    rows = [
        f"{customer},{first},{last},legal{number}@customer.example,2026-10-0{number}"
        for number, (customer, (first, last)) in enumerate(zip(customers, said, strict=True), 1)
    ]
    rows.append(f"{customers[0]},{said[0][0]},,legal@customer,2031-01-15")
    file = "\n".join(["customer_id,first_name,last_name,email,date_agreed", *rows])
    camera.go("/customers/import/")
    camera.shoot("import")
    page.locator("[name=file]").set_input_files({"name": "confirmations.csv", "mimeType": "text/csv", "buffer": file.encode()})
    camera.send()
    camera.shoot("import-preview", "narrow")
    page.locator("#attest").check()
    camera.send()
    camera.shoot("import-result")


def for_the_operator(camera: Camera) -> None:
    """Where the operator publishes versions of the agreement and opens partner accounts; first they choose a password."""
    camera.page.context.clear_cookies()
    camera.go(urlsplit(camera.portal.operators[camera.language]).path)
    camera.shoot("choose-password")
    for name in ("password1", "password2"):
        camera.page.locator(f"[name={name}]").fill(PASSWORD)
    camera.send()
    camera.sign_in_as(operator(camera.language))
    camera.shoot("home-operator")
    camera.visit(operator="/operator/", operator_versions="/operator/agreements/agreementtemplate/")


def what_goes_wrong(camera: Camera) -> None:
    """The pages that say that something cannot be shown or done."""
    page = camera.page
    page.context.clear_cookies()
    camera.visit(bad_request="/accounts/login/?next=%00")
    camera.go("/accounts/login/")
    page.context.clear_cookies()
    camera.send("form:has([name=password]) button[type=submit]")
    camera.shoot("form-too-old")
    for _attempt in range(6):
        camera.go("/accounts/password/reset/")
        page.locator("[name=email]").fill(f"nobody.{camera.language}@contoso.example")
        camera.send()
    camera.shoot("too-many-attempts")
    camera.sign_in()
    camera.visit(not_found="/customers/nowhere/", method_not_allowed="/profile/tokens/1/revoke/")
    path = camera.open_customer("confirmed")
    camera.go(f"{path}edit/")
    page.context.clear_cookies(name="sessionid")
    camera.send("main form button.btn-primary[type=submit]")
    camera.shoot("sign-in-expired")
    camera.sign_in()
    camera.go(f"{path}edit/")
    with camera.portal.without_database():
        camera.send("main form button.btn-primary[type=submit]")
        camera.shoot("database-away-form")
        camera.visit(database_away="/")
    with camera.portal.without_database(damaged=True):
        camera.visit(server_error="/")


def new_customer(camera: Camera) -> None:
    """The steps of a new customer, who is created at the end."""
    page = camera.page
    camera.go("/customers/new/")
    camera.press("next")
    page.locator("#error-summary").wait_for()
    camera.shoot("new-customer-mistakes")
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
    page.locator("#domain-state svg").wait_for()
    camera.press("next")
    page.get_by_role("button", name="Microsoft 365 Business Premium").click()
    page.get_by_role("group", name="Microsoft 365 Business Premium").wait_for()
    page.locator("[name^=quantity]").fill("25")
    camera.shoot("new-customer-subscriptions")
    camera.press("back")
    page.locator("[name=company_name]").wait_for()
    camera.shoot("new-customer", "dark", "narrow", tallest=1_700)
    camera.press("next")
    camera.press("next")
    page.wait_for_url("**/review/")
    camera.shoot("new-customer-review", "narrow", tallest=1_100)
    camera.press("submit")
    page.wait_for_url("**/done/")
    camera.shoot("new-customer-done")


@functools.cache
def page_templates() -> set[str]:
    """The templates that are a page: they extend a frame and are none themselves."""
    texts = {str(path.relative_to(TEMPLATES)): path.read_text() for path in TEMPLATES.rglob("*.html")}
    extends = {name: found[1] for name, text in texts.items() if (found := re.search(r'\{% extends "(.+?)" %\}', text))}
    return set(extends) - set(extends.values())


def read_index(folder: Path) -> dict[str, str]:
    """Which template each picture in `folder` shows, as its index says."""
    index = folder / INDEX
    return dict(re.findall(r"^\| (\S+) \| `(\S+)` \|$", index.read_text(), re.MULTILINE)) if index.exists() else {}


def _write_index(folder: Path, shown: dict[str, str]) -> None:
    rows = "".join(f"| {name} | `{template}` |\n" for name, template in sorted(shown.items()))
    said = "Made by `make screenshots`. Each picture is there in English (`-en`) and in Korean (`-ko`)."
    (folder / INDEX).write_text(f"# Pictures of the portal\n\n{said}\n\n| Picture | Page |\n|---|---|\n{rows}")


def main(folder: Path, only: Collection[str] = ()) -> None:
    """Take all pictures into `folder`, or those that are named. Raises SystemExit without Chromium, and when a page is on no picture."""
    if not CHROMIUM:
        raise SystemExit("Chromium is missing; on Debian: apt-get install chromium fonts-noto-cjk")
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png") if not only else ():
        old.unlink()
    shown = read_index(folder) if only else {}
    with portal() as ours, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for language in WORDS:
            camera = Camera(browser, ours, folder, language, only)
            take_all(camera)
            shown |= camera.taken
        browser.close()
    _write_index(folder, shown)
    if missing := page_templates() - set(shown.values()):
        raise SystemExit(f"These pages are on no picture: {', '.join(sorted(missing))}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2:])
