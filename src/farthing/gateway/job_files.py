"""Files of requests as jobs: what they will cost, handing them in, and what became of each line. For `farthing batch` and
whoever has files; `/v1/batches` is the same for OpenAI's clients.

A file comes by `/v1/files`. Headers of the request that hands it in count for all lines, as with a batch.
"""

from collections.abc import AsyncGenerator, Callable
from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farthing.batch import handing
from farthing.batch.handing import Order, job_of, seconds_until
from farthing.batch.outcomes import outcomes, told
from farthing.batch.prompts.costing import Coster, Quote
from farthing.batch.prompts.tally import MOST_GROUPS, Group
from farthing.gateway.bodies import BODY_LIMIT, read_body
from farthing.gateway.guard import Guard, Pass
from farthing.gateway.handed import hands_in, kept_headers, name_of_job, own_file, own_job
from farthing.gateway.streamed import Streamed
from farthing.model.batch import JOB_ENDS, Job, Origin
from farthing.model.clock import SYSTEM, Clock
from farthing.model.errors import BadRequest
from farthing.settings import BatchSettings
from farthing.steps.defer.handing import JOBS
from farthing.store import Store
from farthing.store.errors import Duplicate
from farthing.store.sealing import Wrapping
from farthing.wire import FORMATS

WIRES = tuple(format.name for format in FORMATS.values() if format.billed)
ORIGINS: tuple[Origin, ...] = ("file", "schedule")
MEDIA = "application/x-ndjson"
MOST_NANO = 10**18
QUOTE_LIMIT = max(BODY_LIMIT, 400 * 2 * MOST_GROUPS)
"""Bytes of what is asked about a file's groups."""

Count = Annotated[int, msgspec.Meta(ge=0, le=10**15)]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class NewJob(msgspec.Struct):
    """What a job is made from."""

    input_file_id: Word
    format: Word
    """As `wire` in the ledger: openai.chat, anthropic.messages and so on."""
    deadline: Annotated[str, msgspec.Meta(min_length=1, max_length=32)] = "24h"
    name: Annotated[str, msgspec.Meta(max_length=handing.NAME_LIMIT)] = ""
    priority: Annotated[int, msgspec.Meta(ge=-handing.PRIORITY, le=handing.PRIORITY)] = 0
    max_cost_nano: Annotated[int, msgspec.Meta(ge=0, le=MOST_NANO)] = 0


class NewQuote(msgspec.Struct):
    """Groups of requests that are alike, whose cost is asked for."""

    groups: Annotated[list[Group], msgspec.Meta(min_length=1, max_length=4 * MOST_GROUPS)]


class _Pages:
    """See the module."""

    def __init__(
        self, store: Store, settings: BatchSettings, wrapping: Wrapping, coster: Coster, told: Callable[[], None],
        clock: Clock,
    ) -> None:  # fmt: skip
        self._store, self._settings, self._wrapping = store, settings, wrapping
        self._coster, self._told, self._clock = coster, told, clock

    async def quote(self, request: Request, entered: Pass) -> Response:
        asked = await read_body(request, NewQuote, QUOTE_LIMIT)
        for group in asked.groups:
            if not _is_sound(group):
                raise BadRequest("groups: counts are whole numbers from 0, and a group has a model and requests.")
        quote: Quote = self._coster.quote(asked.groups, entered.tenant, self._clock.now_us())
        return JSONResponse(msgspec.to_builtins(quote))

    async def create(self, request: Request, entered: Pass) -> Response:
        wanted = await read_body(request, NewJob)
        if wanted.format not in WIRES:
            raise BadRequest(f"`format` must be one of {', '.join(WIRES)}.", param="format")
        order = Order(
            wanted.format, seconds_until(wanted.deadline), wanted.name, wanted.priority, wanted.max_cost_nano,
            kept_headers(request),
        )  # fmt: skip
        key_id, now_us = hands_in(entered), self._clock.now_us()
        name = name_of_job(request, entered, handing.PREFIX)
        job = job_of(order, name, "file", wanted.input_file_id, entered.tenant, now_us, self._settings.keep_s, key_id)
        if await own_file(self._store, entered, wanted.input_file_id, (handing.BATCH,)) is None:
            raise BadRequest("`input_file_id` must be a file of yours.", param="input_file_id")
        try:
            await self._store.do(lambda connection: handing.add(connection, job))
        except Duplicate:
            found = await own_job(self._store, entered, job.id, ORIGINS)
            if (found.input_file, found.wire) != (job.input_file, job.wire):
                raise BadRequest("This Idempotency-Key belongs to another job.") from None
            job = found
        self._told()
        card = await self._store.do(lambda connection: handing.standing(connection, job, now_us))
        return JSONResponse(card, 201, {"location": f"{JOBS}/{job.id}"})

    async def results(self, request: Request, entered: Pass) -> Response:
        job = await own_job(self._store, entered, request.path_params["job_id"], ORIGINS)
        after = _number(request.query_params.get("after", ""))

        async def delivered() -> None:
            await self._store.do(lambda connection: handing.delivered(connection, job))

        drops = self._settings.drop == "delivery" and job.state in JOB_ENDS
        return Streamed(self._lines(job, after), MEDIA, then=delivered if drops else None)

    async def _lines(self, job: Job, after: int) -> AsyncGenerator[bytes, None]:
        async for some in outcomes(self._store, self._wrapping, job, after):
            yield told(some)


def routes(
    store: Store, guard: Guard, settings: BatchSettings, wrapping: Wrapping, coster: Coster, told: Callable[[], None],
    clock: Clock = SYSTEM,
) -> list[Route]:  # fmt: skip
    """`told` is called when there is something new to do."""
    pages = _Pages(store, settings, wrapping, coster, told, clock)
    return [
        guard.page(f"{JOBS}/quote", "POST", pages.quote),
        guard.page(JOBS, "POST", pages.create),
        guard.page(f"{JOBS}/{{job_id}}/results", "GET", pages.results),
    ]


def _is_sound(group: Group) -> bool:
    counts = (group.in_tokens, group.most_in_tokens, group.max_output or 0)
    return (
        0 < len(group.model) <= 256 and len(group.template) <= 64 and 0 < group.requests <= 10**9
        and 1 <= group.choices <= 1000 and all(0 <= each <= 10**15 for each in counts)
    )  # fmt: skip


def _number(text: str) -> int:
    """The line behind which to begin; empty: at the first. Raises BadRequest."""
    if not text or text == "-1":
        return -1
    if not (text.isascii() and text.isdigit()) or len(text) > 12:
        raise BadRequest("after is the number of a line.", param="after")
    return int(text)
