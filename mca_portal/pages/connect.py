"""How does a script or an SDK get at the API, and what can it call there?"""

import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from agreements.models import AgreementTemplate
from mca_portal.pages.access import needs
from mca_portal.staff.roles import Permission


@dataclass(frozen=True)
class Client:
    """A program that calls the API. `code` has ROOT where the portal's own address belongs; the token is never in it."""

    key: str
    name: str
    says: Any
    code: str


CLIENTS = (
    Client(
        "curl",
        "curl",
        _("Put the token into the variable TOKEN first."),
        'curl -H "Authorization: Bearer $TOKEN" "ROOT/v1/agreements?agreementType=MicrosoftCustomerAgreement"',
    ),
    Client(
        "python",
        "Python (requests)",
        _("With the token in the variable TOKEN."),
        """\
import os
import requests

portal = requests.Session()
portal.headers["Authorization"] = f"Bearer {os.environ['TOKEN']}"
answer = portal.get("ROOT/v1/customers")
answer.raise_for_status()
for customer in answer.json()["items"]:
    print(customer["id"], customer["companyProfile"]["companyName"])
""",
    ),
    Client(
        "node",
        "Node.js",
        _("With the token in the variable TOKEN."),
        """\
const answer = await fetch("ROOT/v1/customers", {
  headers: { Authorization: `Bearer ${process.env.TOKEN}` },
});
const { items } = await answer.json();
for (const customer of items) {
  console.log(customer.id, customer.companyProfile.companyName);
}
""",
    ),
    Client(
        "powershell",
        _("PowerShell module PartnerCenter"),
        _(
            "The module reads account and expiry from the token, which has the form that it wants. The setting lasts until "
            "PowerShell ends. For a new customer in China or Mexico add -DisableValidation: the module wants a state from a list, "
            "the portal takes any."
        ),
        """\
Import-Module PartnerCenter
$environments = [Microsoft.Store.PartnerCenter.PowerShell.Models.Authentication.PartnerEnvironment]::PublicEnvironments
$environments.Values | ForEach-Object { $_.PartnerCenterEndpoint = "ROOT" }
Connect-PartnerCenter -AccessToken $token
Get-PartnerCustomer
""",
    ),
    Client(
        "dotnet",
        ".NET SDK",
        _("Any application ID will do: the token alone says who calls."),
        """\
PartnerService.Instance.ApiRootUrl = "ROOT";
var credentials = PartnerCredentials.Instance.GenerateByUserCredentials(
    "any-id", new AuthenticationToken(token, DateTimeOffset.UtcNow.AddDays(1)));
var partner = PartnerService.Instance.CreatePartnerOperations(credentials);
var customers = partner.Customers.Get();
""",
    ),
    Client(
        "java",
        "Java SDK",
        _("Any application ID will do: the token alone says who calls."),
        """\
PartnerService.getInstance().setApiRootUrl("ROOT");
IPartnerCredentials credentials = new UserPartnerCredentials(
    "any-id", new AuthenticationToken(token, DateTime.now().plusDays(1)));
IAggregatePartner partner = PartnerService.getInstance().createPartnerOperations(credentials);
SeekBasedResourceCollection<Customer> customers = partner.getCustomers().get();
""",
    ),
)


@require_safe
@needs(Permission.USE_API_TOKENS)
def connect(request: HttpRequest) -> HttpResponse:
    """Show each client's lines with this portal's address in them."""
    root = request.build_absolute_uri("/").rstrip("/")
    account = request.user.account
    latest = AgreementTemplate.objects.versions_for(account).latest if account.agreement_applies else None
    clients = [
        {"key": client.key, "name": client.name, "says": client.says, "code": client.code.replace("ROOT", root).strip()}
        for client in CLIENTS
    ]
    context = {
        "root": root,
        "token_address": f"{root}/{account.pk}/oauth2/v2.0/token",
        "authority": f"{root}/{account.pk}",
        "clients": clients,
        "latest": latest,
        "calls_a_minute": settings.API_CALLS_PER_MINUTE,
    }
    return render(request, "connect/connect.html", context)


@require_safe
@needs(Permission.USE_API_TOKENS)
def reference(request: HttpRequest) -> HttpResponse:
    """Browse the API's own description, and try its calls with a token."""
    swagger = {
        "url": f"{reverse('api:openapi')}?language={get_language()}",
        "layout": "BaseLayout",
        "deepLinking": False,
        "docExpansion": "list",
        "defaultModelsExpandDepth": 0,
    }
    return render(request, "connect/reference.html", {"swagger_json": json.dumps(swagger)})
