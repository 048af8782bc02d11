"""What may the operator see to by hand? The catalogue of offers; never orders or subscriptions."""

from django.contrib import admin

from mca_portal.staff.admin import KeepsValues
from orders.models import Offer


@admin.register(Offer)
class OfferAdmin(KeepsValues):
    """Offers (F5)."""

    list_display = ("name", "category", "billing", "minimum_quantity", "maximum_quantity", "is_sold")
    list_filter = ("billing", "is_sold", "category")
    search_fields = ("name",)

    def has_delete_permission(self, request, obj=None) -> bool:
        """Offers are taken off sale, not deleted."""
        return False
