"""Whether work that can wait meets its deadlines, and what it costs beside the least that was possible.

Lines come when real calls came (Azure's traces of 2023, Mooncake's), three bulk jobs among them, and can wait from 5
minutes to 24 hours. Providers' batches take minutes, hours, get stuck for a good part of the day, expire after 24 hours
without a result, or never come back at all; the cheap synchronous tier refuses a third of the time, where there is one.
The product's own functions choose, pack, promote and take back on a simulated clock. An oracle knows everything, also what each
minute's shard will take; beside it stands what no rule can beat that does not see the future (`batching/foresight.py`).

    .venv/bin/python bench/batch.py            # 6 seeds
    .venv/bin/python bench/batch.py --quick    # one small one; it shows, and decides nothing
"""

import argparse
import json
import math
import random
import statistics
import sys
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from alerts import interval
from batching.foresight import without_foresight
from batching.oracle import at_once, oracle
from batching.run import Run, Way
from batching.traffic import arrivals, made_up, traces
from batching.ways import AlwaysBatch, AlwaysNow, Farthing, Grace
from batching.world import REGIMES, World

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
WAYS: tuple[type[Way], ...] = (Farthing, AlwaysBatch, AlwaysNow, Grace)
LEAST_MET = 0.995
MOST_POINTS = 5.0
FRESH = 100
"""Seeds below this were looked at while the product's constants were chosen."""
STUDENT = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57, 7: 2.45, 8: 2.36}
"""Of a 95 % interval of so many values."""


class Job(NamedTuple):
    regime: int
    seed: int
    data: Path
    quick: bool


class Found(NamedTuple):
    regime: str
    lines: int
    oracle: float
    at_once: float
    blind: float
    """The least without foresight."""
    met: tuple[int, ...]
    """By way, as in `WAYS`."""
    price: tuple[float, ...]
    twice: int
    """Lines that were paid in a batch and alone."""


def play(job: Job) -> Found:
    regime, dice = REGIMES[job.regime], random.Random(job.seed)
    found = traces(job.data) or made_up(dice)
    bulk = [(2.0, 200, 4.0)] if job.quick else [(5.0, 1_500, 4.0), (9.0, 2_500, 3.0), (15.0, 1_500, 8.0)]
    hours, lines = (6.0, 500) if job.quick else (24.0, 5_000)
    coming = arrivals(found, dice, hours=hours, lines=lines, bulk=bulk)
    world = World(regime, job.seed, hours + 36)
    runs = [Run(world, coming, way(), random.Random(job.seed)).play() for way in WAYS]
    best = oracle(world, coming)
    return Found(
        regime.name, len(coming), best, at_once(world, coming), max(best, without_foresight(world, coming)),
        tuple(run.met for run in runs), tuple(run.price for run in runs), runs[0].counts.twice,
    )  # fmt: skip


class Row(NamedTuple):
    """A regime, over its seeds. Prices are shares of the standard price, points hundredths of it."""

    regime: str
    lines: int
    met: float
    met_low: float
    price: float
    oracle: float
    at_once: float
    blind: float
    points: float
    half: float
    """Of the interval of points; infinite for one seed."""
    twice: float
    others: tuple[tuple[float, float], ...]
    """(met, price) of the other ways."""

    @property
    def holds(self) -> tuple[bool, bool]:
        return self.met >= LEAST_MET, self.points <= MOST_POINTS


def summed(found: list[Found]) -> Row:
    lines = sum(each.lines for each in found)
    points = [100 * (each.price[0] - each.oracle) for each in found]
    met = [sum(each.met[way] for each in found) for way in range(len(WAYS))]
    price = [statistics.fmean(each.price[way] for each in found) for way in range(len(WAYS))]
    half = STUDENT[len(points)] * statistics.stdev(points) / math.sqrt(len(points)) if len(points) > 1 else math.inf
    return Row(
        found[0].regime, lines, met[0] / lines, interval(met[0], lines)[0], price[0],
        statistics.fmean(each.oracle for each in found), statistics.fmean(each.at_once for each in found),
        statistics.fmean(each.blind for each in found), statistics.fmean(points), half, sum(each.twice for each in found) / lines,
        tuple((met[way] / lines, price[way]) for way in range(1, len(WAYS))),
    )  # fmt: skip


def show(rows: list[Row]) -> None:
    print(
        f"{'':<26}{'met':>9}{'(at least)':>11}{'price':>7}{'oracle':>8}{'points':>14}{'no foresight':>14}{'no picking':>12}{'twice':>7}"
        f"{'always batch':>16}{'always now':>15}{'10 min grace':>15}"
    )
    for row in rows:
        half = f"+-{row.half:.1f}" if row.half < math.inf else ""
        others = "".join(f"{met:>8.1%} {price:.3f} " for met, price in row.others)
        missed = [name for name, ok in zip(("DEADLINES", "PRICE"), row.holds, strict=True) if not ok]
        print(
            f"{row.regime:<26}{row.met:>9.3%}{row.met_low:>11.3%}{row.price:>7.3f}{row.oracle:>8.3f}{row.points:>8.1f} {half:<5}"
            f"{100 * (row.price - row.blind):>13.1f} {100 * (row.price - row.at_once):>11.1f} {row.twice:>7.2%}  {others} {' and '.join(missed)}{' MISSED' if missed else ''}"
        )
    print(
        "points: dearer than the oracle, in hundredths of the standard price; no foresight: than the least that is possible without "
        "seeing the future; no picking: than one that takes what comes and knows what it will take"
    )


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--quick", action="store_true", help="one seed of a quarter of a day; it decides nothing")
    options.add_argument("--seeds", type=int, default=6, choices=STUDENT, help="of each regime")
    options.add_argument("--first", type=int, default=FRESH, help="the first seed")
    options.add_argument("--data", type=Path, default=SHARED, help="a folder of data sets, with traffic/ in it")
    asked = options.parse_args()
    if not traces(asked.data):
        print(f"there are no traces in {asked.data}/traffic: arrivals are made up")
    seeds = [asked.first] if asked.quick else list(range(asked.first, asked.first + asked.seeds))
    jobs = [Job(regime, seed, asked.data, asked.quick) for regime in range(len(REGIMES)) for seed in seeds]
    with get_context("spawn").Pool(2) as pool:
        found = pool.map(play, jobs, chunksize=1)
    rows = [summed([each for each in found if each.regime == regime.name]) for regime in REGIMES]
    show(rows)
    decided = not asked.quick
    bars = {
        "least_met": {"least": LEAST_MET, "ok": decided and all(row.holds[0] for row in rows)},
        "most_points": {"most": MOST_POINTS, "ok": decided and all(row.holds[1] for row in rows)},
    }
    figures = [
        {"regime": row.regime, "lines": row.lines, "met": round(row.met, 5), "price": round(row.price, 4),
         "oracle": round(row.oracle, 4), "at_once": round(row.at_once, 4), "no_foresight": round(row.blind, 4), "points": round(row.points, 2),
         "interval": round(row.half, 2) if decided else None, "paid_twice": round(row.twice, 5)}
        for row in rows
    ]  # fmt: skip
    ok = all(bar["ok"] for bar in bars.values())
    print(json.dumps({"name": "batch", "figures": {"regimes": figures}, "bars": bars, "ok": ok}))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
