"""The main job from end to end, as people see it: F1 to F4, in both languages, with and without scripts."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from agreements.models import Acceptance
from agreements.services import withdraw_acceptance
from customers.models import Customer
from orders.models import LicenseChange, Order
from tests.factories import confirm, license_offer, make_customer, make_subscription

pytestmark = [pytest.mark.parametrize("language", ["en", "ko"]), pytest.mark.parametrize("javascript", [True, False], ids=["js", "nojs"])]

# first name, last name, and the two together as a page shows them
CONTACT = {"en": ("Tania", "Carr", "Tania Carr"), "ko": ("서연", "이", "이서연")}
DIRECTOR = {"en": ("Diego", "Siciliani", "Diego Siciliani"), "ko": ("민준", "김", "김민준")}
OFFER = "Microsoft 365 Business Standard"

Text = Callable[..., str]


def section(page: Page, heading: str) -> Locator:
    """The card with this heading."""
    return page.get_by_role("region", name=heading, exact=True)


def press(where: Page | Locator, name: str, *, of: str = "") -> None:
    """Press the button that is called so; `of`: what a screen reader adds to it."""
    where.get_by_role("button", name=f"{name} {of}".strip(), exact=True).click()


def type_person(where: Locator, t: Text, person: tuple[str, str, str], email: str) -> None:
    """Fill in the name and e-mail address."""
    where.get_by_label(t("First name"), exact=True).fill(person[0])
    where.get_by_label(t("Last name"), exact=True).fill(person[1])
    where.get_by_label(t("Email address"), exact=True).fill(email)


def type_company(page: Page, t: Text, name: str, prefix: str) -> None:
    """Fill in the first section of a new customer."""
    company = section(page, t("Company"))
    company.get_by_label(t("Company name"), exact=True).fill(name)
    company.get_by_label(t("Primary domain"), exact=True).fill(prefix)
    company.get_by_label(t("Address line 1"), exact=True).fill("152 Teheran-ro")
    company.get_by_label(t("City"), exact=True).fill("Seoul")
    company.get_by_label(t("Postal code"), exact=True).fill("06236")


def type_acceptance(where: Page | Locator, t: Text, person: tuple[str, str, str], day: dt.date) -> None:
    """Fill in the form that F2 and F3 share."""
    card = where.get_by_role("region", name=t("Microsoft customer agreement"), exact=True) if isinstance(where, Page) else where
    type_person(card, t, person, "director@wingtip.example")
    card.get_by_label(t("Agreement acceptance date"), exact=True).fill(day.isoformat())


def follow_the_summary(page: Page, t: Text, message: str) -> None:
    """The summary of what is wrong has the focus, and its link leads to the field, where the same is said."""
    expect(page).to_have_title(re.compile("^" + re.escape(t("Error:"))))
    summary = page.locator("#error-summary")
    expect(summary).to_be_focused()
    summary.get_by_role("link", name=message).click()
    field = page.locator(":focus")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile(re.escape(message)))


class TestNewCustomer:
    """F1."""

    def test_the_person_follows_the_primary_contact_and_the_first_order_is_placed_with_the_customer(
        self, page: Page, t: Text, agent: Any, go: Any, language: str, javascript: bool
    ) -> None:
        first, last, whole = CONTACT[language]
        go("/customers/")
        page.get_by_role("link", name=t("New customer"), exact=True).first.click()

        # A mistake is said at its field and on top, and what was typed stays.
        type_company(page, t, "", "wingtip")
        contact = section(page, t("Primary contact"))
        type_person(contact, t, CONTACT[language], "contact@wingtip.example")
        who = page.get_by_role("group", name=t("Person who accepted the agreement"))
        if javascript:
            expect(who).to_contain_text(whole)
            expect(who).to_contain_text("contact@wingtip.example")
        page.get_by_role("checkbox", name=t("The customer has accepted the latest Microsoft customer agreement")).check()
        today = agent.account.local_today()
        page.get_by_label(t("Agreement acceptance date"), exact=True).fill(today.isoformat())
        press(page, t("Next"))
        follow_the_summary(page, t, t("Enter the company name."))
        expect(contact.get_by_label(t("First name"), exact=True)).to_have_value(first)
        expect(contact.get_by_label(t("Last name"), exact=True)).to_have_value(last)
        expect(who).to_contain_text(whole)
        expect(page.get_by_label(t("Agreement acceptance date"), exact=True)).to_have_value(today.isoformat())
        page.get_by_label(t("Company name"), exact=True).fill("Wingtip Toys")
        press(page, t("Next"))

        # Neither the browser's Back nor the page's loses anything.
        expect(page.get_by_role("heading", level=1)).to_have_text(t("Subscriptions"))
        page.go_back()  # to the page that named the mistake
        expect(page.get_by_label(t("Company name"), exact=True)).to_have_value("Wingtip Toys")
        expect(page.locator("#error-summary")).to_have_count(0)
        press(page, t("Next"))
        press(page, t("Back"))
        expect(page.get_by_label(t("Company name"), exact=True)).to_have_value("Wingtip Toys")
        press(page, t("Next"))
        expect(page.get_by_role("heading", level=1)).to_have_text(t("Subscriptions"))
        page.go_back()
        expect(page.get_by_label(t("Company name"), exact=True)).to_have_value("Wingtip Toys")
        expect(page.get_by_label(t("Primary domain"), exact=True)).to_have_value("wingtip")
        press(page, t("Next"))

        press(page, t("Add"), of=OFFER)
        line = page.get_by_role("group", name=OFFER, exact=True)
        line.get_by_label(t("Licenses"), exact=True).fill("25")
        press(page, t("Next"))

        expect(page.get_by_text(t("Nothing has been created yet."))).to_be_visible()
        assert not Customer.objects.exists()
        expect(section(page, t("Company"))).to_contain_text("Wingtip Toys")
        expect(section(page, t("Microsoft customer agreement"))).to_contain_text(whole)
        expect(section(page, t("Subscriptions"))).to_contain_text(OFFER)
        expect(section(page, t("Subscriptions"))).to_contain_text("25")
        page.get_by_role("button", name=t("Submit"), exact=True).dblclick()

        expect(page.get_by_role("heading", level=1)).to_have_text(t("%(name)s has been created", name="Wingtip Toys"))
        expect(page.locator(".mp-title")).to_contain_text(t("Confirmed"))
        page.reload()
        expect(page.get_by_role("heading", level=1)).to_have_text(t("%(name)s has been created", name="Wingtip Toys"))
        page.go_back()
        expect(page.get_by_role("button", name=t("Submit"), exact=True)).to_have_count(0)

        customer = Customer.objects.get()
        acceptance = Acceptance.objects.get()
        assert (acceptance.customer, acceptance.first_name, acceptance.last_name, acceptance.email, acceptance.agreed_on) == (
            customer, first, last, "contact@wingtip.example", today,
        )  # fmt: skip
        assert Order.objects.get().acceptance == acceptance

    def test_update_names_somebody_else_than_the_primary_contact(
        self, page: Page, t: Text, agent: Any, go: Any, language: str, javascript: bool
    ) -> None:
        go("/customers/new/")
        type_company(page, t, "Wingtip Toys", "wingtip")
        type_person(section(page, t("Primary contact")), t, CONTACT[language], "contact@wingtip.example")
        page.get_by_role("checkbox", name=t("The customer has accepted the latest Microsoft customer agreement")).check()
        page.get_by_label(t("Agreement acceptance date"), exact=True).fill(agent.account.local_today().isoformat())
        who = page.get_by_role("group", name=t("Person who accepted the agreement"))

        # There and back again, and what was typed above is still there.
        press(who, t("Update"), of=t("the person who accepted the agreement"))
        expect(who.get_by_label(t("Phone number"))).to_have_value("")
        expect(who).to_contain_text(t("(optional)"))
        press(who, t("Use the primary contact"))
        expect(who).to_contain_text(CONTACT[language][2])
        press(who, t("Update"), of=t("the person who accepted the agreement"))
        type_person(who, t, DIRECTOR[language], "director@wingtip.example")
        expect(page.get_by_label(t("Company name"), exact=True)).to_have_value("Wingtip Toys")
        press(page, t("Next"))
        press(page, t("Next"))
        expect(section(page, t("Primary contact"))).to_contain_text(CONTACT[language][2])
        expect(section(page, t("Microsoft customer agreement"))).to_contain_text(DIRECTOR[language][2])
        press(page, t("Submit"))
        expect(page.get_by_text(DIRECTOR[language][2])).to_be_visible()
        assert Acceptance.objects.get().email == "director@wingtip.example"
        assert Customer.objects.get().contact_email == "contact@wingtip.example"

    def test_without_the_tick_the_customer_is_created_and_orders_stay_shut(
        self, page: Page, t: Text, agent: Any, go: Any, language: str, javascript: bool
    ) -> None:
        go("/customers/new/")
        type_company(page, t, "Wingtip Toys", "wingtip")
        type_person(section(page, t("Primary contact")), t, CONTACT[language], "contact@wingtip.example")
        press(page, t("Next"))
        expect(page.get_by_text(t("Orders open once acceptance is confirmed."))).to_be_visible()
        expect(page.get_by_role("button", name=f"{t('Add')} {OFFER}")).to_have_count(0)
        press(page, t("Next"))
        expect(section(page, t("Microsoft customer agreement"))).to_contain_text(t("Not confirmed"))
        press(page, t("Submit"))
        expect(page.locator(".mp-title")).to_contain_text(t("Not confirmed"))
        page.get_by_role("link", name=t("Open the customer")).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Wingtip Toys")
        expect(section(page, t("Microsoft customer agreement"))).to_contain_text(t("new orders can’t be placed"))
        assert not Acceptance.objects.exists()


class TestExistingCustomer:
    """F2 and F4."""

    def test_switching_the_language_in_the_middle_loses_nothing_and_the_enter_key_saves(
        self, page: Page, t: Text, agent: Any, go: Any, language: str, javascript: bool
    ) -> None:
        customer = make_customer(agent, company_name="Fourth Coffee")
        go(f"/customers/{customer.pk}/")
        page.get_by_role("link", name=f"{t('Update')} {t('Microsoft customer agreement')}").click()
        first, last, _whole = DIRECTOR[language]
        page.locator("[name=mca-first_name]").fill(first)
        other = {"en": "ko", "ko": "en"}[language]
        for now in (other, language):
            page.locator(f".mp-top-end button[value={now}]").first.click()
            expect(page.locator("html")).to_have_attribute("lang", now)
            expect(page.locator("[name=mca-first_name]")).to_have_value(first)
            expect(page.locator("#error-summary")).to_have_count(0)
        page.locator("[name=mca-last_name]").fill(last)
        page.locator("[name=mca-agreed_on]").fill("2026-01-02")
        page.locator("[name=mca-email]").fill("director@wingtip.example")
        page.locator("[name=mca-email]").press("Enter")
        expect(page.get_by_role("status").filter(has_text=DIRECTOR[language][2])).to_be_visible()
        assert Acceptance.objects.get().first_name == first

    def test_somebody_finds_the_customer_confirms_and_sees_it_recorded(
        self, page: Page, t: Text, agent: Any, go: Any, language: str, javascript: bool
    ) -> None:
        make_customer(agent, company_name="Fourth Coffee")
        customer = make_customer(agent, company_name="Wingtip Toys")
        go("/customers/")
        page.get_by_role("searchbox").fill("wingTIP")
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name="Fourth Coffee")).to_have_count(0)
        page.get_by_role("link", name="Wingtip Toys", exact=True).click()
        card = section(page, t("Microsoft customer agreement"))
        expect(card).to_contain_text(t("Confirmation has not been provided."))
        expect(card).to_contain_text(t("new orders can’t be placed"))
        expect(card).to_contain_text(t("license counts can’t be changed"))
        card.get_by_role("link", name=f"{t('Update')} {t('Microsoft customer agreement')}").click()

        today = agent.account.local_today()
        type_acceptance(page, t, DIRECTOR[language], today + dt.timedelta(days=3))
        press(page, t("Save and continue"))
        expect(page.locator("#error-summary")).to_be_focused()
        expect(card.get_by_label(t("First name"), exact=True)).to_have_value(DIRECTOR[language][0])
        assert not Acceptance.objects.exists()
        card.get_by_label(t("Agreement acceptance date"), exact=True).fill(today.isoformat())
        press(page, t("Save and continue"))

        expect(page.get_by_role("status").filter(has_text=DIRECTOR[language][2])).to_be_visible()
        expect(page.locator(".mp-title")).to_contain_text(t("Confirmed"))
        expect(card).to_contain_text(DIRECTOR[language][2])
        expect(card).to_contain_text("director@wingtip.example")
        acceptance = Acceptance.objects.get()
        assert (acceptance.customer, acceptance.recorded_by, acceptance.agreed_on) == (customer, agent, today)

    def test_everything_known_of_the_confirmation_can_be_looked_up(
        self, page: Page, t: Text, agent: Any, go: Any, language: str, javascript: bool
    ) -> None:
        customer = make_customer(agent, company_name="Wingtip Toys")
        first, last, whole = CONTACT[language]
        confirm(agent, customer, first_name=first, last_name=last, email="earlier@wingtip.example")
        first, last, whole = DIRECTOR[language]
        day = dt.date(2026, 3, 2)
        confirm(agent, customer, first_name=first, last_name=last, email="director@wingtip.example", phone="02-555-0142", agreed_on=day)
        go("/customers/")
        page.get_by_role("link", name="Wingtip Toys", exact=True).click()
        card = section(page, t("Microsoft customer agreement"))
        for fact in (whole, "director@wingtip.example", "+82 2-555-0142", t("Confirmed."), "Park", "2026"):
            expect(card).to_contain_text(fact)
        history = section(page, t("History"))
        expect(history.get_by_role("listitem")).to_have_count(2)
        expect(history.get_by_role("listitem").first).to_contain_text(whole)
        expect(history.get_by_role("listitem").last).to_contain_text(CONTACT[language][2])


class TestPrompt:
    """F3."""

    def test_an_order_asks_for_the_confirmation_and_goes_on_with_its_lines(
        self, page: Page, t: Text, agent: Any, go: Any, language: str, javascript: bool
    ) -> None:
        customer = make_customer(agent, company_name="Wingtip Toys")
        go(f"/customers/{customer.pk}/")
        page.get_by_role("link", name=t("New order"), exact=True).click()
        press(page, t("Add"), of=OFFER)
        line = page.get_by_role("group", name=OFFER, exact=True)
        line.get_by_label(t("Licenses"), exact=True).fill("25")
        line.get_by_label(t("Subscription name")).fill("Head office")
        press(page, t("Next"))

        expect(page.get_by_role("heading", level=1)).to_have_text(t("Complete the confirmation to continue"))
        expect(page.get_by_role("complementary", name=t("Order draft"))).to_contain_text("Head office")
        press(page, t("Save and continue"))
        expect(page.locator("#error-summary")).to_be_focused()
        type_acceptance(page.locator("#main"), t, DIRECTOR[language], agent.account.local_today())
        press(page, t("Save and continue"))

        expect(page.get_by_role("heading", level=1)).to_have_text(t("Review the order"))
        offers = section(page, t("Offers"))
        for fact in (OFFER, "25", "Head office"):
            expect(offers).to_contain_text(fact)

        # Withdrawn at the last moment: the prompt again, and still nothing is lost.
        withdraw_acceptance(by=agent, acceptance=Acceptance.objects.get(), reason="A mistake")
        press(page, t("Place order"))
        expect(page.get_by_role("heading", level=1)).to_have_text(t("Complete the confirmation to continue"))
        assert not Order.objects.exists()
        type_acceptance(page.locator("#main"), t, CONTACT[language], agent.account.local_today())
        press(page, t("Save and continue"))
        page.get_by_role("button", name=t("Place order"), exact=True).dblclick()
        order_line = page.get_by_role("row").filter(has_text="Head office")
        expect(order_line).to_contain_text("25")
        order = Order.objects.get()
        assert order.acceptance.first_name == CONTACT[language][0]
        expect(page.get_by_role("heading", level=1)).to_have_text(t("Order %(number)s", number=order.number))

    def test_a_license_count_asks_for_the_confirmation_and_then_changes(
        self, page: Page, t: Text, agent: Any, go: Any, language: str, javascript: bool
    ) -> None:
        customer = make_customer(agent, company_name="Wingtip Toys")
        mistake = confirm(agent, customer)
        subscription = make_subscription(agent, customer, quantity=5, offer=license_offer())
        go(f"/customers/{customer.pk}/")
        page.locator(".mp-tabs").get_by_role("link", name=t("Subscriptions")).click()
        row = page.get_by_role("row").filter(has_text=OFFER)
        row.get_by_role("textbox").fill("9")
        # Withdrawn while the page was open: the prompt comes at Save, with the number.
        withdraw_acceptance(by=agent, acceptance=mistake, reason="A mistake")
        press(row, t("Save"), of=OFFER)
        change = page.get_by_role("complementary", name=t("Your change"))
        expect(change.get_by_role("textbox")).to_have_value("9")

        # Now that it is shut the list says so, and the way to change it leads through the same prompt.
        page.get_by_role("link", name=t("Back to the subscriptions")).click()
        expect(page.locator("#why")).to_contain_text(t("License counts can’t be changed."))
        row.get_by_role("link", name=f"{t('Change')} {OFFER}").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(t("Complete the confirmation to continue"))
        change.get_by_role("textbox").fill("9")
        type_acceptance(page, t, DIRECTOR[language], agent.account.local_today() + dt.timedelta(days=3))
        press(page, t("Save and continue"))
        expect(page.locator("#error-summary")).to_be_focused()
        expect(change.get_by_role("textbox")).to_have_value("9")
        page.get_by_label(t("Agreement acceptance date"), exact=True).fill(agent.account.local_today().isoformat())
        press(page, t("Save and continue"))

        saved = t("Saved. Licenses of %(name)s: %(now)s (was %(before)s).", name=OFFER, now=9, before=5)
        expect(page.get_by_role("status").filter(has_text=saved)).to_be_visible()
        expect(row.get_by_role("textbox")).to_have_value("9")
        made = LicenseChange.objects.get()
        assert (made.subscription, made.from_quantity, made.to_quantity) == (subscription, 5, 9)
        assert made.acceptance == Acceptance.objects.get(email="director@wingtip.example")
