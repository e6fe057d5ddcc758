"""The dearest values say what the report says, in parts, on both engines."""

from datetime import UTC, datetime

import pytest

from farthing.model.errors import BadRequest
from farthing.model.record import Record
from farthing.store import ReportRow, Store, dearest, reading
from farthing.store.engine import Connection
from farthing.store.rollups import DAY_US

JULY_US = int(datetime(2026, 7, 1, tzinfo=UTC).timestamp()) * 1_000_000
SPANS = {
    "days": (JULY_US + 3 * DAY_US, JULY_US + 9 * DAY_US),
    "a month": (JULY_US, JULY_US + 31 * DAY_US),
    "most of a month": (JULY_US + 4 * DAY_US, JULY_US + 31 * DAY_US),
    "two halves": (JULY_US - 20 * DAY_US, JULY_US + 20 * DAY_US),
    "to the last day there is": (JULY_US - 50 * DAY_US, JULY_US + 300 * DAY_US),
    "years": (JULY_US - 900 * DAY_US, JULY_US + 900 * DAY_US),
    "beyond the calendar": (JULY_US, JULY_US + 40_000 * DAY_US),
    "before all": (JULY_US - 900 * DAY_US, JULY_US - 800 * DAY_US),
    "all": (0, None),
}


def _records() -> list[Record]:
    return [
        Record(
            f"c{n}", JULY_US + (n * 7 % 90 - 45) * DAY_US + n, "openai.chat", tenant="b" if n % 11 == 0 else "a",
            user=f"user {n % 23:02}" if n % 13 else "", feature=f"feature {n % 5}", model=f"m{n % 3}", task=f"t{n % 4}",
            cost_state="unknown" if n % 29 == 0 else "computed", cost=0 if n % 29 == 0 else n * n % 997,
            baseline=0 if n % 29 == 0 else n * n % 997, in_tokens=n % 41,
        )
        for n in range(1_500)
    ]  # fmt: skip


@pytest.fixture
async def full(store: Store, connection: Connection) -> Connection:
    await store.write(_records())
    return connection


@pytest.mark.parametrize("span", SPANS)
async def test_parts_are_those_of_the_report(full: Connection, span: str) -> None:
    since, until = SPANS[span]
    asked: list[tuple[str, dict[str, str]]] = [
        ("user", {}), ("user", {"feature": "feature 3"}), ("feature", {"user": "user 07"}), ("user,feature", {}),
        ("feature,user", {}), ("model", {"feature": "feature 1"}), ("task,model", {}), ("key", {}),
    ]  # fmt: skip
    for by, where in asked:
        for tenant in ("a", ""):
            report = reading.report(full, by, since, until, tenant=tenant, where=where)
            for first in (0, 4, 8, 4_000):
                found = dearest.dearest(full, by, 4, since, until, tenant=tenant, where=where, first=first)
                assert found.size == len(report)
                assert found.first == min(first, max(0, len(report) - 1) // 4 * 4)
                assert found.rows == report[found.first : found.first + 4], (by, where, tenant, first)
                assert found.total.calls == sum(row.calls for row in report)
                assert found.total.cost == sum(row.cost for row in report)
                assert found.total.calls_without_cost == sum(row.calls_without_cost for row in report)
            some = [(row.key, row.also) for row in report[1:6]]
            of_some = dearest.among(full, by, [*some, ("nobody", "nothing")], since, until, tenant=tenant, where=where)
            assert sorted(of_some, key=_key) == sorted(report[1:6], key=_key)


def _key(row: ReportRow) -> tuple[str, str]:
    return row.key, row.also


async def test_they_are_ranked_by_any_sum(full: Connection) -> None:
    since, until = SPANS["two halves"]
    for of in ("calls", "in_tokens", "baseline"):
        report = sorted(reading.report(full, "user", since, until), key=lambda row: getattr(row, of), reverse=True)
        assert dearest.dearest(full, "user", 9, since, until, of=of).rows == report[:9]


async def test_what_cannot_be_asked_is_said(full: Connection) -> None:
    for by, of in (("day", "cost"), ("feature,day", "cost"), ("user", "nonsense"), ("user,team", "cost"), ("", "cost")):
        with pytest.raises(BadRequest):
            dearest.dearest(full, by, 9, of=of)


async def test_an_empty_store_has_none(connection: Connection) -> None:
    assert dearest.dearest(connection, "user", 9, *SPANS["a month"]) == ([], 0, 0, ReportRow(""))
    assert dearest.among(connection, "user", []) == []
