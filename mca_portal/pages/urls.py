"""Which address leads to which page? One line each, grouped by module."""

from django.urls import path

from mca_portal.pages import home

urlpatterns = [
    # Home
    path("", home.home, name="home"),
]
