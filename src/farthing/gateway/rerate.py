"""`/v1/farthing/rerates`: prices the calls of a span anew, after it has shown what would change. It changes calls of all
tenants, with the prices and contracts that this gateway runs with."""

import asyncio
from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farthing.finops.rerate import Places, Repricer, apply, fingerprint, preview
from farthing.finops.rerate_plain import plain_preview, plain_run
from farthing.gateway.bodies import read_body
from farthing.gateway.guard import Guard, Pass
from farthing.gateway.reports import LATEST_US
from farthing.model.errors import BadRequest
from farthing.prices import PriceBook
from farthing.settings import Settings
from farthing.store import Store
from farthing.store.rerates import Rerates, Wanted
from farthing.store.rollups import DAY_US

MOST_CALLS = 50_000
"""Calls of a span that are priced anew over HTTP: some minute of work. The command line has no such limit."""
PATH = "/v1/farthing/rerates"

Moment = Annotated[int, msgspec.Meta(ge=0, le=LATEST_US)]
Text = Annotated[str, msgspec.Meta(max_length=256)]


class NewRerate(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST. Unless `dry_run` is false nothing is changed."""

    since_us: Moment
    until_us: Moment
    provider: Text = ""
    model: Text = ""
    reason: Text = ""
    dry_run: bool = True


def routes(
    store: Store, guard: Guard, settings: Settings, book: PriceBook, most_calls: int = MOST_CALLS
) -> list[Route]:
    rerates = Rerates(store)
    places = Places(settings.providers, settings.models)
    turn = asyncio.Lock()
    """One at a time: each goes through many calls."""

    async def runs(request: Request, entered: Pass) -> Response:
        return JSONResponse({"data": [plain_run(run) for run in await rerates.runs()]})

    async def post(request: Request, entered: Pass) -> Response:
        asked = await read_body(request, NewRerate)
        await _check(store, asked, most_calls)
        prices = await asyncio.to_thread(fingerprint, settings.prices)
        wanted = Wanted(asked.since_us, asked.until_us, asked.provider, asked.model, prices)
        reprice = Repricer(book, places, provider=asked.provider, model=asked.model)
        async with turn:
            found = await preview(rerates, wanted, reprice)
            run = None
            if found.calls and not asked.dry_run:
                run = await apply(rerates, wanted, reprice, who=entered.who, reason=asked.reason)
        shown = {"preview": plain_preview(found), "run": None if run is None else plain_run(run)}
        return JSONResponse(shown, 201 if run is not None else 200)

    return [guard.page(PATH, "GET", runs), guard.page(PATH, "POST", post)]


async def _check(store: Store, asked: NewRerate, most: int) -> None:
    """Raises BadRequest for a span without time, or with too many calls."""
    if asked.until_us <= asked.since_us:
        raise BadRequest("until_us must be later than since_us.", param="until_us")
    end = -(-asked.until_us // DAY_US) * DAY_US
    calls = sum(row.calls for row in await store.report("day", asked.since_us - asked.since_us % DAY_US, end))
    if calls > most:
        raise BadRequest(
            f"There are {calls:,} calls in these days, and {most:,} at most are priced anew over HTTP. Choose a "
            "shorter span, or use `farthing rerate`.",
            param="since_us",
        )
