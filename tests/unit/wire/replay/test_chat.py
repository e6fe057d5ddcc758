"""Chat completions told anew."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.usage import Usage
from farthing.wire.replay import storable, whole_from_stream
from unit.wire.replay.answers import CHAT, NOW, TEXT, collected, completion, events, gist, plainly, told
from unit.wire.streams import DONE, chunk, dump, event, usage_chunk

CITED = {"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 5, "title": "t", "url": "u"}}


@pytest.mark.parametrize(
    "whole",
    [
        completion(), completion({"content": "a"}), completion({"reasoning_content": "Hm"}), completion({"tool_calls": []}),
        completion({"annotations": [CITED]}), completion(None, {"logprobs": {}}), completion(error=None),
    ],
)  # fmt: skip
def test_storable(whole: bytes) -> None:
    assert storable(CHAT, whole)


@pytest.mark.parametrize(
    "whole",
    [
        completion({"content": None}), completion({"content": ""}), completion({"content": " \n"}),
        completion({"content": [{"type": "text", "text": "a"}]}), completion({"refusal": "I cannot."}),
        completion({"tool_calls": [{"id": "c"}]}), completion({"function_call": {"name": "f"}}),
        completion({"audio": {"id": "a"}}), completion({"images": [{}]}),
        completion(None, {"finish_reason": "length"}), completion(None, {"finish_reason": "content_filter"}),
        completion(None, {"finish_reason": "tool_calls"}), completion(None, {"finish_reason": None}),
        completion(None, {"finish_reason": ["stop"]}), completion(None, {"logprobs": {"content": []}}),
        completion(error={"message": "x"}), completion(choices=[]), completion(choices=None), completion(choices=[1]),
        completion(choices=json.loads(completion())["choices"] * 2), completion(choices=[{"finish_reason": "stop"}]),
        completion(moderation={"input": {}}), b"", b"[]", b"{", b'{"error":{"message":"No."}}', b"\xff",
    ],
)  # fmt: skip
def test_not_storable(whole: bytes) -> None:
    assert not storable(CHAT, whole)
    for stream in (False, True):
        with pytest.raises(ValueError):
            told(CHAT, whole, stream=stream)


def test_a_plain_answer_is_the_same_but_for_its_name_and_date() -> None:
    before = json.loads(completion(metadata={"person": "ann"}))
    after = plainly(CHAT, completion(metadata={"person": "ann"}), metadata={"person": "bob"})
    assert after == before | {"id": "chatcmpl-call-1", "created": NOW, "metadata": {"person": "bob"}}


def test_usage_can_be_zero() -> None:
    assert plainly(CHAT, completion(), zero=True)["usage"] == {
        "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0,
        "prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0},
    }  # fmt: skip
    last = events(told(CHAT, completion(), zero=True, stream=True))[-2]
    assert (last["choices"], last["usage"]["total_tokens"]) == ([], 0)


def test_a_stream_shows_usage_only_if_it_was_asked_for() -> None:
    with_usage = events(told(CHAT, completion(), stream=True, wants_usage=True))
    assert with_usage[-2]["usage"] == json.loads(completion())["usage"]
    assert with_usage[-2]["choices"] == []
    assert all(each["usage"] is None for each in with_usage[:-2])
    without = events(told(CHAT, completion(), stream=True, wants_usage=False))
    assert all("usage" not in each for each in without[:-1])
    assert all(len(each["choices"]) == 1 for each in without[:-1])
    assert with_usage[-1] == without[-1] == "[DONE]"


def test_a_stream_comes_in_several_pieces() -> None:
    found = events(told(CHAT, completion(), stream=True))
    deltas = [each["choices"][0]["delta"] for each in found if each != "[DONE]" and each["choices"]]
    assert deltas[0] == {"role": "assistant", "content": "", "refusal": None}
    texts = [delta["content"] for delta in deltas[1:] if "content" in delta]
    assert "".join(texts) == TEXT
    assert len(texts) > 5
    assert deltas[-1] == {}
    assert {each["id"] for each in found[:-1]} == {"chatcmpl-call-1"}
    assert {each["created"] for each in found[:-1]} == {NOW}
    assert {each["object"] for each in found[:-1]} == {"chat.completion.chunk"}
    assert [each["choices"][0]["finish_reason"] for each in found[:-2]] == [None] * (len(found) - 3) + ["stop"]


def test_reasoning_comes_before_the_words_and_the_rest_after() -> None:
    whole = completion({"reasoning_content": "Hm, a coin.", "annotations": [CITED]}, citations=["u"])
    found = [each for each in events(told(CHAT, whole, stream=True, wants_usage=False)) if each != "[DONE]"]
    kinds = [next(iter(each["choices"][0]["delta"]), "") for each in found]
    assert kinds[:3] == ["role", "reasoning_content", "content"]
    assert found[-2]["choices"][0]["delta"] == {"annotations": [CITED]}
    assert [at for at, each in enumerate(found) if "citations" in each] == [0, len(found) - 2, len(found) - 1]


def test_a_long_text_is_told_in_a_bounded_number_of_pieces() -> None:
    stream = told(CHAT, completion({"content": "long " * 40_000}), stream=True)
    assert len(events(stream)) < 260
    assert (collected(CHAT, stream) or {})["choices"][0]["message"]["content"] == "long " * 40_000


@given(st.text(min_size=1).filter(str.strip), st.text(), st.booleans(), st.integers(1, 400))
def test_a_stream_amounts_to_the_plain_answer(text: str, thought: str, wants_usage: bool, piece: int) -> None:
    whole = completion({"content": text, "reasoning_content": thought, "annotations": [CITED]}, citations=["u"])
    found = collected(CHAT, told(CHAT, whole, stream=True, wants_usage=wants_usage), piece)
    plain = plainly(CHAT, whole)
    if not wants_usage:
        del plain["usage"]
    assert found is not None
    assert storable(CHAT, dump(found))
    if not thought:
        found["choices"][0]["message"].setdefault("reasoning_content", "")
    assert gist(found) == gist(plain)


# --- streams of providers


def test_a_providers_stream_amounts_to_its_plain_answer() -> None:
    stream = (
        event({"choices": [], "prompt_filter_results": [{"prompt_index": 0}]})
        + chunk({"role": "assistant", "content": "", "refusal": None}, obfuscation="xx")
        + b": keep-alive\n\n"
        + chunk({"reasoning": "Hm. ", "reasoning_details": [{"index": 0}]})
        + chunk({"reasoning": "Yes."})
        + chunk({"content": "A "}, created=5)
        + chunk({"content": "coin", "annotations": [CITED]})
        + chunk({}, "stop", service_tier="default")
        + usage_chunk(total_tokens=3)
        + DONE
    )
    for piece in (0, 1, 50):
        assert collected(CHAT, stream, piece) == {
            "id": "c", "object": "chat.completion", "created": 5, "model": "gpt-4o-mini-1",
            "choices": [{
                "index": 0, "finish_reason": "stop", "logprobs": None,
                "message": {
                    "role": "assistant", "content": "A coin", "refusal": None, "reasoning": "Hm. Yes.",
                    "annotations": [CITED],
                },
            }],
            "usage": {"total_tokens": 3}, "service_tier": "default", "prompt_filter_results": [{"prompt_index": 0}],
        }  # fmt: skip
    assert collected(CHAT, stream.replace(b"\n", b"\r\n")) == collected(CHAT, stream)


START = chunk({"role": "assistant", "content": "A coin"})


@pytest.mark.parametrize(
    "stream",
    [
        b"", START, START + DONE, START[:-20], START + event({"error": {"message": "Busy"}}) + chunk({}, "stop") + DONE,
        START + chunk({"tool_calls": [{"index": 0, "id": "c"}]}) + chunk({}, "tool_calls") + DONE,
        START + chunk({"refusal": "No."}) + chunk({}, "stop"), START + chunk({"audio": {"id": "a"}}) + chunk({}, "stop"),
        START + chunk({"new_text": "x"}) + chunk({}, "stop"), START + chunk({"new": [1]}) + chunk({}, "stop"),
        START + chunk({"content": ["a"]}) + chunk({}, "stop"),
        START + event({"choices": [{"index": 1, "delta": {"content": "b"}}]}) + chunk({}, "stop"),
        START + event({"choices": [{"index": 0, "delta": {}, "logprobs": {"content": []}}]}) + chunk({}, "stop"),
        START + b"data: {]\n\n" + chunk({}, "stop"), START + event({"choices": [7]}) + chunk({}, "stop"),
        START + event({"choices": 7}) + chunk({}, "stop"), START + event({"choices": [{"delta": [1]}]}) + chunk({}, "stop"),
        START + event([1]) + chunk({}, "stop"), START + b"data: " + b"[" * 5000 + b"\n\n",
        START + chunk({"content": "x" * 5_000_000}) + chunk({}, "stop") + DONE,
    ],
)  # fmt: skip
def test_streams_that_make_no_answer(stream: bytes) -> None:
    assert collected(CHAT, stream) is None
    assert collected(CHAT, stream, 10_000) is None


def test_a_stream_that_was_cut_at_its_limit_makes_an_answer_that_is_not_kept() -> None:
    found = collected(CHAT, START + chunk({}, "length") + DONE)
    assert found is not None
    assert not storable(CHAT, dump(found))


def test_usage_that_the_client_did_not_see_is_put_in() -> None:
    collector = whole_from_stream(CHAT)
    collector.feed(START + chunk({}, "stop") + DONE)
    assert "usage" not in json.loads(collector.result() or b"")
    usage: dict[str, Any] = json.loads(collector.result(Usage(uncached_in=7, cache_read=3, out=5)) or b"")["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (10, 5, 15)
    collector.feed(usage_chunk(total_tokens=3))
    collector = whole_from_stream(CHAT)
    collector.feed(START + chunk({}, "stop") + usage_chunk(total_tokens=3) + DONE)
    assert json.loads(collector.result(Usage(out=5)) or b"")["usage"] == {"total_tokens": 3}
