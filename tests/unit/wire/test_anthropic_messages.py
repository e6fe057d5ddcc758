import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.call import Ask
from farthing.model.usage import Usage
from farthing.wire import FORMATS, tape
from unit.wire.streams import MESSAGE_STOP, dump, message_delta, message_event, message_start, pieces, run, text_delta

MESSAGES = FORMATS["anthropic.messages"]
COUNT = FORMATS["anthropic.count_tokens"]
ASK = Ask(model="claude-sonnet-4-5", stream=True)
HOUR = Ask(model="claude-sonnet-4-5", stream=True, cache_ttl="1h")

STREAM = b"".join(
    [
        message_start(input_tokens=4, cache_read_input_tokens=2455, cache_creation_input_tokens=0, output_tokens=1),
        message_event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        message_event("ping"),
        text_delta('a "message_stop" and "usage":{"output_tokens":9}'),
        message_event("content_block_stop", index=0),
        message_delta(output_tokens=23),
        MESSAGE_STOP,
    ]
)
READ = Usage(uncached_in=4, cache_read=2455, out=23)


def read_stream(start: dict[str, Any], *deltas: dict[str, Any], ask: Ask = ASK) -> Usage | None:
    data = message_start(**start) + text_delta("hi") + b"".join(message_delta(**each) for each in deltas) + MESSAGE_STOP
    return run(MESSAGES.stream(ask), [data])[1].usage


class TestAsk:
    def test_everything_that_the_steps_need(self) -> None:
        system = [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
        body = dump(
            {
                "model": "claude-sonnet-4-5", "max_tokens": 9, "stream": True, "metadata": {"user_id": "u"},
                "service_tier": "standard_only", "system": system, "messages": [],
            }
        )  # fmt: skip
        assert MESSAGES.ask(body) == Ask(
            model="claude-sonnet-4-5", stream=True, max_output=9, user="u", metadata={"user_id": "u"},
            tier="standard_only", cache_ttl="1h",
        )  # fmt: skip

    def test_the_least(self) -> None:
        assert MESSAGES.ask(b'{"model":"claude","messages":[]}') == Ask(model="claude")

    def test_metadata_of_another_shape(self) -> None:
        assert MESSAGES.ask(b'{"model":"claude","metadata":{"user_id":5}}').user == ""

    def test_splice_changes_the_model_alone(self) -> None:
        body = b'{"model": "claude","stream":true,"tools":[{"input_schema":{"model":"claude"}}]}'
        assert MESSAGES.splice(body, MESSAGES.ask(body), "claude") is body
        assert MESSAGES.splice(body, MESSAGES.ask(body), "x") == body.replace(b'"claude"', b'"x"', 1)


class TestRead:
    def test_a_whole_answer(self) -> None:
        usage = {
            "input_tokens": 3, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 12304, "output_tokens": 550,
            "cache_creation": {"ephemeral_5m_input_tokens": 12304, "ephemeral_1h_input_tokens": 0},
            "output_tokens_details": {"thinking_tokens": 200}, "server_tool_use": {"web_search_requests": 2},
            "service_tier": "standard", "inference_geo": "us",
        }  # fmt: skip
        reading = MESSAGES.read(dump({"model": "claude-x", "stop_reason": "tool_use", "usage": usage}), ASK)
        assert reading.usage == Usage(
            uncached_in=3, cache_read=5, w5m=12304, out=550, reasoning=200, requests={"web_search": 2}
        )
        assert (reading.model, reading.finish, reading.tier, reading.geo) == ("claude-x", "tool_use", "", "us")
        assert json.loads(reading.raw) == usage

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"usage":null}', b'{"usage":{}}', b'{"usage":3}'])
    def test_no_usage_is_none(self, body: bytes) -> None:
        assert MESSAGES.read(body, ASK).usage is None

    def test_an_estimate_by_the_sizes_of_both(self) -> None:
        body = dump({"model": "claude-x", "content": [{"type": "text", "text": "x" * 400}]})
        reading = MESSAGES.estimate(b"y" * 80, body, Ask(model="m", max_output=60))
        assert reading.estimated and reading.usage == Usage(uncached_in=20, out=60) and reading.model == "claude-x"


class TestStream:
    def test_every_split_in_two_is_the_same(self) -> None:
        whole = run(MESSAGES.stream(ASK), [STREAM])
        assert whole[0] == STREAM and whole[1].usage == READ and whole[2] and whole[1].finish == "end_turn"
        for cut in range(len(STREAM)):
            assert run(MESSAGES.stream(ASK), pieces(STREAM, [cut])) == whole

    @given(st.lists(st.integers(0, 5000), max_size=30), st.integers(1, 400), st.sampled_from([b"\n", b"\r\n", b"\r"]))
    def test_every_split_and_every_length_of_tape(self, cuts: list[int], limit: int, end: bytes) -> None:
        reader = MESSAGES.stream(ASK)
        reader._limit = limit  # type: ignore[attr-defined]
        data = STREAM.replace(b"\n", end)
        out, reading, complete = run(reader, pieces(data, cuts))
        assert out == data and complete and reading.usage == READ
        assert (reading.model, reading.finish) == ("claude-sonnet-4-5", "end_turn")

    def test_the_delta_has_only_output(self) -> None:
        assert read_stream(
            {"input_tokens": 15, "cache_read_input_tokens": 7, "output_tokens": 1}, {"output_tokens": 9}
        ) == (Usage(uncached_in=15, cache_read=7, out=9))

    def test_the_delta_repeats_all(self) -> None:
        both = {"input_tokens": 9, "cache_read_input_tokens": 1, "cache_creation_input_tokens": 0}
        assert read_stream({**both, "output_tokens": 1}, {**both, "output_tokens": 16}) == (
            Usage(uncached_in=9, cache_read=1, out=16)
        )

    def test_the_start_has_zeros_and_the_delta_all(self) -> None:
        zeros = {"input_tokens": 0, "output_tokens": 0}
        assert read_stream(zeros, {"input_tokens": 4522, "cache_creation_input_tokens": 4511, "output_tokens": 5}) == (
            Usage(uncached_in=4522, w5m=4511, out=5)
        )

    def test_the_start_has_the_full_prompt_and_the_delta_its_breakdown(self) -> None:
        assert read_stream(
            {"input_tokens": 10_000, "output_tokens": 0},
            {"input_tokens": 100, "cache_read_input_tokens": 9900, "output_tokens": 0},
        ) == Usage(uncached_in=100, cache_read=9900)

    def test_a_delta_of_zeros_does_not_unsay_the_start(self) -> None:
        assert read_stream({"input_tokens": 15}, {"input_tokens": 0, "output_tokens": 2}) == Usage(
            uncached_in=15, out=2
        )

    def test_counts_of_several_deltas_are_cumulative(self) -> None:
        assert read_stream({"input_tokens": 5}, {"output_tokens": 2}, {"output_tokens": 9}) == Usage(
            uncached_in=5, out=9
        )

    def test_the_split_of_the_start_holds_for_the_total_of_the_delta(self) -> None:
        start = {
            "input_tokens": 1,
            "cache_creation_input_tokens": 30,
            "cache_creation": {"ephemeral_1h_input_tokens": 30},
        }
        delta = {"input_tokens": 1, "cache_creation_input_tokens": 50, "output_tokens": 2}
        assert read_stream(start, delta) == Usage(uncached_in=1, w1h=30, w5m=20, out=2)
        assert read_stream(start, delta, ask=HOUR) == Usage(uncached_in=1, w1h=50, out=2)

    @given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99), st.integers(1, 99))
    def test_all_four_shapes_of_the_same_use_read_the_same(self, sent: int, read: int, written: int, out: int) -> None:
        three = {"input_tokens": sent, "cache_read_input_tokens": read, "cache_creation_input_tokens": written}
        expected = Usage(uncached_in=sent, cache_read=read, w5m=written, out=out)
        full = {"input_tokens": sent + read + written, "output_tokens": 1}
        assert read_stream({**three, "output_tokens": 1}, {"output_tokens": out}) == expected
        assert read_stream({**three, "output_tokens": 1}, {**three, "output_tokens": out}) == expected
        assert read_stream({"input_tokens": 0, "output_tokens": 0}, {**three, "output_tokens": out}) == expected
        assert read_stream(full, {**three, "output_tokens": out}) == expected

    def test_until_a_delta_told_the_output_it_is_not_known(self) -> None:
        reader = MESSAGES.stream(ASK)
        reader.feed(message_start(input_tokens=25, output_tokens=1) + text_delta("x" * 1600))
        assert reader.reading().usage is None and not reader.complete and not reader.ending
        reading = reader.estimate(b"a body of another length")
        assert reading.estimated and reading.usage == Usage(uncached_in=25, out=400)
        assert reading.model == "claude-sonnet-4-5"

    def test_a_start_of_zeros_does_not_tell_the_input(self) -> None:
        reader = MESSAGES.stream(ASK)
        reader.feed(message_start(input_tokens=0, output_tokens=0) + text_delta("x" * 40))
        assert reader.estimate(b"x" * 80).usage == Usage(uncached_in=20, out=10)

    def test_thinking_and_tool_calls_count_and_signatures_do_not(self) -> None:
        reader = MESSAGES.stream(Ask(model="m", stream=True, max_output=25))
        for delta in (
            {"type": "thinking_delta", "thinking": "x" * 40},
            {"type": "input_json_delta", "partial_json": "y" * 40},
            {"type": "signature_delta", "signature": "z" * 4000},
        ):
            reader.feed(message_event("content_block_delta", index=0, delta=delta))
        assert reader.estimate(b"").usage == Usage(out=20)
        reader.feed(text_delta("x" * 4000))
        assert reader.estimate(b"").usage == Usage(out=25)

    def test_ending_once_the_reason_to_stop_was_seen(self) -> None:
        reader = MESSAGES.stream(ASK)
        reader.feed(message_start(input_tokens=2) + message_delta(output_tokens=3))
        assert reader.ending and not reader.complete and reader.reading().usage == Usage(uncached_in=2, out=3)

    def test_an_error_inside_the_stream(self) -> None:
        data = message_start(input_tokens=2) + message_event(
            "error", error={"type": "overloaded_error", "message": "x"}
        )
        _, reading, complete = run(MESSAGES.stream(ASK), [data])
        assert reading.finish == "error" and not complete and reading.usage is None

    def test_an_endless_stream_needs_little_memory(self) -> None:
        reader = MESSAGES.stream(ASK)
        reader.feed(message_start(input_tokens=25, output_tokens=1))
        for _ in range(3000):
            reader.feed(text_delta("four"))
        assert reader._held <= tape.TAPE_LIMIT  # type: ignore[attr-defined]
        assert reader.estimate(b"").usage == Usage(uncached_in=25, out=3000)
        reader.feed(message_delta(output_tokens=2999) + MESSAGE_STOP)
        assert reader.complete and reader.reading().usage == Usage(uncached_in=25, out=2999)

    @given(st.recursive(st.none() | st.text(max_size=5) | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner), max_leaves=5))  # fmt: skip
    def test_nothing_in_a_stream_makes_it_fail(self, value: Any) -> None:
        for data in (
            message_event("message_start", message=value),
            message_event("message_delta", usage=value, delta=value),
            message_event("content_block_delta", delta=value),
            b"event: x\ndata: " + dump(value) + b"\n\n",
            dump({"type": value}),
        ):
            reader = MESSAGES.stream(ASK)
            assert run(reader, [data])[0] == data
            assert reader.estimate(b"x").estimated


class TestCountTokens:
    def test_counting_is_free(self) -> None:
        ask = COUNT.ask(b'{"model":"claude","messages":[]}')
        assert not COUNT.billed and not ask.stream
        assert COUNT.read(b'{"input_tokens":2095}', ask).usage == Usage()
        assert COUNT.estimate(b"x", b"y", ask).usage == Usage()

    def test_a_reader_for_it(self) -> None:
        ask = COUNT.ask(b'{"model":"claude"}')
        assert run(COUNT.stream(ask), [b'{"input_', b'tokens":5}'])[0] == b'{"input_tokens":5}'
