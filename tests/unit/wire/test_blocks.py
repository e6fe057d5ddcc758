"""The blocks of a request: what they cover, what their digests depend on, and whether the client plans its caching."""

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.marks import MESSAGE, SYSTEM, TOOLS, Place
from farthing.wire.blocks import Blocks, blocks, is_marked, spans

CHAT, RESPONSES, MESSAGES = "openai.chat", "openai.responses", "anthropic.messages"
TOOL = {"name": "look_up", "input_schema": {"type": "object", "properties": {"a": {"type": "string"}}}}

texts = st.text(max_size=40)
text_parts = st.builds(lambda text: {"type": "text", "text": text}, texts)
contents = st.one_of(texts, st.lists(text_parts, max_size=4))
turns = st.lists(
    st.builds(lambda role, content: {"role": role, "content": content}, st.sampled_from(("user", "assistant")), contents),
    max_size=6,
)  # fmt: skip
tools = st.lists(st.builds(lambda name: {**TOOL, "name": name}, texts), max_size=3)


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A format and a request of it."""
    format = draw(st.sampled_from((CHAT, RESPONSES, MESSAGES)))
    messages = draw(turns)
    request: dict[str, Any] = {"model": "some-model", "tools": draw(tools)}
    system = draw(contents)
    if format == MESSAGES:
        return format, request | {"system": system, "messages": messages}
    if format == RESPONSES:
        return format, request | {"instructions": draw(texts), "input": messages}
    return format, request | {"messages": [{"role": "system", "content": system}, *messages]}


def spelled(request: dict[str, Any], indent: int | None) -> bytes:
    return json.dumps(request, indent=indent, ensure_ascii=False).encode("utf-8", "surrogatepass")


def found(format: str, request: dict[str, Any]) -> Blocks:
    read = blocks(format, msgspec.json.encode(request))
    assert read is not None
    return read


def at_place(format: str, request: dict[str, Any], place: Place) -> Any:
    """What stands at a place, found the plain way."""
    if place.part == TOOLS:
        return request["tools"]
    if place.message < 0:
        system = request["instructions" if format == RESPONSES else "system"]
        return system if isinstance(system, str) else system[place.block]
    message = request["input" if format == RESPONSES else "messages"][place.message]
    content = message["content"]
    return content[place.block] if isinstance(content, list) and content else message


@given(requests(), st.sampled_from((None, 2)))
def test_spans_cover_the_blocks(made: tuple[str, dict[str, Any]], indent: int | None) -> None:
    format, request = made
    body = spelled(request, indent)
    read = blocks(format, body)
    assert read is not None
    assert len(read) == len(read.digests) == len(read.ends)
    for place, (start, end) in zip(read.places, spans(body, read), strict=True):
        assert json.loads(body[start:end]) == at_place(format, request, place)


@given(requests(), st.dictionaries(st.sampled_from(("role", "content")), texts, min_size=2))
def test_what_follows_changes_nothing_before(made: tuple[str, dict[str, Any]], further: dict[str, str]) -> None:
    format, request = made
    name = "input" if format == RESPONSES else "messages"
    further["role"] = "user"
    longer = request | {name: [*request[name], further], "temperature": 0.5}
    one, other = found(format, request), found(format, longer)
    assert other.digests[: len(one)] == one.digests
    assert other.ends[: len(one)] == one.ends
    assert other.places[: len(one)] == one.places
    assert len(other) == len(one) + 1


@given(requests(), st.data())
def test_what_comes_before_changes_all_after(made: tuple[str, dict[str, Any]], data: st.DataObject) -> None:
    format, request = made
    one = found(format, request)
    if not len(one):
        return
    at = data.draw(st.integers(0, len(one) - 1))
    changed = json.loads(json.dumps(request))
    where = at_place(format, changed, one.places[at])
    if isinstance(where, dict) and "text" in where:
        where["text"] += "!"
    elif isinstance(where, dict):
        where["content"] = str(where.get("content")) + "!"
    elif isinstance(where, list):
        where[0]["name"] += "!"
    else:
        changed["instructions" if format == RESPONSES else "system"] = where + "!"
    other = found(format, changed)
    assert other.digests[:at] == one.digests[:at]
    assert not set(other.digests[at:]) & set(one.digests[at:])


def test_a_part_that_calls_share_has_a_boundary() -> None:
    def ask(question: str) -> dict[str, Any]:
        document = {"type": "text", "text": "A long report."}
        return {"messages": [{"role": "user", "content": [document, {"type": "text", "text": question}]}]}

    one, other = found(MESSAGES, ask("Who?")), found(MESSAGES, ask("When?"))
    assert one.digests[0] == other.digests[0]
    assert one.digests[1] != other.digests[1]


def test_the_parts_of_a_request_come_in_the_order_of_the_cache() -> None:
    request = {
        "messages": [{"role": "user", "content": "Hello"}],
        "system": [{"type": "text", "text": "Be kind."}, {"type": "text", "text": "Be brief."}],
        "tools": [TOOL],
    }
    assert found(MESSAGES, request).places == [
        Place(TOOLS, -1, 0), Place(SYSTEM, -1, 0), Place(SYSTEM, -1, 1), Place(MESSAGE, 0, 0)
    ]  # fmt: skip


def test_messages_of_the_system_count_as_its_prompt_while_they_come_first() -> None:
    roles = ("developer", "system", "user", "system")
    read = found(CHAT, {"messages": [{"role": role, "content": "x"} for role in roles]})
    assert [place.part for place in read.places] == [SYSTEM, SYSTEM, MESSAGE, MESSAGE]


def test_calls_of_tools_are_a_part_of_their_message() -> None:
    def history(arguments: str) -> dict[str, Any]:
        call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": arguments}}
        content = [{"type": "text", "text": "Let me see."}]
        return {"messages": [{"role": "assistant", "content": content, "tool_calls": [call]}]}

    assert found(CHAT, history("{}")).digests != found(CHAT, history('{"a":1}')).digests


def test_what_surrounds_a_prompt_counts_where_providers_count_it() -> None:
    request = {"messages": [{"role": "user", "content": "Hi"}], "system": "Be kind."}
    plain, choosing = found(MESSAGES, request), found(MESSAGES, request | {"tool_choice": {"type": "any"}})
    assert plain.digests[0] == choosing.digests[0]
    assert plain.digests[1] != choosing.digests[1]
    assert found(MESSAGES, request | {"speed": "fast"}).digests[0] != plain.digests[0]
    chat = {"messages": request["messages"]}
    assert found(CHAT, chat).digests != found(CHAT, chat | {"response_format": {"type": "json_object"}}).digests
    said = {"input": "Hi"}
    assert found(RESPONSES, said).digests != found(RESPONSES, said | {"previous_response_id": "resp_1"}).digests


def test_a_picture_counts_as_its_tokens() -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "A" * 400_000}
    request = {"messages": [{"role": "user", "content": [{"type": "image", "source": source}]}]}
    assert 6_000 < found(MESSAGES, request).ends[-1] < 7_000


MARKED: list[dict[str, Any]] = [
    {"cache_control": {"type": "ephemeral"}},
    {"system": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]},
    {"tools": [{**TOOL, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "cache_control": None}]}]},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "prompt_cache_breakpoint": {}}]}]},
    {"prompt_cache_options": {"mode": "explicit"}},
    {"prompt_cache_key": "mine"},
    {"prompt_cache_retention": "24h"},
    {"cached_content": "cachedContents/1"},
]


@pytest.mark.parametrize("request_", MARKED)
@pytest.mark.parametrize("indent", [None, 1])
def test_the_clients_own_marks_are_seen(request_: dict[str, Any], indent: int | None) -> None:
    body = spelled({"messages": []} | request_, indent)
    assert is_marked(body)
    read = blocks(MESSAGES, body)
    assert read is not None
    assert read.marked


def test_a_mark_whose_name_is_escaped_is_seen() -> None:
    assert is_marked(rb'{"messages":[],"\u0063ache_control":{"type":"ephemeral"}}')
    assert not is_marked(rb'{"messages":[],"\u0063old":1}')


_BITS = (
    b'"',
    b"cache",
    b'"cache_control"',
    b'"prompt_',
    b'_key"',
    b":",
    b"\\",
    b" ",
    b'"cachePoint"',
    b'"cached_content"',
    b"x",
)
_MARK = re.compile(
    rb'(?<!\\)"(?:cache_control|cachePoint|cache_point|cached_?[cC]ontent|prompt_cache_(?:breakpoint|options|key|retention))"\s*:'
)


@given(st.lists(st.sampled_from(_BITS), max_size=9).map(b"".join))
def test_marks_are_names_of_members_wherever_the_word_stands_beside(body: bytes) -> None:
    assert is_marked(body) == (_MARK.search(body) is not None)


def test_a_text_about_marks_is_none() -> None:
    text = 'Set "cache_control": {"type": "ephemeral"} or "prompt_cache_key": "x"; see cache_control.'
    assert not is_marked(msgspec.json.encode({"messages": [{"role": "user", "content": text}]}))


@given(st.binary(max_size=60))
def test_what_is_no_request_has_no_blocks(body: bytes) -> None:
    for format in (CHAT, RESPONSES, MESSAGES, "openai.embeddings"):
        blocks(format, body)
    assert blocks("openai.embeddings", b'{"input":"x"}') is None


ODD: list[Any] = [None, 1, "x", [], [1], [[]], {"content": 1}, {"role": 7, "content": [1, None]}, {"content": []}]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("format", [CHAT, RESPONSES, MESSAGES])
def test_odd_values_raise_nothing(format: str, odd: Any) -> None:
    for request in ({"messages": odd, "input": odd}, {"messages": [odd], "input": [odd], "tools": odd, "system": odd}):
        body = msgspec.json.encode(request)
        read = blocks(format, body)
        if read is not None:
            assert len(spans(body, read)) == len(read)
