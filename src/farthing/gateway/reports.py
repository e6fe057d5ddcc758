"""Admin pages of the reports: metrics, forecast, phases, work that can wait; as JSON, each of one tenant."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farthing.batch import speeds
from farthing.finops import forecasts, phases, waiting
from farthing.finops import metrics as six
from farthing.finops.metrics.facts import Scope
from farthing.finops.metrics.plain import options_of, plain
from farthing.finops.tiers import tier_of
from farthing.gateway.guard import Guard, Pass
from farthing.model.errors import BadRequest
from farthing.settings import Settings
from farthing.store import Store
from farthing.store.reading import DIMENSIONS
from farthing.store.rollups import DAY_US

DEFAULT_DAYS = 30
LATEST_US = 4 * 10**15
"""The year 2096."""


def routes(store: Store, guard: Guard, settings: Settings) -> list[Route]:
    tier = tier_of(settings)
    options = options_of(settings.finops)

    async def metrics(query: QueryParams, tenant: str) -> dict[str, Any]:
        now = time.time_ns() // 1000
        scope = Scope(*span_of(query, now), tenant, _where(query))
        return plain(await store.do(lambda connection: six.read(connection, scope, options, tier, now)))

    async def forecast(query: QueryParams, tenant: str) -> dict[str, Any]:
        now, by, where = time.time_ns() // 1000, query.get("by", ""), _where(query)
        if by and by not in DIMENSIONS:
            raise BadRequest(f"Forecasts are by one of {', '.join(DIMENSIONS)}.", param="by")
        found = await store.do(lambda each: forecasts.read(each, now, by=by, tenant=tenant, where=where))
        return forecasts.plain(found)

    async def by_phase(query: QueryParams, tenant: str) -> dict[str, Any]:
        now = time.time_ns() // 1000
        since, until = span_of(query, now)
        found = await store.do(lambda each: phases.read(each, settings.finops, since, until, now, tenant=tenant))
        return phases.plain(found)

    async def of_waiting(query: QueryParams, tenant: str) -> dict[str, Any]:
        now = time.time_ns() // 1000
        since, until = span_of(query, now)
        found = await store.do(lambda each: waiting.read(each, since, until, now, tenant=tenant))
        fast = await store.do(lambda each: speeds.speeds(each, now))
        return waiting.plain(found) | {"turn_rounds": speeds.plain(fast)}

    def page(path: str, answer: Callable[[QueryParams, str], Awaitable[Mapping[str, Any]]]) -> Route:
        async def answered(request: Request, entered: Pass) -> Response:
            return JSONResponse(await answer(request.query_params, entered.tenant))

        return guard.page(path, "GET", answered)

    return [
        page("/v1/farthing/reports/metrics", metrics),
        page("/v1/farthing/reports/forecast", forecast),
        page("/v1/farthing/reports/phases", by_phase),
        page("/v1/farthing/reports/waiting", of_waiting),
    ]


def span_of(query: QueryParams, now_us: int) -> tuple[int, int]:
    """Whole UTC days; the last 30 by default."""
    today = now_us - now_us % DAY_US
    since = moment(query, "since_us", today - (DEFAULT_DAYS - 1) * DAY_US)
    until = moment(query, "until_us", today + DAY_US)
    first, end = since - since % DAY_US, -(-until // DAY_US) * DAY_US
    if end <= first:
        raise BadRequest("until_us must be later than since_us.", param="until_us")
    return first, end


def moment(query: QueryParams, name: str, default: int) -> int:
    """A moment of the query in microseconds. Raises BadRequest."""
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 18 or int(text) > LATEST_US:
        raise BadRequest(f"{name} is in microseconds since 1970.", param=name)
    return int(text)


def _where(query: QueryParams) -> dict[str, str]:
    """The dimensions that the query fixes to a value."""
    return {name: query[name] for name in DIMENSIONS if name in query}
