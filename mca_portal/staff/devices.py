"""Which browser is somebody in, and has this person used it before?"""

from django.http import HttpRequest
from django.utils.translation import gettext

LAST_PERSON_COOKIE = "last_person"  # signed; the id of the person who used this browser last
LAST_PERSON_AGE = 30 * 24 * 3600  # seconds

# The first that is found in what a browser says of itself; Edge and Opera also call themselves Chrome, and Chrome Safari.
_BROWSERS = (
    ("Edg", "Microsoft Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Whale/", "Whale"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def last_person(request: HttpRequest) -> str | None:
    """The id of the person who was signed in in this browser last; None when nobody was within a month."""
    return request.get_signed_cookie(LAST_PERSON_COOKIE, default=None, salt=LAST_PERSON_COOKIE, max_age=LAST_PERSON_AGE)


def device_name(user_agent: str) -> str:
    """What people call the browser that sends `user_agent`, such as "Firefox on Windows". Only known words: it is text of a stranger's."""
    browser = next((name for sign, name in _BROWSERS if sign in user_agent), "")
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), "")
    if browser and system:
        return gettext("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or gettext("An unknown browser")
