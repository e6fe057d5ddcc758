"""The pages on unit economics: figures as the report has them, down to one transaction, and the calculator."""

import csv
import io
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from browser import company
from farthing.finops import units
from farthing.model.record import Record
from farthing.model.transaction import ToolUse
from farthing.settings import Amount, Settings, TransactionSettings, TransactionTypeSettings
from farthing.store import Store
from farthing.store.rollups import DAY_US
from farthing.store.transaction_state import Said
from farthing.store.transactions import Cost, Post
from farthing.store.units import Units
from unit.dashboard.visitors import Sketches, Visitor, a_place

HOSTILE = '<script>alert(1)</script>"'
KIND = "support_resolution"
SETTINGS = Settings(
    transactions=TransactionSettings(
        hourly_rate=Amount(60), plans={"pro": Amount(20)}, tools={"crm": Amount("0.002")},
        types={KIND: TransactionTypeSettings(human_minutes=Amount(15))},
    )
)  # fmt: skip


async def filled(store: Store) -> None:
    await company.fill(store, time.time_ns() // 1000, 20)


async def rows(visitor: Visitor, path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(await visitor.open(path))))


async def test_figures_are_those_of_the_report(tmp_path: Path) -> None:
    async with a_place(tmp_path, SETTINGS, before=filled, studio=Sketches()) as place:
        now, visitor = place.now_us(), place.visitor()
        until = now - now % DAY_US + DAY_US
        book = await Units(place.store).book(until - 30 * DAY_US, until, tenant="default")
        (unit,) = units.report(book, SETTINGS.transactions, 0, 1).units
        handling = unit.handling
        assert handling is not None and unit.open and unit.partly
        (row,) = await rows(visitor, "/units/csv/types?period=30d")
        assert (row["type"], row["transactions"], row["open"], row["partly"]) == (
            KIND,
            f"{unit.transactions}",
            f"{unit.open}",
            f"{unit.partly}",
        )
        assert (
            round(float(row["saved"]) * 1e9) == handling.saved
            and round(float(row["per_success"]) * 1e9) == unit.per_success
        )
        assert round(float(row["by_hand"]) * 1e9) == 15 * 10**9 and [round(float(row[each]) * 1e9) for each in ("p50", "p90", "p99")] == list(unit.quantiles)  # fmt: skip
        text = await visitor.open("/units?period=30d")
        assert (
            "Outcome unknown" in text
            and "Cost unknown" in text
            and f"type={KIND}" in text
            and "What would one cost?" in text
        )
        plans = {row["plan"]: row for row in await rows(visitor, "/units/csv/plans?period=30d")}
        assert plans["pro"]["revenue"] and not plans["free"]["revenue"] and not plans["free"]["margin"]
        text = await visitor.open(f"/units/type?type={KIND}&period=30d")
        assert "<svg" in text and "half cost up to" in text and "AI beside people" in text and "user=" not in text
        drivers = {
            (row["kind"], row["name"]) for row in await rows(visitor, f"/units/type/csv/drivers?type={KIND}&period=30d")
        }
        assert {
            ("feature", "support chat"),
            ("tool", "crm_lookup"),
            ("tool", "fax"),
            ("model", "gpt-5.4-mini"),
        } <= drivers
        newest = await rows(visitor, f"/units/type/csv/newest?type={KIND}&period=30d")
        assert len(newest) > 100 and "resolved" in {row["outcome"] for row in newest}


async def odd(store: Store) -> None:
    now = time.time_ns() // 1000
    calls = [
        Record(f"c{no}", now, "openai.chat", tenant=tenant, transaction=name, cost=10**6, cost_state=state, feature="f", user=HOSTILE, tools=tools)
        for no, (name, state, tools, tenant) in enumerate(
            [(f"{HOSTILE}/{HOSTILE}/x", "computed", [], "default"), ("bare", "unpriced", [ToolUse(HOSTILE, 2, None)], "default"), ("t/1", "computed", [], "b")]
        )
    ]  # fmt: skip
    await store.write(calls)
    said = Said("accepted", now, revenue=5 * 10**9, human_s=90)
    await Units(store).post([Post("default", "", "bare", [Cost("k", ToolUse("courier", 1, 25 * 10**7), now)], said)])


async def test_one_transaction_with_its_calls_and_tools(tmp_path: Path) -> None:
    async with a_place(tmp_path, SETTINGS, before=odd, studio=Sketches()) as place:
        visitor = place.visitor()
        text = await visitor.open("/units/one?type=&id=bare")
        assert "accepted" in text and "$5.00" in text and "90.0 s" in text and "courier" in text and "/calls/c1" in text
        assert ">?<" in text.replace(" ", "") and "<script>alert" not in text and "&lt;script&gt;" in text
        tools = await rows(visitor, "/units/one/csv/tools?type=&id=bare")
        assert {(row["tool"], row["how"]) for row in tools} == {("courier", "posted"), (HOSTILE, "a call named it")}
        kind = quote(HOSTILE, safe="")
        for path in (
            "/units",
            f"/units/type?type={kind.partition('%2F')[0]}",
            f"/units/one?type={quote('<script>alert(1)<', safe='')}&id=x",
        ):
            answer = await visitor.web.get(path)
            assert answer.status_code in (200, 404) and "<script>alert" not in answer.text
        assert "No transaction of this type" in await visitor.open("/units/type?type=nothing")
        for query in ("", "type=t&id=1", "type=t&id=" + "x" * 3_000, "type=%00&id=%00"):
            await visitor.open(f"/units/one?{query}", 404)
        theirs = place.visitor(await place.add_key("v", role="viewer", tenant="b"))
        assert "/calls/c2" in await theirs.open("/units/one?type=t&id=1")
        await theirs.open("/units/one?type=&id=bare", 404)
        own = place.visitor(await place.add_key("own"))
        for path in ("/units", "/units/type?type=t", "/units/one?type=t&id=1"):
            await own.open(path, 403)


async def test_an_empty_ledger_explains_and_calculates(tmp_path: Path) -> None:
    async with a_place(tmp_path) as place:
        visitor = place.visitor()
        text = await visitor.open("/units")
        assert (
            "x-farthing-transaction: support_resolution/T-1042" in text
            and "/outcome" in text
            and "What would one cost?" in text
        )
        text = await visitor.open("/units?of_plain=0.50&of_human_cost=15")
        assert (
            "Each one saves $14.50, 96.7 % of what it costs by hand." in text and "$29.00" in text and "3.3 %" in text
        )
        text = await visitor.open("/units?of_plain=20&of_human_cost=15&of_volume=1000")
        assert "Each one loses $5.00" in text and "never pays" in text and "$5,000.00" in text
        text = await visitor.open(
            "/units?of_model=gpt-5-mini&of_in_tokens=3,000&of_out_tokens=400&of_calls=4&of_retries=5%25"
        )
        assert "$0.00651" in text and "4 calls x 1.05 for retries" in text and "Say what it costs by hand" in text


async def test_the_calculator_knows_the_settings(tmp_path: Path) -> None:
    async with a_place(tmp_path, SETTINGS) as place:
        text = await place.visitor().open(
            f"/units?of_kind={KIND}&of_tools=crm%3D2&of_plain=0.1&of_success_rate=90%25&of_review_minutes=1"
        )
        assert "2 uses x $0.002" in text and "$15.00" in text and "By hand after all" in text and "$1.50" in text


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("of_model=gpt-5", "Model needs Input tokens"), ("of_in_tokens=5", "need Model"), ("of_in_tokens=many", "no whole number"),
        ("of_plain=much", "Known cost: "), ("of_plain=1&of_human_minutes=5", "needs Hourly rate"), ("of_plain=1&of_kind=x", "there is no"),
        ("of_plain=1&of_success_rate=200%25", "between 0 and 1"), ("of_tools=fax%3D2", "The price list"), ("of_tools=crm%3Dmany", "Tools of the price list: "),
        ("of_volume=5", "Say what it is made of"), ("of_model=%3Cscript%3Ealert%281%29&of_in_tokens=1", "No price is known"),
        ("of_plain=" + "9" * 300, "no number"), ("of_in_tokens=9999999999&of_model=gpt-5", "no whole number"),
    ],
)  # fmt: skip
async def test_what_cannot_be_calculated_is_said_beside_what_was_typed(tmp_path: Path, query: str, words: str) -> None:
    async with a_place(tmp_path) as place:
        text = await place.visitor().open(f"/units?{query}")
        assert words in text and 'role="alert"' in text and "<script>alert" not in text
