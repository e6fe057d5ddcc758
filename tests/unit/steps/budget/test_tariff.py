"""What a call may cost at most is never below what the price book asks for it afterwards, however it is booked."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.call import Ask, Call
from farthing.model.money import Pico
from farthing.model.usage import Usage
from farthing.prices import PriceBook
from farthing.steps.budget.tariff import Tariffs

NOW_US = 1_795_000_000_000_000
MARKED = {"5m": b'"cache_control":{}', "1h": b'"cache_control":{}', "30m": b"", "12h": b""}
MODELS = {
    "openai": ("gpt-4o-mini", "gpt-5", "gpt-5.6-sol", "gpt-4o-audio-preview", "o3"),
    "anthropic": ("claude-haiku-4-5", "claude-sonnet-4-5", "claude-opus-4-6"),
    "google": ("gemini-2.5-pro",),
}


@pytest.fixture(scope="module")
def tariffs(shipped: PriceBook) -> Tariffs:
    return Tariffs(shipped)


@pytest.fixture(scope="module")
def shipped() -> PriceBook:
    return PriceBook.load()


def call(body: bytes = b"{}", wire: str = "openai.chat", tier: str = "", ttl: str = "5m") -> Call:
    ask = Ask("m", tier=tier, cache_ttl=ttl)
    return Call(id="c", wire=wire, headers={}, peer="", body=body, ask=ask, started_us=NOW_US, started=0.0)


def most(tariffs: Tariffs, of: Call, prices: str, model: str, tokens: int, at_us: int = NOW_US) -> tuple[Pico, Pico]:
    return tariffs.of(of, prices, model, at_us).price(tokens, of.body)


@given(
    whose=st.sampled_from([(prices, model) for prices, models in MODELS.items() for model in models]),
    ttl=st.sampled_from(sorted(MARKED)), tier=st.sampled_from(["", "flex", "priority", "batch", "auto", "no such"]),
    spoken=st.booleans(), tokens=st.integers(0, 400_000), parts=st.lists(st.floats(0, 1), min_size=3, max_size=3),
    out=st.integers(0, 9_000), at_us=st.integers(1_740_000_000_000_000, 1_800_000_000_000_000),
)  # fmt: skip
def test_no_way_of_booking_costs_more(
    shipped: PriceBook, tariffs: Tariffs, whose: tuple[str, str], ttl: str, tier: str, spoken: bool, tokens: int,
    parts: list[float], out: int, at_us: int,
) -> None:  # fmt: skip
    """`tariffs` is the same for all examples, so that what it remembers is tried as well."""
    prices, model = whose
    wire = "anthropic.messages" if prices == "anthropic" else "openai.chat"
    body = MARKED[ttl] + (b'"input_audio"' if spoken and wire == "openai.chat" else b"")
    fixed, per_token = most(tariffs, call(body, wire, tier, ttl), prices, model, tokens, at_us)
    usage, left = Usage(out=out), tokens
    for unit, part in zip((f"w{ttl}", "cache_read", "audio_in" if spoken else "uncached_in"), parts, strict=True):
        count = round(left * part)
        left -= count
        setattr(usage, unit, count)
    usage.uncached_in += left
    for served in {"", tier} - {"auto"}:
        if spoken and wire != "openai.chat":
            return
        priced = shipped.price(prices, model, usage, tier=served, at_us=at_us)
        if priced.state == "computed":
            assert priced.nano <= -((fixed + out * per_token) // -1000), (served, usage, priced.lines)


def test_it_is_read_again_when_a_price_changes(tariffs: Tariffs) -> None:
    """o3 cost a fifth from 10 June 2025 on."""
    before, after = (datetime(2025, 6, day, tzinfo=UTC) for day in (9, 10))
    rates = [most(tariffs, call(), "openai", "o3", 1, round(at.timestamp() * 1e6)) for at in (before, after, before)]
    assert rates == [(10_000_000, 40_000_000), (2_000_000, 8_000_000), (10_000_000, 40_000_000)]


def test_a_word_counts_only_where_it_costs(tariffs: Tariffs) -> None:
    plain = tariffs.of(call(), "openai", "gpt-4o-audio-preview", NOW_US)
    assert [word for word, _ in plain.dearer] == [b"audio"]
    assert plain.price(1, b'{"modalities":["text","audio"]}')[1] > plain.price(1, b"{}")[1]
    assert not tariffs.of(call(), "openai", "gpt-4.1-nano", NOW_US).dearer


@pytest.mark.parametrize(("wire", "known"), [("openai.chat", False), ("openai.embeddings", True)])
def test_what_can_be_priced_depends_on_what_is_asked(tariffs: Tariffs, wire: str, known: bool) -> None:
    assert tariffs.of(call(wire=wire), "openai", "text-embedding-3-small", NOW_US).is_known is known
    assert not tariffs.of(call(wire=wire), "openai", "nobody-knows", NOW_US).is_known


def test_residency_and_speed_of_a_request_are_seen(tariffs: Tariffs) -> None:
    def fixed(body: bytes) -> Pico:
        return most(tariffs, call(body, "anthropic.messages"), "anthropic", "claude-opus-4-6", 1_000)[0]

    assert fixed(b'"inference_geo":"us"') * 10 == fixed(b"") * 11
    assert fixed(b'"speed":"fast"') == 6 * fixed(b"")
