"""What counts as the same question: fingerprints that tell apart what differs, and only that."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from farthing.wire.question import DEFAULTS, LEFT_OUT, LONGEST, Question, Questions, question
from laws import examples
from unit.wire.streams import dump
from unit.wire.test_canonical import OBJECTS, TREES, shuffled

CHAT = "openai.chat"
RESPONSES = "openai.responses"
MESSAGES = "anthropic.messages"
FORMATS = (CHAT, RESPONSES, MESSAGES)

FULL: dict[str, dict[str, Any]] = {
    CHAT: {
        "model": "gpt-5", "temperature": 0, "top_p": 0.5, "seed": 7, "max_completion_tokens": 100, "stop": ["END"],
        "reasoning_effort": "low", "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}},
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "logit_bias": {"50256": -100}, "parallel_tool_calls": False, "frequency_penalty": 0.5, "verbosity": "low",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "name": "ann", "content": "Hello"},
            {"role": "assistant", "content": None, "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "42"},
            {"role": "assistant", "content": "Hi"},
            {"role": "user", "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "low"}},
            ]},
        ],
    },
    RESPONSES: {
        "model": "gpt-5", "instructions": "Be brief.", "temperature": 0, "max_output_tokens": 100, "store": False,
        "reasoning": {"effort": "low"}, "text": {"format": {"type": "text"}}, "include": ["reasoning.encrypted_content"],
        "tools": [{"type": "web_search"}], "previous_response_id": "resp_1", "truncation": "auto",
        "input": [
            {"role": "user", "content": "Hello"},
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "42"},
            {"type": "message", "role": "user", "content": [
                {"type": "input_text", "text": "What is this?"},
                {"type": "input_image", "image_url": "https://example.org/a.png"},
            ]},
        ],
    },
    MESSAGES: {
        "model": "claude-opus-5", "max_tokens": 100, "temperature": 0, "top_k": 5, "stop_sequences": ["END"],
        "thinking": {"type": "enabled", "budget_tokens": 1024}, "tool_choice": {"type": "auto"},
        "system": [{"type": "text", "text": "Be brief."}], "inference_geo": "eu", "speed": "fast",
        "tools": [{"name": "f", "description": "d", "input_schema": {"type": "object"}}],
        "messages": [
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "42"}]},
            {"role": "assistant", "content": "Hi"},
            {"role": "user", "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
            ]},
        ],
    },
}  # fmt: skip


def asked(format: str, text: Any = "What is a farthing?", **more: Any) -> dict[str, Any]:
    """A request that asks just this."""
    if format == RESPONSES:
        return {"model": "m", "input": text, **more}
    return {"model": "m", "messages": [{"role": "user", "content": text}], **more}


def read(format: str, request: Any) -> Question:
    found = question(format, dump(request))
    assert found is not None
    return found


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where anything is in a tree."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in members:
        yield (*path, name)
        yield from places(inner, (*path, name))


def changed(request: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    other = copy.deepcopy(request)
    where: Any = other
    for step in path[:-1]:
        where = where[step]
    where[path[-1]] = value
    return other


ALL_PLACES = [(format, path) for format in FORMATS for path in places(FULL[format]) if path != ("model",)]


# --- exact


@pytest.mark.parametrize(("format", "path"), ALL_PLACES, ids=lambda value: str(value))
def test_any_change_at_any_place_shows(format: str, path: tuple[Any, ...]) -> None:
    request = FULL[format]
    before = read(format, request)
    for value in ("changed", 12345, {"changed": True}, ["changed"], None):
        other = changed(request, path, value)
        after = question(format, dump(other))
        if json.dumps(other, sort_keys=True) != json.dumps(request, sort_keys=True) and after is not None:
            assert after.exact != before.exact


@given(st.sampled_from(ALL_PLACES), TREES)
def test_any_value_at_any_place_shows(place: tuple[str, tuple[Any, ...]], value: Any) -> None:
    format, path = place
    other = changed(FULL[format], path, value)
    assume(json.dumps(other, sort_keys=True) != json.dumps(FULL[format], sort_keys=True))
    assume(json.loads(json.dumps(other)) != FULL[format])
    after = question(format, dump(other))
    assert after is None or after.exact != read(format, FULL[format]).exact


@given(st.sampled_from(FORMATS), st.text(min_size=1), TREES)
def test_a_member_that_nobody_knows_counts(format: str, name: str, value: Any) -> None:
    assume(name not in FULL[format] and name not in LEFT_OUT[format] and name not in DEFAULTS[format])
    assume(name not in ("conversation", "background"))
    request = FULL[format]
    one, other = read(format, request), read(format, {**request, name: value})
    assert one.exact != other.exact
    assert one.context != other.context


@given(st.sampled_from(FORMATS), st.data())
def test_neither_order_nor_space_nor_spelling_counts(format: str, data: st.DataObject) -> None:
    request = FULL[format]
    text = json.dumps(shuffled(request, data.draw), indent=data.draw(st.sampled_from([None, 1])))
    text = text.replace('"temperature": 0', '"temperature": ' + data.draw(st.sampled_from(["0", "0.0", "-0.0", "0e5"])))
    assert question(format, text.encode()) == read(format, request)


@pytest.mark.parametrize(("format", "name"), [(format, name) for format in FORMATS for name in LEFT_OUT[format]])
@pytest.mark.parametrize("value", ["x", True, None, {"a": [1]}])
def test_what_the_table_leaves_out_does_not_count(format: str, name: str, value: Any) -> None:
    assert read(format, {**FULL[format], name: value}) == read(format, FULL[format])


@pytest.mark.parametrize(("format", "name"), [(format, name) for format in FORMATS for name in DEFAULTS[format]])
def test_a_default_is_as_good_as_nothing(format: str, name: str) -> None:
    bare = read(format, asked(format))
    for value in (None, *DEFAULTS[format][name]):
        assert read(format, asked(format, **{name: value})) == bare
    other = question(format, dump(asked(format, **{name: "another"})))
    assert other is None or other.exact != bare.exact


def test_true_is_no_default_of_one() -> None:
    assert read(CHAT, asked(CHAT, n=True)).exact != read(CHAT, asked(CHAT)).exact


@pytest.mark.parametrize("name", ["temperature", "top_p"])
@pytest.mark.parametrize("format", FORMATS)
def test_one_is_not_what_every_host_samples_with(format: str, name: str) -> None:
    assert read(format, asked(format, **{name: 1})).exact != read(format, asked(format)).exact


def test_formats_never_share() -> None:
    assert read(CHAT, asked(CHAT)).exact != read(MESSAGES, asked(MESSAGES)).exact
    assert read(CHAT, asked(CHAT)).context != read(MESSAGES, asked(MESSAGES)).context


def test_a_kept_response_is_another_than_one_that_is_not() -> None:
    assert read(RESPONSES, asked(RESPONSES)) == read(RESPONSES, asked(RESPONSES, store=True))
    assert read(RESPONSES, asked(RESPONSES)).exact != read(RESPONSES, asked(RESPONSES, store=False)).exact


@pytest.mark.parametrize(
    "path",
    [
        ("system", 0), ("tools", 0), ("messages", 0), ("messages", 1, "content", 0), ("messages", 2, "content", 0),
        ("messages", 4, "content", 0), ("messages", 4, "content", 1), (),
    ],
)  # fmt: skip
def test_marks_of_the_providers_cache_do_not_count(path: tuple[Any, ...]) -> None:
    request = copy.deepcopy(FULL[MESSAGES])
    where: Any = request
    for step in path:
        where = where[step]
    where["cache_control"] = {"type": "ephemeral", "ttl": "1h"}
    assert read(MESSAGES, request) == read(MESSAGES, FULL[MESSAGES])
    escaped = dump(request).replace(b'"cache_control"', b'"cache_contr\\u006fl"')
    assert question(MESSAGES, escaped) == read(MESSAGES, FULL[MESSAGES])


def test_marks_inside_the_results_of_tools_do_not_count() -> None:
    request = copy.deepcopy(FULL[MESSAGES])
    result = request["messages"][2]["content"][0]
    result["content"] = [{"type": "text", "text": "42"}]
    before = read(MESSAGES, request)
    result["content"][0]["cache_control"] = {"type": "ephemeral"}
    assert read(MESSAGES, request) == before


def test_breakpoints_of_openai_do_not_count() -> None:
    for format, kind in ((CHAT, "text"), (RESPONSES, "input_text")):
        part: dict[str, Any] = {"type": kind, "text": "Hi"}
        content = [part]
        request = asked(format, content) if format == CHAT else asked(format, [{"role": "user", "content": content}])
        before = read(format, request)
        part["prompt_cache_breakpoint"] = {"mode": "explicit"}
        assert read(format, request) == before


@pytest.mark.parametrize(
    "path",
    [("tools", 0, "input_schema"), ("messages", 1, "content", 0, "input"), ("messages", 4, "content", 1, "source")],
)
def test_what_only_looks_like_a_mark_counts(path: tuple[Any, ...]) -> None:
    request = copy.deepcopy(FULL[MESSAGES])
    where: Any = request
    for step in path:
        where = where[step]
    where["cache_control"] = {"type": "ephemeral"}
    assert read(MESSAGES, request).exact != read(MESSAGES, FULL[MESSAGES]).exact


# --- context


def test_the_words_of_the_ask_are_not_in_the_context() -> None:
    for format in FORMATS:
        request = FULL[format]
        turns = request["input" if format == RESPONSES else "messages"]
        path = ("input" if format == RESPONSES else "messages", len(turns) - 1, "content", 0, "text")
        one, other = read(format, request), read(format, changed(request, path, "Something else?"))
        assert one.context == other.context
        assert one.exact != other.exact
        assert (one.text, other.text) == ("What is this?", "Something else?")


@pytest.mark.parametrize(("format", "path"), ALL_PLACES, ids=lambda value: str(value))
def test_all_else_is(format: str, path: tuple[Any, ...]) -> None:
    if path[-3:] == ("content", 0, "text"):
        return  # the words themselves
    before = read(format, FULL[format])
    other = question(format, dump(changed(FULL[format], path, "changed")))
    assert other is None or other.context != before.context


@given(st.sampled_from(FORMATS), st.text(), st.text())
def test_the_context_of_a_plain_ask_is_the_same_for_all_words(format: str, one: str, other: str) -> None:
    first, second = read(format, asked(format, one)), read(format, asked(format, other))
    assert first.context == second.context
    assert (first.exact == second.exact) == (one == other)
    assert first.text == (one if one.strip() else "")


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4))
def test_texts_in_parts_are_one_ask(texts: list[str]) -> None:
    for format, kind in ((CHAT, "text"), (RESPONSES, "input_text"), (MESSAGES, "text")):
        parts = [{"type": kind, "text": text} for text in texts]
        turns: Any = [{"role": "user", "content": parts}]
        plain: Any = [{"role": "user", "content": "x"}]
        name = "input" if format == RESPONSES else "messages"
        found = read(format, {"model": "m", name: turns})
        assert found.context == read(format, {"model": "m", name: plain}).context
        assert found.text == ("\n".join(texts) if "\n".join(texts).strip() else "")
        assert not found.has_media


def test_the_place_of_an_image_among_the_words_counts() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    words = {"type": "text", "text": "Which?"}
    contexts = {
        read(CHAT, asked(CHAT, parts)).context
        for parts in ([words, image], [image, words], [words, image, words], [words, image, image])
    }
    assert len(contexts) == 4
    assert read(CHAT, asked(CHAT, [words, words, image])).context == read(CHAT, asked(CHAT, [words, image])).context


def test_what_a_text_part_has_beside_its_words_counts() -> None:
    plain = read(MESSAGES, asked(MESSAGES, [{"type": "text", "text": "Hi"}]))
    cited = read(MESSAGES, asked(MESSAGES, [{"type": "text", "text": "Hi", "citations": {"enabled": True}}]))
    assert plain.context != cited.context
    assert plain.text == cited.text


def test_no_request_can_pass_for_the_context_of_another() -> None:
    contexts = [
        read(CHAT, {"model": "m", "messages": messages}).context
        for messages in (
            [{"role": "user", "content": "Hi"}],
            [{"role": "user", "content": None}],
            [{"role": "user", "content": []}],
            [{"role": "user"}],
            [{"role": "assistant", "content": "@"}],
            [{"role": "user", "content": "Hi"}, {"role": "user", "content": "Hi"}],
        )
    ]
    assert len(set(contexts)) == len(contexts)


@pytest.mark.parametrize("format", FORMATS)
def test_loosely_read_what_changes_in_instructions_does_not_count_and_all_else_does(format: str) -> None:
    def told(words: Any, text: str = "Hi", **more: Any) -> bytes:
        asks: list[Any] = [{"role": "user", "content": text}]
        if format == MESSAGES:
            request = {"messages": asks, "system": words}
        elif format == RESPONSES:
            request = {"input": asks, "instructions": words}
        else:
            request = {"messages": [{"role": "developer", "content": words}, *asks]}
        return json.dumps({"model": "m", **request, **more}).encode()

    def contexts(*bodies: bytes) -> int:
        read = [question(format, body, loosely=True) for body in bodies]
        return len({each.context for each in read if each is not None})

    monday, friday = "It is Monday, 2026-11-23. Sort this.", "It is Friday, 2026-11-27. Sort this."
    assert contexts(told(monday), told(friday), told(friday, "Bye")) == 1
    assert (
        contexts(told(monday), told("It is Monday. Count this."), told(monday, temperature=1), told(monday, x=[2])) == 4
    )
    far = "much " * 4_000
    assert contexts(told(far + monday), told(far + friday), told(far + "Count this.")) == 2
    if format != RESPONSES:
        assert contexts(*(told([{"type": "text", "text": each}]) for each in (monday, friday))) == 1
    exactly, loosely = question(format, told("Sort.")), question(format, told("Sort."), loosely=True)
    assert exactly is not None and loosely is not None and exactly.context != loosely.context
    assert (exactly.text, exactly.turns) == (loosely.text, loosely.turns)


# --- what is asked


def test_the_last_ask_of_a_person_is_the_question() -> None:
    found = read(
        CHAT,
        {
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "First"},
                {"role": "assistant", "content": "Yes?"},
                {"role": "user", "content": "  <system-reminder>Today is Monday.</system-reminder>\nSecond  "},
                {"role": "assistant", "content": "It is"},
            ]
        },
    )
    assert found.text == "  <system-reminder>Today is Monday.</system-reminder>\nSecond  "
    assert found.turns == 2
    assert not (found.has_tools or found.has_media or found.has_tool_results)


def test_results_of_tools_are_no_ask() -> None:
    found = read(
        MESSAGES,
        {
            "messages": [
                {"role": "user", "content": "Look it up"},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "42"}]},
            ]
        },
    )
    assert (found.text, found.turns, found.has_tool_results) == ("Look it up", 1, True)


def test_an_ask_without_words_is_not_mistaken_for_an_earlier_one() -> None:
    found = read(
        MESSAGES,
        {
            "messages": [
                {"role": "user", "content": "What about cats?"},
                {"role": "assistant", "content": "They purr."},
                {"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "u"}}]},
            ]
        },
    )
    assert (found.text, found.turns, found.has_media) == ("", 2, True)


@pytest.mark.parametrize(
    ("format", "more", "flag"),
    [
        (CHAT, {"tools": [{"type": "function"}]}, "has_tools"),
        (CHAT, {"functions": [{"name": "f"}]}, "has_tools"),
        (CHAT, {"web_search_options": {"search_context_size": "low"}}, "has_tools"),
        (CHAT, {"modalities": ["text", "audio"]}, "has_media"),
        (CHAT, {"audio": {"voice": "alloy"}}, "has_media"),
        (RESPONSES, {"tools": [{"type": "web_search"}]}, "has_tools"),
        (RESPONSES, {"prompt": {"id": "pmpt_1"}}, "has_tools"),
        (MESSAGES, {"mcp_servers": [{"url": "u"}]}, "has_tools"),
    ],
)
def test_flags_of_the_request(format: str, more: dict[str, Any], flag: str) -> None:
    assert getattr(read(format, asked(format, **more)), flag)
    assert not getattr(read(format, asked(format)), flag)


@pytest.mark.parametrize(
    ("format", "turn", "flag"),
    [
        (CHAT, {"role": "tool", "tool_call_id": "c", "content": "1"}, "has_tool_results"),
        (CHAT, {"role": "function", "name": "f", "content": "1"}, "has_tool_results"),
        (CHAT, {"role": "assistant", "tool_calls": [{"id": "c"}]}, "has_tool_results"),
        (CHAT, {"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}, "has_media"),
        (CHAT, {"role": "user", "content": [{"type": "never_heard_of"}]}, "has_media"),
        (RESPONSES, {"type": "mcp_call", "id": "m"}, "has_tool_results"),
        (RESPONSES, {"type": "item_reference", "id": "i"}, "has_tool_results"),
        (RESPONSES, {"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}, "has_media"),
        (MESSAGES, {"role": "assistant", "content": [{"type": "server_tool_use"}]}, "has_tool_results"),
        (MESSAGES, {"role": "user", "content": [{"type": "document", "source": {}}]}, "has_media"),
    ],
)
def test_flags_of_earlier_turns(format: str, turn: dict[str, Any], flag: str) -> None:
    last = {"role": "user", "content": "And now?"}
    found = read(format, {"model": "m", "input" if format == RESPONSES else "messages": [turn, last]})
    assert getattr(found, flag)
    assert found.text == "And now?"


def test_a_previous_response_is_an_earlier_turn() -> None:
    assert read(RESPONSES, asked(RESPONSES)).turns == 1
    assert read(RESPONSES, asked(RESPONSES, previous_response_id="resp_1")).turns == 2


@pytest.mark.parametrize(
    ("value", "temperature"), [(0, 0.0), (0.0, 0.0), (1, 1.0), (0.7, 0.7), (None, None), ("0", None), (True, None), (10**300, None)]
)  # fmt: skip
def test_temperature(value: Any, temperature: float | None) -> None:
    for format in FORMATS:
        assert read(format, asked(format, temperature=value)).temperature == temperature


def test_choices() -> None:
    assert read(CHAT, asked(CHAT)).choices == 1
    assert read(CHAT, asked(CHAT, n=4)).choices == 4
    assert read(CHAT, asked(CHAT, n=0)).choices == 1


# --- what has no question


@pytest.mark.parametrize(
    ("format", "request_"),
    [
        (CHAT, {}), (CHAT, {"messages": []}), (CHAT, {"messages": "hi"}), (CHAT, {"messages": [1]}), (CHAT, {"messages": [[]]}),
        (CHAT, {"messages": [{"role": "user", "content": ["hi"]}]}),
        (CHAT, {"messages": [{"role": "user", "content": [{"type": []}]}]}),
        (CHAT, {"messages": [{"role": "user", "content": [{"type": "text", "text": 1}]}]}),
        (RESPONSES, {}), (RESPONSES, {"input": 1}), (RESPONSES, {"input": ["hi"]}),
        (RESPONSES, {"input": "hi", "background": True}), (RESPONSES, {"input": "hi", "conversation": "conv_1"}),
        (MESSAGES, {"messages": None}), ("openai.embeddings", {"input": "hi"}), ("anthropic.count_tokens", asked(MESSAGES)),
        ("never.heard", asked(CHAT)),
    ],
)  # fmt: skip
def test_no_question(format: str, request_: dict[str, Any]) -> None:
    assert question(format, dump(request_)) is None


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\0", b"{", b"[]", b"null", b'"', b"\xef\xbb\xbf{}", b'{"messages":[{"role":"user","content":"\xff"}]}',
        b'{"messages":[{"role":"user","content":"a"}],"messages":[{"role":"user","content":"b"}]}',
        b'{"messages":[{"role":"user","content":"a","content":"b"}]}',
        b'{"messages":[{"role":"user","content":"a"}],"x":' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"messages":[{"role":"user","content":"a"}],"x":1e999}',
        b'{"messages":[{"role":"user","content":"' + b"a" * LONGEST + b'"}]}',
    ],
)  # fmt: skip
def test_bodies_that_cannot_be_read_with_certainty(body: bytes) -> None:
    found = question(CHAT, body)
    assert found is None or b"[[" in body


@given(st.sampled_from(FORMATS), OBJECTS)
def test_nothing_raises(format: str, request: dict[str, Any]) -> None:
    question(format, dump(request))


@examples(150)
@given(st.sampled_from(ALL_PLACES), TREES, st.sampled_from(ALL_PLACES), TREES)
def test_nothing_raises_on_requests_that_are_nearly_good(
    one: tuple[str, tuple[Any, ...]], value: Any, other: tuple[str, tuple[Any, ...]], another: Any
) -> None:  # fmt: skip
    format, path = one
    request = changed(FULL[format], path, value)
    if other[0] == format and other[1][: len(path)] != path[: len(other[1])]:
        request = changed(request, other[1], another)
    question(format, dump(request))


@given(st.binary(max_size=200))
def test_nothing_raises_on_bytes(body: bytes) -> None:
    for format in FORMATS:
        question(format, body)


def test_questions_are_remembered_by_their_bytes() -> None:
    questions = Questions(most_bytes=40_000)
    bodies = [dump({"messages": [{"role": "user", "content": f"{number} " * 500}]}) for number in range(60)]
    for body in [*bodies, *reversed(bodies)]:
        first = questions.of("openai.chat", body)
        assert first == question("openai.chat", body)
        assert questions.of("openai.chat", body) is first
        assert questions._bytes <= 20_000
        assert questions.of("openai.responses", body) != first, "another format reads the same bytes in another way"


def test_what_is_no_question_is_remembered_too_and_long_bodies_are_not() -> None:
    questions = Questions()
    assert questions.of("openai.chat", b"{") is None
    assert questions.of("openai.chat", b"{") is None
    long = dump({"messages": [{"role": "user", "content": "long " * 10_000}]})
    assert questions.of("openai.chat", long) == question("openai.chat", long)
    assert len(questions._young) == 1
