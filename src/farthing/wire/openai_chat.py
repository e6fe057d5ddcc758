"""OpenAI chat completions, as OpenAI and every compatible host speak them. No network, no prices."""

import re
from typing import Any

import msgspec

from farthing.model.call import Ask
from farthing.model.errors import FarthingError
from farthing.model.usage import Reading
from farthing.wire import errors, splice, sse
from farthing.wire.body import checked_model, limit, pairs, parse
from farthing.wire.lenient import NULL, anything, member, present, rawly, tidy
from farthing.wire.meter_openai import read_usage
from farthing.wire.tape import Tape
from farthing.wire.tokens import text_size, whole_estimate

MOST_CHOICES = 1024
HOLD_LIMIT = 1024 * 1024
"""Bytes of one event that is held back until it is clear whether it is hidden; a larger one passes."""


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _CacheOptions(msgspec.Struct):
    ttl: str | None = None


class _Body(msgspec.Struct):
    model: str
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_completion_tokens: int | None = None
    max_tokens: int | None = None
    n: int | None = None
    user: str | None = None
    safety_identifier: str | None = None
    metadata: dict[str, str] | None = None
    service_tier: str | None = None
    prompt_cache_options: _CacheOptions | None = None


class _Choice(msgspec.Struct):
    finish_reason: str | None = None


class _Answer(msgspec.Struct):
    """A whole answer, or a chunk of a stream."""

    model: str | None = None
    service_tier: str | None = None
    choices: list[_Choice] | None = None
    usage: msgspec.Raw = NULL
    error: msgspec.Raw = NULL


class _Delta(msgspec.Struct):
    delta: Any = None


class _Chunk(msgspec.Struct):
    choices: list[_Delta] | None = None


_SOFT = frozenset({"user", "safety_identifier", "metadata", "service_tier", "prompt_cache_options"})
_body = msgspec.json.Decoder(_Body)
_answer = msgspec.json.Decoder(_Answer)
_chunk = msgspec.json.Decoder(_Chunk)


class OpenAIChat:
    name = "openai.chat"
    family = "openai"
    path = "/v1/chat/completions"
    billed = True

    def ask(self, body: bytes) -> Ask:
        found = parse(body, _body, _SOFT)
        splice.refuse_doubles(body, _names(found))
        options = found.stream_options
        streams = found.stream is True
        return Ask(
            model=checked_model(found.model),
            stream=streams,
            wants_usage=not streams or (options is not None and options.include_usage is True),
            max_output=limit(found.max_completion_tokens, found.max_tokens),
            user=tidy(found.user or found.safety_identifier),
            metadata=pairs(found.metadata) if found.metadata else {},
            tier=tidy(found.service_tier, 64),
            cache_ttl=_cache_ttl(found, body),
            choices=min(max(1, found.n or 1), MOST_CHOICES),
        )

    def splice(self, body: bytes, ask: Ask, model: str) -> bytes:
        renamed = model != ask.model
        if not renamed and (ask.wants_usage or not ask.stream):
            return body
        edits = []
        plain = splice.has_plain_names(body)
        if renamed and (place := splice.value_span(body, b'"model"', plain, known=True)) is not None:
            edits.append((*place, msgspec.json.encode(model)))
        if ask.stream and not ask.wants_usage:
            edits.append(_with_usage(body, plain))
        return splice.replace(body, edits)

    def read(self, body: bytes, ask: Ask, dialect: str = "") -> Reading:
        return read_answer(body, ask, dialect)

    def estimate(self, request_body: bytes, answer_body: bytes, ask: Ask) -> Reading:
        return whole_estimate(request_body, answer_body, ask, "choices")

    def stream(self, ask: Ask, dialect: str = "") -> "ChatStream":
        return HidingChatStream(ask, dialect) if not ask.wants_usage else ChatStream(ask, dialect)

    def error(self, error: FarthingError, call_id: str) -> bytes:
        return errors.openai_error(error, call_id)

    def error_event(self, error: FarthingError, call_id: str) -> bytes:
        return errors.openai_chat_event(error, call_id)


class _Seen:
    """What the chunks of a stream said so far."""

    __slots__ = ("done", "failed", "finish", "model", "tier", "usage")

    def __init__(self) -> None:
        self.usage = NULL
        self.model: str | None = None
        self.tier: str | None = None
        self.finish = ""
        self.done = False
        self.failed = False

    def add_earlier(self, payload: bytes) -> None:
        """Take a chunk that came before all that were taken: what is known already stays."""
        if payload.startswith(sse.DONE):
            self.done = True
            return
        chunk = _read(payload)
        if chunk is None:
            return
        if self.usage is NULL and present(chunk.usage):
            self.usage = chunk.usage
        self.model = self.model or chunk.model
        self.tier = self.tier or chunk.service_tier
        self.finish = self.finish or _finish_of(chunk)
        self.failed = self.failed or present(chunk.error)

    def add_before(self, earlier: "_Seen") -> None:
        self.usage = earlier.usage if self.usage is NULL else self.usage
        self.model = self.model or earlier.model
        self.tier = self.tier or earlier.tier
        self.finish = self.finish or earlier.finish
        self.done = self.done or earlier.done
        self.failed = self.failed or earlier.failed


class ChatStream(Tape):
    """Finds usage in whichever chunk carries it; the last one that is not null counts."""

    __slots__ = ("_before", "_seen", "_seen_at")

    def __init__(self, ask: Ask, dialect: str = "") -> None:
        super().__init__(ask, dialect)
        self._before = _Seen()
        """What was wound off."""
        self._seen = self._before
        self._seen_at = self._place()

    @property
    def complete(self) -> bool:
        """`[DONE]` was seen, or a stop reason: some hosts send no end mark. Of several answers one may stop long before
        the others; then usage, which comes after all of them, must be there too."""
        seen = self._look()
        return seen.done or (bool(seen.finish) and (self._ask.choices == 1 or seen.usage is not NULL))

    @property
    def ending(self) -> bool:
        return bool(self._look().finish)

    def reading(self) -> Reading:
        seen = self._look()
        return read_usage(
            seen.usage, self._ask, self._dialect, model=seen.model, tier=seen.tier,
            finish="error" if seen.failed else seen.finish,
        )  # fmt: skip

    def _look(self) -> _Seen:
        """The tape is read from its end, and no further than needed."""
        if self._seen_at != self._place():
            self._seen = self._read_back(self._tape())
            self._seen_at = self._place()
        return self._seen

    def _read_back(self, tape: bytes) -> _Seen:
        """From the end, where all that matters is in a stream that is whole; in one that is not, a search through the
        bytes tells whether reading on is of use."""
        seen = _Seen()
        usage_ahead = finish_ahead = True
        for count, payload in enumerate(sse.payloads_backwards(tape)):
            seen.add_earlier(payload)
            if count == _LAST_FEW:
                usage_ahead = tape.rfind(_TOKENS) >= 0
                finish_ahead = _FINISHED.search(tape) is not None
            if seen.model and (seen.finish or not finish_ahead) and (seen.usage is not NULL or not usage_ahead):
                break
        seen.add_before(self._before)
        return seen

    def _told(self) -> tuple[Reading, bool]:
        reading = self.reading()
        return reading, reading.usage is not None

    def _absorb(self, events: bytes) -> None:
        self._before = self._read_back(events)

    def _text_of(self, payload: bytes) -> int:
        try:
            choices = _chunk.decode(payload).choices
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return 0
        return sum(text_size(choice.delta) for choice in choices or ())


class HidingChatStream(ChatStream):
    """For a client that did not ask for usage: the chunk that carries nothing else is left out.

    The end of a read that is not the end of an event is held back until the rest is there.
    """

    __slots__ = ("_held_back",)

    def __init__(self, ask: Ask, dialect: str = "") -> None:
        super().__init__(ask, dialect)
        self._held_back = b""

    def feed(self, data: bytes) -> bytes:
        super().feed(data)
        if self._held_back:
            data = self._held_back + data
            self._held_back = b""
        if not sse.ends_whole(data):
            end = sse.boundary(data)
            if len(data) - end < HOLD_LIMIT:
                self._held_back = data[end:]
                data = data[:end]
        if data.rfind(_TOKENS) < 0:
            return data
        return _without_usage_chunks(data)

    def finish(self) -> bytes:
        rest, self._held_back = self._held_back, b""
        return b"" if _is_usage_only(rest) else rest


_LAST_FEW = 4
_FINISHED = re.compile(rb'"finish_reason"\s*:\s*"')
_TOKENS = b'_tokens"'
"""In every usage object (`prompt_tokens`, ...), and not in `"usage":null`, which OpenAI puts into each chunk. Inside a
string the quote would have a backslash before it."""


def read_answer(body: bytes, ask: Ask, dialect: str = "") -> Reading:
    """The meter of a whole answer, a chat completion or an older text completion."""
    answer = _read(body)
    if answer is None:
        return Reading()
    return read_usage(
        answer.usage, ask, dialect, model=answer.model, tier=answer.service_tier,
        finish="error" if present(answer.error) else _finish_of(answer),
    )  # fmt: skip


def _names(found: _Body) -> tuple[bytes, ...]:
    names: tuple[bytes, ...] = (b'"model"',)
    if found.stream is not None:
        names = (*names, b'"stream"')
    if found.stream_options is not None:
        names = (*names, b'"stream_options"')
    return names


def _cache_ttl(found: _Body, body: bytes) -> str:
    """OpenAI keeps 30 minutes unless told otherwise; Claude behind this wire 5 minutes or an hour."""
    if found.prompt_cache_options is not None and found.prompt_cache_options.ttl is not None:
        return tidy(found.prompt_cache_options.ttl, 16)
    if "claude" in found.model:
        return "1h" if body.rfind(b'"1h"') >= 0 else "5m"
    return "30m"


def _with_usage(body: bytes, plain: bool) -> tuple[int, int, bytes]:
    place = splice.value_span(body, b'"stream_options"', plain)
    if place is None:
        start = splice.first_member(body)
        return start, start, b'"stream_options":{"include_usage":true},'
    return *place, splice.with_member(body[place[0] : place[1]], "include_usage", b"true")


def _read(payload: bytes) -> _Answer | None:
    """An answer or chunk; what is not as agreed in it is left out. None if it is no JSON object."""
    try:
        return _answer.decode(payload)
    except msgspec.ValidationError:
        pass
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    value = anything(payload)
    if not isinstance(value, dict):
        return None
    choices = value.get("choices")
    return _Answer(
        model=tidy(value.get("model")),
        service_tier=tidy(value.get("service_tier"), 64),
        choices=[_Choice(tidy(member(choice, "finish_reason"), 64)) for choice in choices]
        if isinstance(choices, list)
        else None,
        usage=rawly(value.get("usage")),
        error=rawly(value.get("error")),
    )


def _finish_of(chunk: _Answer | None) -> str:
    if chunk is None or not chunk.choices:
        return ""
    return next((tidy(choice.finish_reason, 64) for choice in chunk.choices if choice.finish_reason), "")


def _without_usage_chunks(data: bytes) -> bytes:
    """Searched from the end, where the chunk nearly always is."""
    kept = []
    end = len(data)
    hit = data.rfind(_TOKENS)
    while hit >= 0:
        event_start, event_end = sse.span(data, 0, hit)
        if _is_usage_only(data[event_start:event_end]):
            kept.append(data[event_end:end])
            end = event_start
        hit = data.rfind(_TOKENS, 0, event_start)
    if not kept:
        return data
    kept.append(data[:end])
    return b"".join(reversed(kept))


def _is_usage_only(event: bytes) -> bool:
    chunk = _read(sse.payload(event)) if event else None
    return chunk is not None and present(chunk.usage) and not chunk.choices and not present(chunk.error)
