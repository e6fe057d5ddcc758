"""What is read off the calls: shares of tiers, quality beside the flagship's with an interval, money by the ledger."""

import math
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from learn.stage import Said

CHEAPER = ("small", "mid")
OWN = ("farthing judge", "farthing shadow")
"""Features of the calls that looking at quality costs."""
Z = 1.96


@dataclass(frozen=True)
class Quality:
    """Mean difference to the flagship's answers to the same prompts, in points, with a 95 % interval."""

    n: int
    points: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.points:+.2f} ({self.low:+.2f} to {self.high:+.2f})"


def quality(calls: Sequence[Said]) -> Quality:
    n = len(calls)
    if not n:
        return Quality(0, math.nan, math.nan, math.nan)
    mean = sum(each.difference for each in calls) / n
    # Two calls more, one better and one worse: an interval of equal answers alone is not of width nothing.
    spread = math.sqrt(max(0.0, (sum(each.difference**2 for each in calls) + 2) / (n + 2) - mean**2))
    off = Z * spread / math.sqrt(n)
    return Quality(n, 100 * mean, 100 * (mean - off), 100 * (mean + off))


def cheaper(calls: Sequence[Said]) -> float:
    """Percent on cheaper tiers."""
    return 100 * sum(each.tier in CHEAPER for each in calls) / len(calls) if calls else math.nan


@dataclass(frozen=True)
class Money:
    """Nano-dollars of a span of time, by the ledger."""

    baseline: int
    cost: int
    looking: int
    """Of the cost: second answers and the judge."""

    @property
    def saved(self) -> float:
        """Percent of the baseline, net of looking."""
        return 100 * (1 - self.cost / self.baseline) if self.baseline else math.nan

    @property
    def share_of_looking(self) -> float:
        """In percent of the baseline."""
        return 100 * self.looking / self.baseline if self.baseline else math.nan


class Ledger:
    """Reads a gateway's ledger."""

    def __init__(self, file: Path) -> None:
        self._db = sqlite3.connect(f"file:{file}?mode=ro", uri=True)

    def close(self) -> None:
        self._db.close()

    def money(self, from_us: int, until_us: int) -> Money:
        row = self._db.execute(
            "SELECT COALESCE(SUM(baseline), 0), COALESCE(SUM(cost), 0), COALESCE(SUM(CASE WHEN feature IN (?, ?) THEN cost END), 0)"
            " FROM calls WHERE started_us >= ? AND started_us < ?",
            (*OWN, from_us, until_us),
        ).fetchone()
        return Money(*map(int, row))

    def unlawful(self) -> int:
        """Rows in which the baseline less what the levers took off is not the cost."""
        return int(
            self._db.execute(
                "SELECT COUNT(*) FROM calls LEFT JOIN (SELECT call_id, SUM(before_cost - after_cost - overhead) AS took FROM savings"
                " GROUP BY call_id) ON call_id = id WHERE baseline - COALESCE(took, 0) <> cost OR baseline - saved <> cost"
            ).fetchone()[0]
        )

    def unpriced(self) -> int:
        return int(
            self._db.execute("SELECT COUNT(*) FROM calls WHERE cost_state IN ('unpriced', 'unknown')").fetchone()[0]
        )

    def missing(self, calls: Sequence[Said]) -> int:
        """Answered calls that have no row."""
        known = {row[0] for row in self._db.execute("SELECT id FROM calls")}
        return sum(each.id not in known for each in calls)

    def beside(self, bill: Mapping[str, Mapping[str, int]]) -> int:
        """By how many requests and tokens the attempts differ from the provider's bill, added up over all models."""
        booked = {
            model: (requests, tokens_in, tokens_out)
            for model, requests, tokens_in, tokens_out in self._db.execute(
                "SELECT model, COUNT(*), SUM(uncached_in + cache_read + w5m + w1h + w30m + w12h), SUM(text_out) FROM attempts"
                " GROUP BY model"
            )
        }
        off = 0
        for model in booked.keys() | bill.keys():
            said = bill.get(model, {})
            charged = (said.get("requests", 0), said.get("prompt", 0), said.get("output", 0))
            off += sum(abs(one - other) for one, other in zip(booked.get(model, (0, 0, 0)), charged, strict=True))
        return off

    def net_of_lever(self) -> int:
        """What reports say that model selection saved, overheads taken off."""
        found = self._db.execute(
            "SELECT COALESCE(SUM(before_cost - after_cost - overhead), 0) FROM savings WHERE lever = 'model selection'"
        ).fetchone()
        return int(found[0])

    def whole(self) -> Money:
        return self.money(0, 1 << 62)


def last_by(calls: Sequence[Said], model: str) -> dict[tuple[str, str], int]:
    """(tenant, task) -> how many of its declared calls had come when `model` served one for the last time; 0: never."""
    return _counted(calls, model, last=True)


def first_by(calls: Sequence[Said], model: str) -> dict[tuple[str, str], int]:
    """(tenant, task) -> the number of its first declared call that `model` served; 0: none."""
    return _counted(calls, model, last=False)


def _counted(calls: Sequence[Said], model: str, *, last: bool) -> dict[tuple[str, str], int]:
    come: dict[tuple[str, str], int] = {}
    found: dict[tuple[str, str], int] = {}
    for each in calls:
        if not each.ask.declared:
            continue
        place = each.ask.tenant, each.ask.task
        come[place] = come.get(place, 0) + 1
        if each.model == model and (last or not found.get(place)):
            found[place] = come[place]
    return {place: found.get(place, 0) for place in come}
