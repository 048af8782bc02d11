"""Drafts: begin, keep, submit once. The only place of this door that writes, and only what nobody has submitted yet.

A wrong step of a draft answers 302 to itself with `?check`, where every other wrong form answers 422: the draft has what was typed, so the
page that says what is wrong can be asked for. It reloads without a question, and going back to it shows what was typed to mend it. An
answer to the post itself could do neither: the browser would ask whether to send it again, or show the mistake that is no longer there.
"""

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone

from customers.models import Customer
from mca_portal.pages.models import Draft
from mca_portal.staff.models import StaffMember

KEPT_FOR = dt.timedelta(days=30)


def begin(owner: StaffMember, kind: str, *, customer: Customer | None = None, data: dict[str, Any] | None = None) -> Draft:
    """A new draft; the owner's drafts that nobody touched for 30 days go."""
    Draft.objects.filter(owner=owner, changed_at__lt=timezone.now() - KEPT_FOR).delete()
    return Draft.objects.create(owner=owner, kind=kind, customer=customer, data=data or {})


def open_draft(owner: StaffMember, kind: str, draft_id: uuid.UUID, *, customer: Customer | None = None) -> Draft:
    """The owner's own draft of this kind (and customer), or Http404: somebody else's is not found (A5)."""
    return get_object_or_404(Draft.objects.select_related("customer__account"), pk=draft_id, owner=owner, kind=kind, customer=customer)


def unfinished(owner: StaffMember, kind: str, *, within: dt.timedelta) -> QuerySet[Draft]:
    """The owner's drafts of this kind in which something was kept `within` this time and that were not submitted, newest first."""
    recent = Draft.objects.filter(owner=owner, kind=kind, outcome="", changed_at__gte=timezone.now() - within)
    return recent.exclude(data={}).order_by("-changed_at", "pk")


def discard(draft: Draft) -> None:
    """Throw away a draft that was not submitted; one that was stays, since submitting it again must lead to what came of it."""
    Draft.objects.filter(pk=draft.pk, outcome="").delete()


def keep(draft: Draft, **parts: Any) -> None:
    """Keep what was typed, part by part; other parts stay as they are, even if another tab changed them meanwhile."""
    with transaction.atomic():
        locked = Draft.objects.select_for_update(of=("self",)).get(pk=draft.pk)
        locked.data |= parts
        locked.changed_at = timezone.now()
        locked.save(update_fields=["data", "changed_at"])
    draft.data = locked.data


def submit(draft: Draft, action: Callable[[], str]) -> str:
    """Run `action` once for this draft, in one transaction with the mark that it ran; returns the address that it led to.

    A second submission (double click, reload, back) waits for the first and gets the same address without running anything.
    What `action` raises undoes everything, and the draft can be submitted again.
    """
    with transaction.atomic():
        locked = Draft.objects.select_for_update(of=("self",)).get(pk=draft.pk)
        if not locked.outcome:
            locked.outcome = action()
            locked.changed_at = timezone.now()
            locked.save(update_fields=["outcome", "changed_at"])
    draft.outcome = locked.outcome
    return locked.outcome
