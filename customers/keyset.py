"""How is a long list read page by page? By key, never by number: page 500 costs what page 1 costs."""

import base64
import binascii
import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DataError
from django.db.models import Q, QuerySet


class BadCursor(ValueError):
    """The cursor in an address was not made by this portal, or for another list."""


@dataclass(frozen=True)
class Page:
    """One page of a list. `next` and `previous` are cursors for the neighbouring pages, "" where there is none."""

    items: list[Any]
    next: str
    previous: str


def read_page(rows: QuerySet[Any] | Sequence[QuerySet[Any]], *, order: tuple[str, ...], cursor: str = "", size: int = 30) -> Page:
    """The page of `rows` that `cursor` names (the first one for ""), in one query for each queryset.

    `rows`: a queryset, or several of one model that have no row in common, for where an index is in order only within each.
    `order`: field names, all ascending or all with "-"; together they are unique. Raises BadCursor.
    """
    parts = [rows] if isinstance(rows, QuerySet) else rows
    names = tuple(name.lstrip("-") for name in order)
    descending = order[0].startswith("-")
    backwards, key = decode(cursor, len(names)) if cursor else (False, None)
    ordered = [part.order_by(*([name if descending else f"-{name}" for name in names] if backwards else order)) for part in parts]
    try:
        if key is not None and parts:
            key = [_value(parts[0], name, text) for name, text in zip(names, key, strict=True)]
            ordered = [part.filter(beyond(names, key, less=descending != backwards)) for part in ordered]
        found = [row for part in ordered for row in part[: size + 1]]
    except (ValidationError, ValueError, TypeError, OverflowError, DataError) as error:
        raise BadCursor(cursor) from error
    if len(parts) > 1:
        found.sort(key=attrgetter(*names), reverse=descending != backwards)
    more = len(found) > size
    found = found[:size]
    if backwards:
        found.reverse()
    has_next, has_previous = (True, more) if backwards else (more, key is not None)
    return Page(
        items=found,
        next=encode(_key(found[-1], names), backwards=False) if found and has_next else "",
        previous=encode(_key(found[0], names), backwards=True) if found and has_previous else "",
    )


def beyond(names: tuple[str, ...], key: list[Any], *, less: bool) -> Q:
    """Rows after `key` in the given direction: (a, b) > (x, y) written so that an index on (a, b) serves it."""
    strictly = "lt" if less else "gt"
    first, *rest = names
    if not rest:
        return Q(**{f"{first}__{strictly}": key[0]})
    deeper = Q(**{first: key[0]}) & beyond(tuple(rest), key[1:], less=less)
    return Q(**{f"{first}__{strictly}e": key[0]}) & (Q(**{f"{first}__{strictly}": key[0]}) | deeper)


def _value(rows: QuerySet[Any], name: str, text: str) -> Any:
    """`text` as the field holds it. Moments are taken to UTC: one that is no moment there is refused here, not by the database."""
    value = rows.model._meta.get_field(name).to_python(text)
    return value.astimezone(dt.UTC) if isinstance(value, dt.datetime) else value


def _key(row: Any, names: tuple[str, ...]) -> list[str]:
    """The row's place in the list."""
    values = []
    for name in names:
        value = row
        for part in name.split("__"):
            value = getattr(value, part)
        values.append(value.isoformat() if isinstance(value, dt.datetime) else str(value))
    return values


def encode(key: list[str], *, backwards: bool) -> str:
    """The cursor for what comes after the place `key` (before it: `backwards`)."""
    values = ["p" if backwards else "n", *key]
    return base64.urlsafe_b64encode(json.dumps(values, ensure_ascii=False).encode()).decode().rstrip("=")


def decode(cursor: str, length: int) -> tuple[bool, list[Any]]:
    """Direction and place that `cursor` says, the place in `length` texts. Raises BadCursor."""
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise BadCursor(cursor) from error
    good = (
        isinstance(values, list)
        and len(values) == length + 1
        and values[0] in ("n", "p")
        and all(isinstance(v, str) and "\x00" not in v for v in values)
    )
    if not good:
        raise BadCursor(cursor)
    return values[0] == "p", values[1:]
