"""What may the operator see to by hand? Partner accounts and the first staff member; nothing that a service guards."""

import allauth.account.admin
import allauth.mfa.admin
import allauth.socialaccount.admin
import allauth.usersessions.admin  # noqa: F401  # all four: so that they have registered what is taken away below
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group

from mca_portal.staff.models import PartnerAccount, StaffMember

# What packages would let the operator see or change by hand; importing their admin modules has registered it.
for model in (Group, EmailAddress, Authenticator, UserSession, SocialAccount, SocialApp, SocialToken):
    admin.site.unregister(model)


@admin.register(PartnerAccount)
class PartnerAccountAdmin(admin.ModelAdmin):
    """Partner accounts (A1)."""

    list_display = ("name", "partner_type", "cloud", "environment", "country", "time_zone")

    def has_delete_permission(self, request, obj=None) -> bool:
        """An account and what it recorded stay."""
        return False


@admin.register(StaffMember)
class StaffMemberAdmin(UserAdmin):
    """Staff members: enough to add an account's first Admin agent."""

    ordering = ("account__name", "last_name")
    list_display = ("email", "last_name", "first_name", "account", "is_active")
    list_filter = ("account", "is_active")
    search_fields = ("email", "last_name", "first_name")
    filter_horizontal = ("groups",)
    fieldsets = ((None, {"fields": ("email", "password", "first_name", "last_name", "account", "groups", "language", "is_active")}),)
    add_fieldsets = ((None, {"fields": ("email", "first_name", "last_name", "account", "groups", "password1", "password2")}),)

    def has_delete_permission(self, request, obj=None) -> bool:
        """People are deactivated, never deleted: their names stand in evidence."""
        return False
