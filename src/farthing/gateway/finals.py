"""The two files of a batch that has ended, in OpenAI's API: how large they are, and what all requests used. Worked out once,
when somebody first asks; the batch is `finalizing` meanwhile. The files themselves are made from the lines when they are read.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from farthing.gateway.outputs import ALL, STATES, Kind, openai_line, pages_of
from farthing.model.batch import File, Job, Line
from farthing.model.call import Ask
from farthing.model.clock import SYSTEM, Clock
from farthing.store import Store
from farthing.store.batch import files
from farthing.store.engine import Connection
from farthing.store.errors import Duplicate
from farthing.store.sealing import Unreadable, Wrapping
from farthing.wire import FORMATS

OUTPUT = "batch_output"
"""Purpose of both files."""
_FINAL = "batch_final"
"""Purpose of the file that keeps what was worked out; nobody sees it."""
REMEMBERED = 1000
AT_ONCE = 2
"""Batches that are worked out at the same time; each holds some answers meanwhile."""
PATIENCE_S = 1.0
"""How long whoever asks waits for it."""


class Final(msgspec.Struct):
    """Of all requests of a batch."""

    model: str = ""
    """Empty where they named several."""
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0


def file_id(job_id: str, kind: Kind) -> str:
    return f"file-{job_id.partition('_')[2]}-{kind}"


def job_of_file(file_id: str) -> tuple[str, Kind] | None:
    """Whose file it is, and which of the two; None for one that was uploaded."""
    name, _, kind = file_id.removeprefix("file-").partition("-")
    return (f"batch_{name}", kind) if kind in ("output", "error") else None  # type: ignore[return-value]


class Finals:
    """See the module."""

    def __init__(self, store: Store, wrapping: Wrapping, clock: Clock = SYSTEM) -> None:
        self._store = store
        self._wrapping = wrapping
        self._clock = clock
        self._known: OrderedDict[str, Final] = OrderedDict()
        self._working: dict[str, asyncio.Task[Final | None]] = {}
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def of(self, job: Job, patience_s: float = PATIENCE_S) -> Final | None:
        """None where it is not known yet, or no more. Raises StoreError."""
        if not job.ended_us or job.state == "failed":
            return None
        found = self._known.get(job.id)
        if found is None and not (job.dropped and job.id not in self._working):
            task = self._working.get(job.id)
            if task is None:
                task = self._working[job.id] = asyncio.create_task(self._work(job))
                task.add_done_callback(lambda done: self._done(job.id, done))
            with suppress(TimeoutError):
                return await asyncio.wait_for(asyncio.shield(task), patience_s)
        return found

    async def close(self) -> None:
        for task in list(self._working.values()):
            task.cancel()
        await asyncio.gather(*self._working.values(), return_exceptions=True)

    def _done(self, job_id: str, task: "asyncio.Task[Final | None]") -> None:
        self._working.pop(job_id, None)
        final = task.result() if not task.cancelled() and task.exception() is None else None
        if final is not None:
            self._known[job_id] = final
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)

    async def _work(self, job: Job) -> Final | None:
        found = await self._store.do(lambda connection: self._kept(connection, job))
        if found is not None:
            return found
        final = Final()
        sizes: dict[Kind, int] = {"output": 0, "error": 0}
        models: set[str] = set()
        try:
            async with self._turn:
                async for some in pages_of(self._store, self._wrapping, job.id, ALL):
                    await asyncio.to_thread(_add_up, some, job.wire, final, sizes, models)
        except Unreadable:  # another gateway may have the key
            return None
        final.model = models.pop() if len(models) == 1 else ""
        with suppress(Duplicate):  # another gateway was asked too, and has found the same
            await self._store.do(lambda connection: self._keep(connection, job, final, sizes))
        return final

    def _kept(self, connection: Connection, job: Job) -> Final | None:
        try:
            found = files.part(connection, _name(job), 0, wrapping=self._wrapping)
            return msgspec.json.decode(found, type=Final) if found is not None else None
        except (Unreadable, msgspec.MsgspecError):
            return None

    def _keep(self, connection: Connection, job: Job, final: Final, sizes: dict[Kind, int]) -> None:
        now_us = self._clock.now_us()
        until_us = job.expires_us
        with connection.transaction():
            files.create(connection, File(_name(job), job.tenant, _FINAL, "", now_us, job.key_id, expires_us=until_us))
            files.append(connection, _name(job), msgspec.json.encode(final), wrapping=self._wrapping)
            for kind, size in sizes.items():
                if size:
                    name = f"{job.id}_{kind}.jsonl"
                    files.create(
                        connection,
                        File(
                            file_id(job.id, kind), job.tenant, OUTPUT, name, now_us, job.key_id, bytes=size, ready=True,
                            expires_us=until_us,
                        ),
                    )  # fmt: skip


def _name(job: Job) -> str:
    return f"final-{job.id}"


def _add_up(some: Sequence[Line], wire: str, final: Final, sizes: dict[Kind, int], models: set[str]) -> None:
    format = FORMATS[wire]
    for line in some:
        kind: Kind = "output" if line.state in STATES["output"] else "error"
        sizes[kind] += len(openai_line(line))
        if line.model and len(models) < 2:
            models.add(line.model)
        if kind == "output":
            usage = format.read(line.answer, Ask(model=line.model)).usage
            if usage is not None:
                final.input_tokens += usage.total_in
                final.cached_tokens += usage.cached_in
                final.output_tokens += usage.total_out
                final.reasoning_tokens += usage.reasoning
