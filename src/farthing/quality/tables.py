"""Keeps the routing table up to date: reads evidence every so often, has a table made of it, and brings in what changed.

Promotions are proposed for a person's review, or applied a few at a time (`routing.changes`). Demotions are applied at
once, whatever that setting is. What a person undid is not applied again: from then on promotions are proposed, until a
person applies one. Each change is a version of its own with the reasons of its moves, and can be undone. The
table that holds is the store's, so all gateways route alike; without a store the last one known goes on.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from farthing.model.money import Nano
from farthing.model.routes import Cell, Table
from farthing.quality.allowance import Allowance
from farthing.quality.evidence import Evidence
from farthing.quality.noninferiority import verdict
from farthing.quality.probing import MENDED
from farthing.quality.proposals import Floors, Move, moves, reason, refreshed, with_moves
from farthing.quality.recorder import Recorder
from farthing.store import StoreError
from farthing.store.evidence import Sums
from farthing.store.routes import Change

log = logging.getLogger("farthing.quality")

WHO = "farthing"
AT_A_TIME = 5
"""Promotions that are applied in one refresh: were something wrong with the evidence, not all would change at once."""
BAD_DAYS = 0.1
"""Share of comparisons in which a model was worse, before it seemed mended, from which on they were bad days."""
KEEP_DAYS = 90
"""Evidence older than that counts no more: models, prompts and people change."""
DAY_US = 86_400_000_000
LOOKED_BACK = 1_000
"""Changes in which a person's latest word is looked for."""

Make = Callable[[Sequence[Sums]], Table]
"""A table from what counts; from nothing, the prior table."""


class Versions(Protocol):
    """Where versions of the table are kept."""

    async def active_version(self) -> int: ...
    async def active(self) -> Table: ...
    async def propose(self, table: Table, why: str, who: str = "", *, base: int | None = None) -> int: ...
    async def apply(self, version: int, who: str) -> bool: ...
    async def history(self, limit: int) -> list[Change]: ...


class Spent(Protocol):
    """Who knows what looking at quality has cost since a time, by all gateways, in nano-dollars by tenant."""

    async def __call__(self, since_us: int) -> Mapping[str, Nano]: ...


class Tables:
    """See the module. `flagship` names the model that quality is compared with."""

    def __init__(
        self, evidence: Evidence, recorder: Recorder, versions: Versions, make: Make, floors: Floors, *,
        flagship: Callable[[], str], changes: Literal["propose", "apply"], every_s: float = 15.0,
        allowance: Allowance | None = None, spent: Spent | None = None,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:  # fmt: skip
        self._evidence = evidence
        self._recorder = recorder
        self._versions = versions
        self._make = make
        self._floors = floors
        self._flagship = flagship
        self._changes = changes
        self._every_s = every_s
        self._allowance = allowance
        self._spent = spent
        self._now_us = now_us
        self._prior = make(())
        self._held = Table()
        self._proposed = ""
        self._task: asyncio.Task[None] | None = None
        self.table = self._prior
        """What holds now."""

    async def start(self, *, keeps: bool = True) -> None:
        """From the first call on the table holds that held before a restart, with its locks. `keeps`: refreshed every so
        often from now on."""
        try:
            await self._load()
        except StoreError as error:
            log.warning("the routing table is not known yet", extra={"error": type(error).__name__})
        if keeps:
            self._task = asyncio.get_running_loop().create_task(self._go_on())

    async def close(self) -> None:
        """Write what is not written yet."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        try:
            await self._evidence.refresh(self._since())
        except StoreError as error:
            log.warning("the latest evidence is lost", extra={"error": type(error).__name__})

    async def refresh(self) -> None:
        """Read evidence and bring in what changed. Raises StoreError."""
        self._recorder.alarmed.clear()
        await self._evidence.refresh(self._since())
        if self._allowance is not None and self._spent is not None:
            self._allowance.spent_by_all(await self._spent(self._allowance.day_us))
        await self._load()
        await self._demote_alarmed()
        self._begin_anew()
        new = self._make(self._evidence.current())
        found = moves(self.table, new, self._floors)
        down = [each for each in found if each.kind == "demote"]
        if down:
            await self._apply(with_moves(self._held, down), down)
        up = [each for each in found if each.kind == "promote" and self._is_shown(each)]
        if up:
            await self._promote(new, found, up)

    async def _go_on(self) -> None:
        while True:
            try:
                await self.refresh()
            except StoreError as error:
                log.warning("the routing table is not kept up to date", extra={"error": type(error).__name__})
            except Exception as error:  # whatever is wrong with one refresh, calls go on and the next is tried
                log.exception("a refresh of the routing table failed", extra={"error": type(error).__name__})
            await self._pause()

    async def _pause(self) -> None:
        """Until it is time for the next refresh, or a model was found worse: it is not to serve until then."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._every_s):
                await self._recorder.alarmed.wait()

    async def _load(self) -> None:
        """What other gateways, and people, applied."""
        if await self._versions.active_version() != self._held.version:
            self._held = await self._versions.active()
        self.table = self._held.over(self._prior)

    async def _demote_alarmed(self) -> None:
        """Take out what became worse, and let what was seen before count no more; so too for who is out already, or a
        model that was mended would have to outweigh its bad days. Each beginning has its own 5 %, but a model that is near
        its margin has an alarm, and with it a new beginning, once in 1,000 comparisons at most. An alarm stands until the
        table says so: where another change came first, the next refresh tries again."""
        down, alarms = [], list(self._recorder.alarms)
        for tenant, scope, model in alarms:
            before = self.table.cell(tenant, (scope,), model)
            seen = self._evidence.counts(tenant, scope, model, self._flagship())
            if before is None or before.state not in ("locked", "demoted"):
                after = _demoted(model, before, seen.n)
                down.append(Move("demote", tenant, scope, before, after, self._floors(scope)[0]))
        if not down or await self._apply(with_moves(self._held, down), down):
            for alarm in alarms:
                self._recorder.forget(*alarm)

    def _begin_anew(self) -> None:
        """Models that are out and seem to be mended: what they were before counts no more, where it was bad. What a test
        has gathered since then is kept, though it was worse now and then, or it would never be enough."""
        for tenant, scope, model in self._recorder.mended(MENDED):
            cell = self.table.cell(tenant, (scope,), model)
            if cell is None or (cell.state != "demoted" and cell.lower >= self._floors(scope)[0]):
                continue
            seen = self._evidence.counts(tenant, scope, model, self._flagship())
            if seen.worse > BAD_DAYS * max(0.0, seen.n - self._recorder.streak(tenant, scope, model)):
                self._recorder.forget(tenant, scope, model)

    def _is_shown(self, move: Move) -> bool:
        """Who was demoted comes back by comparisons of that very scope alone, not by what wider ones lend it."""
        if move.before is None or move.before.state != "demoted":
            return True
        seen = self._evidence.counts(move.tenant, move.scope, move.after.model, self._flagship())
        return verdict(seen, 1 - move.floor) == "promote"

    async def _promote(self, new: Table, found: Sequence[Move], up: list[Move]) -> None:
        base = refreshed(self._held, new, found)
        if self._changes == "apply" and not await self._was_undone():
            await self._apply(with_moves(base, up[:AT_A_TIME]), up[:AT_A_TIME])
            return
        words = f"{self._held.version}\n" + "\n".join(
            sorted(f"{each.after.model} {each.scope} {each.tenant} {each.floor}" for each in up)
        )
        if words != self._proposed:  # the same moves with a comparison more are no news
            await self._versions.propose(with_moves(base, up), reason(up), WHO, base=self._held.version)
            self._proposed = words

    async def _was_undone(self) -> bool:
        """Whether the latest word of a person was to undo something."""
        for change in await self._versions.history(LOOKED_BACK):
            if change.what == "undo" or (change.what == "apply" and change.who != WHO):
                return change.what == "undo"
        return False

    async def _apply(self, table: Table, done: Sequence[Move]) -> bool:
        """False if another change came first."""
        stamped = msgspec.structs.replace(table, made_us=self._now_us())
        version = await self._versions.propose(stamped, reason(done), WHO, base=self._held.version)
        applied = await self._versions.apply(version, WHO)
        if applied:
            for move in done:
                log.info("routing table: %s", move, extra={"version": version})
                if move.kind == "demote":
                    self._recorder.went_out(move.tenant, move.scope, move.after.model)
        self._proposed = ""
        await self._load()
        return applied

    def _since(self) -> int:
        return max(0, self._now_us() - KEEP_DAYS * DAY_US)


def _demoted(model: str, before: Cell | None, observations: float) -> Cell:
    known = before or Cell(model, 0.0, 0.0)
    return Cell(
        model, quality=known.quality, lower=0.0, observations=observations, state="demoted",
        out_tokens=known.out_tokens, why="of late it was worse than the floor allows",
    )  # fmt: skip
