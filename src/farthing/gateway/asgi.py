"""The gateway as an ASGI application: model endpoints go to their edges, all else to the pages (Starlette).

Built when the server starts its event loop, so that each worker process builds its own.
"""

import gc
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from typing import Any

from farthing.gateway.edge import Edge, Receive, Scope, Send

App = Callable[[Any, Any, Any], Awaitable[None]]


class Endpoints:
    """What a built gateway answers with."""

    def __init__(self, edges: dict[str, Edge], pages: App) -> None:
        self.edges = edges
        self.pages = pages


Build = Callable[[AsyncExitStack], Awaitable[Endpoints]]
"""Makes the endpoints; what must be closed at the end it leaves in the stack."""


class Gateway:
    """The ASGI application. `build` comes from the composition root and can be pickled, for worker processes."""

    def __init__(self, build: Build) -> None:
        self._build = build
        self._edges: dict[str, Edge] = {}
        self._pages: App

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if scope["method"] == "POST":
                edge = self._edges.get(scope["path"])
                if edge is not None:
                    return await edge(scope, receive, send)
            with suppress(Exception):  # it has been answered and logged
                await self._pages(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with AsyncExitStack() as stack:
            try:
                endpoints = await self._build(stack)
            except Exception as error:
                await send({"type": "lifespan.startup.failed", "message": f"{error}"})
                return
            self._edges, self._pages = endpoints.edges, endpoints.pages
            # What is built now stays: the collector need not walk through it. Calls make garbage without cycles, so the
            # collector may also come less often.
            gc.collect()
            gc.freeze()
            gc.set_threshold(20_000, 20, 50)
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})
