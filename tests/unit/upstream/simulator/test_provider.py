"""Whatever a body holds, a wire answers it or refuses it; nothing else comes out."""

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.upstream.simulator import SimulatorSettings
from farthing.upstream.simulator.anthropic_messages import AnthropicMessages
from farthing.upstream.simulator.bill import units
from farthing.upstream.simulator.faults import Plan
from farthing.upstream.simulator.openai_chat import OpenAIChat
from farthing.upstream.simulator.openai_embeddings import OpenAIEmbeddings
from farthing.upstream.simulator.openai_responses import OpenAIResponses
from farthing.upstream.simulator.provider import Provider
from farthing.upstream.simulator.wire import Refusal, Wire

TOOL = {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
SEEDS: list[tuple[Wire, dict[str, Any]]] = [
    (OpenAIChat(), {
        "model": "gpt-5.6-luna", "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Weather in Oslo?"},
                                         {"type": "image_url", "image_url": {"url": "x", "detail": "low"}}]},
            {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "get_weather", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "a", "content": "rain"},
        ],
        "tools": [{"type": "function", "function": TOOL}], "tool_choice": {"type": "function", "function": {"name": "b"}},
        "response_format": {"type": "json_schema", "json_schema": {"schema": TOOL["parameters"]}}, "stop": ["a"], "n": 2,
        "stream_options": {"include_usage": True}, "prompt_cache_options": {"mode": "explicit"}, "reasoning_effort": "low",
        "max_completion_tokens": 300, "metadata": {"a": "b"}, "service_tier": "flex",
    }),
    (OpenAIResponses(10), {
        "model": "gpt-5", "instructions": "Be kind.", "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "Weather?"}, {"type": "input_image", "image_url": "x"}]},
            {"type": "function_call", "call_id": "a", "name": "get_weather", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "a", "output": "rain"},
        ],
        "tools": [{"type": "function", **TOOL}], "tool_choice": {"type": "function", "name": "b"},
        "text": {"format": {"type": "json_schema", "schema": TOOL["parameters"]}}, "max_output_tokens": 300,
        "reasoning": {"effort": "low", "summary": "auto"}, "previous_response_id": None, "service_tier": "auto",
    }),
    (OpenAIEmbeddings(), {"model": "text-embedding-3-small", "input": ["a", "b"], "dimensions": 4}),
    (AnthropicMessages(), {
        "model": "claude-opus-5", "max_tokens": 2000, "system": [{"type": "text", "text": "Be kind."}], "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "Weather?", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
                {"type": "image", "source": {"type": "base64", "data": "x"}}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "get_weather", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a",
                                          "content": [{"type": "text", "text": "rain"}]}]},
        ],
        "tools": [{"name": "get_weather", "input_schema": TOOL["parameters"]}], "tool_choice": {"type": "auto"},
        "thinking": {"type": "enabled", "budget_tokens": 1024}, "stop_sequences": ["a"], "cache_control": None,
        "output_config": {"format": {"type": "json_schema", "schema": TOOL["parameters"]}, "effort": "low"},
        "metadata": {"user_id": "u"}, "service_tier": "auto",
    }),
]  # fmt: skip

ODD = st.recursive(
    st.sampled_from(
        [None, True, False, 0, -1, 1.5, 10**30, "", "x", "text", "user", "auto", "tool", "json_schema", "enabled"]
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(
            st.sampled_from(["type", "role", "content", "text", "function", "name", "schema", "id"]), inner, max_size=3
        ),
    ),
    max_leaves=5,
)


def places(what: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = what.items() if isinstance(what, dict) else enumerate(what) if isinstance(what, list) else ()
    return [path, *(place for key, inner in inside for place in places(inner, (*path, key)))]


def changed(body: Any, place: tuple[Any, ...], new: Any) -> Any:
    if not place:
        return new
    copy = dict(body) if isinstance(body, dict) else list(body)
    copy[place[0]] = changed(body[place[0]], place[1:], new)
    return copy


def answer(wire: Wire, body: dict[str, Any]) -> None:
    provider = Provider(SimulatorSettings(), clock=lambda: 0.0)
    provider.faults.plan("", body, 1)
    work = provider.work(wire, body, "key", 1, Plan())
    msgspec.json.encode(wire.answer(work.asked, work.replies, work.told))
    list(wire.pieces(work.asked, work.replies, work.told, ""))
    assert min(units(work.spent).values()) >= 0
    cache = work.spent.cache
    assert cache.read + cache.written <= work.spent.prompt
    assert work.spent.reasoning <= work.spent.output


@pytest.mark.parametrize(("wire", "body"), SEEDS, ids=[type(wire).__name__ for wire, _ in SEEDS])
def test_the_bodies_themselves_are_answered(wire: Wire, body: dict[str, Any]) -> None:
    with contextlib.suppress(Refusal) if isinstance(wire, OpenAIEmbeddings) else contextlib.nullcontext():
        answer(wire, body)


@pytest.mark.parametrize(("wire", "body"), SEEDS, ids=[type(wire).__name__ for wire, _ in SEEDS])
@given(data=st.data())
def test_odd_bodies_are_answered_or_refused(wire: Wire, body: dict[str, Any], data: st.DataObject) -> None:
    place = data.draw(st.sampled_from([place for place in places(body) if place]))
    odd = changed(body, place, data.draw(ODD))
    with contextlib.suppress(Refusal):
        answer(wire, odd)
