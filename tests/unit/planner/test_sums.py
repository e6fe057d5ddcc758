"""What sums alone tell."""

from farthing.planner.sums import told_by_sums
from farthing.store import Store
from unit.planner.pasts import chat


async def test_a_store_without_calls_tells_nothing(store: Store) -> None:
    assert await told_by_sums(store, [], None) == []


async def test_calls_that_no_sum_holds_tell_nothing(store: Store) -> None:
    assert await told_by_sums(store, [chat(1)], None) == []
