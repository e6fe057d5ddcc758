"""The semantic tier: near questions, a guard that must agree, and the bound that decides whether a hit is given.

A would-be hit that is not given (its scope has not shown the bound yet, or it was drawn for a check) costs nothing: the
model is asked as for any miss, and a judge then says whether the stored answer would have done. A near question that the
guard does not let through is judged too, within a budget; if the stored answer does answer it, the two are linked, and
the question hits from then on. For a share of these the judge itself is tried: on the fresh answer, which answers its own
question, and on an answer to a question that is plainly another. All but the look itself happens off the caller's path.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Coroutine
from typing import Any, Literal, Protocol

import msgspec

from farthing.embed import Encoder, EncoderError
from farthing.model.call import Call
from farthing.steps.cache.bounds import Bounds
from farthing.steps.cache.guard import Prepared, compare_prepared, prepare
from farthing.steps.cache.index import Index, Neighbour, pack
from farthing.steps.cache.near import Judge, Near
from farthing.steps.cache.place import Place
from farthing.store import StoreError
from farthing.store.entries import Entries, Entry, Link, Position, Verdict, Which, new_link_id
from farthing.wire.question import Question
from farthing.wire.replay.words import words_of

log = logging.getLogger("farthing.cache")

LONGEST = 800
"""Characters of a question: the local encoder reads some 1,000 of English whole, and what is longer is a document."""
PATIENCE_S = 0.5
LATE_S = 5.0
"""How long what a call left to be done waits for one, since nobody waits for that: else a busy machine would store answers that no
near question finds."""
CANDIDATES = 6
LINKABLE = 0.55
"""The least similarity at which a question that the guard refused may be judged for a link."""
FAR = 0.2
"""Questions less similar than this are plainly two: of 9,100 such pairs of a support workload none had one answer; of 2,045
between 0.2 and 0.3 four had."""
OTHER = frozenset(("number", "antonym", "name"))
"""Rules of the guard whose differences make another question, however near: so it was for 502 of the 506 near pairs of
questions that they refused in a support workload and in sets of traps."""
UNSHOWN, CHECKED, LINK_GONE = "too few verdicts", "drawn for a check", "unlinked"
"""Why a near answer is not given that no rule of the guard refused."""
LOOKED_AT = 20
"""Stored answers among which a far question is looked for, and then at most `TRIED` that are compared."""
TRIED = 4
POLL_S = 1.0
"""How soon entries of other gateways, and their ends, are known here."""
REMEMBERED = 20_000


class Allowance(Protocol):
    """How many judgements may be asked for."""

    def take(self, name: bytes, a_minute: int, amount: float) -> float: ...


class Semantic:
    """See the module."""

    def __init__(
        self, encoder: Encoder, index: Index, entries: Entries, bounds: Bounds, judge: Judge, allowance: Allowance, *,
        check_share: float, judgements_a_minute: int, probe_share: float = 0.3, chance: Callable[[], float] = random.random,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000, patience_s: float = PATIENCE_S,
    ) -> None:  # fmt: skip
        """`patience_s`: how long a call waits for the vector of its question."""
        self._encoder = encoder
        self._index = index
        self._entries = entries
        self._bounds = bounds
        self._judge = judge
        self._allowance = allowance
        self._check_share = check_share
        self._probe_share = probe_share
        self._judgements_a_minute = judgements_a_minute
        self._chance = chance
        self._now_us = now_us
        self._patience_s = patience_s
        self._late_s = max(patience_s, LATE_S)
        self._questions: dict[tuple[str, str], Prepared] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._following: asyncio.Task[None] | None = None
        self._warned = False

    def start(self) -> None:
        """Fill the index from the store, and follow what other gateways do."""
        self._following = self._later(self._follow())

    async def settle(self) -> None:
        """Wait for what calls left to be done: vectors that are stored, judgements."""
        while tasks := self._tasks - {self._following}:
            await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._encoder.close()

    async def look(self, place: Place, asked: Question) -> Near | None:
        """The best stored answer whose question the guard lets through; else the nearest one, which cannot serve."""
        if not comparable(asked):
            return None
        vector = await self._vector(asked.text, self._patience_s)
        if vector is None:
            return None
        neighbours = self._index.nearest(place.group(asked.context), vector, CANDIDATES, at_least=LINKABLE)
        if not neighbours:
            return None  # most misses end here, before the guard has to read the question
        await asyncio.sleep(0)  # others first: among many questions the search took a millisecond or two
        prepared = prepare(asked.text)
        other, refused = False, ""
        for found in neighbours:
            stored = await self._question(place.tenant, found)
            if stored is None:
                continue
            decision = compare_prepared(prepared, stored, found.cosine)
            if not decision.same:
                if found is neighbours[0]:
                    other, refused = decision.rule in OTHER, decision.rule
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
                why = "near, and not let through by the guard"
                return Near(entry, found.cosine, False, False, why, refused or LINK_GONE, other)
        return None

    def keep(self, entry: Entry, asked: Question) -> None:
        """Store an entry so that it is found by its question too."""
        if comparable(asked):
            self._later(self._keep(entry))
        else:
            self._entries.put(entry)

    def check(self, near: Near, asked: Question, call: Call, fresh: bytes) -> None:
        """Have it judged whether the stored answer would have done where the model was asked.

        What is judged, and what the judge is tried on, is drawn before anything is known of the outcome.
        """
        draw = self._chance() / self._probe_share
        if near.other:
            if draw < 1 and self._may_judge():
                self._later(self._try_near_mismatch(near, asked, call))
            return
        if self._may_judge():
            self._later(self._check(near, asked, call))
        if near.passed and draw < 0.5 and self._may_judge():
            self._later(self._try_repeat(near.entry, asked, call, fresh))
        elif near.passed and 0.5 <= draw < 1 and self._may_judge():
            self._later(self._try_far_mismatch(near.entry, asked, call))

    def forget(self, entry_ids: list[str]) -> None:
        """These entries are gone."""
        for entry_id in entry_ids:
            self._index.remove(entry_id)

    async def _near(self, place: Place, entry: Entry, found: Neighbour) -> Near:
        similarity = 1.0 if found.link else min(1.0, found.cosine)
        limit = await self._bounds.threshold(place.tenant, place.feature)
        approved = entry.pinned or bool(found.link)
        shown = approved or similarity >= limit.similarity
        serves = approved or (shown and self._chance() >= self._check_share)
        kind = "pinned or linked question" if approved else "question"
        why = f"{kind} with similarity {found.cosine:.3f}, of {entry.source_call}"
        return Near(entry, similarity, True, serves, why, "" if serves else CHECKED if shown else UNSHOWN)

    async def _keep(self, entry: Entry) -> None:
        vector = await self._vector(entry.question, self._late_s)
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
                wrong=not right, source="shadow", judge=self._bounds.judge, at_us=self._now_us(),
            )  # fmt: skip
            self._bounds.add(verdict)
        elif right:
            await self._link(entry, asked.text)

    def _may_judge(self) -> bool:
        return self._allowance.take(b"judgements", self._judgements_a_minute, 1) == 0

    async def _try_repeat(self, entry: Entry, asked: Question, call: Call, fresh: bytes) -> None:
        """The question was asked anew, so this answer is its own."""
        await self._try_judge("repeat", entry, 1.0, asked, call, words_of(call.wire, fresh))

    async def _try_near_mismatch(self, near: Near, asked: Question, call: Call) -> None:
        words = words_of(near.entry.format, near.entry.answer)
        await self._try_judge("mismatch", near.entry, near.similarity, asked, call, words)

    async def _try_far_mismatch(self, entry: Entry, asked: Question, call: Call) -> None:
        """An answer of the same scope and context to a question of which nothing is like this one."""
        which = Which(scope=entry.scope, context=entry.context)
        stored = await self._entries.entries(entry.tenant, which, limit=LOOKED_AT)
        vector = await self._vector(asked.text, self._late_s)
        for other in sorted(stored, key=lambda _: self._chance())[:TRIED]:
            theirs = await self._vector(other.question, self._late_s)
            if vector is None or theirs is None:
                return
            cosine = float(vector @ theirs / ((vector @ vector) * (theirs @ theirs)) ** 0.5)
            if cosine < FAR:
                words = words_of(other.format, other.answer)
                return await self._try_judge("mismatch", other, cosine, asked, call, words)

    async def _try_judge(
        self, kind: Literal["repeat", "mismatch"], entry: Entry, similarity: float, asked: Question, call: Call,
        answer: str,
    ) -> None:  # fmt: skip
        right = await self._judge.answers(entry.tenant, asked.text, answer)
        if right is not None:
            probe = Verdict(
                tenant=entry.tenant, scope=entry.scope, entry_id=entry.id, call_id=call.id, similarity=similarity,
                wrong=not right, source=kind, judge=self._bounds.judge, at_us=self._now_us(),
            )  # fmt: skip
            self._bounds.add(probe)

    async def _link(self, entry: Entry, question: str) -> None:
        vector = await self._vector(question, self._late_s)
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

    async def _vector(self, text: str, patience_s: float) -> Any:
        try:
            async with asyncio.timeout(patience_s):
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

    def _later(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

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
