"""The learned limit: what 99 in 100 answers of such work by the model stay within, and half as much again. It cuts off what runs
away, and budgets set aside less. An answer that meets it is noted, and the limit for such work doubles. Models that think
get none: their thoughts need room that nobody can foretell.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

import msgspec

from farthing.model.call import Answer, Call
from farthing.model.routes import scopes_of
from farthing.steps.shape.control import Change, Places, Quiet
from farthing.steps.shape.places import deployments
from farthing.wire.asked import asked as read_asked
from farthing.wire.output_limit import least_output, with_output_limit

SHARE = 0.99
LEAST_LIMIT = 64
"""Tokens; a lower limit saves nothing that is worth a cut answer."""
MOST_RAISED = 10_000
"""Kinds of work whose raised limits are remembered."""
STEP = "output"


class Lengths(Protocol):
    """See `catalog.Expect`."""

    def likely_most(self, tenant: str, scopes: tuple[str, ...], model: str, share: float = ...) -> int | None: ...


Thinks = Callable[[str], bool]
"""Whether a model may think before it answers; also where nobody knows it."""
_Work = tuple[str, str, str]
"""Tenant, narrowest scope, model."""


class LearnedLimit(Quiet):
    """See the module."""

    name = "max_output"
    key = "max_output learned"

    def __init__(self, lengths: Lengths, places: Places, thinks: Thinks) -> None:
        self._lengths = lengths
        self._places = places
        self._thinks = thinks
        self._raised: OrderedDict[_Work, int] = OrderedDict()

    def change(self, call: Call, models: Sequence[str], beside: frozenset[str]) -> Change | None:
        places = deployments(self._places, models)
        if (
            "effort" in beside
            or len(models) != 1
            or call.ask.choices != 1
            or not places
            or any(self._thinks(place.model) for place in places)
        ):
            return None
        if call.asked is None:
            call.asked = read_asked(call.wire, call.body)
        asked = call.asked
        if asked is None or asked.reasoning:
            return None
        call.template = call.template or asked.template
        scopes = scopes_of(call.template, call.task)
        if len(scopes) < 2:  # nothing is known of the kind of work
            return None
        most = self._lengths.likely_most(call.principal.tenant, scopes, models[0], SHARE)
        if most is None:
            return None
        work = (call.principal.tenant, scopes[0], models[0])
        limit = max(most * 3 // 2, LEAST_LIMIT, least_output(call.wire, call.body), self._raised.get(work, 0))
        if call.ask.max_output is not None and call.ask.max_output <= limit:
            return None
        return Change(
            with_output_limit(call.wire, call.body, limit, places[0].model), f"at most {limit:,} tokens",
            f"99 in 100 such answers stay within {most:,}", msgspec.structs.replace(call.ask, max_output=limit),
            [*work, limit],
        )  # fmt: skip

    def after(self, call: Call, answer: Answer, kept: Any, first: int) -> None:
        tenant, scope, model, limit = kept
        answer.on_end(partial(self._learn, call, (tenant, scope, model), limit, first))

    def _learn(self, call: Call, work: _Work, limit: int, first: int, _: object) -> None:
        """An answer that met its limit was cut off: say so, and leave the next one twice the room."""
        attempt = next((each for each in reversed(call.trail.attempts[first:]) if not each.part), None)
        if attempt is None or attempt.usage is None or attempt.usage.out < limit:
            return
        call.trail.note(STEP, "the answer met its limit", f"for such work it is {2 * limit:,} tokens from now on")
        self._raised[work] = 2 * limit
        self._raised.move_to_end(work)
        if len(self._raised) > MOST_RAISED:
            self._raised.popitem(last=False)
