"""Nothing that somebody typed is lost when their sign-in has expired by the time they save."""

import re

import pytest
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.middleware.csrf import get_token
from django.test import Client
from django.urls import include, path
from django.views.decorators.http import require_http_methods

from mca_portal.staff.models import StaffMember
from tests.factories import make_account, make_staff

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
PASSWORD = "correct horse battery"


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """A page with a form: says what a form on it would be filled with."""
    if request.method == "POST":
        return HttpResponseRedirect(request.path)
    typed = None if request.typed is None else dict(request.typed.lists())
    return JsonResponse(
        {"typed": typed, "messages": [str(m) for m in get_messages(request)], "checked": request.typed_checked, "token": get_token(request)}
    )


@require_http_methods(["POST"])
def button(request: HttpRequest) -> HttpResponse:
    """An address that only a button leads to."""
    return HttpResponseRedirect("/form/")


urlpatterns = [path("form/", page), path("other/", page), path("button/", button), path("", include("mca_portal.urls"))]


@pytest.fixture
def somebody() -> StaffMember:
    return make_staff(make_account())


@pytest.fixture
def visitor(somebody: StaffMember) -> Client:
    """A browser in which somebody worked until their sign-in expired."""
    client = Client()
    client.force_login(somebody)
    client.get("/form/")
    expire(client)
    return client


def expire(client: Client) -> None:
    client.session.delete()
    del client.cookies["sessionid"]


def sign_in(client: Client, person: StaffMember, next_page: str) -> HttpResponse:
    return client.post("/accounts/login/", {"login": person.email, "password": PASSWORD, "next": next_page})


def test_the_same_person_finds_what_they_typed_once(visitor: Client, somebody: StaffMember) -> None:
    refused = visitor.post("/form/?step=2", {"name": "Kim & Söhne", "tag": ["a", "b"]})
    assert (refused.status_code, refused["Location"]) == (302, "/accounts/login/?next=/form/%3Fstep%3D2")
    signed_in = sign_in(visitor, somebody, "/form/?step=2")
    assert signed_in["Location"] == "/form/?step=2"
    seen = visitor.get("/form/?step=2").json()
    assert seen["typed"] == {"name": ["Kim & Söhne"], "tag": ["a", "b"]}
    assert seen["messages"] == ["Your sign-in had expired. What you typed is still here: check it and save again."]
    again = visitor.get("/form/").json()
    assert (again["typed"], again["messages"]) == (None, [])


def test_the_sign_in_page_says_that_what_they_typed_is_kept(visitor: Client) -> None:
    visitor.post("/form/", {"name": "Kim"})
    assert "what you typed is kept" in visitor.get("/accounts/login/?next=/form/").content.decode()


def test_another_person_finds_nothing_and_it_is_thrown_away(visitor: Client, somebody: StaffMember) -> None:
    visitor.post("/form/", {"name": "Kim"})
    sign_in(visitor, make_staff(make_account()), "/form/")
    assert visitor.get("/form/").json()["typed"] is None
    assert "typed" not in visitor.session
    assert b"Kim" not in visitor.get("/other/").content


def test_another_page_does_not_take_it_away(visitor: Client, somebody: StaffMember) -> None:
    visitor.post("/form/", {"name": "Kim"})
    sign_in(visitor, somebody, "/other/")
    assert visitor.get("/other/").json()["typed"] is None
    assert visitor.get("/form/").json()["typed"] == {"name": ["Kim"]}


def test_a_browser_in_which_nobody_worked_keeps_nothing() -> None:
    stranger = Client()
    assert stranger.post("/form/", {"name": "Kim"}).status_code == 302
    assert "sessionid" not in stranger.cookies


def test_a_forged_cookie_keeps_nothing(visitor: Client, somebody: StaffMember) -> None:
    visitor.cookies["last_person"] = f"{somebody.pk}:1abcde:forged"
    visitor.post("/form/", {"name": "Kim"})
    assert "typed" not in visitor.session


def test_more_than_64_kilobytes_are_not_kept_and_that_is_said(visitor: Client, somebody: StaffMember) -> None:
    visitor.post("/form/", {"name": "x" * 66_000})
    assert "What you typed was too long to be kept." in visitor.get("/accounts/login/?next=/form/").content.decode()
    sign_in(visitor, somebody, "/form/")
    seen = visitor.get("/form/").json()
    assert seen["typed"] is None
    assert seen["messages"] == ["Your sign-in had expired, and what you typed was too long to be kept. Please type it again."]


SWITCHES = [("language", "portal_language", "ko"), ("theme", "portal_theme", "dark")]


@pytest.mark.parametrize(("what", "button", "value"), SWITCHES)
def test_what_was_typed_goes_along_when_language_or_appearance_are_switched(
    somebody: StaffMember, what: str, button: str, value: str
) -> None:
    client = Client()
    client.force_login(somebody)
    sent = {"name": "Kim", "tag": ["a", "b"], "language": "fr", "password": "s3cret", button: value}
    switched = client.post(f"/preferences/{what}/?next=/form/%3Fstep%3D2", sent)
    assert switched["Location"] == "/form/?step=2"
    somebody.refresh_from_db()
    assert getattr(somebody, what) == value
    seen = client.get("/form/?step=2").json()
    assert seen["typed"] == {"name": ["Kim"], "tag": ["a", "b"], "language": ["fr"]}
    assert (seen["messages"], seen["checked"]) == ([], False)
    client.post(f"/preferences/{what}/?next=/form/&checked", {"name": "", button: value})
    assert client.get("/form/").json()["checked"] is True
    client.post(f"/preferences/{what}/?next=/form/", {"name": "x" * 66_000, button: value})
    seen = client.get("/form/").json()
    assert seen["typed"] is None
    assert len(seen["messages"]) == 1
    client.post(f"/preferences/{what}/?next=/form/", {button: value})
    assert "typed" not in client.session, "a page without a form"


def test_what_was_typed_waits_when_the_sign_in_had_expired_before_the_switch(visitor: Client, somebody: StaffMember) -> None:
    visitor.post("/preferences/language/?next=/form/", {"name": "Kim", "portal_language": "en"})
    sign_in(visitor, somebody, "/form/")
    seen = visitor.get("/form/").json()
    assert seen["typed"] == {"name": ["Kim"]}
    assert seen["messages"] == ["Your sign-in had expired. What you typed is still here: check it and save again."]


def test_at_most_three_pages_are_kept(visitor: Client) -> None:
    for number in range(5):
        visitor.post(f"/form/?{number}", {"name": "Kim"})
        visitor.post("/other/", {"name": "Kim"})
        visitor.post("/button/", {"name": "Kim"})
        visitor.post("/", {"name": "Kim"})
    assert list(visitor.session["typed"]) == ["/other/", "/button/", "/"]


def test_no_password_token_or_file_is_ever_kept(visitor: Client) -> None:
    fields = {"name": "Kim", "password": "s3cret", "new_Password2": "s3cret", "csrfmiddlewaretoken": "t0ken"}
    visitor.post("/form/", fields | {"file": SimpleUploadedFile("a.csv", b"rows")})
    assert visitor.session["typed"]["/form/"]["fields"] == "name=Kim"
    visitor.post("/accounts/password/reset/", {"email": "kim@example.com"})
    visitor.post("/accounts/password/change/", {"oldpassword": "s3cret"})
    assert list(visitor.session["typed"]) == ["/form/"]


def test_without_the_csrf_token_nothing_is_kept(somebody: StaffMember) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(somebody)
    token = strict.get("/form/").json()["token"]
    expire(strict)
    refused = strict.post("/form/", {"name": "Kim"})
    assert refused.status_code == 403
    assert "typed" not in strict.session
    assert strict.post("/form/", {"name": "Kim", "csrfmiddlewaretoken": token}).status_code == 302
    assert strict.session["typed"]["/form/"]["fields"] == "name=Kim"


def test_after_a_button_they_are_back_on_its_page_and_told_that_nothing_was_changed(visitor: Client, somebody: StaffMember) -> None:
    visitor.post("/button/", {"yes": "1"}, headers={"referer": "http://testserver/form/?page=3"})
    sign_in(visitor, somebody, "/button/")
    back = visitor.get("/button/")
    assert (back.status_code, back["Location"]) == (302, "/form/?page=3")
    seen = visitor.get("/form/?page=3").json()
    assert seen["typed"] is None
    assert seen["messages"] == ["Your sign-in had expired, so nothing was changed. Please do it again."]
    assert visitor.get("/form/").json()["messages"] == []


def test_htmx_sends_the_whole_window_to_sign_in(visitor: Client) -> None:
    part = visitor.get("/other/", headers={"hx-request": "true", "hx-current-url": "http://testserver/form/?q=1"})
    assert (part.status_code, part["HX-Redirect"]) == (204, "/accounts/login/?next=%2Fform%2F%3Fq%3D1")
    saved = visitor.post("/other/", {"name": "Kim"}, headers={"hx-request": "true", "hx-current-url": "http://testserver/form/"})
    assert (saved.status_code, saved["HX-Redirect"]) == (204, "/accounts/login/?next=%2Fother%2F")
    foreign = visitor.get("/other/", headers={"hx-request": "true", "hx-current-url": "https://evil.example/form/"})
    assert foreign["HX-Redirect"] == "/accounts/login/?next=%2Fother%2F"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(somebody: StaffMember) -> None:
    client = Client()
    client.force_login(somebody)
    cookie = client.get("/form/").cookies["last_person"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert re.match(rf"{somebody.pk}:", cookie.value)
    assert "last_person" not in client.get("/form/").cookies
