"""One replay: the calls of the past through a gateway with these settings, in the order of their times, and what each came to.

It is the gateway that serves people (`app.build`), with a clock that the calls move and providers that answer as recorded.
So a plan is what would have happened, as far as the answers would have been asked for alike. Knows nothing of plans.
"""

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from farthing.app.around import Around
from farthing.app.build import Parts, assemble
from farthing.app.inside import JSON, sent
from farthing.app.moved import Moved
from farthing.catalog import facts_of
from farthing.catalog.token_ratio import start_of
from farthing.model.money import Nano
from farthing.model.past import PastCall
from farthing.model.principal import Key
from farthing.model.record import Record
from farthing.planner.garbage import seldom
from farthing.planner.replay.readers import Reading
from farthing.planner.replay.recorded import Recorded
from farthing.planner.replay.tending import Tending
from farthing.planner.replay.world import settings_for
from farthing.settings import Settings, StoreSettings, StoreUrl
from farthing.steps.route.weighing import KEEP_S
from farthing.store import hash_of, new_secret, open_store
from farthing.wire import FORMATS

WRITE_EVERY = 500
"""Calls between two writes of the replay's own ledger; with budgets each is written, since they count what is written."""
PATIENCE_S = 60.0
SELDOM = 50_000
"""New objects between two looks for garbage in circles. Calls leave little, and what was read for other replays is much to
look through."""
Hear = Callable[[int], None]
"""Hears how many calls were asked."""


class Came(msgspec.Struct, frozen=True):
    """What one call came to. Nano-dollars."""

    cost: Nano
    known: bool
    """Whether its cost is."""
    status: int
    by_lever: dict[str, Nano] = {}
    cache: str = ""
    model: str = ""
    task: str = ""
    """The kind of work, where it was looked for."""


async def replay(
    calls: Sequence[PastCall], own: Settings | None, switch: Callable[[Settings], Settings], hear: Hear | None = None,
    reading: Reading | None = None, *, budgets: bool = False,
) -> list[Came | None]:  # fmt: skip
    """What each of `calls`, which are in the order of their times, would have come to; None where it was refused before it
    was booked. `reading` is shared by the replays of the same calls; `budgets`: those of the settings hold. Raises StoreError,
    SettingsError; TimeoutError for a call that waits in vain for somebody else's money."""
    settings = switch(settings_for(calls, own, budgets=budgets))
    return await replay_with(calls, settings, hear, reading, budgets=budgets)


async def replay_with(
    calls: Sequence[PastCall], settings: Settings, hear: Hear | None = None, reading: Reading | None = None, *, budgets: bool = False
) -> list[Came | None]:  # fmt: skip
    """The same with settings that are ready, but for the store, which is the replay's own."""
    with TemporaryDirectory(prefix="farthing-plan-") as folder, seldom(SELDOM):
        world = _World(calls, _stored_in(Path(folder), settings), reading or Reading(), 1 if budgets else WRITE_EVERY)
        return await world.play(calls, hear)


def _stored_in(folder: Path, settings: Settings) -> Settings:
    url = StoreUrl(f"sqlite:///{folder.absolute() / 'replay.db'}")
    return msgspec.structs.replace(settings, store=StoreSettings(url=url))


class _World:
    def __init__(self, calls: Sequence[PastCall], settings: Settings, reading: Reading, write_every: int) -> None:
        self._settings = settings
        self._time = Moved(calls[0].at_us if calls else 0)
        self._ids = random.Random(1)
        self._provider = Recorded(lambda: self._time.now_us / 1e6, self._time.passes, wordiness, reading)
        self._reading = reading
        self._write_every = write_every
        self._writes = 0
        self._steady_until_us = 0
        self._prices = 0
        self._place = -1
        self._came: list[Came | None] = [None] * len(calls)
        self._place_of: dict[str, int] = {}

    async def play(self, calls: Sequence[PastCall], hear: Hear | None) -> list[Came | None]:
        async with AsyncExitStack() as stack:
            secrets = await self._keys({past.tenant for past in calls})
            parts = await assemble(self._settings, stack, self._around())
            self._book = parts.book
            tend = Tending(self._settings.student, parts.learning, self._time.now_us)
            for place, past in enumerate(calls):
                await tend(past.at_us)
                if self._settings.budgets:
                    async with asyncio.timeout(PATIENCE_S):
                        await self._ask(parts, place, past, secrets[past.tenant])
                else:  # nobody else's money is waited for
                    await self._ask(parts, place, past, secrets[past.tenant])
                if parts.cache is not None:
                    await parts.cache.settle()
                if place % self._write_every == self._write_every - 1:
                    await parts.ledger.flush(PATIENCE_S)
                    await parts.purses.settle()
                    self._writes += 1
                if hear is not None and place % WRITE_EVERY == WRITE_EVERY - 1:
                    hear(place + 1)
            await parts.ledger.flush(PATIENCE_S)
        return self._came

    async def _ask(self, parts: Parts, place: int, past: PastCall, secret: str) -> None:
        self._time.to(past.at_us)
        self._place, self._provider.now = place, past
        path = FORMATS[past.wire].path
        edge = parts.endpoints.edges[path]
        await sent(edge, path, [(b"authorization", b"Bearer " + secret.encode()), JSON, *_said(past)], past.prompt)

    def _around(self) -> Around:
        return Around(
            clock=self._time.clock, dice=random.Random(1), new_id=self._new_id, client=self._provider,
            observers=[self._heard], driven=True, kept=self._is_read_later(), readers=self._reading.gateway,
            judge=self._reading.judge, weighing=self._weighing,
        )  # fmt: skip

    def _is_read_later(self) -> bool:
        """Budgets count what is stored, and students learn from it."""
        return bool(self._settings.budgets) or self._settings.student.mode != "off"

    def _weighing(self) -> float:
        """Models are weighed anew when the ledger was written, since nothing is learned before, and when a price changes."""
        if self._time.now_us >= self._steady_until_us:
            self._prices += 1
        self._steady_until_us = self._book.next_change(self._time.now_us)
        return KEEP_S * (self._writes + self._prices)

    def _new_id(self) -> str:
        """The first that a call asks for is its own; more would be of what the gateway asks by itself."""
        name = f"call-{self._time.now_us // 1000:011x}{self._ids.getrandbits(64):016x}"
        if self._place >= 0:
            self._place_of[name], self._place = self._place, -1
        return name

    def _heard(self, records: Iterable[Record]) -> None:
        for record in records:
            place = self._place_of.pop(record.id, None)
            if place is not None:
                saved: dict[str, Nano] = {}
                for each in record.savings:
                    saved[each.lever] = saved.get(each.lever, 0) + each.saved
                self._came[place] = Came(
                    record.cost,
                    record.cost_state not in ("unpriced", "unknown"),
                    record.status,
                    saved,
                    record.cache,
                    record.model,
                    record.task,
                )

    async def _keys(self, tenants: Iterable[str]) -> dict[str, str]:
        """A key for each tenant: what one may reuse of another is nothing, here too."""
        secrets: dict[str, str] = {}
        store = await open_store(self._settings.store.url.reveal())
        for number, tenant in enumerate(sorted(tenants)):
            secrets[tenant] = new_secret()
            await store.add_key(
                Key(
                    id=f"key-{number}",
                    name=tenant or "default",
                    hash=hash_of(secrets[tenant]),
                    tenant=tenant or "default",
                )
            )
        await store.close()
        return secrets


def _said(past: PastCall) -> list[tuple[bytes, bytes]]:
    """What the log says of a call, as its client would."""
    said = {
        "feature": past.feature, "team": past.team, "project": past.project, "user": past.user, "task": past.task,
        "session": past.session,
    }  # fmt: skip
    return [
        (f"x-farthing-{name}".encode(), value.encode("latin-1", "replace")) for name, value in said.items() if value
    ]


@lru_cache(maxsize=1024)
def wordiness(model: str, other: str) -> float:
    """Tokens that `model` writes for one of `other`'s: how much more it says, and into how many more its vocabulary cuts the same
    words."""
    return facts_of(model).verbosity / facts_of(other).verbosity * start_of(model) / start_of(other)
