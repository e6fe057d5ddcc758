"""Statements add up to the ledger, whatever is shared out and how; the page holds nothing that a caller can run."""

import csv
import io
import json
import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.finops.statement import table
from farthing.finops.statement.page import MOST_ROWS, page
from farthing.finops.statement.sharing import divided
from farthing.finops.statement.statement import KEYS, Statements, Wanted, read
from farthing.model.record import Record
from farthing.settings import Amount, FinopsSettings, LineSettings
from farthing.store import Store
from farthing.store.corrections import Corrections, Entry
from farthing.store.lines import Line, replace
from farthing.store.rollups import DAY_US
from laws import examples
from unit.finops.priced import START_US, some_calls

MONTH = (START_US - 14 * DAY_US, START_US + 16 * DAY_US, START_US - 45 * DAY_US)
"""September 2026, compared with August."""
NONE = FinopsSettings()
law = examples(20)


def a_call(id: str, cost: int, **more: object) -> Record:
    record = Record(
        id=id, started_us=START_US, wire="openai.chat", provider="openai", model="gpt-5", feature="chat", team="cx",
        project="help", cost_state="computed", cost=cost, baseline=cost, in_tokens=10, out_tokens=1,
    )  # fmt: skip
    for name, value in more.items():
        setattr(record, name, value)
    return record


async def statements(store: Store, finops: FinopsSettings = NONE, **more: object) -> Statements:
    wanted = Wanted(*MONTH, **more)  # type: ignore[arg-type]
    return await store.do(lambda connection: read(connection, finops, wanted))


@given(
    st.integers(-(10**18), 10**18), st.dictionaries(st.text(max_size=3), st.integers(-5, 10**15), max_size=9)
)  # fmt: skip
def test_what_is_divided_adds_up_and_nobody_gets_a_nano_dollar_too_much(amount: int, weights: dict[str, int]) -> None:
    parts = divided(amount, weights)
    heavy = {name: weight for name, weight in weights.items() if weight > 0}
    assert sum(parts.values()) == (amount if heavy else 0)
    for name, part in parts.items():
        assert abs(part * sum(heavy.values()) - amount * heavy[name]) < sum(heavy.values())


@law
@given(
    records=some_calls(), key=st.sampled_from(list(KEYS)), spread=st.booleans(), by=st.sampled_from(["team", "project"]),
    amounts=st.lists(st.integers(-(10**9), 10**9), max_size=2), model=st.sampled_from(["", "gpt-5", "nobody's"]),
)  # fmt: skip
async def test_they_add_up_to_the_ledger(
    store: Store, records: list[Record], key: str, spread: bool, by: str, amounts: list[int], model: str
) -> None:
    await store.do(_empty)
    await store.write(records)
    if amounts:
        entries = [Entry(START_US, amount, "openai", model) for amount in amounts]
        await Corrections(store).post(entries, who="ana", reason="the bill")
    found = await statements(store, key=key, spread_unnamed=spread, by=by)
    assert found.total == sum(each.cost for each in records) + sum(amounts)
    assert sum(sum(each.days) for each in found.statements) <= sum(each.cost for each in records)
    rows = _csv(found)
    assert sum(Decimal(row["cost_dollars"]) for row in rows) * 10**9 == found.total
    assert json.loads(json.dumps(table.plain(found)))["total"] == found.total
    assert "".join(page(found)).count("<section>") == len(found.statements) + 1


def _empty(connection: object) -> None:
    for name in ("calls", "attempts", "savings", "rollups", "histograms", "lever_sums", "hold_outs", "waste", "billed_units",
                 "billed_calls", "corrections"):  # fmt: skip
        connection.execute(f"DELETE FROM {name}")  # type: ignore[attr-defined]


def _csv(found: Statements) -> list[dict[str, str]]:
    file = io.StringIO()
    table.write(file, found)
    file.seek(0)
    return list(csv.DictReader(file))


async def test_a_correction_is_for_those_who_used_the_model(store: Store) -> None:
    await store.write(
        [a_call("1", 300), a_call("2", 100, team="ops"), a_call("3", 900, team="growth", model="gpt-5-mini")]
    )  # fmt: skip
    entries = [Entry(START_US, 40, "openai", "gpt-5"), Entry(START_US, 13, "anthropic"), Entry(START_US, 7)]
    await Corrections(store).post(entries, who="ana", reason="the bill")
    found = {each.name: [other.amount for other in each.others] for each in (await statements(store)).statements}
    assert found == {"growth": [9, 5], "cx": [30, 3, 2], "ops": [10, 1]}


async def test_the_key_is_stated_and_none_keeps_it_back(store: Store) -> None:
    await store.write([a_call("1", 300), a_call("2", 100, team="ops"), a_call("3", 60, team="")])
    found = await statements(store, key="calls", spread_unnamed=True)
    assert {each.name: each.total for each in found.statements} == {"cx": 330, "ops": 130}
    assert found.statements[0].others[0].key == "by the number of each one's calls"
    assert (found.statements[0].others[0].what, found.statements[0].others[0].whole) == ("calls that name no team", 60)
    kept = await statements(store, key="none", spread_unnamed=True)
    assert (kept.kept_back, kept.total) == (60, 460)
    assert "is on no sheet" in "".join(page(kept))
    assert [row["kind"] for row in _csv(kept)][-1] == "kept back"
    apart = await statements(store)
    assert [(each.name, each.total) for each in apart.statements] == [("cx", 300), ("ops", 100), ("", 60)]
    assert "No team" in "".join(page(apart))


async def test_other_spending_is_its_projects_or_everybodys(store: Store) -> None:
    await store.write([a_call("1", 300), a_call("2", 100, project="shop")])
    line = Line("gpu", "gpu", 3_000, MONTH[0], MONTH[1], project="shop", name="two GPUs")
    await store.do(lambda connection: replace(connection, "default", "entered", [line]))
    entered = FinopsSettings(lines=[LineSettings("tools", Amount("0.000001"), name="evals")])
    found = await statements(store, entered, by="project", with_lines=True)
    shop, help_ = found.statements
    assert [(each.what, each.amount, each.key != "") for each in shop.others] == [
        ("two GPUs", 3_000, False),
        ("evals", 250, True),
    ]
    assert (help_.total, found.total) == (300 + 750, 400 + 3_000 + 1_000)
    assert (await statements(store, entered, by="project")).total == 400


async def test_the_page_runs_and_loads_nothing_and_escapes_every_word(store: Store) -> None:
    evil = '<script>alert("1")</script>&'
    await store.write(
        [a_call("1", 300, team=evil, feature=evil, model=evil, cost_state="unpriced"), *(a_call(f"m{n}", n, model=f"m{n}") for n in range(MOST_ROWS + 5))]
    )  # fmt: skip
    await Corrections(store).post([Entry(START_US, 1)], who="ana", reason=evil)
    text = "".join(page(await statements(store), evil))
    assert "<script" not in text and text.count("&lt;script&gt;alert(&quot;1&quot;)") >= 6
    assert not re.findall(r"\b(?:src|href)=|url\(|@import", text)
    assert "default-src 'none'" in text
    assert "5 more" in text
    assert "1 call (?) had no known price" in text
    assert "September 2026" in text


async def test_the_month_before_is_what_it_is_compared_with(store: Store) -> None:
    august = START_US - 20 * DAY_US
    await store.write([a_call("1", 300), a_call("2", 200, started_us=august), a_call("3", 9, team="new")])
    found = await statements(store)
    assert {each.name: each.former for each in found.statements} == {"cx": 200, "new": 0}
    text = "".join(page(found))
    assert "+50 %" in text and ">new<" in text
    assert found.statements[0].days[14] == 300 and sum(found.statements[0].days) == 300


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x"])
async def test_a_spreadsheet_runs_no_name(store: Store, name: str) -> None:
    await store.write([a_call("1", 3, team=name, feature=name, model=name)])
    (row,) = _csv(await statements(store))
    assert (row["team"], row["feature"], row["model"]) == (f"'{name}",) * 3
