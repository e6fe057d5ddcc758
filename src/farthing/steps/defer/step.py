"""The defer step: a call that can wait is handed to the queue, where it costs less; all others pass.

It comes after the cache, since a hit need not wait, and before the model is chosen, since that is done when the call runs.
Lines of jobs pass here too: what it saved that they waited is booked when their answer comes. Knows nothing of the store,
of providers and of how the queue is worked.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from farthing.model.batch import Job, Line
from farthing.model.call import Answer, Call
from farthing.pipeline import Proceed


class Wish(msgspec.Struct, frozen=True):
    """How long a call may wait, and how its answer is wanted."""

    deadline_s: float
    hold_s: float = 0.0
    """Seconds that the connection is held for the answer; 0: the client gets a job at once."""
    webhook: str = ""
    priority: int = 0


class Queue(Protocol):
    """Where calls wait."""

    async def submit(self, call: Call, body: bytes, wish: Wish) -> Job:
        """Take the call in: when this returns it is on disk. Raises FarthingError."""

    async def answer(self, job_id: str, timeout_s: float) -> Line | None:
        """The job's line when it has ended, with its answer; None if it has not within so many seconds."""


Asked = Callable[[Call], Wish | None]
"""How long a call may wait; None: not at all."""
Hand = Callable[[Call, Wish, Proceed], Awaitable[Answer]]
"""Hands a call over, and answers its client."""


def _nobody_waits(call: Call) -> Wish | None:
    return None


class Defer:
    """See the module."""

    name = "defer"

    def __init__(self, asked: Asked = _nobody_waits, hand: Hand | None = None) -> None:
        self._asked = asked
        self._hand = hand

    async def __call__(self, call: Call, proceed: Proceed) -> Answer:
        if self._hand is None or call.walk != "live":
            return await proceed(call)
        wish = self._asked(call)
        if wish is None:
            return await proceed(call)
        return await self._hand(call, wish, proceed)
