"""All that is not a model endpoint, joined into one Starlette application with one shape of errors."""

import logging
from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from farthing.gateway.edge import error_headers, internal_error, new_call_id
from farthing.model.errors import BadRequest, FarthingError, NotFound, RequestTimeout, Unavailable, WrongMethod
from farthing.store import StoreError
from farthing.wire import FORMATS

log = logging.getLogger("farthing.gateway")


def pages(routes: Iterable[BaseRoute], edges: Iterable[str]) -> Starlette:
    """The application. At the `edges`' paths only wrong methods arrive here."""
    handlers = {
        FarthingError: _farthing_error, HTTPException: _http_error, StoreError: _store_error,
        ClientDisconnect: _client_left, Exception: _mistake,
    }  # fmt: skip
    refusals = [Route(path, _mistaken_for_page, methods=["POST"]) for path in edges]
    app = Starlette(routes=[*routes, *refusals], exception_handlers=handlers)  # type: ignore[arg-type]
    app.router.redirect_slashes = False  # a redirect would repeat whatever Host the client sent
    return app


async def _mistaken_for_page(request: Request) -> Response:
    raise NotFound("There is nothing at this address.")


async def _farthing_error(request: Request, error: FarthingError) -> Response:
    headers = dict(request.scope["headers"])
    call_id = new_call_id()
    is_anthropic = b"anthropic-version" in headers or request.scope["path"].startswith("/v1/messages")
    format = FORMATS["anthropic.messages" if is_anthropic else "openai.chat"]
    body = format.error(error, call_id)
    response = Response(body, error.status)
    response.raw_headers = error_headers(error, body, call_id)
    return response


async def _http_error(request: Request, error: HTTPException) -> Response:
    if error.status_code == 404:
        return await _farthing_error(request, NotFound("There is nothing at this address."))
    if error.status_code == 405:
        response = await _farthing_error(request, WrongMethod("This address does not take this method."))
        response.headers.update(error.headers or {"allow": "POST"})
        return response
    return await _farthing_error(request, BadRequest(error.detail))


async def _store_error(request: Request, error: StoreError) -> Response:
    log.warning("the store cannot be read: %s", error.message)
    return await _farthing_error(request, Unavailable("The store cannot be read right now.", retry_after=5))


async def _client_left(request: Request, error: ClientDisconnect) -> Response:
    return Response(status_code=RequestTimeout.status)  # nobody reads it


async def _mistake(request: Request, error: Exception) -> Response:
    return await _farthing_error(request, internal_error(error, new_call_id()))
