"""Agreements on the wire: which there are, who confirmed what, and confirming."""

from collections import Counter

from django.http import HttpResponse
from django.utils.translation import gettext
from django_countries import countries
from ninja import Router

from agreements.errors import NewerTemplate
from agreements.models import Acceptance, AgreementTemplate, AgreementType, Via
from agreements.services import Person, confirm_acceptance
from customers.countries import RULES
from mca_portal.api import answers as shown
from mca_portal.api.access import ApiRequest, PersonBearer, account_of, own_customer, require_agreement_resource
from mca_portal.api.documentation import answers
from mca_portal.api.errors import invalid, newer_template, not_found
from mca_portal.api.wire import Body, Json, agreed_day, collection, guid, instant, reply
from mca_portal.staff.models import PartnerAccount
from mca_portal.staff.roles import Permission, require

router = Router(tags=["Agreements"], by_alias=True, auth=PersonBearer())
FALLBACK_LANGUAGE = "en-US"


class Contact(Body):
    """The person at the customer who accepted (R1)."""

    first_name: str
    last_name: str
    email: str
    phone_number: str = ""


class Confirmation(Body):
    """A confirmation to be recorded. The template decides the agreement's type, whatever the body says of it."""

    primary_contact: Contact
    template_id: str
    date_agreed: str


def _asked_for(agreement_type: str, wanted: str | None) -> bool:
    """Whether a list narrowed to `wanted` holds this type: nothing means the Cloud Agreement alone, as it always has; "*" means all."""
    wanted = (wanted or AgreementType.CLOUD).strip().lower()
    return wanted == "*" or wanted == agreement_type.lower()


def _templates(account: PartnerAccount) -> list[tuple[AgreementTemplate, int]]:
    """The newest published template of each type with its ordinal within the type, from 0."""
    published = AgreementTemplate.objects.versions_for(account).published
    each = Counter(template.agreement_type for template in published)
    newest: dict[str, AgreementTemplate] = {}
    for template in published:
        newest.setdefault(template.agreement_type, template)
    return [(template, each[kind] - 1) for kind, template in newest.items()]


@router.get("/agreements", summary="Get agreement metadata", response=answers(shown.AgreementTemplates, 404))
def list_templates(request: ApiRequest, agreementType: str | None = None) -> HttpResponse:
    """The newest template of the type asked for; `*` for all types."""
    require_agreement_resource(request.auth)
    items: list[Json] = [
        {
            "templateId": str(template.pk),
            "agreementType": template.agreement_type,
            "agreementLink": template.link,
            "versionRank": ordinal,
        }
        for template, ordinal in _templates(account_of(request.auth))
        if _asked_for(template.agreement_type, agreementType)
    ]
    return collection(items, "/agreements")


@router.get(
    "/customers/{customer_id}/agreements",
    summary="Get confirmation of customer consent",
    response=answers(shown.Acceptances, 404),
)
def list_acceptances(request: ApiRequest, customer_id: str, agreementType: str | None = None) -> HttpResponse:
    """The confirmations of a customer that stand, newest first."""
    require_agreement_resource(request.auth)
    customer = own_customer(request.auth, customer_id)
    rows = Acceptance.objects.visible_to(request.auth).filter(customer=customer).standing().select_related("template").order_by("-pk")
    items = [
        _acceptance(row, "") | {"agreementLink": row.template.link}
        for row in rows
        if _asked_for(row.template.agreement_type, agreementType)
    ]
    return collection(items, f"/customers/{customer.pk}/agreements")


@router.post(
    "/customers/{customer_id}/agreements",
    summary="Confirm customer consent",
    operation_id="confirmAcceptance",
    response=answers(shown.RecordedAcceptance, 404, 409, status=201),
)
def confirm(request: ApiRequest, customer_id: str, body: Confirmation) -> HttpResponse:
    """Record that somebody at the customer accepted the latest template."""
    require_agreement_resource(request.auth)
    customer = own_customer(request.auth, customer_id)
    template_id = guid(body.template_id.strip(), invalid(gettext("The template ID must be a GUID."), "templateId"))
    contact = body.primary_contact
    try:
        acceptance = confirm_acceptance(
            by=request.auth,
            customer=customer,
            person=Person(contact.first_name, contact.last_name, contact.email, contact.phone_number),
            agreed_on=agreed_day(instant(body.date_agreed, "dateAgreed")),
            template_id=template_id,
            via=Via.API,
        )
    except NewerTemplate as error:
        raise newer_template(template_id, error) from error
    more = {"userId": str(request.auth.object_id), "attributes": {"objectType": "Agreement"}}
    return reply(_acceptance(acceptance, ".000Z") | more, 201)


@router.get(
    "/customers/{customer_id}/directSignedMicrosoftCustomerAgreementStatus",
    summary="Get direct acceptance status",
    operation_id="getDirectAcceptance",
    response=answers(shown.DirectAcceptance, 404),
)
def direct_acceptance(request: ApiRequest, customer_id: str) -> HttpResponse:
    """Whether the customer accepted by itself, without the partner: the portal knows of no such acceptance."""
    require_agreement_resource(request.auth)
    own_customer(request.auth, customer_id)
    require(request.auth, Permission.VIEW_ACCEPTANCES)
    return reply({"isSigned": False})


@router.get(
    "/agreementtemplates/{template_id}/document",
    summary="Get the agreement's text",
    operation_id="getAgreementDocument",
    response=answers(shown.AgreementDocument, 404),
)
def document(request: ApiRequest, template_id: str, language: str = FALLBACK_LANGUAGE, country: str = "US") -> HttpResponse:
    """Where the Customer Agreement's text is; a language that the country does not have falls back to en-US."""
    require_agreement_resource(request.auth)
    missing = not_found(gettext("There is no document of an agreement template with this ID."))
    key = guid(template_id, missing)
    published = AgreementTemplate.objects.versions_for(account_of(request.auth)).published
    template = next((t for t in published if t.pk == key and t.agreement_type == AgreementType.CUSTOMER), None)
    if template is None:
        raise missing
    if country not in countries:
        raise invalid(gettext("Send the country as two capital letters, such as US."), "country")
    known = {culture.lower(): culture for culture in RULES[country].cultures} if country in RULES else {}
    return reply(
        {
            "displayUri": template.link,
            "downloadUri": template.link,
            "language": known.get(language.lower(), FALLBACK_LANGUAGE),
            "country": country,
        }
    )


def _acceptance(row: Acceptance, zone: str) -> Json:
    """What both the list and the answer to a confirmation say of a record; only the answer's date says that it is in UTC."""
    return {
        "primaryContact": {
            "firstName": row.first_name,
            "lastName": row.last_name,
            "email": row.email,
            "phoneNumber": row.phone or None,
        },
        "templateId": str(row.template_id),
        "dateAgreed": f"{row.agreed_on}T00:00:00{zone}",
        "type": row.template.agreement_type,
    }
