"""`/v1/farthing/prompts/doctor`: what keeps providers' prompt caches from being read, of one tenant."""

import time

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farthing.gateway.guard import Guard, Pass
from farthing.gateway.reports import span_of
from farthing.lab.doctor import plain, read
from farthing.store import Store


def routes(store: Store, guard: Guard) -> list[Route]:
    async def doctor(request: Request, entered: Pass) -> Response:
        query = request.query_params
        since, until = span_of(query, time.time_ns() // 1000)
        feature = query.get("feature")
        found = await store.do(lambda each: read(each, since, until, tenant=entered.tenant, feature=feature))
        return JSONResponse(plain(found))

    return [guard.page("/v1/farthing/prompts/doctor", "GET", doctor)]
