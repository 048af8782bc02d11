"""What may the operator see to by hand? Publishing agreement templates; never acceptances."""

from django.contrib import admin
from django.db import models

from agreements.models import Acceptance, AgreementTemplate
from mca_portal.staff.admin import KeepsValues


@admin.register(AgreementTemplate)
class AgreementTemplateAdmin(KeepsValues):
    """Templates (V1). One that somebody accepted is evidence: only its link and its required-from day can still be changed."""

    list_display = ("name", "agreement_type", "version_rank", "published_on", "required_from")
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}

    def get_readonly_fields(self, request, obj=None):
        """Once accepted by anybody, what was accepted stays as it was."""
        fixed = ("id", "agreement_type", "name", "version_rank", "published_on")
        return fixed if obj and Acceptance.objects.filter(template=obj).exists() else ()

    def has_delete_permission(self, request, obj=None) -> bool:
        """A template that was accepted stays."""
        return obj is None or not Acceptance.objects.filter(template=obj).exists()
