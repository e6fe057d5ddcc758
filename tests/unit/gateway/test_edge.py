import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from farthing.gateway.edge import Edge, Intake, Scope, error_headers, named_at_us, new_call_id
from farthing.gateway.protocol import CONNECTION
from farthing.model.call import Answer, Call, Proceed
from farthing.model.errors import NotAuthenticated, RateLimited, UpstreamError
from farthing.wire import FORMATS

CHAT = FORMATS["openai.chat"]
BODY = b'{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}'


class Client:
    """One request, and what came back."""

    def __init__(self, *parts: bytes, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        self.parts = list(parts)
        self.headers = headers or []
        self.sent: list[dict[str, Any]] = []
        self.gone = asyncio.Event()
        self.on_lost: Callable[[], None] | None = None
        self.lost = False

    @property
    def scope(self) -> Scope:
        return {
            "type": "http",
            "method": "POST",
            "headers": self.headers,
            "client": ("127.0.0.1", 5),
            "extensions": {CONNECTION: self},
        }

    async def receive(self) -> dict[str, Any]:
        if self.parts:
            part = self.parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(self.parts)}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    def answer(self, scope: Scope, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> bool:
        return False

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])


async def ask(client: Client, proceed: Proceed, *, max_body: int = 1000, body_timeout_s: float = 5) -> Client:
    edge = Edge(CHAT, proceed, max_body=max_body, body_timeout_s=body_timeout_s)
    await edge(client.scope, client.receive, client.send)
    return client


async def fine(call: Call) -> Answer:
    return Answer(200, [(b"content-type", b"application/json")], call.body)


def failing(error: Exception) -> Proceed:
    async def proceed(call: Call) -> Answer:
        raise error

    return proceed


@pytest.mark.parametrize("parts", [(BODY,), (BODY[:10], BODY[10:]), (BODY[:1], b"", BODY[1:])])
async def test_a_body_in_any_parts(parts: tuple[bytes, ...]) -> None:
    client = await ask(Client(*parts), fine)
    assert (client.status, client.body) == (200, BODY)
    assert (b"content-length", str(len(BODY)).encode()) in client.sent[0]["headers"]


@pytest.mark.parametrize(
    ("client", "status", "says"),
    [
        (lambda: Client(b"{"), 400, ""),
        (lambda: Client(b"x" * 2000), 413, "max_body_mb"),
        (lambda: Client(b"x" * 600, b"x" * 600, b"x"), 413, "max_body_mb"),
        (lambda: Client(BODY, headers=[(b"content-length", b"5000")]), 413, "max_body_mb"),
        (lambda: Client(BODY, headers=[(b"content-encoding", b"gzip")]), 400, "compressed"),
    ],
)
async def test_what_cannot_be_used_is_refused(client: Callable[[], Client], status: int, says: str) -> None:
    refused = await ask(client(), fine)
    assert refused.status == status
    error = json.loads(refused.body)["error"]
    assert says in error["message"] and error["type"] == "invalid_request_error"
    assert (b"x-should-retry", b"false") in refused.sent[0]["headers"]


async def test_a_client_that_leaves_before_its_body_is_whole_gets_nothing() -> None:
    client = Client(BODY[:5], b"")
    client.parts = [BODY[:5]]

    async def receive() -> dict[str, Any]:
        if client.parts:
            return {"type": "http.request", "body": client.parts.pop(), "more_body": True}
        return {"type": "http.disconnect"}

    await Edge(CHAT, fine, max_body=1000, body_timeout_s=5)(client.scope, receive, client.send)
    assert client.sent == []


async def test_a_body_that_stays_away_is_a_timeout() -> None:
    """The server wakes the reader with an empty part when the time is up."""
    client = Client(BODY[:5])

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0.03)
        return {"type": "http.request", "body": b"", "more_body": True}

    await Edge(CHAT, fine, max_body=1000, body_timeout_s=0.05)(client.scope, receive, client.send)
    assert client.status == 408


async def test_errors_in_the_client_s_shape() -> None:
    client = await ask(Client(BODY), failing(RateLimited("too fast", retry_after=1.2)))
    headers = dict(client.sent[0]["headers"])
    assert client.status == 429 and json.loads(client.body)["error"]["message"] == "too fast"
    assert (headers[b"retry-after"], headers[b"retry-after-ms"], headers[b"x-should-retry"]) == (b"2", b"1200", b"true")


async def test_a_mistake_of_ours_says_nothing_of_what_was_in_it(caplog: pytest.LogCaptureFixture) -> None:
    client = await ask(Client(BODY), failing(ValueError("a secret prompt")))
    assert client.status == 500 and b"secret" not in client.body and "secret" not in caplog.text
    (record,) = caplog.records
    assert record.error == "ValueError" and any("test_edge.py" in place for place in record.places)  # type: ignore[attr-defined]


class Stream:
    def __init__(self, *parts: bytes | Exception) -> None:
        self.parts = list(parts)
        self.left = False
        self.waits = asyncio.Event()

    async def next(self) -> bytes:
        part = self.parts.pop(0) if self.parts else b""
        if part == b"wait":
            await self.waits.wait()
            return await self.next()
        if isinstance(part, Exception):
            raise part
        return part

    def leave(self) -> None:
        self.left = True
        self.waits.set()


def streaming(stream: Stream) -> Proceed:
    async def proceed(call: Call) -> Answer:
        return Answer(200, [(b"content-type", b"text/event-stream")], stream=stream)

    return proceed


async def test_a_stream_is_passed_on_read_by_read() -> None:
    client = await ask(Client(BODY), streaming(Stream(b"data: 1\n\n", b"data: 2\n\n")))
    assert [message.get("body") for message in client.sent[1:]] == [b"data: 1\n\n", b"data: 2\n\n", b""]
    assert [message.get("more_body") for message in client.sent[1:]] == [True, True, False]


async def test_a_stream_that_breaks_off_ends_with_an_error_event() -> None:
    client = await ask(Client(BODY), streaming(Stream(b"data: 1\n\n", UpstreamError("it broke off"))))
    assert client.sent[-1]["more_body"] is False
    assert b"it broke off" in client.body and client.body.startswith(b"data: 1\n\n")


async def test_a_client_that_leaves_gets_no_more() -> None:
    stream = Stream(b"data: 1\n\n", b"wait", b"data: 2\n\n")
    client = Client(BODY)

    async def send(message: dict[str, Any]) -> None:
        if client.on_lost is None or client.gone.is_set():
            return  # as a server does whose client has left
        client.sent.append(message)
        if message.get("body"):
            client.gone.set()
            client.on_lost()

    await Edge(CHAT, streaming(stream), max_body=1000, body_timeout_s=5)(client.scope, client.receive, send)
    assert stream.left and stream.parts == []
    assert [message.get("body") for message in client.sent] == [None, b"data: 1\n\n"]


def test_ids_are_unique_and_sort_by_time() -> None:
    ids = [new_call_id() for _ in range(1000)]
    assert len(set(ids)) == 1000 and len({len(each) for each in ids}) == 1
    assert [each[:16] for each in ids] == sorted(each[:16] for each in ids)


def test_an_id_tells_when_it_was_made() -> None:
    before = time.time_ns() // 1_000_000 * 1_000
    made = named_at_us(new_call_id())
    assert made is not None and before <= made <= time.time_ns() // 1_000
    for other in ("", "call-1", "call-" + "g" * 27, "chatcmpl-" + "0" * 27, "call-" + "0" * 28):
        assert named_at_us(other) is None


def test_refusals_that_a_retry_cannot_help_say_so() -> None:
    assert (b"x-should-retry", b"false") in error_headers(NotAuthenticated("no"), b"{}", "call-1")


async def test_bodies_on_their_way_in_are_bounded_together() -> None:
    intake = Intake(100)
    edge = Edge(CHAT, fine, max_body=1000, body_timeout_s=5, intake=intake)
    arrived = asyncio.Event()

    async def slowly(message: dict[str, Any]) -> dict[str, Any]:
        await arrived.wait()
        return message

    parts = [
        {"type": "http.request", "body": BODY + b" " * 20, "more_body": True},
        {"type": "http.request", "body": b""},
    ]
    first, second = Client(BODY), Client(BODY)
    waiting, more = iter(parts), iter(parts)

    async def receive_first() -> dict[str, Any]:
        message = next(waiting)
        return message if message.get("more_body") else await slowly(message)

    async def receive_second() -> dict[str, Any]:
        return next(more)

    held = asyncio.create_task(edge(first.scope, receive_first, first.send))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert intake.held > 60
    await edge(second.scope, receive_second, second.send)
    assert second.status == 503
    arrived.set()
    await held
    assert first.status == 200 and intake.held == 0


async def test_a_client_that_left_before_the_stream_began() -> None:
    stream = Stream(b"data: 1\n\n", b"wait", b"data: 2\n\n")
    client = Client(BODY)
    client.lost = True
    await Edge(CHAT, streaming(stream), max_body=1000, body_timeout_s=5)(client.scope, client.receive, client.send)
    assert stream.left
