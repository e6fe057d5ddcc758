"""A chat-completions request as a Messages request. What happens to each field is in `fates`; this is how."""

import re

import msgspec

from farthing.model.call import Ask
from farthing.model.errors import BadRequest
from farthing.wire.translate import chat_request as chat
from farthing.wire.translate import decode, media, reasoning, tool_choice
from farthing.wire.translate import messages_request as claude
from farthing.wire.translate.chat_to_messages import fates
from farthing.wire.translate.refusal import Gate, Refusal, each

_encode = msgspec.json.Encoder().encode

_request_gate = Gate(fates.REQUEST)
_name_gate = Gate(fates.SYSTEM)
_assistant_gate = Gate(fates.ASSISTANT)
_file_gate = Gate(fates.FILE)

_EMPTY_SCHEMA = msgspec.Raw(b'{"type":"object","properties":{}}')
_EMPTY_INPUT = msgspec.Raw(b"{}")
_ODD_ID_CHARACTER = re.compile(r"[^a-zA-Z0-9_-]")
_is_object = msgspec.json.Decoder(dict[str, object]).decode


class _Schema(msgspec.Struct, gc=False):
    """What must be known of a JSON schema that is carried over as it stands."""

    type: msgspec.Raw = chat.NOTHING
    description: msgspec.Raw = chat.NOTHING


_schema = msgspec.json.Decoder(_Schema).decode


def translate(body: bytes, ask: Ask, model: str) -> bytes:
    """Raises CannotTranslate, BadRequest."""
    asked = decode.request(chat.decoder, body)
    try:
        return _encode(_request(asked, model))
    except Refusal as refusal:
        raise refusal.spoken() from None


def _request(asked: chat.Request, model: str) -> claude.Request:
    _request_gate.check(asked)
    conversation = _Conversation(asked.messages)
    thinking, effort, room = _thinking(asked, model)
    output_format = _output_format(asked.response_format)
    options = asked.stream_options
    if options is not None and options.include_obfuscation:
        raise Refusal("stream_options.include_obfuscation", fates.STREAM_OPTIONS["include_obfuscation"].note)
    return claude.Request(
        model=model,
        max_tokens=_limit(asked) or room,
        messages=conversation.turns,
        system=conversation.system or None,
        temperature=_temperature(asked.temperature),
        top_p=None if asked.top_p == 1 else asked.top_p,
        stop_sequences=([asked.stop] if isinstance(asked.stop, str) else asked.stop) or None,
        stream=asked.stream or None,
        tools=[_tool(tool, at) for at, tool in enumerate(asked.tools)] if asked.tools else None,
        tool_choice=tool_choice.for_claude(asked),
        output_config=claude.OutputConfig(effort, output_format) if effort or output_format else None,
        thinking=thinking,
        service_tier=_service_tier(asked.service_tier),
        metadata=_metadata(asked),
    )


# --- the conversation


class _Conversation:
    """The system prompt, and turns in which user and assistant alternate."""

    __slots__ = ("system", "turns")

    def __init__(self, messages: list[chat.Message]) -> None:
        self.system: list[claude.Text] = []
        self.turns: list[claude.Message] = []
        each(messages, self._add, "messages")
        if self.turns and isinstance(self.turns[-1], claude.AssistantMessage):
            why = "the last message is the assistant's: Claude would go on with it instead of answering"
            raise Refusal("messages", why)

    def _add(self, message: chat.Message) -> None:
        match message:
            case chat.UserMessage():
                _name_gate.check(message)
                self._ask(_user_blocks(message.content))
            case chat.ToolMessage():
                self._ask([_tool_result(message)])
            case chat.AssistantMessage():
                _assistant_gate.check(message)
                self._answer(_assistant_blocks(message))
            case chat.SystemMessage() | chat.DeveloperMessage():
                _name_gate.check(message)
                self.system.extend(_texts(message.content))
            case chat.FunctionMessage():
                raise Refusal("role", fates.FUNCTION_MESSAGE["name"].note)

    def _ask(self, blocks: list[claude.UserBlock]) -> None:
        last = self.turns[-1] if self.turns else None
        if isinstance(last, claude.UserMessage):
            last.blocks.extend(blocks)
        elif blocks:
            self.turns.append(claude.UserMessage(blocks))

    def _answer(self, blocks: list[claude.AssistantBlock]) -> None:
        last = self.turns[-1] if self.turns else None
        if isinstance(last, claude.AssistantMessage):
            last.blocks.extend(blocks)
        elif blocks:
            self.turns.append(claude.AssistantMessage(blocks))


def _texts(content: str | list[chat.TextPart]) -> list[claude.Text]:
    if isinstance(content, str):
        return [claude.Text(content)] if content else []
    return [_text(part) for part in content if part.text]


def _text(part: chat.TextPart) -> claude.Text:
    return claude.Text(part.text, media.cache_control(part.prompt_cache_breakpoint))


def _user_blocks(content: str | list[chat.UserPart]) -> list[claude.UserBlock]:
    if isinstance(content, str):
        return [claude.Text(content)] if content else []
    blocks: list[claude.UserBlock] = []

    def show(part: chat.UserPart) -> None:
        match part:
            case chat.TextPart():
                if part.text:
                    blocks.append(_text(part))
            case chat.ImagePart():
                blocks.append(media.image_block(part))
            case chat.FilePart():
                _file_gate.check(part.file)
                blocks.append(media.document_block(part))
            case chat.AudioPart():
                raise Refusal("input_audio", fates.AUDIO["input_audio"].note)

    each(content, show, "content")
    return blocks


def _assistant_blocks(message: chat.AssistantMessage) -> list[claude.AssistantBlock]:
    blocks: list[claude.AssistantBlock] = []
    content = message.content
    if isinstance(content, str):
        if content:
            blocks.append(claude.Text(content))
    elif isinstance(content, list):
        for part in content:
            if isinstance(part, chat.RefusalPart):
                blocks.append(claude.Text(part.refusal))
            elif part.text:
                blocks.append(_text(part))
    if message.refusal:
        blocks.append(claude.Text(message.refusal))
    for at, call in enumerate(message.tool_calls or ()):
        blocks.append(claude.ToolUse(_tool_id(call.id), call.function.name, _input(call.function.arguments, at)))
    return blocks


def _input(arguments: str, at: int) -> msgspec.Raw:
    """The arguments as the model wrote them. Raises Refusal if they are no JSON object."""
    if not arguments.strip():
        return _EMPTY_INPUT
    try:
        _is_object(arguments)
    except (ValueError, RecursionError):
        raise Refusal(f"tool_calls[{at}].function.arguments", "must be a JSON object", BadRequest) from None
    return msgspec.Raw(arguments)


def _tool_result(message: chat.ToolMessage) -> claude.ToolResult:
    content = message.content
    if not isinstance(content, str):
        return claude.ToolResult(_tool_id(message.tool_call_id), [*_texts(content)] or None)
    return claude.ToolResult(_tool_id(message.tool_call_id), content or None)


def _tool_id(id: str) -> str:
    """Ids of some hosts hold dots and colons, which Claude does not take; calls and results change alike."""
    return _ODD_ID_CHARACTER.sub("_", id)


# --- settings


def _limit(asked: chat.Request) -> int | None:
    limit = asked.max_completion_tokens
    if limit is None:
        limit = asked.max_tokens
    elif asked.max_tokens is not None and asked.max_tokens != limit:
        raise Refusal("max_tokens", "differs from max_completion_tokens; give one of them", BadRequest)
    if limit is not None and limit < 1:
        raise Refusal("max_tokens", "must be at least 1", BadRequest)
    return limit


def _temperature(temperature: float | None) -> float | None:
    if temperature is None or temperature == 1:
        return None
    if temperature > 1:
        raise Refusal("temperature", f"Claude takes 0 to 1, not {temperature:g}")
    return temperature


def _thinking(asked: chat.Request, model: str) -> tuple[claude.ThinkingConfig | None, str | None, int]:
    """How to think, with what effort, and how many tokens an answer without a limit of its own may have."""
    asked_effort = asked.reasoning_effort
    if asked_effort is None:
        return None, None, reasoning.OUTPUT_ROOM
    old = reasoning.wants_budget(model)
    if asked_effort == "none":
        return None if old else claude.ThinkingConfig("disabled"), None, reasoning.OUTPUT_ROOM
    budget = reasoning.BUDGETS.get(asked_effort)
    if budget is None:
        raise Refusal("reasoning_effort", f"must be one of none, {', '.join(reasoning.BUDGETS)}", BadRequest)
    room = reasoning.OUTPUT_ROOM + budget
    if not old:
        return claude.ThinkingConfig("adaptive"), reasoning.CLAUDE_EFFORTS[asked_effort], room
    if asked.messages and isinstance(asked.messages[-1], chat.ToolMessage):
        return None, None, room  # old models go on thinking after a tool only from their own signed thoughts
    limit = _limit(asked)
    if limit is not None:
        if limit <= reasoning.LEAST_BUDGET:
            why = f"this model thinks with at least {reasoning.LEAST_BUDGET} tokens, within max_completion_tokens"
            raise Refusal("reasoning_effort", why)
        budget = min(budget, max(reasoning.LEAST_BUDGET, limit // 2))
    return claude.ThinkingConfig("enabled", budget), None, room


def _output_format(wanted: chat.ResponseFormat | None) -> claude.OutputFormat | None:
    if wanted is None or isinstance(wanted, chat.TextFormat):
        return None
    if isinstance(wanted, chat.JsonObjectFormat):
        raise Refusal("response_format", fates.JSON_OBJECT_FORMAT.note)
    where = "response_format.json_schema.schema"
    raw = wanted.json_schema.schema
    if not memoryview(raw):
        raise Refusal(where, "is missing", BadRequest)
    schema = _read_schema(raw, where)
    description = wanted.json_schema.description
    if description and not memoryview(schema.description):
        raw = _with_field(raw, "description", description)
    return claude.OutputFormat(raw)


def _tool(tool: chat.Tool, at: int) -> claude.Tool:
    function = tool.function
    raw = function.parameters
    if not memoryview(raw) or bytes(raw) == b"null":
        raw = _EMPTY_SCHEMA
    elif not memoryview(_read_schema(raw, f"tools[{at}].function.parameters").type):
        raw = _with_field(raw, "type", "object")
    return claude.Tool(function.name, raw, function.description, function.strict or None)


def _read_schema(raw: msgspec.Raw, where: str) -> _Schema:
    try:
        return _schema(raw)
    except (ValueError, RecursionError):
        raise Refusal(where, "must be a JSON schema, which is an object", BadRequest) from None


def _with_field(raw: msgspec.Raw, name: str, value: str) -> msgspec.Raw:
    """The object with one field more, in front."""
    rest = bytes(raw)[1:].lstrip()
    comma = b"" if rest.startswith(b"}") else b","
    return msgspec.Raw(b"{" + _encode(name) + b":" + _encode(value) + comma + rest)


def _service_tier(tier: str | None) -> str | None:
    if tier is None or tier == "auto":
        return None
    if tier == "default":
        return "standard_only"
    raise Refusal("service_tier", f"Anthropic has no tier {tier[:40]!r}; it has auto and default")


def _metadata(asked: chat.Request) -> claude.Metadata | None:
    user = asked.safety_identifier or asked.user
    return claude.Metadata(user) if user else None
