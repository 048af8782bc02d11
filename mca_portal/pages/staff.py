"""Staff: who works for the account, in which roles, and how does somebody new get in?"""

from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from mca_portal.pages.access import confirm_it_is_you, needs
from mca_portal.pages.typed import unchecked
from mca_portal.staff.errors import LastAdminAgent, NotYourself
from mca_portal.staff.forms import MemberForm, NewMemberForm, SecurityForm
from mca_portal.staff.models import StaffMember
from mca_portal.staff.roles import Permission, Role
from mca_portal.staff.services import add_member, change_member, note_password_link, require_second_factor, reset_second_factor, set_active

LINK = "staff_link"  # in the session: {"member": pk, "address": …} until it was shown once


@require_http_methods(["GET"])
@needs(Permission.MANAGE_STAFF)
def staff(request: HttpRequest) -> HttpResponse:
    """List the account's staff, active ones first."""
    members = (
        StaffMember.objects.visible_to(request.user)
        .with_second_factor()
        .prefetch_related("groups")
        .order_by("-is_active", "last_name", "id")
    )
    return render(request, "staff/list.html", {"members": members})


@require_http_methods(["GET", "POST"])
@needs(Permission.MANAGE_STAFF)
def staff_new(request: HttpRequest) -> HttpResponse:
    """Add somebody, which asks for one's own password first; the link by which they choose theirs is shown once, on their page."""
    form = NewMemberForm(request.POST or request.typed or None)
    unchecked(request, form)
    if request.method == "POST" and form.is_valid():
        confirm_it_is_you(request)
        try:
            member = add_member(by=request.user, **_cleaned(form))
        except ValidationError as error:
            _say_at_fields(form, error)
        else:
            messages.success(request, gettext("%(name)s was added.") % {"name": member})
            _keep_link(request, member)
            return redirect("staff_member", member.pk)
    status = 422 if request.method == "POST" else 200
    return render(request, "staff/new.html", {"form": form}, status=status)


@require_http_methods(["GET", "POST"])
@needs(Permission.MANAGE_STAFF)
def staff_member(request: HttpRequest, pk: int) -> HttpResponse:
    """Show and change one member: name, roles, whether they may sign in, a new link. Another account's member is not found (A5).

    Asks for one's own password before other roles and before a link.
    """
    member = get_object_or_404(StaffMember.objects.visible_to(request.user).with_second_factor().select_related("account"), pk=pk)
    action = request.POST.get("action", "save") if request.method == "POST" else ""
    typed = (request.POST or request.typed) if action in ("", "save") else None
    initial = {"first_name": member.first_name, "last_name": member.last_name, "roles": [role.value for role in member.roles]}
    form = MemberForm(typed or None, initial=initial)
    unchecked(request, form)
    problem = ""
    if action:
        try:
            if _act(request, member, action, form):
                return redirect("staff_member", member.pk)
        except ValidationError as error:
            _say_at_fields(form, error)
        except LastAdminAgent:
            problem = gettext("This is the account’s last active Admin agent. Make somebody else an Admin agent first.")
        except NotYourself:
            problem = gettext("You cannot deactivate yourself. Ask another Admin agent to do it.")
        if problem and action == "save":
            form.add_error("roles", problem)
            problem = ""
    kept = request.session.get(LINK)
    link = ""
    if request.method == "GET" and kept and kept["member"] == member.pk:
        link = request.session.pop(LINK)["address"]
    response = render(
        request,
        "staff/member.html",
        {"member": member, "form": form, "link": link, "problem": problem, "is_oneself": member.pk == request.user.pk},
        status=422 if action else 200,
    )
    if link:
        response["Cache-Control"] = "no-store"
    return response


@require_http_methods(["POST"])
@needs(Permission.MANAGE_STAFF)
@reauthentication_required(app="allauth.mfa")
def staff_factor_reset(request: HttpRequest, pk: int) -> HttpResponse:
    """Take away a colleague's second factor, which they lost, and write to them. Asks for one's own password first."""
    member = get_object_or_404(StaffMember.objects.visible_to(request.user).select_related("account"), pk=pk)
    try:
        reset_second_factor(by=request.user, member=member)
    except NotYourself:
        messages.error(request, gettext("You cannot reset your own second factor. Ask another Admin agent to do it."))
    else:
        get_adapter(request).send_notification_mail("mfa/email/second_factor_reset", member)
        messages.success(request, gettext("The second factor of %(name)s was reset. They are signed out.") % {"name": member})
    return redirect("staff_member", member.pk)


@require_http_methods(["GET", "POST"])
@needs(Permission.MANAGE_STAFF)
@reauthentication_required(app="allauth.mfa", allow_get=True)
def staff_security(request: HttpRequest) -> HttpResponse:
    """Show and change whether everybody needs a second factor, and who has none. Asks for one's own password before a change."""
    typed = request.POST if request.method == "POST" else None  # an unticked box sends nothing
    form = SecurityForm(typed, initial={"second_factor_required": request.user.account.second_factor_required})
    if request.method == "POST" and form.is_valid():
        required = form.cleaned_data["second_factor_required"]
        require_second_factor(by=request.user, required=required)
        said = gettext("Everybody needs a second factor now.") if required else gettext("A second factor is no longer required.")
        messages.success(request, said)
        return redirect("staff_security")
    without = StaffMember.objects.visible_to(request.user).with_second_factor().filter(is_active=True, has_second_factor=False)
    return render(
        request,
        "staff/security_settings.html",
        {"form": form, "without": without.order_by("last_name", "id")},
        status=422 if request.method == "POST" else 200,
    )


def _act(request: HttpRequest, member: StaffMember, action: str, form: MemberForm) -> bool:
    """Do what the pressed button says; returns whether it was done. Raises what the services raise."""
    name = str(member)
    if action == "save":
        if not form.is_valid():
            return False
        if "roles" in form.changed_data:
            confirm_it_is_you(request)
        changed = change_member(by=request.user, member=member, **_cleaned(form))
        if changed.pk == request.user.pk:
            update_session_auth_hash(request, changed)  # one's own new roles end one's sessions, but not this one
        messages.success(request, gettext("%(name)s was saved.") % {"name": changed})
    elif action == "deactivate":
        set_active(by=request.user, member=member, active=False)
        messages.success(request, gettext("%(name)s was deactivated and can no longer sign in.") % {"name": name})
    elif action == "reactivate":
        set_active(by=request.user, member=member, active=True)
        messages.success(request, gettext("%(name)s can sign in again.") % {"name": name})
    elif action == "link" and member.is_active:
        confirm_it_is_you(request)
        _keep_link(request, member)
    else:
        return False
    return True


def _keep_link(request: HttpRequest, member: StaffMember) -> None:
    """Keep the link with which `member` chooses a password, to be shown once after the redirect; it works for three days and one time."""
    note_password_link(by=request.user, member=member)
    request.session[LINK] = {"member": member.pk, "address": request.build_absolute_uri(password_path(member))}


def password_path(member: StaffMember) -> str:
    """Where `member` chooses a password; who knows it is let in, so it is shown to nobody but who hands it on."""
    token = default_token_generator.make_token(member)
    return reverse("account_reset_password_from_key", kwargs={"uidb36": user_pk_to_url_str(member), "key": token})


def said_of_password(member: StaffMember) -> str:
    """What a command prints of the way in, for whoever has its shell."""
    origin = f"https://{settings.ALLOWED_HOSTS[0]}" if settings.PRODUCTION else "http://127.0.0.1:8000"
    days = settings.PASSWORD_RESET_TIMEOUT // (24 * 3600)
    return f"{member.email} chooses a password here, once and within {days} days:\n{origin}{password_path(member)}"


def _cleaned(form: forms.Form) -> dict[str, object]:
    return form.cleaned_data | {"roles": [Role(value) for value in form.cleaned_data["roles"]]}


def _say_at_fields(form: forms.Form, error: ValidationError) -> None:
    """Say each of a service's messages at its field."""
    for field, errors in error.error_dict.items():
        form.add_error(None if field == NON_FIELD_ERRORS or field not in form.fields else field, errors)
