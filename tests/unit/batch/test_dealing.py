"""Waiting lines are dealt out by what is cheapest in time: to a batch, alone, or back until their time."""

from typing import Any

from farthing.batch.choosing import Offer
from farthing.batch.dealing import BYTES_AT_ONCE, LOST, MISTAKE_S, Dealer
from farthing.batch.flexing import Flexing, Waiting
from farthing.batch.sending import Pooled
from farthing.batch.settling import Settler
from farthing.batch.turnround import TurnRounds, turn_rounds
from farthing.batch.ways import Ways
from farthing.model.batch import Job, Line
from farthing.store import Store
from farthing.store.batch import jobs, lines
from unit.batch.desks import HOUR_US, NOW_US, Batches, Hands, Walking, a_desk, queued, settled, the_job, the_lines


class Place:
    takes_long_s = 30.0

    def __init__(self) -> None:
        self.flex = Flexing(16, lambda: 0.0)


class Running:
    def __init__(self) -> None:
        self.handed: list[Waiting] = []
        self.under_way: list[Waiting] = []
        self.room = 100

    def place(self, model: str) -> Place:
        return Place()

    def wants(self, model: str) -> int:
        return self.room

    def hand_in(self, waiting: list[Waiting]) -> None:
        self.handed += waiting

    def runs(self, line: Line) -> bool:
        return any((each.line.job, each.line.no) == (line.job, line.no) for each in self.under_way)


class Sending:
    def __init__(self) -> None:
        self.added: list[Pooled] = []

    def full(self, model: str) -> bool:
        return False

    def add(self, pooled: Pooled) -> None:
        self.added.append(pooled)

    def has(self, alike: tuple[str, bytes]) -> bool:
        return any(each.alike == alike for each in self.added)


class Atlas:
    def __init__(self, offers: list[Offer]) -> None:
        self.offers = offers

    def of(self, model: str, now: float, now_us: int, **told: float) -> Ways:
        return Ways(tuple(self.offers), None, False)

    async def turn_round(self, desk: Any, provider: str, model: str) -> TurnRounds:
        return turn_rounds((), NOW_US)

    def note(self, deployment: str, provider: str, model: str, asked: str) -> None: ...


BATCH, FLEX, NOW = Offer("batch", 500), Offer("flex", 500, takes_s=180), Offer("now", 1000, takes_s=30)


class Scene:
    def __init__(self, store: Store, offers: list[Offer], *, ahead_s: float = 0.0, counts: bool = False) -> None:
        self.hands, self.walks, self.runner, self.sender = Hands(), Walking(), Running(), Sending()
        self.desk, api = a_desk(store, self.hands), Batches()
        parts: Any = (self.walks, Settler(self.desk), Atlas(offers), self.sender, self.runner, lambda name: api)
        self.dealer = Dealer(self.desk, *parts, lambda deadline_us: ahead_s, late=0.005, linger_s=60, counts=counts)


async def test_who_can_wait_is_prepared_for_a_batch_and_who_cannot_goes_alone(store: Store) -> None:
    scene = Scene(store, [BATCH, NOW])
    assert await scene.dealer.turn() == 2.0, "nothing waits"
    await queued(store)
    assert await scene.dealer.turn() == 0.0
    assert len(scene.sender.added) == 3 and not scene.runner.handed and not scene.dealer.in_hand()
    pressed = Scene(store, [BATCH, NOW])
    await store.do(lambda c: lines.give_back(c, [each.line for each in scene.sender.added], 0, NOW_US))
    pressed.hands.on(24 * 3600 - 120)
    await pressed.dealer.turn()
    assert {each.way for each in pressed.runner.handed} == {"now"} and not pressed.sender.added


async def test_promotions_that_may_go_first_press_new_lines(store: Store) -> None:
    scene = Scene(store, [BATCH, NOW], ahead_s=24 * 3600 - 200)
    await queued(store)
    await scene.dealer.turn()
    assert {each.way for each in scene.runner.handed} == {"now"}


async def test_each_line_on_the_cheap_tier_leaves_it_in_time_for_its_own_deadline(store: Store) -> None:
    scene = Scene(store, [FLEX, NOW])
    job = await queued(store, 2)
    await store.do(lambda c: c.execute("UPDATE batch_lines SET deadline_us = deadline_us - 60000000 * no"))
    await scene.dealer.turn()
    assert [(each.way, each.line.deadline_us - each.last_us) for each in scene.runner.handed] == [
        ("flex", 30_000_000)
    ] * 2
    assert job.deadline_us


async def test_what_it_may_cost_is_known_where_that_matters(store: Store) -> None:
    scene = Scene(store, [NOW], counts=True)
    await queued(store, 1)
    await scene.dealer.turn()
    assert [each.worst for each in scene.runner.handed] == [20]
    free = Scene(store, [NOW])
    await store.do(lambda c: lines.give_back(c, [each.line for each in scene.runner.handed], 0, NOW_US))
    await free.dealer.turn()
    assert [each.worst for each in free.runner.handed] == [0]


async def test_a_cheap_hour_is_waited_for_in_the_store(store: Store) -> None:
    scene = Scene(store, [Offer("local", 10, NOW_US + HOUR_US, 30)])
    await queued(store)
    await scene.dealer.turn()
    assert {(line.state, line.ready_us) for line in await the_lines(store)} == {("waiting", NOW_US + HOUR_US)}


async def test_what_a_step_refuses_and_what_comes_too_late_has_ended(store: Store) -> None:
    scene = Scene(store, [BATCH, NOW])

    async def refused(line: Line, job: Job) -> Any:
        return settled(f"call-{line.no}", 400)

    scene.walks.pack = refused  # type: ignore[method-assign]
    await queued(store, 2)
    await scene.dealer.turn()
    assert (await the_job(store)).failed == 2
    late = Scene(store, [BATCH, NOW])
    job = Job("job-2", "file", "openai.chat", "acme", NOW_US, NOW_US - 1, state="running", total=1)
    line = Line("job-2", 0, "c-0", "acme", "small", NOW_US - 1, 0, body=b"{}")
    await store.do(lambda c: (jobs.add(c, job), lines.add(c, [line])))
    await late.dealer.turn()
    assert await store.do(lambda c: c.query("SELECT state, expired FROM batch_jobs WHERE id = 'job-2'")) == [
        ("expired", 1)
    ]


async def test_no_more_are_taken_than_a_place_wants(store: Store) -> None:
    scene = Scene(store, [NOW])
    await queued(store, 9)
    scene.runner.room = 4
    await store.do(lambda c: c.execute("UPDATE batch_lines SET tenant = 'acme'"))
    scene.dealer._alone.add("small")
    await scene.dealer.turn()
    assert len(scene.runner.handed) == 4
    scene.runner.room = 0
    assert await scene.dealer.turn() == 0.25 and len(scene.runner.handed) == 4


async def test_three_lines_do_not_wait_for_a_thousand(store: Store) -> None:
    await queued(store, 1000)
    job = Job("job-2", "file", "openai.chat", "small", NOW_US, NOW_US + 24 * HOUR_US, state="running", total=3)
    made = [
        Line(job.id, no, f"c-{no}", "small", "small", job.deadline_us, 0, body=b'{"model":"small"}') for no in range(3)
    ]
    scene = Scene(store, [BATCH, NOW])
    await scene.dealer.turn()
    before = len(scene.sender.added)
    await store.do(lambda c: (jobs.add(c, job), lines.add(c, made)))
    await scene.dealer.turn()
    dealt = scene.sender.added[before:]
    assert sum(pooled.line.job == "job-2" for pooled in dealt) == 3, "all of them are dealt out at the next turn"
    assert before + len(dealt) < 1000, "while the others wait still"


async def test_a_line_that_batches_lose_again_and_again_goes_alone(store: Store) -> None:
    """A provider that says that a batch is done, and has nothing for a line, would be paid for it until its deadline."""
    scene = Scene(store, [BATCH, NOW])
    await queued(store, 2)
    await store.do(lambda c: c.execute("UPDATE batch_lines SET tries = ? WHERE no = 1", (LOST,)))
    await scene.dealer.turn()
    assert [each.line.no for each in scene.sender.added] == [0]
    assert [(each.line.no, each.way) for each in scene.runner.handed] == [(1, "now")]


async def test_a_line_that_goes_wrong_holds_up_none_behind_it(store: Store) -> None:
    scene = Scene(store, [BATCH, NOW])
    pack = scene.walks.pack

    async def mistaken(line: Line, job: Job) -> Any:
        if not line.no:
            raise KeyError("a prompt")
        return await pack(line, job)

    scene.walks.pack = mistaken  # type: ignore[method-assign]
    await queued(store)
    await scene.dealer.turn()
    assert [each.line.no for each in scene.sender.added] == [1, 2]
    first = (await the_lines(store))[0]
    assert (first.state, first.holder, first.ready_us) == ("waiting", "", NOW_US + int(MISTAKE_S * 1e6))


async def test_what_is_under_way_here_is_not_sent_twice_when_the_clock_is_set_forward(store: Store) -> None:
    scene = Scene(store, [NOW])
    await queued(store)
    await scene.dealer.turn()
    scene.runner.under_way = scene.runner.handed[:2]
    scene.hands.on(3600)  # what this gateway holds is anybody's now, and it is the first to take it
    await scene.dealer.turn()
    assert [each.line.no for each in scene.runner.handed] == [0, 1, 2, 2]
    assert {line.holder for line in await the_lines(store)} == {"w1"}


async def test_large_lines_are_taken_a_few_at_a_time(store: Store) -> None:
    scene = Scene(store, [BATCH, NOW])
    await queued(store, 10)
    await store.do(lambda c: c.execute("UPDATE batch_lines SET size = ?", (BYTES_AT_ONCE // 4,)))
    await scene.dealer.turn()
    assert len(scene.sender.added) == 4
    await store.do(lambda c: c.execute("UPDATE batch_lines SET size = ?", (BYTES_AT_ONCE * 2,)))
    await scene.dealer.turn()
    assert len(scene.sender.added) == 5, "one that is larger goes by itself"
