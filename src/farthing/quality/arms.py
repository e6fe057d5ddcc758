"""Keeps the hold-outs' arms: looks at what is shown, ends or shrinks an arm, and tells those who draw.

The rule is `holdout.advise`. Each gateway looks by itself; whoever is first changes the share, the others take it over.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress

from farthing.quality.holdout import advise, prove
from farthing.store import Store, StoreError
from farthing.store.shares import Share, Shares
from farthing.store.store import now_us

log = logging.getLogger(__name__)

TAKE_OVER_S = 60.0
"""How long a share that another gateway changed may stay unknown here."""
Hear = Callable[[Mapping[str, float], str], None]
LOOK_S = 6 * 3600.0
"""Between two looks at what is shown."""


class Arms:
    """`configured`: the share of each lever at work, by the settings. `hear` gets the shares that hold and the salt of the
    draws, at the start and whenever a share changes."""

    def __init__(
        self, store: Store, configured: Mapping[str, float], hear: Hear, *,
        take_over_s: float = TAKE_OVER_S, look_s: float = LOOK_S,
        now_us: Callable[[], int] = now_us,
    ) -> None:  # fmt: skip
        self._store = store
        self._shares = Shares(store, now_us)
        self._configured = dict(configured)
        self._hear = hear
        self._take_over_s = take_over_s
        self._look_s = look_s
        self._known: dict[str, float] | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Tell the shares that hold, and keep them from now on. Raises StoreError."""
        await self.take_over()
        self._task = asyncio.create_task(self._keep(), name="hold-outs")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def take_over(self) -> dict[str, Share]:
        """Read the shares, and tell them if they changed. Raises StoreError."""
        kept = await self._shares.follow(self._configured)
        shares = {lever: each.share for lever, each in kept.items()}
        if shares != self._known:
            salt = await self._shares.salt()
            self._known = shares
            self._hear(shares, salt)
        return kept

    async def look(self) -> None:
        """Change what is shown to need a change. Raises StoreError."""
        kept = await self.take_over()
        for lever, share in kept.items():
            sums = await self._store.arm_sums(share.since_us, lever=lever)
            for proof in await asyncio.to_thread(prove, sums):
                advice = advise(proof, share.share)
                if advice.share != share.share and await self._shares.change(share, advice.share, advice.why):
                    log.warning("sessions without %s: %.2f %%, %s", lever, advice.share * 100, advice.why)
        await self.take_over()

    async def _keep(self) -> None:
        clock = asyncio.get_running_loop().time
        looked = clock()
        while True:
            await asyncio.sleep(self._take_over_s)
            try:
                if clock() - looked >= self._look_s:
                    looked = clock()
                    await self.look()
                else:
                    await self.take_over()
            except StoreError as error:
                log.warning("hold-outs cannot be looked at: %s", error.message)
