"""When the oldest turns of a conversation are left out, and how many: from sizes alone, so that each gateway and each later turn
comes to the same end.

A conversation that passes its limit is trimmed to half of it, and goes on growing from there: so its beginning stays the same
for many turns, and a provider that holds it reads it. Each trim makes that provider read the rest anew, at the plain rate or
that of a write. It is worth that only where the tokens that are gone would have cost more, over the turns until the next trim
and over no more of them than are to be expected. Where nobody knows, that is a quarter of those that there have been: the
longer it is put off, the more goes at once for the same price, so it comes late in conversations that last, and never in those
that do not. Knows nothing of wires.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

Expected = Callable[[int, int, float], float | None]
"""The turn of a trim, turns that the conversation has been above its limit by then, the most that counts -> the turns that are
to come after it; None where nobody knows, less than nothing where it is not to be made."""
UNKNOWN = 0.25
"""Of the turns that there have been, as many are thought to come."""
MARGIN = 1.25
"""What a trim must promise for what it costs: turns to come are estimates, and near break-even the best-looking are overrated."""


class Rates(NamedTuple):
    """What a token of input costs, in any unit."""

    plain: float = 1.0
    read: float = 1.0
    """Where the provider holds it; the plain rate where it holds nothing."""
    write: float = 1.0
    """Where it is read anew: the plain rate, or that of a write."""


class Rule(NamedTuple):
    above: int
    """Size from which on a conversation is trimmed, to half."""
    keep: int
    """The latest turns that always stay."""
    price: float = 0.0
    """What a trim costs for each unit of size that goes, at the plain rate of the model that sums it up."""


class Cut(NamedTuple):
    """The turns `first` (1) to `until`, not that one, are left out since the turn `at`."""

    at: int
    until: int
    gone: int
    """Their size."""
    tail: int
    """Size of what was closed behind them then, which is read anew."""


def cuts(
    head: int, sizes: Sequence[int], openings: Sequence[int], rule: Rule, rates: Rates,
    expected: Expected = lambda at, above, most: None,
) -> list[Cut]:  # fmt: skip
    """The trims of a conversation with turns of these sizes, the earliest first; the last one holds. The first turn stays, as
    do the latest `rule.keep`; `head` is the size of what comes before all turns. `openings` are the sizes of what each turn
    begins with: what follows it is not there yet when it is decided, and must not change what was."""
    found: list[Cut] = []
    sums = [0]
    for size in sizes:
        sums.append(sums[-1] + size)
    start, fixed = 1, head + (sizes[0] if sizes else 0)
    passed = first_above(head, sizes, openings, rule.above)
    for at in range(max(1, passed), len(sizes)):
        if fixed + sums[at] + openings[at] - sums[start] <= rule.above:
            continue
        until, most = start, at + 1 - max(rule.keep, 1)
        while until < most and fixed + sums[at] - sums[until] > rule.above // 2:
            until += 1
        cut = Cut(at, until, sums[until] - sums[1], sums[at] - sums[until])
        growth = sums[at] / at
        room = max(0.0, rule.above - fixed - cut.tail) / growth if growth > 0 else 0.0
        if until > start:
            told = expected(at, at - passed, room)
            turns = min(room, at * UNKNOWN) if told is None else told
            if _pays(cut, sums[until] - sums[start], turns, rule, rates):
                start = until
                found.append(cut)
    return found


def first_above(head: int, sizes: Sequence[int], openings: Sequence[int], above: int) -> int:
    """The first turn with which a conversation is above its limit; their number where none is."""
    size = head
    for at, (whole, opening) in enumerate(zip(sizes, openings, strict=True)):
        if size + opening > above:
            return at
        size += whole
    return len(sizes)


def _pays(cut: Cut, gone: int, turns: float, rule: Rule, rates: Rates) -> bool:
    """Whether leaving out `gone` more is worth reading the rest anew, in this turn and so many to come."""
    return gone * rates.read * (1 + turns) > MARGIN * (cut.tail * (rates.write - rates.read) + gone * rule.price)
