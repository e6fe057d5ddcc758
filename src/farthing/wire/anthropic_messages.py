"""Anthropic Messages, and its count of tokens. No network, no prices."""

from typing import Any

import msgspec

from farthing.model.call import Ask
from farthing.model.errors import FarthingError
from farthing.model.usage import Reading, Usage
from farthing.wire import errors, splice, sse
from farthing.wire.body import checked_model, limit, parse
from farthing.wire.lenient import NULL, anything, member, present, rawly, tidy
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
    usage: msgspec.Raw = NULL
    error: msgspec.Raw = NULL


class _Event(msgspec.Struct):
    type: str | None = None
    message: _Answer | None = None
    delta: Any = None
    content_block: Any = None
    usage: msgspec.Raw = NULL


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


class _Seen:
    """What the events of a stream said so far."""

    __slots__ = ("finish", "model", "output_told", "stopped", "tally")

    def __init__(self) -> None:
        self.tally = Tally()
        self.model: str | None = None
        self.finish = ""
        self.stopped = False
        self.output_told = False

    def copy(self) -> "_Seen":
        other = _Seen()
        other.tally.continue_from(self.tally)
        other.model, other.finish = self.model, self.finish
        other.stopped, other.output_told = self.stopped, self.output_told
        return other

    def add(self, payload: bytes) -> None:
        event = _read_event(payload)
        if event is None:
            return
        match event.type:
            case "message_start" if event.message is not None:
                self.model = event.message.model
                self.tally.take(event.message.usage)
            case "message_delta":
                self.output_told = self.tally.take(event.usage) or self.output_told
                self.finish = tidy(member(event.delta, "stop_reason"), 64) or self.finish
            case "message_stop":
                self.stopped = True
            case "error":
                self.finish = "error"


class MessagesStream(Tape):
    """Usage comes twice, at the start and with each `message_delta`; until a delta told the output, it is not known."""

    __slots__ = ("_before", "_seen", "_seen_at")

    def __init__(self, ask: Ask, dialect: str = "") -> None:
        super().__init__(ask, dialect)
        self._before = _Seen()
        """What was wound off."""
        self._seen = self._before
        self._seen_at = self._place()

    @property
    def complete(self) -> bool:
        return self._look().stopped

    @property
    def ending(self) -> bool:
        seen = self._look()
        return seen.stopped or bool(seen.finish)

    def reading(self) -> Reading:
        reading, output_told = self._told()
        if not output_told:
            reading.usage = None
        return reading

    def _told(self) -> tuple[Reading, bool]:
        seen = self._look()
        reading = seen.tally.reading(self._ask, model=tidy(seen.model), finish=seen.finish)
        return reading, seen.output_told or seen.stopped

    def _look(self) -> _Seen:
        """Of the events on the tape only those are read that can matter: the start, the deltas of the message, the
        end."""
        if self._seen_at != self._place():
            self._seen = self._read_on(self._tape())
            self._seen_at = self._place()
        return self._seen

    def _read_on(self, tape: bytes) -> _Seen:
        seen = self._before.copy()
        for start, end in _places(tape, seen.model is None):
            seen.add(sse.payload(tape[start:end]))
        return seen

    def _absorb(self, events: bytes) -> None:
        self._before = self._read_on(events)

    def _text_of(self, payload: bytes) -> int:
        event = _read_event(payload)
        if event is None:
            return 0
        if event.type == "content_block_delta":
            return text_size(event.delta)
        if event.type == "content_block_start":
            return text_size(event.content_block)
        return 0


def _places(tape: bytes, starts: bool) -> list[tuple[int, int]]:
    """Where the events lie that can matter, in order."""
    found = []
    stop = tape.rfind(b'"message_stop"')
    if stop >= 0:
        found.append(sse.span(tape, 0, stop))
    elif (failed := tape.rfind(b'"error"')) >= 0:
        found.append(sse.span(tape, 0, failed))
    at = tape.rfind(b'"message_delta"')
    while at >= 0:
        place = sse.span(tape, 0, at)
        found.append(place)
        at = tape.rfind(b'"message_delta"', 0, place[0])
    if starts and (at := tape.find(b'"message_start"')) >= 0:
        found.append(sse.span(tape, 0, at))
    return found[::-1]


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
            usage=rawly(value.get("usage")),
        )
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _salvaged(value: Any) -> _Answer | None:
    if not isinstance(value, dict):
        return None
    return _Answer(
        tidy(value.get("model")),
        tidy(value.get("stop_reason"), 64),
        rawly(value.get("usage")),
        rawly(value.get("error")),
    )
