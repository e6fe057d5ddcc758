"""`farthing reconcile`: a provider's bill against the ledger, and the corrections that close what is left."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.table import Table

from farthing.cli.common import (
    Number,
    When,
    amounts,
    config_option,
    load_without_keys,
    pairs_option,
    print_json,
    print_table,
    printable,
    show_time,
    who_option,
    with_store,
)
from farthing.finops.reconcile.bill import ANY
from farthing.finops.reconcile.causes import MEANING
from farthing.finops.reconcile.compare import Comparison, Line
from farthing.finops.reconcile.job import READERS, Asked, Done, asked_of, read_bill, reconcile, reconcile_and_post
from farthing.finops.reconcile.plain import day_name, nano_of, plain
from farthing.model.money import PICO_PER_NANO, exact_dollars, show_dollars
from farthing.prices.configured import configured_book
from farthing.store import Store
from farthing.store.corrections import Correction, Corrections

SHOWN = 20
"""Lines with a difference that are printed unless all are asked for."""


@click.command("reconcile")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, dir_okay=False))
@config_option
@click.option("--provider", type=click.Choice(sorted(READERS)), help="Whose bill it is.")
@click.option("--from", "since", type=When(), help="First day (UTC) that is compared. Default: that of the files.")
@click.option("--to", "until", type=When(), help="First day that is not compared any more.")
@click.option("--name", "names", multiple=True, help="Only calls at this provider of the settings; repeat.")
@pairs_option("--key", help="Id of a key, project or workspace = NAME of the provider here; repeat. As reconcile.keys.")
@pairs_option("--model", help="Name on the bill = name in the ledger; repeat. As reconcile.models.")
@click.option("--tolerance", type=Number(0, 100), help="Percent of the bill. Default: that of the settings.")
@click.option("--post", "reason", metavar="REASON", help="Post corrections that close the gap, with this reason.")
@who_option
@click.option("--corrections", "listed", is_flag=True, help="Show the corrections that were posted.")
@click.option("--all", "everything", is_flag=True, help="Print every line, also those without a difference.")
@click.option("--json", "as_json", is_flag=True, help="For machines; amounts as integer nano-dollars and as text.")
def command(
    files: tuple[Path, ...], config: Path | None, provider: str | None, since: int | None, until: int | None,
    names: tuple[str, ...], key: Mapping[str, str], model: Mapping[str, str], tolerance: float | None, reason: str | None,
    who: str, listed: bool, everything: bool, as_json: bool,
) -> None:  # fmt: skip
    """Compare FILES, a provider's usage and cost exports, with the ledger: tokens first, then prices, then the rest.

    Each difference has a cause, and what has none is shown as unexplained. Ends with 0 while the gap is below the tolerance,
    else with 1.
    """
    settings = load_without_keys(config, {"store", "prices", "providers", "reconcile"})
    if listed:
        _print_corrections(with_store(settings, lambda store: Corrections(store).entries(since or 0, until)), as_json)
        return
    if provider is None or not files:
        raise click.UsageError(
            "say whose bill it is and where: farthing reconcile --provider openai usage.json costs.json"
        )
    asked = asked_of(settings, provider, names, key, model, since, until)
    bill = read_bill(provider, files)
    book = configured_book(settings.prices)
    percent = settings.reconcile.tolerance_percent if tolerance is None else tolerance

    async def work(store: Store) -> tuple[Done, int]:
        if reason is None:
            return await reconcile(store, bill, book, asked), 0
        return await reconcile_and_post(store, bill, book, asked, who=who, reason=reason)

    done, posted = with_store(settings, work)
    comparison = done.comparison
    if as_json:
        print_json(plain(comparison, asked, percent, posted))
    else:
        _print(comparison, asked, percent, everything)
        if reason is not None:
            click.echo(f"\n{posted} corrections were posted." if posted else "\nThere was nothing to correct.")
    if not comparison.within(percent):
        raise click.exceptions.Exit(1)


def _print(found: Comparison, asked: Asked, percent: float, everything: bool) -> None:
    click.echo(
        printable(
            f"{asked.provider}, {day_name(found.first_day)} to {day_name(found.last_day)} (UTC days), {', '.join(asked.names)}"
        )
    )
    money = Table.grid(padding=(0, 2))
    money.add_column()
    money.add_column(justify="right")
    money.add_column()
    money.add_row(
        "bill",
        f"${exact_dollars(found.invoice)}",
        "at our prices: the export has no costs" if found.at_our_prices else "",
    )
    money.add_row("ledger", f"${exact_dollars(found.ledger)}", _unknown(found))
    if found.corrections:
        money.add_row("corrections", f"${exact_dollars(found.corrections)}", "posted; see --corrections")
    money.add_row("gap", f"${exact_dollars(found.gap)}", _verdict(found, percent))
    if found.captured is not None:
        money.add_row("captured share", f"{100 * found.captured:.2f} %", "of the bill is for calls that the ledger has")
    print_table(money)
    if found.causes:
        click.echo("\nBill less ledger, by cause:")
        _print_causes(found)
    _print_lines(found, everything)
    for note in _notes(found):
        click.echo(f"note: {printable(note)}")


def _unknown(found: Comparison) -> str:
    return f"without {found.calls_unknown:,} calls whose cost nobody has said" if found.calls_unknown else ""


def _verdict(found: Comparison, percent: float) -> str:
    word = "within" if found.within(percent) else "NOT within"
    share = f"{100 * found.gap / found.invoice:+.2f} % of the bill, " if found.invoice else ""
    return f"{share}{word} the tolerance of {percent:g} %"


def _notes(found: Comparison) -> list[str]:
    notes = list(found.notes)
    if found.offset_hours:
        notes.append(f"the bill's days begin {-found.offset_hours:+d} h from UTC's midnight; tokens fit then")
    return notes


def _print_causes(found: Comparison) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("cause", "amount", "tokens", "what it is"):
        table.add_column(title, justify="right" if title in ("amount", "tokens") else "left", no_wrap=True)
    for cause, nano in found.causes.items():
        count = found.units.get(cause)
        table.add_row(cause, f"${exact_dollars(nano)}", "" if count is None else f"{count:,}", MEANING[cause])
    print_table(table)


def _print_lines(found: Comparison, everything: bool) -> None:
    different = [line for line in found.lines if any(abs(pico) > 500 * PICO_PER_NANO for pico in line.causes.values())]
    lines = found.lines if everything else sorted(different, key=lambda line: -abs(line.gap))[:SHOWN]
    if not lines:
        return
    click.echo(f"\n{'All lines' if everything else 'Lines that differ most'}, prices in dollars per 1M:")
    table = Table(box=None, pad_edge=False)
    titles = ("day", "model", "tier", "class", "bill", "ledger", "bill at", "ledger at", "difference", "causes")
    for title in titles:
        table.add_column(title, justify="left" if title in (*titles[:4], "causes") else "right", no_wrap=True)
    for line in lines:
        table.add_row(*_cells(line))
    print_table(table)
    if not everything and len(different) > len(lines):
        click.echo(f"... and {len(different) - len(lines)} more; --all prints them.")


def _cells(line: Line) -> tuple[str, ...]:
    causes = sorted(line.causes.items(), key=lambda item: -abs(item[1]))
    return (
        day_name(line.day_us), "all" if line.model == ANY else line.model, "all" if line.tier == ANY else line.tier or "standard",
        "all" if line.unit == ANY else line.unit, f"{line.units_billed:,}", f"{line.units_ours:,}",
        _rate(line.billed, line.units_billed), _rate(line.ours, line.units_ours), show_dollars(nano_of(line.gap)),
        ", ".join(f"{cause} {show_dollars(nano_of(pico))}" for cause, pico in causes[:3] if nano_of(pico)),
    )  # fmt: skip


def _rate(pico: Any, units: int) -> str:
    return f"{float(pico / units) / 1_000_000:.4g}" if units and pico else "-"


def _print_corrections(found: Sequence[Correction], as_json: bool) -> None:
    if as_json:
        print_json([msgspec.structs.asdict(each) | {"amount": amounts(each.amount)} for each in found])
        return
    if not found:
        click.echo("No corrections were posted.")
        return
    table = Table("no", "posted", "who", "for", "provider", "model", "amount", "reason", box=None, pad_edge=False)
    for each in found:
        table.add_row(
            str(each.no), show_time(each.posted_us), each.who, day_name(each.day_us), each.provider, each.model,
            f"${exact_dollars(each.amount)}", each.reason,
        )  # fmt: skip
    print_table(table)
