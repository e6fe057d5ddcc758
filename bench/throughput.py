"""How well the throughput model foretells published figures that it was not fitted on: whole pairs of accelerator and model are
left out in turn, so that neither another batch nor another engine of the pair tells.

A model counts under all of its names at once. No figure is left out of the score, although some are above what the memory's
bandwidth allows: those are only not learned from. The interval states 80 %; its size is learned on inner folds of the cells
that are not left out. Shown beside it: the textbook's roofline, accelerators left out wholly, and what two or four
measurements of one's own server add.

    .venv/bin/python bench/throughput.py --data FOLDER    # gpus/throughput.csv in it; 20 folds
    .venv/bin/python bench/throughput.py --quick          # 6 folds
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from farthing.selfhost.roofline import plain, times
from harness.report import Figure, Report, options
from throughput_parts import fitting, own_points
from throughput_parts.fitting import Floats, Table, Whole
from throughput_parts.points import Published, read

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
MEDIAN, NINTH, COVERED = 18.0, 60.0, (75.0, 90.0)
"""Percent: bars of the middle error, the 90th percentile and the share inside the interval."""


def tested(data: Table, fold: Whole, inner: int) -> tuple[Floats, Floats, Floats]:
    """Logarithm of measured over predicted for each point, and the ends of its interval."""
    miss, low, high = (np.zeros(len(data.measured)) for _ in range(3))
    for out in sorted(set(fold.tolist())):
        rows = fold == out
        learned = fitting.learn(data.take(~rows), inner)
        held = data.take(rows)
        size = np.exp(held.features @ learned.spread)
        miss[rows] = held.measured - fitting.predict(learned.terms, held)[0]
        low[rows], high[rows] = learned.low * size, learned.high * size
    return miss, low, high


def error(miss: Floats) -> Floats:
    """Percent that the prediction is off, of what was measured."""
    return np.asarray(100 * np.abs(np.exp(-miss) - 1))


def spread(name: str, miss: Floats) -> list[Figure]:
    """The middle error and the 90th percentile, without bars."""
    found = error(miss)
    return [
        Figure(f"{name}: median error", "%", [float(np.median(found))]),
        Figure(f"{name}: 90th percentile", "%", [float(np.quantile(found, 0.9))]),
    ]


def sources(points: Sequence[Published], miss: Floats, inside: Floats) -> list[Figure]:
    found: list[Figure] = []
    names = np.array([each.source for each in points])
    for name in sorted(set(names.tolist())):
        rows = names == name
        found += spread(f"{name} ({int(rows.sum())})", miss[rows])
        found.append(Figure(f"{name}: inside the interval", "%", [100 * float(inside[rows].mean())]))
    return found


def measure(points: Sequence[Published], *, quick: bool) -> list[Figure]:
    data = fitting.table(points)
    fold = fitting.folds_of(data.cells, 6 if quick else 20)
    miss, low, high = tested(data, fold, 4 if quick else 8)
    inside = np.asarray((miss >= low) & (miss <= high), dtype=np.float64)
    found = error(miss)
    figures = [
        Figure("median error", "%", [float(np.median(found))], most=MEDIAN, needs=1),
        Figure("90th percentile", "%", [float(np.quantile(found, 0.9))], most=NINTH, needs=1),
        Figure(
            "inside the 80 % interval", "%", [100 * float(inside.mean())], least=COVERED[0], most=COVERED[1], needs=1
        ),
        Figure("interval, middle low end", "x", [float(np.exp(np.median(low)))]),
        Figure("interval, middle high end", "x", [float(np.exp(np.median(high)))]),
        *sources(points, miss, inside),
    ]
    textbook = np.array([plain(times(each.shape, each.serving, each.load)) for each in points])
    figures += spread("textbook's roofline", data.measured - np.log(textbook))
    gpus = [cell[0] for cell in data.cells]
    whole = data.measured - fitting.left_out(data, fitting.folds_of(gpus, 6 if quick else len(set(gpus))))
    figures += spread("accelerator left out wholly", whole)
    for given in (2, 4):
        own = own_points.misses(points, data, fold, given)
        figures += spread(f"other loads after {given} own points", own)
    figures.append(Figure("figures above the bandwidth", "points", [float((data.possible == 0).sum())]))
    return figures


def main() -> int:
    asked = options(__doc__ or "")
    file = (asked.data or SHARED) / "gpus" / "throughput.csv"
    if not file.is_file():
        print("no gpus/throughput.csv; name its folder with --data")
        return 1
    points = read(file)
    print(f"{len(points):,} published points, {len({each.cell for each in points})} pairs of accelerator and model")
    report = Report("throughput")
    report.add(*measure(points, quick=asked.quick))
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
