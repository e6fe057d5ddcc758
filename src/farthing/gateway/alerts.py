"""`/v1/farthing/alerts`: states of alerts, their history, acknowledging and muting, in one's own tenant."""

import time
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farthing.gateway.bodies import read_body
from farthing.gateway.guard import Guard, Pass
from farthing.model.errors import BadRequest, NotFound
from farthing.model.principal import OPERATOR
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

    async def every(request: Request, entered: Pass) -> Response:
        standings = await alerts.standings(entered.tenant)
        if request.query_params.get("state", "open") == "open":
            standings = [standing for standing in standings if standing.state != "ok"]
        shown: dict[str, Any] = {"data": msgspec.to_builtins(standings)}
        if entered.tenant == OPERATOR:  # channels are the gateway's own
            shown["channels"] = msgspec.to_builtins(await alerts.channels())
        return JSONResponse(shown)

    async def one(request: Request, entered: Pass) -> Response:
        standing = await _mine(alerts, request, entered)
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

    async def ack(request: Request, entered: Pass) -> Response:
        wanted = await read_body(request, Ack)
        standing = await _mine(alerts, request, entered)
        acked = await alerts.acknowledge(standing.tenant, standing.id, wanted.who or entered.who, by=entered.who)
        if acked is None:
            raise BadRequest("The alert is over, so that there is nothing to acknowledge.")
        return JSONResponse(msgspec.to_builtins(acked))

    async def mutes(request: Request, entered: Pass) -> Response:
        return JSONResponse({"data": msgspec.to_builtins(await alerts.mutes(entered.tenant))})

    async def mute(request: Request, entered: Pass) -> Response:
        wanted = await read_body(request, NewMute)
        until_us = time.time_ns() // 1000 + wanted.for_s * 1_000_000
        made = await alerts.mute(
            entered.tenant,
            rule=wanted.rule,
            scope=wanted.scope,
            until_us=until_us,
            who=wanted.who or entered.who,
            why=wanted.why,
            by=entered.who,
        )
        return JSONResponse(msgspec.to_builtins(made), 201)

    async def unmute(request: Request, entered: Pass) -> Response:
        if not await alerts.unmute(entered.tenant, request.path_params["mute_id"], who=entered.who):
            raise NotFound("There is no such mute.")
        return JSONResponse({"id": request.path_params["mute_id"], "ended": True})

    return [
        guard.page("/v1/farthing/alerts", "GET", every),
        guard.page("/v1/farthing/alerts/mutes", "GET", mutes),
        guard.page("/v1/farthing/alerts/mutes", "POST", mute),
        guard.page("/v1/farthing/alerts/mutes/{mute_id}", "DELETE", unmute),
        guard.page("/v1/farthing/alerts/{alert_id}", "GET", one),
        guard.page("/v1/farthing/alerts/{alert_id}/ack", "POST", ack),
    ]


async def _mine(alerts: Alerts, request: Request, entered: Pass) -> Standing:
    wanted = request.path_params["alert_id"]
    found = next((each for each in await alerts.standings(entered.tenant) if each.id == wanted), None)
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
