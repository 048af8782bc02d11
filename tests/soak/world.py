"""Who is there when a soak begins: two accounts, their staff with tokens, and customers that several people work on at once.

Run inside the portal's settings; prints JSON for the clients. Also publishes a newer agreement between rounds, as the operator does.
"""

import functools
import json
import sys
from typing import Any
from unittest import mock

import django

PASSWORD = "correct horse battery"
SIGN_IN_THEMSELVES = 10  # more clients than these have signed in before


def make(clients: int) -> dict[str, Any]:
    """Every sixth client works for an account in the US Government cloud, where the agreement does not apply."""
    from django.test import Client

    from mca_portal.staff.models import Cloud
    from mca_portal.staff.roles import Role
    from orders.models import Offer
    from tests.factories import make_account, make_application, make_customer, make_staff, make_token

    accounts = {"public": make_account(name="Public"), "government": make_account(name="Government", cloud=Cloud.US_GOVERNMENT)}
    people = []
    for number in range(clients):
        where = "government" if number % 6 == 5 else "public"
        role = Role.SALES_AGENT if number % 3 == 1 else Role.ADMIN_AGENT
        person = make_staff(accounts[where], role, email=f"client{number}@{where}.example", last_name="Client")
        make_token(person, f"secret {number}")
        registers = role == Role.ADMIN_AGENT and number < SIGN_IN_THEMSELVES  # an account has few applications
        application, secret = make_application(person) if registers else (None, "")
        browser = Client()
        if clients > SIGN_IN_THEMSELVES:
            browser.force_login(person)
        people.append(
            {
                "id": person.pk,
                "email": person.email,
                "password": PASSWORD,
                "token": f"secret {number}",
                "application": {"client_id": application.pk, "client_secret": secret} if application else None,
                "account": where,
                "cookies": {name: morsel.value for name, morsel in browser.cookies.items()},
                "withdraws": role == Role.ADMIN_AGENT,
            }
        )
    customers: dict[str, list[str]] = {"public": [], "government": []}
    for where, count in (("public", max(5, clients // 4)), ("government", max(2, clients // 10))):
        by = make_staff(accounts[where], email=f"first@{where}.example")
        customers[where] = [str(make_customer(by).pk) for _ in range(count)]
    offers = [
        {"id": str(offer.pk), "least": offer.minimum_quantity, "most": min(offer.maximum_quantity, 300), "licenses": offer.is_license_based}
        for offer in Offer.objects.sold()
    ][:8]
    return {"people": people, "customers": customers, "offers": offers}


def publish() -> dict[str, Any]:
    """A newer agreement that is required at once: nobody's acceptance counts any longer. Since when, and its rank."""
    from django.utils import timezone

    from agreements.models import AgreementTemplate
    from tests.factories import publish as publish_template

    rank = AgreementTemplate.objects.order_by("-version_rank")[0].version_rank + 1
    publish_template(f"Soak {rank}", rank=rank, required_in_days=0)
    return {"rank": rank, "at": timezone.now().isoformat()}


if __name__ == "__main__":
    django.setup()
    from django.contrib.auth.hashers import make_password

    # Hashing is slow on purpose; one password needs it once.
    with mock.patch("django.contrib.auth.base_user.make_password", functools.cache(make_password)):
        print(json.dumps(publish() if sys.argv[1] == "publish" else make(int(sys.argv[1]))))
