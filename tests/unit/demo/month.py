"""Tells a small month, and looks into it."""

from pathlib import Path
from typing import Any

import msgspec

from farthing.demo.stage import make_keys
from farthing.demo.story import Plot, Story
from farthing.store import Store

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
    """A story, and the store that it was written to."""

    story: Story
    url: str


async def tell(folder: Path, *, seed: int = 7, scale: float = 0.05) -> Told:
    """A month that was told."""
    keys, _ = await make_keys(folder, seed)
    story = Story(Plot(folder, keys, NOW_US, seed, scale, more=SMALLER, look_hours=(9, 15, 20)))
    await story.play()
    return Told(story, f"sqlite:///{folder / 'farthing.db'}")


async def rows(store: Store, query: str) -> list[tuple[Any, ...]]:
    return await store.do(lambda connection: [tuple(row) for row in connection.query(query)])
