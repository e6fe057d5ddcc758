"""The cache step: exact, then semantic; equal calls at the same time fly as one; what lands well is kept.

A hit costs nothing, so it comes before any budget. Whatever fails in here makes the call a miss, never an error.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Literal

from farthing.model.arms import MODEL_SELECTION, SEMANTIC_CACHE
from farthing.model.call import Answer, Call, Deployment, Headers
from farthing.model.errors import NotCached
from farthing.model.record import Saving, model_that_ran
from farthing.model.routes import ROUTED
from farthing.pipeline import Proceed
from farthing.steps.cache import vectors
from farthing.steps.cache.feedback import entry_id_of, hit_note
from farthing.steps.cache.flight import Flights, Landed
from farthing.steps.cache.near import NOT_SERVED, Near, SemanticTier, near_miss
from farthing.steps.cache.place import Place
from farthing.steps.cache.policy import Policies, Policy, sharing
from farthing.steps.cache.vectors import Vectors
from farthing.store.entries import Entries, Entry
from farthing.wire.question import Question, Questions
from farthing.wire.replay import replay, storable, whole_from_stream

LEVER = SEMANTIC_CACHE
CACHED = frozenset(("openai.chat", "openai.responses", "anthropic.messages", vectors.WIRE))
PIN = b"x-farthing-pin"
OPTIONS = (b"anthropic-beta", b"anthropic-version", b"openai-beta")
EVERYONES_VERSION = b"2023-06-01"
TAGS_HEADER = b"x-farthing-cache-tags"
MOST_TAGS = 8


StillServes = Callable[[Call, str], bool]
"""Whether the answer of a model that was chosen for another call may be given to this one."""


class Cache:
    """See the module. `semantic` is None where no feature wants it."""

    name = "cache"

    def __init__(
        self, policies: Policies, entries: Entries, flights: Flights, semantic: SemanticTier | None, *,
        usage: Literal["original", "zero"] = "original", still_serves: StillServes | None = None,
        clock: Callable[[], float] = time.time, questions: Questions | None = None,
    ) -> None:  # fmt: skip
        self._still_serves = still_serves
        self._policies = policies
        self._entries = entries
        self._flights = flights
        self._semantic = semantic
        self._usage: Literal["original", "zero"] = usage
        self._clock = clock
        self._questions = questions or Questions()
        self._vectors = Vectors(entries, flights, usage=usage, clock=clock)

    async def __call__(self, call: Call, proceed: Proceed) -> Answer:
        policy = self._policies.of(call) if call.wire in CACHED else None
        is_vector = policy is not None and call.wire == vectors.WIRE
        asked = self._questions.of(call.wire, call.body) if policy is not None and not is_vector else None
        allowed = asked is not None and policy is not None and policy.allows(asked.temperature, asked.choices)
        if policy is None or not (is_vector or allowed):
            call.arms.pop(LEVER, None)  # calls that it cannot touch would bury what it does
            if policy is not None and policy.only and call.walk != "settling":
                raise _not_cached()
            return await proceed(call)
        if call.arms.get(LEVER, False):
            return await proceed(call)
        if asked is None:
            return await self._vectors.answer(call, policy, _place(call, policy), _tags(call), proceed)
        place = _place(call, policy)
        key = place.key(asked.exact)
        near: Near | None = None
        if call.walk == "settling":
            call.cache = "miss" if policy.reads else ""
            return await self._alone(call, partial(self._landed, policy, place, key, asked, None), proceed)
        if policy.reads:
            call.cache = "miss"
            entry = await self._entries.get(place.tenant, key, now_us=int(self._clock() * 1e6))
            if entry is not None and self._serves(call, entry, policy):
                return self._hit(call, entry, "exact", 1.0, f"the same request as {entry.source_call}")
            if self._semantic is not None and policy.rules.semantic:
                near = await self._semantic.look(place, asked)
                if near is not None and near.serves and self._serves(call, near.entry, policy):
                    return self._hit(call, near.entry, "semantic", near.similarity, near.why)
                if near is not None:
                    call.trail.note(
                        self.name,
                        near_miss(near.refused or NOT_SERVED),
                        f"{near.similarity:.3f} near to {near.entry.source_call}",
                    )
        if policy.only:
            raise _not_cached()
        if call.walk == "parking":
            return await proceed(call)
        landed = partial(self._landed, policy, place, key, asked, near)
        shape = b"%d%d" % (call.ask.stream, call.ask.wants_usage)  # a flight's listeners get equal bytes
        flight = key + shape if policy.reads else call.id.encode()
        answer, leader = await self._flights.join(flight, call, proceed, landed)
        if leader is not call:
            self._joined(call, leader, answer)
        return answer

    async def close(self) -> None:
        await self._flights.close()

    async def _alone(self, call: Call, landed: Landed, proceed: Proceed) -> Answer:
        """Keep the answer that a batch gave: nobody else can wait for it here."""
        answer = await proceed(call)
        landed(call, answer, answer.body)
        return answer

    def _serves(self, call: Call, entry: Entry, policy: Policy) -> bool:
        """Whether the entry is fresh enough for the call, and by a model that may answer it."""
        age_s = self._clock() - entry.created_us / 1e6
        if age_s > min(policy.max_age_s, policy.rules.ttl_s) and not entry.pinned:
            return False
        return not entry.target or self._still_serves is None or self._still_serves(call, entry.target)

    def _hit(self, call: Call, entry: Entry, kind: str, similarity: float, why: str) -> Answer:
        """Give a kept answer in the client's wire, plain or as a stream, and book what it saved."""
        now = self._clock()
        age_s = max(0.0, now - entry.created_us / 1e6)
        call.cache = kind
        call.deployment = Deployment("cache", "", entry.model, "")
        call.trail.note(self.name, hit_note(kind, entry, similarity), f"{why}, {age_s:.0f} s old")
        if entry.baseline and entry.baseline != entry.cost:
            call.trail.savings.append(Saving(MODEL_SELECTION, entry.baseline, entry.cost, estimated=True))
        call.trail.savings.append(Saving(LEVER, entry.cost, 0))
        self._entries.hit(entry.tenant, entry.id, at_us=int(now * 1e6))
        body = replay(call.wire, entry.answer, call.ask, usage=self._usage, call_id=call.id, now=int(now))
        kind_of_body = b"text/event-stream; charset=utf-8" if call.ask.stream else b"application/json"
        return Answer(200, [(b"content-type", kind_of_body)], body)

    def _joined(self, call: Call, leader: Call, answer: Answer) -> None:
        """The call got the answer that another one caused; what that one cost is saved."""
        call.cache = "exact"
        call.deployment = leader.deployment
        call.trail.note(self.name, f"joined {leader.id}", "the same request was under way")
        answer.headers = _without_call_headers(answer.headers)

        def book() -> None:
            attempts = leader.trail.attempts
            estimated = any(attempt.cost_state not in ("computed", "reported") for attempt in attempts)
            call.trail.savings.append(Saving(LEVER, sum(attempt.cost for attempt in attempts), 0, estimated=estimated))

        answer.on_end(lambda _: book())

    def _landed(
        self, policy: Policy, place: Place, key: bytes, asked: Question, near: Near | None, call: Call, answer: Answer,
        body: bytes,
    ) -> None:  # fmt: skip
        """Keep an answer that ended well, and let it be the measure of the near hit that was not given."""
        whole = _whole(call, body) if answer.stream is not None else body
        if answer.status != 200 or whole is None or not storable(call.wire, whole):
            return
        if near is not None and self._semantic is not None:
            self._semantic.check(near, asked, call, whole)
        if not policy.stores:
            return
        attempts = call.trail.attempts
        cost = sum(attempt.cost for attempt in attempts)
        entry = Entry(
            id=entry_id_of(call.id), tenant=place.tenant, scope=place.feature, owner=call.principal.user,
            team=call.principal.team, format=call.wire, model=model_that_ran(attempts[-1].model, attempts[-1].served_model),
            asked=call.ask.model, target=call.target if call.tier else "", exact=key, context=place.group(asked.context), question=asked.text, answer=whole,
            cost=cost, baseline=cost + sum(saving.saved for saving in call.trail.savings) if call.tier else 0, created_us=call.started_us,
            expires_us=int((self._clock() + policy.rules.ttl_s) * 1e6), source_call=call.id, tags=_tags(call),
        )  # fmt: skip
        if self._semantic is not None and policy.rules.semantic:
            self._semantic.keep(entry, asked)
        else:
            self._entries.put(entry)


def _place(call: Call, policy: Policy) -> Place:
    """The walls around the call."""
    return Place(
        tenant=call.principal.tenant, share=sharing(call.principal, call.key, policy.rules.share),
        feature=call.principal.feature, wire=call.wire, model=_model(call), options=_options(call),
    )  # fmt: skip


def _model(call: Call) -> str:
    """What the call asks for: a model, or a choice among those that its key may use."""
    pin = call.headers.get(PIN)
    if pin is not None:
        return f"{call.ask.model} {pin.decode('latin-1')}"
    if call.ask.model in ROUTED and call.key is not None and call.key.models:
        return f"{call.ask.model} {' '.join(call.key.models)}"
    return call.ask.model


def _whole(call: Call, stream: bytes) -> bytes | None:
    """The answer that a plain call would have got, with the usage that the client may not have asked for."""
    collector = whole_from_stream(call.wire)
    collector.feed(stream)
    return collector.result(call.trail.attempts[-1].usage)


def _options(call: Call) -> str:
    """Request headers that change the answer, apart from what every client of today sends."""
    said = [call.headers.get(name, b"") for name in OPTIONS]
    return b"\n".join([b"" if value == EVERYONES_VERSION else value for value in said]).decode("latin-1").strip("\n")


def _tags(call: Call) -> tuple[str, ...]:
    """Tags by which the answer can be invalidated."""
    said = call.headers.get(TAGS_HEADER, b"").decode("utf-8", "replace")
    return tuple(tag.strip()[:64] for tag in said.split(",") if tag.strip())[:MOST_TAGS]


def _without_call_headers(headers: Headers) -> Headers:
    """The provider's limits and ids belong to the call that really went there."""
    return [header for header in headers if header[0] in (b"content-type", b"cache-control")]


def _not_cached() -> NotCached:
    return NotCached("There is no answer in the cache, and the call says only-if-cached.")
