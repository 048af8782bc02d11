"""The portal as it stands before the camera: each answer also names the templates of its page, so that it is known what is on a picture."""

import threading
from collections.abc import Callable, Iterable
from typing import Any

from django.template import Template
from django.test.signals import template_rendered
from django.test.utils import instrumented_test_render

from mca_portal.wsgi import application as portal

HEADER = "X-Templates"

Template._render = instrumented_test_render  # type: ignore[attr-defined]  # as Django's own test client does it
_answer = threading.local()


def _note(template: Template, **_facts: Any) -> None:
    _answer.templates = [*getattr(_answer, "templates", []), template.name]


template_rendered.connect(_note)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer as the portal does, with the header; what a template extends or includes comes after it."""
    _answer.templates = []

    def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
        names = dict.fromkeys(name for name in _answer.templates if name and name.endswith(".html"))
        return start_response(status, [*headers, (HEADER, ",".join(names))], *error)

    return portal(environ, start)
