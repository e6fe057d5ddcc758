"""Tables of spending: one's own and FOCUS; exact amounts, and errors that name the row."""

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.finops.lines_csv import read
from farthing.model.errors import BadRequest
from farthing.store.rollups import DAY_US


def at(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp()) * 1_000_000


def table(*rows: str) -> Sequence[str]:
    return [f"{row}\n" for row in rows]


def test_a_table_of_ones_own() -> None:
    engineers, gpus = read(
        table("kind,month,dollars,project,name", 'engineering,2026-02,"$12,000.10",shop,Ana', "gpu,2026-12,0.1,,"),
        "a.csv",
    )
    assert (engineers.cost, engineers.project, engineers.name, engineers.source) == (
        12_000_100_000_000,
        "shop",
        "Ana",
        "a.csv",
    )
    assert (engineers.from_us, engineers.until_us) == (at(2026, 2, 1), at(2026, 3, 1))
    assert (gpus.cost, gpus.until_us) == (10**8, at(2027, 1, 1))
    (days,) = read(
        table("from,until,dollars", "2026-03-01,2026-03-03,9"), "b", kind="tools", project="lab", tenant="acme"
    )
    assert (days.kind, days.project, days.tenant, days.until_us - days.from_us) == ("tools", "lab", "acme", 3 * DAY_US)


FOCUS = "ChargePeriodStart,BilledCost,EffectiveCost,BillingCurrency,ServiceName,SkuMeter,Tags,SubAccountName"


def test_a_focus_export_is_summed_by_month_project_kind_and_service() -> None:
    rows = table(
        FOCUS,
        '2026-03-01T00:00:00Z,1,0.1000000000001,USD,Vector search,Read units,"{""project"": ""shop""}",x',
        '2026-03-09 00:00:00,1,0.2,USD,Vector search,Read units,"{""project"": ""shop""}",x',
        "2026-03-09T00:00:00Z,7.5,,USD,Compute,H100 hours,,lab",
        "2026-03-09T00:00:00Z,3,3,USD,Claude API,Output Tokens,,lab",
        "2026-04-01T00:00:00Z,2,2,USD,Models,Fine-tuning hours,not json,lab",
    )
    found = [(line.kind, line.project, line.cost, line.from_us) for line in read(rows, "f.csv")]
    assert sorted(found) == [
        ("fine-tuning", "lab", 2 * 10**9, at(2026, 4, 1)), ("gpu", "lab", 7_500_000_000, at(2026, 3, 1)),
        ("tools", "shop", 300_000_000, at(2026, 3, 1)),
    ]  # fmt: skip
    more = read(rows, "f.csv", with_inference=True)
    assert len(more) == 4 and {line.kind for line in more} >= {"inference"}
    assert len({line.id for line in more}) == 4
    assert {line.kind for line in read(rows, "f.csv", kind="tools")} == {"tools"}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["a,b", "1,2"], "neither a column"), (["kind,month,dollars", "gpu,2026-13,1"], "row 2.*no day"),
        (["kind,month,dollars", "gpu,2026-01,1", "gpu,2026-01,much"], "row 3.*no amount"),
        (["kind,month,dollars", "gpu,2026-01,nan"], "no amount"), (["kind,month,dollars", "gpu,2026-01,1e7"], "no amount"),
        (["kind,month,dollars", "rent,2026-01,1"], "no kind"), (["kind,month,dollars", "gpu,2026-01"], "no amount"),
        (["kind,from,until,dollars", "gpu,2026-01-05,2026-01-01,1"], "ends before"),
        ([FOCUS, "2026-03-09,1,1,EUR,x,y,,"], "EUR"), ([FOCUS, "2026-03-09,,,USD,x,y,,"], "neither EffectiveCost"),
        ([FOCUS, "someday,1,1,USD,x,y,,"], "no day"), (["kind,month,dollars", "gpu,9999-01,1"], "too far"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_with_its_row(rows: list[str], said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        read(table(*rows), "x")


@given(st.lists(st.text(st.characters(exclude_characters="\0\r\n"), max_size=30), max_size=4))
def test_any_table_is_read_or_refused(rows: list[str]) -> None:
    for head in ("kind,month,dollars", FOCUS):
        with contextlib.suppress(BadRequest):
            read(table(head, *rows), "x", kind="tools")
