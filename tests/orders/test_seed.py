"""`manage.py seed` leaves what the services would have left."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from agreements.models import Standing
from customers.models import Customer
from orders.models import LicenseChange, Order, OrderLine, Subscription
from tests.factories import make_account, make_staff

pytestmark = pytest.mark.django_db


def seed(count: int, **options) -> str:
    out = StringIO()
    call_command("seed", customers=count, stdout=out, **options)
    return out.getvalue()


def test_seeded_customers_agree_with_their_records_and_are_all_valid():
    make_staff(make_account(name="Contoso"))
    assert "200 customers added" in seed(200, unconfirmed=10)
    out = StringIO()
    call_command("check_standings", stdout=out)
    assert "200 standings checked, 0 differ" in out.getvalue()
    assert Standing.objects.filter(rank=0).count() == 10
    for customer in Customer.objects.select_related("account")[:40]:
        before = (customer.name_key, customer.contact_phone, customer.contact_email)
        customer.full_clean()
        assert before == (customer.name_key, customer.contact_phone, customer.contact_email)
    assert not Order.objects.filter(acceptance=None).exists()
    assert OrderLine.objects.count() == Subscription.objects.count() > 0
    assert LicenseChange.objects.exists()


def test_seeding_again_adds_more():
    make_staff(make_account(name="Contoso"))
    seed(20)
    seed(20)
    assert Customer.objects.count() == 40


def test_seeding_an_unknown_account_says_so():
    with pytest.raises(CommandError, match="existing account"):
        seed(1, account="Nobody")
