"""A calendar of cheap hours: when work that can wait may run, by the clock on the wall of a place.

Written as `22:00-06:00`, or several, with days if they matter: `mon-fri 22:00-06:00, sat-sun`. A span belongs to the day
on which it begins. Where clocks are set forward, an hour that does not exist begins or ends when the clock jumps; where
they are set back, a span begins at the first and ends at the second time that the clock shows it. Pure.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ENTRY = re.compile(r"(?:([a-z]{3})(?:-([a-z]{3}))?)?\s*(?:(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d))?")
_FAR = 15
"""Days within which any calendar opens."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)


class Span(msgspec.Struct, frozen=True, order=True):
    """From its first microsecond up to, and without, `until_us`."""

    from_us: int
    until_us: int


class Entry(msgspec.Struct, frozen=True):
    days: frozenset[int]
    """On which it begins; 0 is Monday."""
    begins: time
    ends: time
    """Not after `begins`: on the next day."""


class Hours(msgspec.Struct, frozen=True):
    """Made with `hours`, which checks."""

    entries: tuple[Entry, ...]
    zone: str

    def at(self, at_us: int) -> Span | None:
        """The open span that a moment is in; spans that touch are one. None: closed."""
        span = self.next(at_us)
        return span if span is not None and span.from_us <= at_us else None

    def next(self, at_us: int) -> Span | None:
        """The open span that a moment is in, or else the next one. None where none comes within two weeks, as when each one
        falls into an hour that is left out."""
        found: Span | None = None
        for span in self.spans(at_us, at_us + _FAR * 86_400_000_000):
            if found is None:
                found = span
            elif span.from_us > found.until_us:
                break
            else:
                found = Span(found.from_us, max(found.until_us, span.until_us))
        return found

    def spans(self, from_us: int, until_us: int) -> Iterator[Span]:
        """All spans that touch that time, in order, each whole; they may overlap."""
        zone = ZoneInfo(self.zone)
        day = _local(from_us, zone).date() - timedelta(days=2)
        last = _local(until_us, zone).date()
        while day <= last:
            found = [_span(entry, day, zone) for entry in self.entries if day.weekday() in entry.days]
            yield from sorted(
                span for span in found if span.until_us > max(from_us, span.from_us) and span.from_us < until_us
            )
            day += timedelta(days=1)

    def open_us(self, from_us: int, until_us: int) -> int:
        """How much of that time is open."""
        total, covered = 0, from_us
        for span in self.spans(from_us, until_us):
            begins, ends = max(span.from_us, covered), min(span.until_us, until_us)
            if ends > begins:
                total += ends - begins
                covered = ends
        return total


def hours(text: str, zone: str = "UTC") -> Hours:
    """Reads a calendar; empty: always open. Raises ValueError with what may be written, or for an unknown zone."""
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{zone!r} is no time zone; write one such as Europe/Berlin") from None
    parts = [part.strip() for part in text.lower().split(",")] if text.strip() else [""]
    return Hours(tuple(_entry(part, text) for part in parts), zone)


def _entry(part: str, text: str) -> Entry:
    found = _ENTRY.fullmatch(part)
    if found is None or (not part and text.strip()):
        raise ValueError(f"{text!r} are no hours; write 22:00-06:00, or mon-fri 22:00-06:00, sat-sun")
    first, last, *clock = found.groups()
    for day in (first, last):
        if day is not None and day not in DAYS:
            raise ValueError(f"{day!r} is no day; write {', '.join(DAYS)}")
    days = range(7)
    if first is not None:
        begin, count = DAYS.index(first), (DAYS.index(last or first) - DAYS.index(first)) % 7 + 1
        days = range(begin, begin + count)
    if clock[0] is None:
        return Entry(frozenset(day % 7 for day in days), time(), time())
    hour, minute, end_hour, end_minute = (int(each) for each in clock)
    if hour > 23 or end_hour > 24 or max(minute, end_minute) > 59 or (end_hour == 24 and end_minute):
        raise ValueError(f"{part!r} holds no time of day; write 00:00 to 24:00")
    return Entry(frozenset(day % 7 for day in days), time(hour, minute), time(end_hour % 24, end_minute))


def _span(entry: Entry, day: date, zone: ZoneInfo) -> Span:
    later = day + timedelta(days=1) if entry.ends <= entry.begins else day
    return Span(moment(day, entry.begins, zone, last=False), moment(later, entry.ends, zone, last=True))


def moment(day: date, at: time, zone: ZoneInfo, *, last: bool) -> int:
    """When a clock there shows that time; when it jumps over it, where it does."""
    wall = datetime.combine(day, at)
    early, late = (wall.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    before, after = early.utcoffset(), late.utcoffset()
    assert before is not None and after is not None, "a zone has an offset"
    if after > before:
        return _jump(wall, zone, before, after)
    return _us(late if last else early)


def _jump(wall: datetime, zone: ZoneInfo, before: timedelta, after: timedelta) -> int:
    """When clocks jumped over `wall`. With the offset after it the wall's time lies before the jump, with the one before
    it behind: halve what is between."""
    low, high = _us((wall - after).replace(tzinfo=UTC)), _us((wall - before).replace(tzinfo=UTC))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _local(middle, zone).utcoffset() == after else (middle, high)
    return high


def _local(at_us: int, zone: ZoneInfo) -> datetime:
    return (_EPOCH + timedelta(microseconds=at_us)).astimezone(zone)


def _us(when: datetime) -> int:
    return (when - _EPOCH) // _US
