"""What each kind of work costs beside what it would have cost, and what is usual. Knows nothing of where it is shown."""

from typing import NamedTuple

from farthing.model.money import Nano
from farthing.store import ReportRow

USUAL: dict[str, tuple[float, float]] = {
    "classification": (0.80, 0.95), "extraction": (0.80, 0.95), "summarisation": (0.50, 0.70), "qa": (0.50, 0.70),
    "embedding": (0.95, 1.0),
}  # fmt: skip
"""Reductions that are commonly expected of routing such work to cheaper models."""
VECTORS = "embedding"
"""The kind of work that an embedding model does."""


class AsVectors(NamedTuple):
    """What the calls of a row would have cost at an embedding model, at most."""

    model: str
    cost: Nano


def reduction(row: ReportRow) -> float | None:
    """1 - cost / baseline; None where there is no baseline to compare with."""
    return (row.baseline - row.cost) / row.baseline if row.baseline else None


def usual(task: str) -> str:
    """`80% to 95%`; empty where nothing is usual."""
    if task not in USUAL:
        return ""
    low, high = USUAL[task]
    return f"{low:.0%}+" if high == 1 else f"{low:.0%} to {high:.0%}"
