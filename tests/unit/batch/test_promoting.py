"""Lines that would be late go alone, the earliest deadline first; a shard that is late as a whole is taken back."""

from typing import Any, NamedTuple

import pytest

from farthing.batch.choosing import Offer
from farthing.batch.flexing import Flexing, Waiting
from farthing.batch.promoting import Promoter
from farthing.batch.turnround import Seen, TurnRounds, turn_rounds
from farthing.batch.ways import Ways
from farthing.model.batch import Line
from farthing.store import Store
from farthing.store.batch import known, promoting, shards
from unit.batch.desks import DAY_US, HOUR_US, NOW_US, Batches, Hands, a_desk, in_shard, queued, taken, the_shard

STUCK = turn_rounds([Seen(NOW_US - n * 600 * 10**6, n * 600.0, False) for n in range(1, 40)], NOW_US)


class Place(NamedTuple):
    flex: Flexing


class Running:
    """Takes what is handed in."""

    a_second, takes_long_s, busy, most = 1.0, 30.0, 0, 16

    def __init__(self) -> None:
        self.handed: list[Waiting] = []

    def place(self, model: str) -> Place:
        return Place(Flexing(16, lambda: 0.0))

    def has(self, line: Line) -> bool:
        return any(each.line.no == line.no for each in self.handed)

    def hand_in(self, waiting: list[Waiting], *, urgent: bool) -> None:
        self.handed += waiting


class Atlas:
    rounds: TurnRounds = STUCK

    def asked_as(self, shard: Any) -> None:
        return None

    def of(self, model: str, now: float, now_us: int, *, flex_refused: float) -> Ways:
        assert model == "small", "as a line of it was asked for"
        return Ways((Offer("batch", 500), Offer("now", 1000)), None, False)

    async def turn_round(self, desk: Any, provider: str, model: str) -> TurnRounds:
        return self.rounds


async def promoting_of(store: Store, hours: float) -> tuple[Promoter, Running, Batches, Hands]:
    hands, runner, api = Hands(), Running(), Batches()
    desk = a_desk(store, hands)
    await queued(store, 5, hours=hours)
    await in_shard(desk, await taken(desk))
    return Promoter(desk, Atlas(), runner, lambda name: api, late=0.005), runner, api, hands  # type: ignore[arg-type,return-value]


async def test_lines_go_alone_at_the_last_moment_and_not_before(store: Store) -> None:
    promoter, runner, _, hands = await promoting_of(store, 0.5)
    assert await promoter.turn() == 10.0
    hands.on(1800 - 30 - 20)
    await promoter.turn()
    assert sorted(each.line.no for each in runner.handed) == [0, 1, 2, 3, 4]
    assert all(each.promoted and each.worst == 20 and each.way == "now" for each in runner.handed)
    await promoter.turn()
    assert len(runner.handed) == 5, "they are in hand"


async def test_a_late_shard_is_taken_back_once_and_says_so(store: Store) -> None:
    promoter, runner, api, hands = await promoting_of(store, 3)
    hands.on(3 * 3600 - 630)
    await promoter.turn()
    await promoter.turn()
    assert api.asked == ["cancel"] and (await the_shard(store)).error == shards.TAKEN_BACK
    again = Promoter(promoter._desk, Atlas(), runner, lambda name: api, late=0.005)  # type: ignore[arg-type,return-value]
    await again.turn()
    assert api.asked == ["cancel"], "another gateway knows of it too"
    await store.do(lambda c: shards.finish(c, "fsone", hands.now_us))
    (took,) = await store.do(lambda c: known.took(c, "openai", "small-1", 0))
    assert not took.back and took.ended_us


async def test_what_is_with_providers_goes_before_new_lines(store: Store) -> None:
    promoter, _, _, _ = await promoting_of(store, 4)
    assert promoter.ahead_s(NOW_US + DAY_US) == 0, "nothing was looked at yet"
    await promoter.turn()
    assert promoter.ahead_s(NOW_US + DAY_US) == 5 and promoter.ahead_s(NOW_US + HOUR_US) == 0


async def test_deadlines_are_one_the_wider_the_later_they_are(store: Store) -> None:
    await promoting_of(store, 4)
    await store.do(
        lambda c: c.execute("UPDATE batch_lines SET deadline_us = ? + no * 10000000", (NOW_US + 60_000_000,))
    )
    widths = [(1_800_000_000, 15_000_000), (7_200_000_000, 120_000_000)]
    found = await store.do(lambda c: promoting.groups(c, "fsone", NOW_US, widths))
    assert sum(group.n for group in found) == 5 and 2 < len(found) < 5
    assert all(group.until_us - group.deadline_us == 15_000_000 and group.model == "small" for group in found)
    await store.do(lambda c: c.execute("UPDATE batch_lines SET deadline_us = deadline_us + 3600000000"))
    wide = await store.do(lambda c: promoting.groups(c, "fsone", NOW_US, widths))
    assert len(wide) <= 2 and wide[0].until_us - wide[0].deadline_us == 120_000_000
    late = await store.do(lambda c: promoting.first(c, "fsone", wide[-1].until_us, 2))
    assert [(each.line.no, each.held) for each in late] == [(0, 10), (1, 10)]


@pytest.mark.parametrize(
    ("word", "hours", "back"),
    [("completed", 1, True), ("expired", 1, False), ("ended", 24, False), ("canceled", 1, False)],
)
async def test_only_what_came_back_by_itself_tells_of_turn_rounds(
    store: Store, word: str, hours: int, back: bool
) -> None:
    await promoting_of(store, 48)
    await store.do(lambda c: c.execute("UPDATE batch_shards SET remote_state = ?", (word,)))
    await store.do(lambda c: shards.finish(c, "fsone", NOW_US + hours * HOUR_US))
    (took,) = await store.do(lambda c: known.took(c, "openai", "small-1", 0))
    assert took.back == back
