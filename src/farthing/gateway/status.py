"""`GET /v1/farthing/status`: how the deployments are, as the worker that answers sees them; for administrators."""

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farthing.gateway.guard import Guard
from farthing.steps.balance.health import Health


def routes(health: Health, workers: int, guard: Guard) -> list[Route]:
    async def status(request: Request) -> Response:
        await guard.administrator(request)
        shown = msgspec.to_builtins(health.snapshot())
        return JSONResponse({"process": health.process, "workers": workers, "data": shown})

    return [Route("/v1/farthing/status", status)]
