"""When something is due that recurs, by the clock on the wall of a place: the five fields of cron.

    minute hour day month weekday       30 2 * * mon-fri

Fields are `*`, numbers, names, ranges `1-5`, steps `*/15` and lists of these; where both the day of the month and the weekday
are named, either will do, as cron has it. Where clocks are set forward, what was due in the hour that is left out is due
when the clock jumps; where they are set back, it is due once, at the first. What is due every hour goes by real time
instead: it is left out and repeated as the hours are. Pure.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from farthing.batch.hours import DAYS, moment

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
NAMED = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *"}
FAR = 366 * 9
"""Days within which anything that can be due is due: leap days, across the year 2100."""
_PART = re.compile(r"(\*|\w+)(?:-(\w+))?(?:/(\d+))?")
_DAY_US = 86_400_000_000
_MINUTE_US = 60_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Times(msgspec.Struct, frozen=True):
    """Made with `cron` or `daily`, which check."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """0 is Monday."""
    any_day: bool
    any_weekday: bool
    by_hour: bool
    """Every hour: by real time."""
    zone: str
    at: tuple[time, ...] = ()
    """Times of a day, in place of the hours and minutes."""

    def next(self, after_us: int) -> int:
        """The first moment after this one; 0 where there is none."""
        day = self._date(after_us) - timedelta(days=1)
        for _ in range(FAR):
            found = [each for each in self._on(day) if each > after_us]
            if found:
                return found[0]
            day += timedelta(days=1)
        return 0

    def latest(self, after_us: int, until_us: int) -> int:
        """The last moment after the one and not after the other; 0 where there is none."""
        day, first = self._date(until_us) + timedelta(days=1), self._date(after_us) - timedelta(days=1)
        while day >= first:
            found = [each for each in self._on(day) if after_us < each <= until_us]
            if found:
                return found[-1]
            day -= timedelta(days=1)
        return 0

    def _date(self, at_us: int) -> date:
        return _local(at_us, ZoneInfo(self.zone)).date()

    def _on(self, day: date) -> list[int]:
        """The moments of a day, in order."""
        if not self._is_due(day):
            return []
        zone = ZoneInfo(self.zone)
        if self.by_hour:
            return list(self._by_hour(day, zone))
        walls = self.at or [time(hour, minute) for hour in self.hours for minute in self.minutes]
        return sorted({moment(day, wall, zone, last=False) for wall in walls})

    def _by_hour(self, day: date, zone: ZoneInfo) -> Iterator[int]:
        begins = moment(day, time(), zone, last=False)
        ends = moment(day + timedelta(days=1), time(), zone, last=False)
        for at_us in range(begins, ends, _MINUTE_US):
            wall = _local(at_us, zone)
            if wall.date() == day and wall.minute in self.minutes:
                yield at_us

    def _is_due(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        in_month, in_week = day.day in self.days, day.weekday() in self.weekdays
        if self.any_day or self.any_weekday:
            return in_month and in_week
        return in_month or in_week


def cron(text: str, zone: str = "UTC") -> Times:
    """Reads five fields, or @hourly, @daily, @weekly, @monthly. Raises ValueError with what is wrong, or for an unknown
    zone."""
    _check_zone(zone)
    said = NAMED.get(text.strip().lower(), text).lower().split()
    if len(said) != 5:
        raise ValueError(f"{text!r} has not five fields; write minute hour day month weekday, such as 0 2 * * mon-fri")
    minutes = _field(said[0], "minute", 0, 59)
    hours = _field(said[1], "hour", 0, 23)
    days = _field(said[2], "day", 1, 31)
    months = _field(said[3], "month", 1, 12, MONTHS)
    weekdays = _field(said[4], "weekday", 0, 7, ("sun", *DAYS[:6]))
    made = Times(
        tuple(sorted(minutes)), tuple(sorted(hours)), frozenset(days), frozenset(months),
        frozenset((each - 1) % 7 for each in weekdays), said[2].startswith("*"), said[4].startswith("*"), said[1] == "*", zone,
    )  # fmt: skip
    if not made.next(0):
        raise ValueError(f"{text!r} is never due")
    return made


def daily(text: str, zone: str = "UTC") -> Times:
    """Reads times of a day: `02:00`, or `02:00, 14:30`. Raises ValueError."""
    _check_zone(zone)
    walls = []
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d{1,2}):(\d\d)\s*", part)
        if found is None or int(found[1]) > 23 or int(found[2]) > 59:
            raise ValueError(f"{text!r} is no time of day; write 02:00, or 02:00, 14:30")
        walls.append(time(int(found[1]), int(found[2])))
    every = frozenset(range(1, 32))
    return Times(
        (), (), every, frozenset(range(1, 13)), frozenset(range(7)), True, True, False, zone, tuple(sorted(set(walls)))
    )


def _field(text: str, name: str, least: int, most: int, names: tuple[str, ...] = ()) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        said = _PART.fullmatch(part)
        if said is None:
            raise ValueError(f"{part!r} is no {name}")
        if said[1] == "*":
            if said[2]:
                raise ValueError(f"{part!r} is no {name}")
            first, last = least, most
        else:
            first = _number(said[1], name, least, most, names)
            last = _number(said[2], name, least, most, names) if said[2] else (most if said[3] else first)
        if names and least == 0 and last == 0 < first:  # sat-sun: the week ends with the other Sunday
            last = most
        step = int(said[3] or 1)
        if last < first or not step:
            raise ValueError(f"{part!r} is no {name}: from {least} to {most}, the smaller first")
        found.update(range(first, last + 1, step))
    return found


def _number(text: str, name: str, least: int, most: int, names: tuple[str, ...]) -> int:
    if text in names:
        return names.index(text) + least
    if not text.isdecimal() or not text.isascii() or not least <= int(text[:6]) <= most:
        words = f", or {names[0]} to {names[-1]}" if names else ""
        raise ValueError(f"{text!r} is no {name}: from {least} to {most}{words}")
    return int(text)


def _check_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{zone!r} is no time zone; write one such as Europe/Berlin") from None


def _local(at_us: int, zone: ZoneInfo) -> datetime:
    return (_EPOCH + timedelta(microseconds=at_us)).astimezone(zone)
