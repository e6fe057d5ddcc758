"""A shard is in the store before its provider is asked; what is refused waits again, what is unsure is looked for."""

import asyncio
from itertools import count

import pytest

from farthing.batch.parking import Parked
from farthing.batch.sending import POOL_LINES, READY, UPLOADS, Pooled, Sender
from farthing.batch.settling import Settler
from farthing.model.batch import Job, Shard
from farthing.model.errors import UpstreamError
from farthing.store import Store
from farthing.store.batch import shards
from farthing.upstream.batches.api import TOKEN_LIMIT, Created, Limits, Refused, Unsure
from unit.batch.desks import (
    HOUR_US,
    NOW_US,
    Batches,
    Hands,
    Walking,
    a_desk,
    known_spending,
    queued,
    taken,
    the_job,
    the_lines,
    the_shard,
)


async def sending(
    store: Store, api: Batches, *, cap: int = 0, spent: int = 0, job_cap: int = 0
) -> tuple[Sender, list[str]]:
    """What became of three lines that were to be sent: the sender, and providers that were refused."""
    hands, out = Hands(), list[str]()
    desk, made = a_desk(store, hands), await queued(store, cap=job_cap)
    spending = await known_spending(hands, cap, spent)
    sender = Sender(
        desk, Settler(desk), lambda name: api, lambda pooled: None, out.append, spending, linger_s=0, a_second=lambda: 1
    )
    for line in await taken(desk):
        for _ in range(2):  # the second time is after it was hurried, or the clock was set
            sender.add(Pooled(line, made, await Walking().pack(line, made)))  # type: ignore[arg-type]
    assert len(sender.in_hand()) == 3
    for _ in range(3):
        hands.on(1)
        await sender.turn()
        await asyncio.gather(*sender._sending)
    assert not sender.in_hand() and not sender.shards and not sender._bytes.total() and not sender._lines.total()
    return sender, out


async def test_a_shard_is_created_once_with_its_lines(store: Store) -> None:
    api = Batches()
    await sending(store, api)
    shard = await the_shard(store)
    assert (shard.state, shard.remote_id, shard.lines) == ("running", "remote-1", 3) and api.asked == ["create"]
    assert api.sent[shard.id] == [f"{shard.id}-job-1-{no}-0" for no in range(3)]
    assert {(line.state, line.shard) for line in await the_lines(store)} == {("sent", shard.id)}
    assert (await the_job(store)).held == 30


@pytest.mark.parametrize("error", [Refused(TOKEN_LIMIT, "too many", 30.0), UpstreamError("away")])
async def test_what_was_surely_not_created_waits_again(store: Store, error: Exception) -> None:
    api = Batches()
    api.creates = lambda shard: error
    _, out = await sending(store, api)
    assert (await the_shard(store)).state == "failed" and not out
    for line in await the_lines(store):
        assert (line.state, line.tries) == ("waiting", 0) and line.ready_us > NOW_US
    assert (await the_job(store)).held == 0


async def test_a_provider_that_wants_no_batches_is_told_of(store: Store) -> None:
    api = Batches()
    api.creates = lambda shard: Refused("no_batches", "not for you")
    assert (await sending(store, api))[1][0] == "openai"


async def test_what_may_have_been_created_is_left_to_be_found(store: Store) -> None:
    api = Batches()
    api.creates = lambda shard: Unsure("lost", "file-9")
    await sending(store, api)
    shard = await the_shard(store)
    assert (shard.state, shard.remote_file, shard.holder) == ("intent", "file-9", "")
    assert {line.state for line in await the_lines(store)} == {"sent"} and api.asked == ["create"]
    (due,) = await store.do(lambda c: shards.due(c, NOW_US + HOUR_US, "w2", NOW_US + 2 * HOUR_US, 5))
    assert due.id == shard.id


async def test_a_job_sends_no_more_than_its_cap_pays(store: Store) -> None:
    await sending(store, Batches(), job_cap=25)
    assert (await the_job(store)).held == 20
    assert sorted(line.state for line in await the_lines(store)) == ["sent", "sent", "waiting"]


async def test_what_a_day_has_no_room_for_waits_for_its_time(store: Store) -> None:
    await sending(store, Batches(), cap=1000, spent=990)
    waits = [line for line in await the_lines(store) if line.state == "waiting"]
    assert len(waits) == 3 and all(line.ready_us > NOW_US + 60_000_000 for line in waits)


class Crowd:
    """A sender whose provider takes one line of `most` at a time, and answers when a test lets it."""

    def __init__(self, store: Store, most: int) -> None:
        self.hands, self.api, self.lets = Hands(), Batches(), asyncio.Event()
        self.api.limits = Limits(lines=most)
        self.desk = a_desk(store, self.hands)
        self.names: list[list[str]] = []
        numbers = count()

        async def create(shard: Shard, data: bytes) -> Created:
            self.names.append(self.api.sent[shard.id])
            await self.lets.wait()
            return Created(f"remote-{next(numbers)}", "file-1", NOW_US + HOUR_US)

        self.api.create = create  # type: ignore[method-assign]

    async def sender(self) -> Sender:
        spending = await known_spending(self.hands)
        return Sender(
            self.desk, Settler(self.desk), lambda name: self.api, lambda pooled: None, lambda name: None, spending,  # type: ignore[arg-type,return-value]
            linger_s=0, a_second=lambda: 1000,
        )  # fmt: skip

    async def hand(self, sender: Sender, job: Job, provider: str = "openai") -> None:
        for line in await taken(self.desk, 1000):
            parked = await Walking().pack(line, job)
            assert isinstance(parked, Parked)
            parked.provider = provider
            sender.add(Pooled(line, job, parked))

    async def turn(self, sender: Sender) -> None:
        self.hands.on(1)
        await sender.turn()
        for _ in range(100):
            await asyncio.sleep(0.005)
            if len(self.names) >= sum(road._shards for road in sender._roads.values()):
                return


async def test_nobody_waits_behind_all_that_another_tenant_had_before(store: Store) -> None:
    scene = Crowd(store, 2500)
    sender = await scene.sender()
    for name, tenant, total in (("job-1", "large", 10_000), ("job-2", "small", 3)):
        job = await queued(store, total, id=name, tenant=tenant)
        for _ in range(total // 1000 + 1):
            await scene.hand(sender, job)
        await scene.turn(sender)
    assert len(scene.names) == UPLOADS and not any("job-2" in name for some in scene.names for name in some)
    scene.lets.set()
    await asyncio.gather(*sender._sending)
    await scene.turn(sender)
    await asyncio.gather(*sender._sending)
    assert sum("job-2" in name for some in scene.names for name in some) == 3, "they are in the next one that is made"
    assert sum(len(pool.items) for pool in sender._pools.values()) > 0


async def test_a_slow_provider_holds_up_its_own_lines_alone_and_not_the_memory(store: Store) -> None:
    scene = Crowd(store, 10)
    sender = await scene.sender()
    job = await queued(store, READY + 600)
    for _ in range(3):
        await scene.hand(sender, job)
    await scene.turn(sender)
    waits = sum(len(pool.items) for pool in sender._pools.values())
    assert waits == 600 and len(scene.names) == UPLOADS, "no more is made ready than that"
    other = await queued(store, 5, id="job-2", tenant="b")
    await scene.hand(sender, other, "mistral")
    await scene.turn(sender)
    assert len(scene.names) == UPLOADS + 1 and "job-2" in scene.names[-1][0]
    sender._lines["small"] = POOL_LINES // 2
    assert sender.full("small") and not sender.full("large"), "there is always room for what another model has"
    await sender.close()
