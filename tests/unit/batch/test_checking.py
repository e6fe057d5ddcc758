"""What a file of requests says: the provider's own mistakes with their lines, and nothing that a client sends is worse."""

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.batch.checking import ID_LIMIT, MOST_ERRORS, Check, JsonLines, Request, Shape
from farthing.wire import FORMATS

CHAT, MESSAGES = FORMATS["openai.chat"], FORMATS["anthropic.messages"]
BODY = {"model": "gpt-5", "messages": [{"role": "user", "content": "hi"}]}


def line(custom_id: Any = "a", **changed: Any) -> bytes:
    whole = {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": BODY, **changed}
    return json.dumps({name: value for name, value in whole.items() if value is not ...}).encode()


def looked(*lines: bytes | None, shape: Shape = "openai", most: int = 1000) -> tuple[Check, list[Request]]:
    check = Check(shape, CHAT if shape == "openai" else MESSAGES, most_requests=most, most_bytes=2**20)
    found = [request for each in lines if (request := check.look(each)) is not None]
    check.ended()
    return check, found


def test_good_lines_are_requests_as_they_came() -> None:
    spaced = b'{"url":"/v1/chat/completions","method":"post","custom_id":"b\\u00e9","body":  {"model":"gpt-5" , "messages":[]}}\r'
    check, found = looked(line("a"), b"", b" \t\r", spaced)
    assert not check.errors and check.total == 2
    assert [(each.no, each.custom_id, each.model) for each in found] == [(0, "a", "gpt-5"), (1, "bé", "gpt-5")]
    assert json.loads(found[0].body) == BODY and found[1].body == b'{"model":"gpt-5" , "messages":[]}'


@pytest.mark.parametrize(
    ("text", "code", "param"),
    [
        (b"{", "invalid_json_line", ""), (b"[]", "invalid_json_line", ""), (b"\xff", "invalid_json_line", ""),
        (b"nonsense", "invalid_json_line", ""), (b"[" * 10**6, "invalid_json_line", ""), (None, "invalid_json_line", ""),
        (b'{"custom_id":"' + b"\0" + b'"}', "invalid_json_line", ""), (line("\0"), "invalid_json_line", "custom_id"),
        (line(""), "invalid_json_line", "custom_id"), (line("x" * (ID_LIMIT + 1)), "invalid_json_line", "custom_id"),
        (line(7), "invalid_json_line", "custom_id"), (line(...), "invalid_json_line", "custom_id"),
        (line(method=...), "invalid_json_line", "method"), (line(method="GET"), "invalid_json_line", "method"),
        (line(url="/v1/embeddings"), "url_mismatch", "url"), (line(body=[]), "invalid_json_line", "body"),
        (line(body=...), "invalid_json_line", "body"), (line(body=None), "invalid_json_line", "body"),
        (line("first"), "duplicate_custom_id", "custom_id"),
        (b'{"custom_id":"x","method":"POST","url":"/v1/chat/completions","body":' + b'{"a":' * 10**5, "invalid_json_line", ""),
        (b"\xef\xbb\xbf" + line("bom"), "invalid_json_line", ""),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_line_is_wrong_with_the_file(text: bytes | None, code: str, param: str) -> None:
    check, found = looked(line("first"), text, line("last"))
    (error,) = check.errors
    assert (error.code, error.line, error.param) == (code, 2, param) and error.message
    assert [each.custom_id for each in found] == ["first", "last"]


@pytest.mark.parametrize(
    "body",
    [
        {**BODY, "stream": True},
        {"messages": []},
        {**BODY, "model": ""},
        {**BODY, "model": 7},
        {**BODY, "max_tokens": "many"},
        {},
    ],
)
def test_what_is_wrong_with_a_body_is_wrong_with_its_line_alone(body: dict[str, Any]) -> None:
    check, (good, bad) = looked(line("a"), line("b", body=body))
    assert not check.errors and check.total == 2
    assert good.refusal is None and bad.refusal is not None and bad.refusal.status == 400


def test_bodies_that_no_reader_can_read_are_refused_alone() -> None:
    head = b'{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":'
    for body in (
        b'{"model":"\xff"}',
        b'{"model":"gpt-5","messages":"\xff"}',
        b'{"model":"gpt-5","model":"gpt-4","messages":[]}',
    ):
        check, found = looked(head + body + b"}")
        assert check.errors or found[0].refusal is not None


def test_files_that_say_nothing_and_files_that_say_too_much() -> None:
    for nothing in ((), (b"",), (b"  ", b"\r")):
        (error,) = looked(*nothing)[0].errors
        assert (error.code, error.line) == ("empty_file", 0)
    check, found = looked(*(line(f"{number}") for number in range(12)), most=10)
    assert [(each.code, each.line) for each in check.errors] == [("too_many_tasks", 0)]
    assert len(found) == 10 and check.hopeless


def test_messages_batches_have_lines_of_their_own() -> None:
    params = {"model": "claude-haiku-4-5", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}
    good, streamed = {"custom_id": "a", "params": params}, {"custom_id": "b", "params": {**params, "stream": True}}
    check, found = looked(
        json.dumps(good).encode(), json.dumps(streamed).encode(), b'{"custom_id":"c"}', shape="anthropic"
    )
    assert [each.param for each in check.errors] == ["params"]
    for name in ("", "x" * 65, "a b", "\u00e9", "a\n"):
        again, _ = looked(json.dumps({**good, "custom_id": name}).encode(), shape="anthropic")
        assert [each.param for each in again.errors] == ["custom_id"]
    assert [each.refusal is None for each in found] == [True, False]


def test_a_hundred_thousand_mistakes_cost_little() -> None:
    check = Check("openai", CHAT, most_requests=10**6, most_bytes=2**20)
    same = line("same")
    tracemalloc.start()
    for _ in range(100_000):
        check.look(same)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(check.errors) == MOST_ERRORS and check.hopeless and peak < 2**20


@given(st.lists(st.binary(max_size=60), max_size=30), st.lists(st.integers(0, 2000), max_size=12), st.integers(1, 70))
def test_lines_are_the_same_however_the_file_is_cut(lines: list[bytes], cuts: list[int], most: int) -> None:
    file = b"\n".join(lines)
    places = [0, *sorted(each % (len(file) + 1) for each in cuts), len(file)]
    reader = JsonLines(most)
    found: list[bytes | None] = []
    for start, end in zip(places, places[1:]):  # noqa: B905, RUF007
        found += reader.feed(file[start:end])
    found += reader.end()
    expected = [each if len(each) <= most else None for each in file.split(b"\n")]
    assert found == (expected if expected[-1] != b"" else expected[:-1])


def test_a_line_without_end_is_not_held() -> None:
    reader = JsonLines(2**16)
    tracemalloc.start()
    for _ in range(1000):
        assert reader.feed(b"x" * 2**15) == []
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert reader.feed(b"x\nshort\n") == [None, b"short"] and peak < 2**18


@given(st.binary(max_size=300))
def test_whatever_a_line_is(text: bytes) -> None:
    for shape in ("openai", "anthropic"):
        looked(
            text,
            b'{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":' + text + b"}}",
            shape=shape,
        )  # type: ignore[arg-type]
