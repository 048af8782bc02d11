"""The ground floor: partner accounts, staff, roles."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class StaffConfig(AppConfig):
    """Keeps the groups equal to the matrix in `roles.py` after every migrate."""

    name = "mca_portal.staff"
    label = "staff"
    verbose_name = _("Staff")

    def ready(self) -> None:
        """Write the roles once permissions exist (django.contrib.auth makes them in its own, earlier receiver)."""
        from mca_portal.staff.roles import write_roles_to_groups

        post_migrate.connect(write_roles_to_groups, sender=self)
