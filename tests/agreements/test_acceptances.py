"""What is recorded when somebody confirms an acceptance, and what is refused (R1–R6, V5)."""

import datetime as dt
import uuid

import pytest
import time_machine
from django.core.exceptions import ValidationError

from agreements.errors import AgreementNotApplicable, AlreadyConfirmed, AlreadyWithdrawn, NewerTemplate
from agreements.known_templates import CLOUD_AGREEMENT, CUSTOMER_AGREEMENT
from agreements.models import Acceptance, Standing, Via, Withdrawal
from agreements.services import Person, confirm_acceptance, import_acceptances, withdraw_acceptance
from mca_portal.staff.models import Cloud
from orders.models import Order
from tests.factories import confirm, make_account, make_customer, make_order, make_staff, publish

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin():
    return make_staff()


@pytest.fixture
def customer(admin):
    return make_customer(admin)


def refusals(admin, customer, **changed) -> dict[str, list[str]]:
    """The fields that a confirmation with these changes is refused for, each with the codes; nothing is written."""
    with pytest.raises(ValidationError) as caught:
        confirm(admin, customer, **changed)
    assert not Acceptance.objects.exists()
    return {field: [error.code for error in errors] for field, errors in caught.value.error_dict.items()}


def test_an_acceptance_says_who_accepted_when_and_who_recorded_it_by_which_way(admin, customer):
    record = confirm(
        admin, customer, first_name=" Tania ", last_name="Carr", email="Tania.Carr@Customer.EXAMPLE", phone="02-555-0142", via=Via.API
    )
    record.refresh_from_db()
    assert (record.first_name, record.last_name, record.email) == ("Tania", "Carr", "Tania.Carr@customer.example")
    assert record.phone == "+8225550142"
    assert record.template_id == CUSTOMER_AGREEMENT
    assert (record.recorded_by, record.via, record.agreed_on) == (admin, "api", admin.account.local_today())


def test_the_phone_number_is_optional(admin, customer):
    assert confirm(admin, customer, phone="").phone == ""


# The date (R2) ---------------------------------------------------------------------------------------------------------


@time_machine.travel(dt.datetime(2026, 3, 9, 15, 30, tzinfo=dt.UTC), tick=False)
def test_half_past_midnight_in_seoul_takes_todays_date_although_utc_is_on_yesterday(admin, customer):
    assert confirm(admin, customer, agreed_on=dt.date(2026, 3, 10)).agreed_on == dt.date(2026, 3, 10)


@time_machine.travel(dt.datetime(2026, 3, 9, 15, 30, tzinfo=dt.UTC), tick=False)
def test_tomorrow_in_seoul_is_refused(admin, customer):
    assert refusals(admin, customer, agreed_on=dt.date(2026, 3, 11)) == {"agreed_on": ["future"]}


@pytest.mark.parametrize(("day", "right"), [(10, True), (9, True), (11, False)])
@time_machine.travel(dt.datetime(2026, 3, 10, 0, 0, tzinfo=dt.UTC), tick=False)
def test_eight_in_the_evening_in_new_york_takes_the_day_that_utc_is_on(day, right):
    admin = make_staff(make_account(time_zone="America/New_York", country="US"))
    customer = make_customer(admin)
    agreed_on = dt.date(2026, 3, day)
    if right:
        assert confirm(admin, customer, agreed_on=agreed_on).agreed_on == agreed_on
    else:
        assert refusals(admin, customer, agreed_on=agreed_on) == {"agreed_on": ["future"]}


def test_a_date_before_the_programme_is_a_typing_mistake(admin, customer):
    assert refusals(admin, customer, agreed_on=dt.date(2013, 12, 31)) == {"agreed_on": ["before_programme"]}
    assert confirm(admin, customer, agreed_on=dt.date(2014, 1, 1)).pk


# The person (R6) -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["محمد", "דוד", "길동", "Ægir", "Ng", "José María", "O'Brien", "نیک‌پور", "x" * 50])
def test_a_name_may_be_of_any_script(admin, customer, name):
    assert confirm(admin, customer, last_name=f"  {name}\t").last_name == name


@pytest.mark.parametrize("name", ["", "   ", "\u200b", "\u3000", "🙂", "🙂🙂", "...", "\u202e"])
def test_a_name_without_a_letter_is_refused(admin, customer, name):
    assert list(refusals(admin, customer, first_name=name)) == ["first_name"]


def test_a_name_of_more_than_fifty_characters_is_refused(admin, customer):
    assert refusals(admin, customer, last_name="x" * 300) == {"last_name": ["max_length"]}


@pytest.mark.parametrize("typed", ["Ta\u200bnia", "\u202eTania", "Tania\ufeff", "Tania\x07"])
def test_a_name_keeps_no_sign_that_nobody_sees(admin, customer, typed):
    assert confirm(admin, customer, first_name=typed).first_name == "Tania"


@pytest.mark.parametrize(
    "email",
    [
        "",
        "tania",
        "tania@",
        "@customer.example",
        "Tania Carr <tania@customer.example>",
        "a@b",
        "a b@c.example",
        "홍길동@예시.한국",
        "a" * 300,
    ],
)
def test_an_email_address_is_an_address_and_nothing_more(admin, customer, email):
    assert list(refusals(admin, customer, email=email)) == ["email"]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("010-1234-5678", "+821012345678"), ("+1 425 882 8080", "+14258828080"), ("＋82 2 555 0142", "+8225550142"), (" ", "")],
)
def test_a_phone_number_is_of_the_customers_country_or_international(admin, customer, typed, kept):
    assert confirm(admin, customer, phone=typed).phone == kept


@pytest.mark.parametrize("phone", ["020 7946 0958", "650 253 0000", "12", "+82", "abc", "02-555-0142 ext. 7", "+999 1234567", "0" * 400])
def test_a_number_of_another_country_without_plus_or_no_number_at_all_is_refused(admin, customer, phone):
    assert refusals(admin, customer, phone=phone) == {"phone": ["invalid_phone"]}


def test_every_mistake_is_named_at_once(admin, customer):
    found = refusals(admin, customer, first_name="", last_name=" ", email="x", phone="1", agreed_on=dt.date(2999, 1, 1))
    assert set(found) == {"first_name", "last_name", "email", "phone", "agreed_on"}


# The template (V5) -----------------------------------------------------------------------------------------------------


def test_a_confirmation_of_a_text_that_is_no_longer_the_latest_is_refused_and_names_the_latest(admin, customer):
    newer = publish()
    with pytest.raises(NewerTemplate) as caught:
        confirm_acceptance(
            by=admin,
            customer=customer,
            person=Person("Tania", "Carr", "tania@customer.example"),
            agreed_on=admin.account.local_today(),
            template_id=CUSTOMER_AGREEMENT,
            via=Via.PORTAL,
        )
    assert caught.value.latest == newer
    assert not Acceptance.objects.exists()


@pytest.mark.parametrize("template_id", [CLOUD_AGREEMENT, uuid.UUID(int=0)])
def test_an_older_or_unknown_template_cannot_be_confirmed(admin, customer, template_id):
    with pytest.raises(NewerTemplate):
        confirm_acceptance(
            by=admin,
            customer=customer,
            person=Person("Tania", "Carr", "tania@customer.example"),
            agreed_on=admin.account.local_today(),
            template_id=template_id,
            via=Via.PORTAL,
        )
    assert not Acceptance.objects.exists()


@pytest.mark.parametrize("cloud", [Cloud.CHINA, Cloud.GERMANY, Cloud.US_GOVERNMENT])
def test_where_the_agreement_does_not_apply_there_is_nothing_to_confirm(cloud):
    admin = make_staff(make_account(cloud=cloud))
    customer = make_customer(admin)
    with pytest.raises(AgreementNotApplicable):
        confirm(admin, customer)
    assert not Acceptance.objects.exists()


# The same again (R4) ---------------------------------------------------------------------------------------------------


def test_the_same_person_again_is_refused_and_names_the_record_whatever_the_date(admin, customer):
    first = confirm(admin, customer, phone="02-555-0142")
    with pytest.raises(AlreadyConfirmed) as caught:
        confirm(
            admin,
            customer,
            first_name="  Tania",
            email="TANIA.CARR@customer.example",
            phone="+82 2 555 0142",
            agreed_on=admin.account.local_today() - dt.timedelta(days=3),
        )
    assert caught.value.acceptance == first
    assert Acceptance.objects.count() == 1


@pytest.mark.parametrize(
    "changed", [{"first_name": "Other"}, {"last_name": "Other"}, {"email": "other@customer.example"}, {"phone": "010-1234-5678"}]
)
def test_another_detail_is_another_confirmation_that_supersedes_the_first(admin, customer, changed):
    first = confirm(admin, customer)
    second = confirm(admin, customer, **changed)
    assert Standing.objects.get(customer=customer).acceptance == second
    assert list(Acceptance.objects.filter(customer=customer).history()) == [second, first]


def test_the_same_person_may_confirm_for_another_customer_and_for_a_newer_template(admin, customer):
    confirm(admin, customer)
    confirm(admin, make_customer(admin))
    publish()
    confirm(admin, customer)
    assert Acceptance.objects.count() == 3


def test_after_a_withdrawal_the_same_person_may_be_confirmed_again(admin, customer):
    withdraw_acceptance(by=admin, acceptance=confirm(admin, customer), reason="Mistake")
    again = confirm(admin, customer)
    assert Standing.objects.get(customer=customer).acceptance == again


# Withdrawing (R5) ------------------------------------------------------------------------------------------------------


def test_a_withdrawn_record_stays_and_says_who_withdrew_it_and_why(admin, customer):
    record = confirm(admin, customer)
    order = make_order(admin, customer)
    other = make_staff(admin.account)
    withdraw_acceptance(by=other, acceptance=record, reason="  Wrong \n customer ")
    record = Acceptance.objects.get()
    assert record.is_withdrawn
    assert (record.withdrawal.reason, record.withdrawal.withdrawn_by) == ("Wrong customer", other)
    assert Order.objects.get(pk=order.pk).acceptance == record


def test_a_record_is_withdrawn_once(admin, customer):
    record = confirm(admin, customer)
    withdraw_acceptance(by=admin, acceptance=record, reason="Mistake")
    with pytest.raises(AlreadyWithdrawn):
        withdraw_acceptance(by=admin, acceptance=record, reason="Again")
    assert Withdrawal.objects.count() == 1


@pytest.mark.parametrize("reason", ["", "  ", "…", "🙂", "x" * 501])
def test_a_withdrawal_needs_a_reason(admin, customer, reason):
    record = confirm(admin, customer)
    with pytest.raises(ValidationError) as caught:
        withdraw_acceptance(by=admin, acceptance=record, reason=reason)
    assert list(caught.value.error_dict) == ["reason"]
    assert not Withdrawal.objects.exists()
    assert Standing.objects.get(customer=customer).acceptance == record


def test_a_customer_falls_back_to_the_acceptance_of_the_highest_version(admin, customer):
    older = confirm(admin, customer)
    publish()
    newer = confirm(admin, customer)
    withdraw_acceptance(by=admin, acceptance=newer, reason="Mistake")
    standing = Standing.objects.get(customer=customer)
    assert (standing.rank, standing.acceptance) == (2, older)


def test_withdrawing_an_older_record_leaves_the_standing_as_it_is(admin, customer):
    older = confirm(admin, customer)
    newer = confirm(admin, customer, first_name="Other")
    withdraw_acceptance(by=admin, acceptance=older, reason="Mistake")
    assert Standing.objects.get(customer=customer).acceptance == newer


def test_an_import_passes_over_what_is_on_record_with_the_same_details() -> None:
    by = make_staff()
    known, new = make_customer(by), make_customer(by)
    confirm(by, known, email="tania.carr@customer.example")
    person = Person("Tania", "Carr", "Tania.Carr@customer.example")
    rows = [(customer, person, dt.date(2026, 1, 15)) for customer in (known, new)]
    recorded = import_acceptances(by=by, rows=rows, template_id=CUSTOMER_AGREEMENT)
    assert [acceptance.customer for acceptance in recorded] == [new]
    assert Acceptance.objects.filter(customer=known).count() == 1
