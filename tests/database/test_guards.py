"""What the database itself refuses, whoever asks and by whichever way (R3, G5): every statement here goes past the services."""

import datetime as dt
from io import StringIO

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from agreements.models import Acceptance, AgreementTemplate, Standing, Withdrawal
from agreements.services import withdraw_acceptance
from mca_portal.staff.guards import GUARDS, check_guards, install_guards, missing_guards, remove_guards
from mca_portal.staff.models import Activity, Cloud
from mca_portal.staff.services import note_sign_in
from orders.models import LicenseChange, Offer, Order, Subscription
from orders.services import change_license_count
from tests.factories import confirm, make_account, make_customer, make_order, make_staff, make_subscription

pytestmark = pytest.mark.django_db

on_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="INSERT OR REPLACE is SQLite's")
on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="TRUNCATE is PostgreSQL's")


@pytest.fixture
def admin():
    return make_staff()


@pytest.fixture
def acceptance(admin):
    return confirm(admin, make_customer(admin))


@pytest.fixture
def withdrawal(admin, acceptance):
    return withdraw_acceptance(by=admin, acceptance=acceptance, reason="Wrong customer")


@pytest.fixture
def change(admin, acceptance):
    subscription = make_subscription(admin, acceptance.customer, quantity=5)
    change_license_count(by=admin, subscription=subscription, quantity=6, version=1)
    return LicenseChange.objects.get()


@pytest.fixture
def activity(admin):
    note_sign_in(by=admin)
    return Activity.objects.get()


@pytest.fixture
def log_entry(admin):
    return LogEntry.objects.log_actions(admin.pk, [admin.account], CHANGE, "name: A → B", single_object=True)


def run(sql: str, *values: object) -> None:
    """Run one statement in a savepoint."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)


def refused(guard: str, sql: str, *values: object) -> None:
    """The database refuses the statement by this guard."""
    with pytest.raises(IntegrityError, match=guard):
        run(sql, *values)


KEPT = {
    "staff_activity": ("activity", "id", "action = 'X'"),
    "django_admin_log": ("log_entry", "id", "object_repr = 'X'"),
    "agreements_acceptance": ("acceptance", "id", "first_name = 'X'"),
    "agreements_withdrawal": ("withdrawal", "acceptance_id", "reason = 'X'"),
    "orders_licensechange": ("change", "id", "to_quantity = 77"),
}


def contents(table: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table}")
        return cursor.fetchall()


def columns(table: str) -> list[str]:
    with connection.cursor() as cursor:
        return [column.name for column in connection.introspection.get_table_description(cursor, table)]


@pytest.mark.parametrize("table", KEPT)
def test_a_record_cannot_be_edited(request, table):
    record, key, change = KEPT[table]
    pk = request.getfixturevalue(record).pk
    before = contents(table)
    refused(f"{table}_no_update", f"UPDATE {table} SET {change} WHERE {key} = %s", pk)
    assert contents(table) == before


@pytest.mark.parametrize("table", KEPT)
def test_a_record_cannot_be_deleted(request, table):
    record, key, _change = KEPT[table]
    pk = request.getfixturevalue(record).pk
    refused(f"{table}_no_delete", f"DELETE FROM {table} WHERE {key} = %s", pk)
    assert len(contents(table)) == 1


@pytest.mark.parametrize("table", KEPT)
def test_a_record_cannot_be_written_over_by_an_upsert(request, table):
    record, key, change = KEPT[table]
    request.getfixturevalue(record)
    before, names = contents(table), columns(table)
    marks = ", ".join(["%s"] * len(names))
    with pytest.raises(IntegrityError, match=f"{table}_no_"):
        run(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks}) ON CONFLICT ({key}) DO UPDATE SET {change}", *before[0])
    assert contents(table) == before


@on_sqlite
@pytest.mark.parametrize("table", KEPT)
@pytest.mark.parametrize("verb", ["INSERT OR REPLACE INTO", "REPLACE INTO"])
def test_a_record_cannot_be_replaced(request, table, verb):
    request.getfixturevalue(KEPT[table][0])
    before, names = contents(table), columns(table)
    refused(f"{table}_no_replace", f"{verb} {table} ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))})", *before[0])
    assert contents(table) == before


@on_sqlite
def test_a_license_change_cannot_be_replaced_by_another_of_the_same_version(change):
    refused(
        "orders_licensechange_no_replace",
        "INSERT OR REPLACE INTO orders_licensechange (subscription_id, version, from_quantity, to_quantity, acceptance_id, changed_at, "
        "changed_by_id) "
        "SELECT subscription_id, version, from_quantity, 99, acceptance_id, changed_at, changed_by_id FROM orders_licensechange",
    )
    assert LicenseChange.objects.get().to_quantity == 6


@on_sqlite
def test_a_withdrawal_cannot_be_replaced_by_its_place_in_the_file(admin, acceptance, withdrawal):
    other = confirm(admin, acceptance.customer, first_name="Other")
    refused(
        "agreements_withdrawal_no_replace",
        "INSERT OR REPLACE INTO agreements_withdrawal (rowid, acceptance_id, reason, withdrawn_at, withdrawn_by_id) "
        f"SELECT rowid, {other.pk}, reason, withdrawn_at, withdrawn_by_id FROM agreements_withdrawal",
    )
    assert Withdrawal.objects.get() == withdrawal


@on_postgresql
@pytest.mark.parametrize("table", [*KEPT, "customers_customer"])
def test_records_cannot_be_truncated_away_not_even_with_their_customers(request, table):
    for record in ("withdrawal", "acceptance"):
        request.getfixturevalue(record)
    run("SET CONSTRAINTS ALL IMMEDIATE")  # TRUNCATE refuses a table with checks still waiting, whatever guards it
    with pytest.raises(IntegrityError, match="no_truncate"):
        run(f"TRUNCATE {table} CASCADE")
    assert Withdrawal.objects.count() == Acceptance.objects.count() == 1
    assert Activity.objects.filter(topic="agreements").count() == 2


@pytest.mark.parametrize(
    "way",
    [
        lambda record: Acceptance.objects.filter(pk=record.pk).update(first_name="X"),
        lambda record: Acceptance.objects.bulk_update([record], ["first_name"]),
        lambda record: record.save(),
    ],
    ids=["update", "bulk_update", "save"],
)
def test_a_record_cannot_be_edited_through_the_models(acceptance, way):
    with pytest.raises(IntegrityError, match="agreements_acceptance_no_update"), transaction.atomic():
        way(acceptance)


def test_a_record_cannot_be_deleted_through_the_models(acceptance):
    Standing.objects.filter(customer=acceptance.customer).update(rank=0, acceptance=None)
    with pytest.raises(IntegrityError, match="agreements_acceptance_no_delete"), transaction.atomic():
        Acceptance.objects.all().delete()


def test_an_acceptance_cannot_lie_in_the_future_anywhere_on_earth(acceptance):
    now = timezone.now()
    acceptance.pk, acceptance.recorded_at, acceptance.agreed_on = None, now, (now + dt.timedelta(hours=14)).date() + dt.timedelta(days=1)
    with pytest.raises(IntegrityError, match="acceptance_not_in_the_future"), transaction.atomic():
        acceptance.save(force_insert=True)
    acceptance.agreed_on = (now + dt.timedelta(hours=14)).date()
    acceptance.save(force_insert=True)


def test_an_acceptance_from_before_the_programme_is_refused(acceptance):
    acceptance.pk, acceptance.agreed_on = None, dt.date(2013, 12, 31)
    with pytest.raises(IntegrityError, match="acceptance_not_before_the_programme"), transaction.atomic():
        acceptance.save(force_insert=True)


def order_fields(admin, customer, acceptance=None) -> dict:
    return {"account": admin.account, "customer": customer, "acceptance": acceptance, "billing_cycle": "monthly", "placed_by": admin}


def test_an_order_without_acceptance_is_refused(admin):
    with pytest.raises(IntegrityError, match="order_needs_its_customers_acceptance"), transaction.atomic():
        Order.objects.create(**order_fields(admin, make_customer(admin)))


def test_an_order_with_another_customers_acceptance_is_refused(admin, acceptance):
    other = make_customer(admin)
    with pytest.raises(IntegrityError, match="order_needs_its_customers_acceptance"), transaction.atomic():
        Order.objects.create(**order_fields(admin, other, acceptance))
    with pytest.raises(IntegrityError, match="order_needs_its_customers_acceptance"), transaction.atomic():
        Order.objects.bulk_create([Order(**order_fields(admin, other, acceptance))])


def test_an_order_cannot_lose_its_acceptance_or_move_to_another_customers(admin, acceptance):
    order = make_order(admin, acceptance.customer)
    other = confirm(admin, make_customer(admin))
    for change in ({"acceptance": None}, {"acceptance": other}, {"customer": other.customer}):
        with pytest.raises(IntegrityError, match="order_keeps_its_customers_acceptance"), transaction.atomic():
            Order.objects.filter(pk=order.pk).update(**change)


def test_where_the_agreement_does_not_apply_an_order_needs_none_but_takes_nobody_elses(acceptance):
    admin = make_staff(make_account(cloud=Cloud.CHINA, country="CN", time_zone="Asia/Shanghai"))
    customer = make_customer(admin)
    Order.objects.create(**order_fields(admin, customer))
    with pytest.raises(IntegrityError, match="order_needs_its_customers_acceptance"), transaction.atomic():
        Order.objects.create(**order_fields(admin, customer, acceptance))


def change_fields(admin, subscription, acceptance=None) -> dict:
    return {
        "subscription": subscription,
        "version": subscription.version + 1,
        "from_quantity": subscription.quantity,
        "to_quantity": subscription.quantity + 1,
        "acceptance": acceptance,
        "changed_by": admin,
    }


def test_a_license_change_without_acceptance_or_with_another_customers_is_refused(admin, acceptance):
    subscription = make_subscription(admin, acceptance.customer)
    other = confirm(admin, make_customer(admin))
    for named in (None, other):
        with pytest.raises(IntegrityError, match="license_change_needs_its_customers_acceptance"), transaction.atomic():
            LicenseChange.objects.create(**change_fields(admin, subscription, named))


def test_a_license_change_needs_no_acceptance_where_the_agreement_does_not_apply():
    admin = make_staff(make_account(cloud=Cloud.GERMANY, country="DE", time_zone="Europe/Berlin"))
    subscription = make_subscription(admin, make_customer(admin), quantity=5)
    assert change_license_count(by=admin, subscription=subscription, quantity=6, version=1).quantity == 6
    assert LicenseChange.objects.get().acceptance is None


def test_a_license_count_moves_only_with_its_change(admin, acceptance):
    subscription = make_subscription(admin, acceptance.customer, quantity=5)
    rows = Subscription.objects.filter(pk=subscription.pk)
    with pytest.raises(IntegrityError, match="license_count_moves_with_its_change"), transaction.atomic():
        rows.update(quantity=6)
    with pytest.raises(IntegrityError, match="license_count_moves_with_its_change"), transaction.atomic():
        rows.update(quantity=6, version=2)
    LicenseChange.objects.create(**change_fields(admin, subscription, acceptance))
    with pytest.raises(IntegrityError, match="license_count_moves_with_its_change"), transaction.atomic():
        rows.update(quantity=7, version=2)
    rows.update(quantity=6, version=2)
    with pytest.raises(IntegrityError, match="license_count_moves_with_its_change"), transaction.atomic():
        rows.update(quantity=5)


def test_a_standing_names_only_its_own_customers_acceptance(admin, acceptance):
    other = make_customer(admin)
    with pytest.raises(IntegrityError, match="standing_keeps_its_own_acceptance"), transaction.atomic():
        Standing.objects.filter(customer=other).update(rank=2, acceptance=acceptance)
    Standing.objects.filter(customer=other).delete()
    with pytest.raises(IntegrityError, match="standing_has_its_own_acceptance"), transaction.atomic():
        Standing.objects.create(customer=other, account=admin.account, rank=2, acceptance=acceptance)


def test_every_guard_is_in_place_after_migrate():
    assert missing_guards("default") == []
    assert check_guards(["default"]) == []


def test_a_missing_guard_is_reported_and_put_back():
    guard = next(guard for guard in GUARDS if guard.name == "agreements_acceptance_no_update")
    guard.remove(connection)
    assert missing_guards("default") == [guard.name]
    (warning,) = check_guards(["default"])
    assert guard.name in warning.msg
    install_guards("default")
    assert missing_guards("default") == []


@on_postgresql
def test_a_guard_that_was_switched_off_counts_as_missing():
    run("ALTER TABLE agreements_acceptance DISABLE TRIGGER agreements_acceptance_no_delete")
    assert missing_guards("default") == ["agreements_acceptance_no_delete"]


def test_all_guards_can_be_lifted_and_put_back():
    remove_guards("default")
    wanted = [guard.name for guard in GUARDS if guard.wanted_on(connection.vendor)]
    assert missing_guards("default") == wanted
    install_guards("default")
    assert missing_guards("default") == []


def test_flush_refuses_a_database_that_is_not_a_tests(monkeypatch, acceptance):
    monkeypatch.setitem(connection.settings_dict, "NAME", "/srv/portal/db.sqlite3")
    with pytest.raises(CommandError, match="evidence"):
        call_command("flush", interactive=False, stdout=StringIO())
    assert Acceptance.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_flush_between_tests_leaves_guards_and_known_rows_in_place(acceptance):
    call_command("flush", interactive=False, verbosity=0)
    assert not Acceptance.objects.exists()
    assert missing_guards("default") == []
    assert set(AgreementTemplate.objects.values_list("version_rank", flat=True)) == {1, 2}
    assert Offer.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_migrating_back_and_forth_keeps_the_guards():
    for app in ("orders", "agreements"):
        if app == "agreements":
            call_command("migrate", "pages", "zero", verbosity=0)
        call_command("migrate", app, "zero", verbosity=0)
    call_command("migrate", verbosity=0)
    assert missing_guards("default") == []
    assert AgreementTemplate.objects.filter(version_rank=2).exists()
    admin = make_staff()
    record = confirm(admin, make_customer(admin))
    refused("agreements_acceptance_no_update", "UPDATE agreements_acceptance SET first_name = 'X' WHERE id = %s", record.pk)
