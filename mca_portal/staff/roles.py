"""Who may do what? The matrix of `domain.md` (Roles), once.

Groups are the roles. After every migrate the groups are written from this table, so that data cannot drift from it.
"""

from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from mca_portal.staff.models import StaffMember


class Role(TextChoices):
    """The roles that a member of staff may hold, several at once. The value is the group's name."""

    ADMIN_AGENT = "admin_agent", _("Admin agent")
    SALES_AGENT = "sales_agent", _("Sales agent")
    HELPDESK_AGENT = "helpdesk_agent", _("Helpdesk agent")


class Permission(TextChoices):
    """What can be allowed; `staff.<value>` is Django's name for it."""

    VIEW_CUSTOMERS = "view_customers", "Can find and open customers, see orders and subscriptions"
    EDIT_CUSTOMERS = "edit_customers", "Can create customers, edit company and contact"
    VIEW_ACCEPTANCES = "view_acceptances", "Can see acceptances"
    CONFIRM_ACCEPTANCE = "confirm_acceptance", "Can confirm and reconfirm acceptance"
    WITHDRAW_ACCEPTANCE = "withdraw_acceptance", "Can withdraw a confirmation made by mistake"
    PLACE_ORDERS = "place_orders", "Can place orders, change license counts, suspend, reactivate"
    EXPORT_CUSTOMERS = "export_customers", "Can export customers"
    IMPORT_ACCEPTANCES = "import_acceptances", "Can import confirmations in bulk"
    MANAGE_STAFF = "manage_staff", "Can manage the account's staff, roles and their API tokens"
    # domain.md does not name it: what staff did is seen by whoever manages them.
    VIEW_ACTIVITY = "view_activity", "Can see what everybody did in the account"
    USE_API_TOKENS = "use_api_tokens", "Can have API tokens of one's own"


MATRIX: dict[Role, frozenset[Permission]] = {
    Role.ADMIN_AGENT: frozenset(Permission),
    Role.SALES_AGENT: frozenset(
        {
            Permission.VIEW_CUSTOMERS,
            Permission.EDIT_CUSTOMERS,
            Permission.VIEW_ACCEPTANCES,
            Permission.CONFIRM_ACCEPTANCE,
            Permission.PLACE_ORDERS,
            Permission.USE_API_TOKENS,
        }
    ),
    Role.HELPDESK_AGENT: frozenset({Permission.VIEW_CUSTOMERS}),
}


class NotAllowed(PermissionDenied):
    """Somebody asked for what their roles do not allow (P1). `roles`: the labels of the roles that hold all that is needed."""

    def __init__(self, *needed: Permission) -> None:
        self.roles = [role.label for role in Role if MATRIX[role].issuperset(needed)]
        super().__init__(", ".join(f"staff.{permission.value}" for permission in needed) + " needed")


def may(person: "StaffMember", permission: Permission) -> bool:
    """Whether `person`, active and of a partner account, holds a role that allows `permission`."""
    return bool(person.account_id) and person.has_perm(f"staff.{permission.value}")


def require(by: "StaffMember", *needed: Permission) -> None:
    """The first line of every service that writes (P1). Raises NotAllowed."""
    if not all(may(by, permission) for permission in needed):
        raise NotAllowed(*needed)


def write_roles_to_groups(sender: Any, using: str = "default", **_kwargs: object) -> None:
    """After migrate: make the groups say what MATRIX says, no more and no less."""
    # Inner imports: models are not loaded yet when this module is (models.py needs the names above).
    from django.contrib.auth.management import create_permissions
    from django.contrib.auth.models import Group
    from django.contrib.auth.models import Permission as DjangoPermission

    create_permissions(sender, verbosity=0, using=using)  # auth's own receiver comes later
    known = {p.codename: p for p in DjangoPermission.objects.filter(content_type__app_label="staff", codename__in=list(Permission))}
    for role, allowed in MATRIX.items():
        group, _created = Group.objects.get_or_create(name=role.value)
        group.permissions.set([known[p.value] for p in allowed])
