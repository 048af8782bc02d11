"""How is a person's name kept and shown?"""

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

_HANGUL = re.compile(r"[\uac00-\ud7a3\u1100-\u11ff\u3130-\u318f]")
# Signs that show nothing and make two equal names differ, or that turn the order of what stands around them. Those that a script needs
# inside a word (joiners, marks of direction) stay.
_INVISIBLE = re.compile("[\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069]")
NAME_LENGTH = 50  # characters; Partner Center's limit for first and last names


def tidy(text: str) -> str:
    """`text` in composed form (NFC), without control and invisible characters, inner runs of blanks made one, trimmed."""
    text = unicodedata.normalize("NFC", text)
    text = _INVISIBLE.sub("", text)
    text = "".join(" " if ch.isspace() else ch for ch in text if ch.isspace() or unicodedata.category(ch) not in {"Cc", "Cs", "Cn"})
    return re.sub(r" +", " ", text).strip(" \u200e\u200f")


def has_hangul(text: str) -> bool:
    """Whether `text` holds Korean letters."""
    return _HANGUL.search(text) is not None


def display_name(first_name: str, last_name: str) -> str:
    """A name as people read it: "Tania Carr"; a Hangul name is family name then given name without a space (domain.md, Two languages)."""
    if has_hangul(first_name) and has_hangul(last_name):
        return f"{last_name}{first_name}"
    return f"{first_name} {last_name}".strip()


def validate_has_letter(value: str) -> None:
    """A name in any script holds at least one letter or digit (R6: not empty, whatever invisible signs it is made of)."""
    if not any(unicodedata.category(ch)[0] in "LN" for ch in value):
        raise ValidationError(_("Enter a name with at least one letter."), code="no_letter")
