"""How fast a budget goes beside its window: half of it should last for half of the time. Arithmetic alone, from sums as they
are now; what a month will bring is for `forecasts`."""

import msgspec

EARLY = 0.02
"""Of a window that is over, below which a pace says nothing."""


class Pace(msgspec.Struct, frozen=True):
    """At one moment of a window that begins and ends."""

    elapsed: float
    """Share of the window that is over."""
    ratio: float | None
    """Times the even pace, at which the budget lasts just as long as its window; None where it is too early to say, or
    there is no limit."""
    gone_us: int | None
    """When nothing is left at this pace, if that is before the window ends."""


def pace(spent: int, limit: int, from_us: int, until_us: int, now_us: int) -> Pace | None:
    """None for a window without an end of its own. `spent` and `limit` in the budget's unit."""
    length, gone = until_us - from_us, now_us - from_us
    if from_us <= 0 or length <= 0 or gone < 0:
        return None
    elapsed = min(1.0, gone / length)
    if elapsed < EARLY or limit <= 0:
        return Pace(elapsed, None, None)
    ratio = spent / limit / elapsed
    gone_us = from_us + gone * limit // spent if spent else None
    return Pace(elapsed, ratio, gone_us if gone_us is not None and now_us < gone_us < until_us else None)
