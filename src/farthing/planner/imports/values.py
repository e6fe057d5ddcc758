"""Values as logs write them: times, numbers of tokens, amounts, durations, names. What is not said is None or empty.

Knows no format. A value that cannot be what it should be raises BadRow, which makes the row bad and never ends an import.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from hashlib import blake2b
from typing import Any

import msgspec

from farthing.model.money import NANO_PER_DOLLAR, Nano


class BadRow(Exception):
    """The row cannot be a call; says why, in words."""


class PassedOver(Exception):
    """The row is sound and is no call of a model, such as a span of one's own code; says what it is."""


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)
FIRST_US = 1_420_070_400_000_000
"""2015: no log of a language model is older."""
LAST_US = 3_976_214_400_000_000
"""2096: the store's last year."""
MOST = 10**8
"""Tokens of one call beyond which a number is none of them: ten times the longest context that any model has."""
LONGEST_NAME = 256
BARE = "yes"
"""Value of a tag that has none."""

_SLASHED = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})(?:,?\s+(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([AaPp][Mm])?)?$")


def when(value: Any, *, day_first: bool = False) -> int:
    """Microseconds since 1970 of a time: ISO, or seconds, milli-, micro- or nanoseconds by how big they are. A time
    without a zone is UTC. Raises BadRow."""
    if type(value) is str:
        text = value.strip()
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = None
        if moment is not None and not text.isdigit():
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            return _in_range((moment - EPOCH) // _US, value)
        return _odd_text(text, day_first)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _in_range(_scaled(Decimal(str(value))), value)
    raise BadRow("it says no time")


def _odd_text(text: str, day_first: bool) -> int:
    if text.endswith((" UTC", " Z")):
        return when(text.rpartition(" ")[0] + "+00:00")
    slashed = _SLASHED.match(text)
    if slashed is not None:
        one, two, year, hour, minute, second, half = slashed.groups()
        month, day = (two, one) if day_first or "." in text else (one, two)
        hours = int(hour or 0) % 12 + (12 if half.lower() == "pm" else 0) if half else int(hour or 0)
        try:
            moment = datetime(int(year), int(month), int(day), hours, int(minute or 0), int(second or 0), tzinfo=UTC)
        except ValueError:
            raise BadRow(f"{text[:40]!r} is no time") from None
        return _in_range((moment - EPOCH) // _US, text)
    try:
        return _in_range(_scaled(Decimal(text)), text)
    except InvalidOperation:
        raise BadRow(f"{text[:40]!r} is no time" if text else "it says no time") from None


def _scaled(number: Decimal) -> int:
    if not number.is_finite():
        return 0
    size = abs(number)
    scale = 10**6 if size < 10**11 else 1_000 if size < 10**14 else 1 if size < 10**17 else Decimal("0.001")
    return int(number * scale)


def _in_range(us: int, value: Any) -> int:
    if FIRST_US <= us <= LAST_US:
        return us
    raise BadRow(f"{str(value)[:40]!r} is no time since 2015")


def count(value: Any, what: str = "tokens") -> int | None:
    """A number of units; None where nothing is said. Raises BadRow for one that is negative or no number."""
    if type(value) is int:
        if 0 <= value <= MOST:
            return value
    elif value is None or value == "":
        return None
    elif isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 9:
        return int(value)
    elif isinstance(value, str) and value.strip().lower() in NOTHING:
        return None
    else:
        found = decimal(value)
        if found is not None and found >= 0 and found <= MOST and found == found.to_integral_value():
            return int(found)
    shown = str(value)[:40]
    raise BadRow(f"{what} are negative: {shown}" if shown.startswith("-") else f"{what} are no whole number: {shown!r}")


NOTHING = frozenset(("", "null", "none", "nan", "n/a", "-", "undefined", "\\n"))
"""How tables say that they say nothing."""


def decimal(value: Any) -> Decimal | None:
    """A finite number from a number or text such as `1,234.5` or `$0.02`; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        found = Decimal(str(value).strip().lstrip("$").replace(",", ""))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def money(value: Any, scale: int = 1) -> Nano | None:
    """Nano-dollars of an amount in dollars (or in `scale` parts of one), half to even; None where there is none, also
    where it is negative or beyond a million."""
    if value is None or value == "":
        return None
    found = decimal(value)
    if found is None or not 0 <= found <= 10**6 * scale:
        return None
    return int((found * NANO_PER_DOLLAR / scale).to_integral_value(ROUND_HALF_EVEN))


def duration(value: Any, unit_us: int) -> int:
    """Microseconds of a duration in units of so many; 0 where there is none."""
    found = decimal(value)
    if found is None or not 0 < found * unit_us < 10**12:
        return 0
    return int(found * unit_us)


def between(begin_us: int, end: Any) -> int:
    """Microseconds from a moment until another, which may not be there: then 0."""
    if end is None or end == "":
        return 0
    try:
        return max(0, when(end) - begin_us)
    except BadRow:
        return 0


def name(value: Any) -> str:
    """A name for a column of the ledger: one line, bounded; empty for what is none."""
    if type(value) is str:
        text = value
    elif value is None or isinstance(value, dict | list | bool):
        return ""
    else:
        text = str(value)
    if len(text) > LONGEST_NAME:
        text = text[:LONGEST_NAME]
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)


def id_of(value: Any, where: str) -> str:
    """The id of a call: the log's own, a digest of one that is too long, or where its row stands."""
    text = name(value).strip()
    if not text:
        return where
    if len(str(value)) <= 200:
        return text
    return "past-" + blake2b(str(value).encode("utf-8", "replace"), digest_size=12).hexdigest()


def embedded(value: Any) -> Any:
    """A value that may be JSON inside a text, as tables have it; also where its quotes were doubled twice. The value
    itself where it is none."""
    if not isinstance(value, str) or value[:1] not in ("{", "[", '"'):
        return value
    for text in (value, value.replace('""', '"')) if '""' in value else (value,):
        try:
            return msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            continue
    return value


def mapping(value: Any) -> Mapping[str, Any]:
    """An object, also one inside a text; empty for anything else."""
    found = embedded(value)
    return found if isinstance(found, dict) else {}


def tags_of(value: Any) -> dict[str, str]:
    """Tags from an object, or from a list such as `["team:cx", "beta"]`."""
    found = embedded(value)
    if isinstance(found, dict):
        pairs = [(name(key), name(each)) for key, each in found.items() if not isinstance(each, dict | list)]
    elif isinstance(found, list):
        split = [name(each).partition(":") for each in found if isinstance(each, str)]
        pairs = [(key.strip(), each.strip() if mark else BARE) for key, mark, each in split]
    else:
        return {}
    return {key: each for key, each in pairs[:32] if key and each}
