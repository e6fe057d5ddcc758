"""Makes contexts that are worth it, prolongs them while they are, and lets them go. Never on a call's way: a task looks every
few seconds at what calls have left.

A context lives ten minutes and is prolonged by as many, so that one whose gateway was killed costs no longer than that. Whoever
books what it costs is told of its making at once, and of its storage when a stretch of its life is over: what was stored in a
killed gateway's last stretch is in no row.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NamedTuple, Protocol

import msgspec

from farthing.model.errors import UpstreamError
from farthing.model.marks import Context
from farthing.steps.shape.contexts import Beginning, Contexts, Key
from farthing.wire.gemini_context import creation, lifetime, opening_of

log = logging.getLogger("farthing.prompts")

EVERY_S = 15.0
LIFETIME_S = 600
AHEAD_S = 60.0
"""A context is prolonged so long before its end; where that fails no call is given it in the last half of this."""
AFTER_FAILURE_S = 3_600.0


class Made(Protocol):
    """See `upstream.context_caches.Made`."""

    @property
    def name(self) -> str: ...
    @property
    def tokens(self) -> int: ...


class Caches(Protocol):
    """See `upstream.context_caches.ContextCaches`."""

    def create(self, body: bytes) -> Awaitable[Made]: ...
    def prolong(self, name: str, lifetime: str) -> Awaitable[bool]: ...
    def delete(self, name: str) -> Awaitable[None]: ...


class Stored(NamedTuple):
    """The making of a context, or a stretch of its life, to be booked."""

    key: Key
    tokens: int
    seconds: float
    made: bool
    """Its tokens were read, at the plain price."""


class _Life(msgspec.Struct):
    """A context that this process has made."""

    beginning: Beginning
    context: Context
    tokens: int
    since: float
    """What came before is booked."""
    until: float
    """When it ends at the provider, at the latest."""


class ContextKeeper:
    """See the module. `caches` are those of a provider, by its name; `refused` what they raise, besides UpstreamError."""

    def __init__(
        self, contexts: Contexts, caches: Callable[[str], Caches], refused: type[Exception],
        book: Callable[[Stored], None], clock: Callable[[], float],
    ) -> None:  # fmt: skip
        self._contexts = contexts
        self._caches = caches
        self._failures = (refused, UpstreamError)
        self._book = book
        self._clock = clock
        self._lives: dict[str, _Life] = {}
        self._task: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        contexts.on_body = self._woken.set

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep(), name="contexts")

    async def close(self) -> None:
        """Delete all that were made, and end."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        for life in list(self._lives.values()):
            await self._end(life)

    async def look(self) -> None:
        """Do once what there is to do."""
        for life in list(self._lives.values()):
            await self._look_after(life)
        for beginning in list(self._contexts.beginnings.values()):
            if beginning.body:
                await self._make(beginning, beginning.body)
                beginning.wanted, beginning.body = False, b""

    async def _keep(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), EVERY_S)
            self._woken.clear()
            await self.look()

    async def _make(self, beginning: Beginning, body: bytes) -> None:
        _, provider, model, _ = beginning.key
        opening = opening_of(body)
        if opening is None:
            beginning.not_before = self._clock() + AFTER_FAILURE_S
            return
        begun = self._clock()
        try:
            made = await self._caches(provider).create(creation(model, opening, LIFETIME_S))
        except self._failures as error:
            beginning.not_before = self._clock() + AFTER_FAILURE_S
            log.info("a context was not to be had", extra={"error": type(error).__name__})
            return
        beginning.tokens = made.tokens or beginning.tokens
        by_itself = int(beginning.held_anyway * 100)
        beginning.context = Context(provider, model, made.name, opening.raw, by_itself)
        self._lives[made.name] = _Life(beginning, beginning.context, beginning.tokens, begun, begun + LIFETIME_S)
        self._book(Stored(beginning.key, beginning.tokens, 0.0, made=True))

    async def _look_after(self, life: _Life) -> None:
        now, beginning = self._clock(), life.beginning
        is_used = beginning.context is not None and beginning.context.name == life.context.name
        is_known = self._contexts.beginnings.get(beginning.key) is beginning
        if not is_used:  # the provider said that it is gone
            self._over(life, min(now, life.until))
        elif not is_known or not beginning.is_worth_keeping(now):
            await self._end(life)
        elif now > life.until - AHEAD_S:
            await self._prolong(life)

    async def _prolong(self, life: _Life) -> None:
        now, beginning = self._clock(), life.beginning
        try:
            lives = await self._caches(life.context.provider).prolong(life.context.name, lifetime(LIFETIME_S))
        except self._failures:
            lives = now < life.until - AHEAD_S / 2  # it is tried again while there is time
            if lives:
                return
        if not lives:
            beginning.context = None
            self._over(life, min(now, life.until))
            return
        self._tell(life, now)
        life.since, life.until = now, now + LIFETIME_S
        context = msgspec.structs.replace(life.context, by_itself=int(beginning.held_anyway * 100))
        beginning.context = life.context = context

    async def _end(self, life: _Life) -> None:
        """Nobody needs it any more."""
        life.beginning.context = None
        with suppress(*self._failures):
            await self._caches(life.context.provider).delete(life.context.name)
        self._over(life, min(self._clock(), life.until))

    def _over(self, life: _Life, at: float) -> None:
        self._lives.pop(life.context.name, None)
        self._tell(life, at)

    def _tell(self, life: _Life, at: float) -> None:
        self._book(Stored(life.beginning.key, life.tokens, max(0.0, at - life.since), made=False))
