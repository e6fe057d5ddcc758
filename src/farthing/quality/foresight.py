"""Routing by prompt at run time: each tenant's difficulty model and dial, made anew from the newest comparisons.

A model is fitted on comparisons, off the event loop; the dial of each floor is set on what the fit says of samples that it
had not seen, at the costs that calls of their size are expected to have. Where a tenant has too little of either there is
no foresight, and the table decides. Needs numpy. Belongs to one process. Knows nothing of how a call is then routed.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from farthing.model.call import Call
from farthing.model.money import Nano
from farthing.model.routes import scopes_of
from farthing.quality.dial import CAUTION, Calls, set_dial
from farthing.quality.difficulty import LEAST_SAMPLES, MOST_SAMPLES, Difficulty, Foretold, Sample, fit
from farthing.quality.features import of_asked, unpacked
from farthing.steps.route.foreseen import Foreseen
from farthing.store import StoreError
from farthing.store.evidence import Sample as KeptSample

log = logging.getLogger("farthing.quality")

EVERY_S = 900.0
MOST_KEPT = 200_000
"""Samples of all tenants that are read for a fit."""


class Kept(Protocol):
    """Where samples are kept."""

    async def samples(
        self, *, tenant: str = "", task: str = "", since_us: int = 0, limit: int = MOST_KEPT
    ) -> list[KeptSample]: ...


class Costs(Protocol):
    """What calls are expected to cost."""

    def expected(
        self, model: str, in_tokens: int, cached: int, tenant: str, scopes: tuple[str, ...], *, longer: float = 1.0,
        at_us: int,
    ) -> Nano | None: ...  # fmt: skip


class _Known(NamedTuple):
    """What is known of a tenant."""

    model: Difficulty
    worth: Mapping[float, float]
    """By floor: what a nano-dollar is worth in score. A floor that only the flagship keeps is not here."""


class Foresight:
    """See the module. `floors` are those that any call may be held to; `reference` names the flagship."""

    def __init__(
        self, kept: Kept, costs: Costs, floors: Iterable[float], reference: Callable[[], str], *, every_s: float = EVERY_S,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:  # fmt: skip
        self._kept = kept
        self._costs = costs
        self._floors = tuple(dict.fromkeys(floors))
        self._reference = reference
        self._every_s = every_s
        self._now_us = now_us
        self._known: dict[str, _Known] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._go_on())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def of(self, call: Call, floor: float) -> Foreseen | None:
        """What is foretold of the call's prompt. None where nothing can be, or the floor is one that nobody set a dial for."""
        known, asked = self._known.get(call.principal.tenant), call.asked
        worth = known.worth.get(floor) if known is not None else None
        if known is None or worth is None or asked is None or not asked.text:
            return None
        foretold = known.model.foretell(of_asked(asked), call.task, call.template)
        return None if foretold is None else Foreseen(_on_the_safe_side(foretold), foretold.lengths, worth)

    async def refresh(self) -> None:
        """Fit anew from what is kept. Raises StoreError."""
        tenants: dict[str, list[KeptSample]] = {}
        for sample in await self._kept.samples(limit=MOST_KEPT):
            tenants.setdefault(sample.tenant, []).append(sample)
        known = {}
        for tenant, samples in tenants.items():
            if len(samples) >= LEAST_SAMPLES:
                made = await asyncio.to_thread(self._made, tenant, samples[:MOST_SAMPLES][::-1])
                if made is not None:
                    known[tenant] = made
        self._known = known

    async def _go_on(self) -> None:
        while True:
            try:
                await self.refresh()
            except StoreError as error:
                log.warning("prompts are not learned from", extra={"error": type(error).__name__})
            except Exception as error:  # calls go on by the table, and the next time is tried
                log.exception("prompts could not be learned from", extra={"error": type(error).__name__})
            await asyncio.sleep(self._every_s)

    def _made(self, tenant: str, kept: Sequence[KeptSample]) -> _Known | None:
        """The oldest first."""
        samples = _samples(kept)
        model = fit(samples)
        if model is None:
            return None
        fitted = samples[-len(model.unseen) :] if len(model.unseen) < len(samples) else samples
        calls = self._calls(tenant, model, fitted)
        dials = {floor: set_dial(calls, floor) for floor in self._floors}
        return _Known(model, {floor: worth for floor, worth in dials.items() if worth is not None})

    def _calls(self, tenant: str, model: Difficulty, samples: Sequence[Sample]) -> Calls:
        """The samples as calls for the dial: a column for each model, the flagship's last."""
        names, now = (*model.models, self._reference()), self._now_us()
        shape = (len(samples), len(names))
        foretold, cost, score = np.full(shape, -math.inf), np.zeros(shape), np.ones(shape)
        foretold[:, -1] = 0.0
        for row, (sample, said) in enumerate(zip(samples, model.unseen, strict=True)):
            scopes, safe = scopes_of(sample.template, sample.task), _on_the_safe_side(said)
            tokens = round(math.expm1(sample.features.surface[0]))
            for column, name in enumerate(names):
                longer = said.lengths.get(name, 1.0)
                price = self._costs.expected(name, tokens, 0, tenant, scopes, longer=longer, at_us=now)
                if price is not None:
                    cost[row, column] = price
                if name in sample.gaps and price is not None:
                    foretold[row, column], score[row, column] = safe[name], 1.0 + sample.gaps[name]
        return Calls(foretold, cost, score, np.ones(len(samples)))


def _samples(kept: Sequence[KeptSample]) -> list[Sample]:
    """One sample a call, whatever was compared on it."""
    calls: dict[str, Sample] = {}
    for each in kept:
        found = unpacked(each.features)
        if found is None or not each.task:
            continue
        sample = calls.setdefault(each.call_id, Sample(each.task, found.template, found.features, {}, {}))
        sample.gaps[each.model] = each.difference
        if found.out_tokens:
            sample.out_tokens[each.model] = float(found.out_tokens)
    return list(calls.values())


def _on_the_safe_side(said: Foretold) -> dict[str, float]:
    return {name: gap - CAUTION * said.errors[name] for name, gap in said.gaps.items()}
