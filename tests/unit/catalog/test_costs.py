"""Expected costs: by hand from the price list, with long-context bands, service tiers and lengths that were learned."""

from functools import partial

import pytest

from farthing.catalog import Costs
from farthing.catalog.expect import TYPICAL_OF
from farthing.catalog.token_ratio import TokenRatios
from farthing.model.asked import Asked
from farthing.model.call import Ask, Call
from farthing.model.record import Attempt
from farthing.model.routes import scopes_of
from farthing.model.usage import Usage

from .shelf import ANTHROPIC, AT_US, BOOK, GOOGLE, OPENAI, OWN, catalog, costs

QA = scopes_of("", "qa")
OUT = int(TYPICAL_OF["qa"])


def a_call(asked: Asked, **ask: object) -> Call:
    call = Call(
        id="c", wire="openai.chat", headers={}, peer="", body=b"", ask=Ask("auto", **ask),  # type: ignore[arg-type]
        started_us=AT_US, started=0.0,
    )  # fmt: skip
    call.asked = asked
    return call


def test_a_call_is_priced_at_its_expected_output() -> None:
    found, _ = costs()
    call = a_call(Asked(in_tokens=2_000))
    assert found.of("gpt-6-luna", call, QA) == 2_000 * 100 + OUT * 500
    assert found.of("gpt-6.1-sol", call, QA) == 2_000 * 2_000 + OUT * 10_000


def test_a_warm_cache_makes_all_but_the_latest_words_cheap() -> None:
    found, _ = costs()
    call = a_call(Asked(text="x" * 400, in_tokens=10_100))
    assert found.of("gpt-6.1-sol", call, QA, warm=True) == 100 * 2_000 + 10_000 * 100 + OUT * 10_000
    short = a_call(Asked(text="x" * 400, in_tokens=600))
    assert found.of("gpt-6.1-sol", short, QA, warm=True) == found.of("gpt-6.1-sol", short, QA)


def test_long_context_is_dearer_where_the_list_says_so() -> None:
    found, _ = costs()
    call = a_call(Asked(in_tokens=150_000))
    assert found.of("claude-haiku-5-5", call, QA) == 150_000 * 500 + OUT * 2_500


def test_service_tier_limit_and_choices_count() -> None:
    found, _ = costs()
    plain = found.of("gpt-6-luna", a_call(Asked(in_tokens=2_000)), QA)
    assert plain is not None
    assert found.of("gpt-6-luna", a_call(Asked(in_tokens=2_000), tier="flex"), QA) == plain // 2
    assert found.of("gpt-6-luna", a_call(Asked(in_tokens=2_000), tier="no-such"), QA) == plain
    assert found.of("gpt-6-luna", a_call(Asked(in_tokens=2_000), max_output=10), QA) == 200_000 + 10 * 500
    assert found.of("gpt-6-luna", a_call(Asked(in_tokens=2_000), choices=3), QA) == 200_000 + 3 * OUT * 500


def test_a_wordy_cheap_model_can_cost_more_than_a_terse_dear_one() -> None:
    """As on the Google ladder: 0.30 / 2.50 a million against 0.75 / 3.75."""
    found, expect = costs(GOOGLE)
    assert not list(found.dear_tiers(AT_US))
    for _ in range(300):
        expect.add("default", QA, "gemini-3.5-flash-lite", 900)
        expect.add("default", QA, "gemini-3.8-flash", 300)
    call = a_call(Asked(in_tokens=500))
    small, mid = (found.of(model, call, QA) for model in ("gemini-3.5-flash-lite", "gemini-3.8-flash"))
    assert small is not None
    assert mid is not None
    assert small > mid
    (warning,) = found.dear_tiers(AT_US)
    assert warning.startswith("routing.small: a typical call is expected to cost $0.00")
    assert "of the tier mid" in warning


def test_output_ratios_are_said_only_where_both_models_were_seen() -> None:
    found, expect = costs()
    assert found.output_ratio("gpt-6.1-sol", "gpt-6-luna", "acme", QA) is None
    for _ in range(500):
        expect.add("acme", QA, "gpt-6-luna", 100)
        expect.add("acme", QA, "gpt-6.1-sol", 200)
    assert found.output_ratio("gpt-6.1-sol", "gpt-6-luna", "acme", QA) == pytest.approx(2, rel=0.05)
    assert found.output_ratio("gpt-6.1-sol", "gpt-6-luna", "other", QA) is None


def test_usage_of_one_model_is_priced_at_another() -> None:
    found, _ = costs()
    usage = Usage(uncached_in=1_000, cache_read=4_000, w5m=500, out=100)
    attempt = Attempt(no=1, started_us=AT_US, tier="standard")
    assert found.price_at("claude-opus-5-5", attempt, usage) == 1_000 * 4_000 + 4_000 * 200 + 500 * 5_000 + 100 * 20_000
    # gpt-4o has no price for cache writes: there they would have been plain input.
    assert found.price_at("gpt-4o", attempt, usage) == 1_500 * 2_500 + 4_000 * 1_250 + 100 * 10_000


def test_what_nobody_knows_has_no_cost() -> None:
    found, _ = costs(OPENAI + ANTHROPIC + OWN)
    call = a_call(Asked(in_tokens=100))
    assert found.of("own/llama", call, QA) is None
    assert found.of("gemini-4-argon", call, QA) is None
    assert found.price_at("gemini-4-argon", Attempt(no=1, started_us=AT_US), Usage(out=1)) is None
    assert found.price_at("gpt-4o", Attempt(no=1, started_us=AT_US), Usage(requests={"page": 1})) is None
    assert found.as_embedding(1_000, AT_US, "own/llama") is None
    assert costs(ANTHROPIC)[0].as_embedding(1_000, AT_US) is None


def test_what_an_embedding_would_have_cost() -> None:
    found, _ = costs()
    assert found.as_embedding(1_000_000, AT_US) == 20_000_000
    assert found.as_embedding(1_000_000, AT_US, "text-embedding-3-large") == 130_000_000


def test_a_model_whose_provider_counts_more_tokens_reads_more() -> None:
    ratios = TokenRatios()
    found = Costs(BOOK, catalog(OPENAI + ANTHROPIC), costs()[1], partial(ratios.ratio, by="bytes"))
    call = a_call(Asked(in_tokens=10_000))
    before = found.of("gpt-6-luna", call, QA)
    for _ in range(200):
        ratios.learn("gpt-6-luna", 1_000, 1_500, "bytes")
    after = found.of("gpt-6-luna", call, QA)
    assert before is not None and after is not None
    assert after - before == pytest.approx(5_000 * 100, rel=0.02)
