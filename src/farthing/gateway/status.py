"""`GET /v1/farthing/status`: how the deployments are, as the worker that answers sees them."""

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farthing.gateway.guard import Guard, Pass
from farthing.steps.balance.health import Health


def routes(health: Health, workers: int, guard: Guard) -> list[Route]:
    async def status(request: Request, entered: Pass) -> Response:
        shown = msgspec.to_builtins(health.snapshot())
        return JSONResponse({"process": health.process, "workers": workers, "data": shown})

    return [guard.page("/v1/farthing/status", "GET", status)]
