"""How figures and scopes are said in messages."""

from farthing.finops.alerts.finding import Scope


def times(ratio: float) -> str:
    """2.4 times, 13 times."""
    return f"{ratio:.1f} times" if ratio < 10 else f"{ratio:,.0f} times"


def percent(share: float) -> str:
    """83 %, 4.2 %."""
    return f"{100 * share:.0f} %" if share >= 0.1 or share == 0 else f"{100 * share:.1f} %"


def number(count: int, what: str, several: str = "") -> str:
    """1 call, 12 calls; `several` where an s is not enough."""
    return f"{count:,} {what if count == 1 else several or what + 's'}"


def subject(scope: Scope) -> str:
    """A scope at the beginning of a sentence."""
    said = str(scope)
    return said[0].upper() + said[1:]


def span(hours: float) -> str:
    """5 minutes, 6 hours, 3 days."""
    for size, unit in ((24.0, "day"), (1.0, "hour")):
        if hours >= 2 * size or hours == size:
            return number(round(hours / size), unit)
    return number(max(1, round(hours * 60)), "minute")


def until(ends_us: int, now_us: int) -> str:
    """Words for how long a window still goes, empty for one without an end."""
    return f" for {span((ends_us - now_us) / 3.6e9)}" if ends_us > now_us else ""
