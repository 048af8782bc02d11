"""What has somebody begun and not submitted yet?"""

import uuid

from django.db import models
from django.utils import timezone

from customers.models import Customer
from mca_portal.staff.models import StaffMember


class Draft(models.Model):
    """A flow of several steps, begun by one person: what was typed so far, and what came of it once it was submitted.

    It has an address of its own, so two tabs are two drafts, and it outlives a sign-in that expires. A draft that was submitted keeps
    where it led to (`outcome`), so that submitting it again leads there and does nothing else.
    """

    class Kind(models.TextChoices):
        """Which flow."""

        NEW_CUSTOMER = "new_customer"
        NEW_ORDER = "new_order"
        BULK_IMPORT = "bulk_import"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(StaffMember, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20)  # a Kind; no choices: a new one changes no table
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, null=True, related_name="+")
    data = models.JSONField(default=dict)
    outcome = models.CharField(max_length=300, blank=True)
    begun_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """Drafts are private to their owner; old ones are cleared away."""

        default_permissions = ()
        indexes = (models.Index(fields=["owner", "kind", "-changed_at"], name="draft_of_owner"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"
