"""How does somebody sign in with their company's directory (OpenID Connect, such as Microsoft Entra ID)?

django-allauth walks the way there and back (authorization code with PKCE and state). What the directory says is believed only here: its
signature, issuer, audience, age and nonce are checked, and then a service decides who that is.
"""

import logging
import secrets
import uuid
from typing import Any

import jwt
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base.constants import AuthError
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView, OAuth2View
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods
from requests import RequestException

from mca_portal.staff.errors import DirectoryRefused
from mca_portal.staff.models import Failure
from mca_portal.staff.roles import Role
from mca_portal.staff.services import note_refused_from_directory, sign_in_from_directory

log = logging.getLogger("mca_portal.pages")

APP = "directory"  # the one that the settings name
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384"]  # a directory signs with a key that it alone has
CLOCKS_APART = 60  # seconds that the directory's clock and ours may differ


class DirectoryClient(OpenIDConnectOAuth2Adapter):
    """Asks the directory, and believes only what it signed for the portal just now."""

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        """Where the directory sends people back to."""
        return request.build_absolute_uri(reverse("single_sign_on_callback"))

    def _decode_id_token(self, app: Any, id_token: str) -> dict[str, Any]:
        """What the directory says of the person. Raises OAuth2Error when it is not signed by it, for the portal, and still good."""
        session = DirectoryAdapter(self.request).get_requests_session()
        try:
            answer = session.get(self.openid_config["jwks_uri"])
            answer.raise_for_status()
            keys, named = jwt.PyJWKSet.from_dict(answer.json()), jwt.get_unverified_header(id_token).get("kid")
            key = keys.keys[0] if named is None and len(keys.keys) == 1 else keys[named or ""]  # a lone key needs no name
            claims = jwt.decode(
                id_token,
                key,
                algorithms=ALGORITHMS,
                audience=app.client_id,
                leeway=CLOCKS_APART,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except (jwt.PyJWTError, KeyError, TypeError, ValueError) as error:
            raise OAuth2Error("The directory's token is not good.") from error
        # Entra's document for all tenants names each one's issuer with a blank to be filled in.
        issuer = self.openid_config["issuer"].replace("{tenantid}", str(claims.get("tid", "")))
        if claims["iss"] != issuer:
            raise OAuth2Error("The directory's token comes from another one.")
        return claims


class DirectoryProvider(OpenIDConnectProvider):
    """The directory that the settings name, asked for what the portal wants and nothing that an address adds."""

    oauth2_adapter_class = DirectoryClient
    pkce_enabled_default = True

    def get_login_url(self, request: HttpRequest, **kwargs: Any) -> str:
        """Where the way begins."""
        return reverse("single_sign_on")

    def get_scope_from_request(self, request: HttpRequest) -> list[str]:
        """Never more than name and e-mail address."""
        return self.get_scope()

    def get_auth_params_from_request(self, request: HttpRequest, action: Any) -> dict[str, str]:
        """Nothing from the address."""
        return self.get_auth_params()

    def redirect(self, request: HttpRequest, process: Any, next_url: str | None = None, data: Any = None, **kwargs: Any) -> HttpResponse:
        """Go to the directory. Its token must name the `nonce` that is kept in the session meanwhile: one of another visit is refused."""
        nonce = secrets.token_urlsafe(24)
        kwargs["auth_params"] = (kwargs.get("auth_params") or {}) | {"nonce": nonce}
        return super().redirect(request, "login", next_url=next_url, data={"nonce": nonce}, **kwargs)


class DirectoryAdapter(DefaultSocialAccountAdapter):
    """Says who somebody is whom the directory vouches for, or kindly why they do not come in."""

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Find or add the member. Raises ImmediateHttpResponse with a page that says why not."""
        claims = sociallogin.account.extra_data["id_token"]
        expected = (sociallogin.state.get("data") or {}).get("nonce", "")
        if not expected or not secrets.compare_digest(str(claims.get("nonce", "")), expected):
            raise ImmediateHttpResponse(_refused(request))
        sociallogin.state["process"] = "login"
        email = claims.get("email") if claims.get("email_verified") is True or claims.get("xms_edov") in (True, 1, "1", "true") else ""
        named = str(claims.get("name") or "").split(maxsplit=1)
        said = claims.get("roles")
        vouched = {"tenant_id": _guid(claims.get("tid")), "object_id": _guid(claims.get("oid")), "email": str(email or "")}
        try:
            sociallogin.user = sign_in_from_directory(
                **vouched,
                first_name=str(claims.get("given_name") or "".join(named[:1])),
                last_name=str(claims.get("family_name") or "".join(named[1:])),
                roles=[role for role in Role if role.value in (said if isinstance(said, list) else [])],
            )
        except DirectoryRefused as refused:
            raise ImmediateHttpResponse(_refused(request, Failure(refused.reason), **vouched)) from refused
        except ValidationError as error:
            raise ImmediateHttpResponse(_refused(request, Failure.INCOMPLETE, **vouched)) from error

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        """Say in our words that it did not work."""
        raise ImmediateHttpResponse(_page(request, "cancelled") if error == AuthError.CANCELLED else _refused(request))


def _refused(
    request: HttpRequest,
    why: Failure = Failure.UNTRUSTED,
    *,
    tenant_id: uuid.UUID | None = None,
    object_id: uuid.UUID | None = None,
    email: str = "",
) -> HttpResponse:
    """Log that somebody did not come in, and say it to them."""
    note_refused_from_directory(tenant_id=tenant_id, object_id=object_id, email=email, why=why)
    return _page(request, why)


def _page(request: HttpRequest, reason: str) -> HttpResponse:
    text = {
        "unknown_tenant": gettext("Your company’s directory belongs to no partner account here. Ask whoever runs the portal."),
        "no_role": gettext("Your company’s directory gives you no role in the portal. Ask its administrator for one."),
        "email_not_verified": gettext("Your company’s directory does not vouch for your email address. Ask its administrator."),
        "taken": gettext("Somebody signs in with your email address or directory ID already. Ask an Admin agent of your company."),
        "incomplete": gettext("Your company’s directory does not say your name and email address. Ask its administrator."),
        "cancelled": gettext("Nothing was changed. Sign in whenever you like."),
    }.get(reason, gettext("The answer of your company’s directory could not be trusted or did not arrive. Please try again."))
    return render(request, "account/single_sign_on_refused.html", {"text": text}, status=403)


def _guid(value: Any) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(value))
    except ValueError:
        return None


@login_not_required
@require_http_methods(["POST"])
def single_sign_on(request: HttpRequest) -> HttpResponse:
    """Begin the way to the directory; 404 where the settings name none."""
    return _walk(request, OAuth2LoginView)


@login_not_required
@require_http_methods(["GET"])
def single_sign_on_callback(request: HttpRequest) -> HttpResponse:
    """Come back from the directory."""
    return _walk(request, OAuth2CallbackView)


def _walk(request: HttpRequest, step: type[OAuth2View]) -> HttpResponse:
    try:
        return step.adapter_view(DirectoryClient(request, APP))(request)
    except SocialApp.DoesNotExist as error:
        raise Http404 from error
    except (RequestException, LookupError, TypeError, ValueError) as error:  # the directory does not answer, or not what one answers
        log.error("the directory does not answer as one: %s", type(error).__name__)
        return _refused(request)
