"""A small month of the company, told once for all tests of it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from farthing.store import Store, open_store
from unit.demo.month import Told, tell


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return asyncio.run(tell(tmp_path_factory.mktemp("story")))


@pytest.fixture
async def store(told: Told) -> AsyncIterator[Store]:
    opened = await open_store(told.url)
    yield opened
    await opened.close()
