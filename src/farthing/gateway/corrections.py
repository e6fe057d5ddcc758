"""`/v1/farthing/corrections`: dated amounts that bring the ledger to what was really paid. They are posted and listed, never
changed. Of a provider's bill only keys of the operator speak: it is the bill of all tenants."""

from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farthing.gateway.bodies import read_body
from farthing.gateway.guard import Guard, Pass
from farthing.gateway.reports import LATEST_US, span_of
from farthing.model.errors import NotAllowed
from farthing.model.principal import OPERATOR
from farthing.store import Store
from farthing.store.corrections import Corrections, Entry
from farthing.store.store import now_us

MOST = 10**18
PATH = "/v1/farthing/corrections"

Text = Annotated[str, msgspec.Meta(max_length=256)]


class NewCorrection(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST. `amount` is in nano-dollars: what was paid beyond the ledger, below zero where it has too much."""

    day_us: Annotated[int, msgspec.Meta(ge=0, le=LATEST_US)]
    amount: Annotated[int, msgspec.Meta(ge=-MOST, le=MOST)]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    provider: Text = ""
    model: Text = ""


def routes(store: Store, guard: Guard) -> list[Route]:
    corrections = Corrections(store)

    async def every(request: Request, entered: Pass) -> Response:
        since, until = span_of(request.query_params, now_us())
        found = await corrections.entries(since, until, tenant=entered.tenant)
        total = sum(each.amount for each in found)
        return JSONResponse({"data": msgspec.to_builtins(found), "total": total})

    async def post(request: Request, entered: Pass) -> Response:
        wanted = await read_body(request, NewCorrection)
        if wanted.provider and not _of_operator(entered):
            raise NotAllowed(f"Of a provider's bill only keys of the tenant {OPERATOR!r} speak.", param="provider")
        entry = Entry(wanted.day_us, wanted.amount, wanted.provider, wanted.model, entered.tenant)
        (no,) = await corrections.post([entry], who=entered.who, reason=wanted.reason)
        (made,) = [each for each in await _of_day(entry) if each.no == no]
        shown: dict[str, Any] = msgspec.to_builtins(made)
        return JSONResponse(shown, 201)

    async def _of_day(entry: Entry) -> list[Any]:
        return list(await corrections.entries(entry.day_us, entry.day_us + 1, tenant=entry.tenant))

    return [guard.page(PATH, "GET", every), guard.page(PATH, "POST", post)]


def _of_operator(entered: Pass) -> bool:
    return entered.key is None or entered.key.tenant == OPERATOR
