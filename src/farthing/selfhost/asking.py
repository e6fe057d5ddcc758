"""One streamed call to a server that speaks OpenAI's chat completions, with its times and the server's own counts.

It counts if the answer came whole, with words in it and with counts that can be true; all else is an error that says what
was wrong and what to do. Nothing that a server sends takes longer than the call's time, nor more memory than a line.
"""

import time
from typing import Any
from urllib.parse import urlsplit

import msgspec

from farthing.model.errors import BadRequest, UpstreamError, UpstreamTimeout, UpstreamUnreachable
from farthing.upstream.client import Client, Response, Timeouts

LIMIT = 1024 * 1024
"""Bytes of an error, or of a line of a stream, that are read."""
PATIENCE_S = 120.0
"""For a whole call, unless it is said."""
BYTES, BESIDE = 4, 10_000
"""Tokens of a prompt that a server may count: so many a byte, and those of its own around it."""
MOST_SHOWN = 300
"""Characters of what it says."""


class Target(msgspec.Struct, frozen=True):
    """What is measured."""

    url: str
    """With the version: `http://host:8000/v1`."""
    model: str
    key: str = ""
    more: dict[str, Any] = {}
    """Further fields of each request, such as `ignore_eos`."""
    patience_s: float = PATIENCE_S
    """Seconds for a whole call."""

    @property
    def timeouts(self) -> Timeouts:
        return Timeouts(min(10.0, self.patience_s), self.patience_s, self.patience_s, self.patience_s)

    def __repr__(self) -> str:
        return f"Target({self.url!r}, {self.model!r})"


class Answer(msgspec.Struct):
    """Moments in seconds of one clock, and tokens."""

    began: float
    first: float
    last: float
    taken: int
    written: int


class Refused(UpstreamError):
    """The server answers something else than an answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.is_busy = status == 429 or status >= 500


def check(url: str) -> None:
    """Raises BadRequest for what is no URL of a server."""
    try:
        parts = urlsplit(url)
        is_one = (
            parts.scheme in ("http", "https")
            and parts.hostname
            and (parts.port or 1)
            and url.isascii()
            and url.isprintable()
        )
    except ValueError:
        is_one = False
    if not is_one or " " in url:
        raise BadRequest(f"{url!r} is no URL of a server: write it as http://127.0.0.1:8000/v1")


async def ask(client: Client, target: Target, prompt: str, most: int) -> Answer:
    """One streamed call. Raises UpstreamError for a refusal, a broken stream and counts that cannot be, BadRequest where no
    usage comes."""
    body = msgspec.json.encode(
        {
            "model": target.model, "messages": [{"role": "user", "content": prompt}], "max_tokens": most,
            "stream": True, "stream_options": {"include_usage": True}, **target.more,
        }
    )  # fmt: skip
    headers = [(b"content-type", b"application/json")]
    if target.key:
        headers.append((b"authorization", b"Bearer " + target.key.encode()))
    began = time.perf_counter()
    try:
        response = await client.send(
            "POST", f"{target.url.rstrip('/')}/chat/completions", headers, body, target.timeouts
        )
        if response.status != 200:
            raise await _refused(response, target)
        heard = await _heard(response, target)
    except UpstreamTimeout as error:
        raise UpstreamTimeout(f"{error.message} --patience gives it more.") from None
    except UpstreamUnreachable as error:
        authority = "SSL_CERT_FILE names the certificate of an authority of your own."
        cure = authority if "certificate" in error.message else "Is it running there, and is it http or https?"
        raise UpstreamUnreachable(f"{error.message} {cure}") from None
    usage = heard.usage
    if usage is None or not usage.prompt_tokens:
        raise BadRequest("the server reports no usage in streams (`stream_options`): nothing can be counted")
    taken, written = usage.prompt_tokens, usage.completion_tokens or 0
    if written < 1:
        raise UpstreamError("the server wrote nothing: it counts no token of an answer")
    if written > max(2 * most, heard.size) or not 0 < taken <= BYTES * len(body) + BESIDE:
        raise UpstreamError(f"the server counts {taken:,} tokens in and {written:,} out, which cannot be")
    last = heard.last or time.perf_counter()
    return Answer(began, heard.first or last, last, taken, written)


class _Heard(msgspec.Struct):
    """What a stream said."""

    first: float = 0.0
    last: float = 0.0
    usage: "_Usage | None" = None
    size: int = 0
    finished: bool = False
    """The answer is at its end; its usage may follow."""
    done: bool = False
    """So is the stream."""


async def _heard(response: Response, target: Target) -> _Heard:
    found, rest = _Heard(), b""
    try:
        while chunk := await response.next():
            now = time.perf_counter()
            found.size += len(chunk)
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > LIMIT:
                raise UpstreamError("the server's stream has a line without an end")
            for line in lines:
                _take(found, line, now, target)
    finally:
        response.abort()
    if not (found.done or (found.finished and found.usage is not None)):
        kind = dict(response.headers).get(b"content-type", b"").decode("latin-1").partition(";")[0]
        if found.usage is None and kind != "text/event-stream":
            raise BadRequest(
                f"the server does not stream: it answers {_shown(kind, target.key) or 'without a content-type'}"
            )
        raise UpstreamError("the server's stream broke off before its end")
    return found


def _take(found: _Heard, line: bytes, now: float, target: Target) -> None:
    """What a line of the stream says; nothing for comments and blank lines. Raises UpstreamError."""
    name, _, data = line.partition(b":")
    data = data.strip()
    if name != b"data" or not data:
        return
    if data == b"[DONE]":
        found.done = True
        return
    try:
        event = msgspec.json.decode(data, type=_Event)
    except msgspec.MsgspecError:
        raise UpstreamError("the server's stream is no JSON of chat completions") from None
    if event.error is not None:
        raise UpstreamError(f"the server ends a stream with an error{_said(event.error.message, target.key)}")
    found.usage = event.usage or found.usage
    for choice in event.choices or ():
        found.finished = found.finished or bool(choice.finish_reason)
        if choice.delta is not None and choice.delta.says_something:
            found.first, found.last = found.first or now, now


async def _refused(response: Response, target: Target) -> Refused:
    status = response.status
    where = dict(response.headers).get(b"location", b"").decode("latin-1")
    said = _error_of(await response.read(LIMIT), target.key)
    if 300 <= status < 400 and where:
        cure = f"it lives at {_shown(where, target.key)}: give that URL, without /chat/completions"
    else:
        cure = _CURES.get(status, _CURES[500] if status >= 500 else "")
    return Refused(status, f"the server answers {status}{said}{'; ' if cure else ''}{cure}")


_CURES = {
    401: "--key env:NAME names the variable that holds its key",
    403: "--key env:NAME names the variable that holds its key",
    404: "is --model one of those that URL/models lists, and does the URL end with the version, as /v1?",
    405: "does the URL end with the version, as /v1?",
    429: "it takes fewer calls at once: fewer --callers",
    500: "its log says why",
}  # fmt: skip


class _Error(msgspec.Struct):
    message: str = ""


class _Refusal(msgspec.Struct):
    error: _Error | str = ""


def _error_of(body: bytes, key: str) -> str:
    """What the server says is wrong."""
    try:
        error = msgspec.json.decode(body, type=_Refusal).error
    except (msgspec.MsgspecError, RecursionError):
        return ""
    return _said(error if isinstance(error, str) else error.message, key)


def _said(message: str, key: str) -> str:
    shown = _shown(message, key)
    return f": {shown}" if shown else ""


def _shown(text: str, key: str) -> str:
    """A text of the server's, without the key, which some quote."""
    return "".join(char for char in (text.replace(key, "***") if key else text) if char.isprintable())[:MOST_SHOWN]


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Delta(msgspec.Struct):
    content: Any = None
    reasoning_content: Any = None
    reasoning: Any = None

    @property
    def says_something(self) -> bool:
        return bool(self.content or self.reasoning_content or self.reasoning)


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Event(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: _Error | None = None
