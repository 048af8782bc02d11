"""The application of the pages that staff see."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PagesConfig(AppConfig):
    """Pages, their templates' tags and the look of forms."""

    name = "mca_portal.pages"
    label = "pages"
    verbose_name = _("Pages")
