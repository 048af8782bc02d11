"""The same bad input wherever an acceptance is confirmed (F2, F3): a message at its field, what was typed kept, nothing written."""

import datetime as dt
import html
import uuid
from collections.abc import Callable

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from agreements.known_templates import CLOUD_AGREEMENT
from agreements.models import Acceptance, AgreementTemplate, Withdrawal
from agreements.services import withdraw_acceptance
from customers.models import Customer
from mca_portal.staff.models import StaffMember
from orders.models import LicenseChange, Order
from tests.factories import confirm, license_offer, make_account, make_customer, make_staff, make_subscription

pytestmark = pytest.mark.django_db

Door = Callable[[Client, StaffMember, Customer], tuple[str, dict[str, str]]]


def account_info(tab: Client, by: StaffMember, customer: Customer) -> tuple[str, dict[str, str]]:
    """Account info, Update (F2)."""
    return reverse("agreement", args=[customer.pk]), {}


def new_order(tab: Client, by: StaffMember, customer: Customer) -> tuple[str, dict[str, str]]:
    """The prompt inside a new order (F3)."""
    offer = license_offer()
    lines = tab.get(reverse("new_order", args=[customer.pk]))["Location"]
    return tab.post(lines, {"offer": str(offer.pk), f"quantity-{offer.pk}": "2", "billing_cycle": "monthly"})["Location"], {}


def license_count(tab: Client, by: StaffMember, customer: Customer) -> tuple[str, dict[str, str]]:
    """The prompt before a license count changes (F3)."""
    record = confirm(by, customer)
    subscription = make_subscription(by, customer, quantity=5)
    withdraw_acceptance(by=by, acceptance=record, reason="A mistake")
    return reverse("license_agreement", args=[customer.pk, subscription.pk]), {"quantity": "9", "version": "1"}


@pytest.fixture
def by() -> StaffMember:
    """An Admin agent."""
    return make_staff()


@pytest.fixture
def tab(by: StaffMember) -> Client:
    """A browser in which they have signed in."""
    client = Client()
    client.force_login(by)
    return client


def typed(customer: Customer, **changes: str) -> dict[str, str]:
    """What the fields hold, right in each, with changes."""
    fields = {
        "template_id": str(AgreementTemplate.objects.versions_for(customer.account).latest.pk),
        "agreed_on": "2026-01-15",
        "first_name": "Tania",
        "last_name": "Carr",
        "email": "tania.carr@customer.example",
        "phone": "",
    }
    return {f"mca-{name}": value for name, value in (fields | changes).items()}


def written() -> tuple[int, ...]:
    """How much there is of everything that a confirmation could lead to."""
    return tuple(model.objects.count() for model in (Acceptance, Withdrawal, Order, LicenseChange))


@pytest.mark.parametrize("door", [account_info, new_order, license_count])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("agreed_on", "2999-01-01"),
        ("agreed_on", "2013-12-31"),
        ("agreed_on", "2026-02-30"),
        ("agreed_on", "0000-00-00"),
        ("agreed_on", "soon"),
        ("first_name", "   "),
        ("first_name", "\u202e\U0001f600"),
        ("last_name", "\u200b"),
        ("last_name", "x" * 300),
        ("email", "Tania Carr <tania@customer.example>"),
        ("email", "x" * 5000),
        ("phone", "206-555-0142"),
        ("phone", "tomorrow"),
    ],
)
def test_a_mistake_is_said_at_its_field_and_everything_typed_is_kept(
    tab: Client, by: StaffMember, door: Door, field: str, value: str
) -> None:
    customer = make_customer(by)
    address, more = door(tab, by, customer)
    before = written()
    answer = tab.post(address, typed(customer, **{field: value}) | more)
    page = html.unescape(answer.content.decode())
    assert answer.status_code == 422
    assert f'id="id_mca-{field}_error"' in page
    assert f'href="#id_mca-{field}"' in page, "in the summary, too"
    for name, text in typed(customer, **{field: value}).items():
        assert f'name="{name}" value="{text}"' in page or not text, name
    assert written() == before


@pytest.mark.parametrize("door", [account_info, new_order, license_count])
def test_a_form_with_nothing_in_it_is_told_what_is_missing(tab: Client, by: StaffMember, door: Door) -> None:
    address, _more = door(tab, by, make_customer(by))
    answer = tab.post(address, {})
    assert answer.status_code == 422
    assert "Enter the first name of the person who accepted." in answer.content.decode()


def test_a_name_of_signs_that_show_nothing_is_told_what_is_missing(tab: Client, by: StaffMember) -> None:
    address, _more = account_info(tab, by, customer := make_customer(by))
    page = tab.post(address, typed(customer, last_name="\u3000\u200b")).content.decode()
    assert "Enter the last name of the person who accepted." in page


@pytest.mark.parametrize("door", [account_info, new_order, license_count])
@pytest.mark.parametrize("name", ["محمد", "Ли", "김 민서", "🌊 Wave", "O’Brien <b>"])
def test_names_of_any_script_are_taken_and_shown_as_text(tab: Client, by: StaffMember, door: Door, name: str) -> None:
    customer = make_customer(by)
    address, more = door(tab, by, customer)
    assert tab.post(address, typed(customer, first_name=name) | more).status_code == 302
    assert Acceptance.objects.latest("pk").first_name == name
    assert "<b>" not in tab.get(reverse("customer", args=[customer.pk])).content.decode()


@pytest.mark.parametrize("door", [account_info, new_order, license_count])
@pytest.mark.parametrize("forged", [str(CLOUD_AGREEMENT), str(uuid.UUID(int=7)), "nonsense", ""])
def test_only_the_template_that_was_shown_can_be_confirmed(tab: Client, by: StaffMember, door: Door, forged: str) -> None:
    customer = make_customer(by)
    address, more = door(tab, by, customer)
    before = written()
    answer = tab.post(address, typed(customer, template_id=forged) | more)
    assert answer.status_code == 422
    assert "latest version of the agreement" in answer.content.decode() or "was published meanwhile" in answer.content.decode()
    assert written() == before


@pytest.mark.parametrize("door", [account_info, new_order, license_count])
def test_ids_that_no_form_asks_for_are_not_read(tab: Client, by: StaffMember, door: Door) -> None:
    customer, other = make_customer(by), make_customer(by)
    foreign = make_customer(make_staff())
    address, more = door(tab, by, customer)
    forged = {f"{prefix}{name}": str(who.pk) for prefix in ("", "mca-") for name in ("customer", "customer_id") for who in (other, foreign)}
    forged |= {"acceptance": "1", "acceptance_id": "1", "mca-recorded_by": "1", "account": str(foreign.account_id)}
    assert tab.post(address, forged | typed(customer) | more).status_code == 302
    assert set(Acceptance.objects.values_list("customer", "recorded_by")) == {(customer.pk, by.pk)}


@pytest.mark.parametrize("door", [account_info, new_order, license_count])
@pytest.mark.parametrize(
    ("zone", "now", "latest"),
    [
        ("Asia/Seoul", "2026-11-22T15:30", "2026-11-23"),  # 00:30 in Seoul, still the 22nd in UTC
        ("America/New_York", "2026-11-23T01:00", "2026-11-23"),  # 20:00 on the 22nd in New York, the 23rd in UTC
    ],
)
def test_today_is_the_later_of_the_accounts_day_and_the_day_in_utc(door: Door, zone: str, now: str, latest: str) -> None:
    with time_machine.travel(dt.datetime.fromisoformat(now).replace(tzinfo=dt.UTC), tick=False):
        by = make_staff(make_account(time_zone=zone))
        tab = Client()
        tab.force_login(by)
        customer = make_customer(by)
        address, more = door(tab, by, customer)
        tomorrow = (dt.date.fromisoformat(latest) + dt.timedelta(days=1)).isoformat()
        refused = tab.post(address, typed(customer, agreed_on=tomorrow) | more)
        assert refused.status_code == 422
        assert f'max="{latest}"' in refused.content.decode()
        assert tab.post(address, typed(customer, agreed_on=latest) | more).status_code == 302


@pytest.mark.parametrize("quantity", ["0", "-1", "1000000000000", "1e3", "9" * 400])
def test_a_wrong_license_count_in_the_prompt_is_said_and_the_confirmation_waits_for_it(tab: Client, by: StaffMember, quantity: str) -> None:
    customer = make_customer(by)
    address, more = license_count(tab, by, customer)
    before = written()
    answer = tab.post(address, typed(customer) | more | {"quantity": quantity})
    assert answer.status_code == 422
    assert "Enter a" in answer.content.decode()
    assert 'value="Carr"' in answer.content.decode()
    assert written() == before


@pytest.mark.parametrize("route", ["customers", "orders"])
@pytest.mark.parametrize("of_customer", [False, True])
@pytest.mark.parametrize("cursor", ["nonsense", "WyJuIiwgIngiLCAieSJd", "%00", "x" * 5000, "=" * 9, "bnVsbA=="])
def test_a_broken_place_in_a_list_is_not_found(tab: Client, by: StaffMember, route: str, of_customer: bool, cursor: str) -> None:
    routes = {"customers": "subscriptions", "orders": "customer_orders"}
    address = reverse(routes[route], args=[make_customer(by).pk]) if of_customer else reverse(route)
    assert tab.get(f"{address}?cursor={cursor}").status_code in (400, 404)
