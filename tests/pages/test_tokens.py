"""API tokens on the page: made, shown once, listed, revoked."""

import html
import re

import pytest
from django.test import Client

from mca_portal.staff.models import ApiToken
from mca_portal.staff.roles import Role
from mca_portal.staff.services import token_digest
from tests.factories import make_staff, make_token, signed_in_and_confirmed

pytestmark = pytest.mark.django_db


def test_a_token_is_shown_once_and_works() -> None:
    person = make_staff()
    client = signed_in_and_confirmed(person)
    made = client.post("/profile/tokens/", {"name": "Nightly", "days": "90"})
    secret = html.unescape(re.search(r"<textarea[^>]*>([^<]+)</textarea>", made.content.decode()).group(1))
    assert made["Cache-Control"] == "no-store"
    token = ApiToken.objects.get()
    assert (token.owner, token.name, token.digest) == (person, "Nightly", token_digest(secret))
    assert Client().get("/v1/agreements", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    later = client.get("/profile/tokens/").content.decode()
    assert "Nightly" in later
    assert secret not in later


def test_a_revoked_token_says_so_and_cannot_be_used() -> None:
    person = make_staff(None, Role.SALES_AGENT)
    token = make_token(person, "my secret")
    page = signed_in_and_confirmed(person).post(f"/profile/tokens/{token.pk}/revoke/", follow=True).content.decode()
    assert "Revoked" in page
    assert Client().get("/v1/agreements", headers={"Authorization": "Bearer my secret"}).status_code == 401


def test_somebody_elses_token_is_not_found() -> None:
    token = make_token(make_staff())
    assert signed_in_and_confirmed(make_staff()).post(f"/profile/tokens/{token.pk}/revoke/").status_code == 404


@pytest.mark.parametrize("typed", [{}, {"name": " ", "days": "90"}, {"name": "x" * 51, "days": "90"}, {"name": "x", "days": "9999"}])
def test_bad_input_makes_no_token(typed: dict[str, str]) -> None:
    assert signed_in_and_confirmed(make_staff()).post("/profile/tokens/", typed).status_code == 422
    assert not ApiToken.objects.exists()


def test_nobody_has_more_tokens_than_they_can_look_after() -> None:
    person = make_staff()
    for _each in range(20):
        make_token(person)
    answer = signed_in_and_confirmed(person).post("/profile/tokens/", {"name": "One more", "days": "30"})
    assert answer.status_code == 422
    assert "Revoke one" in answer.content.decode()


def test_the_profile_leads_to_the_tokens_of_whoever_may_have_some() -> None:
    assert "/profile/tokens/" in signed_in_and_confirmed(make_staff()).get("/profile/").content.decode()
    assert "/profile/tokens/" not in signed_in_and_confirmed(make_staff(None, Role.HELPDESK_AGENT)).get("/profile/").content.decode()
