"""How does a list leave the portal as a file? As CSV that a spreadsheet opens as it is, in the reader's language, written as it is read."""

import csv
import io
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone, translation

from customers.keyset import Page

BATCH = 1000  # rows in memory at once
BOM = "\ufeff"  # without it Excel takes UTF-8 for the code page of its country, and Hangul is lost
# What a spreadsheet takes for the beginning of a formula; the full-width ones are typed by Korean keyboards.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def plain(value: Any) -> str:
    """`value` as a cell that no spreadsheet runs: what would begin a formula is made text by an apostrophe before it."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def csv_download(name: str, header: Sequence[Any], rows: Iterable[Any], cells: Callable[[Any], Sequence[Any]]) -> StreamingHttpResponse:
    """A file called `name`.csv with `cells(row)` for each of `rows`, sent while it is read: memory does not grow with it.

    It is written after the middleware has answered; so the language and the time zone of now are taken along.
    """
    language, zone = translation.get_language(), timezone.get_current_timezone()

    def text_of(lines: Iterable[Sequence[Any]]) -> str:
        buffer = io.StringIO()
        csv.writer(buffer).writerows([plain(value) for value in line] for line in lines)
        return buffer.getvalue()

    def parts() -> Iterator[str]:
        with translation.override(language):
            yield BOM + text_of([header])
        left = iter(rows)
        while True:
            # Not around the yield: other things happen in this thread meanwhile.
            with translation.override(language), timezone.override(zone):
                part = text_of(cells(row) for row in itertools.islice(left, BATCH))
            if not part:
                return
            yield part

    response = StreamingHttpResponse(parts(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    response["Cache-Control"] = "no-store"
    return response


def every_row(read: Callable[[str], Page]) -> Iterator[Any]:
    """The rows of every page that `read` gives for a cursor: no transaction stays open while somebody downloads slowly.

    In an order of fields that never change, each row that was there at the start comes exactly once.
    """
    cursor = ""
    while True:
        page = read(cursor)
        yield from page.items
        cursor = page.next
        if not cursor:
            return
