"""Every page says which methods it takes, before it looks at anything else."""

from collections.abc import Callable, Iterator
from typing import Any

from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver


def views(patterns: list[URLPattern | URLResolver] | None = None) -> Iterator[Callable[..., Any]]:
    """The project's own view functions that an address leads to."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns)
        elif pattern.callback.__module__.startswith("mca_portal.pages"):
            yield pattern.callback


def test_every_page_refuses_a_method_that_it_does_not_name() -> None:
    pages = {f"{view.__module__}.{view.__name__}": view for view in views()}
    assert pages
    request = RequestFactory().generic("PROPFIND", "/")

    def answer(view: Callable[..., HttpResponse]) -> int | str:
        try:
            return view(request).status_code
        except Exception as error:
            return f"looked further: {error!r}"

    assert {name: said for name, view in pages.items() if (said := answer(view)) != 405} == {}
