"""From calls that were kept to a data set: filters that each say how many calls they took out, and a split by time and by
template, so that what is tested was neither trained on nor nearly so.

In this order: what a student gave back, unless it was drawn like the traffic (of the rest only the hard calls are kept, so
what is trained and tested would be unlike the traffic); what is of several turns, empty or too long; what a judge or a person found worse; what still says who somebody
is; questions that were answered differently; questions that are nearly the same and have the same answer, of which the newest
stays. Knows nothing of formats and prices.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b

import msgspec

from farthing.model.errors import BadRequest
from farthing.selfhost.distil.alike import ALIKE, Alike
from farthing.selfhost.distil.answers import plain
from farthing.steps.capture.redaction import finds
from farthing.store.captures import Captured

AGREED = 2 / 3
"""Share of the calls with one question that must have the same answer; else all are left out, since nobody knows which is
right."""


class Filters(msgspec.Struct, frozen=True):
    """What is left out. Lengths in characters."""

    least_chars: int = 1
    most_chars: int = 24_000
    least_score: float = 0.0
    """Of -1 (worse than what it was compared with) to 1; calls that nobody compared pass."""
    fair: bool = True
    """Leave out what is there only because a student gave it back."""
    pii: bool = True
    conflicts: bool = True
    near: float = ALIKE
    """Similarity from which on two questions count as one; above 1: never."""


class DataSet(msgspec.Struct, frozen=True):
    """Oldest first."""

    train: tuple[Captured, ...]
    test: tuple[Captured, ...]
    """The latest, and all of the templates that were kept out of training."""
    unseen: int
    """How many of `test` are of such templates."""
    given: int
    dropped: dict[str, int]
    """Why -> how many; every reason is there."""


def build(
    calls: Sequence[Captured], filters: Filters, *, scores: Mapping[str, float] | None = None, test_share: float = 0.2,
    template_share: float = 0.1,
) -> DataSet:  # fmt: skip
    """`scores` by call. `test_share` of the calls, the latest, are for tests, and `template_share` of the templates where
    there are at least ten. Raises BadRequest where nothing is left."""
    kept: Sequence[Captured] = sorted(calls, key=lambda each: (each.at_us, each.call_id))
    dropped = {}
    for why, keep in _filters(filters, scores or {}):
        left = keep(kept)
        dropped[why] = len(kept) - len(left)
        kept = left
    if not kept:
        raise BadRequest(f"nothing is left of {len(calls):,} calls: {said(dropped)}")
    train, test, unseen = split(kept, test_share, template_share)
    return DataSet(tuple(train), tuple(test), unseen, len(calls), dropped)


def said(dropped: Mapping[str, int]) -> str:
    """What the filters did, in words."""
    return ", ".join(f"{why} {count:,}" for why, count in dropped.items() if count) or "none were left out"


def split(
    calls: Sequence[Captured], test_share: float, template_share: float
) -> tuple[list[Captured], list[Captured], int]:  # fmt: skip
    """Train, test, and how many of the test are of templates that are not trained on. Which templates these are follows
    from their fingerprints, so that a later data set keeps the same ones out."""
    templates = {each.template for each in calls}
    apart = {each for each in templates if _draw(each) < template_share} if len(templates) >= 10 else set()
    unseen = [each for each in calls if each.template in apart]
    others = [each for each in calls if each.template not in apart]
    cut = len(others) - round(test_share * len(others))
    return others[:cut], others[cut:] + unseen, len(unseen)


def _draw(template: str) -> float:
    return int.from_bytes(blake2b(template.encode(), digest_size=6).digest(), "big") / 2**48


_Keep = Callable[[Sequence[Captured]], Sequence[Captured]]


def _filters(filters: Filters, scores: Mapping[str, float]) -> list[tuple[str, _Keep]]:
    def each_that(test: Callable[[Captured], bool]) -> _Keep:
        return lambda calls: [each for each in calls if test(each)]

    def length(call: Captured) -> int:
        return len(call.text) + len(call.answer) + len(call.instructions)

    found = [("given back by a student", each_that(lambda call: call.is_fair))] if filters.fair else []
    found += [
        ("earlier turns are not kept", each_that(lambda call: call.turns <= 1)),
        ("empty", each_that(lambda call: bool(call.text.strip() and call.answer.strip()))),
        ("too short", each_that(lambda call: len(call.text) >= filters.least_chars)),
        ("too long", each_that(lambda call: length(call) <= filters.most_chars)),
        ("judged worse", each_that(lambda call: scores.get(call.call_id, 1.0) >= filters.least_score)),
    ]
    if filters.pii:
        found.append(("personal data or secrets", each_that(lambda call: not (finds(call.text) or finds(call.answer)))))
    if filters.conflicts:
        found.append(("answered differently", _agreed))
    if filters.near <= 1:
        found.append(("nearly the same", lambda calls: _without_near(calls, filters.near)))
    return found


def _agreed(calls: Sequence[Captured]) -> list[Captured]:
    said_: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for each in calls:
        said_[each.template, plain(each.text)][plain(each.answer)] += 1
    kept = []
    for each in calls:
        counts = said_[each.template, plain(each.text)]
        if counts[plain(each.answer)] >= AGREED * counts.total():
            kept.append(each)
    return kept


def _without_near(calls: Sequence[Captured], near: float) -> list[Captured]:
    """Of questions that are nearly the same under one template and have the same answer, the newest stays. With another
    answer both stay: there the border runs."""
    seen: dict[tuple[str, str], Alike] = defaultdict(lambda: Alike(near))
    kept = []
    for each in reversed(calls):
        alike = seen[each.template, plain(each.answer)[:2_000]]
        if alike.find(each.text) is None:
            alike.add(each.text)
            kept.append(each)
    return kept[::-1]
