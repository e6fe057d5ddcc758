"""Looks at shards: finds those whose creation is unsure, sees how those that run are, and fetches what is finished.

One gateway looks at a shard at a time, the more seldom the longer it runs, and beside the others: a provider that is slow
to answer holds up no other. A word of the provider that nobody knows is
waited out. Results are taken as they come, in any order, from wherever they are; a line that is in none of the files is
run again. Knows nothing of how shards are made.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Collection

import msgspec

from farthing.batch.desk import Desk
from farthing.batch.fetching import Fetcher
from farthing.model.batch import JobError, Shard
from farthing.model.errors import UpstreamError
from farthing.store.batch import known, shards
from farthing.upstream.batches import BatchApi
from farthing.upstream.batches.api import TOKEN_LIMIT, Created, Look, Maybe, Refused
from farthing.upstream.batches.states import shown

log = logging.getLogger("farthing.batch")

AT_ONCE = 4
"""Shards of a provider that are looked at at the same time."""
SELDOM_S = 60.0
SHARE = 0.05
"""Of its age, that passes between two looks at a shard."""
JITTER = 0.2
PAST_WINDOW_S = 3600.0
"""How long after its window's end a shard is looked at that still does not say what became of it."""
LONGEST_WINDOW_S = 48 * 3600.0
"""Where none is known."""
FAILED_S = 30.0
"""How long the lines of a shard wait that the provider's queue had no room for."""
NO_API_S = 600.0
GIVEN_UP = "given up"
"""As a shard's error."""


class Watcher:
    """See the module. `look_s`: seconds between the first looks; `refused` hears of providers that make no batches now;
    `alone` of shards whose lines are to go alone, as their provider takes none of them in a batch."""

    name = "watching"

    def __init__(
        self, desk: Desk, apis: Callable[[str], BatchApi | None], fetcher: Fetcher, refused: Callable[[str], None], *,
        look_s: float, dice: Callable[[], float] = random.random, leaving: Callable[[], Collection[str]] = tuple,
    ) -> None:  # fmt: skip
        """`leaving`: the shards that this gateway is sending, which nobody looks for yet."""
        self._desk = desk
        self._apis = apis
        self._fetcher = fetcher
        self._refused = refused
        self._look_s = look_s
        self._dice = dice
        self._leaving = leaving
        self._looks: set[asyncio.Task[None]] = set()
        self._busy: Counter[str] = Counter()
        """Looks that are under way, by provider."""
        self.bell = asyncio.Event()
        self.shards: set[str] = set()
        """That are looked at now."""
        self._failures: dict[str, int] = {}
        """Looks in a row that failed, by shard."""

    async def turn(self) -> float:
        desk, in_hand = self._desk, {*self.shards, *self._leaving()}
        busy = [provider for provider, looks in self._busy.items() if looks >= AT_ONCE]
        due = await desk.store.do(
            lambda c: shards.due(c, desk.now_us, desk.holder, desk.until_us, AT_ONCE, in_hand=in_hand, busy=busy)
        )
        for shard in due:
            self._begin(shard)
        return 0.0 if len(due) == AT_ONCE else min(1.0, self._look_s / 2)

    async def settle(self) -> None:
        """Wait for the looks that are under way."""
        await asyncio.gather(*self._looks, return_exceptions=True)

    async def close(self) -> None:
        """What was looked at is looked at again by the next one."""
        for look in self._looks:
            look.cancel()
        await self.settle()

    def _begin(self, shard: Shard) -> None:
        self.shards.add(shard.id)
        self._busy[shard.provider] += 1
        look = asyncio.create_task(self._look_safely(shard))
        self._looks.add(look)
        look.add_done_callback(self._looks.discard)

    async def _look_safely(self, shard: Shard) -> None:
        """Trouble with one shard is no trouble with the others; with the store, the shard is free when its time is over."""
        try:
            await self._look_or_tell(shard)
        except Exception as error:
            log.warning(
                "what was seen of a batch is not kept", extra={"shard": shard.id, "error": type(error).__name__}
            )
        finally:
            self.shards.discard(shard.id)
            self._busy[shard.provider] -= 1
            self.bell.set()

    async def _look_or_tell(self, shard: Shard) -> None:
        failures = self._failures.pop(shard.id, 0)
        try:
            await self._look(shard)
        except Exception as error:
            self._failures[shard.id] = failures + 1
            wait_s = min(SELDOM_S, self._look_s * 2.0 ** min(failures, 8))
            if isinstance(error, Refused) and error.retry_after is not None:
                wait_s = max(wait_s, error.retry_after)
            said = error.message if isinstance(error, UpstreamError) else ""
            log.warning(
                "a batch could not be looked at: %s", said or "see the error", extra={"shard": shard.id, "error": type(error).__name__}
            )  # fmt: skip
            await self._not_seen(shard, wait_s)

    async def _look(self, shard: Shard) -> None:
        api = self._apis(shard.provider)
        if api is None:
            log.error("a batch is at a provider that is not in the settings", extra={"shard": shard.id})
            await self._not_seen(shard, NO_API_S)
        elif shard.state == "intent":
            await self._find(api, shard)
        else:
            await self._see(api, shard)

    async def _find(self, api: BatchApi, shard: Shard) -> None:
        """Nobody knows whether it was created."""
        others = await self._desk.store.do(lambda c: known.remote_ids(c, shard.provider, shard.created_us))
        found = await api.find(shard, others)
        if isinstance(found, Created):
            await self._created(shard, found)
        elif isinstance(found, Maybe):
            await self._later(shard, found.again_s)
        else:
            now_us = self._desk.now_us
            await self._desk.store.do(lambda c: shards.abandon(c, shard.id, "not created", now_us, 0))

    async def _created(self, shard: Shard, found: Created) -> None:
        now_us = self._desk.now_us
        await self._desk.store.do(
            lambda c: shards.created(c, shard.id, found.remote_id, found.remote_file, found.window_end_us, now_us)
        )

    async def _see(self, api: BatchApi, shard: Shard) -> None:
        look = await api.look(shard)
        shard = _as_seen(shard, look)
        now_us = self._desk.now_us
        if look.state == "failed":
            await self._failed(shard, look)
        elif look.state == "ended" or _is_given_up(shard, now_us):
            await self._ended(api, shard, look)
        else:
            age_s = (now_us - shard.created_us) / 1e6
            await self._later(shard, min(SELDOM_S, max(self._look_s, SHARE * age_s)))

    async def _ended(self, api: BatchApi, shard: Shard, look: Look) -> None:
        shard.state = "ended"
        await self._desk.store.do(
            lambda c: shards.looked(c, shard, keep=True)
        )  # it is seen to be back, for others' sake
        await self._fetcher.settle(api, shard, look)
        await self._desk.store.do(lambda c: shards.finish(c, shard.id, self._desk.now_us))
        log.info("a batch was settled", extra={"shard": shard.id, "count": shard.lines})
        try:
            await api.forget(shard)
        except (UpstreamError, Refused) as error:  # it expires there anyway
            log.info("a batch's files were not deleted", extra={"shard": shard.id, "error": type(error).__name__})

    async def _failed(self, shard: Shard, look: Look) -> None:
        """No line of it was run. One that held too much is packed anew, smaller; else its lines go alone, each for itself,
        as the provider says no word of most of them."""
        codes = {each.code for each in look.errors}
        now_us = self._desk.now_us
        wait_s = FAILED_S if TOKEN_LIMIT in codes else 0.0
        if TOKEN_LIMIT not in codes:
            self._refused(shard.provider)
        log.warning("a batch failed", extra={"shard": shard.id, "error": ", ".join(_shown(look.errors))})
        ready_us = now_us + int(wait_s * 1e6)
        why = ", ".join(_shown(look.errors)) or look.word
        await self._desk.store.do(lambda c: shards.abandon(c, shard.id, why, now_us, ready_us))

    async def _later(self, shard: Shard, wait_s: float) -> None:
        self._put_off(shard, wait_s)
        await self._desk.store.do(lambda c: shards.looked(c, shard))

    async def _not_seen(self, shard: Shard, wait_s: float) -> None:
        """Whatever was seen of it stays as it is; long after its window nothing more is hoped for, and its lines wait again."""
        now_us = self._desk.now_us
        if _is_given_up(shard, now_us):
            log.error("a batch is given up: its window is over, and it cannot be read", extra={"shard": shard.id})
            await self._desk.store.do(lambda c: shards.finish(c, shard.id, now_us, GIVEN_UP))
            return
        self._put_off(shard, wait_s)
        await self._desk.store.do(lambda c: shards.later(c, shard))

    def _put_off(self, shard: Shard, wait_s: float) -> None:
        wait_s *= 1 + JITTER * (2 * self._dice() - 1)
        shard.looks += 1
        shard.next_look_us = self._desk.now_us + int(wait_s * 1e6)


def _is_given_up(shard: Shard, now_us: int) -> bool:
    window_end_us = shard.window_end_us or shard.created_us + int(LONGEST_WINDOW_S * 1e6)
    return now_us > window_end_us + int(PAST_WINDOW_S * 1e6)


def _as_seen(shard: Shard, look: Look) -> Shard:
    return msgspec.structs.replace(
        shard, remote_state=look.word, output_file=look.output_file or shard.output_file,
        error_file=look.error_file or shard.error_file, remote_file=look.remote_file or shard.remote_file,
        window_end_us=look.window_end_us or shard.window_end_us,
    )  # fmt: skip


def _shown(errors: list[JobError]) -> list[str]:
    """Codes alone: messages may quote what was sent."""
    return sorted({shown(error.code) for error in errors})[:10]
