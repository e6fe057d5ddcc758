"""OpenAI's Responses API. No network, no prices."""

from typing import Any

import msgspec

from farthing.model.call import Ask
from farthing.model.errors import BadRequest, FarthingError
from farthing.model.usage import Reading
from farthing.wire import errors, splice, sse
from farthing.wire.body import checked_model, limit, pairs, parse
from farthing.wire.lenient import NULL, anything, member, present, rawly, tidy
from farthing.wire.meter_openai import read_usage
from farthing.wire.tape import Tape
from farthing.wire.tokens import text_size, whole_estimate


class _CacheOptions(msgspec.Struct):
    ttl: str | None = None


class _Body(msgspec.Struct):
    model: str | None = None
    stream: bool | None = None
    background: bool | None = None
    max_output_tokens: int | None = None
    user: str | None = None
    safety_identifier: str | None = None
    metadata: dict[str, str] | None = None
    service_tier: str | None = None
    prompt_cache_options: _CacheOptions | None = None


class _Item(msgspec.Struct):
    type: str | None = None
    status: str | None = None
    action: Any = None


class _Reasons(msgspec.Struct):
    reason: str | None = None


class _Answer(msgspec.Struct):
    model: str | None = None
    service_tier: str | None = None
    status: str | None = None
    incomplete_details: _Reasons | None = None
    output: list[_Item] | None = None
    usage: msgspec.Raw = NULL
    error: msgspec.Raw = NULL


class _Event(msgspec.Struct):
    type: str | None = None
    response: _Answer | None = None
    delta: Any = None


_SOFT = frozenset({"user", "safety_identifier", "metadata", "service_tier", "prompt_cache_options"})
_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed", "error"})
_body = msgspec.json.Decoder(_Body)
_answer = msgspec.json.Decoder(_Answer)
_event = msgspec.json.Decoder(_Event)
_BILLED_ITEMS = {"web_search_call": "web_search", "file_search_call": "file_search"}


class OpenAIResponses:
    name = "openai.responses"
    family = "openai"
    path = "/v1/responses"
    billed = True

    def ask(self, body: bytes) -> Ask:
        found = parse(body, _body, _SOFT)
        if found.model is None:
            raise BadRequest(
                "`model` is missing; a call is routed and priced by its model, so one that uses a prompt template must"
                " name it too",
                param="model",
            )
        if found.background:
            raise BadRequest(
                "`background` responses cannot be metered yet, because their usage comes by polling only; send the"
                " request without it",
                param="background",
            )
        splice.refuse_doubles(body, _names(found))
        cache = found.prompt_cache_options
        return Ask(
            model=checked_model(found.model),
            stream=found.stream is True,
            max_output=limit(found.max_output_tokens),
            user=tidy(found.user or found.safety_identifier),
            metadata=pairs(found.metadata) if found.metadata else {},
            tier=tidy(found.service_tier, 64),
            cache_ttl=tidy(cache.ttl, 16) if cache is not None and cache.ttl is not None else "30m",
        )

    def splice(self, body: bytes, ask: Ask, model: str) -> bytes:
        return splice.renamed(body, ask.model, model)

    def read(self, body: bytes, ask: Ask, dialect: str = "") -> Reading:
        answer = _read_answer(body)
        return Reading() if answer is None else _reading(answer, ask, dialect)

    def estimate(self, request_body: bytes, answer_body: bytes, ask: Ask) -> Reading:
        return whole_estimate(request_body, answer_body, ask, "output")

    def stream(self, ask: Ask, dialect: str = "") -> "ResponsesStream":
        return ResponsesStream(ask, dialect)

    def error(self, error: FarthingError, call_id: str) -> bytes:
        return errors.openai_error(error, call_id)

    def error_event(self, error: FarthingError, call_id: str) -> bytes:
        return errors.openai_responses_event(error, call_id)


class ResponsesStream(Tape):
    """Usage comes with the last event; nothing earlier tells it."""

    __slots__ = ("_end", "_model")

    def __init__(self, ask: Ask, dialect: str = "") -> None:
        super().__init__(ask, dialect)
        self._end: _Event | None = None
        self._model: str | None = None

    @property
    def complete(self) -> bool:
        end = self._last(self._tape())
        return end is not None and end.type != "error"

    @property
    def ending(self) -> bool:
        return self.complete

    def reading(self) -> Reading:
        end = self._last(self._tape())
        if end is None or end.response is None:
            model = tidy(self._model or _first_model(self._tape()))
            return Reading(model=model, finish="" if end is None else "error")
        return _reading(end.response, self._ask, self._dialect)

    def _last(self, tape: bytes) -> _Event | None:
        """The event that ended the stream. Only a few carry a response or an error; the last of these may be it."""
        end = len(tape)
        while (hit := max(tape.rfind(b'"response"', 0, end), tape.rfind(b'"error"', 0, end))) >= 0:
            start, after = sse.span(tape, 0, hit)
            event = _read_event(sse.payload(tape[start:after]))
            if event is not None and event.type in _ENDS:
                return event
            end = start
        return self._end

    def _told(self) -> tuple[Reading, bool]:
        reading = self.reading()
        return reading, reading.usage is not None

    def _absorb(self, events: bytes) -> None:
        self._model = self._model or _first_model(events)
        self._end = self._last(events)

    def _text_of(self, payload: bytes) -> int:
        event = _read_event(payload)
        if event is None or event.type is None or not event.type.endswith(".delta"):
            return 0
        return 0 if event.type in _SOUND else text_size(event.delta)


_SOUND = frozenset({"response.audio.delta", "response.output_audio.delta"})
"""Deltas of base64; their transcript comes as deltas of its own."""


def _first_model(events: bytes) -> str | None:
    for payload in sse.payloads(events):
        event = _read_event(payload)
        if event is not None and event.response is not None and event.response.model:
            return event.response.model
    return None


def _reading(answer: _Answer, ask: Ask, dialect: str) -> Reading:
    reading = read_usage(
        answer.usage, ask, dialect, model=answer.model, tier=answer.service_tier, finish=_finish_of(answer)
    )
    calls = _billed_calls(answer.output)
    if calls and reading.usage is not None:
        reading.usage.requests = {**reading.usage.requests, **calls}
    return reading


def _finish_of(answer: _Answer) -> str:
    if present(answer.error) or answer.status == "failed":
        return "error"
    if answer.incomplete_details is not None and answer.incomplete_details.reason:
        return tidy(answer.incomplete_details.reason, 64)
    return tidy(answer.status, 64)


def _billed_calls(items: list[_Item] | None) -> dict[str, int]:
    """Searches among the output items. A web search that only opened or searched a page that it had is not billed."""
    calls: dict[str, int] = {}
    for item in items or ():
        unit = _BILLED_ITEMS.get(item.type or "")
        if unit is not None and item.status != "failed" and member(item.action, "type") in (None, "search"):
            calls[unit] = calls.get(unit, 0) + 1
    return calls


def _read_answer(body: bytes | msgspec.Raw) -> _Answer | None:
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
        return _Event(tidy(value.get("type"), 64), _salvaged(value.get("response")), value.get("delta"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _salvaged(value: Any) -> _Answer | None:
    if not isinstance(value, dict):
        return None
    output = value.get("output")
    return _Answer(
        model=tidy(value.get("model")),
        service_tier=tidy(value.get("service_tier"), 64),
        status=tidy(value.get("status"), 64),
        incomplete_details=_Reasons(tidy(member(value, "incomplete_details", "reason"), 64)),
        output=[
            _Item(tidy(member(item, "type"), 64), tidy(member(item, "status"), 64), member(item, "action"))
            for item in output
        ]
        if isinstance(output, list)
        else None,
        usage=rawly(value.get("usage")),
        error=rawly(value.get("error")),
    )


def _names(found: _Body) -> tuple[bytes, ...]:
    names: tuple[bytes, ...] = (b'"model"',)
    if found.stream is not None:
        names = (*names, b'"stream"')
    if found.background is not None:
        names = (*names, b'"background"')
    return names
