"""Bulk import of confirmations: the file, the preview in which nothing is written, and what is recorded (R1–R6, P1, A2, A3, A5)."""

import csv
import datetime as dt
import io
import uuid
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agreements.bulk_import import MAX_BYTES, MAX_ROWS
from agreements.models import Acceptance, AgreementTemplate, Standing, Via
from customers.models import Customer
from mca_portal.pages.models import Draft
from mca_portal.staff.models import Action, Activity, Cloud, PartnerType, StaffMember
from mca_portal.staff.roles import Role
from tests.factories import confirm, make_account, make_customer, make_staff, publish

pytestmark = pytest.mark.django_db

HEADER = "customer_id,first_name,last_name,email,phone,date_agreed"


def signed_in(person: StaffMember) -> Client:
    """A browser in which `person` has signed in."""
    client = Client()
    client.force_login(person)
    return client


def line(customer: Customer | str, **changes: str) -> str:
    """A row of the file, right in every field, with changes."""
    said = {"first_name": "Megan", "last_name": "Bowen", "email": "megan@customer.example", "phone": "", "date_agreed": "2026-01-15"}
    said |= changes
    return ",".join([str(customer.pk if isinstance(customer, Customer) else customer), *said.values()])


def file(*lines: str, header: str = HEADER, encoding: str = "utf-8", name: str = "confirmations.csv") -> SimpleUploadedFile:
    """A file of these rows."""
    return SimpleUploadedFile(name, "\r\n".join([header, *lines]).encode(encoding), "text/csv")


def upload(by: StaffMember, document: SimpleUploadedFile) -> Any:
    """Choose the file and press Next."""
    return signed_in(by).post(reverse("import_upload"), {"file": document})


def previewed(by: StaffMember, document: SimpleUploadedFile, **query: str) -> tuple[str, str]:
    """The preview of a file: its address, and what it says."""
    answer = upload(by, document)
    assert answer.status_code == 302, answer.content.decode()
    return answer["Location"], signed_in(by).get(answer["Location"], query).content.decode()


def record(by: StaffMember, address: str, **changes: str) -> Any:
    """Tick the box and press Record."""
    latest = AgreementTemplate.objects.versions_for(by.account).latest
    return signed_in(by).post(address, {"attest": "on", "template_id": str(latest.pk)} | changes, follow=True)


# From the file to the record ---------------------------------------------------


def test_the_rows_that_are_ready_are_recorded_by_the_way_of_import_and_open_the_gate() -> None:
    by = make_staff()
    first, second = make_customer(by), make_customer(by)
    address, text = previewed(by, file(line(first), line(second, first_name="수민", last_name="박", phone="02-555-0188")))
    assert "Nothing has been recorded yet" in text
    assert not Acceptance.objects.exists()
    answer = record(by, address)
    assert "2 confirmations recorded" in answer.content.decode()
    kept = Acceptance.objects.get(customer=second)
    assert (kept.name, kept.phone, kept.agreed_on, kept.via) == ("박수민", "+8225550188", dt.date(2026, 1, 15), Via.IMPORT)
    assert kept.recorded_by == by
    assert set(Standing.objects.values_list("acceptance__via", flat=True)) == {Via.IMPORT}
    assert Activity.objects.filter(action=Action.ACCEPTANCE_CONFIRMED).count() == 2


def test_rows_with_errors_are_never_recorded_and_each_says_everything_that_is_wrong_with_it() -> None:
    by = make_staff()
    good, wrong = make_customer(by), make_customer(by)
    with time_machine.travel("2026-11-26T03:00:00Z", tick=False):
        lines = (line(good), line(wrong, first_name="", email="grady@trey@x", date_agreed="2026-12-24"))
        address, text = previewed(by, file(*lines))
        assert "1 of 2 rows has errors" in text
        assert text.count("<code>first_name</code>") == text.count("<code>email</code>") == text.count("<code>date_agreed</code>") == 1
        assert "must be today or earlier" in text
        record(by, address)
    assert [kept.customer for kept in Acceptance.objects.all()] == [good]


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"last_name": "​"}, "last_name"),
        ({"first_name": "x" * 300}, "first_name"),
        ({"email": "Grady <grady@trey.example>"}, "email"),
        ({"phone": "12"}, "phone"),
        ({"date_agreed": "2013-12-31"}, "date_agreed"),
        ({"date_agreed": "2026-02-30"}, "date_agreed"),
        ({"date_agreed": "03/11/2026"}, "date_agreed"),
        ({"date_agreed": ""}, "date_agreed"),
    ],
)
def test_a_row_is_held_to_the_rules_of_the_form(changes: dict[str, str], column: str) -> None:
    by = make_staff()
    address, text = previewed(by, file(line(make_customer(by), **changes)))
    assert f"<code>{column}</code>" in text
    assert "No row is ready" in text
    assert record(by, address).status_code == 200
    assert not Acceptance.objects.exists()


def test_a_customer_of_another_account_is_as_unknown_as_none() -> None:
    by = make_staff()
    foreign = make_customer(make_staff(), company_name="Foreign Secret")
    _address, text = previewed(by, file(line(foreign), line(str(uuid.uuid4())), line("nonsense")))
    assert text.count("No customer of yours has this Microsoft ID") == 3
    assert "Foreign Secret" not in text


def test_of_two_rows_for_one_customer_only_the_first_is_recorded() -> None:
    by = make_staff()
    customer = make_customer(by)
    address, text = previewed(by, file(line(customer), line(customer, first_name="Lee")))
    assert "Same customer as in row 2." in text
    record(by, address)
    assert Acceptance.objects.get().first_name == "Megan"


def test_what_is_on_record_with_the_same_details_is_passed_over_and_another_person_replaces_it() -> None:
    by = make_staff()
    same, other = make_customer(by), make_customer(by)
    confirm(by, same, first_name="Megan", last_name="Bowen", email="Megan@customer.example")
    confirm(by, other, first_name="Old", last_name="Signer")
    address, text = previewed(by, file(line(same), line(other)))
    assert "Already recorded" in text
    assert "Replaces the confirmation by Old Signer" in text
    answer = record(by, address)
    assert "1 confirmation recorded" in answer.content.decode()
    assert Acceptance.objects.filter(customer=same).count() == 1
    assert Standing.objects.get(customer=other).acceptance.first_name == "Megan"


def test_recording_twice_records_once_and_leads_to_the_same_result() -> None:
    by = make_staff()
    address, _text = previewed(by, file(line(make_customer(by))))
    first, second = record(by, address), record(by, address)
    assert first.redirect_chain[-1] == second.redirect_chain[-1]
    assert Acceptance.objects.count() == 1


def test_what_a_colleague_records_between_preview_and_record_is_left_as_it_is() -> None:
    by = make_staff()
    customer, other = make_customer(by), make_customer(by)
    address, _text = previewed(by, file(line(customer), line(other)))
    confirm(by, customer, first_name="Megan", last_name="Bowen", email="megan@customer.example")
    text = record(by, address).content.decode()
    assert "1 confirmation recorded" in text
    assert Acceptance.objects.filter(customer=customer).count() == 1


def test_nothing_is_recorded_until_the_box_is_ticked() -> None:
    by = make_staff()
    address, _text = previewed(by, file(line(make_customer(by))))
    answer = record(by, address, attest="")
    assert answer.status_code == 422
    assert "Tick the box" in answer.content.decode()
    assert not Acceptance.objects.exists()


def test_a_version_published_after_the_preview_was_shown_is_shown_before_anything_is_recorded() -> None:
    by = make_staff()
    address, _text = previewed(by, file(line(make_customer(by))))
    shown = AgreementTemplate.objects.versions_for(by.account).latest
    newer = publish("Spring 2027")
    answer = record(by, address, template_id=str(shown.pk))
    assert answer.status_code == 422
    assert "was published meanwhile" in answer.content.decode()
    assert not Acceptance.objects.exists()
    record(by, address)
    assert Acceptance.objects.get().template == newer


def test_a_customer_that_cannot_be_recorded_at_the_last_moment_undoes_the_whole_import(monkeypatch: pytest.MonkeyPatch) -> None:
    by = make_staff()
    address, _text = previewed(by, file(line(make_customer(by)), line(make_customer(by))))
    from mca_portal.pages import bulk_import

    kept = bulk_import.drafts.keep
    monkeypatch.setattr(bulk_import.drafts, "keep", lambda *args, **more: [kept(*args, **more), 1 / 0])
    with pytest.raises(ZeroDivisionError):
        record(by, address)
    assert not Acceptance.objects.exists()
    assert not Draft.objects.get().outcome


# The file ----------------------------------------------------------------------


@pytest.mark.parametrize("divider", [",", ";", "\t"])
def test_comma_semicolon_and_tab_divide_columns_in_any_order_and_case(divider: str) -> None:
    by = make_staff()
    customer = make_customer(by, company_name="Northwind")
    header = divider.join(["Note", "DATE_AGREED", "email", "last_name", "First_Name", "customer_id"])
    row = divider.join(["x", "2026-01-15", "megan@customer.example", "Bowen", "Megan", str(customer.pk).upper()])
    _address, text = previewed(by, file(row, header=header))
    assert "Northwind" in text
    assert "Record 1 confirmation" in text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_hangul_is_read_as_a_korean_spreadsheet_saves_it(encoding: str) -> None:
    by = make_staff()
    _address, text = previewed(by, file(line(make_customer(by), first_name="수민", last_name="박"), encoding=encoding))
    assert "박수민" in text


def test_rows_in_which_only_the_customer_is_filled_in_are_passed_over() -> None:
    by = make_staff()
    _address, text = previewed(by, file(f"{make_customer(by).pk},,,,,", "", line(make_customer(by))))
    assert "1 row, uploaded" in text


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (None, "Choose the file."),
        (SimpleUploadedFile("x.csv", b""), "This file is empty."),
        (SimpleUploadedFile("x.csv", b"\xff\xfe\x00\x01binary\x00"), "cannot be read as CSV"),
        (SimpleUploadedFile("x.csv", HEADER.encode() + b"\na\x00b,c,d,e,f,g"), "cannot be read as CSV"),
        (file(header="customer_id,email"), "Missing: first_name, last_name, date_agreed."),
        (file(), "No row says who accepted and when."),
        (file(*[line("x")] * (MAX_ROWS + 1)), "This file has 1,001 rows."),
        (SimpleUploadedFile("x.csv", b"x" * (MAX_BYTES + 1)), "This file is too large."),
        (file(line("x", first_name="y" * 200_000)), "cannot be read as CSV"),
    ],
)
def test_a_file_that_cannot_be_taken_says_why_at_the_field_and_in_the_summary(document: SimpleUploadedFile | None, message: str) -> None:
    by = make_staff()
    if document:
        document.seek(0)
    answer = signed_in(by).post(reverse("import_upload"), {"file": document} if document else {})
    assert answer.status_code == 422
    assert answer.content.decode().count(message) == 2
    assert not Draft.objects.exists()


def test_script_in_a_file_is_text_wherever_it_is_shown() -> None:
    by = make_staff()
    script = "<script>alert(1)</script>"
    document = file(line(script, first_name=script, email=script, phone=script, date_agreed=script), name=f"{script}.csv")
    _address, text = previewed(by, document)
    assert "<script>alert" not in text
    assert "&lt;script&gt;" in text


def test_the_rows_with_errors_come_back_as_a_file_that_can_be_uploaded_again() -> None:
    by = make_staff()
    customer = make_customer(by)
    address, _text = previewed(by, file(line(customer, phone="+82 2 555 0188", date_agreed="2026-02-30"), line(make_customer(by))))
    draft = Draft.objects.get()
    answer = signed_in(by).get(reverse("import_errors", args=[draft.pk]))
    text = b"".join(answer).decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text))
    assert "date_agreed: Enter a real date" in row["error"]
    assert row["phone"] == "'+82 2 555 0188", "a spreadsheet does not take it for a formula"
    again = SimpleUploadedFile("again.csv", text.replace("2026-02-30", "2026-02-28").encode())
    address, text = previewed(by, again)
    record(by, address)
    assert Acceptance.objects.get(customer=customer).phone == "+8225550188"


def test_the_file_to_fill_in_holds_the_customers_to_confirm_and_is_logged() -> None:
    by = make_staff()
    waiting, done = make_customer(by, company_name="=Waiting"), make_customer(by)
    confirm(by, done)
    make_customer(make_staff())
    answer = signed_in(by).post(reverse("import_template"))
    text = b"".join(answer).decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["customer_id"], row["company_name"], row["first_name"]) == (str(waiting.pk), "'=Waiting", "")
    assert Activity.objects.filter(action=Action.CUSTOMERS_EXPORTED).count() == 1
    assert "Not confirmed, Reconfirmation required, Reconfirmation due" in signed_in(by).get(reverse("activity")).content.decode()


# Who, where, how fast ------------------------------------------------------------


def test_whoever_may_not_import_is_not_offered_it() -> None:
    sales = make_staff(make_account(), Role.SALES_AGENT)
    make_customer(sales)
    assert "Import confirmations" not in signed_in(sales).get(reverse("customers")).content.decode()


def test_an_import_asks_the_database_the_same_number_of_times_for_one_row_and_for_many() -> None:
    by = make_staff()
    customers = [make_customer(by) for _number in range(31)]
    counts = []
    for some in (customers[:1], customers[1:]):
        address, _text = previewed(by, file(*map(line, some)))
        with CaptureQueriesContext(connection) as queries:
            record(by, address)
        counts.append(len(queries))
    assert Acceptance.objects.count() == 31
    assert counts[0] == counts[1]


def test_an_indirect_reseller_and_a_cloud_without_the_agreement_are_not_offered_it() -> None:
    reseller = make_staff(make_account(partner_type=PartnerType.INDIRECT_RESELLER))
    government = make_staff(make_account(cloud=Cloud.US_GOVERNMENT))
    assert signed_in(reseller).get(reverse("import_upload")).status_code == 403
    assert "indirect provider" in signed_in(reseller).get(reverse("import_upload")).content.decode()
    assert signed_in(government).get(reverse("import_upload")).status_code == 404
    make_customer(government)
    for person in (reseller, government):
        assert "Import confirmations" not in signed_in(person).get(reverse("customers")).content.decode()


def test_a_colleagues_import_is_not_found() -> None:
    account = make_account()
    by, colleague = make_staff(account), make_staff(account)
    address, _text = previewed(by, file(line(make_customer(by))))
    assert signed_in(colleague).get(address).status_code == 404


def test_the_preview_asks_the_database_the_same_number_of_times_for_one_row_and_for_many() -> None:
    by = make_staff()
    customers = [make_customer(by) for _number in range(30)]
    counts = []
    for some in (customers[:1], customers):
        answer = upload(by, file(*map(line, some)))
        client = signed_in(by)
        client.get(answer["Location"])
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get(answer["Location"])
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 10


def test_a_long_file_is_shown_in_pages_of_one_hundred_rows() -> None:
    by = make_staff()
    address, text = previewed(by, file(*[line("nobody", first_name=f"Row{number}") for number in range(150)]))
    assert "1 to 100 of 150" in text
    text = signed_in(by).get(address, {"show": "errors", "page": "2"}).content.decode()
    assert "Row149" in text
    assert "Row99 " not in text
    assert signed_in(by).get(address, {"show": "nonsense", "page": "-3"}).status_code == 200
