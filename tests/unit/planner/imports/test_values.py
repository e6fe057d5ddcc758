"""Times, counts, amounts and names as logs write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.planner.imports.names import place_of
from farthing.planner.imports.usages import exclusive, flat, of_object
from farthing.planner.imports.values import (
    FIRST_US,
    LAST_US,
    BadRow,
    count,
    embedded,
    id_of,
    money,
    name,
    tags_of,
    when,
)

NOON = 1_790_856_000_000_000


@pytest.mark.parametrize(
    "said",
    [
        NOON // 10**6, NOON // 10**3, NOON, NOON * 1000, str(NOON // 10**6), f"{NOON // 10**6}.000", "2026-10-01T12:00:00Z",
        "2026-10-01 12:00:00", "2026-10-01 12:00:00.000000", "2026-10-01T14:00:00+02:00", "2026-10-01 12:00:00 UTC",
        "10/1/2026 12:00", "10/1/2026, 12:00:00 PM", " 2026-10-01T12:00:00.000000000Z ",
    ],
)  # fmt: skip
def test_times_in_every_unit_and_form(said: object) -> None:
    assert when(said) == NOON


def test_the_day_may_stand_first() -> None:
    assert when("1/10/2026 12:00", day_first=True) == NOON
    assert when("01.10.2026 12:00") == when("1.10.2026, 12:00", day_first=False) == NOON


@pytest.mark.parametrize(
    "said", ["", "soon", None, True, 5, "1999-01-01", 10**30, float("nan"), [1], "13/13/2026", "2026-13-01"]
)
def test_what_is_no_time_is_said(said: object) -> None:
    with pytest.raises(BadRow):
        when(said)


@given(st.integers(FIRST_US // 10**6, LAST_US // 10**6))
def test_seconds_and_milliseconds_are_told_apart(second: int) -> None:
    assert when(second) == when(second * 1000) == when(second * 10**6) == second * 10**6


def test_counts() -> None:
    assert [count(each) for each in (0, "0", "1,234", "12.0", 12.0, None, "", "NULL", "nan", 7)] == [
        0,
        0,
        1234,
        12,
        12,
        None,
        None,
        None,
        None,
        7,
    ]
    for wrong in (-1, "-5", "1.5", "many", True, 10**20, [3]):
        with pytest.raises(BadRow):
            count(wrong)


def test_amounts_are_exact_and_unknown_is_none() -> None:
    assert money("0.000000001") == 1 and money(0.1) == 100_000_000 and money("$1,000.5") == 1_000_500_000_000
    assert money("12.5", 100) == 125_000_000
    assert [money(each) for each in (None, "", "free", -1, float("inf"), True)] == [None] * 6
    assert money(0) == 0


def test_names_ids_and_tags_are_fit_for_the_ledger() -> None:
    assert name("a\nb") == "a b" and name(7) == "7" and name(None) == name({}) == "" and len(name("x" * 999)) == 256
    assert (
        id_of(" abc ", "here") == "abc"
        and id_of("x" * 999, "here").startswith("past-")
        and id_of(" ", "here") == "here"
    )
    assert tags_of('["team:cx", "beta", 5]') == {"team": "cx", "beta": "yes"} and tags_of({"a": {"b": 1}, "c": 2}) == {
        "c": "2"
    }
    assert embedded('{""a"": ""b""}') == {"a": "b"} and embedded("{no") == "{no"


@pytest.mark.parametrize(
    ("provider", "model", "place"),
    [
        ("", "gpt-5-mini", ("openai", "gpt-5-mini")), ("", "claude-sonnet-4-5", ("anthropic", "claude-sonnet-4-5")),
        ("azure", "azure/gpt-4o", ("azure", "gpt-4o")), ("", "azure/gpt-4o", ("azure", "gpt-4o")),
        ("bedrock", "bedrock/us-east-1/anthropic.claude-x", ("aws", "anthropic.claude-x")), ("", "gemini/gemini-2.5-pro", ("google", "gemini-2.5-pro")),
        ("openrouter", "openai/gpt-4o", ("openrouter", "openai/gpt-4o")), ("", "my-own", ("", "my-own")), ("Acme", "x", ("acme", "x")),
        ("xai", "grok-4", ("x-ai", "grok-4")), ("", "eu.anthropic.claude-x", ("aws", "eu.anthropic.claude-x")),
    ],
)  # fmt: skip
def test_whose_price_list_it_is(provider: str, model: str, place: tuple[str, str]) -> None:
    assert place_of(provider, model) == place


def test_inputs_that_leave_the_cache_out_are_found() -> None:
    inside = flat(100, 5, read=60, written=30)
    assert inside is not None and (inside.uncached_in, inside.cache_read, inside.w30m) == (10, 60, 30)
    beside = flat(5, 5, read=60, written=30, bucket="w5m")
    assert beside is not None and (beside.uncached_in, beside.w5m, beside.total_in) == (5, 30, 95)
    assert flat(None, None) is None


@given(*[st.integers(0, 10**6)] * 4)
def test_no_token_is_lost_or_counted_twice(sent: int, made: int, read: int, written: int) -> None:
    usage = flat(sent, made, read=read, written=written)
    assert usage is not None and usage.out == made
    assert usage.total_in == (sent if read + written <= sent else sent + read + written)


def test_usage_of_each_provider_and_of_mixtures() -> None:
    cases = [
        ({"prompt_tokens": 100, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 60}}, "openai", "gpt-5", (40, 60, 0, 5)),
        ({"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 60}, "anthropic", "claude-x", (10, 60, 0, 5)),
        ({"prompt_tokens": 100, "completion_tokens": 5, "cache_read_input_tokens": 60, "cache_creation_input_tokens": 30,
          "prompt_tokens_details": {"cached_tokens": 60, "cache_creation_tokens": 30}}, "anthropic", "claude-x", (10, 60, 30, 5)),
        ({"prompt_tokens": 10, "completion_tokens": 5, "cache_read_input_tokens": 60, "cache_creation_input_tokens": 30}, "aws", "claude-x", (10, 60, 30, 5)),
        ({"promptTokenCount": 100, "candidatesTokenCount": 5, "cachedContentTokenCount": 60}, "google", "gemini-x", (40, 60, 0, 5)),
        ({"inputTokens": 10, "outputTokens": 5, "cacheReadInputTokens": 60}, "aws", "claude-x", (10, 60, 0, 5)),
    ]  # fmt: skip
    for value, provider, model, wanted in cases:
        usage = of_object(value, provider=provider, model=model).usage
        assert usage is not None and (usage.uncached_in, usage.cache_read, usage.w5m, usage.out) == wanted, value
    assert of_object({"odd": 1}).usage is None and of_object({"prompt_tokens": "x"}).usage is None


def test_buckets_that_stand_side_by_side() -> None:
    found = exclusive(
        {"input": 10, "input_cached_tokens": 60, "input_cache_creation": 30, "output": 5, "output_reasoning_tokens": 7, "total": 112, "input_other": 1},
        provider="anthropic", model="claude-x",
    )  # fmt: skip
    assert found is not None
    assert (found.uncached_in, found.cache_read, found.w5m, found.out, found.reasoning) == (11, 60, 30, 12, 7)
    split = exclusive(
        {
            "input": 1,
            "input_cache_creation": 5,
            "input_cache_creation_5m": 2,
            "input_cache_creation_1h": 3,
            "output": 1,
        },
        provider="",
        model="claude-x",
    )
    assert split is not None and (split.w5m, split.w1h, split.w30m) == (2, 3, 0)
    assert exclusive({"total": 5}, provider="", model="") is None
    with pytest.raises(BadRow):
        exclusive({"input": -5}, provider="", model="")
