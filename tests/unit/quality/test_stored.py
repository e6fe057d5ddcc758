"""The ledger's row of a context that lay at a provider."""

import pytest

from farthing.model.clock import SYSTEM
from farthing.prices import PriceBook
from farthing.quality.errand import STORAGE
from farthing.quality.stored import stored_record
from farthing.steps.shape.context_keeping import Stored

BOOK = PriceBook.load()


@pytest.mark.parametrize(
    ("made", "seconds", "dollars"),
    [(True, 600.0, 0.006 + 0.02 / 6), (False, 3_600.0, 0.02), (False, 0.0, 0.0)],
    ids=["the first ten minutes", "an hour", "nothing"],
)
def test_making_costs_the_plain_price_and_storage_by_the_hour(made: bool, seconds: float, dollars: float) -> None:
    """20,000 tokens at $0.30 plain and $1.00 an hour for a million."""
    stored = Stored(("acme", "gemini", "gemini-2.5-flash", 1), 20_000, seconds, made)
    record = stored_record("id", "acme", "google", "gemini", "gemini-2.5-flash", stored, BOOK, SYSTEM)
    assert record.cost / 1e9 == pytest.approx(dollars, abs=2e-6)
    assert (record.tenant, record.feature, record.baseline, record.cost_state) == ("acme", STORAGE, 0, "computed")
    assert sum(saving.saved for saving in record.savings) == -record.cost
