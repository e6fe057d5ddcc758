"""`GET /v1/farthing/calls/ID`: what a call cost and why. For streams this is where the figures are, since their headers
leave before the cost is known."""

import asyncio
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farthing.gateway.guard import Guard
from farthing.model.errors import NotFound
from farthing.model.money import exact_dollars
from farthing.model.principal import Key
from farthing.model.record import Record
from farthing.store import Store

PATIENCE_S = 2.0
"""How long a call may be asked for before it is in the ledger: rows are written in batches."""


def routes(store: Store, guard: Guard) -> list[Route]:
    async def call(request: Request) -> Response:
        key = await guard.caller(request)
        record = await _find(store, request.path_params["call_id"])
        if record is None or not _may_see(key, record):
            raise NotFound("There is no such call in the ledger, or it is not yours, or it is still under way.")
        return JSONResponse(card(record))

    return [Route("/v1/farthing/calls/{call_id}", call)]


async def _find(store: Store, call_id: str) -> Record | None:
    waited = 0.0
    while True:
        record = await store.call(call_id)
        if record is not None or waited >= PATIENCE_S or not call_id.startswith("call-"):
            return record
        await asyncio.sleep(0.1)
        waited += 0.1


def _may_see(key: Key | None, record: Record) -> bool:
    """A key sees its own calls; an admin key those of its tenant."""
    if key is None:
        return True
    return key.tenant == record.tenant and (key.admin or key.id == record.key_id)


def card(record: Record) -> dict[str, Any]:
    """The record as JSON: amounts both as integers of nano-dollars and in dollars."""
    shown: dict[str, Any] = msgspec.to_builtins(record)
    shown["cost_dollars"] = exact_dollars(record.cost)
    shown["baseline_dollars"] = exact_dollars(record.baseline)
    for attempt, plain in zip(record.attempts, shown["attempts"], strict=True):
        plain["cost_dollars"] = exact_dollars(attempt.cost)
        plain["raw_usage"] = attempt.raw_usage.decode("utf-8", "replace")
    return shown
