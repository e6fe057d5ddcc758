"""The AI budget by phase: shares, bands, what brings a project back; lines of settings month by month."""

from datetime import UTC, date, datetime

import pytest

from farthing.finops.phases import BANDS, Project, lines_of, phases, plain, read
from farthing.model.record import Record
from farthing.settings import FinopsSettings, LineSettings, ProjectFinopsSettings
from farthing.settings.values import Amount
from farthing.store import Store, lines
from farthing.store.lines import Line
from farthing.store.rollups import DAY_US


def at(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp()) * 1_000_000


MARCH, APRIL = at(2026, 3, 1), at(2026, 4, 1)


@pytest.mark.parametrize(
    ("phase", "inference", "other", "verdict"),
    [
        ("experimentation", 15, 85, "in band"), ("experimentation", 21, 79, "above"), ("experimentation", 9, 91, "below"),
        ("pilot", 20, 80, "in band"), ("pilot", 31, 69, "above"), ("production", 60, 40, "in band"),
        ("production", 61, 39, "above"), ("production", 39, 61, "below"), ("optimised", 40, 60, "in band"),
        ("optimised", 29, 71, "below"), ("production", 10, 0, "no other lines"), ("", 10, 10, "no phase"),
        ("pilot", 0, 0, "nothing spent"), ("pilot", 0, 5, "below"),
    ],
)  # fmt: skip
def test_each_phase_has_its_band(phase: str, inference: int, other: int, verdict: str) -> None:
    project = Project("x", phase, inference, {"engineering": other})
    assert project.verdict == verdict
    assert bool(project.cure) == (verdict not in ("in band", "nothing spent"))


def test_bands_are_those_that_were_agreed() -> None:
    assert {name: (band.least, band.most) for name, band in BANDS.items()} == {
        "experimentation": (0.10, 0.20), "pilot": (0.20, 0.30), "production": (0.40, 0.60), "optimised": (0.30, 0.40),
    }  # fmt: skip


def test_lines_of_settings_are_months() -> None:
    entered = [
        LineSettings("gpu", Amount("280"), "p"),
        LineSettings("tools", Amount("31"), valid_from=date(2026, 3, 31), valid_to=date(2026, 4, 1)),
        LineSettings("other", Amount("5"), valid_to=date(2026, 1, 31)),
    ]
    found = lines_of(entered, at(2026, 2, 15), at(2026, 4, 11))
    assert [(line.kind, line.cost) for line in found] == [
        ("gpu", 140 * 10**9), ("gpu", 280 * 10**9), ("gpu", 280 * 10**9 // 3), ("tools", 10**9), ("tools", 31 * 10**9 // 30),
    ]  # fmt: skip
    assert all(line.within(line.from_us, line.until_us) == line.cost for line in found)


async def test_ledger_and_lines_together(store: Store) -> None:
    def call(id: str, project: str, cost: int, state: str = "computed") -> Record:
        return Record(
            id=id, started_us=MARCH + DAY_US, wire="openai.chat", project=project, cost=cost, baseline=cost, cost_state=state,  # type: ignore[arg-type]
        )  # fmt: skip

    await store.write(
        [call("1", "shop", 45), call("2", "shop", 5), call("3", "lab", 30), call("4", "lab", 0, "unknown")]
    )
    entered = [
        Line("a", "engineering", 40, MARCH, APRIL, project="shop"), Line("b", "inference", 10, MARCH, APRIL, project="shop"),
        Line("c", "tools", 62, at(2026, 2, 1), APRIL + 3 * DAY_US),
    ]  # fmt: skip
    await store.do(lambda each: lines.replace(each, "default", "file", entered))
    settings = FinopsSettings(
        projects={"shop": ProjectFinopsSettings("production", date(2026, 3, 3)), "lab": ProjectFinopsSettings("pilot"), "idle": ProjectFinopsSettings("pilot")}
    )  # fmt: skip
    found = await store.do(lambda each: read(each, settings, MARCH, APRIL, at(2026, 3, 20)))
    assert [(each.project, each.verdict) for each in found.projects] == [
        ("shop", "in band"), ("", "no phase"), ("lab", "no other lines"), ("idle", "nothing spent"),
    ]  # fmt: skip
    shop, shared, lab, _ = found.projects
    assert (shop.inference, shop.budget, shop.share, shop.overdue) == (60, 100, 0.6, "2026-03-03")
    assert (shared.lines, shared.metered) == ({"tools": 62 * 31 // 62}, 0)
    assert (lab.without_cost, lab.share) == (1, 1.0)
    assert (found.total.budget, found.total.inference) == (100 + 31 + 30, 90)
    assert plain(found)["projects"][0]["verdict"] == "in band"
    assert phases([], [], FinopsSettings(), MARCH, APRIL, MARCH).projects == ()
