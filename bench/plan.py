"""A plan's promise against what then happens: a month is asked and logged, a plan is made of the log, its levers are switched on
for the next month, which has other calls by the same people before the same simulated providers.

Months come from seeds, at moments and with sizes of real calls where the traces are at hand (Azure's of 2023), and are scaled
down: 1,500 calls each. A saving is a share of what the month costs with nothing switched on; intervals are in dollars.

    .venv/bin/python bench/plan.py            # 50 seeds
    .venv/bin/python bench/plan.py --quick    # two small months; they show, and decide nothing
    .venv/bin/python bench/plan.py --keep months.jsonl    # goes on where it was broken off
    .venv/bin/python bench/plan.py --keep months.jsonl --calls 2400 --first 300 --each 12    # the months of docs/explanation/measured.md
"""

import argparse
import asyncio
import random
import resource
import sys
import time
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import msgspec

from batching.traffic import made_up, traces
from farthing.model.past import PastCall
from farthing.model.plan import Amount, Plan
from farthing.planner.levers import REPLAYED, Lever, switched
from farthing.planner.making import DAYS_A_MONTH, Wanted, make
from farthing.planner.replay.readers import Reading
from farthing.planner.replay.run import replay
from farthing.planner.uncertainty import amount, groups
from farthing.prices.configured import configured_book
from farthing.settings import Settings
from harness.report import Figure, Report
from planning.many import Took, read, read_from_store
from planning.months import DAYS, Ask, month
from planning.world import BEGIN_US, Happened, ask, own_settings

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
CALLS, QUICK_CALLS = 1_500, 300
SEEDS = 50
FRESH = 100
"""Seeds below this were looked at while the planner was made."""
DECIDES = 20
"""Seeds that a bar needs."""
TOTAL, SAME = "all together", "the same month again"
"""The next month; and the one that the plan was made of, which leaves out by how much months differ."""
TIMED = 4
"""Months whose replays are timed."""
LEVERS = [lever.name for lever in REPLAYED]
AT_ONCE = Lever(TOTAL, "needs proof", "", "", lambda settings: switched(settings, REPLAYED))
POINTS_TOTAL, POINTS_LEVER = 5.0, 8.0
COVERS = (70.0, 90.0)
LAW_FROM, LAW, LAW_QUICK = 2_000, 200, 10
FASTEST = 2_000.0
FASTEST_WITHOUT = 20_000.0
MANY, MANY_QUICK, STORED = (1_000_000, 10_000_000), (100_000,), 100_000
MOST_MB = 2_000.0


class Job(NamedTuple):
    seed: int
    calls: int
    data: Path
    times: bool
    """Whether replays are timed as well."""
    each: bool = True
    """Whether each lever is tried by itself, and the same month again; else all at once, which takes a quarter of the time."""


class Beside(NamedTuple):
    """What was planned, and what happened."""

    planned: float
    """Percent of spend; so below."""
    happened: float
    low: float
    """Dollars a month; so below."""
    high: float
    saved: float

    @property
    def covered(self) -> bool:
        return self.low <= self.saved <= self.high


class Speeds(NamedTuple):
    """Calls that one replay asks in a second of CPU."""

    plain: float
    """Nothing switched on."""
    every: float
    """Everything on, as all replays of a plan but the first run: what requests say is known."""
    first: float
    """Everything on, and nothing read before."""


class Found(NamedTuple):
    seed: int
    calls: int
    by: dict[str, Beside]
    speeds: Speeds | None
    mb: float


class Kept(NamedTuple):
    """A month in the file of those done."""

    about: int
    """Calls that were asked for."""
    found: Found


def play(job: Job) -> Found:
    dice = random.Random(job.seed)
    found = [calls for name, (_, calls) in traces(job.data).items() if name.startswith("azure")]
    arrivals = found or [calls for _, calls in made_up(dice).values()]
    first, second = month(dice, job.calls, arrivals), month(dice, job.calls, arrivals)
    own = own_settings()
    readers = Reading().gateway

    def happens(calls: Sequence[Ask], tree: Settings, month: int) -> list[Happened]:
        return asyncio.run(ask(calls, tree, job.seed, month, readers))

    log = happens(first, own, 0)
    calls = [each.past for each in log]
    levers = REPLAYED if job.each else [AT_ONCE]
    plan = asyncio.run(make(calls, Wanted(own, configured_book(own.prices), levers), lambda what, done, total: None))
    spent = _sum(happens(second, own, 1))
    by = {TOTAL: _beside(plan, plan.together, spent, _sum(happens(second, switched(own, REPLAYED), 1)))}
    if job.each:
        again = _sum(happens(first, switched(own, REPLAYED), 0))
        by[SAME] = _beside(plan, plan.together, _sum(log), again)
        for lever in REPLAYED:
            planned = next(each.alone for each in plan.levers if each.lever == lever.name)
            by[lever.name] = _beside(plan, planned, spent, _sum(happens(second, switched(own, [lever]), 1)))
    speeds = _speeds(calls, own) if job.times else None
    return Found(job.seed, len(calls), by, speeds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _speeds(calls: Sequence[PastCall], own: Settings) -> Speeds:
    reading = Reading()
    first, plain, every = (_speed(calls, own, on, reading) for on in (True, False, True))
    return Speeds(plain, every, first)


def _beside(plan: Plan, planned: Amount, spent: int, left: int) -> Beside:
    saved = (spent - left) * DAYS_A_MONTH / DAYS
    return Beside(
        100 * planned.likely / plan.a_month,
        100 * (spent - left) / spent,
        planned.low / 1e9,
        planned.high / 1e9,
        saved / 1e9,
    )


def _sum(month: Sequence[Happened]) -> int:
    return sum(each.cost for each in month)


def _speed(calls: Sequence[PastCall], own: Settings, on: bool, reading: Reading) -> float:
    begun = time.process_time()
    asyncio.run(replay(calls, own, lambda tree: switched(tree, REPLAYED) if on else tree, reading=reading))
    return len(calls) / (time.process_time() - begun)


def show(found: Sequence[Found], names: Sequence[str]) -> None:
    print(f"{'':<22}{'planned %':>11}{'happened %':>12}{'off, mean':>11}{'worst':>8}{'covered':>9}")
    for name in names:
        each = [one.by[name] for one in found if name in one.by]
        off = [abs(one.planned - one.happened) for one in each]
        print(
            f"{name:<22}{_mean([one.planned for one in each]):>11.1f}{_mean([one.happened for one in each]):>12.1f}"
            f"{_mean(off):>11.2f}{max(off):>8.2f}{100 * _mean([one.covered for one in each]):>8.0f}%"
        )


def _one_line(found: Found) -> str:
    return "; ".join(
        f"{name}: {each.planned:.1f} % planned, {each.happened:.1f} happened, ${each.saved:.2f} in {each.low:.2f} to {each.high:.2f}"
        for name, each in found.by.items()
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def figures(found: Sequence[Found], names: Sequence[str]) -> list[Figure]:
    made: list[Figure] = []
    for name in names:
        each = [one.by[name] for one in found if name in one.by]
        off = [abs(one.planned - one.happened) for one in each]
        most = POINTS_LEVER if name in LEVERS else POINTS_TOTAL
        made.append(Figure(f"{name}: off", "points", off, most=most, needs=DECIDES))
        within = 100 * _mean([points <= most for points in off])
        made.append(Figure(f"{name}: within {most:g}", "%", [within], least=90.0, needs=_needs(each)))
        covered = [100 * _mean([one.covered for one in each])]
        if name == TOTAL:
            made.append(
                Figure(f"{name}: intervals hold", "%", covered, least=COVERS[0], most=COVERS[1], needs=_needs(each))
            )
        elif name != SAME and any(one.planned or one.happened for one in each):
            made.append(Figure(f"{name}: intervals hold", "%", covered))
    made.append(Figure("memory of a process", "MB", [one.mb for one in found], most=MOST_MB))
    speeds = [one.speeds for one in found if one.speeds is not None]
    if not speeds:
        return made
    made.append(Figure("replay, nothing on", "calls/s", [one.plain for one in speeds], least=FASTEST))
    made.append(Figure("replay, all on", "calls/s", [one.every for one in speeds], least=FASTEST))
    made.append(Figure("replay, all on, the first of a plan", "calls/s", [one.first for one in speeds]))
    return made


def law(seeds: range, calls: int, data: Path) -> Figure:
    """How often the interval of a month holds the next one, by months' sizes alone: agents' bytes save more than others'. Nothing
    is asked, so that many months can be made."""
    arrivals = [each for name, (_, each) in traces(data).items() if name.startswith("azure")]
    held = 0
    for seed in seeds:
        dice = random.Random(seed)
        months = [month(dice, calls, arrivals or [each for _, each in made_up(dice).values()]) for _ in range(2)]
        first, second = ([_worth(each) for each in asks] for asks in months)
        bare = [
            PastCall(id="", at_us=BEGIN_US + round(each.at_s * 1e6), user=each.user, feature=each.feature, session=each.session)
            for each in months[0]
        ]  # fmt: skip
        found = amount(first, groups(bare), 1.0)
        held += found.low <= sum(second) <= found.high
    name, share = f"intervals hold, {len(seeds)} months by size", 100 * held / len(seeds)
    needs = 1 if len(seeds) >= DECIDES else 2
    return Figure(name, "%", [share], least=COVERS[0], most=COVERS[1], needs=needs)


def _worth(ask: Ask) -> int:
    return round(len(msgspec.json.encode(ask.body)) * (2.2 if ask.feature == "agent" else 0.3))


def without_text(counts: Sequence[int], stored: int) -> list[Figure]:
    """Each in a process of its own, which tells what it held."""
    made: list[Figure] = []
    jobs = [(read, count, f"without text, {count:,} calls") for count in counts]
    jobs.append((read_from_store, stored, f"without text, {stored:,} calls of a store"))
    for work, count, name in jobs:
        with get_context("spawn").Pool(1) as pool:
            took: Took = pool.apply(work, ((FRESH, count),))
        made.append(Figure(name, "calls/s", [took.a_second], least=FASTEST_WITHOUT))
        made.append(Figure(f"{name}: memory", "MB", [took.mb], most=MOST_MB))
    return made


def _needs(found: Sequence[Beside]) -> int:
    """A single figure over seeds decides where there are enough of them."""
    return 1 if len(found) >= DECIDES else 2


def kept(file: Path | None, jobs: Sequence[Job]) -> dict[int, Found]:
    """Months of these jobs that an earlier run has done, by seed."""
    if file is None or not file.exists():
        return {}
    known = [msgspec.json.decode(line, type=Kept) for line in file.read_bytes().splitlines()]
    found = {(each.about, each.found.seed): each.found for each in known}
    done = ((job, found.get((job.calls, job.seed))) for job in jobs)
    return {job.seed: one for job, one in done if one is not None and (SAME in one.by or not job.each)}


def keep(file: Path | None, job: Job, found: Found) -> None:
    if file is not None:
        with file.open("ab") as lines:
            lines.write(msgspec.json.encode(Kept(job.calls, found)) + b"\n")


def played(jobs: Sequence[Job], file: Path | None, at_once: int) -> list[Found]:
    """Each in a process of its own, whose memory is told."""
    done = kept(file, jobs)
    left = [job for job in jobs if job.seed not in done]
    with get_context("spawn").Pool(at_once, maxtasksperchild=1) as pool:
        for job, one in zip(left, pool.imap(play, left), strict=True):
            print(f"seed {one.seed}: {one.calls:,} calls; {_one_line(one)}", file=sys.stderr, flush=True)
            keep(file, job, one)
            done[job.seed] = one
    return [done[job.seed] for job in jobs]


def _is_one_of(number: int, some: int, all: int) -> bool:
    """Whether it is one of some that are spread over all."""
    return number * some // all != (number + 1) * some // all


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two small months; they decide nothing")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="months; 0: calls without text only")
    parser.add_argument("--each", type=int, default=SEEDS, help="months in which each lever is tried by itself too")
    parser.add_argument("--first", type=int, default=FRESH, help="the first seed")
    parser.add_argument("--calls", type=int, default=CALLS, help="of a month, about")
    parser.add_argument("--data", type=Path, default=SHARED, help="a folder of data sets, with traffic/ in it")
    parser.add_argument(
        "--keep", type=Path, help="a file for each month that is done; those in it are not played again"
    )
    parser.add_argument("--at-once", type=int, default=2, help="months that are played at once")
    parser.add_argument("--text-only", action="store_true", help="leave out the calls without text")
    return parser.parse_args()


def main() -> int:
    asked = options()
    report = Report("plan")
    if not traces(asked.data):
        print(f"there are no traces in {asked.data}/traffic: moments are made up")
    if asked.seeds == 0:
        report.add(*without_text(MANY, STORED))
        return report.close()
    seeds = range(asked.first, asked.first + (2 if asked.quick else asked.seeds))
    calls = QUICK_CALLS if asked.quick else asked.calls
    each = [_is_one_of(number, min(asked.each, len(seeds)), len(seeds)) for number in range(len(seeds))]
    jobs = [
        Job(seed, calls, asked.data, one and sum(each[:number]) < TIMED, one)
        for number, (seed, one) in enumerate(zip(seeds, each, strict=True))
    ]
    found = played(jobs, asked.keep, asked.at_once)
    names = [name for name in (SAME, TOTAL, *LEVERS) if any(name in one.by for one in found)]
    show(found, names)
    report.add(*figures(found, names))
    report.add(law(range(LAW_FROM, LAW_FROM + (LAW_QUICK if asked.quick else LAW)), asked.calls, asked.data))
    if not asked.text_only:
        report.add(*without_text(MANY_QUICK if asked.quick else MANY, STORED // 10 if asked.quick else STORED))
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
