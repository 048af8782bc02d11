"""The check of the translations finds what a Korean reader would stumble over."""

import os
from pathlib import Path

import polib
import pytest

from mca_portal import catalogues
from mca_portal.api.documentation import texts_of
from mca_portal.api.urls import api


def catalogue(path: Path, *entries: polib.POEntry, **metadata: str) -> Path:
    """A catalogue at `path` with the right header (but for `metadata`) and these entries."""
    file = polib.POFile()
    file.metadata = catalogues.HEADER | metadata
    file.extend(entries)
    file.save(str(path))
    return path


def test_a_complete_catalogue_has_no_problem(tmp_path: Path) -> None:
    path = catalogue(
        tmp_path / "django.po",
        polib.POEntry(msgid="Customers", msgstr="고객"),
        polib.POEntry(msgid="%(count)s customer", msgid_plural="%(count)s customers", msgstr_plural={0: "고객 %(count)s곳"}),
    )
    assert catalogues.untranslated(path) == []


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (polib.POEntry(msgid="Customers", msgstr=""), "is not translated"),
        (polib.POEntry(msgid="Customers", msgstr="고객", flags=["fuzzy"]), "is marked fuzzy"),
        (polib.POEntry(msgid="Customers", msgstr="고객", obsolete=True), "is no longer used"),
        (polib.POEntry(msgid="Due by %(date)s", msgstr="%(day)s까지"), "has other placeholders"),
        (polib.POEntry(msgid="Page {number}", msgstr="쪽"), "has other placeholders"),
        (polib.POEntry(msgid="%(n)s row", msgid_plural="%(n)s rows", msgstr_plural={0: ""}), "is not translated"),
        (polib.POEntry(msgid="%(n)s row", msgid_plural="%(n)s rows", msgstr_plural={0: "%(n)s", 1: "%(n)s"}), "2 plural forms"),
    ],
)
def test_a_text_that_is_wrong_is_named(tmp_path: Path, entry: polib.POEntry, problem: str) -> None:
    (found,) = catalogues.untranslated(catalogue(tmp_path / "django.po", entry))
    assert repr(entry.msgid) in found
    assert problem in found


def test_a_header_without_language_is_named(tmp_path: Path) -> None:
    (found,) = catalogues.untranslated(catalogue(tmp_path / "django.po", Language=""))
    assert "Language" in found


def test_a_catalogue_is_compiled_when_it_changed_and_only_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogues, "LOCALE", tmp_path)
    folder = tmp_path / "ko" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    source = catalogue(folder / "django.po", polib.POEntry(msgid="Customers", msgstr="고객"))
    os.utime(source, (1_000_000_000, 1_000_000_000))
    assert catalogues.compile_stale() == [folder / "django.mo"]
    assert polib.mofile(str(folder / "django.mo")).find("Customers").msgstr == "고객"
    assert catalogues.compile_stale() == []
    os.utime(source)
    os.utime(folder / "django.mo", (1_000_000_000, 1_000_000_000))
    assert catalogues.compile_stale() == [folder / "django.mo"]


def test_the_api_s_reference_is_in_korean_as_a_whole() -> None:
    kept = [entry.msgid for entry in polib.pofile(str(catalogues.REFERENCE))]
    assert kept == texts_of(api.get_openapi_schema()), "run manage.py update_reference"
    assert catalogues.untranslated(catalogues.REFERENCE) == []
