"""What is known of prefixes outlives the process: it is added to the store every hour, and read at the start.

Other gateways learn of it in the same hour, of what they have not seen themselves. Only prefixes that came again are kept.
Nothing in here is needed by a call: where the store cannot be reached, it is tried an hour later.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice

from farthing.steps.shape.prefixes import Prefix, Prefixes, Scope, Tally
from farthing.store import StoreError
from farthing.store.prefixes import Prefixes as Kept
from farthing.store.prefixes import Reuse

EVERY_S = 3_600.0
DAY_US = 86_400_000_000
REMEMBERED_DAYS = 7
AT_ONCE = 20_000
"""Rows that are written in one hour at most, those of kinds first."""

log = logging.getLogger("farthing.prompts")


class Keeper:
    """Carries counts between a process and the store."""

    def __init__(
        self, prefixes: Prefixes, kept: Kept, now_us: Callable[[], int], every_s: float = EVERY_S
    ) -> None:  # fmt: skip
        self._prefixes = prefixes
        self._kept = kept
        self._now_us = now_us
        self._every_s = every_s
        self._known: dict[tuple[str, str], list[Reuse]] = {}
        self._task: asyncio.Task[None] | None = None
        prefixes.on_new_scope = self._fill

    async def start(self) -> None:
        """Read what was kept, and keep from now on. Raises StoreError."""
        await self.read()
        self._task = asyncio.create_task(self._keep(), name="prefixes")

    async def close(self) -> None:
        """Keep what was seen, and end."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        with suppress(StoreError):
            await self.write()

    async def read(self) -> None:
        """Take over what others have seen, where nothing is known here. Raises StoreError."""
        found: dict[tuple[str, str], list[Reuse]] = {}
        for each in await self._kept.since(self._now_us() - REMEMBERED_DAYS * DAY_US):
            found.setdefault((each.tenant, each.model), []).append(each)
        self._known = found
        for (tenant, model), scope in self._prefixes.scopes.items():
            self._fill(tenant, model, scope)

    async def write(self) -> None:
        """Add what was seen since the last time. Raises StoreError; then it is not lost, but added the next time."""
        now_us = self._now_us()
        news = (each for key, scope in self._prefixes.scopes.items() for each in _news(key, scope, now_us))
        told = list(islice(news, AT_ONCE))
        try:
            await self._kept.add([reuse for reuse, _ in told])
        except StoreError:
            for reuse, took in told:
                took(reuse)
            raise
        await self._kept.prune(self._now_us() - REMEMBERED_DAYS * DAY_US)

    def _fill(self, tenant: str, model: str, scope: Scope) -> None:
        for each in self._known.get((tenant, model), ()):
            scope.take_over(each.name, each.uses, each.came, each.stayed)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self.write()
                await self.read()
            except StoreError as error:
                log.warning("what repeats in prompts cannot be kept: %s", error.message)


Took = Callable[[Reuse], None]


def _news(key: tuple[str, str], scope: Scope, now_us: int) -> Iterator[tuple[Reuse, Took]]:
    """What the store has not been told; from now on it counts as told. Each with what takes that back."""
    tenant, model = key
    for kind, tally in scope.kinds.items():
        came, stayed = tally.news()
        if any(came) or any(stayed):
            yield Reuse(tenant, model, kind_name(kind), 0, came, stayed, now_us), _giving_back(tally)
    for digest, prefix in scope.prefixes.items():
        if prefix.uses > 1 and prefix.new_uses and prefix.own is not None:
            uses, prefix.new_uses = prefix.new_uses, 0
            reuse = Reuse(tenant, model, f"{digest:016x}", uses, *prefix.own.news(), now_us)
            yield reuse, _giving_back(prefix.own, prefix)


def _giving_back(tally: Tally, prefix: Prefix | None = None) -> Took:
    def give_back(reuse: Reuse) -> None:
        tally.give_back(reuse.came, reuse.stayed)
        if prefix is not None:
            prefix.new_uses += reuse.uses

    return give_back


def kind_name(kind: Sequence[int]) -> str:
    """A kind of place, a KindKey, as a name in the store."""
    return "k:" + ":".join(map(str, kind))
