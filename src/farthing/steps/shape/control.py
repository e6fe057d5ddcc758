"""A control: one thing that may be written into requests so that answers, or conversations, cost less. What all of them have in
common, and what is asked of whoever holds the evidence that one of them does no harm.

A control says what it would change in a call, from what is the same whether the call gets it or not; so the calls that get it
can be compared with those that do not.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from farthing.model.call import Answer, Ask, Call, Deployment

State = Literal["trial", "on", "off"]
"""Some sessions get it, so that it can be measured; it was shown to do no harm and most get it; it was shown to do harm."""
Places = Callable[[str], Sequence[Deployment]]
"""Where a model is served. Raises UnknownModel."""


class Change(NamedTuple):
    """What a control makes of a call."""

    body: bytes
    what: str
    """For the call's trail, and so is `why`."""
    why: str = ""
    ask: Ask | None = None
    """What the call asks for from then on, where that is something else."""
    kept: Any = None
    """What the control wants to have again when the answer is there; something that JSON can hold."""


class Control(Protocol):
    """See the module."""

    @property
    def name(self) -> str:
        """As settings call it."""

    @property
    def key(self) -> str:
        """What its evidence is kept under: another effort, another hint, other evidence."""

    def change(self, call: Call, models: Sequence[str], beside: frozenset[str]) -> Change | None:
        """What it would do; None where there is nothing to do. `beside`: the names of the controls that the call had use for
        before this one."""

    def after(self, call: Call, answer: Answer, kept: Any, first: int) -> None:
        """The call that it changed has an answer; its attempts begin at `first`."""

    def heed(self, call: Call, models: Sequence[str], answer: Answer) -> None:
        """A call that it did not change has an answer."""


class Quiet:
    """A control that learns nothing from answers."""

    def after(self, call: Call, answer: Answer, kept: Any, first: int) -> None:
        """See `Control`."""

    def heed(self, call: Call, models: Sequence[str], answer: Answer) -> None:
        """See `Control`."""


class Stand(NamedTuple):
    """What is known of one control for one kind of calls."""

    state: State = "trial"
    share: float = 0.5
    """Of the sessions, that get it."""
    phase: int = 0
    """How often the share has changed."""
    why: str = ""


class Drawn(NamedTuple):
    """A call's part in the trial of one control."""

    control: str
    treated: bool
    phase: int


class Gate(Protocol):
    """Who holds the evidence."""

    def stand(self, tenant: str, scope: str, control: str) -> Stand: ...

    def draws(self, tenant: str, unit: str, control: str, share: float) -> bool:
        """Whether the session `unit` gets the control."""

    def watch(self, call: Call, answer: Answer, scope: str, drawn: Sequence[Drawn], first: int) -> None:
        """The answer of a call with a part in trials is under way; its attempts begin at `first`."""

    def failed(self, call: Call, scope: str, drawn: Sequence[Drawn]) -> None:
        """The provider gave no answer."""


def scope_of(feature: str, template: str, task: str) -> str:
    """The kind of calls that evidence is kept for: those of a feature, else of a template, else of a task."""
    if feature:
        return f"feature:{feature}"
    if template:
        return f"template:{template}"
    return f"task:{task}" if task else "*"


TRIAL = "trial"
"""The step that a call's part in trials is noted under."""
_WITH, _WITHOUT = "with", "without"


def note_drawn(call: Call, drawn: Drawn) -> None:
    call.trail.note(TRIAL, drawn.control, _WITH if drawn.treated else f"{_WITHOUT} it, so that it can be measured")


def read_drawn(decisions: Sequence[Any]) -> Mapping[str, bool]:
    """Control -> whether the call got it, from the notes of a call."""
    return {each.what: each.why == _WITH for each in decisions if each.step == TRIAL}
