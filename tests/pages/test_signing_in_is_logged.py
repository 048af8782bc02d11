"""What of signing in stands in the activity log: successes, failures, refusals, passwords; and that nobody can fill it."""

import base64
import hashlib
import json
import time
from typing import Any

import pytest
import time_machine
from allauth.mfa.webauthn.internal.auth import WebAuthn
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from fido2.cose import ES256
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData

from mca_portal.staff.models import Action, Activity, StaffMember
from tests.factories import PASSWORD, make_account, make_staff
from tests.pages.test_security import NEW, confirmed, has_app, sign_in
from tests.pages.test_signin import asked_for_link

pytestmark = pytest.mark.django_db
NO_PASSKEY = {"credential": '{"id": "a", "type": "public-key"}'}


@pytest.fixture
def kim() -> StaffMember:
    return make_staff(make_account(time_zone="Asia/Seoul"), email="kim@example.com")


def logged(action: Action) -> list[Activity]:
    return list(Activity.objects.filter(action=action).order_by("pk"))


def why(entry: Activity) -> str:
    return entry.changes["why"][1]


def has_passkey(person: StaffMember) -> None:
    """As a device of theirs would register one."""

    def text(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    key = ES256.from_cryptography_key(ec.generate_private_key(ec.SECP256R1()).public_key())
    made = AttestedCredentialData.create(bytes(16), b"laptop", key)
    shown = AuthenticatorData.create(hashlib.sha256(b"testserver").digest(), 0x45, 0, made)
    says = json.dumps({"type": "webauthn.create", "challenge": "", "origin": "http://testserver"}).encode()
    response = {"clientDataJSON": text(says), "attestationObject": text(AttestationObject.create("none", shown, {}))}
    credential: dict[str, Any] = {"id": text(b"laptop"), "rawId": text(b"laptop"), "type": "public-key", "response": response}
    WebAuthn.add(person, "Laptop", credential)


def tries(email: str, times: int, address: str = "203.0.113.9", password: str = "wrong") -> None:
    for _time in range(times):
        Client(REMOTE_ADDR=address).post("/accounts/login/", {"login": email, "password": password})


def test_attempts_that_throttling_turns_away_are_logged_once_in_five_minutes(kim: StaffMember) -> None:
    with time_machine.travel(time.time(), tick=False) as clock:
        tries("KIM@example.com", 12)
        assert len(logged(Action.SIGN_IN_FAILED)) == 5
        (turned_away,) = logged(Action.TURNED_AWAY)
        assert (turned_away.account, turned_away.actor, turned_away.about_id) == (kim.account, None, str(kim.pk))
        assert turned_away.address == "203.0.113.9"
        tries("kim@example.com", 3, address="203.0.113.10")
        assert len(logged(Action.TURNED_AWAY)) == 1, "by the person, wherever from"
        clock.shift(301)
        tries("kim@example.com", 6)
        assert len(logged(Action.TURNED_AWAY)) == 2


def test_whoever_tries_many_addresses_fills_nothing(kim: StaffMember) -> None:
    for number in range(30):
        tries(f"stranger{number}@example.com", 1, address=f"2001:db8::{number}")
    assert len(logged(Action.SIGN_IN_FAILED)) == 10, "ten a minute from one address, and one customer has all of a /64"
    (turned_away,) = logged(Action.TURNED_AWAY)
    assert turned_away.account is None
    assert "stranger" not in turned_away.about_name
    assert turned_away.about_name


def test_a_page_that_is_asked_for_too_often_is_logged_with_whom_it_was_about(kim: StaffMember) -> None:
    client = confirmed(kim)
    for _time in range(12):
        answer = client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert answer.status_code == 429
    (turned_away,) = logged(Action.TURNED_AWAY)
    assert turned_away.about_id == str(kim.pk)


def test_too_many_links_asked_for_are_logged(kim: StaffMember) -> None:
    for _time in range(8):
        answer = Client().post("/accounts/password/reset/", {"email": "kim@example.com"})
    assert answer.status_code == 429
    assert len(logged(Action.PASSWORD_RESET_ASKED)) == 5
    assert [entry.about_id for entry in logged(Action.TURNED_AWAY)] == [str(kim.pk)]


def test_a_passkey_of_nobody_known_is_the_operators_to_see(kim: StaffMember) -> None:
    for _time in range(14):
        Client().post("/accounts/passkeys/login/", NO_PASSKEY)
    failed = logged(Action.SIGN_IN_FAILED)
    assert len(failed) == 10, "then throttling turns them away"
    assert {(entry.account, entry.actor, why(entry)) for entry in failed} == {(None, None, "passkey")}
    assert len(logged(Action.TURNED_AWAY)) == 1
    operator = Client()
    operator.force_login(
        StaffMember.objects.create(email="op@example.com", first_name="O", last_name="P", is_staff=True, is_superuser=True)
    )
    assert "Passkey not accepted" in operator.get("/operator/staff/activity/").content.decode()


def test_a_wrong_second_factor_is_logged_and_so_is_one_too_many(kim: StaffMember) -> None:
    has_app(kim)
    client, _answer = sign_in()
    for _time in range(8):
        client.post("/accounts/second-factor/", {"code": "000000"})
    assert [(entry.about_id, why(entry)) for entry in logged(Action.SIGN_IN_FAILED)] == [(str(kim.pk), "code")] * 5
    assert [entry.about_id for entry in logged(Action.TURNED_AWAY)] == [str(kim.pk)]


def test_a_wrong_passkey_after_the_password_is_logged(kim: StaffMember) -> None:
    has_passkey(kim)
    client, _answer = sign_in()
    client.get("/accounts/second-factor/")
    client.post("/accounts/second-factor/", NO_PASSKEY)
    assert [(entry.about_id, why(entry)) for entry in logged(Action.SIGN_IN_FAILED)] == [(str(kim.pk), "passkey")]


@pytest.mark.parametrize(
    ("address", "typed", "reason"),
    [
        ("/accounts/reauthenticate/", {"password": "wrong"}, "password"),
        ("/accounts/reauthenticate/code/", {"code": "000000"}, "code"),
        ("/accounts/reauthenticate/passkey/", NO_PASSKEY, "passkey"),
        ("/accounts/password/change/", {"oldpassword": "wrong", "password1": NEW, "password2": NEW}, "password"),
    ],
)
def test_whoever_is_asked_once_more_and_does_not_know_is_logged(kim: StaffMember, address: str, typed: dict[str, str], reason: str) -> None:
    client, _answer = sign_in()
    has_app(kim)
    has_passkey(kim)
    client.get(address)
    client.post(address, typed)
    (entry,) = logged(Action.NOT_CONFIRMED)
    assert (entry.account, entry.actor, entry.about_id, why(entry)) == (kim.account, None, str(kim.pk), reason)
    assert not logged(Action.SIGN_IN_FAILED)


def test_a_link_asked_for_and_the_password_chosen_by_it_are_logged(kim: StaffMember) -> None:
    link = asked_for_link().split("http://testserver")[1].split()[0]
    (asked,) = logged(Action.PASSWORD_RESET_ASKED)
    assert (asked.account, asked.actor, asked.about_id) == (kim.account, None, str(kim.pk))
    client = Client()
    form = client.get(link, follow=True).redirect_chain[-1][0]
    assert client.post(form, {"password1": NEW, "password2": NEW}).status_code == 302
    (chosen,) = logged(Action.PASSWORD_RESET)
    assert (chosen.account, chosen.actor) == (kim.account, kim)
    assert not logged(Action.PASSWORD_CHANGED)
    assert link not in str(list(Activity.objects.values()))


def test_a_link_asked_for_with_an_address_that_nobody_has_is_logged_without_it() -> None:
    asked_for_link("stranger@example.com")
    (asked,) = logged(Action.PASSWORD_RESET_ASKED)
    assert asked.account is None
    assert "stranger" not in asked.about_name


def test_a_stranger_who_keeps_trying_does_not_stop_somebody_from_confirming_who_they_are(kim: StaffMember) -> None:
    client, _answer = sign_in()
    tries("kim@example.com", 7)
    assert client.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302


def test_signing_out_everywhere_and_one_browser_are_logged(kim: StaffMember) -> None:
    client, _answer = sign_in()
    client.post("/profile/security/sessions/end/")
    assert [entry.actor for entry in logged(Action.SESSIONS_ENDED)] == [kim]


def test_the_log_says_of_each_in_a_sentence_who_and_why(kim: StaffMember) -> None:
    client = confirmed(kim)
    tries("kim@example.com", 7)
    client.post("/accounts/reauthenticate/", {"password": "wrong"})
    asked_for_link()
    page = client.get("/activity/").content.decode()
    for sentence in (
        f"Somebody failed to sign in as {kim}",
        f"Somebody tried too often as {kim} and was turned away for a while",
        f"Somebody in a session of {kim} failed to confirm who they are",
        f"Somebody asked for a link with which {kim} chooses a new password",
        "Wrong password",
    ):
        assert sentence in page, sentence
