"""The proof: the new prompt beside the old one on items that nothing was chosen by, their number fixed before. Knows nothing of
how the new prompt was found.
"""

from collections.abc import Sequence

import msgspec

from farthing.lab.prompt import AS_IT_IS, Variant
from farthing.lab.trial import Outcome, Scores, Verdict, Z, all_of, holds, needed, paired
from farthing.model.money import Nano
from farthing.quality.noninferiority import Counts
from farthing.quality.paired import bounds


class Mean(msgspec.Struct, frozen=True):
    """What calls of one variant were like."""

    calls: int
    right: float
    """Share; where answers are compared with the old prompt's, the mean score."""
    in_tokens: float
    out_tokens: float
    cost: Nano | None
    """Of all of them; None where a price is not known."""
    parsed: float | None
    """Share with the form that was asked for."""


class Confirmed(msgspec.Struct, frozen=True):
    verdict: Verdict
    margin: float
    items: int
    counts: Counts
    low: float
    """What the change of quality is at least, -1 to 1; like the verdict one-sided with 95 %, so that both say the same."""
    high: float
    """The same at most: the two are an interval of 90 %."""
    before: Mean
    after: Mean

    @property
    def words(self) -> str:
        change = f"{_points(self.counts.mean)} points ({_points(self.low)} to {_points(self.high)})"
        if self.verdict == "holds":
            return f"confirmed on {self.items} fresh items: {change}, less than {100 * self.margin:g} lost"
        if self.verdict == "harms":
            return f"not confirmed: {change} on {self.items} fresh items, more than {100 * self.margin:g} lost"
        share = (self.counts.better + self.counts.worse) / self.counts.n if self.counts.n else 0.0
        more = max(needed(self.margin, share), self.items + 1)
        return f"cannot be shown with {self.items} items: {change}; about {more:,} would be needed"


def mean(outcomes: Sequence[Outcome | None]) -> Mean:
    seen = [each for each in outcomes if each is not None]
    count = max(len(seen), 1)
    costs = [each.cost for each in seen]
    parsed = [each.parsed for each in seen if each.parsed is not None]
    return Mean(
        len(seen), sum(each.score for each in seen) / count, sum(each.in_tokens for each in seen) / count,
        sum(each.out_tokens for each in seen) / count,
        None if any(cost is None for cost in costs) else sum(cost or 0 for cost in costs),
        sum(parsed) / len(parsed) if parsed else None,
    )  # fmt: skip


def judged(before: Sequence[Outcome | None], after: Sequence[Outcome | None], margin: float) -> Confirmed:
    """What two lists of outcomes on the same items show."""
    counts = paired(before, after)
    least, most = bounds(counts, Z) if counts.n else (-1.0, 1.0)
    verdict: Verdict = "holds" if holds(counts, margin) else "harms" if least > 0 and -counts.mean > margin else "open"
    return Confirmed(verdict, margin, len(after), counts, -most, -least, mean(before), mean(after))


async def confirm(scores: Scores, variant: Variant, items: int, first: int, margin: float) -> Confirmed:
    """Ask both about `items` items from number `first` on. There is no look before the end."""
    numbers = range(first, first + items)
    before, after = await all_of([scores(AS_IT_IS, numbers), scores(variant, numbers)])
    return judged(before, after, margin)


def _points(share: float) -> str:
    return f"{100 * share:+.1f}"
