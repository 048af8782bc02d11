"""What does the API remember of a call? The answer to a write for a day, and how many calls an account made this minute."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from mca_portal.staff.models import PartnerAccount


class Answer(models.Model):
    """The first answer to a write with an identifier of its own (MS-RequestId); the same request again is answered with it.

    The row is written in the transaction of the work itself, so there is never one without the other. `status` is null only inside it.
    Answers name people: they are deleted after a day (`once.py`).
    """

    key = models.CharField(max_length=64, primary_key=True, help_text="SHA-256 of who asks, the identifier and the request.")
    made_at = models.DateTimeField(default=timezone.now, db_index=True)
    status = models.PositiveSmallIntegerField(null=True)
    content = models.TextField(blank=True, default="")

    class Meta:
        """A crash of ours is no answer."""

        default_permissions = ()
        constraints = (models.CheckConstraint(condition=Q(status__isnull=True) | Q(status__range=(200, 499)), name="no_crash_is_kept"),)

    def __str__(self) -> str:
        return f"{self.status} of {self.made_at}"


class CallCount(models.Model):
    """How many calls an account made in one minute: the newest minute in which it made any. No row: none yet."""

    account = models.OneToOneField(PartnerAccount, on_delete=models.CASCADE, primary_key=True, related_name="+")
    minute = models.BigIntegerField(help_text="Minutes since 1970 in UTC.")
    calls = models.PositiveIntegerField()

    class Meta:
        """Written by one statement in `limits.py`."""

        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.calls} in minute {self.minute}"
