"""A chat-completions request as typed values, read from clients and written for providers.

Unknown fields do not pass the decoder. Fields of type Any are read only to be refused or dropped. Null means absent.
Knows nothing of Messages.
"""

from typing import Any

import msgspec

NOTHING = msgspec.Raw(b"")
"""A raw field that is absent."""


class _Strict(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    pass


class CacheBreakpoint(_Strict):
    mode: str
    ttl: str | None = None


# --- parts of a message


class TextPart(_Strict, tag_field="type", tag="text"):
    text: str
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class ImageUrl(_Strict):
    url: str
    detail: str | None = None


class ImagePart(_Strict, tag_field="type", tag="image_url"):
    image_url: ImageUrl
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class File(_Strict):
    filename: str | None = None
    file_data: str | None = None
    file_id: str | None = None


class FilePart(_Strict, tag_field="type", tag="file"):
    file: File
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class AudioPart(_Strict, tag_field="type", tag="input_audio"):
    input_audio: Any


class RefusalPart(_Strict, tag_field="type", tag="refusal"):
    refusal: str


UserPart = TextPart | ImagePart | FilePart | AudioPart


# --- messages


class FunctionCall(_Strict):
    name: str
    arguments: str
    parsed_arguments: Any = None


class ToolCall(_Strict, tag_field="type", tag="function"):
    id: str
    function: FunctionCall
    index: Any = None


class SystemMessage(_Strict, tag_field="role", tag="system"):
    content: str | list[TextPart]
    name: str | None = None


class DeveloperMessage(_Strict, tag_field="role", tag="developer"):
    content: str | list[TextPart]
    name: str | None = None


class UserMessage(_Strict, tag_field="role", tag="user"):
    content: str | list[UserPart]
    name: str | None = None


class AssistantMessage(_Strict, tag_field="role", tag="assistant"):
    content: str | list[TextPart | RefusalPart] | msgspec.UnsetType | None = msgspec.UNSET
    tool_calls: list[ToolCall] | None = None
    refusal: str | None = None
    name: str | None = None
    audio: Any = None
    function_call: Any = None
    annotations: Any = None
    parsed: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    reasoning_details: Any = None


class ToolMessage(_Strict, tag_field="role", tag="tool"):
    tool_call_id: str
    content: str | list[TextPart]
    name: str | None = None


class FunctionMessage(_Strict, tag_field="role", tag="function"):
    name: Any = None
    content: Any = None


Message = SystemMessage | DeveloperMessage | UserMessage | AssistantMessage | ToolMessage | FunctionMessage


# --- tools and formats


class Function(_Strict):
    name: str
    description: str | None = None
    parameters: msgspec.Raw = NOTHING
    strict: bool | None = None


class Tool(_Strict, tag_field="type", tag="function"):
    function: Function


class FunctionName(_Strict):
    name: str


class NamedTool(_Strict, tag_field="type", tag="function"):
    function: FunctionName


class JsonSchema(_Strict):
    name: str | None = None
    schema: msgspec.Raw = NOTHING
    description: str | None = None
    strict: bool | None = None


class TextFormat(_Strict, tag_field="type", tag="text"):
    pass


class JsonObjectFormat(_Strict, tag_field="type", tag="json_object"):
    pass


class JsonSchemaFormat(_Strict, tag_field="type", tag="json_schema"):
    json_schema: JsonSchema


ResponseFormat = TextFormat | JsonObjectFormat | JsonSchemaFormat


class StreamOptions(_Strict):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class Request(_Strict):
    model: str
    messages: list[Message]
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    tools: list[Tool] | None = None
    tool_choice: str | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: str | None = None
    service_tier: str | None = None
    user: str | None = None
    safety_identifier: str | None = None
    metadata: Any = None
    prediction: Any = None
    prompt_cache_key: Any = None
    prompt_cache_options: Any = None
    prompt_cache_retention: Any = None
    audio: Any = None
    frequency_penalty: Any = None
    function_call: Any = None
    functions: Any = None
    logit_bias: Any = None
    logprobs: Any = None
    modalities: Any = None
    moderation: Any = None
    n: Any = None
    presence_penalty: Any = None
    seed: Any = None
    store: Any = None
    top_logprobs: Any = None
    verbosity: Any = None
    web_search_options: Any = None


decoder = msgspec.json.Decoder(Request)
