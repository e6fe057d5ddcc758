"""Recurring jobs and the calendar as settings declare them, checked. Knows nothing of who keeps them."""

from collections.abc import Iterator
from pathlib import Path

from farthing.batch.handing import seconds_until
from farthing.batch.hours import hours
from farthing.batch.schedules.cron import Times, cron, daily
from farthing.batch.schedules.schedule import Schedule
from farthing.model.errors import BadRequest
from farthing.model.money import nano_from_dollars
from farthing.model.windows import period
from farthing.settings import Problem, ScheduleSettings, Settings, SettingsError


def schedules_of(settings: Settings, folder: Path) -> list[Schedule]:
    """The recurring jobs that settings declare; relative names of files begin at `folder`. Raises SettingsError."""
    found, problems = [], []
    for name, each in settings.batch.schedules.items():
        try:
            found.append(_schedule(name, each, settings.batch.zone, folder))
        except (ValueError, BadRequest) as error:
            problems.append(Problem(0, f"batch.schedules.{name}", str(error)))
    if problems:
        raise SettingsError("", problems)
    return found


def check_calendar(settings: Settings) -> None:
    """Whether `batch.hours` and `batch.zone` can be read. Raises SettingsError."""
    problems = list(_calendar_problems(settings))
    if problems:
        raise SettingsError("", problems)


def _calendar_problems(settings: Settings) -> Iterator[Problem]:
    rules = settings.batch
    try:
        period("day", rules.zone)
    except ValueError as error:
        yield Problem(0, "batch.zone", str(error))
        return
    for name, text in rules.hours.items():
        try:
            if hours(text, rules.zone).next(0) is None:
                yield Problem(0, f"batch.hours.{name}", f"{text!r} never opens")
        except ValueError as error:
            yield Problem(0, f"batch.hours.{name}", str(error))
        if name not in settings.providers:
            yield Problem(0, f"batch.hours.{name}", "there is no such provider", "Write the provider's name.")


def _schedule(name: str, said: ScheduleSettings, zone: str, folder: Path) -> Schedule:
    """Raises ValueError, BadRequest."""
    if not name.isprintable() or len(name) > 100 or "/" in name:
        raise ValueError("its name has at most 100 characters, all of them printable, and no /")
    if not said.tenant:
        raise ValueError("it has a tenant")
    if bool(said.file) == bool(said.query):
        raise ValueError("it has a file, or a query, not both")
    if bool(said.query) != bool(said.database):
        raise ValueError("a query and the database that it is asked of go together")
    if said.query and not said.template:
        raise ValueError("a query gives rows, and a template says what to ask of each")
    headers = {
        f"x-farthing-{field}": value for field in ("feature", "team", "project") if (value := getattr(said, field))
    }
    headers |= {f"x-farthing-tag-{tag.lower()}": value for tag, value in said.tags.items()}
    return Schedule(
        name, _times(said, said.zone or zone), said.cron or said.at, said.file, folder, said.template, said.model,
        said.max_tokens or None, said.output, seconds_until(said.deadline), seconds_until(said.patience), said.priority,
        nano_from_dollars(said.max_cost), said.tenant, headers, said.query, said.database,
    )  # fmt: skip


def _times(said: ScheduleSettings, zone: str) -> Times:
    if bool(said.at) == bool(said.cron):
        raise ValueError('say when: `at = "02:00"`, or `cron = "0 2 * * mon-fri"`')
    return cron(said.cron, zone) if said.cron else daily(said.at, zone)
