"""The life of students on live traffic: tried, promoted, audited for ever, taken back.

Tried: a version in the shadow judges calls that the teacher answers; it serves once a bound that holds at any time shows
that it agrees often enough (`quality.noninferiority`, with a disagreement as worse). Audited: of a share of what it
answers the teacher's answer is had too; it is taken back when its target is shown to be missed, or when an alarm for a
drop goes off. Drifting: it is also taken back when the answers that it would give are mixed otherwise than those that it
learned, or when it abstains far more than in its training; and as soon as its teacher says what is known otherwise than it is
known, since a client would get both. Each gateway adds what it saw to the store and decides from
the sums of all; whoever is first changes a state, the others take it over. What the teacher says in an audit is handed on
(`Keep`), so that what is learned from later has such calls, too. A gateway that
cannot hear from the store lets its teachers answer: what serves may have been taken back. Failures end here: no client waits
for any of it.
"""

import asyncio
import itertools
import logging
import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress

from farthing.embed import Encoder
from farthing.model.call import Call
from farthing.model.errors import FarthingError
from farthing.model.routes import ROUTED
from farthing.quality.again import again
from farthing.quality.errand import FEATURES, Errands, Sent
from farthing.quality.noninferiority import Counts, Drift, verdict
from farthing.selfhost.students.drifting import DRIFT_NEEDS, abstains_far_more
from farthing.selfhost.students.spelling import Spelling
from farthing.steps.capture.redaction import MARK
from farthing.steps.student.artefact import Damaged, Facts, unpack
from farthing.steps.student.features import NAME
from farthing.steps.student.judging import Verdict
from farthing.steps.student.step import Judged, Pupil, Student
from farthing.store.errors import StoreError
from farthing.store.students import Looks, Students, Version
from farthing.wire.question import named_in
from farthing.wire.said import said

log = logging.getLogger("farthing.student")

FEATURE = FEATURES[7]
"""What reports show the teacher's second answers under."""
LOOK_S = 60.0
"""Between looks at what was seen."""
FOLLOW_S = 5.0
"""Between looks at what others changed: a student that was taken back must not answer on."""
UNHEARD_S = 60.0
"""Without a word from the store after which students answer nothing."""
OTHERWISE = 5
"""Answers of a teacher in a row, none as it is known among them, that tell that it has changed its way."""
AT_ONCE = 8
"""Audits that are asked for at the same time."""
WAITING = 500
"""Audits that wait or are under way; what is drawn while so many are is not looked at."""
PATIENCE_S = 120.0
DRIFT_WINDOW = 1_000
"""Judged calls after which the next ones are held against it by themselves: a late change must not drown."""
DRIFT_SURE = 1e-6
"""Probability under which a mix is another one: it is looked at every minute, for ever."""

Keep = Callable[[Call, bytes, bytes, str], None]
"""Gets a call that a student answered, its body, what the teacher answers to it, and the teacher's name. Never raises."""


class Life:
    """See the module. `follow_s` and `unheard_s` are seconds, see `FOLLOW_S` and `UNHEARD_S`."""

    def __init__(
        self, kept: Students, errands: Errands, encoder: Encoder | None, *, now_us: Callable[[], int], keep: Keep | None = None,
        follow_s: float = FOLLOW_S, unheard_s: float = UNHEARD_S,
    ) -> None:  # fmt: skip
        self._kept = kept
        self._errands = errands
        self._encoder = encoder
        self._now_us = now_us
        self._keep_audited = keep
        self._follow_s = follow_s
        self._unheard_s = unheard_s
        self._free = asyncio.Semaphore(AT_ONCE)
        self._step: Student | None = None
        self._pupils: dict[tuple[str, str, int], tuple[Pupil, Facts, Spelling]] = {}
        self._seen: dict[tuple[str, str, int, str], Counter[str]] = defaultdict(Counter)
        self._mix: dict[tuple[str, str, int], Counter[str]] = defaultdict(Counter)
        self._alarms: dict[tuple[str, str, int], Drift] = {}
        self._otherwise: Counter[tuple[str, str, int]] = Counter()
        self._rung: dict[tuple[str, str, int], str] = {}
        """What must be taken back at once, and why."""
        self._known = -1
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None

    async def start(self, step: Student, *, keeps: bool = True) -> None:
        """Read what is live; `keeps`: and look after it from now on. Raises StoreError."""
        self._step = step
        await self.take_over()
        if keeps:
            self._loop = asyncio.create_task(self._keep(), name="students")

    async def close(self) -> None:
        """End what is under way, write what is not written."""
        for task in [*self._tasks, *([self._loop] if self._loop is not None else [])]:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        with suppress(StoreError):
            await self._flush()

    async def settle(self) -> None:
        """Wait for the audits that are under way."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # What the step tells.

    def judged(self, call: Call, pupil: Pupil, verdict: Verdict) -> None:
        place = (pupil.tenant, pupil.scope, pupil.version)
        sums = self._seen[*place, "serving" if pupil.serves else "shadow"]
        sums["judged"] += 1
        sums["sure"] += verdict.sure
        self._mix[place][verdict.answer] += 1

    def taught(self, call: Call, pupil: Pupil, verdict: Verdict, whole: bytes) -> None:
        told = said(call.wire, whole)
        if told is None or told.tools or told.finish not in ("stop", ""):
            return
        place = (pupil.tenant, pupil.scope, pupil.version)
        sums = self._seen[*place, "shadow"]
        if verdict.sure:
            self._compare(place, "shadow", verdict.answer, told.text)
        attempts = call.trail.attempts
        if attempts and all(attempt.cost_state in ("computed", "reported") for attempt in attempts):
            cost = sum(attempt.cost for attempt in attempts)
            sums["cost"] += cost
            sums["baseline"] += cost + sum(saving.saved for saving in call.trail.savings)
            sums["priced"] += 1
        pupil.teacher = pupil.teacher or call.target or call.ask.model

    def given_back(self, call: Call, pupil: Pupil, whole: bytes) -> None:
        told = said(call.wire, whole)
        if told is not None and not told.tools and told.finish in ("stop", ""):
            self._hear((pupil.tenant, pupil.scope, pupil.version), told.text)

    def audit(self, call: Call, judged: Sequence[Judged]) -> None:
        if len(self._tasks) >= WAITING:
            return
        model = judged[0][0].teacher if call.ask.model in ROUTED else call.ask.model
        body = again(call.wire, call.body, model) if model else None
        if body is None:
            return
        task = asyncio.get_running_loop().create_task(self._audit(call, call.body, body, model, judged))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _audit(self, call: Call, asked: bytes, body: bytes, model: str, judged: Sequence[Judged]) -> None:
        try:
            async with self._free, asyncio.timeout(PATIENCE_S):
                sent = await self._errands.send_priced(
                    call.wire, body, tenant=judged[0][0].tenant, feature=FEATURE, region=call.region
                )  # fmt: skip
            if sent.answer.status == 200:
                self._told(call, judged, sent)
                if self._keep_audited is not None:
                    self._keep_audited(call, asked, sent.answer.body, model)
        except (FarthingError, TimeoutError) as error:
            log.info("an audit was not to be had", extra={"error": type(error).__name__})
        except Exception as error:  # nobody waits for it, so nobody else would hear
            log.warning("an audit failed", extra={"error": type(error).__name__})

    def _told(self, call: Call, judged: Sequence[Judged], sent: Sent) -> None:
        """The teacher's answer, for the student that answered and for those beside it."""
        told = said(call.wire, sent.answer.body)
        if told is None or told.tools or told.finish not in ("stop", ""):
            return
        first = judged[0][0]
        for pupil, own in judged:
            place, kind = (pupil.tenant, pupil.scope, pupil.version), "audit" if pupil.serves else "shadow"
            if own.sure:
                self._compare(place, kind, own.answer, told.text)
            if not pupil.serves and sent.cost is not None:
                sums = self._seen[*place, kind]
                sums["cost"] += sent.cost
                sums["baseline"] += sent.cost + first.baseline - first.cost
                sums["priced"] += 1

    def _compare(self, place: tuple[str, str, int], kind: str, answer: str, told: str) -> None:
        held = self._pupils.get(place)
        if held is None:
            return  # it was taken back meanwhile
        agrees = held[2].agrees(answer, told)
        sums = self._seen[*place, kind]
        sums["compared"] += 1
        sums["agreed"] += agrees
        if kind == "audit":
            self._hear(place, told)
            if self._alarms[place].add(0 if agrees else -1):
                self._rung[place] = "audits have become worse than its target"

    def _hear(self, place: tuple[str, str, int], told: str) -> None:
        """What the teacher says to a call of one that serves, for how it says it."""
        held = self._pupils.get(place)
        if held is None or not held[0].serves:
            return
        if held[2].is_known(told):
            self._otherwise[place] = 0
        elif held[2].is_other(told):
            self._otherwise[place] += 1
            if self._otherwise[place] >= OTHERWISE:
                self._rung[place] = "its teacher gives the same answers in another form"

    # What is decided, every so often.

    async def look(self) -> None:
        """Write what was seen, decide, and take over what others decided. Raises StoreError."""
        await self._flush()
        for place, (pupil, facts, _) in list(self._pupils.items()):
            looks = await self._kept.looks(*place)
            if pupil.serves:
                why = self._why_retreat(place, facts, looks)
                if self._mix[place].total() >= DRIFT_WINDOW:
                    self._mix[place].clear()
                if why and await self._kept.retreat(*place, why):
                    self._rung.pop(place, None)
                    log.warning("a student was taken back: %s", why, extra={"scope": pupil.scope})
            elif verdict(_counts(looks, "shadow"), 1 - facts.target) == "promote":
                counts = _counts(looks, "shadow")
                why = f"it agreed in {counts.same:,.0f} of {counts.n:,.0f} calls beside its teacher"
                await self._kept.promote(*place, why)
            elif verdict(_counts(looks, "shadow"), 1 - facts.target) == "demote":
                await self._kept.retreat(*place, "it agrees too seldom with its teacher")
        await self.take_over()

    def _why_retreat(self, place: tuple[str, str, int], facts: Facts, looks: Sequence[Looks]) -> str:
        """Empty if nothing speaks against it."""
        if verdict(_counts(looks, "audit"), 1 - facts.target) == "demote":
            return f"audits show less than {facts.target:.1%} agreement"
        if place in self._rung:
            return self._rung[place]
        judged = sum(each.judged for each in looks if each.kind == "serving")
        sure = sum(each.sure for each in looks if each.kind == "serving")
        if abstains_far_more(judged, sure, facts.coverage):
            return f"its inputs drift: it answers {sure / judged:.0%} of the calls, {facts.coverage:.0%} in training"
        if is_other_mix(self._mix[place], facts):
            return "its inputs drift: the answers are mixed otherwise than in training"
        return ""

    async def take_over(self) -> None:
        """Read what is live, if anything changed. Raises StoreError."""
        changes = await self._kept.changes()
        if changes == self._known or self._step is None:
            return
        live = {(each.tenant, each.scope, each.version): each for each in await self._kept.versions(live=True)}
        pupils = {}
        for place, version in live.items():
            former = self._pupils.get(place)
            found = former if former is not None and former[0].serves is (version.state == "serving") else None
            found = found or await self._load(version)
            if found is not None:
                pupils[place] = found
                self._alarms.setdefault(place, Drift(1 - found[1].target))
        self._pupils, self._known = pupils, changes
        self._rung = {place: why for place, why in self._rung.items() if place in pupils}
        self._step.teach([pupil for pupil, *_ in pupils.values()])

    def forget(self) -> None:
        """Let teachers answer until the store is heard again: whatever serves may have been taken back."""
        self._known = -1
        if self._step is not None:
            self._step.teach([])

    async def _load(self, version: Version) -> tuple[Pupil, Facts, Spelling] | None:
        """None for one that cannot be used here: broken, or of an encoder that is not at hand."""
        weights = await self._kept.weights(version.tenant, version.scope, version.version)
        try:
            facts, judge = await asyncio.to_thread(unpack, weights or b"")
        except Damaged as error:
            log.warning("a student is damaged: %s", error, extra={"scope": version.scope})
            await self._kept.retreat(
                version.tenant, version.scope, version.version, f"its weights are damaged: {error}"
            )
            return None
        except ValueError as error:
            log.warning("a student cannot be read: %s", error, extra={"scope": version.scope})
            return None
        needs_vector = facts.encoder != NAME
        if needs_vector and (self._encoder is None or self._encoder.name != facts.encoder):
            log.warning("a student needs the encoder %s", facts.encoder, extra={"scope": version.scope})
            return None
        looks = await self._kept.looks(version.tenant, version.scope, version.version)
        priced = sum(each.priced for each in looks)
        cost, baseline = (
            round(sum(getattr(each, name) for each in looks) / priced) if priced else 0 for name in ("cost", "baseline")
        )
        pupil = Pupil(
            version.tenant, version.scope, version.version, judge, frozenset(facts.templates), facts.least, needs_vector,
            version.state == "serving", version.teacher, cost, baseline, facts.redacted, frozenset(facts.contexts), facts.longest,
            frozenset(answer for answer in facts.answers if facts.redacted and MARK.search(answer)), models_of(facts, version.teacher),
        )  # fmt: skip
        return pupil, facts, Spelling(facts.answers, facts.spellings)

    async def _flush(self) -> None:
        seen, self._seen = self._seen, defaultdict(Counter)
        now = self._now_us()
        try:
            await self._kept.add_looks(
                [Looks(*place[:3], place[3], now, **sums) for place, sums in seen.items() if sums]  # type: ignore[arg-type]
            )  # fmt: skip
        except StoreError:
            for place, sums in seen.items():
                self._seen[place].update(sums)
            raise

    async def _keep(self) -> None:
        heard = time.monotonic()
        for no in itertools.count(1):
            await asyncio.sleep(self._follow_s)
            minute = no % round(LOOK_S / self._follow_s) == 0
            try:
                async with asyncio.timeout(self._unheard_s):  # a store that hangs is not heard, either
                    if not (minute or self._rung):
                        await self.take_over()
                    elif not await self._kept.in_history():
                        await self.look()
                heard = time.monotonic()
                continue
            except StoreError as error:
                if minute:  # often enough to hear of it
                    log.warning("students cannot be looked at: %s", error.message)
            except Exception as error:  # the next look may be better
                log.warning("a look at students failed", extra={"error": type(error).__name__})
            if time.monotonic() - heard > self._unheard_s:
                self.forget()


def models_of(facts: Facts, teacher: str) -> frozenset[str]:
    """The models for which it may answer. One from before this was kept may do so for those in its contexts, or else for its teacher."""
    return frozenset(facts.models or [named_in(each) for each in facts.contexts] or filter(None, [teacher]))


def _counts(looks: Sequence[Looks], kind: str) -> Counts:
    """Comparisons, a disagreement as worse."""
    compared = sum(each.compared for each in looks if each.kind == kind)
    agreed = sum(each.agreed for each in looks if each.kind == kind)
    return Counts(same=agreed, worse=compared - agreed)


def is_other_mix(seen: Counter[str], facts: Facts) -> bool:
    """Whether so many answers fall otherwise than in training: Pearson's chi-square, both as samples, small answers as one;
    its tail by Wilson and Hilferty's cube root (1931)."""
    total = seen.total()
    if total < DRIFT_NEEDS or not facts.pairs:
        return False
    rest, statistic, freedom = [0.0, 0.0], 0.0, -1
    for answer, share in zip(facts.answers, facts.mix, strict=True):
        pooled = (seen[answer] + share * facts.pairs) / (total + facts.pairs)
        if pooled * min(total, facts.pairs) < 5:
            rest = [rest[0] + seen[answer], rest[1] + share * facts.pairs]
            continue
        statistic += _spread(seen[answer], share * facts.pairs, total, facts.pairs)
        freedom += 1
    if sum(rest):
        statistic += _spread(rest[0], rest[1], total, facts.pairs)
        freedom += 1
    if freedom < 1:
        return False
    cube = (statistic / freedom) ** (1 / 3)
    z = (cube - (1 - 2 / (9 * freedom))) / math.sqrt(2 / (9 * freedom))
    return 0.5 * math.erfc(z / math.sqrt(2)) < DRIFT_SURE


def _spread(here: float, there: float, size: float, other: float) -> float:
    pooled = (here + there) / (size + other)
    return (here - pooled * size) ** 2 / (pooled * size) + (there - pooled * other) ** 2 / (pooled * other)
