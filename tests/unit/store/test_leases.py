"""The law of leases: spent and leased together never exceed the limit, whatever happens in whatever order; and each call is
charged once."""

import os
import random
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from farthing.model.charge import Charge
from farthing.model.record import Attempt
from farthing.store import Journal, Store, leases, recover, writing
from farthing.store.engine import Connection, Row
from farthing.store.leases import Before, HolderGone, Want
from unit.store.samples import a_record

TTL_US = 60_000_000
LIMIT = 1_000


def want(budget: str = "b", member: str = "", window: str = "w", *, least: int = 10, most: int = 0, slice: int = 0,
         allowed: int = LIMIT, also: tuple[str, ...] = (), before: Before | None = None) -> Want:  # fmt: skip
    return Want(budget, member, window, 0, also, allowed, least, least, max(least, most), slice, before)


def charged(connection: Connection, call_id: str, amount: int, holder: str = "a", budget: str = "b") -> None:
    writing.write(connection, [a_record(call_id, charges=[Charge(budget, "", "w", holder, amount)])])


async def test_a_lease_is_spent_and_the_rest_is_given_back(store: Store, connection: Connection) -> None:
    leases.register(connection, "a", 0, TTL_US)
    taken = leases.take(connection, "a", [want(slice=100)], 0, TTL_US)
    assert taken.amounts == (100,) and taken.states[0].left == LIMIT
    charged(connection, "call-1", 30)
    charged(connection, "call-1", 30)  # handed in twice
    seen = leases.state(connection, want(), 0, "a")
    assert (seen.spent, seen.mine, seen.left) == (30, 70, LIMIT - 100)
    leases.give_back(connection, "a", {("b", "", "w"): 70})
    assert leases.state(connection, want(), 0, "a").left == LIMIT - 30


async def test_all_scopes_or_none(store: Store, connection: Connection) -> None:
    leases.register(connection, "a", 0, TTL_US)
    taken = leases.take(connection, "a", [want("rich"), want("poor", allowed=5)], 0, TTL_US)
    assert (taken.amounts, taken.short) == ((), 1)
    assert leases.state(connection, want("rich"), 0, "a").mine == 0
    assert [row[:3] for row in leases.contended(connection, -1)] == [("poor", "", "w")]


async def test_one_call_does_not_take_all_that_is_left(store: Store, connection: Connection) -> None:
    leases.register(connection, "a", 0, TTL_US)
    taken = leases.take(connection, "a", [want(least=10, most=900)], 0, TTL_US)
    assert taken.amounts == (LIMIT // leases.SHARE,) and taken.tight == (True,)


async def test_what_a_vanished_holder_held_counts_as_spent(store: Store, connection: Connection) -> None:
    leases.register(connection, "dead", 0, TTL_US)
    leases.take(connection, "dead", [want(least=600)], 0, TTL_US)
    leases.register(connection, "a", 0, TTL_US)
    before, after = (leases.take(connection, "a", [want(least=500)], at, TTL_US) for at in (1, TTL_US + 1))
    assert (before.states[0].others, before.states[0].lost) == (600, 0)
    assert (after.amounts, after.states[0].others, after.states[0].lost) == ((), 0, 600)
    assert [row[0] for row in leases.lost(connection, TTL_US + 1)] == ["dead"]
    assert leases.release(connection, "dead") == 600
    with pytest.raises(HolderGone):
        leases.take(connection, "dead", [want()], TTL_US + 1, TTL_US)
    assert leases.take(connection, "a", [want(least=500)], TTL_US + 1, TTL_US).amounts == (500,)
    charged(connection, "late", 40, "dead")  # it was only asleep: what its calls cost is charged all the same
    assert leases.state(connection, want(), 0).spent == 40


async def test_what_a_month_left_over_is_added_to_the_next(store: Store, connection: Connection) -> None:
    leases.register(connection, "a", 0, TTL_US)
    leases.take(connection, "a", [want(least=300)], 0, TTL_US)
    charged(connection, "call-1", 250)
    following = want(window="x", before=Before("w", LIMIT, LIMIT, True))
    assert leases.take(connection, "a", [following], 0, TTL_US).states[0].limit == 2 * LIMIT - 300
    leases.give_back(connection, "a", {("b", "", "w"): 50})
    assert leases.state(connection, following, 0).limit == 2 * LIMIT - 300, "worked out once"
    third = want(window="y", before=Before("x", LIMIT, LIMIT, True))
    assert leases.state(connection, third, 0).limit == 2 * LIMIT, "at most one amount"
    assert leases.state(connection, want("new", window="x", before=Before("w", LIMIT, LIMIT, False)), 0).limit == LIMIT


async def test_a_rolling_span_counts_its_buckets(store: Store, connection: Connection) -> None:
    leases.register(connection, "a", 0, TTL_US)
    leases.take(connection, "a", [want(window="r1", least=400)], 0, TTL_US)
    second = want(window="r2", also=("r0", "r1"), least=700)
    assert leases.take(connection, "a", [second], 0, TTL_US).amounts == ()
    assert leases.take(connection, "a", [second._replace(least=600)], 0, TTL_US).amounts == (600,)
    assert leases.prune(connection, "b", "", ["r2"]) == 1


async def test_a_killed_gateways_calls_are_charged_what_was_reserved(
    store: Store, connection: Connection, tmp_path: Path
) -> None:
    journal = Journal(tmp_path / "journals")
    holder = journal.path.stem
    leases.register(connection, holder, 0, TTL_US)
    leases.take(connection, holder, [want(slice=200)], 0, TTL_US)
    journal.open(a_record("cut", charges=[Charge("b", "", "w", holder, 60)], attempts=[Attempt(no=1)]))
    journal.open(a_record("ended", charges=[Charge("b", "", "w", holder, 15)]))
    journal.spill([a_record("ended", charges=[Charge("b", "", "w", holder, 7)])])
    for segment in journal._segments:
        segment.close()
    os.close(journal._file)  # the lock goes, the file stays
    found = await recover(tmp_path / "journals", store)
    assert (found.settled, found.interrupted, found.returned) == (1, 1, 200 - 67)
    seen = leases.state(connection, want(), 0)
    assert (seen.spent, seen.others, seen.lost) == (67, 0, 0)


async def test_a_killed_gateways_calls_are_charged_no_more_than_its_lease(
    store: Store, connection: Connection, tmp_path: Path
) -> None:
    """The first call had ended, and what it did not use was reserved for the second; the kill came before it was written."""
    journal = Journal(tmp_path / "journals")
    holder = journal.path.stem
    leases.register(connection, holder, 0, TTL_US)
    leases.take(connection, holder, [want(least=100)], 0, TTL_US)
    for number, (name, amount) in enumerate([("ended", 80), ("under-way", 90)]):
        journal.open(a_record(name, started_us=number, charges=[Charge("b", "", "w", holder, amount)]))
    for segment in journal._segments:
        segment.close()
    os.close(journal._file)
    await recover(tmp_path / "journals", store)
    seen = leases.state(connection, want(), 0)
    assert (seen.spent, seen.left) == (100, LIMIT - 100)
    charged = connection.query("SELECT call_id, amount FROM budget_charges ORDER BY call_id")
    assert charged == [("ended", 10), ("under-way", 90)]


@pytest.mark.parametrize("seed", range(3))
async def test_spent_and_leased_never_exceed_the_limit(store: Store, seed: int) -> None:
    """Gateways in any order: lease, call, settle, give back, die, come back. The truth is kept beside the store."""
    dice = random.Random(seed)
    with closing(store.engine.connect()) as connection:
        world = World(connection, dice)
        for step in range(160):
            world.step(step)
            world.check()
        world.end()


class World:
    """Three gateways, two budgets of which one is the total, two windows."""

    def __init__(self, connection: Connection, dice: random.Random) -> None:
        self.db, self.dice, self.now = connection, dice, 0
        self.free: dict[str, dict[Row, int]] = {}
        self.flying: list[tuple[str, str, list[Row], int]] = []
        self.truth: dict[Row, int] = {}
        self.calls = 0
        self.window = "w1"
        for _ in range(3):
            self.join()

    def join(self) -> None:
        name = f"g{len(self.free)}-{self.now}"
        self.free[name] = {}
        leases.register(self.db, name, self.now, TTL_US)

    def keys(self) -> list[Row]:
        return [("total", "", self.window), ("user", self.dice.choice("xyz"), self.window)]

    def step(self, step: int) -> None:
        self.now += 1_000_000
        match self.dice.choices(("call", "settle", "back", "kill", "window"), (50, 40, 6, 2, 1))[0]:
            case "call":
                self.call(f"call-{step:04}")
            case "settle" if self.flying:
                self.settle(self.flying.pop(self.dice.randrange(len(self.flying))))
            case "back":
                holder = self.dice.choice(list(self.free))
                leases.give_back(self.db, holder, self.free[holder])
                self.free[holder] = {}
            case "kill":
                self.kill(self.dice.choice(list(self.free)))
            case "window":
                self.window = f"w{int(self.window[1:]) + 1}"

    def call(self, call_id: str) -> None:
        holder = self.dice.choice(list(self.free))
        free, keys, need = self.free[holder], self.keys(), self.dice.randint(1, 60)
        lacking = [key for key in keys if free.get(key, 0) < need]
        if lacking:
            wants = [
                want(*map(str, key), least=need, slice=self.dice.randint(0, 200), allowed=self.limit(key))
                for key in lacking
            ]
            for key, amount in zip(
                lacking, leases.take(self.db, holder, wants, self.now, TTL_US).amounts, strict=False
            ):
                free[key] = free.get(key, 0) + amount
        if all(free.get(key, 0) >= need for key in keys):
            for key in keys:
                free[key] -= need
            self.flying.append((call_id, holder, keys, need))

    def settle(self, flying: tuple[str, str, list[Row], int]) -> None:
        call_id, holder, keys, reserved = flying
        cost = self.dice.randint(0, reserved)
        for key in keys:
            self.truth[key] = self.truth.get(key, 0) + cost
            if holder in self.free:
                self.free[holder][key] = self.free[holder].get(key, 0) + reserved - cost
        records = [a_record(call_id, charges=[Charge(*map(str, key), holder, cost) for key in keys])]
        for _ in range(self.dice.randint(1, 2)):
            writing.write(self.db, records)

    def kill(self, holder: str) -> None:
        """Its journal says what was under way; that is charged as it was reserved, the rest comes back."""
        mine = [each for each in self.flying if each[1] == holder]
        self.flying = [each for each in self.flying if each[1] != holder]
        del self.free[holder]
        for call_id, _, keys, reserved in mine:
            for key in keys:
                self.truth[key] = self.truth.get(key, 0) + reserved
            writing.write(
                self.db, [a_record(call_id, charges=[Charge(*map(str, key), holder, reserved) for key in keys])]
            )
        leases.release(self.db, holder)
        self.join()

    def limit(self, key: Row) -> int:
        return 700 if key[0] == "total" else 300

    def check(self) -> None:
        for key in self.every():
            seen = leases.state(self.db, want(*map(str, key), allowed=self.limit(key)), self.now)
            assert seen.spent + seen.mine + seen.others + seen.lost <= self.limit(key)
            assert seen.spent == self.truth.get(key, 0) <= self.limit(key)

    def every(self) -> Sequence[Row]:
        return self.db.query("SELECT budget, member, window_id FROM budget_balances")

    def end(self) -> None:
        """When all has come home nothing is leased, and the charges of the calls are what was spent."""
        for each in self.flying:
            self.settle(each)
        for holder, free in self.free.items():
            leases.ended(self.db, holder, free)
        assert self.db.query("SELECT * FROM budget_leases") == self.db.query("SELECT * FROM budget_holders") == []
        sums = self.db.query("SELECT budget, member, window_id, sum(amount) FROM budget_charges GROUP BY 1, 2, 3")
        assert {row[:3]: int(row[3]) for row in sums} == {key: sum_ for key, sum_ in self.truth.items() if sum_}
