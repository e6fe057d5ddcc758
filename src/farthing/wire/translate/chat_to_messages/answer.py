"""A Messages answer as a chat completion."""

import time

import msgspec

from farthing.model.call import Ask
from farthing.model.errors import UpstreamError
from farthing.wire.meter_anthropic import Tally
from farthing.wire.translate import chat_answer as chat
from farthing.wire.translate import decode, stops, usage
from farthing.wire.translate import messages_answer as claude

_encode = msgspec.json.Encoder().encode


def translate(body: bytes, ask: Ask) -> bytes:
    """Texts are joined as they are, thinking becomes `reasoning_content`; blocks that only Anthropic's own tools make
    cannot occur, because such tools are not asked for. Raises UpstreamError."""
    message = decode.answer(claude.message_decoder, body)
    if message.type != "message":
        raise UpstreamError("the provider's answer is not a message")
    tally = Tally()
    tally.take(message.usage)
    reading = tally.reading(ask, model=message.model, finish=message.stop_reason or "")
    completion = chat.CompletionOut(
        id=message.id,
        created=int(time.time()),
        model=message.model or ask.model,
        choices=[chat.ChoiceOut(_message(message), stops.finish_reason(message.stop_reason or ""))],
    )
    if counted := usage.for_chat(reading):
        completion.usage = msgspec.Raw(counted)
    if reading.tier == "priority":
        completion.service_tier = "priority"
    return _encode(completion)


def _message(message: claude.Message) -> chat.MessageOut:
    texts: list[str] = []
    thoughts: list[str] = []
    calls: list[chat.ToolCallOut] = []
    for block in message.content:
        if block.type == "text":
            texts.append(block.text or "")
        elif block.type == "tool_use":
            calls.append(chat.ToolCallOut(block.id, chat.FunctionOut(block.name, _arguments(block.input))))
        elif block.type == "thinking" and block.thinking:
            thoughts.append(block.thinking)
    details = message.stop_details
    out = chat.MessageOut("".join(texts) if texts else None, details.explanation if details else None)
    if calls:
        out.tool_calls = calls
    if thoughts:
        out.reasoning_content = "\n\n".join(thoughts)
    return out


def _arguments(input: msgspec.Raw) -> str:
    raw = bytes(input)
    return "{}" if raw == b"null" else decode.text(raw)
