"""`/v1/farthing/jobs`: work that waits: where it is, its answer, its news, and how to end it or have it done at once.

A key without a role sees and changes the jobs that it handed in; viewers see those of their tenant, editors change them.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from farthing.batch.deferred import Deferred
from farthing.batch.handing import standing
from farthing.batch.news import News
from farthing.gateway.guard import Guard, Pass
from farthing.gateway.protocol import CONNECTION
from farthing.model.batch import JOB_ENDS, Job, JobState, Origin
from farthing.model.clock import SYSTEM, Clock
from farthing.model.errors import BadRequest, NotFound
from farthing.model.principal import Role
from farthing.steps.defer.asked import seconds_of
from farthing.steps.defer.handing import JOBS, Ended, answered, card
from farthing.store import Store, StoreError
from farthing.store.batch import jobs, steering

MOST = 100
"""Jobs of one page."""
STATES: tuple[JobState, ...] = ("validating", "failed", "running", "finished", "expired", "cancelling", "cancelled")
ORIGINS: tuple[Origin, ...] = ("openai", "anthropic", "call", "file", "schedule")
PING_S = 15.0
PING = b": waiting\n\n"
STREAM = {"content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no"}


def routes(
    store: Store, deferred: Deferred, news: News, guard: Guard, *, hold_s: float, wake: Callable[[], None],
    clock: Clock = SYSTEM,
) -> list[Route]:  # fmt: skip
    """`wake`: the worker of this gateway has something to look at."""
    desk = _Desk(store, clock)

    async def every(request: Request, entered: Pass) -> Response:
        query = request.query_params
        state, origin = (
            _one_of(query.get("state", ""), STATES, "state"),
            _one_of(query.get("origin", ""), ORIGINS, "origin"),
        )
        limit, after = _limit(query.get("limit", "20")), query.get("after", "")[:64]
        key_id = entered.key.id if entered.key is not None and not entered.may("viewer") else ""
        found = await store.do(
            lambda connection: jobs.page(
                connection, tenant=entered.tenant, origins=(origin,) if origin else (), states=(state,) if state else (),
                after=after, limit=limit, key_id=key_id,
            )
        )  # fmt: skip
        cards = [card(job, clock.now_us()) for job in found]
        return JSONResponse({"data": cards, "after": found[-1].id if len(found) == limit else None})

    async def one(request: Request, entered: Pass) -> Response:
        return JSONResponse(await desk.card(await desk.job(request, entered, "viewer")))

    async def answer(request: Request, entered: Pass) -> Response:
        job = await desk.job(request, entered, "viewer")
        if job.total > 1 or job.origin != "call":
            raise BadRequest("This job has lines with an answer each. Fetch its results.")
        ended = await deferred.answer(job.id, _wait(request.query_params.get("wait", "0"), hold_s))
        if ended is None:
            told = Response(msgspec.json.encode(await desk.card(job)), 202, {"location": f"{JOBS}/{job.id}"})
            told.headers["content-type"] = "application/json"
            return told
        return _given(ended, deferred)

    async def events(request: Request, entered: Pass) -> Response:
        return _Events(desk, await desk.job(request, entered, "viewer"), news, request)

    async def cancel(request: Request, entered: Pass) -> Response:
        job = await desk.job(request, entered, "editor")
        who, now_us = entered.who, clock.now_us()
        await store.do(lambda c: steering.cancel(c, job.id, tenant=job.tenant, who=who, now_us=now_us))
        news.tell([job.id])
        return JSONResponse(await desk.card(await desk.job(request, entered, "editor")))

    async def promote(request: Request, entered: Pass) -> Response:
        job = await desk.job(request, entered, "editor")
        who, now_us = entered.who, clock.now_us()
        brought = await store.do(lambda c: steering.promote(c, job.id, tenant=job.tenant, who=who, now_us=now_us))
        wake()
        return JSONResponse({**await desk.card(job), "promoted": brought})

    return [
        guard.page(JOBS, "GET", every),
        guard.page(f"{JOBS}/{{job_id}}", "GET", one),
        guard.page(f"{JOBS}/{{job_id}}/answer", "GET", answer),
        guard.page(f"{JOBS}/{{job_id}}/events", "GET", events),
        guard.page(f"{JOBS}/{{job_id}}/cancel", "POST", cancel),
        guard.page(f"{JOBS}/{{job_id}}/promote", "POST", promote),
    ]


class _Desk:
    """Jobs as pages show them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def job(self, request: Request, entered: Pass, others: Role) -> Job:
        """The job of the address: the key's own, or any of its tenant if it has the role for `others`. Raises NotFound."""
        job_id = request.path_params["job_id"][:64]
        job = await self._store.do(lambda connection: jobs.get(connection, job_id, tenant=entered.tenant))
        key = entered.key
        if job is None or (key is not None and job.key_id != key.id and not entered.may(others)):
            raise NotFound("There is no such job, or it is not yours.")
        return job

    async def card(self, job: Job) -> dict[str, Any]:
        """As it stands now, with its place in the queue and when it is expected to have ended."""
        now_us = self._clock.now_us()
        return await self._store.do(lambda connection: standing(connection, job, now_us))


class _Events(Response):
    """Server-sent events: the job's card whenever it has changed, until it has ended."""

    def __init__(self, desk: _Desk, job: Job, news: News, request: Request) -> None:
        super().__init__()
        self._desk = desk
        self._job = job
        self._news = news
        self._connection = request.scope.get("extensions", {}).get(CONNECTION)
        self._gone = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name.encode(), value.encode()) for name, value in STREAM.items()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            if self._connection is not None:
                self._connection.on_lost = self._connection.on_stop = self._leave
                self._gone = self._connection.lost
            await self._tell(send)
        finally:
            if self._connection is not None:
                self._connection.on_lost = self._connection.on_stop = None
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _tell(self, send: Send) -> None:
        told: dict[str, Any] = {}
        quiet_s = 0.0
        with self._news.listen(self._job.id) as ear:
            while not self._gone:
                try:
                    now = await self._desk.card(self._job)
                except StoreError:  # it may come back
                    now = told
                if _news_of(now) != _news_of(told):
                    event = b"event: job\ndata: " + msgspec.json.encode(now) + b"\n\n"
                    await send({"type": "http.response.body", "body": event, "more_body": True})
                    told, quiet_s = now, 0.0
                elif quiet_s >= PING_S:
                    await send({"type": "http.response.body", "body": PING, "more_body": True})
                    quiet_s = 0.0
                if now.get("state") in JOB_ENDS:
                    return
                if not await ear.next(PING_S):
                    quiet_s += 5.0

    def _leave(self) -> None:
        self._gone = True
        self._news.tell([self._job.id])


_PASSING = ("seconds_left", "expected_us", "expected_by_us")


def _news_of(card: dict[str, Any]) -> dict[str, Any]:
    """What is worth an event: not that time goes by."""
    return {name: value for name, value in card.items() if name not in _PASSING}


def _given(ended: Ended, deferred: Deferred) -> Response:
    """The answer as the call would have had it. Raises what it raised."""
    answer = answered(ended)
    deferred.taken(ended.job.id)
    response = Response(answer.body, answer.status)
    response.raw_headers += [*answer.headers, (b"x-farthing-call-id", ended.line.call_id.encode())]
    return response


def _wait(text: str, most_s: float) -> float:
    seconds = seconds_of(text[:32])
    if seconds is None:
        raise BadRequest("wait is a time such as 60s or 5m.", param="wait")
    return min(seconds, most_s)


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 9 or int(text) < 1:
        raise BadRequest("limit is a whole number.", param="limit")
    return min(int(text), MOST)


def _one_of(said: str, names: tuple[Any, ...], what: str) -> Any:
    if said and said not in names:
        raise BadRequest(f"{what} is one of {', '.join(names)}.", param=what)
    return said
