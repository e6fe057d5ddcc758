"""`farthing batch watch`: how a job goes, until it has ended: what is done, when the rest is expected, cost and savings."""

import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from farthing.cli.batch_places import Place, place_options, placed
from farthing.cli.common import printable
from farthing.cli.web import Unreachable
from farthing.model.batch import JOB_ENDS
from farthing.model.money import show_dollars

LOOK_S = (0.5, 5.0)
"""Between two looks: at first, and later."""
GROWTH = 1.2


@click.command("watch", short_help="Show how a job goes until it has ended.")
@click.argument("job")
@place_options
def watch(job: str, config: Path | None, url: str, key: str, tenant: str) -> None:
    """Show how JOB goes until it has ended. When it is expected is told as a span: half of such jobs, and nine in ten, have
    ended by then, going by how long batches of these models took lately. Ctrl-C ends the showing, not the job.

    Exit code 0: every line has its answer; 1: not all of them.
    """
    with placed(config, url, key, tenant) as place:
        watch_job(place, job)


def watch_job(place: Place, job_id: str) -> None:
    """Raises Exit with 1 where lines have no answer."""
    card = place.card(job_id)
    try:
        card = _shown(place, card)
    except KeyboardInterrupt:
        click.echo(f"\nThe job {job_id} goes on. See `farthing batch watch {job_id}`.", err=True)
        raise click.exceptions.Exit(130) from None
    for line in ending(card):
        click.echo(line, err=True)
    if card["state"] != "finished" or card["lines"]["done"] < card["lines"]["total"]:
        raise click.exceptions.Exit(1)


def _shown(place: Place, card: dict[str, Any]) -> dict[str, Any]:
    """The job when it has ended."""
    pause = LOOK_S[0]
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.fields[state]}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[told]}"),
        console=console, transient=True, disable=not console.is_terminal,
    ) as bar:  # fmt: skip
        task = bar.add_task("", total=None, state="", told="")
        before = None
        while True:
            bar.update(
                task, completed=ended(card), total=card["lines"]["total"] or None, state=card["state"], told=told(card)
            )  # fmt: skip
            if card["state"] in JOB_ENDS:
                return card
            if not console.is_terminal and (card["state"], ended(card)) != before:
                before = (card["state"], ended(card))
                click.echo(f"{card['state']}: {ended(card):,} of {card['lines']['total']:,}; {told(card)}", err=True)
            time.sleep(pause)
            pause = min(LOOK_S[1], pause * GROWTH)
            try:
                card = place.card(card["id"])
            except Unreachable as error:
                bar.update(task, told=f"{error.message}; tries again")


def ended(card: dict[str, Any]) -> int:
    """Lines that have ended, however."""
    lines = card["lines"]
    return int(lines["done"] + lines["failed"] + lines["expired"] + lines["cancelled"])


def told(card: dict[str, Any]) -> str:
    """Cost, savings and when it is expected, in a line."""
    parts = [f"cost {show_dollars(card['cost_nano'])}", f"saved {show_dollars(card['saved_nano'])}"]
    if card["lines"]["failed"] or card["lines"]["expired"]:
        parts.append(f"{card['lines']['failed'] + card['lines']['expired']:,} without an answer")
    when = expected(card)
    return ", ".join([*parts, when] if when else parts)


def expected(card: dict[str, Any]) -> str:
    """When the job is expected to have ended, from now; empty where nothing can be told."""
    likely, sure = card.get("expected_us"), card.get("expected_by_us")
    if likely is None or sure is None:
        return ""
    now = time.time()
    low, high = _span(likely / 1e6 - now), _span(sure / 1e6 - now)
    return f"done in {low}" if low == high else f"done in {low} to {high}"


def ending(card: dict[str, Any]) -> list[str]:
    """What became of a job, for people."""
    lines = card["lines"]
    parts = [f"{lines[name]:,} {name}" for name in ("done", "failed", "expired", "cancelled") if lines[name]]
    found = [
        f"{card['id']} {card['state']}: {', '.join(parts) or 'no lines'} of {lines['total']:,}; cost {show_dollars(card['cost_nano'])}, "
        f"saved {show_dollars(card['saved_nano'])}."
    ]
    for each in card.get("errors") or []:
        place = f"line {each['line']}: " if each.get("line") else ""
        found.append(printable(f"  {place}{each['message']} ({each['code']})"))
    return found


def _span(seconds: float) -> str:
    seconds = max(0.0, seconds)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
