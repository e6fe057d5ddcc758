"""Output controls: a limit that was learned, and how hard the model shall think; each only where a feature's settings say so.

- The limit is what 99 in 100 answers of such work by the model stay within, and half as much again. It cuts off what runs
  away, and budgets set aside less. An answer that meets it is noted, and the limit for such work doubles. Models that think
  get none: their thoughts need room that nobody can foretell.
- The effort goes to models that are known to take one, where the request says nothing about thinking.

What the controls save on one call cannot be known, so nothing is booked: held-out calls go without them, and reports compare
the two arms, in dollars and quality. Knows nothing of prices.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

import msgspec

from farthing.model.call import Answer, Call, Deployment
from farthing.model.errors import UnknownModel
from farthing.model.routes import scopes_of
from farthing.pipeline import Proceed
from farthing.steps.shape.arm import Arm
from farthing.wire.asked import asked as read_asked
from farthing.wire.effort import takes, with_effort
from farthing.wire.output_limit import can_limit, least_output, with_output_limit

SHARE = 0.99
LEAST_LIMIT = 64
"""Tokens; a lower limit saves nothing that is worth a cut answer."""
MOST_RAISED = 10_000
"""Kinds of work whose raised limits are remembered."""


class Rules(msgspec.Struct, frozen=True):
    """The controls of one feature."""

    learned_limit: bool = False
    effort: str = ""

    def __bool__(self) -> bool:
        return self.learned_limit or bool(self.effort)


class Lengths(Protocol):
    """See `catalog.Expect`."""

    def likely_most(self, tenant: str, scopes: tuple[str, ...], model: str, share: float = ...) -> int | None: ...


Places = Callable[[str], Sequence[Deployment]]
"""Where a model is served. Raises UnknownModel."""
Thinks = Callable[[str], bool]
"""Whether a model may think before it answers; also where nobody knows it."""
_Work = tuple[str, str, str]
"""Tenant, narrowest scope, model."""


class Output:
    """See the module. `features` says what holds for a feature's calls, where that differs from `everywhere`."""

    name = "output"

    def __init__(
        self, everywhere: Rules, features: Mapping[str, Rules], lengths: Lengths, places: Places, thinks: Thinks, arm: Arm
    ) -> None:  # fmt: skip
        self._everywhere = everywhere
        self._features = dict(features)
        self._lengths = lengths
        self._places = places
        self._thinks = thinks
        self._arm = arm
        self._raised: OrderedDict[_Work, int] = OrderedDict()

    async def __call__(self, call: Call, proceed: Proceed) -> Answer:
        if call.walk == "settling":
            return await self._settled(call, proceed)
        rules = self._features.get(call.principal.feature, self._everywhere)
        if not rules or not can_limit(call.wire) or self._arm.holds_out(call):
            return await proceed(call)
        models = call.targets or (call.ask.model,)
        body, ask = call.body, call.ask
        if rules.effort:
            self._set_effort(call, rules.effort, models)
        work = self._limit(call, models) if rules.learned_limit and call.body is body else None
        if call.body is body:
            return await proceed(call)
        first = len(call.trail.attempts)
        limit = call.ask.max_output
        if call.kept is not None and work is not None:
            call.kept[self.name] = [*work, limit]
        try:
            answer = await proceed(call)
        finally:
            call.body, call.ask = body, ask
        if work is not None and limit is not None:
            answer.on_end(partial(self._learn, call, work, limit, first))
        return answer

    async def _settled(self, call: Call, proceed: Proceed) -> Answer:
        """Learn from the answer to a call whose limit was set when it was prepared."""
        first = len(call.trail.attempts)
        answer = await proceed(call)
        kept = None if call.kept is None else call.kept.get(self.name)
        if kept is not None:
            tenant, scope, model, limit = kept
            answer.on_end(partial(self._learn, call, (tenant, scope, model), limit, first))
        return answer

    def _set_effort(self, call: Call, effort: str, models: Sequence[str]) -> None:
        places = self._deployments(models)
        if not places or not all(takes(call.wire, place.model) for place in places):
            return
        made = with_effort(call.wire, call.body, effort)
        if made is not call.body:
            call.body = made
            call.trail.note(self.name, f"effort {effort}", "the settings of the feature")

    def _limit(self, call: Call, models: Sequence[str]) -> _Work | None:
        """Set the limit of an answer. Returns what it holds for; None where there is none."""
        places = self._deployments(models)
        if (
            len(models) != 1
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
        call.body = with_output_limit(call.wire, call.body, limit, places[0].model)
        call.ask = msgspec.structs.replace(call.ask, max_output=limit)
        call.trail.note(self.name, f"at most {limit:,} tokens", f"99 in 100 such answers stay within {most:,}")
        return work

    def _deployments(self, models: Sequence[str]) -> list[Deployment]:
        """Everywhere the call may go; empty where one of the models is not known."""
        try:
            return [place for model in models for place in self._places(model)]
        except UnknownModel:
            return []

    def _learn(self, call: Call, work: _Work, limit: int, first: int, _: object) -> None:
        """An answer that met its limit was cut off: say so, and leave the next one twice the room."""
        attempt = next((each for each in reversed(call.trail.attempts[first:]) if not each.part), None)
        if attempt is None or attempt.usage is None or attempt.usage.out < limit:
            return
        call.trail.note(self.name, "the answer met its limit", f"for such work it is {2 * limit:,} tokens from now on")
        self._raised[work] = 2 * limit
        self._raised.move_to_end(work)
        if len(self._raised) > MOST_RAISED:
            self._raised.popitem(last=False)
