"""`/v1/batches`: batches of requests in a file, as OpenAI's clients know them.

A batch is taken as it is named, and checked later: what is wrong with its file is told by its status. Longer and shorter
windows than OpenAI's 24 hours are deadlines too, and one file may ask several models. Knows nothing of how it is worked.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farthing.gateway.bodies import read_body
from farthing.gateway.files import BATCH, KEPT_S, listed, number_of
from farthing.gateway.finals import PATIENCE_S, Final, Finals, file_id
from farthing.gateway.guard import Guard, Pass
from farthing.gateway.handed import hands_in, kept_headers, name_of_job, own_file, own_job, own_key
from farthing.model.batch import Job, JobState, Origin
from farthing.model.clock import SYSTEM, Clock
from farthing.model.errors import BadRequest, NotFound
from farthing.settings import BatchSettings
from farthing.store import Store
from farthing.store.batch import jobs, steering
from farthing.store.errors import Duplicate
from farthing.wire import FORMATS

PATH = "/v1/batches"
ORIGIN: Origin = "openai"
PREFIX = "batch_"
MOST = 100
"""Batches of one list."""
NAME_LIMIT = 128
WINDOW_S = (3600, 7 * 86_400)
"""Bounds of `completion_window`."""
ENDPOINTS = {format.path: format.name for format in FORMATS.values() if format.billed}
_WINDOW = re.compile(r"(\d{1,6})(m|h|d)")
_SECONDS = {"m": 60, "h": 3600, "d": 86_400}
STATUS: dict[JobState, str] = {
    "validating": "validating", "failed": "failed", "running": "in_progress", "finished": "completed", "expired": "expired",
    "cancelling": "cancelling", "cancelled": "cancelled",
}  # fmt: skip

Word = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Metadata = Annotated[
    dict[
        Annotated[str, msgspec.Meta(min_length=1, max_length=64)], Annotated[str, msgspec.Meta(max_length=512)]
    ],
    msgspec.Meta(max_length=16),
]  # fmt: skip


class ExpiresAfter(msgspec.Struct):
    """When the files that a batch ends with are dropped."""

    anchor: str
    seconds: Annotated[int, msgspec.Meta(ge=KEPT_S[0], le=KEPT_S[1])]


class NewBatch(msgspec.Struct):
    """What a batch is made from."""

    input_file_id: Word
    endpoint: Word
    completion_window: Word
    metadata: Metadata | None = None
    output_expires_after: ExpiresAfter | None = None


class _Batches:
    """See the module."""

    def __init__(
        self, store: Store, settings: BatchSettings, finals: Finals, told: Callable[[], None], clock: Clock
    ) -> None:
        self._store, self._settings, self._finals = store, settings, finals
        self._told, self._clock = told, clock

    async def create(self, request: Request, entered: Pass) -> Response:
        wanted = await read_body(request, NewBatch)
        job = _job(request, entered, wanted, self._settings, self._clock.now_us())
        if await own_file(self._store, entered, wanted.input_file_id, (BATCH,)) is None:
            raise BadRequest(
                "`input_file_id` must be a file of yours that was uploaded with the purpose `batch`.",
                param="input_file_id",
            )
        try:
            await self._store.do(lambda connection: jobs.add(connection, job))
        except Duplicate:
            job = await self._same(entered, job)
        self._told()
        return JSONResponse(shown(job, None))

    async def _same(self, entered: Pass, job: Job) -> Job:
        """The batch that this request made before. Raises BadRequest if it was another request."""
        found = await own_job(self._store, entered, job.id, (ORIGIN,))
        if (found.input_file, found.wire) != (job.input_file, job.wire):
            raise BadRequest("This Idempotency-Key belongs to another batch.")
        return found

    async def every(self, request: Request, entered: Pass) -> Response:
        query = request.query_params
        limit, after = number_of(query.get("limit", "20"), MOST), query.get("after", "")
        if after:
            await self._named(entered, after)
        found = await self._store.do(
            lambda connection: jobs.page(
                connection,
                tenant=entered.tenant,
                origins=(ORIGIN,),
                after=after,
                limit=limit + 1,
                key_id=own_key(entered),
            )
        )
        patience_s = PATIENCE_S / (len(found) or 1)
        data = [shown(job, await self._finals.of(job, patience_s)) for job in found[:limit]]
        return JSONResponse(listed(data, more=len(found) > limit))

    async def _named(self, entered: Pass, job_id: str) -> None:
        try:
            await own_job(self._store, entered, job_id, (ORIGIN,))
        except NotFound:
            raise BadRequest("`after` must be the id of a batch.", param="after") from None

    async def one(self, request: Request, entered: Pass) -> Response:
        job = await own_job(self._store, entered, request.path_params["batch_id"], (ORIGIN,))
        return JSONResponse(shown(job, await self._finals.of(job)))

    async def cancel(self, request: Request, entered: Pass) -> Response:
        job = await own_job(self._store, entered, request.path_params["batch_id"], (ORIGIN,))
        if job.state in ("failed", "finished", "expired"):
            raise BadRequest(f"The batch has ended: it is {STATUS[job.state]}.")
        now_us = self._clock.now_us()
        done = await self._store.do(
            lambda c: steering.cancel(c, job.id, tenant=entered.tenant, who=entered.who, now_us=now_us)
        )
        self._told()
        job = done or job
        return JSONResponse(shown(job, await self._finals.of(job)))


def routes(
    store: Store, guard: Guard, settings: BatchSettings, finals: Finals, told: Callable[[], None], clock: Clock = SYSTEM
) -> list[Route]:
    """`told` is called when there is something new to do."""
    pages = _Batches(store, settings, finals, told, clock)
    return [
        guard.page(PATH, "POST", pages.create),
        guard.page(PATH, "GET", pages.every),
        guard.page(f"{PATH}/{{batch_id}}", "GET", pages.one),
        guard.page(f"{PATH}/{{batch_id}}/cancel", "POST", pages.cancel),
    ]


def _job(request: Request, entered: Pass, wanted: NewBatch, settings: BatchSettings, now_us: int) -> Job:
    """Raises BadRequest."""
    wire = ENDPOINTS.get(wanted.endpoint)
    if wire is None:
        raise BadRequest(f"`endpoint` must be one of {', '.join(ENDPOINTS)}.", param="endpoint")
    metadata = wanted.metadata or {}
    if any("\0" in text for pair in metadata.items() for text in pair):
        raise BadRequest("`metadata` must have no NUL.", param="metadata")
    after = wanted.output_expires_after
    if after is not None and after.anchor != "created_at":
        raise BadRequest("`output_expires_after.anchor` must be `created_at`.", param="output_expires_after")
    deadline_us = now_us + seconds_of(wanted.completion_window) * 1_000_000
    kept_s = after.seconds if after is not None else settings.keep_s
    return Job(
        name_of_job(request, entered, PREFIX), ORIGIN, wire, entered.tenant, now_us, deadline_us, hands_in(entered),
        kept_headers(request), name=(metadata.get("name") or metadata.get("description", ""))[:NAME_LIMIT], metadata=metadata, input_file=wanted.input_file_id,
        expires_us=deadline_us + int(kept_s * 1e6),
    )  # fmt: skip


def seconds_of(window: str) -> int:
    """A `completion_window`. Raises BadRequest."""
    found = _WINDOW.fullmatch(window)
    seconds = int(found[1]) * _SECONDS[found[2]] if found is not None else 0
    if not WINDOW_S[0] <= seconds <= WINDOW_S[1]:
        raise BadRequest("`completion_window` must be 24h, or another time from 1h to 7d.", param="completion_window")
    return seconds


def window_of(job: Job) -> str:
    """As `completion_window` says it."""
    seconds = (job.deadline_us - job.created_us) // 1_000_000
    if seconds % 86_400 == 0 and seconds > 86_400:
        return f"{seconds // 86_400}d"
    return f"{seconds // 3600}h" if seconds % 3600 == 0 else f"{seconds // 60}m"


def shown(job: Job, final: Final | None) -> dict[str, Any]:
    """As OpenAI's API has it. `final`: what is known once its files are."""
    status = STATUS[job.state]
    waits = final is None and not job.dropped and bool(job.ended_us) and job.state != "failed"
    if waits:
        status = "cancelling" if job.state == "cancelled" else "finalizing"
    ended = _seconds(job.ended_us) if not waits else None
    has_output, has_errors = not waits and job.done > 0, not waits and job.failed + job.expired + job.cancelled > 0
    return {
        "id": job.id, "object": "batch", "endpoint": FORMATS[job.wire].path, "model": (final.model or None) if final else None,
        "errors": _errors(job), "input_file_id": job.input_file, "completion_window": window_of(job), "status": status,
        "output_file_id": file_id(job.id, "output") if has_output and job.ended_us else None,
        "error_file_id": file_id(job.id, "error") if has_errors and job.ended_us else None,
        "created_at": _seconds(job.created_us), "in_progress_at": _seconds(job.started_us),
        "expires_at": _seconds(job.deadline_us),
        "finalizing_at": _seconds(job.ended_us) if job.state in ("finished", "expired") else None,
        "completed_at": ended if job.state == "finished" else None, "failed_at": ended if job.state == "failed" else None,
        "expired_at": ended if job.state == "expired" else None, "cancelling_at": _seconds(job.cancelled_us),
        "cancelled_at": ended if job.state == "cancelled" else None,
        "request_counts": {"total": job.total, "completed": job.done, "failed": job.failed},
        "metadata": job.metadata or None, "usage": _usage(final),
    }  # fmt: skip


def _errors(job: Job) -> dict[str, Any] | None:
    if not job.errors:
        return None
    data = [
        {"code": each.code, "message": each.message, "param": each.param or None, "line": each.line or None}
        for each in job.errors
    ]
    return {"object": "list", "data": data}


def _usage(final: Final | None) -> dict[str, Any] | None:
    if final is None:
        return None
    return {
        "input_tokens": final.input_tokens, "input_tokens_details": {"cached_tokens": final.cached_tokens},
        "output_tokens": final.output_tokens, "output_tokens_details": {"reasoning_tokens": final.reasoning_tokens},
        "total_tokens": final.input_tokens + final.output_tokens,
    }  # fmt: skip


def _seconds(us: int) -> int | None:
    return us // 1_000_000 or None
