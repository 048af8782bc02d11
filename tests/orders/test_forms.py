"""What people type about orders is read strictly, kept as typed, and answered at its line (F5)."""

import pytest
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils.translation import override

from orders.errors import OfferNotSold, QuantityOutOfRange
from orders.forms import OrderForm
from orders.models import Offer
from tests.factories import license_offer, usage_offer

pytestmark = pytest.mark.django_db


def typed(quantity="5", name="", offer=None, **more):
    """What a browser sends for one line."""
    offer_id = str(getattr(offer or license_offer(), "pk", offer))
    query = QueryDict(mutable=True)
    query.update({"offer": offer_id, f"quantity-{offer_id}": quantity, f"name-{offer_id}": name, "billing_cycle": "annual"} | more)
    return query


def test_a_right_order_is_read():
    form = OrderForm(typed("007", " Sales  team "))
    assert form.is_valid(), form.errors
    order = form.order()
    assert [(line.offer_id, line.quantity, line.friendly_name) for line in order.lines] == [(license_offer().pk, 7, "Sales team")]
    assert order.billing_cycle == "annual"


@pytest.mark.parametrize(
    "quantity", ["", " ", "0", "-1", "1e3", "10^12", "1000000000000", "9" * 5000, "1.5", "2,000", "٣", "５", "abc", "301", "0x10"]
)
def test_a_wrong_number_is_said_at_its_line_and_kept(quantity):
    form = OrderForm(typed(quantity))
    assert not form.is_valid()
    assert list(form.errors) == [f"quantity-{license_offer().pk}"]
    again = OrderForm(kept=form.to_json())
    assert again.lines[0].quantity.value() == quantity


def test_an_offer_that_is_not_sold_is_said_at_its_line():
    gone = Offer.objects.filter(is_sold=False).first()
    form = OrderForm(typed(offer=gone))
    assert not form.is_valid()
    assert "no longer sold" in str(form.errors[f"quantity-{gone.pk}"])


@pytest.mark.parametrize("offer", ["00000000-0000-4000-8000-000000000000", "nonsense", "a" * 3000, "🙂"])
def test_a_forged_offer_is_refused(offer):
    form = OrderForm(typed(offer=offer))
    assert not form.is_valid()
    assert form.non_field_errors()
    assert form.lines == []


def test_an_order_without_lines_and_an_unknown_cycle_are_refused():
    form = OrderForm(QueryDict("billing_cycle=daily"))
    assert not form.is_valid()
    assert set(form.errors) == {"__all__", "billing_cycle"}


def test_the_same_offer_twice_is_one_line():
    data = typed("3")
    data.appendlist("offer", str(license_offer().pk))
    assert len(OrderForm(data).lines) == 1


def test_buttons_add_remove_and_step():
    offer, usage = license_offer(), usage_offer()
    kept = OrderForm(typed("3", add=str(usage.pk))).pressed()
    assert [line["offer"] for line in kept["lines"]] == [str(offer.pk), str(usage.pk)]
    assert OrderForm.of_draft(kept).is_valid()
    assert OrderForm(typed("3", add="nonsense")).pressed()["lines"][0]["quantity"] == "3"
    assert OrderForm(typed("3", remove=str(offer.pk))).pressed()["lines"] == []
    assert OrderForm(typed("3", step=f"{offer.pk}:1")).pressed()["lines"][0]["quantity"] == "4"
    assert OrderForm(typed("1", step=f"{offer.pk}:-1")).pressed()["lines"][0]["quantity"] == "1"
    assert OrderForm(typed("300", step=f"{offer.pk}:1")).pressed()["lines"][0]["quantity"] == "300"
    assert OrderForm(typed("abc", step=f"{offer.pk}:1")).pressed()["lines"][0]["quantity"] == "1"
    assert OrderForm(typed("3")).pressed() is None


def test_the_filter_narrows_the_offers_and_loses_nothing():
    form = OrderForm(typed("3", find="azure", filter="1"))
    assert form.pressed()["lines"][0]["quantity"] == "3"
    assert [category for category, _offers in form.catalogue] == ["Azure"]
    assert form.after_press() == {"find": "azure"}
    assert OrderForm(typed("3", find="azure", enter="1", found="")).pressed() is not None
    assert OrderForm(typed("3", find="azure", enter="1", found="azure")).pressed() is None


def test_the_filter_knows_the_categories_by_their_names_in_the_language_of_the_page():
    with override("ko"):
        found = OrderForm(typed("3", find="보안", filter="1")).catalogue
    assert [category for category, _offers in found] == ["Security"]


def test_what_the_service_refuses_is_said_at_its_line():
    offer = license_offer()
    for error in (OfferNotSold(0), QuantityOutOfRange(offer, 0)):
        form = OrderForm(typed())
        assert form.is_valid()
        form.add_service_error(error)
        assert list(form.errors) == [f"quantity-{offer.pk}"]


def test_the_page_piece_shows_every_offer_with_a_button():
    html = render_to_string("orders/_lines.html", {"order_form": OrderForm(typed("bad"))})
    assert html.count('name="add"') == Offer.objects.sold().count() - 1
    assert 'value="bad"' in html
    assert "Enter a whole number in digits" in html


def test_the_catalogue_begins_with_microsoft_365_and_ends_with_what_an_operator_added():
    Offer.objects.create(name="Backup", category="A category of our own", billing="usage", maximum_quantity=1)
    categories = [category for category, _offers in OrderForm().catalogue]
    assert categories == ["Business", "Enterprise", "Security", "Dynamics 365", "Azure", "A category of our own"]
    assert OrderForm().catalogue[0][1][0].name.startswith("Microsoft 365")
