"""The waterfall adds up to the nano-dollar's cent, and what hold-outs measured is beside it."""

import time
from pathlib import Path

import pytest

from browser import company
from farthing.dashboard.memory import Memory
from farthing.dashboard.overview import reading, savings
from farthing.dashboard.overview.reading import Overview
from farthing.dashboard.periods import period_of
from farthing.finops.metrics import Options
from farthing.finops.tiers import tier_of
from farthing.quality.holdout import DAYS_A_MONTH, Proof, prove
from farthing.settings import Settings
from farthing.store import LeverRow, open_store
from stores import ready


async def looked(folder: Path, **where: str) -> tuple[Overview, list[Proof]]:
    now = time.time_ns() // 1000
    store = await open_store(ready(folder, "ledger.db"))
    batch = list(company.records(now, 12))
    for start in range(0, len(batch), 1_000):
        await store.write(batch[start : start + 1_000])
    period, tier = period_of("7d", now), tier_of(Settings())
    found = await store.do(lambda each: reading.read(each, Memory(), period, now, "default", where, Options(), tier))
    proofs = prove(await store.arm_sums(period.since_us, tenant="default"))
    await store.close()
    return found, proofs


async def test_bars_lead_from_what_was_sent_to_what_was_paid(tmp_path: Path) -> None:
    found, proofs = await looked(tmp_path)
    chart = savings.chart(found, proofs)
    level = found.baseline / 1e9
    assert chart.rows[0]["to"] == level
    for row in chart.rows[1:-1]:
        before, after = (row["to"], row["from"]) if row["kind"] in ("saved", "lost") else (row["from"], row["to"])
        assert before == pytest.approx(level)
        level = after
    assert level == pytest.approx(found.spent / 1e9)
    assert chart.rows[-1]["to"] == found.spent / 1e9
    assert {row["kind"] for row in chart.rows} == {"baseline", "saved", "overhead", "paid"}


async def test_what_was_measured_is_that_of_the_estimator_for_these_days(tmp_path: Path) -> None:
    found, proofs = await looked(tmp_path)
    proof = next(each for each in proofs if each.lever == "model selection")
    amount = savings.in_span(proof)
    assert amount is not None
    assert proof.saved_a_month is not None
    assert amount.value == pytest.approx(proof.saved_a_month.value * proof.days / DAYS_A_MONTH, abs=1)
    (mark,) = [each for each in savings.chart(found, proofs).options["measured"] if each["key"] == "model selection"]
    bar = next(row for row in savings.chart(found, proofs).rows if row["key"] == "model selection")
    assert bar["to"] - mark["at"] == pytest.approx(amount.value / 1e9)
    assert mark["from"] <= mark["at"] <= mark["to"]
    lines = savings.proof_lines(proofs)
    assert [each.lever for each in lines] == [each.lever for each in proofs] and savings.proof_words(proofs) == ""
    assert all(each.verdict in ("proven", "not proven yet", "harms") and each.why.endswith(".") for each in lines)
    assert savings.proof_lines(None) == []
    assert "worked out" in savings.proof_words(None)
    assert savings.proof_words([]).startswith("No hold-out")


async def test_a_lever_that_costs_more_says_so(tmp_path: Path) -> None:
    found, _ = await looked(tmp_path)
    dear = found._replace(levers=[LeverRow("batching", 3, before=5, after=9, overhead=1)])
    rows = {row["key"]: row for row in savings.chart(dear, []).rows}
    assert rows["batching"]["kind"] == "lost"
    assert rows["batching"]["text"].startswith("+")
    assert "added" in rows["batching"]["said"]


async def test_a_scope_has_one_bar_for_all_levers(tmp_path: Path) -> None:
    found, _ = await looked(tmp_path, feature="ticket triage")
    assert found.levers is None
    assert [row["key"] for row in savings.chart(found, []).rows] == [savings.BASELINE, savings.ALL, savings.PAID]
