"""How figures and scopes are said in messages."""

from farthing.finops.alerts.finding import Scope


def times(ratio: float) -> str:
    """2.4 times, 13 times."""
    return f"{ratio:.1f} times" if ratio < 10 else f"{ratio:,.0f} times"


def percent(share: float) -> str:
    """83 %, 4.2 %."""
    return f"{100 * share:.0f} %" if share >= 0.1 or share == 0 else f"{100 * share:.1f} %"


def number(count: int, what: str) -> str:
    """1 call, 12 calls."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def subject(scope: Scope) -> str:
    """A scope at the beginning of a sentence."""
    said = str(scope)
    return said[0].upper() + said[1:]
