"""What money is worth in quality: the one dial of routing by prompt, set so that quality over all calls keeps a floor.

With a budget for lost quality the best choice for each call is the one with the highest foretold score less `worth` times
its cost, for one `worth` (a Lagrange multiplier). It is found on calls whose answers are known and that the forecast had not
seen. Knows nothing of how scores are foretold. Needs numpy.
"""

import math
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

SURE = 1.645
"""Standard errors between the quality seen and its lower bound: 5 % on one side."""
CAUTION = 0.5
"""Standard errors of a task's mean that are taken off what is foretold of a model, before it is compared with its cost."""
TOLERANCE = 0.005
"""How far under the floor the lower bound may lie, as a share of the flagship's quality."""
SETTINGS: tuple[float, ...] = (0.0, *np.geomspace(0.002, 20.0, 120).tolist())
"""What the mean cost of a call at the flagship may be worth in score, from dear quality to dear money."""


class Calls(NamedTuple):
    """Calls that the dial is set on; rows are calls, columns models, the last one the flagship."""

    foretold: Floats
    """Score less the flagship's, on the safe side; 0 in the last column, -inf where a model must not serve."""
    cost: Floats
    """Expected, in any unit."""
    score: Floats
    """As it came out."""
    weight: Floats
    """Of each call."""


def picks(foretold: Floats, cost: Floats, worth: float) -> NDArray[np.intp]:
    """The column chosen in each row; of equals the last, so the flagship."""
    value = foretold - worth * cost
    columns = value.shape[1]
    return np.asarray(columns - 1 - np.argmax(value[:, ::-1], axis=1), np.intp)


def kept(calls: Calls, picked: NDArray[np.intp]) -> tuple[float, float]:
    """Quality as a share of the flagship's, and its standard error (ratio of two means, linearised)."""
    rows = np.arange(len(picked))
    whole = float(calls.weight @ calls.score[:, -1])
    if whole <= 0:
        return 0.0, math.inf
    share = float(calls.weight @ calls.score[rows, picked]) / whole
    residuals = calls.weight * (calls.score[rows, picked] - share * calls.score[:, -1])
    return share, math.sqrt(float(residuals @ residuals)) / whole


def set_dial(calls: Calls, floor: float, tolerance: float = TOLERANCE, sure: float = SURE) -> float | None:
    """What a unit of cost is worth in score; None if only the flagship keeps the floor.

    The most for which the quality seen keeps the floor, and its lower bound comes within `tolerance` of it. A bound that
    itself keeps the floor would leave nothing to route at high floors: it lies a point under what is seen even on some
    thousand calls. The settings overlap so far that the best of them is hardly better than its turn.
    """
    unit = float(calls.weight @ calls.cost[:, -1]) / float(calls.weight.sum())
    if unit <= 0:
        return None
    for worth in reversed(SETTINGS):
        share, error = kept(calls, picks(calls.foretold, calls.cost, worth / unit))
        if share >= floor and share - sure * error >= floor - tolerance:
            return float(worth / unit)
    return None
