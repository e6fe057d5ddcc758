import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.call import Ask
from farthing.model.usage import Usage
from farthing.wire import FORMATS, tape
from unit.wire.streams import DONE, chunk, dump, event, pieces, run, usage_chunk

CHAT = FORMATS["openai.chat"]
ASKED = Ask(model="gpt-4o-mini", stream=True, wants_usage=True, cache_ttl="30m")
UNASKED = Ask(model="gpt-4o-mini", stream=True, wants_usage=False, cache_ttl="30m")
USAGE = {"prompt_tokens": 20, "completion_tokens": 7, "total_tokens": 27, "prompt_tokens_details": {"cached_tokens": 8}}
READ = Usage(uncached_in=12, cache_read=8, out=7)

HELLO = b"".join(
    [
        chunk({"role": "assistant", "content": ""}, usage=None),
        chunk({"content": "Hé"}, usage=None),
        chunk({"content": 'say "usage_tokens" [] \\ {"usage":{}}'}, usage=None),
        chunk({}, "stop", usage=None),
        usage_chunk(**USAGE),
        DONE,
    ]
)
HIDDEN = HELLO.replace(usage_chunk(**USAGE), b"")


class TestAsk:
    def test_everything_that_the_steps_need(self) -> None:
        body = dump(
            {
                "model": "gpt-4o", "messages": [], "stream": True, "stream_options": {"include_usage": True},
                "max_tokens": 9, "max_completion_tokens": 5, "n": 3, "user": "u", "metadata": {"team": "x"},
                "service_tier": "flex", "prompt_cache_options": {"ttl": "12h"},
            }
        )  # fmt: skip
        assert CHAT.ask(body) == Ask(
            model="gpt-4o", stream=True, wants_usage=True, max_output=5, user="u", metadata={"team": "x"}, tier="flex",
            cache_ttl="12h", choices=3,
        )  # fmt: skip

    def test_the_least(self) -> None:
        assert CHAT.ask(b'{"model":"gpt-4o"}') == Ask(model="gpt-4o", cache_ttl="30m")

    @pytest.mark.parametrize("options", ["", ',"stream_options":null', ',"stream_options":{"include_usage":false}'])
    def test_a_stream_without_usage(self, options: str) -> None:
        assert not CHAT.ask(b'{"model":"m","stream":true' + options.encode() + b"}").wants_usage

    def test_null_is_the_same_as_absent(self) -> None:
        ask = CHAT.ask(b'{"model":"m","stream":null,"user":null,"metadata":null,"max_tokens":null,"n":null}')
        assert ask == Ask(model="m", cache_ttl="30m")

    def test_claude_behind_this_wire_keeps_its_own_times(self) -> None:
        marked = {"role": "user", "content": [{"type": "text", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]}
        assert CHAT.ask(dump({"model": "claude-opus", "messages": [marked]})).cache_ttl == "1h"
        assert CHAT.ask(dump({"model": "claude-opus", "messages": []})).cache_ttl == "5m"


class TestSplice:
    @pytest.mark.parametrize("wants", [True, False])
    def test_nothing_changes(self, wants: bool) -> None:
        body = b'{"model":"m","stream":true,"stream_options":{"include_usage":true}}' if wants else b'{"model":"m"}'
        assert CHAT.splice(body, CHAT.ask(body), "m") is body

    @pytest.mark.parametrize(
        ("body", "spliced"),
        [
            (
                b' { "model" : "m", "stream":true}',
                b' {"stream_options":{"include_usage":true}, "model" : "x", "stream":true}',
            ),
            (
                b'{"stream_options" : null , "model":"m", "stream":true}',
                b'{"stream_options" : {"include_usage":true} , "model":"x", "stream":true}',
            ),
            (
                b'{"stream_options":{"include_usage":false},"model":"m","stream":true}',
                b'{"stream_options":{"include_usage":true},"model":"x","stream":true}',
            ),
            (
                b'{"model":"m","stream":true,"stream_options":{"include_obfuscation":false}}',
                b'{"model":"x","stream":true,"stream_options":{"include_obfuscation":false,"include_usage":true}}',
            ),
            (
                b'{"tools":[{"stream_options":{},"model":"m"}],"model":"m","stream":true}',
                b'{"stream_options":{"include_usage":true},"tools":[{"stream_options":{},"model":"m"}],"model":"x",'
                b'"stream":true}',
            ),
        ],
    )
    def test_model_and_usage_in_one_go(self, body: bytes, spliced: bytes) -> None:
        assert CHAT.splice(body, CHAT.ask(body), "x") == spliced
        ask = CHAT.ask(spliced)
        assert (ask.model, ask.stream, ask.wants_usage) == ("x", True, True)

    @given(st.dictionaries(st.text(max_size=5), st.text(max_size=5)), st.booleans(), st.booleans())
    def test_all_else_stays(self, more: dict[str, str], spaced: bool, escaped: bool) -> None:
        value = {"a": more, "model": "m", **more, "stream": True, "z": [more]}
        value.update(model="m", stream=True)
        value.pop("stream_options", None)
        body = json.dumps(value, indent=1 if spaced else None, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
        try:
            ask = CHAT.ask(body)
        except Exception:
            return
        before = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        after = msgspec.json.decode(CHAT.splice(body, ask, "x"), type=dict[str, msgspec.Raw])
        assert bytes(after.pop("stream_options")) == b'{"include_usage":true}'
        assert bytes(after.pop("model")) == b'"x"'
        before.pop("model")
        assert {name: bytes(raw) for name, raw in after.items()} == {name: bytes(raw) for name, raw in before.items()}


class TestRead:
    def test_a_whole_answer(self) -> None:
        body = dump(
            {
                "model": "gpt-4o-mini-1", "service_tier": "flex", "choices": [{"finish_reason": "stop", "message": {}}],
                "usage": USAGE,
            }
        )  # fmt: skip
        reading = CHAT.read(body, ASKED)
        assert reading.usage == READ and reading.adds_up
        assert (reading.model, reading.tier, reading.finish) == ("gpt-4o-mini-1", "flex", "stop")
        assert json.loads(reading.raw) == USAGE

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"[]", b"null", b'"x"', b'{"usage":null}', b'{"usage":{}}', b'{"usage":[]}', b"\xff"]
    )
    def test_no_usage_is_none(self, body: bytes) -> None:
        assert CHAT.read(body, ASKED).usage is None

    def test_explicit_zeros_are_kept(self) -> None:
        body = b'{"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}'
        assert CHAT.read(body, ASKED).usage == Usage()

    def test_odd_members_beside_the_usage_do_not_hide_it(self) -> None:
        body = dump(
            {"model": 5, "choices": [{"finish_reason": 7}, 8], "service_tier": [], "usage": USAGE, "error": None}
        )
        assert CHAT.read(body, ASKED).usage == READ

    def test_an_estimate_by_the_sizes_of_both(self) -> None:
        body = dump({"model": "m", "choices": [{"message": {"role": "assistant", "content": "x" * 400}}]})
        reading = CHAT.estimate(b"y" * 80, body, Ask(model="m"))
        assert reading.estimated and reading.usage == Usage(uncached_in=20, out=100)
        assert CHAT.estimate(b"y" * 80, b"not JSON", Ask(model="m", max_output=1)).usage == Usage(uncached_in=20, out=1)


class TestStream:
    def test_whole(self) -> None:
        out, reading, complete = run(CHAT.stream(ASKED), [HELLO])
        assert out == HELLO and complete
        assert reading.usage == READ
        assert (reading.model, reading.finish, reading.estimated) == ("gpt-4o-mini-1", "stop", False)

    def test_what_hides_nothing_returns_the_very_bytes(self) -> None:
        assert CHAT.stream(ASKED).feed(HELLO) is HELLO
        data = chunk({"content": "a"})
        assert CHAT.stream(UNASKED).feed(data) is data

    def test_every_split_in_two_is_the_same(self) -> None:
        whole = run(CHAT.stream(UNASKED), [HELLO])
        assert whole[0] == HIDDEN and whole[1].usage == READ
        for cut in range(len(HELLO)):
            assert run(CHAT.stream(UNASKED), pieces(HELLO, [cut])) == whole
            assert run(CHAT.stream(ASKED), pieces(HELLO, [cut])) == (HELLO, *whole[1:])

    @given(st.lists(st.integers(0, 5000), max_size=30), st.booleans(), st.integers(1, 400))
    def test_every_split_and_every_length_of_tape(self, cuts: list[int], hides: bool, limit: int) -> None:
        reader = CHAT.stream(UNASKED if hides else ASKED)
        reader._limit = limit  # type: ignore[attr-defined]
        out, reading, complete = run(reader, pieces(HELLO, cuts))
        assert out == (HIDDEN if hides else HELLO) and complete
        assert reading.usage == READ and (reading.model, reading.finish) == ("gpt-4o-mini-1", "stop")

    @pytest.mark.parametrize("end", [b"\r\n", b"\r"])
    @given(cuts=st.lists(st.integers(0, 5000), max_size=5))
    def test_other_line_ends(self, end: bytes, cuts: list[int]) -> None:
        out, reading, complete = run(CHAT.stream(UNASKED), pieces(HELLO.replace(b"\n", end), cuts))
        assert out.replace(end, b"\n").replace(b"\n\n\n", b"\n\n") == HIDDEN and complete and reading.usage == READ

    def test_usage_in_the_chunk_with_the_reason_to_stop(self) -> None:
        data = chunk({"content": "a"}) + chunk({}, "stop", usage=USAGE) + DONE
        for ask in (ASKED, UNASKED):
            out, reading, _ = run(CHAT.stream(ask), [data])
            assert out == data and reading.usage == READ

    def test_the_last_usage_counts_and_never_a_sum(self) -> None:
        early = {**USAGE, "completion_tokens": 3, "total_tokens": 23}
        data = chunk({"content": "a"}, usage=early) + chunk({}, "stop", usage=USAGE) + usage_chunk(**USAGE) + DONE
        out, reading, _ = run(CHAT.stream(UNASKED), [data])
        assert reading.usage == READ and out == data.replace(usage_chunk(**USAGE), b"")

    def test_usage_in_the_last_chunk_but_one(self) -> None:
        data = usage_chunk(**USAGE) + chunk({}, "stop", usage=None) + DONE
        assert run(CHAT.stream(ASKED), [data])[1].usage == READ

    @pytest.mark.parametrize("choices", ["[]", "null", "[ ]"])
    def test_each_empty_list_of_choices_is_hidden(self, choices: str) -> None:
        last = f'data: {{"choices": {choices}, "usage": {json.dumps(USAGE)}}}\n\n'.encode()
        assert run(CHAT.stream(UNASKED), [chunk({}, "stop") + last + DONE])[0] == chunk({}, "stop") + DONE

    def test_usage_without_choices_is_hidden(self) -> None:
        assert run(CHAT.stream(UNASKED), [event({"usage": USAGE}), DONE])[0] == DONE

    def test_the_azure_filter_chunk_stays(self) -> None:
        data = event({"choices": [], "prompt_filter_results": [{"prompt_index": 0}], "usage": None}) + DONE
        assert run(CHAT.stream(UNASKED), [data])[0] == data

    def test_usage_at_the_very_end_without_a_blank_line(self) -> None:
        data = chunk({}, "stop") + usage_chunk(**USAGE).rstrip()
        out, reading, complete = run(CHAT.stream(UNASKED), [data])
        assert out == chunk({}, "stop") and complete and reading.usage == READ

    def test_a_host_without_an_end_mark(self) -> None:
        assert run(CHAT.stream(ASKED), [chunk({"content": "a"}), chunk({}, "stop")])[2]

    def test_one_of_two_answers_that_stops_is_not_the_end(self) -> None:
        two = Ask(model="gpt-4o-mini", stream=True, wants_usage=True, choices=2)
        both = [chunk({}, "stop"), chunk({"content": "and the other"})]
        assert not run(CHAT.stream(two), both)[2]
        assert run(CHAT.stream(two), [*both, chunk({}, "stop"), usage_chunk(**USAGE)])[2]
        assert run(CHAT.stream(two), [*both, chunk({}, "stop"), DONE])[2]

    def test_a_cut_stream(self) -> None:
        reader = CHAT.stream(ASKED)
        _, reading, complete = run(reader, [chunk({"content": "a"}), b'data: {"choi'])
        assert not complete and not reader.ending and reading.usage is None and reading.model == "gpt-4o-mini-1"

    def test_ending_once_the_reason_to_stop_was_seen(self) -> None:
        reader = CHAT.stream(ASKED)
        reader.feed(chunk({"content": "a"}))
        assert not reader.ending
        reader.feed(chunk({}, "length"))
        assert reader.ending and reader.reading().finish == "length"

    def test_an_error_inside_the_stream(self) -> None:
        data = chunk({"content": "a"}) + event({"error": {"message": "overloaded", "type": "server_error"}})
        _, reading, complete = run(CHAT.stream(ASKED), [data])
        assert reading.finish == "error" and not complete

    def test_an_endless_event_is_let_through_and_forgotten(self) -> None:
        reader = CHAT.stream(UNASKED)
        block = b"x" * 100_000
        passed = sum(len(reader.feed(block)) for _ in range(200))
        assert passed + len(reader.finish()) == 200 * len(block)
        assert reader._held <= tape.EVENT_LIMIT + len(block)  # type: ignore[attr-defined]

    def test_an_endless_stream_needs_little_memory(self) -> None:
        reader = CHAT.stream(UNASKED)
        data = chunk({"content": "four"}, usage=None)
        for _ in range(3000):
            reader.feed(data)
        assert reader._held <= tape.TAPE_LIMIT  # type: ignore[attr-defined]
        assert reader.estimate(b"x" * 40).usage == Usage(uncached_in=10, out=3000)
        reader.feed(chunk({}, "stop") + usage_chunk(**USAGE) + DONE)
        assert reader.reading().usage == READ

    def test_usage_that_was_wound_off_is_not_forgotten(self) -> None:
        reader = CHAT.stream(ASKED)
        reader.feed(chunk({}, "stop") + usage_chunk(**USAGE))
        for _ in range(3000):
            reader.feed(b": keep-alive, nothing else to say here\n\n")
        assert reader.reading().usage == READ and reader.complete


class TestEstimate:
    def test_text_reasoning_and_tool_calls_count(self) -> None:
        reader = CHAT.stream(ASKED)
        reader.feed(
            chunk({"content": "x" * 40}) + chunk({"reasoning_content": "y" * 40}) + chunk({"reasoning": "z" * 40})
        )
        reader.feed(chunk({"tool_calls": [{"index": 0, "id": "i", "function": {"name": "", "arguments": "a" * 40}}]}))
        reading = reader.estimate(b"x" * 100)
        assert reading.estimated and reading.usage == Usage(uncached_in=25, out=40)
        assert reading.model == "gpt-4o-mini-1"

    def test_never_above_the_request_s_own_limit(self) -> None:
        reader = CHAT.stream(Ask(model="m", stream=True, max_output=5, choices=2))
        reader.feed(chunk({"content": "x" * 4000}))
        assert reader.estimate(b"").usage == Usage(out=10)

    def test_before_the_first_delta_the_prompt_is_billed(self) -> None:
        assert CHAT.stream(ASKED).estimate(b"x" * 140).usage == Usage(uncached_in=35)

    def test_explicit_zeros_stay_zero(self) -> None:
        reader = CHAT.stream(ASKED)
        reader.feed(chunk({"content": "x" * 400}) + usage_chunk(prompt_tokens=0, completion_tokens=0, total_tokens=0))
        assert reader.estimate(b"x" * 100).usage == Usage()

    def test_usage_so_far_tells_the_input(self) -> None:
        reader = CHAT.stream(ASKED)
        reader.feed(chunk({"content": "x" * 400}, usage={**USAGE, "completion_tokens": 2, "total_tokens": 22}))
        assert reader.estimate(b"").usage == Usage(uncached_in=12, cache_read=8, out=100)

    @given(st.recursive(st.none() | st.text(max_size=5) | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner), max_leaves=5))  # fmt: skip
    def test_nothing_in_a_stream_makes_it_fail(self, value: Any) -> None:
        for data in (
            event(value),
            event({"choices": value, "usage": value}),
            chunk(value),
            event({"choices": [value]}),
        ):
            for ask in (ASKED, UNASKED):
                reader = CHAT.stream(ask)
                run(reader, [data])
                assert reader.estimate(b"x").estimated

    @given(st.binary(max_size=80))
    def test_nor_any_bytes(self, data: bytes) -> None:
        for ask in (ASKED, UNASKED):
            reader = CHAT.stream(ask)
            assert run(reader, [data, b"data: " + data + b"\n\n"])[0].count(b"") >= 1
            assert reader.estimate(b"x").estimated
