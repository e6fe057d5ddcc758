"""How tests run: those that wait for real processes first, dealt out to pytest's own processes, so that others can use the
processors meanwhile and the end does not wait for one of them. Knows nothing of what tests need."""

import gc
from collections import deque

import pytest

import laws  # noqa: F401  (on how many examples laws are tried)
import processors  # noqa: F401  (before numpy)
import warm
from stores import (  # noqa: F401  (one server for all tests of a process: here, each fixture is there once)
    connection,
    empty_url,
    postgres,
    postgres_url,
    sqlite_url,
    store,
    url,
)

WAIT = ("chaos", "integration", "hostile", "docs", "browser")
"""Folders of tests that mostly wait, the longest first."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """pytest-xdist gives each of its processes a run of tests of equal length, and moves the ends of runs later."""
    processes = getattr(config, "workerinput", {}).get("workercount", 1)
    if processes > 1:
        items[:] = dealt(items, processes)


def pytest_collection_finish() -> None:
    """What was collected stays to the end: the garbage collector need not look through it again and again."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    warm.close()


def dealt(items: list[pytest.Item], processes: int) -> list[pytest.Item]:
    """As many runs behind each other as there are processes, each with whole folders that wait at its beginning."""
    folders: dict[str, list[pytest.Item]] = {name: [] for name in WAIT}
    others: deque[pytest.Item] = deque()
    for item in items:
        folders.get(_folder(item), others).append(item)
    runs: list[list[pytest.Item]] = [[] for _ in range(processes)]
    there_and_back = [*range(processes), *reversed(range(processes))]  # so that the shortest joins the next longer one
    for number, found in enumerate(folders.values()):
        runs[there_and_back[number % len(there_and_back)]] += found
    for run in runs[:-1]:
        for _ in range(min(len(others), len(items) // processes - len(run))):
            run.append(others.popleft())
    return [item for run in [*runs[:-1], [*runs[-1], *others]] for item in run]


def _folder(item: pytest.Item) -> str:
    """The folder below tests/."""
    return item.nodeid.partition("tests/")[2].partition("/")[0]
