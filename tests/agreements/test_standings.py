"""Where a customer stands, day by day, without any job that runs (Standing, V1–V4)."""

import datetime as dt
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from agreements.errors import AgreementNotConfirmed
from agreements.known_templates import CLOUD_AGREEMENT, CUSTOMER_AGREEMENT
from agreements.models import Acceptance, AgreementTemplate, Standing, Via
from agreements.standing import StandingWord
from mca_portal.staff.guards import install_guards, remove_guards
from mca_portal.staff.models import Cloud
from tests.factories import confirm, make_account, make_customer, make_order, make_staff, publish

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin():
    return make_staff()


@pytest.fixture
def customer(admin):
    return make_customer(admin)


def word(customer) -> StandingWord:
    """Where the customer stands now, read anew."""
    standing = Standing.objects.select_related("customer__account").get(customer=customer)
    return AgreementTemplate.objects.versions_for(standing.customer.account).word(standing.rank)


def test_the_known_templates_are_there():
    cloud, mca = (AgreementTemplate.objects.get(pk=pk) for pk in (CLOUD_AGREEMENT, CUSTOMER_AGREEMENT))
    assert (cloud.agreement_type, mca.agreement_type) == ("MicrosoftCloudAgreement", "MicrosoftCustomerAgreement")
    assert (mca.published_on, mca.required_from) == (dt.date(2019, 10, 1), dt.date(2020, 1, 31))
    assert cloud.version_rank < mca.version_rank


def test_a_new_customer_is_not_confirmed_and_a_confirmed_one_is(admin, customer):
    assert word(customer) == StandingWord.NOT_CONFIRMED
    confirm(admin, customer)
    assert word(customer) == StandingWord.CONFIRMED


def test_where_the_agreement_does_not_apply_every_standing_says_so():
    assert word(make_customer(make_staff(make_account(cloud=Cloud.CHINA)))) == StandingWord.NOT_APPLICABLE


def test_an_acceptance_of_the_cloud_agreement_counted_until_the_customer_agreement_was_required():
    with time_machine.travel(dt.datetime(2019, 9, 1, tzinfo=dt.UTC), tick=False) as clock:
        admin = make_staff()
        customer = make_customer(admin)
        assert confirm(admin, customer).template_id == CLOUD_AGREEMENT
        assert word(customer) == StandingWord.CONFIRMED
        clock.move_to(dt.datetime(2019, 10, 1, tzinfo=dt.UTC))
        assert word(customer) == StandingWord.DUE
        clock.move_to(dt.datetime(2020, 1, 30, 14, 59, 59, tzinfo=dt.UTC))
        assert word(customer) == StandingWord.DUE
        make_order(admin, customer)
        clock.move_to(dt.datetime(2020, 1, 30, 15, 0, tzinfo=dt.UTC))
        assert word(customer) == StandingWord.REQUIRED
        with pytest.raises(AgreementNotConfirmed):
            make_order(admin, customer)


@pytest.mark.parametrize(("zone", "midnight"), [("Asia/Seoul", 15), ("UTC", 24), ("America/New_York", 28), ("Pacific/Kiritimati", 10)])
def test_reconfirmation_becomes_required_at_the_accounts_own_midnight(zone, midnight):
    day_before = dt.datetime(2026, 6, 30, tzinfo=dt.UTC)
    with time_machine.travel(day_before - dt.timedelta(days=20), tick=False) as clock:
        admin = make_staff(make_account(time_zone=zone))
        customer = make_customer(admin)
        confirm(admin, customer)
        publish(required_in_days=21)
        clock.move_to(day_before + dt.timedelta(hours=midnight, seconds=-1))
        assert word(customer) == StandingWord.DUE
        clock.move_to(day_before + dt.timedelta(hours=midnight))
        assert word(customer) == StandingWord.REQUIRED


def test_a_template_published_ahead_is_not_the_latest_before_its_day(admin, customer):
    with time_machine.travel(dt.datetime(2026, 6, 1, 3, tzinfo=dt.UTC), tick=False) as clock:
        newer = publish(published_in_days=10, required_in_days=40)
        assert confirm(admin, customer).template_id == CUSTOMER_AGREEMENT
        assert word(customer) == StandingWord.CONFIRMED
        clock.move_to(dt.datetime(2026, 6, 11, 3, tzinfo=dt.UTC))
        assert word(customer) == StandingWord.DUE
        assert confirm(admin, customer).template == newer
        assert word(customer) == StandingWord.CONFIRMED


def test_the_day_from_which_an_acceptance_no_longer_counts_is_known_ahead(admin, customer):
    confirm(admin, customer)
    near = publish(rank=4, required_in_days=10)
    publish(rank=3, required_in_days=30)
    versions = AgreementTemplate.objects.versions_for(admin.account)
    assert versions.due_on(2) == near.required_from
    assert versions.due_on(4) is None


def test_the_required_rank_never_falls_back_when_a_lower_template_is_required_later(admin, customer):
    publish(rank=4, required_in_days=0)
    publish(rank=3, required_in_days=0)
    assert AgreementTemplate.objects.versions_for(admin.account).required_rank == 4
    confirm(admin, customer)
    assert word(customer) == StandingWord.CONFIRMED


def test_the_ranks_of_a_standing_are_those_that_its_customers_have():
    account = make_account()
    publish(rank=3, required_in_days=20)
    versions = AgreementTemplate.objects.versions_for(account)
    found = {word: versions.ranks(word) for word in StandingWord}
    assert found[StandingWord.NOT_CONFIRMED] == [0]
    assert found[StandingWord.CONFIRMED] == [3]
    assert found[StandingWord.DUE] == [2]
    assert found[StandingWord.REQUIRED] == [1]
    assert found[StandingWord.NOT_APPLICABLE] == []


def test_a_templates_rank_is_its_own_and_its_days_are_in_order():
    with pytest.raises(IntegrityError), transaction.atomic():
        publish(rank=2)
    template = publish()
    template.required_from = template.published_on - dt.timedelta(days=1)
    with pytest.raises(IntegrityError, match="template_required_after_publication"), transaction.atomic():
        template.save()


# check_standings -------------------------------------------------------------------------------------------------------


def check(*arguments: str) -> str:
    out = StringIO()
    call_command("check_standings", *arguments, stdout=out)
    return out.getvalue()


def test_standings_that_say_what_the_records_say_pass(admin, customer):
    confirm(admin, customer)
    make_customer(admin)
    assert "2 standings checked, 0 differ" in check()


@pytest.mark.parametrize("harm", ["raised", "emptied", "gone", "superseded", "wrong rank"])
def test_a_standing_that_was_tampered_with_is_found_and_repaired(admin, customer, harm):
    older = confirm(admin, customer)
    newer = confirm(admin, customer, first_name="Other")
    other = make_customer(admin)
    rows = Standing.objects.filter(customer=customer)
    remove_guards("default")
    try:
        if harm == "raised":
            Standing.objects.filter(customer=other).update(rank=2, acceptance=newer)
        elif harm == "emptied":
            rows.update(rank=0, acceptance=None)
        elif harm == "gone":
            rows.delete()
        elif harm == "superseded":
            rows.update(acceptance=older)
        else:
            rows.update(rank=7)
    finally:
        install_guards("default")
    with pytest.raises(CommandError):
        check()
    assert "1 differ" in check("--repair")
    assert "0 differ" in check()
    assert (Standing.objects.get(customer=customer).rank, Standing.objects.get(customer=customer).acceptance) == (2, newer)
    assert Standing.objects.get(customer=other).rank == 0


def test_an_acceptance_that_was_slipped_in_beside_the_service_is_found(admin, customer):
    Acceptance.objects.create(
        customer=customer,
        template_id=CUSTOMER_AGREEMENT,
        first_name="Tania",
        last_name="Carr",
        email="tania@customer.example",
        agreed_on=admin.account.local_today(),
        recorded_by=admin,
        via=Via.IMPORT,
    )
    with pytest.raises(CommandError):
        check()
    check("--repair")
    assert word(customer) == StandingWord.CONFIRMED
