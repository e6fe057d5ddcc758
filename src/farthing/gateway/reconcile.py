"""`/v1/farthing/reconcile`: a provider's bill, sent as its export is, against the ledger; and the corrections that close what
is left. A bill is of all tenants, so both are for the operator's keys."""

import asyncio

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farthing.finops.reconcile.bill import Bill
from farthing.finops.reconcile.job import READERS, Asked, asked_of, bill_in, reconcile, reconcile_and_post
from farthing.finops.reconcile.plain import plain
from farthing.gateway.bodies import read_bytes
from farthing.gateway.guard import Guard, Pass
from farthing.gateway.reports import moment
from farthing.model.errors import BadRequest
from farthing.prices import PriceBook
from farthing.settings import Settings
from farthing.store import Store

BILL_LIMIT = 16 * 2**20
"""Bytes of an export."""
AT_ONCE = 2
"""Bills that a process reads at the same time: each takes many times its size."""
LONGEST_REASON = 512
PATH = "/v1/farthing/reconcile"


def routes(store: Store, guard: Guard, settings: Settings, book: PriceBook) -> list[Route]:
    percent = settings.reconcile.tolerance_percent
    turn = asyncio.Semaphore(AT_ONCE)

    async def compare(request: Request, entered: Pass) -> Response:
        async with turn:
            asked, bill = await _read(request, settings)
            done = await reconcile(store, bill, book, asked)
            return JSONResponse(plain(done.comparison, asked, percent, 0))

    async def correct(request: Request, entered: Pass) -> Response:
        reason = request.query_params.get("reason", "")
        if not reason.strip() or len(reason) > LONGEST_REASON:
            raise BadRequest("A correction needs a reason, in the query.", param="reason")
        async with turn:
            asked, bill = await _read(request, settings)
            done, posted = await reconcile_and_post(store, bill, book, asked, who=entered.who, reason=reason)
            return JSONResponse(plain(done.comparison, asked, percent, posted), 201 if posted else 200)

    return [guard.page(PATH, "POST", compare), guard.page(f"{PATH}/corrections", "POST", correct)]


async def _read(request: Request, settings: Settings) -> tuple[Asked, Bill]:
    query = request.query_params
    provider = query.get("provider", "")
    if provider not in READERS:
        raise BadRequest(f"provider is one of {', '.join(sorted(READERS))}.", param="provider")
    asked = asked_of(settings, provider, since_us=_moment(query, "since_us"), until_us=_moment(query, "until_us"))
    content = await read_bytes(request, BILL_LIMIT)
    return asked, await asyncio.to_thread(bill_in, provider, [("the body", content)])


def _moment(query: QueryParams, name: str) -> int | None:
    return moment(query, name, 0) if name in query else None
