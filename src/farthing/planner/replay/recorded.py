"""Providers as they were: a `Client` that answers each request with what was recorded of its call.

    input    what the provider counted then, times how much longer or shorter the prompt is now
    cached   by the caches' own rules (the simulator has them), from the prompts and marks that are sent now
    output   what was written then; of another model, times how wordy it is beside the one that ran, in tokens of its own

So an unchanged call costs what it cost, but for the caches, which begin empty. Nothing waits. Knows nothing of plans.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from farthing.model.call import Header, Headers
from farthing.model.past import PastCall
from farthing.model.usage import Usage
from farthing.upstream.client import Response, Timeouts
from farthing.upstream.simulator import errors
from farthing.upstream.simulator.answers import Reply, ToolUse
from farthing.upstream.simulator.anthropic_messages import AnthropicMessages
from farthing.upstream.simulator.openai_chat import OpenAIChat
from farthing.upstream.simulator.prompt_cache import CacheUse, Names
from farthing.upstream.simulator.provider import Provider, check_fields
from farthing.upstream.simulator.settings import SimulatorSettings
from farthing.upstream.simulator.wire import Asked, Json, Refusal, Spent, Wire
from farthing.wire.said import Said

JSON: Header = (b"content-type", b"application/json")
STREAM: Header = (b"content-type", b"text/event-stream; charset=utf-8")
NO_SUCH_MODEL = 404
SLACK = 96
"""Bytes by which a body may differ from the recorded one, for its model's name, and still be the same prompt, where its wire, and so the way of
counting, is the same."""

WIRES: dict[str, Wire] = {"openai.chat": OpenAIChat(), "anthropic.messages": AnthropicMessages()}
_FORMATS = {"/chat/completions": "openai.chat", "/messages": "anthropic.messages"}
"""By how an address ends."""

Wordiness = Callable[[str, str], float]
"""Tokens that the first model writes for one of the second."""


class Reading(Protocol):
    """How recorded requests and answers are read; see `readers.Reading`."""

    @property
    def names(self) -> Names: ...

    def asked(self, format: str, body: bytes) -> Asked: ...

    def said(self, format: str, body: bytes) -> Said | None: ...


class Recorded:
    """See the module. `now` is the call that is asked next; `seconds` is the clock's time."""

    def __init__(
        self, seconds: Callable[[], float], passes: Callable[[float], None], wordiness: Wordiness, reading: Reading
    ) -> None:  # fmt: skip
        self._reading = reading
        self._provider = Provider(SimulatorSettings(), seconds, reading.names)
        self._passes = passes
        self._wordiness = wordiness
        self.now = PastCall(id="", at_us=0)

    async def send(self, method: str, url: str, headers: Sequence[Header], body: bytes, timeouts: Timeouts) -> Response:
        """See `Client`."""
        past = self.now
        format = next((name for end, name in _FORMATS.items() if url.split("?")[0].endswith(end)), "")
        if not format or past.usage is None:
            return _Answer(404, [JSON], [b'{"error": {"message": "the log has no such call"}}'])
        wire = WIRES[format]
        try:
            asked = self._asked(format, body, past)
        except (Refusal, msgspec.DecodeError) as refused:
            status = refused.status if isinstance(refused, Refusal) else 400
            return _Answer(status, [JSON], [msgspec.json.encode(_error(refused, wire))])
        spent = self._spent(past, past.usage, format, asked, body)
        reply = self._reply(past, spent)
        asked.id, asked.created = wire.id_prefix + past.id[-24:], past.at_us // 1_000_000
        self._passes((past.duration_us or 500_000) / 1e6)
        if not asked.stream:
            return _Answer(200, [JSON], [msgspec.json.encode(wire.answer(asked, [reply], spent))])
        return _Answer(200, [STREAM], [b"".join(piece.data for piece in wire.pieces(asked, [reply], spent, ""))])

    def _asked(self, format: str, body: bytes, past: PastCall) -> Asked:
        """A model that nobody knows by that name, as deployments have them, is the one that ran. Raises Refusal, DecodeError."""
        try:
            return self._reading.asked(format, body)
        except Refusal as refused:
            if refused.status != NO_SUCH_MODEL or not past.model:
                raise
            named = msgspec.json.encode({**msgspec.json.decode(body), "model": past.model})
            return self._reading.asked(format, named)

    async def close(self) -> None:
        """Nothing is open."""

    def _spent(self, past: PastCall, usage: Usage, format: str, asked: Asked, body: bytes) -> Spent:
        model = asked.question.model
        before = asked.prompt
        if format != past.wire or abs(len(body) - len(past.prompt)) > SLACK:
            before = self._tokens_before(past) or asked.prompt
        scale = usage.total_in / before if before else 1.0
        read = self._provider.cache("replay", asked, 0.2)
        output = usage.total_out
        same = not past.model or past.model in (model.id, model.snapshot) or past.asked == model.id
        if not same:
            thought = 0 if model.thinks == "never" else usage.reasoning
            output = max(1, thought + round((output - usage.reasoning) * self._wordiness(model.id, past.model)))
        if asked.question.max_output is not None:
            output = min(output, asked.question.max_output)
        prompt = max(1, round(asked.prompt * scale))
        return Spent(
            prompt=prompt, cache=_scaled(read, scale, prompt), output=output,
            reasoning=min(output, usage.reasoning) if same else 0,
        )  # fmt: skip

    def _tokens_before(self, past: PastCall) -> int:
        """Of the prompt as it was sent then, by the same count."""
        try:
            return self._reading.asked(past.wire, past.prompt).prompt if past.wire in WIRES else 0
        except (Refusal, msgspec.DecodeError):
            return 0

    def _reply(self, past: PastCall, spent: Spent) -> Reply:
        found = self._reading.said(past.wire, past.answer) if past.answer else None
        if found is None:
            return Reply(text="(not recorded)", output=spent.output, reasoning=spent.reasoning)
        calls = [ToolUse(used.name, used.arguments) for used in found.tools]
        return Reply(
            text=found.text, calls=calls, output=spent.output, reasoning=spent.reasoning,
            finish="tools" if calls else "length" if found.finish == "length" else "stop",
        )  # fmt: skip


def read(format: str, body: bytes) -> Asked:
    """Raises Refusal, DecodeError: bodies of logs are anyone's."""
    wire = WIRES[format]
    found = msgspec.json.decode(body, type=dict[str, Any])
    check_fields(wire, found, strict=False)
    return wire.read(found)


def _scaled(use: CacheUse, scale: float, prompt: int) -> CacheUse:
    """What was read and written, in the provider's own count; never more than the prompt has."""
    parts, left = [], prompt
    for part in msgspec.structs.astuple(use):
        count = min(left, round(part * scale))
        parts.append(count)
        left -= count
    return CacheUse(*parts)


def _error(refused: Exception, wire: Wire) -> Json:
    if isinstance(refused, Refusal):
        return errors.shape(refused, wire.family)
    return errors.shape(Refusal(400, "invalid_request_error", "The recorded request is no JSON."), wire.family)


class _Answer:
    """The head of an answer, and its parts."""

    def __init__(self, status: int, headers: Headers, parts: list[bytes]) -> None:
        self.status = status
        self.headers = headers
        self._parts = parts

    async def next(self) -> bytes:
        return self._parts.pop(0) if self._parts else b""

    async def read(self, limit: int) -> bytes:
        return b"".join([await self.next() for _ in range(len(self._parts))])

    def abort(self) -> None:
        self._parts = []
