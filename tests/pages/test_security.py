"""Second factors, recovery codes, and where somebody is signed in."""

import datetime as dt
import re
import time

import pytest
import time_machine
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from allauth.mfa.webauthn.internal.auth import WebAuthn
from django.conf import settings
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from mca_portal.staff.devices import device_name
from mca_portal.staff.models import Action, Activity, StaffMember
from mca_portal.staff.roles import Role
from mca_portal.staff.services import change_member, set_active
from tests.factories import PASSWORD, make_account, make_staff, signed_in_and_confirmed

pytestmark = pytest.mark.django_db
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
NEW = "quite another long one"
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0"


@pytest.fixture(autouse=True)
def _slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A code may change while it is sent."""
    monkeypatch.setattr(settings, "MFA_TOTP_TOLERANCE", 1, raising=False)


@pytest.fixture
def kim() -> StaffMember:
    return make_staff(make_account(time_zone="Asia/Seoul"), email="kim@example.com")


def code_now(secret: str = SECRET) -> str:
    """What an authenticator app with this key shows."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def has_app(person: StaffMember) -> None:
    TOTP.activate(person, SECRET)


def sign_in(email: str = "kim@example.com", password: str = PASSWORD, **headers: str) -> tuple[Client, HttpResponse]:
    client = Client(headers=headers)
    return client, client.post("/accounts/login/", {"login": email, "password": password})


def confirmed(person: StaffMember) -> Client:
    """Signed in, and just asked for the password once more."""
    client, _answer = sign_in(person.email)
    assert client.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302
    return client


def is_signed_in(client: Client) -> bool:
    return client.get("/profile/").status_code == 200


# Authenticator app


def test_an_authenticator_app_is_set_up_with_a_key_and_its_first_code(kim: StaffMember) -> None:
    client, _answer = sign_in()
    asked = client.get("/accounts/authenticator-app/")
    assert asked["Location"].startswith("/accounts/reauthenticate/?next="), "the password once more"
    client.post(asked["Location"], {"password": PASSWORD})
    page = client.get("/accounts/authenticator-app/").content.decode()
    assert 'src="data:image/svg+xml;base64,' in page
    secret = re.search(r'id="secret" value="(\w+)"', page)
    assert secret
    wrong = client.post("/accounts/authenticator-app/", {"code": "000000"}).content.decode()
    assert "The code is not right" in wrong
    assert secret[1] in wrong, "the key stays the same"
    saved = client.post("/accounts/authenticator-app/", {"code": code_now(secret[1])}, follow=True)
    assert saved.redirect_chain[-1][0] == "/accounts/recovery-codes/"
    assert len(re.findall(r"<li>\d{8}</li>", saved.content.decode())) == 10
    assert "10 of 10 are left." in saved.content.decode()


def test_the_secret_is_not_readable_in_the_database(kim: StaffMember) -> None:
    has_app(kim)
    kept = Authenticator.objects.get().data["secret"]
    assert SECRET not in kept
    assert get_adapter().decrypt(kept) == SECRET


def test_the_key_of_before_opens_secrets_while_it_is_a_fallback_and_no_code_is_right_afterwards(kim: StaffMember, monkeypatch) -> None:
    has_app(kim)
    monkeypatch.setattr(settings, "SECRET_KEY_FALLBACKS", [settings.SECRET_KEY])
    monkeypatch.setattr(settings, "SECRET_KEY", "another key " * 5)
    assert Authenticator.objects.get().wrap().validate_code(code_now())
    monkeypatch.setattr(settings, "SECRET_KEY_FALLBACKS", [])
    with time_machine.travel(time.time() + 60):
        assert not Authenticator.objects.get().wrap().validate_code(code_now())


def test_resealed_secrets_open_without_the_key_of_before(kim: StaffMember, monkeypatch, capsys) -> None:
    has_app(kim)
    codes = RecoveryCodes.activate(kim).get_unused_codes()
    before = settings.SECRET_KEY
    monkeypatch.setattr(settings, "SECRET_KEY", "another key " * 5)
    call_command("reseal")
    assert "0 encrypted anew, 2 whose key is gone." in capsys.readouterr().out
    monkeypatch.setattr(settings, "SECRET_KEY_FALLBACKS", [before])
    call_command("reseal")
    assert "2 encrypted anew, 0 whose key is gone." in capsys.readouterr().out
    monkeypatch.setattr(settings, "SECRET_KEY_FALLBACKS", [])
    client, _answer = sign_in()
    client.post("/accounts/second-factor/", {"code": code_now()})
    assert is_signed_in(client)
    assert RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).get_unused_codes() == codes


def test_after_the_password_the_code_is_asked_for(kim: StaffMember) -> None:
    has_app(kim)
    client, answer = sign_in()
    assert answer["Location"] == "/accounts/second-factor/"
    assert not is_signed_in(client)
    wrong = client.post("/accounts/second-factor/", {"code": "000000"})
    assert "The code is not right" in wrong.content.decode()
    failed = Activity.objects.get(action=Action.SIGN_IN_FAILED)
    assert (failed.account, failed.actor, failed.about_id) == (kim.account, None, str(kim.pk))
    assert not is_signed_in(client)
    assert client.post("/accounts/second-factor/", {"code": code_now()})["Location"] == "/"
    assert is_signed_in(client)


def test_a_code_works_once(kim: StaffMember) -> None:
    has_app(kim)
    with time_machine.travel(dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC), tick=False):
        for worked in (True, False):
            client, _answer = sign_in()
            client.post("/accounts/second-factor/", {"code": code_now()})
            assert is_signed_in(client) == worked


def test_a_code_cannot_be_guessed_by_trying(kim: StaffMember) -> None:
    has_app(kim)
    client, _answer = sign_in()
    for _attempt in range(5):
        client.post("/accounts/second-factor/", {"code": "000000"})
    assert "Too many attempts" in client.post("/accounts/second-factor/", {"code": code_now()}).content.decode()
    assert not is_signed_in(client)


def test_a_recovery_code_works_once_in_place_of_the_app(kim: StaffMember) -> None:
    has_app(kim)
    code = RecoveryCodes.activate(kim).get_unused_codes()[3]
    for worked in (True, False):
        client, _answer = sign_in()
        client.post("/accounts/second-factor/", {"code": code})
        assert is_signed_in(client) == worked


def test_the_page_for_the_code_is_for_whoever_gave_the_password(kim: StaffMember) -> None:
    has_app(kim)
    assert Client().get("/accounts/second-factor/")["Location"] == "/accounts/login/"


def test_the_app_is_removed_with_its_codes_after_the_password(kim: StaffMember) -> None:
    has_app(kim)
    RecoveryCodes.activate(kim)
    client, _answer = sign_in()
    client.post("/accounts/second-factor/", {"code": code_now()})
    assert client.post("/accounts/authenticator-app/remove/")["Location"].startswith("/accounts/reauthenticate/")
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert "Remove the authenticator app" in client.get("/accounts/authenticator-app/remove/").content.decode()
    assert client.post("/accounts/authenticator-app/remove/")["Location"] == "/profile/security/"
    assert not Authenticator.objects.exists()
    assert [message.subject for message in mail.outbox][-1] == "MCA portal: Authenticator app removed"


def test_recovery_codes_are_shown_downloaded_and_made_anew(kim: StaffMember) -> None:
    client = confirmed(kim)
    has_app(kim)
    first = RecoveryCodes.activate(kim).get_unused_codes()
    assert all(code in client.get("/accounts/recovery-codes/").content.decode() for code in first)
    text = client.get("/accounts/recovery-codes/download/")
    assert text["Content-Type"].startswith("text/plain")
    assert text.content.decode().split() == first
    assert "stop working" in client.get("/accounts/recovery-codes/new/").content.decode()
    assert client.post("/accounts/recovery-codes/new/")["Location"] == "/accounts/recovery-codes/"
    assert first[0] not in client.get("/accounts/recovery-codes/").content.decode()


def test_no_browser_keeps_the_recovery_codes(kim: StaffMember) -> None:
    client = confirmed(kim)
    has_app(kim)
    RecoveryCodes.activate(kim)
    for path in ("", "download/"):
        assert "no-store" in client.get(f"/accounts/recovery-codes/{path}")["Cache-Control"]


# Passkeys: what the browser does is tested in tests/browser


def test_a_passkey_is_renamed_and_removed_by_its_owner_alone(kim: StaffMember) -> None:
    WebAuthn.add(kim, "Laptop", {"clientExtensionResults": {"credProps": {"rk": True}}})
    theirs = WebAuthn.add(make_staff(), "Theirs", {}).instance
    own = Authenticator.objects.get(user=kim)
    client = signed_in_and_confirmed(kim)
    assert client.post(f"/accounts/passkeys/{theirs.pk}/", {"name": "Mine"}).status_code == 404
    assert client.post(f"/accounts/passkeys/{theirs.pk}/remove/").status_code == 404
    assert 'value="Laptop"' in client.get(f"/accounts/passkeys/{own.pk}/").content.decode()
    assert "Enter a name" in client.post(f"/accounts/passkeys/{own.pk}/", {"name": ""}).content.decode()
    assert "at most 50 characters" in client.post(f"/accounts/passkeys/{own.pk}/", {"name": "x" * 51}).content.decode()
    assert client.post(f"/accounts/passkeys/{own.pk}/", {"name": "Work"})["Location"] == "/profile/security/"
    assert "Work" in client.get("/profile/security/").content.decode()
    assert "Remove Work" in client.get(f"/accounts/passkeys/{own.pk}/remove/").content.decode()
    assert client.post(f"/accounts/passkeys/{own.pk}/remove/")["Location"] == "/profile/security/"
    assert not Authenticator.objects.filter(user=kim).exists()


@pytest.mark.parametrize(
    "credential", ["", "{}", "[]", "null", "7", '{"response": {"userHandle": "Mg"}}', '{"id": "a", "type": "public-key"}']
)
def test_what_is_no_passkey_gets_the_same_answer_whatever_it_is(kim: StaffMember, credential: str) -> None:
    client = Client()
    options = client.get("/accounts/passkeys/login/", headers={"accept": "application/json"}).json()
    assert options["request_options"]["publicKey"].get("allowCredentials", []) == [], "says of nobody whether they have one"
    answer = client.post("/accounts/passkeys/login/", {"credential": credential})
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/")
    assert "The passkey was not accepted." in client.get("/accounts/login/").content.decode()
    assert not is_signed_in(client)


@pytest.mark.parametrize("credential", ["", "{}", "[]", '{"id": "a", "type": "public-key"}', '{"id": "a", "rawId": "a", "response": {}}'])
def test_what_is_no_passkey_is_not_added(kim: StaffMember, credential: str) -> None:
    client = confirmed(kim)
    assert "js_data" in client.get("/accounts/passkeys/add/").content.decode()
    page = client.post("/accounts/passkeys/add/", {"name": "Laptop", "passwordless": "on", "credential": credential})
    assert "The passkey was not accepted." in page.content.decode()
    assert not Authenticator.objects.exists()


# Where somebody is signed in


def test_the_page_shows_where_somebody_is_signed_in_and_signs_out_one_browser(kim: StaffMember) -> None:
    here, _answer = sign_in()
    there, _answer = sign_in(user_agent=EDGE)
    page = here.get("/profile/security/").content.decode()
    assert page.index("This browser") < page.index("Microsoft Edge on Windows")
    (end,) = re.findall(r'action="(/profile/security/sessions/\d+/end/)"', page)
    here.post(end)
    assert is_signed_in(here)
    assert not is_signed_in(there)
    assert "Microsoft Edge" not in here.get("/profile/security/").content.decode()


def test_nobody_signs_out_somebody_else(kim: StaffMember) -> None:
    here, _answer = sign_in()
    page = sign_in()[0].get("/profile/security/").content.decode()
    (end,) = re.findall(r'action="(/profile/security/sessions/\d+/end/)"', page)
    stranger = Client()
    stranger.force_login(make_staff())
    stranger.post(end)
    assert is_signed_in(here)


def test_signing_out_everywhere_else_ends_sessions_that_are_not_listed_too(kim: StaffMember) -> None:
    unlisted = Client()
    unlisted.force_login(kim)
    there, _answer = sign_in()
    here, _answer = sign_in()
    before = here.session.session_key
    assert here.post("/profile/security/sessions/end/")["Location"] == "/profile/security/"
    assert is_signed_in(here)
    assert here.session.session_key != before
    assert not is_signed_in(there)
    assert not is_signed_in(unlisted)
    assert here.get("/profile/security/").content.decode().count("This browser") == 1


def test_the_list_of_sessions_costs_the_same_for_many(kim: StaffMember) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert here.get("/profile/security/").status_code == 200
        return len(captured)

    here, _answer = sign_in()
    one = queries()
    for _time in range(5):
        sign_in(user_agent=EDGE)
    assert queries() == one


@pytest.mark.parametrize(
    ("says", "name"),
    [
        (EDGE, "Microsoft Edge on Windows"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
            "Safari on macOS",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        ("curl/8.0 https://evil.example/ call 010-1234-5678", "An unknown browser"),
        ("", "An unknown browser"),
    ],
)
def test_a_browser_is_named_in_words_that_are_ours(says: str, name: str) -> None:
    assert device_name(says) == name


# Sessions end


def test_a_sign_in_gets_a_new_session(kim: StaffMember) -> None:
    client = Client()
    client.post("/preferences/language/", {"language": "ko"})
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    client.post("/accounts/login/", {"login": "kim@example.com", "password": PASSWORD})
    assert is_signed_in(client)
    assert client.session.session_key != session.session_key


def test_a_changed_role_ends_the_sessions(kim: StaffMember) -> None:
    agent = make_staff(kim.account, Role.SALES_AGENT, email="agent@example.com")
    client, _answer = sign_in("agent@example.com")
    change_member(by=kim, member=agent, first_name="Other", last_name="Name", roles=[Role.SALES_AGENT])
    assert is_signed_in(client), "another name ends nothing"
    change_member(by=kim, member=agent, first_name="Other", last_name="Name", roles=[Role.HELPDESK_AGENT])
    assert not is_signed_in(client)


def test_whoever_changes_their_own_roles_stays_signed_in_here_alone(kim: StaffMember) -> None:
    here, there = confirmed(kim), sign_in()[0]
    name = {"first_name": kim.first_name, "last_name": kim.last_name}
    here.post(f"/staff/{kim.pk}/", {"action": "save", "roles": ["admin_agent", "sales_agent"]} | name)
    assert is_signed_in(here)
    assert not is_signed_in(there)


def test_a_deactivated_member_is_out_and_the_session_does_not_come_back(kim: StaffMember) -> None:
    agent = make_staff(kim.account, email="agent@example.com")
    client, _answer = sign_in("agent@example.com")
    set_active(by=kim, member=agent, active=False)
    set_active(by=kim, member=agent, active=True)
    assert not is_signed_in(client)
    assert sign_in("agent@example.com")[1]["Location"] == "/"


def test_whoever_the_operator_deactivates_is_out_for_good(kim: StaffMember) -> None:
    operator = StaffMember.objects.create(email="op@example.com", first_name="O", last_name="P", is_staff=True, is_superuser=True)
    at_work, client = Client(), sign_in()[0]
    at_work.force_login(operator)
    form = {"email": kim.email, "first_name": "Sora", "last_name": "Kim", "account": kim.account_id, "language": "en"}
    form["groups"] = list(kim.groups.values_list("pk", flat=True))
    for active in ({}, {"is_active": "on"}):
        assert at_work.post(f"/operator/staff/staffmember/{kim.pk}/change/", form | active).status_code == 302
    assert StaffMember.objects.get(pk=kim.pk).is_active
    assert not is_signed_in(client)


def test_another_account_ends_the_sessions(kim: StaffMember) -> None:
    client, _answer = sign_in()
    StaffMember.objects.filter(pk=kim.pk).update(account=make_account())  # as the operator may
    assert not is_signed_in(client)


# Notices


def test_a_new_browser_is_told_of_in_the_persons_language_and_a_known_one_is_not(kim: StaffMember) -> None:
    StaffMember.objects.filter(pk=kim.pk).update(language="ko")
    client, _answer = sign_in(user_agent=EDGE, accept_language="en")
    (message,) = mail.outbox
    assert message.to == ["kim@example.com"]
    assert message.subject == "MCA portal: 새 로그인"
    assert "Microsoft Edge(Windows)" in message.body
    assert "Asia/Seoul" in message.body
    assert "127.0.0.1" in message.body
    client.get("/profile/")
    client.post("/accounts/logout/")
    client.post("/accounts/login/", {"login": "kim@example.com", "password": PASSWORD})
    assert len(mail.outbox) == 1


def test_a_changed_password_is_told_of(kim: StaffMember) -> None:
    client, _answer = sign_in()
    saved = client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})
    assert saved["Location"] == "/profile/security/"
    assert mail.outbox[-1].subject == "MCA portal: Your password was changed"
    assert "http://testserver/accounts/password/reset/" in mail.outbox[-1].body


def test_an_email_that_cannot_be_sent_keeps_nobody_out(kim: StaffMember, monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    def broken(*_args: object, **_kwargs: object) -> None:
        raise OSError("the mail server of kim@example.com is down")

    monkeypatch.setattr("django.core.mail.EmailMessage.send", broken)
    client, _answer = sign_in()
    assert is_signed_in(client)
    assert "an e-mail was not sent: OSError" in caplog.text
    assert "kim@example.com" not in caplog.text


def test_a_factor_that_cannot_be_logged_is_not_set_up(kim: StaffMember, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_kwargs: object) -> None:
        raise RuntimeError("the log cannot be written")

    client = confirmed(kim)
    client.get("/accounts/authenticator-app/")
    monkeypatch.setattr("mca_portal.pages.security.note_second_factor", refuse)
    client.raise_request_exception = False
    answer = client.post("/accounts/authenticator-app/", {"code": code_now(client.session["mfa.totp.secret"])})
    assert answer.status_code == 500
    assert not Authenticator.objects.exists()


def test_what_somebody_does_to_their_sign_in_is_logged(kim: StaffMember) -> None:
    client = confirmed(kim)
    client.get("/accounts/authenticator-app/")
    client.post("/accounts/authenticator-app/", {"code": "000000"})  # wrong: nothing to log
    client.post("/accounts/authenticator-app/", {"code": code_now(client.session["mfa.totp.secret"])})
    client.post("/accounts/recovery-codes/new/")
    client.post("/accounts/authenticator-app/remove/")
    client.post("/profile/security/sessions/end/")
    noted = list(Activity.objects.filter(actor=kim).order_by("pk").values_list("action", flat=True))
    assert noted == [
        Action.SIGNED_IN,
        Action.SECOND_FACTOR_ADDED,
        Action.RECOVERY_CODES_MADE,
        Action.SECOND_FACTOR_REMOVED,
        Action.SESSIONS_ENDED,
    ]


# What the answers tell


@pytest.mark.parametrize("who", ["known", "unknown", "deactivated", "invited"])
def test_every_refused_sign_in_costs_one_hash_of_a_password(kim: StaffMember, monkeypatch: pytest.MonkeyPatch, who: str) -> None:
    if who == "deactivated":
        StaffMember.objects.filter(pk=kim.pk).update(is_active=False)
    elif who == "invited":
        kim.set_unusable_password()
        kim.save()
    hashed = []
    real = MD5PasswordHasher.encode
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda hasher, *args: hashed.append(1) or real(hasher, *args))
    sign_in("nobody@example.com" if who == "unknown" else "kim@example.com", "wrong")
    assert len(hashed) == 1


@pytest.mark.parametrize("who", ["known", "unknown", "deactivated"])
def test_whoever_asks_for_a_link_waits_for_no_email_and_costs_the_same(kim: StaffMember, monkeypatch: pytest.MonkeyPatch, who: str) -> None:
    if who == "deactivated":
        StaffMember.objects.filter(pk=kim.pk).update(is_active=False)
    waiting = []
    monkeypatch.setattr("mca_portal.staff.adapters.postman.submit", lambda *task: waiting.append(task))
    address = "nobody@example.com" if who == "unknown" else "kim@example.com"
    answer = Client().post("/accounts/password/reset/", {"email": address})
    assert answer["Location"] == "/accounts/password/reset/done/"
    assert mail.outbox == []
    ((send, message, due),) = waiting  # one is written, whether it is sent or not
    assert due > time.monotonic() + 0.3, "sending it does not slow down the answer"
    send(message, 0)
    assert [message.to for message in mail.outbox] == ([["kim@example.com"]] if who == "known" else [])


@pytest.mark.parametrize(("address", "typed"), [("password/reset", "email"), ("login", "login")])
def test_a_known_and_an_unknown_address_cost_the_same_queries(kim: StaffMember, address: str, typed: str) -> None:
    counts = []
    for number, email in enumerate(("kim@example.com", "nobody@example.com")):
        client = Client(REMOTE_ADDR=f"203.0.113.{number}")
        with CaptureQueriesContext(connection) as captured:
            client.post(f"/accounts/{address}/", {typed: email, "password": "wrong"})
        counts.append(len(captured))
    assert counts[0] == counts[1]


# Throttling


def test_a_stranger_who_tries_passwords_is_stopped_and_locks_nobody_out_of_a_browser_that_they_use(kim: StaffMember) -> None:
    own, _answer = sign_in()
    own.get("/profile/")
    own.post("/accounts/logout/")
    stranger = Client(REMOTE_ADDR="203.0.113.9")
    for _attempt in range(6):
        answer = stranger.post("/accounts/login/", {"login": "kim@example.com", "password": "wrong"})
    assert "Too many attempts" in answer.content.decode()
    other = Client(REMOTE_ADDR="203.0.113.10")
    stopped = other.post("/accounts/login/", {"login": "kim@example.com", "password": PASSWORD})
    assert "Too many attempts" in stopped.content.decode(), "by e-mail address, wherever from"
    assert own.post("/accounts/login/", {"login": "kim@example.com", "password": PASSWORD})["Location"] == "/"


def test_an_address_that_tries_many_people_is_stopped(kim: StaffMember) -> None:
    stranger = Client(REMOTE_ADDR="203.0.113.9")
    for number in range(10):
        stranger.post("/accounts/login/", {"login": f"somebody{number}@example.com", "password": "wrong"})
    assert "Too many attempts" in stranger.post("/accounts/login/", {"login": "x@example.com", "password": "wrong"}).content.decode()
    assert sign_in()[1]["Location"] == "/", "others come in"


def test_a_crowd_of_strangers_pushes_no_counter_out(kim: StaffMember) -> None:
    for _attempt in range(6):
        Client(REMOTE_ADDR="203.0.113.9").post("/accounts/login/", {"login": "kim@example.com", "password": "wrong"})
    for number in range(400):
        cache.set(f"stranger-{number}", 1, 300)
    other = Client(REMOTE_ADDR="203.0.113.10")
    answer = other.post("/accounts/login/", {"login": "kim@example.com", "password": PASSWORD})
    assert "Too many attempts" in answer.content.decode()


def test_a_lock_ends_by_itself(kim: StaffMember) -> None:
    stranger = Client(REMOTE_ADDR="203.0.113.9")
    for _attempt in range(6):
        stranger.post("/accounts/login/", {"login": "kim@example.com", "password": "wrong"})
    with time_machine.travel(time.time() + 301):
        assert sign_in()[1]["Location"] == "/"
