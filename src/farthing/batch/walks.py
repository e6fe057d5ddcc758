"""Lines of jobs on their way through the pipeline's steps: packed for a provider's batch, settled with its answer, sent
alone, or given the answer of an equal one. Each way gives one record, as the meter makes it for any call.

    pack     meter, identify, task, cache, defer, route, shape ...    and the end is `parking`
    settle   meter, cache, defer, route, shape ...                    and the end is the answer that came
    run      meter, identify, task, cache, defer, route, shape, balance, budget, admit    and the end is the provider

Lines of our own errands, such as the prompt lab's, pass by the steps that would change them or answer for their model, and
are booked as a lever's spending. Requests a minute are for calls of people and are not counted here. Records go to whoever asked for the walk, not to the
ledger: they are written together with the lines that they end. Knows nothing of jobs' states and of how batches are made.
"""

import logging
import traceback
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, Protocol

import msgspec

from farthing.batch import holding
from farthing.batch.parking import Park, Parked, ParkedCall
from farthing.model.batch import Job, Line, Sent, Shard
from farthing.model.call import Answer, Ask, Call, Deployment, Walk
from farthing.model.clock import SYSTEM, Clock
from farthing.model.errors import BadRequest, BudgetExceeded, FarthingError, NotAllowed, UnknownModel, UpstreamError
from farthing.model.principal import Key
from farthing.model.record import Decision, Record
from farthing.pipeline import Proceed, Step, chain
from farthing.prices import PriceBook
from farthing.quality.errand import TASK, Overhead
from farthing.steps.admit import price
from farthing.steps.defer import booking
from farthing.steps.identify import Identify
from farthing.steps.meter import Meter
from farthing.upstream.relay import Delivery, Relay
from farthing.wire import FORMATS, splice
from farthing.wire.replay import whole_from_stream

AGAIN_S = 5.0
"""After so long a run that failed may be tried again, where nobody says when."""
LIMITED_S = 15.0
"""The same after a provider's rate limit."""
MISTAKE_S = 60.0
"""The same after a mistake of ours."""
KEY_S = 5.0
"""How long a key is remembered that was read."""
MEMORY = 512
RETRIED = frozenset((408, 409, 425, 429))
"""What a provider answers that another try may mend, beside what is its own fault."""
ASKED_TIER = "service_tier"
"""In the metadata of a deferred call's job: the service tier that its body named before it was handed in."""
ERRAND = "errand"
"""In the metadata of a job that was made of a file: the lever whose own work it is."""
log = logging.getLogger("farthing.batch")


class Keys(Protocol):
    """The keys of the gateway, by id; one that was revoked is there too."""

    def named(self, key_id: str) -> Sequence[Key]: ...
    async def read(self, key_id: str) -> Key | None: ...


class Settled(msgspec.Struct):
    """A run of a line that has ended."""

    record: Record
    """What it came to, for the ledger."""
    status: int
    """HTTP status, as the client is to see it."""
    answer: bytes
    """In the format that the client speaks."""
    again_s: float | None = None
    """None: final; else it may be tried again after so many seconds."""


class Ways(NamedTuple):
    """The steps, in their order."""

    identify: Identify
    task: Step
    inner: Sequence[Step]
    """cache, defer, route, and those that shape."""
    look: Sequence[Step]
    """Those that look at a prompt when it is sent at once."""
    last: Sequence[Step]
    """balance, budget, admit."""


class Walks:
    """See the module."""

    def __init__(
        self, keys: Keys, ways: Ways, park: Park, relay: Relay, book: PriceBook, new_id: Callable[[], str], *,
        clock: Clock = SYSTEM,
    ) -> None:  # fmt: skip
        self._keys = keys
        self._identify = ways.identify
        self._relay = relay
        self._book = book
        self._new_id = new_id
        self._now_us, self._monotonic = clock.now_us, clock.monotonic
        self._collected = Collector()
        meter = self._meter = Meter(self._collected, serve_without_ledger=True, clock=clock.monotonic)
        self._parking = chain([meter, ways.task, *ways.inner], park)
        self._settling: list[Step] = [meter, *ways.inner]
        self._alone = chain([meter, ways.task, *ways.inner, *ways.look, *ways.last], relay)
        self._last = ways.last
        self._park = park
        self._read: OrderedDict[str, tuple[float, Key | None]] = OrderedDict()
        self._headers: OrderedDict[str, dict[bytes, bytes]] = OrderedDict()

    async def pack(self, line: Line, job: Job) -> Parked | Settled:
        """The line as it goes into a batch; settled where the cache answered it, or a step refused it."""
        call, problem = await self._begin(line, job, self._new_id(), "parking")
        try:
            errand = self._errand(job)
            return await self._walk(call, problem, chain(errand, self._park) if errand else self._parking)
        except ParkedCall as parked:
            return parked.parked

    async def settle(self, line: Line, job: Job, shard: Shard, sent: Sent, status: int, answer: bytes) -> Settled:
        """Book the answer that came from a batch; `status` and `answer` as a synchronous call would have had them, 0 where
        the provider gave none. Nothing can refuse it, and an error costs nothing."""
        call, _ = await self._begin(line, job, sent.call_id or line.call_id, "settling", shard.created_us)
        self._restore(call, sent)
        land = partial(self._land, shard, sent, status, answer)
        settled = await self._walk(call, None, chain(self._errand(job) or self._settling, land))
        settled.record.decisions[:] = _joined(sent.decisions, settled.record.decisions)
        return settled

    async def run(self, line: Line, job: Job, call_id: str, tier: str = "") -> Settled:
        """Send the line alone, at a service tier (`flex`) or the standard one. Its call is in the journal, which whoever writes
        the record must tell so."""
        call, problem = await self._begin(line, job, call_id, "alone")
        asked = call.ask.tier
        call.sent_tier = tier or ("default" if asked in ("batch", "flex") else "")
        errand = self._errand(job)
        return await self._walk(call, problem, chain([*errand, *self._last], self._relay) if errand else self._alone)

    async def follow(self, line: Line, job: Job, call_id: str, leader: Record, status: int, answer: bytes) -> Settled:
        """Book a line that asks the same as another one of its tenant, and gets its answer."""
        call, _ = await self._begin(line, job, call_id, "settling")
        return await self._walk(call, None, chain([self._meter], partial(_followed, leader, status, answer)))

    async def late(
        self, line: Line, job: Job, shard: Shard, sent: Sent, status: int, answer: bytes
    ) -> Record | None:  # fmt: skip
        """The row of an answer that a batch gave after its line had been answered otherwise, or been cancelled; None where
        it cost nothing."""
        if not 200 <= status < 300:
            return None
        call, _ = await self._begin(line, job, sent.call_id or line.call_id, "settling", shard.created_us)
        self._restore(call, sent)
        call.trail.note("defer", "came late", "its line had been answered by another call: paid twice")

        async def land(call: Call) -> Answer:
            answered = await self._land(shard, sent, status, answer, call)
            cost = sum(attempt.cost for attempt in call.trail.attempts)
            if cost:
                call.trail.savings.append(booking.late(cost))
            return answered

        call.tools = []
        settled = await self._walk(call, None, chain([self._meter], land))
        return settled.record if call.trail.attempts else None

    def _errand(self, job: Job) -> list[Step]:
        """The steps of a line that is no client's, before those that send it; empty for a client's."""
        lever = errand_of(job)
        return [self._meter, Overhead(lever)] if lever else []

    async def _begin(
        self, line: Line, job: Job, call_id: str, walk: Walk, started_us: int = 0
    ) -> tuple[Call, FarthingError | None]:  # fmt: skip
        """The line as a call of whoever handed it in, and why it may not go, if so."""
        now, now_us = self._monotonic(), self._now_us()  # this one first: no attempt takes longer than its call
        started_us = started_us or now_us
        problem: FarthingError | None = None
        body = line.body
        try:
            ask = FORMATS[job.wire].ask(body)
            if ask.stream:
                body, ask = _unstreamed(body), msgspec.structs.replace(ask, stream=False, wants_usage=True)
        except BadRequest as error:
            problem, ask = error, Ask(line.model)
        call = Call(
            id=call_id, wire=job.wire, headers=self._headers_of(job), peer="", body=body, ask=ask, started_us=started_us,
            started=now - max(0, now_us - started_us) / 1e6,
        )  # fmt: skip
        call.walk = walk
        call.kept = {booking.ORIGIN: job.origin}
        asked = (job.metadata.get(ASKED_TIER, "") if job.origin == "call" else "") or ask.tier
        if asked:
            call.kept[booking.ASKED] = asked
        try:
            self._identify.know(call, await self._key(job))
        except FarthingError as error:
            problem = problem or error
        if call.key is None and (job.key_id or call.principal.tenant != job.tenant):
            call.principal = msgspec.structs.replace(call.principal, tenant=job.tenant, key_id=job.key_id)
        if errand_of(job):
            call.task = TASK
        return call, problem

    async def _key(self, job: Job) -> Key | None:
        """The key that handed the job in, also if it was revoked since: what was handed in is done. Raises NotAllowed."""
        if not job.key_id:
            return None
        found = self._keys.named(job.key_id)
        if found:
            return found[0]
        now = self._monotonic()
        known = self._read.get(job.key_id)
        if known is None or known[0] < now:
            known = self._read[job.key_id] = (now + KEY_S, await self._keys.read(job.key_id))
            if len(self._read) > MEMORY:
                self._read.popitem(last=False)
        if known[1] is None:
            raise NotAllowed("The key that handed this job in is not known any more.")
        return known[1]

    def _headers_of(self, job: Job) -> dict[bytes, bytes]:
        found = self._headers.get(job.id)
        if found is None:
            found = self._headers[job.id] = {
                name.lower().encode("latin-1", "replace"): value.encode("latin-1", "replace")
                for name, value in job.headers.items()
            }
            if len(self._headers) > MEMORY:
                self._headers.popitem(last=False)
        return found

    def _restore(self, call: Call, sent: Sent) -> None:
        """Put the call where it was when it was parked."""
        call.task, call.template, call.session = sent.task, sent.template, sent.session
        call.arms, call.tier = dict(sent.arms), sent.tier
        call.targets = (sent.model,) if sent.model else ()
        call.kept = sent.kept
        if sent.cache_ttl and sent.cache_ttl != call.ask.cache_ttl:
            call.ask = msgspec.structs.replace(call.ask, cache_ttl=sent.cache_ttl)

    async def _land(self, shard: Shard, sent: Sent, status: int, answer: bytes, call: Call) -> Answer:
        """The end of the way: the answer that the batch gave, priced as of when it was sent, and charged where it was held."""
        deployment = call.deployment = self._deployment(call, shard)
        if status < 100:
            raise UpstreamError("The provider's batch has no answer to this line.")
        delivery = Delivery(
            shard.created_us, max(0, self._now_us() - shard.created_us), tier=holding.TIER, flags=sent.flags
        )
        answered = self._relay.deliver(call, status, answer, delivery)
        attempts = call.trail.attempts
        for attempt in attempts:
            price(attempt, self._book, deployment)
        call.trail.charges.extend(holding.charges(sent, attempts))
        return answered

    def _deployment(self, call: Call, shard: Shard) -> Deployment:
        """Where the shard went, also if settings no longer say so."""
        try:
            for place in self._park.places(call.targets[0] if call.targets else call.ask.model):
                if place.provider == shard.provider and place.model == shard.model:
                    return place
        except UnknownModel:
            pass
        return Deployment(
            shard.deployment, shard.provider, shard.model, self._relay.prices_of(shard.provider)
        )  # fmt: skip

    async def _walk(self, call: Call, problem: FarthingError | None, way: Proceed) -> Settled:
        """Walk to the end. Raises ParkedCall."""
        if problem is not None:
            way = chain([self._meter], partial(_refuse, problem))
        try:
            answer = await way(call)
            if answer.stream is not None:
                answer.body = await _gathered(call, answer)
            return self._settled(call, answer.status, answer.body, _again_after(answer))
        except FarthingError as error:
            body = FORMATS[call.wire].error(error, call.id)
            return self._settled(call, error.status, body, _again(error))
        except ParkedCall:
            raise
        except Exception as error:
            _tell(call.id, error)
            hidden = FarthingError("The gateway made a mistake; its log says where.")
            return self._settled(call, hidden.status, FORMATS[call.wire].error(hidden, call.id), MISTAKE_S)
        finally:
            self._collected.forget(call.id)

    def _settled(self, call: Call, status: int, answer: bytes, again_s: float | None) -> Settled:
        record = self._collected.take(call.id)
        if again_s is not None:
            record.tools = []  # they were used once, however often the line is tried
        return Settled(record, status, answer, again_s)


class Collector:
    """Takes the meter's records in the ledger's place."""

    full = False

    def __init__(self) -> None:
        self._found: dict[str, Record] = {}

    def put(self, record: Record) -> None:
        self._found[record.id] = record

    async def room(self, patience_s: float) -> bool:
        return True

    def take(self, call_id: str) -> Record:
        """The record of a call that was walked just now."""
        return self._found.pop(call_id)

    def forget(self, call_id: str) -> None:
        """That of a walk that was broken off."""
        self._found.pop(call_id, None)


def errand_of(job: Job) -> str:
    """The lever whose own work a job is; empty for a client's, whatever its metadata says."""
    return job.metadata.get(ERRAND, "") if job.origin == "file" else ""


async def _refuse(problem: FarthingError, call: Call) -> Answer:
    raise problem


async def _followed(leader: Record, status: int, answer: bytes, call: Call) -> Answer:
    call.deployment = Deployment(leader.deployment, leader.provider, leader.model, "")
    call.tier, call.task = leader.tier, call.task or leader.task
    call.trail.note("defer", f"joined {leader.id}", "the same request waited too")
    saving = booking.joined(leader)
    if saving is not None:
        call.trail.savings.append(saving)
    return Answer(status, [], answer)


async def _gathered(call: Call, answer: Answer) -> bytes:
    """A stream as a plain call would have had it, where a provider streams although nobody asked."""
    collector = whole_from_stream(call.wire)
    assert answer.stream is not None
    while data := await answer.stream.next():
        collector.feed(data)
    last = call.trail.last_attempt
    return collector.result(last.usage if last is not None else None) or b"{}"


def _unstreamed(body: bytes) -> bytes:
    """The request for a whole answer."""
    plain = splice.has_plain_names(body)
    edits = []
    for name, value in ((b'"stream"', b"false"), (b'"stream_options"', b"null")):
        place = splice.value_span(body, name, plain)
        if place is not None:
            edits.append((*place, value))
    return splice.replace(body, edits)


def _joined(packed: Sequence[Decision], settled: Sequence[Decision]) -> list[Decision]:
    """What was decided when a line was packed, and what only when its answer came."""
    known = {(each.step, each.what) for each in packed}
    return [*packed, *(each for each in settled if (each.step, each.what) not in known)]


def _again(error: FarthingError) -> float | None:
    """When a run that was refused may be tried again; None: never."""
    if isinstance(error, BudgetExceeded):
        return error.retry_after if error.queue else None
    return (error.retry_after or AGAIN_S) if error.retryable else None


def _again_after(answer: Answer) -> float | None:
    """The same after a provider's own error."""
    status = answer.status
    if status < 500 and status not in RETRIED:
        return None
    said = next((value for name, value in answer.headers if name == b"retry-after"), b"")
    if said.isdigit() and len(said) < 6:
        return max(1.0, float(said))
    return LIMITED_S if status == 429 else AGAIN_S


def _tell(call_id: str, error: Exception) -> None:
    """By its place alone: an exception's text can hold a prompt."""
    places = [
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    log.error("internal error", extra={"call_id": call_id, "error": type(error).__name__, "places": places})


__all__ = ["Collector", "Keys", "Parked", "Settled", "Walks", "Ways"]
