"""A setting at several values: how long answers are kept, and what that brings."""

import pytest

from farthing.model.errors import BadRequest
from farthing.planner.levers import REPLAYED
from farthing.planner.sweep import sweep
from unit.planner.pasts import chat

CACHE = [each for each in REPLAYED if each.name == "semantic cache"]


def _hear(what: str, done: int, total: int) -> None:
    return None


async def test_a_longer_life_answers_more() -> None:
    """The same question every ten minutes."""
    calls = [chat(n, "What does a parcel to Lisbon cost?", at_s=600 * n) for n in range(12)]
    found = await sweep(calls, None, CACHE, "cache.ttl", ["60", "1500", "86400"], _hear)
    hits = [each.hits for each in found.points]
    assert hits[0] == 0 and hits[0] < hits[1] < hits[2] == pytest.approx(11 / 12)
    costs = [each.cost for each in found.points]
    assert costs[0] > costs[1] > costs[2] > 0 and found.points[0].saved.likely == 0
    assert all(each.moved == 0 for each in found.points)


async def test_a_value_that_is_none_is_told() -> None:
    with pytest.raises(BadRequest, match="no setting"):
        await sweep([chat(1)], None, CACHE, "cache.tll", ["1", "2"], _hear)
