"""Arms that are ended, shrunk or left alone by what the store holds, and told to whoever draws."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from farthing.model.arms import is_held_out
from farthing.model.record import Record
from farthing.quality.arms import Arms
from farthing.store import Scored, Store, open_store
from farthing.store.rollups import DAY_US
from farthing.store.store import now_us
from stores import ready

LEVER = "model selection"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await open_store(ready(tmp_path))
    yield store
    await store.close()


async def fill(store: Store, *, share: float, factor: float, sessions: int = 2000) -> None:
    """Calls from today on, each a session, that cost `factor` of what they cost without the lever."""
    dice = random.Random(1)
    now = now_us()
    calls = []
    for place in range(sessions):
        held_out = is_held_out(LEVER, f"s-{place}", share)
        size = dice.choice([1000, 2000])
        cost = size * dice.randrange(900, 1100) if held_out else round(size * dice.randrange(900, 1100) * factor)
        calls.append(
            Record(
                f"c-{place}", now + place % 5 * DAY_US, "openai.chat", session=f"s-{place}", arms={LEVER: held_out}, cost=cost,
                baseline=cost, cost_state="computed", request_bytes=size,
            )
        )  # fmt: skip
    await store.write(calls)
    await store.add_scores([Scored(call.id, 1.0) for call in calls])


async def arms(store: Store, share: float, heard: list[Mapping[str, float]]) -> Arms:
    kept = Arms(store, {LEVER: share}, lambda shares, _: heard.append(shares))
    await kept.take_over()
    return kept


async def test_a_lever_that_makes_calls_dearer_is_ended(store: Store) -> None:
    heard: list[Mapping[str, float]] = []
    kept = await arms(store, 0.2, heard)
    await fill(store, share=0.2, factor=1.5)
    await kept.look()
    assert heard == [{LEVER: 0.2}, {LEVER: 1.0}]
    await kept.look()
    assert len(heard) == 2


async def test_a_proven_lever_keeps_a_smaller_arm(store: Store) -> None:
    heard: list[Mapping[str, float]] = []
    kept = await arms(store, 0.5, heard)
    await fill(store, share=0.5, factor=0.5, sessions=4000)
    await kept.look()
    assert len(heard) == 2 and 0.002 <= heard[1][LEVER] < 0.5


async def test_nothing_changes_until_something_is_shown(store: Store) -> None:
    heard: list[Mapping[str, float]] = []
    kept = await arms(store, 0.2, heard)
    await kept.look()
    await fill(store, share=0.2, factor=1.0, sessions=500)
    await kept.look()
    assert heard == [{LEVER: 0.2}]


async def test_what_one_gateway_changes_another_takes_over(store: Store) -> None:
    heard: list[Mapping[str, float]] = []
    other = Arms(store, {LEVER: 0.2}, lambda shares, _: heard.append(shares), take_over_s=0.01)
    await other.start()
    mine = await arms(store, 0.2, [])
    await fill(store, share=0.2, factor=1.5)
    await mine.look()
    for _ in range(6000):
        if len(heard) > 1:
            break
        await asyncio.sleep(0.01)
    await other.close()
    assert heard == [{LEVER: 0.2}, {LEVER: 1.0}]


async def test_it_looks_by_itself(store: Store) -> None:
    heard: list[Mapping[str, float]] = []
    kept = Arms(store, {LEVER: 0.2}, lambda shares, _: heard.append(shares), take_over_s=0.01, look_s=0.02)
    await fill(store, share=0.2, factor=1.5)
    await kept.start()
    for _ in range(3000):
        if len(heard) > 1:
            break
        await asyncio.sleep(0.02)
    await kept.close()
    assert heard[-1] == {LEVER: 1.0}


async def test_all_gateways_draw_with_the_same_salt(store: Store) -> None:
    heard: list[str] = []
    for _ in range(3):
        await Arms(store, {LEVER: 0.2}, lambda _, salt: heard.append(salt)).take_over()
    assert len(heard) == 3 and len(set(heard)) == 1 and heard[0]
