"""Embeddings from the cache, input by input: what is known is not asked for again, the rest goes to the provider as one call.

A vector follows from its input, so temperature and wording play no part: equal inputs with equal settings, at the same
model and behind the same walls, have the same vector. Vectors of two models are never put into one answer. Knows nothing
of questions.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from farthing.model.arms import SEMANTIC_CACHE
from farthing.model.call import Answer, Call, Deployment, Headers, Proceed
from farthing.model.errors import NotCached
from farthing.model.record import Saving, model_that_ran
from farthing.steps.cache.feedback import entry_id_of
from farthing.steps.cache.flight import Flights
from farthing.steps.cache.place import Place, digest
from farthing.steps.cache.policy import Policy
from farthing.store.entries import Entries, Entry
from farthing.wire import vectors

WIRE = "openai.embeddings"
STEP, LEVER = "cache", SEMANTIC_CACHE
_AT_ONCE = 32
"""Inputs that are read before others get their turn: each can be tens of kilobytes to open."""
_KEPT_HEADERS = (b"content-type", b"cache-control")


class Vectors:
    """Answers embeddings calls for the cache step. Shares its store and its flights."""

    def __init__(
        self, entries: Entries, flights: Flights, *, usage: Literal["original", "zero"], clock: Callable[[], float]
    ) -> None:  # fmt: skip
        self._entries = entries
        self._flights = flights
        self._usage: Literal["original", "zero"] = usage
        self._clock = clock

    async def answer(
        self, call: Call, policy: Policy, place: Place, tags: tuple[str, ...], proceed: Proceed
    ) -> Answer:  # fmt: skip
        """The answer to an embeddings call. Raises NotCached, and what the provider's call raises."""
        asked = vectors.items(call.body)
        if asked is None:
            return await _unless_only(policy, call, proceed)
        keys = [place.key(key) for key in asked.keys]
        known: dict[bytes, Entry] = {}
        if policy.reads:
            call.cache = "miss"
        if policy.reads and call.walk != "settling":
            known = await self._known(place.tenant, keys, policy)
        missing = _first_places(keys, known)
        if not missing:
            body = vectors.joined([known[key].answer for key in keys], self._usage)
            if body is not None:
                self._book(call, keys, known)
                return _hit(call, known[keys[0]], body)
            known, missing = {}, _first_places(keys, {})
        if call.walk == "settling":
            return await self._settled(call, policy, place, tags, proceed, asked, keys)
        if policy.only:
            raise _not_cached()
        if call.walk == "parking":  # all of them or none: what is known now may be gone when the others come
            return await proceed(call)
        return await self._fetched(call, policy, place, tags, proceed, asked, keys, known, missing)

    async def _settled(
        self, call: Call, policy: Policy, place: Place, tags: tuple[str, ...], proceed: Proceed, asked: vectors.Items,
        keys: Sequence[bytes],
    ) -> Answer:  # fmt: skip
        """Keep what a batch gave."""
        answer = await proceed(call)
        self._landed(policy, place, tags, keys, asked.inputs, call, answer, answer.body)
        return answer

    async def _known(self, tenant: str, keys: Sequence[bytes], policy: Policy) -> dict[bytes, Entry]:
        """The inputs whose vectors may be given."""
        now = self._clock()
        oldest_us = (now - min(policy.max_age_s, policy.rules.ttl_s)) * 1e6
        found: dict[bytes, Entry] = {}
        for start in range(0, len(keys), _AT_ONCE):
            some = await self._entries.get_many(tenant, keys[start : start + _AT_ONCE], now_us=int(now * 1e6))
            found |= {key: entry for key, entry in some.items() if entry.created_us >= oldest_us}
            if start:
                await asyncio.sleep(0)
        return found

    async def _fetched(
        self, call: Call, policy: Policy, place: Place, tags: tuple[str, ...], proceed: Proceed, asked: vectors.Items,
        keys: Sequence[bytes], known: dict[bytes, Entry], missing: Sequence[int],
    ) -> Answer:  # fmt: skip
        """Have the missing inputs embedded, and put them among those that are known."""
        sent, whole = [asked.inputs[at] for at in missing], call.body
        wanted = [keys[at] for at in missing]
        call.body = vectors.remaining(whole, asked, missing)
        landed = partial(self._landed, policy, place, tags, wanted, sent)
        flight = digest("vectors", *wanted) if policy.reads else call.id.encode()
        answer, leader = await self._flights.join(flight, call, proceed, landed)
        if leader is not call:
            _join(call, leader, answer)
        if answer.status != 200 or len(missing) == len(keys):
            return answer
        body = self._together(answer.body, sent, wanted, keys, known)
        if body is None:  # of another model than those that are known, or not an answer to each input
            call.body = whole
            call.trail.note(STEP, "asked for all inputs", "what came does not go with what was known")
            return await proceed(call)
        self._book(call, keys, known)
        answer.body = body
        return answer

    def _together(
        self, fetched: bytes, sent: Sequence[str | list[int]], wanted: Sequence[bytes], keys: Sequence[bytes],
        known: dict[bytes, Entry],
    ) -> bytes | None:  # fmt: skip
        pieces = vectors.cut(fetched, sent)
        if pieces is None:
            return None
        fresh = dict(zip(wanted, pieces, strict=True))
        answers = [fresh[key] if key in fresh else known[key].answer for key in keys]
        paid = {at for at, key in enumerate(keys) if key in fresh}
        return vectors.joined(answers, self._usage, paid=paid)

    def _book(self, call: Call, keys: Sequence[bytes], known: dict[bytes, Entry]) -> None:
        """Book what the inputs that were known would have cost."""
        used = [known[key] for key in keys if key in known]
        if not used:
            return
        call.trail.note(STEP, f"reused {len(used)} of {len(keys)} inputs", f"the oldest of {used[0].source_call}")
        call.trail.savings.append(Saving(LEVER, sum(entry.cost for entry in used), 0))
        at_us = int(self._clock() * 1e6)
        for entry in known.values():
            self._entries.hit(entry.tenant, entry.id, at_us=at_us)

    def _landed(
        self, policy: Policy, place: Place, tags: tuple[str, ...], keys: Sequence[bytes],
        inputs: Sequence[str | list[int]], call: Call, answer: Answer, body: bytes,
    ) -> None:  # fmt: skip
        """Keep each vector with its share of the cost. The input itself is not kept."""
        pieces = vectors.cut(body, inputs) if answer.status == 200 and policy.stores else None
        if pieces is None:
            return
        attempts = call.trail.attempts
        tokens = [vectors.tokens(piece) for piece in pieces]
        costs = vectors.shared(sum(attempt.cost for attempt in attempts), [max(1, count) for count in tokens])
        expires_us = int((self._clock() + policy.rules.ttl_s) * 1e6)
        for number, (key, piece, cost, count) in enumerate(zip(keys, pieces, costs, tokens, strict=True)):
            entry = Entry(
                id=f"{entry_id_of(call.id)}-{number}", tenant=place.tenant, scope=place.feature,
                owner=call.principal.user, team=call.principal.team, format=WIRE,
                model=model_that_ran(attempts[-1].model, attempts[-1].served_model), asked=call.ask.model, exact=key, answer=piece,
                cost=cost, in_tokens=count, created_us=call.started_us, expires_us=expires_us, source_call=call.id,
                tags=tags,
            )  # fmt: skip
            self._entries.put(entry)


def _first_places(keys: Sequence[bytes], known: dict[bytes, Entry]) -> list[int]:
    """Where each input that is not known is met first: one that is there twice is asked for once."""
    places: dict[bytes, int] = {}
    for at, key in enumerate(keys):
        if key not in known:
            places.setdefault(key, at)
    return list(places.values())


def _hit(call: Call, entry: Entry, body: bytes) -> Answer:
    call.cache = "exact"
    call.deployment = Deployment("cache", "", entry.model, "")
    return Answer(200, [(b"content-type", b"application/json")], body)


def _join(call: Call, leader: Call, answer: Answer) -> None:
    """The call got vectors that another one paid for."""
    call.cache = "exact"
    call.deployment = leader.deployment
    call.trail.note(STEP, f"joined {leader.id}", "the same inputs were under way")
    headers: Headers = [header for header in answer.headers if header[0] in _KEPT_HEADERS]
    answer.headers = headers
    call.trail.savings.append(Saving(LEVER, sum(attempt.cost for attempt in leader.trail.attempts), 0))


async def _unless_only(policy: Policy, call: Call, proceed: Proceed) -> Answer:
    if policy.only:
        raise _not_cached()
    return await proceed(call)


def _not_cached() -> NotCached:
    return NotCached("Not all inputs are in the cache, and the call says only-if-cached.")
