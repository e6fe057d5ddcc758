"""What an answer says, whichever wire it came in and whether it came whole or as a stream: its words, the tools it calls,
why it ended. For whoever looks at quality. Knows nothing of requests; what is neither words nor a call is left out.
"""

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from farthing.wire import sse
from farthing.wire.lenient import anything, member

Finish = Literal["stop", "length", "filter", "tools", ""]
"""The model was done; it met an output limit; a filter stopped it, or it refused; it waits for tools; not known."""

_FINISH: dict[str, Finish] = {
    "stop": "stop", "end_turn": "stop", "stop_sequence": "stop", "completed": "stop",
    "length": "length", "max_tokens": "length", "max_output_tokens": "length", "incomplete": "length",
    "model_context_window_exceeded": "length", "content_filter": "filter", "refusal": "filter",
    "tool_calls": "tools", "function_call": "tools", "tool_use": "tools",
}  # fmt: skip


class Used(msgspec.Struct, frozen=True):
    """A tool that the model wants to be run."""

    name: str
    arguments: str
    """JSON, as the model wrote it; it may be none."""


class Said(msgspec.Struct, frozen=True):
    text: str = ""
    tools: tuple[Used, ...] = ()
    finish: Finish = ""


def said(format: str, data: bytes) -> Said | None:
    """What the answer says; `data` is a JSON document or a whole stream of events. None where it is an error, was cut, or
    cannot be read. Never raises."""
    read = _READERS.get(format)
    if read is None:
        return None
    try:
        whole = anything(data) if data.lstrip()[:1] == b"{" else _WHOLE_OF[format](_events(data))
        return read(whole) if isinstance(whole, dict) and not whole.get("error") else None
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, RecursionError):
        return None  # not built as an answer is


def _events(data: bytes) -> Iterator[dict[str, Any]]:
    for payload in sse.payloads(data):
        if payload.startswith(sse.DONE):
            return
        event = anything(payload)
        if not isinstance(event, dict) or event.get("error") or event.get("type") == "error":
            raise ValueError("an event that is none of an answer")
        yield event


def _chat(answer: dict[str, Any]) -> Said:
    choice = answer["choices"][0]
    message = choice["message"]
    tools = [_used(call["function"]) for call in message.get("tool_calls") or [] if call.get("function")]
    if message.get("function_call"):
        tools.append(_used(message["function_call"]))
    finish = "refusal" if message.get("refusal") else choice.get("finish_reason")
    return Said(_text(message.get("content")), tuple(tools), _finish(finish))


def _messages(answer: dict[str, Any]) -> Said:
    blocks = answer["content"]
    tools = [
        Used(str(block.get("name")), _json(block.get("input")))
        for block in blocks if block.get("type") == "tool_use"
    ]  # fmt: skip
    text = "".join(str(block.get("text") or "") for block in blocks if block.get("type") == "text")
    return Said(text, tuple(tools), _finish(answer.get("stop_reason")))


def _responses(answer: dict[str, Any]) -> Said:
    texts, tools, refused = [], [], False
    for item in answer["output"]:
        if item.get("type") == "function_call":
            tools.append(_used(item))
        elif item.get("type") == "message":
            texts.append(_text(item.get("content")))
            refused |= any(part.get("type") == "refusal" for part in item.get("content") or [])
    status = member(answer, "incomplete_details", "reason") or answer.get("status")
    finish = "filter" if refused else "tools" if tools and status == "completed" else _finish(status)
    return Said("".join(texts), tuple(tools), finish)


def _chat_of(events: Iterator[dict[str, Any]]) -> dict[str, Any] | None:
    texts: list[str] = []
    calls: dict[int, dict[str, str]] = {}
    message: dict[str, Any] = {}
    finish = None
    for event in events:
        for choice in event.get("choices") or []:
            if choice.get("index", 0):
                continue
            delta = choice.get("delta") or {}
            texts.append(delta.get("content") or "")
            message["refusal"] = message.get("refusal") or delta.get("refusal")
            for call in delta.get("tool_calls") or []:
                _piece(calls.setdefault(call.get("index", 0), {"name": "", "arguments": ""}), call.get("function"))
            if delta.get("function_call"):
                _piece(calls.setdefault(0, {"name": "", "arguments": ""}), delta["function_call"])
            finish = choice.get("finish_reason") or finish
    if finish is None:
        return None
    message |= {"content": "".join(texts), "tool_calls": [{"function": call} for call in calls.values()]}
    return {"choices": [{"message": message, "finish_reason": finish}]}


def _piece(call: dict[str, str], function: Any) -> None:
    for name in call:
        call[name] += member(function, name) or ""


def _messages_of(events: Iterator[dict[str, Any]]) -> dict[str, Any] | None:
    blocks: dict[int, dict[str, Any]] = {}
    inputs: dict[int, list[str]] = {}
    reason = None
    for event in events:
        match event.get("type"):
            case "content_block_start":
                blocks[event["index"]] = dict(event["content_block"])
            case "content_block_delta":
                delta, block = event["delta"], blocks[event["index"]]
                if delta.get("type") == "text_delta":
                    block["text"] = (block.get("text") or "") + delta["text"]
                elif delta.get("type") == "input_json_delta":
                    inputs.setdefault(event["index"], []).append(delta["partial_json"])
            case "message_delta":
                reason = member(event, "delta", "stop_reason") or reason
            case "message_stop":
                for index, parts in inputs.items():
                    blocks[index]["input"] = "".join(parts)
                return {"content": list(blocks.values()), "stop_reason": reason}
    return None


def _responses_of(events: Iterator[dict[str, Any]]) -> dict[str, Any] | None:
    items = []
    for event in events:
        if event.get("type") == "response.output_item.done":
            items.append(event["item"])
        elif event.get("type") in ("response.completed", "response.incomplete"):
            whole: dict[str, Any] = event["response"]
            return whole if whole.get("output") else {**whole, "output": items}
    return None


def _used(function: dict[str, Any]) -> Used:
    return Used(str(function.get("name")), _json(function.get("arguments")))


def _json(value: Any) -> str:
    """Arguments as text; a Messages tool without any has none of it in a stream."""
    if isinstance(value, str):
        return value or "{}"
    return msgspec.json.encode({} if value is None else value).decode()


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text") or "") for part in content or [])


def _finish(reason: Any) -> Finish:
    return _FINISH.get(str(reason), "")


_READERS = {"openai.chat": _chat, "anthropic.messages": _messages, "openai.responses": _responses}
_WHOLE_OF = {"openai.chat": _chat_of, "anthropic.messages": _messages_of, "openai.responses": _responses_of}
