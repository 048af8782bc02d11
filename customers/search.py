"""Which customers does somebody mean who types part of a name, part of a domain, or an ID (C2)?

Names that begin with what was typed come first, then the others; both in order of name. However many customers there are, a page of
matches is found by reading little more than the page:

- names that begin with it stand side by side in the index by name;
- of the others, frequent ones turn up among the next thousands of names, short ones among some more, and the index by name alone
  says which match;
- rare ones are found by their pieces of up to three characters, for which each database has an index (migrations 0002 and 0003), all of
  them, and put in order;
- where there are too many for that, the index by name is read on. Should a page not be full after many thousand names, because all that
  match stand at the other end of the alphabet, the matches are sorted after all, and that alone takes longer the more there are.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connections
from django.db.models import Q, Value
from django.db.models.expressions import RawSQL

from customers.keyset import BadCursor, Page, beyond, decode, encode
from customers.models import LAST_CHARACTER, NAME_KEY_LENGTH, Customer, CustomerQuerySet
from customers.validators import DOMAIN_SUFFIX
from mca_portal.staff.names import tidy

NEAR = 5000  # names that are read in order before the index of pieces is asked
NEAR_IF_SHORT = 12_000  # the same for a text of one piece, which many names are likely to hold
NEAR_ON_SQLITE = 3000  # the same there for every text: its index of pieces answers sooner
FEW = 300  # matches that are all read and put in order
FAR = 25_000  # names that are read in order where there are more: of a million, every 800th or so has to match
PIECE = 3  # characters at most, as in migrations 0002 and 0003

Key = list[Any]  # name_key and id


def read_matches(customers: CustomerQuerySet, text: str, *, only: Q | None = None, cursor: str = "", size: int = 30) -> Page:
    """The page of `customers` that match `text` and `only`; `cursor` as in `customers.keyset`. Raises BadCursor.

    `customers`: all that somebody may see. An empty text matches everybody.
    """
    typed = tidy(text).casefold()
    among = only or Q()
    if len(typed) > NAME_KEY_LENGTH:
        return Page([], "", "")
    if (microsoft_id := _uuid(typed)) is not None:
        return Page(list(customers.filter(among, pk=microsoft_id)), "", "")
    backwards, place = _place(cursor)
    found: list[tuple[int, str, uuid.UUID]] = []
    for number, group in ((1, _others), (0, _beginning)) if backwards else ((0, _beginning), (1, _others)):
        room = size + 1 - len(found)
        passed = place is not None and (number > place[0] if backwards else number < place[0])
        if room and not passed:
            here = place[1] if place is not None and number == place[0] else None
            found += [(number, *key) for key in group(_Look(customers, typed, among, here, backwards), room)]
    more = len(found) > size
    found = found[:size]
    if backwards:
        found.reverse()
    has_next, has_previous = (True, more) if backwards else (more, place is not None)
    rows = customers.in_bulk([pk for _number, _name, pk in found])
    return Page(
        items=[rows[pk] for _number, _name, pk in found if pk in rows],
        next=encode([str(part) for part in found[-1]], backwards=False) if found and has_next else "",
        previous=encode([str(part) for part in found[0]], backwards=True) if found and has_previous else "",
    )


@dataclass(frozen=True)
class _Look:
    """Among whom, for what, with which further condition, beyond which place (None: from the end), in which direction."""

    customers: CustomerQuerySet
    typed: str
    only: Q
    place: Key | None
    backwards: bool

    def onwards(self) -> CustomerQuerySet:
        """The customers beyond the place."""
        return self.customers.filter(beyond(("name_key", "id"), self.place, less=self.backwards)) if self.place else self.customers

    def in_order(self, rows: CustomerQuerySet) -> CustomerQuerySet:
        """In reading order, by the index by name."""
        return rows.order_by("-name_key", "-id") if self.backwards else rows.order_by("name_key", "id")

    def first(self, rows: CustomerQuerySet, room: int) -> list[tuple[str, uuid.UUID]]:
        """Name and ID of the first `room` of `rows` in reading order."""
        return list(self.in_order(rows).values_list("name_key", "id")[:room])


def _beginning(look: _Look, room: int) -> list[tuple[str, uuid.UUID]]:
    """The next customers whose name begins with what was typed."""
    return look.first(look.onwards().named_from(look.typed).filter(look.only), room)


def _others(look: _Look, room: int) -> list[tuple[str, uuid.UUID]]:
    """The next customers that match somewhere else."""
    pieces = _pieces(look.typed)
    if not pieces:  # every domain has it: all others match
        begins = Q(name_key__gte=look.typed, name_key__lt=look.typed + LAST_CHARACTER)
        return look.first(look.onwards().filter(~begins, look.only), room)
    # Not left to the planner, which cannot know how rare a word is and then reads a million names or sorts half of them.
    near = _walk(look, room, NEAR_ON_SQLITE if _on_sqlite(look) else NEAR if len(pieces) > 1 else NEAR_IF_SHORT)
    if len(near) == room:
        return near
    some = _having(look, pieces, FEW + 1)
    if len(some) <= FEW:
        return sorted(some, reverse=look.backwards)[:room]
    far = _walk(look, room, FAR)
    return far if len(far) == room else _having(look, pieces, room, in_order=True)


def _walk(look: _Look, room: int, names: int) -> list[tuple[str, uuid.UUID]]:
    """Those of the next `names` customers that match somewhere else, read from the index by name until there are `room`."""
    # SQLite hands the names on as it reads them; told to order what is in order, it would read all before it hands on the first.
    order = "" if _on_sqlite(look) else _order(look, "customer.name_key")
    condition, values = "TRUE", ()
    if look.only:  # asked of each that matches, not of each that is read
        this = Customer.objects.filter(look.only, pk=RawSQL("customer.id", ())).annotate(fits=Value(1)).values("fits")[:1]
        only, values = this.query.sql_with_params()
        condition = f"({only}) = 1"
    rows = look.in_order(look.onwards())[:names]
    return _matching(look, rows, f"{order} LIMIT {room}", condition=condition, values=values)


def _having(look: _Look, pieces: list[str], room: int, *, in_order: bool = False) -> list[tuple[str, uuid.UUID]]:
    """`room` of those that match somewhere else, found by the index of pieces."""
    # Not by the name alone, an order that the index by name has, or that would be read instead.
    order = _order(look, "customer.name_key || ''") if in_order else ""
    before, condition, values = _by_pieces(look, pieces)
    rows = look.onwards().filter(look.only).order_by()
    return _matching(look, rows, f"{order} LIMIT {room}", before=before, condition=condition, values=values)


def _by_pieces(look: _Look, pieces: list[str]) -> tuple[str, str, list[Any]]:
    """How each database is asked for the customers that have all the pieces: what to join them to, the condition, its values."""
    if not _on_sqlite(look):
        return "", "customers_pieces(customer.name_key, customer.domain) @> %s::text[]", [pieces]
    if len(pieces[0]) == PIECE:
        found = "SELECT rowid FROM customers_pieces WHERE customers_pieces MATCH %s"
        values = [" AND ".join('"{}"'.format(piece.replace('"', '""')) for piece in pieces)]
    else:  # a short text is one piece, with which longer ones begin
        found = "SELECT doc FROM customers_pieces_terms WHERE term >= %s AND term < %s"
        values = [pieces[0], pieces[0] + LAST_CHARACTER]
    # CROSS: in this order. Where nobody has analyzed the tables, it would rather go through all customers of the account.
    before = f"(SELECT customer_id FROM customers_searchtext WHERE id IN ({found})) AS found CROSS JOIN"
    return before, "customer.id = found.customer_id", values


def _matching(
    look: _Look, rows: CustomerQuerySet, end: str, *, before: str = "", condition: str = "TRUE", values: Sequence[Any] = ()
) -> list[tuple[str, uuid.UUID]]:
    """Name and ID of those of `rows` that match somewhere else. `end`, `before` and `condition` with its `values`: parts of the SQL.

    It is written here, because Django puts no condition around a slice and does not say in which order to join.
    """
    inner, values_of_inner = rows.values_list("name_key", "id", "domain").query.sql_with_params()
    place = "instr" if _on_sqlite(look) else "strpos"
    with connections[look.customers.db].cursor() as cursor:
        cursor.execute(
            f"WITH customer (name_key, id, domain) AS ({inner}) SELECT customer.name_key, customer.id FROM {before} customer "
            f"WHERE {condition} AND ({place}(customer.name_key, %s) > 0 OR {place}(customer.domain, %s) > 0) "
            f"AND NOT (customer.name_key >= %s AND customer.name_key < %s) {end}",
            [*values_of_inner, *values, look.typed, look.typed, look.typed, look.typed + LAST_CHARACTER],
        )
        return [(name, Customer._meta.pk.to_python(pk)) for name, pk in cursor.fetchall()]


def _order(look: _Look, name: str) -> str:
    way = "DESC" if look.backwards else "ASC"
    return f"ORDER BY {name} {way}, customer.id {way}"


def _on_sqlite(look: _Look) -> bool:
    return connections[look.customers.db].vendor == "sqlite"


def _pieces(typed: str) -> list[str]:
    """Pieces of `typed`, which every name or domain with it has in the index; none where every domain has it."""
    if typed in DOMAIN_SUFFIX:
        return []
    # What reaches into the common end of all domains: the index holds a domain up to its first dot.
    reaches = next((i for i in range(len(typed)) if typed[i] == "." and DOMAIN_SUFFIX.startswith(typed[i:])), len(typed))
    certain = typed[: reaches + 1]
    # Side by side, the last one shifted to the end: more that overlap hardly narrow it down, and each is a long list to go through.
    last = max(len(certain) - PIECE, 0)
    return sorted({certain[min(i, last) :][:PIECE] for i in range(0, len(certain), PIECE)})


def _place(cursor: str) -> tuple[bool, tuple[int, Key] | None]:
    """Direction, and group and key of the place that a cursor says. Raises BadCursor."""
    if not cursor:
        return False, None
    backwards, (number, name, pk) = decode(cursor, 3)
    if number not in ("0", "1"):
        raise BadCursor(cursor)
    try:
        return backwards, (int(number), [name, Customer._meta.pk.to_python(pk)])
    except ValidationError as error:
        raise BadCursor(cursor) from error


def _uuid(typed: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(typed) if len(typed) == 36 else None
    except ValueError:
        return None
