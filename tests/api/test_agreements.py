"""Agreements on the wire, as Partner Center's documentation and recorded answers show them."""

import datetime as dt

import pytest

from agreements.known_templates import CLOUD_AGREEMENT, CUSTOMER_AGREEMENT
from agreements.models import Acceptance, AgreementTemplate, Via
from agreements.services import withdraw_acceptance
from mca_portal.staff.models import Cloud, PartnerType
from mca_portal.staff.roles import Role
from tests.factories import confirm, make_account, make_customer, make_staff, publish

pytestmark = pytest.mark.django_db
MCA = str(CUSTOMER_AGREEMENT)


@pytest.fixture
def customer(call):
    return make_customer(call.person)


def sample(**members: object) -> dict:
    """The documentation's request, with a number that exists."""
    return {
        "primaryContact": {"firstName": "Tania", "lastName": "Carr", "email": "someone@example.com", "phoneNumber": "+82 2-555-0142"},
        "templateId": MCA,
        "dateAgreed": "2020-06-14T00:00:00.000Z",
        "type": "MicrosoftCustomerAgreement",
    } | members


def test_metadata_without_a_type_is_the_cloud_agreement_alone(call) -> None:
    assert call("GET", "/agreements").json() == {
        "totalCount": 1,
        "items": [
            {
                "templateId": "998b88de-aa99-4388-a42c-1b3517d49490",
                "agreementType": "MicrosoftCloudAgreement",
                "agreementLink": "https://docs.microsoft.com/en-us/partner-center/agreements",
                "versionRank": 0,
            }
        ],
        "links": {"self": {"uri": "/agreements", "method": "GET", "headers": []}},
        "attributes": {"objectType": "Collection"},
    }


@pytest.mark.parametrize(
    ("wanted", "types"),
    [
        ("MicrosoftCustomerAgreement", ["MicrosoftCustomerAgreement"]),
        ("MicrosoftCloudAgreement", ["MicrosoftCloudAgreement"]),
        ("*", ["MicrosoftCustomerAgreement", "MicrosoftCloudAgreement"]),
        ("Unheard", []),
    ],
)
def test_metadata_is_narrowed_to_a_type(call, wanted: str, types: list[str]) -> None:
    answer = call("GET", f"/agreements?agreementType={wanted}").json()
    assert [item["agreementType"] for item in answer["items"]] == types
    assert answer["totalCount"] == len(types)


def test_a_newer_version_is_the_one_item_of_its_type_with_the_next_rank(call) -> None:
    newer = publish()
    items = call("GET", "/agreements?agreementType=MicrosoftCustomerAgreement").json()["items"]
    assert [(item["templateId"], item["versionRank"]) for item in items] == [(str(newer.pk), 1)]


def test_a_confirmation_is_recorded_and_echoed(call, customer) -> None:
    answer = call("POST", f"/customers/{customer.pk}/agreements", sample())
    assert answer.status_code == 201
    assert answer.json() == {
        "primaryContact": {"firstName": "Tania", "lastName": "Carr", "email": "someone@example.com", "phoneNumber": "+8225550142"},
        "templateId": MCA,
        "type": "MicrosoftCustomerAgreement",
        "dateAgreed": "2020-06-14T00:00:00.000Z",
        "userId": str(call.person.object_id),
        "attributes": {"objectType": "Agreement"},
    }
    record = Acceptance.objects.get()
    assert (record.agreed_on, record.via, record.recorded_by) == (dt.date(2020, 6, 14), Via.API, call.person)


def test_names_come_in_pascal_case_with_nulls_and_noise(call, customer) -> None:
    body = {
        "PrimaryContact": {"FirstName": "Tania", "LastName": "Carr", "Email": "a@example.com", "PhoneNumber": None, "Attributes": {}},
        "TemplateId": MCA.upper(),
        "DateAgreed": "2020-06-14T00:00:00.1234567Z",
        "UserId": "someone",
        "AgreementLink": None,
        "Attributes": {"ObjectType": "Agreement"},
    }
    answer = call("POST", f"/customers/{str(customer.pk).upper()}/agreements", body)
    assert answer.status_code == 201
    assert "phoneNumber" not in answer.json()["primaryContact"]


def test_the_template_decides_the_type(call, customer) -> None:
    answer = call("POST", f"/customers/{customer.pk}/agreements", sample(type="MicrosoftCloudAgreement"))
    assert answer.json()["type"] == "MicrosoftCustomerAgreement"


def test_the_cloud_agreement_can_no_longer_be_confirmed(call, customer) -> None:
    answer = call("POST", f"/customers/{customer.pk}/agreements", sample(templateId=str(CLOUD_AGREEMENT)))
    assert answer.status_code == 400
    assert f"Microsoft Cloud Agreement Template ID '{CLOUD_AGREEMENT}' is no longer supported." in answer.json()["description"]


def test_the_same_person_again_is_600061_whatever_the_date(call, customer) -> None:
    path = f"/customers/{customer.pk}/agreements"
    assert call("POST", path, sample()).status_code == 201
    answer = call("POST", path, sample(dateAgreed="2021-01-01"))
    assert answer.status_code == 409
    assert answer.json() == {
        "code": 600061,
        "message": "A partner confirmed agreement already exists for the customer.",
        "description": "A partner confirmed agreement already exists for the customer.",
        "errorName": "PartnerConfirmedAgreementAlreadyExists",
        "isRetryable": False,
        "parameters": {},
        "errorMessageExtended": "InternalErrorCode=600061",
    }
    other = sample(primaryContact={"firstName": "Tanya", "lastName": "Carr", "email": "someone@example.com"})
    assert call("POST", path, other).status_code == 201


def test_members_that_are_missing_are_named(call, customer) -> None:
    answer = call("POST", f"/customers/{customer.pk}/agreements", {"primaryContact": {"firstName": "Tania"}})
    assert answer.status_code == 400
    assert {"primaryContact.lastName", "primaryContact.email", "templateId", "dateAgreed"} <= set(answer.json()["data"])


@pytest.mark.parametrize(
    "contact",
    [
        {"firstName": " ", "lastName": "Carr", "email": "a@example.com"},
        {"firstName": "T", "lastName": "Carr", "email": "nobody"},
        {"firstName": "T", "lastName": "Carr", "email": "a@example.com", "phoneNumber": "12"},
        {"firstName": "T" * 51, "lastName": "Carr", "email": "a@example.com"},
    ],
)
def test_the_record_s_own_rules_hold(call, customer, contact: dict) -> None:
    answer = call("POST", f"/customers/{customer.pk}/agreements", sample(primaryContact=contact))
    assert (answer.status_code, answer.json()["code"]) == (400, 800002)
    assert not Acceptance.objects.exists()


def test_confirmations_are_listed_newest_first_without_those_withdrawn(call, customer) -> None:
    first = confirm(call.person, customer, agreed_on=dt.date(2020, 1, 2))
    confirm(call.person, customer, agreed_on=dt.date(2020, 1, 1), first_name="Someone")
    mistake = confirm(call.person, customer, first_name="Mistake")
    withdraw_acceptance(by=call.person, acceptance=mistake, reason="Wrong customer")
    answer = call("GET", f"/customers/{customer.pk}/agreements?agreementType=MicrosoftCustomerAgreement").json()
    assert [item["primaryContact"]["firstName"] for item in answer["items"]] == ["Someone", "Tania"]
    assert answer["totalCount"] == 2
    assert answer["items"][1] == {
        "primaryContact": {"firstName": "Tania", "lastName": "Carr", "email": first.email},
        "templateId": MCA,
        "type": "MicrosoftCustomerAgreement",
        "dateAgreed": "2020-01-02T00:00:00",
        "agreementLink": "https://aka.ms/customeragreement",
    }


def test_confirmations_without_a_type_are_those_of_the_cloud_agreement(call, customer) -> None:
    confirm(call.person, customer)
    path = f"/customers/{customer.pk}/agreements"
    assert call("GET", path).json()["items"] == []
    assert len(call("GET", f"{path}?agreementType=*").json()["items"]) == 1


def test_direct_acceptance_is_unknown_to_the_portal(call, customer) -> None:
    answer = call("GET", f"/customers/{customer.pk}/directSignedMicrosoftCustomerAgreementStatus")
    assert (answer.status_code, answer.json()) == (200, {"isSigned": False})


def test_the_document_falls_back_to_english(call) -> None:
    path = f"/agreementtemplates/{MCA}/document"
    assert call("GET", path).json() == {
        "displayUri": "https://aka.ms/customeragreement",
        "downloadUri": "https://aka.ms/customeragreement",
        "language": "en-US",
        "country": "US",
    }
    assert call("GET", f"{path}?language=ko-KR&country=KR").json()["language"] == "ko-KR"
    assert call("GET", f"{path}?language=ko-KR&country=DE").json()["language"] == "en-US"
    assert call("GET", f"{path}?language=et-EE&country=EE").json() == {
        "displayUri": "https://aka.ms/customeragreement",
        "downloadUri": "https://aka.ms/customeragreement",
        "language": "en-US",
        "country": "EE",
    }
    assert call("GET", f"{path}?country=us").status_code == 400
    assert call("GET", f"/agreementtemplates/{CLOUD_AGREEMENT}/document").status_code == 404
    assert call("GET", "/agreementtemplates/x/document").status_code == 404


OPERATIONS = [
    ("GET", "/agreements", None),
    ("GET", "/customers/{id}/agreements", None),
    ("POST", "/customers/{id}/agreements", sample()),
    ("GET", "/customers/{id}/directSignedMicrosoftCustomerAgreementStatus", None),
    ("GET", f"/agreementtemplates/{MCA}/document", None),
]


@pytest.mark.parametrize("cloud", [cloud for cloud in Cloud if cloud != Cloud.PUBLIC])
@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS)
def test_clouds_without_the_agreement_answer_404_with_a_sentence(script, method: str, path: str, body: dict | None, cloud: str) -> None:
    call = script(make_staff(make_account(cloud=cloud)))
    answer = call(method, path.format(id=make_customer(call.person).pk), body)
    assert answer.status_code == 404
    assert "does not apply" in answer.json()["description"]


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS)
def test_indirect_resellers_are_refused(script, method: str, path: str, body: dict | None) -> None:
    account = make_account()
    admin = make_staff(account)
    customer = make_customer(admin)
    account.partner_type = PartnerType.INDIRECT_RESELLER
    account.save()
    answer = script(admin)(method, path.format(id=customer.pk), body)
    assert answer.status_code == 403
    assert "indirect provider" in answer.json()["description"]


@pytest.mark.parametrize(("method", "path", "body"), [each for each in OPERATIONS if "{id}" in each[1]])
def test_a_foreign_customer_is_not_found(call, method: str, path: str, body: dict | None) -> None:
    foreign = make_customer(make_staff())
    answer = call(method, path.format(id=foreign.pk), body)
    assert (answer.status_code, answer.json()["code"]) == (404, 60003)
    assert not Acceptance.objects.exists()


@pytest.mark.parametrize("roles", [(), (Role.HELPDESK_AGENT,)])
@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS)
def test_roles_that_may_not_are_refused(script, method: str, path: str, body: dict | None, roles: tuple) -> None:
    account = make_account()
    customer = make_customer(make_staff(account))
    answer = script(make_staff(account, roles=roles))(method, path.format(id=customer.pk), body)
    assert (answer.status_code, answer.json()["code"]) == (403, 900150)


def test_a_template_that_nobody_published_is_refused(call, customer) -> None:
    ahead = publish(published_in_days=5)
    assert AgreementTemplate.objects.count() == 3
    answer = call("POST", f"/customers/{customer.pk}/agreements", sample(templateId=str(ahead.pk)))
    assert answer.status_code == 400
    assert MCA in answer.json()["description"]
