"""What is done with each thing seen of an answer: it becomes evidence in all scopes of its call, and the alarm of its model
there hears of it. Knows nothing of how it was seen, nor of tables.
"""

import asyncio
import time
from collections.abc import Callable

from farthing.model.asked import Asked
from farthing.model.record import Record
from farthing.model.routes import ANY, scopes_of
from farthing.quality.evidence import PASSED, Evidence
from farthing.quality.noninferiority import Drift
from farthing.quality.probing import Probing
from farthing.quality.proposals import Floors
from farthing.quality.shadow import Outcome
from farthing.store.evidence import Sample

MOST_DRIFTS = 20_000
Features = Callable[[Asked], bytes]
"""What a difficulty model keeps of a prompt; no text can be told from it."""


class Recorder:
    """See the module."""

    def __init__(
        self, evidence: Evidence, floors: Floors, features: Features | None = None,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000, probing: Probing | None = None,
    ) -> None:  # fmt: skip
        self._evidence = evidence
        self._floors = floors
        self._features = features
        self._now_us = now_us
        self._drifts: dict[tuple[str, str, str], Drift] = {}
        self._probing = probing
        self.alarms: set[tuple[str, str, str]] = set()
        """(tenant, scope, model) found worse of late than its floor allows; who acts on one takes it out."""
        self.alarmed = asyncio.Event()
        """There are new ones."""

    def compared(self, outcome: Outcome) -> None:
        """A second answer was compared."""
        drawn, now = outcome.drawn, self._now_us()
        self._evidence.ran(outcome.model, outcome.served, now)
        self._evidence.add(
            drawn.tenant, drawn.scopes, outcome.model, "shadow", now,
            difference=outcome.difference, against=drawn.flagship,
        )  # fmt: skip
        if outcome.passed:
            self._evidence.add(drawn.tenant, drawn.scopes, outcome.model, PASSED, now, score=outcome.difference >= 0)
        self._evidence.add(drawn.tenant, drawn.scopes, outcome.second, "answers", now, out_tokens=outcome.second_out)
        self._sample(outcome, now)
        if self._probing is not None:
            self._probing.heard(drawn.tenant, drawn.scopes, outcome.model, outcome.difference)
        for scope in drawn.scopes:
            # work that it does not do says nothing of how it does what it does
            others_work = scope == ANY and outcome.model != drawn.model
            self._watch(drawn.tenant, scope, outcome.model, outcome.difference, alarms=not others_work)

    def evaluated(self, tenant: str, task: str, model: str, flagship: str, difference: float) -> None:
        """An answer of an eval set was compared with the flagship's."""
        now = self._now_us()
        self._evidence.add(
            tenant, scopes_of("", task)[:1], model, "eval", now, difference=difference, against=flagship
        )  # fmt: skip

    def checked(self, tenant: str, scopes: tuple[str, ...], model: str, score: float) -> None:
        """A program checked an answer."""
        self._evidence.add(tenant, scopes, model, "check", self._now_us(), score=score)

    def answered(self, tenant: str, scopes: tuple[str, ...], model: str, served: str, out_tokens: int | None) -> None:
        """An answer ended. `out_tokens` is None where its length is not to be noted."""
        now = self._now_us()
        self._evidence.ran(model, served, now)
        if out_tokens is not None:
            self._evidence.add(tenant, scopes, model, "answers", now, out_tokens=out_tokens)

    def take(self, record: Record, *, good: bool, score: float | None = None) -> None:
        """A person's verdict on a routed call's answer; `score` is 0 to 1."""
        model = (
            next((each.what for each in reversed(record.decisions) if each.step == "route"), "") if record.tier else ""
        )
        if not model or (score is not None and not 0 <= score <= 1):
            return
        value = score if score is not None else float(good)
        scopes = scopes_of(record.template, record.task)
        self._evidence.add(record.tenant, scopes, model, "feedback", self._now_us(), score=value)

    def suspicion(self, tenant: str, scopes: tuple[str, ...], model: str) -> float:
        """What speaks for it that the model has become worse there: log of what a bet on that has won, 0 for nothing."""
        most = 0.0
        for scope in scopes:
            drift = self._drifts.get((tenant, scope, model))
            if drift is not None and drift.suspicion > most:
                most = drift.suspicion
        return most

    def streak(self, tenant: str, scope: str, model: str) -> int:
        """The latest comparisons in a row in which the model was not worse there."""
        drift = self._drifts.get((tenant, scope, model))
        return drift.streak if drift is not None else 0

    def went_out(self, tenant: str, scope: str, model: str) -> None:
        """The model does not serve there any more."""
        if self._probing is not None:
            self._probing.went_out(tenant, scope, model)

    def mended(self, row: int) -> list[tuple[str, str, str]]:
        """(tenant, scope, model) with at least so long a row in which it was not worse."""
        return [key for key, drift in self._drifts.items() if drift.streak >= row]

    def forget(self, tenant: str, scope: str, model: str) -> None:
        """What was seen of the model there counts no more."""
        self._drifts.pop((tenant, scope, model), None)
        self.alarms.discard((tenant, scope, model))
        self._evidence.reopen(tenant, scope, model, self._now_us())

    def _watch(self, tenant: str, scope: str, model: str, difference: int, *, alarms: bool) -> None:
        key = (tenant, scope, model)
        drift = self._drifts.get(key)
        if drift is None:
            if len(self._drifts) >= MOST_DRIFTS:
                del self._drifts[next(iter(self._drifts))]
            drift = self._drifts[key] = Drift(max(0.001, 1 - self._floors(scope)[0]))
        if not alarms:
            drift.note(difference)
        elif drift.add(difference):
            self.alarms.add(key)
            if self._probing is not None:
                self._probing.fell(tenant, scope, model)
            self.alarmed.set()

    def _sample(self, outcome: Outcome, now: int) -> None:
        drawn = outcome.drawn
        if self._features is None or drawn.asked is None or not drawn.asked.text:
            return
        self._evidence.sample(
            Sample(
                drawn.tenant, now, drawn.call_id, outcome.model, drawn.task, self._features(drawn.asked),
                float(outcome.difference),
            )
        )  # fmt: skip
