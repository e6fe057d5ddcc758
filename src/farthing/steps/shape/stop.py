"""Where an answer shall stop: at sequences that settings name, or behind its label, where labels are all that is asked for.

That a label ends with its line is learned: from answers whose first line was one of the labels, again and again, for this
kind of work and model. Models that think get none, since hosts refuse it. Texts are looked at as they pass and not kept.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

from farthing.model.asked import Asked
from farthing.model.call import Answer, Call
from farthing.model.routes import scopes_of
from farthing.pipeline.listening import listen
from farthing.steps.shape.control import Change, Places, Quiet
from farthing.steps.shape.places import deployments
from farthing.wire.asked import asked as read_asked
from farthing.wire.said import said
from farthing.wire.stop import takes, with_stop

NEEDED = 30
"""Answers without which nothing is learned."""
NEARLY_ALL = 0.97
"""Share of them that must have been a label first."""
MOST_WORKS = 2_000
"""Kinds of work that are remembered."""
AGED = 400
"""Answers after which the old ones count for half."""
LINE = ("\n",)
_AROUND = " \t\r.,;:!?\"'`*"

Thinks = Callable[[str], bool]


class Stop(Quiet):
    """Sequences that settings name."""

    name = "stop"

    def __init__(self, sequences: tuple[str, ...], places: Places, thinks: Thinks) -> None:
        self.key = "stop " + blake2b("\0".join(sequences).encode("utf-8", "replace"), digest_size=4).hexdigest()
        self._sequences = sequences
        self._places = places
        self._thinks = thinks

    def change(self, call: Call, models: Sequence[str], beside: frozenset[str]) -> Change | None:
        if not may_stop(call, models, self._sequences, self._places, self._thinks):
            return None
        made = with_stop(call.wire, call.body, self._sequences)
        return None if made is call.body else Change(made, "stop sequences", "the settings of the feature")


class StopAtLabel:
    """Behind a label, once that is known to be safe."""

    name = "stop"
    key = "stop label"

    def __init__(self, places: Places, thinks: Thinks) -> None:
        self._places = places
        self._thinks = thinks
        self._seen: OrderedDict[tuple[str, str, str], list[int]] = OrderedDict()
        """By tenant, scope, model: answers, and those of them that had a label first."""

    def change(self, call: Call, models: Sequence[str], beside: frozenset[str]) -> Change | None:
        asked = self._asked(call, models)
        if asked is None:
            return None
        work = self._work(call, models[0])
        made = with_stop(call.wire, call.body, LINE) if self._is_safe(work) else call.body
        if made is call.body:
            return None
        return Change(made, "stop after the label", "such answers begin with it", kept=list(work))

    def heed(self, call: Call, models: Sequence[str], answer: Answer) -> None:
        """Look at an answer that may run on."""
        asked = self._asked(call, models)
        if asked is not None:
            self._listen(call, answer, self._work(call, models[0]), asked.labels)

    def after(self, call: Call, answer: Answer, kept: Any, first: int) -> None:
        """Look whether there was a label before the line ended."""
        if call.asked is not None:
            tenant, scope, model = kept
            self._listen(call, answer, (tenant, scope, model), call.asked.labels)

    def _listen(self, call: Call, answer: Answer, work: tuple[str, str, str], labels: tuple[str, ...]) -> None:
        wire = call.wire
        listen(call, answer, lambda whole: self._look(work, wire, labels, whole))

    def _asked(self, call: Call, models: Sequence[str]) -> Asked | None:
        """What the call asks for, if that is a label and nothing else."""
        if len(models) != 1 or not may_stop(call, models, LINE, self._places, self._thinks):
            return None
        if call.asked is None:
            call.asked = read_asked(call.wire, call.body)
        asked = call.asked
        if asked is None or not asked.labels or asked.tools or asked.schema or asked.json or asked.reasoning:
            return None
        if any("\n" in label for label in asked.labels):
            return None
        call.template = call.template or asked.template
        return asked

    def _work(self, call: Call, model: str) -> tuple[str, str, str]:
        return call.principal.tenant, scopes_of(call.template, call.task)[0], model

    def _is_safe(self, work: tuple[str, str, str]) -> bool:
        answers, good = self._seen.get(work, (0, 0))
        return answers >= NEEDED and good >= NEARLY_ALL * answers

    def _look(self, work: tuple[str, str, str], wire: str, labels: tuple[str, ...], whole: bytes) -> None:
        what = said(wire, whole)
        if what is None or what.tools:
            return
        tally = self._seen.setdefault(work, [0, 0])
        self._seen.move_to_end(work)
        if len(self._seen) > MOST_WORKS:
            self._seen.popitem(last=False)
        if tally[0] >= AGED:
            tally[0], tally[1] = tally[0] // 2, tally[1] // 2
        first = what.text.split("\n", 1)[0].strip(_AROUND).casefold()
        tally[0] += 1
        tally[1] += first in {label.strip(_AROUND).casefold() for label in labels}


def may_stop(
    call: Call, models: Sequence[str], sequences: tuple[str, ...], places: Places, thinks: Thinks
) -> bool:  # fmt: skip
    """Whether every model that the call may go to takes them."""
    where = deployments(places, models)
    return bool(where) and all(takes(call.wire, place.model, sequences) and not thinks(place.model) for place in where)
