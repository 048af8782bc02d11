"""Applications on the pages: registered, their secret shown once, changed, disabled."""

import html
import re

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from mca_portal.staff.models import Activity, Application
from mca_portal.staff.services import set_application_active
from tests.factories import make_application, make_staff, signed_in_and_confirmed

pytestmark = pytest.mark.django_db
SERVICE = {"name": "Nightly orders", "kind": "service"}
WEB = {"name": "Shop", "kind": "web", "redirect_uris": "https://shop.example/back\nhttps://shop.example:8443/back?x=1"}


def secret_on(page) -> str:
    found = re.search(r"<textarea[^>]* id=\"secret\"[^>]*>([^<]+)</textarea>", page.content.decode())
    return html.unescape(found.group(1)) if found else ""


def works(application, secret) -> bool:
    sent = {"grant_type": "client_credentials", "client_id": application.pk, "client_secret": secret}
    return Client().post("/identity/o/api/token", sent).status_code == 200


def test_an_application_is_registered_and_its_secret_shown_once() -> None:
    person = make_staff()
    client = signed_in_and_confirmed(person)
    made = client.post("/applications/new/", SERVICE)
    application = Application.objects.get()
    assert made.status_code == 200
    assert made["Cache-Control"] == "no-store"
    assert (application.account, application.registered_by, str(application)) == (person.account, person, "Nightly orders")
    assert works(application, secret_on(made))
    page = client.get(f"/applications/{application.pk}/")
    assert application.pk in page.content.decode()
    assert secret_on(page) == ""
    assert "Nightly orders" in client.get("/applications/").content.decode()


def test_a_new_secret_ends_the_old_one() -> None:
    person = make_staff()
    application, old = make_application(person)
    new = secret_on(signed_in_and_confirmed(person).post(f"/applications/{application.pk}/", {"action": "secret"}))
    assert works(application, new)
    assert not works(application, old)


def test_a_script_on_ones_own_machine_has_no_secret() -> None:
    client = signed_in_and_confirmed(make_staff())
    typed = {"name": "Script", "kind": "native", "redirect_uris": "http://127.0.0.1/back"}
    assert secret_on(client.post("/applications/new/", typed)) == ""
    application = Application.objects.get()
    assert "new secret" not in client.get(f"/applications/{application.pk}/").content.decode()
    assert client.post(f"/applications/{application.pk}/", {"action": "secret"}).status_code == 422


def test_name_and_redirect_addresses_change() -> None:
    person = make_staff()
    application, _secret = make_application(person, kind="web", redirect_uris=["https://shop.example/old"])
    answer = signed_in_and_confirmed(person).post(f"/applications/{application.pk}/", WEB | {"action": "save"})
    assert answer.status_code == 302
    application = Application.objects.get()
    assert str(application) == "Shop"
    assert application.client.get_redirect_uris() == WEB["redirect_uris"].split()


def test_an_application_is_disabled_and_enabled() -> None:
    person = make_staff()
    application, secret = make_application(person)
    client = signed_in_and_confirmed(person)
    assert "disabled" in client.post(f"/applications/{application.pk}/", {"action": "disable"}, follow=True).content.decode()
    assert not works(application, secret)
    assert "Disabled" in client.get("/applications/").content.decode()
    client.post(f"/applications/{application.pk}/", {"action": "enable"})
    assert works(application, secret)


@pytest.mark.parametrize(
    "uri",
    [
        "http://shop.example/back", "https://", "ftp://shop.example/", "https://*.example/back", "javascript:alert(1)", "https://a@b.example/",
        "https://shop.example/#x", "https://[", "https://shop.example:99999/", "http://127.0.0.1.evil.example/", "https://상점.example/",
        "http://localhost/back", "https://shop.example;script-src/", "x" * 600,
    ],
)  # fmt: skip
def test_an_address_that_is_not_safe_to_send_a_browser_to_is_refused_at_its_field(uri) -> None:
    answer = signed_in_and_confirmed(make_staff()).post("/applications/new/", WEB | {"redirect_uris": uri})
    assert answer.status_code == 422
    assert answer.context["form"].errors.keys() == {"redirect_uris"}
    assert not Application.objects.exists()


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        (SERVICE | {"name": ""}, "name"),
        (SERVICE | {"name": "x" * 51}, "name"),
        (SERVICE | {"name": "\u200b"}, "name"),
        (SERVICE | {"kind": "robot"}, "kind"),
        (WEB | {"redirect_uris": ""}, "redirect_uris"),
        (WEB | {"redirect_uris": "\n".join(f"https://shop.example/{number}" for number in range(11))}, "redirect_uris"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_kept(typed, field) -> None:
    answer = signed_in_and_confirmed(make_staff()).post("/applications/new/", typed)
    assert answer.status_code == 422
    assert answer.context["form"].errors.keys() == {field}
    assert answer.context["form"]["name"].value() == typed["name"]


def test_an_account_has_no_more_applications_than_it_can_look_after() -> None:
    person = make_staff()
    applications = [make_application(person)[0] for _ in range(50)]
    client = signed_in_and_confirmed(person)
    assert client.post("/applications/new/", SERVICE).status_code == 422
    set_application_active(by=person, application=applications[0], active=False)
    assert client.post("/applications/new/", SERVICE).status_code == 200


def test_the_list_costs_the_same_with_one_and_with_thirty() -> None:
    person = make_staff()
    client = signed_in_and_confirmed(person)
    client.get("/applications/")  # what a sign-in's first page costs
    counts = []
    for applications in (1, 29):
        for _each in range(applications):
            make_application(person)
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/applications/").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 5


def test_the_page_of_staff_leads_there_where_oauth_is_offered() -> None:
    client = signed_in_and_confirmed(make_staff())
    assert "/applications/" in client.get("/staff/").content.decode()
    with override_settings(OAUTH_OFFERED=False):
        assert "/applications/" not in client.get("/staff/").content.decode()


def test_what_was_done_to_an_application_is_in_the_activity_log() -> None:
    person = make_staff()
    client = signed_in_and_confirmed(person)
    client.post("/applications/new/", WEB)
    path = f"/applications/{Application.objects.get().pk}/"
    for action in ("save", "save", "secret", "disable", "disable", "enable"):
        client.post(path, WEB | {"action": action, "name": "Market"})
    logged = Activity.objects.filter(topic="api").order_by("pk")
    assert [entry.action.partition(".")[2] for entry in logged] == [
        "application_registered",
        "application_changed",
        "application_secret_made",
        "application_disabled",
        "application_enabled",
    ]
    assert {(entry.account_id, entry.actor_id) for entry in logged} == {(person.account_id, person.pk)}
    assert logged[1].changes == {"name": ["Shop", "Market"]}
