"""The demo: what somebody finds who starts the portal for the first time."""

from collections import Counter
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from agreements.models import Acceptance, AgreementTemplate, Standing, Withdrawal
from agreements.standing import StandingWord
from customers.models import Customer
from mca_portal.staff.models import PartnerAccount, StaffMember
from mca_portal.staff.roles import Role
from orders.models import LicenseChange, Order, StatusChange
from tests.factories import make_account

pytestmark = pytest.mark.django_db


def demo(**options: Any) -> str:
    """Run the command and return what it printed."""
    out = StringIO()
    call_command("demo", stdout=out, **options)
    return out.getvalue()


def words(account: PartnerAccount) -> Counter[StandingWord]:
    """How many customers of the account stand where."""
    versions = AgreementTemplate.objects.versions_for(account)
    return Counter(versions.word(rank) for rank in Standing.objects.filter(account=account).values_list("rank", flat=True))


def test_the_demo_shows_everything_once_and_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_PASSWORD", "a password of the test")
    printed = demo(if_empty=True)
    assert "a password of the test" in printed

    contoso, government = PartnerAccount.objects.get(name="Contoso"), PartnerAccount.objects.get(name="Fabrikam Government")
    seen = words(contoso)
    assert contoso.customers.count() >= 60
    assert set(seen) == set(StandingWord) - {StandingWord.NOT_APPLICABLE}
    assert min(seen.values()) >= 5
    assert set(words(government)) == {StandingWord.NOT_APPLICABLE}
    assert Order.objects.filter(account=government).exists(), "orders are open where the agreement does not apply (A3)"
    assert not PartnerAccount.objects.get(name="Northwind Reseller").transacts
    assert PartnerAccount.objects.get(name="Contoso Sandbox").is_sandbox

    newest = AgreementTemplate.objects.order_by("-version_rank")[0]
    assert newest.published_on < timezone.now().date() < newest.required_from
    assert LicenseChange.objects.exists()
    assert StatusChange.objects.exists()
    assert Withdrawal.objects.exists()
    now = timezone.now()
    assert not Order.objects.filter(placed_at__gt=now).exists()
    assert not Acceptance.objects.filter(recorded_at__gt=now).exists()
    assert Acceptance.objects.earliest("recorded_at").recorded_at.year == 2018

    for host in ("contoso", "contoso-sandbox", "fabrikam", "fabrikam-government", "northwind"):
        for mailbox, roles in (
            ("admin.agent", [Role.ADMIN_AGENT]),
            ("sales.agent", [Role.SALES_AGENT]),
            ("helpdesk.agent", [Role.HELPDESK_AGENT]),
            ("no.role", []),
        ):
            member = StaffMember.objects.get(email=f"{mailbox}@{host}.example")
            assert member.roles == roles
            assert member.check_password("a password of the test")
            assert member.email in printed
    call_command("check_standings", stdout=StringIO())

    before = (Customer.objects.count(), Order.objects.count(), Acceptance.objects.count(), StaffMember.objects.count())
    assert demo(if_empty=True) == demo() == printed
    assert before == (Customer.objects.count(), Order.objects.count(), Acceptance.objects.count(), StaffMember.objects.count())

    monkeypatch.setenv("DEMO_PASSWORD", "another password that came later")
    assert "another password" not in demo(), "it is not the one that signs in"


def test_a_database_with_other_accounts_is_left_alone() -> None:
    make_account()
    assert demo(if_empty=True) == ""
    with pytest.raises(CommandError, match="other partner accounts"):
        demo()
    assert PartnerAccount.objects.count() == 1


def test_a_weak_password_is_refused_and_nothing_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_PASSWORD", "1234")
    with pytest.raises(CommandError, match="DEMO_PASSWORD"):
        demo()
    assert not PartnerAccount.objects.exists()


def test_it_has_no_place_in_production(settings: Any) -> None:
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="production"):
        demo()
