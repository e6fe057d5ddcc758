"""Lines of batch files: how requests are written, and what rows of results say (OpenAI, Azure, Groq, Mistral).

A row is judged by its status code: providers put refused lines into either file, with an error or without one.
Knows nothing of HTTP.
"""

from typing import Any

import msgspec

from farthing.upstream.batches.api import NO_STATUS, Result


class _Answered(msgspec.Struct):
    status_code: int | None = None
    body: msgspec.Raw = msgspec.Raw(b"")


class _Row(msgspec.Struct):
    custom_id: str
    response: _Answered | None = None
    error: Any = None


_ROW = msgspec.json.Decoder(_Row)


def written(head: bytes, body: bytes) -> bytes:
    """A body inside a line: `head` up to where it stands, then the body and the end of the line. Line breaks in JSON are
    white space between its parts, so a blank does as well."""
    if b"\n" in body or b"\r" in body:
        body = body.replace(b"\n", b" ").replace(b"\r", b" ")
    return b"%b%b}\n" % (head, body)


def quoted(text: str) -> bytes:
    """A text as JSON."""
    return msgspec.json.encode(text)


def result(row: bytes) -> Result | None:
    """What a row of an output or error file says; None where it cannot be read."""
    try:
        read = _ROW.decode(row)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    answered = read.response
    if answered is not None and answered.status_code:
        status, body = answered.status_code, bytes(answered.body)
        body = b"" if body == b"null" else body
        if body or status >= 400:
            return Result(read.custom_id, status, body)
        return Result(read.custom_id, 0, b"", NO_STATUS)
    return Result(read.custom_id, 0, b"", _code(read.error) or NO_STATUS)


def _code(error: Any) -> str:
    if isinstance(error, dict):
        return str(error.get("code") or error.get("type") or "")[:100]
    return str(error)[:100] if error else ""
