"""The doctor's findings: ranked, in dollars a month, each with its spot and how to mend it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.lab.doctor import FIXES, WHAT, Report, plain, read, report_of
from farthing.steps.shape.busters import KINDS
from farthing.store import open_store
from farthing.store.busters import LOOKED, Broken, Busters
from farthing.store.rollups import DAY_US
from stores import ready

FIRST = 20_000 * DAY_US


def seen(kind: str, calls: int = 4, nano: int = 3_000_000_000, **more: object) -> Broken:
    fixed = {
        "tenant": "acme", "feature": "chat", "model": "gpt-5.5", "kind": kind, "place": "system 1", "calls": calls,
        "tokens": 8_000, "nano": nano, "at_byte": 31, "shape": "a, 00 a 0000", "last_us": FIRST + 10 * DAY_US,
    }  # fmt: skip
    return Broken(**(fixed | more))  # type: ignore[arg-type]


def test_every_kind_has_its_sentence_and_its_fix() -> None:
    assert set(WHAT) == set(FIXES) == set(KINDS)
    for kind in KINDS:
        (found,) = report_of([seen(kind)], FIRST, FIRST + 1).findings
        assert found.what.endswith(".") and found.fix.endswith(".") and "{" not in found.what
        assert found.fix.count(". ") == 0


def test_a_month_is_as_long_as_what_was_looked_at_says() -> None:
    rows = [seen("date"), seen("host", nano=5_000_000_000, shape="", place="all"), seen(LOOKED, 90, 0, place="")]
    report = report_of(rows, FIRST, FIRST + 10 * DAY_US)
    assert [each.kind for each in report.findings] == ["host", "date"]
    assert [each.month for each in report.findings] == [15_000_000_000, 9_000_000_000]
    assert (report.lost, report.month, report.looked) == (8_000_000_000, 24_000_000_000, 90)
    assert report.findings[1].looked == 90
    assert report.findings[1].what == "A date or time in system 1, byte 31 changes from call to call: `a, 00 a 0000`."
    assert report_of(rows, FIRST, FIRST + 3_600_000_000).lost * 30 == report_of(rows, FIRST, FIRST + 1).month


def test_nothing_is_nothing() -> None:
    assert report_of([], 0, 0) == Report(0, 0, 0, 0, [])
    assert plain(report_of([], 0, 0))["findings"] == []


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 10**15), st.sampled_from("abc")), max_size=12))
def test_findings_are_ranked_and_add_up(rows: list[tuple[str, int, str]]) -> None:
    report = report_of([seen(kind, nano=nano, feature=feature) for kind, nano, feature in rows], FIRST, FIRST + DAY_US)
    assert report.lost == sum(nano for _, nano, _ in rows)
    assert [each.lost for each in report.findings] == sorted((nano for _, nano, _ in rows), reverse=True)
    assert report.month == 30 * report.lost


@pytest.mark.parametrize(
    ("asked", "count"), [({}, 3), ({"tenant": "acme"}, 2), ({"tenant": "acme", "feature": "mail"}, 1)]
)
async def test_it_reads_one_tenant_and_feature(tmp_path: Path, asked: dict[str, str], count: int) -> None:
    store = await open_store(ready(tmp_path, "ledger.db"))
    await Busters(store).add(
        [seen("date"), seen("date", feature="mail"), seen("uuid", tenant="other"), seen(LOOKED, 9, 0)]
    )
    found = await store.do(lambda connection: read(connection, FIRST, FIRST + 11 * DAY_US, **asked))
    await store.close()
    assert len(found.findings) == count
    assert found.since_us == FIRST + 10 * DAY_US
