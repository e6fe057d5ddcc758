"""The defer step: a call that can wait is handed to the queue, where it costs less; all others pass.

It comes after the cache, since a hit need not wait, and before the model is chosen, since that is done when the call runs.
Lines of jobs pass here too: what it saved that they waited is booked when their answer comes. Knows nothing of the store,
of providers and of how the queue is worked.
"""

from collections.abc import Awaitable, Callable

from farthing.model.call import Answer, Call
from farthing.pipeline import Proceed
from farthing.prices import Pricing
from farthing.steps.defer.asked import TIERS, Wish
from farthing.steps.defer.booking import ORIGIN, of_line

Asked = Callable[[Call], Wish | None]
"""How long a call may wait; None: not at all."""
Hand = Callable[[Call, Wish, Proceed], Awaitable[Answer]]
"""Hands a call over, and answers its client."""


def _nobody_waits(call: Call) -> Wish | None:
    return None


class Defer:
    """See the module."""

    name = "defer"

    def __init__(
        self, asked: Asked = _nobody_waits, hand: Hand | None = None, book: Pricing | None = None,
        has_batches: Callable[[str], bool] = lambda provider: False, treated: Callable[[Call], None] = lambda call: None,
        at_known_tier: Callable[[Call], None] = lambda call: None,
    ) -> None:  # fmt: skip
        """`book` and `has_batches`, whether a provider knows batches, are for lines of jobs; `treated` marks the call of one
        that waited as one that was not held out; `at_known_tier` takes a service tier out of one that goes at once to a
        provider that does not know it."""
        self._asked = asked
        self._hand = hand
        self._book = book
        self._has_batches = has_batches
        self._treated = treated
        self._at_known_tier = at_known_tier

    async def __call__(self, call: Call, proceed: Proceed) -> Answer:
        if call.walk != "live":
            return await self._line(call, proceed)
        if self._hand is None:
            return await proceed(call)
        wish = self._asked(call)
        if wish is None:
            if call.ask.tier in TIERS:
                self._at_known_tier(call)
            return await proceed(call)
        return await self._hand(call, wish, proceed)

    async def _line(self, call: Call, proceed: Proceed) -> Answer:
        """A line of a job; what waiting saved is known with its answer."""
        if call.walk != "settling":  # what its packing noted is its own
            call.trail.note(self.name, "waited", "it went as a line of a job")
            if call.kept is not None and call.kept.get(ORIGIN) == "call":
                self._treated(call)
        answer = await proceed(call)
        answer.on_end(lambda _: self._settle(call))
        return answer

    def _settle(self, call: Call) -> None:
        if self._book is None or call.deployment is None:
            return
        saving = of_line(call, self._book, has_batches=self._has_batches(call.deployment.provider))
        if saving is not None:
            call.trail.savings.append(saving)
