"""What takes long to make is made once in a run, by whichever of pytest's processes needs it first; the others wait for it.
Knows nothing of what is made."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def once(folders: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder `name` of this run, which `make` has filled; whoever reads it must leave it as it is."""
    base = folders.getbasetemp()
    run = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    made = run / f"once-{name}"
    with open(run / f"once-{name}.lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            begun = folders.mktemp(f"begun-{name}")
            make(begun)
            begun.rename(made)
    return made
