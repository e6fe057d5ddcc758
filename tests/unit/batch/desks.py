"""A desk over a store with a clock of its own, a provider of batches and walks that do what a test says: for the parts of the
worker, one at a time."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Iterable
from itertools import count
from typing import Any

import msgspec

from farthing.batch.desk import Desk
from farthing.batch.news import News
from farthing.batch.parking import Parked
from farthing.batch.spending import Spending
from farthing.batch.walks import Settled
from farthing.model.batch import Job, Line, Sent, Shard
from farthing.model.clock import Clock
from farthing.model.record import Record
from farthing.store import Store
from farthing.store.batch import jobs, lines, shards
from farthing.upstream.batches.api import Created, Limits, Look, Maybe, Result, custom_id

NOW_US = 1_795_000_000_000_000
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US


class Hands:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now_us = NOW_US

    def clock(self) -> Clock:
        return Clock(lambda: self.now_us, lambda: self.now_us / 1e6, lambda seconds: asyncio.sleep(0))

    def on(self, seconds: float) -> None:
        self.now_us += round(seconds * 1e6)


class Walking:
    """Walks whose end is `ends(line, tier)`: a status, and after how long it may be tried again; or a future to wait for."""

    def __init__(self, ends: Callable[[Line, str], Any] = lambda line, tier: 200, worst: int = 10) -> None:
        self.ends = ends
        self.worst = worst
        self.ran: list[tuple[int, str]] = []
        self.late_calls: list[str] = []

    async def run(self, line: Line, job: Job, call_id: str, tier: str = "") -> Settled:
        self.ran.append((line.no, tier))
        end = self.ends(line, tier)
        return settled(call_id, await end if isinstance(end, asyncio.Future) else end)

    async def pack(self, line: Line, job: Job) -> Parked | Settled:
        call_id = f"call-{job.id}-{line.no}-{line.tries}"
        sent = Sent(call_id=call_id, held=self.worst)
        return Parked("openai", "openai/small", "small-1", "openai.chat", line.body, sent, 5, self.worst)

    async def settle(self, line: Line, job: Job, shard: Shard, sent: Sent, status: int, answer: bytes) -> Settled:
        return settled(sent.call_id, status, cost=5)

    async def late(self, line: Line, job: Job, shard: Shard, sent: Sent, status: int, answer: bytes) -> Record | None:
        self.late_calls.append(sent.call_id)
        return settled(sent.call_id, status, cost=5).record


def settled(call_id: str, status: int, cost: int = 9) -> Settled:
    cost = cost if status < 400 else 0
    record = Record(call_id, NOW_US, "openai.chat", status=status, cost=cost, baseline=cost, cost_state="computed")
    return Settled(record, status, b"{}", 5.0 if status in (429, 500) else None)


class Batches:
    """A provider's batch API. `creates`, `finds` and `looks` give what is said next, or raise it."""

    kind = "openai"
    limits = Limits(lines=1000)

    def __init__(self) -> None:
        self.creates: Callable[[Shard], Any] = lambda shard: Created("remote-1", "file-1", NOW_US + DAY_US)
        self.finds: Callable[[Shard], Any] = lambda shard: None
        self.looks: Callable[[Shard], Any] = lambda shard: Look("completed", "out-1", state="ended")
        self.answers: Callable[[Shard], Iterable[Any]] = lambda shard: ()
        self.sent: dict[str, list[str]] = {}
        self.asked: list[str] = []

    def limits_for(self, model: str) -> Limits:
        return self.limits

    def serves(self, wire: str, body: bytes) -> str:
        return ""

    def encode(self, lines: Iterable[tuple[str, bytes]], wire: str, model: str, name: str = "") -> bytes:
        self.sent[name] = [each for each, _ in lines]
        return b"data"

    def cost_of(self, custom_id: str, body: bytes) -> int:
        return len(body)

    async def create(self, shard: Shard, data: bytes) -> Created:
        return self._say("create", self.creates(shard))  # type: ignore[no-any-return]

    async def find(self, shard: Shard, known: Collection[str] = ()) -> Created | Maybe | None:
        return self._say("find", self.finds(shard))  # type: ignore[no-any-return]

    async def look(self, shard: Shard) -> Look:
        return self._say("look", self.looks(shard))  # type: ignore[no-any-return]

    async def results(self, shard: Shard, look: Look) -> AsyncGenerator[Result, None]:
        for each in self.answers(shard):
            yield self._say("result", each)

    async def cancel(self, shard: Shard) -> None:
        self.asked.append("cancel")

    async def forget(self, shard: Shard) -> None:
        self.asked.append("forget")

    def _say(self, what: str, said: Any) -> Any:
        self.asked.append(what)
        if isinstance(said, Exception):
            raise said
        return said


def a_desk(store: Store, hands: Hands, holder: str = "w1") -> Desk:
    numbers = count()
    return Desk(
        store, holder, lambda: f"call-{holder}-{next(numbers)}", lambda records: None, News(), clock=hands.clock()
    )  # fmt: skip


async def known_spending(hands: Hands, cap: int = 0, spent: int = 0) -> Spending:
    async def known(since_us: int) -> int:
        return spent

    spending = Spending(cap, "UTC", known, lambda: hands.now_us)
    await spending.turn()
    return spending


async def queued(store: Store, total: int = 3, *, hours: float = 24, **changes: Any) -> Job:
    """A job with so many lines that wait."""
    deadline_us = NOW_US + int(hours * HOUR_US)
    job = Job("job-1", "file", "openai.chat", "acme", NOW_US, deadline_us, state="running", total=total)
    job = msgspec.structs.replace(job, **changes)
    made = [
        Line(job.id, no, f"c-{no}", job.tenant, "small", deadline_us, 0, body=b'{"model":"small"}')
        for no in range(total)
    ]
    await store.do(lambda c: (jobs.add(c, job), lines.add(c, made)))
    return job


async def taken(desk: Desk, limit: int = 100) -> list[Line]:
    return await desk.store.do(
        lambda c: lines.take(c, now_us=desk.now_us, holder=desk.holder, until_us=desk.until_us, limit=limit)
    )


async def in_shard(desk: Desk, some: list[Line], *, held: int = 10) -> Shard:
    """The lines are in a batch that the provider has."""
    shard = Shard("fsone", "openai", "openai/small", "small-1", "openai.chat")
    pairs = [(line, Sent(call_id=f"call-in-{line.no}", held=held)) for line in some]
    await desk.store.do(lambda c: shards.intend(c, shard, pairs, desk.holder, desk.until_us, desk.now_us))
    end_us = desk.now_us + DAY_US
    await desk.store.do(lambda c: shards.created(c, shard.id, "remote-1", "file-1", end_us, desk.now_us))
    return await the_shard(desk.store)


def answer_to(shard: Shard, no: int, status: int = 200) -> Result:
    return Result(custom_id(shard.id, f"call-in-{no}"), status, b"{}")


async def the_job(store: Store) -> Job:
    found = await store.do(lambda c: jobs.get(c, "job-1"))
    assert found is not None
    return found


async def the_shard(store: Store) -> Shard:
    (found,) = await store.do(lambda c: shards.page(c))
    return found


async def the_lines(store: Store) -> list[Line]:
    return await store.do(
        lambda c: lines.results(c, "job-1", states=("waiting", "sent", "done", "failed", "expired", "cancelled"))
    )
