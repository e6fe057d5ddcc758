"""Spending evened out under a daily cap: how much lines may cost until now, so that the cap lasts for the whole day.

The cap is spread over the time in which work may run: the whole day, or its cheap hours. A little may go ahead of that, so
that a batch need not be dribbled out line by line. Never more than the cap, whatever the clock does. Pure.
"""

from collections.abc import Callable

from farthing.batch.hours import Hours
from farthing.model.money import Nano
from farthing.model.windows import period, window_at

AHEAD = 0.05
"""Share of the cap that may be spent ahead of the clock."""


def may_spend(
    cap: Nano, spent: Nano, *, now_us: int, zone: str = "UTC", hours: Hours | None = None, ahead: float = AHEAD
) -> Nano:
    """What may be reserved now, of lines that cost at most that. `spent`: of this day in that zone, with what is reserved
    and not settled. `hours`: when lines run; None: at any hour. Never negative, and `spent` with it is never above the cap;
    nothing outside of the hours, or where the day has none."""
    day = window_at(period("day", zone), now_us)
    if hours is None:
        share = (now_us - day.from_us) / (day.until_us - day.from_us)
    elif hours.at(now_us) is None:
        return 0
    else:
        share = hours.open_us(day.from_us, now_us) / max(1, hours.open_us(day.from_us, day.until_us))
    allowed = min(cap, int(cap * min(1.0, share + ahead)))
    return max(0, allowed - spent)


def ready_us(
    cap: Nano,
    spent: Nano,
    need: Nano,
    *,
    now_us: int,
    zone: str = "UTC",
    hours: Hours | None = None,
    ahead: float = AHEAD,
) -> int:
    """When `need` may be spent at the earliest, if nothing else is: now, later this day, or, where this day has no room for
    it, when the next begins. To a second. What is dearer than the cap itself never may: 0."""
    if need > cap:
        return 0
    day = window_at(period("day", zone), now_us)

    def may(at_us: int) -> bool:
        return may_spend(cap, spent, now_us=at_us, zone=zone, hours=hours, ahead=ahead) >= need

    for begins_us, ends_us in _open_spans(hours, now_us, day.until_us):
        if may(begins_us):
            return begins_us
        if may(ends_us):
            return _first(may, begins_us, ends_us)
    later = hours.next(day.until_us) if hours is not None else None
    return max(day.until_us, later.from_us) if later is not None else day.until_us


def _open_spans(hours: Hours | None, from_us: int, until_us: int) -> list[tuple[int, int]]:
    """First and last moments, in order."""
    if hours is None:
        return [(from_us, until_us - 1)]
    spans = hours.spans(from_us, until_us)
    return [(max(from_us, span.from_us), min(until_us, span.until_us) - 1) for span in spans]


def _first(may: Callable[[int], bool], low: int, high: int) -> int:
    """Between a moment at which it may not and one at which it may."""
    while high - low > 1_000_000:
        middle = (low + high) // 2
        low, high = (low, middle) if may(middle) else (middle, high)
    return high
