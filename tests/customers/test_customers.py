"""Who a customer is (C1), how it is found (C2), and what its address needs in its country."""

import uuid

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from customers.countries import LANGUAGES, RULES
from customers.errors import StaleCustomer
from customers.models import Customer
from customers.search import read_matches
from customers.services import update_customer
from tests.factories import customer_details, make_customer, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin():
    return make_staff()


def refusals(admin, **typed: str) -> set[str]:
    """The fields that a customer with these details is refused for; nothing is written."""
    with pytest.raises(ValidationError) as caught:
        make_customer(admin, **typed)
    assert not Customer.objects.exists()
    return set(caught.value.error_dict)


def found(admin, text: str) -> set[str]:
    return {customer.company_name for customer in read_matches(Customer.objects.visible_to(admin), text).items}


# Searching (C2) --------------------------------------------------------------------------------------------------------


@pytest.fixture
def three(admin):
    make_customer(admin, company_name="Contoso Korea", domain="contoso.onmicrosoft.com")
    make_customer(admin, company_name="한빛 소프트웨어", domain="hanbit.onmicrosoft.com")
    make_customer(admin, company_name="Straße & Söhne 100%_", domain="fabrikam.onmicrosoft.com")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("contoso", {"Contoso Korea"}),
        ("TOSO kor", {"Contoso Korea"}),
        ("  contoso\t korea ", {"Contoso Korea"}),
        ("한빛", {"한빛 소프트웨어"}),
        ("소프트", {"한빛 소프트웨어"}),
        ("HANBIT", {"한빛 소프트웨어"}),
        ("STRASSE", {"Straße & Söhne 100%_"}),
        ("SÖHNE", {"Straße & Söhne 100%_"}),
        ("%", {"Straße & Söhne 100%_"}),
        ("_", {"Straße & Söhne 100%_"}),
        ("100%_", {"Straße & Söhne 100%_"}),
        ("onmicrosoft.com", {"Contoso Korea", "한빛 소프트웨어", "Straße & Söhne 100%_"}),
        ("", {"Contoso Korea", "한빛 소프트웨어", "Straße & Söhne 100%_"}),
        ("\\", set()),
        ("c%o", set()),
        ("nobody", set()),
        ("x" * 5000, set()),
        ("x" * 36, set()),
    ],
)
def test_a_customer_is_found_by_part_of_name_or_domain_in_any_letter_case(admin, three, text, names):
    assert found(admin, text) == names


def test_a_customer_is_found_by_its_exact_microsoft_id_and_not_by_a_part_of_it(admin, three):
    customer = Customer.objects.get(company_name="Contoso Korea")
    assert found(admin, str(customer.pk)) == found(admin, f" {str(customer.pk).upper()} ") == {"Contoso Korea"}
    assert found(admin, str(customer.pk)[:20]) == set()
    assert found(admin, str(uuid.uuid4())) == set()


def test_nobody_finds_another_accounts_customers_by_any_way(admin, three):
    stranger = make_staff()
    for text in ("", "contoso", str(Customer.objects.first().pk)):
        assert found(stranger, text) == set()


def test_a_changed_name_is_found_and_the_old_one_no_longer(admin):
    customer = make_customer(admin, company_name="Old name")
    update_customer(by=admin, customer=customer, version=1, details={"company_name": "New NAME"})
    assert found(admin, "new name") == {"New NAME"}
    assert found(admin, "old") == set()


@pytest.mark.parametrize("name", ["ΐ" * 200, "İ" * 200, "ß" * 200, "한" * 200, "𝕏" * 200])
def test_a_name_that_grows_without_letter_case_still_fits(admin, name):
    customer = make_customer(admin, company_name=name)
    assert len(customer.name_key) <= 400
    assert found(admin, name[:50]) == {customer.company_name}


# Address and contact (C1) ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", RULES)
def test_every_countrys_own_example_is_right(admin, code):
    rules = RULES[code]
    region = rules.regions[0] if rules.regions else "Region" if rules.region_required else ""
    customer = make_customer(
        admin,
        country=code,
        postal_code=rules.postal_example,
        region=region,
        city="City",
        language=rules.languages[0],
        contact_phone="",
    )
    assert str(customer.country) == code
    assert set(rules.languages) <= set(LANGUAGES)


@pytest.mark.parametrize(
    ("typed", "fields"),
    [
        ({"company_name": " "}, {"company_name"}),
        ({"company_name": "🙂"}, {"company_name"}),
        ({"company_name": "x" * 201}, {"company_name"}),
        ({"country": "", "contact_phone": ""}, {"country"}),
        ({"country": "XX", "contact_phone": ""}, {"country"}),
        ({"country": "KP", "contact_phone": ""}, {"country"}),
        ({"postal_code": ""}, {"postal_code"}),
        ({"postal_code": "1234"}, {"postal_code"}),
        ({"postal_code": "０６２３６"}, {"postal_code"}),
        ({"city": ""}, {"city"}),
        ({"address_line1": ""}, {"address_line1"}),
        ({"language": "tlh"}, {"language"}),
        ({"country": "US", "postal_code": "98052", "region": "", "contact_phone": ""}, {"region"}),
        ({"country": "US", "postal_code": "98052", "region": "Washington", "contact_phone": ""}, {"region"}),
        ({"contact_first_name": ""}, {"contact_first_name"}),
        ({"contact_last_name": "\u200b"}, {"contact_last_name"}),
        ({"contact_email": "x"}, {"contact_email"}),
        ({"contact_phone": "12"}, {"contact_phone"}),
        ({"contact_email": "x", "contact_phone": "12", "postal_code": ""}, {"contact_email", "contact_phone", "postal_code"}),
    ],
)
def test_a_mistake_is_named_at_its_field(admin, typed, fields):
    assert refusals(admin, **typed) == fields


def test_details_are_tidied_and_kept_in_one_form(admin):
    customer = make_customer(
        admin,
        company_name="  Contoso \n Ltd ",
        country="US",
        region="wa",
        postal_code="98052-1234",
        contact_phone="(425) 882-8080",
        contact_email="Tania@CUSTOMER.example",
        domain=" ConToso.onmicrosoft.com",
    )
    customer.refresh_from_db()
    assert (customer.company_name, customer.region, customer.domain) == ("Contoso Ltd", "WA", "contoso.onmicrosoft.com")
    assert (customer.contact_phone, customer.contact_email) == ("+14258828080", "Tania@customer.example")


def test_unknown_fields_are_refused(admin):
    with pytest.raises(ValidationError):
        make_customer(admin, version="7")
    with pytest.raises(ValidationError):
        make_customer(admin, id=str(uuid.uuid4()))


# The domain (C1) -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "domain",
    [
        "",
        "contoso",
        ".onmicrosoft.com",
        "con toso.onmicrosoft.com",
        "con-toso.onmicrosoft.com",
        "한빛.onmicrosoft.com",
        "contoso.onmicrosoft.com.evil.example",
        "contoso.onmicrosoft.com\nx",
        "a.b.onmicrosoft.com",
        "x" * 28 + ".onmicrosoft.com",
    ],
)
def test_a_domain_is_letters_and_digits_before_onmicrosoft_com(admin, domain):
    assert refusals(admin, domain=domain) == {"domain"}


@pytest.mark.parametrize("prefix", ["a", "1", "x" * 27, "contoso2026"])
def test_a_domain_of_one_to_twenty_seven_letters_and_digits_is_right(admin, prefix):
    assert make_customer(admin, domain=f"{prefix}.onmicrosoft.com").domain_prefix == prefix


def test_a_domain_is_unique_across_all_accounts_in_any_letter_case(admin):
    make_customer(make_staff(), domain="contoso.onmicrosoft.com")
    with pytest.raises(ValidationError) as caught:
        make_customer(admin, domain="CONTOSO.onmicrosoft.com")
    assert list(caught.value.error_dict) == ["domain"]


def test_a_domain_taken_between_look_and_save_is_named_at_its_field(admin, monkeypatch):
    make_customer(admin, domain="contoso.onmicrosoft.com")
    looked = iter([None])
    check = Customer.validate_unique
    monkeypatch.setattr(Customer, "validate_unique", lambda self, exclude=None: next(looked, 1) and check(self, exclude))
    with pytest.raises(ValidationError) as caught:
        make_customer(admin, domain="contoso.onmicrosoft.com")
    assert list(caught.value.error_dict) == ["domain"]
    assert Customer.objects.count() == 1


def test_the_database_itself_refuses_a_foreign_domain(admin):
    customer = make_customer(admin)
    with pytest.raises(IntegrityError, match="customer_domain_is_onmicrosoft"), transaction.atomic():
        Customer.objects.filter(pk=customer.pk).update(domain="contoso.example")


# Changing (C1) ---------------------------------------------------------------------------------------------------------


def test_company_and_contact_change_and_domain_and_id_stay(admin):
    customer = make_customer(admin)
    changed = update_customer(
        by=admin,
        customer=customer,
        version=1,
        details=customer_details(company_name="Other", domain="other.onmicrosoft.com", contact_first_name="Bo"),
    )
    assert (changed.company_name, changed.contact_first_name, changed.version) == ("Other", "Bo", 2)
    assert (changed.domain, changed.pk) == (customer.domain, customer.pk)


def test_the_second_of_two_who_save_is_told_what_it_is_now(admin):
    customer = make_customer(admin)
    update_customer(by=admin, customer=customer, version=1, details={"city": "Busan"})
    with pytest.raises(StaleCustomer) as caught:
        update_customer(by=admin, customer=customer, version=1, details={"city": "Daegu"})
    assert (caught.value.customer.city, Customer.objects.get().city) == ("Busan", "Busan")


def test_a_change_that_is_wrong_changes_nothing(admin):
    customer = make_customer(admin)
    with pytest.raises(ValidationError):
        update_customer(by=admin, customer=customer, version=1, details={"city": "Busan", "postal_code": "1"})
    assert (Customer.objects.get().city, Customer.objects.get().version) == ("Seoul", 1)


def test_a_contact_with_a_hangul_name_is_shown_family_name_first(admin):
    assert make_customer(admin, contact_first_name="길동", contact_last_name="홍").contact_name == "홍길동"
