"""What happens to each field of a chat-completions request on its way to a Messages provider.

Read by the translation (refused fields), by its tests (no field without a fate) and by the reference page.
"""

import msgspec

from farthing.wire.translate import chat_request as chat
from farthing.wire.translate.refusal import Fates, carried, dropped, refused

_NO_WORD = "the Messages API has no such setting; leave it out or use a model whose provider speaks chat completions"
_CACHE = dropped("a hint for OpenAI's own prompt cache, which no answer depends on")
_LABEL = dropped("a label for the provider's own pages; Farthing has read it already")
_REASONING = dropped("reasoning of an earlier turn, which no model needs and Claude accepts only with its signature")
_NAME = refused("Messages has no names of participants; write the name into the text where the model shall see it", "")
_BREAKPOINT = carried("`cache_control`; with a `ttl` of its own it becomes `1h`, the longest that Claude keeps")

REQUEST: Fates = {
    "model": carried("`model`, as the deployment names it"),
    "messages": carried("`messages` and `system`; neighbours of the same role become one message"),
    "max_tokens": carried("`max_tokens`"),
    "max_completion_tokens": carried("`max_tokens`; without a limit 8192 and the room for the reasoning asked for"),
    "temperature": carried("`temperature`; 1 is the default of both and is left out, above 1 is refused"),
    "top_p": carried("`top_p`; 1 is the default of both and is left out"),
    "stop": carried("`stop_sequences`"),
    "stream": carried("`stream`"),
    "stream_options": carried("the usage chunk is written by Farthing; `include_obfuscation: true` is refused"),
    "tools": carried("`tools`; `custom` tools are refused"),
    "tool_choice": carried("`tool_choice`: auto, none, required (`any`) or one function (`tool`)"),
    "parallel_tool_calls": carried("`tool_choice.disable_parallel_tool_use`"),
    "response_format": carried("`output_config.format` for `json_schema`; `json_object` is refused"),
    "reasoning_effort": carried("`thinking` and `output_config.effort`, or a budget for Claude 4.5 and older"),
    "service_tier": carried(
        "`service_tier`: `default` becomes `standard_only`, `auto` is the default; others are refused"
    ),
    "user": carried("`metadata.user_id`, unless there is a `safety_identifier`"),
    "safety_identifier": carried("`metadata.user_id`"),
    "metadata": _LABEL,
    "prediction": dropped("it makes an answer faster at OpenAI, never another one"),
    "prompt_cache_key": _CACHE,
    "prompt_cache_options": _CACHE,
    "prompt_cache_retention": _CACHE,
    "audio": refused("Claude does not speak"),
    "frequency_penalty": refused(_NO_WORD, 0),
    "function_call": refused("the older form of `tool_choice`, which has no counterpart; use `tool_choice`"),
    "functions": refused("the older form of `tools`, which has no counterpart; use `tools`", []),
    "logit_bias": refused(_NO_WORD, {}),
    "logprobs": refused("Claude does not tell probabilities", False),
    "modalities": refused("Claude answers in text only", ["text"], []),
    "moderation": refused(_NO_WORD),
    "n": refused("Claude gives one answer a call; send the call again for another", 1),
    "presence_penalty": refused(_NO_WORD, 0),
    "seed": refused(_NO_WORD),
    "store": refused("Anthropic does not keep answers for later retrieval", False),
    "top_logprobs": refused("Claude does not tell probabilities", 0),
    "verbosity": refused(_NO_WORD, "medium"),
    "web_search_options": refused("web search is another kind of tool at Anthropic, with an answer of another shape"),
}

SYSTEM: Fates = {
    "content": carried("`system`, wherever in the conversation it stood: older Claude models take it nowhere else"),
    "name": _NAME,
}

USER: Fates = {"content": carried("`content`; empty texts are left out, because Claude refuses them"), "name": _NAME}

ASSISTANT: Fates = {
    "content": carried(
        "`text` blocks; a conversation that ends with the assistant is refused (Claude would go on with it)"
    ),
    "tool_calls": carried("`tool_use` blocks; arguments must be a JSON object, empty ones are `{}`"),
    "refusal": carried("a `text` block, so that the model knows that it refused"),
    "name": _NAME,
    "audio": refused("Claude does not hear"),
    "function_call": refused("the older form of `tool_calls`, which has no counterpart; use `tool_calls`"),
    "annotations": dropped("citations of an earlier answer, made for people"),
    "parsed": dropped("the SDK's own reading of `content`"),
    "reasoning_content": _REASONING,
    "reasoning": _REASONING,
    "reasoning_details": _REASONING,
}

TOOL_MESSAGE: Fates = {
    "tool_call_id": carried(
        "`tool_use_id`; characters that Claude does not allow in ids become `_`, here and in the call"
    ),
    "content": carried("`tool_result` block; all results of a turn in one user message, before its text"),
    "name": dropped("the id tells which tool it was"),
}

FUNCTION_MESSAGE: Fates = {
    "name": refused("the older form of a `tool` message, which has no counterpart; use `tool`"),
    "content": refused("the older form of a `tool` message, which has no counterpart; use `tool`"),
}

TEXT: Fates = {"text": carried("`text` block"), "prompt_cache_breakpoint": _BREAKPOINT}

REFUSAL: Fates = {"refusal": carried("`text` block")}

IMAGE: Fates = {
    "image_url": carried("`image` block: data URLs become `base64` sources, http and https URLs `url` sources"),
    "prompt_cache_breakpoint": _BREAKPOINT,
}

IMAGE_URL: Fates = {
    "url": carried("`source`"),
    "detail": dropped("Claude has one resolution; the image is seen as well as with any detail"),
}

FILE_PART: Fates = {
    "file": carried("`document` block (PDF, plain text) or `image` block"),
    "prompt_cache_breakpoint": _BREAKPOINT,
}

FILE: Fates = {
    "filename": carried("`title`"),
    "file_data": carried("`source`; other types than PDF, text and images are refused"),
    "file_id": refused("the file lies at another provider; send its contents as `file_data`"),
}

AUDIO: Fates = {"input_audio": refused("Claude does not hear; send a transcript as text")}

BREAKPOINT: Fates = {"mode": carried("`cache_control.type`"), "ttl": carried("`cache_control.ttl`")}

TOOL_CALL: Fates = {
    "id": carried("`id`"),
    "function": carried("`name` and `input`"),
    "index": dropped("left over from a stream"),
}

FUNCTION_CALL: Fates = {
    "name": carried("`name`"),
    "arguments": carried("`input`"),
    "parsed_arguments": dropped("the SDK's own reading of `arguments`"),
}

TOOL: Fates = {"function": carried("an entry of `tools`")}

FUNCTION: Fates = {
    "name": carried("`name`"),
    "description": carried("`description`"),
    "parameters": carried("`input_schema`; without a `type` it gets `object`, which Claude demands"),
    "strict": carried("`strict`"),
}

NAMED_TOOL: Fates = {"function": carried("`tool_choice.name`")}

JSON_SCHEMA: Fates = {
    "name": dropped("a label that Claude does not show to the model"),
    "schema": carried("`output_config.format.schema`"),
    "description": carried("`description` of the schema, unless that has one"),
    "strict": dropped("Claude always keeps to the schema"),
}

JSON_OBJECT_FORMAT = refused("Claude cannot promise JSON without a schema; use `json_schema`")

STREAM_OPTIONS: Fates = {
    "include_usage": carried("a last chunk with the usage, written by Farthing"),
    "include_obfuscation": refused("the stream of a translated answer is not padded", False),
}

FATES: dict[type[msgspec.Struct], tuple[str, Fates]] = {
    chat.Request: ("request", REQUEST),
    chat.StreamOptions: ("stream_options", STREAM_OPTIONS),
    chat.SystemMessage: ("messages[] system", SYSTEM),
    chat.DeveloperMessage: ("messages[] developer", SYSTEM),
    chat.UserMessage: ("messages[] user", USER),
    chat.AssistantMessage: ("messages[] assistant", ASSISTANT),
    chat.ToolCall: ("messages[].tool_calls[]", TOOL_CALL),
    chat.FunctionCall: ("messages[].tool_calls[].function", FUNCTION_CALL),
    chat.ToolMessage: ("messages[] tool", TOOL_MESSAGE),
    chat.FunctionMessage: ("messages[] function", FUNCTION_MESSAGE),
    chat.TextPart: ("content[] text", TEXT),
    chat.RefusalPart: ("content[] refusal", REFUSAL),
    chat.ImagePart: ("content[] image_url", IMAGE),
    chat.ImageUrl: ("content[].image_url", IMAGE_URL),
    chat.FilePart: ("content[] file", FILE_PART),
    chat.File: ("content[].file", FILE),
    chat.AudioPart: ("content[] input_audio", AUDIO),
    chat.CacheBreakpoint: ("content[].prompt_cache_breakpoint", BREAKPOINT),
    chat.Tool: ("tools[]", TOOL),
    chat.Function: ("tools[].function", FUNCTION),
    chat.NamedTool: ("tool_choice", NAMED_TOOL),
    chat.FunctionName: ("tool_choice.function", {"name": carried("`tool_choice.name`")}),
    chat.TextFormat: ("response_format text", {}),
    chat.JsonObjectFormat: ("response_format json_object", {"type": JSON_OBJECT_FORMAT}),
    chat.JsonSchemaFormat: ("response_format json_schema", {"json_schema": carried("`output_config.format`")}),
    chat.JsonSchema: ("response_format.json_schema", JSON_SCHEMA),
}
"""By the type that reads the object: its place in a request, and the fates of its fields."""
