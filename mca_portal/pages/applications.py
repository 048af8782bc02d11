"""Applications: which programs may get OAuth2 tokens, and how does one get its secret, or lose it?"""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from mca_portal.pages.access import confirm_it_is_you, needs
from mca_portal.pages.typed import unchecked
from mca_portal.staff.forms import ApplicationForm, NewApplicationForm
from mca_portal.staff.models import Application
from mca_portal.staff.roles import Permission
from mca_portal.staff.services import change_application, register_application, renew_secret, set_application_active


@require_http_methods(["GET"])
@needs(Permission.MANAGE_STAFF)
def applications(request: HttpRequest) -> HttpResponse:
    """List the account's applications, enabled ones first, by name."""
    rows = Application.objects.visible_to(request.user).select_related("client", "registered_by")
    shown = sorted(rows, key=lambda row: (row.disabled_at is not None, row.client.name.casefold()))
    return render(request, "applications/list.html", {"applications": shown})


@require_http_methods(["GET", "POST"])
@needs(Permission.MANAGE_STAFF)
def application_new(request: HttpRequest) -> HttpResponse:
    """Register one, which asks for one's password first. The answer shows its secret, once; no browser keeps that page."""
    form = NewApplicationForm(request.POST or getattr(request, "typed", None) or None)
    unchecked(request, form)
    if request.method == "POST" and form.is_valid():
        confirm_it_is_you(request)
        try:
            application, secret = register_application(by=request.user, **form.cleaned_data)
        except ValidationError as error:
            _say_at_fields(form, error)
        else:
            return _show(request, application, secret=secret, fact=gettext("The application was registered."))
    return render(request, "applications/new.html", {"form": form}, status=422 if request.method == "POST" else 200)


@require_http_methods(["GET", "POST"])
@needs(Permission.MANAGE_STAFF)
def application(request: HttpRequest, client_id: str) -> HttpResponse:
    """Show and change one: name, redirect addresses, a new secret, whether it may get tokens. Another account's is not found (A5).

    Asks for one's password before all but switching it off.
    """
    rows = Application.objects.visible_to(request.user).select_related("client", "registered_by")
    found = get_object_or_404(rows, pk=client_id)
    if request.method == "GET":
        return _show(request, found, typed=getattr(request, "typed", None))
    name = found.client.name
    match request.POST.get("action"):
        case "secret" if found.has_secret:
            confirm_it_is_you(request)
            secret = renew_secret(by=request.user, application=found)
            return _show(request, found, secret=secret, fact=gettext("The application has a new secret. The old one ended."))
        case "disable":
            set_application_active(by=request.user, application=found, active=False)
            messages.success(request, gettext("%(name)s is disabled, and its tokens have ended.") % {"name": name})
        case "enable":
            confirm_it_is_you(request)
            set_application_active(by=request.user, application=found, active=True)
            messages.success(request, gettext("%(name)s can get tokens again.") % {"name": name})
        case _:
            form = ApplicationForm(request.POST)
            if not form.is_valid():
                return _show(request, found, form=form)
            confirm_it_is_you(request)
            try:
                change_application(by=request.user, application=found, **form.cleaned_data)
            except ValidationError as error:
                _say_at_fields(form, error)
                return _show(request, found, form=form)
            messages.success(request, gettext("%(name)s was saved.") % {"name": form.cleaned_data["name"]})
    return redirect("application", found.pk)


def _show(request: HttpRequest, found: Application, *, form: ApplicationForm | None = None, typed: Any = None, **more: str) -> HttpResponse:
    """The application's page; with a secret on it no browser keeps it."""
    initial = {"name": found.client.name, "redirect_uris": found.client.redirect_uris}
    shown = form or ApplicationForm(typed or None, initial=initial)
    unchecked(request, shown)
    context = {
        "application": found,
        "form": shown,
        "token_address": request.build_absolute_uri(reverse("idp:oidc:token")),
        "authorize_address": request.build_absolute_uri(reverse("idp:oidc:authorization")),
    }
    response = render(request, "applications/application.html", context | more, status=422 if form else 200)
    if more.get("secret"):
        response["Cache-Control"] = "no-store"
    return response


def _say_at_fields(form: forms.Form, error: ValidationError) -> None:
    """Say each of the service's messages at its field."""
    for field, errors in error.error_dict.items():
        form.add_error(field if field in form.fields else None, errors)
