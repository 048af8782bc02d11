"""What may an application ask a token for? Partner Center's own names, since clients have them built in."""

from django.utils.translation import gettext_lazy as _

from mca_portal.staff.models import ApplicationKind

ACT_AS_PERSON = "https://api.partnercenter.microsoft.com/user_impersonation"
EVERYTHING = "https://api.partnercenter.microsoft.com/.default"  # all that the application may do
EVERYTHING_BEFORE = "https://graph.windows.net/.default"  # what older clients say for the same
OPENS_API = frozenset({ACT_AS_PERSON, EVERYTHING, EVERYTHING_BEFORE})

_FOR_PEOPLE = (ACT_AS_PERSON, EVERYTHING, "openid", "profile", "offline_access")
# The first is given to whoever names none.
OF_KIND: dict[str, tuple[str, ...]] = {
    ApplicationKind.SERVICE: (EVERYTHING, EVERYTHING_BEFORE),
    ApplicationKind.WEB: _FOR_PEOPLE,
    ApplicationKind.NATIVE: _FOR_PEOPLE,
}

_ACT = _("Act as you: see and change what your roles allow at that moment, and no more")
DISPLAY = {
    ACT_AS_PERSON: _ACT,
    EVERYTHING: _ACT,
    "openid": _("Recognize you"),
    "profile": _("See your name"),
    "offline_access": _("Go on while you are not there, until an Admin agent disables it"),
}
