"""The simulator as an ASGI app and as a server.

    create_app(settings)        the app
    running(settings)           serves it in this process on a free loopback port, for tests and the demo
    serve(settings, ...)        serves it until it is interrupted

`GET /simulator/bill` tells what the provider charges, `POST /simulator/skills` makes models worse or better without a word;
neither needs a key.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from farthing.model.errors import Unavailable
from farthing.upstream.simulator import tokens
from farthing.upstream.simulator.endpoints import Endpoints
from farthing.upstream.simulator.play import TRANSPORT
from farthing.upstream.simulator.provider import Provider
from farthing.upstream.simulator.settings import SimulatorSettings


def create_app(settings: SimulatorSettings | None = None, *, clock: Callable[[], float] = time.time) -> Starlette:
    """The simulator's ASGI app. `clock` gives Unix seconds; caches, limits and batches go by it.

    Raises Unavailable without the extra `tokens`, UnknownFault for a fault in the settings that there is not.
    """
    tokens.require()
    return Starlette(routes=Endpoints(Provider(settings or SimulatorSettings(), clock)).routes())


@asynccontextmanager
async def running(
    settings: SimulatorSettings | None = None, *, clock: Callable[[], float] = time.time, port: int = 0
) -> AsyncIterator[str]:
    """Serve in this event loop on 127.0.0.1; gives the base URL without a path, as `http://127.0.0.1:49152`.

    OpenAI clients want `/v1` behind it, Anthropic's do not. On leaving, what is still open is broken off.
    """
    config = _config(create_app(settings, clock=clock))
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: _Protocol(config=config, server_state=state, app_state={}), "127.0.0.1", port
    )
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        under_way = list(state.tasks)
        for task in under_way:
            task.cancel()
        for connection in list(state.connections):
            connection.transport.abort()
        await asyncio.gather(*under_way, return_exceptions=True)
        await server.wait_closed()


def serve(
    settings: SimulatorSettings | None = None, *, host: str = "127.0.0.1", port: int = 4142,
    announce: Callable[[str], None] = lambda url: None,
) -> None:  # fmt: skip
    """Serve until SIGINT or SIGTERM; `announce` hears the base URL, without a path, once clients can connect. Raises
    Unavailable where the address cannot be had, and what `create_app` raises."""
    app = create_app(settings)
    try:
        listener = socket.create_server((host, port))
    except OSError as error:
        raise Unavailable(f"The simulator cannot listen on {host}:{port}: {error.strerror}") from error
    with listener:
        announce(f"http://{host}:{listener.getsockname()[1]}")
        uvicorn.Server(_config(app)).run(sockets=[listener])


class _Protocol(HttpToolsProtocol):
    """Leaves the connection in the scope, for the faults that close it without a word."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[TRANSPORT] = self.transport  # type: ignore[literal-required]


def _config(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app, http=_Protocol, ws="none", lifespan="off", access_log=False, log_level="critical",
        timeout_keep_alive=60, timeout_graceful_shutdown=0, server_header=False,
    )  # fmt: skip
