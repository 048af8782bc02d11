"""How does Django learn who somebody is and what their roles allow?"""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend

from mca_portal.staff.models import StaffMember
from mca_portal.staff.roles import MATRIX


class StaffBackend(AuthenticationBackend):
    """allauth's sign-in; permissions come from roles (groups) alone, and what a role allows is known without asking."""

    def get_user(self, user_id: Any) -> StaffMember | None:
        """The signed-in person with their account and roles, or None when unknown or deactivated."""
        person = StaffMember.objects.select_related("account").prefetch_related("groups").with_second_factor().filter(pk=user_id).first()
        return person if person and self.user_can_authenticate(person) else None

    def get_group_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """What the roles that they hold allow: from the matrix itself, which the groups' permissions are written from."""
        if not user_obj.is_active or user_obj.is_anonymous or obj is not None:
            return set()
        return {f"staff.{permission.value}" for role in user_obj.roles for permission in MATRIX[role]}

    def _get_user_permissions(self, user_obj: Any) -> Any:
        return user_obj.user_permissions.none()

    def get_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """None: nobody holds a permission by themselves, only through a role."""
        return set()
