"""Whether a teacher's set of answers changed: answers that it gives no more, and others that it began to give.

All calls of an answer within the first (or the last) part of all calls may be chance, which is told exactly: were the calls
in any order, k of them would all be among the first m of n with probability C(m, k) / C(n, k). An answer that ended by more
than chance, about when another began, was renamed, split or joined: what was captured under it is no example of anything
any more. One that merely stays away is kept: bursts end, too, and come back. Knows nothing of texts.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

RARE = 1e-3
"""Probability under which one answer of all is taken to have ended, or begun, by more than chance."""
RARE_THEN = 1e-2
"""The same for each other answer, about the time at which one is known to have changed."""
ABOUT = 0.1
"""Share of the calls between the end of one answer and the beginning of another that belong together."""


class Change(NamedTuple):
    """What changed, in calls that are in the order of time."""

    gone: frozenset[str]
    """Answers that were replaced by others."""
    at: int
    """The first call of the newest answer, by number; 0 where none began late."""


class _Span(NamedTuple):
    first: int
    last: int
    calls: int


def change(said: Sequence[str]) -> Change:
    """What changed in these answers, the oldest first."""
    size, spans = len(said), _spans(said)
    rare = RARE / max(1, 2 * len(spans))
    begun = [each.first for each in spans.values() if _is_rarer(each.calls, size - each.first, size, rare)]
    ended = [
        each.last
        for each in spans.values()
        if _is_rarer(each.calls, each.last + 1, size, rare) and _is_near(each.last, begun, size)
    ]
    gone = (
        answer
        for answer, each in spans.items()
        if _is_near(each.last, ended, size) and _is_rarer(each.calls, each.last + 1, size, RARE_THEN)
    )
    return Change(frozenset(gone), max(begun, default=0))


def _spans(said: Sequence[str]) -> dict[str, _Span]:
    found: dict[str, _Span] = {}
    for at, answer in enumerate(said):
        former = found.get(answer)
        found[answer] = _Span(at, at, 1) if former is None else _Span(former.first, at, former.calls + 1)
    return found


def _is_rarer(calls: int, part: int, size: int, least: float) -> bool:
    """Whether it is less likely than `least` that so many calls are all in one given part of all."""
    logs = (math.log((part - at) / (size - at)) for at in range(calls))
    return math.fsum(logs) < math.log(least)


def _is_near(at: int, others: Sequence[int], size: int) -> bool:
    return any(abs(at - each) <= ABOUT * size for each in others)
