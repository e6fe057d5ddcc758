"""Whatever two workers do in whatever order, dying in between: no line is lost, none ends twice, the sums of jobs are those of
their lines, what budgets hold is what is with providers, and the queue's own sums are right; on both engines."""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from farthing.model.batch import LINE_ENDS, Hold, Line, Sent
from farthing.model.budget import Budget
from farthing.model.charge import Charge
from farthing.model.windows import window_at
from farthing.store import Store, leases, writing
from farthing.store.batch import holds, jobs, lines, shards
from farthing.store.batch.cells import Cells
from farthing.store.batch.holds import HoldRefused
from farthing.store.batch.moves import run_of
from farthing.store.batch.rows import LINES, OPEN, line_of
from farthing.store.budgets import Budgets
from farthing.store.engine import Connection
from laws import examples
from unit.store.batch.samples import HOUR_US, NOW_US, a_job, a_line, a_shard, begun, of_shard
from unit.store.samples import a_record

LIMIT = 120
BUDGET = Budget("b", LIMIT, tenant="*", window="total")
WORKERS = ("w1", "w2")
TABLES = (
    "batch_jobs", "batch_lines", "batch_bodies", "batch_answers", "batch_cells", "batch_shards", "batch_sent", "calls", "attempts",
    "savings", "budget_balances", "budget_leases", "budget_charges", "budget_holders",
)  # fmt: skip

Key = tuple[str, int]
picks = st.integers(0, 1 << 30)


class Queue(RuleBasedStateMachine):
    """Two workers on one queue. What a worker knows it forgets when it dies."""

    connect: Callable[[], Connection]

    @initialize()
    def begin(self) -> None:
        self.db = self.connect()
        with self.db.transaction():
            for table in TABLES:
                self.db.execute(f"DELETE FROM {table}")
        self.now = NOW_US
        self.made = 0
        self.lines: set[Key] = set()
        self.ends: dict[Key, str] = {}
        self.cost: dict[str, int] = {}
        self.taken: dict[str, list[Line]] = {name: [] for name in WORKERS}
        self.alone: dict[str, list[Line]] = {name: [] for name in WORKERS}

    def teardown(self) -> None:
        if hasattr(self, "db"):
            self._work_off()
            self.db.close()

    def _number(self) -> int:
        self.made += 1
        return self.made

    def _some(self, from_: list[Line], pick: int, most: int = 3) -> list[Line]:
        """Up to so many of a list, taken out of it."""
        some = []
        while from_ and len(some) < 1 + pick % most:
            some.append(from_.pop(pick % len(from_)))
        return some

    @rule(
        count=st.integers(1, 4),
        tenant=st.sampled_from("ab"),
        model=st.sampled_from("xy"),
        same=st.booleans(),
        late=st.booleans(),
    )
    def hand_in(self, count: int, tenant: str, model: str, same: bool, late: bool) -> None:
        name = f"job-{self._number()}"
        with self.db.transaction():
            jobs.add(
                self.db,
                a_job(
                    name, tenant=tenant, total=0 if late else count, state="validating" if late else "running", cap=200
                ),
            )
            lines.add(
                self.db,
                [
                    a_line(no, name, tenant=tenant, model=model, digest=b"same" if same else b"", priority=no % 2)
                    for no in range(count)
                ],
            )  # fmt: skip
        self.cost[name] = 0
        self.lines |= {(name, no) for no in range(count)}
        if late:
            jobs.validated(self.db, name, count, self.now)

    @rule(worker=st.sampled_from(WORKERS), limit=st.integers(1, 6), hours=st.integers(1, 3))
    def take(self, worker: str, limit: int, hours: int) -> None:
        found = lines.take(self.db, now_us=self.now, holder=worker, until_us=self.now + hours * HOUR_US, limit=limit)
        assert all(line.body for line in found) and not {(line.job, line.no) for line in found} & self.ends.keys()
        self.taken[worker] += found

    @rule(worker=st.sampled_from(WORKERS), pick=picks, held=st.integers(0, 40))
    def send_shard(self, worker: str, pick: int, held: int) -> None:
        some = self._some(self.taken[worker], pick)
        pairs = []
        for line in some:
            call = f"call-{self._number()}"
            pairs.append((line, Sent(call, held=held, holds=[Hold("b", line.tenant, "total", held)] if held else [])))
        shard = f"shard-{self._number()}"
        try:
            shards.intend(self.db, a_shard(shard), pairs, worker, self.now + HOUR_US, self.now)
        except (HoldRefused, shards.LinesGone):
            assert shards.get(self.db, shard) is None

    @rule(worker=st.sampled_from(WORKERS), pick=picks)
    def send_alone(self, worker: str, pick: int) -> None:
        for line in self._some(self.taken[worker], pick, 1):
            if begun(self.db, line, f"call-{self._number()}", now_us=self.now):
                self.alone[worker].append(line)

    @rule(worker=st.sampled_from(WORKERS), pick=picks)
    def promote(self, worker: str, pick: int) -> None:
        pairs = [pair for shard in shards.open_(self.db) for pair in of_shard(self.db, shard.id)]
        if pairs:
            line, _ = pairs[pick % len(pairs)]
            call = f"call-{self._number()}"
            one = [lines.Begun(line.job, line.no, "now", call)]
            if lines.begin_all(self.db, one, holder=worker, until_us=self.now + HOUR_US, now_us=self.now):
                line.call_id = call
                self.alone[worker].append(line)

    @rule(worker=st.sampled_from(WORKERS), pick=picks, end=st.sampled_from(LINE_ENDS))
    def answer_alone(self, worker: str, pick: int, end: Any) -> None:
        self._settle([(line, 0) for line in self._some(self.alone[worker], pick)], end)

    @rule(pick=picks, end=st.sampled_from(LINE_ENDS), used=st.integers(0, 40))
    def answer_shard(self, pick: int, end: Any, used: int) -> None:
        found = shards.open_(self.db)
        if found:
            shard = found[pick % len(found)].id
            pairs = of_shard(self.db, shard)
            pairs = [pairs[place] for place in sorted({pick % 3, pick % 2}) if place < len(pairs)]
            self._settle([(line, min(used, sent.held)) for line, sent in pairs], end)

    def _settle(self, some: list[tuple[Line, int]], end: Any) -> None:
        with self.db.transaction():
            standing = lines.lock(self.db, ((line.job, line.no) for line, _ in some))
            records = [
                a_record(line.call_id, charges=[Charge("b", line.tenant, "total", "", used)] if used else [])
                for line, used in some
            ]
            writing.write(self.db, records)
            ended = [
                lines.Ended(line.job, line.no, line.call_id, end, 200, b"answer", 7 + used, 9) for line, used in some
            ]
            count = lines.settle(self.db, ended, self.now)
            assert lines.settle(self.db, ended, self.now) == 0
        fresh = {(each.job, each.no): each for each in reversed(ended) if (each.job, each.no) not in self.ends}
        assert count == len(fresh)
        assert all((standing[key].state in LINE_ENDS) == (key in self.ends) for key in standing)
        for key, each in fresh.items():
            self.ends[key] = end
            self.cost[each.job] += each.cost

    @rule(worker=st.sampled_from(WORKERS), pick=picks, later=st.integers(0, 3))
    def give_back(self, worker: str, pick: int, later: int) -> None:
        self._note_cancelled(
            lambda: lines.give_back(self.db, self._some(self.taken[worker], pick), self.now + later * HOUR_US, self.now)
        )

    @rule(pick=picks)
    def try_again(self, pick: int) -> None:
        """A line of a shard goes back alone."""
        found = [pair for shard in shards.open_(self.db) for pair in of_shard(self.db, shard.id)]
        if found:
            line, _ = found[pick % len(found)]
            self._note_cancelled(lambda: lines.give_back(self.db, [line], self.now, self.now))

    @rule(pick=picks, over=st.booleans())
    def end_shard(self, pick: int, over: bool) -> None:
        found = shards.due(self.db, self.now, "w1", self.now + 1, 5)
        if found:
            shard = found[pick % len(found)]
            if over:
                self._note_cancelled(lambda: shards.finish(self.db, shard.id, self.now))
            else:
                self._note_cancelled(lambda: shards.abandon(self.db, shard.id, "why", self.now, self.now + HOUR_US))

    @rule(worker=st.sampled_from(WORKERS), pick=picks)
    def follow(self, worker: str, pick: int) -> None:
        for line in self._some(self.taken[worker], pick, 1):
            leader = lines.leaders(self.db, line.tenant, [line.digest]).get(line.digest)
            if leader is None or lines.follow(self.db, [(line, (leader.job, leader.no))], self.now + HOUR_US):
                self.taken[worker].append(line)

    @precondition(lambda self: self.cost)
    @rule(pick=picks)
    def cancel(self, pick: int) -> None:
        name = sorted(self.cost)[pick % len(self.cost)]
        self._note_cancelled(lambda: jobs.cancel(self.db, name, tenant="", now_us=self.now))

    def _note_cancelled(self, move: Callable[[], object]) -> None:
        """Of a move that may end lines of jobs that are cancelled, and others never."""
        move()
        rows = self.db.query(
            "SELECT l.job, l.no FROM batch_lines l JOIN batch_jobs j ON j.id = l.job WHERE l.state = 'cancelled' AND j.cancelled_us > 0"
        )
        for job, no in rows:
            self.ends.setdefault((job, no), "cancelled")

    @rule(worker=st.sampled_from(WORKERS), is_known=st.booleans())
    def die(self, worker: str, is_known: bool) -> None:
        self.taken[worker], self.alone[worker] = [], []
        if is_known:
            lines.free(self.db, [worker], self.now)

    @rule(worker=st.sampled_from(WORKERS))
    def live_on(self, worker: str) -> None:
        lines.renew(self.db, worker, self.now + 2 * HOUR_US)
        shards.renew(self.db, worker, self.now + 2 * HOUR_US, [shard.id for shard in shards.open_(self.db)])

    @rule(hours=st.integers(1, 4))
    def wait(self, hours: int) -> None:
        self.now += hours * HOUR_US

    @invariant()
    def no_line_is_lost_and_none_ends_twice(self) -> None:
        if not hasattr(self, "db"):
            return
        runs = {row[0] for row in self.db.query("SELECT call_id FROM batch_sent")}
        rows = {(row[0], row[1]): line_of(row) for row in self.db.query(f"SELECT {LINES} FROM batch_lines")}
        assert rows.keys() == self.lines
        for key, (line, queue) in rows.items():
            assert (line.state if line.state in LINE_ENDS else None) == self.ends.get(key)
            assert (queue == 0) if key in self.ends else queue > 0 or (line.state == "sent" and line.call_id in runs)
        sums = Cells()
        for line, queue in rows.values():
            if queue == OPEN:
                sums.add(line)
        kept = {
            tuple(row[:6]): list(row[6:])
            for row in self.db.query("SELECT * FROM batch_cells WHERE n <> 0 OR bytes <> 0")
        }
        assert kept == sums._changes

    @invariant()
    def jobs_are_the_sums_of_their_lines(self) -> None:
        if not hasattr(self, "db"):
            return
        held: dict[str, int] = {}
        for row in self.db.query("SELECT call_id, shard, place, job, no, sent FROM batch_sent"):
            run = run_of(row)
            held[run.key[0]] = held.get(run.key[0], 0) + run.sent.held
        for name, cost in self.cost.items():
            job = jobs.get(self.db, name)
            assert job is not None
            ends = [end for key, end in self.ends.items() if key[0] == name]
            assert [job.done, job.failed, job.expired, job.cancelled] == [ends.count(each) for each in LINE_ENDS]
            assert (job.cost, job.held) == (cost, held.get(name, 0))
            assert (job.ended_us > 0) == (job.ended == job.total)

    @invariant()
    def budgets_hold_what_is_with_providers(self) -> None:
        if not hasattr(self, "db"):
            return
        held: dict[str, int] = {}
        for row in self.db.query("SELECT call_id, shard, place, job, no, sent FROM batch_sent"):
            for hold in run_of(row).sent.holds:
                held[hold.member] = held.get(hold.member, 0) + hold.amount
        assert held == {member: amount for (_, member, _), amount in holds.held(self.db).items()}
        window = window_at(BUDGET.period, self.now)
        for member in "ab":
            want = leases.Want("b", member, window.id, 0, (), LIMIT, 0, 0, 0, 0)
            assert leases.state(self.db, want, self.now).left >= 0

    def _work_off(self) -> None:
        """In the end somebody can answer everything."""
        self.now += 100 * HOUR_US
        for shard in shards.due(self.db, self.now, "w1", self.now + 1, 1000):
            self._note_cancelled(lambda shard=shard: shards.finish(self.db, shard.id, self.now))  # type: ignore[misc]
        while found := lines.take(self.db, now_us=self.now, holder="w1", until_us=self.now + 1, limit=50):
            for line in found:
                assert begun(self.db, line, f"call-{self._number()}", now_us=self.now)
            self._settle([(line, 0) for line in found], "done")
        assert self.ends.keys() == self.lines and not jobs.any_open(self.db)
        self.jobs_are_the_sums_of_their_lines()
        self.budgets_hold_what_is_with_providers()
        assert holds.held(self.db) == {}


async def test_the_law_of_the_queue(store: Store) -> None:
    await Budgets(store).put(BUDGET)

    class Here(Queue):
        connect = staticmethod(store.engine.connect)

    count = 40 if store.engine.name == "sqlite" else 8  # the moves are the same; there it takes ten times as long
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Here, settings=settings(examples(count), stateful_step_count=40, suppress_health_check=list(HealthCheck))
    )
