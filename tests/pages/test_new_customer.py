"""A new customer, from the first step to the last (F1)."""

import datetime as dt
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agreements.models import Acceptance, AgreementTemplate
from customers.models import Customer
from mca_portal.pages.models import Draft
from mca_portal.staff.models import Cloud, PartnerType, StaffMember
from mca_portal.staff.roles import Role
from orders.models import Offer, Order, Subscription
from orders.services import NewOrder
from tests.factories import license_offer, make_account, make_customer, make_staff, publish

pytestmark = pytest.mark.django_db

FOLLOWED = {"mca-accepted": "on", "mca-agreed_on": "2026-11-20", "mca-someone_else": "False"}
SOMEBODY = {
    "mca-someone_else": "True",
    "mca-first_name": "Seoyeon",
    "mca-last_name": "Lee",
    "mca-email": "seoyeon.lee@customer.example",
    "mca-phone": "",
}
URL_ENCODED = "application/x-www-form-urlencoded"


@pytest.fixture(autouse=True)
def _noon_in_seoul() -> Any:
    """23 November 2026 in Seoul and in UTC."""
    with time_machine.travel(dt.datetime(2026, 11, 23, 3, 0, tzinfo=dt.UTC), tick=False):
        yield


@pytest.fixture
def agent() -> StaffMember:
    """A Sales agent of an account in Seoul."""
    return make_staff(None, Role.SALES_AGENT)


@pytest.fixture
def tab(agent: StaffMember, client: Client) -> Client:
    """The agent, signed in."""
    client.force_login(agent)
    return client


def begin(tab: Client) -> str:
    """Begin a draft; its ID."""
    answer = tab.get(reverse("new_customer"))
    assert answer.status_code == 302
    return str(answer["Location"].split("/")[-3])


def at(step: str, draft: str) -> str:
    """The address of a step."""
    return reverse(f"new_customer_{step}", args=[draft])


def typed(**fields: str) -> dict[str, str]:
    """What somebody types at Account info: right in every field, the box not ticked."""
    return {
        "company_name": "Contoso Retail Korea",
        "domain_prefix": "contosoretailkr",
        "country": "KR",
        "address_line1": "152 Teheran-ro, Gangnam-gu",
        "address_line2": "",
        "city": "Seoul",
        "region": "Seoul",
        "postal_code": "06236",
        "language": "ko",
        "contact_first_name": "Jihoon",
        "contact_last_name": "Park",
        "contact_email": "jihoon.park@customer.example",
        "contact_phone": "02-555-0142",
        "mca-template_id": str(AgreementTemplate.objects.order_by("-version_rank").values_list("pk", flat=True)[0]),
    } | fields


def line(offer: Offer, quantity: str = "25", name: str = "") -> dict[str, str]:
    """What the lines of an order send."""
    return {"offer": str(offer.pk), f"quantity-{offer.pk}": quantity, f"name-{offer.pk}": name, "billing_cycle": "monthly"}


def walk(tab: Client, account: dict[str, str], order: dict[str, Any] | None = None) -> str:
    """Fill in the steps up to Review; the draft's ID."""
    draft = begin(tab)
    assert tab.post(at("account", draft), account)["Location"] == at("subscriptions", draft)
    assert tab.post(at("subscriptions", draft), order or {})["Location"] == at("review", draft)
    assert tab.get(at("review", draft)).status_code == 200
    return draft


def sent_back(tab: Client, answer: Any) -> str:
    """The step to which a mistake leads, as it is shown from the draft; no browser keeps it."""
    assert (answer.status_code, answer["Location"].partition("?")[2]) == (302, "check")
    shown = tab.get(answer["Location"])
    assert shown["Cache-Control"] == "no-store"
    assert "<title>Error: " in page(shown)
    return page(shown)


def page(answer: Any) -> str:
    """The answer's text."""
    return str(answer.content.decode())


def nothing_was_written() -> bool:
    """Whether there is no customer, acceptance, order or subscription."""
    return not any(model.objects.exists() for model in (Customer, Acceptance, Order, Subscription))


def test_customer_contact_acceptance_and_first_order_are_written_together_at_the_end(tab: Client, agent: StaffMember) -> None:
    draft = walk(tab, typed(**FOLLOWED), line(license_offer(), "25", "Shops"))
    shown = page(tab.get(at("review", draft)))
    for words in (
        "Contoso Retail Korea",
        "contosoretailkr.onmicrosoft.com",
        "Jihoon Park",
        "+82 2-555-0142",
        "20 Nov 2026",
        "25 licenses",
        "Shops",
    ):
        assert words in shown
    assert nothing_was_written()
    assert tab.post(at("review", draft))["Location"] == at("done", draft)
    customer = Customer.objects.get()
    assert (customer.account, customer.created_by, customer.domain) == (agent.account, agent, "contosoretailkr.onmicrosoft.com")
    acceptance = Acceptance.objects.get(customer=customer)
    assert (acceptance.first_name, acceptance.last_name, acceptance.email) == ("Jihoon", "Park", "jihoon.park@customer.example")
    assert (acceptance.phone, acceptance.agreed_on, acceptance.via) == ("+8225550142", dt.date(2026, 11, 20), "portal")
    subscription = Subscription.objects.get(customer=customer)
    assert (subscription.quantity, subscription.friendly_name, subscription.order.acceptance) == (25, "Shops", acceptance)
    done = page(tab.get(at("done", draft)))
    assert str(customer.pk) in done
    assert subscription.order.number in done
    assert Draft.objects.get(pk=draft).data["account"] == {}  # people's data are not kept twice


def test_without_the_tick_the_customer_is_created_and_orders_stay_shut(tab: Client) -> None:
    draft = begin(tab)
    tab.post(at("account", draft), typed(**{"mca-agreed_on": "2999-01-01", "mca-email": "not an address"}))
    shown = page(tab.get(at("subscriptions", draft)))
    assert "Orders open once acceptance is confirmed." in shown
    assert 'name="add"' not in shown
    tab.post(at("subscriptions", draft), line(license_offer()))
    tab.post(at("review", draft))
    customer = Customer.objects.get()
    assert customer.standing.rank == 0
    assert not Order.objects.exists()
    assert "Not confirmed" in page(tab.get(at("done", draft)))


def test_the_person_shown_is_the_primary_contact_until_update_is_chosen(tab: Client) -> None:
    draft = begin(tab)
    answer = tab.post(at("account", draft), typed(**FOLLOWED, person="other"))
    assert answer["Location"] == f"{at('account', draft)}#who"
    opened = tab.get(at("account", draft))
    assert "Someone other than the primary contact" in page(opened)
    assert 'name="mca-first_name"' in page(opened)
    assert "There is a problem" not in page(opened)
    assert 'value="Contoso Retail Korea"' in page(opened)
    assert 'value="2026-11-20"' in page(opened)
    tab.post(at("account", draft), typed(**(FOLLOWED | SOMEBODY), person="contact"))
    back = page(tab.get(at("account", draft)))
    assert "Same as the primary contact" in back
    assert "Jihoon Park" in back
    tab.post(at("account", draft), typed(**FOLLOWED, person="other"))
    assert 'value="Seoyeon"' in page(tab.get(at("account", draft)))  # what was typed before is still there
    tab.post(at("account", draft), typed(**(FOLLOWED | SOMEBODY)))
    tab.post(at("subscriptions", draft))
    tab.post(at("review", draft))
    assert Acceptance.objects.get().first_name == "Seoyeon"
    assert Customer.objects.get().contact_first_name == "Jihoon"


def test_the_person_follows_a_contact_that_is_changed_later(tab: Client) -> None:
    draft = walk(tab, typed(**FOLLOWED))
    tab.post(at("account", draft), typed(**FOLLOWED, contact_first_name="Minjun"))
    assert "Minjun Park" in page(tab.get(at("account", draft)))
    tab.post(at("review", draft))
    assert Acceptance.objects.get().first_name == "Minjun"


@pytest.mark.parametrize("fields", [{}, {"company_name": ""}, {"mca-someone_else": "True", "company_name": ""}])
def test_neither_date_nor_person_is_marked_optional_whether_the_box_is_ticked_or_not(tab: Client, fields: dict[str, str]) -> None:
    draft = begin(tab)
    shown = sent_back(tab, tab.post(at("account", draft), typed(**fields))) if fields else page(tab.get(at("account", draft)))
    for label in re.findall(r'<label for="id_mca-(?!phone|accepted).*?</label>', shown):
        assert "(optional)" not in label


def test_a_ticked_box_without_a_date_is_said_at_the_date(tab: Client) -> None:
    shown = sent_back(tab, tab.post(at("account", begin(tab)), typed(**(FOLLOWED | {"mca-agreed_on": ""}))))
    assert 'href="#id_mca-agreed_on"' in shown
    assert shown.count("Enter the date on which the customer accepted.") == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("company_name", "   "),
        ("company_name", "\u200b\u200b"),
        ("company_name", "x" * 300),
        ("contact_first_name", "   "),
        ("contact_first_name", "\u202e\U0001f600"),
        ("contact_last_name", "x" * 300),
        ("contact_email", "Jihoon Park <jihoon@customer.example>"),
        ("contact_email", "x" * 5000),
        ("contact_phone", "206-555-0142"),
        ("contact_phone", "tomorrow"),
        ("domain_prefix", "with blank"),
        ("domain_prefix", "a-sign"),
        ("domain_prefix", "x" * 28),
        ("postal_code", "ABC"),
        ("country", "XX"),
        ("language", "tlh"),
        ("mca-agreed_on", "2026-11-24"),
        ("mca-agreed_on", "2013-12-31"),
        ("mca-agreed_on", "2026-02-30"),
        ("mca-agreed_on", "yesterday"),
        ("mca-first_name", "   "),
        ("mca-last_name", "x" * 300),
        ("mca-email", "Seoyeon <seoyeon@customer.example>"),
        ("mca-phone", "206-555-0142"),
    ],
)
def test_bad_input_is_said_at_its_field_and_everything_typed_is_kept(tab: Client, field: str, value: str) -> None:
    draft = begin(tab)
    shown = sent_back(tab, tab.post(at("account", draft), typed(**(FOLLOWED | SOMEBODY | {field: value}))))
    assert f'id="id_{field}_error"' in shown
    assert "There is a problem" in shown
    assert Draft.objects.get(pk=draft).data["account"][field] == [value]
    assert 'value="152 Teheran-ro, Gangnam-gu"' in page(tab.get(at("account", draft)))
    assert tab.get(at("subscriptions", draft))["Location"] == f"{at('account', draft)}?check"
    assert f'id="id_{field}_error"' in page(tab.get(at("account", draft) + "?check"))
    assert tab.post(at("review", draft))["Location"] == f"{at('account', draft)}?check"
    assert nothing_was_written()


@pytest.mark.parametrize("name", ["\U0001f600 Kim", "\u202eשלום", "O'Brien-Łukasz", "<b>Kim</b>"])
def test_names_of_any_script_are_taken_and_shown_as_text(tab: Client, name: str) -> None:
    draft = walk(tab, typed(contact_first_name=name))
    assert "<b>Kim" not in page(tab.get(at("review", draft)))
    tab.post(at("review", draft))
    assert Customer.objects.count() == 1


@pytest.mark.parametrize(("now", "day", "right"), [("2026-11-22T15:30", "2026-11-23", True), ("2026-11-22T15:30", "2026-11-24", False)])
def test_today_in_seoul_is_right_although_utc_is_still_on_yesterday(tab: Client, now: str, day: str, right: bool) -> None:
    with time_machine.travel(dt.datetime.fromisoformat(now).replace(tzinfo=dt.UTC), tick=False):
        draft = begin(tab)
        answer = tab.post(at("account", draft), typed(**(FOLLOWED | {"mca-agreed_on": day})))
    assert answer["Location"] == (at("subscriptions", draft) if right else f"{at('account', draft)}?check")


@pytest.mark.parametrize("forged", ["", "117a77b0", "998b88de-aa99-4388-a42c-1b3517d49490", str(uuid.UUID(int=7))])
def test_a_template_that_is_not_the_latest_is_never_confirmed(tab: Client, forged: str) -> None:
    draft = begin(tab)
    answer = tab.post(at("account", draft), typed(**(FOLLOWED | {"mca-template_id": forged})))
    assert "was published meanwhile" in sent_back(tab, answer)
    assert tab.post(at("account", draft), typed(**FOLLOWED))["Location"] == at("subscriptions", draft)


def test_a_newer_version_published_before_submit_leads_back_with_everything_kept(tab: Client) -> None:
    draft = walk(tab, typed(**FOLLOWED), line(license_offer()))
    newer = publish()
    assert tab.post(at("review", draft))["Location"] == f"{at('account', draft)}?check"
    shown = page(tab.get(at("account", draft) + "?check"))
    assert "A newer version of the agreement, Newer, was published meanwhile." in shown
    assert f'value="{newer.pk}"' in shown
    assert 'value="2026-11-20"' in shown
    assert nothing_was_written()
    tab.post(at("account", draft), typed(**FOLLOWED))
    tab.post(at("review", draft))
    assert Acceptance.objects.get().template == newer
    assert Subscription.objects.get().quantity == 25


def test_submitting_twice_makes_one_customer(tab: Client) -> None:
    draft = walk(tab, typed(**FOLLOWED), line(license_offer()))
    first, second = tab.post(at("review", draft)), tab.post(at("review", draft))
    assert first["Location"] == second["Location"] == at("done", draft)
    for step in ("account", "subscriptions", "review"):
        assert tab.get(at(step, draft))["Location"] == at("done", draft)
    assert tab.post(at("account", draft), typed(company_name="Other"))["Location"] == at("done", draft)
    assert (Customer.objects.count(), Acceptance.objects.count(), Order.objects.count()) == (1, 1, 1)


@pytest.mark.django_db(transaction=True)
def test_submitting_twice_at_the_same_moment_makes_one_customer(tab: Client, agent: StaffMember) -> None:
    draft = walk(tab, typed(**FOLLOWED), line(license_offer()))
    tabs = [Client(), Client(), Client()]
    for one in tabs:
        one.force_login(agent)

    def submit(one: Client) -> str:
        try:
            return str(one.post(at("review", draft), follow=True).request["PATH_INFO"])
        finally:
            connection.close()

    with ThreadPoolExecutor(len(tabs)) as pool:
        led_to = list(pool.map(submit, tabs))
    assert led_to == [at("done", draft)] * 3
    assert (Customer.objects.count(), Acceptance.objects.count(), Order.objects.count()) == (1, 1, 1)


def test_what_no_form_can_send_is_refused_and_what_was_kept_stays(tab: Client, agent: StaffMember) -> None:
    draft = begin(tab)
    tab.post(at("account", draft), typed())
    for value in ("Contoso\x00", "x" * 5_000_000):
        assert tab.post(at("account", draft), urlencode(typed(company_name=value)), content_type=URL_ENCODED).status_code == 400
    stranger = Client(enforce_csrf_checks=True)
    stranger.force_login(agent)
    for step in ("account", "subscriptions", "review", "discard"):
        assert stranger.post(at(step, draft), typed(company_name="Forged")).status_code == 403
    assert 'value="Contoso Retail Korea"' in page(tab.get(at("account", draft)))


def test_going_back_keeps_what_both_steps_hold(tab: Client) -> None:
    draft = begin(tab)
    tab.post(at("account", draft), typed(**FOLLOWED))
    offer = license_offer()
    assert tab.post(at("subscriptions", draft), line(offer, "1e3") | {"back": "1"})["Location"] == at("account", draft)
    account = page(tab.get(at("account", draft)))
    assert 'value="Contoso Retail Korea"' in account
    assert "checked" in account
    lines = page(tab.get(at("subscriptions", draft)))
    assert 'value="1e3"' in lines
    assert "There is a problem" not in lines


def test_lines_are_kept_while_the_box_is_unticked_and_are_not_ordered(tab: Client) -> None:
    draft = walk(tab, typed(**FOLLOWED), line(license_offer(), "7"))
    tab.post(at("account", draft), typed())
    assert "The offers that you chose are not ordered" in page(tab.get(at("review", draft)))
    tab.post(at("account", draft), typed(**FOLLOWED))
    assert "7 licenses" in page(tab.get(at("review", draft)))


@pytest.mark.parametrize("quantity", ["0", "-1", "1000000000000", "1e3", "", "٣", "301"])
def test_a_wrong_license_count_is_said_at_its_line(tab: Client, quantity: str) -> None:
    draft = begin(tab)
    tab.post(at("account", draft), typed(**FOLLOWED))
    offer = license_offer()
    shown = sent_back(tab, tab.post(at("subscriptions", draft), line(offer, quantity)))
    assert f'id="id_quantity-{offer.pk}_error"' in shown
    assert f'value="{quantity}"' in shown or not quantity
    assert tab.post(at("review", draft))["Location"] == f"{at('subscriptions', draft)}?check"
    assert nothing_was_written()


def test_a_forged_offer_is_refused(tab: Client) -> None:
    draft = begin(tab)
    tab.post(at("account", draft), typed(**FOLLOWED))
    for forged in (str(uuid.UUID(int=3)), "nonsense", "x" * 200):
        sent_back(tab, tab.post(at("subscriptions", draft), {"offer": forged, f"quantity-{forged}": "1", "billing_cycle": "monthly"}))
    assert nothing_was_written()


def test_an_offer_that_is_no_longer_sold_leads_back_to_its_step_and_nothing_is_written(tab: Client) -> None:
    draft = walk(tab, typed(**FOLLOWED), line(license_offer()))
    Offer.objects.filter(pk=license_offer().pk).update(is_sold=False)
    assert tab.post(at("review", draft))["Location"] == f"{at('subscriptions', draft)}?check"
    assert "is no longer sold" in page(tab.get(at("subscriptions", draft) + "?check"))
    assert nothing_was_written()


def test_when_the_order_fails_in_the_act_customer_and_acceptance_are_not_written(tab: Client, monkeypatch: Any) -> None:
    draft = walk(tab, typed(**FOLLOWED), line(license_offer()))
    monkeypatch.setattr("orders.forms.OrderForm.order", lambda form: NewOrder(()))
    answer = tab.post(at("review", draft))
    assert answer["Location"] == f"{at('subscriptions', draft)}?check"
    assert nothing_was_written()
    monkeypatch.undo()
    assert "Something changed while you were submitting" in page(tab.get(answer["Location"]))
    assert tab.post(at("review", draft))["Location"] == at("done", draft)
    assert Customer.objects.count() == 1


def test_a_domain_taken_meanwhile_leads_back_to_its_field(tab: Client, agent: StaffMember) -> None:
    draft = walk(tab, typed(**FOLLOWED))
    make_customer(make_staff(), domain="contosoretailkr.onmicrosoft.com")
    answer = tab.post(at("review", draft))
    assert answer["Location"] == f"{at('account', draft)}?check"
    assert "This domain is taken." in page(tab.get(answer["Location"]))
    assert not Customer.objects.visible_to(agent).exists()


def test_going_back_to_a_mistake_that_was_mended_shows_what_mended_it(tab: Client) -> None:
    draft = begin(tab)
    wrong = tab.post(at("account", draft), typed(postal_code="ABC"))["Location"]
    assert "ABC" in page(tab.get(wrong))
    tab.post(at("account", draft), typed(postal_code="04524"))
    again = page(tab.get(wrong))
    assert 'value="04524"' in again
    assert "There is a problem" not in again


def test_two_tabs_are_two_drafts(tab: Client) -> None:
    one, two = begin(tab), begin(tab)
    tab.post(at("account", one), typed(company_name="First"))
    tab.post(at("account", two), typed(company_name="Second", domain_prefix="second"))
    for draft in (one, two):
        tab.post(at("subscriptions", draft))
        tab.post(at("review", draft))
    assert {c.company_name for c in Customer.objects.all()} == {"First", "Second"}


def test_an_unfinished_draft_is_offered_for_a_day_and_can_be_discarded(tab: Client, agent: StaffMember) -> None:
    assert "Continue where you stopped" not in page(tab.get(at("account", begin(tab))))
    left = begin(tab)
    tab.post(at("account", left), typed(company_name="Left behind"))
    shown = page(tab.get(at("account", begin(tab))))
    assert "Continue where you stopped" in shown
    assert "Left behind" in shown
    with time_machine.travel(dt.datetime(2026, 11, 24, 4, 0, tzinfo=dt.UTC), tick=False):
        tab.force_login(agent)
        assert "Left behind" not in page(tab.get(at("account", begin(tab))))
    tab.post(at("discard", left))
    assert tab.get(at("account", left)).status_code == 404


def test_a_draft_that_was_submitted_cannot_be_discarded(tab: Client) -> None:
    draft = walk(tab, typed())
    tab.post(at("review", draft))
    tab.post(at("discard", draft))
    assert tab.post(at("review", draft))["Location"] == at("done", draft)
    assert Customer.objects.count() == 1


def test_somebody_elses_draft_is_not_found(tab: Client, agent: StaffMember) -> None:
    drafts = [begin(tab), walk(tab, typed())]
    tab.post(at("review", drafts[1]))
    for other in (make_staff(agent.account), make_staff()):
        tab.force_login(other)
        for draft in (*drafts, str(uuid.uuid4())):
            for step in ("account", "subscriptions", "review", "done"):
                assert tab.get(at(step, draft)).status_code == 404
            for step in ("account", "subscriptions", "review", "discard"):
                assert tab.post(at(step, draft), typed()).status_code == 404


@pytest.mark.parametrize("cloud", [Cloud.CHINA, Cloud.GERMANY, Cloud.US_GOVERNMENT])
def test_where_the_agreement_does_not_apply_a_sentence_says_so_and_orders_are_open(tab: Client, cloud: str) -> None:
    tab.force_login(make_staff(make_account(cloud=cloud)))
    draft = begin(tab)
    assert "does not apply in this cloud" in page(tab.get(at("account", draft)))
    draft = walk(tab, typed(**FOLLOWED), line(license_offer(), "3"))
    assert "does not apply in this cloud" in page(tab.get(at("review", draft)))
    tab.post(at("review", draft))
    assert Subscription.objects.get().quantity == 3
    assert not Acceptance.objects.exists()
    assert "Not applicable" in page(tab.get(at("done", draft)))


def test_an_indirect_reseller_is_told_that_its_provider_does_this(tab: Client) -> None:
    tab.force_login(make_staff(make_account(partner_type=PartnerType.INDIRECT_RESELLER)))
    answer = tab.get(reverse("new_customer"))
    assert answer.status_code == 403
    assert "Your indirect provider" in page(answer)
    assert not Draft.objects.exists()


def test_a_helpdesk_agent_may_not_and_is_told_who_may(tab: Client) -> None:
    tab.force_login(make_staff(None, Role.HELPDESK_AGENT))
    answer = tab.get(reverse("new_customer"))
    assert answer.status_code == 403
    assert "Admin agent or Sales agent" in page(answer)


def test_in_korean_the_family_name_comes_first(tab: Client, agent: StaffMember) -> None:
    agent.language = "ko"
    agent.save()
    draft = begin(tab)
    tab.post(at("account", draft), typed(contact_first_name="지훈", contact_last_name="박", **FOLLOWED, person="other"))
    shown = page(tab.get(at("account", draft)))
    assert shown.index('name="contact_last_name"') < shown.index('name="contact_first_name"')
    assert shown.index('name="mca-last_name"') < shown.index('name="mca-first_name"')
    order = [shown.index(f'name="{name}"') for name in ("country", "region", "city", "address_line1", "address_line2", "postal_code")]
    assert order == sorted(order), "a Korean address is asked from the large to the small"
    draft = walk(tab, typed(contact_first_name="지훈", contact_last_name="박", **FOLLOWED))
    assert "박지훈" in page(tab.get(at("review", draft)))


def test_what_was_typed_when_the_sign_in_had_expired_is_still_there(tab: Client, agent: StaffMember) -> None:
    draft = begin(tab)
    tab.get(at("account", draft))
    tab.cookies.pop("sessionid")
    assert "login" in tab.post(at("account", draft), typed(company_name="Typed too late"))["Location"]
    tab.force_login(agent)
    assert 'value="Typed too late"' in page(tab.get(at("account", draft)))


def test_the_steps_ask_the_database_equally_often_for_one_line_and_for_many(tab: Client) -> None:
    def asked(lines: list[Offer]) -> list[int]:
        sent = {"offer": [str(offer.pk) for offer in lines], "billing_cycle": "annual"}
        sent |= {f"quantity-{offer.pk}": str(offer.minimum_quantity) for offer in lines}
        draft = walk(tab, typed(**FOLLOWED), sent)
        counts = []
        for step in ("account", "subscriptions", "review"):
            with CaptureQueriesContext(connection) as queries:
                tab.get(at(step, draft))
            counts.append(len(queries))
        return counts

    offers = list(Offer.objects.sold())
    asked(offers[:1])  # whatever is asked once in a process is known now
    one, many = asked(offers[:1]), asked(offers[:12])
    assert one == many
    assert max(one) <= 15
