"""The pages of orders: a new one step by step, the prompt for the confirmation, the lists (F3, F5)."""

from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agreements.models import Acceptance
from agreements.services import withdraw_acceptance
from customers.models import Customer
from mca_portal.pages.models import Draft
from mca_portal.staff.models import Cloud, PartnerType, StaffMember
from mca_portal.staff.roles import Role
from orders.models import Offer, Order
from tests.factories import confirm, license_offer, make_account, make_customer, make_order, make_staff, usage_offer

pytestmark = pytest.mark.django_db


def signed_in(person: StaffMember) -> Client:
    """A browser in which `person` has signed in."""
    client = Client()
    client.force_login(person)
    return client


def chosen(*lines: tuple[Offer, str], **more: str) -> dict[str, Any]:
    """What the lines step sends."""
    data: dict[str, Any] = {"offer": [str(offer.pk) for offer, _quantity in lines], "billing_cycle": "monthly", "next": "1"}
    for offer, quantity in lines:
        data |= {f"quantity-{offer.pk}": quantity, f"name-{offer.pk}": ""}
    return data | more


def acceptance_fields(customer: Customer, **changes: str) -> dict[str, str]:
    """What the prompt sends."""
    return {
        "mca-template_id": "117a77b0-9360-443b-8795-c6dedc750cf9",
        "mca-first_name": "Megan",
        "mca-last_name": "Bowen",
        "mca-email": "megan.bowen@customer.example",
        "mca-phone": "",
        "mca-agreed_on": customer.account.local_today().isoformat(),
    } | changes


class Ordering:
    """Somebody who orders for a customer in a browser."""

    def __init__(self, by: StaffMember, customer: Customer) -> None:
        self.client, self.customer = signed_in(by), customer
        begun = self.client.get(reverse("new_order", args=[customer.pk]))
        self.lines: str = begun["Location"]
        self.agreement, self.review = self.lines + "agreement/", self.lines + "review/"

    def choose(self, *lines: tuple[Offer, str], **more: str) -> HttpResponse:
        """Send the lines step."""
        return self.client.post(self.lines, chosen(*lines, **more))

    def sent_back(self, answer: HttpResponse) -> str:
        """The lines step to which a mistake leads, as it is shown from the draft; no browser keeps it."""
        assert (answer.status_code, answer["Location"]) == (302, f"{self.lines}?check=1")
        shown = self.client.get(answer["Location"])
        assert shown["Cache-Control"] == "no-store"
        return shown.content.decode()

    def place(self) -> HttpResponse:
        """Press the button of the review as it is shown now."""
        shown = self.client.get(self.review).context["shown"]
        return self.client.post(self.review, {"shown": shown})


@pytest.fixture
def by() -> StaffMember:
    """A Sales agent."""
    return make_staff(None, Role.SALES_AGENT)


@pytest.fixture
def customer(by: StaffMember) -> Customer:
    """A customer that nobody has confirmed."""
    return make_customer(by)


@pytest.fixture
def confirmed(by: StaffMember, customer: Customer) -> Customer:
    """The customer, confirmed."""
    confirm(by, customer)
    customer.refresh_from_db()
    return customer


def test_an_order_is_chosen_reviewed_and_placed(by: StaffMember, confirmed: Customer) -> None:
    order = Ordering(by, confirmed)
    text = order.client.get(order.lines).content.decode()
    assert "Microsoft 365 Business Standard" in text
    assert order.choose((license_offer(), "25"), (usage_offer(), "1"))["Location"] == order.review
    text = order.client.get(order.review).content.decode()
    assert "Licenses: 25" in text
    assert "Tania Carr" in text
    assert Order.objects.count() == 0
    placed = order.place()
    found = Order.objects.get()
    assert placed["Location"] == reverse("order", args=[found.pk])
    assert [(line.offer.name, line.quantity) for line in found.lines.all()] == [(license_offer().name, 25), (usage_offer().name, 1)]
    text = order.client.get(placed["Location"]).content.decode()
    assert f"Order {found.number} for {confirmed.company_name} is placed." in text
    assert "Tania Carr" in text


def test_placing_twice_makes_one_order_and_leads_to_it(by: StaffMember, confirmed: Customer) -> None:
    order = Ordering(by, confirmed)
    order.choose((license_offer(), "2"))
    shown = order.client.get(order.review).context["shown"]
    first, second = (order.client.post(order.review, {"shown": shown}) for _click in range(2))
    assert first["Location"] == second["Location"]
    assert Order.objects.count() == 1
    for step in (order.lines, order.agreement, order.review):
        assert order.client.get(step)["Location"] == first["Location"]


@pytest.mark.parametrize("quantity", ["", "0", "-1", "1e3", "10^12", "301", "9" * 400])
def test_a_wrong_number_is_said_at_its_line_and_kept(by: StaffMember, confirmed: Customer, quantity: str) -> None:
    order = Ordering(by, confirmed)
    shown = order.sent_back(order.choose((license_offer(), quantity)))
    assert "There is a problem" in shown
    assert f'value="{quantity}"' in shown or not quantity
    assert order.client.get(order.review)["Location"].startswith(order.lines)


def test_offers_that_are_forged_or_no_longer_sold_are_refused(by: StaffMember, confirmed: Customer) -> None:
    order = Ordering(by, confirmed)
    gone = Offer.objects.filter(is_sold=False).first()
    assert gone
    assert "no longer sold" in order.sent_back(order.choose((gone, "1")))
    assert "does not exist" in order.sent_back(order.client.post(order.lines, {"offer": "forged", "billing_cycle": "monthly"}))
    assert "Add at least one offer" in order.sent_back(order.client.post(order.lines, {}))


def test_an_offer_withdrawn_from_sale_at_the_last_moment_is_said_at_its_line(by: StaffMember, confirmed: Customer) -> None:
    order = Ordering(by, confirmed)
    order.choose((license_offer(), "2"))
    shown = order.client.get(order.review).context["shown"]
    Offer.objects.filter(pk=license_offer().pk).update(is_sold=False)
    answer = order.client.post(order.review, {"shown": shown}, follow=True)
    assert "no longer sold" in answer.content.decode()
    assert Order.objects.count() == 0


def test_buttons_keep_what_was_typed_and_nothing_is_checked_yet(by: StaffMember, confirmed: Customer) -> None:
    order = Ordering(by, confirmed)
    answer = order.choose((license_offer(), "nonsense"), add=str(usage_offer().pk), find="Azure")
    assert answer.status_code == 302
    text = order.client.get(answer["Location"]).content.decode()
    assert 'value="nonsense"' in text
    assert "There is a problem" not in text
    assert 'value="Azure"' in text


def test_two_tabs_are_two_orders_and_a_change_behind_the_review_is_shown_first(by: StaffMember, confirmed: Customer) -> None:
    one, other = Ordering(by, confirmed), Ordering(by, confirmed)
    one.choose((license_offer(), "2"))
    other.choose((license_offer(), "3"))
    shown = one.client.get(one.review).context["shown"]
    one.choose((license_offer(), "9"))  # in a second tab of the same order
    assert one.client.post(one.review, {"shown": shown})["Location"] == one.review
    assert Order.objects.count() == 0
    assert one.place().status_code == other.place().status_code == 302
    assert sorted(Order.objects.values_list("lines__quantity", flat=True)) == [3, 9]


def test_without_acceptance_the_prompt_comes_and_the_order_goes_on_with_its_lines(by: StaffMember, customer: Customer) -> None:
    order = Ordering(by, customer)
    assert order.choose((license_offer(), "40"))["Location"] == order.agreement
    text = order.client.get(order.agreement).content.decode()
    assert "Confirm acceptance" in text
    assert "Licenses: 40" in text
    assert "Kept" in text
    assert order.client.get(order.review)["Location"] == order.agreement
    wrong = order.client.post(order.agreement, acceptance_fields(customer, **{"mca-agreed_on": "2999-01-01"}))
    assert wrong.status_code == 422
    assert "Licenses: 40" in wrong.content.decode()
    filled = order.client.post(order.agreement, {"fill": "contact"})
    assert 'value="Carr"' in filled.content.decode()
    assert order.client.post(order.agreement, acceptance_fields(customer))["Location"] == order.review
    assert order.client.post(order.agreement, acceptance_fields(customer))["Location"] == order.review  # the second click
    assert Acceptance.objects.count() == 1
    text = order.client.get(order.review).content.decode()
    assert "Licenses: 40" in text
    assert "Megan Bowen" in text
    order.place()
    assert Order.objects.get().acceptance == Acceptance.objects.get()


def test_when_a_colleague_confirmed_first_the_prompt_says_so_and_the_order_goes_on(by: StaffMember, customer: Customer) -> None:
    order = Ordering(by, customer)
    order.choose((license_offer(), "40"))
    colleague = make_staff(by.account)
    confirm(colleague, customer, first_name="Isaiah", last_name="Langer")
    answer = order.client.post(order.agreement, acceptance_fields(customer), follow=True)
    text = answer.content.decode()
    assert answer.redirect_chain == [(order.review, 302)]
    assert f"{colleague.get_full_name()} has confirmed acceptance meanwhile (Isaiah Langer accepted)" in text
    assert "Licenses: 40" in text
    assert Acceptance.objects.count() == 1


def test_a_confirmation_withdrawn_meanwhile_brings_the_prompt_at_submission(by: StaffMember, confirmed: Customer) -> None:
    order = Ordering(by, confirmed)
    order.choose((license_offer(), "7"))
    shown = order.client.get(order.review).context["shown"]
    withdraw_acceptance(by=make_staff(by.account), acceptance=Acceptance.objects.get(), reason="Wrong customer")
    answer = order.client.post(order.review, {"shown": shown})
    assert answer["Location"] == order.agreement
    text = order.client.get(order.agreement).content.decode()
    assert "The order was not placed" in text
    assert "Licenses: 7" in text
    assert Order.objects.count() == 0
    order.client.post(order.agreement, acceptance_fields(confirmed))
    order.place()
    assert Order.objects.get().lines.get().quantity == 7


def test_where_the_agreement_does_not_apply_there_is_no_prompt() -> None:
    by = make_staff(make_account(cloud=Cloud.US_GOVERNMENT, country="US"))
    customer = make_customer(by)
    order = Ordering(by, customer)
    assert order.choose((license_offer(), "1"))["Location"] == order.review
    assert "does not apply in this cloud" in order.client.get(order.review).content.decode()
    assert "does not apply in this cloud" in order.client.get(order.place()["Location"]).content.decode()
    assert order.client.get(order.agreement)["Location"] == reverse("order", args=[Order.objects.get().pk])


def test_an_indirect_reseller_is_told_who_orders() -> None:
    by = make_staff(make_account(partner_type=PartnerType.DIRECT_BILL))
    customer = make_customer(by)
    by.account.partner_type = PartnerType.INDIRECT_RESELLER
    by.account.save()
    answer = signed_in(by).get(reverse("new_order", args=[customer.pk]))
    assert answer.status_code == 403
    assert "Your indirect provider" in answer.content.decode()


def test_the_draft_of_somebody_else_or_for_another_customer_is_not_found(by: StaffMember, confirmed: Customer) -> None:
    order = Ordering(by, confirmed)
    assert signed_in(make_staff(by.account)).get(order.lines).status_code == 404
    assert signed_in(make_staff()).get(order.lines).status_code == 404
    draft = Draft.objects.get()
    assert order.client.get(reverse("new_order_lines", args=[make_customer(by).pk, draft.pk])).status_code == 404


def test_orders_of_another_account_are_not_found(by: StaffMember, confirmed: Customer) -> None:
    order = make_order(by, confirmed)
    stranger = signed_in(make_staff())
    assert stranger.get(reverse("order", args=[order.pk])).status_code == 404
    assert stranger.get(reverse("customer_orders", args=[confirmed.pk])).status_code == 404
    assert stranger.get(reverse("new_order", args=[confirmed.pk])).status_code == 404
    assert order.number not in stranger.get(reverse("orders")).content.decode()


def test_a_helpdesk_agent_sees_orders_but_nothing_of_acceptances(by: StaffMember, confirmed: Customer) -> None:
    order = make_order(by, confirmed)
    helpdesk = signed_in(make_staff(by.account, Role.HELPDESK_AGENT))
    text = helpdesk.get(reverse("order", args=[order.pk])).content.decode()
    assert order.number in text
    assert "Acceptance that opened" not in text
    assert "Tania Carr" not in text
    assert helpdesk.get(reverse("new_order", args=[confirmed.pk])).status_code == 403


@pytest.mark.parametrize("cursor", ["nonsense", "WyJuIiwieCIsInkiXQ"])
def test_a_broken_cursor_is_not_found(by: StaffMember, cursor: str) -> None:
    assert signed_in(by).get(reverse("orders"), {"cursor": cursor}).status_code == 404


def test_lists_ask_the_same_number_of_queries_for_one_order_and_for_thirty(by: StaffMember, confirmed: Customer) -> None:
    client = signed_in(by)
    addresses = [reverse("orders"), reverse("customer_orders", args=[confirmed.pk])]

    def queries() -> list[int]:
        numbers = []
        for address in addresses:
            with CaptureQueriesContext(
                connection,
            ) as captured:
                assert client.get(address).status_code == 200
            numbers.append(len(captured))
        return numbers

    make_order(by, confirmed)
    queries()
    few = queries()
    for _number in range(31):
        make_order(by, confirmed, (license_offer(), 2), (usage_offer(), 1))
    assert queries() == few
    assert max(few) <= 12
    assert "Next page" in client.get(addresses[0]).content.decode()


def test_lines_and_prompt_sent_after_the_sign_in_expired_are_there_again(by: StaffMember, customer: Customer) -> None:
    order = Ordering(by, customer)
    order.client.get(order.lines)
    del order.client.cookies["sessionid"]
    assert "login" in order.choose((license_offer(), "33"))["Location"]
    order.client.force_login(by)
    assert 'value="33"' in order.client.get(order.lines).content.decode()
    order.choose((license_offer(), "33"))
    order.client.get(order.agreement)
    del order.client.cookies["sessionid"]
    assert "login" in order.client.post(order.agreement, acceptance_fields(customer))["Location"]
    order.client.force_login(by)
    text = order.client.get(order.agreement).content.decode()
    assert 'value="Megan"' in text
    assert "Licenses: 33" in text
