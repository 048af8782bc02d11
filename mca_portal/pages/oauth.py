"""How does an application get a token? OAuth2 by django-allauth's issuer, with the portal's own applications around it."""

import uuid
from urllib.parse import urlsplit

from allauth.core.internal import ratelimit
from allauth.core.internal.httpkit import extract_basic_auth
from allauth.idp.oidc import views
from allauth.idp.oidc.internal.clientkit import is_redirect_uri_allowed
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from mca_portal.pages.access import needs
from mca_portal.staff.models import Application, ApplicationQuerySet
from mca_portal.staff.roles import Permission
from mca_portal.staff.scopes import DISPLAY

ATTEMPTS = {"token": "60/m/ip"}  # each costs a check of the secret, which is slow on purpose
ANY_TENANT = ("", "common", "organizations")
FIELD_LENGTH = 5000  # characters of one field of a request


@require_http_methods(["GET", "POST"])
@needs(Permission.USE_API_TOKENS)
def authorize(request: HttpRequest, tenant: str = "") -> HttpResponse:
    """Ask the person whether an application of their account may act as them; another account's is not found (A5)."""
    sent = request.GET if request.method == "GET" else request.POST
    client_id = sent.get("client_id", "")
    application = _of_tenant(tenant).visible_to(request.user).filter(client_id=client_id).select_related("client").first()
    if application is None and "request" not in request.POST:
        raise Http404
    try:
        response = views.authorization(request)
        if application is not None:
            _let_the_answer_through(response, application, request.GET.get("redirect_uri", ""))
    except ValueError as error:  # an address that cannot be taken apart
        raise Http404 from error
    return response


@csrf_exempt
@login_not_required
@require_http_methods(["POST"])
def token(request: HttpRequest, tenant: str = "") -> HttpResponse:
    """Give an application a token, as RFC 6749 says; every refusal is its JSON."""
    if not ratelimit.consume(request, app="allauth.idp.oidc", action="token", config=ATTEMPTS):
        return _refusal(429, "temporarily_unavailable")
    client_id, secret = extract_basic_auth(request.headers)
    client_id = client_id or request.POST.get("client_id", "")
    if any(len(value) > FIELD_LENGTH or not value.isprintable() for value in [client_id, secret or "", *request.POST.values()]):
        return _refusal(400, "invalid_request")
    if not _of_tenant(tenant).filter(client_id=client_id, disabled_at=None).exists():
        return _refusal(401, "invalid_client")
    try:
        return views.token(request)
    except (ValidationError, ValueError):  # what is asked for is no address
        return _refusal(400, "invalid_target")


@login_not_required
@require_http_methods(["GET"])
def discovery(request: HttpRequest) -> JsonResponse:
    """Where everything is (OpenID Connect Discovery)."""

    def address(route: str) -> str:
        return request.build_absolute_uri(reverse(f"idp:oidc:{route}"))

    return JsonResponse(
        {
            "issuer": request.build_absolute_uri("/").rstrip("/"),
            "authorization_endpoint": address("authorization"),
            "token_endpoint": address("token"),
            "revocation_endpoint": address("revoke"),
            "userinfo_endpoint": address("userinfo"),
            "jwks_uri": address("jwks"),
            "scopes_supported": list(DISPLAY),
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "code_challenge_methods_supported": ["S256"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "subject_types_supported": ["public"],
        }
    )


def _of_tenant(tenant: str) -> ApplicationQuerySet:
    """Applications of the account with this Microsoft ID, where the address names one; else of all."""
    if tenant in ANY_TENANT:
        return Application.objects.all()
    try:
        return Application.objects.filter(account_id=uuid.UUID(tenant))
    except ValueError:
        return Application.objects.none()


def _refusal(status: int, error: str) -> JsonResponse:
    return JsonResponse({"error": error}, status=status, headers={"Cache-Control": "no-store"})


def _let_the_answer_through(response: HttpResponse, application: Application, redirect_uri: str) -> None:
    """Let the consent form lead to the application: a browser counts the redirect after it as part of the form's action.

    To the host that was asked for and is registered, and only on this page.
    """
    if is_redirect_uri_allowed(redirect_uri, application.client.get_redirect_uris(), False):
        parts = urlsplit(redirect_uri)
        response._csp_update = {"form-action": [f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")]}
