"""Home: what each person finds when they sign in."""

import datetime as dt
import re

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agreements.standing import StandingWord
from mca_portal.staff.models import Cloud, PartnerType, StaffMember
from mca_portal.staff.roles import Role
from tests.factories import confirm, make_account, make_customer, make_order, make_staff, publish

pytestmark = pytest.mark.django_db


def signed_in(person: StaffMember) -> Client:
    """A browser in which `person` is signed in."""
    client = Client()
    client.force_login(person)
    return client


def test_home_counts_each_standing_and_says_it_in_words() -> None:
    by = make_staff()
    with time_machine.travel(dt.datetime(2019, 5, 6, 3, tzinfo=dt.UTC), tick=False):
        confirm(by, make_customer(by, company_name="Old Ltd"))
    confirm(by, make_customer(by, company_name="Due Ltd"))
    publish(required_in_days=30)
    confirm(by, make_customer(by, company_name="Good Ltd"))
    make_customer(by, company_name="New Ltd")
    response = signed_in(by).get("/")
    assert {share.word: share.count for share in response.context["shares"]} == {
        StandingWord.CONFIRMED: 1,
        StandingWord.DUE: 1,
        StandingWord.REQUIRED: 1,
        StandingWord.NOT_CONFIRMED: 1,
    }
    assert [waiting.standing.customer.company_name for waiting in response.context["queue"]] == ["New Ltd", "Old Ltd", "Due Ltd"]
    html = response.content.decode()
    assert "Confirmed 1, Reconfirmation due 1, Reconfirmation required 1, Not confirmed 1" in html
    assert "Version Newer is required from" in html
    assert "1 customer needs reconfirmation before then." in html
    for word, color in {"confirmed": "ok", "due": "info", "required": "bad", "not_confirmed": "warn"}.items():
        assert f'mp-tile mp-t-{color}" href="/customers/?standing={word}"' in html, "the color of its pill"
        assert html.count(f'class="mp-d-{color}"') == 2, "in the picture and in its key"
    assert "31 Jan 2020" in html, "the day from which the old acceptance no longer counted"


def test_the_newest_need_comes_first_and_each_is_one_click_from_its_form() -> None:
    by = make_staff()
    with time_machine.travel(dt.datetime(2024, 5, 6, 3, tzinfo=dt.UTC), tick=False):
        make_customer(by, company_name="Earlier Ltd")
    newer = make_customer(by, company_name="Newer Ltd")
    response = signed_in(by).get("/")
    assert [waiting.standing.customer.company_name for waiting in response.context["queue"]] == ["Newer Ltd", "Earlier Ltd"]
    assert reverse("agreement", args=[newer.pk]) in response.content.decode()


def test_a_helpdesk_agent_sees_no_standing_but_a_search_and_recent_orders() -> None:
    admin = make_staff()
    customer = make_customer(admin)
    confirm(admin, customer)
    order = make_order(admin, customer)
    make_customer(admin)
    html = signed_in(make_staff(admin.account, Role.HELPDESK_AGENT)).get("/").content.decode()
    assert order.number in html
    assert 'id="home-q"' in html
    assert "Not confirmed" not in html
    assert "/agreement/" not in html


def test_somebody_without_a_role_is_told_whom_to_ask() -> None:
    admin = make_staff()
    customer = make_customer(admin, company_name="Secret Ltd")
    confirm(admin, customer)
    html = signed_in(make_staff(admin.account, roles=())).get("/").content.decode()
    assert "Ask an Admin agent" in html
    assert admin.email in html
    assert "Secret Ltd" not in html


def test_in_a_cloud_without_the_agreement_home_says_so_and_asks_for_nothing() -> None:
    by = make_staff(make_account(cloud=Cloud.US_GOVERNMENT))
    make_customer(by)
    html = signed_in(by).get("/").content.decode()
    assert "does not apply in this cloud" in html
    assert "Customers to confirm" not in html


def test_a_reseller_sees_the_standings_but_no_command_to_confirm() -> None:
    account = make_account(partner_type=PartnerType.INDIRECT_PROVIDER)
    by = make_staff(account)
    customer = make_customer(by)
    account.partner_type = PartnerType.INDIRECT_RESELLER
    account.save()
    html = signed_in(by).get("/").content.decode()
    assert "Your indirect provider confirms acceptance" in html
    assert customer.company_name in html
    assert reverse("agreement", args=[customer.pk]) not in html
    assert "New customer" not in html


def test_another_accounts_customers_are_neither_counted_nor_shown() -> None:
    other = make_staff()
    foreign = make_customer(other, company_name="Foreign Ltd")
    confirm(other, foreign)
    make_order(other, foreign)
    response = signed_in(make_staff()).get("/")
    assert response.context["total"] == 0
    assert "Foreign Ltd" not in response.content.decode()


def test_an_operator_without_an_account_is_shown_the_way() -> None:
    operator = StaffMember.objects.create(email="operator@portal.example", first_name="Op", last_name="E", is_staff=True, is_superuser=True)
    page = signed_in(operator).get("/").content.decode()
    assert "/operator/" in page
    assert set(re.findall(r'href="(/[a-z-]+/)"', page)).isdisjoint({"/customers/", "/orders/", "/staff/", "/activity/", "/api/"})


def test_home_asks_as_much_for_thirty_customers_as_for_one() -> None:
    by = make_staff()
    publish()

    def queries() -> int:
        client = signed_in(by)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert client.get("/").status_code == 200
        return len(asked)

    customer = make_customer(by)
    confirm(by, customer)
    make_order(by, customer)
    make_customer(by)
    few = queries()
    for _number in range(15):
        customer = make_customer(by)
        confirm(by, customer)
        make_order(by, customer)
    for _number in range(9):
        make_customer(by)
    assert queries() <= few <= 10
