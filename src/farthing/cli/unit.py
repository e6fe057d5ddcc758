"""`farthing unit`: what business transactions cost, and outcomes and costs read from files."""

import csv
from pathlib import Path

import click
from rich.table import Table

from farthing.cli.common import config_option, load_settings, print_json, print_table, with_store
from farthing.cli.report_scope import day_name, now_us, span_of, span_options
from farthing.cli.report_span import percent
from farthing.cli.unit_estimate import command as estimate
from farthing.finops import units
from farthing.finops.posts import COLUMNS, read_file
from farthing.finops.transactions import Gatherer
from farthing.finops.units import Driver, Margin, Report, Unit
from farthing.model.money import show_dollars
from farthing.store import Store
from farthing.store.transactions import Posted
from farthing.store.units import UnitBook, Units


@click.group("unit")
def command() -> None:
    """What a business transaction costs: a ticket that was resolved, an order that was taken."""


command.add_command(estimate)


@command.command("report")
@click.argument("type_", metavar="[TYPE]", required=False)
@config_option
@span_options
@click.option("--tenant", default="", help="Only this tenant's.")
@click.option("--users", type=click.IntRange(0, 1000), default=5, show_default=True, help="How many users are shown.")
@click.option("--json", "as_json", is_flag=True, help="For machines; amounts as integer nano-dollars and as text.")
def report(
    type_: str | None, config: Path | None, since: int | None, until: int | None, month: int | None, tenant: str, users: int,
    as_json: bool,
) -> None:  # fmt: skip
    """Cost of a transaction and of a successful one, its spread and what drives it, AI beside people, margins.

    A transaction counts on the day (UTC) of its first call. Those whose cost is not known are counted apart.
    """
    settings = load_settings(config, only={"store", "transactions"}).transactions
    first, end = span_of(since, until, month, now_us())

    async def work(store: Store) -> UnitBook:
        return await Units(store).book(first, end, tenant=tenant, kind=type_, users=users)

    store_settings = load_settings(config, only={"store"})
    found = units.report(with_store(store_settings, work), settings, first, end)
    if as_json:
        print_json(units.plain(found))
    elif not found.units:
        click.echo("No transactions in these days. Calls name theirs by the header x-farthing-transaction: TYPE/ID.")
    else:
        _print(found)


@command.command("post")
@config_option
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--tenant", default="default", show_default=True, help="Whose transactions.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def post(config: Path | None, file: Path, tenant: str, as_json: bool) -> None:
    """Read outcomes and tool costs from FILE (CSV, or JSON lines), all or none.

    Columns: type, id; outcome (resolved, accepted, failed) with revenue_dollars, human_minutes, user, plan; tool with count,
    dollars, cost_id; at. Reading a file again adds nothing.
    """
    settings = load_settings(config, only={"store", "transactions"})
    prices = Gatherer(settings.transactions)
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            posts = read_file(text, file.name, prices, now_us(), tenant)
    except (UnicodeDecodeError, csv.Error) as error:
        raise click.ClickException(f"{file} is no table in UTF-8: {error}") from None
    if not posts:
        raise click.ClickException(f"{file} has no rows; columns are {', '.join(COLUMNS)}")

    async def work(store: Store) -> Posted:
        return await Units(store).post(posts)

    done = with_store(settings, work, make=True)
    if as_json:
        print_json({"outcomes": done.outcomes, "costs": done.costs, "repeated": done.repeated, "cost": units.amount(done.tool_cost)})  # fmt: skip
    else:
        again = f"; {done.repeated:,} costs were there already" if done.repeated else ""
        click.echo(f"{done.outcomes:,} outcomes, {done.costs:,} costs, {show_dollars(done.tool_cost)}{again}.")


def _print(found: Report) -> None:
    click.echo(f"{day_name(found.since_us)} to {day_name(found.until_us - 1)}, by the day of the first call\n")
    table = Table(box=None, pad_edge=False)
    titles = (
        "type",
        "transactions",
        "calls",
        "cost",
        "tools",
        "each",
        "successes",
        "each that succeeds",
        "p50",
        "p90",
        "p99",
    )
    for title in titles:
        table.add_column(title, justify="left" if title == "type" else "right", no_wrap=True)
    for unit in found.units:
        sizes = [show_dollars(size) for size in unit.quantiles] or ["-"] * 3
        table.add_row(
            unit.type or "(none)", f"{unit.transactions:,}", f"{unit.calls:,}", show_dollars(unit.cost), show_dollars(unit.tool_cost),
            _dollars(unit.per_transaction), _success(unit), _dollars(unit.per_success), *sizes,
        )  # fmt: skip
    print_table(table)
    for unit in found.units:
        _print_unit(unit)
    _print_margins("plan", [each for each in found.plans if each.plan])
    _print_margins("user", found.users)
    click.echo(
        "\neach: " + units.NOTES["per_transaction"] + ". each that succeeds: " + units.NOTES["per_success"] + "."
    )


def _dollars(nano: int | None) -> str:
    return "-" if nano is None else show_dollars(nano)


def _success(unit: Unit) -> str:
    interval = unit.success_interval
    if interval is None:
        return "-"
    return f"{percent(unit.success_rate)} ({percent(interval[0], 0)} to {percent(interval[1], 0)})"


def _print_unit(unit: Unit) -> None:
    click.echo(f"\n{unit.type if unit.type.isprintable() and unit.type else '(none)'}")
    for line in _lines(unit):
        click.echo(f"  {line}")
    _print_drivers(unit.drivers)


def _lines(unit: Unit) -> list[str]:
    known = unit.cost + unit.tool_cost
    lines = []
    if unit.transactions:
        lost = f", {percent(unit.lost_cost / known)} of the cost" if known else ""
        lines.append(
            f"{unit.calls / (unit.transactions + unit.partly):,.1f} calls each; {unit.retries:,} retries and failures cost "
            f"{show_dollars(unit.lost_cost)}{lost}"
        )
    if unit.open or unit.empty:
        lines.append(f"{unit.open:,} have no outcome yet; {unit.empty:,} outcomes have no calls")
    if unit.partly:
        lines.append(
            f"{unit.partly:,} have calls or tools of unknown cost ({unit.without_cost:,} calls, {unit.tools_unpriced:,} uses of "
            f"tools): {show_dollars(unit.partly_cost)} is known of them, and they are in no figure above"
        )
    if unit.with_revenue:
        lines.append(f"revenue {show_dollars(unit.revenue)}, posted for {unit.with_revenue:,}")
    if unit.people is None:
        lines.append("people spent time on them, and no hourly rate is set: transactions.hourly_rate")
    return [*lines, *_against_people(unit)]


def _against_people(unit: Unit) -> list[str]:
    handling = unit.handling
    if handling is None:
        if unit.human is not None and unit.break_even is not None:
            return [
                f"by hand {show_dollars(unit.human)} each; pays from a success rate of {percent(float(unit.break_even))}"
            ]
        return []
    share, roi, even = handling.saved_share, handling.roi, handling.break_even
    lines = [
        f"by hand {show_dollars(handling.by_hand)} ({show_dollars(handling.human)} each); with AI {show_dollars(handling.spent)}: "
        f"AI {show_dollars(handling.ai)}, review {show_dollars(handling.review)}, by hand after all {show_dollars(handling.fallback)}",
        f"saved {show_dollars(handling.saved)}" + (f", {percent(float(share))}" if share is not None else ""),
    ]  # fmt: skip
    if roi is not None:
        lines[1] += f"; return {float(roi):,.2f} for each dollar"
    if even is not None:
        lines[1] += (
            f"; pays from a success rate of {percent(float(even))}" if even <= 1 else "; pays at no success rate"
        )
    return lines


def _print_drivers(drivers: list[Driver]) -> None:
    if not drivers:
        return
    table = Table(box=None, pad_edge=False)
    for title in ("  driver", "", "uses", "cost", "share", "lost"):
        table.add_column(title, justify="left" if title in ("  driver", "") else "right", no_wrap=True)
    for each in drivers:
        table.add_row(
            f"  {each.kind}", each.name or "(none)", f"{each.uses:,}", show_dollars(each.cost), percent(each.share),
            show_dollars(each.lost_cost),
        )  # fmt: skip
    print_table(table)


def _print_margins(what: str, margins: list[Margin]) -> None:
    if not margins:
        return
    click.echo()
    table = Table(box=None, pad_edge=False)
    for title in (what, "plan", "transactions", "cost", "people", "revenue", "margin", ""):
        if title != "plan" or what == "user":
            table.add_column(title, justify="left" if title in (what, "plan") else "right", no_wrap=True)
    for each in margins:
        names = [each.name, each.plan or "-"] if what == "user" else [each.plan]
        table.add_row(
            *names, f"{each.transactions:,}", show_dollars(each.cost), show_dollars(each.people), _dollars(each.revenue),
            _dollars(each.margin), percent(each.share) if each.share is not None else "",
        )  # fmt: skip
    print_table(table)
