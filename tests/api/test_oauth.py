"""Applications: how they get tokens through OAuth2, and what they may do with them ("App only", "App+User")."""

import base64
import datetime as dt
import hashlib
import uuid
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import time_machine
from allauth.idp.oidc.models import Token
from django.test import Client
from django.utils import timezone

from mca_portal.staff.models import Action, Activity, Application, PartnerAccount
from mca_portal.staff.origin import Way
from mca_portal.staff.roles import Role
from mca_portal.staff.services import change_member, create_token, renew_secret, set_active, set_application_active
from orders.models import Order
from tests.factories import confirm, license_offer, make_application, make_customer, make_staff

pytestmark = pytest.mark.django_db
TOKEN = "/identity/o/api/token"
BACK = "https://app.example/back"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


def service_token(application, secret, address=TOKEN, **fields):
    """The answer to a service that asks for a token."""
    fields = {"grant_type": "client_credentials", "client_id": application.pk, "client_secret": secret} | fields
    return Client(raise_request_exception=False).post(address, fields)


def consent(person, application, *, action="grant", address="/identity/o/authorize", **fields):
    """The person is shown the consent page and presses the button; the page, and the answer to the button."""
    browser = Client()
    browser.force_login(person)
    asked = {
        "client_id": application.pk,
        "response_type": "code",
        "redirect_uri": BACK,
        "state": "mine",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    } | fields
    page = browser.get(address, asked)
    if page.status_code != 200 or "error" in page.context:
        return page, None
    form = page.context["form"]
    typed = {"request": form.initial["request"], "scopes": form.fields["scopes"].initial, "action": action}
    return page, browser.post("/identity/o/authorize", typed)


def person_token(person, application, secret="", **fields):
    """What an application gets after the person allowed it."""
    _page, answer = consent(person, application, **fields)
    code = parse_qs(urlsplit(answer["Location"]).query)["code"][0]
    sent = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "client_id": application.pk, "code_verifier": VERIFIER}
    return Client().post(TOKEN, sent | ({"client_secret": secret} if secret else {})).json()


def status(token, path="/customers", method="get", body=None):
    """What the API answers to the token."""
    client = Client(raise_request_exception=False)
    answer = getattr(client, method)(f"/v1{path}", body, content_type="application/json", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code


@pytest.fixture
def service(person):
    """A service of the account and its secret."""
    return make_application(person)


@pytest.fixture
def web(person):
    """A web application that staff sign in to, and its secret."""
    return make_application(person, kind="web", redirect_uris=[BACK])


@pytest.fixture
def native(person):
    """A script that staff sign in to."""
    return make_application(person, kind="native", redirect_uris=["http://127.0.0.1/back"])[0]


def test_a_service_gets_a_token_and_orders_with_it(person, service):
    answer = service_token(*service).json()
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3600)
    assert "refresh_token" not in answer
    customer = make_customer(person)
    confirm(person, customer)
    body = {"lineItems": [{"lineItemNumber": 0, "offerId": str(license_offer().pk), "quantity": 5}]}
    assert status(answer["access_token"], f"/customers/{customer.pk}/orders", "post", body) == 201
    assert Order.objects.get().placed_by == person
    assert Application.objects.get().last_used_at is not None


@pytest.mark.parametrize(
    ("address", "fields"),
    [
        ("/{tenant}/oauth2/v2.0/token", {"scope": "https://api.partnercenter.microsoft.com/.default"}),
        ("/{tenant}/oauth2/v2.0/token", {"scope": "https://graph.windows.net/.default"}),
        ("/{tenant}/oauth2/token", {"resource": "https://graph.windows.net"}),
        ("/{tenant}/oauth2/token", {"resource": "https://api.partnercenter.microsoft.com"}),
        ("/{tenant}/oauth2/token", {"resource": "https://graph.windows.net", "grant_type": "client_Credentials"}),
        ("/partner.onmicrosoft.com/oauth2/token", {"scope": "https://api.partnercenter.microsoft.com/.default"}),
    ],
)
def test_scripts_get_their_token_as_they_are_used_to(person, service, address, fields):
    got = service_token(*service, address.format(tenant=str(person.account_id).upper()), **fields)
    assert status(got.json()["access_token"]) == 200


def test_an_applications_id_may_come_in_the_form_of_a_guid(person, service, web):
    application, secret = service
    for form in (str(uuid.UUID(application.pk)), str(uuid.UUID(application.pk)).upper()):
        assert status(service_token(application, secret, client_id=form).json()["access_token"]) == 200
    application, secret = web
    form = str(uuid.UUID(application.pk))
    assert consent(person, application, client_id=form)[1].status_code == 302
    assert "refresh_token" in person_token(person, *web, client_id=form)
    assert service_token(*service, client_id=f"{form}-").json() == {"error": "invalid_client"}


def test_scripts_may_exchange_their_token_for_itself(person, service):
    def exchange(token, address="/generatetoken", grant="jwt_token", kind="Bearer"):
        return Client().post(address, {"grant_type": grant}, headers={"Authorization": f"{kind} {token}"})

    own = create_token(by=person, name="Old script", days=7)[1]
    for token, seconds in ((service_token(*service).json()["access_token"], 3600), (own, 7 * 86400)):
        for address in ("/generatetoken", "/GenerateToken"):
            got = exchange(token, address)
            said = got.json()
            assert (said["access_token"], said["token_type"]) == (token, "Bearer")
            assert seconds - 60 < said["expires_in"] <= seconds
            assert got["Cache-Control"] == "no-store"
    assert status(said["access_token"]) == 200
    for refused, how in ((exchange(""), 401), (exchange("x"), 401), (exchange(own, kind="Basic"), 401), (exchange(own, grant=""), 400)):
        assert refused.status_code == how
        assert "error" in refused.json()
    set_active(by=make_staff(account=person.account), member=person, active=False)
    assert exchange(own).json() == {"error": "invalid_grant"}


def test_another_accounts_address_gives_no_token(service):
    for tenant in (make_staff().account_id, "contoso", "-"):
        assert service_token(*service, f"/{tenant}/oauth2/v2.0/token").json() == {"error": "invalid_client"}


def test_a_secret_may_also_be_sent_in_the_header(service):
    application, secret = service
    basic = base64.b64encode(f"{application.pk}:{secret}".encode()).decode()
    answer = Client().post(TOKEN, {"grant_type": "client_credentials"}, headers={"Authorization": f"Basic {basic}"})
    assert status(answer.json()["access_token"]) == 200


def test_a_token_parses_as_a_jwt_with_what_clients_read(person, service, web):
    said = jwt.decode(service_token(*service).json()["access_token"], options={"verify_signature": False})
    assert (said["tid"], said["appid"]) == (str(person.account_id), service[0].pk)
    assert said["exp"] > timezone.now().timestamp()
    assert "upn" not in said
    said = jwt.decode(person_token(person, *web)["access_token"], options={"verify_signature": False})
    assert (said["tid"], said["oid"], said["upn"]) == (str(person.account_id), str(person.object_id), person.email)


def test_a_token_is_signed_with_the_key_that_is_published(service):
    keys = jwt.PyJWKSet.from_dict(Client().get("/.well-known/jwks.json").json())
    token = service_token(*service).json()["access_token"]
    assert jwt.decode(token, keys[jwt.get_unverified_header(token)["kid"]].key, algorithms=["RS256"])


def test_discovery_names_addresses_that_are_there():
    said = Client().get("/.well-known/openid-configuration").json()
    for name in ("token_endpoint", "revocation_endpoint"):
        assert Client(raise_request_exception=False).post(urlsplit(said[name]).path).status_code < 404
    for name in ("jwks_uri",):
        assert Client().get(urlsplit(said[name]).path).status_code == 200
    assert Client().get(urlsplit(said["authorization_endpoint"]).path).status_code == 302


@pytest.mark.parametrize("tenant", ["{account}", "partner.onmicrosoft.com", "common"])
def test_microsoft_s_libraries_find_the_addresses_under_the_tenant(person, tenant):
    said = Client().get(f"/{tenant.format(account=person.account_id)}/v2.0/.well-known/openid-configuration")
    assert said.json() == Client().get("/.well-known/openid-configuration").json()


@pytest.mark.parametrize("path", ["/agreements", "/agreementtemplates/117a77b0-9360-443b-8795-c6dedc750cf9/document"])
def test_a_service_is_refused_agreements(service, path):
    token = service_token(*service).json()["access_token"]
    answer = Client().get(f"/v1{path}", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (403, 900329)


def test_a_person_confirms_through_an_application(person, web):
    token = person_token(person, *web)["access_token"]
    customer = make_customer(person)
    contact = {"firstName": "Tania", "lastName": "Carr", "email": "tania.carr@customer.example"}
    body = {"primaryContact": contact, "templateId": "117a77b0-9360-443b-8795-c6dedc750cf9", "dateAgreed": "2026-01-05"}
    assert status(token, f"/customers/{customer.pk}/agreements", "post", body) == 201


def test_a_script_without_a_secret_proves_with_pkce_who_it_is(person, native):
    back = "http://127.0.0.1:49152/back"
    _page, answer = consent(person, native, redirect_uri=back)
    sent = {"grant_type": "authorization_code", "redirect_uri": back, "client_id": native.pk}
    sent["code"] = parse_qs(urlsplit(answer["Location"]).query)["code"][0]
    assert Client().post(TOKEN, sent | {"code_verifier": "w" * 43}).json()["error"] == "invalid_grant"
    assert status(Client().post(TOKEN, sent | {"code_verifier": VERIFIER}).json()["access_token"]) == 200


def test_a_script_without_pkce_gets_no_code(person, native):
    _page, answer = consent(person, native, redirect_uri="http://127.0.0.1/back", code_challenge="", code_challenge_method="")
    assert answer is None or "code=" not in answer["Location"]


def test_a_code_works_once(person, web):
    application, secret = web
    _page, answer = consent(person, application)
    code = parse_qs(urlsplit(answer["Location"]).query)["code"][0]
    sent = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "client_id": application.pk, "client_secret": secret}
    answers = [Client().post(TOKEN, sent | {"code_verifier": VERIFIER}).status_code for _ in range(2)]
    assert answers == [200, 400]


def test_a_refresh_token_gives_another_token_once(person, web):
    application, secret = web
    first = person_token(person, *web)
    sent = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], "client_id": application.pk, "client_secret": secret}
    again = Client().post(TOKEN, sent)
    assert status(again.json()["access_token"]) == 200
    assert Client().post(TOKEN, sent).status_code == 400


def test_the_id_token_names_the_person(person, web):
    said = jwt.decode(person_token(person, *web, scope="openid profile")["id_token"], options={"verify_signature": False})
    assert (said["sub"], said["name"]) == (str(person.object_id), person.get_full_name())


def test_a_token_that_was_not_asked_for_the_api_does_not_open_it(person, web):
    assert status(person_token(person, *web, scope="openid profile")["access_token"]) == 401


def test_a_refresh_token_or_a_code_is_no_access_token(person, web):
    assert status(person_token(person, *web)["refresh_token"]) == 401


def test_a_token_ends_after_an_hour(service):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        token = service_token(*service).json()["access_token"]
        clock.shift(dt.timedelta(minutes=59))
        assert status(token) == 200
        clock.shift(dt.timedelta(minutes=2))
        assert status(token) == 401


def test_a_revoked_token_ends(service):
    application, secret = service
    token = service_token(*service).json()["access_token"]
    Client().post("/identity/o/api/revoke", {"token": token, "client_id": application.pk, "client_secret": secret})
    assert status(token) == 401


@pytest.mark.parametrize("kind", ["service", "web"])
def test_deactivating_the_person_ends_it(person, service, web, kind):
    boss = make_staff(person.account)
    token = service_token(*service).json()["access_token"] if kind == "service" else person_token(person, *web)["access_token"]
    set_active(by=boss, member=person, active=False)
    assert status(token) == 401
    set_active(by=boss, member=person, active=True)
    assert status(token) == 200


@pytest.mark.parametrize("kind", ["service", "web"])
def test_losing_the_role_counts_at_once(person, service, web, kind):
    boss = make_staff(person.account)
    token = service_token(*service).json()["access_token"] if kind == "service" else person_token(person, *web)["access_token"]
    change_member(by=boss, member=person, first_name="A", last_name="B", roles=[Role.SALES_AGENT])
    assert status(token) == 200
    change_member(by=boss, member=person, first_name="A", last_name="B", roles=[Role.HELPDESK_AGENT])
    assert status(token) == 403


@pytest.mark.parametrize("kind", ["service", "web"])
def test_an_application_has_no_more_rights_than_the_person_whose_second_factor_is_missing(person, service, web, kind):
    token = service_token(*service).json()["access_token"] if kind == "service" else person_token(person, *web)["access_token"]
    PartnerAccount.objects.update(second_factor_required=True)
    assert status(token) == 403


@pytest.mark.parametrize("end", ["disable", "renew"])
def test_disabling_it_or_a_new_secret_ends_tokens_at_once(person, service, web, end):
    tokens = [service_token(*service).json()["access_token"], person_token(person, *web)["access_token"]]
    for application, _secret in (service, web):
        if end == "disable":
            set_application_active(by=person, application=application, active=False)
        else:
            renew_secret(by=person, application=application)
    assert [status(token) for token in tokens] == [401, 401]
    assert service_token(*service).status_code == 401


def test_a_disabled_application_gets_no_consent_and_an_enabled_one_works_again(person, web, service):
    for application, _secret in (web, service):
        set_application_active(by=person, application=application, active=False)
    _page, answer = consent(person, web[0])
    assert answer is None or "code=" not in answer["Location"]
    for application, _secret in (web, service):
        set_application_active(by=person, application=application, active=True)
    assert status(person_token(person, *web)["access_token"]) == 200
    assert status(service_token(*service).json()["access_token"]) == 200


def test_somebody_of_another_account_finds_no_application(web):
    page, _answer = consent(make_staff(), web[0])
    assert page.status_code == 404


def test_whoever_may_have_no_tokens_can_allow_no_application(person, web):
    page, _answer = consent(make_staff(person.account, Role.HELPDESK_AGENT), web[0])
    assert page.status_code == 403
    assert not Token.objects.exists()


def test_whoever_does_not_allow_it_gives_nothing(person, web):
    _page, answer = consent(person, web[0], action="cancel")
    assert answer["Location"] == f"{BACK}?error=access_denied&state=mine"


def test_the_consent_page_lets_only_the_registered_host_follow(person, web, native):
    page, _answer = consent(person, web[0])
    assert "form-action 'self' https://app.example;" in page["Content-Security-Policy"] + ";"
    page, _answer = consent(person, native, redirect_uri="http://127.0.0.1:49152/back")
    assert "form-action 'self' http://127.0.0.1:49152;" in page["Content-Security-Policy"] + ";"


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/back",
        "https://app.example.evil/back",
        "https://app.example/other",
        "https://x;script-src *@evil.example/back",
        "https://[",
        "x",
    ],
)
def test_another_address_is_refused_on_a_page(person, web, uri):
    page, answer = consent(person, web[0], redirect_uri=uri)
    assert answer is None
    assert page.status_code in (200, 400, 404)
    assert "evil" not in page["Content-Security-Policy"]
    assert "Location" not in page


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"client_secret": "wrong"},
        {"client_secret": ""},
        {"client_id": "nobody"},
        {"client_id": "\x00"},
        {"client_id": "x" * 9000},
        {"grant_type": "password"},
        {"grant_type": "authorization_code", "code": "x"},
        {"grant_type": "refresh_token", "refresh_token": "x"},
        {"scope": "openid"},
        {"scope": "\x00"},
        {"resource": "nonsense"},
        {"resource": "https://["},
    ],
)  # fmt: skip
def test_whatever_is_asked_for_a_token_gets_an_answer(service, fields):
    answer = service_token(*service, **fields)
    assert answer.status_code in ((200,) if not fields else (400, 401))
    if fields and answer["Content-Type"].startswith("application/json"):
        assert "error" in answer.json()


def test_secrets_are_not_tried_out_for_long(service):
    answers = [service_token(service[0], "wrong").status_code for _ in range(62)]
    assert answers[0] == 401
    assert answers[-1] == 429


def test_nothing_secret_is_kept(person, service, web):
    token = service_token(*service).json()["access_token"]
    rows = str(list(Token.objects.values())) + str(list(Application.objects.values("client__secret", "client__data")))
    assert token not in rows
    assert service[1] not in rows
    assert web[1] not in rows


def test_a_token_costs_two_queries_more_than_ones_own(call, service, django_assert_num_queries):
    token = service_token(*service).json()["access_token"]
    customer = make_customer(call.person)
    call("GET", f"/customers/{customer.pk}")
    with django_assert_num_queries(2):
        call("GET", f"/customers/{customer.pk}")
    status(token)
    with django_assert_num_queries(4):
        status(token, f"/customers/{customer.pk}")


def logged(*actions: Action) -> list[tuple]:
    """Actions, who did them, about which application, what else, in the order in which they were done."""
    rows = Activity.objects.filter(action__in=actions).order_by("pk")
    return [(row.action, row.actor, row.about_name, {name: new for name, (_old, new) in row.changes.items()}) for row in rows]


def test_consent_and_every_token_are_in_the_activity_log(person, web, service):
    application, secret = web
    tokens = person_token(person, *web)
    sent = {"client_id": application.pk, "client_secret": secret}
    again = Client().post(TOKEN, sent | {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}).json()
    Client().post("/identity/o/api/revoke", sent | {"token": again["access_token"]})
    given, owner = Action.ACCESS_GIVEN, str(person)
    assert logged(Action.CONSENT_GIVEN, given, Action.ACCESS_ENDED) == [
        (Action.CONSENT_GIVEN, person, str(application), {}),
        (given, person, str(application), {"grant": "authorization_code", "acts_as": owner}),
        (given, person, str(application), {"grant": "refresh_token", "acts_as": owner}),
        (Action.ACCESS_ENDED, person, str(application), {"acts_as": owner}),
    ]
    assert set(Activity.objects.filter(action=given).values_list("way", flat=True)) == {Way.API}
    service_token(*service)
    assert logged(given)[-1] == (given, None, str(service[0]), {"grant": "client_credentials"})
    assert set(Activity.objects.filter(action=given).values_list("account_id", flat=True)) == {person.account_id}


def test_what_is_refused_is_not_logged_as_given(person, web, service):
    consent(person, web[0], action="cancel")
    consent(make_staff(person.account, Role.HELPDESK_AGENT), web[0])
    service_token(service[0], "wrong")
    service_token(*service, grant_type="password")
    Client().post("/identity/o/api/revoke", {"token": "x", "client_id": service[0].pk, "client_secret": service[1]})
    assert logged(Action.CONSENT_GIVEN, Action.ACCESS_GIVEN, Action.ACCESS_ENDED) == []


def test_a_secret_that_is_wrong_is_logged_once_in_a_while(service):
    application, _secret = service
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _each in range(3):
            service_token(application, "wrong")
        Client().post("/identity/o/api/revoke", {"token": "x", "client_id": application.pk, "client_secret": "wrong"})
        assert logged(Action.ACCESS_REFUSED) == [(Action.ACCESS_REFUSED, None, str(application), {})]
        assert Activity.objects.get(action=Action.ACCESS_REFUSED).account_id == application.account_id
        clock.shift(dt.timedelta(minutes=6))
        service_token(application, "wrong")
        assert len(logged(Action.ACCESS_REFUSED)) == 2
    service_token(*service)
    service_token(*service, client_id="nobody")
    assert len(logged(Action.ACCESS_REFUSED)) == 2


def test_a_token_without_its_log_entry_is_not_given(service, monkeypatch):
    def fail(*_arguments, **_named):
        raise RuntimeError

    monkeypatch.setattr("mca_portal.staff.services.record", fail)
    assert service_token(*service).status_code == 500
    assert not Token.objects.exists()


def test_a_person_withdraws_what_they_allowed(person, web):
    application, secret = web
    tokens = person_token(person, *web)
    other = make_staff(person.account)
    others = person_token(other, *web)["access_token"]
    browser = Client()
    browser.force_login(person)
    assert list(browser.get("/profile/tokens/").context["allowed"]) == [application]
    page = browser.post(f"/profile/tokens/{application.pk}/withdraw/", follow=True)
    assert "can no longer act as you" in page.content.decode()
    assert "Applications that act as you" not in page.content.decode()
    assert (status(tokens["access_token"]), status(others)) == (401, 200)
    sent = {"client_id": application.pk, "client_secret": secret, "grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert Client().post(TOKEN, sent).status_code == 400
    browser.post(f"/profile/tokens/{application.pk}/withdraw/")
    assert logged(Action.CONSENT_WITHDRAWN) == [(Action.CONSENT_WITHDRAWN, person, str(application), {})]


def test_without_a_page_an_application_gets_only_what_it_was_allowed_itself(person, web):
    """What the person allowed another application says nothing of this one."""
    application, _secret = web
    other = make_application(person, kind="web", redirect_uris=[BACK])[0]
    person_token(person, *web, scope="openid profile")
    silent = {"prompt": "none", "scope": "openid"}
    asked_anew = f"{BACK}?error=consent_required&state=mine"
    assert consent(person, other, **silent)[0]["Location"] == asked_anew
    assert consent(person, application, **silent | {"scope": "openid offline_access"})[0]["Location"] == asked_anew
    assert "code=" in consent(person, application, **silent)[0]["Location"]
    assert consent(person, other, **silent, redirect_uri="https://evil.example/")[0].status_code == 404


def test_a_consent_form_is_no_use_to_another_account(person, web):
    page, _answer = consent(person, web[0])
    stranger = Client()
    stranger.force_login(make_staff())
    form = page.context["form"]
    typed = {"request": form.initial["request"], "scopes": form.fields["scopes"].initial, "action": "grant"}
    assert stranger.post("/identity/o/authorize", typed).status_code == 404
    assert stranger.post("/identity/o/authorize", typed | {"request": "forged"}).status_code == 403
