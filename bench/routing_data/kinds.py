"""What task a kind of prompt is, by words of its name; and what the tiers came to on each kind."""

import numpy as np

from farthing.quality.prior import Seen
from routing_data.outcomes import Ints, Pool

WORDS = {
    "code": "code", "program": "code", "sql": "code", "math": "reasoning", "reason": "reasoning", "logic": "reasoning",
    "quant": "reasoning", "mcq": "qa", "fact": "qa", "qa": "qa", "question": "qa", "knowledge": "qa",
    "summar": "summarisation", "classif": "classification", "intent": "classification", "extract": "extraction",
    "rewrit": "rewrite", "creativ": "creative", "writ": "creative", "open": "creative",
}  # fmt: skip
"""The first that occurs decides."""


def task_of(kind: str) -> str:
    """Empty for a kind whose name says nothing."""
    return next((task for word, task in WORDS.items() if word in kind.lower()), "")


def seen_of(pool: Pool, rows: Ints | None = None) -> list[Seen]:
    """By kind and tier, on all prompts or on these."""
    rows = np.arange(len(pool.prompts)) if rows is None else rows
    found = []
    for kind in sorted(set(pool.kinds[rows].tolist())):
        score = pool.score[rows][pool.kinds[rows] == kind]
        flagship = score[:, -1].mean()
        for column, tier in enumerate(pool.tiers):
            squares = float(((score[:, column] - score[:, -1]) ** 2).mean())
            found.append(Seen(tier, task_of(kind), kind, float(score[:, column].mean() / max(0.05, flagship)), squares))
    return found
