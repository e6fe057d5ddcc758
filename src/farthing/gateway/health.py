"""`/health/live`: the process answers. `/health/ready`: it can serve, and keep its ledger as its policy asks."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farthing.store import Ledger


def routes(ledger: Ledger, *, serve_without_ledger: bool) -> list[Route]:
    async def live(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(request: Request) -> Response:
        if ledger.full and not serve_without_ledger:
            return JSONResponse({"status": "refusing calls", "why": "the ledger cannot be written"}, 503)
        return JSONResponse({"status": "ledger delayed" if ledger.trouble else "ok"})

    return [Route("/health/live", live), Route("/health/ready", ready)]
