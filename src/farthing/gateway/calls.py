"""`GET /v1/farthing/calls`: lists of calls, and what one cost and why. For streams this is where the figures are, since their headers
leave before the cost is known."""

import asyncio
import time
from typing import Any, Protocol

import msgspec
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farthing.gateway.guard import Guard, Pass
from farthing.model.errors import BadRequest, NotFound
from farthing.model.money import exact_dollars
from farthing.model.principal import Role
from farthing.model.record import Record
from farthing.store import Ledger, Store
from farthing.store.reading import FILTERS

WRITTEN_WITHIN_S = 0.5
"""How long rows wait at most in the gateway that served the call, while the store is well."""
LATE_S = 5.0
"""How long that may take on a busy machine."""
LOOK_AGAIN_S = 0.1
MOST_CALLS = 1_000
"""Of one list."""
LATEST_US = 4 * 10**15
"""The year 2096."""
ID_LIMIT = 256


def routes(store: Store, ledger: Ledger, guard: Guard) -> list[Route]:
    async def call(request: Request, entered: Pass) -> Response:
        call_id = request.path_params["call_id"]
        await ledger.settled(call_id, LATE_S)  # so that programs which are told of it find it in reports too
        return JSONResponse(card(await own_call(store, ledger, entered, call_id, "viewer")))

    async def every(request: Request, entered: Pass) -> Response:
        where = {name: request.query_params[name] for name in FILTERS if name in request.query_params}
        where["tenant"] = entered.tenant
        if not entered.may("viewer") and entered.key is not None:
            where["key"] = entered.key.id
        rows = await store.calls(**_page(request.query_params), where=where)
        last = f"{rows[-1].started_us}.{rows[-1].id}" if rows else None
        return JSONResponse({"data": msgspec.to_builtins(rows), "before": last})

    return [
        guard.page("/v1/farthing/calls", "GET", every),
        guard.page("/v1/farthing/calls/{call_id}", "GET", call),
    ]


def _page(query: QueryParams) -> dict[str, Any]:
    """Which calls of all; `before` is what the answer before this one ended with. Raises BadRequest."""
    started, _, call_id = query.get("before", "").partition(".")
    return {
        "since_us": _number(query.get("since_us", "0")), "until_us": _number(query.get("until_us", f"{LATEST_US}")),
        "limit": min(_number(query.get("limit", "100")), MOST_CALLS),
        "before": (_number(started), call_id[:ID_LIMIT]) if "before" in query else None,
    }  # fmt: skip


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 16:
        raise BadRequest("since_us, until_us, limit and before are whole numbers; times are microseconds since 1970.")
    return int(text)


class Unwritten(Protocol):
    """Knows calls that are not in the store yet."""

    def find(self, call_id: str) -> Record | None: ...


async def own_call(store: Store, ledger: Unwritten, entered: Pass, call_id: str, others: Role) -> Record:
    """A call that may be meant: the key's own, or any of its tenant if it has the role for `others`. Raises NotFound."""
    record = await ended_call(store, ledger, call_id)
    if record is None or not _is_for(entered, record, others):
        raise NotFound("There is no such call in the ledger, or it is not yours, or it is still under way.")
    return record


async def ended_call(store: Store, ledger: Unwritten, call_id: str) -> Record | None:
    """Any call that has ended or ends in this moment, also if it is not written yet."""
    record = ledger.find(call_id) or await store.call(call_id)
    until = time.monotonic() + WRITTEN_WITHIN_S
    # It may end just now, or has ended in another worker, which has not written it yet.
    while record is None and time.monotonic() < until:
        await asyncio.sleep(LOOK_AGAIN_S)
        record = ledger.find(call_id) or await store.call(call_id)
    return record


def _is_for(entered: Pass, record: Record, others: Role) -> bool:
    key = entered.key
    if key is None or key.tenant != record.tenant:
        return entered.everywhere
    return key.id == record.key_id or entered.may(others)


def card(record: Record) -> dict[str, Any]:
    """The record as JSON: amounts both as integers of nano-dollars and in dollars."""
    shown: dict[str, Any] = msgspec.to_builtins(record)
    shown["cost_dollars"] = exact_dollars(record.cost)
    shown["baseline_dollars"] = exact_dollars(record.baseline)
    for attempt, plain in zip(record.attempts, shown["attempts"], strict=True):
        plain["cost_dollars"] = exact_dollars(attempt.cost)
        plain["raw_usage"] = attempt.raw_usage.decode("utf-8", "replace")
    return shown
