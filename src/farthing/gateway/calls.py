"""`GET /v1/farthing/calls/ID`: what a call cost and why. For streams this is where the figures are, since their headers
leave before the cost is known."""

import asyncio
import time
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farthing.gateway.guard import Guard
from farthing.model.errors import NotFound
from farthing.model.money import exact_dollars
from farthing.model.principal import OPERATOR, Key, has_role
from farthing.model.record import Record
from farthing.store import Ledger, Store

WRITTEN_WITHIN_S = 0.5
"""How long rows wait at most in the gateway that served the call, while the store is well."""
LOOK_AGAIN_S = 0.1


def routes(store: Store, ledger: Ledger, guard: Guard) -> list[Route]:
    async def call(request: Request) -> Response:
        key = await guard.caller(request)
        return JSONResponse(card(await own_call(store, ledger, key, request.path_params["call_id"])))

    return [Route("/v1/farthing/calls/{call_id}", call)]


async def own_call(store: Store, ledger: Ledger, key: Key | None, call_id: str) -> Record:
    """A call that the key may see: its own; viewers see those of their tenant. Raises NotFound."""
    record = ledger.find(call_id) or await store.call(call_id)
    until = time.monotonic() + WRITTEN_WITHIN_S
    # It may end just now, or has ended in another worker, which has not written it yet.
    while record is None and time.monotonic() < until:
        await asyncio.sleep(LOOK_AGAIN_S)
        record = ledger.find(call_id) or await store.call(call_id)
    if record is None or not _may_see(key, record):
        raise NotFound("There is no such call in the ledger, or it is not yours, or it is still under way.")
    return record


def _may_see(key: Key | None, record: Record) -> bool:
    if key is None:
        return True
    if key.tenant == record.tenant:
        return key.id == record.key_id or has_role(key, "viewer")
    return key.tenant == OPERATOR and has_role(key, "admin")


def card(record: Record) -> dict[str, Any]:
    """The record as JSON: amounts both as integers of nano-dollars and in dollars."""
    shown: dict[str, Any] = msgspec.to_builtins(record)
    shown["cost_dollars"] = exact_dollars(record.cost)
    shown["baseline_dollars"] = exact_dollars(record.baseline)
    for attempt, plain in zip(record.attempts, shown["attempts"], strict=True):
        plain["cost_dollars"] = exact_dollars(attempt.cost)
        plain["raw_usage"] = attempt.raw_usage.decode("utf-8", "replace")
    return shown
