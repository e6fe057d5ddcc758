"""Says that this gateway lives, so that what it works on stays its own; frees what dead ones of this machine worked on; and
forgets what was kept for long enough. Where the clock was set back, what was to happen soon happens now, and not when it is so
late again."""

import logging
from collections.abc import Callable
from pathlib import Path

from farthing.batch.desk import Desk
from farthing.batch.leasing import LEASE_S, RENEWED_S, dead
from farthing.store.batch import files, jobs, lines, shards, strays
from farthing.store.batch.rows import Key
from farthing.store.engine import Connection

log = logging.getLogger("farthing.batch")

LOOKS_S = 5.0
"""Between two looks for what nobody works on any more."""
HELD_US = int((LEASE_S + 60) * 1e6)
"""For longer from now on nobody holds anything."""
AT_ONCE = 20
"""Jobs whose time is over that are forgotten at a turn."""
SET_BACK_S = 30.0
"""By less than this a clock may be set back without a word."""
HOLDS_AT_ONCE = 2000
"""Runs that nobody runs any more whose holds are freed at a turn."""


class Upkeep:
    """See the module. `journals`: the folder where gateways of this machine have their journals; `in_hand`: the lines that
    this gateway's parts work on, and `shards_in_hand` the shards. What it holds in the store and none of them knows of, is free
    after two looks."""

    name = "upkeep"

    def __init__(
        self, desk: Desk, journals: Path, in_hand: Callable[[], set[Key]], shards_in_hand: Callable[[], set[str]]
    ) -> None:  # fmt: skip
        self._desk = desk
        self._journals = journals
        self._in_hand = in_hand
        self._shards_in_hand = shards_in_hand
        self._strays: set[Key] = set()
        self._renews_at = 0.0
        self._began_us = self._began()

    async def turn(self) -> float:
        await self._note_the_clock()
        now = self._desk.clock.monotonic()
        if now >= self._renews_at:
            await self._desk.store.do(self._renew)
            self._renews_at = now + RENEWED_S
            await self._desk.store.do(lambda connection: jobs.expire(connection, self._desk.now_us, AT_ONCE))
            await self._desk.store.do(lambda connection: files.expire(connection, self._desk.now_us, AT_ONCE))
        await self._free_the_dead()
        await self._free_strays()
        return LOOKS_S

    async def close(self) -> None:
        """What this gateway still works on is free at once."""
        desk = self._desk
        await desk.store.do(lambda connection: lines.free(connection, [desk.holder], desk.now_us))

    def _began(self) -> int:
        """When the clock that is never set was at 0, by the one that is."""
        return self._desk.now_us - int(self._desk.clock.monotonic() * 1e6)

    async def _note_the_clock(self) -> None:
        began_us = self._began()
        if began_us < self._began_us - int(SET_BACK_S * 1e6):
            log.warning("the clock was set back", extra={"seconds": (self._began_us - began_us) // 1_000_000})
            await self._desk.store.do(lambda connection: strays.set_back(connection, self._desk.now_us))
        self._began_us = began_us

    def _renew(self, connection: Connection) -> None:
        desk = self._desk
        lines.renew(connection, desk.holder, desk.until_us)
        shards.renew(connection, desk.holder, desk.until_us, self._shards_in_hand())

    async def _free_strays(self) -> None:
        desk = self._desk
        held = await desk.store.do(lambda connection: strays.held_by(connection, desk.holder, desk.now_us + HELD_US))
        missed = set(held) - self._in_hand()
        gone = list(missed & self._strays)
        self._strays = missed
        if gone:
            await desk.store.do(lambda connection: strays.let_go(connection, desk.holder, gone, desk.now_us))
            log.warning("lines that something went wrong with are free again", extra={"count": len(gone)})
        await desk.store.do(lambda connection: strays.free_holds(connection, desk.now_us, HOLDS_AT_ONCE))

    async def _free_the_dead(self) -> None:
        until_us = self._desk.now_us + HELD_US
        holders = await self._desk.store.do(lambda connection: lines.holders(connection, until_us))
        living = [path.stem for path in self._journals.glob("*.journal")]
        gone = dead(holders, self._journals, living)
        if gone:
            freed = await self._desk.store.do(lambda connection: lines.free(connection, gone, self._desk.now_us))
            log.info("work of gateways that are gone is free", extra={"count": freed})
