"""`/v1/farthing/routes`: the routing table: what holds, what is proposed, who changed it; and to apply, reject and undo. The
table is one for all tenants: keys of another tenant than `default` see what holds for theirs, and change nothing; of those
of `default` only administrators see, and change, what is other tenants'."""

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farthing.gateway.bodies import read_body
from farthing.gateway.guard import Guard, Pass
from farthing.model.errors import BadRequest, NotAllowed, NotFound
from farthing.model.principal import OPERATOR
from farthing.model.routes import ANY, Table
from farthing.quality.proposals import Floors, Move, moves
from farthing.quality.review import shown
from farthing.store import Change, Routes, Version

MOST_CHANGES = 1_000


class Rules(NamedTuple):
    """What the table is beside: the models, the floors, and what holds where nothing was measured."""

    tier_of: Callable[[str], str | None]
    floors: Floors
    prior: Table


class Which(msgspec.Struct, forbid_unknown_fields=True):
    """A body: the version that is meant, as the caller saw it."""

    version: Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class Changes:
    """What a person does to the table. Methods raise NotFound, BadRequest and NotAllowed, in words for that person."""

    def __init__(self, kept: Routes, rules: Rules) -> None:
        self._kept = kept
        self._rules = rules

    async def apply(self, version: int, entered: Pass) -> None:
        try:
            await self._check(version, entered)
            done = await self._kept.apply(version, entered.who)
        except ValueError:
            raise NotFound("There is no such version.") from None
        if not done:
            raise BadRequest("This is no proposal on top of the version that holds. Look at the proposals again.")

    async def reject(self, version: int, entered: Pass) -> None:
        try:
            await self._check(version, entered)
            done = await self._kept.reject(version, entered.who)
        except ValueError:
            done = False
        if not done:
            raise BadRequest("This is no proposal, or not any more.")

    async def undo(self, version: int, entered: Pass) -> int:
        """The version that holds then. `version` is the one that holds, as the person saw it."""
        if await self._kept.active_version() != version:
            raise BadRequest("This version does not hold (any more).")
        try:
            await self._check(await self._kept.base_of(version), entered)
            return await self._kept.undo(entered.who, version=version)
        except ValueError as error:
            raise BadRequest(f"It cannot be undone: {error}.") from None

    async def _check(self, version: int, entered: Pass) -> None:
        """Raises NotAllowed if this version would change what holds for other tenants, and that is not for this key;
        ValueError if it is not kept (any more)."""
        if entered.everywhere:
            return
        prior, floors = self._rules.prior, self._rules.floors
        held, new = (await self._kept.active()).over(prior), (await self._kept.table(version)).over(prior)
        if not all(is_seen(move, entered) for move in moves(held, new, floors)):
            raise NotAllowed(f"This changes the routes of other tenants: it needs an admin key of {OPERATOR!r}.")


def routes(kept: Routes, rules: Rules, guard: Guard) -> list[Route]:
    async def show(request: Request, entered: Pass) -> Response:
        held = await kept.active()
        rows = shown(held.over(rules.prior), rules.floors, rules.tier_of)
        if not entered.everywhere or "tenant" in request.query_params:
            rows = [row for row in rows if row.tenant in (entered.tenant, ANY)]
        return JSONResponse({"version": held.version, "made_us": held.made_us, "data": msgspec.to_builtins(rows)})

    async def proposals(request: Request, entered: Pass) -> Response:
        held = (await kept.active()).over(rules.prior)
        data = []
        for version in await kept.proposals():
            try:
                new = (await kept.table(version.version)).over(rules.prior)
            except ValueError:
                continue  # gone since
            data.append(_proposal(version, moves(held, new, rules.floors), entered))
        return JSONResponse({"data": data})

    async def history(request: Request, entered: Pass) -> Response:
        done = await kept.history(_limit(request.query_params.get("limit", "50")))
        return JSONResponse({"data": msgspec.to_builtins(told(done, entered))})

    changes = Changes(kept, rules)

    async def apply(request: Request, entered: Pass) -> Response:
        wanted = await read_body(request, Which)
        await changes.apply(wanted.version, entered)
        return JSONResponse({"version": wanted.version})

    async def reject(request: Request, entered: Pass) -> Response:
        wanted = await read_body(request, Which)
        await changes.reject(wanted.version, entered)
        return JSONResponse({"rejected": wanted.version})

    async def undo(request: Request, entered: Pass) -> Response:
        wanted = await read_body(request, Which)
        return JSONResponse({"version": await changes.undo(wanted.version, entered)})

    return [
        guard.page("/v1/farthing/routes", "GET", show),
        guard.page("/v1/farthing/routes/proposals", "GET", proposals),
        guard.page("/v1/farthing/routes/history", "GET", history),
        guard.page("/v1/farthing/routes/apply", "POST", apply),
        guard.page("/v1/farthing/routes/reject", "POST", reject),
        guard.page("/v1/farthing/routes/undo", "POST", undo),
    ]


def told(done: list[Change], entered: Pass) -> list[Change]:
    """The history as far as it is for them: why tells of all tenants."""
    return done if entered.everywhere else [msgspec.structs.replace(change, why="") for change in done]


def is_seen(move: Move, entered: Pass) -> bool:
    return entered.everywhere or move.tenant in (entered.tenant, ANY)


def _proposal(version: Version, found: list[Move], entered: Pass) -> dict[str, Any]:
    """`why` tells of all tenants, so it is for those who may see all; the moves say the same."""
    shown: dict[str, Any] = msgspec.to_builtins(version)
    if not entered.everywhere:
        shown["why"] = ""
        found = [move for move in found if is_seen(move, entered)]
    return shown | {"moves": [{**msgspec.to_builtins(move), "text": str(move)} for move in found]}


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 6 or not 1 <= int(text) <= MOST_CHANGES:
        raise BadRequest(f"limit is a number from 1 to {MOST_CHANGES}.")
    return int(text)
