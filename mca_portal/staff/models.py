"""Who are the partners, and who works for them?"""

import datetime as dt
import uuid
import zoneinfo
from functools import cached_property
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from mca_portal.staff.names import NAME_LENGTH, display_name, validate_has_letter
from mca_portal.staff.origin import Way
from mca_portal.staff.roles import Permission, Role, may, require


class PartnerType(models.TextChoices):
    """How the partner takes part in the programme (A2)."""

    DIRECT_BILL = "direct_bill_partner", _("Direct bill partner")
    INDIRECT_PROVIDER = "indirect_provider", _("Indirect provider")
    INDIRECT_RESELLER = "indirect_reseller", _("Indirect reseller")


class Cloud(models.TextChoices):
    """Which Microsoft cloud the account works in (A3)."""

    PUBLIC = "public", _("Public cloud")
    CHINA = "china", _("21Vianet (China)")
    GERMANY = "germany", _("Germany")
    US_GOVERNMENT = "us_government", _("US Government")


class Environment(models.TextChoices):
    """Real customers, or a place to practise (A4)."""

    PRODUCTION = "production", _("Production")
    SANDBOX = "sandbox", _("Sandbox")


class Language(models.TextChoices):
    """The portal's languages, each named in itself."""

    ENGLISH = "en", "English"
    KOREAN = "ko", "한국어"


class Theme(models.TextChoices):
    """How pages look to somebody."""

    SYSTEM = "system", _("Same as the device")
    LIGHT = "light", _("Light")
    DARK = "dark", _("Dark")


def validate_time_zone(name: str) -> None:
    """`name` is an IANA time zone, such as Asia/Seoul."""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValidationError(_("Enter a time zone such as Asia/Seoul."), code="time_zone") from error


class PartnerAccount(models.Model):
    """One partner (A1). Everything else belongs to exactly one of them."""

    id = models.UUIDField(_("Microsoft ID"), primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=200)
    partner_type = models.CharField(_("partner type"), max_length=30, choices=PartnerType)
    cloud = models.CharField(_("cloud"), max_length=20, choices=Cloud, default=Cloud.PUBLIC)
    environment = models.CharField(_("environment"), max_length=20, choices=Environment, default=Environment.PRODUCTION)
    time_zone = models.CharField(_("time zone"), max_length=60, default="UTC", validators=[validate_time_zone])
    country = CountryField(_("country/region"))
    default_language = models.CharField(_("default language"), max_length=5, choices=Language, default=Language.ENGLISH)
    second_factor_required = models.BooleanField(
        _("second factor required"), default=False, help_text=_("Nobody without a second factor works in the portal or by its API.")
    )

    class Meta:
        """Permissions live here because they are about an account's data as a whole."""

        verbose_name = _("partner account")
        verbose_name_plural = _("partner accounts")
        default_permissions = ()
        permissions = tuple(Permission.choices)
        constraints = (
            models.CheckConstraint(condition=Q(partner_type__in=PartnerType.values), name="partner_type_known"),
            models.CheckConstraint(condition=Q(cloud__in=Cloud.values), name="cloud_known"),
            models.CheckConstraint(condition=Q(environment__in=Environment.values), name="environment_known"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def tz(self) -> zoneinfo.ZoneInfo:
        """The time zone in which the account's days begin and its times are shown."""
        return zoneinfo.ZoneInfo(self.time_zone)

    @property
    def agreement_applies(self) -> bool:
        """Whether the agreement resource exists in the account's cloud (A3)."""
        return self.cloud == Cloud.PUBLIC

    @property
    def transacts(self) -> bool:
        """Whether the account may confirm and order; an indirect reseller's provider does it for it (A2)."""
        return self.partner_type != PartnerType.INDIRECT_RESELLER

    @property
    def is_sandbox(self) -> bool:
        """Whether this is a place to practise (A4)."""
        return self.environment == Environment.SANDBOX

    def local_today(self) -> dt.date:
        """Today's calendar day in the account's time zone: what decides which agreement version is required."""
        return timezone.now().astimezone(self.tz).date()

    def latest_today(self) -> dt.date:
        """The later of today in the account's time zone and today in UTC: the last day that somebody can have accepted on (R2)."""
        now = timezone.now()
        return max(now.astimezone(self.tz).date(), now.astimezone(dt.UTC).date())


class StaffQuerySet(models.QuerySet["StaffMember"]):
    """Reads of staff members."""

    def visible_to(self, person: "StaffMember") -> "StaffQuerySet":
        """Those of the person's own account (A5)."""
        return self.filter(account_id=person.account_id, account__isnull=False)

    def with_role(self, role: Role) -> "StaffQuerySet":
        """Those who hold `role`."""
        return self.filter(groups__name=role.value)

    def with_second_factor(self) -> "StaffQuerySet":
        """Each with `has_second_factor`, in the same query."""
        return self.annotate(has_second_factor=models.Exists(_second_factors().filter(user=models.OuterRef("pk"))))


def _second_factors() -> models.QuerySet[Any]:
    """Everybody's authenticator apps, passkeys and security keys; recovery codes alone are no second factor."""
    from allauth.mfa.models import Authenticator  # here: it needs our models to be loaded

    return Authenticator.objects.filter(type__in=(Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN))


class StaffManager(BaseUserManager.from_queryset(StaffQuerySet)):  # type: ignore[misc]
    """Finds people by e-mail whatever its letter case, as Django's sign-in asks for."""

    def get_by_natural_key(self, username: str | None) -> "StaffMember":
        """The person with this e-mail address."""
        return self.get(email=(username or "").lower())


class StaffMember(AbstractBaseUser, PermissionsMixin):
    """Somebody who can sign in: a member of one partner account (A5), or the operator, who belongs to none and sees only /operator/."""

    object_id = models.UUIDField(_("object ID"), unique=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(
        PartnerAccount, verbose_name=_("partner account"), on_delete=models.PROTECT, null=True, blank=True, related_name="staff"
    )
    email = models.EmailField(_("Email address"), unique=True, error_messages={"unique": _("Somebody with this email address exists.")})
    first_name = models.CharField(_("First name"), max_length=NAME_LENGTH)
    last_name = models.CharField(_("Last name"), max_length=NAME_LENGTH)
    language = models.CharField(_("language"), max_length=5, choices=Language, default=Language.ENGLISH)
    theme = models.CharField(_("theme"), max_length=10, choices=Theme, default=Theme.SYSTEM)
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("operator"), default=False, help_text=_("May use the operator's pages."))
    added_at = models.DateTimeField(_("added"), default=timezone.now, editable=False)
    from_directory = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="Whether `object_id` is the one that the company's directory knows them by.",
    )
    sign_outs = models.PositiveIntegerField(default=0, editable=False, help_text="How often all of their sessions were ended at once.")

    objects = StaffManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["first_name", "last_name"]

    class Meta:
        """Nobody is deleted (their name stands in evidence): they are deactivated."""

        verbose_name = _("member of staff")
        verbose_name_plural = _("staff")
        default_permissions = ()
        constraints = (
            models.CheckConstraint(condition=Q(account__isnull=False) | Q(is_superuser=True), name="staff_belong_to_an_account"),
            models.CheckConstraint(condition=Q(email=Lower("email")), name="staff_email_in_lower_case"),
        )
        indexes = (models.Index(fields=["account", "last_name", "id"], name="staff_of_account"),)

    def __str__(self) -> str:
        return self.get_full_name()

    def clean(self) -> None:
        """The e-mail address is kept in lower case."""
        super().clean()
        self.email = self.email.lower()

    def get_full_name(self) -> str:
        """The name as people read it."""
        return display_name(self.first_name, self.last_name)

    def get_short_name(self) -> str:
        """The same: there is no shorter one that is right in both languages."""
        return self.get_full_name()

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a session was begun with. Django ends the session when this is no longer the same: another password, role or account."""
        held = ",".join(sorted(group.name for group in self.groups.all()))
        began_with = f"{self.password}|{self.account_id}|{self.is_active}|{held}|{self.sign_outs}"
        return salted_hmac("mca_portal.staff.session", began_with, secret=secret, algorithm="sha256").hexdigest()

    @cached_property
    def roles(self) -> list[Role]:
        """The roles held, in the matrix's order."""
        held = {group.name for group in self.groups.all()}
        return [role for role in Role if role.value in held]

    @cached_property
    def has_second_factor(self) -> bool:
        """Whether signing in takes more than the password."""
        return _second_factors().filter(user=self).exists()

    @property
    def must_set_up_second_factor(self) -> bool:
        """Whether they need one before anything else: their account requires it, or they are the operator of a portal in production."""
        required = bool(self.account and self.account.second_factor_required) or (self.is_staff and settings.PRODUCTION)
        return required and not self.has_second_factor

    @property
    def roles_display(self) -> list[Any]:
        """The labels of the roles held."""
        return [role.label for role in self.roles]


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Reads of API tokens."""

    def visible_to(self, person: StaffMember) -> "ApiTokenQuerySet":
        """One's own; those of the whole account for who manages its staff (P1, A5)."""
        rows = self.filter(owner__account_id=person.account_id, owner__account__isnull=False)
        return rows if may(person, Permission.MANAGE_STAFF) else rows.filter(owner=person)


class ApiToken(models.Model):
    """A program may act as its owner: with the owner's account and roles at the moment of use, and no more.

    Only a hash of the token is kept, so nobody can read it here. Nothing is deleted: a revoked token stays, with its last use.
    """

    owner = models.ForeignKey(StaffMember, on_delete=models.PROTECT, related_name="api_tokens", editable=False)
    name = models.CharField(_("Token name"), max_length=NAME_LENGTH, validators=[validate_has_letter])
    digest = models.CharField(max_length=64, unique=True, editable=False, help_text="SHA-256 of the token, in hexadecimal.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires"), editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, editable=False)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        """A token is found by its hash."""

        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        default_permissions = ()
        constraints = (
            models.CheckConstraint(condition=Q(expires_at__gt=models.F("created_at")), name="token_expires_after_it_was_made"),
            models.CheckConstraint(condition=~Q(name=""), name="token_has_a_name"),
        )
        indexes = (models.Index(fields=["owner", "-created_at"], name="token_of_owner"),)

    def __str__(self) -> str:
        return self.name

    @property
    def is_usable(self) -> bool:
        """Whether it is neither revoked nor expired; its owner must be active, too."""
        return self.revoked_at is None and self.expires_at > timezone.now()


class Topic(models.TextChoices):
    """What an activity is about: how the log is divided. Each action belongs to the topic before its dot."""

    CUSTOMERS = "customers", _("Customers")
    AGREEMENTS = "agreements", _("Agreements")
    ORDERS = "orders", _("Orders and subscriptions")
    STAFF = "staff", _("Staff and roles")
    SIGN_IN = "sign_in", _("Sign-in and passwords")
    API = "api", _("API access")
    EXPORTS = "exports", _("Exports")
    ACCOUNT = "account", _("Account settings")


class Action(models.TextChoices):
    """What somebody did. The value's first part is the topic."""

    CUSTOMER_CREATED = "customers.created", _("Customer created")
    CUSTOMER_CHANGED = "customers.changed", _("Customer changed")
    ACCEPTANCE_CONFIRMED = "agreements.confirmed", _("Acceptance confirmed")
    ACCEPTANCE_WITHDRAWN = "agreements.withdrawn", _("Confirmation withdrawn")
    ORDER_PLACED = "orders.placed", _("Order placed")
    LICENSES_CHANGED = "orders.licenses_changed", _("License count changed")
    SUBSCRIPTION_SUSPENDED = "orders.suspended", _("Subscription suspended")
    SUBSCRIPTION_REACTIVATED = "orders.reactivated", _("Subscription reactivated")
    SUBSCRIPTION_RENAMED = "orders.renamed", _("Subscription renamed")
    RENEWAL_CHANGED = "orders.renewal_changed", _("Automatic renewal changed")
    MEMBER_ADDED = "staff.added", _("Member of staff added")
    MEMBER_CHANGED = "staff.changed", _("Member of staff changed")
    MEMBER_DEACTIVATED = "staff.deactivated", _("Member of staff deactivated")
    MEMBER_REACTIVATED = "staff.reactivated", _("Member of staff reactivated")
    SIGNED_IN = "sign_in.signed_in", _("Signed in")
    SIGN_IN_FAILED = "sign_in.failed", _("Sign-in failed")
    NOT_CONFIRMED = "sign_in.not_confirmed", _("Not confirmed who it is")
    TURNED_AWAY = "sign_in.turned_away", _("Turned away after too many attempts")
    SIGNED_OUT = "sign_in.signed_out", _("Signed out")
    PASSWORD_CHANGED = "sign_in.password_changed", _("Password changed")
    PASSWORD_RESET_ASKED = "sign_in.reset_asked", _("Link for a new password asked for")
    PASSWORD_RESET = "sign_in.password_reset", _("Password chosen by a link")
    PASSWORD_SET = "staff.password_set", _("Password set by the operator")
    PASSWORD_LINK_MADE = "sign_in.password_link_made", _("Password link made")
    SESSIONS_ENDED = "sign_in.sessions_ended", _("Signed out elsewhere")
    SECOND_FACTOR_ADDED = "sign_in.factor_added", _("Second factor added")
    SECOND_FACTOR_REMOVED = "sign_in.factor_removed", _("Second factor removed")
    RECOVERY_CODES_MADE = "sign_in.recovery_codes_made", _("New recovery codes made")
    SECOND_FACTOR_RESET = "staff.factor_reset", _("Second factor reset")
    TOKEN_CREATED = "api.token_created", _("API token created")
    TOKEN_REVOKED = "api.token_revoked", _("API token revoked")
    APPLICATION_REGISTERED = "api.application_registered", _("Application registered")
    APPLICATION_CHANGED = "api.application_changed", _("Application changed")
    APPLICATION_SECRET_MADE = "api.application_secret_made", _("New secret of an application made")
    APPLICATION_DISABLED = "api.application_disabled", _("Application disabled")
    APPLICATION_ENABLED = "api.application_enabled", _("Application enabled")
    CONSENT_GIVEN = "api.consent_given", _("Application allowed")
    CONSENT_WITHDRAWN = "api.consent_withdrawn", _("Application no longer allowed")
    ACCESS_GIVEN = "api.access_given", _("Access token given to an application")
    ACCESS_REFUSED = "api.access_refused", _("Application not recognized")
    ACCESS_ENDED = "api.access_ended", _("Access token ended by an application")
    CUSTOMERS_EXPORTED = "exports.customers", _("Customers exported")
    ACTIVITY_EXPORTED = "exports.activity", _("Activity log exported")
    ACCOUNT_OPENED = "account.opened", _("Partner account opened")
    ACCOUNT_CHANGED = "account.changed", _("Partner account changed")
    SECOND_FACTOR_REQUIRED = "account.factor_required", _("Second factor required or not")

    @property
    def topic(self) -> Topic:
        """The topic that it belongs to."""
        return Topic(self.value.partition(".")[0])


class Failure(models.TextChoices):
    """Why somebody did not come in, or did not confirm who they are. The activity log keeps it as the change "why"."""

    PASSWORD = "password", _("Wrong password")
    CODE = "code", _("Wrong code of the second factor")
    PASSKEY = "passkey", _("Passkey not accepted")
    INACTIVE = "inactive", _("Deactivated")
    UNKNOWN_TENANT = "unknown_tenant", _("Directory of no partner account")
    NO_ROLE = "no_role", _("No role in the directory")
    EMAIL_NOT_VERIFIED = "email_not_verified", _("Email address not verified by the directory")
    TAKEN = "taken", _("Email address or directory ID of somebody else")
    INCOMPLETE = "incomplete", _("No name or email address in the directory")
    UNTRUSTED = "untrusted", _("Answer of the directory not trusted")


class ActivityQuerySet(models.QuerySet["Activity"]):
    """Reads of the activity log. Each starts from `visible_to`."""

    def visible_to(self, person: StaffMember) -> "ActivityQuerySet":
        """Those of the person's own account (A5): all of them for who may see the whole log, otherwise those about customers.

        Who may not see acceptances does not see them here either. Raises NotAllowed when somebody may not even see customers (P1).
        """
        require(person, Permission.VIEW_CUSTOMERS)
        rows = self.filter(account_id=person.account_id)
        if may(person, Permission.VIEW_ACTIVITY):
            return rows
        rows = rows.filter(customer_id__isnull=False)
        return rows if may(person, Permission.VIEW_ACCEPTANCES) else rows.exclude(topic=Topic.AGREEMENTS)


class Activity(models.Model):
    """Somebody did something, when and from where (the activity log). Only ever added, in the transaction that did it.

    No row means that it did not happen. `actor` is None when a command or somebody unknown did it; `account` is None for what belongs to
    no partner account: the operator's own sign-ins, and failed ones with an address that nobody has. Names are kept as they were.
    """

    account = models.ForeignKey(PartnerAccount, on_delete=models.PROTECT, null=True, related_name="+", db_index=False, editable=False)
    at = models.DateTimeField(default=timezone.now, editable=False)
    actor = models.ForeignKey(StaffMember, on_delete=models.PROTECT, null=True, related_name="+", db_index=False, editable=False)
    topic = models.CharField(max_length=20, editable=False)
    action = models.CharField(max_length=40, editable=False)  # no choices: a new kind of action changes no table
    customer_id = models.UUIDField(null=True, editable=False)  # no foreign key: customers are on a floor above
    customer_name = models.CharField(max_length=200, blank=True, editable=False)
    about_kind = models.CharField(max_length=40, blank=True, editable=False, help_text="The model, such as orders.subscription.")
    about_id = models.CharField(max_length=40, blank=True, editable=False)
    about_name = models.CharField(max_length=200, blank=True, editable=False)
    changes = models.JSONField(
        default=dict, blank=True, encoder=DjangoJSONEncoder, editable=False, help_text="Field: [old value, new value]; null for none."
    )
    way = models.CharField(max_length=10, choices=Way, editable=False)
    address = models.GenericIPAddressField(null=True, editable=False)
    request_id = models.CharField(max_length=100, blank=True, editable=False)

    objects = ActivityQuerySet.as_manager()

    class Meta:
        """Read newest first, whole or by one of person, topic and customer; see guards.py for what the database refuses besides these."""

        verbose_name = _("activity")
        verbose_name_plural = _("activities")
        default_permissions = ()
        constraints = (
            models.CheckConstraint(
                condition=Q(account__isnull=False) | Q(customer_id__isnull=True, topic=Topic.SIGN_IN),
                name="activity_of_no_account_is_about_sign_in",
            ),
            models.CheckConstraint(condition=Q(way__in=Way.values), name="activity_way_known"),
        )
        indexes = (
            models.Index(fields=["account", "-at", "-id"], name="activity_of_account"),
            models.Index(fields=["account", "topic", "-at", "-id"], name="activity_of_topic"),
            # A person and a customer belong to one account.
            models.Index(fields=["actor", "-at", "-id"], name="activity_of_person"),
            models.Index(fields=["customer_id", "-at", "-id"], name="activity_at_customer", condition=Q(customer_id__isnull=False)),
        )

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.action}"


class ApplicationKind(models.TextChoices):
    """How a program comes to its OAuth2 tokens, and for whom it acts."""

    SERVICE = "service", _("Service that runs by itself")
    WEB = "web", _("Web application that staff sign in to")
    NATIVE = "native", _("Desktop program or script that staff sign in to")


class ApplicationQuerySet(models.QuerySet["Application"]):
    """Reads of applications."""

    def visible_to(self, person: StaffMember) -> "ApplicationQuerySet":
        """Those of the person's own account (A5)."""
        return self.filter(account_id=person.account_id, account__isnull=False)


class Application(models.Model):
    """A program that the account knows (OAuth2). django-allauth's client holds its ID, its hashed secret and its redirect addresses.

    A service acts with the rights that whoever registered it has at the moment of use ("App only"); the others act as the person who signed
    in to them ("App+User"). Nothing is deleted: a disabled application stays, with its last use.
    """

    client = models.OneToOneField("allauth_idp_oidc.Client", on_delete=models.PROTECT, primary_key=True, editable=False)
    account = models.ForeignKey(PartnerAccount, on_delete=models.PROTECT, related_name="applications", editable=False)
    kind = models.CharField(_("Kind"), max_length=10, choices=ApplicationKind, editable=False)
    registered_by = models.ForeignKey(StaffMember, on_delete=models.PROTECT, related_name="+", editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    disabled_at = models.DateTimeField(_("disabled"), null=True, editable=False)

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        """An application is found by its client's ID."""

        verbose_name = _("application")
        verbose_name_plural = _("applications")
        default_permissions = ()
        constraints = (models.CheckConstraint(condition=Q(kind__in=ApplicationKind.values), name="application_kind_known"),)

    def __str__(self) -> str:
        return self.client.name

    @property
    def is_service(self) -> bool:
        """Whether it acts without a person ("App only")."""
        return self.kind == ApplicationKind.SERVICE

    @property
    def has_secret(self) -> bool:
        """Whether it proves with a secret who it is; a program on somebody's own machine could keep none."""
        return self.kind != ApplicationKind.NATIVE
