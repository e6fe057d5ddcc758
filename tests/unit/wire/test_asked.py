"""What a request asks for: the latest words of a person, what a template has in common, what a model must be able to do."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.asked import Asked
from farthing.wire.asked import asked, is_code
from farthing.wire.fixed import Answering, Memo, fixed_part, settled
from farthing.wire.human import words_of_person

SCHEMA = {"type": "object", "properties": {"label": {"type": "string", "enum": ["spam", "ham"]}}}


def chat(*messages: Any, **members: Any) -> Asked:
    found = asked("openai.chat", body(messages=[_message(each) for each in messages], **members))
    assert found is not None
    return found


def messages(*said: Any, **members: Any) -> Asked:
    found = asked("anthropic.messages", body(messages=[_message(each) for each in said], **members))
    assert found is not None
    return found


def responses(given: Any, **members: Any) -> Asked:
    found = asked("openai.responses", body(input=given, **members))
    assert found is not None
    return found


def body(**members: Any) -> bytes:
    return json.dumps({"model": "m", **members}).encode()


def _message(said: Any) -> Any:
    return said if isinstance(said, dict) else {"role": "user", "content": said}


def system(text: str) -> dict[str, str]:
    return {"role": "system", "content": text}


RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "42"}]}
USE = {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "run", "input": {}}]}


class TestLatestAsk:
    def test_the_last_of_several(self) -> None:
        found = chat("first", {"role": "assistant", "content": "yes?"}, "second")
        assert (found.text, found.turns) == ("second", 2)

    def test_results_of_tools_do_not_count(self) -> None:
        found = messages("fix the bug", USE, RESULT)
        assert (found.text, found.turns, found.tool_results) == ("fix the bug", 1, True)

    def test_reminders_beside_a_result_do_not_count(self) -> None:
        late = {
            "role": "user",
            "content": [*RESULT["content"], {"type": "text", "text": "<system-reminder>be good</system-reminder>"}],
        }
        found = messages("fix the bug", USE, late)
        assert (found.text, found.tool_results) == ("fix the bug", True)

    def test_a_message_of_reminders_alone_is_passed_over(self) -> None:
        assert chat("what is this?", "<system-reminder>\nToday is Monday\n</system-reminder>").text == "what is this?"

    def test_chat_tools(self) -> None:
        found = chat("add a test", {"role": "assistant", "tool_calls": []}, {"role": "tool", "content": "done"})
        assert (found.text, found.tool_results) == ("add a test", True)

    def test_responses_items(self) -> None:
        found = responses([{"role": "user", "content": [{"type": "input_text", "text": "go"}]}, {"type": "function_call", "name": "f", "arguments": "{}"}, {"type": "function_call_output", "output": "1"}])  # fmt: skip
        assert (found.text, found.tool_results, found.turns) == ("go", True, 1)

    def test_responses_text(self) -> None:
        assert responses("hello").text == "hello"

    def test_nobody_asks_in_words(self) -> None:
        assert chat({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:x"}}]}).text == ""


class TestWordsOfAPerson:
    @pytest.mark.parametrize(
        ("given", "own"),
        [
            ("plain words", "plain words"),
            ("Summarise <document>a < b, long</document> in two lines", "Summarise\nin two lines"),
            ("<environment_details>cwd /x</environment_details>\n<user_query>do it</user_query>", "do it"),
            ("<task>Write a page</task>\n<environment_details>x</environment_details>", "Write a page"),
            ("Look:\n<FILE path='a.py'>x</FILE>", "Look:"),
            ("Is a < b and b > c?", "Is a < b and b > c?"),
            ("<b>bold</b> words stay", "<b>bold</b> words stay"),
            ("not closed <document> stays </b>", "not closed <document> stays </b>"),
            ("Please answer.\n> he said\n> she said", "Please answer."),
            ("Please answer.\n\nOn Tue, 3 Mar 2026, Ann <a@b.c> wrote:\nold text", "Please answer."),
            ("See below.\n-----Original Message-----\nFrom: x", "See below."),
            ("[read_file for 'a.py'] Result:\nx = 1", ""),
            ("[Request interrupted by user]", ""),
            ("# AGENTS.md instructions for /x\nbe good", ""),
            ("[a note] of mine", "[a note] of mine"),
        ],
    )
    def test_quotes_are_left_out(self, given: str, own: str) -> None:
        assert words_of_person(given) == own

    def test_a_long_fence_gives_way(self) -> None:
        own = words_of_person("What fails here?\n```python\n" + "x = 1\n" * 900 + "```\nThanks")
        assert own.startswith("What fails here?\n```python") and own.endswith("```\nThanks") and len(own) < 100

    def test_a_long_text_keeps_its_ends(self) -> None:
        own = words_of_person("first " + "x " * 60_000 + " last")
        assert own.startswith("first") and own.endswith("last") and len(own) < 6_100

    def test_many_open_blocks_take_no_time(self) -> None:
        assert words_of_person("<file>" * 200_000 + "</b>")

    @given(st.text(alphabet=st.sampled_from(list("<>/ab \n`->")), max_size=200))
    def test_it_never_fails(self, text: str) -> None:
        assert len(words_of_person(text)) <= len(text) + 20


class TestTemplate:
    def test_none_without_a_fixed_part(self) -> None:
        assert chat("hello").template == ""

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Today is Monday, 3 March 2026. Help.", "Today is Friday, 14 November 2025. Help."),
            ("It is 10:45 PM. Help.", "It is 9:05 am. Help."),
            ("User 4711 (ann@example.com) asks.", "User 12 (bob.b@example.org) asks."),
            (
                "Session 7f3c9b1e-aaaa-4bbb-8ccc-1234567890ab. Help.",
                "Session 00000000-bbbb-4ccc-8ddd-abcdefabcdef. Help.",
            ),
            ("Help. <env>cwd: /home/ann</env>", "Help. <env>cwd: /srv/b</env>"),
            ("Help  the\ncustomer.", "Help the customer."),
        ],
    )
    def test_what_changes_from_call_to_call_is_no_part(self, one: str, other: str) -> None:
        assert chat(system(one), "a").template == chat(system(other), "b").template != ""

    def test_words_tools_and_format_are_part(self) -> None:
        tool = {"type": "function", "function": {"name": "look", "parameters": {}}}
        found = {
            chat(system("Help."), "x").template, chat(system("Help them."), "x").template,
            chat(system("Help."), "x", tools=[tool]).template,
            chat(system("Help."), "x", response_format={"type": "json_object"}).template,
        }  # fmt: skip
        assert len(found) == 4

    def test_the_order_of_tools_is_not(self) -> None:
        tools = [{"name": name, "input_schema": {}} for name in ("look", "write")]
        assert messages("x", tools=tools).template == messages("x", tools=tools[::-1]).template

    def test_dates_in_words(self) -> None:
        assert settled("Dienstag, den 4. Oktober um 9 Uhr") == "den um"


class TestPrefix:
    def test_all_turns_of_a_conversation_have_it(self) -> None:
        first = chat(system("Help."), "hello")
        later = chat(system("Help."), "hello", {"role": "assistant", "content": "hi"}, "more")
        other = chat(system("Help."), "good day")
        assert first.prefix == later.prefix != other.prefix

    def test_marks_of_a_cache_do_not_count(self) -> None:
        marked = [{"type": "text", "text": "hello", "cache_control": {"type": "ephemeral"}}]
        assert messages("hello").prefix == messages(marked).prefix

    def test_the_key_of_the_request(self) -> None:
        assert chat("x", prompt_cache_key="k").cache_key == "k"
        assert responses("x", conversation={"id": "conv_1"}).cache_key == "conv_1"
        assert responses("x", previous_response_id="resp_1").turns == 2


class TestAnswer:
    def test_an_enum_is_a_choice(self) -> None:
        found = chat("x", response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}})
        assert (found.labels, found.picks, found.fields, found.schema, found.json) == (
            ("spam", "ham"),
            True,
            1,
            True,
            True,
        )

    def test_with_a_reason_beside_it(self) -> None:
        schema = {"type": "object", "properties": {**SCHEMA["properties"], "reason": {"type": "string"}}}
        found = messages("x", output_config={"format": {"type": "json_schema", "schema": schema}})
        assert (found.labels, found.picks) == (("spam", "ham"), True)

    def test_several_fields(self) -> None:
        schema = {"type": "object", "properties": {name: {"type": "string"} for name in "abc"}}
        found = responses("x", text={"format": {"type": "json_schema", "name": "n", "schema": schema}})
        assert (found.fields, found.labels, found.schema) == (3, (), True)

    def test_the_one_tool_that_must_be_used(self) -> None:
        tool = {"name": "label", "input_schema": SCHEMA}
        found = messages("x", tools=[tool], tool_choice={"type": "tool", "name": "label"})
        assert (found.picks, found.fields, found.labels, found.schema) == (True, 1, (), False)
        assert messages("x", tools=[tool]).fields == 0

    def test_json_alone(self) -> None:
        found = chat("x", response_format={"type": "json_object"})
        assert (found.json, found.schema) == (True, False)


class TestNeeds:
    def test_nothing(self) -> None:
        assert chat("x").needs == frozenset()

    @pytest.mark.parametrize(
        ("part", "need"),
        [
            ({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}, "images"),
            ({"type": "input_audio", "input_audio": {"data": "AAAA"}}, "audio"), ({"type": "file", "file": {}}, "files"),
        ],
    )  # fmt: skip
    def test_media(self, part: dict[str, Any], need: str) -> None:
        assert chat({"role": "user", "content": [part, {"type": "text", "text": "what is it?"}]}).needs == {need}

    def test_media_in_a_result(self) -> None:
        shown = {"type": "tool_result", "content": [{"type": "image", "source": {}}]}
        assert messages("look", USE, {"role": "user", "content": [shown]}).images

    def test_words_about_media_are_none(self) -> None:
        assert (
            chat({"role": "user", "content": [{"type": "text", "text": 'send {"type":"image"}'}]}).needs == frozenset()
        )

    @pytest.mark.parametrize(
        ("members", "wanted"),
        [
            ({"reasoning_effort": "high"}, True),
            ({"reasoning_effort": "none"}, False),
            ({"reasoning_effort": None}, False),
            ({}, False),
        ],
    )
    def test_reasoning_of_chat(self, members: dict[str, Any], wanted: bool) -> None:
        assert chat("x", **members).reasoning is wanted

    def test_reasoning_elsewhere(self) -> None:
        assert messages("x", thinking={"type": "enabled", "budget_tokens": 1024}).reasoning
        assert not messages("x", thinking={"type": "disabled"}).reasoning
        assert responses("x", reasoning={"effort": "low"}).reasoning
        assert not responses("x", reasoning={"effort": "none"}).reasoning

    def test_sizes(self) -> None:
        found = chat("word " * 1000)
        assert 1_200 < found.in_tokens < 1_400 < found.most_in_tokens < 2_200


class TestOddRequests:
    @pytest.mark.parametrize(
        "raw",
        [b"", b"[]", b"null", b'{"messages":1}', b'{"messages":[1]}', b'{"messages":[{"role":"user","content":7}]}', b"\xff", b'{"messages":[{"role":"user","content":["x"]}]}'],
    )  # fmt: skip
    @pytest.mark.parametrize("format", ["openai.chat", "anthropic.messages", "openai.responses"])
    def test_what_cannot_be_read(self, format: str, raw: bytes) -> None:
        assert asked(format, raw) is None or format == "openai.responses"

    def test_other_formats(self) -> None:
        assert asked("openai.embeddings", body(input="x")) is None

    def test_no_messages(self) -> None:
        assert chat() == Asked(turns=0, in_tokens=chat().in_tokens, most_in_tokens=chat().most_in_tokens)

    @given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["role", "content", "type", "text", "name", "enum", "properties", "schema", "format"]), inner, max_size=5), max_leaves=20))  # fmt: skip
    def test_whatever_comes(self, value: Any) -> None:
        members = ("messages", "input", "system", "tools", "tool_choice", "response_format", "text", "output_config")
        for format in ("openai.chat", "anthropic.messages", "openai.responses"):
            for member in members:
                asked(format, body(**{"messages": [], "input": [], member: value}))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("```\nx\n```", True), ("def f(x):\n    return x", True), ("SELECT a FROM b", True), ("import os\nprint(1)", True),
        ("The import of goods and the return on investment", False), ("How do I sort a list?", False),
    ],
)  # fmt: skip
def test_source_text(text: str, code: bool) -> None:
    assert is_code(text) is code


def test_memory_is_bounded() -> None:
    memo = Memo(20_000)
    empty = fixed_part("", [], Answering(), None)
    for at in range(1000):
        memo.put(b"%d" % at, empty)
    assert memo.get(b"0") is None and memo.get(b"999") is empty
