"""The date of an acceptance as scripts send it (R2): many spellings, and nobody's today is refused."""

import datetime as dt

import pytest
import time_machine
from django.utils import timezone

from agreements.models import Acceptance
from mca_portal.staff.models import StaffMember
from tests.factories import make_account, make_customer, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer(call):
    return make_customer(call.person)


def sample(moment: str) -> dict:
    """A confirmation with this date."""
    return {
        "primaryContact": {"firstName": "Tania", "lastName": "Carr", "email": "someone@example.com"},
        "templateId": "117a77b0-9360-443b-8795-c6dedc750cf9",
        "dateAgreed": moment,
        "type": "MicrosoftCustomerAgreement",
    }


def staff_in(time_zone: str) -> StaffMember:
    """An Admin agent of an account there."""
    return make_staff(make_account(time_zone=time_zone))


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2020-06-14", dt.date(2020, 6, 14)),
        ("2020-06-14T00:00", dt.date(2020, 6, 14)),
        ("2020-06-14T00:00:00", dt.date(2020, 6, 14)),
        ("2020-06-14T00:00:00Z", dt.date(2020, 6, 14)),
        ("2020-06-14T00:00:00.000Z", dt.date(2020, 6, 14)),
        ("2020-06-14T00:00:00.1234567Z", dt.date(2020, 6, 14)),
        ("2020-06-14T23:59:59.9999999Z", dt.date(2020, 6, 14)),
        ("2020-06-14T23:59:59.999999999Z", dt.date(2020, 6, 14)),
        ("2020-06-14 09:30:00", dt.date(2020, 6, 14)),
        ("2020-06-14T00:00:00+00:00", dt.date(2020, 6, 14)),
        ("2020-06-14T02:00:00.1234567+02:00", dt.date(2020, 6, 14)),
        ("2020-06-14T00:00:00+09:00", dt.date(2020, 6, 13)),
        ("2020-06-14T20:00:00-05:00", dt.date(2020, 6, 15)),
        ("2020-06-14T20:00:00-0500", dt.date(2020, 6, 15)),
        ("2020-02-29T00:00:00Z", dt.date(2020, 2, 29)),
    ],
)
def test_dates_come_in_many_spellings_and_mean_utc(call, customer, text: str, day: dt.date) -> None:
    answer = call("POST", f"/customers/{customer.pk}/agreements", sample(text))
    assert (answer.status_code, answer.json()["dateAgreed"]) == (201, f"{day}T00:00:00.000Z")
    assert Acceptance.objects.get().agreed_on == day
    [listed] = call("GET", f"/customers/{customer.pk}/agreements?agreementType=*").json()["items"]
    assert listed["dateAgreed"] == f"{day}T00:00:00", "the list names no zone and means UTC"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "14.06.2020",
        "06/14/2020",
        "20200614",
        "2020-06",
        "2020-02-30",
        "2021-02-29",
        "2020-06-14T25:00:00Z",
        "2020-06-14T",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2020-06-14T00:00:00+99:00",
        "2020-06-14T00:00:00Zulu",
        "2013-12-31",
        "٢٠٢٠-٠١-٠١",
        "1592092800",
        "/Date(1592092800000)/",
    ],
)
def test_dates_that_cannot_be_are_refused(call, customer, text: str) -> None:
    answer = call("POST", f"/customers/{customer.pk}/agreements", sample(text))
    assert (answer.status_code, answer.json()["code"]) in [(400, 800002), (400, 600002)]
    assert answer.json()["data"][0].startswith("dateAgreed")
    assert not Acceptance.objects.exists()


def test_a_date_in_the_future_is_600002(call, customer) -> None:
    late = (timezone.now() + dt.timedelta(days=2)).isoformat()
    answer = call("POST", f"/customers/{customer.pk}/agreements", sample(late))
    assert answer.status_code == 400
    assert answer.json() == {
        "code": 600002,
        "description": "Date of agreement cannot be greater than the current date.",
        "data": ["dateAgreed"],
        "source": "PartnerFD",
    }


NEW_YORK, SEOUL, KIRITIMATI, PAGO_PAGO = "America/New_York", "Asia/Seoul", "Pacific/Kiritimati", "Pacific/Pago_Pago"
# When it is, where the account is, what the script sends, and the day that is recorded (None: it is in the future).
TODAYS = {
    "now in UTC, sent from New York at 8 p.m.": ("2026-11-24T01:00:00Z", NEW_YORK, "2026-11-24T01:00:00.1234567Z", "2026-11-24"),
    "the same with New York's offset": ("2026-11-24T01:00:00Z", NEW_YORK, "2026-11-23T20:00:00-05:00", "2026-11-24"),
    "the local day in New York at 8 p.m.": ("2026-11-24T01:00:00Z", NEW_YORK, "2026-11-23", "2026-11-23"),
    "tomorrow in New York at 6 p.m.": ("2026-11-23T23:00:00Z", NEW_YORK, "2026-11-24", None),
    "midnight UTC of the local day in Seoul at 8 a.m.": ("2026-11-23T23:00:00Z", SEOUL, "2026-11-24T00:00:00.000Z", "2026-11-24"),
    "the local day in Seoul at 8 a.m.": ("2026-11-23T23:00:00Z", SEOUL, "2026-11-24", "2026-11-24"),
    "tomorrow in Seoul at 8 a.m.": ("2026-11-23T23:00:00Z", SEOUL, "2026-11-25", None),
    "the local day in Kiritimati, UTC+14, past midnight": ("2026-11-23T10:30:00Z", KIRITIMATI, "2026-11-24T00:00:00Z", "2026-11-24"),
    "the day after in Kiritimati": ("2026-11-23T10:30:00Z", KIRITIMATI, "2026-11-25T00:00:00Z", None),
    "now in UTC from Pago Pago, UTC-11": ("2026-11-24T03:00:00Z", PAGO_PAGO, "2026-11-24T03:00:00Z", "2026-11-24"),
    "a clock four minutes ahead over midnight": ("2026-11-23T23:58:00Z", NEW_YORK, "2026-11-24T00:02:00Z", "2026-11-23"),
    "a clock twelve minutes ahead over midnight": ("2026-11-23T23:58:00Z", NEW_YORK, "2026-11-24T00:10:00Z", None),
}  # fmt: skip


@pytest.mark.parametrize(("now", "time_zone", "sent", "day"), TODAYS.values(), ids=TODAYS)
def test_today_is_today_wherever_the_account_is(script, now: str, time_zone: str, sent: str, day: str | None) -> None:
    with time_machine.travel(dt.datetime.fromisoformat(now), tick=False):
        call = script(staff_in(time_zone))
        answer = call("POST", f"/customers/{make_customer(call.person).pk}/agreements", sample(sent))
    if day is None:
        assert (answer.status_code, answer.json()["code"]) == (400, 600002)
    else:
        assert (answer.status_code, answer.json()["dateAgreed"]) == (201, f"{day}T00:00:00.000Z")
