"""What happens to each field of a Messages request on its way to a provider that speaks chat completions.

Read by the translation (refused fields), by its tests (no field without a fate) and by the reference page.
"""

import msgspec

from farthing.wire.translate import messages_request as claude
from farthing.wire.translate.refusal import Fates, carried, dropped, refused

_MARK = dropped("a hint for Anthropic's prompt cache; other providers cache by themselves or not at all")
_THOUGHTS = dropped("thinking of an earlier turn, which only Claude can use (its signature is Claude's)")
_CITATIONS = refused("chat completions cite no documents", {"enabled": False}, {})
_TOOLSET = refused("toolsets are Anthropic's own")

REQUEST: Fates = {
    "model": carried("`model`, as the deployment names it"),
    "max_tokens": carried("`max_completion_tokens` for OpenAI's reasoning models, `max_tokens` for all others"),
    "messages": carried("`messages`; a conversation that ends with the assistant (prefill) is refused"),
    "system": carried("a first `system` message; blocks are joined by an empty line"),
    "temperature": carried("`temperature`"),
    "top_p": carried("`top_p`"),
    "stop_sequences": carried("`stop`"),
    "stream": carried("`stream`, with `stream_options.include_usage`, which the meter needs"),
    "tools": carried("`tools`; tools that Anthropic defines (web search, bash, ...) are refused"),
    "tool_choice": carried("`tool_choice` and `parallel_tool_calls`"),
    "output_config": carried("`reasoning_effort` and `response_format`"),
    "thinking": carried(
        "`reasoning_effort`, from a budget, where the model is known to take it; the answer shows reasoning"
    ),
    "service_tier": carried("`service_tier`: `standard_only` becomes `default`, `auto` is the default"),
    "metadata": carried("`user`"),
    "cache_control": _MARK,
    "context_management": carried(
        "nothing for `clear_thinking_*`, since thinking is not sent; other edits are refused"
    ),
    "diagnostics": dropped("asks about Anthropic's prompt cache, which is not used"),
    "container": refused("containers are Anthropic's own"),
    "inference_geo": refused("where a call runs can be promised by Anthropic only"),
    "mcp_servers": refused("the provider of this model connects to no MCP servers; let the client do it", []),
    "speed": refused("fast mode is Anthropic's own", "standard"),
    "top_k": refused("chat completions have no such setting; leave it out"),
}

USER: Fates = {
    "content": carried("`content`; tool results become `tool` messages before it"),
}

ASSISTANT: Fates = {"content": carried("`content` (texts are joined as they are) and `tool_calls`")}

SYSTEM: Fates = {"content": carried("a `system` message at the same place")}

TEXT: Fates = {
    "text": carried("`text` part, or the message's plain `content`"),
    "cache_control": _MARK,
    "citations": dropped("citations of an earlier answer, made for people"),
    "parsed_output": dropped("the SDK's own reading of `text`"),
}

IMAGE: Fates = {
    "source": carried("`image_url` part: base64 becomes a data URL; `file` sources are refused"),
    "cache_control": _MARK,
    "transformations": refused(
        "what happens to large images is another provider's own affair", {}, {"oversized_image": "downsize"}
    ),
}

DOCUMENT: Fates = {
    "source": carried(
        "`file` part for a PDF as base64, `text` part for text; URLs of PDFs and `file` sources are refused"
    ),
    "title": carried("`file.filename`, or the first line of the text"),
    "context": carried("a `text` part before it"),
    "cache_control": _MARK,
    "citations": _CITATIONS,
}

SEARCH_RESULT: Fates = {
    "source": carried("a `text` part"),
    "title": carried("a `text` part"),
    "content": carried("a `text` part"),
    "cache_control": _MARK,
    "citations": _CITATIONS,
}

THINKING: Fates = {"thinking": _THOUGHTS, "signature": _THOUGHTS}

REDACTED_THINKING: Fates = {"data": _THOUGHTS}

TOOL_USE: Fates = {
    "id": carried("`id`"),
    "name": carried("`function.name`"),
    "input": carried("`function.arguments`, as JSON text"),
    "cache_control": _MARK,
    "caller": refused("tools that are called from code are Anthropic's own", {"type": "direct"}),
    "toolset_name": _TOOLSET,
}

TOOL_RESULT: Fates = {
    "tool_use_id": carried("`tool_call_id`"),
    "content": carried("`content`; images and PDFs go into the user message that follows, since tools answer in text"),
    "is_error": carried("`Error: ` before the text"),
    "cache_control": _MARK,
    "toolset_name": _TOOLSET,
}

BASE64_SOURCE: Fates = {"media_type": carried("data URL"), "data": carried("data URL")}

URL_SOURCE: Fates = {"url": carried("`image_url.url`; refused for documents")}

TEXT_SOURCE: Fates = {"data": carried("`text` part"), "media_type": dropped("it is always plain text")}

CONTENT_SOURCE: Fates = {"content": carried("`text` and `image_url` parts")}

FILE_SOURCE: Fates = {"file_id": refused("the file lies at another provider; send its contents")}

CACHE_CONTROL: Fates = {"ttl": _MARK}

TOOL: Fates = {
    "name": carried("`function.name`"),
    "input_schema": carried("`function.parameters`"),
    "description": carried("`function.description`"),
    "strict": carried("`function.strict`"),
    "type": carried("only `custom` is"),
    "cache_control": _MARK,
    "eager_input_streaming": dropped("says how soon parts of the input are sent, not what they are"),
    "input_examples": carried("the end of `function.description`"),
    "allowed_callers": refused("tools that are called from code are Anthropic's own", ["direct"], []),
    "defer_loading": refused("tool search is Anthropic's own", False),
}

TOOL_CHOICE: Fates = {
    "type": carried("auto, none, `any` (required) or `tool` (one function)"),
    "name": carried("`tool_choice.function.name`"),
    "disable_parallel_tool_use": carried("`parallel_tool_calls: false`"),
}

OUTPUT_CONFIG: Fates = {
    "effort": carried("`reasoning_effort` where the model is known to take it; other models have one way to think"),
    "format": carried("`response_format` of type `json_schema`, strict"),
}

OUTPUT_FORMAT: Fates = {"schema": carried("`response_format.json_schema.schema`")}

THINKING_CONFIG: Fates = {
    "type": carried(
        "a budget (`enabled`) only; `adaptive`, `between_tools` and `disabled` leave the model's own default"
    ),
    "budget_tokens": carried("`reasoning_effort`: low up to 2048, medium up to 8192, high above"),
    "display": dropped("reasoning is shown as the provider sends it"),
}

METADATA: Fates = {
    "user_id": carried("`user`; ids of more than 64 characters as their SHA-256, since OpenAI takes no longer ones")
}

CONTEXT_MANAGEMENT: Fates = {"edits": carried("nothing for `clear_thinking_*`; others are refused")}

FOREIGN_EDIT = "no other provider edits the conversation before it reads it; let the client do it"
FOREIGN_TOOL = "is a tool that Anthropic defines; the provider of this model has no such tool"

FATES: dict[type[msgspec.Struct], tuple[str, Fates]] = {
    claude.Request: ("request", REQUEST),
    claude.Metadata: ("metadata", METADATA),
    claude.ThinkingConfig: ("thinking", THINKING_CONFIG),
    claude.OutputConfig: ("output_config", OUTPUT_CONFIG),
    claude.OutputFormat: ("output_config.format", OUTPUT_FORMAT),
    claude.ContextManagement: ("context_management", CONTEXT_MANAGEMENT),
    claude.ToolChoice: ("tool_choice", TOOL_CHOICE),
    claude.Tool: ("tools[]", TOOL),
    claude.UserMessage: ("messages[] user", USER),
    claude.AssistantMessage: ("messages[] assistant", ASSISTANT),
    claude.SystemMessage: ("messages[] system", SYSTEM),
    claude.Text: ("content[] text", TEXT),
    claude.Image: ("content[] image", IMAGE),
    claude.Document: ("content[] document", DOCUMENT),
    claude.SearchResult: ("content[] search_result", SEARCH_RESULT),
    claude.Thinking: ("content[] thinking", THINKING),
    claude.RedactedThinking: ("content[] redacted_thinking", REDACTED_THINKING),
    claude.ToolUse: ("content[] tool_use", TOOL_USE),
    claude.ToolResult: ("content[] tool_result", TOOL_RESULT),
    claude.Base64Source: ("source base64", BASE64_SOURCE),
    claude.UrlSource: ("source url", URL_SOURCE),
    claude.TextSource: ("source text", TEXT_SOURCE),
    claude.ContentSource: ("source content", CONTENT_SOURCE),
    claude.FileSource: ("source file", FILE_SOURCE),
    claude.CacheControl: ("cache_control", CACHE_CONTROL),
}
"""By the type that reads the object: its place in a request, and the fates of its fields."""
