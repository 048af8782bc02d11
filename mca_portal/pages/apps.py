"""The HTML door."""

from django.apps import AppConfig


class PagesConfig(AppConfig):
    """Pages, and the drafts of what people have not submitted yet."""

    name = "mca_portal.pages"
    label = "pages"
