"""Providers for a gateway under test: the shipped simulator, and a server that records each byte and answers by script."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager

import httpx2

from farthing.upstream.simulator import SimulatorSettings, running
from integration.threads import in_thread
from unit.upstream.scripted_server import Scripted, read_request, scripted


class Simulator:
    """The simulator as it runs, and what it charges."""

    def __init__(self) -> None:
        self.url = ""
        self._ahead_s = 0.0

    def clock(self) -> float:
        return time.time() + self._ahead_s

    def goes_on(self, seconds: float) -> None:
        """As if so much time had passed for it: batches that would end by then have ended."""
        self._ahead_s += seconds

    def requests(self) -> int:
        """How many calls it has billed so far."""
        return sum(total["requests"] for total in self._bill()["totals"].values())

    def last_line(self) -> dict[str, object]:
        """What it charges for the latest call."""
        lines = self._bill()["lines"]
        return lines[-1]

    def line(self, answer_id: str) -> dict[str, object]:
        """What it charges for the call with this answer."""
        return next(line for line in reversed(self._bill()["lines"]) if line["id"] == answer_id)

    def _bill(self) -> dict:
        return httpx2.get(f"{self.url}/simulator/bill", timeout=60, verify=False).json()


@contextmanager
def simulator(settings: SimulatorSettings | None = None) -> Iterator[Simulator]:
    """The simulator in a thread of its own."""
    made = Simulator()
    with in_thread(lambda: running(settings or SimulatorSettings(seed=11), clock=made.clock)) as made.url:
        yield made


Part = bytes | float | threading.Event | None
"""Bytes to send, seconds to wait, something to wait for, or None: close the connection."""


class Recorder:
    """Keeps each request as it came, and answers all of them with the parts that it was last given."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[bytes] = []
        self.parts: Sequence[Part] = ()
        self.left = 0
        """Clients that closed the connection while an answer was under way."""

    def answers(self, *parts: Part) -> None:
        """What it answers from now on; what came before is forgotten."""
        self.requests = []
        self.parts = parts
        self.left = 0

    @property
    def bodies(self) -> list[bytes]:
        return [request.partition(b"\r\n\r\n")[2] for request in self.requests]

    @property
    def heads(self) -> list[dict[str, str]]:
        """The headers of each request, names in lower case; `:request` is the first line."""
        return [_head(request) for request in self.requests]

    async def script(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = await read_request(reader)
            self.requests.append(request)
            for part in self.parts:
                if part is None:
                    return
                if isinstance(part, float):
                    await asyncio.sleep(part)
                    continue
                if isinstance(part, threading.Event):
                    while not part.is_set():
                        await asyncio.sleep(0.01)
                    continue
                try:
                    writer.write(part)
                    await writer.drain()
                except ConnectionError:
                    self.left += 1
                    return


@contextmanager
def recorder() -> Iterator[Recorder]:
    """A recorder in a thread of its own."""
    made = Recorder()

    def serve() -> AbstractAsyncContextManager[Scripted]:
        return scripted(made.script)

    with in_thread(serve) as server:
        made.url = server.url.partition("/v1/")[0]
        yield made


def whole(body: object, status: str = "200 OK", **headers: str) -> bytes:
    """An answer with a JSON body (bytes are sent as they are)."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return (
        _answer_head(status, {"content-type": "application/json", "content-length": str(len(data)), **headers}) + data
    )


def events(**headers: str) -> bytes:
    """The head of an answer that is a stream; its chunks follow."""
    return _answer_head("200 OK", {"content-type": "text/event-stream", "transfer-encoding": "chunked", **headers})


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body; an empty one ends it."""
    return b"%x\r\n%b\r\n" % (len(data), data)


END = chunk(b"")


def _answer_head(status: str, headers: dict[str, str]) -> bytes:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode()


def _head(request: bytes) -> dict[str, str]:
    first, *lines = request.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    pairs = [line.partition(": ") for line in lines]
    return {":request": first, **{name.lower(): value for name, _, value in pairs}}
