"""Posts what became of jobs to the addresses that their callers named: signed, once a job has ended, again with longer pauses
until it is received or too old.

What is to be posted is in the store, so that a gateway that stops loses nothing; one gateway at a time makes each post. The
delivery's id is the job's: a receiver can drop what it has. Knows nothing of how jobs are worked.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress

import msgspec

from farthing.batch.deferred import look
from farthing.model.call import Header
from farthing.model.clock import SYSTEM, Clock
from farthing.steps.defer.handing import Ended, card
from farthing.store import Store, StoreError
from farthing.store.batch import jobs, webhooks
from farthing.store.batch.rows import PLAIN
from farthing.store.batch.webhooks import Post
from farthing.store.engine import Connection
from farthing.store.sealing import Wrapping
from farthing.upstream.client import Client
from farthing.upstream.posting import SIGNATURE, NotDelivered, post, signature

DELIVERY = b"x-farthing-delivery"
AT_ONCE = 8
HELD_S = 60.0
"""How long a post is this gateway's alone; longer than it may take."""
FIRST_S, LONGEST_S, GROWTH = 5.0, 3600.0, 3.0
"""Pauses between tries."""
MOST_TRIES = 30
"""Some 24 hours."""
LARGEST = 1024 * 1024
"""Bytes of an answer that is sent along; a larger one is to be fetched."""
BUSY_S, IDLE_S = 1.0, 30.0
"""Between two looks while something is to be posted, and while nothing is."""

log = logging.getLogger("farthing.batch")


class Webhooks:
    """See the module. `allows` is asked again before each try: settings may have changed. Without a secret posts are not
    signed."""

    def __init__(
        self, store: Store, client: Client, holder: str, secret: str, allows: Callable[[str], bool], *, wrapping: Wrapping = PLAIN,
        clock: Clock = SYSTEM, busy_s: float = BUSY_S, idle_s: float = IDLE_S, first_s: float = FIRST_S,
    ) -> None:  # fmt: skip
        self._store = store
        self._client = client
        self._holder = holder
        self._secret = secret.encode()
        self._allows = allows
        self._wrapping = wrapping
        self._clock = clock
        self._busy_s, self._idle_s, self._first_s = busy_s, idle_s, first_s
        self._bell = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep_on(), name="webhooks")

    def ring(self) -> None:
        """There is something new to be posted, now or later."""
        self._bell.set()

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def turn(self) -> bool:
        """Make the posts that are due; whether any is still to be made, now or later. Raises StoreError."""
        now_us = self._clock.now_us()
        until_us = now_us + int(HELD_S * 1e6)

        def due(connection: Connection) -> tuple[list[Post], int]:
            found = webhooks.due(connection, now_us, self._holder, until_us, AT_ONCE)
            return found, webhooks.waiting(connection)

        found, waiting = await self._store.do(due)
        await asyncio.gather(*(self._post(each) for each in found))
        return waiting > 0

    async def _keep_on(self) -> None:
        while True:
            try:
                pause = self._busy_s if await self.turn() else self._idle_s
            except StoreError as error:
                log.warning("webhooks cannot be looked at", extra={"error": type(error).__name__})
                pause = self._idle_s
            with suppress(TimeoutError):
                await asyncio.wait_for(self._bell.wait(), pause)
            self._bell.clear()

    async def _post(self, due: Post) -> None:
        try:
            body = await self._body(due)
            if body is None or not self._allows(due.url):
                log.warning(
                    "a webhook is given up", extra={"job": due.job, "why": "it is gone, or may not be posted to"}
                )
                await self._store.do(lambda connection: webhooks.done(connection, due.job))
                return
            await post(self._client, due.url, self._headers(due.job, body), body)
        except NotDelivered as why:
            await self._try_later(due, str(why))
        else:
            await self._store.do(lambda connection: webhooks.done(connection, due.job))

    async def _try_later(self, due: Post, why: str) -> None:
        if due.tries + 1 >= MOST_TRIES:
            log.warning("a webhook is given up", extra={"job": due.job, "why": why, "tries": due.tries + 1})
            await self._store.do(lambda connection: webhooks.done(connection, due.job))
            return
        pause = min(self._first_s * GROWTH**due.tries, LONGEST_S) * random.uniform(0.8, 1.2)
        next_us = self._clock.now_us() + int(pause * 1e6)
        await self._store.do(lambda connection: webhooks.later(connection, due.job, next_us, why))

    async def _body(self, due: Post) -> bytes | None:
        """What is posted; None where the job is gone."""

        def read(connection: Connection) -> tuple[Ended | None, dict[str, object] | None]:
            ended = look(connection, due.job, self._wrapping, tenant=due.tenant)
            job = ended.job if ended is not None else jobs.get(connection, due.job, tenant=due.tenant)
            return ended, None if job is None else card(job, self._clock.now_us())

        ended, told = await self._store.do(read)
        if told is None:
            return None
        if ended is not None and ended.job.total == 1:
            line = ended.line
            told |= {"status": line.status or None, "call_id": line.call_id or None, "answer": _answer(line.answer)}
        return msgspec.json.encode(told)

    def _headers(self, delivery: str, body: bytes) -> list[Header]:
        headers: list[Header] = [(DELIVERY, delivery.encode())]
        if self._secret:
            headers.append((SIGNATURE, signature(self._secret, int(self._clock.seconds()), body).encode()))
        return headers


def _answer(answer: bytes) -> object:
    """The answer as it is sent along; None for one that is to be fetched."""
    if not answer or len(answer) > LARGEST:
        return None
    try:
        msgspec.json.decode(answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return msgspec.Raw(answer)
