"""What calls show that no lever does: each is told where it is so, with calls that show it, and is not where it is not."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from farthing.finops.next_savings import Saving
from farthing.model.past import PastCall
from farthing.model.usage import Usage
from farthing.planner import advice
from farthing.prices import PriceBook
from unit.planner.pasts import chat

BOOK = PriceBook.load()
TIERS = {"gpt-4o": "flagship", "gpt-4o-mini": "small"}


def looked(look: Callable[[advice.Seen], Any], calls: list[PastCall]) -> list[Saving]:
    models = [("openai", "gpt-4o-mini"), ("openai", "gpt-4o")]
    return list(look(advice.seen_of(calls, BOOK, lambda model: TIERS.get(model, ""), 2.0, models)))


def says(text: str) -> bytes:
    return msgspec.json.encode({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]})


def test_a_prompt_whose_answer_is_nearly_always_the_same() -> None:
    same = [chat(n, template="aa", answer=says("No.")) for n in range(38)]
    other = [chat(40 + n, template="aa", answer=says("Yes: call them")) for n in range(2)]
    (found,) = looked(advice.dead_prompts, [*same, *other])
    assert "38 of 40" in found.what and found.risk == "needs proof" and found.a_month is None
    assert set(found.against) == {past.id for past in other} and set(found.shown_by) <= {past.id for past in same}
    assert not looked(advice.dead_prompts, [chat(n, template="aa", answer=says(f"No {n % 2}")) for n in range(40)])
    assert not looked(advice.dead_prompts, same[:20])


def test_a_storm_of_retries_begins_with_a_failure() -> None:
    def burst(fails: bool, gap_s: float) -> list[PastCall]:
        return [
            chat(n, "Where is it?", at_s=gap_s * n, outcome="error" if fails and n < 3 else "ok", status=500 if fails and n < 3 else 200)
            for n in range(5)
        ]  # fmt: skip

    (found,) = looked(advice.retry_storms, burst(True, 5.0))
    assert "4 calls" in found.what and found.a_month is None and found.high > 0
    assert not looked(advice.retry_storms, burst(False, 5.0)) and not looked(advice.retry_storms, burst(True, 90.0))


def test_a_limit_far_above_what_is_written() -> None:
    calls = [chat(n, max_output=4_000, usage=Usage(uncached_in=40, out=20 + n % 7)) for n in range(99)]
    runaway = chat(100, max_output=4_000, usage=Usage(uncached_in=40, out=3_000))
    (found,) = looked(advice.oversized_limits, [*calls, runaway])
    assert "4,000" in found.what and found.against == [runaway.id] and found.high > 0
    assert not looked(advice.oversized_limits, [msgspec.structs.replace(past, max_output=60) for past in calls])


def test_a_flagship_that_sorts_into_a_few_labels() -> None:
    calls = [chat(n, feature="triage", answer=says(f"desk {n % 4}")) for n in range(60)]
    (found,) = looked(advice.flagship_labels, calls)
    assert "one of 4 labels" in found.what and "gpt-4o-mini" in found.why and found.high > 0
    for wrong in (
        [msgspec.structs.replace(past, answer=says(f"case {n}")) for n, past in enumerate(calls)],
        [msgspec.structs.replace(past, usage=Usage(uncached_in=40, out=200)) for past in calls],
        [msgspec.structs.replace(past, model="gpt-4o-mini") for past in calls],
    ):
        assert not looked(advice.flagship_labels, wrong)


def test_a_chat_model_that_writes_vectors() -> None:
    vector = msgspec.json.encode([n / 100 for n in range(64)]).decode()
    calls = [chat(n, feature="search", answer=says(vector)) for n in range(40)]
    (found,) = looked(advice.chat_vectors, [*calls, chat(50, feature="search")])
    assert found.lever == "embeddings" and found.against == ["past-000050"]
    assert not looked(advice.chat_vectors, [chat(n, answer=says("[1, 2]")) for n in range(40)])


def test_a_feature_that_nobody_waits_for() -> None:
    calls = [chat(n, feature="hints", outcome="left" if n % 20 else "ok") for n in range(60)]
    (found,) = looked(advice.unused_features, calls)
    assert "57 of 60" in found.what and len(found.against) == 3
    assert not looked(advice.unused_features, [chat(n, feature="hints") for n in range(60)])


def test_keys_that_could_be_one_save_nothing_by_themselves() -> None:
    calls = [chat(n, key=f"k{n % 4}") for n in range(40)]
    (found,) = looked(advice.scattered_keys, calls)
    assert "4 keys" in found.what and found.high == 0
    assert not looked(advice.scattered_keys, [msgspec.structs.replace(past, key="k") for past in calls])


@pytest.mark.parametrize("calls", [[], [chat(1, usage=None, answer=b"{", prompt=b"[")] * 40])
def test_odd_logs_are_no_error_and_show_nothing(calls: list[PastCall]) -> None:
    seen = advice.seen_of(calls, BOOK, lambda model: "", 1.0, [])
    assert advice.advise(seen) == []


def test_what_is_not_worth_a_line_is_left_out() -> None:
    big = [chat(n, feature="report", usage=Usage(uncached_in=90_000, out=9_000)) for n in range(200)]
    small = [chat(300 + n, feature="hints", outcome="left") for n in range(40)]
    seen = advice.seen_of([*big, *small], BOOK, lambda model: "", 1.0, [])
    assert not advice.advise(seen) and list(advice.unused_features(seen))
