"""Profile: one's own name, language and appearance."""

import pytest
from django.test import Client

from tests.factories import make_staff

pytestmark = pytest.mark.django_db

TYPED = {"first_name": "민서", "last_name": "김", "language": "ko", "theme": "dark"}


def test_name_language_and_theme_are_kept_and_show_at_once() -> None:
    person = make_staff(roles=())
    client = Client()
    client.force_login(person)
    page = client.post("/profile/", TYPED, follow=True)
    person.refresh_from_db()
    assert (person.get_full_name(), person.language, person.theme) == ("김민서", "ko", "dark")
    html = page.content.decode()
    assert '<html lang="ko"' in html
    assert 'data-bs-theme="dark"' in html
    assert client.cookies["django_language"].value == "ko"


def test_the_time_zone_is_shown() -> None:
    client = Client()
    client.force_login(make_staff())
    html = client.get("/profile/").content.decode()
    assert "Asia/Seoul" in html
    assert "/profile/security/" in html


@pytest.mark.parametrize("wrong", [{"first_name": " "}, {"last_name": "x" * 300}, {"language": "fr"}, {"theme": "pink"}])
def test_bad_input_is_answered_at_its_field_and_changes_nothing(wrong: dict[str, str]) -> None:
    person = make_staff()
    client = Client()
    client.force_login(person)
    response = client.post("/profile/", TYPED | wrong)
    assert response.status_code == 422
    assert set(response.context["form"].errors) == set(wrong)
    before = person.get_full_name()
    person.refresh_from_db()
    assert person.get_full_name() == before
