"""API tokens: which programs act as this person, and how does one get its token, or lose it?"""

from allauth.idp.oidc.models import Token as OAuthToken
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from mca_portal.pages.access import confirm_it_is_you, needs
from mca_portal.pages.typed import unchecked
from mca_portal.staff.forms import TokenForm
from mca_portal.staff.models import ApiToken, Application
from mca_portal.staff.roles import Permission
from mca_portal.staff.services import create_token, revoke_token


@require_http_methods(["GET", "POST"])
@needs(Permission.USE_API_TOKENS)
def tokens(request: HttpRequest) -> HttpResponse:
    """List one's own tokens and make a new one, which asks for one's password. The answer shows it, once; no browser keeps that page."""
    form, secret, status = TokenForm(request.POST or request.typed or None), "", 200
    unchecked(request, form)
    if request.method == "POST":
        status = 422
        if form.is_valid():
            confirm_it_is_you(request)
            try:
                _token, secret = create_token(by=request.user, **form.cleaned_data)
            except ValidationError as error:
                for field, errors in error.error_dict.items():
                    form.add_error(field if field in form.fields else None, errors)
            else:
                form, status = TokenForm(), 200
    acting = OAuthToken.objects.valid().filter(user=request.user).values("client")
    allowed = Application.objects.visible_to(request.user).filter(client__in=acting).select_related("client").order_by("client__name")
    mine = ApiToken.objects.filter(owner=request.user).order_by("-created_at", "-pk")[:100]
    context = {"form": form, "secret": secret, "tokens": mine, "allowed": allowed, "now": timezone.now()}
    response = render(request, "staff/tokens.html", context, status=status)
    if secret:
        response["Cache-Control"] = "no-store"
    return response


@require_http_methods(["POST"])
@needs(Permission.USE_API_TOKENS)
def token_revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    """End one of one's own tokens at once; whatever uses it gets 401."""
    token = get_object_or_404(ApiToken.objects.filter(owner=request.user), pk=token_id)
    revoke_token(by=request.user, token=token)
    messages.success(request, gettext("The token %(name)s is revoked. Nothing can use it any more.") % {"name": token.name})
    return redirect("tokens")
