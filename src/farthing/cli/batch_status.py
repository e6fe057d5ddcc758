"""`farthing batch status|cancel|promote`: jobs as they stand, and how to end one or have it done at once."""

from pathlib import Path
from typing import Any

import click
from rich.table import Table

from farthing.cli.batch_places import place_options, placed
from farthing.cli.batch_watch import ended, ending, told
from farthing.cli.common import print_json, print_table, printable, show_time
from farthing.cli.routes_common import confirm, json_option, yes_option
from farthing.model.batch import JOB_ENDS
from farthing.model.money import show_dollars


@click.command("status", short_help="Jobs as they stand.")
@click.argument("job", default="")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="Jobs that are listed.")
@place_options
@json_option
def status(job: str, limit: int, config: Path | None, url: str, key: str, tenant: str, as_json: bool) -> None:
    """How JOB stands, or the newest jobs of files and schedules."""
    with placed(config, url, key, tenant) as place:
        if job:
            card = place.card(job)
            if as_json:
                print_json(card)
            else:
                _print(card)
            return
        cards = place.cards(limit)
    if as_json:
        print_json(cards)
    elif not cards:
        click.echo("There are no jobs yet. `farthing batch submit FILE` hands one in.")
    else:
        print_table(_table(cards))


@click.command("cancel", short_help="End a job.")
@click.argument("job")
@place_options
@yes_option
def cancel(job: str, config: Path | None, url: str, key: str, tenant: str, yes: bool) -> None:
    """End JOB. What waits is not sent any more; what is with a provider is paid for, and its answers are kept."""
    with placed(config, url, key, tenant) as place:
        card = place.card(job)
        if card["state"] in JOB_ENDS:
            click.echo(f"{job} has ended: {card['state']}.")
            return
        confirm(f"End {job}, of which {ended(card):,} of {card['lines']['total']:,} lines are done?", yes)
        card = place.cancel(job)
    click.echo(f"{job} is {card['state']}.")


@click.command("promote", short_help="Have a job done at once.")
@click.argument("job")
@place_options
@yes_option
def promote(job: str, config: Path | None, url: str, key: str, tenant: str, yes: bool) -> None:
    """Have JOB done at once, at the full price. What is with a provider as a batch may then be paid for twice."""
    with placed(config, url, key, tenant) as place:
        card = place.card(job)
        if card["state"] in JOB_ENDS:
            click.echo(f"{job} has ended: {card['state']}.")
            return
        left = card["lines"]["total"] - ended(card)
        confirm(f"Do {left:,} lines now, at the full price?", yes)
        brought = place.promote(job)
    click.echo(f"{brought:,} lines are to be done now.")


def _print(card: dict[str, Any]) -> None:
    if card["state"] in JOB_ENDS:
        for line in ending(card):
            click.echo(line)
        if card.get("dropped"):
            click.echo("Its results were dropped.")
        return
    click.echo(
        printable(f"{card['id']} {card['name']}: {card['state']}, {ended(card):,} of {card['lines']['total']:,} lines")
    )
    click.echo(f"{told(card)}; due {show_time(card['deadline_us'])}")
    if card["position"]:
        click.echo(f"About {card['position']:,} lines go before it.")


def _table(cards: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("job", "name", "state"):
        table.add_column(title)
    for title in ("lines", "done", "failed", "cost", "saved"):
        table.add_column(title, justify="right")
    table.add_column("due")
    for each in cards:
        lines = each["lines"]
        table.add_row(
            each["id"], each["name"], each["state"], f"{lines['total']:,}", f"{lines['done']:,}",
            f"{lines['failed'] + lines['expired']:,}", show_dollars(each["cost_nano"]), show_dollars(each["saved_nano"]),
            show_time(each["deadline_us"]),
        )  # fmt: skip
    return table
