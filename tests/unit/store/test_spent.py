"""What is used up stays used up until it would be over anyway, and only one of many can use it up."""

import asyncio

from farthing.store import Store
from farthing.store.spent import is_spent, spend


async def test_a_pass_is_used_up_once(store: Store) -> None:
    done = await asyncio.gather(*(store.do(lambda each: spend(each, "link", 1_000, 1)) for _ in range(6)))
    assert done.count(True) == 1
    assert await store.do(lambda each: is_spent(each, "link"))
    assert not await store.do(lambda each: is_spent(each, "other"))


async def test_what_is_over_anyway_is_forgotten(store: Store) -> None:
    await store.do(lambda each: spend(each, "old", 1_000, 1))
    await store.do(lambda each: spend(each, "new", 9_000, 2_000))
    assert not await store.do(lambda each: is_spent(each, "old"))
    assert await store.do(lambda each: is_spent(each, "new"))
