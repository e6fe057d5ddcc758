"""Series for Prometheus: what records and the store make of them, bounded labels, and a dashboard that asks for nothing else."""

import json
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from farthing.gateway.metrics import CODES, Metrics
from farthing.gateway.standings import KEPT_S, Standings, families
from farthing.model.batch import Job, Line, Sent, Shard
from farthing.model.budget import Budget
from farthing.model.charge import Charge
from farthing.model.record import Attempt, Record, Saving
from farthing.model.windows import period, window_at
from farthing.store import Store, open_store
from farthing.store.batch import jobs, lines, shards
from farthing.store.budgets import Budgets
from farthing.store.engine import Connection
from stores import ready
from unit.store.batch.samples import begun

DASHBOARD = Path(__file__).parents[3] / "deploy" / "grafana" / "farthing.json"
LABELS = {
    "wire",
    "provider",
    "model",
    "outcome",
    "state",
    "kind",
    "result",
    "tier",
    "lever",
    "code",
    "budget",
    "rule",
    "le",
}


class Idle:
    """A ledger without trouble."""

    trouble = ""


def metrics() -> Metrics:
    return Metrics(lambda: Idle())  # type: ignore[arg-type,return-value]


def samples(text: bytes) -> dict[tuple[str, ...], float]:
    """name, label values -> value."""
    families = text_string_to_metric_families(text.decode())
    return {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}


def a_record(**more: object) -> Record:
    record = Record(id="1", started_us=0, wire="openai.chat", model="gpt-5", provider="openai", cost_state="computed")
    for name, value in more.items():
        setattr(record, name, value)
    return record


def test_cache_tiers_levers_refusals_and_lost_tries_are_counted() -> None:
    made = metrics()
    tries = [
        Attempt(no=1, provider="azure", outcome="timeout", cost=10**9),
        Attempt(no=2, provider="openai", cost=2 * 10**9),
        Attempt(no=2, part=1, provider="openai", cost=1),
    ]
    made.observe(
        [
            a_record(cache="exact", savings=[Saving("semantic cache", 3 * 10**9, 0)]),
            a_record(cache="miss", tier="small", cost=2 * 10**9, attempts=tries),
            a_record(savings=[Saving("model selection", 5 * 10**9, 6 * 10**9, 10**9)], tier="nobody's"),
            a_record(outcome="error", error="budget_exceeded"),
            a_record(outcome="error", error="a provider's own words"),
            a_record(savings=[Saving("batching", 4 * 10**9, 2 * 10**9)]),
            a_record(savings=[Saving("batching", 0, 0, 3 * 10**9)]),
        ]
    )
    found = samples(made.text())
    for series, value in {
        ("farthing_cache_calls_total", "exact"): 1, ("farthing_cache_calls_total", "miss"): 1,
        ("farthing_tier_calls_total", "small"): 1, ("farthing_tier_cost_dollars_total", "small"): 2,
        ("farthing_lever_before_dollars_total", "semantic cache"): 3,
        ("farthing_lever_after_dollars_total", "model selection"): 7,
        ("farthing_attempts_total", "timeout", "azure"): 1, ("farthing_attempts_total", "ok", "openai"): 1,
        ("farthing_lost_dollars_total", "azure"): 1, ("farthing_refusals_total", "budget_exceeded"): 1,
        ("farthing_paid_twice_total",): 1, ("farthing_paid_twice_dollars_total",): 3,
        ("farthing_lever_after_dollars_total", "batching"): 5,
    }.items():  # fmt: skip
        assert found[series] == value, series
    assert not [series for series in found if "nobody's" in series or "a provider's own words" in series]
    assert {"budget_exceeded", "rate_limit_exceeded", "invalid_request"} <= CODES


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await open_store(ready(tmp_path))
    yield store
    await store.close()


async def test_budgets_are_gauges_of_their_fullest_member(store: Store) -> None:
    budgets = Budgets(store)
    await budgets.put(Budget("team", amount=100, window="total"))
    await budgets.put(Budget("users", amount=10, window="total", scope={"user": "*"}))
    window = window_at(period("total"), 0).id
    spent = (("team", "", 25), ("users", "ana", 2), ("users", "ben", 9))
    charges = [Charge(budget, member, window, "", amount) for budget, member, amount in spent]
    await store.write([a_record(charges=charges)])
    now = [0.0]
    gauges = Standings(store, lambda: now[0])
    found = samples(await gauges.text())
    assert found[("farthing_budget_used_ratio", "team")] == 0.25
    assert found[("farthing_budget_used_ratio", "users")] == 0.9
    assert found[("farthing_budget_reserved_ratio", "team")] == 0
    await budgets.remove("users")
    assert samples(await gauges.text()) == found, "kept for some seconds"
    now[0] += KEPT_S
    assert ("farthing_budget_used_ratio", "users") not in samples(await gauges.text())


async def test_the_queue_is_told_from_sums(store: Store) -> None:
    now_us = time.time_ns() // 1000
    job = Job(
        "j-1", "file", "openai.chat", "acme", now_us - 60_000_000, now_us + 3_600_000_000, state="running", total=3
    )
    made = [Line(job.id, no, f"c-{no}", "acme", "m", job.deadline_us, 2, body=b"{}") for no in range(3)]

    def hand_in(connection: Connection) -> None:
        jobs.add(connection, job)
        lines.add(connection, made)
        (line,) = lines.take(connection, now_us=now_us, holder="g", until_us=now_us + 10**9, limit=1)
        begun(connection, line, "c-0", way="flex", now_us=now_us)
        lines.settle(connection, [lines.Ended("j-1", line.no, "c-0", "done", 200, b"{}", 1, 2)], now_us)
        (line,) = lines.take(connection, now_us=now_us, holder="g", until_us=now_us + 10**9, limit=1)
        shard = Shard("s-1", "openai", "d", "m", "openai.chat", created_us=now_us)
        shards.intend(connection, shard, [(line, Sent(call_id="c-1"))], "g", now_us + 10**9, now_us)

    empty = samples(await Standings(store).text())
    assert empty[("farthing_queue_lines",)] == empty[("farthing_queue_oldest_seconds",)] == 0
    assert ("farthing_queue_tightest_seconds",) not in empty
    await store.do(hand_in)
    found = samples(await Standings(store).text())
    assert found[("farthing_queue_lines",)] == 1
    assert 60 <= found[("farthing_queue_oldest_seconds",)] < 100
    assert 3_400 < found[("farthing_queue_tightest_seconds",)] <= 3_600
    assert found[("farthing_batches_open", "openai")] == found[("farthing_batch_lines_open", "openai")] == 1
    assert {series: value for series, value in found.items() if series[0] == "farthing_lines_total"} == {
        ("farthing_lines_total", "met", "done", "flex"): 1
    }


async def test_the_gauges_are_known_without_a_budget_or_an_alert(store: Store) -> None:
    shown = text_string_to_metric_families((await Standings(store).text()).decode())
    assert [each.name for each in families()] == [each.name for each in shown]


def expressions(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part[name] for name in ("expr", "definition") if name in part]
        return own + [each for value in part.values() for each in expressions(value)]
    return [each for value in part for each in expressions(value)] if isinstance(part, list) else []


async def test_the_dashboard_asks_for_series_that_there_are(store: Store) -> None:
    await Budgets(store).put(Budget("team", amount=100))
    text = metrics().text() + await Standings(store).text()
    names: set[str] = set()
    for family in text_string_to_metric_families(text.decode()):
        names |= {f"{family.name}_total"} if family.type == "counter" else {family.name}
        names |= (
            {f"{family.name}_{part}" for part in ("bucket", "count", "sum")} if family.type == "histogram" else set()
        )
    asked = expressions(json.loads(DASHBOARD.read_text()))
    assert len(asked) > 25
    assert {name for text in asked for name in re.findall(r"\bfarthing_\w+", text)} <= names
    labels = {
        name
        for text in asked
        for found in re.findall(r"\{([^{}]*)\}", text)
        for name in re.findall(r"(\w+)\s*[=!]", found)
    }
    labels |= {
        each.strip() for text in asked for found in re.findall(r"by \(([^)]*)\)", text) for each in found.split(",")
    }
    assert labels <= LABELS


def test_the_dashboard_can_be_imported() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}" and panel["targets"]
