"""Who calls, and which of their customers is it about?"""

import uuid

from django.http import HttpRequest
from django.utils.translation import gettext
from ninja.security import HttpBearer

from agreements.errors import AgreementNotApplicable
from customers.errors import NotYoursToTransact
from customers.models import Customer
from mca_portal import logs
from mca_portal.api.errors import Refused, not_found
from mca_portal.api.wire import guid
from mca_portal.staff.callers import Caller, caller_of
from mca_portal.staff.errors import NotForApplications
from mca_portal.staff.models import PartnerAccount, StaffMember
from mca_portal.staff.roles import Permission, require

TENANT_NOT_FOUND = 60003


class ApiRequest(HttpRequest):
    """What the middleware and authentication add to a request; only for type checking."""

    auth: StaffMember
    caller: Caller
    own_id: str  # the MS-RequestId that the client sent; empty when it sent none


class TokenBearer(HttpBearer):
    """A token of one's own or of an application acts with the account and the roles that the person behind it holds now."""

    def authenticate(self, request: HttpRequest, token: str) -> StaffMember:
        """The person who acts. Raises TokenNotAccepted, and what is raised when they could have no token now."""
        request.caller = caller_of(token.strip())
        logs.name_person(request.caller.person)
        if request.caller.application:
            logs.name_application(request.caller.application.pk)
        return request.caller.person


class PersonBearer(TokenBearer):
    """The same where Partner Center wants a person to take part ("App+User"): a service that acts by itself is refused."""

    def authenticate(self, request: HttpRequest, token: str) -> StaffMember:
        """The person who acts. Raises NotForApplications, too."""
        person = super().authenticate(request, token)
        if request.caller.is_app_only:
            raise NotForApplications
        return person


def account_of(person: StaffMember) -> PartnerAccount:
    """The account that the caller belongs to."""
    assert person.account is not None
    return person.account


def customer_key(customer_id: str) -> uuid.UUID:
    """The Microsoft ID in an address. Raises Refused."""
    return guid(customer_id, Refused(400, 900118, gettext("The customer ID must be a GUID."), [customer_id[:100]]))


def own_customer(person: StaffMember, customer_id: str) -> Customer:
    """The customer with this Microsoft ID among those of the caller's account; a foreign one is not found (A5).

    Raises NotAllowed (P1), Refused.
    """
    require(person, Permission.VIEW_CUSTOMERS)
    key = customer_key(customer_id)
    try:
        customer = Customer.objects.visible_to(person).get(pk=key)
    except Customer.DoesNotExist as error:
        raise not_found(gettext("This account has no customer with the ID %(id)s.") % {"id": key}, TENANT_NOT_FOUND) from error
    customer.account = account_of(person)
    return customer


def require_agreement_resource(person: StaffMember) -> None:
    """Raise AgreementNotApplicable where the cloud has no agreement resource (A3), NotYoursToTransact for an indirect reseller (A2)."""
    account = account_of(person)
    if not account.agreement_applies:
        raise AgreementNotApplicable
    if not account.transacts:
        raise NotYoursToTransact
