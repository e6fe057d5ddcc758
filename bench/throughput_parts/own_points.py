"""How far two or four measurements of one's own server bring the prediction for other loads on it: groups of published
points of one model, GPU, engine and group, whose cell was not fitted on, play the server."""

import random
from collections import defaultdict
from collections.abc import Sequence
from math import log

import numpy as np

from farthing.selfhost.calibrate import Coefficients, Point, estimate
from throughput_parts.fitting import Floats, Learned, Table, Whole, coefficients, fit_terms
from throughput_parts.points import Published

FEWEST = 8
"""Points of a group, so that something is left to predict."""


def misses(points: Sequence[Published], data: Table, fold: Whole, given: int, seed: int = 0) -> Floats:
    """Logarithms of measured over predicted, for loads that were not among the `given` measured ones."""
    draw, found = random.Random(seed), []
    for out in sorted(set(fold.tolist())):
        learned = _without(data, fold, out)
        groups = defaultdict(list)
        for place in np.flatnonzero((fold == out) & (data.possible == 1)).tolist():
            groups[points[place].cell, points[place].serving].append(points[place])
        for group in groups.values():
            if len(group) >= FEWEST:
                known = draw.sample(group, given)
                others = draw.sample([each for each in group if each not in known], min(6, len(group) - given))
                found += [_miss(each, known, learned) for each in others]
    return np.array(found)


def _without(data: Table, fold: Whole, out: int) -> Coefficients:
    rest = data.take(fold != out)
    return coefficients(rest, Learned(fit_terms(rest), np.zeros(len(data.names)), 0.0, 0.0))


def _miss(each: Published, known: Sequence[Published], learned: Coefficients) -> float:
    points = [Point(other.load, other.tokens_s * other.serving.gpus) for other in known]
    return log(each.tokens_s / estimate(each.shape, each.serving, each.load, points, learned).tokens_s)
