"""A price book."""

import pytest

from farthing.prices import PriceBook


@pytest.fixture(scope="session")
def book() -> PriceBook:
    return PriceBook.load()
