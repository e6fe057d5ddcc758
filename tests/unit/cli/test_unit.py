"""`farthing unit`: the calculator, reports, files of outcomes."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from farthing.model.record import Record
from farthing.store import open_store
from stores import ready

Farthing = Callable[..., Result]


def test_half_a_dollar_against_fifteen(farthing: Farthing) -> None:
    shown = farthing("unit", "estimate", "--cost", "0.50", "--human-cost", "15").output
    assert "saved  $14.50, 96.7 % of the cost by hand" in shown
    assert "pays from a success rate of  3.3 %" in shown
    plain = json.loads(farthing("unit", "estimate", "--cost", "$0.50", "--human-cost", "15", "--json").stdout)
    assert plain["against_people"]["saved"] == {"nano_dollars": 14_500_000_000, "dollars": "14.500000000"}
    assert plain["against_people"]["saved_share"] == pytest.approx(0.9667, abs=1e-4)


ALL = (
    "unit", "estimate", "--model", "gpt-5-mini", "--in", "3000", "--cached", "1000", "--out", "400", "--calls", "4", "--retries", "5%",
    "--tool-calls", "3", "--tool-cost", "0.002", "--embeddings", "2", "--embedding-model", "text-embedding-3-small",
    "--embedding-tokens", "300", "--human-minutes", "15", "--hourly-rate", "60", "--success-rate", "85%", "--review-minutes", "0.5",
    "--volume", "10000",
)  # fmt: skip


def test_the_sum_is_printed_line_by_line(farthing: Farthing) -> None:
    shown = farthing(*ALL).output
    for words in (
        "4 calls x 1.05 for retries x (2,000 input x $0.25/1M + 1,000 cached input x $0.025/1M + 400 output x $2.00/1M)",
        "3 uses x $0.002", "2 queries x (300 input x $0.02/1M)", "one transaction", "15.0 % that fail x $15.00", "people's time",
        "10,000 a month",
    ):  # fmt: skip
        assert words in shown
    plain = json.loads(farthing(*ALL, "--json").stdout)
    assert plain["cost"]["nano_dollars"] == sum(item["cost"]["nano_dollars"] for item in plain["items"])
    model = round((2000 * 250 + 1000 * 25 + 400 * 2000) * 4.2)
    assert [item["cost"]["nano_dollars"] for item in plain["items"]] == [model, 6_000_000, 12_000]
    assert plain["review"]["nano_dollars"] == 500_000_000
    assert plain["per_success"]["nano_dollars"] == round((model + 6_012_000 + 500_000_000) / 0.85)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "Say what it is made of"), (("--model", "gpt-5"), "needs --in and --out"), (("--in", "5"), "need --model"),
        (("--model", "gpt-5", "--in", "5", "--cached", "6"), "part of --in"), (("--model", "no-such", "--in", "5"), "No price is known"),
        (("--tool-calls", "2"), "needs --tool-cost"), (("--tool", "fax=2"), "The price list"), (("--embeddings", "2"), "needs --embedding-cost"),
        (("--cost", "1", "--human-minutes", "5"), "needs --hourly-rate"), (("--cost", "1", "--review-minutes", "5"), "needs --hourly-rate"),
        (("--cost", "1", "--human-cost", "5", "--human-minutes", "5"), "Say either"), (("--cost", "much"), "is no number"),
        (("--cost", "1", "--success-rate", "2"), "between 0 and 1"), (("--cost", "1", "--type", "x"), "there is no"),
    ],
)  # fmt: skip
def test_what_cannot_be_estimated_is_said(options: tuple[str, ...], says: str, farthing: Farthing) -> None:
    done = farthing("unit", "estimate", *options)
    assert done.exit_code != 0 and says in done.output


SETTINGS = """
[transactions]
hourly_rate = 60

[transactions.tools]
crm = 0.002

[transactions.plans]
pro = 20

[transactions.types.support]
features = ["support chat"]
human_minutes = 15
"""


@pytest.fixture
def company(folder: Path) -> Path:
    now = time.time_ns() // 1000
    calls = [
        Record(
            id=f"call-{place}", started_us=now, wire="openai.chat", model="gpt-5-mini", feature="support chat",
            transaction=f"support/T-{place}", user="ana", tags={"plan": "pro"}, cost_state="unpriced" if place == 9 else "computed",
            cost=0 if place == 9 else 10**9, baseline=0 if place == 9 else 10**9,
        )
        for place in range(10)
    ]  # fmt: skip

    async def write() -> None:
        store = await open_store(ready(Path()))
        await store.write(calls)
        await store.close()

    asyncio.run(write())
    (folder / "farthing.toml").write_text(SETTINGS)
    return folder


def test_outcomes_from_a_file_and_the_report(farthing: Farthing, company: Path) -> None:
    rows = [f"support,T-{place},{'failed' if place == 0 else 'resolved'},,," for place in range(6)]
    Path("outcomes.csv").write_text(
        "type,id,outcome,revenue_dollars,tool,count\n" + "\n".join([*rows, "support,T-1,,,crm,5"]) + "\n"
    )
    assert "6 outcomes, 1 costs, $0.0100." in farthing("unit", "post", "outcomes.csv").output
    assert "6 outcomes, 0 costs, $0.00; 1 costs were there already." in farthing("unit", "post", "outcomes.csv").output
    shown = farthing("unit", "report").output
    for words in (
        "support", "4 have no outcome yet", "1 have calls or tools of unknown cost", "83.3 %", "by hand $90.00 ($15.00 each)",
        "gpt-5-mini", "crm", "support chat", "pro", "ana", "pays from a success rate of",
    ):  # fmt: skip
        assert words in shown
    plain = json.loads(farthing("unit", "report", "support", "--json").stdout)
    (unit,) = plain["types"]
    assert (unit["transactions"], unit["partly"], unit["open"]) == (9, 1, 4)
    assert unit["tool_cost"]["nano_dollars"] == 10_000_000
    assert unit["against_people"]["saved"]["nano_dollars"] == (90 - 6 - 15) * 10**9 - 10_000_000
    assert plain["plans"][0]["margin"]["nano_dollars"] == 11 * 10**9 - 10_000_000
    shown = farthing("unit", "estimate", "--type", "support", "--tool", "crm=2", "--cost", "0.1").output
    assert "2 uses x $0.002" in shown and "by hand $15.00" in " ".join(shown.split())


def test_no_transactions(farthing: Farthing, company: Path) -> None:
    assert "No transactions in these days" in farthing("unit", "report", "--month", "2001-01").output
    assert "No transactions in these days" in farthing("unit", "report", "order").output


def test_files_that_are_none(farthing: Farthing, company: Path) -> None:
    Path("x.csv").write_bytes(b"type,id,outcome\na,b,\xff\n")
    assert "is no table" in farthing("unit", "post", "x.csv").output
    Path("x.csv").write_text("type,id,outcome\n")
    assert "has no rows" in farthing("unit", "post", "x.csv").output
    Path("x.csv").write_text("type,id,outcome\na,b,failed\na,b,gone\n")
    done = farthing("unit", "post", "x.csv")
    assert done.exit_code == 1 and "row 3" in done.output
    assert json.loads(farthing("unit", "report", "--json").stdout)["types"][0]["empty"] == 0, "all or none"
    Path("x.csv").write_text("type,id,outcome\na,b,failed\n")
    assert json.loads(farthing("unit", "post", "x.csv", "--json").stdout)["outcomes"] == 1
