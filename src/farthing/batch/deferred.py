"""Ordinary calls that wait: each becomes a job of one line, and whoever waits for it hears when that has ended, whichever
gateway worked it.

The same call, sent again, joins its job: by the name that its client gave it (`Idempotency-Key`), by the SDKs' own word that
it is another try, or because it asks the same before the deadline and nobody waits for that job any more. So a lost connection, a gateway that
is started anew or a client that is out of patience costs nothing twice. Knows nothing of HTTP, steps' order and how lines
are worked.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from hashlib import blake2b
from typing import Literal, NamedTuple

from farthing.batch.entrance import Entrance
from farthing.batch.news import News
from farthing.model.batch import Job, Line
from farthing.model.call import Call
from farthing.model.clock import SYSTEM, Clock
from farthing.model.errors import BadRequest, Unavailable
from farthing.settings import BatchSettings
from farthing.steps.defer.asked import Wish, kept_headers
from farthing.steps.defer.handing import Ended
from farthing.store import Store, StoreError, reading
from farthing.store.batch import asked, jobs, lines, webhooks
from farthing.store.batch.asked import Asked
from farthing.store.batch.rows import PLAIN
from farthing.store.engine import Connection
from farthing.store.errors import Duplicate
from farthing.store.sealing import Unreadable, Wrapping

NAME = b"idempotency-key"
TRY = b"x-stainless-retry-count"
"""How often the official SDKs have sent this call before."""
AGAIN_S = 60.0
"""How long the same client may ask again for an answer that it was given: it may not have got it."""
SOON_S, LONGEST_S, GROWTH = 0.2, 2.0, 1.4
"""Pauses between looks for what other gateways have ended."""
HELD_S = 15.0
"""How long somebody is taken to wait for a job after he was last seen to."""
RENEW_S = 5.0
PRUNE_S = 600.0
TIER = "service_tier"
"""In a job's metadata: the tier that its call asked for by itself."""

log = logging.getLogger("farthing.batch")

Digest = Callable[[Call, bytes], bytes]
"""Of what a call asks; empty where its answer may not stand for another's."""


class _Known(NamedTuple):
    """How a call is known again."""

    digest: bytes
    content: bytes
    named: bool
    again: bool
    """It is said to be the same client's."""


class Deferred:
    """See the module. `digest` is asked which calls may share one answer; `posts` is told of new webhooks."""

    def __init__(
        self, store: Store, entrance: Entrance, news: News, holder: str, settings: BatchSettings, new_id: Callable[[], str], *,
        digest: Digest = lambda call, body: b"", posts: Callable[[], None] = lambda: None, wrapping: Wrapping = PLAIN,
        clock: Clock = SYSTEM,
    ) -> None:  # fmt: skip
        self._store = store
        self._entrance = entrance
        self._news = news
        self._holder = holder
        self._left: Literal["cancel", "keep"] = settings.left
        self._keep_us = int(settings.keep_s * 1e6)
        self._drops = settings.drop == "delivery"
        self._new_id = new_id
        self._digest = digest
        self._posts = posts
        self._wrapping = wrapping
        self._clock = clock
        self._held: dict[str, int] = {}
        """Jobs that connections here are held for, and how many of them."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._lookout: asyncio.Task[None] | None = None
        self._pause = SOON_S
        self._pruned_us = clock.now_us()

    async def submit(self, call: Call, body: bytes, wish: Wish) -> Job:
        """See `handing.Queue`. Raises Unavailable while the store cannot take it in."""
        known = _known(call, body)
        held = wish.wait == "hold"
        try:
            job = await self._join(call, known) if held or known.again else None
            if job is None:
                try:
                    job = await self._hand_in(call, body, wish, known)
                except Duplicate:  # the same name at the same time
                    job = await self._join(call, known)
        except StoreError:
            raise Unavailable("The queue cannot be written right now. Send the call again.", retry_after=2) from None
        if job is None:
            raise Unavailable("The call is just being handed in. Send it again.", retry_after=1)
        if held:
            self._held[job.id] = self._held.get(job.id, 0) + 1
        return job

    async def answer(self, job_id: str, timeout_s: float) -> Ended | None:
        """See `handing.Queue`. Raises Unavailable where the answer cannot be read with the key that settings name."""
        until = time.monotonic() + timeout_s
        with self._news.listen(job_id) as ear:
            self._watch()
            while True:
                try:
                    ended, again = await self._look(job_id), False
                except Unreadable:
                    raise Unavailable("The answer is sealed with a key that is not at hand.", retry_after=60) from None
                except StoreError:  # that may pass while the call is held
                    ended, again = None, True
                if ended is not None:
                    return ended
                while True:
                    left = until - time.monotonic()
                    if left <= 0:
                        return None
                    if await ear.next(left) or again:
                        break

    def taken(self, job_id: str) -> None:
        """See `handing.Queue`."""
        self._release(job_id)
        until_us = self._clock.now_us() + int(AGAIN_S * 1e6)
        self._later(lambda connection: asked.close(connection, [job_id], until_us))
        if self._drops:
            self._later(lambda connection: asked.drop_after(connection, job_id, until_us))

    def left(self, call: Call, job: Job) -> None:
        """See `handing.Queue`: a call that is nowhere yet is cancelled, unless somebody still wants its answer."""
        if self._release(job.id):
            return
        if self._left == "keep" or job.webhook or NAME in call.headers:
            self._let_go(job)
        else:
            now_us = self._clock.now_us()
            self._later(lambda connection: _cancel_unsent(connection, job, self._holder, now_us))
            self._news.tell([job.id])

    def stopped(self, job: Job) -> None:
        """See `handing.Queue`."""
        if not self._release(job.id):
            self._let_go(job)

    async def close(self) -> None:
        """Wait for what is still to be written; the jobs go on elsewhere, or here after the next start."""
        if self._lookout is not None:
            self._lookout.cancel()
            await asyncio.gather(self._lookout, return_exceptions=True)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _join(self, call: Call, known: _Known) -> Job | None:
        """The job that the same call has already become. Raises BadRequest where its name was another call's, StoreError."""
        now_us = self._clock.now_us()
        principal = call.principal
        until_us = now_us + int(HELD_S * 1e6)

        def join(connection: Connection) -> Job | None:
            for each in asked.find(connection, principal.tenant, principal.key_id, known.digest, now_us):
                if each.content != known.content:
                    raise BadRequest("This Idempotency-Key was sent with another call.", param=NAME.decode())
                if asked.claim(connection, each.job, self._holder, now_us, until_us, again=known.again):
                    return jobs.get(connection, each.job, tenant=principal.tenant)
            return None

        return await self._store.do(join)

    async def _hand_in(self, call: Call, body: bytes, wish: Wish, known: _Known) -> Job:
        principal, now_us = call.principal, self._clock.now_us()
        job = Job(
            id=f"job-{self._new_id().removeprefix('call-')}", origin="call", wire=call.wire, tenant=principal.tenant,
            created_us=now_us, deadline_us=wish.deadline_us, key_id=principal.key_id, headers=kept_headers(call.headers),
            state="running", metadata={TIER: wish.tier} if wish.tier else {}, webhook=wish.webhook,
            expires_us=wish.deadline_us + self._keep_us, total=1,
        )  # fmt: skip
        line = Line(
            job=job.id, no=0, custom_id=job.id, tenant=job.tenant, model=call.ask.model, deadline_us=job.deadline_us,
            size=len(body), wire=call.wire, queued_us=now_us, ready_us=wish.ready_us, digest=self._digest(call, body),
            body=body,
        )  # fmt: skip
        held = wish.wait == "hold"
        grace_us = now_us + int((HELD_S if held else AGAIN_S) * 1e6)
        open_us = job.expires_us if known.named else job.deadline_us + int(AGAIN_S * 1e6) if held else grace_us
        row = Asked(
            job.id, job.tenant, job.key_id, known.digest, known.content, known.named, self._holder if held else "", grace_us,
            open_us,
        )  # fmt: skip

        def also(connection: Connection) -> None:
            asked.add(connection, row)
            if job.webhook:
                webhooks.add(connection, job.id, job.tenant, job.webhook)

        await self._entrance.hand_in(job, [line], also)
        self._prune(now_us)
        if job.webhook:
            self._posts()
        return job

    async def _look(self, job_id: str) -> Ended | None:
        return await self._store.do(lambda connection: look(connection, job_id, self._wrapping))

    def _release(self, job_id: str) -> bool:
        """One connection less is held for it; whether another still is."""
        left = self._held.get(job_id, 0) - 1
        if left > 0:
            self._held[job_id] = left
            return True
        self._held.pop(job_id, None)
        return False

    def _let_go(self, job: Job) -> None:
        self._later(lambda connection: asked.let_go(connection, job.id, self._holder))

    def _later(self, work: Callable[[Connection], object]) -> None:
        """Write it in the background; what is lost by that only makes the same call wait a little."""

        async def write() -> None:
            try:
                await self._store.do(work)
            except StoreError as error:
                log.warning("a call that waits could not be noted", extra={"error": type(error).__name__})

        self._spawn(write())

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _watch(self) -> None:
        self._pause = SOON_S
        if self._lookout is None or self._lookout.done():
            self._lookout = asyncio.create_task(self._keep_watch())

    async def _keep_watch(self) -> None:
        """One look for all who wait here: for what other gateways have ended, and to say that they still wait."""
        renewed = time.monotonic()
        while self._news.waited_for:
            await asyncio.sleep(self._pause)
            self._pause = min(self._pause * GROWTH, LONGEST_S)
            renew = time.monotonic() - renewed >= RENEW_S
            with suppress(StoreError):  # whoever waits looks by himself in the end, and is told then
                self._news.tell(await self._look_round(self._news.jobs, list(self._held) if renew else []))
            if renew:
                renewed = time.monotonic()

    async def _look_round(self, waiting: list[str], held: list[str]) -> list[str]:
        """Those of the jobs that have ended."""
        until_us = self._clock.now_us() + int(HELD_S * 1e6)

        def look_round(connection: Connection) -> list[str]:
            if held:
                asked.renew(connection, self._holder, held, until_us)
            return asked.ended(connection, waiting)

        return await self._store.do(look_round)

    def _prune(self, now_us: int) -> None:
        """Forget now and then what nobody can join any more."""
        if now_us - self._pruned_us >= PRUNE_S * 1e6:
            self._pruned_us = now_us
            self._later(lambda connection: asked.prune(connection, now_us))


def look(connection: Connection, job_id: str, wrapping: Wrapping, *, tenant: str = "") -> Ended | None:
    """A job of one line with its answer, if it has ended."""
    job = jobs.get(connection, job_id, tenant=tenant)
    if job is None or not job.ended_us:
        return None
    found = lines.results(connection, job_id, limit=1, wrapping=wrapping)
    if not found:
        return None
    line = found[0]
    return Ended(job, line, reading.call(connection, line.call_id) if line.call_id else None)


def _cancel_unsent(connection: Connection, job: Job, holder: str, now_us: int) -> None:
    """Nobody wants it any more: it ends, unless it is with a provider, where it is paid for anyway."""
    with connection.transaction():
        asked.let_go(connection, job.id, holder)
        found = connection.query("SELECT state FROM batch_lines WHERE job = ? AND no = 0", (job.id,))
        if found and found[0][0] == "waiting":
            jobs.cancel(connection, job.id, tenant=job.tenant, now_us=now_us)


def _known(call: Call, body: bytes) -> _Known:
    """By what a call is known again."""
    kept = sorted((name, value) for name, value in kept_headers(call.headers).items() if name != "traceparent")
    content = _digest(call.wire.encode(), body, *(part.encode() for pair in kept for part in pair))
    tries = call.headers.get(TRY, b"")
    again = tries.isdigit() and int(tries[:9]) > 0
    name = call.headers.get(NAME)
    if name:
        return _Known(_digest(b"name", name), content, named=True, again=True)
    return _Known(content, content, named=False, again=again)


def _digest(*parts: bytes) -> bytes:
    found = blake2b(digest_size=16, person=b"farthing wait")
    for part in parts:
        found.update(len(part).to_bytes(8, "big") + part)
    return found.digest()
