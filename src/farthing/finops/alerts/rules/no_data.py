"""Something that always has calls at this time of the week has none: the caller, the key or the gateway is broken."""

from farthing.finops.alerts.finding import Finding
from farthing.finops.alerts.seen import Seen
from farthing.finops.alerts.words import number, subject

NAME = "no_data"


class NoData:
    """See the module."""

    name = NAME

    def __call__(self, seen: Seen) -> list[Finding]:
        return [
            Finding(
                NAME, silence.scope, seen.day, "no-data",
                f"{subject(silence.scope)}: no call for {number(silence.hours, 'hour')}; in the same hours of the days before there "
                f"were {number(silence.usual_calls, 'call')} or more.",
            )
            for silence in seen.silences
        ]  # fmt: skip
