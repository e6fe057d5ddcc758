"""Intervals of paired differences."""

import math
import random

import pytest

from farthing.quality.noninferiority import Counts
from farthing.quality.paired import bounds


def test_bounds_hold_what_they_promise() -> None:
    """The interval covers the truth as often as it says, within what luck allows."""
    dice, inside, runs = random.Random(1), 0, 600
    for _ in range(runs):
        drawn = [dice.random() for _ in range(300)]
        worse, better = sum(each < 0.05 for each in drawn), sum(each > 0.97 for each in drawn)
        low, high = bounds(Counts(better, 300 - worse - better, worse))
        inside += low <= 0.02 <= high
    assert 0.95 - 3 * math.sqrt(0.95 * 0.05 / runs) <= inside / runs


def test_bounds_without_any_difference_are_no_point() -> None:
    low, high = bounds(Counts(same=300))
    assert low == pytest.approx(-high) and 0.009 < high < 0.02
