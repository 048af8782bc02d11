"""The memory that the function calls of a request need is asked for once, not again with every call (`mca_portal.wsgi`)."""

import resource

import pytest

from mca_portal import wsgi

CALLS = 1000


def called_again_and_again() -> None:
    pass


def answer_below(depth: int) -> list[bytes]:
    """An answer for which a function so many calls further down calls another one, again and again."""
    if depth:
        return answer_below(depth - 1)
    for _ in range(CALLS):
        called_again_and_again()
    return []


def test_wherever_calls_are_made_again_and_again_the_system_is_not_asked_for_memory_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[int, int] = {}
    for depth in range(300):
        monkeypatch.setattr(wsgi, "_django", lambda _environ, _start, depth=depth: answer_below(depth))
        before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
        wsgi.application({}, lambda *_: None)
        asked[depth] = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before
    often = {depth: times for depth, times in asked.items() if times > CALLS / 4}
    assert not often
