"""How does something that was done get into the activity log?

Services call `record`, or for many at once `record_all`, inside their own transaction: what was done and its entry are written together or
not at all.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models
from django.utils import timezone

from mca_portal.staff.models import Action, Activity, StaffMember
from mca_portal.staff.origin import current_origin

Changes = dict[str, list[Any]]


def record(
    action: Action,
    *,
    by: StaffMember | None,
    account_id: Any = None,
    customer: models.Model | None = None,
    about: models.Model | None = None,
    name: str = "",
    changes: Changes | None = None,
) -> None:
    """Add one entry to the log, in one INSERT; the arguments are those of `entry`."""
    entry(action, by=by, account_id=account_id, customer=customer, about=about, name=name, changes=changes).save(force_insert=True)


def record_all(entries: Iterable[Activity]) -> None:
    """Add many entries (see `entry`) to the log, in one INSERT."""
    Activity.objects.bulk_create(entries)


def entry(
    action: Action,
    *,
    by: StaffMember | None,
    account_id: Any = None,
    customer: models.Model | None = None,
    about: models.Model | None = None,
    name: str = "",
    changes: Changes | None = None,
    at: dt.datetime | None = None,
) -> Activity:
    """An entry, unsaved. `by`: who did it, None for a command; `account_id`: whose log it belongs in, `by`'s when not given.

    `customer`: at which customer; `about`: the row that it is about, called `name` where its own text is not what people call it;
    `changes`: see `differences`. Never a password or the text of a token.
    """
    origin = current_origin()
    return Activity(
        account_id=account_id or (by.account_id if by else None),
        at=at or timezone.now(),
        actor=by,
        topic=action.topic,
        action=action,
        customer_id=customer.pk if customer else None,
        customer_name=str(customer)[:200] if customer else "",
        about_kind=about._meta.label_lower if about else "",
        about_id=str(about.pk) if about else "",
        about_name=(name or str(about or ""))[:200],
        changes=changes or {},
        way=origin.way,
        address=origin.address,
        request_id=origin.request_id[:100],
    )


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Changes:
    """The old and the new value of each field in which the two differ; what is not in `before` was nothing before."""
    return {name: [before.get(name), value] for name, value in after.items() if before.get(name) != value}
