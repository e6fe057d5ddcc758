"""Stores on both engines, as the store's own tests have them, and a price book."""

import pytest

from farthing.prices import PriceBook
from unit.store.conftest import connection, postgres, postgres_url, sqlite_url, store, url

__all__ = ["connection", "postgres", "postgres_url", "sqlite_url", "store", "url"]


@pytest.fixture(scope="session")
def book() -> PriceBook:
    return PriceBook.load()
