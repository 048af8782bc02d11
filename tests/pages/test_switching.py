"""Language and appearance are switched in the middle of a form, on every page with one: nothing typed is lost, nothing is blamed yet."""

import re
from dataclasses import dataclass

import pytest
from django.test import Client
from django.urls import reverse

from customers.models import Customer
from mca_portal.staff.models import StaffMember
from tests.factories import confirm, license_offer, make_application, make_customer, make_staff, make_subscription

pytestmark = pytest.mark.django_db


@dataclass
class Desk:
    """An Admin agent at work."""

    person: StaffMember
    tab: Client
    shut: Customer
    open: Customer

    def begin(self, address: str) -> str:
        """Begin a flow; the address of its first step."""
        return self.tab.get(address)["Location"]

    def past_account_info(self) -> str:
        """The second step of a new customer whose acceptance is confirmed."""
        first = self.begin("/customers/new/")
        page = self.tab.get(first).content.decode()
        template = re.search(r'name="mca-template_id" value="([^"]+)"', page)
        assert template
        fields = {f"contact_{name}": value for name, value in (("first_name", "A"), ("last_name", "B"), ("email", "a@b.example"))}
        company = {"company_name": "C", "domain_prefix": "cc", "country": "KR", "address_line1": "1", "city": "S", "postal_code": "04524"}
        mca = {"mca-accepted": "on", "mca-agreed_on": "2026-01-02", "mca-template_id": template[1], "language": "ko"}
        return self.tab.post(first, fields | company | mca)["Location"]

    def prompt(self) -> str:
        """The prompt inside a new order."""
        offer = license_offer()
        first = self.begin(reverse("new_order", args=[self.shut.pk]))
        return self.tab.post(first, {"offer": str(offer.pk), f"quantity-{offer.pk}": "2", "billing_cycle": "monthly"})["Location"]

    def shut_subscription(self) -> str:
        """The address of a subscription whose license count is shut."""
        subscription = make_subscription(self.person, self.open)
        self.open.standing.acceptance = None
        self.open.standing.rank = 0
        self.open.standing.save()
        return reverse("license_agreement", args=[self.open.pk, subscription.pk])


@pytest.fixture
def desk() -> Desk:
    person = make_staff()
    tab = Client()
    tab.force_login(person)
    opened = make_customer(person)
    confirm(person, opened)
    opened.refresh_from_db()
    return Desk(person, tab, make_customer(person), opened)


PAGES = {
    "agreement": (lambda d: reverse("agreement", args=[d.shut.pk]), {"mca-first_name": "민서"}),
    "withdrawal": (lambda d: reverse("agreement_withdraw", args=[d.open.pk, d.open.standing.acceptance_id]), {"reason": "실수로"}),
    "company and contact": (lambda d: reverse("customer_edit", args=[d.shut.pk]), {"company_name": "절반", "version": "1"}),
    "new customer": (lambda d: d.begin("/customers/new/"), {"company_name": "절반만 쓴 이름", "contact_last_name": "김"}),
    "new customer's order": (Desk.past_account_info, {"offer": "OFFER", "quantity-OFFER": "twelve", "billing_cycle": "annual"}),
    "order": (
        lambda d: d.begin(reverse("new_order", args=[d.shut.pk])),
        {"offer": "OFFER", "quantity-OFFER": "twelve", "name-OFFER": "Half a name", "billing_cycle": "monthly"},
    ),
    "prompt in an order": (Desk.prompt, {"mca-last_name": "김", "mca-email": "half@"}),
    "prompt for a license count": (Desk.shut_subscription, {"mca-last_name": "김", "quantity": "twelve", "version": "1"}),
    "somebody new": (lambda d: reverse("staff_new"), {"email": "half@", "first_name": "Kim"}),
    "member": (lambda d: reverse("staff_member", args=[make_staff(d.person.account).pk]), {"first_name": "Kim", "last_name": ""}),
    "profile": (lambda d: reverse("profile"), {"first_name": "Half", "last_name": "", "language": "en", "theme": "dark"}),
    "token": (lambda d: reverse("tokens"), {"name": "Half a name", "days": "365"}),
    "new application": (lambda d: reverse("application_new"), {"name": "Half a name", "kind": "service"}),
    "application": (lambda d: reverse("application", args=[make_application(d.person)[0].pk]), {"name": "Half"}),
}


@pytest.mark.parametrize("which", PAGES)
def test_a_half_filled_form_is_as_it_was_in_the_other_language(desk: Desk, which: str) -> None:
    where, fields = PAGES[which]
    offer = str(license_offer().pk)
    typed = {name.replace("OFFER", offer): value.replace("OFFER", offer) for name, value in fields.items()}
    address = where(desk)
    page = desk.tab.get(address).content.decode()
    form, action = re.search(r'name="portal_language" value="ko"[^>]* form="(\w+)" formaction="([^"]+)" formnovalidate', page).groups()
    assert page.count(f'id="{form}"') == 1, "the button belongs to the form of the page"
    assert "portal_" not in re.search(rf'<button[^>]* form="{form}"[^>]*>', page)[0], "the Enter key does not switch"
    switched = desk.tab.post(action.replace("&amp;", "&"), typed | {"portal_language": "ko"})
    assert switched["Location"] == address
    shown = desk.tab.get(address).content.decode()
    assert '<html lang="ko"' in shown
    assert "error-summary" not in shown
    kept = {name: value for name, value in typed.items() if value and name not in ("offer", "billing_cycle", "language", "theme", "days")}
    for name, value in kept.items():
        assert value in re.search(rf'<(?:input|textarea)[^>]* name="{name}"[^>]*>[^<]*', shown)[0], name
    if which == "profile":
        assert re.search(r'value="ko"[^>]* checked', shown), "the newer choice"


def test_what_was_said_to_be_wrong_is_said_again_in_the_other_language(desk: Desk) -> None:
    address = reverse("agreement", args=[desk.shut.pk])
    page = desk.tab.post(address, {"mca-first_name": "민서", "mca-agreed_on": "2999-01-01"}).content.decode()
    action = re.search(r'name="portal_language" value="ko"[^>]* formaction="([^"]+)"', page)[1]
    desk.tab.post(action.replace("&amp;", "&"), {"mca-first_name": "민서", "mca-agreed_on": "2999-01-01", "portal_language": "ko"})
    shown = desk.tab.get(address).content.decode()
    assert "문제가 있습니다" in shown
    assert 'value="2999-01-01"' in shown


def test_another_name_for_a_subscription_that_was_half_typed_is_still_there(desk: Desk) -> None:
    subscription = make_subscription(desk.person, desk.open)
    refused = desk.tab.post(reverse("subscription_name", args=[desk.open.pk, subscription.pk]), {"friendly_name": "", "version": "1"})
    address = reverse("subscription", args=[desk.open.pk, subscription.pk])
    assert f"?next={address}&amp;checked=1" in refused.content.decode(), (
        "the page that names the mistake has no address of its own to come back to"
    )
    desk.tab.post(f"/preferences/language/?next={address}", {"friendly_name": "절반", "version": "1", "portal_language": "ko"})
    assert 'value="절반"' in desk.tab.get(address).content.decode()


@pytest.mark.parametrize(("address", "field"), [("/accounts/login/?next=/orders/", "login"), ("/accounts/password/reset/", "email")])
def test_the_address_typed_at_sign_in_goes_along_and_the_password_does_not(client: Client, address: str, field: str) -> None:
    page = client.get(address).content.decode()
    [switch] = set(re.findall(r'value="ko" lang="ko" form="typed" formaction="([^"]+)"', page))
    first = re.search(r'<button[^>]*form="typed"[^>]*>', page)
    assert first is not None
    assert "formaction" not in first[0], "the Enter key would switch the language"
    answer = client.post(switch.replace("&amp;", "&"), {field: "sora.kim@contoso.example", "password": "s3cret", "portal_language": "ko"})
    assert answer["Location"] == address
    cookie = answer.cookies["typed_email"]
    assert (cookie["httponly"], cookie["max-age"], cookie["path"]) == (True, 60, address.partition("?")[0])
    assert "s3cret" not in cookie.value
    page = client.get(address).content.decode()
    assert '<html lang="ko"' in page
    assert 'value="sora.kim@contoso.example"' in page
    assert "s3cret" not in page
    assert "sessionid" not in client.cookies


def test_a_forged_address_is_not_put_back(client: Client) -> None:
    client.cookies["typed_email"] = "kim@contoso.example:1abcde:forged"
    assert "kim@contoso.example" not in client.get("/accounts/login/").content.decode()


def test_the_operators_pages_can_be_read_in_the_other_language(client: Client) -> None:
    client.force_login(StaffMember.objects.create(email="op@example.com", first_name="O", last_name="P", is_staff=True, is_superuser=True))
    page = client.get("/operator/agreements/agreementtemplate/").content.decode()
    switch = re.search(r'action="(/preferences/language/[^"]+)"', page)
    assert switch is not None
    answer = client.post(switch[1], {"portal_language": "ko"})
    assert answer["Location"] == "/operator/agreements/agreementtemplate/"
    assert '<html lang="ko"' in client.get(answer["Location"]).content.decode()
