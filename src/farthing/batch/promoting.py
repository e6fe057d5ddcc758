"""Sees in time that lines of a batch will be late, and has them run alone: at the last moment that leaves room for all of
them, or earlier where that is cheaper. Where a whole shard is better taken back, its provider is asked to end it.

A promoted line may be paid for twice, since no provider takes back single lines; which answer comes first counts. Knows
nothing of how lines are run.
"""

import logging
from collections.abc import Callable

from farthing.batch.choosing import Due, Pace, Promotion, promotions
from farthing.batch.desk import Desk
from farthing.batch.running import Runner, Waiting
from farthing.batch.ways import FLEX_TAKES_S, Atlas
from farthing.model.batch import Shard, Way
from farthing.model.errors import UpstreamError
from farthing.store.batch import promoting, shards
from farthing.upstream.batches import BatchApi
from farthing.upstream.batches.api import Refused

log = logging.getLogger("farthing.batch")

LOOK_S = 10.0
ENDS_S = 600.0
"""How long a batch may take to end that is taken back."""
WIDTH_US = 1_000_000
"""Deadlines within a second are one."""


class Promoter:
    """See the module. `late`: the share of deadlines that may be missed; `look_s`: seconds between two looks."""

    name = "promoting"

    def __init__(
        self, desk: Desk, atlas: Atlas, runner: Runner, apis: Callable[[str], BatchApi | None], *, late: float,
        look_s: float = LOOK_S,
    ) -> None:  # fmt: skip
        self._desk = desk
        self._atlas = atlas
        self._runner = runner
        self._apis = apis
        self._late = late
        self._look_s = min(LOOK_S, look_s)
        self._withdrawn: set[str] = set()

    async def turn(self) -> float:
        now_us = self._desk.now_us
        open_ = {shard.id: shard for shard in await self._desk.store.do(shards.open_) if shard.remote_id}
        self._withdrawn &= set(open_)
        dues = [due for shard in open_.values() for due in await self._dues(shard, now_us)]
        pace = Pace(self._runner.a_second, self._runner.takes_long_s, self._runner.busy, max(self._look_s, 1.0))
        for promotion in promotions(dues, now_us=now_us, pace=pace, late=self._late):
            shard = open_[promotion.shard]
            if promotion.withdraw:
                await self._withdraw(shard)
            else:
                await self._promote(shard, promotion)
        return self._look_s

    async def close(self) -> None:
        """What was not promoted by now another gateway promotes."""

    async def _dues(self, shard: Shard, now_us: int) -> list[Due]:
        """Lines of a shard by deadline, with what the ways cost."""
        name = self._atlas.asked_as(shard)
        groups = await self._desk.store.do(lambda c: promoting.groups(c, shard.id, WIDTH_US))
        if not groups or name is None:
            return []
        rounds = await self._atlas.turn_round(self._desk, shard.provider, shard.model)
        place = self._runner.place(name)
        ways = self._atlas.of(name, self._desk.clock.monotonic(), now_us, flex_refused=place.refused)
        prices = {offer.way: offer.price for offer in ways.offers}
        now = prices.get("now", prices.get("local"))
        if now is None:  # nothing may go alone
            return []
        turn = rounds.running(shard.created_us, shard.lines)
        can_end = shard.id not in self._withdrawn
        return [
            Due(
                shard.id, group.deadline_us, group.n, shard.created_us, turn, prices.get("batch", now), now,
                prices.get("flex"), place.refused, FLEX_TAKES_S, ENDS_S if can_end else 0.0,
            )
            for group in groups
        ]  # fmt: skip

    async def _withdraw(self, shard: Shard) -> None:
        api = self._apis(shard.provider)
        if api is None or shard.id in self._withdrawn:
            return
        self._withdrawn.add(shard.id)
        try:
            await api.cancel(shard)
            log.info("a batch that would be late is taken back", extra={"shard": shard.id, "count": shard.lines})
        except (UpstreamError, Refused) as error:
            log.warning("a batch could not be taken back", extra={"shard": shard.id, "error": type(error).__name__})

    async def _promote(self, shard: Shard, promotion: Promotion) -> None:
        until_us = promotion.deadline_us + WIDTH_US
        limit = min(promotion.lines, 4 * self._runner.most)
        desk = self._desk
        found = await desk.store.do(lambda c: promoting.first(c, shard.id, until_us, limit, wrapping=desk.wrapping))
        way: Way = promotion.way
        waiting = []
        for line in found:
            job = await desk.job(line.job)
            if job is not None and line.body and not self._runner.has(line):  # else its batch may still answer it
                waiting.append(Waiting(line, job, way))
        if waiting:
            log.info("lines are promoted", extra={"shard": shard.id, "count": len(waiting)})
            self._runner.hand_in(waiting, urgent=True)
