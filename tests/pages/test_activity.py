"""The Activity tab, the account's log with its filters, and both lists as CSV (P1, A5)."""

import csv
import datetime as dt
import io
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from agreements.services import withdraw_acceptance
from customers.services import update_customer
from mca_portal.pages import activity_words, exports
from mca_portal.staff.activity import entry, record
from mca_portal.staff.models import Action, Activity, Failure, StaffMember
from mca_portal.staff.origin import Way, coming_from
from mca_portal.staff.roles import Role
from mca_portal.staff.services import change_member, note_failed_sign_in, note_sign_in, set_preferences
from orders.services import change_license_count, set_auto_renew
from tests.factories import confirm, make_account, make_customer, make_staff, make_subscription

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> StaffMember:
    return make_staff(make_account(name="Contoso"), first_name="Robin", last_name="Lee")


def signed_in(person: StaffMember) -> Client:
    client = Client()
    client.force_login(person)
    return client


def page(person: StaffMember, address: str, **query: Any) -> str:
    answer = signed_in(person).get(address, query)
    assert answer.status_code == 200, answer.content.decode()
    return answer.content.decode()


def sentences(by: StaffMember, **query: Any) -> list[str]:
    """The sentences that the account's log shows."""
    answer = signed_in(by).get("/activity/", query)
    assert answer.status_code == 200
    return [one.sentence for one in answer.context["page"].items]


def customer_page(customer: Any) -> str:
    return f"/customers/{customer.pk}/activity/"


def test_the_tab_says_in_sentences_what_was_done_and_by_whom(admin):
    subscription = make_subscription(admin, confirm(admin, make_customer(admin)).customer, quantity=5)
    change_license_count(by=admin, subscription=subscription, quantity=8, version=None)
    html = page(admin, customer_page(subscription.customer))
    assert f"Robin Lee changed the license count of {subscription.friendly_name} from 5 to 8" in html
    assert "Robin Lee confirmed acceptance by Tania Carr" in html
    assert html.index("license count of") < html.index("confirmed acceptance by") < html.index("created the customer")


def test_the_tab_says_it_in_korean_family_name_first(admin):
    set_preferences(by=admin, language="ko", first_name="길동", last_name="홍")
    subscription = make_subscription(admin, confirm(admin, make_customer(admin)).customer, quantity=5)
    change_license_count(by=admin, subscription=subscription, quantity=8, version=None)
    html = page(admin, customer_page(subscription.customer))
    assert f"홍길동 님이 {subscription.friendly_name}의 라이선스 수를 변경했습니다(5 → 8)" in html


def test_changes_are_shown_with_labels_and_values_as_people_read_them(admin):
    customer = make_customer(admin, country="KR", contact_phone="02-555-0142")
    details = {
        "country": "US",
        "region": "WA",
        "city": "Seattle",
        "postal_code": "98101",
        "contact_phone": "206-555-0100",
        "language": "en",
    }
    update_customer(by=admin, customer=customer, version=1, details=details)
    html = page(admin, customer_page(customer))
    for label, old, new in [
        ("Country/region", "Korea", "United States"),
        ("Phone number", "+82 2-555-0142", "+1 206-555-0100"),
        ("Language", "한국어", "English"),
        ("State/province", "none", "WA"),
    ]:
        shown = (
            f'{label}:</span> <del>{old}</del> <span aria-hidden="true">→</span><span class="visually-hidden">changed to</span> <ins>{new}'
        )
        assert shown in html, label


def test_roles_days_and_yes_and_no_are_shown_in_words(admin):
    member = make_staff(admin.account, Role.SALES_AGENT)
    change_member(by=admin, member=member, first_name="Ann", last_name="Kim", roles=[Role.ADMIN_AGENT, Role.HELPDESK_AGENT])
    acceptance = confirm(admin, make_customer(admin), agreed_on=dt.date(2026, 1, 2))
    set_auto_renew(by=admin, subscription=make_subscription(admin, acceptance.customer), auto_renew=False, version=None)
    html = page(admin, "/activity/")
    assert "<ins>Admin agent, Helpdesk agent</ins>" in html
    assert "<del>Sales agent</del>" in html
    assert "2 Jan 2026" in html
    assert "<del>Yes</del>" in html


def test_from_where_is_shown_and_the_address_only_to_who_sees_the_whole_log(admin):
    with coming_from(way=Way.API, address="192.0.2.7"):
        customer = make_customer(admin)
    assert "192.0.2.7" in page(admin, customer_page(customer))
    html = page(make_staff(admin.account, Role.SALES_AGENT), customer_page(customer))
    assert ">API" in html
    assert "192.0.2.7" not in html


def test_times_are_the_accounts_own_and_say_how_long_ago(admin):
    with time_machine.travel("2026-03-01T20:30Z", tick=False):
        customer = make_customer(admin)
    with time_machine.travel("2026-03-01T23:30Z", tick=False):
        html = page(admin, customer_page(customer))
    assert "2 Mar 2026 05:30" in html
    assert "3\xa0hours ago" in html


def test_the_tab_holds_nothing_about_acceptances_for_who_may_not_see_them(admin):
    acceptance = confirm(admin, make_customer(admin))
    withdraw_acceptance(by=admin, acceptance=acceptance, reason="Wrong customer")
    html = page(make_staff(admin.account, Role.HELPDESK_AGENT), customer_page(acceptance.customer))
    assert "created the customer" in html
    assert "Tania Carr" not in html.replace("Primary contact", "")
    assert "Wrong customer" not in html


def test_hostile_names_are_shown_as_text(admin):
    customer = make_customer(admin, company_name="<script>alert(1)</script>")
    html = page(admin, "/activity/")
    assert "&lt;script&gt;alert(1)" in html
    assert "<script>alert" not in html
    assert customer.company_name


@pytest.mark.parametrize("address", ["/activity/", "customer"])
def test_a_page_of_the_log_costs_the_same_queries_however_much_it_holds(admin, address):
    customer = make_customer(admin)
    client = signed_in(admin)
    address = customer_page(customer) if address == "customer" else address

    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            client.get(address)
        return len(counted)

    client.get(address)
    few = queries()
    for _ in range(35):
        other = make_staff(admin.account)
        Activity.objects.bulk_create([entry(Action.CUSTOMER_CHANGED, by=other, customer=customer, changes={"city": ["A", "B"]})])
    assert queries() == few


def test_the_log_is_read_page_by_page_newest_first(admin):
    for number in range(65):
        record(Action.TOKEN_CREATED, by=admin, name=f"Token {number}")
    first = signed_in(admin).get("/activity/")
    names = [one.about_name for one in first.context["page"].items]
    second = signed_in(admin).get("/activity/", {"cursor": first.context["page"].next})
    names += [one.about_name for one in second.context["page"].items]
    assert names == [f"Token {number}" for number in range(64, 4, -1)]
    assert signed_in(admin).get("/activity/", {"cursor": "nonsense"}).status_code == 404


# Filters


@pytest.fixture
def busy(admin):
    """Two people, two customers, three days."""
    other = make_staff(admin.account, Role.SALES_AGENT, first_name="Ann", last_name="Kim")
    with time_machine.travel("2026-03-01T14:59Z", tick=False):  # 23:59 on 1 March in Seoul
        make_customer(admin, company_name="Alpha")
    with time_machine.travel("2026-03-01T15:00Z", tick=False):  # 2 March begins there
        make_customer(other, company_name="Beta")
    with time_machine.travel("2026-03-03T00:00Z", tick=False):
        note_sign_in(by=other)
    return other


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["in", "Beta", "Alpha"]),
        ({"topic": "customers"}, ["Beta", "Alpha"]),
        ({"customer": "alph"}, ["Alpha"]),
        ({"customer": "nobody at all"}, []),
        ({"until": "2026-03-01"}, ["Alpha"]),
        ({"since": "2026-03-02"}, ["in", "Beta"]),
        ({"since": "2026-03-02", "until": "2026-03-02"}, ["Beta"]),
        ({"since": "2026-03-02", "topic": "customers", "customer": "a"}, ["Beta"]),
    ],
)
def test_filters_narrow_the_log_and_combine(admin, busy, query, found):
    answer = signed_in(admin).get("/activity/", query)
    assert [one.customer_name or "in" for one in answer.context["page"].items] == found


def test_the_log_is_narrowed_to_one_person(admin, busy):
    assert sentences(admin, person=busy.pk) == ["Ann Kim signed in", "Ann Kim created the customer"]
    assert sentences(admin, person=busy.pk, topic="customers", until="2026-03-01") == []


def test_the_log_is_narrowed_to_the_customer_with_a_microsoft_id(admin, busy):
    customer = admin.account.customers.get(company_name="Beta")
    assert sentences(admin, customer=str(customer.pk)) == ["Ann Kim created the customer"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"person": "0"}, "Choose somebody from the list."),
        ({"topic": "x"}, "Choose from the list."),
        ({"since": "1 March"}, "Enter a real date, such as 2026-01-31."),
        ({"until": "0001-01-01"}, "Enter a real date, such as 2026-01-31."),
        ({"until": "9999-12-31"}, "Enter a real date, such as 2026-01-31."),
        ({"since": "2026-03-02", "until": "2026-03-01"}, "Enter a day on or after the first one."),
        ({"customer": "x" * 201}, "at most 200"),
    ],
)
def test_a_filter_that_cannot_be_is_said_at_its_field_and_keeps_what_was_typed(admin, query, message):
    answer = signed_in(admin).get("/activity/", query)
    html = answer.content.decode()
    assert answer.status_code == 422
    assert html.count(message) >= 2, "at the field and in the summary"
    assert all(f'value="{value}"' in html for name, value in query.items() if name in ("since", "until", "customer"))
    assert signed_in(admin).post(f"/activity/export/?{next(iter(query))}={next(iter(query.values()))}").status_code in (200, 302)


def test_a_search_that_many_customers_match_asks_for_more_of_the_name(admin, monkeypatch):
    monkeypatch.setattr("mca_portal.pages.activity.CUSTOMERS_AT_ONCE", 2)
    for _ in range(3):
        make_customer(admin)
    answer = signed_in(admin).get("/activity/", {"customer": "customer"})
    assert answer.status_code == 422
    assert "Many customers match." in answer.content.decode()


def test_a_person_of_another_account_is_none_of_the_list(admin):
    stranger = make_staff()
    assert signed_in(admin).get("/activity/", {"person": stranger.pk}).status_code == 422


def test_the_log_of_another_account_is_not_shown(admin):
    stranger = make_staff()
    customer = make_customer(stranger, company_name="Theirs")
    note_failed_sign_in(email="nobody@partner.example", why=Failure.PASSWORD)
    assert sentences(admin) == []
    assert sentences(admin, customer=str(customer.pk)) == []
    assert "Nothing has been logged yet" in page(admin, "/activity/")
    assert "Nothing in the log fits" in page(admin, "/activity/", topic="orders")


def test_swapping_the_rows_equals_loading_the_page(admin, busy):
    query = {"topic": "customers"}
    full = signed_in(admin).get("/activity/", query).content.decode()
    swapped = signed_in(admin).get("/activity/", query, headers={"HX-Request": "true"}).content.decode()
    assert full[full.index('id="rows"') :].split("</section>")[0] == swapped[swapped.index('id="rows"') :].split("</section>")[0]


# Sentences


OF_APPLICATIONS = {Action.ACCESS_GIVEN, Action.ACCESS_ENDED}  # an application did it; the entry names the person beside it


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("action", Action)
def test_every_action_has_its_sentence(admin, action, language):
    one = entry(action, by=admin, name="Something", changes={"quantity": [5, 8]})
    assert action.value in activity_words.SENTENCES, "add it to SENTENCES in mca_portal/pages/activity_words.py"
    with translation.override(language):
        said = activity_words.sentence(one)
        assert activity_words.action_name(one)
        assert activity_words.changes_of(one)
    assert ("Something" if action in OF_APPLICATIONS else "Robin Lee") in said
    assert "%" not in said


def test_what_a_newer_version_logged_is_still_shown(admin):
    one = entry(Action.SIGNED_IN, by=admin, name="Something", changes={"new_field": [None, ["x"]]})
    one.topic, one.action, one.about_kind = "unheard_of", "unheard_of.done", "orders.unheard_of"
    one.save()
    assert "Robin Lee: unheard_of.done Something" in page(admin, "/activity/")
    assert "unheard_of" in rows_of(signed_in(admin).post("/activity/export/"))[2]


@pytest.mark.parametrize(("way", "subject"), [(Way.COMMAND, "The operator"), (Way.PORTAL, "Somebody")])
def test_who_is_not_known_is_named_by_the_way(admin, way, subject):
    with coming_from(way=way):
        record(Action.SIGN_IN_FAILED, by=None, account_id=admin.account_id, about=admin)
    assert sentences(admin) == [f"{subject} failed to sign in as Robin Lee"]


# As a file


def rows_of(answer: Any) -> list[list[str]]:
    """The lines of a CSV answer."""
    assert answer.status_code == 200
    text = b"".join(answer.streaming_content).decode()
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:])))


def test_the_log_is_exported_as_it_is_filtered_and_that_is_logged(admin, busy):
    answer = signed_in(admin).post(f"/activity/export/?person={busy.pk}&topic=customers")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer["Content-Disposition"]
    assert answer["Cache-Control"] == "no-store"
    header, *lines = rows_of(answer)
    (line,) = lines
    said = dict(zip(header, line, strict=True))
    assert said["When"] == "2026-03-02T00:00:00+09:00"
    assert (said["Done by"], said["What was done"], said["Customer"]) == ("Ann Kim", "Ann Kim created the customer", "Beta")
    logged = Activity.objects.latest("id")
    assert (logged.action, logged.actor) == (Action.ACTIVITY_EXPORTED, admin)
    assert logged.changes == {"person": [None, "Ann Kim"], "topic": [None, "customers"]}
    assert sentences(admin)[0] == "Robin Lee exported the activity log"


def test_a_file_is_in_the_language_of_who_asks_for_it_to_its_last_line(admin, monkeypatch):
    monkeypatch.setattr(exports, "BATCH", 2)
    set_preferences(by=admin, language="ko")
    for _ in range(5):
        note_sign_in(by=admin)
    header, *lines = rows_of(signed_in(admin).post("/activity/export/"))
    assert header[0] == "시점" or header[1] == "수행한 사람"
    assert [line[4] for line in lines] == ["Robin Lee 님이 활동 로그를 내보냈습니다", *["Robin Lee 님이 로그인했습니다"] * 5]
    assert all(line[0].endswith("+09:00") for line in lines)


def test_the_file_holds_all_entries_once(admin, monkeypatch):
    monkeypatch.setattr(exports, "BATCH", 7)
    for number in range(40):
        record(Action.TOKEN_CREATED, by=admin, name=f"Token {number}")
    _header, *lines = rows_of(signed_in(admin).post("/activity/export/?topic=api"))
    assert [line[4].rpartition(" ")[2] for line in lines] == [str(number) for number in range(39, -1, -1)]


def test_nothing_in_a_file_becomes_a_formula(admin):
    make_customer(admin, company_name="=HYPERLINK(1)")
    _header, line = rows_of(signed_in(admin).post("/activity/export/?topic=customers"))
    assert line[5] == "'=HYPERLINK(1)"
    _header, line = rows_of(signed_in(admin).post("/customers/export/"))
    assert line[1] == "'=HYPERLINK(1)"


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_what_would_begin_a_formula_is_made_text(begin):
    assert exports.plain(f"{begin}1") == f"'{begin}1"
    assert exports.plain(f"1{begin}") == f"1{begin}"


def test_a_file_is_read_batch_by_batch(admin, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(exports, "BATCH", 10)
    Activity.objects.bulk_create([entry(Action.SIGNED_IN, by=admin) for _ in range(35)])
    parts = signed_in(admin).post("/activity/export/?topic=sign_in").streaming_content
    next(parts)  # the header
    with django_assert_num_queries(1):
        assert next(parts).count(b"\n") == 10


def test_customers_are_exported_with_where_they_stand_and_that_is_logged(admin):
    acceptance = confirm(admin, make_customer(admin, company_name="Alpha"), agreed_on=dt.date(2026, 1, 2))
    make_customer(admin, company_name="Beta")
    make_customer(make_staff(), company_name="Theirs")
    header, *lines = rows_of(signed_in(admin).post("/customers/export/"))
    said = {line[1]: dict(zip(header, line, strict=True)) for line in lines}
    assert said.keys() == {"Alpha", "Beta"}
    alpha = said["Alpha"]
    assert (alpha["Microsoft ID"], alpha["Country/region"]) == (str(acceptance.customer_id), "Korea")
    assert (alpha["Microsoft customer agreement"], alpha["Accepted on"], alpha["Accepted by"]) == ("Confirmed", "2026-01-02", "Tania Carr")
    assert alpha["Recorded by"] == "Robin Lee"
    assert (said["Beta"]["Microsoft customer agreement"], said["Beta"]["Accepted by"]) == ("Not confirmed", "")
    logged = Activity.objects.latest("id")
    assert (logged.action, logged.actor, logged.changes) == (Action.CUSTOMERS_EXPORTED, admin, {})


def test_customers_are_exported_as_the_list_is_narrowed(admin, monkeypatch):
    monkeypatch.setattr(exports, "BATCH", 2)
    for number in range(5):
        make_customer(admin, company_name=f"Alpha {number}")
    confirm(admin, make_customer(admin, company_name="Alpha confirmed"))
    make_customer(admin, company_name="Beta")
    _header, *lines = rows_of(signed_in(admin).post("/customers/export/?q=alpha&standing=not_confirmed"))
    assert sorted(line[1] for line in lines) == [f"Alpha {number}" for number in range(5)]
    assert Activity.objects.latest("id").changes == {"search": [None, "alpha"], "standing": [None, "not_confirmed"]}
    _header, *lines = rows_of(signed_in(admin).post("/customers/export/?standing=confirmed"))
    assert [line[1] for line in lines] == ["Alpha confirmed"]
    assert signed_in(admin).post("/customers/export/?standing=x").status_code == 404


def test_a_file_that_is_refused_is_not_logged(admin):
    sales = make_staff(admin.account, Role.SALES_AGENT)
    for address in ("/customers/export/", "/activity/export/"):
        assert signed_in(sales).post(address).status_code == 403
    assert not Activity.objects.filter(topic="exports").exists()


def test_only_who_may_is_offered_the_log_and_the_files(admin):
    make_customer(admin)
    sales = make_staff(admin.account, Role.SALES_AGENT)
    for address in ("/activity/", "/customers/export/"):
        assert f'"{address}' in page(admin, "/customers/")
        assert f'"{address}' not in page(sales, "/customers/")


def test_how_long_ago_is_said_in_the_largest_unit():
    from mca_portal.pages.formatting import ago

    now = timezone.now()
    said = {30: "just now", 90: "1\xa0minute ago", 7300: "2\xa0hours ago", 100_000: "1\xa0day ago"}
    with time_machine.travel(now, tick=False):
        assert {seconds: ago(now - dt.timedelta(seconds=seconds)) for seconds in said} == said
