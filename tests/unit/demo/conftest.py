"""A small month of the company, told once for all tests of it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from farthing.store import Store, open_store
from once import once
from unit.demo.month import Told, tell, url_of


@pytest.fixture(scope="session")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return once(tmp_path_factory, "month", lambda folder: asyncio.run(tell(folder)))


@pytest.fixture
def told(month: Path) -> Told:
    return msgspec.json.decode((month / "told.json").read_bytes(), type=Told)


@pytest.fixture
async def store(month: Path) -> AsyncIterator[Store]:
    opened = await open_store(url_of(month))
    yield opened
    await opened.close()
