"""The compiler against its real source, where that is installed."""

from datetime import date, datetime
from pathlib import Path

import pytest

from farthing.model.usage import Usage
from farthing.prices import PriceBook
from farthing.prices.book import CARDS
from farthing.prices.card import read_cards

from .shelf import us

genai_prices = pytest.importorskip("genai_prices", reason="the extra `prices` brings the source of the cards")
compiler = pytest.importorskip("farthing.prices.compile_cards")


def test_the_shipped_cards_are_what_the_compiler_writes(tmp_path: Path) -> None:
    shipped = {path.name: path for path in CARDS.glob("*.json")}
    first = read_cards(next(iter(shipped.values())))
    written = compiler.write_cards(tmp_path, first.compiled)
    if read_cards(written[0][0]).version != first.version:
        pytest.skip("another release of the source is installed than the cards were compiled from")
    assert {path.name for path, _ in written} == set(shipped)
    for path, models in written:
        assert path.read_bytes() == shipped[path.name].read_bytes(), (
            f"{path.name} was changed by hand, or by the compiler"
        )
        assert models > 0


@pytest.mark.parametrize(
    ("provider", "model", "usage"),
    [
        ("openai", "gpt-4o", Usage(uncached_in=4_000, cache_read=6_000, out=1_000)),
        ("openai", "gpt-5.6-luna", Usage(uncached_in=300_000, out=10)),
        ("anthropic", "claude-sonnet-4-5", Usage(uncached_in=500, w5m=1_000, w1h=2_000, cache_read=8_000, out=300)),
        ("google", "gemini-2.5-pro", Usage(uncached_in=250_000, out=1_000)),
        ("x-ai", "grok-4.5", Usage(uncached_in=2_049, cache_read=10_880, out=29)),
        ("deepseek", "deepseek-flash", Usage(uncached_in=1_000, out=1_000)),
        ("mistral", "mistral-large-latest", Usage(uncached_in=1_000, out=1_000)),
    ],
)
@pytest.mark.parametrize("moment", ["2026-06-15T12:00", "2026-09-01T02:00", "2026-11-25T12:00"])
def test_the_cards_price_as_their_source_does(provider: str, model: str, usage: Usage, moment: str) -> None:
    """To the nano-dollar, with no overlay, on days with different prices and hours."""
    theirs = genai_prices.calc_price(
        genai_prices.Usage(
            input_tokens=usage.total_in, cache_read_tokens=usage.cache_read, output_tokens=usage.out,
            cache_write_tokens=usage.w5m + usage.w1h, cache_write_5m_tokens=usage.w5m, cache_write_1h_tokens=usage.w1h,
        ),
        model, provider_id=provider, genai_request_timestamp=datetime.fromisoformat(moment + "+00:00"),
    )  # fmt: skip
    book = PriceBook(list(compiler.compile_cards(date(2026, 11, 25))))
    priced = book.price(provider, model, usage, at_us=us(moment))
    assert priced.nano == round(theirs.total_price * 10**9)
    assert priced.flags == []
