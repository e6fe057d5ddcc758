"""Output controls: what makes answers, or conversations, cost less, each where a feature's settings say so.

A control that is on trial goes to a share of the sessions; whoever holds the evidence then says whether it is on, where it
was shown to do no harm, or off. What the controls save on one call cannot be known, so nothing is booked here, but for the
history: held-out calls go without all of them, and reports compare the two arms, in dollars and quality. Knows nothing of
prices and of what a control writes.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from farthing.model.call import Answer, Call
from farthing.model.errors import UpstreamError
from farthing.pipeline import Proceed
from farthing.steps.shape.arm import OPENING, Arm
from farthing.steps.shape.control import Change, Control, Drawn, Gate, note_drawn, scope_of
from farthing.wire.asked import asked as read_asked
from farthing.wire.output_limit import can_limit


class Rules(msgspec.Struct, frozen=True):
    """The controls of one feature, in the order in which they change a request."""

    controls: tuple[Control, ...] = ()
    trial: frozenset[str] = frozenset()
    """Names of those that are on trial; the others are on."""

    def __bool__(self) -> bool:
        return bool(self.controls)


class _Done(NamedTuple):
    """What was decided of one call."""

    changed: list[tuple[Control, Change]]
    drawn: list[Drawn]
    left: list[Control]
    """Those that changed nothing."""


class Output:
    """See the module. `features` says what holds for a feature's calls, where that differs from `everywhere`."""

    name = "output"

    def __init__(self, everywhere: Rules, features: Mapping[str, Rules], arm: Arm, gate: Gate | None = None) -> None:
        """Without a gate nothing is on trial."""
        self._everywhere = everywhere
        self._features = dict(features)
        self._arm = arm
        self._gate = gate

    async def __call__(self, call: Call, proceed: Proceed) -> Answer:
        rules = self._features.get(call.principal.feature, self._everywhere)
        if not rules or not can_limit(call.wire):
            return await proceed(call)
        if call.walk == "settling":
            return await self._settled(call, rules, proceed)
        if self._arm.holds_out(call):
            return await proceed(call)
        models = call.targets or (call.ask.model,)
        body, ask = call.body, call.ask
        done = self._decide(call, rules, models)
        if call.kept is not None and (done.changed or done.drawn):
            call.kept[self.name] = {
                "after": {control.key: change.kept for control, change in done.changed if change.kept is not None},
                "drawn": [[each.control, each.treated, each.phase] for each in done.drawn],
            }
        first = len(call.trail.attempts)
        try:
            answer = await proceed(call)
        except UpstreamError:
            self._failed(call, done.drawn)
            raise
        finally:
            call.body, call.ask = body, ask
        for control, change in done.changed:
            control.after(call, answer, change.kept, first)
        for control in done.left:
            control.heed(call, models, answer)
        self._watch(call, answer, done.drawn, first)
        return answer

    async def _settled(self, call: Call, rules: Rules, proceed: Proceed) -> Answer:
        """Learn from the answer to a call that was changed when it was prepared."""
        first = len(call.trail.attempts)
        answer = await proceed(call)
        kept: Any = None if call.kept is None else call.kept.get(self.name)
        if not isinstance(kept, dict):
            return answer
        for control in rules.controls:
            if control.key in kept["after"]:
                control.after(call, answer, kept["after"][control.key], first)
        self._watch(call, answer, [Drawn(*each) for each in kept["drawn"]], first)
        return answer

    def _decide(self, call: Call, rules: Rules, models: Sequence[str]) -> _Done:
        """Change the call as its controls say that it has use for and is to get."""
        done = _Done([], [], [])
        beside: frozenset[str] = frozenset()
        unit = ""
        if rules.trial:
            _look(call)  # before anything is changed
        for control in rules.controls:
            change = control.change(call, models, beside)
            if change is None:
                done.left.append(control)
                continue
            beside |= {control.name}
            if control.name in rules.trial and self._gate is not None:
                unit = unit or _unit(call)
                if not self._gets(self._gate, call, unit, control, change, done.drawn):
                    done.left.append(control)
                    continue
            call.body = change.body
            call.ask = change.ask or call.ask
            call.trail.note("history" if control.name == "history" else self.name, change.what, change.why)
            done.changed.append((control, change))
        return done

    def _gets(
        self, gate: Gate, call: Call, unit: str, control: Control, change: Change, drawn: list[Drawn]
    ) -> bool:  # fmt: skip
        """Whether a call gets a control that is on trial."""
        tenant = call.principal.tenant
        stand = gate.stand(tenant, _scope(call), control.key)
        if stand.state == "off":
            call.trail.note(self.name, f"without: {change.what}", f"switched off by its trial: {stand.why}")
            return False
        part = Drawn(control.key, gate.draws(tenant, unit, control.key, stand.share), stand.phase)
        drawn.append(part)
        note_drawn(call, part)
        return part.treated

    def _watch(self, call: Call, answer: Answer, drawn: Sequence[Drawn], first: int) -> None:
        if drawn and self._gate is not None:
            self._gate.watch(call, answer, _scope(call), drawn, first)

    def _failed(self, call: Call, drawn: Sequence[Drawn]) -> None:
        if drawn and self._gate is not None:
            self._gate.failed(call, _scope(call), drawn)


def _scope(call: Call) -> str:
    return scope_of(call.principal.feature, call.template, call.task)


def _look(call: Call) -> None:
    """What a call's turns have in common becomes its session, where it has none."""
    asked = call.asked = call.asked or read_asked(call.wire, call.body)
    if asked is not None:
        call.template = call.template or asked.template
        call.session = call.session or asked.prefix


def _unit(call: Call) -> str:
    return call.session or call.body[:OPENING].decode("latin-1")
