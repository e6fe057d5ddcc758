"""Changes of prices, from the price book's own dates."""

from datetime import UTC, datetime

from farthing.finops.alerts.prices import BookPrices
from farthing.prices import PriceBook
from farthing.prices.rates import Contract
from farthing.store.rollups import DAY_US

DAY = datetime(2026, 12, 1, tzinfo=UTC)
FROM_US = int(DAY.timestamp()) * 1_000_000


def test_a_contract_that_begins_is_told_before_and_on_its_day() -> None:
    book = PriceBook.load(contracts=[Contract("openai", percent_off="10", valid_from=DAY.date())])
    prices = BookPrices(book, lambda model: [("openai", model)])
    for days_before in (0, 3):
        changes = prices.changes({"gpt-4o": 7}, FROM_US - days_before * DAY_US + 1)
        assert {change.unit for change in changes} >= {"uncached_in", "out"}
        assert {change.day for change in changes} == {"2026-12-01"}
        assert all(change.after * 10 == change.before * 9 and change.spent_a_day == 7 for change in changes)
    assert prices.changes({"gpt-4o": 7}, FROM_US - 9 * DAY_US) == []
    assert prices.changes({"gpt-4o": 7}, FROM_US + 2 * DAY_US) == []
    assert prices.changes({"nobody-knows": 7}, FROM_US) == []
