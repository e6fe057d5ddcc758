"""`/v1/farthing/alerts`: states of alerts, their history, acknowledging and muting; for administrators, each of its tenant."""

import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farthing.gateway.bodies import read_body
from farthing.gateway.guard import Guard
from farthing.model.errors import BadRequest, NotFound
from farthing.model.principal import Key
from farthing.settings import ALERT_RULES
from farthing.store import Store
from farthing.store.alerts import Alerts, Standing
from farthing.store.reading import DIMENSIONS
from farthing.store.rollups import DAY_US

LONGEST_MUTE_S = 366 * 86_400
ROWS = 20

Words = Annotated[str, msgspec.Meta(max_length=500)]


class Ack(msgspec.Struct, forbid_unknown_fields=True):
    """Who deals with it."""

    who: Annotated[str, msgspec.Meta(max_length=200)] = ""


class NewMute(msgspec.Struct, forbid_unknown_fields=True):
    """What nobody is told of, and for how long. Raises ValueError for words that no terminal should show."""

    for_s: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_MUTE_S)]
    rule: Words = ""
    scope: Words = ""
    why: Words = ""
    who: Annotated[str, msgspec.Meta(max_length=200)] = ""

    def __post_init__(self) -> None:
        if not all(word.isprintable() for word in (self.rule, self.scope, self.why, self.who)):
            raise ValueError("rule, scope, who and why are plain text in one line")
        if self.rule and self.rule not in ALERT_RULES:
            raise ValueError(f"rule is one of {', '.join(ALERT_RULES)}, or empty for all")


def routes(store: Store, guard: Guard) -> list[Route]:
    alerts = Alerts(store)

    async def every(request: Request, key: Key | None) -> Response:
        tenant = _tenant(key)
        standings = await alerts.standings(tenant)
        if request.query_params.get("state", "open") == "open":
            standings = [standing for standing in standings if standing.state != "ok"]
        shown: dict[str, Any] = {"data": msgspec.to_builtins(standings)}
        if tenant == "default":  # channels are the gateway's own
            shown["channels"] = msgspec.to_builtins(await alerts.channels())
        return JSONResponse(shown)

    async def one(request: Request, key: Key | None) -> Response:
        standing = await _mine(alerts, request, key)
        history = await alerts.history(standing.tenant, standing.id, 50)
        return JSONResponse(
            {
                **msgspec.to_builtins(standing),
                "history": [
                    {"at_us": each.at_us, "what": each.what, "who": each.who, "text": each.standing.text}
                    for each in history
                ],
                "calls": await _calls(store, standing),
            }
        )

    async def ack(request: Request, key: Key | None) -> Response:
        wanted = await read_body(request, Ack)
        standing = await _mine(alerts, request, key)
        acked = await alerts.acknowledge(standing.tenant, standing.id, wanted.who or _name(key))
        if acked is None:
            raise BadRequest("The alert is over, so that there is nothing to acknowledge.")
        return JSONResponse(msgspec.to_builtins(acked))

    async def mutes(request: Request, key: Key | None) -> Response:
        return JSONResponse({"data": msgspec.to_builtins(await alerts.mutes(_tenant(key)))})

    async def mute(request: Request, key: Key | None) -> Response:
        wanted = await read_body(request, NewMute)
        until_us = time.time_ns() // 1000 + wanted.for_s * 1_000_000
        made = await alerts.mute(
            _tenant(key),
            rule=wanted.rule,
            scope=wanted.scope,
            until_us=until_us,
            who=wanted.who or _name(key),
            why=wanted.why,
        )
        return JSONResponse(msgspec.to_builtins(made), 201)

    async def unmute(request: Request, key: Key | None) -> Response:
        if not await alerts.unmute(_tenant(key), request.path_params["mute_id"]):
            raise NotFound("There is no such mute.")
        return JSONResponse({"id": request.path_params["mute_id"], "ended": True})

    def page(path: str, method: str, answer: Callable[[Request, Key | None], Awaitable[Response]]) -> Route:
        async def guarded(request: Request) -> Response:
            return await answer(request, await guard.administrator(request))

        return Route(path, guarded, methods=[method], name=f"alerts_{answer.__name__}")

    return [
        page("/v1/farthing/alerts", "GET", every),
        page("/v1/farthing/alerts/mutes", "GET", mutes),
        page("/v1/farthing/alerts/mutes", "POST", mute),
        page("/v1/farthing/alerts/mutes/{mute_id}", "DELETE", unmute),
        page("/v1/farthing/alerts/{alert_id}", "GET", one),
        page("/v1/farthing/alerts/{alert_id}/ack", "POST", ack),
    ]


def _tenant(key: Key | None) -> str:
    return key.tenant if key is not None else "default"


def _name(key: Key | None) -> str:
    return key.name if key is not None else ""


async def _mine(alerts: Alerts, request: Request, key: Key | None) -> Standing:
    wanted = request.path_params["alert_id"]
    found = next((each for each in await alerts.standings(_tenant(key)) if each.id == wanted), None)
    if found is None:
        raise NotFound("There is no such alert.")
    return found


async def _calls(store: Store, standing: Standing) -> list[dict[str, Any]]:
    """The newest calls of what it is about, on the day when it was last found."""
    if standing.scope_kind not in DIMENSIONS and standing.scope_kind != "total":
        return []
    where = {"tenant": standing.tenant}
    if standing.scope_kind in DIMENSIONS:
        where[standing.scope_kind] = standing.scope
    midnight = standing.seen_us // DAY_US * DAY_US
    rows = await store.calls(since_us=midnight, until_us=midnight + DAY_US, where=where, limit=ROWS)
    return [
        {
            "id": row.id, "started_us": row.started_us, "model": row.model, "feature": row.feature, "user": row.user,
            "cost_nano": row.cost, "cost_state": row.cost_state,
        }
        for row in rows
    ]  # fmt: skip
