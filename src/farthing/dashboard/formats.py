"""Figures as people read them on a page. Exact amounts are for files; here the eye must take them in at once."""

import re
from datetime import UTC, datetime
from decimal import Decimal

from farthing.model.money import Nano, show_dollars

NONE = "\N{EN DASH}"
UNSAID = "(none)"
"""For calls that did not say a feature, a team, ..."""
_DIGEST = re.compile(r"template:[0-9a-f]{12,}")
_SHORT = len("template:") + 8


def money(nano: Nano | float | None) -> str:
    """`$12,345` from a thousand dollars up, cents below, and small amounts as exactly as they must be."""
    if nano is None:
        return NONE
    whole = round(nano)
    if abs(whole) >= 1_000 * 10**9:
        return f"{'-' if whole < 0 else ''}${abs(Decimal(whole).scaleb(-9)):,.0f}"
    return show_dollars(whole)


def change(now: float, before: float) -> str:
    """`+12 %`; empty where there is nothing to compare with."""
    if not before:
        return ""
    percent = 100 * (now - before) / before
    return f"{percent:+,.0f} %" if abs(percent) >= 10 else f"{percent:+.1f} %"


def count(number: float | None) -> str:
    """`1,234`, `12.3k`, `4.56M`."""
    if number is None:
        return NONE
    for size, unit in ((10**9, "B"), (10**6, "M"), (10**4, "k")):
        if abs(number) >= size:
            scaled = number / (1_000 if unit == "k" else size)
            return f"{scaled:,.0f}{unit}" if abs(scaled) >= 100 else f"{scaled:,.1f}{unit}"
    return f"{number:,.0f}"


def percent(share: float | None, digits: int = 1) -> str:
    """Of a share of 1."""
    return NONE if share is None else f"{100 * share:.{digits}f} %"


def duration(us: float | None) -> str:
    if us is None:
        return NONE
    seconds = us / 1e6
    if seconds < 1:
        return f"{us / 1e3:,.0f} ms" if us >= 1_000 else f"{us:,.0f} µs"
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes = seconds / 60
    if minutes < 120:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.0f} h" if minutes < 2_880 else f"{minutes / 1_440:.0f} days"


def moment(us: int) -> str:
    """Date and time, UTC."""
    return f"{datetime.fromtimestamp(us / 1e6, UTC):%Y-%m-%d %H:%M:%S}" if us else NONE


def iso(us: int) -> str:
    """For files and for `<time>`."""
    return datetime.fromtimestamp(us / 1e6, UTC).isoformat() if us else ""


def said(value: str) -> str:
    """A value of a dimension."""
    return value or UNSAID


def scope(value: str) -> str:
    """`template:8f1e90d3` for a template's whole digest; anything else as it is."""
    return value[:_SHORT] if _DIGEST.fullmatch(value) else value
