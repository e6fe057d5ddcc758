"""`/v1/messages/batches`: batches of Messages requests in one body, as Anthropic's clients know them.

The body is taken apart while it arrives and goes into the store as it is checked: it is never held whole. What is wrong with
a request's frame is said at once; what is wrong with its `params` is the result of that request. Counts stay 0 until the batch
has ended, as Anthropic's do. Knows nothing of how it is worked.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farthing.batch.checking import Check
from farthing.gateway.elements import Elements
from farthing.gateway.files import MIB, number_of
from farthing.gateway.guard import Guard, Pass
from farthing.gateway.handed import check_stored, hands_in, kept_headers, name_of_job, new_name, own_job, own_key
from farthing.gateway.outputs import ALL, anthropic_line, pages_of
from farthing.gateway.streamed import Streamed
from farthing.gateway.uploads import Room, chunks_of
from farthing.model.batch import JOB_ENDS, File, Job, Origin
from farthing.model.clock import SYSTEM, Clock
from farthing.model.errors import BadRequest, NotFound
from farthing.settings import Settings
from farthing.store import Store
from farthing.store.batch import files, jobs, lines, steering
from farthing.store.errors import Duplicate, RowRefused
from farthing.store.sealing import Wrapping
from farthing.wire import FORMATS

PATH = "/v1/messages/batches"
ORIGIN: Origin = "anthropic"
PREFIX = "msgbatch_"
WIRE = "anthropic.messages"
INLINE = "batch_inline"
"""Purpose of the file that keeps the requests until they are lines; nobody sees it."""
MOST = 1000
"""Batches of one list."""
WINDOW_US = 86_400 * 1_000_000


class _Requests:
    """The requests of a body, checked as they arrive, on their way into a file."""

    def __init__(self, store: Store, wrapping: Wrapping, file: File, settings: Settings) -> None:
        line_bytes = settings.server.max_body_mb * MIB
        self._store, self._wrapping, self._file = store, wrapping, file
        self._elements = Elements(line_bytes)
        self.check = Check(
            "anthropic", FORMATS[WIRE], most_requests=settings.batch.max_requests, most_bytes=line_bytes
        )  # fmt: skip
        self._held = bytearray()
        self._begun = False

    async def take(self, chunk: bytes) -> None:
        """Raises BadRequest, TooLarge, StoreError."""
        for element in self._elements.feed(chunk):
            one_line = element.replace(b"\n", b" ").replace(b"\r", b" ")  # line breaks stand between words only
            self.check.look(one_line)
            if self.check.errors:
                raise self._refusal()
            self._held += one_line
            self._held += b"\n"
        if len(self._held) >= files.PART:
            await self._put(len(self._held) // files.PART * files.PART)

    async def finished(self) -> int:
        """How many requests there are, when the body has ended. Raises BadRequest, StoreError."""
        self._elements.end()
        if not self.check.total:
            raise BadRequest("requests: List should have at least 1 item after validation, not 0", param="requests")
        await self._put(len(self._held))
        await self._store.do(lambda connection: files.finish(connection, self._file.id))
        return self.check.total

    async def forget(self) -> None:
        if self._begun:
            await self._store.do(lambda connection: files.delete(connection, self._file.id))

    def _refusal(self) -> BadRequest:
        error, number = self.check.errors[0], self.check.total - 1
        if error.code == "too_many_tasks":
            return BadRequest(f"requests: {error.message}", param="requests")
        place = f"requests.{number}.{error.param}" if error.param else f"requests.{number}"
        return BadRequest(f"{place}: {error.message}", param="requests")

    async def _put(self, size: int) -> None:
        data = bytes(self._held[:size])
        del self._held[:size]
        begun, self._begun = self._begun, True

        def work(connection: Any) -> None:
            if not begun:
                files.create(connection, self._file)
            files.append(connection, self._file.id, data, wrapping=self._wrapping)

        await self._store.do(work)


class _Batches:
    """See the module."""

    def __init__(
        self, store: Store, settings: Settings, wrapping: Wrapping, room: Room, told: Callable[[], None], clock: Clock
    ) -> None:
        self._store, self._settings, self._wrapping = store, settings, wrapping
        self._room, self._told, self._clock = room, told, clock

    async def create(self, request: Request, entered: Pass) -> Response:
        now_us, key_id = self._clock.now_us(), hands_in(entered)
        job = Job(
            name_of_job(request, entered, PREFIX), ORIGIN, WIRE, entered.tenant, now_us, now_us + WINDOW_US, key_id,
            kept_headers(request), input_file=new_name("inline-"), expires_us=now_us + int(self._settings.batch.keep_s * 1e6),
        )  # fmt: skip
        file = File(job.input_file, entered.tenant, INLINE, "", now_us, key_id, expires_us=job.deadline_us)
        requests = _Requests(self._store, self._wrapping, file, self._settings)
        await check_stored(self._store, entered.tenant, self._settings.batch)
        with self._room.taken():
            try:
                async for chunk in chunks_of(request, self._settings.batch.max_file_mb * MIB):
                    await requests.take(chunk)
                job.total = await requests.finished()
                await self._store.do(lambda connection: jobs.add(connection, job))
            except Duplicate:
                await requests.forget()
                job = await own_job(self._store, entered, job.id, (ORIGIN,))
            except BaseException as error:
                with suppress(RowRefused):
                    await requests.forget()
                if isinstance(error, RowRefused):
                    raise BadRequest("The batch was dropped while it arrived.") from None
                raise
        self._told()
        return JSONResponse(shown(job, request))

    async def every(self, request: Request, entered: Pass) -> Response:
        query = request.query_params
        limit = number_of(query.get("limit", "20"), MOST)
        after, before = query.get("after_id", ""), query.get("before_id", "")
        for name, value in (("after_id", after), ("before_id", before)):
            await self._check_named(entered, name, value)
        if after and before:
            raise BadRequest("Only one of after_id and before_id can be given.", param="before_id")
        found = await self._store.do(
            lambda connection: jobs.page(
                connection, tenant=entered.tenant, origins=(ORIGIN,), after=after, before=before, limit=limit + 1,
                key_id=own_key(entered),
            )
        )  # fmt: skip
        page = found[-limit:] if before else found[:limit]
        return JSONResponse(
            {
                "data": [shown(job, request) for job in page], "has_more": len(found) > limit,
                "first_id": page[0].id if page else None, "last_id": page[-1].id if page else None,
            }
        )  # fmt: skip

    async def _check_named(self, entered: Pass, name: str, value: str) -> None:
        if value:
            try:
                await own_job(self._store, entered, value, (ORIGIN,))
            except NotFound:
                raise BadRequest(f"{name} must be the id of a batch.", param=name) from None

    async def one(self, request: Request, entered: Pass) -> Response:
        return JSONResponse(shown(await self._mine(request, entered), request))

    async def cancel(self, request: Request, entered: Pass) -> Response:
        job, now_us = await self._mine(request, entered), self._clock.now_us()
        done = await self._store.do(
            lambda c: steering.cancel(c, job.id, tenant=entered.tenant, who=entered.who, now_us=now_us)
        )
        self._told()
        return JSONResponse(shown(done or job, request))

    async def delete(self, request: Request, entered: Pass) -> Response:
        job = await self._mine(request, entered)
        if job.state not in JOB_ENDS:
            raise BadRequest("A batch can be deleted once it has ended. Cancel it first.")
        await self._store.do(lambda connection: jobs.delete(connection, job.id))
        return JSONResponse({"id": job.id, "type": "message_batch_deleted"})

    async def results(self, request: Request, entered: Pass) -> Response:
        job = await self._mine(request, entered)
        if job.state not in JOB_ENDS:
            raise BadRequest("The batch has no results before it has ended.")
        if job.dropped:
            raise NotFound("The results of this batch are kept no longer.")

        async def delivered() -> None:
            await self._store.do(lambda connection: lines.forget_texts(connection, job.id, ALL))

        then = delivered if self._settings.batch.drop == "delivery" else None
        return Streamed(self._lines(job), "application/x-jsonl", then=then)

    async def _lines(self, job: Job) -> AsyncGenerator[bytes, None]:
        async for some in pages_of(self._store, self._wrapping, job.id, ALL):
            yield b"".join([anthropic_line(line) for line in some])

    async def _mine(self, request: Request, entered: Pass) -> Job:
        return await own_job(self._store, entered, request.path_params["batch_id"], (ORIGIN,))


def routes(
    store: Store, guard: Guard, settings: Settings, wrapping: Wrapping, room: Room, told: Callable[[], None],
    clock: Clock = SYSTEM,
) -> list[Route]:  # fmt: skip
    """`told` is called when there is something new to do."""
    pages = _Batches(store, settings, wrapping, room, told, clock)
    return [
        guard.page(PATH, "POST", pages.create),
        guard.page(PATH, "GET", pages.every),
        guard.page(f"{PATH}/{{batch_id}}", "GET", pages.one),
        guard.page(f"{PATH}/{{batch_id}}", "DELETE", pages.delete),
        guard.page(f"{PATH}/{{batch_id}}/cancel", "POST", pages.cancel),
        guard.page(f"{PATH}/{{batch_id}}/results", "GET", pages.results),
    ]


def shown(job: Job, request: Request) -> dict[str, Any]:
    """As Anthropic's API has it."""
    over = job.state in JOB_ENDS
    counts = {"processing": job.total, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
    if over:
        unknown = job.total - job.ended  # of a batch that was cancelled, or refused, before it was begun
        missed = "canceled" if job.state == "cancelled" else "errored"
        counts = {
            "processing": 0, "succeeded": job.done, "errored": job.failed, "canceled": job.cancelled, "expired": job.expired,
        }  # fmt: skip
        counts[missed] += unknown
    status = "ended" if over else "canceling" if job.state == "cancelling" else "in_progress"
    return {
        "id": job.id, "type": "message_batch", "processing_status": status, "request_counts": counts,
        "created_at": _time(job.created_us), "expires_at": _time(job.deadline_us), "ended_at": _time(job.ended_us),
        "cancel_initiated_at": _time(job.cancelled_us), "archived_at": _time(job.expires_us) if job.dropped else None,
        "results_url": results_url(job, request) if over and not job.dropped else None,
    }  # fmt: skip


def results_url(job: Job, request: Request) -> str:
    """At the address by which the client came, also through a proxy that says what that was."""
    headers = request.headers
    scheme = headers.get("x-forwarded-proto", request.url.scheme)
    host = headers.get("x-forwarded-host") or headers.get("host", "")
    if scheme not in ("http", "https") or not host or not host.isascii() or set(host) & set("/\\@?# \"'<>"):
        return f"{PATH}/{job.id}/results"
    return f"{scheme}://{host}{PATH}/{job.id}/results"


def _time(us: int) -> str | None:
    if not us:
        return None
    return datetime.fromtimestamp(us / 1e6, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
