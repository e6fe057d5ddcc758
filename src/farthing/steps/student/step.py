"""The student step: a small model of our own answers when it is sure, and else the call goes on to its teacher.

A call is for a student if its tenant and its template, or else its kind of work, have one, and if it is of the simple kind
that students learn from: one question in words, no tools, one answer, no turns before. The model that is asked for must be
one that was learned from; so must all that its teacher is told beside the text, as far as that stays the same, and the text be no
longer than what was learned from. Students are a model like any other, named
`student`: pins, deny lists, a key's models and regions keep it away. One in the shadow judges, but gives nothing. What
was judged is told to those who look at students (`Looks`). A failure in here makes the call one that goes on.

Where a student answers, a share of its calls is drawn before anybody knows what it will say of them: of those that it then
answers the teacher is asked too, the others the teacher answers anyway. So what is drawn is like the traffic, which neither
what it answers nor what it gives back is. Newer ones in the shadow are tried on this draw alone. Calls that are held out
are drawn before, too; the arms that are compared are those of them that the student is sure of, held out or answered.
Knows nothing of how students are trained.
"""

import logging
import random
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from farthing.embed import Encoder
from farthing.model.arms import DISTILLATION, MODEL_SELECTION, Draw
from farthing.model.asked import Asked
from farthing.model.call import Answer, Call, Deployment
from farthing.model.money import Nano
from farthing.model.principal import may_use
from farthing.model.record import Saving
from farthing.pipeline import Proceed
from farthing.pipeline.listening import listen
from farthing.steps.student.judging import Judge, Verdict
from farthing.wire.asked import asked as read_asked
from farthing.wire.plainly import more_than
from farthing.wire.question import Question, question
from farthing.wire.replay import replay
from farthing.wire.replay.spoken import SPEAKS, spoken

log = logging.getLogger("farthing.student")

LEVER = DISTILLATION
MODEL = "student"
"""Its name, for pins, deny lists and keys."""
PIN = b"x-farthing-pin"
ROOMIER = 4
"""Tokens of an output limit count so many times where its teacher's answers were seen to fit into the same limit."""

Forbids = Callable[[Call, str], bool]
"""Whether policy denies a model to a call."""


class Pupil(msgspec.Struct):
    """A version of a student that is live."""

    tenant: str
    scope: str
    version: int
    judge: Judge
    templates: frozenset[str]
    least: float
    needs_vector: bool
    serves: bool
    """False: in the shadow."""
    teacher: str = ""
    cost: Nano = 0
    """What the teacher's answers cost, a call, as seen; 0 where that is not known."""
    baseline: Nano = 0
    redacted: bool = False
    """Whether it learned from redacted texts, and so must read them so."""
    contexts: frozenset[str] = frozenset()
    """All that its teacher was told beside the texts, and the model that was asked for, whole or loosely (`wire.question`); empty where that changes
    from call to call."""
    longest: int = 16_000
    """Characters of the longest text that it learned from."""
    withheld: frozenset[str] = frozenset()
    """Answers of which nobody knows how the teacher gave them, since something in them was redacted."""
    models: frozenset[str] = frozenset()
    """It answers calls that ask for one of these, and no others."""


Judged = tuple[Pupil, Verdict]


class Looks(Protocol):
    """Who looks at what students say. Neither may raise, nor take long."""

    def judged(self, call: Call, pupil: Pupil, verdict: Verdict) -> None:
        """A call was judged; if the verdict is sure and the pupil serves, it is answered."""

    def taught(self, call: Call, pupil: Pupil, verdict: Verdict, whole: bytes) -> None:
        """The teacher answered a call that one in the shadow judged."""

    def given_back(self, call: Call, pupil: Pupil, whole: bytes) -> None:
        """The teacher answered a call of one that serves."""

    def audit(self, call: Call, judged: Sequence[Judged]) -> None:
        """A call that the first of these answered was drawn: the teacher is to be asked too, for all of these."""


class Student:
    """See the module. `region` is where this gateway runs, for calls that must be served somewhere; `audited` the share that is
    drawn (0 to 1); `hold_out` says which calls go without; `redact` does with a text what was done with those that students learned from."""

    name = "student"

    def __init__(
        self, looks: Looks, encoder: Encoder | None, forbids: Forbids, *, region: str = "", audited: float = 0.03,
        redact: Callable[[str], str] = str, hold_out: Draw | None = None,
        chance: Callable[[], float] = random.random, clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._looks = looks
        self._encoder = encoder
        self._forbids = forbids
        self._region = region
        self._audited = audited
        self._redact = redact
        self._hold_out = hold_out or Draw(LEVER)
        self._chance = chance
        self._clock = clock
        self._pupils: dict[tuple[str, str], tuple[Pupil, ...]] = {}

    def teach(self, pupils: list[Pupil]) -> None:
        """These are live from now on, and no others."""
        by_place: dict[tuple[str, str], list[Pupil]] = {}
        for pupil in sorted(pupils, key=lambda each: not each.serves):
            by_place.setdefault((pupil.tenant, pupil.scope), []).append(pupil)
        self._pupils = {place: tuple(each) for place, each in by_place.items()}

    async def __call__(self, call: Call, proceed: Proceed) -> Answer:
        if not self._pupils:
            return await proceed(call)
        pupils, text = self._of(call)
        if not pupils:
            return await proceed(call)
        serves = pupils[0].serves
        held = serves and self._hold_out.holds_out(call.unit)
        drawn = serves and not held and self._chance() < self._audited
        if serves:
            call.sample = "held out" if held else "drawn" if drawn else "left"
            pupils = pupils if drawn else pupils[:1]
        keeps_away = self._keeps_away(call)
        if keeps_away:
            call.trail.note(self.name, "abstains", keeps_away)
            return await proceed(call)
        judged = await self._judge(call, pupils, text)
        if held:
            if judged and judged[0][1].sure:
                call.arms[LEVER] = True
            return await self._taught(call, pupils, [], proceed)
        for pupil, verdict in judged:
            self._looks.judged(call, pupil, verdict)
        if judged and judged[0][0].serves:
            pupil, verdict = judged[0]
            if verdict.sure:
                if self._hold_out.share:
                    call.arms[LEVER] = False
                if drawn:
                    self._looks.audit(call, judged)
                return self._answer(call, pupil, verdict)
            call.trail.note(self.name, "abstains", f"version {pupil.version}: {verdict.why}")
        return await self._taught(call, pupils, judged, proceed)

    async def _taught(
        self, call: Call, pupils: tuple[Pupil, ...], judged: Sequence[Judged], proceed: Proceed
    ) -> Answer:  # fmt: skip
        """The teacher answers; those in the shadow hear it, and whoever looks after the one that serves."""
        serving = [pupil for pupil in pupils if pupil.serves]
        heard = [each for each in judged if not each[0].serves]
        answer = await proceed(call)
        if heard or serving:
            listen(call, answer, lambda whole: self._hear(call, serving, heard, whole))
        return answer

    def _of(self, call: Call) -> tuple[tuple[Pupil, ...], str]:
        """The students of such calls, and what they are to read; none for a call of another kind than they learn from."""
        if call.wire not in SPEAKS or call.walk != "live":
            return (), ""
        if call.asked is None:
            call.asked = read_asked(call.wire, call.body)
        asked = call.asked
        if asked is None or not asked.template or not _is_plain(asked) or call.ask.choices != 1:
            return (), ""
        call.template = call.template or asked.template
        tenant = call.principal.tenant
        found = self._pupils.get((tenant, f"template:{asked.template}"), ())
        if not found and call.task:
            found = self._pupils.get((tenant, f"task:{call.task}"), ())
        found = tuple(pupil for pupil in found if asked.template in pupil.templates)
        whole = question(call.wire, call.body) if found else None
        if whole is None or not _is_alone(whole):
            return (), ""
        unlike = [_unlike(call, pupil, whole) for pupil in found]
        fits = tuple(pupil for pupil, why in zip(found, unlike, strict=True) if not why)
        if not fits:
            call.trail.note(self.name, "abstains", unlike[0])
        return fits, whole.text

    def _keeps_away(self, call: Call) -> str:
        """What keeps the student from such a call; empty if nothing does."""
        pin = call.headers.get(PIN, b"").strip()
        if pin and pin != MODEL.encode():
            return "the caller pins another model"
        if not may_use(call.key, MODEL):
            return "the key may not use the model `student`"
        if self._forbids(call, MODEL):
            return "policy denies the model `student`"
        region = call.region or (call.key.region if call.key is not None else "")
        return f"the call must be served in {region}" if region and region != self._region else ""

    async def _judge(self, call: Call, pupils: tuple[Pupil, ...], text: str) -> list[Judged]:
        """What each says of it, in their order, without those that can say nothing. Sure is what may be given to this call."""
        redacted = self._redact(text) if any(pupil.redacted for pupil in pupils) else text
        judged = []
        for pupil in pupils:
            verdict = await self._verdict(pupil, redacted if pupil.redacted else text)
            if verdict is not None:
                why = _withholds(call, pupil, verdict) if verdict.sure else ""
                judged.append((pupil, verdict._replace(sure=False, why=why) if why else verdict))
        return judged

    async def _verdict(self, pupil: Pupil, text: str) -> Verdict | None:
        """None where it cannot be had."""
        try:
            if not pupil.needs_vector:
                return pupil.judge.judge(text)
            if self._encoder is None:
                return None
            return pupil.judge.judge(text, (await self._encoder.encode([text]))[0])
        except Exception as error:  # a student that is broken in whatever way is no reason to refuse a call
            log.warning("a student could not judge", extra={"error": type(error).__name__})
            return None

    def _answer(self, call: Call, pupil: Pupil, verdict: Verdict) -> Answer:
        """What the teacher would say, in the client's wire, plain or as a stream; and what that saved."""
        call.deployment = Deployment(MODEL, "", MODEL, "")
        call.trail.note(
            self.name, f"answered by version {pupil.version} of {pupil.scope}",
            f"confidence {verdict.confidence:.3f}, at least {pupil.least:.3f} is needed",
        )  # fmt: skip
        if pupil.baseline and pupil.baseline != pupil.cost:
            call.trail.savings.append(Saving(MODEL_SELECTION, pupil.baseline, pupil.cost, estimated=True))
        if pupil.cost:
            call.trail.savings.append(Saving(LEVER, pupil.cost, 0, estimated=True))
        now = int(self._clock())
        whole = spoken(call.wire, verdict.answer, call.ask.model, call.id, now)
        body = replay(call.wire, whole, call.ask, usage="original", call_id=call.id, now=now)
        kind = b"text/event-stream; charset=utf-8" if call.ask.stream else b"application/json"
        return Answer(200, [(b"content-type", kind)], body)

    def _hear(self, call: Call, serving: list[Pupil], heard: list[Judged], whole: bytes) -> None:
        for pupil in serving:
            self._looks.given_back(call, pupil, whole)
        for pupil, verdict in heard:
            self._looks.taught(call, pupil, verdict, whole)


def _unlike(call: Call, pupil: Pupil, whole: Question) -> str:
    """What tells the call from those that were learned from; empty if nothing does."""
    model = call.ask.model
    if model not in pupil.models:
        return f"nothing was learned from calls that ask for {model[:80]!r}"
    if len(whole.text) > pupil.longest:
        return "nothing was learned from calls with such a long text"
    if not pupil.contexts or whole.beside(model) in pupil.contexts:
        return ""
    loosely = question(call.wire, call.body, loosely=True)
    if loosely is not None and loosely.beside(model) in pupil.contexts:
        return ""
    return "nothing was learned from calls with such instructions, or such settings of the model"


def _withholds(call: Call, pupil: Pupil, verdict: Verdict) -> str:
    """Why the words are no answer to this call, however sure; empty if they are."""
    if verdict.answer in pupil.withheld:
        return "what the teacher says was redacted when it was kept"
    most = call.ask.max_output
    if most is not None and pupil.contexts:
        most *= ROOMIER
    more = more_than(verdict.answer, call.wire, call.body, most)
    return f"the call asks for more than words: {more[:80]!r}" if more else ""


def _is_plain(asked: Asked) -> bool:
    """Whether all that is asked is in the words of one question."""
    other = asked.tools or asked.tool_results or asked.images or asked.audio or asked.files
    return asked.turns == 1 and not other


def _is_alone(asked: Question) -> bool:
    """The same, by what `wire.asked` does not look at."""
    other = asked.has_tools or asked.has_media or asked.has_tool_results
    return bool(asked.text) and asked.turns == 1 and asked.choices == 1 and not other
