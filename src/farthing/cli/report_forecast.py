"""`farthing report forecast`: what the month will have cost, with an interval, and how such forecasts would have done."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import msgspec
from rich.table import Table

from farthing.cli.common import load_settings, print_json, print_table, with_store
from farthing.cli.report_scope import now_us, scope_name, scope_options
from farthing.cli.report_span import percent, share_of
from farthing.finops.forecast import SHARE, Backtest, month_name
from farthing.finops.forecasts import Forecasts, Row, plain, read, read_backtest
from farthing.model.money import show_dollars
from farthing.store import Store
from farthing.store.reading import DIMENSIONS


@click.command("forecast")
@scope_options
@click.option("--by", type=click.Choice(list(DIMENSIONS)), help="Also for each of the dearest features, teams, ...")
@click.option(
    "--backtest", "trial", is_flag=True, help="How such forecasts would have done in the months that are over."
)
def forecast(
    config: Path | None, where: Mapping[str, str], tenant: str, as_json: bool, by: str | None, trial: bool
) -> None:  # fmt: skip
    """What this calendar month (UTC) will have cost: 80 % of outcomes lie between low and high.

    From weekdays, the level of the last two weeks and a trend where one is shown. A short history says so.
    """
    now = now_us()
    settings = load_settings(config, only={"store"})
    if trial:
        _trial(
            with_store(settings, lambda store: _tried(store, now, tenant, where)), as_json, scope_name(where, tenant)
        )
        return

    async def work(store: Store) -> Forecasts:
        return await store.do(lambda connection: read(connection, now, by=by or "", tenant=tenant, where=where))

    found = with_store(settings, work)
    if as_json:
        print_json(plain(found))
    else:
        _print(found, scope_name(where, tenant))


async def _tried(store: Store, now: int, tenant: str, where: Mapping[str, str]) -> Backtest:
    return await store.do(lambda connection: read_backtest(connection, now, tenant=tenant, where=where))


def _print(found: Forecasts, scope: str) -> None:
    month = found.total.forecast
    click.echo(
        f"{month_name(month.month_us)}, {scope}, {month.days_left:.1f} days to go; {SHARE:.0%} of outcomes between low and high\n"
    )
    _print_table(found.by, [*found.rows, found.total])
    click.echo(f"\n{month.note[0].upper()}{month.note[1:]}.")
    unknown = found.total.without_cost
    if unknown:
        click.echo(f"{unknown:,} calls of this month have no known cost: they are in no forecast.")
    if found.left_out:
        click.echo(f"{found.left_out:,} more are in the total alone.")


def _print_table(by: str, rows: Sequence[Row]) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column(by or "scope")
    for title in ("so far", "low", "expected", "high", "run-rate"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("how")
    for row in rows:
        each = row.forecast
        is_total = row is rows[-1]
        table.add_row(
            "total" if is_total else row.value or "(none)",
            *(show_dollars(amount) for amount in (each.spent, each.low, each.expected, each.high, each.run_rate)),
            f"{each.method}, {each.history_days} days",
        )
    print_table(table)


def _trial(found: Backtest, as_json: bool, scope: str) -> None:
    if as_json:
        print_json(msgspec.structs.asdict(found))
    elif not found.trials:
        click.echo("No whole month with a week of history before it: there is nothing to test on yet.")
    else:
        click.echo(
            f"{scope}: {found.trials:,} forecasts of {found.months} months that are over, one from each of their days\n"
            f"inside the interval: {percent(share_of(found.held, found.trials))} (80 % should be)\n"
            f"above it: {percent(share_of(found.above, found.trials))} (10 % should be)\n"
            f"middle error: {percent(found.error)} of the month's cost; of a plain run-rate: {percent(found.run_rate_error)}\n"
            "Forecasts of one month are not independent: months count, not forecasts."
        )
