"""The ground floor: partner accounts, staff, roles, what everybody did, and what the database guards."""

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _


class StaffConfig(AppConfig):
    """Keeps the groups equal to the matrix in `roles.py`, and the database's own guards in place."""

    name = "mca_portal.staff"
    label = "staff"
    verbose_name = _("Staff")

    def ready(self) -> None:
        """Write the roles once permissions exist (django.contrib.auth makes them in its own, earlier receiver).

        Guards are lifted while SQLite rebuilds tables in a migration and put back after every migrate.
        """
        from mca_portal.staff import guards
        from mca_portal.staff.roles import write_roles_to_groups

        pre_migrate.connect(guards.before_migrate, sender=self)
        post_migrate.connect(guards.after_migrate, sender=self)
        post_migrate.connect(write_roles_to_groups, sender=self)
        register(guards.check_guards, Tags.database)
