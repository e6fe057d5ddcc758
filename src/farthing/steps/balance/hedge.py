"""A second request where the first keeps one waiting: whoever answers first wins, the other is called off.

Knows nothing of deployments and money.
"""

import asyncio
from collections.abc import Callable

from farthing.model.call import Answer
from farthing.steps.balance.opening import BadStart, end

Lane = asyncio.Task[Answer]


async def race(one: Lane, start_other: Callable[[], Lane | None], after_s: float) -> tuple[Lane, Lane | None]:
    """The lane whose answer counts, and the other one, which has ended too; None if `one` was alone. A lane that fails
    loses while the other may still answer."""
    other: Lane | None = None
    try:
        await asyncio.wait({one}, timeout=after_s)
        other = None if one.done() else start_other()
        if other is None:
            await asyncio.wait({one})
            return one, None
        await asyncio.wait({one, other}, return_when=asyncio.FIRST_COMPLETED)
        if not any(lane.done() and good(lane) for lane in (one, other)):
            await asyncio.wait({one, other})
        winner = other if not (one.done() and good(one)) and good(other) else one
        loser = other if winner is one else one
        await call_off(loser)
        return winner, loser
    except asyncio.CancelledError:
        for lane in (one, other):
            if lane is not None:
                await call_off(lane)
        raise


def good(lane: Lane) -> bool:
    """Whether a lane that is done has an answer that a client wants."""
    return not lane.cancelled() and lane.exception() is None and lane.result().status < 400


async def call_off(lane: Lane) -> None:
    """End a lane, and the stream that it may have begun."""
    if not lane.done():
        lane.cancel()
        await asyncio.wait({lane})
    if lane.cancelled():
        return
    error = lane.exception()
    if error is None:
        end(lane.result())
    elif isinstance(error, BadStart):
        end(error.answer)
