"""What clients read when they sign on."""

import pytest

pytestmark = pytest.mark.django_db


def test_the_organization_has_the_country_and_culture_that_clients_need(call) -> None:
    account = call.person.account
    assert call("GET", "/profiles/organization").json() == {
        "id": str(account.pk),
        "companyName": account.name,
        "defaultAddress": {"country": "KR", "firstName": call.person.first_name, "lastName": call.person.last_name},
        "tenantId": str(account.pk),
        "email": call.person.email,
        "language": "en",
        "culture": "en-US",
        "links": {"self": {"uri": "/profiles/organization", "method": "GET", "headers": []}},
        "attributes": {"objectType": "PartnerOrganizationProfile"},
    }
