"""A stream that was sent with less reserved than it may come to cost: more is reserved as it goes, and where there is no
more it is ended, as the format ends an answer that met its limit.

Counted is what passes. What a provider writes ahead of that, or bills after it was told to stop, nobody here can see:
budgets that must hold to the last token limit the answer at the provider instead (`cover = "limit"`).
"""

from collections.abc import Awaitable, Callable

from farthing.model.call import Answer, Body
from farthing.wire.cut import Cut

STEP = 64
"""Tokens after which more is reserved,"""
STEP_S = 0.25
"""or so many seconds, whichever comes first."""

LEAST = 16
"""It is not worth to ask for less."""

More = Callable[[int], Awaitable[bool]]
"""See to it that an answer of so many tokens is paid for; False where that cannot be."""


class Extending:
    """See the module."""

    __slots__ = ("_ahead", "_clock", "_cut", "_inner", "_looked_at", "_more", "_over", "_paid", "leave")

    def __init__(self, inner: Body, wire: str, paid: int, more: More, clock: Callable[[], float]) -> None:
        self._inner = inner
        self._cut = Cut(wire)
        self._paid = paid
        self._more = more
        self._clock = clock
        self._looked_at = clock()
        self._over = False
        self._ahead = STEP
        """When so few tokens are left that are paid for, more are reserved."""
        self.leave = inner.leave

    async def next(self) -> bytes:
        while not self._over:
            data = await self._inner.next()
            if not data:
                self._over = True
                return self._cut.finish()
            out = self._cut.feed(data)
            if not await self._is_paid():
                self._over = True
                self.stop()
                return out + self._cut.end()
            if out:
                return out
        return b""

    def stop(self) -> None:
        """End it at once, however the provider bills."""
        stop = getattr(self._inner, "stop", self._inner.leave)
        stop()

    async def _is_paid(self) -> bool:
        """Keep so much reserved that the next steps are paid for; more of it where tokens come fast. Where there is too
        little for a whole step, half of one is asked for, and so on."""
        seen = self._cut.tokens
        if seen + self._ahead <= self._paid:
            return True
        now = self._clock()
        step = STEP * (4 if now - self._looked_at < STEP_S else 2)
        self._looked_at = now
        while step >= LEAST:
            if await self._more(seen + step):
                self._paid = seen + step
                self._ahead = min(STEP, step // 2)
                return True
            step //= 2
        self._ahead = 1  # it goes on with what it has, and is not asked again until that is used
        return seen < self._paid


def extended(answer: Answer, wire: str, paid: int, more: More, clock: Callable[[], float]) -> None:
    """Let the answer's stream be watched; `paid` tokens are reserved for it."""
    assert answer.stream is not None
    answer.stream = Extending(answer.stream, wire, paid, more, clock)
