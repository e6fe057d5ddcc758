"""A tenant with 100,000 lines and one with 3: how long do the 3 take, beside the same 3 in an idle gateway?

Once at a provider whose batches take them, once at one where each line is a call of its own. The large job is handed in
first and is being worked on when the small one comes. A real gateway, and the simulator as its provider.

    .venv/bin/python bench/batch_fair.py            # 100,000 lines
    .venv/bin/python bench/batch_fair.py --quick    # 3,000
"""

import asyncio
import sys
import time
from contextlib import ExitStack
from typing import NamedTuple

from batch_crash import DAY_US, QUICK, Stage, a_line, hand_in, jobs_of
from farthing.model.batch import Job, Line
from farthing.store.store import now_us
from harness.report import Figure, Report, options

LARGE, LARGE_QUICK, SMALL = 100_000, 3_000, 3
MOST_TIMES, MOST_MORE_S = 3.0, 5.0
"""The small job may take so many times as long as alone, or so many seconds more."""
PATIENCE_S = 120.0
LOOK_S = 0.1


class Way(NamedTuple):
    name: str
    alone: bool
    """Each line is a call of its own."""


WAYS = (Way("calls", True), Way("batches", False))


def a_job(name: str, tenant: str, lines: int, way: Way) -> tuple[Job, list[Line]]:
    now = now_us()
    job = Job(name, "file", "openai.chat", tenant, now, now + DAY_US, state="running", total=lines)
    return job, [a_line(job, no, alone=way.alone) for no in range(lines)]


def done(stage: Stage, name: str) -> Job:
    (found,) = stage.read(lambda store: jobs_of(store, [name]))
    return found


def seconds_of(stage: Stage, name: str, way: Way) -> float:
    """From when the small job is handed in until it has ended."""
    asyncio.run(hand_in(stage.url, [a_job(name, "small", SMALL, way)]))
    begun = time.monotonic()
    while not done(stage, name).ended_us and time.monotonic() - begun < PATIENCE_S:
        time.sleep(LOOK_S)
    return time.monotonic() - begun


def measure(report: Report, way: Way, large: int) -> None:
    with ExitStack() as stack:
        stage = Stage(stack, QUICK, faults={})
        stage.up()
        seconds_of(stage, "first", way)  # parts of the worker are made
        alone = seconds_of(stage, "alone", way)
        asyncio.run(hand_in(stage.url, [a_job("large", "large", large, way)]))
        time.sleep(1.0)
        beside = seconds_of(stage, "beside", way)
        left = large - done(stage, "large").ended
        report.add(
            Figure(f"{way.name}: {SMALL} lines in an idle gateway", "s", [alone]),
            Figure(f"{way.name}: {SMALL} lines beside {large:,}", "s", [beside], most=max(MOST_TIMES * alone, alone + MOST_MORE_S), needs=1),
            Figure(f"{way.name}: of the {large:,} still open then", "", [left], least=large // 2 if way.alone else None, needs=1),
        )  # fmt: skip


def main() -> int:
    large = LARGE_QUICK if options(__doc__ or "").quick else LARGE
    report = Report("batch_fair")
    for way in WAYS:
        measure(report, way, large)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
