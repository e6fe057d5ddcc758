from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.call import Ask
from farthing.model.errors import BadRequest
from farthing.model.usage import Usage
from farthing.wire import FORMATS
from unit.wire.streams import dump, event, pieces, run

RESPONSES = FORMATS["openai.responses"]
ASK = Ask(model="gpt-5", stream=True, cache_ttl="30m")
USAGE = {
    "input_tokens": 3000, "output_tokens": 40, "total_tokens": 3040, "output_tokens_details": {"reasoning_tokens": 30},
    "input_tokens_details": {
        "cached_tokens": 500, "cache_write_tokens": 2100,
        "cache_write_tokens_details": {"ttl_30m_tokens": 100, "ttl_12h_tokens": 2000},
    },
}  # fmt: skip
READ = Usage(uncached_in=400, cache_read=500, w30m=100, w12h=2000, out=40, reasoning=30)
ANSWER = {
    "id": "resp_1", "model": "gpt-5-1", "status": "completed", "service_tier": "default", "error": None,
    "incomplete_details": None, "usage": USAGE,
    "output": [
        {"type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "x"}},
        {"type": "web_search_call", "status": "completed", "action": {"type": "open_page", "url": "x"}},
        {"type": "web_search_call", "status": "failed", "action": {"type": "search"}},
        {"type": "file_search_call", "status": "completed"},
        {"type": "message", "status": "completed", "content": [{"type": "output_text", "text": "x"}]},
    ],
}  # fmt: skip
REQUESTS = {"web_search": 1, "file_search": 1}


def response_event(kind: str, **more: Any) -> bytes:
    return event({"type": kind, "sequence_number": 1, **more}, kind)


STREAM = (
    response_event("response.created", response={"model": "gpt-5-1", "usage": None, "status": "in_progress"})
    + response_event("response.output_text.delta", delta='a "response" {}', item_id="i")
    + response_event("response.output_item.done", item={"type": "web_search_call", "response": "x", "error": None})
    + response_event("response.completed", response=ANSWER)
)


def test_everything_that_the_steps_need() -> None:
    body = dump(
        {
            "model": "gpt-5", "input": "x", "stream": True, "max_output_tokens": 7, "safety_identifier": "s",
            "metadata": {"a": "b"}, "service_tier": "priority", "prompt_cache_options": {"ttl": "12h"},
        }
    )  # fmt: skip
    assert RESPONSES.ask(body) == Ask(
        model="gpt-5", stream=True, max_output=7, user="s", metadata={"a": "b"}, tier="priority", cache_ttl="12h"
    )
    assert RESPONSES.ask(b'{"model":"gpt-5"}') == Ask(model="gpt-5", cache_ttl="30m")


@pytest.mark.parametrize(
    ("body", "words", "param"),
    [
        (b'{"prompt":{"id":"pmpt_1"}}', "prompt template must name it too", "model"),
        (b'{"model":"m","background":true}', "cannot be metered", "background"),
        (b'{"model":"m","background":true,"background":false}', "`background` is there twice", "background"),
        (b'{"model":"m","background":1}', "`background` must be true or false, not a number", "background"),
    ],
)
def test_what_cannot_be_metered_is_refused(body: bytes, words: str, param: str) -> None:
    with pytest.raises(BadRequest, match=words) as refused:
        RESPONSES.ask(body)
    assert refused.value.param == param


def test_splice_changes_the_model_alone() -> None:
    body = b'{"input":[{"model":"m"}],"model":"m","stream":true}'
    assert RESPONSES.splice(body, RESPONSES.ask(body), "m") is body
    assert RESPONSES.splice(body, RESPONSES.ask(body), "x") == b'{"input":[{"model":"m"}],"model":"x","stream":true}'


def test_a_whole_answer() -> None:
    reading = RESPONSES.read(dump(ANSWER), ASK)
    assert reading.usage == Usage(**{**{n: getattr(READ, n) for n in READ.__struct_fields__}, "requests": REQUESTS})
    assert reading.adds_up and (reading.model, reading.tier, reading.finish) == ("gpt-5-1", "", "completed")


@pytest.mark.parametrize(
    ("change", "finish"),
    [
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "max_output_tokens"),
        ({"status": "failed", "error": {"code": "server_error"}}, "error"),
    ],
)
def test_how_it_ended(change: dict[str, Any], finish: str) -> None:
    reading = RESPONSES.read(dump({**ANSWER, **change}), ASK)
    assert reading.finish == finish and reading.usage is not None


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"usage":null}', b'{"usage":7}', b'{"output":5,"usage":{}}'])
def test_no_usage_is_none(body: bytes) -> None:
    assert RESPONSES.read(body, ASK).usage is None


def test_odd_members_beside_the_usage_do_not_hide_it() -> None:
    reading = RESPONSES.read(dump({"model": 4, "status": [], "output": [5, {"type": 6}], "usage": USAGE}), ASK)
    assert reading.usage == READ


@pytest.mark.parametrize("kind", ["response.completed", "response.incomplete", "response.failed"])
def test_each_end_of_a_stream(kind: str) -> None:
    _, reading, complete = run(RESPONSES.stream(ASK), [response_event(kind, response=ANSWER)])
    assert complete and reading.usage is not None and reading.usage.total_in == 3000


def test_every_split_in_two_is_the_same() -> None:
    whole = run(RESPONSES.stream(ASK), [STREAM])
    assert whole[0] == STREAM and whole[2] and whole[1].usage is not None and whole[1].usage.requests == REQUESTS
    for cut in range(0, len(STREAM), 3):
        assert run(RESPONSES.stream(ASK), pieces(STREAM, [cut])) == whole


@given(st.lists(st.integers(0, 5000), max_size=30), st.integers(1, 400), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_every_split_and_every_length_of_tape(cuts: list[int], limit: int, end: bytes) -> None:
    reader = RESPONSES.stream(ASK)
    reader._limit = limit  # type: ignore[attr-defined]
    data = STREAM.replace(b"\n", end)
    out, reading, complete = run(reader, pieces(data, cuts))
    assert out == data and complete and reading.usage is not None and reading.usage.out == 40


def test_a_last_event_larger_than_the_tape() -> None:
    large = {**ANSWER, "instructions": "x" * 300_000}
    data = STREAM + response_event("response.completed", response=large)
    for size in (1000, 70_000):
        reads = [data[start : start + size] for start in range(0, len(data), size)]
        _, reading, complete = run(RESPONSES.stream(ASK), reads)
        assert complete and reading.usage is not None and reading.usage.total_in == 3000


def test_a_cut_stream_is_estimated_by_its_deltas() -> None:
    reader = RESPONSES.stream(ASK)
    reader.feed(response_event("response.created", response={"model": "gpt-5-1", "usage": None}))
    for kind in (
        "response.output_text.delta",
        "response.reasoning_summary_text.delta",
        "response.function_call_arguments.delta",
        "response.audio.delta",
    ):
        reader.feed(response_event(kind, delta="x" * 40))
    assert not reader.complete and not reader.ending and reader.reading().usage is None
    reading = reader.estimate(b"x" * 40)
    assert reading.estimated and reading.usage == Usage(uncached_in=10, out=30) and reading.model == "gpt-5-1"


def test_an_error_inside_the_stream() -> None:
    data = response_event("response.created", response={"model": "m"}) + event({"type": "error", "code": "x"}, "error")
    _, reading, complete = run(RESPONSES.stream(ASK), [data])
    assert reading.finish == "error" and not complete


@given(st.recursive(st.none() | st.text(max_size=5) | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner), max_leaves=5))  # fmt: skip
def test_nothing_in_a_stream_makes_it_fail(value: Any) -> None:
    for data in (
        response_event("response.completed", response=value),
        response_event("response.completed", response={"usage": value, "output": value, "error": value}),
        response_event("response.output_text.delta", delta=value),
        event(value),
    ):
        reader = RESPONSES.stream(ASK)
        assert run(reader, [data])[0] == data
        assert reader.estimate(b"x").estimated
