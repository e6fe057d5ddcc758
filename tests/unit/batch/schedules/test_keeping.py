"""Schedules on both engines: each occurrence becomes one job, whoever comes first, dies, or was off; results are written once
it has ended."""

import asyncio
import csv
import itertools
import json
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from farthing.batch.alike import Alike
from farthing.batch.desk import Desk
from farthing.batch.intake import Bounds, Intake
from farthing.batch.news import News
from farthing.batch.schedules.cron import daily
from farthing.batch.schedules.keeping import Keeper
from farthing.batch.schedules.schedule import Schedule
from farthing.batch.schedules.starting import AT_ONCE, Starter, job_name
from farthing.batch.schedules.writing import ResultWriter
from farthing.model.batch import Job
from farthing.model.clock import SYSTEM, Clock
from farthing.settings import CacheSettings, Secret
from farthing.store import Store
from farthing.store.batch import files, jobs, lines, schedules
from farthing.store.batch.schedules import Occurrence
from farthing.store.engine import engine_for
from farthing.store.sealing import wrapping
from unit.batch.worked import ANSWER
from unit.gateway.batch_site import SEALING

DAY_US = 86_400_000_000
DUE_US = int(datetime(2026, 3, 10, 2, tzinfo=UTC).timestamp()) * 1_000_000
MINUTE_US = 60_000_000


class Time:
    """A clock that stands where the test puts it."""

    def __init__(self, now_us: int) -> None:
        self.now_us = now_us
        self.clock = Clock(lambda: self.now_us, SYSTEM.monotonic, SYSTEM.sleep)


@pytest.fixture
def time() -> Time:
    return Time(DUE_US - DAY_US // 2)


class Gateway:
    """What a gateway keeps schedules with."""

    def __init__(self, store: Store, time: Time, name: str, *known: Schedule, drops: bool = False) -> None:
        self.store, self.time = store, time
        counter = itertools.count()
        sealed = wrapping(SEALING)
        self.desk = Desk(
            store, name, lambda: f"call-{name}-{next(counter)}", lambda records: None, News(), sealed, time.clock
        )
        self.woken = 0
        starter = Starter(self.desk, 1000, 3600.0)
        writer = ResultWriter(self.desk, [each.name for each in known], drops=drops)
        self.keeper = Keeper(self.desk, known, starter, writer, self._told)
        self.intake = Intake(
            store, sealed, Alike(CacheSettings()), Bounds(1000, 2**20), name, lambda: None, time.clock
        )  # fmt: skip

    async def turn(self) -> float:
        pause = await self.keeper.turn()
        await self.keeper.settle()
        return pause

    async def answered(self) -> None:
        """The job's lines are taken in and end, each with an answer."""
        while not await self.intake.turn():
            pass
        (job,) = await self.jobs()
        now_us = self.desk.now_us
        ends = [lines.Ended(job.id, no, "", "done", 200, ANSWER, 2, 4) for no in range(job.total)]
        await self.store.do(lambda c: lines.settle(c, ends, now_us, wrapping=self.desk.wrapping))

    async def last(self) -> Occurrence | None:
        found = await self.store.do(lambda c: schedules.newest(c, "nightly"))
        return found[0] if found else None

    async def jobs(self) -> list[Job]:
        return await self.store.do(lambda c: jobs.page(c, tenant="default"))

    def _told(self) -> None:
        self.woken += 1


def a_schedule(folder: Path, **more: Any) -> Schedule:
    values: dict[str, Any] = {
        "template": "p.txt", "model": "gpt-4o-mini", "output": "out/{date}.csv", "headers": {"x-farthing-feature": "nightly"},
        "cap": 5, "priority": 3, **more,
    }  # fmt: skip
    (folder / "p.txt").write_text("Sum up {text}")
    name, said = values.pop("name", "nightly"), values.pop("at", "02:00")
    return Schedule(name, daily(said), said, values.pop("file", "in-{date}.csv"), folder, **values)


def rows(folder: Path, *texts: str, name: str = "in-2026-03-10.csv") -> None:
    (folder / name).write_text("text\n" + "".join(f"{text}\n" for text in texts))


async def test_rows_of_a_query_become_a_job(tmp_path: Path, store: Store, time: Time) -> None:
    database = f"sqlite:///{tmp_path}/shop.db"
    with closing(engine_for(database).connect()) as shop:
        shop.execute("CREATE TABLE tickets (day TEXT, text TEXT)")
        shop.execute("INSERT INTO tickets VALUES ('2026-03-08', 'old'), ('2026-03-09', 'a'), ('2026-03-09', 'b')")
    query = "SELECT text FROM tickets WHERE day = '{yesterday}'"
    gate = Gateway(store, time, "one", a_schedule(tmp_path, file="", query=query, database=Secret(database)))
    await gate.turn()
    time.now_us = DUE_US
    await gate.turn()
    (job,) = await gate.jobs()
    assert (job.id, job.origin) == (job_name("nightly", DUE_US), "schedule")
    await gate.answered()
    await gate.turn()
    with (tmp_path / "out/2026-03-10.csv").open() as file:
        assert [row["text"] for row in csv.DictReader(file)] == ["a", "b"]


async def test_a_query_that_cannot_be_asked_is_tried_again(tmp_path: Path, store: Store, time: Time) -> None:
    database = f"sqlite:///{tmp_path}/shop.db"
    gate = Gateway(
        store, time, "one", a_schedule(tmp_path, file="", query="SELECT text FROM tickets", database=Secret(database))
    )
    await gate.turn()
    time.now_us = DUE_US
    await gate.turn()
    last = await gate.last()
    assert last is not None and last.state == "due" and "shop.db" in last.error and not await gate.jobs()
    with closing(engine_for(database).connect()) as shop:
        shop.execute("CREATE TABLE tickets (text TEXT)")
        shop.execute("INSERT INTO tickets VALUES ('a')")
    time.now_us += MINUTE_US
    await gate.turn()
    assert len(await gate.jobs()) == 1


async def test_it_becomes_a_job_when_it_is_due_and_not_before(tmp_path: Path, store: Store, time: Time) -> None:
    rows(tmp_path, "a", "b")
    gate = Gateway(store, time, "one", a_schedule(tmp_path))
    assert await gate.turn() == 30.0 and not await gate.jobs()
    time.now_us = DUE_US - 2_000_000
    assert await gate.turn() == 2.0 and not await gate.jobs()
    time.now_us = DUE_US
    await gate.turn()
    await gate.turn()
    (job,) = await gate.jobs()
    assert (job.id, job.origin, job.name, job.state) == (
        job_name("nightly", DUE_US),
        "schedule",
        "nightly",
        "validating",
    )
    assert (job.cap, job.priority, job.headers, job.wire) == (5, 3, {"x-farthing-feature": "nightly"}, "openai.chat")
    assert job.deadline_us == DUE_US + DAY_US and gate.woken == 1
    found = await gate.last()
    assert found is not None and (found.state, found.job, found.due_us) == ("started", job.id, DUE_US)


async def test_of_many_gateways_one_starts_it(tmp_path: Path, store: Store, time: Time) -> None:
    rows(tmp_path, *(f"text {number}" for number in range(50)))
    gates = [Gateway(store, time, f"g{number}", a_schedule(tmp_path)) for number in range(5)]
    await gates[0].turn()
    for day in range(3):
        rows(tmp_path, "x", name=f"in-2026-03-{10 + day}.csv")
        time.now_us = DUE_US + day * DAY_US
        await asyncio.gather(*(gate.turn() for gate in gates))
    assert len(await gates[0].jobs()) == 3 and sum(gate.woken for gate in gates) == 3
    kept = await store.do(lambda c: files.page(c, tenant="default", limit=100))
    assert len(kept) == 3


async def test_another_starts_it_where_the_first_one_died(tmp_path: Path, store: Store, time: Time) -> None:
    rows(tmp_path, "a")
    gate = Gateway(store, time, "lives", a_schedule(tmp_path))
    await gate.turn()
    time.now_us = DUE_US
    assert await store.do(lambda c: schedules.claim(c, "nightly", DUE_US, "dead", DUE_US, DUE_US + 90_000_000))
    await gate.turn()
    assert not await gate.jobs()
    time.now_us = DUE_US + 91_000_000
    await gate.turn()
    assert len(await gate.jobs()) == 1
    dead = Occurrence("nightly", DUE_US)
    assert not await store.do(lambda c: schedules.started(c, dead, "dead", "job-2", "", DUE_US))


async def test_what_one_that_is_known_to_be_dead_began_is_started_at_once(
    tmp_path: Path, store: Store, time: Time
) -> None:
    rows(tmp_path, "a")
    gate = Gateway(store, time, "lives", a_schedule(tmp_path))
    await gate.turn()
    time.now_us = DUE_US
    assert await store.do(lambda c: schedules.claim(c, "nightly", DUE_US, "dead", DUE_US, DUE_US + 90_000_000))
    assert await store.do(lambda c: schedules.any_held(c, DUE_US)) and await store.do(lines.holders) == ["dead"]
    assert await store.do(lambda c: lines.free(c, ["dead"], DUE_US)) == 1
    assert not await store.do(lambda c: schedules.any_held(c, DUE_US))
    await gate.turn()
    assert len(await gate.jobs()) == 1


async def test_what_was_due_while_nobody_ran_is_started_once(tmp_path: Path, store: Store, time: Time) -> None:
    schedule = a_schedule(tmp_path)
    await Gateway(store, time, "before", schedule).turn()
    rows(tmp_path, "a", name="in-2026-03-12.csv")
    time.now_us = DUE_US + 2 * DAY_US + 50 * MINUTE_US
    gate = Gateway(store, time, "after", schedule)
    await gate.turn()
    await gate.turn()
    assert len(await gate.jobs()) == 1
    found = await gate.last()
    assert found is not None and found.started_us - found.due_us == 50 * MINUTE_US


async def test_what_is_too_late_is_missed_and_said_so(tmp_path: Path, store: Store, time: Time) -> None:
    rows(tmp_path, "a")
    schedule = a_schedule(tmp_path)
    await Gateway(store, time, "before", schedule).turn()
    time.now_us = DUE_US + 61 * MINUTE_US
    gate = Gateway(store, time, "after", schedule)
    await gate.turn()
    await gate.turn()
    found = await gate.last()
    assert not await gate.jobs() and found is not None and (found.state, found.error) == ("missed", "no gateway ran")


async def test_what_was_due_before_it_was_known_is_not_made_up_for(tmp_path: Path, store: Store, time: Time) -> None:
    rows(tmp_path, "a")
    time.now_us = DUE_US + MINUTE_US
    gate = Gateway(store, time, "one", a_schedule(tmp_path))
    await gate.turn()
    assert not await gate.jobs() and await gate.last() is None


async def test_a_file_that_is_late_is_waited_for(tmp_path: Path, store: Store, time: Time) -> None:
    gate = Gateway(store, time, "one", a_schedule(tmp_path))
    await gate.turn()
    time.now_us = DUE_US
    await gate.turn()
    found = await gate.last()
    assert found is not None and found.state == "due" and "No such file" in found.error
    rows(tmp_path, "a", '"')
    time.now_us = DUE_US + 61_000_000
    await gate.turn()
    found = await gate.last()
    assert found is not None and found.state == "due" and found.error.startswith("line 3")
    rows(tmp_path, "a")
    await gate.turn()
    assert not await gate.jobs()
    time.now_us = DUE_US + 130_000_000
    await gate.turn()
    assert len(await gate.jobs()) == 1 and len(await store.do(lambda c: files.page(c, tenant="default"))) == 1


async def test_a_file_that_never_comes_is_a_failure(tmp_path: Path, store: Store, time: Time) -> None:
    gate = Gateway(store, time, "one", a_schedule(tmp_path))
    await gate.turn()
    for minute in range(0, 63, 2):
        time.now_us = DUE_US + minute * MINUTE_US
        await gate.turn()
    found = await gate.last()
    assert found is not None and found.state == "failed" and "No such file" in found.error


@pytest.mark.parametrize("drops", [False, True])
async def test_results_are_written_when_the_job_has_ended(
    tmp_path: Path, store: Store, time: Time, drops: bool
) -> None:
    rows(tmp_path, "a", '"b, ""c"""')
    gate = Gateway(store, time, "one", a_schedule(tmp_path), drops=drops)
    await gate.turn()
    time.now_us = DUE_US
    await gate.turn()
    assert not (tmp_path / "out").exists()
    await gate.answered()
    await gate.turn()
    with (tmp_path / "out" / "2026-03-10.csv").open() as file:
        found = list(csv.DictReader(file))
    assert [row["text"] for row in found] == ["a", 'b, "c"'] and [row["status"] for row in found] == ["200", "200"]
    assert {row["answer"] for row in found} == {"blue"}
    last = await gate.last()
    assert last is not None and last.state == "written" and last.ended_us
    kept = await store.do(lambda c: files.page(c, tenant="default"))
    assert bool(kept) is not drops


async def test_results_that_cannot_be_written_are_written_later(tmp_path: Path, store: Store, time: Time) -> None:
    rows(tmp_path, "a")
    (tmp_path / "out").write_text("in the way")
    gate = Gateway(store, time, "one", a_schedule(tmp_path, output="out/{date}.jsonl"))
    await gate.turn()
    time.now_us = DUE_US
    await gate.turn()
    await gate.answered()
    await gate.turn()
    found = await gate.last()
    assert found is not None and found.state == "started" and found.error
    (tmp_path / "out").unlink()
    time.now_us += 301_000_000
    await gate.turn()
    (line,) = (tmp_path / "out" / "2026-03-10.jsonl").read_text().splitlines()
    assert json.loads(line)["row"] == {"text": "a"}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["2026-03-10.jsonl"]


async def test_it_goes_by_itself_and_ends_when_it_is_told(tmp_path: Path, store: Store) -> None:
    time = Time(DUE_US)
    gate = Gateway(store, time, "one", a_schedule(tmp_path))
    gate.keeper.start()
    await asyncio.sleep(0.1)
    await gate.keeper.close()
    assert await store.do(lambda c: schedules.known_since(c, "nightly", "02:00 UTC", DUE_US + 5)) == DUE_US
    assert await store.do(lambda c: schedules.known_since(c, "nightly", "03:00 UTC", DUE_US + 5)) == DUE_US + 5


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS text FROM n WHERE i < 0"


def a_slow_one(folder: Path, query: str = ENDLESS, **more: Any) -> Schedule:
    """Its query never gives a row."""
    with closing(engine_for(f"sqlite:///{folder}/shop.db").connect()):
        return a_schedule(folder, file="", query=query, database=Secret(f"sqlite:///{folder}/shop.db"), **more)


async def until(happens: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await happens():
            await asyncio.sleep(0.02)


async def test_a_query_that_hangs_holds_up_no_other_schedule_and_no_results(
    tmp_path: Path, store: Store, time: Time
) -> None:
    rows(tmp_path, "a")
    slow = [a_slow_one(tmp_path, name=f"slow {number}") for number in range(AT_ONCE + 1)]
    gate = Gateway(store, time, "one", *slow, a_schedule(tmp_path))
    await gate.keeper.turn()
    time.now_us = DUE_US

    async def has_started() -> bool:
        await gate.keeper.turn()
        return len(await gate.jobs()) == 1

    await until(has_started)
    await gate.answered()

    async def is_written() -> bool:
        await gate.keeper.turn()
        last = await gate.last()
        return last is not None and last.state == "written"

    await until(is_written)
    async with asyncio.timeout(60):
        await gate.keeper.close()
    assert [len(await store.do(lambda c, name=each.name: schedules.begun(c, name))) for each in slow] == [
        1
    ] * AT_ONCE + [0]  # type: ignore[misc]


async def test_what_was_ended_in_its_query_is_started_once_by_the_next(
    tmp_path: Path, store: Store, time: Time
) -> None:
    first = Gateway(store, time, "first", a_slow_one(tmp_path))
    await first.keeper.turn()
    time.now_us = DUE_US
    await first.keeper.turn()
    await until(lambda: _is_begun(store))
    await first.keeper.close()
    next_ = Gateway(store, time, "next", a_slow_one(tmp_path, "SELECT 'a' AS text"))
    await next_.turn()
    assert not await next_.jobs()
    time.now_us += 91_000_000
    await next_.turn()
    await next_.turn()
    assert len(await next_.jobs()) == 1 and len(await store.do(lambda c: files.page(c, tenant="default"))) == 1


async def test_one_that_is_due_again_while_it_is_started_waits_for_it(tmp_path: Path, store: Store, time: Time) -> None:
    """With another gateway, too; both become jobs in the end."""
    both = {"at": "02:00, 02:01"}
    slow, other = (
        Gateway(store, time, "slow", a_slow_one(tmp_path, **both)),
        Gateway(store, time, "other", a_slow_one(tmp_path, "SELECT 'a' AS text", **both)),
    )
    await slow.keeper.turn()
    time.now_us = DUE_US
    await slow.keeper.turn()
    await until(lambda: _is_begun(store))
    time.now_us = DUE_US + MINUTE_US
    for gate in (slow, other):
        await gate.keeper.turn()
    await other.keeper.settle()
    assert not await other.jobs() and await store.do(lambda c: schedules.begun(c, "nightly")) == [DUE_US]
    await slow.keeper.close()
    time.now_us = DUE_US + 2 * MINUTE_US
    await other.turn()
    assert {job.id for job in await other.jobs()} == {
        job_name("nightly", DUE_US + minute * MINUTE_US) for minute in (0, 1)
    }


async def test_what_waits_for_its_file_is_not_forgotten_when_the_next_is_due(
    tmp_path: Path, store: Store, time: Time
) -> None:
    gate = Gateway(store, time, "one", a_schedule(tmp_path, at="02:00, 02:05", file="in-{time}.csv"))
    await gate.turn()
    time.now_us = DUE_US
    await gate.turn()
    rows(tmp_path, "b", name="in-0205.csv")
    time.now_us = DUE_US + 5 * MINUTE_US
    await gate.turn()
    assert [job.id for job in await gate.jobs()] == [job_name("nightly", time.now_us)]
    rows(tmp_path, "a", name="in-0200.csv")
    time.now_us += 2 * MINUTE_US
    await gate.turn()
    assert len(await gate.jobs()) == 2


async def _is_begun(store: Store) -> bool:
    return bool(await store.do(lambda c: schedules.begun(c, "nightly")))
