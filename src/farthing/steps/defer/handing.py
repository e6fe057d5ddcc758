"""Hands a call that can wait to the queue, and gives its client what it asked for: a job at once, or the answer on the
connection that it holds, plain or as a stream.

A connection is held no longer than `hold_s`; what comes then is an error that says which job goes on, and the same call sent
again waits for that job, so that it is paid once. While a stream is held, comments keep its connection alive. Knows nothing
of stores, providers and how the queue is worked.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from farthing.model.arms import BATCHING, Draw
from farthing.model.batch import JOB_ENDS, Job, Line
from farthing.model.call import Answer, Call, Caller, Ending, Headers
from farthing.model.errors import BudgetExceeded, Cancelled, Expired, StillWaiting, Unavailable, UpstreamError
from farthing.model.money import exact_dollars
from farthing.model.record import CACHE_HITS, Record
from farthing.pipeline import Proceed
from farthing.steps.defer.asked import TIERS, Wish
from farthing.wire.replay import as_stream

JOBS = "/v1/farthing/jobs"
JOB = b"x-farthing-job"
HEAD_S = 10.0
"""How long a stream's head waits for its answer, whose status it then can tell."""
PING_S = 15.0
PING = b": waiting\n\n"
_OF_STREAMS = ("stream", "stream_options")
_JSON = (b"content-type", b"application/json")
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Ended(msgspec.Struct, frozen=True):
    """A job that has ended."""

    job: Job
    line: Line
    """With its answer, unless that was dropped."""
    record: Record | None = None
    """The ledger's row of the run that answered it."""


class Queue(Protocol):
    """Where calls wait."""

    async def submit(self, call: Call, body: bytes, wish: Wish) -> Job:
        """Take the call in, or have it wait for the equal one that its client sent before: when this returns it is on disk.
        Raises FarthingError."""

    async def answer(self, job_id: str, timeout_s: float) -> Ended | None:
        """The job when it has ended; None if it has not within so many seconds."""

    def taken(self, job_id: str) -> None:
        """The client has its answer."""

    def left(self, call: Call, job: Job) -> None:
        """The client that held a connection for it is gone."""

    def stopped(self, job: Job) -> None:
        """The connection is held no longer, and the job goes on."""


class Handing:
    """See the module. `hold_out` is told the shares of hold-outs and the salt of their draws; `flexes` says whether a model's
    provider knows the service tier flex."""

    def __init__(
        self, queue: Queue, hold_s: float, *, flexes: Callable[[str], bool] = lambda model: False, now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
        head_s: float = HEAD_S, ping_s: float = PING_S,
    ) -> None:  # fmt: skip
        self._queue = queue
        self._hold_s = hold_s
        self._flexes = flexes
        self._now_us = now_us
        self._head_s = head_s
        self._ping_s = ping_s
        self._draw = Draw(BATCHING)
        self.hold_out = self._draw.hold_out

    def treated(self, call: Call) -> None:
        """The call of a line that waited: it was drawn, and not held out."""
        if self._draw.share:
            call.arms = {**call.arms, BATCHING: False}

    def at_known_tier(self, call: Call) -> None:
        """A call that goes at once says `flex` only where that is known, and never `batch`, which no provider serves so."""
        tier = call.ask.tier
        if tier in TIERS and not (tier == "flex" and self._flexes(call.ask.model)):
            call.body, call.ask = without(call.body, ("service_tier",)), msgspec.structs.replace(call.ask, tier="")

    async def __call__(self, call: Call, wish: Wish, proceed: Proceed) -> Answer:
        if self._draw.notes(call.arms, call.unit):
            return await self._at_once(call, wish, proceed)
        return await self._hand_over(call, wish)

    async def _at_once(self, call: Call, wish: Wish, proceed: Proceed) -> Answer:
        """Held out: it goes like a call that cannot wait, unless a budget has no room before its next window."""
        call.trail.note("defer", "at once", "held out: it goes without waiting, so that waiting can be measured")
        body, ask = call.body, call.ask
        self.at_known_tier(call)
        try:
            return await proceed(call)
        except BudgetExceeded as refused:
            if not (refused.queue and wish.named and 0 < refused.resets_us < wish.deadline_us):
                raise
            call.body, call.ask = body, ask
            return await self._hand_over(call, msgspec.structs.replace(wish, ready_us=refused.resets_us))

    async def _hand_over(self, call: Call, wish: Wish) -> Answer:
        dropped = _OF_STREAMS if call.ask.stream else ()
        body = without(call.body, (*dropped, "service_tier") if call.ask.tier in TIERS else dropped)
        job = await self._queue.submit(call, body, wish)
        call.handed_over = True
        if wish.wait == "job":
            return accepted(job, self._now_us())
        if call.ask.stream:
            return await self._hold_stream(call, job)
        return await self._hold(call, job)

    async def _hold(self, call: Call, job: Job) -> Answer:
        ended = await self._ended(call, job, self._hold_s)
        if ended is None:
            self._queue.stopped(job)
            raise _still_waiting(job)
        self._queue.taken(job.id)
        call.id = ended.line.call_id or call.id
        return answered(ended)

    async def _ended(self, call: Call, job: Job, timeout_s: float) -> Ended | None:
        """Wait, unless the client leaves or the gateway stops before. Raises Unavailable then."""
        caller = call.caller
        if caller is None:
            return await self._queue.answer(job.id, timeout_s)
        looking = asyncio.ensure_future(self._queue.answer(job.id, timeout_s))
        with _Watching(caller, looking):
            await asyncio.wait((looking,))
        if not looking.cancelled():
            return looking.result()
        if caller.lost:
            self._queue.left(call, job)
            raise Unavailable("The client left.")
        self._queue.stopped(job)
        raise _stopping(job)

    async def _hold_stream(self, call: Call, job: Job) -> Answer:
        """A quick answer tells its own status; else the stream begins, and says in the end what became of it."""
        ended = await self._ended(call, job, min(self._head_s, self._hold_s))
        headers: Headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (JOB, job.id.encode())]
        if ended is None:
            held = Held(self, call, job, self._hold_s - self._head_s)
            held.answer = Answer(200, headers, stream=held)
            return held.answer
        self._queue.taken(job.id)
        call.id = ended.line.call_id or call.id
        answer = answered(ended)
        if answer.status != 200:
            return answer
        kept = [header for header in answer.headers if header[0] != b"content-type"]
        return Answer(200, [headers[0], *kept], streamed(call, answer.body))

    async def next_of(self, held: "Held", left_s: float) -> bytes:
        """What a held stream says next: a comment, or all of its answer. Raises UpstreamError, as a stream's end may."""
        job = held.job
        try:
            ended = await self._queue.answer(job.id, min(self._ping_s, max(left_s, 0.0)))
        except Unavailable as error:
            raise UpstreamError(error.message) from None
        if ended is None:
            if left_s > self._ping_s and not held.stopping:
                return PING
            self._queue.stopped(job)
            raise UpstreamError(_still_waiting(job).message)
        self._queue.taken(job.id)
        try:
            answer = answered(ended)
        except (Expired, Cancelled) as error:
            raise UpstreamError(error.message) from None
        if answer.status != 200:
            raise UpstreamError(f"HTTP {answer.status}: {_message_in(answer.body)}")
        return streamed(held.call, answer.body)

    def leave(self, call: Call, job: Job) -> None:
        self._queue.left(call, job)


class Held:
    """A stream whose answer is still waited for."""

    def __init__(self, handing: Handing, call: Call, job: Job, left_s: float) -> None:
        self._handing = handing
        self._until = time.monotonic() + left_s
        self._over = False
        self.call = call
        self.job = job
        self.stopping = False
        """The gateway stops."""
        self.answer: Answer
        if call.caller is not None:
            call.caller.on_stop = self._stop

    async def next(self) -> bytes:
        if self._over:
            self._end()
            return b""
        try:
            told = await self._handing.next_of(self, self._until - time.monotonic())
        except BaseException:
            self._over = True
            self._end(Ending("broken"))
            raise
        if told is not PING:
            self._over = True
        return told

    def leave(self) -> None:
        if not self._over:
            self._over = True
            self._handing.leave(self.call, self.job)
            self._end(Ending("left"))

    def _end(self, ending: Ending | None = None) -> None:
        if self.call.caller is not None:
            self.call.caller.on_stop = None
        self.answer.end(ending or Ending())

    def _stop(self) -> None:
        self.stopping = True


class _Watching:
    """Gives up the look for an answer when the client leaves or the gateway stops."""

    def __init__(self, caller: Caller, looking: "asyncio.Future[Any]") -> None:
        self._caller = caller
        self._looking = looking

    def __enter__(self) -> None:
        caller = self._caller
        caller.on_lost = caller.on_stop = self._give_up
        if caller.lost:
            self._give_up()

    def __exit__(self, *_: object) -> None:
        self._caller.on_lost = self._caller.on_stop = None
        self._looking.cancel()

    def _give_up(self) -> None:
        self._looking.cancel()


def accepted(job: Job, now_us: int) -> Answer:
    """The job instead of an answer."""
    headers = [_JSON, (JOB, job.id.encode()), (b"location", f"{JOBS}/{job.id}".encode())]
    return Answer(202, headers, msgspec.json.encode(card(job, now_us)))


def answered(ended: Ended) -> Answer:
    """The answer of a call that waited, as it would have been given at once. Raises Expired, Cancelled, UpstreamError."""
    job, line, record = ended.job, ended.line, ended.record
    if line.state == "cancelled":
        raise Cancelled(f"The job {job.id} was cancelled.", job=job.id)
    if line.state == "expired":
        raise Expired(f"The job {job.id} was not done by its deadline.", job=job.id)
    if not line.status:
        raise UpstreamError(f"The job {job.id} failed without an answer.")
    if not line.answer:
        raise Expired(f"The answer of the job {job.id} was dropped.", job=job.id)
    headers: Headers = [_JSON, (JOB, job.id.encode())]
    if record is not None:
        unknown = record.cost_state in ("unpriced", "unknown")
        headers += [
            (b"x-farthing-model", _header(record.model)),
            (b"x-farthing-cost", (record.cost_state if unknown else exact_dollars(record.cost)).encode()),
            (b"x-farthing-saved", exact_dollars(record.baseline - record.cost).encode()),
            (b"x-farthing-cache", record.cache.encode() if record.cache in CACHE_HITS else b"none"),
        ]
    if line.status >= 400:
        headers.append((b"x-should-retry", b"true" if line.status >= 500 or line.status == 429 else b"false"))
    return Answer(line.status, headers, line.answer)


def streamed(call: Call, whole: bytes) -> bytes:
    """The whole answer as the stream that the client asked for. Raises UpstreamError."""
    try:
        return as_stream(call.wire, whole, call.ask)
    except (ValueError, KeyError):
        raise UpstreamError("The provider's answer cannot be told as a stream.") from None


def card(
    job: Job, now_us: int, *, position: int | None = None, expected_us: int | None = None, expected_by_us: int | None = None
) -> dict[str, Any]:  # fmt: skip
    """A job as JSON. Amounts are nano-dollars, and dollars as text. `position`: lines of its tenant that go before it;
    `expected_us`: when half of such jobs have ended, `expected_by_us`: nine in ten."""
    over = job.state in JOB_ENDS
    return {
        "id": job.id, "object": "farthing.job", "state": job.state, "origin": job.origin, "name": job.name,
        "created_us": job.created_us, "deadline_us": job.deadline_us, "started_us": job.started_us or None,
        "ended_us": job.ended_us or None, "expires_us": job.expires_us or None,
        "seconds_left": max(0.0, round((job.deadline_us - now_us) / 1e6, 3)) if not over else None,
        "lines": {"total": job.total, "done": job.done, "failed": job.failed, "expired": job.expired, "cancelled": job.cancelled},
        "position": position, "expected_us": expected_us, "expected_by_us": expected_by_us,
        "cost_nano": job.cost, "cost_dollars": exact_dollars(job.cost),
        "saved_nano": job.baseline - job.cost, "saved_dollars": exact_dollars(job.baseline - job.cost),
        "url": f"{JOBS}/{job.id}", "answer_url": f"{JOBS}/{job.id}/answer",
    }  # fmt: skip


def without(body: bytes, names: tuple[str, ...]) -> bytes:
    """The body without these members; the values of all others keep their bytes. `body` is an object that was parsed."""
    if not names:
        return body
    members = _object.decode(body)
    for name in names:
        members.pop(name, None)
    return msgspec.json.encode(members)


def _still_waiting(job: Job) -> StillWaiting:
    return StillWaiting(
        f"The call waits as the job {job.id} ({JOBS}/{job.id}). Send it again as it is to go on waiting: it is the same job, and "
        "is paid once.",
        job=job.id,
    )


def _stopping(job: Job) -> Unavailable:
    error = Unavailable(
        f"The gateway is stopping; the job {job.id} goes on. Send the call again as it is to wait for it.",
        retry_after=1,
    )
    error.job = job.id
    return error


def _message_in(body: bytes) -> str:
    """What an error's body says, for people."""
    try:
        said = msgspec.json.decode(body)
        return str(said["error"]["message"])[:1000]
    except (msgspec.DecodeError, KeyError, TypeError, UnicodeDecodeError, RecursionError):
        return "the provider refused it"


def _header(text: str) -> bytes:
    return text.encode("ascii", "replace") if text.isprintable() else b"?"
