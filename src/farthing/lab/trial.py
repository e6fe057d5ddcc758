"""Is a changed prompt as good as the old one? The same items are put to both, and only those count on which they differ.

A trial looks every `EVERY` items, and stops early only against the change: when the mean loss is above the margin and 2.3
standard errors above 0, or when it could not accept any more if no further item differed. It accepts only when all its items are through and the loss is below the margin with one-sided 95 % (the
score test of paired proportions: Tango, Statistics in Medicine 17, 1998, which needs no differences to be seen, unlike
the normal interval). Stopping as soon as all looks well loses 0.1 to 1.1 important parts of a prompt a run; never do it.
Knows nothing of models.
"""

import asyncio
import math
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Literal, TypeVar

import msgspec

from farthing.lab.prompt import AS_IT_IS, Variant
from farthing.model.money import Nano
from farthing.quality.noninferiority import Counts
from farthing.quality.paired import score

EVERY = 30
STEP = 10
"""Items after which it is seen whether it could still accept."""
Z = 1.645
"""One-sided 5 %."""
HARM_Z = 2.3
POWER = 6.2
"""(1.645 + 0.84)^2: one-sided 5 %, power 80 %."""
EXPECTED_DISCORDANT = 0.05
"""Share of items on which two prompts are expected to differ, before anything was seen."""

T = TypeVar("T")
Verdict = Literal["holds", "harms", "open"]
"""Shown not to lose the margin; lost more than it; neither was shown."""


class Outcome(msgspec.Struct, frozen=True):
    """How a variant did on one item."""

    score: int
    """1 right, 0 wrong; where answers are compared with the old prompt's, 0 worse, 1 as good, 2 better."""
    in_tokens: int = 0
    out_tokens: int = 0
    cost: Nano | None = 0
    """None where a price is not known."""
    parsed: bool | None = None
    """Whether it had the form that was asked for; None where none was."""


Scores = Callable[[Variant, Sequence[int]], Coroutine[Any, Any, Sequence[Outcome | None]]]
"""How a variant does on items, by number; None for an item that was not answered."""


class Tried(msgspec.Struct, frozen=True):
    """What came of a trial."""

    verdict: Verdict
    counts: Counts
    """better: the change was right where the old prompt was wrong."""

    @property
    def loss(self) -> float:
        """Mean, -1 to 1."""
        return -self.counts.mean


def needed(margin: float, discordant: float = EXPECTED_DISCORDANT) -> int:
    """Items with which a change that costs nothing is shown to lose less than `margin` four times in five."""
    return math.ceil(POWER * discordant / margin**2 - 1e-9)


def can_show(items: int, margin: float) -> bool:
    """Whether so many items could show it if not one of them differed."""
    return items > 0 and holds(Counts(same=items), margin)


def holds(seen: Counts, margin: float, z: float = Z) -> bool:
    """Whether the loss is shown to be below `margin`."""
    return seen.n > 0 and score(seen, margin) < -z


def harms(seen: Counts, margin: float) -> bool:
    """Whether a trial should stop for harm."""
    n, loss = seen.n, -seen.mean
    if not n or loss <= margin:
        return False
    spread = (seen.better + seen.worse) / n - loss**2
    return loss - HARM_Z * math.sqrt(max(spread, 0.0) / n) > 0


class Trials:
    """Puts variants beside the prompt as it is, on the first `items` numbers from `first` on. What was asked once is not
    asked again; `heard` gets the outcomes as they come."""

    def __init__(
        self, scores: Scores, items: int, margin: float, first: int = 0, *, together: bool = False
    ) -> None:  # fmt: skip
        """`together`: ask for all that a look may need at once, since answers take hours however few they are."""
        self._scores = scores
        self._together = together
        self.items = items
        self.margin = margin
        self.first = first
        self._seen: dict[Variant, list[Outcome | None]] = {}
        self._tried: dict[Variant, Tried] = {}
        self.trials = 0

    async def outcomes(self, variant: Variant, until: int) -> list[Outcome | None]:
        """Of the first `until` items."""
        seen = self._seen.setdefault(variant, [])
        if len(seen) < until:
            numbers = range(self.first + len(seen), self.first + until)
            seen.extend(await self._scores(variant, numbers))
        return seen[:until]

    async def ahead(self, variants: Sequence[Variant], until: int) -> None:
        """The same of several, at the same time, where that is how answers are asked for."""
        if self._together:
            wanted = dict.fromkeys((AS_IT_IS, *variants))
            await all_of([self.outcomes(variant, until) for variant in wanted])

    async def counts(self, variant: Variant, until: int) -> Counts:
        """The variant beside the prompt as it is, on the first `until` items."""
        mine = await self.outcomes(variant, until)
        return paired(await self.outcomes(AS_IT_IS, until), mine)

    async def trial(self, variant: Variant) -> Tried:
        """See the module."""
        found = self._tried.get(variant)
        if found is None:
            self.trials += 1
            found = self._tried[variant] = await self._trial(variant)
        return found

    async def _trial(self, variant: Variant) -> Tried:
        counts, until = Counts(), 0
        await self.ahead([variant], self.items)
        while until < self.items:
            until = min(until + STEP, self.items)
            counts = await self.counts(variant, until)
            if until < EVERY:
                continue
            if until % EVERY == 0 and harms(counts, self.margin):
                return Tried("harms", counts)
            if not holds(counts + Counts(same=self.items - until), self.margin):
                return Tried("open", counts)
        return Tried("holds" if holds(counts, self.margin) else "open", counts)


async def all_of(asked_for: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """What all of them give. What is under way is waited for, also where one stops the run: it is paid for."""
    found = await asyncio.gather(*asked_for, return_exceptions=True)
    for each in found:
        if isinstance(each, BaseException):
            raise each
    return [each for each in found if not isinstance(each, BaseException)]


def paired(base: Sequence[Outcome | None], mine: Sequence[Outcome | None]) -> Counts:
    """Items that one of the two did not answer do not count."""
    better = same = worse = 0
    for one, other in zip(base, mine, strict=True):
        if one is not None and other is not None:
            better += other.score > one.score
            same += other.score == one.score
            worse += other.score < one.score
    return Counts(better, same, worse)
