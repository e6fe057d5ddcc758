"""Sees in time that lines of a batch will be late, and has them run alone: at the last moment that leaves room for all of
them, or earlier where that is cheaper. Where a whole shard is better taken back, its provider is asked to end it.

A promoted line may be paid for twice, since no provider takes back single lines; which answer comes first counts. Knows
nothing of how lines are run.
"""

import logging
from collections.abc import Callable

from farthing.batch.choosing import Due, Pace, Promotion, ahead_s, promotions
from farthing.batch.desk import Desk
from farthing.batch.flexing import Waiting
from farthing.batch.running import Runner
from farthing.batch.ways import FLEX_TAKES_S, Atlas
from farthing.model.batch import Shard
from farthing.model.errors import UpstreamError
from farthing.model.windows import FOREVER_US
from farthing.store.batch import promoting, shards
from farthing.store.batch.promoting import Group
from farthing.upstream.batches import BatchApi
from farthing.upstream.batches.api import Refused

log = logging.getLogger("farthing.batch")

LOOK_S = 10.0
ENDS_S = 600.0
"""How long a batch may take to end that is taken back."""
WIDTHS_US = ((1_800_000_000, 15_000_000), (7_200_000_000, 120_000_000), (FOREVER_US, 900_000_000))
"""(Time left up to, width): deadlines that are so near each other are one."""
UNSURE_US = 60_000_000
"""Lines of a shard of which nobody knows whether it was created may be promoted when it is so old."""
TWICE = 2
"""How many times what a line costs in a batch it costs alone, at most."""


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
        self._open: list[tuple[int, int]] = []
        """Deadlines and lines of what is with providers."""

    def ahead_s(self, deadline_us: int) -> float:
        """Seconds of calls that would go before one with this deadline, if all that is with providers must be promoted."""
        return ahead_s(self._open, deadline_us, self._pace())

    async def turn(self) -> float:
        now_us = self._desk.now_us
        found = await self._desk.store.do(shards.open_)
        open_ = {shard.id: shard for shard in found if shard.remote_id or shard.created_us < now_us - UNSURE_US}
        self._withdrawn &= set(open_)
        groups = {}
        dues: list[Due] = []
        for shard in open_.values():
            for group, due in await self._dues(shard, now_us):
                groups[shard.id, group.deadline_us] = group
                dues.append(due)
        self._open = [(due.deadline_us, due.lines) for due in dues]
        for promotion in promotions(dues, now_us=now_us, pace=self._pace(), late=self._late):
            shard = open_[promotion.shard]
            if promotion.withdraw:
                await self._withdraw(shard)
            else:
                await self._promote(shard, promotion, groups[shard.id, promotion.deadline_us].until_us)
        return self._look_s

    def _pace(self) -> Pace:
        runner = self._runner
        return Pace(runner.a_second, runner.takes_long_s, runner.busy, max(self._look_s, 1.0))

    async def close(self) -> None:
        """What was not promoted by now another gateway promotes."""

    async def _dues(self, shard: Shard, now_us: int) -> list[tuple[Group, Due]]:
        """Lines of a shard by deadline, with what the ways cost."""
        groups = await self._desk.store.do(lambda c: promoting.groups(c, shard.id, now_us, WIDTHS_US))
        if not groups:
            return []
        name = self._atlas.asked_as(shard) or groups[0].model
        rounds = await self._atlas.turn_round(self._desk, shard.provider, shard.model)
        flex = self._runner.place(name).flex
        ways = self._atlas.of(name, self._desk.clock.monotonic(), now_us, flex_refused=flex.refused)
        prices = {offer.way: offer.price for offer in ways.offers}
        now = prices.get("now", prices.get("local"))
        if now is None:  # nothing may go alone
            return []
        turn, again = rounds.running(shard.created_us, shard.lines), rounds.new(shard.lines)
        can_end = shard.remote_id and not shard.error and shard.id not in self._withdrawn
        return [
            (
                group,
                Due(
                    shard.id, group.deadline_us, group.n, shard.created_us, turn, prices.get("batch", now), now,
                    prices.get("flex"), flex.refused, FLEX_TAKES_S + flex.wait_s, ENDS_S if can_end else 0.0, again,
                ),
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
            await self._desk.store.do(lambda c: shards.take_back(c, shard.id))
            log.info("a batch that would be late is taken back", extra={"shard": shard.id, "count": shard.lines})
        except (UpstreamError, Refused) as error:
            log.warning("a batch could not be taken back", extra={"shard": shard.id, "error": type(error).__name__})

    async def _promote(self, shard: Shard, promotion: Promotion, until_us: int) -> None:
        limit = min(promotion.lines, 4 * self._runner.most)
        desk = self._desk
        found = await desk.store.do(lambda c: promoting.first(c, shard.id, until_us, limit, wrapping=desk.wrapping))
        waiting = []
        for line, held in found:
            job = await desk.job(line.job)
            if job is not None and line.body and not self._runner.has(line):  # else its batch may still answer it
                waiting.append(Waiting(line, job, promotion.way, TWICE * held, promotion.last_us))
        if waiting:
            log.info("lines are promoted", extra={"shard": shard.id, "count": len(waiting)})
            self._runner.hand_in(waiting, urgent=True)
