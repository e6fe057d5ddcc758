"""How providers cache prompts, and what that costs, from the shipped price lists."""

from datetime import UTC, datetime
from fractions import Fraction

import pytest

from farthing.catalog.caching import Caching, Cachings
from farthing.model.call import Deployment
from farthing.prices import PriceBook

NOW_US = int(datetime(2026, 11, 25, tzinfo=UTC).timestamp()) * 1_000_000
CHAT, RESPONSES, MESSAGES = "openai.chat", "openai.responses", "anthropic.messages"


@pytest.fixture(scope="module")
def cachings() -> Cachings:
    return Cachings(PriceBook.load(), lambda: NOW_US)


def of(cachings: Cachings, prices: str, model: str, format: str) -> Caching | None:
    return cachings.of(Deployment(model, prices, model, prices), format)


def known(cachings: Cachings, prices: str, model: str, format: str) -> Caching:
    found = of(cachings, prices, model, format)
    assert found is not None
    return found


def factors(caching: Caching) -> list[Fraction]:
    return [Fraction(keep.write, caching.plain) for keep in caching.keeps]


@pytest.mark.parametrize(
    ("model", "least", "read"),
    [
        ("claude-haiku-4-5", 4096, Fraction(1, 10)),
        ("claude-haiku-4-5-20251001", 4096, Fraction(1, 10)),
        ("claude-sonnet-4-5", 1024, Fraction(1, 10)),
        ("claude-opus-4-7", 2048, Fraction(1, 10)),
        ("claude-opus-4-8", 1024, Fraction(1, 10)),
        ("claude-haiku-5-5", 512, Fraction(1, 10)),
        ("claude-opus-5-5", 512, Fraction(1, 20)),
        ("claude-fable-5-1", 512, Fraction(1, 40)),
    ],
)
def test_claude_keeps_what_is_marked(cachings: Cachings, model: str, least: int, read: Fraction) -> None:
    found = known(cachings, "anthropic", model, MESSAGES)
    assert (found.way, found.least, found.most, found.look_back) == ("marks", least, 4, 20)
    assert [(keep.ttl, keep.seconds) for keep in found.keeps] == [("5m", 300), ("1h", 3600)]
    assert factors(found) == [Fraction(5, 4), 2]
    assert Fraction(found.read, found.plain) == read


def test_later_models_of_openai_write_at_a_price(cachings: Cachings) -> None:
    found = known(cachings, "openai", "gpt-5.6-sol", RESPONSES)
    assert (found.way, found.look_back, found.key) == ("breakpoints", 0, True)
    assert [keep.ttl for keep in found.keeps] == ["30m", "12h"]
    assert factors(found) == [Fraction(5, 4), Fraction(5, 2)]
    assert [keep.ttl for keep in known(cachings, "openai", "gpt-5.6-sol", CHAT).keeps] == ["30m"]


def test_earlier_models_of_openai_take_no_marks(cachings: Cachings) -> None:
    found = known(cachings, "openai", "gpt-4o", CHAT)
    assert (found.way, found.keeps, found.most, found.key) == ("automatic", (), 0, True)
    assert Fraction(found.read, found.plain) == Fraction(1, 2)


def test_nothing_is_said_of_what_is_not_known(cachings: Cachings) -> None:
    assert of(cachings, "openai", "no-such-model", CHAT) is None
    assert of(cachings, "nobody", "gpt-4o", CHAT) is None


def test_claude_over_the_other_wire_takes_no_marks(cachings: Cachings) -> None:
    found = of(cachings, "openrouter", "anthropic/claude-opus-4.6", CHAT)
    assert found is None or found.keeps == ()


def test_a_contracts_rates_count() -> None:
    from_book = Cachings(PriceBook.load(), lambda: NOW_US)
    deployment = Deployment("mine", "anthropic", "something-else", "anthropic", price_as="claude-opus-5-5")
    found = from_book.of(deployment, MESSAGES)
    assert found is not None
    assert found == known(from_book, "anthropic", "claude-opus-5-5", MESSAGES)


def test_grok_takes_what_belongs_together_by_the_format_that_is_spoken(cachings: Cachings) -> None:
    chat, responses = (known(cachings, "x-ai", "grok-4", format) for format in (CHAT, RESPONSES))
    assert (chat.way, chat.key, chat.header) == ("automatic", False, "x-grok-conv-id")
    assert (responses.key, responses.header) == (True, "")


def test_gemini_keeps_prompts_by_the_hour_where_a_price_of_that_is_known(cachings: Cachings) -> None:
    flash, pro = (known(cachings, "google", f"gemini-2.5-{name}", CHAT) for name in ("flash", "pro"))
    assert (flash.way, flash.least, flash.storage, pro.storage) == ("automatic", 2_048, 1_000_000, 4_500_000)
    assert known(cachings, "openai", "gpt-4o", CHAT).storage == 0
