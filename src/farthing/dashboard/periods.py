"""The span of days that a page is about, as its address names it: `month`, `7d`, `2026-10`, `2026-10-01..2026-10-15`."""

import re
from datetime import UTC, date, datetime, timedelta

import msgspec

from farthing.model.errors import BadRequest
from farthing.store.rollups import DAY_US

DEFAULT = "month"
NAMED = {
    "today": "Today", "yesterday": "Yesterday", "7d": "Last 7 days", "30d": "Last 30 days", "month": "Month to date",
    "last-month": "Last month", "90d": "Last 90 days", "year": "Year to date",
}  # fmt: skip
"""What the menu offers, and how it is called."""
_LONGEST_DAYS = 3_660


class Period(msgspec.Struct, frozen=True):
    """Whole UTC days, from `since_us` up to `until_us`, which is not in it."""

    name: str
    """As in the address."""
    label: str
    """For people."""
    since_us: int
    until_us: int

    @property
    def in_sentence(self) -> str:
        """The label inside a sentence: a month keeps its capital."""
        return self.label.lower() if self.name in NAMED else self.label

    @property
    def days(self) -> int:
        return (self.until_us - self.since_us) // DAY_US

    @property
    def first(self) -> date:
        return day_of(self.since_us)

    @property
    def last(self) -> date:
        return day_of(self.until_us) - timedelta(days=1)

    def before(self) -> "Period":
        """The period to compare with: as many days, just before; for a month (to date) the month before, so far."""
        if self.first.day == 1 and self.first.month == self.last.month:
            start = (self.first - timedelta(days=1)).replace(day=1)
            end = self.first if self._is_whole_month else min(self.first, start + timedelta(days=self.days))
        else:
            start, end = self.first - timedelta(days=self.days), self.first
        return _span(start, end)

    @property
    def _is_whole_month(self) -> bool:
        return (self.last + timedelta(days=1)).day == 1


def period_of(name: str, now_us: int) -> Period:
    """The period of that name as of now. Raises BadRequest for one that there is not."""
    today = day_of(now_us)
    tomorrow = today + timedelta(days=1)
    named = {
        "today": (today, tomorrow),
        "yesterday": (today - timedelta(days=1), today),
        "month": (today.replace(day=1), tomorrow),
        "last-month": ((today.replace(day=1) - timedelta(days=1)).replace(day=1), today.replace(day=1)),
        "year": (today.replace(month=1, day=1), tomorrow),
    }
    if name in named:
        return msgspec.structs.replace(_span(*named[name]), name=name, label=NAMED[name])
    if found := re.fullmatch(r"([1-9][0-9]{0,3})d", name):
        start = tomorrow - timedelta(days=min(int(found[1]), _LONGEST_DAYS))
        return msgspec.structs.replace(_span(start, tomorrow), name=name, label=f"Last {found[1]} days")
    return _dated(name)


def _dated(name: str) -> Period:
    """A month or a span of days, both of which are in it."""
    first, _, last = name.partition("..")
    try:
        if is_month := bool(re.fullmatch(r"[0-9]{4}-[0-9]{2}", name)):
            start = date.fromisoformat(f"{name}-01")
            end = (start + timedelta(days=31)).replace(day=1)
        else:
            start, end = date.fromisoformat(first), date.fromisoformat(last or first) + timedelta(days=1)
    except (ValueError, OverflowError):
        raise BadRequest(
            f"There is no such period. Take one of {', '.join(NAMED)}, a month (2026-10) or days (2026-10-01..2026-10-15).",
            param="period",
        ) from None
    if not 0 < (end - start).days <= _LONGEST_DAYS or start.year < 1990:
        raise BadRequest(
            "A period begins in 1990 or later, ends after it begins, and has ten years at most.", param="period"
        )
    found = _span(start, end)
    return msgspec.structs.replace(found, name=name, label=f"{start:%B %Y}") if is_month else found


def _span(start: date, end: date) -> Period:
    last = end - timedelta(days=1)
    name = f"{start.isoformat()}..{last.isoformat()}" if last > start else start.isoformat()
    label = f"{start:%-d %b %Y} to {last:%-d %b %Y}" if last > start else f"{start:%-d %b %Y}"
    return Period(name, label, _us(start), _us(end))


def day_of(us: int) -> date:
    return datetime.fromtimestamp(us // 1_000_000, UTC).date()


def _us(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000
