"""`farthing batch schedules`: recurring jobs: when each is due next, and what became of the last time."""

import time
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from farthing.batch.schedules.declared import check_calendar, schedules_of
from farthing.batch.schedules.schedule import Schedule
from farthing.cli.common import (
    config_option,
    load_without_keys,
    print_json,
    print_table,
    settings_file,
    show_time,
    with_store,
)
from farthing.cli.routes_common import json_option
from farthing.model.money import show_dollars
from farthing.store import Store
from farthing.store.batch import jobs
from farthing.store.batch.schedules import Occurrence, newest
from farthing.store.engine import Connection

LATE_US = 60_000_000


@click.command("schedules", short_help="Recurring jobs, and how they went.")
@config_option
@json_option
def schedules(config: Path | None, as_json: bool) -> None:
    """The recurring jobs of the settings: when each is due next, what became of it the last time, and what that cost."""
    settings = load_without_keys(config, {"store", "batch", "providers"})
    check_calendar(settings)
    file = settings_file(config)
    known = schedules_of(settings, Path(file).parent if file else Path.cwd())
    if not known and not as_json:
        click.echo("There are no schedules: write [batch.schedules.NAME] into farthing.toml.")
        return
    found = with_store(settings, lambda store: _told(store, known)) if known else []
    if as_json:
        print_json(found)
    else:
        print_table(_table(found))
        for each in found:
            if each["last"] is not None and each["last"]["error"]:
                click.echo(f"{each['name']}: {each['last']['error']}")


async def _told(store: Store, known: list[Schedule]) -> list[dict[str, Any]]:
    return await store.do(lambda connection: [_plain(connection, each) for each in known])


def _plain(connection: Connection, schedule: Schedule) -> dict[str, Any]:
    last = newest(connection, schedule.name)
    return {
        "name": schedule.name, "when": schedule.said, "zone": schedule.times.zone,
        "next_us": schedule.times.next(time.time_ns() // 1000) or None,
        "last": _last(connection, last[0]) if last else None,
    }  # fmt: skip


def _last(connection: Connection, last: Occurrence) -> dict[str, Any]:
    job = jobs.get(connection, last.job) if last.job else None
    return {
        "due_us": last.due_us, "state": last.state, "is_begun": last.state == "due" and last.holder != "", "error": last.error, "job": last.job or None, "started_us": last.started_us or None,
        "late_s": max(0, last.started_us - last.due_us) // 1_000_000 if last.started_us else None, "output": last.output or None,
        "job_state": job.state if job is not None else None, "lines": job.total if job is not None else None,
        "done": job.done if job is not None else None, "cost_nano": job.cost if job is not None else None,
        "saved_nano": job.baseline - job.cost if job is not None else None,
    }  # fmt: skip


def _table(found: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("schedule", "when", "next", "last", "result"):
        table.add_column(title)
    for title in ("done", "cost", "saved"):
        table.add_column(title, justify="right")
    table.add_column("job")
    for each in found:
        last = each["last"]
        row = [
            each["name"],
            f"{each['when']} {each['zone']}",
            show_time(each["next_us"]) if each["next_us"] else "never",
        ]
        if last is None:
            row += ["", "never yet", "", "", "", ""]
        else:
            done = f"{last['done']:,} of {last['lines']:,}" if last["lines"] is not None else ""
            row += [
                show_time(last["due_us"]), _result(last), done, _dollars(last["cost_nano"]), _dollars(last["saved_nano"]), last["job"] or "",
            ]  # fmt: skip
        table.add_row(*row)
    return table


def _result(last: dict[str, Any]) -> str:
    said = last["job_state"] if last["state"] == "started" else last["state"]
    if last["is_begun"]:
        said = "is being started"
    elif last["state"] == "due" and last["error"]:
        said = "tries again"
    late = last["late_s"] or 0
    return f"{said}, {late // 60} min late" if late * 1_000_000 >= LATE_US else str(said)


def _dollars(nano: int | None) -> str:
    return "" if nano is None else show_dollars(nano)
