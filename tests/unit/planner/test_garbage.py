"""Looks for garbage are as often as before once the work is done."""

import gc

import pytest

from farthing.planner.garbage import seldom


def test_looks_are_seldom_while_it_lasts() -> None:
    often = gc.get_threshold()
    with seldom(123_456):
        assert gc.get_threshold() == (123_456, *often[1:])
    assert gc.get_threshold() == often


def test_work_that_fails_leaves_them_as_they_were() -> None:
    often = gc.get_threshold()
    with pytest.raises(ValueError, match="spoilt"), seldom(123_456):
        raise ValueError("spoilt")
    assert gc.get_threshold() == often
