"""What marks saved, from reported usage."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from farthing.model.call import Deployment
from farthing.model.marks import ALIKE, EXPLICIT, MARKED, usage_without
from farthing.model.record import Attempt
from farthing.model.usage import Usage
from farthing.prices import PriceBook
from farthing.steps.shape.booking import saving

AT_US = 1_795_000_000_000_000
CLAUDE = Deployment("claude", "anthropic", "claude-sonnet-5", "anthropic")
GPT = Deployment("gpt", "openai", "gpt-5.6-sol", "openai")
BOOK = PriceBook.load()


def attempt(place: Deployment, flag: str, **usage: int) -> Attempt:
    used = Usage(**usage)
    priced = BOOK.price(place.prices, place.model, used, at_us=AT_US)
    return Attempt(
        no=1, provider=place.provider, model=place.model, usage=used, cost=priced.nano, cost_state=priced.state,
        started_us=AT_US, flags=[flag] if flag else [],
    )  # fmt: skip


def test_a_read_saves_what_it_costs_less() -> None:
    made = saving([attempt(CLAUDE, MARKED, uncached_in=100, cache_read=5_000, out=50)], [CLAUDE], BOOK)
    assert made is not None
    assert made.saved == 5_000 * (2_000 - 200)
    assert not made.estimated


def test_a_write_that_nobody_reads_is_a_loss() -> None:
    made = saving([attempt(CLAUDE, MARKED, uncached_in=100, w1h=5_000)], [CLAUDE], BOOK)
    assert made is not None
    assert made.saved == -5_000 * 2_000


def test_what_a_provider_would_have_written_by_itself_is_what_was_saved() -> None:
    made = saving([attempt(GPT, EXPLICIT, uncached_in=5_000)], [GPT], BOOK)
    assert made is not None
    assert made.saved == 5_000 * 1_000
    assert made.estimated


def test_what_would_have_been_read_anyway_is_no_saving() -> None:
    assert saving([attempt(GPT, ALIKE, uncached_in=100, cache_read=5_000)], [GPT], BOOK) is None


def test_only_marks_of_ours_count() -> None:
    assert saving([attempt(CLAUDE, "", uncached_in=100, cache_read=5_000)], [CLAUDE], BOOK) is None
    assert saving([attempt(CLAUDE, MARKED, cache_read=5_000)], [GPT], BOOK) is None
    unknown = attempt(CLAUDE, MARKED, cache_read=5_000)
    unknown.cost_state = "unknown"
    assert saving([unknown], [CLAUDE], BOOK) is None


counts: Any = st.fixed_dictionaries(
    {name: st.integers(0, 10_000) for name in ("uncached_in", "cache_read", "w5m", "w1h", "w30m", "audio_in", "out")}
)


@given(counts, st.sampled_from((MARKED, EXPLICIT, ALIKE, "")))
def test_no_token_is_lost_in_what_might_have_been(usage: dict[str, int], flag: str) -> None:
    used = Usage(**usage)
    without = usage_without([flag], used)
    assert (without.total_in, without.total_out, without.audio_in) == (used.total_in, used.total_out, used.audio_in)
    if flag in (MARKED, EXPLICIT):
        assert without.cached_in == 0
