"""Are the translations complete, and where do the compiled catalogues come from?

Only `django.po` is kept; `django.mo` is made from it here with polib, so that neither running nor testing the portal needs
the gettext programs.
"""

import os
import re
from pathlib import Path

import polib

LOCALE = Path(__file__).resolve().parent / "locale"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")


def sources() -> list[Path]:
    """The catalogues that people edit, one per language."""
    return sorted(LOCALE.glob("*/LC_MESSAGES/django.po"))


def compile_stale() -> list[Path]:
    """Compile each catalogue that changed since it was compiled; returns the files written."""
    written = []
    for source in sources():
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            continue
        # Several test processes may do this at once: each writes a file of its own and puts it in place whole.
        partial = target.with_suffix(f".{os.getpid()}.part")
        polib.pofile(str(source)).save_as_mofile(str(partial))
        partial.replace(target)
        written.append(target)
    return written


def problems(source: Path) -> list[str]:
    """What a reader of that language would miss: one sentence per entry that is absent, doubtful or has other placeholders."""
    catalogue = polib.pofile(str(source))
    found = []
    if catalogue.metadata_is_fuzzy:
        found.append("the header is marked fuzzy: translations may be ignored")
    if not catalogue.metadata.get("Language"):
        found.append("the header names no Language: plural forms are lost")
    stated = re.search(r"nplurals=(\d+)", catalogue.metadata.get("Plural-Forms", ""))
    if not stated:
        found.append("the header says no Plural-Forms")
    for entry in catalogue:
        if entry.obsolete:
            continue
        translated = list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
        name = f"line {entry.linenum}: {entry.msgid!r}"
        if entry.fuzzy:
            found.append(f"{name} is fuzzy")
        if not translated or not all(translated):
            found.append(f"{name} is not translated")
            continue
        if entry.msgid_plural and stated and len(translated) != int(stated[1]):
            found.append(f"{name} has {len(translated)} plural forms instead of {stated[1]}")
        # A plural form may leave the number out ("one customer"); a plain text may leave nothing out.
        wanted = set(PLACEHOLDER.findall(entry.msgid_plural or entry.msgid))
        found += [f"{name} has other placeholders in {text!r}" for text in translated if set(PLACEHOLDER.findall(text)) != wanted]
    return found
