"""Lines that were prepared wait here for others, become shards, and are sent as a provider's batch.

A shard is in the store, with its lines and what budgets keep for them, before the provider is asked for anything; it is
asked once. Where nobody can tell whether it was created, the shard stays as it is, and is looked for before anything is
created again (`watching`). Lines that wait here are held by this gateway, in memory; if it dies, others prepare them anew.

A shard is made when its provider has a place free for it, of what each tenant has waiting here then: so nobody waits behind
all that somebody else had before, and a provider that is slow holds up its own lines alone.
"""

import asyncio
import logging
import secrets
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from farthing.batch.capping import within_cap
from farthing.batch.desk import Desk
from farthing.batch.packing import Item, Limits, Packed, Room, pack
from farthing.batch.settling import Settler
from farthing.batch.spending import Spending
from farthing.batch.walks import Parked
from farthing.model.batch import Job, Line, Shard
from farthing.model.errors import UpstreamError
from farthing.store.batch import known, lines, shards
from farthing.store.batch.holds import HoldRefused
from farthing.upstream.batches import BatchApi
from farthing.upstream.batches.api import TOKEN_LIMIT, TOO_LARGE, TOO_MANY_LINES, Created, Refused, Unsure, custom_id
from farthing.upstream.batches.api import Limits as Published

log = logging.getLogger("farthing.batch")

MOST_LINES = 10_000
MOST_BYTES = 24 * 2**20
"""Of one shard, whatever the provider takes: it is in memory as a whole, in two or three forms."""
POOL_BYTES = 48 * 2**20
POOL_LINES = 25_000
"""Of all lines that wait here. A model has at most as much of it as it leaves free for others."""
UPLOADS = 2
"""Shards that are on their way to a provider at the same time."""
READY = 2_000
"""Lines of small shards that may be made before there is a place for them: to make one means to look at all that wait."""
REFUSED_S = 60.0
"""How long lines wait that a budget had no room for, or that a provider took no batch of."""
CAPPED_S, CAPPED_LINE_S = 5.0, 0.01
"""How long lines wait that their job's cap has room for only if others cost less than they can, and more for each of them, since
preparing them again costs time."""
UNREACHED_S = 15.0
TOGETHER_S = 0.05
"""Lines mostly come many at a time: so long they are waited for."""
LOOK_FOR_S = 1.0
"""When a batch is looked for of which nobody knows whether it was created."""
SIZE_LIMITS = frozenset((TOKEN_LIMIT, TOO_LARGE, TOO_MANY_LINES))


class Key(NamedTuple):
    """What lines of one shard have in common."""

    provider: str
    deployment: str
    model: str
    wire: str


class Pooled(NamedTuple):
    """A line that was prepared."""

    line: Line
    job: Job
    parked: Parked

    @property
    def call_id(self) -> str:
        return self.parked.sent.call_id

    @property
    def alike(self) -> tuple[str, bytes]:
        return self.line.tenant, self.line.digest


class _Pool:
    def __init__(self) -> None:
        self.items: dict[tuple[str, int], Pooled] = {}
        self.packed_at = 0.0
        self.packed_of = 0
        self.again_us = 0


class _Road:
    """What is on its way to one provider."""

    def __init__(self) -> None:
        self.places = asyncio.Semaphore(UPLOADS)
        self._shards = 0
        self._lines = 0

    @property
    def free(self) -> bool:
        return self._shards < UPLOADS or self._lines < READY

    def begin(self, lines: int) -> None:
        self._shards += 1
        self._lines += lines

    def end(self, lines: int) -> None:
        self._shards -= 1
        self._lines -= lines


class Sender:
    """See the module. `alone` takes lines that fit into no batch; `refused` hears of providers that make no batches now;
    `spending` says whether so much may be spent now."""

    name = "sending"

    def __init__(
        self, desk: Desk, settler: Settler, apis: Callable[[str], BatchApi | None], alone: Callable[[Sequence[Pooled]], None],
        refused: Callable[[str], None], spending: Spending, *, linger_s: float,
        a_second: Callable[[], float],
    ) -> None:  # fmt: skip
        self._desk = desk
        self._settler = settler
        self._apis = apis
        self._alone = alone
        self._refused = refused
        self._spending = spending
        self._linger_s = linger_s
        self._a_second = a_second
        self._pools: dict[Key, _Pool] = {}
        self._roads: dict[str, _Road] = {}
        """To each provider."""
        self._sending: set[asyncio.Task[None]] = set()
        self.bell = asyncio.Event()
        self._digests: set[tuple[str, bytes]] = set()
        self._leaving: set[tuple[str, int]] = set()
        """Lines of shards that are not in the store yet."""
        self.shards: set[str] = set()
        """That are on their way to a provider."""
        self._bytes: Counter[str] = Counter()
        self._lines: Counter[str] = Counter()
        """Of what waits here, by model."""

    def full(self, model: str) -> bool:
        """Whether no more lines of a model should be prepared now."""
        bytes_left, lines_left = POOL_BYTES - self._bytes.total(), POOL_LINES - self._lines.total()
        return self._bytes[model] >= bytes_left or self._lines[model] >= lines_left

    def add(self, pooled: Pooled) -> None:
        """One that waits here already is as it was dealt out last."""
        parked, model = pooled.parked, pooled.line.model
        pool = self._pools.setdefault(Key(parked.provider, parked.deployment, parked.model, parked.wire), _Pool())
        self._take(pool, [(pooled.line.job, pooled.line.no)])
        pool.items[pooled.line.job, pooled.line.no] = pooled
        self._bytes[model] += len(parked.body)
        self._lines[model] += 1
        if pooled.line.digest:
            self._digests.add(pooled.alike)
        self.bell.set()

    def has(self, alike: tuple[str, bytes]) -> bool:
        """Whether a line that asks the same waits here."""
        return alike in self._digests

    def in_hand(self) -> set[tuple[str, int]]:
        """The lines that wait here."""
        return {key for pool in self._pools.values() for key in pool.items} | self._leaving

    async def turn(self) -> float:
        """Send what is full enough, or has waited long enough."""
        await self._desk.clock.sleep(TOGETHER_S)
        for key, pool in sorted(self._pools.items(), key=lambda each: each[1].packed_at):
            if not pool.items:
                del self._pools[key]
            elif self._road(key).free and self._is_due(pool):
                await self._pack(key, pool)
        return 0.25 if self._pools else 2.0

    async def settle(self) -> None:
        """Wait for what is on its way to providers."""
        await asyncio.gather(*self._sending, return_exceptions=True)

    async def close(self) -> None:
        """Break off what is under way: what the store has as an intent is looked for later."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        back = [pooled.line for pool in self._pools.values() for pooled in pool.items.values()]
        if back:
            now_us = self._desk.now_us
            await self._desk.store.do(lambda connection: lines.give_back(connection, back, 0, now_us))

    def _is_due(self, pool: _Pool) -> bool:
        """Packing thousands of lines takes a while, so it is not done for each that comes."""
        if pool.again_us and self._desk.now_us >= pool.again_us:
            return True
        grown = len(pool.items) - pool.packed_of
        age = self._desk.clock.monotonic() - pool.packed_at
        return grown >= 1000 or len(pool.items) >= MOST_LINES or age > (0.5 if grown else 5.0)

    async def _pack(self, key: Key, pool: _Pool) -> None:
        api = self._apis(key.provider)
        pool.packed_at = self._desk.clock.monotonic()
        if api is None:
            self._alone(self._take(pool, list(pool.items)))
            return
        room = await self._room(key)
        waiting, limits, a_second = list(pool.items.values()), _limits(api.limits_for(key.model)), self._a_second()
        packed: Packed[tuple[str, int]] = await asyncio.to_thread(
            lambda: pack(
                _in_turns(waiting), limits, room, now_us=self._desk.now_us, linger_s=self._linger_s, a_second=a_second
            )
        )
        left = deque(packed.shards)
        while left and self._road(key).free:
            self._send_soon(key, api, self._take(pool, [item.line for item in left.popleft()]))
        if packed.alone:
            self._alone(self._take(pool, [item.line for item in packed.alone]))
        # Those that are left are made anew when there is a place, with what has come by then.
        pool.packed_of, pool.again_us = len(pool.items), self._desk.now_us if left else packed.again_us

    def _road(self, key: Key) -> "_Road":
        return self._roads.setdefault(key.provider, _Road())

    async def _room(self, key: Key) -> Room:
        hour_ago = self._desk.now_us - 3_600_000_000
        return Room(*await self._desk.store.do(lambda c: known.used(c, key.provider, key.model, hour_ago)))

    def _take(self, pool: _Pool, keys: Sequence[tuple[str, int]]) -> list[Pooled]:
        taken = [pool.items.pop(key) for key in keys if key in pool.items]
        for pooled in taken:
            self._bytes[pooled.line.model] -= len(pooled.parked.body)
            self._lines[pooled.line.model] -= 1
        self._digests.difference_update(pooled.alike for pooled in taken)
        return taken

    def _send_soon(self, key: Key, api: BatchApi, chunk: list[Pooled]) -> None:
        if not chunk:
            return
        self._road(key).begin(len(chunk))
        task = asyncio.create_task(self._send_safely(key, api, chunk))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send_safely(self, key: Key, api: BatchApi, chunk: list[Pooled]) -> None:
        keys, road = {(pooled.line.job, pooled.line.no) for pooled in chunk}, self._road(key)
        self._leaving |= keys
        try:
            async with road.places:
                await self._send(key, api, chunk)
        except Exception as error:  # the store has what is needed to go on
            log.warning("a batch could not be sent", extra={"provider": key.provider, "error": type(error).__name__})
        finally:
            self._leaving -= keys
            road.end(len(keys))
            self.bell.set()

    async def _send(self, key: Key, api: BatchApi, chunk: list[Pooled]) -> None:
        shard = await self._intend(key, chunk)
        if shard is None:
            return
        self.shards.add(shard.id)
        try:
            await self._create(key, api, chunk, shard)
        finally:
            self.shards.discard(shard.id)

    async def _create(self, key: Key, api: BatchApi, chunk: Sequence[Pooled], shard: Shard) -> None:
        named = [(custom_id(shard.id, pooled.call_id), pooled.parked.body) for pooled in chunk]
        data = await asyncio.to_thread(api.encode, named, key.wire, key.model, shard.id)
        named.clear()
        try:
            created = await api.create(shard, data)
        except Refused as refused:
            await self._not_created(shard, refused)
        except Unsure as unsure:
            await self._look_for(shard, unsure)
        except UpstreamError as error:
            await self._abandon(shard, error.code, UNREACHED_S)
        else:
            await self.created(shard, created)

    async def _intend(self, key: Key, chunk: list[Pooled]) -> Shard | None:
        """The shard as it is in the store, with those of the lines that may be sent; None where these are none."""
        over: list[Pooled] = []
        try:
            return await self._intend_some(key, chunk, over)
        finally:
            for ready_us, some in self._spending.turns([(each.line, each.parked.worst) for each in over]).items():
                await self._give_back(some, ready_us)

    async def _intend_some(self, key: Key, chunk: list[Pooled], over: list[Pooled]) -> Shard | None:
        """The same; `over` gets what may not be spent on today yet."""
        while chunk:
            if not self._spending.allows(sum(pooled.parked.worst for pooled in chunk)):
                half = len(chunk) // 2
                over[:0] = chunk[half:]
                del chunk[half:]
                continue
            shard = _shard(key, chunk, self._desk)
            try:
                await self._write(shard, chunk)
                return shard
            except HoldRefused as refused:
                await self._leave_out(chunk, refused)
            except shards.LinesGone as gone:
                lost = set(gone.keys)
                chunk[:] = [pooled for pooled in chunk if (pooled.line.job, pooled.line.no) not in lost]
        return None

    async def _write(self, shard: Shard, chunk: Sequence[Pooled]) -> None:
        """Raises HoldRefused, LinesGone."""
        desk = self._desk
        pairs = [(pooled.line, pooled.parked.sent) for pooled in chunk]
        await desk.store.do(lambda c: shards.intend(c, shard, pairs, desk.holder, desk.until_us, desk.now_us))

    async def _leave_out(self, chunk: list[Pooled], refused: HoldRefused) -> None:
        """Half of the lines that the budget has too little for wait, until the rest fits or none is left."""
        if refused.job:
            await self._leave_out_capped(chunk, refused.job)
            return
        mine = [pooled for pooled in chunk if _pays(pooled, refused)]
        keep = len(mine) // 2
        out = mine[keep:] or chunk
        left = {id(pooled) for pooled in out}
        chunk[:] = [pooled for pooled in chunk if id(pooled) not in left]
        await self._wait_on(out)

    async def _leave_out_capped(self, chunk: list[Pooled], job: str) -> None:
        """Of a job whose cap has too little room only those lines stay that fit."""
        mine = [pooled for pooled in chunk if pooled.line.job == job]
        found = await within_cap(self._desk, job, [(pooled.line, pooled.parked.sent.held) for pooled in mine])
        if found.failed:
            await self._settler.keep(found.failed)
        fit = {id(line) for line in found.fit}
        waits = {id(line) for line in found.wait}
        await self._wait_on(
            [pooled for pooled in mine if id(pooled.line) in waits], CAPPED_S + len(waits) * CAPPED_LINE_S
        )
        chunk[:] = [pooled for pooled in chunk if pooled.line.job != job or id(pooled.line) in fit]

    async def _wait_on(self, chunk: Sequence[Pooled], wait_s: float = REFUSED_S) -> None:
        """They are prepared anew, later."""
        if not chunk:
            return
        await self._give_back([pooled.line for pooled in chunk], self._desk.now_us + int(wait_s * 1e6))

    async def _give_back(self, back: list[Line], ready_us: int) -> None:
        now_us = self._desk.now_us
        await self._desk.store.do(lambda c: lines.give_back(c, back, ready_us, now_us))

    async def created(self, shard: Shard, created: Created) -> None:
        """The provider has it."""
        await self._desk.store.do(
            lambda connection: shards.created(
                connection, shard.id, created.remote_id, created.remote_file, created.window_end_us, self._desk.now_us
            )
        )
        log.info("a batch was created", extra={"shard": shard.id, "provider": shard.provider, "count": shard.lines})

    async def _not_created(self, shard: Shard, refused: Refused) -> None:
        wait_s = refused.retry_after
        if wait_s is None and refused.code in SIZE_LIMITS:
            wait_s = 0.0  # the limit is known now, and smaller shards are made
        if wait_s is None:
            self._refused(shard.provider)
            wait_s = 0.0
        log.warning(
            "a batch was refused", extra={"provider": shard.provider, "error": refused.code, "count": shard.lines}
        )
        await self._abandon(shard, refused.code, wait_s)

    async def _look_for(self, shard: Shard, unsure: Unsure) -> None:
        shard = msgspec.structs.replace(
            shard, remote_file=unsure.remote_file, next_look_us=self._desk.now_us + int(LOOK_FOR_S * 1e6), looks=1
        )
        await self._desk.store.do(lambda connection: shards.looked(connection, shard))

    async def _abandon(self, shard: Shard, why: str, wait_s: float) -> None:
        now_us = self._desk.now_us
        ready_us = now_us + int(wait_s * 1e6)
        await self._desk.store.do(lambda connection: shards.abandon(connection, shard.id, why, now_us, ready_us))


def _shard(key: Key, chunk: Sequence[Pooled], desk: Desk) -> Shard:
    return Shard(
        f"fs{desk.now_us // 1000:011x}{secrets.token_hex(6)}", key.provider, key.deployment, key.model, key.wire,
        created_us=desk.now_us, lines=len(chunk), bytes=sum(len(pooled.parked.body) for pooled in chunk),
        tokens=sum(pooled.parked.tokens for pooled in chunk), next_look_us=desk.now_us, holder=desk.holder,
        held_until_us=desk.until_us,
    )  # fmt: skip


def _pays(pooled: Pooled, refused: HoldRefused) -> bool:
    return any(hold.budget == refused.budget and hold.member == refused.member for hold in pooled.parked.sent.holds)


def _in_turns(waiting: Iterable[Pooled]) -> list[Item[tuple[str, int]]]:
    """However many are taken from its front, each tenant has about as many bytes among them as any other, if it has them."""
    so_far: Counter[str] = Counter()
    placed = []
    for pooled in waiting:
        so_far[pooled.line.tenant] += len(pooled.parked.body)
        placed.append((so_far[pooled.line.tenant], _item(pooled)))
    return [item for _, item in sorted(placed, key=lambda each: each[0])]


def _item(pooled: Pooled) -> Item[tuple[str, int]]:
    line, parked = pooled.line, pooled.parked
    waits_us = line.queued_us or pooled.job.created_us
    return Item((line.job, line.no), line.deadline_us, waits_us, len(parked.body), parked.tokens, parked.inputs)


def _limits(published: Published) -> Limits:
    return Limits(
        min(published.lines or MOST_LINES, MOST_LINES), min(published.bytes or MOST_BYTES, MOST_BYTES), published.tokens,
        published.inputs, published.least_lines, published.an_hour, published.at_once,
    )  # fmt: skip
