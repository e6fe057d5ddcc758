"""A plan that is kept in a store, with a swept setting and what became of it: `python planned.py STORE_URL`."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from farthing.finops.plans.document import Document, Happened, Outcome, Point, Sweep, packed
from farthing.store import open_store
from farthing.store.plans import Plans
from unit.finops.plans.made import document, dollars

NOW = 1_792_100_000_000_000
ODD = "a setting \u202e " + "x" * 300


def _plan() -> Document:
    points = [
        Point(f"{3600 * n}", 90_000_000_000 - 9_000_000_000 * n, dollars(n, n - 0.5, n + 0.5), n / 10, 0.2)
        for n in range(1, 8)
    ]
    outcomes = [Outcome("semantic cache", dollars(40, 30, 50), 0, 20_000_000_000, "less than planned")]
    return document(
        sweeps=[Sweep("cache.ttl", points)], happened=Happened(NOW - 9, NOW, NOW + 1, 1.5, outcomes), gaps=[ODD]
    )


async def keep(url: str) -> None:
    store = await open_store(url)
    await Plans(store).keep(packed(_plan()), ["default"], NOW, "a gateway, each week")
    await store.close()


if __name__ == "__main__":
    asyncio.run(keep(sys.argv[1]))
