"""How a call's cost came about, as a waterfall and as lines of units: exact, so that each can be added up by hand."""

from collections.abc import Sequence
from typing import NamedTuple

from farthing.dashboard.table import Column, Row, Table
from farthing.finops.cost_card import (
    adds_up,
    beside_lines,
    how_known,
    is_known,
    per_million,
    pico_dollars,
    waterfall,
)
from farthing.model.money import exact_dollars
from farthing.model.record import Attempt, PricedLine, Record
from farthing.model.usage import Usage

WIDE = 1_000
"""Units of width of a drawing."""


class Step(NamedTuple):
    """One line of the waterfall. `x` and `width` are of `WIDE`."""

    label: str
    amount: str
    left: str
    """What is left to pay, exactly."""
    kind: str
    """baseline, saving, loss or cost."""
    note: str
    x: int
    width: int


class Waterfall(NamedTuple):
    steps: list[Step]
    law: str
    """The sum, written out."""
    holds: bool
    known: bool


def waterfall_of(record: Record) -> Waterfall:
    bars = waterfall(record)
    low = min(0, *(bar.left for bar in bars))
    high = max(1, *(bar.left for bar in bars))
    steps, before = [], 0
    for bar in bars:
        ends = (before, bar.left) if bar.kind == "saving" else (0, bar.left)
        x, end = (round(WIDE * (edge - low) / (high - low)) for edge in sorted(ends))
        notes = [f"the lever itself spent ${exact_dollars(bar.overhead)}"] if bar.overhead else []
        notes += ["estimated"] if bar.estimated else []
        kind = "loss" if bar.kind == "saving" and bar.amount < 0 else bar.kind
        sign = "" if bar.kind != "saving" else "- " if bar.amount >= 0 else "+ "
        amount = abs(bar.amount) if bar.kind == "saving" else bar.amount
        steps.append(
            Step(bar.label, f"{sign}${exact_dollars(amount)}", f"${exact_dollars(bar.left)}", kind, ", ".join(notes), x, max(2, end - x))
        )  # fmt: skip
        before = bar.left
    return Waterfall(steps, _law(record), adds_up(record), is_known(record.cost_state))


def _law(record: Record) -> str:
    """`$3 - $2 + $0.5 = $1.5`, with all digits."""
    parts = [f"${exact_dollars(record.baseline)}"]
    for saving in record.savings:
        parts.append(f"{'-' if saving.saved >= 0 else '+'} ${exact_dollars(abs(saving.saved))}")
    return f"{' '.join(parts)} = ${exact_dollars(record.cost)}"


UNITS = {
    "uncached_in": "input", "cache_read": "input read from the provider's cache", "w5m": "input written to the cache, 5 min",
    "w1h": "input written to the cache, 1 h", "w30m": "input written to the cache, 30 min",
    "w12h": "input written to the cache, 12 h", "audio_in": "audio input", "image_in": "image input",
    "cached_audio": "audio input from the cache", "tool_in": "input that tools added", "out": "output",
    "audio_out": "audio output", "image_out": "image output",
}  # fmt: skip
"""Classes of units, for people; others are named as they are."""

LINE_COLUMNS = (
    Column("unit", "Unit"),
    Column("count", "Count", "exact"),
    Column("rate", "$ per 1M", "exact"),
    Column("listed", "List price", "exact", "Dollars per million, where a contract changed it"),
    Column("contract", "Contract", "exact"),
    Column("amount", "Amount", "exact"),
)


def lines_of(attempt: Attempt, name: str) -> Table:
    """Units times rate is the amount, line by line; what stands beside the lines makes the sum the cost."""
    rows = [_line(line) for line in attempt.lines]
    rest = beside_lines(attempt)
    if attempt.lines and rest:
        what = "rounding to whole nano-dollars" if abs(rest) < 1_000 else "beside these lines"
        sign = "-" if rest < 0 else ""
        rows.append(Row((what, "", "", "", "", f"{sign}${pico_dollars(abs(rest))}"), mark="quiet"))
    if attempt.lines:
        rows.append(Row(("cost", "", "", "", "", f"${exact_dollars(attempt.cost)}"), mark="total"))
    return Table(name, "Units and rates", LINE_COLUMNS, rows, empty=_without_lines(attempt))


def _line(line: PricedLine) -> Row:
    listed, contract = "", ""
    if line.listed is not None and line.listed != line.rate:
        listed = per_million(line.listed)
        contract = f"{100 * (line.rate - line.listed) / line.listed:+.4g} %" if line.listed else "an own rate"
    amount = f"${pico_dollars(line.count * line.rate)}"
    return Row((UNITS.get(line.unit, line.unit), f"{line.count:,}", per_million(line.rate), listed, contract, amount))


def _without_lines(attempt: Attempt) -> str:
    if not is_known(attempt.cost_state):
        return f"There is nothing to add up: {how_known(attempt.cost_state, [attempt])}."
    if attempt.cost_state == "reported":
        return f"The provider named its price, ${exact_dollars(attempt.cost)}; there are no lines to add up."
    return f"There is nothing to add up: {how_known(attempt.cost_state, [attempt])}."


def counted(usage: Usage | None) -> Sequence[tuple[str, int]]:
    """Units that were counted, those that are zero left out."""
    if usage is None:
        return []
    found = [(UNITS[name], getattr(usage, name)) for name in UNITS]
    found += [("of it reasoning", usage.reasoning), *sorted(usage.requests.items())]
    return [(name, units) for name, units in found if units]
