"""What may the operator see to by hand? Partner accounts and the first staff member; nothing that a service guards.

Whatever the operator changes here, or in `admin.py` of other apps, stands in Django's log of these pages with old and new values
(`KeepsValues`), which the database lets nobody change (`guards.py`). What concerns one account stands in that account's activity log, too.
"""

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
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.db.transaction import atomic
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from mca_portal.staff.activity import Changes, record
from mca_portal.staff.models import Action, Activity, Failure, PartnerAccount, StaffMember

# What packages would let the operator see or change by hand; importing their admin modules has registered it.
admin.site.disable_action("delete_selected")  # one at a time, each with its entry in one transaction
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
    values = {name: [_plain(form.initial.get(name)) if change else None, _plain(form.cleaned_data[name])] for name in names}
    return {name: pair for name, pair in values.items() if pair[0] != pair[1]}


def _of_account(changes: Changes) -> Changes:
    """The same as an account's activity log names it."""
    return {{"groups": "roles"}.get(name, name): pair for name, pair in changes.items()}


class KeepsValues(admin.ModelAdmin):
    """Pages of the operator whose log says of each field what it was and what it is; no password."""

    def construct_change_message(self, request, form, formsets, add=False) -> Any:
        """What Django's log keeps, in English, as it does: it is written for whoever reads it later."""
        with override(None):
            said = [f"{form.fields[name].label or name}: {_shown(*values)}" for name, values in _changes(form, change=not add).items()]
            said += [name for name in form.changed_data if "password" in name]
        return [*([{"added": {}}] if add else []), *([{"changed": {"fields": said}}] if said else [])]

    def log_deletions(self, request, queryset) -> Any:
        """Keep the values of what goes."""
        with override(None):
            return [
                LogEntry.objects.log_actions(
                    user_id=request.user.pk,
                    queryset=[gone],
                    action_flag=DELETION,
                    change_message="; ".join(f"{field.name}: {field.value_to_string(gone)}" for field in gone._meta.concrete_fields),
                    single_object=True,
                )
                for gone in queryset
            ]


def _shown(old: Any, new: Any) -> str:
    return f"{new}" if old is None else f"{old} → {new}"


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
class PartnerAccountAdmin(KeepsValues):
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
class StaffMemberAdmin(KeepsValues, UserAdmin):
    """Staff members: enough to add an account's first Admin agent. What the operator changes stands in the account's activity log."""

    def save_related(self, request, form, formsets, change) -> None:
        """Log it, in the transaction that saves: for somebody who moves, in the account of before, too."""
        super().save_related(request, form, formsets, change)
        member = form.instance
        if changes := _changes(form, change=change):
            action = Action.MEMBER_CHANGED if change else Action.MEMBER_ADDED
            for account in {member.account_id, form.initial.get("account") if change else None} - {None}:
                record(action, by=request.user, account_id=account, about=member, changes=_of_account(changes))

    def user_change_password(self, request, id, form_url="") -> Any:
        """Log a password that the operator sets for somebody, in the transaction that sets it."""
        with atomic():
            before = StaffMember.objects.filter(pk=unquote(id)).values_list("password", flat=True).first()
            response = super().user_change_password(request, id, form_url)
            member = StaffMember.objects.filter(pk=unquote(id)).first()
            if member and member.password != before and member.account_id:
                record(Action.PASSWORD_SET, by=request.user, account_id=member.account_id, about=member)
        return response

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


class _OnlyRead(admin.ModelAdmin):
    """Pages that show and change nothing."""

    show_full_result_count = False

    def has_add_permission(self, request) -> bool:
        """Nobody adds here."""
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        """Nobody changes what was logged."""
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        """Nor deletes it."""
        return False


@admin.register(LogEntry)
class LogEntryAdmin(_OnlyRead):
    """What operators changed in these pages, newest first, with old and new values."""

    list_display = ("action_time", "user", "content_type", "object_repr", "object_id", "what")
    list_select_related = ("user", "content_type")
    list_filter = ("content_type", "user")
    ordering = ("-action_time", "-id")

    @admin.display(description=_("What was done"))
    def what(self, entry: LogEntry) -> str:
        """Fields with old and new values; of what was deleted its last ones."""
        return f"{entry.get_action_flag_display()}: {entry.get_change_message()}"


@admin.register(Activity)
class ActivityAdmin(_OnlyRead):
    """What belongs to no partner account: the operator's own sign-ins, and failed ones with an address that nobody has. Only to read."""

    list_display = ("at", "action", "why", "actor", "about_name", "address", "way")
    list_select_related = ("actor",)
    ordering = ("-at", "-id")

    def get_queryset(self, request) -> QuerySet[Activity]:
        """Each account's own log is its Admin agents' alone (A5)."""
        return super().get_queryset(request).filter(account=None)

    @admin.display(description=_("Why"))
    def why(self, entry: Activity) -> str:
        """Why somebody did not come in."""
        value = entry.changes.get("why", [None, ""])[1]
        return str(Failure(value).label) if value in Failure else value
