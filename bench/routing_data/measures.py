"""Measures of a routing beside the best random mix of the tiers: cost for a quality, area under the curve, bootstrap.

Quality and cost are shares of what the flagship alone reaches and costs. Each kind of prompt weighs the same.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.intp]

GRID = 400
"""Points at which an area is taken."""


class Mix:
    """The best random mix of the tiers: the upper hull of (cost, quality) of the single models."""

    def __init__(self, cost: Floats, quality: Floats) -> None:
        points = sorted(zip(cost.tolist(), quality.tolist(), strict=True))
        hull: list[tuple[float, float]] = []
        for point in points:
            if hull and point[1] <= hull[-1][1]:
                continue
            while len(hull) >= 2 and _slope(hull[-2], hull[-1]) <= _slope(hull[-2], point):
                hull.pop()
            hull.append(point)
        self._cost, self._quality = (np.array(side) for side in zip(*hull, strict=True))

    def cost_of(self, quality: float) -> float:
        """Of this quality; above what any mix reaches, the cost of the best."""
        return float(np.interp(quality, self._quality, self._cost))

    def quality_at(self, cost: Floats) -> Floats:
        return np.asarray(np.interp(cost, self._cost, self._quality))


def _slope(one: tuple[float, float], other: tuple[float, float]) -> float:
    return (other[1] - one[1]) / max(1e-12, other[0] - one[0])


def recovered(curve_cost: Floats, curve_quality: Floats, cost: Floats, quality: Floats) -> tuple[float, float]:
    """APGR of a curve and of the best random mix: the mean share of the gap between the smallest model's quality and the
    flagship's, over all costs between theirs. The curve is joined to both ends and not smoothed."""
    grid = np.linspace(cost[0], cost[-1], GRID)
    order = np.argsort(curve_cost, kind="stable")
    inside = [at for at in order.tolist() if curve_cost[at] < cost[-1]]
    costs = np.concatenate([curve_cost[inside], cost[-1:]])
    qualities = np.concatenate([curve_quality[inside], quality[-1:]])
    if costs[0] > cost[0]:
        costs, qualities = np.concatenate([cost[:1], costs]), np.concatenate([quality[:1], qualities])
    gap = quality[-1] - quality[0]
    mix = Mix(cost, quality).quality_at(grid)
    return tuple(float((found.mean() - quality[0]) / gap) for found in (np.interp(grid, costs, qualities), mix))  # type: ignore[return-value]


def draws(prompts: int, times: int, seed: int = 20261125) -> Floats:
    """Weights of a Bayesian bootstrap over prompts (Rubin, 1981): exponential, so that no prompt ever vanishes."""
    return np.random.default_rng(seed).exponential(size=(times, prompts))


def reweighted(drawn: Floats, kinds: NDArray[np.str_]) -> Floats:
    """Draws for some prompts as weights by which each kind counts the same in each draw."""
    weights = np.empty(drawn.shape)
    names = np.unique(kinds)
    for name in names:
        of = kinds == name
        weights[:, of] = drawn[:, of] / drawn[:, of].sum(1, keepdims=True) / len(names)
    return weights
