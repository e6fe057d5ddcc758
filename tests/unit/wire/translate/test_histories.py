"""A conversation keeps its meaning on the way to the other format and back."""

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from .samples import to_chat, to_claude

TEXTS = st.text(min_size=1, max_size=12)
ARGUMENTS = st.dictionaries(
    TEXTS, st.none() | st.booleans() | st.integers() | TEXTS | st.lists(TEXTS, max_size=2), max_size=3
)
IMAGES = st.sampled_from(["https://example.org/a.png", "data:image/png;base64,AAAA"])


@st.composite
def chat_histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    if draw(st.booleans()):
        messages.append({"role": draw(st.sampled_from(["system", "developer"])), "content": draw(TEXTS)})
    calls = 0
    for _ in range(draw(st.integers(0, 3))):
        messages.append({"role": "user", "content": draw(TEXTS | st.lists(_parts(), min_size=1, max_size=3))})
        answer: dict[str, Any] = {"role": "assistant", "content": draw(TEXTS)}
        made = draw(st.integers(0, 2))
        if made:
            ids = [f"call_{calls + n}" for n in range(made)]
            calls += made
            answer["content"] = draw(st.none() | TEXTS)
            answer["tool_calls"] = [
                {"id": id, "type": "function", "function": {"name": "f", "arguments": json.dumps(draw(ARGUMENTS))}}
                for id in ids
            ]
            messages.append(answer)
            messages += [{"role": "tool", "tool_call_id": id, "content": draw(st.text(max_size=9))} for id in ids]
            messages.append({"role": "assistant", "content": draw(TEXTS)})
        else:
            messages.append(answer)
    messages.append({"role": "user", "content": draw(TEXTS)})
    return messages


def _parts() -> st.SearchStrategy[dict[str, Any]]:
    return TEXTS.map(lambda text: {"type": "text", "text": text}) | IMAGES.map(
        lambda url: {"type": "image_url", "image_url": {"url": url}}
    )


def _chat_meaning(messages: list[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    for message in messages:
        role, content = message["role"], message.get("content")
        if role == "tool":
            yield "result", message["tool_call_id"], content
            continue
        for part in [{"type": "text", "text": content}] if isinstance(content, str) else content or []:
            said = part["text"] if part["type"] == "text" else part["image_url"]["url"]
            yield ("system" if role == "developer" else role), said
        for call in message.get("tool_calls") or ():
            yield "call", call["id"], call["function"]["name"], json.loads(call["function"]["arguments"])


@given(chat_histories())
def test_a_chat_conversation_through_messages(history: list[dict[str, Any]]) -> None:
    there = to_claude({"messages": history})
    roles = [message["role"] for message in there["messages"]]
    assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]
    back = to_chat({"messages": there["messages"], "system": there.get("system")})
    assert list(_chat_meaning(back["messages"])) == list(_chat_meaning(history))


@st.composite
def claude_histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    calls = 0
    for _ in range(draw(st.integers(0, 3))):
        said = draw(st.lists(_blocks(), min_size=0 if results else 1, max_size=3))
        messages.append({"role": "user", "content": results + said})
        made = draw(st.integers(0, 2))
        ids = [f"toolu_{calls + n}" for n in range(made)]
        calls += made
        content: list[dict[str, Any]] = [{"type": "thinking", "thinking": "x", "signature": "s"}]
        if draw(st.booleans()) or not made:
            content.append({"type": "text", "text": draw(TEXTS)})
        content += [{"type": "tool_use", "id": id, "name": "f", "input": draw(ARGUMENTS)} for id in ids]
        messages.append({"role": "assistant", "content": content})
        results = [{"type": "tool_result", "tool_use_id": id, "content": draw(st.text(max_size=9))} for id in ids]
    messages.append({"role": "user", "content": [*results, {"type": "text", "text": draw(TEXTS)}]})
    return messages


def _blocks() -> st.SearchStrategy[dict[str, Any]]:
    sources: list[dict[str, Any]] = [
        {"type": "url", "url": "https://example.org/a.png"},
        {"type": "base64", "media_type": "image/png", "data": "AAAA"},
    ]
    return TEXTS.map(lambda text: {"type": "text", "text": text}) | st.sampled_from(sources).map(
        lambda source: {"type": "image", "source": source}
    )


def _claude_meaning(messages: list[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    for message in messages:
        for block in message["content"]:
            kind = block["type"]
            if kind == "tool_result":
                yield "result", block["tool_use_id"], block.get("content", "")
            elif kind == "tool_use":
                yield "call", block["id"], block["name"], json.dumps(block["input"], sort_keys=True)
            elif kind != "thinking":
                yield message["role"], kind, json.dumps(block.get("text", block.get("source")), sort_keys=True)


@given(claude_histories())
def test_a_messages_conversation_through_chat(history: list[dict[str, Any]]) -> None:
    back = to_claude({"messages": to_chat({"messages": history})["messages"]})
    assert list(_claude_meaning(back["messages"])) == list(_claude_meaning(history))
