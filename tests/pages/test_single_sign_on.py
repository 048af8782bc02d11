"""Signing in with the company's directory (OpenID Connect): who comes in, as whom, and whom it keeps out."""

import json
import re
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from allauth.mfa.totp.internal.auth import TOTP
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.core import mail
from django.http import HttpResponse
from django.test import Client

from mca_portal.settings import directory_app
from mca_portal.staff.models import Action, Activity, PartnerAccount, StaffMember
from mca_portal.staff.roles import Role
from mca_portal.staff.services import set_active
from tests.directory import CLIENT_ID, CLIENT_SECRET, KEY, Directory, running_directory
from tests.factories import PASSWORD, make_account, make_staff, make_token

pytestmark = pytest.mark.django_db
OID = "5c0ee1c6-7b8e-4d2f-9a51-000000000001"
BEGIN, BACK = "/accounts/single-sign-on/", "/accounts/single-sign-on/callback/"


def set_up(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """What OIDC_ISSUER, OIDC_CLIENT_ID and OIDC_CLIENT_SECRET set."""
    ours = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]
    app = directory_app(address, CLIENT_ID, CLIENT_SECRET)
    monkeypatch.setattr(settings, "SOCIALACCOUNT_PROVIDERS", {"openid_connect": ours | {"APPS": [app]}})
    monkeypatch.setattr(settings, "SINGLE_SIGN_ON_NAME", "Microsoft")


@pytest.fixture(scope="module")
def server() -> Iterator[Directory]:
    with running_directory() as directory:
        yield directory


@pytest.fixture
def account() -> PartnerAccount:
    """Contoso, whose staff are in the directory."""
    return make_account(name="Contoso")


@pytest.fixture
def admin(account: PartnerAccount) -> StaffMember:
    """Its first Admin agent, who signs in with a password."""
    return make_staff(account, email="admin@contoso.example")


@pytest.fixture
def directory(server: Directory, account: PartnerAccount, monkeypatch: pytest.MonkeyPatch) -> Directory:
    """The directory, which knows Sora Kim, a Sales agent."""
    set_up(monkeypatch, server.address)
    server.claims = {
        "tid": str(account.pk),
        "oid": OID,
        "name": "Sora Kim",
        "email": "sora@contoso.example",
        "xms_edov": True,
        "roles": ["sales_agent"],
    }
    server.instead, server.issuer = {}, ""
    server.sign = {"key": KEY, "algorithm": "RS256", "headers": {"kid": "1"}}
    return server


def walk(client: Client | None = None, **form: str) -> tuple[Client, HttpResponse]:
    """The whole way: to the directory, which sends back, and in or not."""
    client = client or Client()
    there = client.post(BEGIN, form)
    assert there.status_code == 302, there.content.decode()
    back = requests.get(there["Location"], allow_redirects=False, timeout=10).headers["Location"]
    assert back.startswith(f"http://testserver{BACK}?")
    return client, client.get(back.removeprefix("http://testserver"))


def who(client: Client) -> str:
    """The e-mail address of who is signed in; empty for nobody."""
    pk = client.session.get("_auth_user_id")
    return StaffMember.objects.get(pk=pk).email if pk else ""


def refused(answer: HttpResponse, words: str) -> None:
    page = answer.content.decode()
    assert answer.status_code == 403
    assert words in page
    assert "Back to sign-in" in page


def logged() -> list[tuple[Any, Any, str, str]]:
    """Whom the log says that it kept out: account, actor, name and reason."""
    rows = Activity.objects.filter(action=Action.SIGN_IN_FAILED).order_by("pk")
    return [(row.account_id, row.actor_id, row.about_name, row.changes["why"][1]) for row in rows]


# Off and on


def test_nothing_set_means_no_button_and_no_way() -> None:
    assert "Microsoft" not in re.sub("Microsoft customer agreement", "", Client().get("/accounts/login/").content.decode())
    assert Client().post(BEGIN).status_code == 404
    assert Client().get(BACK).status_code == 404


def test_the_button_leads_to_the_directory_with_pkce_state_and_nonce(directory: Directory) -> None:
    page = Client().get("/accounts/login/?next=/orders/").content.decode()
    assert "Sign in with Microsoft" in page
    there = urlsplit(Client().post(BEGIN, {"process": "connect", "scope": "mail.read", "auth_params": "prompt=none"})["Location"])
    asked = parse_qs(there.query)
    assert f"{there.scheme}://{there.netloc}" == directory.address
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["code_challenge"][0]) >= 43
    assert len(asked["state"][0]) >= 16
    assert len(asked["nonce"][0]) >= 22
    assert asked["redirect_uri"] == [f"http://testserver{BACK}"]
    assert set(asked["scope"][0].split()) == {"openid", "profile", "email"}
    assert "prompt" not in asked


def test_the_way_is_begun_by_a_button_alone(directory: Directory) -> None:
    assert Client().get(BEGIN).status_code == 405
    assert Client(enforce_csrf_checks=True).post(BEGIN).status_code == 403


# Who comes in


def test_somebody_new_with_a_role_is_added_to_the_account_of_their_tenant(directory: Directory, account: PartnerAccount) -> None:
    client, answer = walk(next="/orders/")
    assert (answer.status_code, answer["Location"]) == (302, "/orders/")
    member = StaffMember.objects.get(email="sora@contoso.example")
    assert (member.account, member.roles, str(member)) == (account, [Role.SALES_AGENT], "Sora Kim")
    assert str(member.object_id) == OID
    assert not member.has_usable_password()
    assert who(client) == member.email
    assert client.get("/orders/").status_code == 200
    actions = list(Activity.objects.filter(account_id=account.pk).order_by("pk").values_list("action", flat=True))
    assert actions == [Action.MEMBER_ADDED, Action.SIGNED_IN]


def test_whoever_comes_from_the_directory_alone_is_told_that_there_is_no_password_to_change(directory: Directory) -> None:
    client, _answer = walk()
    for answer in (client.get("/accounts/password/change/"), client.post("/accounts/password/change/", {"oldpassword": "x"})):
        assert answer["Location"] == "/profile/security/"
    assert "there is no password to change here" in client.get("/profile/security/").content.decode()


def test_the_same_person_comes_back_whatever_they_are_called_then(directory: Directory) -> None:
    walk()
    directory.claims |= {"email": "renamed@contoso.example", "name": "Sora Park"}
    client, _answer = walk()
    assert who(client) == "sora@contoso.example"
    assert StaffMember.objects.count() == 1


def test_somebody_whom_an_admin_agent_added_is_recognised_once_by_an_address_that_is_vouched_for(
    directory: Directory, account: PartnerAccount
) -> None:
    member = make_staff(account, Role.HELPDESK_AGENT, email="sora@contoso.example")
    client, _answer = walk()
    member.refresh_from_db()
    assert who(client) == member.email
    assert str(member.object_id) == OID
    assert StaffMember.objects.get(pk=member.pk).roles == [Role.SALES_AGENT]
    directory.claims["oid"] = str(uuid.uuid4())  # the address was given to somebody else
    client, answer = walk()
    refused(answer, "Somebody signs in with your email address or directory ID already")
    assert who(client) == ""


@pytest.mark.parametrize("vouched", [{"email_verified": True}, {"xms_edov": True}, {"xms_edov": "1"}])
def test_an_address_counts_when_the_directory_vouches_for_it(directory: Directory, vouched: dict[str, Any]) -> None:
    del directory.claims["xms_edov"]
    directory.claims |= vouched
    assert who(walk()[0]) == "sora@contoso.example"


def test_roles_are_those_that_the_directory_gives_now(directory: Directory, admin: StaffMember) -> None:
    first, _answer = walk()
    directory.claims["roles"] = ["admin_agent", "helpdesk_agent", "Global Administrator"]
    second, _answer = walk()
    member = StaffMember.objects.get(email="sora@contoso.example")
    assert member.roles == [Role.ADMIN_AGENT, Role.HELPDESK_AGENT]
    assert first.get("/").status_code == 302, "a changed role ends the sessions of before"
    assert second.get("/").status_code == 200
    entry = Activity.objects.get(action=Action.MEMBER_CHANGED)
    assert (entry.actor, entry.changes) == (None, {"roles": [["sales_agent"], ["admin_agent", "helpdesk_agent"]]})


def test_a_second_factor_of_the_portal_is_asked_for_too(directory: Directory) -> None:
    walk()
    TOTP.activate(StaffMember.objects.get(), "JBSWY3DPEHPK3PXP")
    client, answer = walk()
    assert answer["Location"] == "/accounts/second-factor/"
    assert who(client) == ""


@pytest.mark.parametrize(("methods", "let_in"), [(["pwd", "mfa"], True), (["pwd"], False), (None, False), ("mfa", False)])
def test_where_one_is_required_the_directorys_counts_for_pages_when_it_says_so(
    directory: Directory, account: PartnerAccount, methods: Any, let_in: bool
) -> None:
    account.second_factor_required = True
    account.save()
    directory.claims["amr"] = methods
    client, _answer = walk()
    assert client.get("/").status_code == (200 if let_in else 302)
    if let_in:
        assert "Make the token" not in client.get("/profile/tokens/").content.decode()
        assert client.post("/profile/tokens/", {"name": "Script", "days": "30"}).status_code == 403
    make_token(StaffMember.objects.get(), "secret")
    assert Client(headers={"authorization": "Bearer secret"}).get("/v1/agreements?agreementType=*").status_code == 403, "not for tokens"


def test_a_password_alone_is_not_more_because_the_directory_once_vouched(directory: Directory, account: PartnerAccount) -> None:
    account.second_factor_required = True
    account.save()
    directory.claims["amr"] = ["mfa"]
    walk()
    member = StaffMember.objects.get()
    member.set_password(PASSWORD)
    member.save()
    other = Client()
    other.post("/accounts/login/", {"login": member.email, "password": PASSWORD})
    assert other.get("/")["Location"] == "/profile/security/"


def test_whoever_was_signed_in_as_somebody_else_is_signed_out_first(directory: Directory, admin: StaffMember) -> None:
    client = Client()
    client.force_login(admin)
    before = client.session.session_key
    walk(client)
    assert who(client) == "sora@contoso.example"
    assert client.session.session_key != before


def test_whoever_signs_in_with_the_directory_alone_gets_no_password_by_email(directory: Directory) -> None:
    walk()
    mail.outbox.clear()
    answer = Client().post("/accounts/password/reset/", {"email": "sora@contoso.example"})
    assert answer["Location"] == "/accounts/password/reset/done/", "the same answer as for everybody"
    assert mail.outbox == []


def test_the_operator_opens_an_account_with_the_tenants_id(directory: Directory) -> None:
    operator = StaffMember.objects.create(email="op@example.com", first_name="O", last_name="P", is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(operator)
    tenant = str(uuid.uuid4())
    form = {"microsoft_id": tenant, "name": "Fabrikam", "partner_type": "direct_bill_partner", "cloud": "public", "country": "KR"}
    form |= {"environment": "production", "time_zone": "Asia/Seoul", "default_language": "en"}
    assert client.post("/operator/staff/partneraccount/add/", form).status_code == 302
    assert "There is an account with this ID." in client.post("/operator/staff/partneraccount/add/", form).content.decode()
    assert client.post("/operator/staff/partneraccount/add/", form | {"microsoft_id": "", "name": "Adatum"}).status_code == 302
    shown = client.get(f"/operator/staff/partneraccount/{tenant}/change/").content.decode()
    assert tenant in shown
    assert 'name="microsoft_id"' not in shown
    directory.claims["tid"] = tenant
    assert who(walk()[0]) == "sora@contoso.example"
    assert StaffMember.objects.get(email="sora@contoso.example").account == PartnerAccount.objects.get(name="Fabrikam")


# Whom it keeps out


def test_an_unknown_tenant_is_refused_kindly(directory: Directory) -> None:
    directory.claims["tid"] = str(uuid.uuid4())
    client, answer = walk()
    refused(answer, "belongs to no partner account here")
    assert who(client) == ""
    assert not StaffMember.objects.exists()
    assert logged() == [(None, None, directory.claims["tid"], "unknown_tenant")], "the operator sees which"


@pytest.mark.parametrize("roles", [None, [], "admin_agent", ["Global Administrator"], {"admin_agent": 1}])
def test_without_a_role_of_the_portal_nobody_comes_in(directory: Directory, roles: Any) -> None:
    directory.claims["roles"] = roles
    _client, answer = walk()
    refused(answer, "gives you no role in the portal")
    assert not StaffMember.objects.exists()
    assert logged() == [(uuid.UUID(directory.claims["tid"]), None, "sora@contoso.example", "no_role")]


def test_whoever_loses_their_role_in_the_directory_loses_it_here_too(directory: Directory, admin: StaffMember) -> None:
    first, _answer = walk()
    directory.claims["roles"] = []
    _client, answer = walk()
    refused(answer, "gives you no role in the portal")
    assert StaffMember.objects.get(email="sora@contoso.example").roles == []
    assert logged() == [(admin.account_id, None, "Sora Kim", "no_role")]
    assert first.get("/").status_code == 302


def test_the_last_admin_agent_stays_one(directory: Directory, account: PartnerAccount) -> None:
    last = make_staff(account, email="sora@contoso.example")
    client, _answer = walk()
    assert StaffMember.objects.get(pk=last.pk).roles == [Role.ADMIN_AGENT, Role.SALES_AGENT]
    assert client.get("/staff/").status_code == 200


def test_a_deactivated_member_stays_out_and_as_they_are(directory: Directory, admin: StaffMember) -> None:
    walk()
    member = StaffMember.objects.get(email="sora@contoso.example")
    set_active(by=admin, member=member, active=False)
    directory.claims["roles"] = ["admin_agent"]
    client, answer = walk()
    assert answer["Location"] == "/accounts/inactive/"
    assert who(client) == ""
    assert StaffMember.objects.get(pk=member.pk).roles == [Role.SALES_AGENT]


def test_an_address_that_nobody_vouches_for_names_nobody(directory: Directory, account: PartnerAccount) -> None:
    victim = make_staff(account, email="sora@contoso.example")
    del directory.claims["xms_edov"]
    for more in ({}, {"email_verified": False}, {"xms_edov": False}, {"xms_edov": "false"}, {"email_verified": "yes"}):
        directory.claims = {name: value for name, value in directory.claims.items() if name not in ("xms_edov", "email_verified")} | more
        client, answer = walk()
        refused(answer, "does not vouch for your email address")
        assert who(client) == ""
    victim.refresh_from_db()
    assert str(victim.object_id) != OID


@pytest.mark.parametrize("elsewhere", ["another account", "the operator", "an operator in the account"])
def test_a_member_of_another_account_and_the_operator_are_never_taken_over(
    directory: Directory, account: PartnerAccount, elsewhere: str
) -> None:
    if elsewhere == "another account":
        victim = make_staff(email="sora@contoso.example")
    else:
        inside = account if elsewhere == "an operator in the account" else None
        victim = StaffMember.objects.create(
            email="sora@contoso.example", first_name="O", last_name="P", account=inside, is_superuser=True, is_staff=True
        )
    client, answer = walk()
    refused(answer, "Somebody signs in with your email address or directory ID already")
    assert who(client) == ""
    victim.refresh_from_db()
    assert str(victim.object_id) != OID


def test_the_same_object_id_in_another_tenant_is_somebody_else(directory: Directory) -> None:
    walk()
    other = make_account()
    directory.claims |= {"tid": str(other.pk), "email": "other@fabrikam.example"}
    client, answer = walk()
    refused(answer, "or directory ID already")
    assert who(client) == ""


@pytest.mark.parametrize("missing", ["tid", "oid", "name"])
def test_an_answer_without_what_is_needed_is_refused(directory: Directory, missing: str) -> None:
    del directory.claims[missing]
    client, answer = walk()
    assert answer.status_code == 403
    assert who(client) == ""
    assert not StaffMember.objects.exists()


# What is not believed


def test_a_token_that_is_not_good_is_refused(directory: Directory) -> None:
    another = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    now = int(time.time())
    wrong: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "of another audience": ({"aud": "another portal"}, {}),
        "of another issuer": ({"iss": "https://evil.example"}, {}),
        "expired": ({"exp": now - 120}, {}),
        "of tomorrow": ({"nbf": now + 86400}, {}),
        "without an expiry": ({"exp": None}, {}),
        "with another nonce": ({"nonce": "another visit's"}, {}),
        "without a nonce": ({"nonce": ""}, {}),
        "signed by another": ({}, {"key": another}),
        "signed with an unknown key": ({}, {"headers": {"kid": "2"}}),
        "not signed": ({}, {"key": "", "algorithm": "none"}),
        "signed with a word": ({}, {"key": "x" * 32, "algorithm": "HS256"}),
    }
    right = dict(directory.sign)
    for what, (instead, sign) in wrong.items():
        directory.instead, directory.sign = instead, right | sign
        client, answer = walk()
        refused(answer, "could not be trusted")
        assert who(client) == "", what
    assert not StaffMember.objects.exists()


def test_a_token_of_entras_document_for_all_tenants_names_its_own(directory: Directory, account: PartnerAccount) -> None:
    directory.issuer = directory.address + "/{tenantid}/v2.0"
    refused(walk()[1], "could not be trusted")
    directory.instead = {"iss": f"{directory.address}/{uuid.uuid4()}/v2.0"}
    refused(walk()[1], "could not be trusted")
    directory.instead = {"iss": f"{directory.address}/{account.pk}/v2.0"}
    assert who(walk()[0]) == "sora@contoso.example"


def test_whoever_calls_the_way_back_again_and_again_fills_no_log(directory: Directory) -> None:
    for number in range(20):
        Client(REMOTE_ADDR=f"2001:db8::{number}").get(f"{BACK}?state={number}&code=x")
    assert logged() == [(None, None, "", "untrusted")]


def test_the_way_back_belongs_to_the_browser_that_began_it_and_is_walked_once(directory: Directory) -> None:
    client = Client()
    there = client.post(BEGIN)["Location"]
    back = requests.get(there, allow_redirects=False, timeout=10).headers["Location"].removeprefix("http://testserver")
    victim = Client()
    refused(victim.get(back), "could not be trusted")
    assert who(victim) == ""
    assert client.get(back).status_code == 302
    other = Client()
    other.cookies = client.cookies
    client.post("/accounts/logout/")
    refused(client.get(back), "could not be trusted")


@pytest.mark.parametrize("query", ["", "?code=x", "?state=x", "?code=x&state=x", "?error=server_error&state=x"])
def test_a_mistyped_way_back_is_explained(directory: Directory, query: str) -> None:
    refused(Client().get(BACK + query), "could not be trusted")


def test_whoever_changes_their_mind_at_the_directory_is_told_so(directory: Directory) -> None:
    client = Client()
    asked = parse_qs(urlsplit(client.post(BEGIN)["Location"]).query)
    refused(client.get(f"{BACK}?error=access_denied&state={asked['state'][0]}"), "Nothing was changed.")


def test_a_directory_that_does_not_answer_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        set_up(monkeypatch, f"http://127.0.0.1:{free.getsockname()[1]}")
    refused(Client().post(BEGIN), "did not arrive")


def test_the_way_leads_to_no_other_site(directory: Directory) -> None:
    _client, answer = walk(next="https://evil.example/")
    assert answer["Location"] == "/"


# Another maker's server, in a process of its own


@pytest.fixture
def mock(account: PartnerAccount, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """oidc-provider-mock, which knows Sora Kim as a Helpdesk agent."""
    claims = {
        "sub": "sora",
        "tid": str(account.pk),
        "oid": OID,
        "name": "Sora Kim",
        "email": "sora@contoso.example",
        "email_verified": True,
        "roles": ["helpdesk_agent"],
    }
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "oidc_provider_mock",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--user-claims",
            json.dumps(claims),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _attempt in range(200):
            try:
                if requests.get(f"{address}/.well-known/openid-configuration", timeout=5).ok:
                    break
            except requests.ConnectionError:
                time.sleep(0.05)
        set_up(monkeypatch, address)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=10)


def test_the_way_is_walked_with_a_server_of_another_maker(mock: str, account: PartnerAccount) -> None:
    client = Client()
    there = client.post(BEGIN)["Location"]
    assert requests.get(there, timeout=10).ok, "its page to sign in"
    back = requests.post(there, data={"sub": "sora"}, allow_redirects=False, timeout=10).headers["Location"]
    assert client.get(back.removeprefix("http://testserver"))["Location"] == "/"
    assert who(client) == "sora@contoso.example"
    assert StaffMember.objects.get().roles == [Role.HELPDESK_AGENT]
