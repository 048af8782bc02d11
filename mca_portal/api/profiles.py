"""The partner's own profile on the wire: what clients read when they sign on."""

from django.http import HttpResponse
from django.utils.translation import gettext
from ninja import Router

from customers.countries import RULES
from mca_portal.api import answers as shown
from mca_portal.api.access import ApiRequest, account_of
from mca_portal.api.documentation import REFUSED, answers
from mca_portal.api.errors import ACTION_NOT_ALLOWED, Refused
from mca_portal.api.wire import link, reply
from mca_portal.staff.roles import Permission, require

router = Router(tags=["Profiles"], by_alias=True)


@router.get(
    "/profiles/organization",
    summary="Get the partner's organization profile",
    operation_id="getOrganizationProfile",
    response=answers(shown.OrganizationProfile),
)
def organization_profile(request: ApiRequest) -> HttpResponse:
    """The account's name, country and culture, with the person whose token it is as its contact."""
    require(request.auth, Permission.VIEW_CUSTOMERS)
    account, person = account_of(request.auth), request.auth
    country = str(account.country)
    return reply(
        {
            "id": str(account.pk),
            "companyName": account.name,
            "defaultAddress": {"country": country, "firstName": person.first_name, "lastName": person.last_name},
            "tenantId": str(account.pk),
            "email": person.email,
            "language": account.default_language,
            "culture": RULES[country].culture(account.default_language) if country in RULES else f"{account.default_language}-{country}",
            "links": {"self": link("/profiles/organization")},
            "attributes": {"objectType": "PartnerOrganizationProfile"},
        }
    )


@router.put(
    "/profiles/organization",
    summary="Update the partner's organization profile",
    operation_id="updateOrganizationProfile",
    response=REFUSED,
)
def update_organization_profile(request: ApiRequest) -> HttpResponse:
    """Refused: the portal's operator keeps the account. Clients know the call, and would repeat a plain 405 without end."""
    require(request.auth, Permission.VIEW_CUSTOMERS)
    raise Refused(
        403, ACTION_NOT_ALLOWED, gettext("The requested action is not allowed: whoever runs the portal keeps the account's details.")
    )
