"""Whose token is this? A token of one's own, or one that an application got through OAuth2 (django-allauth's issuer)."""

import datetime as dt
from dataclasses import dataclass
from functools import cache
from typing import Any

from allauth.idp.oidc.models import Token as OAuthToken
from django.db.models import F, QuerySet

from mca_portal.staff.errors import TokenNotAccepted
from mca_portal.staff.models import ApiToken, Application, StaffMember
from mca_portal.staff.roles import Role
from mca_portal.staff.scopes import OPENS_API
from mca_portal.staff.services import note_application_use, note_token_use, token_digest


@dataclass(frozen=True)
class Caller:
    """Who acts, with their roles of now: the person; and the application through which they do, if it is one; and until when."""

    person: StaffMember
    ends: dt.datetime
    application: Application | None = None

    @property
    def is_app_only(self) -> bool:
        """Whether no person takes part: `person` only lends the rights."""
        return self.application is not None and self.application.is_service


def caller_of(secret: str) -> Caller:
    """Who uses this token now; the use is noted.

    Raises TokenNotAccepted (unknown, ended, of somebody deactivated, of a disabled application), NotAllowed when the person's roles allow
    no programs to act for them any more, SecondFactorMissing when the account requires one and they have none.
    """
    digest = token_digest(secret)
    if rows := list(_tokens_by_role().filter(digest=digest)):
        own = rows[0]
        own.owner.roles = [role for role in Role if role.value in {row.role for row in rows}]
        if not own.is_usable or not own.owner.is_active or own.owner.account is None:
            raise TokenNotAccepted
        note_token_use(by=own.owner, token=own)
        return Caller(own.owner, own.expires_at)
    application, person, ends = _through_oauth(digest)
    note_application_use(by=person, application=application)
    return Caller(person, ends, application)


@cache  # put together once: every call asks this
def _tokens_by_role() -> QuerySet[Any]:
    """Tokens with owner and account, a row for each role that the owner holds (`role`), so that nothing more is asked for the roles."""
    return ApiToken.objects.select_related("owner__account").annotate(role=F("owner__groups__name"))


def _through_oauth(digest: str) -> tuple[Application, StaffMember, dt.datetime]:
    rows = OAuthToken.objects.valid().filter(type=OAuthToken.Type.ACCESS_TOKEN, hash=digest, client__application__disabled_at=None)
    rows = rows.select_related("client__application__registered_by__account", "user__account")
    found = rows.filter(client__application__isnull=False).first()
    if found is None or not OPENS_API & set(found.get_scopes()):
        raise TokenNotAccepted
    application = found.client.application
    person = application.registered_by if application.is_service else found.user
    if person is None or not person.is_active or person.account_id != application.account_id:
        raise TokenNotAccepted
    assert found.expires_at is not None
    return application, person, found.expires_at
