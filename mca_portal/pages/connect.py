"""How does a script or an SDK get at the API, and what can it call there?"""

import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext, gettext_noop
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


# What Swagger UI says itself, which has English alone, and the names of groups, which programs read in the document.
SWAGGER_WORDS = (
    gettext_noop("Agreements"),
    gettext_noop("Customers"),
    gettext_noop("Orders"),
    gettext_noop("Profiles"),
    gettext_noop("Authorize"),
    gettext_noop("Available authorizations"),
    gettext_noop("Authorized"),
    gettext_noop("Value:"),
    gettext_noop("Logout"),
    gettext_noop("Close"),
    gettext_noop("Parameters"),
    gettext_noop("No parameters"),
    gettext_noop("Name"),
    gettext_noop("Description"),
    gettext_noop("required"),
    gettext_noop("Request body"),
    gettext_noop("Example:"),
    gettext_noop("Examples:"),
    gettext_noop("Examples"),
    gettext_noop("Example Value"),
    gettext_noop("Edit Value"),
    gettext_noop("Schema"),
    gettext_noop("Expand all"),
    gettext_noop("Collapse all"),
    gettext_noop("Try it out"),
    gettext_noop("Cancel"),
    gettext_noop("Reset"),
    gettext_noop("Execute"),
    gettext_noop("Clear"),
    gettext_noop("Responses"),
    gettext_noop("Code"),
    gettext_noop("Details"),
    gettext_noop("Links"),
    gettext_noop("No links"),
    gettext_noop("Media type"),
    gettext_noop("Headers:"),
    gettext_noop("Type"),
    gettext_noop("Request URL"),
    gettext_noop("Server response"),
    gettext_noop("Response body"),
    gettext_noop("Response headers"),
    gettext_noop("Request duration"),
    gettext_noop("Loading"),
    gettext_noop("Download"),
    gettext_noop("Undocumented"),
    gettext_noop("Send empty value"),
    gettext_noop("Copy"),
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
    words = {word: said for word in SWAGGER_WORDS if (said := gettext(word)) != word}
    return render(request, "connect/reference.html", {"swagger_json": json.dumps(swagger), "words_json": json.dumps(words)})
