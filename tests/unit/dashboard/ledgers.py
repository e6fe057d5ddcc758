"""Ledgers with something in them: written once for all tests that want the same, who get a copy each. Knows no page."""

import atexit
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path

from farthing.store import Store, open_store
from farthing.store.rollups import DAY_US

Fill = Callable[[Store], Awaitable[object]]

FRESH_US = 5 * 60 * 1_000_000
"""What is filled in is of the time when it was; after so long, and on another day, it is written again."""

_made: dict[Fill | None, tuple[int, Path]] = {}


async def a_ledger(folder: Path, fill: Fill | None = None) -> str:
    """The URL of the store in `folder`: the one that is there, or one with what `fill` writes."""
    path = folder / "farthing.db"
    if not path.exists():
        known = _made.get(fill)
        if known is None or not _is_fresh(known[0]):
            known = _made[fill] = (time.time_ns() // 1000, await _written(fill))
        folder.mkdir(exist_ok=True)
        shutil.copy(known[1], path)
    return f"sqlite:///{path}"


def _is_fresh(made_us: int) -> bool:
    now_us = time.time_ns() // 1000
    return now_us - made_us < FRESH_US and now_us // DAY_US == made_us // DAY_US


async def _written(fill: Fill | None) -> Path:
    path = Path(tempfile.mkdtemp(dir=_folder())) / "farthing.db"
    store = await open_store(f"sqlite:///{path}")
    if fill is not None:
        await fill(store)
    await store.close()
    return path


@cache
def _folder() -> str:
    folder = tempfile.mkdtemp(prefix="farthing-ledgers-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
