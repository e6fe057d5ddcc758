"""What a request asks for: whose words, with what around them, what a model must be able to do. For the formats in which
people and agents ask; knows nothing of tasks, tiers and models.

One parse into typed structs, in which contents stay raw until one of them is needed: the latest that a person said, and
the first. What depends on the fixed part of a request alone is remembered by its bytes.
"""

import re
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import msgspec

from farthing.model.asked import Asked
from farthing.wire import tokens
from farthing.wire.fixed import Answering, Fixed, Memo, decoded_list, fixed_part, name_of, schema_of
from farthing.wire.human import words_of_person
from farthing.wire.lenient import NULL, anything, member

LONGEST = 8 * 1024 * 1024
"""Bytes of a body that is read; a longer one holds media or a library, and its tokens say enough."""
PREFIX = 1000
"""Characters of the first message that count for the prefix."""
LABEL = 256
LOOKED_THROUGH = 512 * 1024
"""Characters of what people said that are looked through for their own words, from the latest back."""
CODE_IN = 800
"""Characters at each end of an ask that are searched for source text."""


class _Message(msgspec.Struct):
    role: str = ""
    content: msgspec.Raw = NULL
    type: str = "message"


class _Part(msgspec.Struct):
    type: Any = ""
    text: Any = None


class _Chat(msgspec.Struct):
    messages: list[_Message]
    tools: msgspec.Raw = NULL
    functions: msgspec.Raw = NULL
    tool_choice: msgspec.Raw = NULL
    response_format: msgspec.Raw = NULL
    prompt_cache_key: msgspec.Raw = NULL
    reasoning_effort: msgspec.Raw = NULL
    reasoning: msgspec.Raw = NULL
    thinking: msgspec.Raw = NULL
    modalities: msgspec.Raw = NULL


class _Responses(msgspec.Struct):
    input: msgspec.Raw = NULL
    instructions: msgspec.Raw = NULL
    tools: msgspec.Raw = NULL
    tool_choice: msgspec.Raw = NULL
    text: msgspec.Raw = NULL
    prompt_cache_key: msgspec.Raw = NULL
    conversation: msgspec.Raw = NULL
    previous_response_id: msgspec.Raw = NULL
    reasoning: msgspec.Raw = NULL


class _Messages(msgspec.Struct):
    messages: list[_Message]
    system: msgspec.Raw = NULL
    tools: msgspec.Raw = NULL
    tool_choice: msgspec.Raw = NULL
    thinking: msgspec.Raw = NULL
    output_config: msgspec.Raw = NULL
    output_format: msgspec.Raw = NULL


_chat_body = msgspec.json.Decoder(_Chat)
_responses_body = msgspec.json.Decoder(_Responses)
_messages_body = msgspec.json.Decoder(_Messages)
_items = msgspec.json.Decoder(list[_Message])
_parts = msgspec.json.Decoder(list[_Part])
_string = msgspec.json.Decoder(str)


def asked(format: str, body: bytes) -> Asked | None:
    """What a request of that format asks for; None for other formats, and for one that cannot be read. Never raises."""
    read = _READERS.get(format)
    if read is None or len(body) > LONGEST:
        return None
    try:
        return read(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _chat(body: bytes) -> Asked:
    request = _chat_body.decode(body)
    messages = request.messages
    system = [each.content for each in messages if each.role in _SYSTEM]
    tools = request.tools if request.tools is not NULL else request.functions
    fixed = _fixed(b"c", system, tools, request.tool_choice, request.response_format, _chat_answering)
    last = messages[-1] if messages else None
    return _asked(
        body, messages, fixed,
        tool_results=last is not None and (last.role in _TOOL_ROLES or _has_results(last)),
        cache_key=_name(request.prompt_cache_key),
        reasoning=_wants(request.reasoning_effort) or _wants(request.reasoning) or _wants(request.thinking),
        audio=request.modalities is not NULL and b'"audio"' in bytes(request.modalities),
    )  # fmt: skip


def _responses(body: bytes) -> Asked:
    request = _responses_body.decode(body)
    given = request.input
    raw = bytes(given)
    messages = _items.decode(raw) if raw[:1] == b"[" else [_Message("user", given)] if raw[:1] == b'"' else []
    system = [request.instructions, *(each.content for each in messages if each.role in _SYSTEM)]
    fixed = _fixed(b"r", system, request.tools, request.tool_choice, request.text, _responses_answering)
    key = _name(request.prompt_cache_key) or _name(request.conversation)
    continued = request.previous_response_id is not NULL and _name(request.previous_response_id) != ""
    return _asked(
        body, messages, fixed,
        tool_results=bool(messages) and messages[-1].type.endswith("_output"),
        cache_key=key,
        reasoning=_wants(request.reasoning),
        earlier=int(continued),
    )  # fmt: skip


def _messages(body: bytes) -> Asked:
    request = _messages_body.decode(body)
    messages = request.messages
    system = [request.system, *(each.content for each in messages if each.role in _SYSTEM)]
    answer = request.output_config if request.output_config is not NULL else request.output_format
    fixed = _fixed(b"m", system, request.tools, request.tool_choice, answer, _messages_answering)
    return _asked(
        body, messages, fixed,
        tool_results=bool(messages) and _has_results(messages[-1]),
        reasoning=_wants(request.thinking) or _wants_effort(request.output_config),
    )  # fmt: skip


_READERS: dict[str, Callable[[bytes], Asked]] = {
    "openai.chat": _chat, "openai.responses": _responses, "anthropic.messages": _messages
}  # fmt: skip
_SYSTEM = frozenset(("system", "developer"))
_TOOL_ROLES = frozenset(("tool", "function"))


def _asked(
    body: bytes, messages: list[_Message], fixed: Fixed, *, tool_results: bool, reasoning: bool, cache_key: str = "",
    audio: bool = False, earlier: int = 0,
) -> Asked:  # fmt: skip
    people = [each for each in messages if each.role == "user" and not _has_results(each)]
    first = texts_of(people[0].content) if people else []
    whole, text = _latest(people, first)
    media = _media(messages)
    likely, most = tokens.input_range(body)
    return Asked(
        text=text,
        template=fixed.template,
        prefix=_prefix(fixed, first) if people else "",
        cache_key=cache_key,
        turns=len(people) + earlier,
        in_tokens=likely,
        most_in_tokens=most,
        tools=fixed.tools,
        tool_results=tool_results,
        schema=fixed.schema,
        json=fixed.json,
        labels=fixed.labels,
        images="image" in media,
        audio=audio or "audio" in media,
        files="file" in media,
        reasoning=reasoning,
        code=is_code(text),
        instructions=fixed.instructions,
        quoted=max(0, whole - len(text)),
        fields=fixed.fields,
        picks=fixed.picks,
    )  # fmt: skip


def _latest(people: list[_Message], first: list[str]) -> tuple[int, str]:
    """The latest ask of a person, and how many characters it had with all that was quoted."""
    quoted = 0
    for at in range(len(people) - 1, -1, -1):
        given = texts_of(people[at].content) if at else first
        quoted += sum(map(len, given))
        own = [words for words in map(words_of_person, given) if words]
        if own:
            return quoted, own[0] if len(own) == 1 else "\n".join(own)
        if quoted > LOOKED_THROUGH:
            break
    return quoted, ""


def texts_of(content: msgspec.Raw) -> list[str]:
    """The texts of a message, apart from results of tools. Raises DecodeError for what is no content."""
    raw = memoryview(content)
    if not raw.nbytes or raw[0] == _NULL:
        return []
    if raw[0] == _QUOTE:
        return [_string.decode(content)]
    return [part.text for part in _parts.decode(content) if part.type in _TEXTS and isinstance(part.text, str)]


_NULL, _QUOTE, _LIST = b'n"['
_TEXTS = "text", "input_text"  # not a set: a type may be anything, and a list cannot be hashed
_RESULT = b'"tool_result"'
"""Inside a string a backslash would stand before its second quote."""


def _has_results(message: _Message) -> bool:
    raw = memoryview(message.content)
    return raw.nbytes > 0 and raw[0] == _LIST and _RESULT in bytes(raw)


def _prefix(fixed: Fixed, first: list[str]) -> str:
    """How the conversation began, by its words alone: marks for a provider's cache move from turn to turn."""
    begun = "\n".join(first)[:PREFIX].encode("utf-8", "replace")
    return blake2b(fixed.template.encode() + b"\0" + begun, digest_size=8).hexdigest()


_MEDIA = re.compile(rb'"type"\s*:\s*"(?:input_)?(image|audio|file|document|video|container_upload)(?:_url)?"')
_KINDS = {b"image": "image", b"video": "image", b"audio": "audio"}


def _media(messages: list[_Message]) -> set[str]:
    """What else than text is in the messages, results of tools included."""
    found: set[str] = set()
    for message in messages:
        raw = memoryview(message.content)
        if raw.nbytes and raw[0] == _LIST and message.role != "assistant":
            found.update(_KINDS.get(kind, "file") for kind in _MEDIA.findall(raw))
    return found


def _fixed(
    wire: bytes, system: list[msgspec.Raw], tools: msgspec.Raw, choice: msgspec.Raw, answer: msgspec.Raw,
    answering: Callable[[Any], Answering],
) -> Fixed:  # fmt: skip
    key = b"\0".join((wire, tools, choice, answer, *system))
    known = _memo.get(key)
    if known is None:
        instructions = "\n".join(text for raw in system for text in texts_of(raw))
        listed = decoded_list(bytes(tools)) if tools is not NULL else []
        forced = _forced(anything(choice), listed) if choice is not NULL else None
        shape = answering(anything(answer)) if answer is not NULL else _PLAIN
        known = fixed_part(instructions, listed, shape, forced)
        _memo.put(key, known)
    return known


_memo = Memo()
_PLAIN = Answering()


def _forced(choice: Any, tools: list[Any]) -> Any:
    """The schema of the tool that must be used; None if the model may choose."""
    if choice in ("required", "any") or member(choice, "type") == "any":
        return schema_of(tools[0]) if len(tools) == 1 else None
    name = member(choice, "function", "name") or member(choice, "name")
    if not isinstance(name, str):
        return None
    return next((schema_of(tool) for tool in tools if name_of(tool) == name), None)


def _chat_answering(format: Any) -> Answering:
    kind = member(format, "type")
    if kind == "json_schema":
        return Answering(True, True, member(format, "json_schema", "schema"))
    return Answering(json=kind == "json_object")


def _responses_answering(text: Any) -> Answering:
    format = member(text, "format")
    kind = member(format, "type")
    if kind == "json_schema":
        return Answering(True, True, member(format, "schema"))
    return Answering(json=kind == "json_object")


def _messages_answering(value: Any) -> Answering:
    format = member(value, "format") or value
    if member(format, "type") != "json_schema":
        return _PLAIN
    return Answering(True, True, member(format, "schema"))


def _name(raw: msgspec.Raw) -> str:
    """A name, or an object's id."""
    if raw is NULL:
        return ""
    value = anything(raw)
    if isinstance(value, dict):
        value = value.get("id")
    return value[:LABEL] if isinstance(value, str) else ""


def _wants(raw: msgspec.Raw) -> bool:
    """Whether a member asks for thinking: by an effort, a budget, or as such."""
    if raw is NULL:
        return False
    value = anything(raw)
    if isinstance(value, dict):
        if "type" in value:
            return bool(value["type"] != "disabled")
        value = value.get("effort") or value.get("max_tokens") or value.get("enabled")
    return bool(value) and value != "none"


def _wants_effort(raw: msgspec.Raw) -> bool:
    return raw is not NULL and member(anything(raw), "effort") not in (None, "none")


_CODE_MARKS = (
    "def ",
    "function",
    "class ",
    "import ",
    "#include",
    "SELECT ",
    "select ",
    "();",
    "{\n",
    "=>",
    "return ",
    "</",
)
_SOURCE = re.compile(
    r"^\s{0,12}(?:(?:async )?def \w+\(|class \w+[:({ ]*$|(?:export |async |public |private |static )*function \w*\("
    r"|import [\w.{}*, ]+(?: from ['\"]|;|$)|from [\w.]+ import |#include\s*[<\"]|public (?:static |class )"
    r"|(?:const|let|var) \w+ ?= ?|return [^\n]*;$|\w+\([^\n]*\);$|[})]+;$|<\?php|package \w+;?$|func \w*\(|fn \w+\()"
    r"|\b(?:SELECT|select)\b[^\n]{1,200}\b(?:FROM|from)\b \w+",
    re.MULTILINE,
)


def is_code(text: str) -> bool:
    """A fence, or what looks like source text; the cheap looks come first."""
    if "`" in text and "```" in text:
        return True
    if len(text) > 2 * CODE_IN:
        text = text[:CODE_IN] + "\n" + text[-CODE_IN:]
    if not ("(" in text or "{" in text or ";" in text or "=" in text or "<" in text):
        return ("SELECT " in text or "select " in text) and _SOURCE.search(text) is not None
    return any(mark in text for mark in _CODE_MARKS) and _SOURCE.search(text) is not None
