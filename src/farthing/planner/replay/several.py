"""Replays of the same calls at the same time, in a few processes: each reads the calls for itself, and what one replay of it has
read is remembered for its next.

What comes of a replay depends on its calls and settings alone, so it is the same in any process. What a process cannot do,
because it ended or the replay failed, is left to whoever asked: there it fails with its own error, or is done after all.
Knows nothing of plans.
"""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from multiprocessing.connection import wait
from multiprocessing.sharedctypes import Synchronized
from typing import Any, NamedTuple

import msgspec

from farthing.dashboard.aside import Aside, CannotDo
from farthing.embed.minilm import MiniLM
from farthing.model.past import PastCall
from farthing.planner.replay.alike import Judged
from farthing.planner.replay.readers import Kept, Reading
from farthing.planner.replay.run import Came, replay_with
from farthing.settings import Settings

MEMORY = 3_000 * 2**20
"""Bytes for all processes together."""
LEAST_MEMORY, MOST_MEMORY, TIMES = 200 * 2**20, 1_500 * 2**20, 8
"""Bytes of a process: more for longer texts, so many times their size, until readers have no more room."""
FEWEST = 1_000
"""Calls for which a process is worth its start, a second of work."""
PATIENCE_S = 12 * 3600.0
LOOK_S = 0.2

Hear = Callable[[int], None]
"""Hears how many calls were asked, of all replays together."""


class Trial(NamedTuple):
    settings: Settings
    """As `world.settings_for` makes them, and changed."""
    budgets: bool = False


def processes_for(calls: Sequence[PastCall], trials: int) -> int:
    """How many are worth it: one is this one."""
    if len(calls) < FEWEST:
        return 1
    size = sum(len(past.prompt) + len(past.answer) for past in calls)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    fit = MEMORY // min(LEAST_MEMORY + TIMES * size, MOST_MEMORY)
    return max(1, min(cores, trials, fit))


async def at_once(
    calls: Sequence[PastCall], trials: Sequence[Trial], processes: int, encoder: Kept | None, hear: Hear
) -> list[list[Came | None] | None]:  # fmt: skip
    """What each trial came to; None where its process could not tell."""
    packed = msgspec.msgpack.encode(calls)
    rows = dict(encoder.rows) if encoder is not None else None
    counted = multiprocessing.get_context("spawn").Value("q", 0)
    asides = [Aside(PATIENCE_S, begin=partial(_begin, packed, rows, counted)) for _ in range(processes)]
    found: list[list[Came | None] | None] = [None] * len(trials)
    left = list(enumerate(trials))

    async def work(aside: Aside) -> None:
        while left:
            at, trial = left.pop(0)
            with suppress(CannotDo):
                found[at] = await aside.run(_play, trial)

    async def tell() -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            hear(counted.value)

    telling = asyncio.create_task(tell())
    try:
        async with asyncio.TaskGroup() as group:
            for aside in asides:
                group.create_task(work(aside))
    finally:
        telling.cancel()
        for aside in asides:
            aside.close(wait=True)
    return found


class _Here:
    """What a process has."""

    def __init__(self, calls: list[PastCall], rows: Mapping[bytes, Any] | None, counted: "Synchronized[int]") -> None:
        self.calls = calls
        self.counted = counted
        encoder = None
        if rows is not None:
            encoder = Kept(MiniLM(), len(rows) + FEWEST)
            encoder.rows.update(rows)
        self.reading = Reading(encoder, Judged(calls) if encoder is not None else None)
        self.runner = asyncio.Runner()


_here: list[_Here] = []
"""The one of this process, once it has begun."""


def _begin(packed: bytes, rows: Mapping[bytes, Any] | None, counted: "Synchronized[int]") -> None:
    """A terminal's Ctrl-C is for the process that people started, which ends this one; so does its own end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=[parent.sentinel], daemon=True).start()
    _here.append(_Here(msgspec.msgpack.decode(packed, type=list[PastCall]), rows, counted))


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def _play(trial: Trial) -> list[Came | None]:
    here = _here[0]
    before = 0

    def hear(done: int) -> None:
        nonlocal before
        with here.counted.get_lock():
            here.counted.value += done - before
        before = done

    return here.runner.run(replay_with(here.calls, trial.settings, hear, here.reading, budgets=trial.budgets))
