"""Customers on the wire: find, open, create and change them; whether a domain is free and an address right."""

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal

from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.utils.translation import gettext
from ninja import Router

from customers.countries import RULES
from customers.keyset import BadCursor, Page, read_page
from customers.models import Customer, CustomerQuerySet
from customers.services import update_customer
from mca_portal.api import answers as shown
from mca_portal.api.access import ApiRequest, PersonBearer, account_of, own_customer
from mca_portal.api.documentation import REFUSED, answers
from mca_portal.api.errors import ACTION_NOT_ALLOWED, Fault, Refused, answer, invalid, not_found
from mca_portal.api.wire import Body, Json, collection, etag, link, long_collection, reply, require_storable, seen_version
from mca_portal.staff.names import tidy
from mca_portal.staff.roles import Permission, require
from orders.services import sign_up_customer

router = Router(tags=["Customers"], by_alias=True)
LARGEST_PAGE = 500  # Partner Center's limit
OLD_CLIENTS = {"Partner Center Java SDK", "Partner Center PowerShell"}  # they read the answer about an address as true or false
AUTOREST = "msrest/"  # in the User-Agent of Python clients that AutoRest made; they take the password for an object and break on a text
ADDRESS_INVALID = 2007
ADDRESS_FIELDS = {
    "country": "country",
    "city": "city",
    "state": "region",
    "address_line1": "address_line1",
    "address_line2": "address_line2",
    "postal_code": "postal_code",
}
ORDER = ("name_key", "id")


class Address(Body):
    """A postal address, with the person there where the client sends one."""

    country: str | None = None
    city: str | None = None
    state: str | None = None
    address_line1: str | None = None
    address_line2: str | None = None
    postal_code: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone_number: str | None = None


class Attributes(Body):
    """What the client saw."""

    etag: str | None = None


class CompanyProfile(Body):
    """The part of a new customer that names its tenant."""

    domain: str


class BillingProfile(Body):
    """Who the customer is and where: company, contact, address. What is absent stays as it is."""

    email: str | None = None
    culture: str | None = None
    language: str | None = None
    company_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    default_address: Address | None = None
    attributes: Attributes | None = None

    def details(self) -> dict[str, str]:
        """The portal's fields for what was sent. An address comes whole: what it leaves out is empty."""
        address = self.default_address or Address()
        absent = None if self.default_address is None else ""
        found = {
            "company_name": self.company_name,
            "language": self.language and self.language[:2].lower(),
            "contact_email": self.email,
            "contact_first_name": self.first_name or address.first_name,
            "contact_last_name": self.last_name or address.last_name,
            "contact_phone": address.phone_number or absent,
        } | {field: getattr(address, name) or absent for name, field in ADDRESS_FIELDS.items()}
        return {name: value.upper() if name == "country" else value for name, value in found.items() if value is not None}


class NewCustomer(Body):
    """A customer to be created."""

    company_profile: CompanyProfile
    billing_profile: BillingProfile


@dataclass(frozen=True)
class Listing:
    """What a list shows: a page size (0: everything), a filter, and the places before and after the page."""

    size: int = 0
    field: str = ""
    value: str = ""
    next: str = ""
    previous: str = ""

    def token(self) -> str:
        """The continuation token that says all of it: clients that follow it send nothing else."""
        return base64.urlsafe_b64encode(json.dumps(list(vars(self).values())).encode()).decode()

    @classmethod
    def of(cls, token: str) -> "Listing":
        """The listing that `token` says. Raises BadCursor."""
        try:
            size, *texts = json.loads(base64.urlsafe_b64decode(token))
            if type(size) is not int or not 1 <= size <= LARGEST_PAGE or not all(type(text) is str for text in texts):
                raise BadCursor(token)
            require_storable(texts)
            return cls(size, *texts)
        except (binascii.Error, ValueError, TypeError, RecursionError) as error:
            raise BadCursor(token) from error

    def rows(self, customers: CustomerQuerySet) -> CustomerQuerySet:
        """Those of `customers` that the filter leaves."""
        value = tidy(self.value)
        if self.field == "companyname":
            return customers.named_from(value)
        if self.field == "domain":
            return customers.with_domain_from(value)
        return customers.none() if self.field else customers


def _filter(text: str) -> tuple[str, str]:
    """Field and value of a filter in any of the spellings that clients use. Raises Refused."""
    wrong = invalid(gettext('Send the filter as {"Field": "CompanyName", "Value": "…", "Operator": "starts_with"}.'), "filter")
    try:
        sent = {name.lower(): value for name, value in json.loads(text).items()}
        require_storable(sent)
        field, value, operator = sent["field"], sent.get("value") or "", sent["operator"]
        operator = operator.replace("_", "").lower()
        field = field.lower()
    except (ValueError, KeyError, AttributeError, RecursionError) as error:
        raise wrong from error
    if operator != "startswith" or field not in ("companyname", "domain", "indirectreseller", "indirectcloudsolutionprovider"):
        raise wrong
    return field, str(value)


@router.get("/customers", summary="Get a list of customers", response=answers(shown.Customers))
def list_customers(
    request: ApiRequest,
    size: int = 0,
    filter: str | None = None,
    seekOperation: str | None = None,
) -> HttpResponseBase:
    """The account's customers by name: all of them without a size, else page by page."""
    require(request.auth, Permission.VIEW_CUSTOMERS)
    if size < 0:
        raise invalid(gettext("Send a size from 1 to %(size)s.") % {"size": LARGEST_PAGE}, "size")
    token = request.headers.get("MS-ContinuationToken", "").strip()
    cursor = ""
    if token:
        listing = Listing.of(token)
        seek = (seekOperation or "Next").lower()
        if seek not in ("next", "previous", "first"):
            raise invalid(gettext("Seek with Next, Previous or First."), "seekOperation")
        cursor = {"next": listing.next, "previous": listing.previous}.get(seek, "")
        if not cursor and seek != "first":
            return collection([], "/customers")
    else:
        field, value = _filter(filter) if filter else ("", "")
        listing = Listing(min(size, LARGEST_PAGE), field, value)
    rows = listing.rows(Customer.objects.visible_to(request.auth)).values_list("id", "company_name", "domain", "name_key", named=True)
    if not listing.size:
        first = read_page(rows, order=ORDER, size=LARGEST_PAGE)
        if first.next:
            return long_collection(_every_page(rows, first), "/customers")
        return collection([_thin(customer) for customer in first.items], "/customers")
    page = read_page(rows, order=ORDER, cursor=cursor, size=listing.size)
    here = Listing(listing.size, listing.field, listing.value, page.next, page.previous).token()
    links = {"self": link(f"/customers?size={listing.size}")}
    for name, place in (("next", page.next), ("previous", page.previous)):
        if place:
            uri = f"/customers?size={listing.size}&seekOperation={name.capitalize()}"
            links[name] = link(uri, [{"key": "MS-ContinuationToken", "value": here}])
    more = {"continuationToken": here} if page.next or page.previous else {}
    return collection([_thin(customer) for customer in page.items], "/customers", links=links, **more)


def _every_page(rows: CustomerQuerySet, page: Page) -> Iterator[list[Json]]:
    """The items of `page` and of all pages after it: no transaction stays open while somebody reads slowly."""
    while True:
        yield [_thin(customer) for customer in page.items]
        if not page.next:
            return
        page = read_page(rows, order=ORDER, cursor=page.next, size=LARGEST_PAGE)


@router.post("/customers", summary="Create a customer", response=answers(shown.CreatedCustomer, 409, status=201))
def create_customer(request: ApiRequest, body: NewCustomer) -> HttpResponse:
    """Create a customer that stands as not confirmed.

    Clients read `userCredentials` and break without them. The portal makes no tenant and no user in it, so the password is empty; to
    AutoRest's Python clients, which cannot read any, it is left out.
    """
    empty = {"company_name": "", "language": "", "contact_email": "", "contact_first_name": "", "contact_last_name": "", "country": ""}
    details = empty | body.billing_profile.details() | {"domain": body.company_profile.domain}
    customer = sign_up_customer(by=request.auth, details=details).customer
    password = None if AUTOREST in request.headers.get("User-Agent", "") else ""
    return reply(_full(customer) | {"userCredentials": {"userName": "admin", "password": password}}, HTTPStatus.CREATED)


@router.get("/customers/{customer_id}", summary="Get a customer", response=answers(shown.Customer, 404))
def get_customer(request: ApiRequest, customer_id: str) -> HttpResponse:
    """One customer with both its profiles."""
    return reply(_full(own_customer(request.auth, customer_id)))


@router.patch(
    "/customers/{customer_id}", summary="Remove a customer's relationship with the partner", response=REFUSED, operation_id="patchCustomer"
)
@router.delete("/customers/{customer_id}", summary="Delete a customer", response=REFUSED, operation_id="deleteCustomer")
def remove_customer(request: ApiRequest, customer_id: str) -> HttpResponse:
    """Refused: a customer's records are evidence and stay. Clients know both calls, and would repeat a plain 405 without end."""
    require(request.auth, Permission.EDIT_CUSTOMERS)
    own_customer(request.auth, customer_id)
    raise Refused(403, ACTION_NOT_ALLOWED, gettext("The requested action is not allowed: the portal keeps every customer."))


@router.get(
    "/customers/{customer_id}/profiles/company",
    summary="Get a customer's company profile",
    response=answers(shown.CustomerCompanyProfile, 404),
    auth=PersonBearer(),
)
def get_company_profile(request: ApiRequest, customer_id: str) -> HttpResponse:
    """Name, domain and address."""
    return reply(_company(own_customer(request.auth, customer_id)))


@router.get(
    "/customers/{customer_id}/profiles/billing",
    summary="Get a customer's billing profile",
    response=answers(shown.CustomerBillingProfile, 404),
)
def get_billing_profile(request: ApiRequest, customer_id: str) -> HttpResponse:
    """Contact, language and address, with the etag to send with a change."""
    return reply(_billing(own_customer(request.auth, customer_id)))


@router.put(
    "/customers/{customer_id}/profiles/billing",
    summary="Update a customer's billing profile",
    response=answers(shown.CustomerBillingProfile, 404),
)
def update_billing_profile(request: ApiRequest, customer_id: str, body: BillingProfile) -> HttpResponse:
    """Change company and contact; an etag that is no longer valid is refused with 2055."""
    customer = own_customer(request.auth, customer_id)
    version = seen_version(request, body.attributes and body.attributes.etag, customer.pk)
    return reply(_billing(update_customer(by=request.auth, customer=customer, version=version, details=body.details())))


@router.api_operation(["HEAD"], "/domains/{domain}", summary="Check whether a domain is taken", response=answers(None, 404))
def check_domain(request: ApiRequest, domain: str) -> HttpResponse:
    """200: taken; 404: free."""
    require(request.auth, Permission.VIEW_CUSTOMERS)
    taken = "\x00" not in domain and Customer.objects.filter(domain=domain.lower()).exists()
    return HttpResponse(status=HTTPStatus.OK if taken else HTTPStatus.NOT_FOUND, content_type="application/json")


@router.get(
    "/countryvalidationrules/{country}",
    summary="Get the rules of a country",
    response=answers(shown.CountryRules, 404),
    operation_id="getCountryRules",
)
def country_rules(request: ApiRequest, country: str) -> HttpResponse:
    """What an address in this country (ISO code) needs."""
    rules = RULES.get(country.upper())
    if rules is None:
        raise not_found(gettext("The portal has no rules for this country."))
    return reply(
        {
            "iso2Code": rules.code,
            "defaultCulture": rules.default_culture,
            "isStateRequired": rules.region_required,
            "supportedStatesList": list(rules.regions),
            "supportedLanguagesList": rules.languages,
            "supportedCulturesList": list(rules.cultures),
            "isPostalCodeRequired": rules.postal_required,
            "postalCodeRegex": f"^{rules.postal_pattern}$" if rules.postal_pattern else None,
            "isCityRequired": rules.city_required,
            "isVatIdSupported": False,
            "isTaxIdSupported": False,
            "isTaxIdOptional": True,
            "countryCallingCodesList": [rules.calling_code],
            "attributes": {"objectType": "CountryValidationRules"},
        }
    )


@router.post("/validations/address", summary="Validate an address", response=answers(shown.AddressCheck | Literal[True]))
def validate_address(request: ApiRequest, body: Address) -> HttpResponse:
    """Whether an address is right by the rules of its country: `true` for clients that read a boolean, an object for the others."""
    require(request.auth, Permission.VIEW_CUSTOMERS)
    problems = _address_problems(request, body)
    if request.headers.get("MS-PartnerCenter-Client", "") in OLD_CLIENTS:
        return answer(Fault(400, ADDRESS_INVALID, " ".join(problems))) if problems else JsonResponse(True, safe=False)
    found: Json = {
        "originalAddress": body.model_dump(by_alias=True),
        "suggestedAddresses": [],
        "status": "None" if problems else "VerifiedShippable",
        "validationMessage": " ".join(problems) or None,
    }
    return reply(found)


def _address_problems(request: ApiRequest, address: Address) -> list[str]:
    """What the rules of a customer's address say about this one."""
    fields: dict[str, Any] = {field: getattr(address, name) or "" for name, field in ADDRESS_FIELDS.items()}
    customer = Customer(account=account_of(request.auth), **(fields | {"country": fields["country"].upper()}))
    problems: dict[str, list[str]] = {}
    for check in (lambda: customer.clean_fields(exclude={f.name for f in Customer._meta.fields} - set(fields)), customer.clean):
        try:
            check()
        except ValidationError as error:
            problems |= {name: said for name, said in error.message_dict.items() if name in fields and name not in problems}
    return [text for said in problems.values() for text in said]


def _uri(customer: Customer) -> str:
    return f"/customers/{customer.pk}"


def _thin(customer: Any) -> Json:
    """A customer as lists show it: whatever has `id`, `company_name` and `domain`."""
    key = str(customer.id)
    return {
        "id": key,
        "companyProfile": {
            "tenantId": key,
            "domain": customer.domain,
            "companyName": customer.company_name,
            "links": {"self": link(f"/customers/{key}/profiles/company")},
            "attributes": {"objectType": "CustomerCompanyProfile"},
        },
        "relationshipToPartner": "reseller",
        "links": {"self": link(f"/customers/{key}")},
        "attributes": {"objectType": "Customer"},
    }


def _full(customer: Customer) -> Json:
    """A customer with all that there is."""
    return _thin(customer) | {
        "commerceId": str(customer.pk),
        "companyProfile": _company(customer),
        "billingProfile": _billing(customer),
        "allowDelegatedAccess": False,
        "customDomains": [customer.domain],
    }


def _company(customer: Customer) -> Json:
    return {
        "tenantId": str(customer.pk),
        "domain": customer.domain,
        "companyName": customer.company_name,
        "address": {
            "country": str(customer.country),
            "region": customer.region or None,
            "city": customer.city or None,
            "addressLine1": customer.address_line1,
            "addressLine2": customer.address_line2 or None,
            "postalCode": customer.postal_code or None,
            "phoneNumber": customer.contact_phone or None,
        },
        "email": customer.contact_email,
        "links": {"self": link(f"{_uri(customer)}/profiles/company")},
        "attributes": {"objectType": "CustomerCompanyProfile"},
    }


def _billing(customer: Customer) -> Json:
    return {
        "id": str(customer.pk),
        "firstName": customer.contact_first_name,
        "lastName": customer.contact_last_name,
        "email": customer.contact_email,
        "culture": RULES[str(customer.country)].culture(customer.language),
        "language": customer.language,
        "companyName": customer.company_name,
        "defaultAddress": {
            "country": str(customer.country),
            "city": customer.city or None,
            "state": customer.region or None,
            "addressLine1": customer.address_line1,
            "addressLine2": customer.address_line2 or None,
            "postalCode": customer.postal_code or None,
            "firstName": customer.contact_first_name,
            "lastName": customer.contact_last_name,
            "phoneNumber": customer.contact_phone or None,
        },
        "links": {"self": link(f"{_uri(customer)}/profiles/billing")},
        "attributes": {"etag": etag(customer.pk, customer.version), "objectType": "CustomerBillingProfile"},
    }
