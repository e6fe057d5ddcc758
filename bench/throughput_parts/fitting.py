"""Fits what `farthing.selfhost.calibrate` predicts by: a ridge regression with a robust loss, and intervals from points
that were left out with their whole cell."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np

from farthing.selfhost.calibrate import Coefficients, features
from farthing.selfhost.roofline import TERMS, ceiling, times
from throughput_parts.points import Published

Floats = np.ndarray[Any, np.dtype[np.float64]]
Whole = np.ndarray[Any, np.dtype[np.int64]]

RIDGE = 0.3
SPREAD_RIDGE = 20.0
FLOOR = 0.03
"""Errors below this count as this when their size is learned: a lucky hit says little."""
ROBUST = 0.15
START = np.log([2.0, 1.25, 1.25, 2.0, 0.6, 0.5, 0.5, 1.5, 1.0])
"""The factors to which the ridge draws: half of the operations, 80 % of the bandwidth, overheads as stated."""
SHARES = (0.1, 0.9)


class Table(NamedTuple):
    """Points as arrays."""

    seconds: Floats
    features: Floats
    names: list[str]
    measured: Floats
    """Logarithms."""
    cells: list[tuple[str, str]]
    possible: Floats
    """1, or 0 for a figure above what the bandwidth allows: a mistake in its source. It is tested on, not learned from."""

    def take(self, rows: Any) -> "Table":
        chosen = np.flatnonzero(rows)
        return Table(
            self.seconds[chosen], self.features[chosen], self.names, self.measured[chosen],
            [self.cells[place] for place in chosen], self.possible[chosen],
        )  # fmt: skip


class Learned(NamedTuple):
    """Terms by features, and how large errors are."""

    terms: Floats
    spread: Floats
    low: float
    high: float


def table(points: Sequence[Published]) -> Table:
    found = [times(each.shape, each.serving, each.load) for each in points]
    asked = [features(e.shape, e.serving, e.load, f) for e, f in zip(points, found, strict=True)]
    names = sorted({name for each in asked for name in each})
    return Table(
        np.array([each.seconds for each in found]) + 1e-15,
        np.array([[each.get(name, 0.0) for name in names] for each in asked]), names,
        np.log([each.tokens_s for each in points]), [each.cell for each in points],
        np.array([float(each.tokens_s <= ceiling(f)) for each, f in zip(points, found, strict=True)]),
    )  # fmt: skip


def predict(terms: Floats, data: Table) -> tuple[Floats, Floats]:
    """Logarithms of tokens a second, and each term's share of the time."""
    parts = data.seconds * np.exp(np.clip(data.features @ terms.T, -8, 8))
    total = parts.sum(1)
    return -np.log(total), parts / total[:, None]


def fit_terms(data: Table, ridge: float = RIDGE) -> Floats:
    """Gauss-Newton with weights that fall with the error, and so that a cell of many points counts with their root."""
    rows, count = data.features.shape
    start = np.zeros((len(TERMS), count))
    start[:, data.names.index("always")] = START
    sizes = Counter(data.cells)
    weight = data.possible * np.array([sizes[cell] ** -0.5 for cell in data.cells])
    weight *= rows / weight.sum()
    terms = start.copy()
    for _ in range(25):
        guess, shares = predict(terms, data)
        miss = data.measured - guess
        robust = weight / np.sqrt(1 + (miss / ROBUST) ** 2)
        slopes = -(shares[:, :, None] * data.features[:, None, :]).reshape(rows, -1)
        weighted = (slopes * robust[:, None]).T
        square = weighted @ slopes + ridge * np.eye(slopes.shape[1])
        change = np.linalg.solve(square, weighted @ miss - ridge * (terms - start).ravel()).reshape(terms.shape)
        largest = float(np.abs(change).max())
        terms = terms + change * min(1.0, 1.0 / largest)
        if largest < 1e-3:
            break
    return terms


def folds_of(keys: Sequence[Any], count: int, seed: int = 0) -> Whole:
    """A fold for each row; rows of one key are in one fold."""
    unique = sorted(set(keys))
    np.random.default_rng(seed).shuffle(unique)
    fold = {
        tuple(key) if isinstance(key, list | np.ndarray) else key: place % count for place, key in enumerate(unique)
    }
    return np.array([fold[key] for key in keys])


def left_out(data: Table, fold: Whole) -> Floats:
    """The prediction for each row by a fit without its fold."""
    guess = np.zeros(len(data.measured))
    for each in sorted(set(fold.tolist())):
        out = fold == each
        guess[out] = predict(fit_terms(data.take(~out)), data.take(out))[0]
    return guess


def fit_spread(data: Table, miss: Floats) -> tuple[Floats, float, float]:
    """How large errors are by feature (ridge on their logarithm), and the quantiles of error over size."""
    size = np.log(np.maximum(np.abs(miss), FLOOR))
    asked = data.features
    mean = float(np.average(size))
    penalty = SPREAD_RIDGE * np.eye(asked.shape[1])
    spread: Floats = np.asarray(np.linalg.solve(asked.T @ asked + penalty, asked.T @ (size - mean)), dtype=np.float64)
    spread[data.names.index("always")] += mean
    low, high = np.quantile(miss / np.exp(asked @ spread), SHARES)
    return spread, float(low), float(high)


def learn(data: Table, inner: int = 8) -> Learned:
    """Terms from all rows, errors from inner folds of whole cells."""
    miss = data.measured - left_out(data, folds_of(data.cells, inner, seed=1))
    return Learned(fit_terms(data), *fit_spread(data, miss))


def coefficients(
    data: Table, learned: Learned, new: dict[str, tuple[float, float]] | None = None,
    measured: tuple[float, float] = (0.0, 0.0), engines: Iterable[str] = (), source: str = "",
) -> Coefficients:  # fmt: skip
    """As they are shipped, rounded."""

    def named(values: Floats) -> dict[str, float]:
        return {
            name: round(float(value), 4) for name, value in zip(data.names, values, strict=True) if abs(value) >= 5e-5
        }

    return Coefficients(
        fitted=date.today(), source=source, points=len(data.measured), cells=len(set(data.cells)),
        accelerators=tuple(sorted({cell[0] for cell in data.cells})), engines=tuple(sorted(engines)),
        terms={term: named(row) for term, row in zip(TERMS, learned.terms, strict=True)}, spread=named(learned.spread),
        low=round(learned.low, 4), high=round(learned.high, 4),
        new={vendor: (round(low, 4), round(high, 4)) for vendor, (low, high) in (new or {"any": (0.0, 0.0)}).items()},
        measured_low=round(measured[0], 4), measured_high=round(measured[1], 4),
    )  # fmt: skip


def of_new_gpus(data: Table, vendors: Mapping[str, str], miss: Floats) -> dict[str, tuple[float, float]]:
    """The quantiles of `miss`, which is of whole accelerators left out, each accelerator counting the same."""
    gpus = np.array([cell[0] for cell in data.cells])
    found = {}
    for vendor in ("NVIDIA", "any"):
        rows = np.array([vendor in ("any", vendors[name]) for name in gpus])
        sizes = Counter(gpus[rows].tolist())
        weight = np.array([1 / sizes[name] for name in gpus[rows].tolist()])
        low, high = (weighted_quantile(miss[rows], weight, share) for share in SHARES)
        found[vendor] = (low, high)
    return found


def weighted_quantile(values: Floats, weight: Floats, share: float) -> float:
    order = np.argsort(values)
    summed = np.cumsum(weight[order]) / weight.sum()
    return float(values[order][int(np.searchsorted(summed, share))])
