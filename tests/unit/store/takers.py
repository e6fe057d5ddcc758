"""Processes that take from the same buckets; in a module of its own, which a new process can import."""

import multiprocessing
from pathlib import Path

from farthing.store.buckets import SharedBuckets

PATIENCE_S = 60


def taken_by_processes(path: Path, name: bytes, *, processes: int, a_minute: int, times: int) -> int:
    """How many of all their attempts to take one succeed, at one moment."""
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    workers = [
        context.Process(target=_take_many, args=(path, name, a_minute, times, results)) for _ in range(processes)
    ]
    for worker in workers:
        worker.start()
    taken = sum(results.get(timeout=PATIENCE_S) for _ in workers)
    for worker in workers:
        worker.join(PATIENCE_S)
    return taken


def _take_many(path: Path, name: bytes, a_minute: int, times: int, results: "multiprocessing.Queue[int]") -> None:
    buckets = SharedBuckets(path, lambda: 7.0)
    results.put(sum(buckets.take(name, a_minute, 1) == 0 for _ in range(times)))
