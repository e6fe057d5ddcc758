"""Calls without a pause, plain and streamed, and what each side saw of them: so that afterwards no call can be missing."""

import asyncio
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager

from hostile.raw import Line, request
from integration.gateways import eventually
from integration.threads import in_thread
from integration.upstreams import END, chunk, events, whole
from unit.upstream.scripted_server import Scripted, read_request, scripted

ANSWER = {
    "id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
}  # fmt: skip
DELTA = b'data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"yes "}}]}\n\n'
LAST = (
    b'data: {"id":"c","object":"chat.completion.chunk","model":"gpt-4o-mini","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    b'data: {"id":"c","object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}\n\n'
    b"data: [DONE]\n\n"
)
COST = 4_500
"""Nano-dollars of one call."""


class Provider:
    """Answers each call at once, or as a stream that takes a while; remembers which calls it got, by their `user`."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[str] = []
        self.stream_s = 0.3
        self.burst = 0
        """Deltas more, all at once, at the start of a stream."""

    async def script(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            asked = await read_request(reader)
            user = re.search(rb'"user": ?"([^"]*)"', asked)
            self.seen.append(user[1].decode() if user else "")
            if b'"stream": true' not in asked:
                writer.write(whole(ANSWER))
                continue
            writer.write(events() + chunk(DELTA) * self.burst)
            for _ in range(10):
                writer.write(chunk(DELTA))
                await writer.drain()
                await asyncio.sleep(self.stream_s / 10)
            writer.write(chunk(LAST) + END)


@contextmanager
def provider() -> Iterator[Provider]:
    made = Provider()

    def serve() -> AbstractAsyncContextManager[Scripted]:
        return scripted(made.script)

    with in_thread(serve) as server:
        made.url = server.url.partition("/v1/")[0]
        yield made


class Load:
    """Clients that call one after the other until they are told to stop, or the gateway is gone."""

    def __init__(self, url: str, clients: int = 6, key: str = "", name: str = "") -> None:
        self._url = url
        self._head = {"authorization": f"Bearer {key}"} if key else {}
        self._name = name
        self._stop = threading.Event()
        self.begun: dict[str, float] = {}
        self.ended: dict[str, float] = {}
        """When each answer was complete, by the call's `user`; monotonic seconds."""
        self.statuses: dict[int, int] = {}
        self.cut: set[str] = set()
        """Calls whose answer broke off."""
        self._threads = [threading.Thread(target=self._call, args=[no], daemon=True) for no in range(clients)]

    def start(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def serves(self, count: int) -> None:
        """Wait until so many calls more have been answered well."""
        goal = self.statuses.get(200, 0) + count
        eventually(lambda: self.statuses.get(200, 0) >= goal, f"{count} calls more are served")

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(90)
            assert not thread.is_alive(), "a client hangs"

    def _call(self, client: int) -> None:
        number = 0
        connection: Line | None = None
        while not self._stop.is_set():
            number += 1
            user = f"{self._name}{client}-{number}"
            try:
                connection = connection or Line(self._url)
            except OSError:
                return
            self.begun[user] = time.monotonic()
            if not self._answered(connection, user, stream=(client + number) % 3 == 0):
                self.cut.add(user)
                connection.close()
                connection = None
                if self._stop.wait(0.02):
                    return
        if connection is not None:
            connection.close()

    def _answered(self, connection: Line, user: str, stream: bool) -> bool:
        body = {"model": "gpt-4o-mini", "stream": stream, "user": user, "messages": [{"role": "user", "content": "hi"}]}
        if not connection.send(request(json.dumps(body).encode(), **self._head)):
            return False
        said = connection.answer()
        if said is None:
            return False
        self.statuses[said.status] = self.statuses.get(said.status, 0) + 1
        if said.status != 200:
            time.sleep(0.01)
            return True
        complete = said.body.endswith(b"data: [DONE]\n\n") if stream else said.body.startswith(b"{")
        if complete and b'"error"' not in said.body:
            self.ended[user] = time.monotonic()
        return complete
