"""What people say of an answer: a bad one dies at once on every gateway, and hits like it become stricter.

How far a verdict reaches is policy. `entry`: the answer. `neighbourhood`: also the bound of the feature, at the similarity
of the hit and below; what is nearer is not blamed. `scope`: a bad one counts at every similarity of the feature.
"""

import time
from collections.abc import Callable
from typing import Protocol

import msgspec

from farthing.model.record import Record
from farthing.steps.cache.bounds import Bounds
from farthing.steps.cache.policy import Policies
from farthing.store.entries import Entries, Entry, Verdict, Which

STEP = "cache"


class Forgetful(Protocol):
    """Whoever holds entries in memory too."""

    def forget(self, entry_ids: list[str]) -> None: ...


class Given(msgspec.Struct, frozen=True):
    """The entry that a call was answered with, or that its answer became."""

    entry_id: str
    similarity: float
    kind: str
    """exact, semantic, or source."""
    exact: bytes = b""
    """The request that the entry answers to the letter; another gateway may have stored an answer of its own to it."""


def entry_id_of(call_id: str) -> str:
    """The entry that a call's answer is kept as."""
    return "ent-" + call_id.removeprefix("call-")


def hit_note(kind: str, entry: Entry, similarity: float) -> str:
    """A hit as the call's trail has it; `given` reads it."""
    return f"{kind} hit {entry.id} {similarity:.6f} {entry.exact.hex()}".strip()


def given(record: Record) -> Given:
    """What the cache had to do with a call."""
    for decision in record.decisions:
        words = decision.what.split()
        if decision.step == STEP and len(words) in (4, 5) and words[1] == "hit":
            return Given(words[2], float(words[3]), words[0], bytes.fromhex("".join(words[4:])))
    return Given(entry_id_of(record.id), 1.0, "source")


class Feedback:
    """Takes verdicts of people on calls. `semantic` is None where only exact hits are given."""

    def __init__(
        self, entries: Entries, bounds: Bounds, semantic: Forgetful | None, policies: Policies,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:  # fmt: skip
        self._entries = entries
        self._bounds = bounds
        self._semantic = semantic
        self._policies = policies
        self._now_us = now_us

    async def take(self, record: Record, *, good: bool, score: float | None = None) -> int:
        """Count the verdict; how many stored answers died of it. Raises StoreError if the cache cannot be written.

        `score` is kept with a verdict that counts for the bound.
        """
        about = given(record)
        reach = self._policies.rules(record.feature).feedback
        if about.kind == "semantic" and reach != "entry":
            similarity = 1.0 if reach == "scope" and not good else about.similarity
            verdict = Verdict(
                tenant=record.tenant, scope=record.feature, entry_id=about.entry_id, call_id=record.id,
                similarity=similarity, wrong=not good, source="feedback", score=score, at_us=self._now_us(),
            )  # fmt: skip
            self._bounds.add(verdict)
        if good:
            return 0
        if self._semantic is not None:
            self._semantic.forget([about.entry_id])
        dropped = await self._entries.drop(record.tenant, Which(ids=(about.entry_id,)))
        if about.exact:
            dropped += await self._entries.drop(record.tenant, Which(exact=about.exact))
        return dropped
