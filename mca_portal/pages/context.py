"""What every page knows without asking the database."""

import tomllib
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone


@cache
def portal_version() -> str:
    """The version that `pyproject.toml` names; it lies beside the code wherever the portal runs."""
    return tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]["version"]


def portal(request: HttpRequest) -> dict[str, Any]:
    """The frame of a page: `account`, `theme`, `oauth_offered`, `portal_version`, `single_sign_on`, `time_zone_name`.

    `account` is the signed-in person's partner account, or None. `theme` is "light" or "dark"; empty leaves it to the browser.
    `single_sign_on` is the name of the directory that people may sign in with, or empty.
    """
    user = getattr(request, "user", None)
    signed_in = bool(user and user.is_authenticated)
    theme = getattr(user, "theme", "") if signed_in else ""
    return {
        "account": getattr(user, "account", None) if signed_in else None,
        "theme": theme if theme in ("light", "dark") else "",
        "oauth_offered": settings.OAUTH_OFFERED,
        "portal_version": portal_version(),
        "single_sign_on": settings.SINGLE_SIGN_ON_NAME,
        "time_zone_name": timezone.get_current_timezone_name(),
    }
