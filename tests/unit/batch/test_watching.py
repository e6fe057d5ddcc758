"""Shards are looked at until they are over; a look that fails changes nothing, and a batch of which nothing comes is given up."""

import asyncio
from collections.abc import Callable

import pytest

from farthing.batch.fetching import Fetcher
from farthing.batch.settling import Settler
from farthing.batch.watching import AT_ONCE, NO_API_S, PAST_WINDOW_S, Watcher
from farthing.model.batch import JobError, Shard
from farthing.model.errors import UpstreamError
from farthing.store import Store
from farthing.store.batch import shards
from farthing.store.schema_batch import SHARD_COLUMNS
from farthing.upstream.batches import BatchApi
from farthing.upstream.batches.api import Created, Look, Maybe, Result, custom_id
from unit.batch.desks import (
    DAY_US,
    NOW_US,
    Batches,
    Hands,
    Walking,
    a_desk,
    answer_to,
    in_shard,
    queued,
    taken,
    the_job,
    the_lines,
    the_shard,
)


class Scene:
    """Three lines in a batch, and who looks at it."""

    def __init__(self, store: Store, api: Batches, apis: Callable[[str], BatchApi | None] | None = None) -> None:
        self.store, self.api, self.hands, self.walks = store, api, Hands(), Walking()
        self.desk = a_desk(store, self.hands)
        self.refused: list[str] = []
        fetcher = Fetcher(self.desk, self.walks, Settler(self.desk))  # type: ignore[arg-type]
        self.watcher = Watcher(
            self.desk, apis or (lambda name: api), fetcher, self.refused.append, look_s=5, dice=lambda: 0.5  # type: ignore[arg-type,return-value]
        )  # fmt: skip

    async def begin(self) -> None:
        await queued(self.store)
        await in_shard(self.desk, await taken(self.desk))

    async def look(self, after_s: float = 3600.0) -> None:
        self.hands.on(after_s)
        await self.watcher.turn()
        await self.watcher.settle()


async def test_results_end_lines_and_what_has_none_waits_again(store: Store) -> None:
    scene = Scene(store, api := Batches())
    await scene.begin()
    api.looks = lambda shard: Look("in_progress", state="running")
    await scene.look(1)
    shard = await the_shard(store)
    assert (shard.state, shard.remote_state, shard.next_look_us) == (
        "running",
        "in_progress",
        scene.hands.now_us + 5_000_000,
    )
    api.looks = lambda shard: Look("completed", "out-1", state="ended")
    api.answers = lambda shard: [answer_to(shard, 2), answer_to(shard, 0), answer_to(shard, 0)]
    await scene.look()
    job = await the_job(store)
    assert (job.done, job.cost, job.held) == (2, 10, 0)
    assert [line.state for line in await the_lines(store)] == ["done", "waiting", "done"]
    assert (await the_shard(store)).state == "settled" and api.asked[-1] == "forget"
    assert await store.check() == []


async def test_a_look_that_fails_leaves_what_was_seen_and_is_tried_soon(store: Store) -> None:
    scene = Scene(store, api := Batches())
    await scene.begin()
    api.answers = lambda shard: [answer_to(shard, 0), UpstreamError("cut off")]
    waits = []
    for _ in range(3):
        await scene.look()
        shard = await the_shard(store)
        waits.append((shard.next_look_us - scene.hands.now_us) / 1e6)
        assert (shard.state, shard.output_file, shard.holder) == ("ended", "out-1", ""), "it was seen to be back"
    assert waits == [5, 10, 20]
    api.looks = lambda shard: Look("in_progress", state="running")
    for _ in range(8):
        await scene.look()
    api.looks = lambda shard: UpstreamError("500")
    await scene.look()
    assert (await the_shard(store)).next_look_us == scene.hands.now_us + 5_000_000, "failures in a row count alone"


@pytest.mark.parametrize("gone", [False, True])
async def test_a_batch_that_cannot_be_read_is_given_up_in_the_end(store: Store, gone: bool) -> None:
    scene = Scene(store, api := Batches(), (lambda name: None) if gone else None)
    await scene.begin()
    api.looks = lambda shard: UpstreamError("500")
    await scene.look()
    if gone:
        assert (await the_shard(store)).next_look_us == scene.hands.now_us + NO_API_S * 1_000_000
    await scene.look(24 * 3600 + PAST_WINDOW_S)
    assert ((shard := await the_shard(store)).state, shard.error) == ("settled", "given up")
    assert {line.state for line in await the_lines(store)} == {"waiting"}


async def test_a_batch_that_failed_frees_its_lines(store: Store) -> None:
    scene = Scene(store, api := Batches())
    await scene.begin()
    api.looks = lambda shard: Look("failed", errors=[JobError("model_mismatch", "a secret")], state="failed")
    await scene.look()
    assert ((shard := await the_shard(store)).state, shard.error) == ("failed", "model_mismatch")
    assert scene.refused == ["openai"] and (await the_job(store)).held == 0
    assert {(line.state, line.tries) for line in await the_lines(store)} == {("waiting", 0)}


@pytest.mark.parametrize(
    ("found", "state"),
    [(None, "failed"), (Maybe(7.0), "intent"), (Created("remote-9", "f", NOW_US + DAY_US), "running")],
)
async def test_what_nobody_knows_is_looked_for(store: Store, found: object, state: str) -> None:
    scene = Scene(store, api := Batches())
    await scene.begin()
    await store.do(lambda c: c.execute("UPDATE batch_shards SET state = 'intent', remote_id = ''"))
    api.finds = lambda shard: found
    await scene.look()
    shard = await the_shard(store)
    assert shard.state == state and api.asked == ["find"]
    if isinstance(found, Maybe):
        assert shard.next_look_us == scene.hands.now_us + 7_000_000


async def test_a_shard_that_its_holder_lost_sight_of_is_anybodys_in_time(store: Store) -> None:
    scene = Scene(store, Batches())
    await scene.begin()
    (mine,) = await store.do(lambda c: shards.due(c, scene.hands.now_us, "w1", scene.desk.until_us, 5))
    await store.do(lambda c: shards.renew(c, "w1", scene.desk.until_us, scene.watcher.shards))
    scene.hands.on(100)
    (found,) = await store.do(lambda c: shards.due(c, scene.hands.now_us, "w2", scene.desk.until_us, 5))
    assert mine.id == found.id


async def test_the_answer_of_a_line_that_had_ended_is_booked_as_late(store: Store) -> None:
    scene = Scene(store, api := Batches())
    await scene.begin()
    await store.do(lambda c: c.execute("UPDATE batch_lines SET state = 'done', call_id = 'other' WHERE no = 1"))
    api.answers = lambda shard: [answer_to(shard, no) for no in range(3)]
    await scene.look()
    assert scene.walks.late_calls == ["call-in-1"]
    assert len(await store.calls(limit=10)) == 3


async def test_a_provider_that_is_slow_to_answer_holds_up_no_other(store: Store) -> None:
    slow, quick, lets = Batches(), Batches(), asyncio.Event()
    scene = Scene(store, slow, lambda name: slow if name == "slow" else quick)  # type: ignore[arg-type,return-value]
    await scene.begin()
    await store.do(lambda c: c.execute("UPDATE batch_shards SET provider = 'slow'"))
    for number in range(2 * AT_ONCE):
        made = Shard(f"fs{number}", "slow", "slow/small", "small-1", "openai.chat", "running", NOW_US, remote_id="r")
        await store.do(lambda c, made=made: c.insert("batch_shards", SHARD_COLUMNS, [shards.shard_row(made)]))
    last = Shard("fsq", "openai", "o", "m", "openai.chat", "running", NOW_US, remote_id="r", next_look_us=NOW_US + 1)
    await store.do(lambda c: c.insert("batch_shards", SHARD_COLUMNS, [shards.shard_row(last)]))
    seen: list[str] = []

    async def look(shard: Shard) -> Look:
        seen.append(shard.id)
        await lets.wait()
        return Look("in_progress", state="running")

    slow.look = look  # type: ignore[method-assign]
    for _ in range(4):
        scene.hands.on(1)
        await scene.watcher.turn()
        await asyncio.sleep(0.05)
    assert quick.asked[0] == "look", "it is seen to, although four looks before it hang"
    assert AT_ONCE <= len(seen) < 2 * AT_ONCE
    scene.hands.on(3600)  # a clock that is set forward has nobody look at a shard twice
    await scene.watcher.turn()
    assert len(set(seen)) == len(seen)
    lets.set()
    for _ in range(3):
        await scene.watcher.settle()
        await scene.watcher.turn()
    await scene.watcher.settle()
    assert len(seen) == 2 * AT_ONCE + 1


async def test_what_is_being_sent_here_is_not_looked_for(store: Store) -> None:
    scene = Scene(store, api := Batches())
    await scene.begin()
    scene.watcher._leaving = lambda: {"fsone"}
    await scene.look()
    assert not api.asked
    scene.watcher._leaving = tuple
    await scene.look()
    assert api.asked[0] == "look"


async def test_a_provider_that_lies_ends_no_line_that_it_does_not_answer(store: Store) -> None:
    scene = Scene(store, api := Batches())
    await scene.begin()
    api.looks = lambda shard: Look("completed", "out-1", done=99, total=2, state="ended")
    api.answers = lambda shard: [
        Result("somebody-else", 200, b"{}"), Result(custom_id(shard.id, "call-unknown"), 200, b"{}"), Result("", 200, b"{}"),
        answer_to(shard, 1), answer_to(shard, 1, 500),
    ]  # fmt: skip
    await scene.look()
    job = await the_job(store)
    assert job.done + job.failed <= 1 and job.held == 0
    assert sorted(line.state for line in await the_lines(store)).count("waiting") >= 2
    assert (await the_shard(store)).state == "settled" and await store.check() == []
    api.looks = lambda shard: Look("in_progress", state="running")
    asked = len(api.asked)
    await scene.look()
    assert len(api.asked) == asked, "one that has ended is not begun again by its going back"
