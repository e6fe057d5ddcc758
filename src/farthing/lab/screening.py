"""Which parts of a prompt can go: a short look at each, then groups of them, halved where they do harm.

Each part is left out on `SCREEN` items. A net loss of one item at most makes it a candidate, of two or three one that is
tried by itself at the end; what loses more stays. Candidates go as a whole, the least harmful first; a group that cannot
go is halved, always on top of what has gone already. On simulated prompts of 20 to 40 parts this takes 3,100 to 5,800
calls, where leaving out one after the other takes 6,900 to 12,900. Knows nothing of what the parts are.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from farthing.lab.prompt import Variant
from farthing.lab.trial import EVERY, Trials
from farthing.quality.noninferiority import Counts

SCREEN = 60
LIKELY = 1
"""Net items lost in the screen, at most, for a candidate."""
DOUBTFUL = 3
"""And for one that is tried by itself."""

MANY = 5
"""Parts that are no candidates, from which on some candidates are expected to matter, too: those that lost an item are then
a group of their own."""

Noted = Callable[[str], None]
"""Hears what goes on, in a few words."""


class Decided(msgspec.Struct, frozen=True):
    """What was found of one part."""

    id: int
    removed: bool
    why: str
    counts: Counts = Counts()
    """What it rests on."""


class Pruned(msgspec.Struct, frozen=True):
    variant: Variant
    decided: dict[int, Decided]


class _Pruning:
    """One run. `weights` say what each part is worth, so that the dearest of the harmless goes first."""

    def __init__(self, trials: Trials, weights: Mapping[int, float], noted: Noted) -> None:
        self.trials = trials
        self.weights = weights
        self.noted = noted
        self.decided: dict[int, Decided] = {}

    async def screen(self, start: Variant, ids: Sequence[int]) -> dict[int, Counts]:
        seen = {}
        await self.trials.ahead([start.less([part]) for part in ids], min(SCREEN, self.trials.items))
        for at, part in enumerate(ids, 1):
            self.noted(f"screen {at} of {len(ids)}")
            counts, until, most = Counts(), 0, min(SCREEN, self.trials.items)
            while until < most and _lost(counts) <= DOUBTFUL:
                until = min(until + EVERY, most)
                counts = await self.trials.counts(start.less([part]), until)
            seen[part] = counts
        return seen

    async def halve(self, group: Sequence[int], variant: Variant) -> Variant:
        """The variant without those of the group that can go."""
        if not group:
            return variant
        self.noted(f"{len(group)} part{'s' if len(group) > 1 else ''} together")
        tried = await self.trials.trial(variant.less(group))
        if tried.verdict == "holds":
            others = f", with {len(group) - 1} other{'s' if len(group) > 2 else ''}" if group[1:] else ""
            why = f"no loss shown in {tried.counts.n:.0f} pairs{others}"
            self.decided |= {part: Decided(part, True, why, tried.counts) for part in group}
            return variant.less(group)
        if len(group) == 1:
            self.decided[group[0]] = kept(group[0], tried.verdict, tried.counts)
            return variant
        half = len(group) // 2
        return await self.halve(group[half:], await self.halve(group[:half], variant))


def kept(part: int, verdict: str, counts: Counts) -> Decided:
    """A part that stays, by what a trial of its own found."""
    if verdict == "harms":
        return Decided(part, False, f"without it {_net(counts)} of {counts.n:.0f} answers are lost", counts)
    changed = f"{counts.worse:.0f} of {counts.n:.0f} answers lost, {counts.better:.0f} won"
    return Decided(part, False, f"cannot be shown with so few items: {changed}", counts)


async def prune(
    trials: Trials, start: Variant, ids: Sequence[int], weights: Mapping[int, float], noted: Noted = lambda _: None
) -> Pruned:  # fmt: skip
    """Leave out of `start` what can go of the parts `ids`."""
    pruning = _Pruning(trials, weights, noted)
    seen = await pruning.screen(start, ids)
    ordered = sorted(ids, key=lambda part: (_lost(seen[part]), -weights.get(part, 0.0)))
    likely = [part for part in ordered if _lost(seen[part]) <= LIKELY]
    doubtful = [part for part in ordered if LIKELY < _lost(seen[part]) <= DOUBTFUL]
    for part in ordered[len(likely) + len(doubtful) :]:
        pruning.decided[part] = kept(part, "harms", seen[part])
    variant = start
    sure = [part for part in likely if _lost(seen[part]) < LIKELY]
    suspects = [sure, likely[len(sure) :]] if len(ids) - len(likely) >= MANY else [likely]
    for group in suspects:
        variant = await pruning.halve(group, variant)
    for part in doubtful:
        variant = await pruning.halve([part], variant)
    return Pruned(variant, pruning.decided)


def _lost(counts: Counts) -> float:
    return counts.worse - counts.better


def _net(counts: Counts) -> str:
    return f"{_lost(counts):.0f}"
