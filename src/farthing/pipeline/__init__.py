"""The one interface of the pipeline, and the loop that makes one function of a list of steps."""

from collections.abc import Awaitable, Iterable
from typing import Protocol

from farthing.model.call import Answer, Call, Proceed


class Step(Protocol):
    """A stage of the pipeline.

    It may change the call, answer it itself, call `proceed` more than once, or look at the answer. It keeps no state
    beyond what it was made with.
    """

    @property
    def name(self) -> str:
        """Key in the settings, label in reports."""

    async def __call__(self, call: Call, proceed: Proceed) -> Answer: ...


def chain(steps: Iterable[Step], upstream: Proceed) -> Proceed:
    """One function that walks `steps` in order and ends at `upstream`."""
    proceed = upstream
    for step in reversed(list(steps)):
        proceed = _before(step, proceed)
    return proceed


def _before(step: Step, rest: Proceed) -> Proceed:
    walk = step.__call__  # looked up once, not in each call

    def proceed(call: Call) -> Awaitable[Answer]:
        return walk(call, rest)

    return proceed


__all__ = ["Proceed", "Step", "chain"]
