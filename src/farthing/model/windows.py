"""The windows that budgets count in: hours, days, weeks, months, fiscal quarters, rolling spans, or all time.

A window has an id, which is part of every sum that is kept of it, so that a new window is a new sum and nothing is ever
set back to zero. Days begin at midnight of the budget's time zone, whatever its clocks do; hours are those of UTC. A
rolling span is a row of short buckets: what counts is the bucket of now and those before it that a span of that length
can still touch, so that no span of that length ever holds more than the sum. Times are microseconds since 1970.
"""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

FOREVER_US = 1 << 62
HOUR_US = 3_600_000_000
BUCKETS = 60
"""Buckets of a rolling span; it counts up to one sixtieth more than its length."""
KINDS = ("hour", "day", "week", "month", "quarter", "total")
_ROLLING = re.compile(r"rolling ([1-9][0-9]{0,5})(m|h|d)")
_SECONDS = {"m": 60, "h": 3600, "d": 86_400}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Window(NamedTuple):
    """One window: from its first microsecond up to, and without, `until_us`."""

    id: str
    from_us: int
    until_us: int
    also: tuple[str, ...] = ()
    """Ids of earlier buckets that count with it; only rolling spans have them."""


class Period(msgspec.Struct, frozen=True):
    """Which windows there are. Make it with `period`, which checks."""

    kind: str = "month"
    """One of KINDS, or `rolling`."""
    zone: str = "UTC"
    fiscal_month: int = 1
    """When the fiscal year begins; only quarters ask."""
    fiscal_day: int = 1
    length_us: int = 0
    """Of a rolling span."""


def period(text: str, zone: str = "UTC", fiscal_start: str = "01-01") -> Period:
    """A period as people write it: one of KINDS, or `rolling 30d`, `rolling 24h`, `rolling 15m`. `fiscal_start` is a month
    and a day, MM-DD. Raises ValueError with what may be written."""
    _check_zone(zone)
    fiscal = re.fullmatch(r"(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])", fiscal_start)
    if fiscal is None:
        raise ValueError(f"{fiscal_start!r} is no start of a fiscal year; write MM-DD, such as 04-01, up to day 28")
    rolling = _ROLLING.fullmatch(text)
    if rolling is None and text not in KINDS:
        raise ValueError(f"{text!r} is no window; write {', '.join(KINDS)}, or rolling 30d, rolling 24h, rolling 15m")
    length_us = int(rolling[1]) * _SECONDS[rolling[2]] * 1_000_000 if rolling is not None else 0
    return Period(text if rolling is None else "rolling", zone, int(fiscal[1]), int(fiscal[2]), length_us)


def window_at(period: Period, at_us: int) -> Window:
    """The window that a moment belongs to."""
    match period.kind:
        case "total":
            return Window("total", 0, FOREVER_US)
        case "hour":
            start = at_us - at_us % HOUR_US
            return Window(_utc(start).strftime("%Y-%m-%dT%HZ"), start, start + HOUR_US)
        case "rolling":
            return _bucket(period, at_us)
        case _:
            return _calendar(period, at_us)


def window_before(period: Period, window: Window) -> Window | None:
    """The window that ended where this one begins; None where there is none, or windows overlap."""
    if period.kind in ("total", "rolling") or window.from_us <= 0:
        return None
    return window_at(period, window.from_us - 1)


def resets_us(period: Period, window: Window) -> int:
    """When what is spent now counts no longer: the end of the window, or of the span that begins with the bucket."""
    return window.until_us + period.length_us if period.kind == "rolling" else window.until_us


def _bucket(period: Period, at_us: int) -> Window:
    size = max(1_000_000, period.length_us // BUCKETS)
    number = at_us // size
    before = -(-period.length_us // size)
    ids = tuple(f"r{size // 1_000_000}s{each}" for each in range(number - before, number))
    return Window(f"r{size // 1_000_000}s{number}", number * size, (number + 1) * size, ids)


def _calendar(period: Period, at_us: int) -> Window:
    day = _utc(at_us).astimezone(_zone(period.zone)).date()
    while _midnight(period.zone, day) > at_us:  # a clock that was set back over midnight
        day -= timedelta(days=1)
    first, after, name = _dates(period, day)
    return Window(name, _midnight(period.zone, first), _midnight(period.zone, after))


def _dates(period: Period, day: date) -> tuple[date, date, str]:
    """The first day, the day after the last, and the name."""
    match period.kind:
        case "day":
            return day, day + timedelta(days=1), day.isoformat()
        case "week":
            first = day - timedelta(days=day.weekday())
            year, week, _ = first.isocalendar()
            return first, first + timedelta(days=7), f"{year}-W{week:02}"
        case "month":
            first = day.replace(day=1)
            return first, _later(first, 1), f"{day.year:04}-{day.month:02}"
        case _:
            return _quarter(period, day)


def _quarter(period: Period, day: date) -> tuple[date, date, str]:
    """A fiscal year bears the name of the calendar year in which it ends."""
    begun = date(day.year, period.fiscal_month, period.fiscal_day)
    if begun > day:
        begun = begun.replace(year=day.year - 1)
    number = next(number for number in (3, 2, 1, 0) if _later(begun, 3 * number) <= day)
    ends = begun.year if (period.fiscal_month, period.fiscal_day) == (1, 1) else begun.year + 1
    return _later(begun, 3 * number), _later(begun, 3 * number + 3), f"FY{ends % 100:02}Q{number + 1}"


def _later(day: date, months: int) -> date:
    """The same day of a later month; days up to 28 are in each."""
    years, month = divmod(day.month - 1 + months, 12)
    return day.replace(year=day.year + years, month=month + 1)


@lru_cache(4096)
def _midnight(zone: str, day: date) -> int:
    """When a day begins: the first moment that its clocks show for it."""
    moment = datetime(day.year, day.month, day.day, tzinfo=_zone(zone))
    return (moment.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)


@lru_cache(64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _check_zone(name: str) -> None:
    try:
        _zone(name)
    except (ValueError, OSError, KeyError):
        raise ValueError(f"{name!r} is no time zone; write one such as Europe/Berlin or UTC") from None


def _utc(at_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at_us)
