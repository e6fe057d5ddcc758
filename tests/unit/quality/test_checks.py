import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.asked import Asked
from farthing.quality.checks import CUT, REFUSED, Checked, check, named

SCHEMA = {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}}
WITH_SCHEMA = {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}}
TOOLS = {"tools": [{"type": "function", "function": {"name": "find", "parameters": SCHEMA}}]}


def request(text: str = "Where?", **more: Any) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": text}], **more}).encode()


def answer(text: str | None, finish: str = "stop", **more: Any) -> bytes:
    return json.dumps({"choices": [{"message": {"content": text, **more}, "finish_reason": finish}]}).encode()


def calls(*arguments: str, name: str = "find") -> bytes:
    tools = [{"type": "function", "function": {"name": name, "arguments": each}} for each in arguments]
    return answer(None, "tool_calls", tool_calls=tools)


def verdict(kind: str, asks: bytes, says: bytes, asked: Asked | None = None) -> bool | None:
    found = check(kind, asked, "openai.chat", asks, says)
    return None if found is None else found.passed


@pytest.mark.parametrize(
    ("kind", "asks", "says", "passed"),
    [
        ("auto", request(**WITH_SCHEMA), answer('{"city": "Rome"}'), True),
        ("auto", request(**WITH_SCHEMA), answer('{"city": 1}'), False),
        ("auto", request(**WITH_SCHEMA), answer("Rome"), False),
        ("auto", request(**WITH_SCHEMA), answer(""), False),
        ("auto", request(response_format={"type": "json_object"}), answer("[1]"), True),
        ("auto", request(response_format={"type": "json_object"}), answer("[1"), False),
        ("auto", request(**TOOLS), calls('{"city": "Rome"}'), True),
        ("auto", request(**TOOLS), calls('{"city": "Rome"}', "{}"), False),
        ("auto", request(**TOOLS), calls("{"), False),
        ("auto", request(**TOOLS), calls("{}", name="drop"), False),
        ("auto", request(**TOOLS), answer("In Rome."), None),
        ("auto", request(), answer("In Rome."), None),
        ("auto", request(), answer("In R", "length"), None),
        ("json", request(), answer("{}"), True),
        ("json", request(), answer("no"), False),
        ("json", request(), answer("{}", "length"), False),
        ("none", request(), answer("no"), None),
        ("python", request(), answer("So:\n```python\nx = 1\n```\n"), True),
        ("python", request(), answer("So:\n```python\nx = = 1\n```\n"), False),
        ("python", request(), answer("print(1)"), True),
        ("python", request(), answer("```bash\nls -l\n```"), False),
        ("python", request(), answer(""), False),
        ("citation", request("[1] Rome is old. [2] Oslo is not."), answer("Rome is old [1]."), True),
        ("citation", request("[1] Rome is old. [2] Oslo is not."), answer("Rome is old [1], Oslo too [3]."), False),
        (
            "citation",
            request("Rome was not  built in a single day."),
            answer('"rome was not built in a single day."'),
            True,
        ),
        ("citation", request("Rome"), answer("Rome."), False),
        ("words:2-4", request(), answer("one two three"), True),
        ("words:2-4", request(), answer("one"), False),
        ("regex:^A", request(), answer("A"), True),
        ("regex:^A", request(), answer("B"), False),
    ],
)
def test_checks(kind: str, asks: bytes, says: bytes, passed: bool | None) -> None:
    assert verdict(kind, asks, says) is passed


def test_labels() -> None:
    asked = Asked(labels=("billing", "technical"))
    assert verdict("auto", request(), answer(" Billing."), asked) is True
    assert verdict("auto", request(), answer("It is about billing."), asked) is False


def test_answers_that_were_cut_or_refused_fail() -> None:
    asks = request(**WITH_SCHEMA)
    assert check("auto", None, "openai.chat", asks, answer('{"city": "R"}', "length")) == CUT
    assert check("auto", None, "openai.chat", asks, answer('{"city": "R"}', refusal="I will not")) == REFUSED


def test_the_score_says_how_much_is_right() -> None:
    found = check("auto", None, "openai.chat", request(**TOOLS), calls('{"city": "a"}', "{}"))
    assert found is not None and found.score == 0.5
    assert "city" not in found.why or "at /" in found.why
    assert check("auto", None, "openai.chat", b"{", answer("x")) is None
    assert check("auto", None, "openai.chat", request(), b"{") is None


@pytest.mark.parametrize("kind", ["words:9-2", "words:x", "regex:", "regex:(?=a)", "regex:(", "yaml", "json:1"])
def test_a_check_that_does_not_exist(kind: str) -> None:
    with pytest.raises(ValueError, match=r"such as|without|one of"):
        named(kind)


def test_hostile_answers_cost_little() -> None:
    codes = [
        "-" * 16_000 + "1",
        "(" * 8_000,
        "a" + ".b" * 7_000,
        "1 if 1 else " * 1_300,
        "```\n" * 4_000,
        "x\0y",
        '"\\d"',
    ]
    started = time.process_time()
    for code in codes:
        check("python", None, "openai.chat", request(), answer(code))
    assert check("python", None, "openai.chat", request(), answer("x = 1\n" * 100_000)) is None
    check("citation", None, "openai.chat", request("a" * 100_000), answer('"' * 60_000))
    check("citation", None, "openai.chat", request("a" * 100_000), answer(f'"{"a" * 50}" [1] ' * 900))
    assert verdict("regex:(a+)+$", request(), answer("a" * 60_000 + "b")) is False
    check("auto", None, "openai.chat", request(**WITH_SCHEMA), answer("[" * 50_000))
    assert time.process_time() - started < 1.5


_KINDS = st.sampled_from(["auto", "json", "python", "citation", "words:1-5", "regex:a+"])


@given(_KINDS, st.text(max_size=200), st.text(max_size=50))
def test_no_answer_makes_one_raise(kind: str, text: str, asks: str) -> None:
    found = check(kind, Asked(labels=("a",)), "openai.chat", request(asks), answer(text))
    assert found is None or (isinstance(found, Checked) and 0 <= found.score <= 1)
