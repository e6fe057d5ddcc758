"""Golden cases: what a bill says that was made from the calls themselves, with one thing wrong at a time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from farthing.finops.reconcile import causes
from farthing.finops.reconcile.compare import Comparison
from farthing.finops.reconcile.job import Asked, Done, entries_for, names_of, prices_of, read_bill, reconcile
from farthing.model.errors import BadRequest
from farthing.model.record import Record
from farthing.model.usage import Usage
from farthing.prices import PriceBook
from farthing.prices.rates import Contract
from farthing.settings import ProviderSettings
from farthing.store import Store, open_store
from farthing.store.corrections import Corrections
from unit.finops.reconcile.exports import (
    BOOK,
    DAY_US,
    FIRST_US,
    anthropic_costs,
    anthropic_usage,
    call,
    dollars,
    lines_of,
    month,
    openai_costs,
    openai_usage,
    save,
    uneven,
)

OPENAI = Asked("openai", ("openai",), "openai")
ANTHROPIC = Asked("anthropic", ("anthropic",), "anthropic")
BIG = Usage(uncached_in=1_000_000, cache_read=200_000, out=300_000)
BIG_NANO = int((dollars("gpt-4o-mini", "uncached_in", 1_000_000) + dollars("gpt-4o-mini", "cache_read", 200_000) + dollars("gpt-4o-mini", "out", 300_000)) * 10**9)  # fmt: skip


@pytest.fixture
def store(sqlite_url: str) -> str:
    return sqlite_url


async def _compared(
    url: str, folder: Path, records: Sequence[Record], asked: Asked, book: PriceBook = BOOK, **pages: Any
) -> Comparison:
    store = await open_store(url)
    try:
        await store.write(records)
        bill = read_bill(asked.provider, save(folder, **pages))
        found = (await reconcile(store, bill, book, asked)).comparison
    finally:
        await store.close()
    assert sum(found.causes.values()) == found.invoice - found.ledger
    for line in found.lines:
        assert sum(line.causes.values()) == line.gap, line
    return found


def _main(found: Comparison) -> list[str]:
    """Causes that are worth more than a thousandth of a cent."""
    return [cause for cause, nano in found.causes.items() if abs(nano) > 10_000]


async def test_a_month_that_was_captured_in_full(store: str, tmp_path: Path) -> None:
    records = month()
    lines = lines_of(records)
    found = await _compared(
        store, tmp_path, records, OPENAI, usage=openai_usage(lines), costs=openai_costs(lines)
    )  # fmt: skip
    assert abs(found.gap) < 1_000
    assert set(found.causes) <= {causes.ROUNDING}
    assert found.captured == 1.0 and found.within(0.001) and found.offset_hours == 0
    assert (found.last_day - found.first_day) // DAY_US == 29
    assert all(line.units_billed == line.units_ours for line in found.lines)


async def test_calls_outside_the_gateway_by_key(store: str, tmp_path: Path) -> None:
    records = month()
    lines = [*lines_of(records), (FIRST_US + DAY_US, "gpt-4o-mini-2024-07-18", "", "key_laptop", BIG, 1)]
    asked = Asked("openai", ("openai",), "openai", keys={"key_gateway": "openai"})
    found = await _compared(store, tmp_path, records, asked, usage=openai_usage(lines), costs=openai_costs(lines))
    assert _main(found) == [causes.OUTSIDE]
    assert abs(found.causes[causes.OUTSIDE] - BIG_NANO) < 1_000
    assert found.units[causes.OUTSIDE] == 1_500_000
    assert found.captured == pytest.approx(1 - BIG_NANO / found.invoice, abs=1e-6)
    assert found.keyed and not found.within(1)


async def test_calls_that_the_ledger_lost_without_keys(store: str, tmp_path: Path) -> None:
    records = month()
    lost = call(9, BIG, day=3)
    lines = lines_of([*records, lost])
    found = await _compared(store, tmp_path, records, OPENAI, usage=openai_usage(lines), costs=openai_costs(lines))
    assert _main(found) == [causes.MISSING]
    assert abs(found.causes[causes.MISSING] - BIG_NANO) < 1_000
    assert found.captured == pytest.approx(1 - BIG_NANO / found.invoice, abs=1e-6)


async def test_a_batch_at_half_price(store: str, tmp_path: Path) -> None:
    """The ledger took it for a plain call; the bill counts it as batch, at half the price."""
    records = [*month(), call(9, BIG, day=3)]
    lines = [
        (day, model, "batch" if usage == BIG else tier, key, usage, calls)
        for day, model, tier, key, usage, calls in lines_of(records)
    ]
    found = await _compared(store, tmp_path, records, OPENAI, usage=openai_usage(lines), costs=openai_costs(lines))
    assert _main(found) == [causes.TIER]
    assert found.causes[causes.TIER] == pytest.approx(-BIG_NANO / 2, abs=2_000)
    assert found.captured == 1.0


async def test_a_batch_discount_that_only_the_money_shows(store: str, tmp_path: Path) -> None:
    records = month()
    lines = lines_of(records)
    found = await _compared(
        store, tmp_path, records, OPENAI, usage=openai_usage(lines), costs=openai_costs(lines, "0.5")
    )  # fmt: skip
    assert _main(found) == [causes.TIER]
    assert found.gap == pytest.approx(-found.ledger / 2, abs=2_000)


async def test_a_cached_class_that_was_counted_as_plain_input(store: str, tmp_path: Path) -> None:
    seen = [call(no, Usage(uncached_in=300_000, out=1_000), day=no) for no in range(5)]
    real = [call(no, Usage(uncached_in=100_000, cache_read=200_000, out=1_000), day=no) for no in range(5)]
    lines = lines_of(real)
    found = await _compared(store, tmp_path, seen, OPENAI, usage=openai_usage(lines), costs=openai_costs(lines))
    assert _main(found) == [causes.CACHE]
    assert found.causes[causes.CACHE] == pytest.approx(-5 * 200_000 * 75, abs=1_000)  # 0.15 - 0.075 dollars per 1M
    assert found.captured == 1.0


async def test_a_cached_class_at_the_price_of_plain_input(store: str, tmp_path: Path) -> None:
    records = month()
    for record in records:  # a gateway that prices cache reads as input
        attempt = record.attempts[0]
        for place, line in enumerate(attempt.lines):
            if line.unit == "cache_read":
                attempt.lines[place] = type(line)("cache_read", line.count, 150_000)
        attempt.cost = record.cost = record.baseline = sum(line.count * line.rate for line in attempt.lines) // 1000
    lines = lines_of(records)
    found = await _compared(store, tmp_path, records, OPENAI, usage=openai_usage(lines), costs=openai_costs(lines))
    assert _main(found) == [causes.CACHE]


@pytest.mark.parametrize("hours", [-8, 9])
async def test_days_of_another_time_zone(store: str, tmp_path: Path, hours: int) -> None:
    records = uneven()
    first, last = FIRST_US + DAY_US, FIRST_US + 25 * DAY_US
    lines = [line for line in lines_of(records, hours) if first <= line[0] <= last]
    found = await _compared(store, tmp_path, records, OPENAI, usage=openai_usage(lines), costs=openai_costs(lines))
    assert abs(found.offset_hours - hours) <= 1, "there are calls at each second hour only"
    assert set(_main(found)) <= {causes.ZONE}
    assert found.captured == 1.0


async def test_other_prices_are_a_contract(store: str, tmp_path: Path) -> None:
    records = month()
    lines = lines_of(records)
    found = await _compared(
        store, tmp_path, records, OPENAI, usage=openai_usage(lines), costs=openai_costs(lines, "0.875")
    )  # fmt: skip
    assert _main(found) == [causes.PRICE]
    assert found.gap == pytest.approx(-found.ledger / 8, abs=2_000)


async def test_aborted_calls_of_unknown_cost(store: str, tmp_path: Path) -> None:
    records = [*month(days=5), call(9, None, day=2, outcome="broken")]
    lines = [*lines_of(records), (FIRST_US + 2 * DAY_US, "gpt-4o-mini-2024-07-18", "", "key_gateway", BIG, 1)]
    found = await _compared(store, tmp_path, records, OPENAI, usage=openai_usage(lines), costs=openai_costs(lines))
    assert _main(found) == [causes.ABORTED]
    assert found.calls_unknown == 1
    assert found.captured is not None and found.captured < 1


async def test_unpriced_calls(store: str, tmp_path: Path) -> None:
    unpriced = call(9, BIG, day=2)
    attempt = unpriced.attempts[0]
    attempt.cost = unpriced.cost = unpriced.baseline = 0
    attempt.cost_state = unpriced.cost_state = "unpriced"
    attempt.lines = []
    records = [*month(days=5), unpriced]
    lines = lines_of(records)
    found = await _compared(store, tmp_path, records, OPENAI, usage=openai_usage(lines), costs=openai_costs(lines))
    assert _main(found) == [causes.UNPRICED]
    assert found.causes[causes.UNPRICED] == pytest.approx(BIG_NANO, abs=1_000)
    assert found.captured == 1.0, "the ledger has the calls"


async def test_a_batch_that_is_billed_a_day_late(store: str, tmp_path: Path) -> None:
    records = [*month(days=6), call(9, BIG, day=2, tier="batch")]
    lines = [
        (day + DAY_US if usage == BIG else day, model, tier, key, usage, calls)
        for day, model, tier, key, usage, calls in lines_of(records)
    ]
    found = await _compared(store, tmp_path, records, OPENAI, usage=openai_usage(lines), costs=openai_costs(lines))
    assert abs(found.gap) < 1_000
    late = [line for line in found.lines if causes.LATE in line.causes]
    assert {(line.day_us - FIRST_US) // DAY_US for line in late} == {2, 3} and {line.tier for line in late} == {"batch"}
    assert {cause for line in found.lines for cause in line.causes} <= {causes.LATE, causes.ROUNDING}
    assert found.captured == 1.0


async def test_calls_that_are_not_on_the_bill(store: str, tmp_path: Path) -> None:
    records = [*month(days=4), call(9, BIG, day=1)]
    lines = lines_of(month(days=4))
    found = await _compared(store, tmp_path, records, OPENAI, usage=openai_usage(lines), costs=openai_costs(lines))
    assert _main(found) == [causes.NOT_BILLED]
    assert found.causes[causes.NOT_BILLED] == pytest.approx(-BIG_NANO, abs=1_000)


async def test_cents_are_no_dollars(store: str, tmp_path: Path) -> None:
    """Anthropic's cost report is in cents: taken for dollars it would be a hundred times the ledger."""
    records = month("anthropic")
    lines = lines_of(records)
    found = await _compared(
        store, tmp_path, records, ANTHROPIC, usage=anthropic_usage(lines), costs=anthropic_costs(lines)
    )  # fmt: skip
    assert abs(found.gap) < 10_000 and found.invoice > 1_000_000_000
    assert set(found.causes) <= {causes.ROUNDING} and not found.notes


async def test_a_file_with_dollars_where_cents_belong_is_noted(store: str, tmp_path: Path) -> None:
    records = month("anthropic")
    lines = lines_of(records)
    page = anthropic_costs(lines)
    for bucket in page["data"]:
        for result in bucket["results"]:
            result["amount"] = f"{float(result['amount']) / 100:.8f}"
    found = await _compared(store, tmp_path, records, ANTHROPIC, usage=anthropic_usage(lines), costs=page)
    assert any("cents" in note for note in found.notes)


async def test_anthropic_batch_searches_and_credits(store: str, tmp_path: Path) -> None:
    usage = Usage(uncached_in=1_000_000, w5m=100_000, cache_read=400_000, out=100_000)
    records = [*month("anthropic", 3), call(9, usage, provider="anthropic", model="claude-haiku-4-5", tier="batch")]
    lines = lines_of(records)
    more = [
        {
            "currency": "USD",
            "amount": "25",
            "cost_type": "web_search",
            "description": "Web Search Usage",
            "model": None,
        },
        {"currency": "USD", "amount": "-10.50", "cost_type": "tokens", "token_type": None, "description": "Credit"},
    ]
    found = await _compared(
        store, tmp_path, records, ANTHROPIC, usage=anthropic_usage(lines), costs=anthropic_costs(lines, more)
    )  # fmt: skip
    assert found.causes[causes.CHARGES] == 250_000_000
    assert found.causes[causes.CREDITS] == -105_000_000
    assert _main(found) == [causes.CHARGES, causes.CREDITS]


async def test_usage_without_costs_is_priced_as_ours(store: str, tmp_path: Path) -> None:
    records = month(days=3)
    lines = lines_of([*records, call(9, BIG, day=1)])
    found = await _compared(store, tmp_path, records, OPENAI, usage=openai_usage(lines))
    assert found.at_our_prices and _main(found) == [causes.MISSING]
    assert found.gap == pytest.approx(BIG_NANO, abs=1_000)


async def test_costs_without_usage_stay_unexplained(store: str, tmp_path: Path) -> None:
    records = month(days=3)
    found = await _compared(
        store, tmp_path, records, OPENAI, costs=openai_costs(lines_of([*records, call(9, BIG, day=1)]))
    )  # fmt: skip
    assert _main(found) == [causes.UNEXPLAINED]
    assert found.causes[causes.UNEXPLAINED] == pytest.approx(BIG_NANO, abs=1_000)


async def test_an_estimate_of_ours_that_was_off(store: str, tmp_path: Path) -> None:
    guess = call(9, Usage(uncached_in=900_000, out=250_000), day=1, estimated=True, outcome="left")
    records = month(days=3)
    lines = [*lines_of(records), (FIRST_US + DAY_US, "gpt-4o-mini-2024-07-18", "", "key_gateway", Usage(uncached_in=1_000_000, out=300_000), 1)]  # fmt: skip
    found = await _compared(
        store, tmp_path, [*records, guess], OPENAI, usage=openai_usage(lines), costs=openai_costs(lines)
    )  # fmt: skip
    assert _main(found) == [causes.ABORTED]


async def test_only_days_that_both_parts_cover(store: str, tmp_path: Path) -> None:
    records = month(days=10)
    lines = lines_of(records)
    found = await _compared(
        store, tmp_path, records, OPENAI,
        usage=openai_usage(line for line in lines if line[0] < FIRST_US + 7 * DAY_US), costs=openai_costs(lines),
    )  # fmt: skip
    assert (found.last_day - found.first_day) // DAY_US == 6 and abs(found.gap) < 1_000
    assert "usage and costs do not cover the same days; only days that both cover are compared" in found.notes
    asked = Asked("openai", ("openai",), "openai", since_us=FIRST_US + 2 * DAY_US, until_us=FIRST_US + 4 * DAY_US)
    found = await _compared(store, tmp_path, [], asked, usage=openai_usage(lines), costs=openai_costs(lines))
    assert (found.first_day, found.last_day) == (FIRST_US + 2 * DAY_US, FIRST_US + 3 * DAY_US)
    with pytest.raises(BadRequest, match="no day"):
        later = Asked("openai", ("openai",), "openai", since_us=FIRST_US + 90 * DAY_US)
        await _compared(store, tmp_path, [], later, usage=openai_usage(lines))


async def test_two_accounts_by_their_keys(store: str, tmp_path: Path) -> None:
    records = [*month(days=3), *(call(no, BIG, day=no, provider="openai-eu", kind="openai") for no in range(3))]
    ids = {"openai": "key_a", "openai-eu": "key_b"}
    lines = [line for record in records for line in lines_of([record], key=ids[record.provider])]
    asked = Asked(
        "openai", ("openai", "openai-eu"), "openai", keys={"key_a": "openai", "key_b": "openai-eu"}
    )  # fmt: skip
    found = await _compared(store, tmp_path, records, asked, usage=openai_usage(lines), costs=openai_costs(lines))
    assert abs(found.gap) < 1_000 and found.keyed and _main(found) == []


async def _done(store: Store, folder: Path, **pages: Any) -> Done:
    return await reconcile(store, read_bill("openai", save(folder, **pages)), BOOK, OPENAI)


class TestCorrections:
    @pytest.fixture
    def store(self, store_on_both: Store) -> Store:
        return store_on_both

    @pytest.fixture
    async def store_on_both(self, url: str) -> Any:
        store = await open_store(url)
        yield store
        await store.close()

    async def test_posting_closes_the_gap_once(self, store: Store, tmp_path: Path) -> None:
        records = month(days=5)
        await store.write(records)
        lines = lines_of([*records, call(9, BIG, day=1)])
        pages = {"usage": openai_usage(lines), "costs": openai_costs(lines)}
        done = await _done(store, tmp_path, **pages)
        corrections = Corrections(store)
        numbers = await corrections.post(
            entries_for(done, "openai"), who="ana", reason="October's bill", after=done.last_correction
        )
        assert numbers == list(range(1, len(numbers) + 1))
        again = await _done(store, tmp_path, **pages)
        assert again.comparison.gap == 0 and again.comparison.corrections == done.comparison.gap
        assert again.comparison.ledger == done.comparison.ledger, "the ledger itself is as it was"
        assert entries_for(again, "openai") == []
        (dearest, *_) = sorted(await corrections.entries(), key=lambda each: -each.amount)
        assert (dearest.who, dearest.reason, dearest.provider) == ("ana", "October's bill", "openai")
        assert (dearest.day_us, dearest.model) == (FIRST_US + DAY_US, "gpt-4o-mini-2024-07-18")
        with pytest.raises(BadRequest, match="meanwhile"):
            await corrections.post(entries_for(done, "openai"), who="bob", reason="too", after=done.last_correction)
        with pytest.raises(BadRequest, match="reason"):
            await corrections.post([], who="bob", reason=" ")
        assert await store.check() == []

    async def test_the_export_of_usage_alone_corrects_nothing(self, store: Store, tmp_path: Path) -> None:
        await store.write(month(days=2))
        with pytest.raises(BadRequest, match="no costs"):
            entries_for(await _done(store, tmp_path, usage=openai_usage(lines_of(month(days=2)))), "openai")


def test_which_calls_are_the_bills() -> None:
    settings = {"eu": ProviderSettings(kind="openai"), "openai": ProviderSettings(prices="own"), "x": ProviderSettings(kind="azure")}  # fmt: skip
    assert names_of("openai", settings) == ("eu", "openai") and names_of("anthropic", settings) == ("anthropic",)
    assert prices_of("openai", ("eu", "openai"), settings) == "own"
    assert prices_of("azure", ("x",), settings) == "azure"


async def test_a_contract_that_the_settings_know_is_no_other_price(store: str, tmp_path: Path) -> None:
    """A batch that the ledger has not seen is valued at the agreed price."""
    book = PriceBook.load(contracts=[Contract("openai", percent_off="50")])
    lines = lines_of([call(9, BIG, day=1)])
    found = await _compared(
        store, tmp_path, [], OPENAI, book, usage=openai_usage(lines), costs=openai_costs(lines, "0.5")
    )  # fmt: skip
    assert _main(found) == [causes.MISSING] and found.captured == 0.0
