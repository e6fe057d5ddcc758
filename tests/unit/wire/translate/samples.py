"""Bodies and streams as the providers send them, and how to take them apart again."""

import json
from collections.abc import Iterator
from typing import Any

from farthing.model.call import Ask
from farthing.wire.translate import TRANSLATIONS

CHAT_ON_CLAUDE = TRANSLATIONS["openai.chat", "anthropic.messages"]
CLAUDE_ON_CHAT = TRANSLATIONS["anthropic.messages", "openai.chat"]


def ask(**fields: Any) -> Ask:
    return Ask(model="asked", **fields)


def to_claude(request: dict[str, Any], model: str = "claude-opus-5") -> dict[str, Any]:
    """A chat request, sent on to Claude; whatever is required and missing is filled in."""
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hi"}], **request}).encode()
    return json.loads(CHAT_ON_CLAUDE.request(body, ask(), model))


def to_chat(request: dict[str, Any], model: str = "gpt-4o", said: Ask | None = None) -> dict[str, Any]:
    """A Messages request, sent on to a chat provider; whatever is required and missing is filled in."""
    filled = {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}], **request}
    return json.loads(CLAUDE_ON_CHAT.request(json.dumps(filled).encode(), said or ask(), model))


def claude_event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def claude_message(
    content: list[dict[str, Any]], stop_reason: str | None = "end_turn", **fields: Any
) -> dict[str, Any]:
    return {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-5", "content": content,
        "stop_reason": stop_reason, "stop_sequence": None,
        "usage": {"input_tokens": 10, "cache_creation_input_tokens": 3, "cache_read_input_tokens": 5, "output_tokens": 7},
        **fields,
    }  # fmt: skip


def claude_stream(content: list[dict[str, Any]], stop_reason: str = "end_turn", piece: int = 4) -> bytes:
    """The message as Claude streams it: texts and JSON in pieces of `piece` characters."""
    out = [claude_event("message_start", message=claude_message([], None)), claude_event("ping")]
    for index, block in enumerate(content):
        kind = block["type"]
        empty = {
            "text": {"type": "text", "text": ""},
            "thinking": {"type": "thinking", "thinking": "", "signature": ""},
            "tool_use": {**block, "input": {}},
        }[kind]
        out.append(claude_event("content_block_start", index=index, content_block=empty))
        name, text = {
            "text": ("text", block.get("text", "")),
            "thinking": ("thinking", block.get("thinking", "")),
            "tool_use": ("partial_json", json.dumps(block.get("input", {}))),
        }[kind]
        delta_type = {"text": "text_delta", "thinking": "thinking_delta", "tool_use": "input_json_delta"}[kind]
        for at in range(0, len(text), piece):
            delta = {"type": delta_type, name: text[at : at + piece]}
            out.append(claude_event("content_block_delta", index=index, delta=delta))
        if kind == "thinking":
            delta = {"type": "signature_delta", "signature": "c2ln"}
            out.append(claude_event("content_block_delta", index=index, delta=delta))
        out.append(claude_event("content_block_stop", index=index))
    delta = {"stop_reason": stop_reason, "stop_sequence": None}
    out.append(claude_event("message_delta", delta=delta, usage={"output_tokens": 7}))
    out.append(claude_event("message_stop"))
    return b"".join(out)


CHAT_USAGE = {
    "prompt_tokens": 18, "completion_tokens": 7, "total_tokens": 25,
    "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 3},
    "completion_tokens_details": {"reasoning_tokens": 2},
}  # fmt: skip


def completion(message: dict[str, Any], finish: str = "stop", **fields: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": None, **message}, "finish_reason": finish}],
        "usage": CHAT_USAGE, **fields,
    }  # fmt: skip


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **fields: Any) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
    body = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-2024-08-06"}
    return f"data: {json.dumps({**body, 'choices': choices, **fields})}\n\n".encode()


def chat_stream(message: dict[str, Any], finish: str = "stop", piece: int = 4) -> bytes:
    """The message as OpenAI streams it: texts and arguments in pieces of `piece` characters, usage at the end."""
    out = [chunk({"role": "assistant", "content": "", "refusal": None})]
    for name in ("reasoning_content", "content", "refusal"):
        text = message.get(name) or ""
        out += [chunk({name: text[at : at + piece]}) for at in range(0, len(text), piece)]
    for index, call in enumerate(message.get("tool_calls", [])):
        function = call["function"]
        head = {
            "index": index,
            "id": call["id"],
            "type": "function",
            "function": {"name": function["name"], "arguments": ""},
        }
        out.append(chunk({"tool_calls": [head]}))
        text = function["arguments"]
        for at in range(0, len(text), piece):
            out.append(chunk({"tool_calls": [{"index": index, "function": {"arguments": text[at : at + piece]}}]}))
    out += [chunk({}, finish), chunk(usage=CHAT_USAGE), b"data: [DONE]\n\n"]
    return b"".join(out)


def payloads(stream: bytes) -> Iterator[Any]:
    """The JSON of each event, and the end mark as a string."""
    for event in stream.decode().split("\n\n"):
        for line in event.splitlines():
            if line.startswith("data: "):
                yield "[DONE]" if line == "data: [DONE]" else json.loads(line[6:])


def named_events(stream: bytes) -> list[str]:
    return [line[7:] for line in stream.decode().splitlines() if line.startswith("event: ")]
