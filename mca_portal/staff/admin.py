"""What may the operator see to by hand? Partner accounts and the first staff member; nothing that a service guards."""

import uuid
from typing import Any

import allauth.account.admin
import allauth.mfa.admin
import allauth.socialaccount.admin
import allauth.usersessions.admin  # noqa: F401  # all four: so that they have registered what is taken away below
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from mca_portal.staff.activity import Changes, record
from mca_portal.staff.models import Action, Activity, Failure, PartnerAccount, StaffMember

# What packages would let the operator see or change by hand; importing their admin modules has registered it.
for model in (Group, EmailAddress, Authenticator, UserSession, SocialAccount, SocialApp, SocialToken):
    admin.site.unregister(model)


def _plain(value: Any) -> Any:
    """A form's value as the activity log keeps it."""
    if isinstance(value, QuerySet | list | tuple):
        return sorted(str(one) for one in value)
    return value if value is None or isinstance(value, bool) else str(value)


def _changes(form: Any, *, change: bool) -> Changes:
    """What the operator typed that differs from what was there; no password, in whichever form."""
    names = [name for name in form.changed_data if "password" not in name]
    return {
        {"groups": "roles"}.get(name, name): [_plain(form.initial.get(name)) if change else None, _plain(form.cleaned_data[name])]
        for name in names
    }


class PartnerAccountForm(forms.ModelForm):
    """A partner account; a new one also takes the ID that Microsoft knows the partner by."""

    microsoft_id = forms.UUIDField(
        label=_("Microsoft ID"),
        required=False,
        help_text=_("The partner’s tenant ID. With it their staff can use single sign-on. It cannot be changed later."),
    )

    def clean_microsoft_id(self) -> uuid.UUID | None:
        """Raises ValidationError when another account has it."""
        chosen = self.cleaned_data["microsoft_id"]
        if chosen and PartnerAccount.objects.filter(pk=chosen).exists():
            raise forms.ValidationError(_("There is an account with this ID."), code="unique")
        return chosen


@admin.register(PartnerAccount)
class PartnerAccountAdmin(admin.ModelAdmin):
    """Partner accounts (A1). What the operator changes stands in the account's own activity log."""

    def save_related(self, request, form, formsets, change) -> None:
        """Log it, in the transaction that saves."""
        super().save_related(request, form, formsets, change)
        if changes := _changes(form, change=change):
            action = Action.ACCOUNT_CHANGED if change else Action.ACCOUNT_OPENED
            record(action, by=request.user, account_id=form.instance.pk, about=form.instance, changes=changes)

    form = PartnerAccountForm
    list_display = ("name", "id", "partner_type", "cloud", "environment", "country", "time_zone")

    def get_fields(self, request, obj=None):
        """Ask for the ID at the beginning, and show it afterwards."""
        fields = [name for name in super().get_fields(request, obj) if name not in ("id", "microsoft_id")]
        return ["id" if obj else "microsoft_id", *fields]

    def get_readonly_fields(self, request, obj=None) -> tuple[str, ...]:
        """The ID stays."""
        return ("id",) if obj else ()

    def save_model(self, request, obj, form, change) -> None:
        """Give a new account the ID that was typed, if one was."""
        if not change and form.cleaned_data.get("microsoft_id"):
            obj.pk = form.cleaned_data["microsoft_id"]
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, request, obj=None) -> bool:
        """An account and what it recorded stay."""
        return False


@admin.register(StaffMember)
class StaffMemberAdmin(UserAdmin):
    """Staff members: enough to add an account's first Admin agent. What the operator changes stands in the account's activity log."""

    def save_related(self, request, form, formsets, change) -> None:
        """Log it, in the transaction that saves; somebody of no account is the operator's own business."""
        super().save_related(request, form, formsets, change)
        member = form.instance
        if member.account_id and (changes := _changes(form, change=change)):
            action = Action.MEMBER_CHANGED if change else Action.MEMBER_ADDED
            record(action, by=request.user, account_id=member.account_id, about=member, changes=changes)

    def log_change(self, request, obj, message) -> Any:
        """Log a password that the operator sets for somebody: Django's view for it calls only this."""
        if obj.account_id and message == [{"changed": {"fields": ["password"]}}]:
            record(Action.PASSWORD_SET, by=request.user, account_id=obj.account_id, about=obj)
        return super().log_change(request, obj, message)

    ordering = ("account__name", "last_name")
    list_display = ("email", "last_name", "first_name", "account", "is_active")
    list_filter = ("account", "is_active")
    search_fields = ("email", "last_name", "first_name")
    filter_horizontal = ("groups",)
    fieldsets = ((None, {"fields": ("email", "password", "first_name", "last_name", "account", "groups", "language", "is_active")}),)
    add_fieldsets = ((None, {"fields": ("email", "first_name", "last_name", "account", "groups", "password1", "password2")}),)

    def save_model(self, request, obj, form, change) -> None:
        """Whoever is deactivated is signed out, also when they are let in again before anybody looks."""
        if "is_active" in form.changed_data:
            obj.sign_outs += 1
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, request, obj=None) -> bool:
        """People are deactivated, never deleted: their names stand in evidence."""
        return False


@admin.register(Activity)
class ActivityAdmin(admin.ModelAdmin):
    """What belongs to no partner account: the operator's own sign-ins, and failed ones with an address that nobody has. Only to read."""

    list_display = ("at", "action", "why", "actor", "about_name", "address", "way")
    list_select_related = ("actor",)
    show_full_result_count = False
    ordering = ("-at", "-id")

    def get_queryset(self, request) -> QuerySet[Activity]:
        """Each account's own log is its Admin agents' alone (A5)."""
        return super().get_queryset(request).filter(account=None)

    @admin.display(description=_("Why"))
    def why(self, entry: Activity) -> str:
        """Why somebody did not come in."""
        value = entry.changes.get("why", [None, ""])[1]
        return str(Failure(value).label) if value in Failure else value

    def has_add_permission(self, request) -> bool:
        """Services add."""
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        """Nobody changes what was logged."""
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        """Nor deletes it."""
        return False
