"""A Messages request as typed values, read from clients and written for providers.

Unknown fields do not pass the decoder. Fields of type Any are read only to be refused or dropped. Null means absent.
Knows nothing of chat completions.
"""

from typing import Any

import msgspec


class _Strict(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    pass


class CacheControl(_Strict, tag_field="type", tag="ephemeral"):
    ttl: str | None = None


# --- sources of images and documents


class Base64Source(_Strict, tag_field="type", tag="base64"):
    media_type: str
    data: str


class UrlSource(_Strict, tag_field="type", tag="url"):
    url: str


class TextSource(_Strict, tag_field="type", tag="text"):
    data: str
    media_type: str = ""


class FileSource(_Strict, tag_field="type", tag="file"):
    file_id: str


# --- blocks


class Text(_Strict, tag_field="type", tag="text"):
    text: str
    cache_control: CacheControl | None = None
    citations: Any = None
    parsed_output: Any = None


class Image(_Strict, tag_field="type", tag="image"):
    source: Base64Source | UrlSource | FileSource
    cache_control: CacheControl | None = None
    transformations: Any = None


class ContentSource(_Strict, tag_field="type", tag="content"):
    content: str | list[Text | Image]


class Document(_Strict, tag_field="type", tag="document"):
    source: Base64Source | UrlSource | TextSource | ContentSource | FileSource
    title: str | None = None
    context: str | None = None
    cache_control: CacheControl | None = None
    citations: Any = None


class SearchResult(_Strict, tag_field="type", tag="search_result"):
    source: str
    title: str
    content: list[Text]
    cache_control: CacheControl | None = None
    citations: Any = None


class Thinking(_Strict, tag_field="type", tag="thinking"):
    thinking: Any = None
    signature: Any = None


class RedactedThinking(_Strict, tag_field="type", tag="redacted_thinking"):
    data: Any = None


class ToolUse(_Strict, tag_field="type", tag="tool_use"):
    id: str
    name: str
    input: msgspec.Raw
    cache_control: CacheControl | None = None
    caller: Any = None
    toolset_name: Any = None


ResultBlock = Text | Image | Document | SearchResult


class ToolResult(_Strict, tag_field="type", tag="tool_result"):
    tool_use_id: str
    content: str | list[ResultBlock] | None = None
    is_error: bool | None = None
    cache_control: CacheControl | None = None
    toolset_name: Any = None


UserBlock = ResultBlock | ToolResult
AssistantBlock = Text | Thinking | RedactedThinking | ToolUse


# --- messages


class UserMessage(_Strict, tag_field="role", tag="user"):
    content: str | list[UserBlock]

    @property
    def blocks(self) -> list[UserBlock]:
        """The content as blocks; a plain text is one."""
        return [Text(self.content)] if isinstance(self.content, str) else self.content


class AssistantMessage(_Strict, tag_field="role", tag="assistant"):
    content: str | list[AssistantBlock]

    @property
    def blocks(self) -> list[AssistantBlock]:
        """The content as blocks; a plain text is one."""
        return [Text(self.content)] if isinstance(self.content, str) else self.content


class SystemMessage(_Strict, tag_field="role", tag="system"):
    content: str | list[Text]


Message = UserMessage | AssistantMessage | SystemMessage


# --- tools and settings


class Tool(_Strict):
    name: str
    input_schema: msgspec.Raw
    description: str | None = None
    strict: bool | None = None
    type: str | None = None
    cache_control: CacheControl | None = None
    eager_input_streaming: Any = None
    input_examples: list[msgspec.Raw] | None = None
    allowed_callers: Any = None
    defer_loading: Any = None


class ToolKind(msgspec.Struct, gc=False):
    """Only what tells a tool of the client's own from one that Anthropic defines."""

    type: str | None = None


class ToolChoice(_Strict):
    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class OutputFormat(_Strict, tag_field="type", tag="json_schema"):
    schema: msgspec.Raw


class OutputConfig(_Strict):
    effort: str | None = None
    format: OutputFormat | None = None


class ThinkingConfig(_Strict):
    type: str
    budget_tokens: int | None = None
    display: str | None = None


class Metadata(_Strict):
    user_id: str | None = None


class Edit(msgspec.Struct, gc=False):
    """One edit of `context_management`; only its kind matters here."""

    type: str = ""


class ContextManagement(_Strict):
    edits: list[Edit] | None = None


class Request(_Strict):
    model: str
    max_tokens: int
    messages: list[Message]
    system: str | list[Text] | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: list[str] | None = None
    stream: bool | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    output_config: OutputConfig | None = None
    thinking: ThinkingConfig | None = None
    service_tier: str | None = None
    metadata: Metadata | None = None
    cache_control: Any = None
    context_management: ContextManagement | None = None
    diagnostics: Any = None
    container: Any = None
    inference_geo: Any = None
    mcp_servers: Any = None
    speed: Any = None
    top_k: Any = None


decoder = msgspec.json.Decoder(Request)
