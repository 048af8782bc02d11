"""`make bench-browser`: what does a browser get, and how long does somebody wait on a slow network?

Runs the production server on SQLite with a few hundred customers, opens pages in Chromium with an empty cache and again with a full one,
and prints for each: bytes transferred and requests, what blocked the first paint, the layout shift, and, on a network like slow 3G (400 ms
round trip, 400 kbit/s), when something was painted and when the page could be used. Exits with 1 when a budget is exceeded.
"""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.soak.server import Portal

FIRST_VISIT, LATER_PAGE = 150_000, 30_000  # bytes
SLOW_3G = {"offline": False, "latency": 400, "downloadThroughput": 400_000 / 8, "uploadThroughput": 400_000 / 8}
FAST = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
PAGES = {
    "home": "/",
    "customers": "/customers/",
    "search": "/customers/?q=seed",
    "account info": "/customers/{customer}/",
    "update form": "/customers/{customer}/agreement/",
    "new customer": "/customers/new/",
    "orders": "/orders/",
}
PEOPLE = """
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from customers.models import Customer
from tests.factories import make_account, make_staff
person = make_staff(make_account(name="Bench"))
call_command("seed", customers=300, account="Bench", stdout=open("/dev/null", "w"))
browser = Client()
browser.force_login(person)
customer = Customer.objects.filter(acceptances__isnull=False).order_by("name_key")[7]
print(browser.cookies[settings.SESSION_COOKIE_NAME].value, customer.pk)
"""
WATCH = """
window.shift = 0;
new PerformanceObserver(list => list.getEntries().forEach(e => { if (!e.hadRecentInput) window.shift += e.value; }))
  .observe({type: 'layout-shift', buffered: true});
"""
TIMES = """() => {
  const page = performance.getEntriesByType('navigation')[0];
  const files = performance.getEntriesByType('resource');
  const paint = performance.getEntriesByName('first-contentful-paint')[0];
  return {
    painted: paint ? paint.startTime : 0, usable: page.domContentLoadedEventEnd, shift: window.shift,
    blocking: files.filter(f => f.renderBlockingStatus === 'blocking').map(f => f.name.split('/').pop()),
  };
}"""


def visit(page: Page, address: str, network: dict[str, Any]) -> dict[str, Any]:
    """Open an address on this network: bytes, requests, and what the page says of itself."""
    link = page.context.new_cdp_session(page)
    link.send("Network.enable")
    link.send("Network.emulateNetworkConditions", network)
    sizes: list[float] = []
    link.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(address, wait_until="networkidle")
    found = page.evaluate(TIMES)
    link.detach()
    return found | {"bytes": sum(sizes), "requests": len([size for size in sizes if size])}


def main() -> int:
    """Measure, print, and say whether the budgets hold."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        print("Chromium is missing; on Debian: apt-get install chromium", file=sys.stderr)
        return 1
    rows, broken = [], []
    with tempfile.TemporaryDirectory(prefix="mca-bench-") as folder, sync_playwright() as playwright:
        portal = Portal(Path(folder, "portal")).prepare()
        session, customer = portal.run(PEOPLE).split()
        with portal.start():
            root = f"http://{portal.host}:{portal.port}"
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for name, path in PAGES.items():
                address = root + path.format(customer=customer)
                context = browser.new_context()
                context.add_cookies([{"name": "sessionid", "value": session, "url": root}])
                context.add_init_script(WATCH)
                page = context.new_page()
                first = visit(page, address, FAST)
                later = visit(page, address, FAST)
                slow_later = visit(page, address, SLOW_3G)
                context.close()
                context = browser.new_context()
                context.add_cookies([{"name": "sessionid", "value": session, "url": root}])
                context.add_init_script(WATCH)
                slow = visit(context.new_page(), address, SLOW_3G)
                context.close()
                shift = max(first["shift"], later["shift"], slow["shift"], slow_later["shift"])
                rows.append((name, first, later, slow, slow_later, shift))
                if first["bytes"] > FIRST_VISIT:
                    broken.append(f"{name}: the first visit takes {first['bytes']:.0f} bytes")
                if later["bytes"] > LATER_PAGE:
                    broken.append(f"{name}: a later visit takes {later['bytes']:.0f} bytes")
                if shift > 0:
                    broken.append(f"{name}: the layout shifts by {shift:.3f}")
                if any(not file.endswith(".css") for file in first["blocking"]):
                    broken.append(f"{name}: {first['blocking']} block the first paint")
            browser.close()
    print("page           first visit   later     blocking  shift   slow 3G: painted / usable first, later (s)")
    for name, first, later, slow, slow_later, shift in rows:
        times = ", ".join(f"{one['painted'] / 1000:.1f} / {one['usable'] / 1000:.1f}" for one in (slow, slow_later))
        transferred = f"{first['bytes'] / 1000:6.1f} kB in {first['requests']:<2} {later['bytes'] / 1000:5.1f} kB"
        print(f"{name:14} {transferred} {len(first['blocking'])} css     {shift:.3f}   {times}")
    print("\n".join(broken) or "Within every budget.")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
