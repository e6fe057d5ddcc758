"""`farthing rerate`: prices the calls of a span anew, after it has shown what would change."""

from collections.abc import Sequence
from pathlib import Path

import click
import msgspec
from rich.table import Table

from farthing.cli.common import (
    When,
    config_option,
    load_without_keys,
    print_json,
    print_table,
    show_time,
    who_option,
    with_store,
)
from farthing.finops.rerate import Places, Preview, Repricer, apply, fingerprint, preview
from farthing.finops.rerate_plain import plain_preview, plain_run
from farthing.model.money import exact_dollars, show_dollars
from farthing.prices.configured import configured_book
from farthing.settings import FilePath, Settings
from farthing.store import Store
from farthing.store.rerates import Rerates, Run, Wanted

ALWAYS_US = 1 << 62


@click.command("rerate")
@config_option
@click.option("--from", "since", type=When(), help="First day (UTC) or time whose calls are priced anew.")
@click.option("--to", "until", type=When(), help="First day or time that is left as it is. Default: none.")
@click.option("--provider", default="", metavar="NAME", help="Only attempts at this provider of the settings.")
@click.option("--model", default="", metavar="PATTERN", help="Only attempts of these models, such as 'gpt-5*'.")
@click.option(
    "--prices", "files", multiple=True, type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A rate card file that comes before those of the settings; repeat.",
)  # fmt: skip
@click.option("--reason", default="", help="Why, for the list of runs.")
@who_option
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--list", "runs", is_flag=True, help="Show the runs that there were.")
@click.option("--json", "as_json", is_flag=True, help="For machines; needs --dry-run, --yes or --list.")
def command(
    config: Path | None, since: int | None, until: int | None, provider: str, model: str, files: tuple[Path, ...],
    reason: str, who: str, dry_run: bool, yes: bool, runs: bool, as_json: bool,
) -> None:  # fmt: skip
    """Price calls anew from the usage that they stored, with the prices and contracts of the settings.

    Each call is priced as of its own time. What it cost at first is kept, `farthing explain` shows both; a run back to the
    former prices gives the former amounts. A run that was broken off goes on when the same command is given again.
    """
    settings = load_without_keys(config, only={"store", "prices", "providers", "models"})
    if runs:
        _print_runs(with_store(settings, lambda store: Rerates(store).runs()), as_json)
        return
    if since is None:
        raise click.UsageError("say from when on calls are priced anew: --from 2026-11-01")
    if as_json and not (dry_run or yes):
        raise click.UsageError("--json cannot ask whether to go on: give --dry-run or --yes")
    until = ALWAYS_US if until is None else until
    wanted = Wanted(since, until, provider, model, fingerprint(settings.prices, files))
    reprice = _repricer(settings, files, provider, model)
    found = with_store(settings, lambda store: preview(Rerates(store), wanted, reprice))
    if not as_json:
        _print_preview(found)
    run = None
    if found.calls and not dry_run and (yes or click.confirm("Change the ledger so?")):
        run = with_store(settings, lambda store: _apply(store, wanted, reprice, who, reason))
    if as_json:
        print_json({"preview": plain_preview(found), "run": None if run is None else plain_run(run)})
    elif run is not None:
        click.echo(f"Run {run.no}: {run.changed:,} of {run.looked_at:,} calls were priced anew.")


def _repricer(settings: Settings, files: Sequence[Path], provider: str, model: str) -> Repricer:
    prices = msgspec.structs.replace(
        settings.prices, files=[*(FilePath(path.absolute()) for path in files), *settings.prices.files]
    )
    return Repricer(
        configured_book(prices), Places(settings.providers, settings.models), provider=provider, model=model
    )


async def _apply(store: Store, wanted: Wanted, reprice: Repricer, who: str, reason: str) -> Run:
    return await apply(Rerates(store), wanted, reprice, who=who, reason=reason)


def _print_preview(found: Preview) -> None:
    if not found.calls:
        click.echo(f"None of {found.looked_at:,} calls would cost anything else.")
        return
    table = Table(box=None, pad_edge=False, show_footer=True)
    titles = ("provider", "model", "priced by", "now by", "calls", "cost", "would be", "difference")
    total = ("total", "", "", "", f"{found.calls:,}", *_costs(found.cost_before, found.cost_after))
    for place, (title, footer) in enumerate(zip(titles, total, strict=True)):
        table.add_column(title, footer=footer, justify="right" if place > 3 else "left", no_wrap=True)
    for each in found.changes:
        table.add_row(
            each.provider, each.model, each.former or "-", each.version or "-", f"{each.calls:,}",
            *_costs(each.cost_before, each.cost_after),
        )  # fmt: skip
    print_table(table)


def _costs(before: int, after: int) -> tuple[str, str, str]:
    return show_dollars(before), show_dollars(after), f"{'+' if after > before else ''}{show_dollars(after - before)}"


def _print_runs(runs: Sequence[Run], as_json: bool) -> None:
    if as_json:
        print_json([plain_run(run) for run in runs])
        return
    if not runs:
        click.echo("Nothing was priced anew yet.")
        return
    table = Table("run", "when", "who", "calls from", "to", "of", "changed", "cost", "became", "why", box=None)
    table.pad_edge = False
    for run in runs:
        ended = f"{run.changed:,}" if run.ended_us else f"{run.changed:,} so far"
        table.add_row(
            str(run.no), show_time(run.begun_us), run.who, show_time(run.since_us),
            "-" if run.until_us == ALWAYS_US else show_time(run.until_us),
            " ".join(part for part in (run.provider, run.model) if part) or "all",
            ended, f"${exact_dollars(run.cost_before)}", f"${exact_dollars(run.cost_after)}", run.reason,
        )  # fmt: skip
    print_table(table)
