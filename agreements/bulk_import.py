"""What does a file of confirmations say, row by row, and which rows can be recorded?

A row is checked as if it had been typed into the form of its customer, so that the rules and their words are the same (R1, R2, R4, R6).
"""

import csv
import io
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db.models import TextChoices
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from agreements.forms import AcceptanceForm
from agreements.models import Acceptance
from agreements.services import Person
from agreements.standing import Versions
from customers.models import Customer
from mca_portal.staff.models import StaffMember

MAX_BYTES = 900_000  # with what a browser adds, it stays below the body that a proxy takes
MAX_ROWS = 1000
# In the words of Partner Center's API. `phone` may be left out; any further column is passed over.
COLUMNS = ("customer_id", "first_name", "last_name", "email", "phone", "date_agreed")
OPTIONAL = frozenset({"phone"})

Kept = list[Any]  # a row as a draft keeps it: its number in the file, then the values of COLUMNS


class RowState(TextChoices):
    """What becomes of a row."""

    ERROR = "errors", _("Errors")
    RECORDED = "recorded", _("Already recorded")
    READY = "ready", _("Ready")


@dataclass
class Row:
    """One row of the file: its number as a spreadsheet counts, what it says, and what was found out about it.

    `errors`: column and message. `replaces`: the confirmation of the same version that it would supersede.
    """

    number: int
    said: Mapping[str, str]
    customer: Customer | None = None
    form: AcceptanceForm | None = None
    replaces: Acceptance | None = None
    errors: list[tuple[str, str]] = field(default_factory=list)
    state: RowState = RowState.READY

    @property
    def person(self) -> Person:
        """Who accepted, as the file says it."""
        return Person(*(self.said[name] for name in AcceptanceForm.PERSON))

    def add_error(self, column: str, message: str) -> None:
        """Say what is wrong in which column; the row will not be recorded."""
        self.errors.append((column, message))
        self.state = RowState.ERROR


class ImportFileForm(forms.Form):
    """The file; `cleaned_data["file"]` holds its rows as a draft keeps them. `country`: the account's, whose Excel wrote it."""

    file = forms.FileField(
        label=_("CSV file"),
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv", "data-width": "l"}),
        error_messages={
            "required": _("Choose the file."),
            "missing": _("Choose the file."),
            "empty": _("This file is empty."),
        },
    )

    def __init__(self, *args: Any, country: str, **more: Any) -> None:
        super().__init__(*args, **more)
        self.country = country
        self.fields["file"].help_text = gettext("At most %(rows)s rows and 900 kB.") % {"rows": f"{MAX_ROWS:,}"}

    def clean_file(self) -> list[Kept]:
        """Read the rows. Raises ValidationError: too long, no text, a column missing, or nothing filled in."""
        file: UploadedFile = self.cleaned_data["file"]
        if (file.size or 0) > MAX_BYTES:
            raise ValidationError(gettext("This file is too large. Divide it: at most 900 kB each."))
        return read_rows(_text(file.read(), self.country))


def read_rows(text: str) -> list[Kept]:
    """The rows of a CSV text, whichever of comma, semicolon or tab divides them, but those in which nobody filled anything in.

    Raises ValidationError.
    """
    header_line = text.partition("\n")[0]
    divider = max(",;\t", key=header_line.count)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=divider))
    except csv.Error as error:
        raise ValidationError(gettext("This file cannot be read as CSV. Save it as “CSV UTF-8” and upload that.")) from error
    header = [name.strip().lower() for name in lines[0]] if lines else []
    if missing := [name for name in COLUMNS if name not in header and name not in OPTIONAL]:
        raise ValidationError(gettext("The first row must name the columns. Missing: %(columns)s.") % {"columns": ", ".join(missing)})
    kept: list[Kept] = []
    for number, line in enumerate(lines[1:], start=2):
        said = dict(zip(header, map(_as_typed, line), strict=False))
        if any(said.get(name) for name in COLUMNS[1:]):
            kept.append([number, *(said.get(name, "") for name in COLUMNS)])
    if not kept:
        raise ValidationError(gettext("No row says who accepted and when. Fill in the rows and upload the file again."))
    if len(kept) > MAX_ROWS:
        message = gettext("This file has %(number)s rows. Divide it: at most %(most)s each.")
        raise ValidationError(message % {"number": f"{len(kept):,}", "most": f"{MAX_ROWS:,}"})
    return kept


def check_rows(kept: Sequence[Kept], *, by: StaffMember, versions: Versions) -> list[Row]:
    """Check every row; nothing is written. Two queries, however many rows there are. Raises NotAllowed (P1).

    A customer of another account is as unknown as none (A5). Of several rows for one customer only the first can be recorded.
    """
    rows = [Row(number, dict(zip(COLUMNS, values, strict=True))) for number, *values in kept]
    ids = {row.number: _guid(row.said["customer_id"]) for row in rows}
    known = Customer.objects.visible_to(by).select_related("account", "standing__acceptance").in_bulk({i for i in ids.values() if i})
    on_record = Acceptance.objects.visible_to(by).standing().filter(customer__in=known, template=versions.latest)
    confirmed = {(acceptance.customer_id, acceptance.details) for acceptance in on_record}
    first: dict[uuid.UUID, int] = {}
    for row in rows:
        row.customer = known.get(ids[row.number]) if ids[row.number] else None
        if row.customer is None:
            row.add_error("customer_id", gettext("No customer of yours has this Microsoft ID."))
            continue
        row.form = _form(row, row.customer, versions)
        if row.form.is_valid() and row.form.acceptance:
            if (row.customer.pk, row.form.acceptance.details) in confirmed:
                row.state = RowState.RECORDED
            elif row.customer.standing.rank == versions.latest.version_rank:
                row.replaces = row.customer.standing.acceptance
        for name, messages in row.form.errors.items():
            for message in messages:
                row.add_error("date_agreed" if name == "agreed_on" else name, str(message))
        if (earlier := first.setdefault(row.customer.pk, row.number)) != row.number:
            row.add_error("customer_id", gettext("Same customer as in row %(number)s.") % {"number": earlier})
        row.errors.sort(key=lambda error: COLUMNS.index(error[0]) if error[0] in COLUMNS else -1)
    return rows


def _text(data: bytes, country: str) -> str:
    """The file's text: UTF-8, or what Excel's plain "CSV" is on a Korean computer. Raises ValidationError."""
    for encoding in ("utf-8-sig", *(["cp949"] if country == "KR" else [])):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise ValidationError(gettext("This file cannot be read as CSV. Save it as “CSV UTF-8” and upload that."))


def _as_typed(cell: str) -> str:
    """A cell without the apostrophe that keeps a spreadsheet from running it, as in files that the portal itself gives out."""
    cell = cell.strip()
    return cell[1:] if cell[:1] == "'" and cell[1:2] in ("=", "+", "-", "@") else cell


def _guid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _form(row: Row, customer: Customer, versions: Versions) -> AcceptanceForm:
    typed = vars(row.person) | {"agreed_on": row.said["date_agreed"], "template_id": str(versions.latest.pk)}
    return AcceptanceForm(typed, customer=customer, versions=versions, prefix="")
