"""One edge a wire format: HTTP in, a call through the pipeline, HTTP out. Bare ASGI, since this is every call's path.

It bounds what a client can send, turns each error into the client's own shape, and notices when a stream's client leaves.
Knows nothing of what the steps do.
"""

import logging
import math
import os
import random
import re
import time
import traceback
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from farthing.gateway.protocol import CONNECTION
from farthing.model.call import Answer, Ask, Body, Call, Headers
from farthing.model.clock import SYSTEM, Clock
from farthing.model.errors import BadRequest, FarthingError, RequestTimeout, TooLarge, Unavailable, UpstreamError
from farthing.pipeline import Proceed
from farthing.wire.format import Format

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Read = Callable[[str, bytes], Ask]
"""What a request of a format asks for; see `Format.ask`."""

BODIES = 8
"""As many bodies of the largest size may be on their way in at once."""
JSON: tuple[bytes, bytes] = (b"content-type", b"application/json")
log = logging.getLogger("farthing.gateway")
_random = random.SystemRandom()
_ids = random.Random(_random.getrandbits(256))
os.register_at_fork(after_in_child=lambda: _ids.seed(_random.getrandbits(256)))  # two processes never give the same ids


class ClientLeft(Exception):
    """The client closed the connection before its request was whole."""


class InternalError(FarthingError):
    """A mistake of ours. The cause is in the log, by place and not by content."""


class Intake:
    """Bytes of bodies that are not whole yet. Nobody knows who sends them before they are, so they are bounded for the
    whole process."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0


class Edge:
    """Serves one wire format. Edges of one process share their `intake`."""

    def __init__(
        self, format: Format, proceed: Proceed, *, max_body: int, body_timeout_s: float, intake: Intake | None = None,
        clock: Clock = SYSTEM, new_id: Callable[[], str] | None = None, read: Read | None = None,
    ) -> None:  # fmt: skip
        self._ask = format.ask if read is None else partial(read, format.name)
        self._intake = intake or Intake(max_body * BODIES)
        self._format = format
        self._proceed = proceed
        self._max_body = max_body
        self._body_timeout_s = body_timeout_s
        self._now_us, self._monotonic = clock.now_us, clock.monotonic
        self._new_id = new_id or new_call_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call_id = self._new_id()
        try:
            answer = await self._answer(call_id, scope, receive)
        except FarthingError as error:
            await refuse(send, error, self._format.error(error, call_id), call_id)
            return
        except ClientLeft:
            return
        except Exception as error:
            hidden = internal_error(error, call_id)
            await refuse(send, hidden, self._format.error(hidden, call_id), call_id)
            return
        if answer.stream is None:
            await _send_whole(scope, send, answer)
        else:
            await self._send_stream(scope, send, answer, answer.stream, call_id)

    async def _answer(self, call_id: str, scope: Scope, receive: Receive) -> Answer:
        started, started_us = self._monotonic(), self._now_us()
        headers = dict(scope["headers"])
        body = await self._read(headers, receive)
        client = scope.get("client")
        call = Call(
            id=call_id, wire=self._format.name, headers=headers, peer=client[0] if client else "", body=body,
            ask=self._ask(body), started_us=started_us, started=started,
        )  # fmt: skip
        call.caller = scope["extensions"].get(CONNECTION)
        return await self._proceed(call)

    async def _read(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise BadRequest("The body is compressed. Send it as plain JSON, without Content-Encoding.")
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._max_body:
            raise self._too_large()
        message = await receive()
        if (
            message["type"] == "http.request"
            and not message.get("more_body")
            and len(message["body"]) <= self._max_body
        ):
            return message["body"]  # type: ignore[no-any-return]
        return await self._rest(message, receive)

    async def _rest(self, message: dict[str, Any], receive: Receive) -> bytes:
        """The body that comes in parts. The server wakes us with an empty part when its time is up (`protocol`)."""
        late = time.monotonic() + self._body_timeout_s
        parts, size, intake = [], 0, self._intake
        try:
            while True:
                if message["type"] == "http.disconnect":
                    raise ClientLeft
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                intake.held += len(parts[-1])
                if size > self._max_body:
                    raise self._too_large()
                if not message.get("more_body"):
                    return b"".join(parts)
                if intake.held > intake.limit:
                    raise Unavailable("Too many large bodies are on their way in. Send it again.", retry_after=1)
                if self._body_timeout_s and time.monotonic() >= late:
                    raise RequestTimeout("The request's body did not arrive in time. Send it again.")
                message = await receive()
        finally:
            intake.held -= size

    def _too_large(self) -> TooLarge:
        return TooLarge(f"The body is larger than {self._max_body // 2**20} MiB (server.max_body_mb in farthing.toml).")

    async def _send_stream(self, scope: Scope, send: Send, answer: Answer, stream: Body, call_id: str) -> None:
        connection = scope["extensions"][CONNECTION]
        connection.on_lost = stream.leave
        try:
            if connection.lost:
                stream.leave()  # before the provider had answered
            await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
            while data := await stream.next():
                await send({"type": "http.response.body", "body": data, "more_body": True})
        except UpstreamError as error:
            event = self._format.error_event(error, call_id)
            await send({"type": "http.response.body", "body": event, "more_body": True})
        finally:
            connection.on_lost = None
            stream.leave()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def new_call_id() -> str:
    """Unique, and sorted by time."""
    return f"call-{time.time_ns() // 1_000_000:011x}{_ids.getrandbits(64):016x}"


def named_at_us(call_id: str) -> int | None:
    """When `new_call_id` made it; None for what is no such name."""
    found = re.fullmatch(r"call-([0-9a-f]{11})[0-9a-f]{16}", call_id)
    return int(found[1], 16) * 1000 if found is not None else None


async def _send_whole(scope: Scope, send: Send, answer: Answer) -> None:
    if scope["extensions"][CONNECTION].answer(scope, answer.status, answer.headers, answer.body):
        return
    answer.headers.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body})


async def refuse(send: Send, error: FarthingError, body: bytes, call_id: str) -> None:
    """Answer with an error of ours, written in the client's shape."""
    await send({"type": "http.response.start", "status": error.status, "headers": error_headers(error, body, call_id)})
    await send({"type": "http.response.body", "body": body})


def error_headers(error: FarthingError, body: bytes, call_id: str) -> Headers:
    """SDKs retry 408, 409, 429 and 5xx by themselves, so they are told when that cannot help."""
    headers: Headers = [JSON, (b"content-length", b"%d" % len(body)), (b"x-farthing-call-id", call_id.encode())]
    headers.append((b"x-should-retry", b"true" if error.retryable else b"false"))
    if error.job:
        headers.append((b"x-farthing-job", error.job.encode()))
    if error.retry_after is not None:
        headers.append((b"retry-after", b"%d" % math.ceil(error.retry_after)))
        headers.append((b"retry-after-ms", b"%d" % math.ceil(error.retry_after * 1000)))
    return headers


def internal_error(error: Exception, call_id: str) -> InternalError:
    """Log where it happened, not what was in it: an exception's text can hold a prompt."""
    places = [
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    log.error("internal error", extra={"call_id": call_id, "error": type(error).__name__, "places": places})
    return InternalError("The gateway made a mistake; its log says where.")
