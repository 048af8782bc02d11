"""The pages of customers: find, look, change."""

import re
import uuid
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers.countries import RULES
from customers.forms import CompanyForm, ContactForm, both_valid
from customers.models import Customer
from customers.services import update_customer
from mca_portal.staff.models import Cloud, Environment, PartnerType, StaffMember
from mca_portal.staff.roles import Role
from tests.factories import confirm, customer_details, make_account, make_customer, make_staff, make_subscription, publish

pytestmark = pytest.mark.django_db


def signed_in(person: StaffMember) -> Client:
    """A browser in which `person` has signed in."""
    client = Client()
    client.force_login(person)
    return client


def page(person: StaffMember, route: str, *args: object, status: int = 200, **query: str) -> str:
    """What `person` sees at an address."""
    response = signed_in(person).get(reverse(route, args=args), query)
    assert response.status_code == status
    return response.content.decode()


def edited(customer: Customer, **changes: str) -> dict[str, str]:
    """The fields of the edit form as the page holds them, with changes."""
    names = (*Customer.COMPANY_FIELDS, *Customer.CONTACT_FIELDS)
    return {name: str(getattr(customer, name)) for name in names} | {"version": str(customer.version)} | changes


# The list --------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["harbor", "HARBOR", "fjord", "한빛", "id"])
def test_search_finds_part_of_the_name_part_of_the_domain_and_the_exact_id(typed: str) -> None:
    by = make_staff()
    wanted = make_customer(by, company_name="Harbor 한빛 Bakery", domain="fjordsale.onmicrosoft.com")
    make_customer(by, company_name="Somebody Else")
    text = page(by, "customers", q=str(wanted.pk).upper() if typed == "id" else typed)
    assert "Harbor 한빛 Bakery" in text
    assert "Somebody Else" not in text
    assert "1 customer<" in text


def test_a_search_that_finds_nothing_says_so_and_leads_back() -> None:
    text = page(make_staff(), "customers", q="<nobody>")
    assert "No customer matches “&lt;nobody&gt;”" in text
    assert "Show all customers" in text


def test_without_customers_the_list_offers_the_first_one() -> None:
    assert "There are no customers yet" in page(make_staff(), "customers")


def test_another_accounts_customers_are_not_in_the_list_nor_in_its_counts() -> None:
    theirs = make_customer(make_staff(), company_name="Theirs")
    text = page(make_staff(), "customers", q=str(theirs.pk))
    assert "Theirs" not in text
    assert "0 customers" in text


def test_the_list_is_narrowed_to_one_standing_and_counts_each() -> None:
    by = make_staff()
    confirmed, _open = make_customer(by, company_name="Sure Ltd"), make_customer(by, company_name="Unsure Ltd")
    confirm(by, confirmed)
    response = signed_in(by).get(reverse("customers"), {"standing": "confirmed"})
    assert [customer.pk for customer in response.context["page"].items] == [confirmed.pk]
    counts = {str(tab["label"]): tab["count"] for tab in response.context["tabs"]}
    assert counts == {"All": 2, "Not confirmed": 1, "Reconfirmation required": 0, "Reconfirmation due": 0, "Confirmed": 1}


def test_a_newer_version_moves_customers_to_reconfirmation_due() -> None:
    by = make_staff()
    confirm(by, make_customer(by, company_name="Sure Ltd"))
    publish(required_in_days=30)
    text = page(by, "customers", standing="due")
    assert "Sure Ltd" in text
    assert "Reconfirm<" in text


@pytest.mark.parametrize("query", [{"standing": "nonsense"}, {"cursor": "nonsense"}, {"cursor": "WyJuIiwgIngiLCAieSJd"}])
def test_an_unknown_filter_or_cursor_is_not_found(query: dict[str, str]) -> None:
    by = make_staff()
    make_customer(by)
    assert signed_in(by).get(reverse("customers"), query).status_code == 404


def test_a_helpdesk_agent_sees_customers_but_no_standing() -> None:
    admin = make_staff()
    helper = make_staff(admin.account, Role.HELPDESK_AGENT)
    customer = make_customer(admin, company_name="Sure Ltd")
    confirm(admin, customer, email="accepted@customer.example")
    text = page(helper, "customers")
    assert "Sure Ltd" in text
    assert "Confirmed" not in text
    assert "New customer" not in text
    page(helper, "customers", standing="confirmed", status=403)
    account = page(helper, "customer", customer.pk)
    assert "tania.carr@customer.example" in account
    assert "accepted@customer.example" not in account
    assert "Confirmed" not in account


def test_the_list_goes_on_to_the_next_page_and_back_with_its_search() -> None:
    by = make_staff()
    for number in range(31):
        make_customer(by, company_name=f"Row {number:02}")
    client = signed_in(by)
    first = client.get(reverse("customers"), {"q": "row"}).context["page"]
    second = client.get(reverse("customers"), {"q": "row", "cursor": first.next})
    assert [c.company_name for c in second.context["page"].items] == ["Row 30"]
    assert "q=row" in second.content.decode().split('rel="prev"')[0].rpartition("href=")[2]


def test_a_longer_list_asks_the_database_no_more_often() -> None:
    by = make_staff()

    def questions() -> int:
        client = signed_in(by)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert client.get(reverse("customers")).status_code == 200
        return len(asked)

    confirm(by, make_customer(by))
    few = questions()
    for _ in range(29):
        customer = make_customer(by)
        confirm(by, customer)
        make_subscription(by, customer)
    assert questions() == few
    assert few <= 8


# Account info ----------------------------------------------------------------


def test_another_accounts_customer_is_not_found() -> None:
    theirs = make_customer(make_staff())
    person = make_staff()
    for route in ("customer", "customer_edit", "agreement"):
        page(person, route, theirs.pk, status=404)
        page(person, route, uuid.uuid4(), status=404)


def test_account_info_shows_company_contact_and_that_nothing_is_confirmed() -> None:
    by = make_staff()
    customer = make_customer(by)
    text = page(by, "customer", customer.pk)
    for fact in (str(customer.pk), customer.domain, "152 Teheran-ro", "06236", "한국어", "Tania Carr", "+82 2-555-0142"):
        assert fact in text
    assert "Confirmation has not been provided." in text
    assert "new orders can’t be placed" in text


@time_machine.travel("2026-11-23T03:00:00Z", tick=False)
def test_printed_account_info_says_whose_record_it_is_when_it_was_so_and_who_printed_it() -> None:
    by = make_staff(make_account(name="Contoso"))
    text = re.sub("<[^>]+>", "", page(by, "customer", make_customer(by).pk))
    assert f"From the records of Contoso, as they were at 23 Nov 2026 12:00. Printed by {by.get_full_name()}." in text


def test_in_a_cloud_without_the_agreement_one_sentence_says_so() -> None:
    by = make_staff(make_account(cloud=Cloud.CHINA))
    customer = make_customer(by)
    text = page(by, "customer", customer.pk)
    assert "does not apply in this cloud" in text
    assert "Not applicable" in text
    assert "does not apply in this cloud" in page(by, "agreement", customer.pk, status=404)


def test_an_indirect_reseller_reads_that_its_provider_confirms() -> None:
    by = make_staff()
    customer = make_customer(by)
    by.account.partner_type = PartnerType.INDIRECT_RESELLER
    by.account.save()
    text = page(by, "customer", customer.pk)
    assert "Your indirect provider confirms acceptance" in text
    assert reverse("agreement", args=[customer.pk]) not in text
    assert "Your indirect provider confirms acceptance" in page(by, "agreement", customer.pk, status=403)


def test_an_indirect_reseller_is_not_told_to_confirm_what_is_due() -> None:
    by = make_staff()
    customer = make_customer(by)
    confirm(by, customer)
    publish("2.0", required_in_days=30)
    assert "Confirm that the customer has accepted it." in page(by, "customer", customer.pk)
    by.account.partner_type = PartnerType.INDIRECT_RESELLER
    by.account.save()
    text = page(by, "customer", customer.pk)
    assert "Reconfirmation due by" in text
    assert "Confirm that the customer has accepted it." not in text


def test_a_print_out_of_a_sandbox_says_that_it_is_one() -> None:
    by = make_staff(make_account(environment=Environment.SANDBOX))
    assert '<p class="mp-print"><strong>Sandbox</strong></p>' in page(by, "customer", make_customer(by).pk)
    by = make_staff()
    assert "Sandbox" not in page(by, "customer", make_customer(by).pk)


def test_what_somebody_typed_is_never_markup() -> None:
    by = make_staff()
    customer = make_customer(by, company_name="<b>Bold</b> Ltd", contact_last_name="<i>Carr")
    for text in (page(by, "customers"), page(by, "customer", customer.pk), page(by, "customer_edit", customer.pk)):
        assert "<b>Bold" not in text
        assert "<i>Carr" not in text


# Changing --------------------------------------------------------------------


def test_changes_are_saved_and_named() -> None:
    by = make_staff()
    customer = make_customer(by)
    answer = signed_in(by).post(
        reverse("customer_edit", args=[customer.pk]), edited(customer, company_name="New Name", contact_phone="02 555 0199"), follow=True
    )
    assert "The changes to New Name are saved." in answer.content.decode()
    customer.refresh_from_db()
    assert (customer.company_name, customer.contact_phone) == ("New Name", "+8225550199")


def test_every_mistake_is_shown_at_once_at_its_field_and_what_was_typed_stays() -> None:
    by = make_staff()
    customer = make_customer(by)
    typed = edited(customer, company_name="", postal_code="ABC", contact_email="no-address", contact_phone="12")
    answer = signed_in(by).post(reverse("customer_edit", args=[customer.pk]), typed)
    text = answer.content.decode()
    assert answer.status_code == 422
    for words in ("Enter the company name.", "such as 04524", "name@example.com", "international one that starts with +"):
        assert text.count(words) == 2, words  # in the summary and at the field
    assert "ABC" in text
    assert "no-address" in text
    customer.refresh_from_db()
    assert customer.version == 1


def test_who_saves_second_is_told_and_loses_nothing() -> None:
    by = make_staff()
    customer = make_customer(by)
    typed = edited(customer, company_name="Mine")
    update_customer(by=by, customer=customer, version=1, details={"company_name": "Theirs"})
    client = signed_in(by)
    answer = client.post(reverse("customer_edit", args=[customer.pk]), typed)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "Somebody changed this customer meanwhile" in text
    assert "Company name: Theirs" in text
    assert 'value="Mine"' in text
    assert 'name="version" value="2"' in text
    assert client.post(reverse("customer_edit", args=[customer.pk]), typed | {"version": "2"}).status_code == 302
    customer.refresh_from_db()
    assert customer.company_name == "Mine"


@pytest.mark.parametrize("version", ["", "x", "²", "9" * 400])
def test_a_broken_version_counts_as_outdated(version: str) -> None:
    by = make_staff()
    customer = make_customer(by)
    typed = edited(customer, version=version)
    assert signed_in(by).post(reverse("customer_edit", args=[customer.pk]), typed).status_code == 422


@pytest.mark.parametrize("name", [*Customer.COMPANY_FIELDS, *Customer.CONTACT_FIELDS, "version"])
@pytest.mark.parametrize("value", ["", "x" * 5000, "\u200b", "ZZ"])
def test_no_field_of_the_edit_form_breaks_the_page(name: str, value: str) -> None:
    by = make_staff()
    customer = make_customer(by)
    answer = signed_in(by).post(reverse("customer_edit", args=[customer.pk]), edited(customer, **{name: value}))
    assert answer.status_code in (302, 422)


def test_what_was_typed_before_the_sign_in_expired_is_still_checked_against_the_version_seen() -> None:
    by = make_staff()
    customer = make_customer(by)
    address = reverse("customer_edit", args=[customer.pk])
    client = signed_in(by)
    client.get(address)
    del client.cookies["sessionid"]  # it expired
    client.post(address, edited(customer, company_name="Typed long ago"))
    update_customer(by=by, customer=customer, version=1, details={"company_name": "Theirs"})
    client.force_login(by)
    text = client.get(address).content.decode()
    assert 'value="Typed long ago"' in text
    assert 'name="version" value="1"' in text


# The forms -------------------------------------------------------------------


def forms_for(details: dict[str, str]) -> tuple[CompanyForm, ContactForm]:
    """The two forms as somebody sends them for a new customer."""
    account = make_account()
    typed = details | {"domain_prefix": details["domain"].partition(".")[0]}
    return CompanyForm(typed, account=account), ContactForm(typed)


def test_what_the_forms_read_is_what_the_services_take() -> None:
    details = customer_details()
    company, contact = forms_for(details)
    assert both_valid(company, contact)
    assert company.details() | contact.details() == details


def test_the_accounts_own_country_stands_first_and_is_chosen() -> None:
    form = CompanyForm(account=make_account(country="JP"))
    codes = [code for code, _name in form.fields["country"].choices]
    assert codes[0] == form["country"].value() == "JP"
    assert set(codes) == set(RULES)
    assert form["language"].value() == "ja"


def test_a_taken_domain_is_said_at_its_field() -> None:
    details = customer_details()
    make_customer(make_staff(), domain=details["domain"])
    company, contact = forms_for(details)
    assert not both_valid(company, contact)
    assert company.errors["domain_prefix"] == ["This domain is taken. Choose another one."]


@pytest.mark.parametrize("code", sorted(RULES))
def test_every_country_says_what_its_addresses_need(code: str) -> None:
    company, contact = forms_for(customer_details(country=code, city="", region="", postal_code="", contact_phone=""))
    rules = RULES[code]
    missing = {
        name
        for name, needed in (("city", rules.city_required), ("region", rules.region_required), ("postal_code", rules.postal_required))
        if needed
    }
    assert both_valid(company, contact) == (not missing)
    assert set(company.errors) == missing


def test_choosing_a_country_shows_what_its_addresses_need_and_keeps_what_was_typed() -> None:
    answer = signed_in(make_staff()).post(reverse("address_fields"), {"country": "US", "city": "Redmond", "region": "wa"})
    text = answer.content.decode()
    assert "98052" in text
    assert 'value="Redmond"' in text
    assert "<select" in text
    assert "Enter the" not in text


@pytest.mark.parametrize("fields", [{}, {"country": "ZZ"}, {"country": "US", "region": "Nowhere"}])
def test_choosing_no_known_country_breaks_nothing(fields: dict[str, Any]) -> None:
    assert signed_in(make_staff()).post(reverse("address_fields"), fields).status_code == 200


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("fresh", "fresh.onmicrosoft.com is free."),
        ("TAKEN", "is taken"),
        ("no-sign", "letters and numbers"),
        ("", ""),
        ("x" * 900, "letters"),
    ],
)
def test_a_domain_is_looked_up_while_it_is_typed(typed: str, words: str) -> None:
    by = make_staff()
    make_customer(make_staff(), domain="taken.onmicrosoft.com")
    text = page(by, "domain_check", domain_prefix=typed)
    assert words in text
    assert bool(text.strip()) == bool(typed)
