"""The capture step: hears the answers to calls of the features and kinds of work that somebody named, and hands both over to
be kept. It changes nothing and holds nothing back. What a key, a feature or the call itself (`cache-control: no-store`) wants
kept nowhere is not heard.

It stands behind the cache and the student, so that only what a model said is learned from. Where a student answers, it would
so hear only what that found too hard; each call therefore says of which sample it is, and what a teacher says in an audit is
handed over too (`audited`).
"""

import random
from collections.abc import Callable, Collection
from typing import Protocol

from farthing.model.call import Answer, Call, Sample
from farthing.pipeline import Proceed
from farthing.pipeline.listening import listen
from farthing.steps.capture.reading import Taken

ALL = "*"


class Keeper(Protocol):
    def take(self, taken: Taken) -> None: ...


class Capture:
    """See the module. `share` is 0 to 1; `never` are features and names of keys."""

    name = "capture"

    def __init__(
        self, features: Collection[str], tasks: Collection[str], share: float, keeper: Keeper,
        chance: Callable[[], float] = random.random, never: tuple[Collection[str], Collection[str]] = ((), ()),
    ) -> None:  # fmt: skip
        self._features = frozenset(features)
        self._all = ALL in self._features
        self._tasks = frozenset(tasks)
        self._share = share
        self._keeper = keeper
        self._chance = chance
        self._not_features, self._not_keys = map(frozenset, never)

    async def __call__(self, call: Call, proceed: Proceed) -> Answer:
        if not self._wants(call):
            return await proceed(call)
        request = call.body  # later steps may change it
        answer = await proceed(call)
        listen(call, answer, lambda whole: self._heard(call, request, whole, call.sample))
        return answer

    def audited(self, call: Call, request: bytes, answer: bytes, model: str) -> None:
        """A student answered this call, and `model` was asked the same for an audit. Never raises."""
        if self._wants(call):
            self._heard(call, request, answer, "audited", model)

    def _wants(self, call: Call) -> bool:
        if not (self._all or call.principal.feature in self._features or call.task in self._tasks):
            return False
        if call.principal.feature in self._not_features or (call.key is not None and call.key.name in self._not_keys):
            return False
        if b"no-store" in call.headers.get(b"cache-control", b"").lower():
            return False
        return self._share >= 1 or self._chance() < self._share

    def _heard(self, call: Call, request: bytes, answer: bytes, sample: Sample, model: str = "") -> None:
        principal, deployment = call.principal, call.deployment
        model = model or call.target or (deployment.model if deployment is not None else call.ask.model)
        self._keeper.take(
            Taken(
                call.id, call.started_us, call.wire, request, answer, principal.tenant, principal.feature, call.task,
                model, call.asked, sample, call.ask.model,
            )
        )  # fmt: skip
