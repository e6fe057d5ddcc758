"""Calls whose cost is not known: no price for the model, or no usage in the answer. They are in no sum, so somebody must know."""

from farthing.finops.alerts.finding import Finding
from farthing.finops.alerts.seen import Counts, Seen
from farthing.finops.alerts.words import number, percent

NAME = "unpriced"
UNKNOWN_SHARE = 0.05
LEAST_UNKNOWN = 20


class Unpriced:
    """See the module."""

    name = NAME

    def __call__(self, seen: Seen) -> list[Finding]:
        return [
            Finding(
                NAME, counts.scope, seen.day, "warn", _said(counts), step=len(str(counts.unpriced + counts.unknown))
            )
            for counts in seen.counts
            if counts.scope.kind == "model" and (counts.unpriced or _many_unknown(counts))
        ]


def _many_unknown(counts: Counts) -> bool:
    return counts.unknown >= LEAST_UNKNOWN and counts.unknown > UNKNOWN_SHARE * counts.calls


def _said(counts: Counts) -> str:
    model = counts.scope.name or "(none)"
    if counts.unpriced:
        return (
            f"No price is known for {number(counts.unpriced, 'call')} of today to model {model} "
            f"({counts.tokens_without_cost:,} tokens). They are in no sum and no budget; add a rate card "
            "(`prices.files`) or a contract."
        )
    return (
        f"{number(counts.unknown, 'call')} of today to model {model} ({percent(counts.unknown / counts.calls)}) reported no usage; "
        "what they cost is not known and in no sum."
    )
