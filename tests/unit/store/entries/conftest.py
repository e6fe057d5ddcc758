"""A cache on both engines. Its clock stands still."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from farthing.store.entries import Entries, open_entries
from unit.store.entries.samples import NOW_US

Opener = Callable[..., Awaitable[Entries]]


@pytest.fixture
def url(empty_url: str) -> str:
    """The cache makes its own tables."""
    return empty_url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/farthing.db"


@pytest.fixture
def opened(opened_at: Opener, url: str) -> Opener:
    """Opens the same cache once more, as another gateway would."""
    return partial(opened_at, url=url)


@pytest.fixture
async def opened_at() -> AsyncIterator[Opener]:
    """Opens the cache of a URL; all are closed in the end."""
    made: list[Entries] = []

    async def open_(**options: Any) -> Entries:
        entries = await open_entries(
            options.pop("url"), **{"flush_s": 0.01, "patience_s": 20.0, "now_us": lambda: NOW_US, **options}
        )
        made.append(entries)
        return entries

    yield open_
    for entries in made:
        await entries.close()


@pytest.fixture
async def cache(opened: Opener) -> Entries:
    return await opened()
