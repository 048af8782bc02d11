"""Agreement templates, acceptances and standings."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AgreementsConfig(AppConfig):
    """Adds its tables' guards to those that staff keeps in place."""

    name = "agreements"
    verbose_name = _("Agreements")

    def ready(self) -> None:
        """Make the guards known before anything migrates."""
        from agreements import guards  # noqa: F401
