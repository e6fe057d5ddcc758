"""An upper estimate is never below what the same price book asks for the answer."""

import pytest

from farthing.model.call import Ask, Call, Deployment
from farthing.model.usage import Usage
from farthing.prices import PriceBook
from farthing.steps.budget.quote import Quote, Quotes

NOW_US = 1_795_000_000_000_000


@pytest.fixture(scope="module")
def shipped() -> PriceBook:
    return PriceBook.load()


def quote(book: PriceBook, body: bytes, ask: Ask, prices: str = "openai", wire: str = "openai.chat") -> Quote:
    call = Call(
        id="c", wire=wire, headers={}, peer="", body=body, ask=ask, started_us=NOW_US, started=0.0
    )  # fmt: skip
    return Quotes(book).of(call, Deployment(ask.model, prices, ask.model, prices), NOW_US)


def padded(tokens: int, more: bytes = b"") -> bytes:
    return b'{"model":"m",' + more + b'"x":"' + b"a" * (tokens * 5 // 2) + b'"}'


def test_the_price_is_that_of_the_price_book(shipped: PriceBook) -> None:
    found = quote(shipped, padded(1000), Ask("gpt-4o-mini", max_output=300))
    least = shipped.price("openai", "gpt-4o-mini", Usage(uncached_in=1000, out=300), at_us=NOW_US).nano
    assert least <= found.nano(300) <= 1.02 * least
    assert (found.most, found.bounded, found.priced) == (300, True, True)
    assert found.pays("money", found.nano(300)) == 300


def test_a_long_call_is_priced_in_its_band(shipped: PriceBook) -> None:
    long = quote(shipped, padded(300_000), Ask("gemini-2.5-pro", max_output=100), "google")
    truth = shipped.price("google", "gemini-2.5-pro", Usage(uncached_in=300_000, out=100), at_us=NOW_US)
    assert truth.state == "computed" and long.nano(100) >= truth.nano


@pytest.mark.parametrize(("ttl", "unit"), [("5m", "w5m"), ("1h", "w1h")])
def test_input_that_is_marked_for_the_cache_may_be_written(shipped: PriceBook, ttl: str, unit: str) -> None:
    ask = Ask("claude-haiku-4-5", max_output=10, cache_ttl=ttl)
    marked = quote(shipped, padded(1000, b'"cache_control":{},'), ask, "anthropic", "anthropic.messages")
    plain = quote(shipped, padded(1000), ask, "anthropic", "anthropic.messages")
    usage = Usage(out=10)
    setattr(usage, unit, 1000)
    assert marked.nano(10) >= shipped.price("anthropic", "claude-haiku-4-5", usage, at_us=NOW_US).nano > plain.nano(10)


def test_a_tier_and_searches_are_paid_for(shipped: PriceBook) -> None:
    plain = quote(shipped, padded(1000), Ask("gpt-5", max_output=100)).nano(100)
    assert quote(shipped, padded(1000), Ask("gpt-5", max_output=100, tier="priority")).nano(100) > plain
    assert quote(shipped, padded(1000), Ask("gpt-5", max_output=100, tier="flex")).nano(100) == plain
    tool = padded(1000, b'"tools":[{"type":"web_search_20250305","max_uses":3}],')
    ask = Ask("claude-haiku-4-5", max_output=100)
    with_search, without = (
        quote(shipped, body, ask, "anthropic", "anthropic.messages").nano(100) for body in (tool, padded(1000))
    )
    assert with_search - without >= 30_000_000


def test_bounds_of_output(shipped: PriceBook) -> None:
    known = quote(shipped, b"{}", Ask("gpt-4o-mini"))
    assert (known.most, known.bounded) == (16_384, True)
    huge = quote(shipped, b"{}", Ask("gpt-4o-mini", max_output=999_999_999))
    assert huge.most == 16_384
    several = quote(shipped, b"{}", Ask("gpt-4o-mini", max_output=50, choices=4))
    assert several.most == 200
    unknown = quote(shipped, b"{}", Ask("nobody-knows"))
    assert (unknown.bounded, unknown.priced) == (False, False)
    vectors = quote(shipped, b'{"input":"x"}', Ask("text-embedding-3-small"), wire="openai.embeddings")
    assert (vectors.most, vectors.least, vectors.limitable, vectors.priced) == (0, 0, False, True)
