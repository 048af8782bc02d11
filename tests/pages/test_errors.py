"""Whatever goes wrong, there are kind words in the person's language and a way out."""

import html
import re
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path
from django.utils import translation
from django.views.decorators.http import require_http_methods

from mca_portal.pages import errors
from mca_portal.staff.models import Environment
from mca_portal.staff.roles import NotAllowed, Permission
from mca_portal.urls import handler400, handler403, handler404, handler500  # noqa: F401  # Django looks for them beside urlpatterns
from tests.factories import make_account, make_staff

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
FORM = "application/x-www-form-urlencoded"


def broken(request: HttpRequest) -> HttpResponse:
    """A page with a mistake in it."""
    raise ZeroDivisionError


def forbidden(request: HttpRequest) -> HttpResponse:
    """A page that two roles may open."""
    raise NotAllowed(Permission.PLACE_ORDERS)


def forbidden_for_all(request: HttpRequest) -> HttpResponse:
    """A page that no role opens."""
    raise PermissionDenied


def away(request: HttpRequest) -> HttpResponse:
    """A page whose database does not answer."""
    raise OperationalError("connection refused")


def misspelt(request: HttpRequest) -> HttpResponse:
    """A page with a mistake in its SQL."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM no_such_table")
    return HttpResponse()


@require_http_methods(["POST"])
def button(request: HttpRequest) -> HttpResponse:
    """An address that only a button leads to."""
    return HttpResponse(request.POST.get("name", ""))


urlpatterns = [
    path("broken/", broken),
    path("away/", away),
    path("misspelt/", misspelt),
    path("forbidden/", forbidden),
    path("forbidden-for-all/", forbidden_for_all),
    path("button/", button),
    path("page/<str:name>/", button),
    path("", include("mca_portal.urls")),
]


@pytest.fixture
def visitor() -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(make_staff(make_account()))
    return client


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/nowhere/", 404, "We could not find this page"),
        ("/broken/", 500, "Something went wrong"),
        ("/away/", 503, "Wait a moment, then try again"),
        ("/misspelt/", 500, "Something went wrong"),
        ("/forbidden/", 403, "Admin agent or Sales agent"),
        ("/forbidden-for-all/", 403, "An Admin agent of your company can change them"),
        ("/button/", 405, "Go back and use the button"),
        ("/?q=a%00b", 400, "characters that we cannot keep"),
        ("/page/a%00b/", 400, "characters that we cannot keep"),
    ],
)
def test_an_error_has_kind_words_and_a_way_out(visitor: Client, address: str, status: int, words: str) -> None:
    answer = visitor.get(address)
    page = answer.content.decode()
    assert answer.status_code == status
    assert words in page
    assert '<main class="mp-sign-box mp-flow" id="main"' in page  # where htmx puts it
    assert '<a class="mp-brand" href="/"' in page
    assert "한국어" in page, "the language can be switched"


def test_errors_speak_the_persons_language() -> None:
    client = Client(raise_request_exception=False)
    client.force_login(make_staff(make_account(), language="ko"))
    for address in ("/nowhere/", "/broken/", "/forbidden/", "/?q=%00"):
        assert '<html lang="ko"' in client.get(address, headers={"accept-language": "en"}).content.decode()


def test_errors_speak_the_language_of_whoever_used_the_browser_last_when_they_cannot_be_known() -> None:
    client = Client(raise_request_exception=False)
    client.force_login(make_staff(make_account(), language="ko"))
    client.get("/nowhere/")
    client.cookies.pop("sessionid")
    assert '<html lang="ko"' in client.get("/nowhere/", headers={"accept-language": "en"}).content.decode()


def test_what_was_sent_when_the_database_was_away_can_be_sent_again(visitor: Client) -> None:
    sent = {"name": 'Kim "<b>" & Söhne', "tag": ["a", "b"], "csrfmiddlewaretoken": "as it came"}
    answer = visitor.post("/away/?step=2", sent)
    page = answer.content.decode()
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert '<form method="post" action="/away/?step=2">' in page
    assert re.findall('name="(.*?)" value="(.*?)"', page) == [
        ("name", "Kim &quot;&lt;b&gt;&quot; &amp; Söhne"),
        ("tag", "a"),
        ("tag", "b"),
        ("csrfmiddlewaretoken", "as it came"),  # never a new one: this may be another site's form
    ]


@pytest.mark.parametrize("sent", [{"password": "s3cret"}, {"new_Password2": "s3cret"}, {"file": SimpleUploadedFile("a.csv", b"s3cret")}])
def test_a_password_or_a_file_is_not_put_into_the_page(visitor: Client, sent: dict[str, Any]) -> None:
    page = visitor.post("/away/", sent | {"name": "Kim"}).content.decode()
    assert "go back and send it again" in page
    assert "<form" not in page
    assert "s3cret" not in page


def test_a_body_that_cannot_be_read_is_no_second_mistake(visitor: Client) -> None:
    answer = visitor.post("/away/", "name=" + "x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1), content_type=FORM)
    assert answer.status_code in (400, 503)


def test_a_sign_in_outlives_a_database_that_was_away(visitor: Client) -> None:
    session = visitor.cookies["sessionid"].value
    visitor.get("/away/")
    assert visitor.cookies["sessionid"].value == session
    assert visitor.get("/").status_code == 200


def test_errors_speak_the_browsers_language_before_sign_in() -> None:
    assert '<html lang="ko"' in Client().get("/nowhere/", headers={"accept-language": "ko-KR,ko;q=0.9"}).content.decode()


def test_the_method_page_names_what_is_allowed(visitor: Client) -> None:
    assert visitor.get("/button/")["Allow"] == "POST"


def test_a_form_with_a_forbidden_character_is_refused(visitor: Client) -> None:
    assert visitor.post("/button/", {"name": "a\x00b"}).status_code == 400
    assert visitor.post("/button/", "na%00me=b", content_type=FORM).status_code == 400
    assert visitor.post("/button/", {"name": "가"}).content.decode() == "가"


def test_a_form_that_is_too_large_or_has_too_many_fields_is_refused(visitor: Client) -> None:
    for body in ("name=" + "x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1), "&".join(f"f{n}=1" for n in range(1001))):
        answer = visitor.post("/button/", body, content_type=FORM)
        assert answer.status_code == 400
        assert "too large" in answer.content.decode()


def test_an_address_that_is_not_text_is_not_found(visitor: Client) -> None:
    assert visitor.get("/%ff%fe/").status_code == 404


def test_a_form_without_its_token_is_explained() -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/accounts/login/", {"login": "a@example.com"})
    assert answer.status_code == 403
    assert "reload the page and send it again" in answer.content.decode()


def test_error_pages_ask_the_database_for_nothing(rf: Any, django_assert_num_queries: Any) -> None:
    with translation.override("ko"), django_assert_num_queries(0):
        for page in (errors.bad_request, errors.permission_denied, errors.csrf_failure, errors.page_not_found, errors.server_error):
            assert page(rf.get("/")).content


def test_a_mistake_in_the_error_page_itself_still_gives_words(rf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors, "render_to_string", lambda *_args: 1 / 0)
    answer = errors.server_error(rf.get("/"))
    assert answer.status_code == 500
    assert "Something went wrong" in answer.content.decode()


def test_a_sandbox_is_unmistakable_on_error_pages_too(client):
    client.force_login(make_staff(make_account(environment="sandbox")))
    answer = client.get("/nowhere/")
    assert answer.status_code == 404
    assert b'data-env="sandbox"' in answer.content


def test_the_language_can_be_switched_on_an_error_page(client):
    client.force_login(make_staff())
    assert 'value="ko"' in client.get("/nowhere/").content.decode()


def test_a_sandbox_is_told_even_when_the_database_does_not_say_who_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(make_staff(make_account(environment=Environment.SANDBOX)))
    client.get("/nowhere/")

    def gone(*_args: Any, **_kwargs: Any) -> None:
        raise OperationalError("connection refused")

    with monkeypatch.context() as away:
        away.setattr(BaseDatabaseWrapper, "cursor", gone)
        answer = client.get("/")
    assert answer.status_code == 503
    assert ">Sandbox</span>" in answer.content.decode()
    client.force_login(make_staff(make_account()))
    client.get("/nowhere/")
    assert client.cookies["environment"].value == "production"


def test_a_production_account_needs_no_cookie_for_that(visitor: Client) -> None:
    visitor.get("/nowhere/")
    assert "environment" not in visitor.cookies


def test_too_many_attempts_in_a_sandbox_say_that_it_is_one() -> None:
    client = Client()
    client.force_login(make_staff(make_account(environment=Environment.SANDBOX)))
    answers = [client.post("/accounts/password/change/", {"oldpassword": "wrong"}) for _attempt in range(6)]
    assert answers[-1].status_code == 429
    assert ">Sandbox</span>" in answers[-1].content.decode()


@pytest.mark.parametrize(
    ("referer", "leads_to"),
    [("http://testserver/customers/?q=x", "/customers/?q=x"), ("http://evil.example/customers/", "/"), ("http://[", "/"), ("", "/")],
)
def test_switching_the_language_on_the_page_that_refuses_a_form_leads_to_the_page_with_the_form(referer: str, leads_to: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_staff(make_account()))
    answer = client.post("/customers/export/", headers={"Referer": referer})
    assert answer.status_code == 403
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', answer.content.decode())[1]
    (address,) = set(re.findall(r'action="(/preferences/language/[^"]+)"', answer.content.decode())) or {""}
    switched = client.post(html.unescape(address), {"portal_language": "ko", "csrfmiddlewaretoken": token})
    assert (switched.status_code, switched["Location"]) == (302, leads_to)


def test_a_form_sent_to_a_host_that_is_not_the_portals_is_a_bad_request() -> None:
    answer = Client().post("/customers/export/", headers={"Host": "evil.example", "Referer": "http://evil.example/"})
    assert answer.status_code == 400


def test_the_language_can_be_switched_while_the_database_is_away_and_again_and_leads_back(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(make_staff(make_account()))

    def gone(*_args: Any, **_kwargs: Any) -> None:
        raise OperationalError("connection refused")

    with monkeypatch.context() as away:
        away.setattr(BaseDatabaseWrapper, "cursor", gone)
        text = client.get("/customers/?q=x").content.decode()
        for language in ("ko", "en", "ko"):
            (address,) = set(re.findall(r'action="(/preferences/language/[^"]+)"', text))
            answer = client.post(html.unescape(address), {"portal_language": language})
            text = answer.content.decode()
            assert answer.status_code == 503
            assert f'<html lang="{language}"' in text
            assert 'href="/customers/?q=x"' in text
        assert '<html lang="ko"' in client.get("/customers/?q=x").content.decode()
        foreign = client.post("/preferences/language/?next=https://evil.example/", {"portal_language": "ko"})
        assert "evil" not in foreign.content.decode().replace("next=https", "")
