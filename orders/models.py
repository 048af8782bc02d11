"""What is sold, what was ordered, and what runs for a customer?"""

import datetime as dt
import uuid

from dateutil.relativedelta import relativedelta
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from agreements.models import Acceptance
from customers.models import Customer
from mca_portal.staff.models import PartnerAccount, StaffMember
from orders.catalogue import CATEGORIES


class Billing(models.TextChoices):
    """How an offer is charged for (F5); only license-based subscriptions have a license count (G2, G3)."""

    LICENSE = "license", _("License-based")
    USAGE = "usage", _("Usage-based")


class BillingCycle(models.TextChoices):
    """How often an order is billed (F5)."""

    MONTHLY = "monthly", _("Monthly")
    ANNUAL = "annual", _("Annual")


class Status(models.TextChoices):
    """Whether a subscription runs (F5)."""

    ACTIVE = "active", _("Active")
    SUSPENDED = "suspended", _("Suspended")


class OfferQuerySet(models.QuerySet["Offer"]):
    """Reads of offers."""

    def sold(self) -> "OfferQuerySet":
        """Those that can be ordered today, in the catalogue's order."""
        known = [When(category=name, then=Value(place)) for place, name in enumerate(CATEGORIES)]
        return self.filter(is_sold=True).order_by(Case(*known, default=Value(len(known))), "category", "name", "id")


class Offer(models.Model):
    """Something a customer can subscribe to (F5). Quantities are in `unit_type`; usage-based offers are ordered once (1 to 1)."""

    id = models.UUIDField(_("offer ID"), primary_key=True, default=uuid.uuid4)
    name = models.CharField(_("name"), max_length=200)
    category = models.CharField(_("category"), max_length=60)
    description = models.CharField(_("description"), max_length=500, blank=True)
    unit_type = models.CharField(_("unit"), max_length=40, default="Licenses")
    billing = models.CharField(_("billing type"), max_length=10, choices=Billing)
    minimum_quantity = models.PositiveIntegerField(_("minimum quantity"), default=1)
    maximum_quantity = models.PositiveIntegerField(_("maximum quantity"))
    is_sold = models.BooleanField(_("sold"), default=True)

    objects = OfferQuerySet.as_manager()

    class Meta:
        """Offers that were ordered are kept; one that is no longer sold says so."""

        verbose_name = _("offer")
        verbose_name_plural = _("offers")
        default_permissions = ()
        constraints = (
            models.CheckConstraint(
                condition=Q(minimum_quantity__gte=1, maximum_quantity__gte=F("minimum_quantity")), name="offer_bounds_in_order"
            ),
            models.CheckConstraint(condition=Q(billing__in=Billing.values), name="offer_billing_known"),
        )
        indexes = (models.Index(fields=["is_sold", "category", "name"], name="offer_catalogue"),)

    def __str__(self) -> str:
        return self.name

    @property
    def is_license_based(self) -> bool:
        """Whether subscriptions to it have a license count."""
        return self.billing == Billing.LICENSE

    @property
    def category_name(self) -> str:
        """The category in the active language where we have a word for it."""
        return gettext(self.category) if self.category else ""  # gettext("") is the catalogue's header

    def allows(self, quantity: int) -> bool:
        """Whether `quantity` is within the bounds (F5)."""
        return self.minimum_quantity <= quantity <= self.maximum_quantity


class OrderQuerySet(models.QuerySet["Order"]):
    """Reads of orders."""

    def visible_to(self, person: StaffMember) -> "OrderQuerySet":
        """Those of the person's own account (A5)."""
        return self.filter(account_id=person.account_id)


class Order(models.Model):
    """An order as it was placed (F5), naming the acceptance that opened the gate for it (G5); none where the agreement does not apply."""

    id = models.UUIDField(_("order ID"), primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(PartnerAccount, on_delete=models.PROTECT, related_name="+", editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="orders", editable=False)
    acceptance = models.ForeignKey(Acceptance, on_delete=models.PROTECT, null=True, related_name="+", editable=False)
    billing_cycle = models.CharField(_("Billing cycle"), max_length=10, choices=BillingCycle)
    placed_at = models.DateTimeField(default=timezone.now, editable=False)
    placed_by = models.ForeignKey(StaffMember, on_delete=models.PROTECT, related_name="+", editable=False)

    objects = OrderQuerySet.as_manager()

    class Meta:
        """See guards.py for what the database refuses besides these."""

        verbose_name = _("order")
        verbose_name_plural = _("orders")
        default_permissions = ()
        constraints = (models.CheckConstraint(condition=Q(billing_cycle__in=BillingCycle.values), name="order_cycle_known"),)
        indexes = (
            models.Index(fields=["account", "-placed_at", "-id"], name="order_of_account"),
            models.Index(fields=["customer", "-placed_at", "-id"], name="order_of_customer"),
        )

    def __str__(self) -> str:
        return str(self.id)

    @cached_property
    def line_list(self) -> list["OrderLine"]:
        """Its lines by number, read once."""
        return list(self.lines.all())

    @property
    def number(self) -> str:
        """The order ID's first eight characters, as people say it."""
        return str(self.id)[:8].upper()


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    """Reads of subscriptions."""

    def visible_to(self, person: StaffMember) -> "SubscriptionQuerySet":
        """Those of the person's own account (A5)."""
        return self.filter(customer__account_id=person.account_id)


class Subscription(models.Model):
    """One line of an order, running (F5). Days are calendar days in the account's time zone. `version` grows with every change."""

    id = models.UUIDField(_("subscription ID"), primary_key=True, default=uuid.uuid4, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="subscriptions", editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="subscriptions", editable=False)
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="+", editable=False)
    friendly_name = models.CharField(_("Subscription name"), max_length=200)
    quantity = models.PositiveIntegerField(_("License count"))
    status = models.CharField(_("Status"), max_length=10, choices=Status, default=Status.ACTIVE)
    auto_renew = models.BooleanField(_("Renews automatically"), default=True)
    starts_on = models.DateField(editable=False)
    commitment_ends_on = models.DateField(editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(StaffMember, on_delete=models.PROTECT, related_name="+", editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        """See guards.py for what the database refuses besides these."""

        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        default_permissions = ()
        constraints = (
            models.CheckConstraint(condition=Q(quantity__gte=1), name="subscription_quantity_from_one"),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="subscription_status_known"),
            models.CheckConstraint(condition=Q(commitment_ends_on__gt=F("starts_on")), name="subscription_ends_after_it_starts"),
        )
        indexes = (models.Index(fields=["customer", "-created_at", "-id"], name="subscription_of_customer"),)

    def __str__(self) -> str:
        return self.friendly_name

    @property
    def term_ends_on(self) -> dt.date:
        """When the present term ends: one year on (F5), and each year anew while it renews itself; by the active time zone's calendar."""
        ends, today = self.commitment_ends_on, timezone.localdate()
        if not self.auto_renew or ends > today:
            return ends
        years = today.year - self.starts_on.year
        this_year = self.starts_on + relativedelta(years=years)
        return this_year if this_year > today else self.starts_on + relativedelta(years=years + 1)

    @property
    def is_active(self) -> bool:
        """Whether it runs."""
        return self.status == Status.ACTIVE


class OrderLine(models.Model):
    """What one line of an order asked for, unchanged by later license changes (F5). `number` counts from 0, as in Partner Center."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    number = models.PositiveSmallIntegerField()
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveIntegerField()
    friendly_name = models.CharField(max_length=200)
    subscription = models.OneToOneField(Subscription, on_delete=models.PROTECT, related_name="line")

    class Meta:
        """A line's number is unique in its order."""

        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        default_permissions = ()
        ordering = ("order", "number")
        constraints = (
            models.UniqueConstraint(fields=["order", "number"], name="order_line_number_once"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="order_line_quantity_from_one"),
        )

    def __str__(self) -> str:
        return self.friendly_name


class LicenseChange(models.Model):
    """A change of a license count, naming the acceptance that opened the gate for it (G2, G5). Only ever added."""

    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="license_changes", editable=False)
    version = models.PositiveIntegerField(help_text="The subscription's version after this change.", editable=False)
    from_quantity = models.PositiveIntegerField(editable=False)
    to_quantity = models.PositiveIntegerField(editable=False)
    acceptance = models.ForeignKey(Acceptance, on_delete=models.PROTECT, null=True, related_name="+", editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_by = models.ForeignKey(StaffMember, on_delete=models.PROTECT, related_name="+", editable=False)

    class Meta:
        """A subscription's version is reached once, so two changes at the same moment cannot both count."""

        verbose_name = _("license change")
        verbose_name_plural = _("license changes")
        default_permissions = ()
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=["subscription", "version"], name="license_change_version_once"),
            models.CheckConstraint(condition=~Q(from_quantity=F("to_quantity")), name="license_change_changes_something"),
        )

    def __str__(self) -> str:
        return f"{self.from_quantity} → {self.to_quantity}"


class StatusChange(models.Model):
    """A subscription was suspended or reactivated: by whom and when."""

    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="status_changes", editable=False)
    to_status = models.CharField(max_length=10, choices=Status, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_by = models.ForeignKey(StaffMember, on_delete=models.PROTECT, related_name="+", editable=False)

    class Meta:
        """Newest first."""

        verbose_name = _("status change")
        verbose_name_plural = _("status changes")
        default_permissions = ()
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.get_to_status_display()
