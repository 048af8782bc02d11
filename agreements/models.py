"""Which agreements are there, who accepted them, and where does each customer stand?"""

import datetime as dt
import uuid
from functools import lru_cache

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from agreements.standing import Versions
from customers.models import NAME_KEY_LENGTH, Customer
from customers.validators import validate_email_address
from mca_portal.staff.models import PartnerAccount, StaffMember
from mca_portal.staff.names import NAME_LENGTH, display_name, validate_has_letter
from mca_portal.staff.roles import Permission, require

PROGRAMME_START = dt.date(2014, 1, 1)  # nobody can have accepted before (R2)


class AgreementType(models.TextChoices):
    """Partner Center's names for the kinds of agreement (V1)."""

    CLOUD = "MicrosoftCloudAgreement", _("Microsoft Cloud Agreement")
    CUSTOMER = "MicrosoftCustomerAgreement", _("Microsoft customer agreement")


class TemplateQuerySet(models.QuerySet["AgreementTemplate"]):
    """Reads of templates."""

    def published_on(self, day: dt.date) -> "TemplateQuerySet":
        """The templates published by `day`, highest rank first."""
        return self.filter(published_on__lte=day).order_by("-version_rank")

    def versions_for(self, account: PartnerAccount) -> Versions:
        """The templates as they stand for `account` on its own calendar day, in one query (V3)."""
        day = account.local_today()
        published = tuple(self.published_on(day))
        required = max((t.version_rank for t in published if t.required_from <= day), default=0)
        return Versions(applies=account.agreement_applies, published=published, required_rank=required)


class AgreementTemplate(models.Model):
    """One version of an agreement's text (V1). Days are calendar days in each partner account's own time zone."""

    id = models.UUIDField(_("template ID"), primary_key=True, default=uuid.uuid4)
    agreement_type = models.CharField(_("agreement type"), max_length=60, choices=AgreementType)
    name = models.CharField(_("version"), max_length=100, help_text=_("As staff see it, for example October 2019."))
    version_rank = models.PositiveSmallIntegerField(_("version rank"), unique=True, help_text=_("A newer text has a higher rank."))
    link = models.URLField(_("link to the text"), max_length=500)
    published_on = models.DateField(_("published on"))
    required_from = models.DateField(_("required from"), help_text=_("From this day acceptances of older versions no longer count."))

    objects = TemplateQuerySet.as_manager()

    class Meta:
        """Ranks order all types together: the Customer Agreement stands above the Cloud Agreement (V2)."""

        verbose_name = _("agreement template")
        verbose_name_plural = _("agreement templates")
        default_permissions = ()
        ordering = ("-version_rank",)
        constraints = (
            models.CheckConstraint(condition=Q(version_rank__gte=1), name="template_rank_from_one"),
            models.CheckConstraint(condition=Q(required_from__gte=models.F("published_on")), name="template_required_after_publication"),
        )

    def __str__(self) -> str:
        return f"{self.get_agreement_type_display()}, {self.version}"

    @property
    def version(self) -> str:
        """The name as people read it in the active language.

        A month such as "October 2019" is written that language's way; any other name as it was entered, unless the catalogue knows it.
        """
        return _version_in(self.name, get_language())


@lru_cache(maxsize=200)  # a page names the same few versions again and again
def _version_in(name: str, _language: str | None) -> str:
    try:
        month = dt.datetime.strptime(name, "%B %Y").replace(tzinfo=dt.UTC)
    except ValueError:
        return gettext(name) if name else ""  # gettext("") is the catalogue's header
    return date_format(month, "YEAR_MONTH_FORMAT")


class AcceptanceQuerySet(models.QuerySet["Acceptance"]):
    """Reads of acceptances. Each starts from `visible_to`."""

    def visible_to(self, person: StaffMember) -> "AcceptanceQuerySet":
        """Those of the person's own account (A5). Raises NotAllowed when their roles do not let them see acceptances (P1)."""
        require(person, Permission.VIEW_ACCEPTANCES)
        return self.filter(customer__account_id=person.account_id)

    def standing(self) -> "AcceptanceQuerySet":
        """Those that have not been withdrawn (R5)."""
        return self.filter(withdrawal=None)

    def best_first(self) -> "AcceptanceQuerySet":
        """Highest rank first, the newest first among equals: a later confirmation supersedes an earlier one (R3)."""
        return self.order_by("-template__version_rank", "-pk")

    def history(self) -> "AcceptanceQuerySet":
        """Newest first, with everything that a page shows of a record."""
        return self.select_related("template", "recorded_by", "withdrawal__withdrawn_by").order_by("-pk")


class Via(models.TextChoices):
    """The way by which something was recorded (R1)."""

    PORTAL = "portal", _("Portal")
    API = "api", _("API")
    IMPORT = "import", _("Import")


class Acceptance(models.Model):
    """Somebody at a customer accepted a template, and a member of staff recorded it (R1). Only ever added (R3).

    No row means that nobody has confirmed anything. `agreed_on` is the account's calendar day.
    """

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="acceptances", editable=False)
    template = models.ForeignKey(AgreementTemplate, on_delete=models.PROTECT, related_name="+", editable=False)
    first_name = models.CharField(_("First name"), max_length=NAME_LENGTH, validators=[validate_has_letter])
    last_name = models.CharField(_("Last name"), max_length=NAME_LENGTH, validators=[validate_has_letter])
    email = models.CharField(_("Email address"), max_length=254, validators=[validate_email_address])
    phone = models.CharField(_("Phone number"), max_length=20, blank=True)
    agreed_on = models.DateField(_("Agreement acceptance date"))
    recorded_at = models.DateTimeField(default=timezone.now, editable=False)
    recorded_by = models.ForeignKey(StaffMember, on_delete=models.PROTECT, related_name="+", editable=False)
    via = models.CharField(max_length=10, choices=Via, editable=False)

    objects = AcceptanceQuerySet.as_manager()

    class Meta:
        """See guards.py for what the database refuses besides these."""

        verbose_name = _("acceptance")
        verbose_name_plural = _("acceptances")
        default_permissions = ()
        constraints = (
            models.CheckConstraint(condition=Q(agreed_on__gte=PROGRAMME_START), name="acceptance_not_before_the_programme"),
            models.CheckConstraint(condition=~Q(first_name="") & ~Q(last_name="") & ~Q(email=""), name="acceptance_names_a_person"),
            models.CheckConstraint(condition=Q(via__in=Via.values), name="acceptance_way_known"),
        )

    def __str__(self) -> str:
        return f"{self.name}, {self.agreed_on}"

    @property
    def name(self) -> str:
        """The person's name as people read it."""
        return display_name(self.first_name, self.last_name)

    @property
    def details(self) -> tuple[str, str, str, str]:
        """What makes two confirmations of the same template say the same (R4): the person, whatever the case of the e-mail address."""
        return self.first_name, self.last_name, self.email.lower(), self.phone

    @property
    def is_withdrawn(self) -> bool:
        """Whether it was marked as a mistake (R5)."""
        return hasattr(self, "withdrawal")

    def clean(self) -> None:
        """The acceptance date's bounds (R2)."""
        super().clean()
        if not self.agreed_on:
            return
        if self.agreed_on > self.customer.account.latest_today():
            raise ValidationError({"agreed_on": ValidationError(_("Agreement acceptance date must be today or earlier."), code="future")})
        if self.agreed_on < PROGRAMME_START:
            raise ValidationError(
                {"agreed_on": ValidationError(_("Agreement acceptance date must be 1 January 2014 or later."), code="before_programme")}
            )


class Withdrawal(models.Model):
    """An acceptance was a mistake, and why (R5). Only ever added, like the acceptance itself, which stays."""

    acceptance = models.OneToOneField(Acceptance, on_delete=models.PROTECT, related_name="withdrawal", primary_key=True)
    reason = models.CharField(_("Reason"), max_length=500, validators=[validate_has_letter])
    withdrawn_at = models.DateTimeField(default=timezone.now, editable=False)
    withdrawn_by = models.ForeignKey(StaffMember, on_delete=models.PROTECT, related_name="+", editable=False)

    class Meta:
        """One acceptance is withdrawn once."""

        verbose_name = _("withdrawal")
        verbose_name_plural = _("withdrawals")
        default_permissions = ()
        constraints = (models.CheckConstraint(condition=~Q(reason=""), name="withdrawal_says_why"),)

    def __str__(self) -> str:
        return self.reason


class Standing(models.Model):
    """Where one customer stands: its best acceptance and that one's rank, 0 for none. Derived from the records (`check_standings`).

    The row is also the lock under which a customer's confirmations, withdrawals, orders and license changes queue up (G4).
    `name_key` and `customer_since` are the customer's own name key and moment of creation, here so that the customers of one standing
    are read in order by index; the database carries a change of name over (`agreements.kept`).
    """

    customer = models.OneToOneField(Customer, on_delete=models.CASCADE, primary_key=True, related_name="standing")
    account = models.ForeignKey(PartnerAccount, on_delete=models.PROTECT, related_name="+")
    rank = models.PositiveSmallIntegerField(default=0)
    acceptance = models.ForeignKey(Acceptance, on_delete=models.PROTECT, null=True, related_name="+")
    name_key = models.CharField(max_length=NAME_KEY_LENGTH)
    customer_since = models.DateTimeField()

    class Meta:
        """`rank` says 0 exactly when there is no acceptance that counts for anything."""

        verbose_name = _("standing")
        verbose_name_plural = _("standings")
        default_permissions = ()
        constraints = (
            models.CheckConstraint(
                condition=Q(rank=0, acceptance__isnull=True) | Q(rank__gte=1, acceptance__isnull=False),
                name="standing_rank_has_its_acceptance",
            ),
        )
        indexes = (
            models.Index(fields=["account", "rank", "name_key", "customer"], name="standing_by_name"),
            models.Index(fields=["account", "rank", "-customer_since", "-customer"], name="standing_newest_first"),
        )

    def __str__(self) -> str:
        return f"{self.customer_id}: {self.rank}"

    @classmethod
    def of(cls, customer: Customer, acceptance: Acceptance | None = None) -> "Standing":
        """The standing of a customer that has none yet, unsaved."""
        return cls(
            customer=customer,
            account_id=customer.account_id,
            rank=acceptance.template.version_rank if acceptance else 0,
            acceptance=acceptance,
            name_key=customer.name_key,
            customer_since=customer.created_at,
        )


class StandingCountQuerySet(models.QuerySet["StandingCount"]):
    """Reads of counts."""

    def by_rank(self, account_id: uuid.UUID) -> dict[int, int]:
        """How many customers of the account stand at each rank."""
        rows = self.filter(account_id=account_id).order_by().values_list("rank").annotate(total=models.Sum("number"))
        return {rank: number for rank, number in rows if number}


class StandingCount(models.Model):
    """So many customers of an account stand at a rank: the sum of `number` over the account's rows of that rank; some are negative.

    Written by the database alone, with every change of a standing (`agreements.kept`). There are several rows, so that people who work
    at the same time never wait for each other's count.
    """

    account = models.ForeignKey(PartnerAccount, on_delete=models.CASCADE, related_name="+", editable=False)
    rank = models.PositiveSmallIntegerField(editable=False)
    number = models.IntegerField(editable=False)

    objects = StandingCountQuerySet.as_manager()

    class Meta:
        """Read by account."""

        verbose_name = _("number of customers at a rank")
        verbose_name_plural = _("numbers of customers at a rank")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.account_id}, {self.rank}: {self.number:+}"
