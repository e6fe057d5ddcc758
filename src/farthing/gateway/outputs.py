"""What became of a job's lines, in the words of the API that its client speaks: a line of a results file for each.

A results file is no file: it is made from the lines whenever it is read, a few at a time. Knows nothing of HTTP.
"""

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Literal

import msgspec

from farthing.model.batch import Line, LineState
from farthing.store import Store
from farthing.store.batch import lines
from farthing.store.sealing import Wrapping

MOST_LINES = 500
"""Of one look into the store."""
SOME_BYTES = 2 * 2**20
"""Of answers that are held at a time, unless a single line has more."""
FIRST_LINES = 16

Kind = Literal["output", "error"]
STATES: dict[Kind, tuple[LineState, ...]] = {"output": ("done",), "error": ("failed", "expired", "cancelled")}
"""Which lines are in which of OpenAI's two files."""
ALL: tuple[LineState, ...] = (*STATES["output"], *STATES["error"])

_EXPIRED = (
    b'{"code":"batch_expired","message":"This request could not be executed before the completion window expired."}'
)
_CANCELLED = b'{"code":"batch_cancelled","message":"This request was not executed before the batch was cancelled."}'
_NEVER = b'{"code":"server_error","message":"This request could not be executed."}'
_OPENAI = {"expired": _EXPIRED, "cancelled": _CANCELLED, "failed": _NEVER}
_ANTHROPIC = {"expired": b'{"type":"expired"}', "cancelled": b'{"type":"canceled"}'}

Render = Callable[[Line], bytes]
_encode = msgspec.json.encode


class _Error(msgspec.Struct):
    type: str
    error: msgspec.Raw


_errors = msgspec.json.Decoder(_Error)
_anything = msgspec.json.Decoder(msgspec.Raw)


async def pages_of(
    store: Store, wrapping: Wrapping, job: str, states: Sequence[LineState]
) -> AsyncIterator[Sequence[Line]]:
    """The ended lines of a job in their order, with their answers. Raises StoreError."""
    after, limit = -1, FIRST_LINES
    while True:
        begun, most = after, limit
        found = await store.do(
            lambda connection, begun=begun, most=most: lines.results(  # type: ignore[misc]
                connection, job, begun, most, states, wrapping=wrapping
            )
        )
        if found:
            yield found
        if len(found) < limit:
            return
        after = found[-1].no
        size = sum(len(line.answer) for line in found) or 1
        limit = max(1, min(MOST_LINES, 2 * limit, limit * SOME_BYTES // size))


def openai_line(line: Line) -> bytes:
    """`{"id", "custom_id", "response", "error"}`: what HTTP answered is the response, also a refusal; the error says why
    there is none."""
    name = hashlib.blake2b(f"{line.job} {line.no}".encode(), digest_size=16).hexdigest().encode()
    head = b'{"id":"batch_req_' + name + b'","custom_id":' + _encode(line.custom_id)
    if line.state in _OPENAI and not line.status:
        return head + b',"response":null,"error":' + _OPENAI[line.state] + b"}\n"
    request = _encode(line.call_id or f"batch_req_{name.decode()}")
    response = b'{"status_code":%d,"request_id":%s,"body":%s}' % (line.status, request, _json(line.answer))
    return head + b',"response":' + response + b',"error":null}\n'


def anthropic_line(line: Line) -> bytes:
    """`{"custom_id", "result"}`: succeeded, errored, canceled or expired."""
    result = _ANTHROPIC.get(line.state)
    if result is None and line.state == "done":
        result = b'{"type":"succeeded","message":' + _json(line.answer) + b"}"
    elif result is None:
        result = b'{"type":"errored","error":' + _anthropic_error(line) + b"}"
    return b'{"custom_id":' + _encode(line.custom_id) + b',"result":' + result + b"}\n"


def _anthropic_error(line: Line) -> bytes:
    try:
        if _errors.decode(line.answer).type == "error":
            return _one_line(line.answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    says = "This request could not be executed." if not line.status else f"The provider answered with {line.status}."
    return _encode(
        {"type": "error", "error": {"type": "api_error", "message": says}, "request_id": line.call_id or None}
    )


def _json(answer: bytes) -> bytes:
    """An answer as a part of a line of JSON; what is none becomes a text."""
    try:
        _anything.decode(answer)
        answer.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _encode(answer.decode("utf-8", "replace"))
    return _one_line(answer)


def _one_line(answer: bytes) -> bytes:
    """JSON has its line breaks between its words only."""
    return answer.replace(b"\n", b" ").replace(b"\r", b" ") if b"\n" in answer or b"\r" in answer else answer
