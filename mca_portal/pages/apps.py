"""The application of the pages that staff see."""

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.utils.translation import gettext_lazy as _


class PagesConfig(AppConfig):
    """Pages, their templates' tags and the look of forms."""

    name = "mca_portal.pages"
    label = "pages"
    verbose_name = _("Pages")

    def ready(self) -> None:
        """Count the sign-ins that fail, and let the log say whose succeeded."""
        from mca_portal import logs, metrics

        user_logged_in.connect(logs.name_who_signed_in)
        user_login_failed.connect(metrics.note_failed_sign_in)
