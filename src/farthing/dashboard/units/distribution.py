"""How the cost of single transactions is spread: the sizes that the store counts, gathered into steps that an eye can take in."""

from collections.abc import Sequence
from math import floor, log10
from typing import Any

from farthing.dashboard.charts.chart import Chart
from farthing.dashboard.formats import count, money
from farthing.finops.units import SHARES, quantiles
from farthing.model.money import Nano

STEPS = 8
"""To a factor of ten."""


def chart(kind: str, sizes: Sequence[tuple[int, int]]) -> Chart:
    """`sizes`: cost in nano-dollars and how many have it, cheapest first."""
    paid = [(size, n) for size, n in sizes if size > 0]
    total, free = sum(n for _, n in sizes), sum(n for size, n in sizes if size <= 0)
    marks = quantiles(sizes)
    cells: dict[int, int] = {}
    for size, n in paid:
        step = floor(log10(size) * STEPS)
        cells[step] = cells.get(step, 0) + n
    rows = [_row(step, n, total) for step, n in sorted(cells.items())]
    named = [
        {"at": size / 1e9, "name": f"p{share * 100:g} {money(size)}"}
        for share, size in zip(SHARES, marks, strict=False)
        if size > 0
    ]
    return Chart("distribution", "Cost of single transactions", _said(kind, total, free, marks), rows, {"marks": named})


def _row(step: int, n: int, total: int) -> dict[str, Any]:
    low, high = (10 ** (edge / STEPS) for edge in (step, step + 1))
    words = f"{money(low)} to {money(high)}: {count(n)} transactions, {100 * n / total:.0f} %"
    return {"low": low / 1e9, "high": high / 1e9, "n": n, "said": words}


def _said(kind: str, total: int, free: int, marks: Sequence[Nano]) -> str:
    if not marks:
        return f"No transaction of {kind or 'no type'} has a known cost in this period."
    half, nine, top = (money(size) for size in marks)
    none = f" {count(free)} cost nothing, and are not drawn." if free else ""
    return f"Of {count(total)} transactions half cost up to {half}, nine of ten up to {nine}, 99 of 100 up to {top}.{none}"  # fmt: skip
