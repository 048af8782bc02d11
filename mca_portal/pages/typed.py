"""What had somebody typed when they had to leave a form in the middle?

Their sign-in had expired by the time they saved, or they switched language or appearance. The fields wait in the session of the browser for
the same person and the next look at the same page, where `request.typed` holds them once. Of somebody who is not known yet only the e-mail
address at sign-in is kept, for a minute and in their own browser.
"""

from django.conf import settings
from django.forms import BaseForm
from django.forms.utils import ErrorDict
from django.http import HttpRequest, HttpResponse, QueryDict

KEPT = "typed"  # the key in the session: path -> see `keep`
KEPT_BYTES = 64 * 1024  # of one page
KEPT_PAGES = 3  # somebody may have several pages open; a session is not a store
SWITCHES = ("portal_language", "portal_theme")  # the names of the buttons that switch
EMAIL_COOKIE = "typed_email"
EMAIL_AGE = 60  # seconds: until the page is there in the other language
EMAIL_LENGTH = 254
EMAIL_FIELDS = ("login", "email")  # of the forms for people who are not signed in
_NEVER = ("csrfmiddlewaretoken", *SWITCHES)


def keep(request: HttpRequest, path: str, *, staff: str, page: str = "", switched: bool = False, checked: bool = True) -> None:
    """Keep the fields that `request` sent, for the next look of the member `staff` at `path`.

    `page`: where the form was, if not there. `switched`: they only switched language or appearance. `checked`: whether the page is to say
    what is wrong with them. Never kept: passwords, files, and more than 64 kB; then the page says that they are lost.
    """
    fields = QueryDict(mutable=True)
    for name, values in request.POST.lists():
        if name not in _NEVER and "password" not in name.lower():
            fields.setlist(name, values)
    text = fields.urlencode()
    if "%00" in text or (switched and not text):
        return
    lost = len(text) > KEPT_BYTES
    kept = request.session.get(KEPT, {})
    kept.pop(path, None)
    kept[path] = {"staff": staff, "fields": "" if lost else text, "page": page, "switched": switched, "checked": checked, "lost": lost}
    for oldest in list(kept)[:-KEPT_PAGES]:
        del kept[oldest]
    request.session[KEPT] = kept


def unchecked(request: HttpRequest, *forms: BaseForm) -> None:
    """Let `forms` say nothing yet of what is wrong with what was typed, if the person only switched in the middle of it."""
    if not request.typed_checked:
        for form in forms:
            form._errors = ErrorDict()


def keep_email(request: HttpRequest, response: HttpResponse, path: str) -> None:
    """Let the browser keep the e-mail address that a stranger's form at `path` held, for the same form in the other language."""
    email = next((request.POST[name] for name in EMAIL_FIELDS if request.POST.get(name)), "")
    if email and len(email) <= EMAIL_LENGTH:
        response.set_signed_cookie(
            EMAIL_COOKIE,
            email,
            salt=EMAIL_COOKIE,
            max_age=EMAIL_AGE,
            path=path,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )


def put_back_email(request: HttpRequest, form: BaseForm) -> None:
    """Fill in what `keep_email` kept."""
    email = request.get_signed_cookie(EMAIL_COOKIE, default="", salt=EMAIL_COOKIE, max_age=EMAIL_AGE)
    for name in EMAIL_FIELDS:
        if email and name in form.fields:
            form.initial[name] = email
