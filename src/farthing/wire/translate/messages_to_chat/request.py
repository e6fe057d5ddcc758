"""A Messages request as a chat-completions request. What happens to each field is in `fates`; this is how."""

import hashlib

import msgspec

from farthing.model.call import Ask
from farthing.model.errors import BadRequest, CannotTranslate
from farthing.wire.translate import chat_request as chat
from farthing.wire.translate import decode, media, reasoning, tool_choice
from farthing.wire.translate import messages_request as claude
from farthing.wire.translate.messages_to_chat import fates
from farthing.wire.translate.refusal import Gate, Refusal, each

_encode = msgspec.json.Encoder().encode

_request_gate = Gate(fates.REQUEST)
_image_gate = Gate(fates.IMAGE)
_document_gate = Gate(fates.DOCUMENT)
_search_gate = Gate(fates.SEARCH_RESULT)
_use_gate = Gate(fates.TOOL_USE)
_result_gate = Gate(fates.TOOL_RESULT)
_tool_gate = Gate(fates.TOOL)

_FORMAT_NAME = "answer"
_LONGEST_USER = 64


class _Tools(msgspec.Struct, gc=False):
    """Only the kinds of the tools, to say of a request that does not fit which tool is to blame."""

    tools: list[claude.ToolKind] | None = None


_tool_kinds = msgspec.json.Decoder(_Tools)


def translate(body: bytes, ask: Ask, model: str) -> bytes:
    """Notes on `ask` whether the client wants to see reasoning. Raises CannotTranslate, BadRequest."""
    asked = _read(body)
    ask.wants_reasoning = asked.thinking is not None and asked.thinking.type != "disabled"
    try:
        return _encode(_request(asked, model))
    except Refusal as refusal:
        raise refusal.spoken() from None


def _read(body: bytes) -> claude.Request:
    try:
        return decode.request(claude.decoder, body)
    except BadRequest as error:
        raise _foreign_tool(body) or error from None


def _foreign_tool(body: bytes) -> CannotTranslate | None:
    """Tools that Anthropic defines have fields of their own, at which the decoder stumbles; the client shall hear why."""
    try:
        kinds = decode.request(_tool_kinds, body).tools or ()
    except BadRequest:
        return None
    for at, kind in enumerate(kinds):
        if kind.type not in (None, "custom"):
            field = f"tools[{at}].type"
            return CannotTranslate(f"{field}: {kind.type[:60]!r} {fates.FOREIGN_TOOL}", param=field)
    return None


def _request(asked: claude.Request, model: str) -> chat.Request:
    _request_gate.check(asked)
    if asked.max_tokens < 1:
        raise Refusal("max_tokens", "to fill a prompt cache without an answer is Anthropic's own; must be at least 1")
    _refuse_edits(asked.context_management)
    to_completion_limit = reasoning.wants_completion_limit(model)
    choice = asked.tool_choice
    format = asked.output_config.format if asked.output_config else None
    return chat.Request(
        model=model,
        messages=_conversation(asked),
        max_tokens=None if to_completion_limit else asked.max_tokens,
        max_completion_tokens=asked.max_tokens if to_completion_limit else None,
        temperature=asked.temperature,
        top_p=asked.top_p,
        stop=asked.stop_sequences or None,
        stream=asked.stream or None,
        stream_options=chat.StreamOptions(include_usage=True) if asked.stream else None,
        tools=[_tool(tool, at) for at, tool in enumerate(asked.tools)] if asked.tools else None,
        tool_choice=tool_choice.for_chat(choice) if choice else None,
        parallel_tool_calls=False if choice and choice.disable_parallel_tool_use else None,
        response_format=chat.JsonSchemaFormat(chat.JsonSchema(_FORMAT_NAME, format.schema, None, True))
        if format
        else None,
        reasoning_effort=_effort(asked) if reasoning.takes_effort(model) else None,
        service_tier=_service_tier(asked.service_tier),
        user=_user(asked.metadata),
    )


# --- the conversation


def _conversation(asked: claude.Request) -> list[chat.Message]:
    messages: list[chat.Message] = []

    def add(message: claude.Message) -> None:
        match message:
            case claude.UserMessage():
                _hear(messages, message)
            case claude.AssistantMessage():
                _recall(messages, message)
            case claude.SystemMessage():
                messages.append(chat.SystemMessage(_joined(message.content)))

    if asked.system:
        messages.append(chat.SystemMessage(_joined(asked.system)))
    each(asked.messages, add, "messages")
    if asked.messages and isinstance(asked.messages[-1], claude.AssistantMessage):
        why = "the last message is the assistant's, to be continued: chat models would answer anew"
        raise Refusal("messages", why)
    return messages


def _joined(content: str | list[claude.Text]) -> str:
    return content if isinstance(content, str) else "\n\n".join([block.text for block in content if block.text])


def _hear(messages: list[chat.Message], message: claude.UserMessage) -> None:
    """Tool results first, each as a message of its own, because they must follow the call; then all the rest."""
    if isinstance(message.content, str):
        messages.append(chat.UserMessage(message.content))
        return
    shown: list[chat.UserPart] = []
    said: list[chat.UserPart] = []

    def hear(block: claude.UserBlock) -> None:
        if isinstance(block, claude.ToolResult):
            messages.append(_tool_message(block, shown))
        else:
            said.extend(_parts(block))

    each(message.content, hear, "content")
    parts = shown + said
    if len(parts) == 1 and isinstance(parts[0], chat.TextPart):
        messages.append(chat.UserMessage(parts[0].text))
    elif parts:
        messages.append(chat.UserMessage(parts))


def _parts(block: claude.ResultBlock) -> list[chat.UserPart]:
    match block:
        case claude.Text():
            return [chat.TextPart(block.text)]
        case claude.Image():
            _image_gate.check(block)
            return [media.image_part(block)]
        case claude.Document():
            _document_gate.check(block)
            return media.document_parts(block)
        case claude.SearchResult():
            _search_gate.check(block)
            return [chat.TextPart("\n".join([block.title, block.source, *(text.text for text in block.content)]))]


def _tool_message(result: claude.ToolResult, shown: list[chat.UserPart]) -> chat.ToolMessage:
    """The result's text; what chat's tools cannot answer with goes to `shown`, introduced by the id of the call."""
    _result_gate.check(result)
    text = (
        result.content
        if isinstance(result.content, str)
        else _result_text(result.content or [], result.tool_use_id, shown)
    )
    return chat.ToolMessage(result.tool_use_id, f"Error: {text}" if result.is_error else text)


def _result_text(blocks: list[claude.ResultBlock], call: str, shown: list[chat.UserPart]) -> str:
    texts: list[str] = []
    others: list[chat.UserPart] = []

    def read(block: claude.ResultBlock) -> None:
        for part in _parts(block):
            if isinstance(part, chat.TextPart):
                texts.append(part.text)
            else:
                others.append(part)

    each(blocks, read, "content")
    if others:
        texts = texts or ["The result follows in the next message."]
        shown.extend((chat.TextPart(f"From the result of tool call {call}:"), *others))
    return "\n".join(texts)


def _recall(messages: list[chat.Message], message: claude.AssistantMessage) -> None:
    """What the assistant said and called; what it only thought is forgotten."""
    said: list[str] = []
    calls: list[chat.ToolCall] = []

    def recall(block: claude.AssistantBlock) -> None:
        if isinstance(block, claude.Text):
            said.append(block.text)
        elif isinstance(block, claude.ToolUse):
            calls.append(_tool_call(block))

    each(message.blocks, recall, "content")
    text = "".join(said)
    if text or calls:
        messages.append(chat.AssistantMessage(text or None, calls or None))


def _tool_call(block: claude.ToolUse) -> chat.ToolCall:
    _use_gate.check(block)
    arguments = bytes(block.input)
    if not arguments.startswith(b"{"):
        raise Refusal("input", "must be an object", BadRequest)
    try:
        return chat.ToolCall(block.id, chat.FunctionCall(block.name, arguments.decode()))
    except UnicodeDecodeError:
        raise Refusal("input", "is not UTF-8", BadRequest) from None


# --- settings


def _tool(tool: claude.Tool, at: int) -> chat.Tool:
    if tool.type not in (None, "custom"):
        raise Refusal(f"tools[{at}].type", f"{(tool.type or '')[:60]!r} {fates.FOREIGN_TOOL}")
    if not bytes(tool.input_schema).startswith(b"{"):
        raise Refusal(f"tools[{at}].input_schema", "must be a JSON schema, which is an object", BadRequest)
    try:
        _tool_gate.check(tool)
    except Refusal as refusal:
        raise refusal.inside(f"tools[{at}]") from None
    description = tool.description
    if tool.input_examples:
        examples = b"\n".join([bytes(example) for example in tool.input_examples]).decode(errors="replace")
        description = f"{description or ''}\n\nExamples of its input:\n{examples}".lstrip()
    return chat.Tool(chat.Function(tool.name, description, tool.input_schema, tool.strict or None))


def _refuse_edits(management: claude.ContextManagement | None) -> None:
    for at, edit in enumerate(management.edits or ()) if management else ():
        if not edit.type.startswith("clear_thinking_"):
            raise Refusal(f"context_management.edits[{at}].type", fates.FOREIGN_EDIT)


def _effort(asked: claude.Request) -> str | None:
    if asked.output_config and asked.output_config.effort:
        return asked.output_config.effort
    thinking = asked.thinking
    if thinking and thinking.type == "enabled" and thinking.budget_tokens is not None:
        return reasoning.effort_of_budget(thinking.budget_tokens)
    return None


def _service_tier(tier: str | None) -> str | None:
    if tier is None or tier == "auto":
        return None
    if tier == "standard_only":
        return "default"
    raise Refusal("service_tier", "must be auto or standard_only", BadRequest)


def _user(metadata: claude.Metadata | None) -> str | None:
    user = metadata.user_id if metadata else None
    if not user or len(user) <= _LONGEST_USER:
        return user or None
    return hashlib.sha256(user.encode()).hexdigest()
