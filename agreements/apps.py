"""Agreement templates, acceptances and standings."""

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _


class AgreementsConfig(AppConfig):
    """Keeps the database's own guards in place."""

    name = "agreements"
    verbose_name = _("Agreements")

    def ready(self) -> None:
        """Guards are lifted while SQLite rebuilds tables in a migration and put back after every migrate."""
        from agreements import guards

        pre_migrate.connect(guards.before_migrate, sender=self)
        post_migrate.connect(guards.after_migrate, sender=self)
        register(guards.check_guards, Tags.database)
