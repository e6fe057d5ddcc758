"""What cards come to: which statement of which list counts, at which moment."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.usage import Usage
from farthing.prices import Contract, PriceBook
from farthing.prices.rates import rates_at

from .shelf import NOON, book, cards, model, us

MILLION = 1_000_000


def dollars(
    book: PriceBook, usage: Usage, at_us: int = NOON, *, tier: str = "", geo: str = "", name: str = "m"
) -> float:
    priced = book.price("acme", name, usage, tier=tier, geo=geo, at_us=at_us)
    assert priced.state == "computed", priced.flags
    return priced.nano / 1e9


def flags(book: PriceBook, usage: Usage, at_us: int = NOON, *, tier: str = "", geo: str = "") -> list[str]:
    return book.price("acme", "m", usage, tier=tier, geo=geo, at_us=at_us).flags


INPUT = Usage(uncached_in=MILLION)
READ = Usage(cache_read=MILLION)


def test_the_price_of_the_day_counts() -> None:
    shelf = book(cards(models=[model({"rates": {"input": 5}}, {"rates": {"input": 4}, "valid_from": "2026-08-21"})]))
    assert dollars(shelf, INPUT, us("2026-08-20T23:59:59")) == 5
    assert dollars(shelf, INPUT, us("2026-08-21T00:00")) == 4
    assert dollars(shelf, INPUT, us("2026-08-20T23:59:59")) == 5, "what is remembered must not leak over the boundary"


def test_hours_of_the_day_count_also_over_midnight() -> None:
    shelf = book(
        cards(models=[model({"rates": {"input": 1}}, {"rates": {"input": 2}, "hours": ["22:00:00", "02:30:00"]})])
    )
    for moment, right in [
        ("21:59", 1),
        ("22:00", 2),
        ("23:59", 2),
        ("00:00", 2),
        ("02:29", 2),
        ("02:30", 1),
        ("12:00", 1),
    ]:
        assert dollars(shelf, INPUT, us(f"2026-03-01T{moment}")) == right, moment


def test_each_list_is_asked_in_turn_unit_by_unit() -> None:
    base = cards(version="base", models=[model({"rates": {"input": 3, "output": 15, "cache_read": 0.3}})])
    overlay = cards(version="overlay", models=[model({"rates": {"cache_read": 0.2}, "valid_from": "2026-01-01"})])
    user = cards(version="user", models=[model({"rates": {"output": 10}})])
    shelf = book(user, overlay, base)
    usage = Usage(uncached_in=MILLION, cache_read=MILLION, out=MILLION)
    assert dollars(shelf, usage) == pytest.approx(13.2)
    assert dollars(shelf, usage, us("2025-12-31T12:00")) == pytest.approx(13.3)
    version = shelf.price("acme", "m", usage, at_us=NOON).version
    assert version == "base+overlay@2026-01-01+user"


def test_a_tier_has_its_own_rates_and_takes_the_standard_one_where_it_is_silent() -> None:
    shelf = book(
        cards(models=[model({"rates": {"input": 2, "cache_read": 0.5}}, {"rates": {"input": 1}, "tier": "batch"})])
    )
    assert dollars(shelf, INPUT, tier="batch") == 1
    assert flags(shelf, INPUT, tier="batch") == []
    assert dollars(shelf, READ, tier="batch") == 0.5
    assert flags(shelf, READ, tier="batch") == ["standard_rate"]


@pytest.mark.parametrize("name", ["", "default", "standard", "auto", "on_demand", "ON_DEMAND"])
def test_names_of_the_standard_tier(name: str) -> None:
    assert dollars(book(cards(models=[model({"rates": {"input": 2}})])), INPUT, tier=name) == 2


def test_a_tier_that_no_list_knows_is_unpriced() -> None:
    priced = book(cards(models=[model({"rates": {"input": 2}})])).price("acme", "m", INPUT, tier="scale", at_us=NOON)
    assert (priced.state, priced.nano, priced.flags) == ("unpriced", 0, ["no_rate:uncached_in"])


def test_a_tier_listed_only_from_a_later_day_is_marked() -> None:
    shelf = book(
        cards(
            models=[
                model(
                    {"rates": {"input": 2, "output": 9}},
                    {"rates": {"input": 4}, "tier": "fast", "valid_from": "2027-01-01"},
                )
            ]
        )
    )
    assert (dollars(shelf, INPUT, tier="fast"), flags(shelf, INPUT, tier="fast")) == (4, ["later_price"])
    out = Usage(out=MILLION)
    assert (dollars(shelf, out, tier="fast"), flags(shelf, out, tier="fast")) == (9, ["standard_rate"])


def test_a_family_derives_from_input_and_is_marked_unless_the_list_says_so() -> None:
    def family(listed: bool) -> PriceBook:
        rule = {"match": {"starts_with": "m"}, "source": "s", "of_input": {"w12h": 2.5}, "listed": listed}
        return book(cards(models=[model({"rates": {"input": 4}})], families=[rule]))

    usage = Usage(w12h=MILLION)
    assert (dollars(family(True), usage), flags(family(True), usage)) == (10, [])
    assert (dollars(family(False), usage), flags(family(False), usage)) == (10, ["family_rate"])
    assert flags(family(False), INPUT) == [], "only what was used is marked"


def test_a_family_rule_waits_for_its_day_and_its_models() -> None:
    rule = {"match": {"equals": "m"}, "source": "s", "of_input": {"w1h": 2}, "valid_from": "2026-06-01"}
    shelf = book(
        cards(models=[model({"rates": {"input": 4}}), model({"rates": {"input": 4}}, id="n")], families=[rule])
    )
    usage = Usage(w1h=MILLION)
    assert dollars(shelf, usage) == 8
    assert shelf.price("acme", "m", usage, at_us=us("2026-05-31T23:59")).state == "unpriced"
    assert shelf.price("acme", "n", usage, at_us=NOON).state == "unpriced"


def test_a_familys_tier_halves_every_class_by_its_own_rate() -> None:
    rule = {"match": {"equals": "m"}, "source": "s", "tiers": {"batch": {"*": 0.5, "cache_read": 1}}, "listed": True,
            "of_input": {"w1h": 2}}  # fmt: skip
    shelf = book(cards(models=[model({"rates": {"input": 3, "output": 15, "cache_read": 0.3}})], families=[rule]))
    usage = Usage(uncached_in=MILLION, cache_read=MILLION, w1h=MILLION, out=MILLION)
    assert dollars(shelf, usage, tier="batch") == pytest.approx(1.5 + 0.3 + 3 + 7.5)


def test_the_tiers_own_list_comes_before_the_familys_factor() -> None:
    rule = {"match": {"equals": "m"}, "source": "s", "tiers": {"batch": {"*": 0.5}}}
    priced = [{"rates": {"input": 3}}, {"rates": {"input": 2}, "tier": "batch", "valid_from": "2026-10-14"}]
    shelf = book(cards(models=[model(*priced)], families=[rule]))
    assert dollars(shelf, INPUT, tier="batch") == 2
    assert dollars(shelf, INPUT, us("2026-10-13T12:00"), tier="batch") == 1.5


def test_residency_multiplies_tokens_and_not_searches() -> None:
    rule = {"match": {"equals": "m"}, "source": "s", "geo": {"us": 1.1}}
    shelf = book(cards(models=[model({"rates": {"input": 3, "web_search": 10}})], families=[rule]))
    usage = Usage(uncached_in=MILLION, requests={"web_search": 100})
    assert dollars(shelf, usage, geo="us") == pytest.approx(3.3 + 1)
    assert dollars(shelf, usage, geo="global") == dollars(shelf, usage, geo="not_available") == 4
    assert flags(shelf, usage, geo="mars") == ["geo_unknown"]


def test_an_endpoint_of_a_region_finds_the_model_listed_for_it() -> None:
    shelf = book(
        cards(
            endpoints={"global": "global."},
            models=[model({"rates": {"input": 3}}, id="global.m"), model({"rates": {"input": 3.3}}, id="m")],
        )
    )
    assert (dollars(shelf, INPUT), dollars(shelf, INPUT, geo="global")) == (3.3, 3)


def test_bands_go_by_all_input_and_hold_for_every_token() -> None:
    rates = {"input": {"0": 1, "100": 2}, "cache_read": {"0": 0.1, "100": 0.2}, "output": {"0": 10, "100": 15}}
    shelf = book(cards(models=[model({"rates": rates})]))
    at = shelf.price("acme", "m", Usage(uncached_in=40, cache_read=60, out=1), at_us=NOON)
    over = shelf.price("acme", "m", Usage(uncached_in=40, cache_read=61, out=1), at_us=NOON)
    assert [line.rate for line in at.lines] == [1_000_000, 100_000, 10_000_000]
    assert [line.rate for line in over.lines] == [2_000_000, 200_000, 15_000_000]


def test_units_that_lists_take_for_another_and_those_they_never_do() -> None:
    shelf = book(cards(models=[model({"rates": {"input": 1, "output": 2, "w5m": 3}})]))
    assert dollars(shelf, Usage(tool_in=MILLION, image_in=MILLION, image_out=MILLION, w30m=MILLION)) == 7
    for usage in (Usage(audio_in=1), Usage(audio_out=1), Usage(cached_audio=1), Usage(cache_read=1), Usage(w1h=1)):
        assert shelf.price("acme", "m", usage, at_us=NOON).state == "unpriced"


def test_a_family_may_take_audio_for_text() -> None:
    rule = {"match": {"equals": "m"}, "source": "s", "same": {"audio_in": "uncached_in"}}
    shelf = book(cards(models=[model({"rates": {"input": 1}})], families=[rule]))
    assert (dollars(shelf, Usage(audio_in=MILLION)), flags(shelf, Usage(audio_in=MILLION))) == (1, [])


def test_events_have_the_familys_price_where_a_model_has_none() -> None:
    rule = {"match": {"starts_with": ""}, "source": "s", "events": {"web_search": 10, "web_fetch": 0}}
    shelf = book(
        cards(models=[model({"rates": {"input": 1}}), model({"rates": {"web_search": 35}}, id="n")], families=[rule])
    )
    usage = Usage(requests={"web_search": 3, "web_fetch": 7})
    assert dollars(shelf, usage) == 0.03
    assert dollars(shelf, usage, name="n") == 0.105


def test_an_event_without_a_price_makes_it_unpriced() -> None:
    usage = Usage(uncached_in=5, requests={"web_search": 1, "x_search": 0})
    priced = book(cards(models=[model({"rates": {"input": 1}})])).price("acme", "m", usage, at_us=NOON)
    assert (priced.state, priced.nano, priced.flags) == ("unpriced", 0, ["no_rate:web_search"])


CONTRACT = Contract("acme", ("m*",), percent_off="12.5", valid_from=date(2026, 3, 1), valid_to=date(2026, 3, 31))


def test_a_contract_takes_percent_off_within_its_days_and_keeps_the_list_price() -> None:
    shelf = book(cards(models=[model({"rates": {"input": 4, "web_search": 10}})]), contracts=(CONTRACT,))
    usage = Usage(uncached_in=MILLION, requests={"web_search": 1000})
    for day, right in [("2026-02-28", 14), ("2026-03-01", 12.25), ("2026-03-31", 12.25), ("2026-04-01", 14)]:
        priced = shelf.price("acme", "m", usage, at_us=us(f"{day}T23:59"))
        assert (priced.nano, priced.list_nano) == (right * 1e9, 14_000_000_000), day
    assert shelf.price("acme", "m", usage, at_us=us("2026-03-05T00:00")).version == "r1+contract"


def test_a_contracts_own_rates_hold_in_every_band_of_their_tier() -> None:
    standard = Contract("acme", ("m",), rates={"input": "1.5"})
    scale = Contract("acme", ("m",), rates={"input": "0.7"}, tier="scale")
    priced = [{"rates": {"input": {"0": 3, "100": 6}, "output": 15}}, {"rates": {"input": 1}, "tier": "batch"}]
    shelf = book(cards(models=[model(*priced)]), contracts=(standard, scale))
    assert dollars(shelf, INPUT) == 1.5
    assert dollars(shelf, INPUT, tier="batch") == 1, "a typed standard rate must not make a cheaper tier dearer"
    assert dollars(shelf, INPUT, tier="scale") == 0.7
    assert shelf.price("acme", "m", INPUT, at_us=NOON).list_nano == 6_000_000_000
    assert dollars(shelf, Usage(out=MILLION)) == 15, "what the contract is silent on costs the list price"


def test_a_contract_prices_a_model_that_no_list_has() -> None:
    shelf = book(contracts=(Contract("vllm", ("llama-*",), rates={"input": "0.2", "output": "0.4"}),))
    priced = shelf.price("vllm", "llama-9", Usage(uncached_in=MILLION, out=MILLION), at_us=NOON)
    assert (priced.state, priced.nano, priced.list_nano) == ("computed", 600_000_000, 600_000_000)
    assert shelf.card("vllm", "mistral") is None


LISTED = {"input": 4, "cache_read": "0.4", "w30m": 5, "w12h": 10, "image_out": 30, "output": 20}


@pytest.mark.parametrize(
    ("unit", "listed", "for_2", "for_free"),
    [
        ("w5m", 5, Decimal("2.5"), 0), ("w30m", 5, Decimal("2.5"), 0), ("w12h", 10, 5, 0),
        ("cache_read", Decimal("0.4"), Decimal("0.4"), 0), ("tool_in", 4, 2, 0), ("image_out", 30, 30, 30), ("out", 20, 20, 20),
    ],
)  # fmt: skip
def test_a_contract_for_input_covers_what_hangs_on_it(
    unit: str, listed: Decimal, for_2: Decimal, for_free: Decimal
) -> None:
    """A write to a cache is a multiple of the input, and stays that; a read is never dearer than what is not cached."""
    for agreed, right in (("2", for_2), ("0", for_free)):
        contract = Contract("acme", ("m",), rates={"input": agreed})
        shelf = book(cards(models=[model({"rates": LISTED})]), contracts=(contract,))
        priced = shelf.price("acme", "m", Usage(**{unit: MILLION}), at_us=NOON)
        assert (priced.nano, priced.list_nano) == (right * 10**9, listed * 10**9)
        by_input = unit.startswith("w") or (unit == "cache_read" and agreed == "0")
        assert priced.flags == (["contract_input"] if by_input else [])


def test_what_a_contract_names_itself_and_what_hangs_on_nothing_stays() -> None:
    contract = Contract("acme", ("m",), rates={"input": "2", "w30m": "3", "output": "10"})
    shelf = book(cards(models=[model({"rates": LISTED})]), contracts=(contract,))
    assert dollars(shelf, Usage(w30m=MILLION)) == 3
    assert dollars(shelf, Usage(image_out=MILLION)) == 30, "the list has a price of its own for it"
    free = book(cards(models=[model({"rates": {"input": 0, "w30m": 1}})]), contracts=(contract,))
    assert dollars(free, Usage(w12h=0, w5m=MILLION)) == 1


def test_a_contract_for_a_family_of_names_keeps_the_list_of_a_snapshot() -> None:
    contract = Contract("acme", ("m*",), rates={"input": "1"})
    shelf = book(cards(models=[model({"rates": {"input": 2, "output": 3}})]), contracts=(contract,))
    priced = shelf.price("acme", "m-2031-01-01", Usage(uncached_in=MILLION, out=MILLION), at_us=NOON)
    assert (priced.nano, priced.flags) == (4_000_000_000, ["undated_price"])


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"percent_off": "101"}, "contract with acme, m, n: 101 is not a percentage"),
        ({"percent_off": "-1"}, "not a percentage"),
        ({"percent_off": "a tenth"}, "an amount is no number"),
        ({"rates": {"inputs": "1"}}, "'inputs' is no unit"),
        ({"rates": {"input": "-1"}}, "is not an amount"),
        ({"rates": {"input": "free"}}, "an amount is no number"),
    ],
)
def test_a_contract_that_cannot_be_read_is_refused_at_the_start(members: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        PriceBook.load(contracts=[Contract("acme", ("m", "n"), **members)])  # type: ignore[arg-type]


@given(
    days=st.lists(st.dates(date(2025, 1, 1), date(2027, 1, 1)), min_size=1, max_size=5, unique=True),
    at=st.integers(0, 2**51),
)
def test_rates_hold_from_one_boundary_to_the_next(days: list[date], at: int) -> None:
    """Nothing that a lookup at any moment of the span says differs from what the span says."""
    prices = [{"rates": {"input": n + 1}, "valid_from": day.isoformat(), "hours": ["06:00:00", "09:00:00"] if n % 2 else None}
              for n, day in enumerate(sorted(days))]  # fmt: skip
    shelf = book(cards(models=[model({"rates": {"input": 9}}, *prices)]))
    card = shelf.card("acme", "m")
    assert card is not None
    rates = rates_at(card, "", "", at)
    assert rates.from_us <= at < rates.until_us
    for moment in {rates.from_us, min(rates.until_us - 1, 2**52), (rates.from_us + at) // 2}:
        assert rates_at(card, "", "", moment).bands == rates.bands
