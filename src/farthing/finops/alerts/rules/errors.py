"""Many of a day's calls fail: what they were paid for is lost, and callers send them again."""

from farthing.finops.alerts.finding import Finding
from farthing.finops.alerts.seen import Seen
from farthing.finops.alerts.words import number, percent, subject
from farthing.model.money import show_dollars

NAME = "errors"
LEAST_ERRORS = 20
KINDS = ("total", "feature")


class Errors:
    """See the module. `share` of the day's calls."""

    name = NAME

    def __init__(self, share: float) -> None:
        self._share = share

    def __call__(self, seen: Seen) -> list[Finding]:
        return [
            Finding(
                NAME, counts.scope, seen.day, "warn",
                f"{subject(counts.scope)}: {percent(counts.errors / counts.calls)} of {number(counts.calls, 'call')} failed today; "
                f"tries that came to nothing cost {show_dollars(counts.lost)}.",
                value=counts.lost, at_stake=counts.lost, step=len(str(counts.errors)),
            )
            for counts in seen.counts
            if counts.scope.kind in KINDS and counts.errors >= LEAST_ERRORS and counts.errors > self._share * counts.calls
        ]  # fmt: skip
