"""How the cost of one call came about, in words and exact amounts: for the command line and the call's page alike. Knows
nothing of how it is shown.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from farthing.model.money import PICO_PER_NANO, Nano, Pico
from farthing.model.record import Attempt, Decision, PricedLine, Record
from farthing.model.usage import CostState

STATE_WORDS: dict[CostState, str] = {
    "reported": "the provider's own figure",
    "computed": "computed from the usage that the provider reported",
    "estimated": "computed from estimated usage",
    "unpriced": "no price is known",
    "unknown": "the provider reported no usage",
}
NOT_BILLED = "no provider bills it"
"""A call that was refused here or there, or found no connection."""
WITHOUT_COST: tuple[CostState, ...] = ("unpriced", "unknown")
"""States in which `cost` is only what is known so far."""


def is_known(state: CostState) -> bool:
    return state not in WITHOUT_COST


def how_known(state: CostState, attempts: Sequence[Attempt]) -> str:
    """How a cost came about, in words. What nobody counted and yet has a cost is what nobody bills."""
    if state == "computed" and all(attempt.usage is None for attempt in attempts):
        return NOT_BILLED
    return STATE_WORDS[state]


class Bar(NamedTuple):
    """One step from what the call as sent would have cost down to what it cost. Nano-dollars."""

    label: str
    amount: Nano
    """What the call as sent would have cost, what a lever took off, what the call cost."""
    left: Nano
    """What there still is to pay after this step; the last one's is the cost."""
    kind: str
    """baseline, saving or cost."""
    overhead: Nano = 0
    estimated: bool = False


def waterfall(record: Record) -> list[Bar]:
    """Baseline, each saving in the order of its booking, cost. The law: the first less the savings is the last."""
    left = record.baseline
    bars = [Bar("as sent", record.baseline, left, "baseline")]
    for saving in record.savings:
        left -= saving.saved
        bars.append(Bar(saving.lever, saving.saved, left, "saving", saving.overhead, saving.estimated))
    return [*bars, Bar("cost", record.cost, record.cost, "cost")]


def adds_up(record: Record) -> bool:
    """Whether the law holds: baseline - sum(savings) == cost, to the nano-dollar."""
    return record.baseline - sum(saving.saved for saving in record.savings) == record.cost


def beside_lines(attempt: Attempt) -> Pico:
    """What an attempt cost beyond its lines: the rounding to whole nano-dollars, or the provider's own price."""
    return attempt.cost * PICO_PER_NANO - sum(line.count * line.rate for line in attempt.lines)


def weighed(decision: Decision) -> tuple[str, list[tuple[str, str]]]:
    """Why a step decided so: the sentence, and what else it weighed, as label and text."""
    sentence, *others = decision.why.split("\n")
    parts = [line.partition(": ") for line in others]
    return sentence, [(label, text) for label, _, text in parts]


def plain(amount: Decimal) -> str:
    """Without an exponent and trailing zeros."""
    exact = f"{amount:f}"
    return exact.rstrip("0").rstrip(".") if "." in exact else exact


def per_million(rate: Pico | None) -> str:
    """A rate as price lists have it; empty where none is known."""
    return "" if rate is None else plain(Decimal(rate).scaleb(-6))


def pico_dollars(amount: Pico) -> str:
    """An amount in dollars, exactly."""
    return plain(Decimal(amount).scaleb(-12))


def line_dollars(line: PricedLine) -> str:
    """What a line costs, exactly: only the sum of an attempt is rounded."""
    return pico_dollars(line.count * line.rate)
