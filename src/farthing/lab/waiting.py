"""Puts the lab's calls to the queue of the gateway that has these settings, so that they cost what a provider's batch costs.

What is asked for at the same time is one round, and a round is a job of the store, as `farthing batch` makes them: seen,
hurried and cancelled like any other. The job's id is in the file of answers before the job is there, so that a run that was
broken off takes its answers and pays for none of them twice. Knows nothing of prompts and trials.
"""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Callable, Iterator
from functools import partial
from typing import Any

import msgspec

from farthing.batch import handing
from farthing.batch.handing import Order, job_of
from farthing.batch.outcomes import Outcome, outcomes
from farthing.batch.walks import ERRAND
from farthing.lab.runs import Answers
from farthing.model.arms import PROMPT_OPTIMISATION
from farthing.model.batch import JOB_ENDS, Job
from farthing.model.call import Answer
from farthing.model.errors import UpstreamError
from farthing.model.money import Nano
from farthing.quality.errand import Sent
from farthing.quality.evalset import WIRE
from farthing.store import Store, reading
from farthing.store.batch import files, jobs
from farthing.store.engine import Connection
from farthing.store.sealing import Wrapping
from farthing.store.store import now_us
from farthing.wire import FORMATS

QUIET_S = 0.3
"""A round is whole when so long nothing was added to it."""
LOOK_S = (0.5, 10.0)
"""Between two looks at a job: at first, and later."""
GROWTH = 1.3
IDLE_S = 60.0
"""After so long a job that nobody has begun is taken for one without a gateway."""
PIECE = 500
"""Lines that are written at a time."""


class Terms(msgspec.Struct, frozen=True):
    """How rounds are worked."""

    deadline_s: float
    """Within which each of them is done."""
    feature: str
    tenant: str
    name: str
    """What the jobs are called."""
    keep_s: float


class Rounds:
    """See the module. `left` says what may still be spent, None for all; `told` hears how it goes. Use it as a context: what is
    still asked for when it ends is not answered."""

    def __init__(
        self, store: Store, wrapping: Wrapping, terms: Terms, answers: Answers, left: Callable[[], Nano | None],
        told: Callable[[str], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self._store = store
        self._wrapping = wrapping
        self._terms = terms
        self._answers = answers
        self._left = left
        self._told = told
        self._wanted: dict[str, tuple[bytes, asyncio.Future[Sent]]] = {}
        """By key: what is to be asked."""
        self._more = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.rounds = 0

    async def __aenter__(self) -> "Rounds":
        self._task = asyncio.create_task(self._work())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def send(self, key: str, body: bytes) -> Sent:
        """The answer to `body`, in the round that is made next. Raises UpstreamError where there is none, StoreError."""
        if key not in self._wanted:
            self._wanted[key] = body, asyncio.get_running_loop().create_future()
            self._more.set()
        return await asyncio.shield(self._wanted[key][1])

    async def recover(self) -> int:
        """Take the answers of this run's jobs that nobody has taken: how many there were. Raises StoreError."""
        taken = 0
        for job_id in self._answers.open_jobs():
            job = await self._store.do(lambda connection, job_id=job_id: jobs.get(connection, job_id))  # type: ignore[misc]
            if job is not None and not job.dropped:
                async for key, sent in self._ended(job):
                    taken += isinstance(sent, Sent) and self._keep(key, sent)
                await self._store.do(partial(handing.delivered, job=job))
            self._answers.close_job(job_id)
        return taken

    async def _work(self) -> None:
        while True:
            await self._more.wait()
            while self._more.is_set():
                self._more.clear()
                await asyncio.sleep(QUIET_S)
            wanted, self._wanted = self._wanted, {}
            try:
                await self._round(wanted)
            except Exception as error:
                for _, future in wanted.values():
                    if not future.done():
                        future.set_exception(error)

    async def _round(self, wanted: dict[str, tuple[bytes, "asyncio.Future[Sent]"]]) -> None:
        self.rounds += 1
        job = await self._hand_in({key: body for key, (body, _) in wanted.items()})
        heard: dict[str, Sent | UpstreamError] = {}
        async for key, sent in self._ended(job):
            heard[key] = sent
            if isinstance(sent, Sent):
                self._keep(key, sent)
        await self._store.do(partial(handing.delivered, job=job))
        self._answers.close_job(job.id)
        for key, (_, future) in wanted.items():  # last: whoever has all of its answers may end everything
            sent = heard.get(key) or UpstreamError(f"the job {job.id} ended without this answer")
            if isinstance(sent, Sent):
                future.set_result(sent)
            else:
                future.set_exception(sent)

    def _keep(self, key: str, sent: Sent) -> bool:
        """On disk before the job is done with; False for what is no answer."""
        if sent.answer.status != 200:
            return False
        self._answers.put(key, sent.answer.body, sent.in_tokens, sent.out_tokens, sent.cost)
        return True

    async def _hand_in(self, bodies: dict[str, bytes]) -> Job:
        """The job, in the store. Raises StoreError."""
        name, terms, at_us = uuid.uuid4().hex, self._terms, now_us()
        file_id, job_id = f"file-{name}", f"{handing.PREFIX}{name}"
        left = self._left()
        order = Order(
            WIRE, terms.deadline_s, terms.name, cap=0 if left is None else max(1, left),
            headers={"x-farthing-feature": terms.feature},
        )  # fmt: skip
        job = job_of(order, job_id, "file", file_id, terms.tenant, at_us, terms.keep_s)
        job.metadata = {ERRAND: PROMPT_OPTIMISATION}
        file = handing.a_file(file_id, terms.tenant, f"{terms.name}.jsonl", at_us)
        await self._store.do(lambda connection: files.create(connection, file))
        for piece in _pieces(bodies):
            await self._store.do(partial(files.append, file_id=file_id, data=piece, wrapping=self._wrapping))
        self._answers.open_job(job_id)

        def add(connection: Connection) -> None:
            files.finish(connection, file_id)
            handing.add(connection, job)

        await self._store.do(add)
        return job

    async def _ended(self, job: Job) -> AsyncGenerator[tuple[str, Sent | UpstreamError], None]:
        """Wait for the job; each line's key with its answer, or why it has none. Raises StoreError."""
        await self._wait(job)
        async for page in outcomes(self._store, self._wrapping, job):
            records = await self._store.do(
                lambda connection, page=page: [_tokens(connection, each) for each in page]  # type: ignore[misc]
            )
            for each, (in_tokens, out_tokens) in zip(page, records, strict=True):
                yield each.custom_id, _sent(each, in_tokens, out_tokens)

    async def _wait(self, job: Job) -> None:
        pause, waited = LOOK_S[0], 0.0
        while True:
            card = await self._store.do(lambda connection: handing.standing(connection, job, now_us()))
            if card["state"] in JOB_ENDS:
                break
            self._told(words(self.rounds, card, idle=waited > IDLE_S))
            await asyncio.sleep(pause)
            waited += pause
            pause = min(LOOK_S[1], pause * GROWTH)
        if card["errors"]:
            raise UpstreamError(f"the job {job.id} failed: {card['errors'][0]['message']}")


def _pieces(bodies: dict[str, bytes]) -> Iterator[bytes]:
    """The lines of the job's file."""
    path = FORMATS[WIRE].path
    lines = [
        msgspec.json.encode({"custom_id": key, "method": "POST", "url": path, "body": msgspec.Raw(body)}) + b"\n"
        for key, body in bodies.items()
    ]
    for start in range(0, len(lines), PIECE):
        yield b"".join(lines[start : start + PIECE])


def _tokens(connection: Connection, outcome: Outcome) -> tuple[int, int]:
    """Of the line's call, as the ledger has it."""
    record = reading.call(connection, outcome.call_id) if outcome.call_id else None
    return (record.in_tokens, record.out_tokens) if record is not None else (0, 0)


def _sent(outcome: Outcome, in_tokens: int, out_tokens: int) -> Sent | UpstreamError:
    if not outcome.status:
        return UpstreamError(f"its line {outcome.state}")
    answer = Answer(outcome.status, [], bytes(outcome.answer))
    return Sent(answer, outcome.cost_nano, "", out_tokens, in_tokens)


def words(number: int, card: dict[str, Any], *, idle: bool) -> str:
    """How a round goes, for people."""
    lines = card["lines"]
    if idle and card["state"] == "validating":
        return f"round {number}: no gateway with these settings has begun it yet; is one running?"
    ended = lines["done"] + lines["failed"] + lines["expired"] + lines["cancelled"]
    return f"round {number}: {ended:,} of {lines['total']:,} are answered"
