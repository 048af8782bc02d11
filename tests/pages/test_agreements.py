"""The pages of the agreement: confirm, look back, withdraw, and the versions that there are."""

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agreements.models import Acceptance, AgreementTemplate, Withdrawal
from agreements.services import withdraw_acceptance
from customers.models import Customer
from mca_portal.staff.models import Cloud, PartnerAccount, PartnerType, StaffMember
from mca_portal.staff.roles import Role
from tests.factories import confirm, make_account, make_customer, make_staff, publish

pytestmark = pytest.mark.django_db


def signed_in(person: StaffMember) -> Client:
    """A browser in which `person` has signed in."""
    client = Client()
    client.force_login(person)
    return client


def typed(customer: Customer, **changes: str) -> dict[str, str]:
    """What the update form holds, right in every field, with changes."""
    fields = {
        "template_id": str(AgreementTemplate.objects.versions_for(customer.account).latest.pk),
        "agreed_on": "2026-01-15",
        "first_name": "Tania",
        "last_name": "Carr",
        "email": "tania.carr@customer.example",
        "phone": "",
    } | changes
    return {f"mca-{name}": value for name, value in fields.items() if name not in ("next", "fill")} | {
        name: value for name, value in fields.items() if name in ("next", "fill")
    }


def save(by: StaffMember, customer: Customer, *, follow: bool = False, **changes: str) -> HttpResponse:
    """Press Save and continue."""
    return signed_in(by).post(reverse("agreement", args=[customer.pk]), typed(customer, **changes), follow=follow)  # type: ignore[return-value]


def account_info(person: StaffMember, customer: Customer) -> str:
    """Account info as `person` sees it."""
    return signed_in(person).get(reverse("customer", args=[customer.pk])).content.decode()


# Confirming (F2) -------------------------------------------------------------


def test_update_opens_an_empty_form_with_the_latest_version_and_its_text() -> None:
    by = make_staff()
    customer = make_customer(by)
    text = signed_in(by).get(reverse("agreement", args=[customer.pk])).content.decode()
    latest = AgreementTemplate.objects.versions_for(customer.account).latest
    assert latest.link in text
    assert f"Latest version: {latest.name}" in text
    assert 'value="Tania"' not in text
    assert "Fill in the primary contact" in text


def test_the_primary_contact_is_filled_in_and_nothing_is_recorded() -> None:
    by = make_staff()
    customer = make_customer(by)
    answer = save(by, customer, fill="contact", first_name="", last_name="", email="", agreed_on="2026-02-03")
    text = answer.content.decode()
    assert answer.status_code == 200
    for value in ("Tania", "Carr", "tania.carr@customer.example", "2026-02-03"):
        assert f'value="{value}"' in text
    assert not Acceptance.objects.exists()


@time_machine.travel("2026-11-23T03:00:00Z", tick=False)
def test_save_and_continue_records_names_what_was_recorded_and_shows_who_and_when() -> None:
    by = make_staff(None, Role.SALES_AGENT)
    customer = make_customer(by)
    text = save(by, customer, phone="02-555-0142", follow=True).content.decode()
    assert "Recorded: Tania Carr accepted the Microsoft customer agreement" in text
    for fact in ("15 Jan 2026", "+82 2-555-0142", "tania.carr@customer.example", "23 Nov 2026 12:00", by.get_full_name(), "Portal"):
        assert fact in text, fact
    assert "Confirmation has not been provided." not in text
    assert "Confirmed." in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"agreed_on": "2999-01-01"}, "must be today or earlier"),
        ({"agreed_on": "2013-12-31"}, "1 January 2014 or later"),
        ({"agreed_on": "soon"}, "Enter a real date"),
        ({"agreed_on": ""}, "Enter the date on which the customer accepted."),
        ({"first_name": ""}, "Enter the first name"),
        ({"email": "nobody"}, "name@example.com"),
        ({"phone": "12"}, "international one that starts with +"),
        ({"template_id": "x"}, ""),
    ],
)
def test_a_mistake_is_said_and_nothing_is_recorded(changes: dict[str, str], words: str) -> None:
    by = make_staff()
    customer = make_customer(by)
    answer = save(by, customer, **changes)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert words in text
    assert "<title>Error:" in text
    assert 'value="Carr"' in text
    assert not Acceptance.objects.exists()


def test_the_same_details_again_are_refused_kindly() -> None:
    by = make_staff()
    customer = make_customer(by)
    confirm(by, customer)
    answer = save(by, customer)
    assert answer.status_code == 422
    assert "already confirmed with these details" in answer.content.decode()
    assert Acceptance.objects.count() == 1


def test_a_version_published_meanwhile_is_named_and_confirmed_only_after_it_was_shown() -> None:
    by = make_staff()
    customer = make_customer(by)
    old = typed(customer)
    newer = publish("Harvest 2026")
    client = signed_in(by)
    answer = client.post(reverse("agreement", args=[customer.pk]), old)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "Harvest 2026, was published meanwhile" in text
    assert f'value="{newer.pk}"' in text
    assert 'value="tania.carr@customer.example"' in text
    assert not Acceptance.objects.exists()
    assert client.post(reverse("agreement", args=[customer.pk]), old | {"mca-template_id": str(newer.pk)}).status_code == 302
    assert Acceptance.objects.get().template == newer


def test_saving_goes_on_to_a_page_of_the_portal() -> None:
    by = make_staff()
    customer = make_customer(by)
    onward = reverse("customers") + "?q=x"
    text = signed_in(by).get(reverse("agreement", args=[customer.pk]), {"next": onward}).content.decode()
    assert f'name="next" value="{onward}"' in text
    assert save(by, customer, next=onward).headers["Location"] == onward


@pytest.mark.parametrize(
    "onward", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "\t//evil.example"]
)
def test_saving_never_leads_to_another_site(onward: str) -> None:
    by = make_staff()
    customer = make_customer(by)
    assert save(by, customer, next=onward).headers["Location"] == reverse("customer", args=[customer.pk])


def test_in_a_cloud_without_the_agreement_nothing_is_recorded() -> None:
    by = make_staff(make_account(cloud=Cloud.US_GOVERNMENT))
    customer = make_customer(by)
    assert save(by, customer).status_code == 404
    assert not Acceptance.objects.exists()


@pytest.mark.parametrize("role", [Role.HELPDESK_AGENT])
def test_who_may_not_confirm_is_not_offered_it_and_told_who_may(role: Role) -> None:
    admin = make_staff()
    other = make_staff(admin.account, role)
    customer = make_customer(admin)
    assert reverse("agreement", args=[customer.pk]) not in account_info(other, customer)
    answer = save(other, customer)
    assert answer.status_code == 403
    assert "Sales agent" in answer.content.decode()


# Looking back (F4, R3) -------------------------------------------------------


def test_a_newer_version_is_announced_with_its_day_and_then_shuts_orders() -> None:
    by = make_staff(make_account(time_zone="UTC"))
    customer = make_customer(by)
    with time_machine.travel("2026-11-23T03:00:00Z", tick=False):
        confirm(by, customer)
        publish("Harvest 2026", required_in_days=9)
        text = account_info(by, customer)
        assert "Reconfirmation due by" in text
        assert "2 Dec 2026" in text
    with time_machine.travel("2026-12-02T00:00:00Z", tick=False):
        text = account_info(by, customer)
        assert "Reconfirmation required" in text
        assert "new orders can’t be placed" in text


def test_the_history_holds_every_record_the_withdrawn_ones_marked_with_reason() -> None:
    by = make_staff()
    customer = make_customer(by)
    wrong = confirm(by, customer, first_name="Wrong", last_name="Person")
    confirm(by, customer)
    withdraw_acceptance(by=by, acceptance=wrong, reason="Typed for another customer")
    text = account_info(by, customer)
    assert "Wrong Person" in text
    assert "Typed for another customer" in text
    assert "Withdrawn" in text
    assert "In force" in text


def test_a_sales_agent_is_not_offered_to_withdraw() -> None:
    admin = make_staff()
    sales = make_staff(admin.account, Role.SALES_AGENT)
    customer = make_customer(admin)
    record = confirm(admin, customer)
    address = reverse("agreement_withdraw", args=[customer.pk, record.pk])
    assert address in account_info(admin, customer)
    assert address not in account_info(sales, customer)
    assert signed_in(sales).post(address, {"reason": "No"}).status_code == 403
    assert not Withdrawal.objects.exists()


# Withdrawing (R5) ------------------------------------------------------------


def withdraw(by: StaffMember, record: Acceptance, method: str = "post", **data: Any) -> HttpResponse:
    """Open the withdraw page or press its button."""
    client = signed_in(by)
    address = reverse("agreement_withdraw", args=[record.customer_id, record.pk])
    return client.get(address) if method == "get" else client.post(address, data, follow=True)  # type: ignore[return-value]


def test_the_page_names_what_the_customer_falls_back_to() -> None:
    by = make_staff()
    customer = make_customer(by)
    only = confirm(by, customer, first_name="Earlier", last_name="Person")
    text = withdraw(by, only, "get").content.decode()
    assert "No other confirmation remains." in text
    assert "Not confirmed" in text
    later = confirm(by, customer)
    assert "falls back to the confirmation by Earlier Person" in withdraw(by, later, "get").content.decode()


def test_withdrawing_says_where_the_customer_stands_now() -> None:
    by = make_staff()
    record = confirm(by, make_customer(by))
    text = withdraw(by, record, reason="Wrong customer").content.decode()
    assert "is withdrawn" in text
    assert "now stands as: Not confirmed" in text
    assert Withdrawal.objects.get().reason == "Wrong customer"


@pytest.mark.parametrize("reason", ["", "   ", "...", "x" * 501])
def test_withdrawing_needs_a_reason_in_words(reason: str) -> None:
    by = make_staff()
    record = confirm(by, make_customer(by))
    assert withdraw(by, record, reason=reason).status_code == 422
    assert not Withdrawal.objects.exists()


def test_withdrawing_twice_changes_nothing_and_says_so() -> None:
    by = make_staff()
    record = confirm(by, make_customer(by))
    withdraw(by, record, reason="Wrong customer")
    assert "withdrawn already" in withdraw(by, record, reason="Again").content.decode()
    assert Withdrawal.objects.get().reason == "Wrong customer"


def test_a_record_of_another_customer_or_account_is_not_found() -> None:
    by = make_staff()
    mine, other = make_customer(by), make_customer(by)
    record = confirm(by, other)
    stranger = make_staff()
    for person, customer, number in ((by, mine, record.pk), (stranger, other, record.pk), (by, mine, 10**30)):
        assert signed_in(person).get(reverse("agreement_withdraw", args=[customer.pk, number])).status_code == 404


# Versions (V1-V4) ------------------------------------------------------------


def test_the_versions_page_says_which_is_the_latest_and_which_is_required() -> None:
    by = make_staff()
    newer = publish("Harvest 2026", required_in_days=30)
    publish("Not published yet", rank=4, required_in_days=60, published_in_days=30)
    answer = signed_in(by).get(reverse("agreement_versions"))
    rows = {row["template"].name: row for row in answer.context["rows"]}
    assert rows["Harvest 2026"]["latest"]
    assert not rows["Harvest 2026"]["required"]
    assert [name for name, row in rows.items() if row["required"]] == ["October 2019"]
    assert "Not published yet" not in answer.content.decode()
    assert str(newer.pk) in answer.content.decode()


def test_a_helpdesk_agent_has_no_versions_page() -> None:
    assert signed_in(make_staff(None, Role.HELPDESK_AGENT)).get(reverse("agreement_versions")).status_code == 403


def test_today_is_the_accounts_day() -> None:
    by = make_staff(make_account(time_zone="Asia/Seoul"))
    customer = make_customer(by)
    with time_machine.travel("2026-11-22T23:00:00Z", tick=False):  # 08:00 on the 23rd in Seoul
        assert save(by, customer, agreed_on="2026-11-23").status_code == 302
        assert Acceptance.objects.get().agreed_on == dt.date(2026, 11, 23)


def test_a_longer_history_asks_the_database_no_more_often() -> None:
    by = make_staff()
    customer = make_customer(by)

    def questions() -> int:
        client = signed_in(by)
        with CaptureQueriesContext(connection) as asked:
            assert client.get(reverse("customer", args=[customer.pk])).status_code == 200
        return len(asked)

    withdraw_acceptance(by=by, acceptance=confirm(by, customer), reason="Typed twice")
    confirm(by, customer)
    few = questions()
    for number in range(10):
        confirm(by, customer, first_name=f"Person {number}")
    assert questions() == few
    assert few <= 8


def test_an_indirect_reseller_is_not_offered_to_withdraw_either() -> None:
    admin = make_staff()
    record = confirm(admin, customer := make_customer(admin))
    assert "/withdraw/" in signed_in(admin).get(f"/customers/{customer.pk}/").content.decode()
    PartnerAccount.objects.filter(pk=admin.account_id).update(partner_type=PartnerType.INDIRECT_RESELLER)
    assert "/withdraw/" not in signed_in(admin).get(f"/customers/{customer.pk}/").content.decode()
    address = f"/customers/{customer.pk}/agreement/{record.pk}/withdraw/"
    for answer in (signed_in(admin).get(address), signed_in(admin).post(address, {"reason": "A mistake"})):
        assert answer.status_code == 403
        assert "Your indirect provider" in answer.content.decode()
    assert not Withdrawal.objects.exists()


def test_who_may_not_withdraw_is_told_the_one_role_that_may() -> None:
    admin = make_staff()
    record = confirm(admin, customer := make_customer(admin))
    for role in (Role.HELPDESK_AGENT, Role.SALES_AGENT):
        somebody = signed_in(make_staff(admin.account, role))
        for address in (f"/customers/{customer.pk}/agreement/{record.pk}/withdraw/", "/customers/import/"):
            assert "This is for: Admin agent. Ask a colleague" in somebody.get(address).content.decode()
