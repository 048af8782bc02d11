"""The application of the REST API."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ApiConfig(AppConfig):
    """Partner Center's wire format over the same services that the pages use."""

    name = "mca_portal.api"
    label = "api"
    verbose_name = _("REST API")
