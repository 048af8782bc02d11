"""How does an application get a token? OAuth2 by django-allauth's issuer, with the portal's own applications around it."""

import json
import re
import uuid
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from allauth.core.internal import ratelimit
from allauth.core.internal.httpkit import add_query_params, extract_basic_auth
from allauth.idp.oidc import views
from allauth.idp.oidc.internal.clientkit import is_redirect_uri_allowed
from allauth.idp.oidc.models import Token
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.signing import BadSignature, Signer
from django.db.transaction import atomic
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from mca_portal.pages.access import needs
from mca_portal.staff.callers import caller_of
from mca_portal.staff.errors import TokenNotAccepted
from mca_portal.staff.models import Application, ApplicationQuerySet
from mca_portal.staff.origin import Way, coming_from
from mca_portal.staff.roles import Permission
from mca_portal.staff.scopes import DISPLAY
from mca_portal.staff.services import note_access, note_access_ended, note_access_refused, note_consent, token_digest, withdraw_consent

ATTEMPTS = {"token": "60/m/ip"}  # each costs a check of the secret, which is slow on purpose
ANY_TENANT = ("", "common", "organizations")
FIELD_LENGTH = 5000  # characters of one field of a request
ID_WITH_HYPHENS = re.compile(r"(?<![^&])client_id=[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![^&])", re.IGNORECASE)


@require_http_methods(["GET", "POST"])
@needs(Permission.USE_API_TOKENS)
def authorize(request: HttpRequest, tenant: str = "") -> HttpResponse:
    """Ask the person whether an application of their account may act as them; another account's is not found (A5)."""
    request.META["QUERY_STRING"] = ID_WITH_HYPHENS.sub(_without_hyphens, request.META.get("QUERY_STRING", ""))
    request.__dict__.pop("GET", None)  # what was read of it before
    application = _of_tenant(tenant).visible_to(request.user).filter(client_id=_client_asked_for(request)).select_related("client").first()
    if application is None:
        raise Http404
    redirect_uri = request.GET.get("redirect_uri", "")
    if "none" in request.GET.get("prompt", "").split() and not _is_allowed_already(request, application):
        return _must_be_asked(application, redirect_uri, request.GET.get("state", ""))
    try:
        with atomic():
            response = views.authorization(request)
            answered = request.POST.get("action") == "grant" and "request" in request.POST
            if answered and "code" in parse_qs(urlsplit(response.get("Location", "")).query):
                note_consent(by=request.user, application=application)
        _let_the_answer_through(response, application, redirect_uri)
    except ValueError as error:  # an address that cannot be taken apart
        raise Http404 from error
    return response


@require_http_methods(["POST"])
@needs(Permission.USE_API_TOKENS)
def withdraw(request: HttpRequest, client_id: str) -> HttpResponse:
    """Allow an application no longer to act as oneself; what it has ends at once. Another account's is not found (A5)."""
    application = get_object_or_404(Application.objects.visible_to(request.user).select_related("client"), pk=client_id)
    withdraw_consent(by=request.user, application=application)
    said = gettext("%(name)s can no longer act as you. It has to ask you again.")
    messages.success(request, said % {"name": application.client.name})
    return redirect("tokens")


@csrf_exempt
@login_not_required
@require_http_methods(["POST"])
def token(request: HttpRequest, tenant: str = "") -> HttpResponse:
    """Give an application a token, as RFC 6749 says; every refusal is its JSON."""
    sent = request.POST.copy()
    if "grant_type" in sent:
        sent["grant_type"] = sent["grant_type"].lower()  # some scripts ask for client_Credentials
    if "client_id" in sent:
        sent["client_id"] = ID_WITH_HYPHENS.sub(_without_hyphens, f"client_id={sent['client_id']}").removeprefix("client_id=")
    request.POST = cast(Any, sent)
    if refused := _refused_unseen(request, tenant):
        return refused
    try:
        with atomic(), coming_from(way=Way.API):
            response = views.token(request)
            if response.status_code == 200:
                given = _kept(json.loads(response.content)["access_token"])
                assert given is not None
                note_access(by=given.user, application=given.client.application, grant=request.POST["grant_type"])
            _note_if_not_recognized(request, response)
    except (ValidationError, ValueError):  # what is asked for is no address
        return _refusal(400, "invalid_target")
    return response


@csrf_exempt
@login_not_required
@require_http_methods(["POST"])
def exchange(request: HttpRequest) -> HttpResponse:
    """Give a token for a token, as scripts once had to ask Partner Center for one of its own: here it is the same again."""
    if not ratelimit.consume(request, app="allauth.idp.oidc", action="token", config=ATTEMPTS):
        return _refusal(429, "temporarily_unavailable")
    if request.POST.get("grant_type", "").lower() != "jwt_token":
        return _refusal(400, "unsupported_grant_type")
    kind, _space, secret = request.headers.get("Authorization", "").partition(" ")
    try:
        if kind.lower() != "bearer":
            raise TokenNotAccepted
        ends = caller_of(secret.strip()).ends
    except (TokenNotAccepted, PermissionDenied):
        return _refusal(401, "invalid_grant")
    said = {"access_token": secret.strip(), "token_type": "Bearer", "expires_in": int((ends - timezone.now()).total_seconds())}
    return JsonResponse(said, headers={"Cache-Control": "no-store"})


@csrf_exempt
@login_not_required
@require_http_methods(["POST"])
def revoke(request: HttpRequest) -> HttpResponse:
    """Take a token back from the application that no longer needs it (RFC 7009)."""
    if refused := _refused_unseen(request, ""):
        return refused
    with atomic(), coming_from(way=Way.API):
        had = _kept(request.POST.get("token", ""))
        response = views.revoke(request)
        if had is not None and not Token.objects.filter(pk=had.pk).exists():
            note_access_ended(by=had.user, application=had.client.application)
        _note_if_not_recognized(request, response)
    return response


@login_not_required
@require_http_methods(["GET"])
def discovery(request: HttpRequest, tenant: str = "") -> JsonResponse:
    """Where everything is (OpenID Connect Discovery); under a tenant's address, where Microsoft's libraries look, it is the same."""

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
    """Applications of the account with this Microsoft ID, where the address names one; else of all.

    Scripts may name their tenant by its domain. The portal knows no domain of an account's own, and the application's ID says whose it is.
    """
    if tenant in ANY_TENANT or "." in tenant:
        return Application.objects.all()
    try:
        return Application.objects.filter(account_id=uuid.UUID(tenant))
    except ValueError:
        return Application.objects.none()


def _without_hyphens(found: re.Match[str]) -> str:
    """An application's ID as the portal has it: some clients take no other form than that of a GUID."""
    return found[0].replace("-", "").lower()


def _client_asked_for(request: HttpRequest) -> str:
    """The application's ID: in the address, or in what the consent form sends back, which only the portal can have signed."""
    if request.method == "GET" or "request" not in request.POST:
        return (request.GET if request.method == "GET" else request.POST).get("client_id", "")
    try:
        _scopes, asked = Signer().unsign_object(request.POST["request"])
    except BadSignature as error:
        raise PermissionDenied from error
    return str(asked["client_id"])


def _is_allowed_already(request: HttpRequest, application: Application) -> bool:
    """Whether the person allowed this very application all that it asks for now; what they allowed another one says nothing of it."""
    tokens = Token.objects.valid().filter(client=application.client, user=request.user)
    allowed = {scope for token in tokens for scope in token.get_scopes()}
    return bool(allowed) and set(request.GET.get("scope", "").split()) <= allowed


def _must_be_asked(application: Application, redirect_uri: str, state: str) -> HttpResponse:
    """The answer to an application that wants no page to be shown (prompt=none) although there is something to ask."""
    if not is_redirect_uri_allowed(redirect_uri, application.client.get_redirect_uris(), False):
        raise Http404
    said = {"error": "consent_required"} | ({"state": state} if state else {})
    return HttpResponse(status=302, headers={"Location": add_query_params(redirect_uri, said)})


def _refused_unseen(request: HttpRequest, tenant: str) -> JsonResponse | None:
    """The refusal for an application that asks too often, is unknown here, or sends what nobody can mean."""
    if not ratelimit.consume(request, app="allauth.idp.oidc", action="token", config=ATTEMPTS):
        return _refusal(429, "temporarily_unavailable")
    client_id, secret = _said_by(request)
    if any(len(value) > FIELD_LENGTH or not value.isprintable() for value in [client_id, secret or "", *request.POST.values()]):
        return _refusal(400, "invalid_request")
    if not _of_tenant(tenant).filter(client_id=client_id, disabled_at=None).exists():
        return _refusal(401, "invalid_client")
    return None


def _said_by(request: HttpRequest) -> tuple[str, str | None]:
    """The ID and the secret with which an application comes, in either of the two ways."""
    client_id, secret = extract_basic_auth(request.headers)
    return client_id or request.POST.get("client_id", ""), secret


def _note_if_not_recognized(request: HttpRequest, response: HttpResponse) -> None:
    """Log that whoever came with the ID of an application did not have its secret."""
    if response.status_code == 401:
        note_access_refused(application=Application.objects.select_related("client").get(pk=_said_by(request)[0]))


def _kept(secret: str) -> Token | None:
    """What is kept of an application's token."""
    return Token.objects.select_related("client__application", "user").filter(hash=token_digest(secret)).first()


def _refusal(status: int, error: str) -> JsonResponse:
    return JsonResponse({"error": error}, status=status, headers={"Cache-Control": "no-store"})


def _let_the_answer_through(response: HttpResponse, application: Application, redirect_uri: str) -> None:
    """Let the consent form lead to the application: a browser counts the redirect after it as part of the form's action.

    To the host that was asked for and is registered, and only on this page.
    """
    if is_redirect_uri_allowed(redirect_uri, application.client.get_redirect_uris(), False):
        parts = urlsplit(redirect_uri)
        response._csp_update = {"form-action": [f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")]}
