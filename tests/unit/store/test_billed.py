"""Units by class and rate, and calls, as others are told of them: nothing is lost, and rows give what is kept."""

from collections import Counter
from contextlib import closing

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.record import Attempt, PricedLine, Record, Saving
from farthing.model.usage import Usage
from farthing.store import Store, billed, engine_for, open_store
from farthing.store.billed import ADJUSTMENT, NO_RATE, ROUNDING, call_cells, short, unit_cells
from farthing.store.engine import Connection
from farthing.store.rollups import DAY_US, PRICED
from farthing.store.schema_billed import CALL_KEY, CALL_SUMS, UNIT_KEY
from unit.store.samples import MORNING_US, a_record, morning, records

DAY = MORNING_US - MORNING_US % DAY_US


def an_attempt(*lines: PricedLine, **more: object) -> Attempt:
    attempt = Attempt(no=1, provider="openai", model="m", cost_state="computed", lines=list(lines))
    for name, value in more.items():
        setattr(attempt, name, value)
    return attempt


def classes(attempt: Attempt) -> dict[tuple[str, int, int], int]:
    """unit, rate, list rate -> units."""
    cells = unit_cells([a_record(attempts=[attempt])])
    return {(row[9], row[10], row[11]): row[12] for row in cells}


def test_units_times_rate_is_the_cost() -> None:
    both = an_attempt(PricedLine("uncached_in", 100, 5_000), PricedLine("out", 30, 20_000), cost=1_100, list_cost=1_100)
    assert classes(both) == {("uncached_in", 5_000, 5_000): 100, ("out", 20_000, 20_000): 30}
    rounded = an_attempt(PricedLine("uncached_in", 3, 37_500), cost=112, list_cost=112)
    assert classes(rounded) == {("uncached_in", 37_500, 37_500): 3, (ROUNDING, 1, 1): -500}


def test_a_contract_has_two_rates() -> None:
    agreed = an_attempt(PricedLine("out", 10, 3_000, 4_000), cost=30, list_cost=40)
    assert classes(agreed) == {("out", 3_000, 4_000): 10}
    older = an_attempt(PricedLine("out", 10, 3_000), cost=30, list_cost=40)
    assert classes(older) == {("out", 3_000, 3_000): 10, (ADJUSTMENT, 0, 1_000): 10}


def test_the_providers_own_price_is_an_adjustment() -> None:
    own = an_attempt(
        PricedLine("out", 10, 3_000), cost=35, list_cost=30, cost_state="reported", usage=Usage(out=10, audio_out=4)
    )
    assert classes(own) == {
        ("out", 3_000, 3_000): 10, ("audio_out", NO_RATE, NO_RATE): 4, (ADJUSTMENT, 1_000, 0): 5
    }  # fmt: skip


def test_what_has_no_price_is_counted_without_one() -> None:
    unpriced = an_attempt(
        PricedLine("out", 10, 3_000), cost_state="unpriced", usage=Usage(out=10, w12h=7, requests={"web_search": 2})
    )
    assert classes(unpriced) == {
        (unit, NO_RATE, NO_RATE): n for unit, n in (("out", 10), ("w12h", 7), ("web_search", 2))
    }
    assert classes(an_attempt(cost_state="unknown", usage=None)) == {}


def test_lines_that_cannot_be_are_an_adjustment_whole() -> None:
    for line in (PricedLine("out", 1, -5), PricedLine("nonsense", 1, 5), PricedLine("out", 10**9, 10**12)):
        assert classes(an_attempt(line, cost=7)) == {(ADJUSTMENT, 1_000, 1_000): 7}


def test_long_names_stay_apart_and_fit_a_key() -> None:
    names = [f"{'n' * 255}{place}" for place in range(5)]
    assert len({short(name) for name in names}) == 5
    assert max(len(short(name)) for name in names) <= 80
    assert short("chat") == "chat"


@given(st.lists(records(), max_size=6))
def test_nothing_is_lost_whatever_the_calls(calls: list[Record]) -> None:
    cost: Counter[tuple[object, ...]] = Counter()
    at_list: Counter[tuple[object, ...]] = Counter()
    for row in unit_cells(calls):
        named = dict(zip((*UNIT_KEY, "units"), row, strict=True))
        if named["rate"] != NO_RATE:
            key = (named["day_us"], named["tenant"], short(str(named["feature"])))
            cost[key] += named["rate"] * named["units"]
            at_list[key] += named["listed"] * named["units"]
    booked: Counter[tuple[object, ...]] = Counter()
    listed: Counter[tuple[object, ...]] = Counter()
    for call in calls:
        key = (call.started_us - call.started_us % DAY_US, call.tenant, short(call.feature))
        for each in call.attempts:
            if each.cost_state in PRICED:
                booked[key] += each.cost * 1_000
                listed[key] += (each.list_cost or each.cost) * 1_000
    assert {key: n for key, n in cost.items() if n} == {key: n for key, n in booked.items() if n}
    assert {key: n for key, n in at_list.items() if n} == {key: n for key, n in listed.items() if n}
    sums = [sum(row[len(CALL_KEY) + place] for row in call_cells(calls)) for place in range(len(CALL_SUMS))]
    assert sums[0] == len(calls)
    assert sums[7] == sum(call.cost for call in calls)
    assert sums[8] - sums[9] == sum(call.cost for call in calls)


async def test_rows_give_what_is_kept(store: Store, connection: Connection) -> None:
    calls = [*morning(60), a_record("routed", savings=[Saving("model selection", 1_000, 700)], feature="x" * 250)]
    await store.write(calls)
    assert await store.check() == []
    assert sum(row.calls for row in billed.read_calls(connection, DAY)) == 61
    assert sum(row.routed for row in billed.read_calls(connection, DAY)) == 300
    assert billed.read_calls(connection, DAY, tenant="acme") == billed.read_units(connection, DAY + DAY_US) == []
    before = billed.read_units(connection, DAY)
    await store.rebuild()
    assert billed.read_units(connection, DAY) == before
    (((team,), sums), *_) = billed.spent_by(connection, ("team",), DAY, DAY + DAY_US)
    assert (team, sums[0]) == ("growth", sum(call.team == "growth" for call in calls))
    connection.execute("UPDATE billed_units SET units = units + 1")
    assert any(line.startswith("billed_units") for line in await store.check())


async def test_calls_of_before_the_tables_are_taken_in(store: Store, connection: Connection) -> None:
    await store.write(
        [*morning(30), *(msgspec.structs.replace(each, started_us=each.started_us + DAY_US) for each in morning(9, 8))]
    )
    kept = billed.read_units(connection, DAY), billed.read_calls(connection, DAY + DAY_US)
    connection.execute("DELETE FROM billed_units")
    connection.execute("DELETE FROM billed_calls")
    connection.execute("UPDATE marks SET n = 0 WHERE name = 'billed'")
    await store.write([a_record("later", feature="later")])
    billed.fill(connection)
    assert billed.read_calls(connection, DAY + DAY_US) == kept[1]
    assert {row.feature for row in billed.read_units(connection, DAY)} == {row.feature for row in kept[0]} | {"later"}
    assert await store.check() == []


async def test_a_fresh_store_has_nothing_to_take_in(empty_url: str) -> None:
    store = await open_store(empty_url)
    await store.close()
    with closing(engine_for(empty_url).connect()) as connection:
        assert connection.query("SELECT n FROM marks WHERE name = 'billed'") == [(1,)]
