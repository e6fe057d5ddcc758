"""What people type into fields, read strictly: days and spans of time. Knows no form."""

import re
from datetime import UTC, datetime, timedelta

from farthing.model.errors import BadRequest

_SECONDS = {"m": 60, "h": 3600, "d": 86_400}


def end_of(day: str, now_us: int, param: str) -> int:
    """Microseconds at the end of a day, UTC; 0 for none. Raises BadRequest."""
    if not day.strip():
        return 0
    try:
        end = datetime.strptime(day.strip(), "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=1)
    except (ValueError, OverflowError):
        raise BadRequest("The last day is a date, such as 2027-01-31.", param=param) from None
    end_us = int(end.timestamp()) * 1_000_000
    if end_us <= now_us:
        raise BadRequest("The last day is over already.", param=param)
    return end_us


def seconds_of(span: str, param: str) -> int:
    """Of `90m`, `12h`, `7d`. Raises BadRequest."""
    found = re.fullmatch(r"([1-9][0-9]{0,4})([mhd])", span.strip())
    if found is None:
        raise BadRequest("A span of time is written 90m, 12h or 7d.", param=param)
    return int(found[1]) * _SECONDS[found[2]]
