"""The price book: which card is meant, and the laws of one price."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.money import nano_from_pico
from farthing.model.usage import Usage
from farthing.prices import Contract, PriceBook, Priced, shipped_files
from farthing.prices.card import REQUEST_UNITS, TOKEN_UNITS, check_cards
from farthing.prices.odd import odd_prices
from farthing.prices.rates import FOREVER_US

from .shelf import NOON, book, cards, model, us


@pytest.fixture(scope="module")
def shipped() -> PriceBook:
    return PriceBook.load()


def test_the_shipped_cards_are_sound() -> None:
    files = shipped_files()
    for file in files:
        check_cards(file, file.provider)
    assert odd_prices(files) == []
    assert all(file.source and file.version for file in files)
    overlay = [file for file in files if file.version.startswith("overlay")]
    assert overlay
    assert all(price.source for file in overlay for card in file.models for price in card.prices)
    assert sum(len(file.models) for file in files) > 1_500


@pytest.mark.parametrize(
    ("provider", "model", "card"),
    [
        ("openai", "gpt-4o-2024-08-06", "gpt-4o"),
        ("openai", "GPT-4o", "gpt-4o"),
        ("openai", "gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
        ("openai", "gpt-5.2-20251211", "gpt-5.2"),
        ("openai", "ft:gpt-4o-mini-2024-07-18:acme::abc", "ft:gpt-4o-mini"),
        ("azure", "gpt-4o", "gpt-4o"),
        ("anthropic", "claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("google", "models/gemini-2.5-flash", "gemini-2.5-flash"),
        ("aws", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "regional.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    ],
)
def test_ids_and_snapshots_find_their_card(shipped: PriceBook, provider: str, model: str, card: str) -> None:
    found = shipped.card(provider, model)
    assert found is not None
    assert found.id == card
    assert found.flags == ()


def test_a_snapshot_that_no_list_names_has_the_price_of_the_name_and_says_so(shipped: PriceBook) -> None:
    priced = shipped.price("openai", "gpt-5-2031-01-01", Usage(uncached_in=1_000_000), at_us=NOON)
    assert (priced.nano, priced.flags) == (1_250_000_000, ["undated_price"])


@pytest.mark.parametrize(
    ("provider", "model"), [("openai", "gpt-unheard-of"), ("nobody", "gpt-4o"), ("", ""), ("openai", "gpt-4o\x00")]
)
def test_what_no_list_has_is_unpriced_and_never_zero(shipped: PriceBook, provider: str, model: str) -> None:
    assert shipped.card(provider, model) is None
    assert shipped.price(provider, model, Usage(uncached_in=1), at_us=NOON) == Priced("unpriced", flags=["no_price"])


def test_a_borrowed_price_is_the_standard_one_only() -> None:
    lender = cards(provider="lender", models=[model({"rates": {"input": 2}}, {"rates": {"input": 1}, "tier": "flex"})])
    shelf = book(cards(fallback=["lender"], models=[model({"rates": {"input": 7}}, id="own")]), lender)
    usage = Usage(uncached_in=1_000_000)
    assert shelf.price("acme", "m", usage, at_us=NOON).nano == 2_000_000_000
    assert shelf.price("acme", "own", usage, at_us=NOON).nano == 7_000_000_000
    assert shelf.price("acme", "m", usage, tier="flex", at_us=NOON).state == "unpriced"


def test_what_a_file_lacks_of_a_borrowed_model_is_borrowed() -> None:
    lender = cards(provider="lender", version="l", models=[model({"rates": {"input": 2, "output": 4}})])
    shelf = book(cards(version="u", models=[model({"rates": {"input": 1}})]), cards(fallback=["lender"]), lender)
    priced = shelf.price("acme", "m", Usage(uncached_in=1_000_000, out=1_000_000), at_us=NOON)
    assert (priced.nano, priced.version) == (5_000_000_000, "u+l")


def test_models_are_those_that_have_a_price(shipped: PriceBook) -> None:
    assert {"gpt-4o", "gpt-5", "text-embedding-3-small"} <= set(shipped.models("openai"))
    assert "gpt-4o" in shipped.models("azure")
    assert shipped.models("nobody") == []
    assert book(cards(models=[model(id="empty"), model({"rates": {"input": 1}})])).models("acme") == ["m"]


def test_a_users_file_comes_before_the_shipped_ones(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'provider = "openai"\n[[models]]\nid = "gpt-4o"\n[[models.prices]]\n[models.prices.rates]\ninput = 2\n'
    )
    shelf = PriceBook.load(files=[path])
    priced = shelf.price("openai", "gpt-4o", Usage(uncached_in=1_000_000), at_us=NOON)
    assert priced.nano == 2_000_000_000
    assert priced.version.startswith("mine")
    assert shelf.warnings == []


def test_a_users_file_that_is_wrong_says_where(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text('{"provider": "openai", "models": [{"id": "gpt-4o", "prices": [{"rates": {"inputs": 2}}]}]}')
    with pytest.raises(ValueError, match=r"mine.json: model gpt-4o: 'inputs' is no unit"):
        PriceBook.load(files=[path])


def test_names_that_callers_make_up_do_not_pile_up(shipped: PriceBook) -> None:
    shelf = book(cards(models=[model({"rates": {"input": 1}}, match={"starts_with": "m"})]))
    for number in range(10_000):
        shelf.price("acme", f"m{number}", Usage(uncached_in=1), at_us=NOON)
    assert len(shelf._rates) <= 4_096
    assert len(shelf._cards) <= 4_096


def test_an_estimate_is_marked_and_costs_the_same(shipped: PriceBook) -> None:
    usage = Usage(uncached_in=123, out=45)
    exact = shipped.price("openai", "gpt-4o", usage, at_us=NOON)
    guess = shipped.price("openai", "gpt-4o", usage, at_us=NOON, estimated=True)
    assert (guess.state, guess.nano) == ("estimated", exact.nano)


def test_nothing_used_costs_nothing(shipped: PriceBook) -> None:
    assert shipped.price("openai", "gpt-4o", Usage(), at_us=NOON).state == "computed"
    assert shipped.price("openai", "gpt-4o", Usage(), at_us=NOON).nano == 0


# -- laws ------------------------------------------------------------------------------------------------------------

FILES = shipped_files()
RATES = {unit: f"{number + 1}.{number}37" for number, unit in enumerate(TOKEN_UNITS)}
EVENTS = {unit: f"{number + 3}.25" for number, unit in enumerate(REQUEST_UNITS)}
FLAT = cards(models=[model({"rates": RATES | EVENTS})])
COUNTS = st.integers(0, 50_000_000)
USAGES = st.builds(
    lambda tokens, events: Usage(**tokens, requests=events),
    st.fixed_dictionaries(dict.fromkeys(TOKEN_UNITS, COUNTS)),
    st.dictionaries(st.sampled_from(list(REQUEST_UNITS)), st.integers(0, 5_000), max_size=4),
)


def pico(priced: Priced) -> int:
    return sum(line.count * line.rate for line in priced.lines)


def plus(one: Usage, other: Usage) -> Usage:
    events = {
        name: one.requests.get(name, 0) + other.requests.get(name, 0) for name in {*one.requests, *other.requests}
    }
    return Usage(**{unit: getattr(one, unit) + getattr(other, unit) for unit in TOKEN_UNITS}, requests=events)


@given(one=USAGES, other=USAGES)
def test_without_bands_a_price_adds_up_to_the_last_pico_dollar(one: Usage, other: Usage) -> None:
    shelf = book(FLAT)
    apart = pico(shelf.price("acme", "m", one, at_us=NOON)) + pico(shelf.price("acme", "m", other, at_us=NOON))
    assert pico(shelf.price("acme", "m", plus(one, other), at_us=NOON)) == apart


@given(usage=USAGES)
def test_a_price_is_the_sum_of_its_lines_rounded_once(usage: Usage) -> None:
    priced = book(FLAT).price("acme", "m", usage, at_us=NOON)
    assert priced.nano == nano_from_pico(pico(priced)) == priced.list_nano
    assert abs(priced.nano * 1_000 - pico(priced)) <= 500
    assert sum(line.count for line in priced.lines) == usage.total_in + usage.total_out + sum(usage.requests.values())


@given(usage=USAGES, unit=st.sampled_from(TOKEN_UNITS), more=COUNTS)
def test_more_of_anything_never_costs_less(usage: Usage, unit: str, more: int) -> None:
    banded = {unit: {"0": rate, "200000": f"{float(rate) * 2}"} for unit, rate in RATES.items()}
    shelf = book(cards(models=[model({"rates": banded | EVENTS})]))
    before = shelf.price("acme", "m", usage, at_us=NOON).nano
    setattr(usage, unit, getattr(usage, unit) + more)
    assert shelf.price("acme", "m", usage, at_us=NOON).nano >= before


@given(below=st.integers(0, 200_000), over=st.integers(200_001, 5_000_000), split=st.floats(0, 1))
def test_the_band_goes_by_the_total_however_it_is_split(below: int, over: int, split: float) -> None:
    shelf = book(
        cards(models=[model({"rates": {"input": {"0": 1, "200000": 2}, "cache_read": {"0": 1, "200000": 2}}})])
    )
    for total, rate in ((below, 1_000_000), (over, 2_000_000)):
        read = int(total * split)
        priced = shelf.price("acme", "m", Usage(uncached_in=total - read, cache_read=read), at_us=NOON)
        assert pico(priced) == total * rate


@given(usage=USAGES, percent=st.integers(0, 100))
def test_a_contracts_percent_comes_off_each_rate(usage: Usage, percent: int) -> None:
    shelf = book(FLAT, contracts=(Contract("acme", percent_off=str(percent)),))
    priced = shelf.price("acme", "m", usage, at_us=NOON)
    listed = book(FLAT).price("acme", "m", usage, at_us=NOON)
    assert priced.list_nano == listed.nano
    units = sum(line.count for line in listed.lines)
    assert abs(pico(priced) - pico(listed) * (100 - percent) / 100) <= units / 2 + pico(listed) * 1e-12
    assert [line.unit for line in priced.lines] == [line.unit for line in listed.lines]


@given(usage=USAGES, missing=st.sampled_from(TOKEN_UNITS))
def test_a_unit_without_a_rate_leaves_the_whole_unpriced_exactly_when_it_was_used(usage: Usage, missing: str) -> None:
    alike = {"image_in", "tool_in", "image_out", "w5m", "w30m"}
    known = {unit: rate for unit, rate in RATES.items() if unit != missing}
    priced = book(cards(models=[model({"rates": known | EVENTS})])).price("acme", "m", usage, at_us=NOON)
    lacking = bool(getattr(usage, missing)) and missing not in alike
    assert (priced.state == "unpriced") == lacking
    if lacking:
        assert (priced.nano, priced.flags) == (0, [f"no_rate:{missing}"])


@given(
    at_us=st.integers(us("2024-01-01T00:00"), us("2028-01-01T00:00")),
    tier=st.sampled_from(["", "batch", "flex", "priority", "fast"]),
)
def test_what_is_remembered_is_what_a_fresh_book_says(shipped: PriceBook, at_us: int, tier: str) -> None:
    for provider, name in (
        ("openai", "gpt-5.6-sol"),
        ("deepseek", "deepseek-v4-flash"),
        ("anthropic", "claude-opus-4-8"),
    ):
        usage = Usage(uncached_in=1_000, out=1_000)
        fresh = PriceBook(FILES)
        assert shipped.price(provider, name, usage, tier=tier, at_us=at_us) == fresh.price(
            provider, name, usage, tier=tier, at_us=at_us
        )


def test_the_next_change_is_that_of_what_was_asked_for() -> None:
    found = book(
        cards(models=[
            model({"rates": {"input": 1}}, {"rates": {"input": 2}, "valid_from": "2026-12-01"}),
            model({"rates": {"input": 1}}, {"rates": {"input": 2}, "valid_from": "2026-11-28"}, id="n"),
        ])
    )  # fmt: skip
    usage = Usage(uncached_in=1)
    assert found.next_change(NOON) == FOREVER_US
    found.price("acme", "m", usage, at_us=NOON)
    assert found.next_change(NOON) == us("2026-12-01T00:00")
    found.price("acme", "n", usage, at_us=NOON)
    assert found.next_change(NOON) == us("2026-11-28T00:00")
    assert found.next_change(us("2026-11-28T00:00")) == us("2026-12-01T00:00")
