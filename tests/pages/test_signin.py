"""Who comes in, how, and in which language and time zone they then see the portal."""

import re

import pytest
from django.core import mail
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import Client
from django.urls import NoReverseMatch, include, path, reverse
from django.utils import timezone, translation
from django.views.decorators.http import require_safe

from mca_portal.staff.models import StaffMember
from mca_portal.urls import handler400, handler403, handler404, handler500  # noqa: F401  # Django looks for them beside urlpatterns
from tests.factories import make_account, make_staff

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
PASSWORD = "correct horse battery"
NEW = "quite another long one"


@require_safe
def seen(request: HttpRequest) -> HttpResponse:
    """What the person who looks has: language and time zone."""
    return JsonResponse({"language": translation.get_language(), "tz": timezone.get_current_timezone_name()})


urlpatterns = [path("seen/", seen), path("", include("mca_portal.urls"))]


@pytest.fixture
def somebody() -> StaffMember:
    return make_staff(make_account(time_zone="Asia/Seoul"), email="kim@example.com", language="ko")


@pytest.fixture
def visitor(somebody: StaffMember) -> Client:
    client = Client()
    client.force_login(somebody)
    return client


def sign_in(email: str = "kim@example.com", password: str = PASSWORD, **more: str) -> tuple[Client, HttpResponse]:
    client = Client()
    return client, client.post("/accounts/login/", {"login": email, "password": password} | more)


def test_sign_in_asks_for_work_email_and_password_and_leads_back(somebody: StaffMember) -> None:
    page = Client().get("/accounts/login/?next=/seen/").content.decode()
    assert "Work email address" in page
    assert 'name="next" value="/seen/"' in page
    assert "signup" not in page
    _client, answer = sign_in("Kim@Example.com", next="/seen/")
    assert (answer.status_code, answer["Location"]) == (302, "/seen/")


def test_sign_in_leads_to_no_other_site(somebody: StaffMember) -> None:
    _client, answer = sign_in(next="https://evil.example/")
    assert answer["Location"] == "/"


@pytest.mark.parametrize(("email", "password"), [("kim@example.com", "wrong"), ("nobody@example.com", PASSWORD)])
def test_a_wrong_password_and_an_unknown_address_get_the_same_words(somebody: StaffMember, email: str, password: str) -> None:
    client, answer = sign_in(email, password)
    page = answer.content.decode()
    assert 'id="error-summary"' in page
    words = re.search(r"<li>(.*?)</li>", page[page.index('id="error-summary"') :], re.DOTALL)
    assert words
    assert words[1].strip() == "The email address or the password is not right. Check both and try again."
    assert "_auth_user_id" not in client.session


def test_nothing_typed_is_said_at_each_field() -> None:
    _client, answer = sign_in("", "")
    page = answer.content.decode()
    assert "Enter your work email address." in page
    assert "Enter your password." in page


def test_after_too_many_wrong_passwords_the_right_one_has_to_wait(somebody: StaffMember) -> None:
    for _attempt in range(5):
        sign_in(password="wrong")
    client, answer = sign_in()
    assert "_auth_user_id" not in client.session
    assert "Too many" in answer.content.decode()


def test_who_was_deactivated_does_not_come_in_and_is_out_at_once(somebody: StaffMember, visitor: Client) -> None:
    assert visitor.get("/seen/").status_code == 200
    somebody.is_active = False
    somebody.save()
    assert visitor.get("/seen/").status_code == 302
    client, _answer = sign_in()
    assert "_auth_user_id" not in client.session


def test_sign_out_is_asked_and_throws_away_what_the_browser_kept(visitor: Client) -> None:
    assert visitor.get("/accounts/logout/").status_code == 200
    assert "_auth_user_id" in visitor.session
    answer = visitor.post("/accounts/logout/")
    assert answer["Clear-Site-Data"] == '"cache"'
    assert visitor.get("/seen/").status_code == 302


def test_pages_are_for_this_browser_alone(visitor: Client) -> None:
    answer = visitor.get("/seen/")
    assert answer["Cache-Control"] == "private, no-cache"
    assert "Cookie" in answer["Vary"]


@pytest.mark.parametrize(
    "address",
    ["signup/", "email/", "confirm-email/", "password/set/", "login/code/confirm/", "login/code/", "signup/passkey/", "3rdparty/"],
)
def test_what_is_not_offered_is_not_there(address: str) -> None:
    assert Client().get(f"/accounts/{address}").status_code == 404


def test_sign_up_has_no_address() -> None:
    with pytest.raises(NoReverseMatch):
        reverse("account_signup")


# Passwords


def asked_for_link(email: str = "kim@example.com") -> str:
    answer = Client().post("/accounts/password/reset/", {"email": email}, headers={"accept-language": "en"})
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/password/reset/done/")
    return mail.outbox[0].body if mail.outbox else ""


def test_a_forgotten_password_is_chosen_anew_by_a_link_that_works_once(somebody: StaffMember) -> None:
    link = re.search(r"http://testserver(/\S+)", asked_for_link())
    assert link
    client = Client()
    page = client.get(link[1], follow=True)
    assert "Choose your password" in page.content.decode()
    form = page.redirect_chain[-1][0]
    refused = client.post(form, {"password1": "short", "password2": "short"}).content.decode()
    assert 'id="error-summary"' in refused
    saved = client.post(form, {"password1": NEW, "password2": NEW})
    assert saved["Location"] == "/accounts/password/reset/key/done/"
    assert client.get(saved["Location"]).status_code == 200
    assert "no longer works" in Client().get(link[1], follow=True).content.decode()
    assert sign_in(password=NEW)[1].status_code == 302


def test_the_email_is_in_the_persons_language(somebody: StaffMember) -> None:
    from django.utils.translation import gettext

    body = asked_for_link()
    with translation.override("ko"):
        assert gettext("If it was not you, you need not do anything: your password stays as it is.") in body
        assert gettext("Choose a new password") in mail.outbox[0].subject
    assert mail.outbox[0].to == ["kim@example.com"]


def test_a_stranger_gets_the_same_answer_and_no_email() -> None:
    assert asked_for_link("stranger@example.com") == ""
    assert Client().get("/accounts/password/reset/done/").status_code == 200


@pytest.mark.parametrize("key", ["1-abc", "zzzzzzzzzzzzzzzzzzzz-abc", "1zzzzzzzzzzzz-abc", "1-set-password"])
def test_a_mistyped_link_is_explained(key: str) -> None:
    page = Client().get(f"/accounts/password/reset/key/{key}/")
    assert page.status_code == 200
    assert "no longer works" in page.content.decode()


def test_a_changed_password_signs_out_every_other_browser(somebody: StaffMember, visitor: Client) -> None:
    here, _answer = sign_in()
    assert "oldpassword" in here.get("/accounts/password/change/").content.decode()
    saved = here.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})
    assert saved.status_code == 302
    assert here.get("/seen/").status_code == 200
    assert visitor.get("/seen/").status_code == 302


def test_the_other_account_pages_open(visitor: Client) -> None:
    for address in ("/accounts/reauthenticate/", "/accounts/inactive/", "/accounts/password/reset/", "/"):
        assert visitor.get(address).status_code == 200, address


def test_the_operators_pages_have_no_sign_in_of_their_own(visitor: Client) -> None:
    assert Client().get("/operator/", follow=True).redirect_chain[-1][0].startswith("/accounts/login/?next=")
    assert visitor.get("/operator/login/").status_code == 403
    assert visitor.get("/operator/", follow=True).status_code == 403


# Language and time zone


def test_signed_in_the_language_and_the_clock_are_ones_own(visitor: Client) -> None:
    assert visitor.get("/seen/", headers={"accept-language": "en"}).json() == {"language": "ko", "tz": "Asia/Seoul"}


def test_the_operator_has_no_account_and_sees_utc() -> None:
    operator = StaffMember.objects.create(email="op@example.com", first_name="O", last_name="P", is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(operator)
    assert client.get("/seen/").json() == {"language": "en", "tz": "UTC"}
    assert client.get("/operator/").status_code == 200


def test_a_clock_does_not_stay_for_the_next_person(visitor: Client) -> None:
    visitor.get("/seen/")
    assert timezone.get_current_timezone_name() == "UTC"


def test_the_language_is_kept_with_the_person_and_in_the_browser(visitor: Client, somebody: StaffMember) -> None:
    answer = visitor.post("/preferences/language/?next=/seen/", {"portal_language": "en"})
    assert (answer.status_code, answer["Location"]) == (302, "/seen/")
    somebody.refresh_from_db()
    assert somebody.language == "en"
    assert visitor.get("/seen/").json()["language"] == "en"
    assert visitor.cookies["django_language"].value == "en"


def test_the_sign_in_page_can_be_switched_too() -> None:
    client = Client()
    client.post("/preferences/language/?next=/accounts/login/", {"portal_language": "ko"})
    assert '<html lang="ko"' in client.get("/accounts/login/").content.decode()


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"])
def test_switching_leads_to_no_other_site(elsewhere: str) -> None:
    answer = Client().post("/preferences/language/", {"portal_language": "ko"}, query_params={"next": elsewhere})
    assert answer["Location"] == "/"


def test_switching_without_a_next_leads_back_to_where_one_was() -> None:
    answer = Client().post(
        "/preferences/language/", {"portal_language": "ko"}, headers={"referer": "http://testserver/accounts/login/?next=/seen/"}
    )
    assert answer["Location"] == "/accounts/login/?next=/seen/"


@pytest.mark.parametrize(("what", "value"), [("language", "xx"), ("language", ""), ("theme", "pink")])
def test_what_there_is_not_is_refused(visitor: Client, what: str, value: str) -> None:
    assert visitor.post(f"/preferences/{what}/", {f"portal_{what}": value}).status_code == 400


def test_the_theme_is_kept_with_the_person(visitor: Client, somebody: StaffMember) -> None:
    visitor.post("/preferences/theme/", {"portal_theme": "dark"})
    somebody.refresh_from_db()
    assert somebody.theme == "dark"
    assert 'data-bs-theme="dark"' in visitor.get("/").content.decode()
    assert 'data-bs-theme="dark"' in visitor.get("/nowhere/").content.decode()
