"""How is a long list read page by page? By key, never by number: page 500 costs what page 1 costs."""

import base64
import binascii
import datetime as dt
import json
from dataclasses import dataclass
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


def read_page(rows: QuerySet[Any], *, order: tuple[str, ...], cursor: str = "", size: int = 30) -> Page:
    """The page of `rows` that `cursor` names (the first one for ""), in one query.

    `order`: field names, all ascending or all with "-"; together they are unique. Raises BadCursor.
    """
    names = tuple(name.lstrip("-") for name in order)
    descending = order[0].startswith("-")
    backwards, key = _decode(cursor, len(names)) if cursor else (False, None)
    ordered = rows.order_by(*([name if descending else f"-{name}" for name in names] if backwards else order))
    try:
        if key is not None:
            key = [_value(rows, name, text) for name, text in zip(names, key, strict=True)]
            ordered = ordered.filter(_beyond(names, key, less=descending != backwards))
        found = list(ordered[: size + 1])
    except (ValidationError, ValueError, TypeError, OverflowError, DataError) as error:
        raise BadCursor(cursor) from error
    more = len(found) > size
    found = found[:size]
    if backwards:
        found.reverse()
    has_next, has_previous = (True, more) if backwards else (more, key is not None)
    return Page(
        items=found,
        next=_encode(found[-1], names, backwards=False) if found and has_next else "",
        previous=_encode(found[0], names, backwards=True) if found and has_previous else "",
    )


def _beyond(names: tuple[str, ...], key: list[Any], *, less: bool) -> Q:
    """Rows after `key` in the given direction: (a, b) > (x, y) written so that an index on (a, b) serves it."""
    strictly = "lt" if less else "gt"
    first, *rest = names
    if not rest:
        return Q(**{f"{first}__{strictly}": key[0]})
    deeper = Q(**{first: key[0]}) & _beyond(tuple(rest), key[1:], less=less)
    return Q(**{f"{first}__{strictly}e": key[0]}) & (Q(**{f"{first}__{strictly}": key[0]}) | deeper)


def _value(rows: QuerySet[Any], name: str, text: str) -> Any:
    """`text` as the field holds it. Moments are taken to UTC: one that is no moment there is refused here, not by the database."""
    value = rows.model._meta.get_field(name).to_python(text)
    return value.astimezone(dt.UTC) if isinstance(value, dt.datetime) else value


def _encode(row: Any, names: tuple[str, ...], *, backwards: bool) -> str:
    values: list[Any] = ["p" if backwards else "n"]
    for name in names:
        value = row
        for part in name.split("__"):
            value = getattr(value, part)
        values.append(value.isoformat() if isinstance(value, dt.datetime) else str(value))
    return base64.urlsafe_b64encode(json.dumps(values, ensure_ascii=False).encode()).decode().rstrip("=")


def _decode(cursor: str, length: int) -> tuple[bool, list[Any]]:
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
