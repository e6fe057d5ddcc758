"""`GET /live`: tells an open page that its figures have changed, by server-sent events, so that it reads them again. What has
changed it does not say: the page is asked for again, by the same rules as the first time."""

from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from farthing.dashboard.access.door import Door, Visit
from farthing.dashboard.rendering import SECURITY
from farthing.dashboard.watcher import LOOK_S, Listener, Watcher
from farthing.dashboard.watcher import Told as Alert
from farthing.gateway.guard import OWN
from farthing.gateway.protocol import CONNECTION
from farthing.store.changes import Scope as Sums

PING_S = 15.0
RETRY_MS = 4_000
"""After which a browser asks again when the connection was lost."""
HEADERS = SECURITY | {"content-type": "text/event-stream", "x-accel-buffering": "no"}
CHANGED, OUT, PING = b"event: changed\ndata: {}\n\n", b"event: out\ndata: {}\n\n", b": ping\n\n"


class Live:
    """`routes` is what the site adds to its own."""

    def __init__(self, door: Door, watcher: Watcher, ping_s: float = PING_S, rest_s: float = LOOK_S) -> None:
        self._door = door
        self._watcher = watcher
        self._ping_s = ping_s
        self._rest_s = rest_s

    def routes(self) -> list[Route]:
        return [Route("/live", self._answer, methods=["GET"])]

    async def _answer(self, request: Request) -> Response:
        visit = await self._door.enter(request, OWN)
        self._watcher.require_room(visit.id)
        return _Stream(self, request, visit)

    async def tell(self, request: Request, visit: Visit, send: Send) -> None:
        """Until the browser leaves, the session ends, or the gateway stops. The page says that it is live as soon as the answer
        begins: from then on nothing is missed."""
        listener = Listener(visit.id, _sums_of(visit), hears_alerts=visit.entered.may("viewer"))
        with self._watcher.joined(listener), _Ends(request, listener.end):
            await listener.followed(self._rest_s)
            await send({"type": "http.response.start", "status": 200, "headers": [(name.encode(), value.encode()) for name, value in HEADERS.items()]})  # fmt: skip
            await _write(send, b"retry: %d\n\n" % RETRY_MS)
            while await listener.wait(self._ping_s):
                if not self._door.still_in(request, visit):
                    listener.put_out()
                    break
                changed, alerts = listener.take()
                await _write(send, b"".join([*map(_event, alerts), CHANGED]) if changed else PING)
                if changed:
                    await listener.rest(self._rest_s)
            await send({"type": "http.response.body", "body": OUT if listener.is_out else b"", "more_body": False})


class _Stream(Response):
    """An answer that lasts."""

    def __init__(self, live: Live, request: Request, visit: Visit) -> None:
        super().__init__()
        self._live = live
        self._request = request
        self._visit = visit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._live.tell(self._request, self._visit, send)


class _Ends:
    """Hears of the connection's end, and of the gateway's, from the server's protocol: neither waits for the next event."""

    def __init__(self, request: Request, end: Callable[[], None]) -> None:
        self._connection = request.scope.get("extensions", {}).get(CONNECTION)
        self._end = end

    def __enter__(self) -> None:
        connection = self._connection
        if connection is not None:
            connection.on_lost = connection.on_stop = self._end
            if connection.lost:
                self._end()

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.on_lost = self._connection.on_stop = None


def _sums_of(visit: Visit) -> Sums:
    """The sums that somebody may see."""
    entered = visit.entered
    if entered.key is None or entered.may("viewer"):
        return Sums(entered.tenant)
    if entered.person:
        return Sums(entered.tenant, "user_feature", entered.person)
    return Sums(entered.tenant, "key", entered.key.id)


def _event(alert: Alert) -> bytes:
    return b"event: alert\ndata: " + msgspec.json.encode(alert._asdict()) + b"\n\n"


async def _write(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})
