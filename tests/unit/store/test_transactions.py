"""Transactions are the sum of their calls and tools, whatever comes in whatever order however often; on both engines."""

import random
import threading
from collections.abc import Sequence
from contextlib import closing

import msgspec
import pytest

from farthing.model.record import Attempt, Record
from farthing.model.transaction import ToolUse, joined_name, split_name
from farthing.store import Store, StoreError, engine_for, transaction_rows, transactions, writing
from farthing.store.engine import Connection
from farthing.store.rerates import Rerates, Wanted
from farthing.store.rollups import DAY_US
from farthing.store.transaction_state import Said, State
from farthing.store.transactions import Cost, Post
from unit.store.samples import MORNING_US, a_record
from unit.store.test_waste import a_try

NAMES = ("ticket/1", "ticket/2", "ticket/3", "order/1", "bare", "/odd", "odd/", "a/b/c")


def traffic(dice: random.Random, count: int) -> list[Record]:
    """Calls of few transactions on three days, with retries, failures, unknown costs and tools."""
    return [_call(dice, f"call-{place:04}") for place in range(count)]


def _call(dice: random.Random, id: str) -> Record:
    tries = [a_try(no, dice.randrange(1, 10**9)) for no in range(1, dice.choice([2, 2, 3, 5]))]
    known = dice.random() < 0.9
    cost = sum(each.cost for each in tries) if known else 0
    uses = [
        ToolUse(dice.choice(["crm", "search"]), n, dice.choice([n * 1_000, None])) for n in range(dice.randrange(3))
    ]
    return a_record(
        id, started_us=MORNING_US + dice.randrange(3 * DAY_US), transaction=dice.choice(["", *NAMES]),
        tenant=dice.choice(["default", "acme"]), user=dice.choice(["", "ana", "ben"]), model=dice.choice(["big", "small"]),
        feature=dice.choice(["chat", "judge"]), tags=dice.choice([{}, {"plan": "pro"}, {"plan": "free", "x": "y"}]),
        outcome=dice.choice(["ok", "ok", "error", "left"]), cost_state="computed" if known else "unknown", cost=cost,
        baseline=cost, savings=[], attempts=tries, tools=uses,
    )  # fmt: skip


def posts(dice: random.Random, count: int) -> list[Post]:
    """Costs and outcomes, some of transactions that no call has named."""
    found = []
    for place in range(count):
        kind, id_ = split_name(dice.choice([*NAMES, "ticket/none"]))
        at = MORNING_US + dice.randrange(3 * DAY_US)
        costs = [
            Cost(f"cost-{place}-{n}", ToolUse("crm", n + 1, dice.choice([7_000, None])), at)
            for n in range(dice.randrange(3))
        ]
        said = Said(
            dice.choice(["resolved", "accepted", "failed"]), MORNING_US + place, dice.choice([None, 0, 10**9]),
            dice.choice([None, 60]), dice.choice(["", "cleo"]), dice.choice(["", "team"]),
        )  # fmt: skip
        found.append(
            Post(dice.choice(["default", "acme"]), kind, id_, costs, said if dice.random() < 0.6 or not costs else None)
        )
    return found


def tool_cost(records: Sequence[Record], given: Sequence[Post]) -> int:
    of_calls = sum(use.cost or 0 for each in records if each.transaction for use in each.tools)
    return of_calls + sum(cost.use.cost or 0 for each in given for cost in each.costs)


def test_names_come_apart_and_together_again() -> None:
    assert split_name("support_resolution/T-1042") == ("support_resolution", "T-1042")
    assert split_name("a/b/c") == ("a", "b/c")
    for name in NAMES:
        assert joined_name(*split_name(name)) == name
    assert len({split_name(name) for name in NAMES}) == len(NAMES)


@pytest.mark.parametrize("seed", range(6))
async def test_the_sum_over_transactions_is_the_ledgers(seed: int, store: Store, connection: Connection) -> None:
    dice = random.Random(seed)
    calls, given = traffic(dice, 120), posts(dice, 30)
    work: list[tuple[list[Record], list[Post]]] = []
    for start in range(0, len(calls), 15):
        work.append((calls[start : start + 15], []))
    for start in range(0, len(given), 5):
        work.append(([], given[start : start + 5]))
    work += dice.sample(work, 6)  # handed in again
    dice.shuffle(work)
    for some, more in work:
        writing.write(connection, [*some, *dice.sample(calls, 3)])
        transactions.post(connection, more)
    in_ledger = connection.query("SELECT CAST(sum(cost) AS BIGINT) FROM calls WHERE transaction_id <> ''")[0][0]
    gathered = [call for call in calls if call.transaction]
    assert in_ledger == sum(call.cost for call in gathered)
    for table in ("transactions", "transaction_days", "transaction_users"):
        sums = connection.query(f"SELECT CAST(sum(cost) AS BIGINT), CAST(sum(tool_cost) AS BIGINT) FROM {table}")
        assert sums == [(in_ledger, tool_cost(calls, given))]
    drivers = dict(
        connection.query("SELECT kind, CAST(sum(cost) AS BIGINT) FROM transaction_drivers GROUP BY kind ORDER BY kind")
    )
    assert drivers == {"model": in_ledger, "feature": in_ledger, "tool": tool_cost(calls, given)}
    counts = connection.query(
        "SELECT CAST(sum(transactions) AS BIGINT), CAST(sum(calls) AS BIGINT) FROM transaction_days"
    )
    assert counts == [(connection.query("SELECT count(*) FROM transactions")[0][0], len(gathered))]
    assert await store.check() == []
    await store.rebuild()
    assert await store.check() == []


async def test_order_does_not_matter(store: Store, connection: Connection) -> None:
    """But for the latest of two outcomes, all of a row is the same in whatever order its parts came."""
    dice = random.Random(9)
    calls, given = traffic(dice, 60), posts(dice, 20)
    found = []
    for seed in range(2):
        for table in ("calls", "attempts", "savings", "transactions", "transaction_costs", "transaction_days", "transaction_bins",
                      "transaction_drivers", "transaction_users"):  # fmt: skip
            connection.execute(f"DELETE FROM {table}")
        shuffled: list[Record | Post] = [*calls, *given]
        random.Random(seed).shuffle(shuffled)
        for each in shuffled:
            if isinstance(each, Post):
                transactions.post(connection, [each])
            else:
                writing.write(connection, [each])
        found.append(_all(connection))
    assert found[0] == found[1]


def _all(connection: Connection) -> dict[tuple[str, str, str], State]:
    keys = [tuple(row) for row in connection.query("SELECT tenant, type, id FROM transactions")]
    return transactions.states(connection, keys)  # type: ignore[arg-type]


async def test_writers_and_posters_that_meet(store: Store, url: str) -> None:
    dice = random.Random(3)
    calls, given = traffic(dice, 240), posts(dice, 40)
    wrong: list[BaseException] = []

    def work(seed: int) -> None:
        mine, my_posts = calls.copy(), given.copy()
        random.Random(seed).shuffle(mine)
        random.Random(seed).shuffle(my_posts)
        try:
            with closing(engine_for(url).connect()) as connection:
                for start in range(0, len(mine), 30):
                    _insist(lambda: writing.write(connection, mine[start : start + 30]))  # noqa: B023
                    _insist(lambda: transactions.post(connection, my_posts[start // 6 : start // 6 + 5]))  # noqa: B023
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    sums = await store.do(lambda each: each.query("SELECT CAST(sum(cost) AS BIGINT), CAST(sum(tool_cost) AS BIGINT) FROM transactions"))  # fmt: skip
    assert sums == [(sum(call.cost for call in calls if call.transaction), tool_cost(calls, given))]
    assert await store.check() == []


def _insist(work) -> None:  # type: ignore[no-untyped-def]
    for _ in range(50):
        try:
            work()
            return
        except StoreError:
            continue
    raise AssertionError("the writers never got out of each other's way")


async def test_a_transaction_lies_on_the_day_of_its_first_call(store: Store, connection: Connection) -> None:
    """A call of an earlier day that comes late takes the whole transaction there, drivers included."""
    late = a_record("2", transaction="ticket/1", started_us=MORNING_US + DAY_US, model="big")
    early = a_record("1", transaction="ticket/1", model="small")
    writing.write(connection, [late])
    writing.write(connection, [early])
    day = MORNING_US - MORNING_US % DAY_US
    rows = connection.query(
        "SELECT day_us, kind, name, uses FROM transaction_drivers WHERE uses <> 0 ORDER BY kind, name"
    )
    assert rows == [(day, "feature", "support", 2), (day, "model", "big", 1), (day, "model", "small", 1)]
    assert connection.query("SELECT day_us, calls FROM transaction_days WHERE transactions <> 0") == [(day, 2)]
    assert await store.check() == []


async def test_outcomes(store: Store, connection: Connection) -> None:
    key = ("default", "ticket", "1")
    writing.write(connection, [a_record("1", transaction="ticket/1")])
    for said in (Said("failed", 30), Said("resolved", 20, 5), Said("accepted", 30, 10**9, 60, "bob", "pro")):
        transactions.post(connection, [Post(*key, said=said)])
    state = transactions.states(connection, [key])[key]
    assert (state.outcome, state.owner, state.said and state.said.revenue) == ("accepted", ("bob", "pro"), 10**9)
    assert connection.query("SELECT outcome, revenue, human_s FROM transaction_days WHERE transactions <> 0") == [
        ("accepted", 10**9, 60)
    ]
    transactions.post(connection, [Post("default", "ticket", "2", said=Said("failed", MORNING_US))])
    assert connection.query("SELECT state FROM transaction_days WHERE outcome = 'failed' AND transactions <> 0") == [
        ("empty",)
    ]
    writing.write(connection, [a_record("2", transaction="ticket/2", started_us=MORNING_US - DAY_US)])
    assert await store.check() == []


async def test_a_cost_counts_once(store: Store, connection: Connection) -> None:
    one = Post("default", "ticket", "1", [Cost("a", ToolUse("crm", 2, 600), MORNING_US)])
    done = transactions.post(connection, [one, one])
    assert (done.costs, done.repeated, done.tool_cost) == (1, 1, 600)
    assert transactions.post(connection, [one]).costs == 0
    assert connection.query("SELECT tools, tool_cost FROM transactions") == [(2, 600)]


async def test_pricing_anew_reaches_transactions(store: Store, connection: Connection) -> None:
    dice = random.Random(5)
    await store.write(traffic(dice, 60))

    def dearer(record: Record) -> Record:
        attempts = [_dearer(each) for each in record.attempts]
        cost = sum(each.cost for each in attempts)
        return msgspec.structs.replace(record, attempts=attempts, cost=cost, baseline=cost, cost_state="computed")

    rerates = Rerates(store)
    run = await rerates.begin(Wanted(0, MORNING_US + 9 * DAY_US), who="me")
    run = await rerates.step(run, dearer)
    assert run.changed == 60
    assert await store.check() == []
    assert connection.query("SELECT CAST(sum(cost) AS BIGINT) FROM transactions") == connection.query(
        "SELECT CAST(sum(cost) AS BIGINT) FROM calls WHERE transaction_id <> ''"
    )


def _dearer(attempt: Attempt) -> Attempt:
    return msgspec.structs.replace(attempt, cost=attempt.cost + 7, cost_state="computed")


async def test_an_upgraded_store_gathers_what_was_there(store: Store, connection: Connection) -> None:
    await store.write([msgspec.structs.replace(call, tools=[]) for call in traffic(random.Random(7), 80)])
    before = _all(connection)
    for table in ("transactions", "transaction_days", "transaction_bins", "transaction_drivers", "transaction_users"):
        connection.execute(f"DELETE FROM {table}")
    connection.execute("UPDATE marks SET n = 0 WHERE name = 'transactions'")
    await store.prepare()
    assert _all(connection) == before
    assert await store.check() == []
    connection.execute("DELETE FROM transactions")
    transaction_rows.fill(connection)
    assert _all(connection) == {}, "only once"


async def test_what_does_not_agree_is_told(store: Store, connection: Connection) -> None:
    await store.write(traffic(random.Random(1), 20))
    connection.execute("UPDATE transactions SET cost = cost + 1")
    connection.execute("UPDATE transaction_bins SET n = n + 1")
    wrong = await store.check()
    assert any(line.startswith("transaction (") for line in wrong)
    assert any("transaction_bins" in line for line in wrong)
