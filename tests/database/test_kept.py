"""The database keeps counts and names in step with whatever is written, by whichever way."""

import threading

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Count

from agreements.kept import FOLDED_FROM
from agreements.models import Standing, StandingCount
from agreements.services import miscounted, withdraw_acceptance
from customers.models import Customer
from customers.services import update_customer
from tests.factories import confirm, make_account, make_customer, make_staff


def counted(account) -> dict[int, int]:
    """The customers of the account at each rank, counted one by one."""
    return dict(Standing.objects.filter(account=account).values_list("rank").annotate(number=Count("pk")).order_by())


@pytest.mark.django_db
def test_counts_follow_customers_confirmations_and_withdrawals():
    admin = make_staff()
    customers = [make_customer(admin) for _ in range(3)]
    assert StandingCount.objects.by_rank(admin.account_id) == {0: 3}
    acceptance = confirm(admin, customers[0])
    confirm(admin, customers[1])
    assert StandingCount.objects.by_rank(admin.account_id) == {0: 1, 2: 2}
    withdraw_acceptance(by=admin, acceptance=acceptance, reason="Wrong customer")
    assert StandingCount.objects.by_rank(admin.account_id) == {0: 2, 2: 1}
    assert miscounted() == []


@pytest.mark.django_db
def test_counts_follow_statements_that_go_past_the_services():
    admin, other = make_staff(), make_account()
    customers = [make_customer(admin) for _ in range(4)]
    Standing.objects.filter(customer__in=customers[:2]).update(account=other)
    Standing.objects.filter(customer=customers[2]).delete()
    Standing.objects.bulk_create([Standing.of(customers[2])])
    with pytest.raises(IntegrityError), transaction.atomic():
        Standing.objects.filter(customer=customers[3]).update(rank=1)
    assert StandingCount.objects.by_rank(admin.account_id) == {0: 2}
    assert StandingCount.objects.by_rank(other.pk) == {0: 2}
    assert miscounted() == []


@pytest.mark.django_db
def test_many_changes_leave_few_rows_to_add_up():
    admin = make_staff()
    for _ in range(FOLDED_FROM + 5):
        make_customer(admin)
    assert StandingCount.objects.by_rank(admin.account_id) == {0: FOLDED_FROM + 5}
    assert StandingCount.objects.filter(account=admin.account).count() < FOLDED_FROM


@pytest.mark.django_db
def test_a_new_name_moves_the_standing_in_its_order():
    admin = make_staff()
    customer = make_customer(admin, company_name="Alpha")
    details = {name: str(getattr(customer, name)) for name in (*Customer.COMPANY_FIELDS, *Customer.CONTACT_FIELDS)}
    update_customer(by=admin, customer=customer, version=1, details=details | {"company_name": "Zeta"})
    assert Standing.objects.get(customer=customer).name_key == "zeta"
    Customer.objects.filter(pk=customer.pk).update(name_key="omega")
    assert Standing.objects.get(customer=customer).name_key == "omega"


@pytest.mark.django_db(transaction=True)
def test_people_who_work_at_the_same_time_are_all_counted_and_none_waits_for_anothers_count():
    admin = make_staff()
    customers = [make_customer(admin) for _ in range(8)]
    # An open transaction has changed the account's counts and holds on to them.
    hold = connection.vendor == "postgresql"  # SQLite has one writer at a time
    failures: list[BaseException] = []

    def work(mine) -> None:
        try:
            for customer in mine:
                for _ in range(FOLDED_FROM // 8):
                    withdraw_acceptance(by=admin, acceptance=confirm(admin, customer), reason="Wrong customer")
                confirm(admin, customer)
                update_customer(by=admin, customer=customer, version=None, details={"company_name": f"Again {customer.company_name}"})
        except BaseException as error:  # whatever it is, the test must see it
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(customers[i * 2 : i * 2 + 2],)) for i in range(3)]
    with transaction.atomic():
        if hold:
            confirm(admin, customers[7])
        else:
            transaction.set_rollback(True)
        if hold:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(timeout=60)
            assert not any(thread.is_alive() for thread in threads), "somebody waits for the open transaction"
    if not hold:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
    assert failures == []
    assert StandingCount.objects.by_rank(admin.account_id) == counted(admin.account)
    assert miscounted() == []
