"""`/v1/farthing/transactions`: how business transactions ended and what tools cost them, posted by whoever has a key of the
tenant; what they cost, for administrators."""

import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farthing.finops import units
from farthing.finops.posts import CostsBody, OutcomeBody, checked_name, cost_of, said_of
from farthing.finops.transactions import Gatherer
from farthing.gateway.bodies import read_body
from farthing.gateway.guard import Guard, Pass
from farthing.gateway.reports import span_of
from farthing.model.errors import NotFound
from farthing.settings import TransactionSettings
from farthing.store import Store, new_id
from farthing.store.schema_transactions import TRANSACTION_SUMS
from farthing.store.transaction_state import State
from farthing.store.transactions import Post
from farthing.store.units import Units

PATH = "/v1/farthing/transactions"


def routes(store: Store, guard: Guard, settings: TransactionSettings) -> list[Route]:
    book = Units(store)
    prices = Gatherer(settings)

    async def outcome(request: Request, entered: Pass) -> Response:
        kind, id_ = _name(request)
        said = said_of(await read_body(request, OutcomeBody), _now_us())
        await book.post([Post(entered.tenant, kind, id_, said=said)])
        return JSONResponse({"type": kind, "id": id_, **_plain_said(await book.one(entered.tenant, kind, id_))})

    async def costs(request: Request, entered: Pass) -> Response:
        kind, id_ = _name(request)
        body = await read_body(request, CostsBody)
        found = [cost_of(each, prices, _now_us(), new_id()) for each in body.costs]
        done = await book.post([Post(entered.tenant, kind, id_, found)])
        return JSONResponse(
            {
                "type": kind, "id": id_, "added": done.costs, "repeated": done.repeated, "cost": units.amount(done.tool_cost),
                "ids": [each.id for each in found],
            },
            201 if done.costs else 200,
        )  # fmt: skip

    async def every(request: Request, entered: Pass) -> Response:
        return JSONResponse(await _report(request, entered.tenant, None))

    async def of_type(request: Request, entered: Pass) -> Response:
        kind = request.path_params["type"]
        found = await _report(request, entered.tenant, kind)
        if not found["types"] and kind not in settings.types:
            raise NotFound("There are no transactions of this type in these days.")
        return JSONResponse(found)

    async def one(request: Request, entered: Pass) -> Response:
        kind, id_ = _name(request)
        state = await book.one(entered.tenant, kind, id_)
        if state is None:
            raise NotFound("There is no such transaction.")
        return JSONResponse({"type": kind, "id": id_, **_plain(state)})

    async def _report(request: Request, tenant: str, kind: str | None) -> dict[str, Any]:
        since, until = span_of(request.query_params, _now_us())
        found = await book.book(since, until, tenant=tenant, kind=kind)
        return units.plain(units.report(found, settings, since, until))

    return [
        guard.page(PATH, "GET", every),
        guard.page(f"{PATH}/{{type}}/{{id:path}}/outcome", "POST", outcome),
        guard.page(f"{PATH}/{{type}}/{{id:path}}/costs", "POST", costs),
        guard.page(f"{PATH}/{{type}}", "GET", of_type),
        guard.page(f"{PATH}/{{type}}/{{id:path}}", "GET", one),
    ]


def _now_us() -> int:
    return time.time_ns() // 1000


def _name(request: Request) -> tuple[str, str]:
    return checked_name(request.path_params["type"], request.path_params["id"])


def _plain_said(state: State | None) -> dict[str, Any]:
    said = state.said if state is not None else None
    if said is None:
        return {"outcome": ""}
    return {
        "outcome": said.outcome, "outcome_us": said.at_us, "revenue": units.amount(said.revenue),
        "human_s": said.human_s,
    }  # fmt: skip


def _plain(state: State) -> dict[str, Any]:
    sums = dict(zip(TRANSACTION_SUMS, state.sums, strict=True))
    user, plan = state.owner
    return {
        **{name: units.amount(number) if name.endswith("cost") and name != "without_cost" else number for name, number in sums.items()},
        "total": units.amount(state.whole_cost), "cost_known": state.knowledge != "partly", "first_us": state.first_us,
        "last_us": state.last_us, "user": user, "plan": plan, **_plain_said(state),
    }  # fmt: skip
