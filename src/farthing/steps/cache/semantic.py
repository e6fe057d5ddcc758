"""The semantic tier: near questions, a guard that must agree, and the bound that decides whether a hit is given.

A would-be hit that is not given (its scope has not shown the bound yet, or it was drawn for a check) costs nothing: the
model is asked as for any miss, and a judge then says whether the stored answer would have done. A near question that the
guard does not let through is judged too, within a budget; if the stored answer does answer it, the two are linked, and
the question hits from then on. All but the look itself happens off the caller's path.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

import msgspec

from farthing.embed import Encoder, EncoderError
from farthing.model.call import Call
from farthing.steps.cache.bounds import Bounds
from farthing.steps.cache.guard import Prepared, compare_prepared, prepare
from farthing.steps.cache.index import Index, Neighbour, pack
from farthing.steps.cache.near import Near
from farthing.steps.cache.place import Place
from farthing.store import StoreError
from farthing.store.entries import Entries, Entry, Link, Position, Verdict, new_link_id
from farthing.wire.question import Question
from farthing.wire.replay.words import words_of

log = logging.getLogger("farthing.cache")

LONGEST = 800
"""Characters of a question: the local encoder reads some 1,000 of English whole, and what is longer is a document."""
PATIENCE_S = 0.5
"""How long a call waits for the vector of its question."""
CANDIDATES = 6
LINKABLE = 0.55
"""The least similarity at which a question that the guard refused may be judged for a link."""
POLL_S = 1.0
"""How soon entries of other gateways, and their ends, are known here."""
REMEMBERED = 20_000


class Judge(Protocol):
    """Whoever says whether an answer answers a question."""

    async def answers(self, tenant: str, question: str, answer: str) -> bool | None: ...


class Allowance(Protocol):
    """How many judgements may be asked for."""

    def take(self, name: bytes, a_minute: int, amount: float) -> float: ...


class Semantic:
    """See the module."""

    def __init__(
        self, encoder: Encoder, index: Index, entries: Entries, bounds: Bounds, judge: Judge, allowance: Allowance, *,
        check_share: float, judgements_a_minute: int, chance: Callable[[], float] = random.random,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:  # fmt: skip
        self._encoder = encoder
        self._index = index
        self._entries = entries
        self._bounds = bounds
        self._judge = judge
        self._allowance = allowance
        self._check_share = check_share
        self._judgements_a_minute = judgements_a_minute
        self._chance = chance
        self._now_us = now_us
        self._questions: dict[tuple[str, str], Prepared] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._warned = False

    def start(self) -> None:
        """Fill the index from the store, and follow what other gateways do."""
        self._later(self._follow())

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._encoder.close()

    async def look(self, place: Place, asked: Question) -> Near | None:
        """The best stored answer whose question the guard lets through; else the nearest one, which cannot serve."""
        if not comparable(asked):
            return None
        vector = await self._vector(asked.text)
        if vector is None:
            return None
        neighbours = self._index.nearest(place.group(asked.context), vector, CANDIDATES, at_least=LINKABLE)
        if not neighbours:
            return None  # most misses end here, before the guard has to read the question
        await asyncio.sleep(0)  # others first: among many questions the search took a millisecond or two
        prepared = prepare(asked.text)
        for found in neighbours:
            stored = await self._question(place.tenant, found)
            if stored is None or not compare_prepared(prepared, stored, found.cosine).same:
                continue
            if found.link and not await self._is_linked(place.tenant, found):
                continue
            entry = await self._entries.read(place.tenant, found.entry_id, now_us=self._now_us())
            if entry is not None:
                return await self._near(place, entry, found)
            self._index.remove(found.entry_id)
        for found in neighbours[:1]:
            entry = await self._entries.read(place.tenant, found.entry_id, now_us=self._now_us())
            if entry is not None:
                return Near(entry, found.cosine, False, False, "near, and not let through by the guard")
        return None

    def keep(self, entry: Entry, asked: Question) -> None:
        """Store an entry so that it is found by its question too."""
        if comparable(asked):
            self._later(self._keep(entry))
        else:
            self._entries.put(entry)

    def check(self, near: Near, asked: Question, call: Call) -> None:
        """Have it judged whether the stored answer would have done where the model was asked."""
        if self._allowance.take(b"judgements", self._judgements_a_minute, 1) == 0:
            self._later(self._check(near, asked, call))

    def forget(self, entry_ids: list[str]) -> None:
        """These entries are gone."""
        for entry_id in entry_ids:
            self._index.remove(entry_id)

    async def _near(self, place: Place, entry: Entry, found: Neighbour) -> Near:
        similarity = 1.0 if found.link else min(1.0, found.cosine)
        limit = await self._bounds.threshold(place.tenant, place.feature)
        approved = entry.pinned or bool(found.link)
        serves = approved or (similarity >= limit.similarity and self._chance() >= self._check_share)
        kind = "pinned or linked question" if approved else "question"
        return Near(
            entry, similarity, True, serves, f"{kind} with similarity {found.cosine:.3f}, of {entry.source_call}"
        )

    async def _keep(self, entry: Entry) -> None:
        vector = await self._vector(entry.question)
        if vector is None:
            self._entries.put(entry)
            return
        packed = pack(vector)
        if self._entries.put(msgspec.structs.replace(entry, vector=packed, encoder=self._encoder.name)):
            self._index.add(entry.context, entry.id, packed)

    async def _check(self, near: Near, asked: Question, call: Call) -> None:
        tenant, entry = near.entry.tenant, near.entry
        right = await self._judge.answers(tenant, asked.text, words_of(entry.format, entry.answer))
        if right is None:
            return
        if near.passed:
            verdict = Verdict(
                tenant=tenant, scope=entry.scope, entry_id=entry.id, call_id=call.id, similarity=near.similarity,
                wrong=not right, source="shadow", at_us=self._now_us(),
            )  # fmt: skip
            self._bounds.add(verdict)
        elif right:
            await self._link(entry, asked.text)

    async def _link(self, entry: Entry, question: str) -> None:
        vector = await self._vector(question)
        if vector is None:
            return
        link = Link(
            id=new_link_id(), tenant=entry.tenant, entry_id=entry.id, question=question, vector=pack(vector),
            source="judge", created_us=self._now_us(),
        )  # fmt: skip
        if self._entries.link(link):
            self._index.add(entry.context, entry.id, link.vector, link=link.id)
            self._remember(entry.id, link.id, question)

    async def _is_linked(self, tenant: str, found: Neighbour) -> bool:
        """Whether the question is linked to its entry still: people take links back."""
        links = await self._entries.links(tenant, found.entry_id)
        if any(link.id == found.link for link in links):
            return True
        self._index.remove(found.entry_id, link=found.link)
        return False

    async def _question(self, tenant: str, found: Neighbour) -> Prepared | None:
        """A stored question as the guard reads it."""
        known = self._questions.get((found.entry_id, found.link))
        if known is not None:
            return known
        await asyncio.sleep(0)  # reading several at once would hold up the event loop for milliseconds
        if found.link:
            for link in await self._entries.links(tenant, found.entry_id):
                self._remember(found.entry_id, link.id, link.question)
        else:
            entry = await self._entries.read(tenant, found.entry_id, now_us=self._now_us())
            if entry is not None:
                self._remember(entry.id, "", entry.question)
        return self._questions.get((found.entry_id, found.link))

    def _remember(self, entry_id: str, link: str, question: str) -> None:
        if len(self._questions) >= REMEMBERED:
            self._questions.clear()
        self._questions[entry_id, link] = prepare(question)

    async def _vector(self, text: str) -> Any:
        try:
            async with asyncio.timeout(PATIENCE_S):
                return (await self._encoder.encode([text]))[0]
        except (EncoderError, TimeoutError) as error:
            if not self._warned:
                self._warned = True
                log.warning("no semantic cache, exact hits only: %s", str(error) or "the encoder is too slow")
            return None

    async def _follow(self) -> None:
        position = Position()
        while True:
            try:
                changes = await self._entries.changes(position)
            except StoreError:
                await asyncio.sleep(POLL_S)
                continue
            position = changes.position
            if changes.anew:
                self._index.clear()
            for gone in changes.dropped:
                self._index.remove(gone)
            for added in changes.added:
                if added.encoder == self._encoder.name:
                    self._index.add(added.context, added.entry_id, added.vector, link=added.link)
            await asyncio.sleep(0 if changes.more else POLL_S)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.warning("work of the semantic cache failed", extra={"error": type(task.exception()).__name__})


def comparable(asked: Question) -> bool:
    """Whether a question may be compared with others at all: words alone, and few."""
    return (
        bool(asked.text.strip())
        and len(asked.text) <= LONGEST
        and not (asked.has_tools or asked.has_media or asked.has_tool_results)
    )
