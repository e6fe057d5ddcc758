"""`/v1/farthing/budgets`: what may be spent, and where each budget stands. Budgets for each tenant (`*`) are the gateway's
own: they are for those who may see all tenants."""

import time
from collections.abc import Awaitable, Sequence
from typing import Annotated, Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farthing.gateway.bodies import read_body
from farthing.gateway.guard import Guard, Pass
from farthing.model.budget import EACH, Budget, Raise, Unit, scope_from
from farthing.model.errors import BadRequest, NotFound
from farthing.model.principal import OPERATOR
from farthing.store import Store
from farthing.store.budgets import Budgets, Standing

MEMBERS = 1_000
"""Members of a budget that one answer tells of, those who spent most."""
MOST = 10**18

Whole = Annotated[int, msgspec.Meta(ge=0, le=MOST)]
Text = Annotated[str, msgspec.Meta(max_length=256)]


class NewBudget(msgspec.Struct, forbid_unknown_fields=True):
    """The body of PUT. Amounts are nano-dollars, tokens or calls, as `unit` says; `max_call` is always nano-dollars."""

    amount: Whole
    unit: Unit = "money"
    scope: dict[Text, Text] = {}
    window: Text = "month"
    zone: Text = "UTC"
    fiscal_start: Text = "01-01"
    roll_over: bool = False
    hard: bool = True
    exceeded: Literal["refuse", "downgrade", "queue"] = "refuse"
    payment_required: bool = False
    max_call: Whole = 0
    cover: Literal["limit", "likely"] = "limit"
    confirm: bool = True
    when_unavailable: Literal["refuse", "serve"] = "refuse"
    note: Text = ""


class NewRaise(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a raise: more until a moment, and why."""

    amount: Whole
    until_us: Annotated[int, msgspec.Meta(ge=0, le=4 * 10**15)]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    from_us: Annotated[int, msgspec.Meta(ge=0, le=4 * 10**15)] = 0
    by: Text = ""


def routes(store: Store, guard: Guard) -> list[Route]:
    budgets = Budgets(store)

    async def every(request: Request, entered: Pass) -> Response:
        mine = [each for each in await budgets.every() if is_of(each, entered)]
        standings = await budgets.standings(mine, _now_us())
        return JSONResponse({"data": [_shown(each, standings) for each in mine]})

    async def one(request: Request, entered: Pass) -> Response:
        budget = await _mine(budgets, request, entered)
        return JSONResponse(_shown(budget, await budgets.standings([budget], _now_us(), MEMBERS)))

    async def put(request: Request, entered: Pass) -> Response:
        wanted = await read_body(request, NewBudget)
        name = request.path_params["budget_id"]
        former = await budgets.one(name)
        if former is not None and not is_of(former, entered):
            raise BadRequest("This name is taken. Choose another.")
        values = msgspec.structs.asdict(wanted) | {"scope": scope_from(wanted.scope)}
        budget = Budget(id=name, tenant=former.tenant if former is not None else entered.tenant, **values)
        await _said(budgets.put(budget, who=entered.who))
        return JSONResponse(_shown(budget, ()), 200 if former is not None else 201)

    async def remove(request: Request, entered: Pass) -> Response:
        budget = await _mine(budgets, request, entered)
        await _said(budgets.remove(budget.id, who=entered.who))
        return JSONResponse({"id": budget.id, "removed": True})

    async def add_raise(request: Request, entered: Pass) -> Response:
        budget = await _mine(budgets, request, entered)
        wanted = await read_body(request, NewRaise)
        more = Raise(**(msgspec.structs.asdict(wanted) | {"by": wanted.by or entered.who}))
        raised = await _said(budgets.add_raise(budget.id, more, who=entered.who))
        return JSONResponse(_shown(raised or budget, ()))

    return [
        guard.page("/v1/farthing/budgets", "GET", every),
        guard.page("/v1/farthing/budgets/{budget_id}", "GET", one),
        guard.page("/v1/farthing/budgets/{budget_id}", "PUT", put),
        guard.page("/v1/farthing/budgets/{budget_id}", "DELETE", remove),
        guard.page("/v1/farthing/budgets/{budget_id}/raise", "POST", add_raise),
    ]


async def _mine(budgets: Budgets, request: Request, entered: Pass) -> Budget:
    budget = await budgets.one(request.path_params["budget_id"])
    if budget is None or not is_of(budget, entered):
        raise NotFound("There is no such budget.")
    return budget


async def _said(change: Awaitable[Any]) -> Any:
    """The change, with what is wrong with it in words for the caller."""
    try:
        return await change
    except ValueError as error:
        raise BadRequest(f"{error}") from None


def is_of(budget: Budget, entered: Pass) -> bool:
    """Whether whoever came may see and change it."""
    if budget.tenant == EACH:
        return entered.everywhere and entered.tenant == OPERATOR
    return budget.tenant == entered.tenant


def _shown(budget: Budget, standings: Sequence[Standing]) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(budget)
    return shown | {"standings": msgspec.to_builtins([each for each in standings if each.budget == budget.id])}


def _now_us() -> int:
    return time.time_ns() // 1000
