"""What is asked in a month, and how it is spread over the hours of a week. Given, or summed from the ledger.

Knows nothing of prices and GPUs.
"""

from collections.abc import Iterable, Sequence
from math import ceil, inf
from typing import NamedTuple

import msgspec

from farthing.model.errors import BadRequest

HOURS = 730.0
"""Of a month, as clouds bill: 365 x 24 / 12."""
WEEK = 168
HOUR_US = 3_600_000_000
MONDAY_US = 4 * 24 * HOUR_US
"""The first Monday, UTC, since 1970 began on a Thursday."""

OFFICE = tuple(
    (1.0 if 8 <= hour < 18 else 0.15) if day < 5 else 0.1 for day in range(7) for hour in range(24)
)  # fmt: skip
FLAT = (1.0,) * WEEK
PROFILES = {"flat": FLAT, "office": OFFICE}
"""Shapes of a week that can be named: even, and office hours with little else."""


class Demand(msgspec.Struct, frozen=True):
    """A month's calls, in means."""

    calls: float
    input_tokens: float
    """A call, cached ones included."""
    output_tokens: float
    cached_share: float = 0.0
    """Of the input tokens, those that the provider's cache would serve."""
    batch_share: float = 0.0
    """Of the calls, those that can wait for a batch."""
    hours: tuple[float, ...] = FLAT
    """The week's hours from Monday 0:00 UTC, in any unit: how busy each is."""
    source: str = "given"

    def __post_init__(self) -> None:
        if not (0 < self.calls < inf and 1 <= self.input_tokens < inf and 1 <= self.output_tokens < inf):
            raise BadRequest("a demand needs calls, and tokens in and out")
        if not (0 <= self.cached_share <= 1 and 0 <= self.batch_share <= 1):
            raise BadRequest("shares are between 0 and 1")
        if len(self.hours) != WEEK or min(self.hours) < 0 or not sum(self.hours):
            raise BadRequest("a week has 168 hours, none below nothing and not all nothing")

    @property
    def output_month(self) -> float:
        return self.calls * self.output_tokens

    @property
    def mean_s(self) -> float:
        """Output tokens a second, averaged over the month."""
        return self.output_month / (HOURS * 3600)

    @property
    def peak_to_mean(self) -> float:
        return max(self.hours) * WEEK / sum(self.hours)

    def rate_at(self, share: float) -> float:
        """Output tokens a second that so many of the hours do not exceed: 1 is the busiest hour, 0.95 leaves one in
        twenty out."""
        ordered = sorted(self.hours)
        hour = ordered[min(WEEK, max(1, ceil(share * WEEK))) - 1]
        return self.mean_s * hour * WEEK / sum(self.hours)

    def rates(self) -> list[float]:
        """Output tokens a second in each hour of the week."""
        each = self.mean_s * WEEK / sum(self.hours)
        return [hour * each for hour in self.hours]

    def times(self, factor: float) -> "Demand":
        """The same, so many times the calls."""
        return msgspec.structs.replace(self, calls=self.calls * factor)


class Hour(NamedTuple):
    """Sums over the calls of one hour, as the ledger keeps them."""

    hour_us: int
    calls: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int


def from_hours(
    hours: Sequence[Hour], since_us: int, until_us: int, batch_share: float = 0.0, source: str = "ledger"
) -> Demand:
    """The month that these hours stand for, each hour of the week averaged over how often the span holds it. Raises
    BadRequest where nothing was called."""
    calls = sum(each.calls for each in hours)
    taken, written = sum(each.input_tokens for each in hours), sum(each.output_tokens for each in hours)
    if not calls or not taken or not written:
        raise BadRequest("the ledger has no calls with tokens in the whole hours of this span")
    span_hours = (until_us - since_us) / HOUR_US
    return Demand(
        calls=calls * HOURS / span_hours, input_tokens=taken / calls, output_tokens=max(1.0, written / calls),
        cached_share=sum(each.cached_tokens for each in hours) / taken, batch_share=batch_share,
        hours=_week(((each.hour_us, each.output_tokens) for each in hours), since_us, until_us), source=source,
    )  # fmt: skip


def _week(loads: Iterable[tuple[int, int]], since_us: int, until_us: int) -> tuple[float, ...]:
    """Output tokens in each hour of the week, on average. A week that the span does not hold wholly repeats its mean."""
    sums, seen = [0.0] * WEEK, [0] * WEEK
    for hour_us in range(since_us - since_us % HOUR_US, until_us, HOUR_US):
        seen[_hour_of_week(hour_us)] += 1
    for hour_us, tokens in loads:
        sums[_hour_of_week(hour_us)] += tokens
    mean = sum(sums) / sum(seen)
    return tuple(total / count if count else mean for total, count in zip(sums, seen, strict=True))


def _hour_of_week(us: int) -> int:
    return (us - MONDAY_US) // HOUR_US % WEEK
