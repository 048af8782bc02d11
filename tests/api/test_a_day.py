"""A full day through the API alone, as a partner's script lives it."""

import datetime as dt

import pytest

from mca_portal.staff.services import create_token, revoke_token
from tests.factories import make_staff

pytestmark = pytest.mark.django_db


def test_a_day_through_the_api_alone(script) -> None:
    person = make_staff()
    call = script(person)
    call.token, call.secret = create_token(by=person, name="The day's script", days=1)
    # In the morning: which text has to be accepted, and who is there already?
    [template] = call("GET", "/agreements?agreementType=MicrosoftCustomerAgreement").json()["items"]
    assert template["templateId"] == "117a77b0-9360-443b-8795-c6dedc750cf9"
    assert call("GET", "/customers").json()["items"] == []
    # A new customer.
    assert call("HEAD", "/domains/day.onmicrosoft.com").status_code == 404
    address = {"firstName": "T", "lastName": "C", "addressLine1": "1", "city": "Seoul", "postalCode": "04524", "country": "KR"}
    billing = {"email": "t@example.com", "culture": "ko-KR", "language": "ko", "companyName": "Day", "defaultAddress": address}
    made = call("POST", "/customers", {"companyProfile": {"domain": "day.onmicrosoft.com"}, "billingProfile": billing})
    assert made.status_code == 201
    root = f"/customers/{made.json()['id']}"
    assert call("HEAD", "/domains/day.onmicrosoft.com").status_code == 200
    # Its order is refused: nobody has confirmed the agreement.
    offer = next(item for item in call("GET", "/offers?country=KR").json()["items"] if item["billing"] == "license")
    order = {"billingCycle": "monthly", "lineItems": [{"lineItemNumber": 0, "offerId": offer["id"], "quantity": 5}]}
    refused = call("POST", f"{root}/orders", order)
    assert (refused.status_code, refused.json()["code"]) == (403, 13605)
    assert call("GET", f"{root}/agreements?agreementType=*").json()["items"] == []
    # Confirmed, it goes through.
    tania = {"firstName": "Tania", "lastName": "Carr", "email": "tania@example.com"}
    today = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT00:00:00.000Z")
    consent = {"primaryContact": tania, "templateId": template["templateId"], "dateAgreed": today, "type": template["agreementType"]}
    confirmed = call("POST", f"{root}/agreements", consent)
    assert (confirmed.status_code, confirmed.json()["dateAgreed"]) == (201, today)
    placed = call("POST", f"{root}/orders", order)
    assert (placed.status_code, placed.json()["status"]) == (201, "completed")
    # Six licenses instead of five.
    subscription = f"{root}/subscriptions/{placed.json()['lineItems'][0]['subscriptionId']}"
    shown = call("GET", subscription).json()
    changed = call("PATCH", subscription, shown | {"quantity": 6})
    assert (changed.status_code, changed.json()["quantity"]) == (200, 6)
    assert call("PATCH", subscription, shown | {"quantity": 7}).json()["code"] == 2055
    # Confirmed again by the same person it is refused; by another it is a further record.
    again = call("POST", f"{root}/agreements", consent)
    assert (again.status_code, again.json()["code"]) == (409, 600061)
    assert call("POST", f"{root}/agreements", consent | {"primaryContact": tania | {"firstName": "Robin"}}).status_code == 201
    history = call("GET", f"{root}/agreements?agreementType=MicrosoftCustomerAgreement").json()["items"]
    assert [record["primaryContact"]["firstName"] for record in history] == ["Robin", "Tania"]
    # In the evening the token is revoked.
    revoke_token(by=person, token=call.token)
    assert call("GET", root).status_code == 401
    assert call("POST", f"{root}/orders", order).status_code == 401
