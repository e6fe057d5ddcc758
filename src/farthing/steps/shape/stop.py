"""Where an answer shall stop: at sequences that settings name, or behind its label, where answers are labels.

That they are is learned: answers to one template by one model whose first lines are a few short ones that come again and
again. An answer that is none of them counts against it. Models that think get none, since hosts refuse it. Texts are looked
at as they pass; digests are kept.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any
from zlib import crc32

from farthing.model.call import Answer, Call
from farthing.pipeline.listening import listen
from farthing.steps.shape.control import Change, Places, Quiet
from farthing.steps.shape.places import deployments
from farthing.wire.asked import asked as read_asked
from farthing.wire.said import said
from farthing.wire.stop import takes, with_stop

NEEDED = 50
"""Answers without which nothing is learned."""
MOST_LABELS = 12
LONGEST_LABEL = 40
"""Characters."""
STRANGE = 0.02
"""Share of answers that may begin with something else."""
MOST_WORKS = 2_000
"""Kinds of work that are remembered."""
AGED = 400
"""Answers after which the old ones count for half."""
LINE = ("\n",)
_AROUND = " \t\r.,;:!?\"'`*"

Thinks = Callable[[str], bool]
_Work = tuple[str, str, str]
"""Tenant, template, model."""


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


class _Seen:
    """What answers of one kind begin with."""

    __slots__ = ("answers", "labels", "strange")

    def __init__(self) -> None:
        self.answers = 0
        self.strange = 0
        """Answers that begin with no label."""
        self.labels: dict[int, int] = {}

    @property
    def is_closed(self) -> bool:
        """Whether nearly all are a few labels, each of them seen more than once or twice."""
        if self.answers < NEEDED or self.strange > STRANGE * self.answers:
            return False
        return sum(count < 3 for count in self.labels.values()) <= STRANGE * self.answers

    def see(self, first: str) -> None:
        if self.answers >= AGED:
            self.answers, self.strange = self.answers // 2, self.strange // 2
            self.labels = {label: half for label, count in self.labels.items() if (half := count // 2)}
        self.answers += 1
        label = crc32(first.casefold().encode("utf-8", "replace"))
        if not first or len(first) > LONGEST_LABEL or (label not in self.labels and len(self.labels) >= MOST_LABELS):
            self.strange += 1
        else:
            self.labels[label] = self.labels.get(label, 0) + 1


class StopAtLabel:
    """Behind a label, once that is known to be safe."""

    name = "stop"
    key = "stop label"

    def __init__(self, places: Places, thinks: Thinks) -> None:
        self._places = places
        self._thinks = thinks
        self._seen: OrderedDict[_Work, _Seen] = OrderedDict()

    def change(self, call: Call, models: Sequence[str], beside: frozenset[str]) -> Change | None:
        work = self._work(call, models)
        seen = self._seen.get(work) if work is not None else None
        made = with_stop(call.wire, call.body, LINE) if seen is not None and seen.is_closed else call.body
        if work is None or made is call.body:
            return None
        return Change(made, "stop after the label", "such answers are one of a few labels", kept=list(work))

    def heed(self, call: Call, models: Sequence[str], answer: Answer) -> None:
        """Look at an answer that may run on."""
        work = self._work(call, models)
        if work is not None:
            self._listen(call, answer, work)

    def after(self, call: Call, answer: Answer, kept: Any, first: int) -> None:
        """Look whether there was a label before the line ended."""
        tenant, template, model = kept
        self._listen(call, answer, (tenant, template, model))

    def _listen(self, call: Call, answer: Answer, work: _Work) -> None:
        wire = call.wire
        listen(call, answer, lambda whole: self._look(work, wire, whole))

    def _work(self, call: Call, models: Sequence[str]) -> _Work | None:
        """What the call is one of, if its answer can be a label and nothing else."""
        if len(models) != 1 or not may_stop(call, models, LINE, self._places, self._thinks):
            return None
        if call.asked is None:
            call.asked = read_asked(call.wire, call.body)
        asked = call.asked
        if asked is None or asked.tools or asked.schema or asked.json or asked.reasoning:
            return None
        call.template = call.template or asked.template
        return (call.principal.tenant, call.template, models[0]) if call.template else None

    def _look(self, work: _Work, wire: str, whole: bytes) -> None:
        what = said(wire, whole)
        if what is None:
            return
        seen = self._seen.get(work)
        if seen is None:
            seen = self._seen[work] = _Seen()
            if len(self._seen) > MOST_WORKS:
                self._seen.popitem(last=False)
        self._seen.move_to_end(work)
        seen.see("" if what.tools else what.text.split("\n", 1)[0].strip(_AROUND))


def may_stop(
    call: Call, models: Sequence[str], sequences: tuple[str, ...], places: Places, thinks: Thinks
) -> bool:  # fmt: skip
    """Whether every model that the call may go to takes them."""
    where = deployments(places, models)
    return bool(where) and all(takes(call.wire, place.model, sequences) and not thinks(place.model) for place in where)
