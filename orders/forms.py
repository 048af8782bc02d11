"""What do people type about orders and license counts? Parsing and messages; the rules are in `orders.models` and `orders.services`."""

import dataclasses
import re
import uuid
from collections.abc import Iterable
from functools import cached_property
from itertools import groupby
from typing import Any, Self

from django import forms
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundField
from django.http import QueryDict
from django.utils.formats import number_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from mca_portal.staff.names import tidy
from orders.errors import EmptyOrder, LineError, QuantityOutOfRange
from orders.models import BillingCycle, Offer, Subscription
from orders.services import Line, NewOrder

LARGEST_COUNT = 2_000_000_000  # what a column for quantities can hold in every database
_NAME_LENGTH = Subscription._meta.get_field("friendly_name").max_length


class CountWidget(forms.TextInput):
    """A number between a minus and a plus button; both send the form, which then answers with the new number, unsaved.

    Not `type="number"`: a browser sends nothing for what it cannot read, and what was typed would be lost.
    """

    template_name = "orders/_count.html"

    def __init__(self, step: str = "") -> None:
        """`step`: what the buttons' value begins with, so that the form knows whose number it is."""
        super().__init__(attrs={"inputmode": "numeric", "autocomplete": "off", "maxlength": 40})
        self.step = step

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Tell the template what the buttons send."""
        return super().get_context(name, value, attrs) | {"step": self.step}


class CountField(forms.CharField):
    """A whole number from 1 to 2 000 000 000 in plain decimal digits; with an `offer`, within its bounds."""

    default_error_messages = {
        "required": _("Enter the number of licenses."),
        "invalid": _("Enter a whole number in digits, such as 25."),
    }

    def __init__(self, *, offer: Offer | None = None, step: str = "", **more: Any) -> None:
        super().__init__(label=_("Licenses"), widget=CountWidget(step), **more)
        self.offer = offer

    def clean(self, value: Any) -> int:
        """The number. Raises ValidationError."""
        text = super().clean(value)
        if not re.fullmatch("[0-9]+", text):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        digits = text.lstrip("0") or "0"
        number = int(digits) if len(digits) <= 10 else LARGEST_COUNT + 1
        if not 1 <= number <= LARGEST_COUNT or (self.offer and not self.offer.allows(number)):
            raise ValidationError(bounds_message(self.offer), code="bounds")
        return number


class LicenseCountForm(forms.Form):
    """A new license count of one subscription, and which version of it the person saw (F5)."""

    version = forms.IntegerField(min_value=1, max_value=LARGEST_COUNT, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, subscription: Subscription, typed: str | None = None) -> None:
        """`typed`: a number that is not saved yet; without it the present one is shown."""
        number = str(subscription.quantity) if typed is None else typed
        super().__init__(data, auto_id=f"id_%s_{subscription.pk}", initial={"version": subscription.version, "quantity": number})
        self.subscription = subscription
        self.fields["quantity"] = CountField(offer=subscription.offer)
        self.fields["quantity"].widget.attrs["aria-label"] = gettext("Licenses of %(name)s") % {"name": subscription.friendly_name}

    @property
    def is_changed(self) -> bool:
        """Whether the number shown is another one than the subscription's."""
        return self["quantity"].value() != str(self.subscription.quantity)


class SubscriptionNameForm(forms.Form):
    """Another name for a subscription (G3)."""

    version = forms.IntegerField(min_value=1, max_value=LARGEST_COUNT, widget=forms.HiddenInput)
    friendly_name = forms.CharField(
        label=_("Subscription name"),
        max_length=_NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": _("Enter a name for the subscription.")},
    )


@dataclasses.dataclass(frozen=True)
class ShownLine:
    """A chosen offer on the page, with its fields."""

    offer: Offer
    quantity: BoundField
    name: BoundField


class OrderForm(forms.Form):
    """The lines of a new order (F1 Subscriptions, F3, F5): each offer once, its license count, a friendly name, and the billing cycle.

    Its buttons: `add`, `remove` (values: offer IDs), `step` (offer ID, colon, -1 or 1) and `filter` change the lines shown: see `pressed`.
    """

    billing_cycle = forms.ChoiceField(
        label=_("Billing cycle"),
        choices=BillingCycle,
        initial=BillingCycle.MONTHLY,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose how often the order is billed."), "invalid_choice": _("Choose one of the billing cycles.")},
    )

    def __init__(self, data: QueryDict | None = None, *, kept: dict[str, Any] | None = None, check: bool = False, look: Any = None) -> None:
        """`data`: what was typed now. `kept`: what `to_json` gave before, shown as it is, or checked with `check`.

        `look`: the address's query: `find` (part of an offer's name) narrows the catalogue, `at` (an offer ID) is where the person was.
        """
        typed = _typed(data) if data is not None else kept or {}
        self.find = str((data if data is not None else look or {}).get("find", ""))[:100]
        self._lines = [line for line in typed.get("lines", ()) if isinstance(line, dict)]
        fields = {"billing_cycle": typed.get("billing_cycle") or BillingCycle.MONTHLY}
        for line in self._lines:
            fields |= {f"quantity-{line['offer']}": line["quantity"], f"name-{line['offer']}": line["name"]}
        super().__init__(fields if data is not None or check else None, initial=fields)
        self._buttons = data or QueryDict()
        at = str((look or {}).get("at", ""))
        self._offers = {str(offer.pk): offer for offer in Offer.objects.filter(pk__in=_uuids(line["offer"] for line in self._lines))}
        for line in self._lines:
            if offer := self._offers.get(line["offer"]):
                self._add_fields(offer, focus=at == line["offer"])

    def _add_fields(self, offer: Offer, *, focus: bool) -> None:
        """Fields of one line; a usage-based offer is ordered once, so nothing is asked about its number."""
        count = CountField(offer=offer, step=str(offer.pk))
        if not offer.is_license_based:
            count.widget = forms.HiddenInput()
        elif focus:
            count.widget.attrs["autofocus"] = True
        name = forms.CharField(
            label=_("Subscription name"), max_length=_NAME_LENGTH, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"})
        )
        self.fields[f"quantity-{offer.pk}"], self.fields[f"name-{offer.pk}"] = count, name

    @property
    def lines(self) -> list[ShownLine]:
        """The chosen offers in the order in which they were chosen."""
        return [
            ShownLine(self._offers[key], self[f"quantity-{key}"], self[f"name-{key}"])
            for line in self._lines
            if (key := line["offer"]) in self._offers
        ]

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been chosen."""
        return not self._lines

    @cached_property
    def catalogue(self) -> list[tuple[str, list[Offer]]]:
        """The offers that can still be added, by category; narrowed to those whose name or category holds what was looked for."""
        wanted = tidy(self.find).casefold()
        chosen = {line["offer"] for line in self._lines}
        offers = [o for o in Offer.objects.sold() if str(o.pk) not in chosen and wanted in f"{o.name} {o.category_name}".casefold()]
        return [(category, list(rows)) for category, rows in groupby(offers, key=lambda offer: offer.category)]

    def clean(self) -> dict[str, Any]:
        """An order has lines, and of offers that are sold."""
        if not self._lines:
            self.add_service_error(EmptyOrder())
        if len(self._offers) < len(self._lines):
            self.add_error(None, gettext("One of the offers does not exist. Choose from the list of offers."))
        for line in self.lines:
            if not line.offer.is_sold:
                self.add_error(line.quantity.name, _not_sold(line.offer))
        return self.cleaned_data

    def order(self) -> NewOrder:
        """A valid form as an order to be placed."""
        lines = [Line(line.offer.pk, self.cleaned_data[line.quantity.name], tidy(self.cleaned_data[line.name.name])) for line in self.lines]
        return NewOrder(lines, self.cleaned_data["billing_cycle"])

    def add_service_error(self, error: EmptyOrder | LineError) -> None:
        """Show what the service refused at its line."""
        if not isinstance(error, LineError):
            self.add_error(None, gettext("Add at least one offer to the order."))
            return
        line = self.lines[error.line]
        self.add_error(line.quantity.name, bounds_message(error.offer) if isinstance(error, QuantityOutOfRange) else _not_sold(line.offer))

    def to_json(self) -> dict[str, Any]:
        """What was typed, right or wrong, to be kept in a draft."""
        return {"lines": self._lines, "billing_cycle": str(self["billing_cycle"].value() or "")}

    def pressed(self) -> dict[str, Any] | None:
        """What the draft becomes by the button that was pressed (add, remove, step, filter), or None when it was another one."""
        buttons = self._buttons
        if offer_id := buttons.get("add"):
            known = Offer.objects.sold().filter(pk__in=_uuids([offer_id])).first()
            chosen = {line["offer"] for line in self._lines}
            if known and str(known.pk) not in chosen:
                self._lines.append({"offer": str(known.pk), "quantity": str(known.minimum_quantity), "name": ""})
        elif offer_id := buttons.get("remove"):
            self._lines = [line for line in self._lines if line["offer"] != offer_id]
        elif step := buttons.get("step"):
            offer_id, _colon, by = step.partition(":")
            for line in self._lines:
                if line["offer"] == offer_id and (offer := self._offers.get(offer_id)):
                    line["quantity"] = stepped(line["quantity"], by, offer)
        elif not ("filter" in buttons or ("enter" in buttons and self.find != buttons.get("found", ""))):
            return None
        return self.to_json()

    def after_press(self) -> dict[str, str]:
        """The query of the page to show after `pressed`: the same filter, and the line that the button belonged to."""
        at = self._buttons.get("add") or self._buttons.get("step", "").partition(":")[0]
        return {name: value for name, value in (("find", self.find), ("at", at)) if value}

    @classmethod
    def of_draft(cls, kept: dict[str, Any] | None) -> Self:
        """What a draft holds, checked."""
        return cls(kept=kept, check=True)


def stepped(typed: str, by: str, offer: Offer) -> str:
    """The number typed, one more (`by` "1") or fewer, kept within the offer's bounds; what is not a number becomes the smallest."""
    text = typed.strip()
    number = int(text) + (1 if by == "1" else -1) if re.fullmatch("[0-9]{1,10}", text) else offer.minimum_quantity
    return str(min(max(number, offer.minimum_quantity), offer.maximum_quantity))


def bounds_message(offer: Offer | None) -> str:
    """Say from where to where the number of licenses may go."""
    lowest, highest = (offer.minimum_quantity, offer.maximum_quantity) if offer else (1, LARGEST_COUNT)
    return gettext("Enter a number from %(lowest)s to %(highest)s.") % {
        "lowest": number_format(lowest, force_grouping=True),
        "highest": number_format(highest, force_grouping=True),
    }


def _not_sold(offer: Offer) -> str:
    return gettext("%(offer)s is no longer sold. Remove it from the order.") % {"offer": offer.name}


def _typed(data: QueryDict) -> dict[str, Any]:
    """What a browser sent, in the form in which drafts keep it. The same offer twice is one line."""
    lines = [
        {"offer": offer_id, "quantity": data.get(f"quantity-{offer_id}", ""), "name": data.get(f"name-{offer_id}", "")}
        for offer_id in dict.fromkeys(data.getlist("offer"))
    ]
    return {"lines": lines, "billing_cycle": data.get("billing_cycle", "")}


def _uuids(texts: Iterable[str]) -> list[uuid.UUID]:
    """Those that are IDs as the portal writes them."""
    found = []
    for text in texts:
        try:
            value = uuid.UUID(text)
        except ValueError:
            continue
        if str(value) == text:
            found.append(value)
    return found
