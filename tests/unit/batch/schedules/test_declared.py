"""Recurring jobs as settings declare them: what does not go together is told with the schedule's name."""

from pathlib import Path

import pytest

from farthing.batch.schedules.declared import schedules_of
from farthing.settings import BatchSettings, ScheduleSettings, Secret, Settings, SettingsError, StoreUrl

SHOP = StoreUrl("sqlite:////var/shop.db")


def declared(said: ScheduleSettings) -> Settings:
    return Settings(batch=BatchSettings(schedules={"nightly": said}))


def test_a_file_or_a_query(tmp_path: Path) -> None:
    (one,) = schedules_of(declared(ScheduleSettings(file="a.csv", at="02:00")), tmp_path)
    assert (one.file, one.query, one.database) == ("a.csv", "", Secret())
    query = ScheduleSettings(query="SELECT 1", database=SHOP, template="p.txt", at="02:00")
    (one,) = schedules_of(declared(query), tmp_path)
    assert (one.file, one.query, one.database.reveal()) == ("", "SELECT 1", SHOP.reveal())


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (ScheduleSettings(at="02:00"), "a file, or a query"),
        (ScheduleSettings(file="a.csv", query="SELECT 1", database=SHOP, template="p", at="02:00"), "not both"),
        (ScheduleSettings(query="SELECT 1", template="p", at="02:00"), "go together"),
        (ScheduleSettings(file="a.csv", database=SHOP, at="02:00"), "go together"),
        (ScheduleSettings(query="SELECT 1", database=SHOP, at="02:00"), "a template"),
        (ScheduleSettings(file="a.csv"), "say when"),
        (ScheduleSettings(file="a.csv", at="02:00", tenant=""), "a tenant"),
        (ScheduleSettings(file="a.csv", at="25:00"), "no time of day"),
    ],
    ids=["nothing", "both", "no-database", "no-query", "no-template", "no-time", "no-tenant", "no-hour"],
)
def test_what_does_not_go_together(tmp_path: Path, said: ScheduleSettings, wrong: str) -> None:
    with pytest.raises(SettingsError) as found:
        schedules_of(declared(said), tmp_path)
    (problem,) = found.value.problems
    assert (problem.key, wrong in problem.problem) == ("batch.schedules.nightly", True)
