"""A chat completion as a Messages answer."""

import msgspec

from farthing.model.call import Ask
from farthing.model.errors import UpstreamError
from farthing.wire.meter_openai import read_usage
from farthing.wire.translate import chat_answer as chat
from farthing.wire.translate import decode, stops, usage
from farthing.wire.translate import messages_answer as claude
from farthing.wire.translate.messages_to_chat import loose

_encode = msgspec.json.Encoder().encode
_NO_INPUT = msgspec.Raw(b"{}")
_is_object = msgspec.json.Decoder(dict[str, object]).decode


def translate(body: bytes, ask: Ask) -> bytes:
    """Raises UpstreamError."""
    answer = decode.answer(chat.answer_decoder, body)
    choice = answer.choices[0] if answer.choices else None
    if choice is None or choice.message is None:
        raise UpstreamError("the provider's answer holds no message")
    finish = choice.finish_reason or ""
    id = answer.id or loose.new_id()
    content, refused = _content(choice.message, ask, id, cut=finish == "length")
    stop_sequence = loose.string(choice.stop_reason) or None
    stop_reason = stops.stop_reason(
        finish, called_tools=any(isinstance(block, claude.ToolUseOut) for block in content), refused=refused
    )
    if stop_sequence and stop_reason == "end_turn":
        stop_reason = "stop_sequence"
    reading = read_usage(answer.usage, ask, model=answer.model or "", tier=answer.service_tier, finish=finish)
    return _encode(
        claude.MessageOut(
            id=id,
            model=answer.model or ask.model,
            content=content,
            stop_reason=stop_reason,
            stop_sequence=stop_sequence if stop_reason == "stop_sequence" else None,
            usage=msgspec.Raw(usage.for_messages(reading)),
        )
    )


def _content(message: chat.Message, ask: Ask, id: str, *, cut: bool) -> tuple[list[claude.BlockOut], bool]:
    """The blocks, and whether the model refused in words."""
    blocks: list[claude.BlockOut] = []
    thought, said = loose.content(message.content)
    thought = loose.string(message.reasoning_content) or loose.string(message.reasoning) or thought
    refusal = loose.string(message.refusal)
    if thought and ask.wants_reasoning:
        blocks.append(claude.ThinkingOut(thought))
    if said:
        blocks.append(claude.TextOut(said))
    if refusal:
        blocks.append(claude.TextOut(refusal))
    for number, call in enumerate(message.tool_calls or ()):
        if call.function is None or not call.function.name:
            raise UpstreamError("the provider's answer calls a tool without a name")
        input = _input(loose.arguments(call.function.arguments), cut=cut)
        if input is not None:
            blocks.append(claude.ToolUseOut(call.id or loose.call_id(id, number), call.function.name, input))
    return blocks, bool(refusal)


def _input(arguments: str, *, cut: bool) -> msgspec.Raw | None:
    """The arguments as an object. A call that the output limit cut in two is left out: nobody must run half of it."""
    if not arguments.strip():
        return _NO_INPUT
    try:
        _is_object(arguments)
    except (ValueError, RecursionError):
        if cut:
            return None
        raise UpstreamError("the provider's answer calls a tool with arguments that are no JSON object") from None
    return msgspec.Raw(arguments)
