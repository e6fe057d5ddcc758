"""What a model lost, from measurements before and after of the same tokens and the same items, and whether that is allowed.

Perplexity: the logarithm's mean difference over blocks of one text, each block before against itself after; its interval is
Student's over blocks. Task: the share of right answers, the interval is the paired one of trials (Tango, Statistics in
Medicine 17, 1998), relative to what was right before. Knows nothing of how it was measured.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from farthing.model.errors import BadRequest
from farthing.quality.noninferiority import Counts
from farthing.quality.paired import bounds

WORST = 30.0
"""Nats a token that stand for a model which foretells nothing any more, and gives no number."""

Verdict = Literal["kept", "lost", "open"]
"""Shown to be within what may be lost; shown to be beyond it; neither was shown."""


class Loss(msgspec.Struct, frozen=True):
    """What was lost, relative to before, and the ends of its interval of 95 %; below 0 where it became better."""

    metric: str
    """perplexity or task"""
    before: float
    after: float
    loss: float
    low: float
    high: float
    n: int
    """Tokens, or items."""

    def verdict(self, budget: float) -> Verdict:
        """`budget`: what may be lost, relative (0.03)."""
        return "kept" if self.high <= budget else "lost" if self.low > budget else "open"


def perplexity(before: Mapping[int, tuple[float, int]], after: Mapping[int, tuple[float, int]]) -> Loss:
    """From the summed negative log-likelihood and the number of tokens of each block. Raises BadRequest where the model as
    it is foretells nothing, or there are fewer than two blocks."""
    if before.keys() != after.keys() or len(before) < 2:
        raise BadRequest("the same blocks of text, two at least, must be measured before and after")
    if not all(math.isfinite(nll) for nll, _ in before.values()):
        raise BadRequest("the model as it is foretells nothing: its perplexity is no number")
    after = {at: (nll if nll < WORST * count else WORST * count, count) for at, (nll, count) in after.items()}
    tokens = sum(count for _, count in before.values())
    first = sum(nll for nll, _ in before.values()) / tokens
    second = sum(nll for nll, _ in after.values()) / tokens
    each = [after[at][0] / after[at][1] - before[at][0] / before[at][1] for at in before]
    mean, half = _student(each)
    return Loss(
        "perplexity", math.exp(first), math.exp(second), _relative(second - first),
        _relative(mean - half), _relative(mean + half), tokens,
    )  # fmt: skip


def task(before: Sequence[bool | None], after: Sequence[bool | None]) -> Loss:
    """From whether each item was right; None where nobody could tell. Raises BadRequest where too few can be compared, or
    none was right before."""
    both = [(one, other) for one, other in zip(before, after, strict=True) if one is not None and other is not None]
    right = sum(one for one, _ in both)
    if not right:
        raise BadRequest("the model as it is gives no right answer to the eval set: a loss cannot be told")
    counts = Counts(
        better=sum(other and not one for one, other in both), same=sum(one == other for one, other in both),
        worse=sum(one and not other for one, other in both),
    )  # fmt: skip
    share = right / len(both)
    low, high = bounds(counts)
    return Loss(
        "task", share, share + counts.mean, 0.0 - counts.mean / share, low / share, high / share, len(both)
    )  # fmt: skip


def _relative(difference: float) -> float:
    return math.expm1(min(difference, 2 * WORST))


def _student(values: Sequence[float]) -> tuple[float, float]:
    """Mean, and half of the interval of 95 %."""
    n = len(values)
    mean = sum(values) / n
    spread = math.sqrt(sum((each - mean) ** 2 for each in values) / (n - 1))
    return mean, _t(n - 1) * spread / math.sqrt(n)


def _t(freedom: int) -> float:
    """Student's 97.5 % point (Abramowitz and Stegun 26.7.5, within 0.5 % from 5 degrees on; below that the table)."""
    table = (12.706, 4.303, 3.182, 2.776)
    if freedom <= len(table):
        return table[freedom - 1]
    z = 1.959964
    one, two = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
    three = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + one / freedom + two / freedom**2 + three / freedom**3
