"""What calls of a kind read from prompt caches, and what that does to the cost that is expected of a model."""

from farthing.catalog import Costs
from farthing.catalog.cached import NOTHING, CachedShares, Share
from farthing.catalog.caching import Caching, Cachings
from farthing.model.asked import Asked
from farthing.model.call import Ask, Call
from farthing.model.record import Attempt, Record
from farthing.model.routes import scopes_of
from farthing.model.usage import Usage
from farthing.store.cached_input import CachedInput

from .shelf import ANTHROPIC, AT_US, BOOK, OPENAI, catalog, costs

QA = scopes_of("", "qa")
WAYS = {
    "auto": Caching("automatic", 1_024, 1_000_000, 100_000),
    "auto-too": Caching("automatic", 1_024, 1_000_000, 100_000),
    "points": Caching("breakpoints", 1_024, 1_000_000, 100_000),
    "marks": Caching("marks", 1_024, 1_000_000, 100_000),
}


def seen(shares: CachedShares, model: str, usage: Usage, times: int = 30) -> None:
    attempts = [Attempt(1, model=model, usage=usage)]
    shares.observe([Record(f"{model}{n}", 0, "openai.chat", task="qa", attempts=attempts) for n in range(times)])


def test_what_was_seen_counts() -> None:
    shares = CachedShares(WAYS.get)
    assert shares.of("default", QA, "auto") == NOTHING
    seen(shares, "auto", Usage(uncached_in=200, cache_read=700, w5m=100, out=5))
    assert shares.of("default", QA, "auto") == Share(0.7, 0.1)
    assert shares.of("other", QA, "auto") == NOTHING


def test_of_a_model_that_was_not_seen_it_is_said_by_its_way() -> None:
    plain, marking = CachedShares(WAYS.get), CachedShares(WAYS.get, marks=True)
    for shares in (plain, marking):
        seen(shares, "auto", Usage(uncached_in=100, cache_read=900, out=5))
    foretold = {model: plain.of("default", QA, model) for model in ("auto-too", "points", "marks", "unknown")}
    assert foretold == {"auto-too": Share(0.9), "points": Share(0.0, 1.0), "marks": NOTHING, "unknown": NOTHING}
    assert marking.of("default", QA, "points") == marking.of("default", QA, "marks") == Share(0.9)


def test_where_nothing_repeats_nothing_is_foretold() -> None:
    shares = CachedShares(WAYS.get)
    seen(shares, "auto", Usage(uncached_in=1_000, out=5))
    assert shares.of("default", QA, "points") == NOTHING


def test_a_start_knows_what_was_read_before() -> None:
    shares = CachedShares(WAYS.get)
    shares.load([CachedInput("default", "qa", "auto", 4_000, 4_000_000, 3_000_000)])
    assert shares.of("default", QA, "auto") == Share(0.75)
    assert shares.of("default", scopes_of("", "code"), "auto").read == 0.75  # the widest scope knows it too


def test_callers_cannot_fill_the_memory() -> None:
    shares = CachedShares(WAYS.get, most=50)
    for number in range(1_000):
        attempts = [Attempt(1, model="auto", usage=Usage(uncached_in=10))]
        shares.observe([Record(f"c{number}", 0, "openai.chat", template=f"{number:016x}", attempts=attempts)])
    assert len(shares._cells) <= 100


def test_a_model_that_reads_its_prompt_is_cheaper_than_its_list_says() -> None:
    found = catalog(OPENAI + ANTHROPIC)
    cachings = Cachings(BOOK, lambda: AT_US)
    shares = CachedShares(lambda model: cachings.of(found.places(model)[0], "openai.responses"))
    priced = Costs(BOOK, found, costs()[1], cached=shares.of)
    call = Call(
        id="c", wire="openai.chat", headers={}, peer="", body=b"", ask=Ask("auto"), started_us=AT_US, started=0.0
    )
    call.asked = Asked(in_tokens=10_000)
    before = {model: priced.of(model, call, QA) for model in ("gpt-5", "gpt-6.1-sol")}
    seen(shares, "gpt-5", Usage(uncached_in=100, cache_read=900, out=5))
    after = {model: priced.of(model, call, QA) for model in ("gpt-5", "gpt-6.1-sol")}
    read, written = before["gpt-5"], before["gpt-6.1-sol"]
    assert read is not None and written is not None
    assert after["gpt-5"] == read - 9_000 * (1_250 - 125)
    assert after["gpt-6.1-sol"] == written + 10_000 * 500  # writes each prompt whole, at 1.25 of 2 dollars
