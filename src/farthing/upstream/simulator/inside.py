"""The simulated provider without a network: a gateway in the same process asks it as any HTTP client would be asked.

The work, the usage and the bill are those that the server has. Nothing waits: how long an answer took is told to whoever
keeps the clock. The two wires of chats come straight here; files, batches and all else are asked of the server's own
endpoints. Faults are only those that the caller's `refuses` names.
"""

import asyncio
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

import msgspec
from starlette.applications import Starlette

from farthing.model.call import Header, Headers
from farthing.upstream.client import Response, Timeouts
from farthing.upstream.simulator import errors
from farthing.upstream.simulator.bill import Bill
from farthing.upstream.simulator.endpoints import Endpoints
from farthing.upstream.simulator.faults import Plan
from farthing.upstream.simulator.provider import Provider, Work, key_of
from farthing.upstream.simulator.settings import SimulatorSettings
from farthing.upstream.simulator.wire import Refusal, Wire

JSON: Header = (b"content-type", b"application/json")
STREAM: Header = (b"content-type", b"text/event-stream; charset=utf-8")
_KEYS = (b"authorization", b"x-api-key", b"api-key")


class Inside:
    """A `Client` that asks the simulated provider. `seconds` is its clock, `passes` moves it on, `refuses` gives the status
    with which a host refuses now, 0 for none."""

    def __init__(
        self, settings: SimulatorSettings, seconds: Callable[[], float], passes: Callable[[float], None],
        refuses: Callable[[str], int] = lambda url: 0,
    ) -> None:  # fmt: skip
        self._provider = Provider(settings, seconds)
        self._passes = passes
        self._refuses = refuses
        endpoints = Endpoints(self._provider)
        self._wires: dict[str, Wire] = {"/chat/completions": endpoints.chat, "/messages": endpoints.messages}
        self._app = Starlette(routes=endpoints.routes())

    @property
    def bill(self) -> Bill:
        """What the provider charges."""
        return self._provider.bill

    async def send(self, method: str, url: str, headers: Sequence[Header], body: bytes, timeouts: Timeouts) -> Response:
        """See `Client`."""
        path = "/" + url.split("/", 3)[3]
        wire = next((wire for end, wire in self._wires.items() if path.endswith(end)), None)
        refused = self._refuses(url)
        if wire is None:
            return await self._served(method, path, headers, body, refused)
        number = self._provider.number()
        try:
            if refused:
                raise errors.provider_error(refused, wire.family)
            key = key_of(next((value for name, value in headers if name in _KEYS), b"").decode())
            work = self._provider.work(wire, msgspec.json.decode(body), key, number, Plan())
        except Refusal as refusal:
            self._passes(0.2)
            said = msgspec.json.encode(errors.shape(refusal, wire.family))
            return _Answer(refusal.status, [JSON, *_raw(refusal.headers)], [said], [0.0], self._passes)
        return self._answer(wire, work, path)

    async def close(self) -> None:
        """Nothing is open."""

    async def _served(self, method: str, path: str, headers: Sequence[Header], body: bytes, refused: int) -> Response:
        """What the endpoints of the server say."""
        self._passes(0.2)
        if refused:
            said = msgspec.json.encode(errors.shape(errors.provider_error(refused, "openai"), "openai"))
            return _Answer(refused, [JSON], [said], [0.0], self._passes)
        path, _, query = path.partition("?")
        scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": query.encode(),
            "headers": [*headers], "client": ("127.0.0.1", 0), "server": ("127.0.0.1", 80), "scheme": "http",
            "http_version": "1.1", "root_path": "",
        }  # fmt: skip
        sent, bodies = _Sent(), [body]

        async def receive() -> dict[str, Any]:
            if not bodies:  # nobody leaves
                await asyncio.Future()
            return {"type": "http.request", "body": bodies.pop(), "more_body": False}

        await self._app(scope, receive, sent)
        return _Answer(sent.status, sent.headers, [b"".join(sent.parts)], [0.0], self._passes)

    def _answer(self, wire: Wire, work: Work, path: str) -> Response:
        asked, pace, output = work.asked, work.pace, work.spent.output
        self._provider.bill.add(
            asked.id, path, asked.question.model.id, work.spent, tier=asked.tier, stream=asked.stream,
            user=asked.body["user"] if isinstance(asked.body.get("user"), str) else "",
        )  # fmt: skip
        self._passes(pace.first if asked.stream else pace.whole(output))
        if not asked.stream:
            said = msgspec.json.encode(wire.answer(asked, work.replies, work.told))
            return _Answer(200, [JSON, *_raw(work.headers)], [said], [0.0], self._passes)
        pieces = [piece.data for piece in wire.pieces(asked, work.replies, work.told, "")]
        whole = [pieces[0], b"".join(pieces[1:])]
        return _Answer(200, [STREAM, *_raw(work.headers)], whole, [0.0, pace.per_token * output], self._passes)


class _Sent:
    """What an endpoint answered."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: Headers = []
        self.parts: list[bytes] = []

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        else:
            self.parts.append(message.get("body", b""))


class _Answer:
    """The head and the parts of an answer; each part comes so many seconds after the one before."""

    def __init__(
        self, status: int, headers: Headers, parts: list[bytes], pauses: list[float], passes: Callable[[float], None]
    ) -> None:  # fmt: skip
        self.status = status
        self.headers = headers
        self._parts = list(zip(parts, pauses, strict=True))
        self._passes = passes

    async def next(self) -> bytes:
        if not self._parts:
            return b""
        part, pause = self._parts.pop(0)
        self._passes(pause)
        return part

    async def read(self, limit: int) -> bytes:
        return b"".join([await self.next() for _ in range(len(self._parts))])

    def abort(self) -> None:
        self._parts = []


def _raw(headers: dict[str, str]) -> Headers:
    return [(name.encode(), value.encode()) for name, value in headers.items()]
