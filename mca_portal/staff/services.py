"""Everything that writes partner accounts' staff."""

import base64
import contextlib
import datetime as dt
import hashlib
import json
import secrets
import uuid
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_network
from urllib.parse import urlsplit

from allauth.idp.oidc.models import Client
from allauth.idp.oidc.models import Token as OAuthToken
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from mca_portal import metrics
from mca_portal.staff.activity import Changes, differences, record
from mca_portal.staff.errors import DirectoryRefused, LastAdminAgent, NotYourself, SecondFactorMissing
from mca_portal.staff.models import Action, ApiToken, Application, ApplicationKind, Failure, PartnerAccount, StaffMember
from mca_portal.staff.names import NAME_LENGTH, tidy
from mca_portal.staff.origin import current_origin
from mca_portal.staff.roles import Permission, Role, require
from mca_portal.staff.scopes import OF_KIND
from mca_portal.staff.sealing import seal, unseal

__all__ = [
    "add_member",
    "change_application",
    "change_member",
    "create_token",
    "end_session",
    "end_sessions",
    "note_access",
    "note_access_ended",
    "note_access_refused",
    "note_activity_export",
    "note_application_use",
    "note_consent",
    "note_failed_passkey",
    "note_failed_sign_in",
    "note_not_confirmed",
    "note_password_link",
    "note_refused_from_directory",
    "note_reset_asked",
    "note_second_factor",
    "note_sign_in",
    "note_sign_out",
    "note_token_use",
    "note_turned_away",
    "open_account",
    "register_application",
    "renew_secret",
    "require_second_factor",
    "reseal_second_factors",
    "reset_second_factor",
    "revoke_token",
    "set_active",
    "set_application_active",
    "set_password",
    "set_preferences",
    "sign_in_from_directory",
    "token_digest",
    "withdraw_consent",
]

TOKEN_LIFE = dt.timedelta(days=365)  # at most
TOKENS_EACH = 20  # usable at once, of one person
APPLICATIONS_EACH = 50  # enabled at once, of one account
REDIRECT_URIS_EACH = 10
_NOTED = dt.timedelta(minutes=1)  # a read of the API costs no write more often than this
_WHILE = dt.timedelta(minutes=5)  # as long as django-allauth counts wrong passwords


def open_account(
    *, admin_email: str, admin_first_name: str, admin_last_name: str, password: str | None, **account: object
) -> PartnerAccount:
    """Open a partner account with its first Admin agent. For the operator (shell, set-up, demo): nobody signed in can ask for it.

    `account` holds the fields of PartnerAccount. Without a `password` the Admin agent chooses one by a link. Raises ValidationError.
    """
    with transaction.atomic():
        opened = PartnerAccount(**account)
        opened.full_clean()
        opened.save(force_insert=True)
        record(Action.ACCOUNT_OPENED, by=None, account_id=opened.pk, about=opened, changes=differences({}, _account_as_text(opened)))
        _add(
            None,
            opened,
            email=admin_email,
            first_name=admin_first_name,
            last_name=admin_last_name,
            roles=[Role.ADMIN_AGENT],
            password=password,
        )
    return opened


def add_operator(*, email: str, first_name: str, last_name: str, language: str = "en") -> StaffMember:
    """Add somebody who runs the portal: they belong to no partner account, and choose a password by the link that the door makes.

    For the operator's shell: nobody signed in can ask for it. Raises ValidationError.
    """
    operator = StaffMember(
        email=email.strip().lower(),
        first_name=tidy(first_name),
        last_name=tidy(last_name),
        language=language,
        is_staff=True,
        is_superuser=True,
    )
    operator.set_password(None)
    operator.full_clean(exclude=["password"])
    operator.save(force_insert=True)
    return operator


def add_member(
    *, by: StaffMember, email: str, first_name: str, last_name: str, roles: Iterable[Role], language: str = "", password: str | None = None
) -> StaffMember:
    """Add a member of staff to `by`'s account. Without a `password` they choose one by the link that the door makes.

    Raises NotAllowed (P1), ValidationError.
    """
    require(by, Permission.MANAGE_STAFF)
    assert by.account is not None
    return _add(by, by.account, email=email, first_name=first_name, last_name=last_name, roles=roles, language=language, password=password)


@transaction.atomic
def _add(
    by: StaffMember | None,
    account: PartnerAccount,
    *,
    email: str,
    first_name: str,
    last_name: str,
    roles: Iterable[Role],
    language: str = "",
    password: str | None = None,
) -> StaffMember:
    member = StaffMember(
        account=account,
        email=email.strip().lower(),
        first_name=tidy(first_name),
        last_name=tidy(last_name),
        language=language or account.default_language,
    )
    member.set_password(password)
    member.full_clean()
    try:
        with transaction.atomic():
            member.save(force_insert=True)
    except IntegrityError as error:  # somebody added this address since full_clean looked
        member.validate_unique()
        raise ValidationError({"email": StaffMember._meta.get_field("email").error_messages["unique"]}) from error
    roles = list(roles)
    member.groups.set(Group.objects.filter(name__in=[role.value for role in roles]))
    changes = differences({}, {"email": member.email} | _member_as_text(member, roles))
    record(Action.MEMBER_ADDED, by=by, account_id=account.pk, about=member, changes=changes)
    return member


def _member_as_text(member: StaffMember, roles: Iterable[Role]) -> dict[str, object]:
    """What the activity log says of a member."""
    return {"first_name": member.first_name, "last_name": member.last_name, "roles": sorted(role.value for role in roles)}


def _account_as_text(account: PartnerAccount) -> dict[str, str]:
    """What the activity log says of an account."""
    names = ("name", "partner_type", "cloud", "environment", "time_zone", "country", "default_language")
    return {name: str(getattr(account, name)) for name in names}


def change_member(*, by: StaffMember, member: StaffMember, first_name: str, last_name: str, roles: Iterable[Role]) -> StaffMember:
    """Change a member's name and roles; a changed role counts at once and ends their sessions.

    Raises NotAllowed (P1), LastAdminAgent, ValidationError.
    """
    require(by, Permission.MANAGE_STAFF)
    with transaction.atomic():
        member = _lock_member(by, member)
        roles = list(roles)
        if Role.ADMIN_AGENT not in roles:
            _keep_an_admin_agent(member)
        before = _member_as_text(member, member.roles)
        member.first_name, member.last_name = tidy(first_name), tidy(last_name)
        member.full_clean()
        member.save(update_fields=["first_name", "last_name"])
        member.groups.set(Group.objects.filter(name__in=[role.value for role in roles]))
        if changes := differences(before, _member_as_text(member, roles)):
            record(Action.MEMBER_CHANGED, by=by, about=member, changes=changes)
    member.__dict__.pop("roles", None)
    return member


def set_active(*, by: StaffMember, member: StaffMember, active: bool) -> StaffMember:
    """Deactivate a member (their sessions end) or let them in again.

    Raises NotAllowed (P1), LastAdminAgent, NotYourself.
    """
    require(by, Permission.MANAGE_STAFF)
    with transaction.atomic():
        member = _lock_member(by, member)
        if not active:
            _keep_an_admin_agent(member)
            if member.pk == by.pk:
                raise NotYourself
        if member.is_active != active:
            member.is_active = active
            member.sign_outs += 1  # a session from before does not come back to life
            member.save(update_fields=["is_active", "sign_outs"])
            record(Action.MEMBER_REACTIVATED if active else Action.MEMBER_DEACTIVATED, by=by, about=member)
    return member


def require_second_factor(*, by: StaffMember, required: bool) -> PartnerAccount:
    """Require a second factor of everybody who works for `by`'s account, or no longer; it counts from each one's next request on.

    Raises NotAllowed (P1).
    """
    require(by, Permission.MANAGE_STAFF)
    assert by.account_id is not None  # `require` refuses the operator
    with transaction.atomic():
        account = PartnerAccount.objects.select_for_update().get(pk=by.account_id)
        if account.second_factor_required != required:
            account.second_factor_required = required
            account.save(update_fields=["second_factor_required"])
            changed = {"second_factor_required": [not required, required]}
            record(Action.SECOND_FACTOR_REQUIRED, by=by, about=account, changes=changed)
    return account


def reset_second_factor(*, by: StaffMember, member: StaffMember) -> StaffMember:
    """Take away a colleague's second factors and recovery codes, which they lost, and end their sessions.

    They sign in with their password alone until they set one up anew, at once where the account requires it.
    Raises NotAllowed (P1), NotYourself.
    """
    require(by, Permission.MANAGE_STAFF)
    with transaction.atomic():
        member = _lock_member(by, member)
        if member.pk == by.pk:
            raise NotYourself
        gone, _kinds = Authenticator.objects.filter(user=member).delete()
        if gone:
            member.sign_outs += 1
            member.save(update_fields=["sign_outs"])
            record(Action.SECOND_FACTOR_RESET, by=by, about=member)
    return member


def reseal_second_factors() -> tuple[int, int]:
    """Encrypt the secrets of all second factors with the present key; how many that were, and how many no present key opens."""
    done = lost = 0
    for pk in list(Authenticator.objects.exclude(type=Authenticator.Type.WEBAUTHN).values_list("pk", flat=True)):
        with transaction.atomic():  # one by one: nobody who signs in meanwhile waits for all
            factor = Authenticator.objects.select_for_update().filter(pk=pk).first()
            for name in ("secret", "seed"):
                if factor is None or name not in factor.data:
                    continue
                secret = unseal(factor.data[name])
                if secret is None:
                    lost += 1
                    continue
                factor.data[name] = seal(secret)
                factor.save(update_fields=["data"])
                done += 1
    return done, lost


def set_preferences(
    *, by: StaffMember, language: str | None = None, theme: str | None = None, first_name: str | None = None, last_name: str | None = None
) -> StaffMember:
    """Change one's own name, language or theme; what is None stays. Everybody may do this for themselves. Raises ValidationError.

    Only another name is logged: it stands beside what was recorded under the old one. Language and theme concern nobody else.
    """
    wanted = {"language": language, "theme": theme, "first_name": first_name, "last_name": last_name}
    changes = {name: tidy(value) for name, value in wanted.items() if value is not None}
    names = {name: value for name, value in changes.items() if name in ("first_name", "last_name")}
    renamed = differences({name: getattr(by, name) for name in names}, names)
    for name, value in changes.items():
        setattr(by, name, value)
    by.clean_fields(exclude=[f.name for f in by._meta.fields if f.name not in changes])
    with transaction.atomic():
        by.save(update_fields=list(changes))
        if renamed and by.account_id:
            record(Action.MEMBER_CHANGED, by=by, about=by, changes=renamed)
    return by


def end_session(*, by: StaffMember, session_id: int) -> None:
    """Sign out one of one's own browsers; one that is signed out already stays so."""
    with transaction.atomic():
        for session in UserSession.objects.filter(user=by, pk=session_id):
            session.end()
            record(Action.SESSIONS_ENDED, by=by)


def end_sessions(*, by: StaffMember) -> StaffMember:
    """End every session of one's own, the present one too unless its door begins it anew (`update_session_auth_hash`)."""
    with transaction.atomic():
        by = StaffMember.objects.select_for_update(of=("self",)).get(pk=by.pk)
        by.sign_outs += 1
        by.save(update_fields=["sign_outs"])
        UserSession.objects.filter(user=by).delete()
        record(Action.SESSIONS_ENDED, by=by)
    return by


def create_token(*, by: StaffMember, name: str, days: int) -> tuple[ApiToken, str]:
    """Make an API token of `by`'s own that lives `days` days; the second value is the token itself, which nothing can show again.

    It has the form of a JWT, because Partner Center's PowerShell module reads account, person and expiry from it; the portal trusts nothing
    in it and knows it by its hash. Raises NotAllowed (P1), SecondFactorMissing, ValidationError (keys "name", "days").
    """
    require(by, Permission.USE_API_TOKENS)
    if by.must_set_up_second_factor:
        raise SecondFactorMissing
    if not 1 <= days <= TOKEN_LIFE.days:
        too_long = ValidationError(_("Choose 1 to %(days)s days."), code="days", params={"days": TOKEN_LIFE.days})
        raise ValidationError({"days": too_long})
    now = timezone.now()
    expires_at = now + dt.timedelta(days=days)
    secret = _token_text(by, expires_at)
    token = ApiToken(owner=by, name=tidy(name), digest=token_digest(secret), created_at=now, expires_at=expires_at)
    token.full_clean()
    with transaction.atomic():
        # Two requests at once cannot pass the limit together. Without the key, so that log entries may name the person meanwhile.
        StaffMember.objects.select_for_update(of=("self",), no_key=True).get(pk=by.pk)
        if ApiToken.objects.filter(owner=by, revoked_at__isnull=True, expires_at__gt=now).count() >= TOKENS_EACH:
            raise ValidationError({"name": ValidationError(_("You have many tokens. Revoke one that you no longer need."), code="many")})
        token.save(force_insert=True)
        record(Action.TOKEN_CREATED, by=by, about=token, changes={"expires_at": [None, expires_at]})
    return token, secret


def revoke_token(*, by: StaffMember, token: ApiToken) -> ApiToken:
    """End a token of one's own, or of the account's staff for who manages them; again changes nothing. Raises NotAllowed (P1)."""
    require(by, Permission.USE_API_TOKENS if token.owner_id == by.pk else Permission.MANAGE_STAFF)
    with transaction.atomic():
        token = ApiToken.objects.visible_to(by).select_related("owner").select_for_update(of=("self",)).get(pk=token.pk)
        if token.revoked_at is None:
            token.revoked_at = timezone.now()
            token.save(update_fields=["revoked_at"])
            record(Action.TOKEN_REVOKED, by=by, about=token, changes={"owner": [None, str(token.owner)]})
    return token


def sign_in_from_directory(
    *, tenant_id: uuid.UUID | None, object_id: uuid.UUID | None, email: str, first_name: str, last_name: str, roles: Iterable[Role]
) -> StaffMember:
    """The member whom their company's directory vouches for, with the roles that it gives them now; somebody new is added.

    The account is the one whose Microsoft ID is `tenant_id`, the member its one with `object_id`. `email` is an address that the directory
    vouches for, or empty: by it somebody whom an Admin agent added is recognized, in their own account and once. The last active Admin
    agent stays one, so that nobody is locked out. Whoever is deactivated changes nothing and stays so: the door keeps them out.
    Raises DirectoryRefused with the reason, ValidationError for somebody new without a name.
    """
    with transaction.atomic():
        account = PartnerAccount.objects.select_for_update().filter(pk=tenant_id).first() if tenant_id else None
        if account is None or object_id is None:
            raise DirectoryRefused("unknown_tenant")
        email, roles = email.strip().lower(), list(roles)
        people = StaffMember.objects.filter(account=account, is_staff=False, is_superuser=False)  # no operator is taken over
        member = people.filter(object_id=object_id, from_directory=True).first()
        if member is None and email:
            member = people.filter(email=email, from_directory=False).first()
        others = StaffMember.objects.exclude(pk=member.pk) if member else StaffMember.objects.all()
        if others.filter(object_id=object_id).exists():
            raise DirectoryRefused("taken")
        if member is not None and member.is_active:
            _take_from_directory(member, object_id, roles)
        if member is None and roles:
            if not email:
                raise DirectoryRefused("email_not_verified")
            if StaffMember.objects.filter(email=email).exists():
                raise DirectoryRefused("taken")
            member = _add(None, account, email=email, first_name=first_name, last_name=last_name, roles=roles)
            member.object_id, member.from_directory = object_id, True
            member.save(update_fields=["object_id", "from_directory"])
    if member is None or not roles:  # outside the transaction: roles that were taken away stay away
        raise DirectoryRefused("no_role")
    return StaffMember.objects.get(pk=member.pk)


def _take_from_directory(member: StaffMember, object_id: uuid.UUID, roles: list[Role]) -> None:
    """Give a member the roles that the directory gives them, and note that it knows them."""
    try:
        if Role.ADMIN_AGENT not in roles:
            _keep_an_admin_agent(member)
    except LastAdminAgent:
        roles = [Role.ADMIN_AGENT, *roles]
    if not member.from_directory:
        member.object_id, member.from_directory = object_id, True
        member.save(update_fields=["object_id", "from_directory"])
    before, after = _member_as_text(member, member.roles), _member_as_text(member, roles)
    if before != after:
        member.groups.set(Group.objects.filter(name__in=[role.value for role in roles]))
        record(Action.MEMBER_CHANGED, by=None, account_id=member.account_id, about=member, changes=differences(before, after))


def note_token_use(*, by: StaffMember, token: ApiToken) -> None:
    """Note that `by`, its owner, uses the token now, to the minute.

    Raises NotAllowed when they may no longer have tokens (P1), SecondFactorMissing when they could not make one now: a token never has more
    rights than its owner.
    """
    require(by, Permission.USE_API_TOKENS)
    if by.must_set_up_second_factor:
        raise SecondFactorMissing
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at >= _NOTED:
        # Where nothing can be written now (a full disk, a lock that somebody holds), what only reads goes on.
        with contextlib.suppress(OperationalError):
            ApiToken.objects.filter(pk=token.pk, owner=by).update(last_used_at=now)


def note_sign_in(*, by: StaffMember) -> None:
    """Log that `by` has signed in. Everybody does it for themselves, the operator too."""
    record(Action.SIGNED_IN, by=by)


def note_sign_out(*, by: StaffMember) -> None:
    """Log that `by` has signed out."""
    record(Action.SIGNED_OUT, by=by)


def note_second_factor(*, by: StaffMember, action: Action) -> None:
    """Log what `by` did to a second factor of their own."""
    record(action, by=by)


def note_failed_sign_in(*, email: str, why: Failure) -> None:
    """Log that somebody, nobody knows who, failed to sign in as the person with this address: in that person's account.

    An address that nobody has belongs to no account, and may be a mistyped one of somebody elsewhere, or a password: only a keyed hash of
    it is kept, by which the operator sees that it was tried again. Both take one query and one INSERT, so their times tell nothing.
    Throttling bounds how often this happens: what it turns away comes to `note_turned_away`.
    """
    _record_tried(Action.SIGN_IN_FAILED, email, {"why": [None, why]})


def note_failed_passkey() -> None:
    """Log that a passkey was not accepted and nobody knows whose it was meant to be: it belongs to no account, and the operator sees it.

    Throttling of passkeys (ten a minute from one address) bounds how often.
    """
    record(Action.SIGN_IN_FAILED, by=None, changes={"why": [None, Failure.PASSKEY]})


def note_not_confirmed(*, member: StaffMember, why: Failure) -> None:
    """Log that whoever is in `member`'s session was asked for their password or second factor once more and did not know it."""
    record(Action.NOT_CONFIRMED, by=None, account_id=member.account_id, about=member, changes={"why": [None, why]})


def note_turned_away(*, email: str) -> None:
    """Log that throttling turned somebody away who tried as the person with this address; empty where none was said.

    Such attempts have no end, so they must not fill the disk: in five minutes, which is how long throttling remembers, one entry for each
    person tried and one for each address that they come from (of IPv6 a /64, as throttling counts). Attempts beyond it are in the metrics.
    """
    metrics.TURNED_AWAY.inc()
    email = email.strip().lower()
    seen = [_is_first_in_a_while(what) for what in (f"turned away from {_network()}", f"turned away {email or _network()}")]
    if all(seen):
        _record_tried(Action.TURNED_AWAY, email, {})


def note_reset_asked(*, email: str) -> None:
    """Log that somebody, nobody knows who, asked for a link with which the person with this address chooses a new password.

    For an address that nobody has as `note_failed_sign_in` does. Throttling bounds how often (five times a minute for one person).
    """
    _record_tried(Action.PASSWORD_RESET_ASKED, email, {})


def note_refused_from_directory(*, tenant_id: uuid.UUID | None, object_id: uuid.UUID | None, email: str, why: Failure) -> None:
    """Log that somebody whom a company's directory sent did not come in: in the account of its tenant, where there is one.

    Who it was is said by name if they are known there, else by the address that the directory vouches for or their ID in it; of an unknown
    tenant only its ID is kept. Anybody has a directory somewhere, so it is bounded as `note_turned_away` is.
    """
    account = PartnerAccount.objects.filter(pk=tenant_id).first() if tenant_id else None
    people = StaffMember.objects.filter(account=account) if account else StaffMember.objects.none()
    member = (object_id and people.filter(object_id=object_id).first()) or (email and people.filter(email=email.strip().lower()).first())
    seen = [_is_first_in_a_while(what) for what in (f"refused from {_network()}", f"refused {tenant_id} {object_id or _network()}")]
    if all(seen):
        name = str(member or email or object_id or "") if account else str(tenant_id or "")
        about = member or None
        changes = {"why": [None, why]}
        record(Action.SIGN_IN_FAILED, by=None, account_id=account and account.pk, about=about, name=name, changes=changes)


def _record_tried(action: Action, email: str, changes: Changes) -> None:
    """Log that somebody tried something as the person with this address; `note_failed_sign_in` says what is kept of an unknown one."""
    email = email.strip().lower()
    tried = StaffMember.objects.filter(email=email).first()
    if tried:
        record(action, by=None, account_id=tried.account_id, about=tried, changes=changes)
    else:
        name = salted_hmac("failed sign-in", email, algorithm="sha256").hexdigest()[:16] if email else ""
        record(action, by=None, name=name, changes=changes)


def _is_first_in_a_while(what: str) -> bool:
    """Whether this did not happen within the last five minutes, in any server process. What is kept of it tells nobody anything."""
    return cache.add(f"noted:{hashlib.sha256(what.encode()).hexdigest()}", 1, _WHILE.total_seconds())


def _network() -> str:
    """From where the present request comes, as throttling counts: the address, or of IPv6 the network that one customer is given."""
    address = current_origin().address or ""
    return str(ip_network(f"{address}/64", strict=False)) if ":" in address else address


def note_password_link(*, by: StaffMember, member: StaffMember) -> None:
    """Log that `by` was shown a link with which `member` chooses a password. Raises NotAllowed (P1)."""
    require(by, Permission.MANAGE_STAFF)
    record(Action.PASSWORD_LINK_MADE, by=by, about=StaffMember.objects.visible_to(by).get(pk=member.pk))


def note_activity_export(*, by: StaffMember, filters: Mapping[str, object]) -> None:
    """Log that `by` takes the log away as a file, and which part of it. Raises NotAllowed (P1)."""
    require(by, Permission.VIEW_ACTIVITY)
    record(Action.ACTIVITY_EXPORTED, by=by, changes=differences({}, filters))


def set_password(*, by: StaffMember, password: str, by_link: bool = False) -> None:
    """Give `by` the password that they chose, knowing the old one or by a link; the door has checked that it is good enough."""
    with transaction.atomic():
        by.set_password(password)
        by.save(update_fields=["password"])
        record(Action.PASSWORD_RESET if by_link else Action.PASSWORD_CHANGED, by=by)


def register_application(*, by: StaffMember, name: str, kind: str, redirect_uris: Sequence[str] = ()) -> tuple[Application, str]:
    """Make a program known to `by`'s account, so that it can get OAuth2 tokens in the way of its kind.

    The second value is its secret, which nothing can show again; empty for a kind that has none. Raises NotAllowed (P1), ValidationError
    (keys "name", "kind", "redirect_uris").
    """
    require(by, Permission.MANAGE_STAFF)
    assert by.account is not None
    application = Application(account=by.account, kind=kind, registered_by=by)
    if kind not in ApplicationKind.values:
        raise ValidationError({"kind": ValidationError(_("Choose the kind of application."), code="kind")})
    client = Client(owner=by, type=Client.Type.CONFIDENTIAL if application.has_secret else Client.Type.PUBLIC)
    client.set_scopes(list(OF_KIND[kind]))
    client.set_default_scopes(list(OF_KIND[kind][:1]))
    _describe(client, application, name, redirect_uris)
    _open(client, application)
    secret = secrets.token_urlsafe(32)
    client.set_secret(secret)
    with transaction.atomic():
        PartnerAccount.objects.select_for_update().get(pk=by.account.pk)  # two requests at once cannot pass the limit together
        if Application.objects.visible_to(by).filter(disabled_at=None).count() >= APPLICATIONS_EACH:
            raise ValidationError(
                {"name": ValidationError(_("There are many applications. Disable one that is no longer used."), code="many")}
            )
        client.save(force_insert=True)
        application.client = client
        application.save(force_insert=True)
        changes = differences({}, {"kind": kind, "redirect_uris": client.redirect_uris})
        record(Action.APPLICATION_REGISTERED, by=by, about=application, changes=changes)
    return application, secret if application.has_secret else ""


def change_application(*, by: StaffMember, application: Application, name: str, redirect_uris: Sequence[str]) -> Application:
    """Change an application's name and redirect addresses. Raises NotAllowed (P1), ValidationError (keys "name", "redirect_uris")."""
    require(by, Permission.MANAGE_STAFF)
    with transaction.atomic():
        application = _lock_application(by, application)
        client = application.client
        before = {"name": client.name, "redirect_uris": client.redirect_uris}
        _describe(client, application, name, redirect_uris)
        changes = differences(before, {"name": client.name, "redirect_uris": client.redirect_uris})
        if changes:
            client.save(update_fields=["name", "redirect_uris"])
            record(Action.APPLICATION_CHANGED, by=by, about=application, changes=changes)
    return application


def renew_secret(*, by: StaffMember, application: Application) -> str:
    """Give an application a new secret, which is returned and which nothing can show again; the old one and its tokens end at once.

    Raises NotAllowed (P1).
    """
    require(by, Permission.MANAGE_STAFF)
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        application = _lock_application(by, application)
        application.client.set_secret(secret)
        application.client.save(update_fields=["secret"])
        OAuthToken.objects.filter(client=application.client).delete()
        record(Action.APPLICATION_SECRET_MADE, by=by, about=application)
    return secret


def set_application_active(*, by: StaffMember, application: Application, active: bool) -> Application:
    """Disable an application, which ends its tokens at once, or let it get new ones. Raises NotAllowed (P1)."""
    require(by, Permission.MANAGE_STAFF)
    with transaction.atomic():
        application = _lock_application(by, application)
        client = application.client
        if active == (application.disabled_at is None):
            return application
        application.disabled_at = None if active else timezone.now()
        application.save(update_fields=["disabled_at"])
        if active:
            _open(client, application)
        else:
            client.grant_types = client.response_types = ""
            OAuthToken.objects.filter(client=client).delete()
        client.save(update_fields=["grant_types", "response_types"])
        record(Action.APPLICATION_ENABLED if active else Action.APPLICATION_DISABLED, by=by, about=application)
    return application


def note_application_use(*, by: StaffMember, application: Application) -> None:
    """Note that the application acts with `by`'s rights now, to the minute. Raises what `note_token_use` raises, for the same reasons."""
    require(by, Permission.USE_API_TOKENS)
    if by.must_set_up_second_factor:
        raise SecondFactorMissing
    now = timezone.now()
    if application.last_used_at is None or now - application.last_used_at >= _NOTED:
        with contextlib.suppress(OperationalError):
            Application.objects.visible_to(by).filter(pk=application.pk).update(last_used_at=now)


def note_consent(*, by: StaffMember, application: Application) -> None:
    """Log that `by` lets the application act as them. Raises NotAllowed (P1)."""
    require(by, Permission.USE_API_TOKENS)
    record(Action.CONSENT_GIVEN, by=by, about=application)


def withdraw_consent(*, by: StaffMember, application: Application) -> None:
    """End everything with which the application acts as `by`, at once; it has to ask them anew. Again changes nothing.

    Raises NotAllowed (P1).
    """
    require(by, Permission.USE_API_TOKENS)
    with transaction.atomic():
        application = _lock_application(by, application)
        ended, _kinds = OAuthToken.objects.filter(client=application.client, user=by).delete()
        if ended:
            record(Action.CONSENT_WITHDRAWN, by=by, about=application)


def note_access(*, by: StaffMember | None, application: Application, grant: str) -> None:
    """Log that the application got a token by this OAuth2 grant, to act as `by`; None: by itself, with its secret."""
    changes = differences({}, {"grant": grant} | ({"acts_as": str(by)} if by else {}))
    record(Action.ACCESS_GIVEN, by=by, account_id=application.account_id, about=application, changes=changes)


def note_access_refused(*, application: Application) -> None:
    """Log that somebody, nobody knows who, said to be the application and did not know its secret.

    A program whose secret has ended goes on trying, so it is once in five minutes for each address that it comes from.
    """
    if _is_first_in_a_while(f"refused {application.pk} from {_network()}"):
        record(Action.ACCESS_REFUSED, by=None, account_id=application.account_id, about=application)


def note_access_ended(*, by: StaffMember | None, application: Application) -> None:
    """Log that the application gave a token back with which it acted as `by`; None: by itself."""
    changes = differences({}, {"acts_as": str(by)} if by else {})
    record(Action.ACCESS_ENDED, by=by, account_id=application.account_id, about=application, changes=changes)


def _open(client: Client, application: Application) -> None:
    """Let the client get tokens in the way of its kind."""
    grants = Client.GrantType
    client.set_grant_types([grants.CLIENT_CREDENTIALS] if application.is_service else [grants.AUTHORIZATION_CODE, grants.REFRESH_TOKEN])
    client.set_response_types([] if application.is_service else [Client.ResponseType.CODE])


def _describe(client: Client, application: Application, name: str, redirect_uris: Sequence[str]) -> None:
    """Give the client a name and redirect addresses that are right for its kind. Raises ValidationError."""
    client.name = tidy(name)
    wrong: dict[str, ValidationError] = {}
    if not 1 <= len(client.name) <= NAME_LENGTH:
        wrong["name"] = ValidationError(_("Enter a name of up to %(length)s characters."), code="name", params={"length": NAME_LENGTH})
    uris = [] if application.is_service else list(dict.fromkeys(redirect_uris))
    if not application.is_service and not 1 <= len(uris) <= REDIRECT_URIS_EACH:
        wrong["redirect_uris"] = ValidationError(
            _("Enter 1 to %(most)s redirect addresses, one in each line."), code="number", params={"most": REDIRECT_URIS_EACH}
        )
    for uri in uris:
        if not _is_redirect_uri(uri):
            said = _(
                "%(uri)s cannot be used. Enter an address with https://, or with http://127.0.0.1/ for a program on one’s own machine."
            )
            wrong["redirect_uris"] = ValidationError(said, code="uri", params={"uri": uri[:200]})
    if wrong:
        raise ValidationError(wrong)
    client.set_redirect_uris(uris)


def _is_redirect_uri(uri: str) -> bool:
    """Whether a browser may be sent there with a code: to a server over TLS, or to the machine that it runs on."""
    try:
        parts = urlsplit(uri)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return False
    plain = uri.isascii() and uri.isprintable() and not set(uri) & set(" *\\\"'<>;,") and len(uri) <= 500
    there = parts.scheme == "https" or (parts.scheme == "http" and host == "127.0.0.1")
    return plain and there and bool(host) and "@" not in parts.netloc and "#" not in uri


def _lock_application(by: StaffMember, application: Application) -> Application:
    """The application as the database has it now; another account's is not found (A5)."""
    rows = Application.objects.visible_to(by).select_for_update(of=("self",)).select_related("client", "registered_by")
    return rows.get(pk=application.pk)


def token_digest(secret: str) -> str:
    """What is kept of a token. A plain hash is enough: 256 random bits cannot be guessed as passwords are."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _token_text(owner: StaffMember, expires_at: dt.datetime) -> str:
    """A new token: header, what clients read, and 256 random bits where a JWT has its signature."""
    says = {"tid": str(owner.account_id), "oid": str(owner.object_id), "exp": int(expires_at.timestamp())}
    parts = [json.dumps(part, separators=(",", ":")).encode() for part in ({"alg": "HS256", "typ": "JWT"}, says)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in [*parts, secrets.token_bytes(32)])


def _lock_member(by: StaffMember, member: StaffMember) -> StaffMember:
    """The member as the database has them now. The account is locked first, so that two Admin agents cannot demote each other at once.

    Without its key, so that others may add rows of the account meanwhile.
    """
    assert by.account_id is not None  # `require` refuses the operator
    PartnerAccount.objects.select_for_update(no_key=True).get(pk=by.account_id)
    return StaffMember.objects.visible_to(by).get(pk=member.pk)


def _keep_an_admin_agent(member: StaffMember) -> None:
    """Raise LastAdminAgent if no other active Admin agent would be left."""
    others = StaffMember.objects.with_role(Role.ADMIN_AGENT).filter(account_id=member.account_id, is_active=True).exclude(pk=member.pk)
    if member.is_active and Role.ADMIN_AGENT in member.roles and not others.exists():
        raise LastAdminAgent
