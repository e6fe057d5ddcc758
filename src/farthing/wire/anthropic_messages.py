"""Anthropic Messages, and its count of tokens. No network, no prices."""

from typing import Any

import msgspec

from farthing.model.call import Ask
from farthing.model.errors import FarthingError
from farthing.model.usage import Reading, Usage
from farthing.wire import errors, splice, sse
from farthing.wire.body import checked_model, limit, parse
from farthing.wire.lenient import anything, member, present, tidy
from farthing.wire.meter_anthropic import Tally
from farthing.wire.tape import Tape
from farthing.wire.tokens import text_size, whole_estimate
from farthing.wire.whole import WholeAnswer


class _Metadata(msgspec.Struct):
    user_id: str | None = None


class _Body(msgspec.Struct):
    model: str
    stream: bool | None = None
    max_tokens: int | None = None
    metadata: _Metadata | None = None
    service_tier: str | None = None


class _Answer(msgspec.Struct):
    model: str | None = None
    stop_reason: str | None = None
    usage: msgspec.Raw | None = None
    error: msgspec.Raw | None = None


class _Event(msgspec.Struct):
    type: str | None = None
    message: _Answer | None = None
    delta: Any = None
    content_block: Any = None
    usage: msgspec.Raw | None = None


_SOFT = frozenset({"metadata", "service_tier"})
_body = msgspec.json.Decoder(_Body)
_answer = msgspec.json.Decoder(_Answer)
_event = msgspec.json.Decoder(_Event)


class AnthropicMessages:
    name = "anthropic.messages"
    family = "anthropic"
    path = "/v1/messages"
    billed = True

    def ask(self, body: bytes) -> Ask:
        found = parse(body, _body, _SOFT)
        splice.refuse_doubles(body, (b'"model"',) if found.stream is None else (b'"model"', b'"stream"'))
        user = tidy(found.metadata.user_id) if found.metadata is not None else ""
        return Ask(
            model=checked_model(found.model),
            stream=found.stream is True,
            max_output=limit(found.max_tokens),
            user=user,
            metadata={"user_id": user} if user else {},
            tier=tidy(found.service_tier, 64),
            cache_ttl="1h" if body.rfind(b'"1h"') >= 0 and body.rfind(b'"ttl"') >= 0 else "5m",
        )

    def splice(self, body: bytes, ask: Ask, model: str) -> bytes:
        return splice.renamed(body, ask.model, model)

    def read(self, body: bytes, ask: Ask, dialect: str = "") -> Reading:
        answer = _read_answer(body)
        if answer is None:
            return Reading()
        tally = Tally()
        tally.take(answer.usage)
        finish = "error" if present(answer.error) else tidy(answer.stop_reason, 64)
        return tally.reading(ask, model=tidy(answer.model), finish=finish)

    def estimate(self, request_body: bytes, answer_body: bytes, ask: Ask) -> Reading:
        return whole_estimate(request_body, answer_body, ask, "content")

    def stream(self, ask: Ask, dialect: str = "") -> "MessagesStream":
        return MessagesStream(ask, dialect)

    def error(self, error: FarthingError, call_id: str) -> bytes:
        return errors.anthropic_error(error, call_id)

    def error_event(self, error: FarthingError, call_id: str) -> bytes:
        return errors.anthropic_event(error, call_id)


class AnthropicCountTokens:
    """Counting costs nothing: an answer has zero usage, not unknown usage."""

    name = "anthropic.count_tokens"
    family = "anthropic"
    path = "/v1/messages/count_tokens"
    billed = False

    def ask(self, body: bytes) -> Ask:
        found = parse(body, _body, _SOFT)
        splice.refuse_doubles(body, (b'"model"',))
        return Ask(model=checked_model(found.model), max_output=0)

    def splice(self, body: bytes, ask: Ask, model: str) -> bytes:
        return splice.renamed(body, ask.model, model)

    def read(self, body: bytes, ask: Ask, dialect: str = "") -> Reading:
        return Reading(usage=Usage(), model=ask.model)

    def estimate(self, request_body: bytes, answer_body: bytes, ask: Ask) -> Reading:
        return self.read(answer_body, ask)

    def stream(self, ask: Ask, dialect: str = "") -> WholeAnswer:
        return WholeAnswer(self.read, ask, dialect)

    def error(self, error: FarthingError, call_id: str) -> bytes:
        return errors.anthropic_error(error, call_id)

    def error_event(self, error: FarthingError, call_id: str) -> bytes:
        return errors.anthropic_event(error, call_id)


class MessagesStream(Tape):
    """Usage comes twice, at the start and with each `message_delta`; until a delta told the output, it is not known."""

    __slots__ = ("_finish", "_model", "_stopped", "_tally", "_told_output")

    def __init__(self, ask: Ask, dialect: str = "") -> None:
        super().__init__(ask, dialect)
        self._tally = Tally()
        self._model: str | None = None
        self._finish = ""
        self._stopped = False
        self._told_output = False

    @property
    def complete(self) -> bool:
        return self._stopped or self._read_through()._stopped

    @property
    def ending(self) -> bool:
        seen = self._read_through()
        return seen._stopped or bool(seen._finish)

    def reading(self) -> Reading:
        reading, output_told = self._told()
        if not output_told:
            reading.usage = None
        return reading

    def _told(self) -> tuple[Reading, bool]:
        seen = self._read_through()
        reading = seen._tally.reading(self._ask, model=tidy(seen._model), finish=seen._finish)
        return reading, seen._told_output or seen._stopped

    def _read_through(self) -> "MessagesStream":
        """What was wound off, and then the events on the tape that can matter."""
        seen = MessagesStream(self._ask, self._dialect)
        seen._tally.continue_from(self._tally)
        seen._model, seen._finish = self._model, self._finish
        seen._stopped, seen._told_output = self._stopped, self._told_output
        tape = self._tape()
        for mark in _MARKS:
            at = tape.find(mark)
            while at >= 0:
                start, end = sse.span(tape, 0, at)
                seen._note(sse.payload(tape[start:end].strip(b"\r\n")))
                at = tape.find(mark, max(end, at + 1))
        return seen

    def _note(self, payload: bytes) -> None:
        event = _read_event(payload)
        if event is None:
            return
        match event.type:
            case "message_start" if event.message is not None:
                self._model = event.message.model
                self._tally.take(event.message.usage)
            case "message_delta":
                self._told_output = self._tally.take(event.usage) or self._told_output
                self._finish = tidy(member(event.delta, "stop_reason"), 64) or self._finish
            case "message_stop":
                self._stopped = True
            case "error":
                self._finish = "error"

    def _text_of(self, payload: bytes) -> int | None:
        event = _read_event(payload)
        if event is None:
            return None
        if event.type == "content_block_delta":
            return text_size(event.delta) or None
        if event.type == "content_block_start":
            return text_size(event.content_block) or None
        return None


_MARKS = (b'"message_start"', b'"message_delta"', b'"message_stop"', b'"error"')


def _read_answer(body: bytes) -> _Answer | None:
    try:
        return _answer.decode(body)
    except msgspec.ValidationError:
        return _salvaged(anything(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _read_event(payload: bytes) -> _Event | None:
    try:
        return _event.decode(payload)
    except msgspec.ValidationError:
        value = anything(payload)
        if not isinstance(value, dict):
            return None
        return _Event(
            type=tidy(value.get("type"), 64),
            message=_salvaged(value.get("message")),
            delta=value.get("delta"),
            content_block=value.get("content_block"),
            usage=_raw(value.get("usage")),
        )
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _salvaged(value: Any) -> _Answer | None:
    if not isinstance(value, dict):
        return None
    return _Answer(
        tidy(value.get("model")), tidy(value.get("stop_reason"), 64), _raw(value.get("usage")), _raw(value.get("error"))
    )


def _raw(value: Any) -> msgspec.Raw | None:
    return None if value is None else msgspec.Raw(msgspec.json.encode(value))
