"""What the operator changes in their own pages leaves a record with old and new values that they can read and nobody can change."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import translation

from agreements.known_templates import CUSTOMER_AGREEMENT
from agreements.models import AgreementTemplate
from mca_portal.staff.models import Action, Activity, StaffMember
from orders.models import Offer
from tests.factories import confirm, license_offer, make_account, make_customer, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> StaffMember:
    return StaffMember.objects.create(
        email="operator@portal.example", first_name="The", last_name="Operator", is_superuser=True, is_staff=True
    )


@pytest.fixture
def client(operator: StaffMember) -> Client:
    browser = Client()
    browser.force_login(operator)
    return browser


def fields_of(page) -> dict[str, object]:
    """What the form on the page holds."""
    form = page.context["adminform"].form
    values = {name: form[name].value() for name in form.fields}
    return {name: "" if value is None else value for name, value in values.items() if value is not False}


def read(client: Client) -> str:
    return client.get("/operator/admin/logentry/").content.decode()


def test_an_offer_is_changed_with_its_old_and_new_values_kept(client: Client, operator: StaffMember) -> None:
    offer = license_offer()
    address = f"/operator/orders/offer/{offer.pk}/change/"
    typed = fields_of(client.get(address)) | {"maximum_quantity": "77"}
    assert client.post(address, typed).status_code == 302
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id, entry.object_repr) == (operator, str(offer.pk), str(offer))
    assert entry.get_change_message() == f"Changed Maximum quantity: {offer.maximum_quantity} → 77."
    assert f"Maximum quantity: {offer.maximum_quantity} → 77" in read(client)
    assert "→ 77" in client.get(f"/operator/orders/offer/{offer.pk}/history/").content.decode()
    assert Offer.objects.get(pk=offer.pk).maximum_quantity == 77


def test_a_template_is_published_changed_and_deleted_with_its_values_kept(client: Client) -> None:
    added = {"name": "Later", "agreement_type": "MicrosoftCustomerAgreement", "version_rank": "9", "published_on": "2026-01-01"}
    page = client.get("/operator/agreements/agreementtemplate/add/")
    typed = fields_of(page) | added | {"link": "https://example.com/a", "required_from": "2026-02-01"}
    assert client.post("/operator/agreements/agreementtemplate/add/", typed).status_code == 302
    template = AgreementTemplate.objects.get(name="Later")
    address = f"/operator/agreements/agreementtemplate/{template.pk}"
    assert client.post(f"{address}/change/", typed | {"required_from": "2026-03-01"}).status_code == 302
    assert client.post(f"{address}/delete/", {"post": "yes"}).status_code == 302
    said = [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")]
    assert "2026-02-01" in said[0]
    assert "2026-02-01 → 2026-03-01" in said[1]
    assert "required_from: 2026-03-01" in said[2]
    assert all(text in read(client) for text in ("2026-02-01 → 2026-03-01", "required_from: 2026-03-01"))


def test_of_a_template_that_was_accepted_what_changes_is_kept_too(client: Client) -> None:
    admin = make_staff()
    confirm(admin, make_customer(admin))
    template = AgreementTemplate.objects.get(pk=CUSTOMER_AGREEMENT)
    address = f"/operator/agreements/agreementtemplate/{template.pk}/change/"
    assert client.post(address, fields_of(client.get(address)) | {"link": "https://example.com/other"}).status_code == 302
    assert "→ https://example.com/other" in LogEntry.objects.get().get_change_message()


def test_whoever_moves_to_another_account_is_in_the_log_of_both(client: Client) -> None:
    member, other = make_staff(), make_account()
    typed = {"email": member.email, "first_name": "Robin", "last_name": member.last_name, "language": "en", "is_active": "on"}
    groups = list(member.groups.values_list("pk", flat=True))
    address = f"/operator/staff/staffmember/{member.pk}/change/"
    assert client.post(address, typed | {"account": str(other.pk), "groups": groups}).status_code == 302
    entries = Activity.objects.filter(action=Action.MEMBER_CHANGED)
    assert {entry.account_id for entry in entries} == {member.account_id, other.pk}
    assert f"{member.account_id} → " in LogEntry.objects.get().get_change_message()


def test_a_password_that_the_operator_sets_is_kept_as_a_fact_alone(client: Client) -> None:
    member = make_staff()
    secret = {"password1": "seven quiet harbors", "password2": "seven quiet harbors", "usable_password": "true"}
    assert client.post(f"/operator/staff/staffmember/{member.pk}/password/", secret).status_code == 302
    assert LogEntry.objects.get().get_change_message() == "Changed password."
    assert Activity.objects.get().action == Action.PASSWORD_SET


def test_nobody_changes_the_record_in_the_pages_nor_deletes_in_bulk(client: Client, operator: StaffMember) -> None:
    LogEntry.objects.log_actions(operator.pk, [operator], 2, "x")
    entry = LogEntry.objects.get()
    assert client.get("/operator/admin/logentry/add/").status_code == 403
    assert client.post(f"/operator/admin/logentry/{entry.pk}/change/", {"object_repr": "y"}).status_code == 403
    assert client.post(f"/operator/admin/logentry/{entry.pk}/delete/", {"post": "yes"}).status_code == 403
    assert "delete_selected" not in client.get("/operator/agreements/agreementtemplate/").content.decode()


def test_the_record_can_be_read_in_korean(client: Client, operator: StaffMember) -> None:
    StaffMember.objects.filter(pk=operator.pk).update(language="ko")
    LogEntry.objects.log_actions(operator.pk, [operator], 2, [{"changed": {"fields": ["Name: A → B"]}}])
    with translation.override("ko"):
        assert "Name: A → B" in read(client)
