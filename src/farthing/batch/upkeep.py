"""Says that this gateway lives, so that what it works on stays its own; frees what dead ones of this machine worked on; and
forgets what was kept for long enough."""

import logging
from pathlib import Path

from farthing.batch.desk import Desk
from farthing.batch.leasing import RENEWED_S, dead
from farthing.store.batch import files, jobs, lines, shards
from farthing.store.engine import Connection

log = logging.getLogger("farthing.batch")

AT_ONCE = 20
"""Jobs whose time is over that are forgotten at a turn."""


class Upkeep:
    """See the module. `journals`: the folder where gateways of this machine have their journals."""

    name = "upkeep"

    def __init__(self, desk: Desk, journals: Path) -> None:
        self._desk = desk
        self._journals = journals

    async def turn(self) -> float:
        await self._desk.store.do(self._renew)
        await self._free_the_dead()
        await self._desk.store.do(lambda connection: jobs.expire(connection, self._desk.now_us, AT_ONCE))
        await self._desk.store.do(lambda connection: files.expire(connection, self._desk.now_us, AT_ONCE))
        return RENEWED_S

    async def close(self) -> None:
        """What this gateway still works on is free at once."""
        desk = self._desk
        await desk.store.do(lambda connection: lines.free(connection, [desk.holder], desk.now_us))

    def _renew(self, connection: Connection) -> None:
        desk = self._desk
        lines.renew(connection, desk.holder, desk.until_us)
        shards.renew(connection, desk.holder, desk.until_us)

    async def _free_the_dead(self) -> None:
        holders = await self._desk.store.do(lines.holders)
        living = [path.stem for path in self._journals.glob("*.journal")]
        gone = dead(holders, self._journals, living)
        if gone:
            freed = await self._desk.store.do(lambda connection: lines.free(connection, gone, self._desk.now_us))
            log.info("work of gateways that are gone is free", extra={"count": freed})
