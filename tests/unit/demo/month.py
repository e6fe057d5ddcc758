"""Tells a small month, and looks into it."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec

from farthing.demo.stage import make_keys
from farthing.demo.story import Plot, Progress, Story
from farthing.store import Store, open_store

NOW_US = 1_795_600_000_000_000
"""A Wednesday in November 2026, in the morning."""
SMALLER = """
[alerts]
floor_dollars = "0.2"

[routing.tasks.qa]
quality_floor = 0.8
"""
"""What is worth an alert in so small a company, and enough evidence for it."""


class Told(msgspec.Struct, frozen=True):
    """What a story said of itself, beside the store that it was written to."""

    progress: Progress
    billed: dict[str, dict[str, int]]
    """Totals of the providers' bill, by model."""


async def a_story(
    folder: Path, *, seed: int = 7, scale: float = 0.05, look_hours: tuple[int, ...] = (9, 15, 20)
) -> Story:
    """A month that is to be told."""
    keys, _ = await make_keys(folder, seed)
    return Story(Plot(folder, keys, NOW_US, seed, scale, more=SMALLER, look_hours=look_hours))


async def tell(folder: Path) -> None:
    """A month that was told, and what it said."""
    story = await a_story(folder)
    await story.play()
    (folder / "told.json").write_bytes(msgspec.json.encode(Told(story.progress, story.bill.totals)))


def url_of(folder: Path) -> str:
    """The store of a month."""
    return f"sqlite:///{folder / 'farthing.db'}"


async def tell_days(story: Story, url: str, *stages: tuple[int, int]) -> None:
    """Only some days: from the first of a stage until before its second, with one gateway each."""
    async with AsyncExitStack() as stack:
        store = await open_store(url)
        stack.push_async_callback(store.close)
        watch = await story._watch(store, stack)
        for day, until in stages:
            await story._stage(day, until, store, watch)
        await watch.close()


async def rows(store: Store, query: str) -> list[tuple[Any, ...]]:
    return await store.do(lambda connection: [tuple(row) for row in connection.query(query)])
