"""Lines that go alone end once, at the tier that they were meant for; caps hold them, and nothing is lost sight of."""

import asyncio
from contextlib import suppress
from typing import Any

from farthing.batch.flexing import Waiting
from farthing.batch.running import Runner
from farthing.batch.settling import Settler
from farthing.batch.spending import Spending
from farthing.model.batch import Line
from farthing.store import Store
from farthing.store.batch import strays
from unit.batch.desks import (
    HOUR_US,
    NOW_US,
    Hands,
    Walking,
    a_desk,
    in_shard,
    known_spending,
    queued,
    taken,
    the_job,
    the_lines,
)


class Free:
    in_flight = 0
    max_in_flight = 0

    def wait(self, tokens: float, now: float) -> float:
        return 0.0


def a_runner(desk: Any, walks: Any, spending: Spending, at_once: int = 8) -> Runner:
    return Runner(desk, walks, Settler(desk), lambda model: ("place", Free(), False), spending, at_once=at_once)


async def worked(runner: Runner, turns: int = 3) -> None:
    for _ in range(turns):
        await runner.turn()
    await asyncio.gather(*runner._running)


async def test_lines_run_once_and_end(store: Store) -> None:
    hands, walks = Hands(), Walking()
    desk, job = a_desk(store, hands), await queued(store)
    runner = a_runner(desk, walks, await known_spending(hands))
    some = await taken(desk)
    runner.hand_in([Waiting(line, job, "now") for line in some])
    assert len(runner.in_hand()) == 3 and runner.has(some[0])
    await worked(runner)
    assert sorted(walks.ran) == [(0, ""), (1, ""), (2, "")] and not runner.in_hand()
    ended = await the_job(store)
    assert (ended.state, ended.done, ended.cost) == ("finished", 3, 27)
    assert await store.check() == []


async def test_who_is_refused_on_the_cheap_tier_has_not_been_tried(store: Store) -> None:
    hands, walks = Hands(), Walking(lambda line, tier: 429 if tier else 200)
    desk, job = a_desk(store, hands), await queued(store, 1)
    runner = a_runner(desk, walks, await known_spending(hands))
    (line,) = await taken(desk)
    last_us = NOW_US + 60_000_000
    runner.hand_in([Waiting(line, job, "flex", last_us=last_us)])
    await worked(runner)
    assert walks.ran == [(0, "flex")]
    (waits,) = await the_lines(store)
    assert (waits.state, waits.tries, waits.ready_us) == ("waiting", 0, last_us)
    assert runner.place("small").flex.refused > 0 and not runner.in_hand()


async def test_who_hangs_on_the_cheap_tier_is_called_as_well_and_the_first_answer_counts(store: Store) -> None:
    hands = Hands()
    hangs: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    walks = Walking(lambda line, tier: hangs if tier else 200)
    desk, job = a_desk(store, hands), await queued(store, 1)
    runner = a_runner(desk, walks, await known_spending(hands))
    (line,) = await taken(desk)
    runner.hand_in([Waiting(line, job, "flex", last_us=NOW_US + 60_000_000)])
    await runner.turn()
    hands.on(61)
    async with asyncio.timeout(60):
        while not (await the_job(store)).done:
            await runner.turn()
            await asyncio.sleep(0.02)
    assert walks.ran == [(0, "flex"), (0, "")] and runner.has(line), "the first call is under way"
    hangs.set_result(200)
    await worked(runner)
    rows = await store.calls(limit=10)
    assert sorted((row.cost, row.baseline) for row in rows) == [(9, 0), (9, 9)]
    assert (await the_job(store)).cost == 18 and not runner.in_hand()


async def test_a_cap_holds_lines_of_all_gateways(store: Store) -> None:
    hands = Hands()
    hangs: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    walks = Walking(lambda line, tier: hangs)
    job = await queued(store, 6, cap=30)
    one, other = a_desk(store, hands, "w1"), a_desk(store, hands, "w2")
    runners = [a_runner(desk, walks, await known_spending(hands)) for desk in (one, other)]
    for desk, runner in zip((one, other), runners, strict=True):
        runner.hand_in([Waiting(line, job, "now", 10) for line in await taken(desk, 3)])
    await asyncio.gather(*(runner.turn() for runner in runners))
    assert len(walks.ran) == 3 and (await the_job(store)).held == 30
    hangs.set_result(200)
    for runner in runners:
        await worked(runner)
    found = await the_job(store)
    assert (found.done, found.held, found.cost) == (3, 0, 27)
    assert not runners[0].in_hand() and not runners[1].in_hand()


async def test_what_was_held_for_a_run_that_a_kill_ended_is_free_again(store: Store) -> None:
    hands = Hands()
    hangs: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    desk, job = a_desk(store, hands), await queued(store, 1, cap=30)
    runner = a_runner(desk, Walking(lambda line, tier: hangs), await known_spending(hands))
    runner.hand_in([Waiting(line, job, "now", 10) for line in await taken(desk)])
    await runner.turn()
    assert await store.do(lambda c: strays.free_holds(c, hands.now_us, 10)) == 0, "it runs"
    await store.do(lambda c: c.execute("UPDATE batch_lines SET ready_us = ?", (hands.now_us,)))  # its gateway is dead
    assert await store.do(lambda c: strays.free_holds(c, hands.now_us, 10)) == 1
    assert (await the_job(store)).held == 0
    hangs.cancel()
    await runner.close()


async def test_a_line_in_a_batch_whose_cap_has_no_room_stays_there(store: Store) -> None:
    hands, walks = Hands(), Walking()
    desk, job = a_desk(store, hands), await queued(store, 1, cap=15)
    (line,) = await taken(desk)
    await in_shard(desk, [line])
    runner = a_runner(desk, walks, await known_spending(hands))
    runner.hand_in([Waiting(line, job, "now", 20)], urgent=True)
    await worked(runner)
    (stays,) = await the_lines(store)
    assert not walks.ran and (stays.state, stays.shard) == ("sent", "fsone") and not runner.in_hand()


async def test_what_a_day_has_no_room_for_waits_until_it_has(store: Store) -> None:
    hands, walks = Hands(), Walking()
    desk, job = a_desk(store, hands), await queued(store, 2)
    runner = a_runner(desk, walks, await known_spending(hands, 1000, 1000))
    runner.hand_in([Waiting(line, job, "now", 10) for line in await taken(desk)])
    await worked(runner)
    assert not walks.ran and not runner.in_hand()
    for line in await the_lines(store):
        assert line.state == "waiting" and line.ready_us > NOW_US + HOUR_US


async def test_a_promoted_line_goes_ahead_of_the_clock_and_not_beyond_the_day_s_cap(store: Store) -> None:
    hands, walks = Hands(), Walking()
    desk, job = a_desk(store, hands), await queued(store, 2)
    first, other = await taken(desk)
    await in_shard(desk, [first, other])
    runner = a_runner(desk, walks, await known_spending(hands, 1000, 985))
    for line in (first, other):
        line.state, line.shard, line.holder = "sent", "fsone", ""
    runner.hand_in([Waiting(first, job, "now", 10), Waiting(other, job, "now", 10)], urgent=True)
    await worked(runner)
    assert walks.ran == [(0, "")] and not runner.in_hand()
    assert [(line.state, line.shard) for line in await the_lines(store)] == [("done", "fsone"), ("sent", "fsone")]


async def test_a_store_in_trouble_leaves_no_line_in_hand(store: Store) -> None:
    hands = Hands()
    desk, job = a_desk(store, hands), await queued(store, 1, cap=100)
    runner = a_runner(desk, Walking(), await known_spending(hands))
    some: list[Line] = await taken(desk)
    runner.hand_in([Waiting(line, job, "now", 10) for line in some])
    await store.do(lambda c: c.execute("ALTER TABLE batch_jobs RENAME TO elsewhere"))
    with suppress(Exception):
        await runner.turn()
    assert not runner.in_hand()
    await store.do(lambda c: c.execute("ALTER TABLE elsewhere RENAME TO batch_jobs"))
