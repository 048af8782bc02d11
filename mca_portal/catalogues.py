"""Are the translations complete, and where do the compiled catalogues come from?

Only the `.po` files are kept: `django.po` for pages and messages, `reference.po` for the API's description of itself. Their `.mo` are
made here with polib, so that neither running nor testing the portal needs the gettext programs. Only finding new texts in the source
(`collect`) needs them.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parent.parent
LOCALE = Path(__file__).resolve().parent / "locale"
LANGUAGE = "ko"  # the texts in the source are English
KOREAN = LOCALE / LANGUAGE / "LC_MESSAGES" / "django.po"
REFERENCE = KOREAN.with_name("reference.po")  # no call of gettext names its texts: `update_reference` takes them from /v1/openapi.json
HEADER = {
    "Project-Id-Version": "MCA portal",
    "Language": LANGUAGE,
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
    "Plural-Forms": "nplurals=1; plural=0;",
}
PLACEHOLDER = re.compile(r"%\([^)]+\)[a-z]|%[sd]|\{\w*\}")
HOW_TO_GET_GETTEXT = "gettext's programs (xgettext, msgmerge) are missing; on Debian: apt-get install gettext"


def compile_stale() -> list[Path]:
    """Compile each catalogue that changed since it was compiled; returns the files written."""
    written = []
    for source in sorted(LOCALE.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns > source.stat().st_mtime_ns:
            continue
        # Several test processes may do this at once: each writes a file of its own and puts it in place whole.
        partial = target.with_suffix(f".{os.getpid()}.part")
        polib.pofile(str(source)).save_as_mofile(str(partial))
        partial.replace(target)
        written.append(target)
    return written


def has_gettext() -> bool:
    """Whether this machine can look for texts in the source."""
    return bool(shutil.which("xgettext") and shutil.which("msgmerge"))


def collect(root: Path = ROOT) -> None:
    """Bring the Korean catalogue of the source tree at `root` in line with its texts: new ones empty, vanished ones gone.

    A guess by likeness is worse than nothing in a legal text, so gettext's "fuzzy" guesses are emptied. Needs the gettext programs.
    """
    path = root / KOREAN.relative_to(ROOT)
    options = ["--no-obsolete", "--no-wrap", "--add-location", "file", "--ignore", "tests/*", "--ignore", "var/*", "--verbosity", "0"]
    with tempfile.TemporaryDirectory() as var:
        command = [sys.executable, "manage.py", "makemessages", "--locale", LANGUAGE, *options]
        subprocess.run(command, cwd=root, env=os.environ | {"VAR_DIR": var}, check=True)
    catalogue = polib.pofile(str(path), wrapwidth=0)
    catalogue.header = "The Korean texts of MCA portal. Words as in Partner Center."
    catalogue.metadata = HEADER
    catalogue.metadata_is_fuzzy = 0
    for entry in catalogue:
        if entry.fuzzy:
            entry.flags.remove("fuzzy")
            entry.previous_msgid = entry.previous_msgid_plural = entry.previous_msgctxt = None
            entry.msgstr = ""
            entry.msgstr_plural = dict.fromkeys(entry.msgstr_plural, "")
        if entry.msgid_plural:
            entry.msgstr_plural = {0: entry.msgstr_plural.get(0, "")}  # makemessages writes an English pair
    catalogue.save(str(path))


def collect_reference(texts: list[str]) -> None:
    """Bring the reference's catalogue in line with these texts: new ones empty, vanished ones gone."""
    kept = {entry.msgid: entry.msgstr for entry in polib.pofile(str(REFERENCE))} if REFERENCE.exists() else {}
    catalogue = polib.POFile(wrapwidth=0)
    catalogue.header = "The Korean texts of the API's reference."
    catalogue.metadata = HEADER
    catalogue.extend(polib.POEntry(msgid=text, msgstr=kept.get(text, "")) for text in texts)
    catalogue.save(str(REFERENCE))


def untranslated(path: Path = KOREAN) -> list[str]:
    """What a Korean reader would miss: one sentence for each entry that is empty, doubtful or has other placeholders."""
    catalogue = polib.pofile(str(path))
    found = []
    if catalogue.metadata_is_fuzzy:
        found.append("the header is marked fuzzy: the catalogue may be ignored")
    found += [
        f"the header says {name}: {catalogue.metadata.get(name, '')!r} instead of {HEADER[name]!r}"
        for name in ("Language", "Plural-Forms", "Content-Type")
        if catalogue.metadata.get(name) != HEADER[name]
    ]
    for entry in catalogue:
        translated = list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
        name = f"line {entry.linenum}: {entry.msgid!r}"
        if entry.obsolete:
            found.append(f"{name} is no longer used")
        elif entry.fuzzy:
            found.append(f"{name} is marked fuzzy")
        elif not all(translated):
            found.append(f"{name} is not translated")
        elif entry.msgid_plural and len(translated) != 1:
            found.append(f"{name} has {len(translated)} plural forms; Korean has one")
        else:
            wanted = sorted(PLACEHOLDER.findall(entry.msgid_plural or entry.msgid))
            found += [f"{name} has other placeholders: {text!r}" for text in translated if sorted(PLACEHOLDER.findall(text)) != wanted]
    return found


def out_of_date() -> list[str]:
    """How the catalogue differs from the texts in the source: one sentence each. Works on a copy; needs the gettext programs."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        skipped = shutil.ignore_patterns(".*", "var", "tests", "docs", "node_modules", "__pycache__", "*.mo")
        shutil.copytree(ROOT, copy, ignore=skipped)
        collect(copy)
        kept, wanted = (
            {(entry.msgctxt, entry.msgid, entry.msgid_plural) for entry in polib.pofile(str(path)) if not entry.obsolete}
            for path in (KOREAN, copy / KOREAN.relative_to(ROOT))
        )
    return [f"{entry[1]!r} is in the source but not in the catalogue" for entry in sorted(wanted - kept, key=str)] + [
        f"{entry[1]!r} is in the catalogue but not in the source" for entry in sorted(kept - wanted, key=str)
    ]
