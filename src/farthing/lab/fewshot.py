"""Which examples of a prompt are needed, and in which order: first as any part of it, then one after the other on top of what
has gone, then a few orders of those that are left. Knows nothing of what examples say.
"""

import math
from collections.abc import Mapping, Sequence

import msgspec

from farthing.lab.prompt import Prompt, Variant
from farthing.lab.screening import Decided, Noted, Pruned, kept, prune
from farthing.lab.trial import Trials, Tried
from farthing.quality.noninferiority import Counts

SURE = 0.05
"""Probability, for all orders together, that one is taken which is not better."""
ORDERS = 3


class Ordered(msgspec.Struct, frozen=True):
    order: tuple[int, ...]
    """Empty: as they are."""
    tried: int
    why: str
    counts: Counts = Counts()


async def fewest(
    trials: Trials, start: Variant, ids: Sequence[int], weights: Mapping[int, float], noted: Noted = lambda _: None
) -> Pruned:  # fmt: skip
    """Leave out of `start` the examples `ids` that are not needed: the screen may have kept some that only looked needed."""
    pruned = await prune(trials, start, ids, weights, noted)
    variant, decided = pruned.variant, dict(pruned.decided)
    left = sorted((id for id in ids if not decided[id].removed), key=lambda id: -decided[id].counts.mean)
    for id in left:
        noted("one example less")
        tried = await trials.trial(variant.less([id]))
        if tried.verdict == "holds":
            variant = variant.less([id])
            decided[id] = Decided(
                id, True, f"not needed beside the others, in {tried.counts.n:.0f} pairs", tried.counts
            )
        else:
            decided[id] = kept(id, tried.verdict, tried.counts)
    return Pruned(variant, decided)


async def best_order(trials: Trials, start: Variant, prompt: Prompt, noted: Noted = lambda _: None) -> Ordered:
    """The order of the examples that are left: another one only where it is shown to be better."""
    orders = _orders(prompt, start)
    best: tuple[float, tuple[int, ...], Tried] | None = None
    await trials.ahead([start, *(msgspec.structs.replace(start, order=order) for order in orders)], trials.items)
    before = await trials.trial(start)
    for at, order in enumerate(orders, 1):
        noted(f"order {at} of {len(orders)}")
        tried = await trials.trial(msgspec.structs.replace(start, order=order))
        gain = tried.counts.mean - before.counts.mean
        if tried.verdict == "holds" and gain > 0 and (best is None or gain > best[0]):
            best = gain, order, tried
    if best is not None:
        mine = await trials.counts(msgspec.structs.replace(start, order=best[1]), trials.items)
        if mcnemar(mine) < SURE / len(orders):
            return Ordered(best[1], len(orders), "answers are better in this order", mine)
    return Ordered((), len(orders), "no other order was shown to be better" if orders else "too few examples")


def mcnemar(seen: Counts) -> float:
    """Probability of as many gains by luck alone (exact, one-sided)."""
    gains, changes = round(seen.better), round(seen.better + seen.worse)
    return float(sum(math.comb(changes, k) for k in range(gains, changes + 1)) / (1 << changes))


def _orders(prompt: Prompt, start: Variant) -> list[tuple[int, ...]]:
    gone = {part.place for part in prompt.parts if part.id in start.removed and part.message < 0}
    left = tuple(at for at in range(len(prompt.examples)) if at not in gone)
    size = {at: len(prompt.examples[at].input) + len(prompt.examples[at].output) for at in left}
    shortest = tuple(sorted(left, key=lambda at: size[at]))
    found = (left[::-1], shortest, shortest[::-1])
    return [order for order in dict.fromkeys(found) if order != left][:ORDERS]
