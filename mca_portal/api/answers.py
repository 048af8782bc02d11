"""What does each answer hold? Shapes for the description of the API; the operations build their answers themselves.

`absent()` marks what may be left out: nothing is ever null.
"""

import datetime as dt
import uuid
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


def absent() -> Any:
    """A member that an answer may leave out."""
    return Field(None)


class Shown(BaseModel):
    """What an answer holds."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class LinkHeader(Shown):
    """A header to send when following a link."""

    key: str
    value: str


class Link(Shown):
    """An address without host and without /v1."""

    uri: str = absent()
    method: str
    headers: list[LinkHeader]


class SelfLinks(Shown):
    """Where the resource itself is."""

    self_: Link = Field(alias="self")


class PageLinks(SelfLinks):
    """Where the list is, and the pages after and before; the last page has no `next`."""

    next: Link = absent()
    previous: Link = absent()


class ResourceAttributes(Shown):
    """What kind of resource it is."""

    object_type: str


class EtagAttributes(ResourceAttributes):
    """What kind of resource it is and which version was shown: send it back with a change."""

    etag: str


class Collection(Shown):
    """A list: all of it, or one page."""

    total_count: int = Field(description="How many items this answer holds.")
    links: SelfLinks
    attributes: ResourceAttributes


class Refusal(Shown):
    """Why the call was refused. `code` is Partner Center's; two refusals of the same status differ by it."""

    code: int
    description: str = Field(max_length=1024)
    data: list[str]
    source: str


class AlreadyConfirmedRefusal(Shown):
    """600061: the same person's acceptance of this template is recorded already. It has a body of its own."""

    code: Literal[600061]
    message: str
    description: str
    error_name: Literal["PartnerConfirmedAgreementAlreadyExists"]
    is_retryable: Literal[False]
    parameters: dict[str, Any]
    error_message_extended: str


class TooManyCalls(Shown):
    """The account made too many calls within a minute; `Retry-After` says when to try again."""

    status_code: Literal[429]
    message: str


# Agreements


class AgreementTemplate(Shown):
    """The newest published template of one type."""

    template_id: uuid.UUID
    agreement_type: str
    agreement_link: str
    version_rank: int = Field(description="0 for the first version of the type.")


class AgreementTemplates(Collection):
    """Templates, one for each type asked for."""

    items: list[AgreementTemplate]


class PrimaryContact(Shown):
    """The person at the customer who accepted."""

    first_name: str
    last_name: str
    email: str
    phone_number: str = absent()


class Acceptance(Shown):
    """A confirmation that stands. `dateAgreed` names no zone and means UTC."""

    primary_contact: PrimaryContact
    template_id: uuid.UUID
    type: str
    date_agreed: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}T00:00:00$")
    agreement_link: str


class Acceptances(Collection):
    """A customer's confirmations, newest first."""

    items: list[Acceptance]


class RecordedAcceptance(Shown):
    """A confirmation as it was recorded, with the object ID of whoever recorded it."""

    primary_contact: PrimaryContact
    template_id: uuid.UUID
    type: str
    date_agreed: dt.datetime
    user_id: uuid.UUID
    attributes: ResourceAttributes


class DirectAcceptance(Shown):
    """Whether the customer accepted by itself."""

    is_signed: bool


class AgreementDocument(Shown):
    """Where the text of the agreement is."""

    display_uri: str
    download_uri: str
    language: str
    country: str


# Customers


class CompanyAddress(Shown):
    """The company's address."""

    country: str
    region: str = absent()
    city: str = absent()
    address_line1: str
    address_line2: str = absent()
    postal_code: str = absent()
    phone_number: str = absent()


class CompanyProfileLine(Shown):
    """The company as lists show it."""

    tenant_id: uuid.UUID
    domain: str
    company_name: str
    links: SelfLinks
    attributes: ResourceAttributes


class CustomerCompanyProfile(CompanyProfileLine):
    """The company."""

    address: CompanyAddress
    email: str


class BillingAddress(Shown):
    """The customer's address with its contact."""

    country: str
    city: str = absent()
    state: str = absent()
    address_line1: str
    address_line2: str = absent()
    postal_code: str = absent()
    first_name: str
    last_name: str
    phone_number: str = absent()


class CustomerBillingProfile(Shown):
    """Contact, language and address."""

    id: uuid.UUID
    first_name: str
    last_name: str
    email: str
    culture: str
    language: str
    company_name: str
    default_address: BillingAddress
    links: SelfLinks
    attributes: EtagAttributes


class CustomerLine(Shown):
    """A customer as lists show it."""

    id: uuid.UUID
    company_profile: CompanyProfileLine
    relationship_to_partner: Literal["reseller"]
    links: SelfLinks
    attributes: ResourceAttributes


class Customers(Collection):
    """Customers by name. `continuationToken` is there while there are further pages."""

    items: list[CustomerLine]
    links: PageLinks
    continuation_token: str = absent()


class Customer(CustomerLine):
    """A customer with both its profiles."""

    commerce_id: uuid.UUID
    company_profile: CustomerCompanyProfile
    billing_profile: CustomerBillingProfile
    allow_delegated_access: bool
    custom_domains: list[str]


class UserCredentials(Shown):
    """There because clients read it. The portal makes no user, so the password is empty, and left out where a client cannot read one."""

    user_name: str
    password: Literal[""] = absent()


class CreatedCustomer(Customer):
    """The customer that was created."""

    user_credentials: UserCredentials


class CountryRules(Shown):
    """What an address in this country needs."""

    iso2_code: str
    default_culture: str
    is_state_required: bool
    supported_states_list: list[str]
    supported_languages_list: list[str]
    supported_cultures_list: list[str]
    is_postal_code_required: bool
    postal_code_regex: str = absent()
    is_city_required: bool
    is_vat_id_supported: bool
    is_tax_id_supported: bool
    is_tax_id_optional: bool
    country_calling_codes_list: list[str]
    attributes: ResourceAttributes


class PostalAddress(Shown):
    """An address as it was sent."""

    country: str = absent()
    city: str = absent()
    state: str = absent()
    address_line1: str = absent()
    address_line2: str = absent()
    postal_code: str = absent()
    first_name: str = absent()
    last_name: str = absent()
    phone_number: str = absent()


class AddressCheck(Shown):
    """Whether an address is right, and if not, why."""

    original_address: PostalAddress
    suggested_addresses: list[PostalAddress]
    status: Literal["VerifiedShippable", "None"]
    validation_message: str = absent()


class OrganizationAddress(Shown):
    """Where the partner is."""

    country: str
    first_name: str
    last_name: str


class OrganizationProfile(Shown):
    """The partner account, with whose token it is as its contact."""

    id: uuid.UUID
    company_name: str
    default_address: OrganizationAddress
    tenant_id: uuid.UUID
    email: str
    language: str
    culture: str
    links: SelfLinks
    attributes: ResourceAttributes


# Orders and subscriptions


class OfferCategory(Shown):
    """The group of offers that one belongs to."""

    id: str
    name: str
    rank: Literal[0]
    locale: str
    country: str
    attributes: ResourceAttributes


class OfferProduct(Shown):
    """What is sold."""

    id: uuid.UUID
    name: str
    unit: str


class OfferLinks(SelfLinks):
    """Where the offer is."""

    learn_more: Link


class Offer(Shown):
    """Something that can be ordered, with the least and the most of it."""

    id: uuid.UUID
    name: str
    description: str
    minimum_quantity: int
    maximum_quantity: int
    rank: Literal[0]
    uri: str
    locale: str
    country: str
    category: OfferCategory
    limit_unit_of_measure: str
    limit: int
    prerequisite_offers: list[str]
    is_add_on: bool
    has_add_ons: bool
    is_available_for_purchase: bool
    billing: Literal["license", "usage"]
    supported_billing_cycles: list[str]
    is_auto_renewable: bool
    is_trial: bool
    sales_group_id: str
    product: OfferProduct
    unit_type: str
    links: OfferLinks
    attributes: ResourceAttributes


class Offers(Collection):
    """What is sold, in the catalogue's order."""

    items: list[Offer]


class LineLinks(Shown):
    """Where the line's subscription is."""

    subscription: Link


class OrderLine(Shown):
    """A line of an order and the subscription that it made."""

    line_item_number: int
    offer_id: uuid.UUID
    subscription_id: uuid.UUID
    friendly_name: str
    quantity: int
    links: LineLinks


class Order(Shown):
    """An order as it was placed."""

    id: uuid.UUID
    reference_customer_id: uuid.UUID
    billing_cycle: Literal["monthly", "annual"]
    line_items: list[OrderLine]
    creation_date: dt.datetime
    status: Literal["completed"]
    transaction_type: str
    links: SelfLinks
    attributes: EtagAttributes


class Orders(Collection):
    """A customer's orders, newest first."""

    items: list[Order]


class SubscriptionLinks(SelfLinks):
    """Where the subscription and its offer are."""

    offer: Link


class Subscription(Shown):
    """Something that runs for a customer. `entitlementId` is there for usage-based ones only."""

    id: uuid.UUID
    offer_id: uuid.UUID
    entitlement_id: uuid.UUID = absent()
    offer_name: str
    friendly_name: str
    quantity: int
    unit_type: str
    has_purchasable_addons: bool
    creation_date: dt.datetime
    effective_start_date: dt.datetime
    commitment_end_date: dt.datetime
    status: Literal["active", "suspended"]
    auto_renew_enabled: bool
    is_trial: bool
    billing_type: Literal["license", "usage"]
    billing_cycle: Literal["monthly", "annual"]
    actions: list[str]
    contract_type: str
    links: SubscriptionLinks
    order_id: uuid.UUID
    attributes: EtagAttributes


class Subscriptions(Collection):
    """A customer's subscriptions, newest first."""

    items: list[Subscription]
