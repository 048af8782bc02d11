"""What a template may not hold: the Content-Security-Policy would refuse it, and the page would be broken only for those who look."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))

FORBIDDEN = {
    "a style attribute": re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE),
    "a style element": re.compile(r"<style\b", re.IGNORECASE),
    "an event handler attribute": re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "an htmx expression that is evaluated": re.compile(r"""\bhx-on[:-]|\bhx-(vals|vars|headers)\s*=\s*["']js:""", re.IGNORECASE),
    "a script in the page": re.compile(r"<script\b(?![^>]*\ssrc=)", re.IGNORECASE),
    "a javascript: address": re.compile(r"javascript:", re.IGNORECASE),
    "an address of another site for an asset": re.compile(r"<(script|link|img)\b[^>]*(src|href)=[\"']?(https?:)?//", re.IGNORECASE),
    "text that is not escaped": re.compile(r"\|\s*safe\b|autoescape\s+off"),
}
COMMENT = re.compile(r"\{#.*?#\}|\{%\s*comment.*?endcomment\s*%\}", re.DOTALL)


@pytest.mark.parametrize("template", [pytest.param(path, id=str(path.relative_to(ROOT))) for path in TEMPLATES])
def test_a_template_holds_nothing_that_the_policy_refuses(template: Path) -> None:
    text = COMMENT.sub("", template.read_text())
    assert [name for name, pattern in FORBIDDEN.items() if pattern.search(text)] == []
