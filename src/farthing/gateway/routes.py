"""`/v1/farthing/routes`: the routing table for administrators: what holds, what is proposed, who changed it; and to apply,
reject and undo. An administrator of another tenant than `default` sees what holds for that tenant, and changes nothing: the
table is one for all."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farthing.gateway.bodies import read_body
from farthing.gateway.guard import Guard
from farthing.model.errors import BadRequest, NotAllowed, NotFound
from farthing.model.principal import Key, Principal
from farthing.model.routes import ANY, Table
from farthing.quality.proposals import Floors, Move, moves
from farthing.quality.review import shown
from farthing.store import Routes, Version

OPERATOR = Principal().tenant
"""The tenant whose administrators may change what holds for all."""
MOST_CHANGES = 1_000


class Rules(NamedTuple):
    """What the table is beside: the models, the floors, and what holds where nothing was measured."""

    tier_of: Callable[[str], str | None]
    floors: Floors
    prior: Table


class Which(msgspec.Struct, forbid_unknown_fields=True):
    """A body: the version that is meant, as the caller saw it."""

    version: Annotated[int, msgspec.Meta(ge=1, le=2**53)]


def routes(kept: Routes, rules: Rules, guard: Guard) -> list[Route]:
    async def show(request: Request, key: Key | None) -> Response:
        held = await kept.active()
        rows = shown(held.over(rules.prior), rules.floors, rules.tier_of)
        if not _is_operator(key):
            rows = [row for row in rows if key is not None and row.tenant in (key.tenant, ANY)]
        return JSONResponse({"version": held.version, "made_us": held.made_us, "data": msgspec.to_builtins(rows)})

    async def proposals(request: Request, key: Key | None) -> Response:
        held = (await kept.active()).over(rules.prior)
        data = []
        for version in await kept.proposals():
            try:
                new = (await kept.table(version.version)).over(rules.prior)
            except ValueError:
                continue  # gone since
            data.append(_proposal(version, moves(held, new, rules.floors)))
        return JSONResponse({"data": data})

    async def history(request: Request, key: Key | None) -> Response:
        changes = await kept.history(_limit(request.query_params.get("limit", "50")))
        return JSONResponse({"data": msgspec.to_builtins(changes)})

    async def apply(request: Request, key: Key | None) -> Response:
        wanted = await read_body(request, Which)
        try:
            done = await kept.apply(wanted.version, _who(key))
        except ValueError:
            raise NotFound("There is no such version.") from None
        if not done:
            raise BadRequest("This is no proposal on top of the version that holds. Look at the proposals again.")
        return JSONResponse({"version": wanted.version})

    async def reject(request: Request, key: Key | None) -> Response:
        wanted = await read_body(request, Which)
        if not await kept.reject(wanted.version, _who(key)):
            raise BadRequest("This is no proposal, or not any more.")
        return JSONResponse({"rejected": wanted.version})

    async def undo(request: Request, key: Key | None) -> Response:
        wanted = await read_body(request, Which)
        if await kept.active_version() != wanted.version:
            raise BadRequest("This version does not hold (any more).")
        try:
            now = await kept.undo(_who(key), version=wanted.version)
        except ValueError as error:
            raise BadRequest(f"It cannot be undone: {error}.") from None
        return JSONResponse({"version": now})

    def page(
        path: str, method: str, answer: Callable[[Request, Key | None], Awaitable[Response]], *, for_all: bool = True
    ) -> Route:  # fmt: skip
        async def guarded(request: Request) -> Response:
            key = await guard.administrator(request)
            if for_all and not _is_operator(key):
                raise NotAllowed(f"The routing table is one for all tenants: this needs an admin key of {OPERATOR!r}.")
            return await answer(request, key)

        return Route(f"/v1/farthing/routes{path}", guarded, methods=[method], name=f"routes {answer.__name__}")

    return [
        page("", "GET", show, for_all=False),
        page("/proposals", "GET", proposals),
        page("/history", "GET", history),
        page("/apply", "POST", apply),
        page("/reject", "POST", reject),
        page("/undo", "POST", undo),
    ]


def _is_operator(key: Key | None) -> bool:
    """Without keys there is only this machine."""
    return key is None or key.tenant == OPERATOR


def _who(key: Key | None) -> str:
    return f"key {key.name}" if key is not None else "somebody on this machine"


def _proposal(version: Version, found: list[Move]) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(version)
    return shown | {"moves": [{**msgspec.to_builtins(move), "text": str(move)} for move in found]}


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 6 or not 1 <= int(text) <= MOST_CHANGES:
        raise BadRequest(f"limit is a number from 1 to {MOST_CHANGES}.")
    return int(text)
