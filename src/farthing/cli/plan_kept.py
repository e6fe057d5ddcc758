"""`farthing plan kept` and `farthing plan compare`: plans of before, what happened since, and two plans side by side."""

import time
from pathlib import Path

import click
import msgspec
from rich.table import Table

from farthing.cli.common import config_option, load_settings, print_json, print_table, printable, show_time, with_store
from farthing.cli.plan_say import say
from farthing.finops.plans.comparing import NONE, Line, lines, notes
from farthing.finops.plans.document import Document, unpacked
from farthing.finops.plans.happened import happened
from farthing.model.errors import BadRequest
from farthing.model.money import show_dollars
from farthing.model.plan import Amount
from farthing.settings import StoreSettings, StoreUrl
from farthing.store import Store
from farthing.store.plans import KeptPlan, Plans

LISTED = 30


@click.command(short_help="Plans that are kept; one of them whole.")
@click.argument("number", type=click.IntRange(1), required=False)
@config_option
@click.option("--store", metavar="STORE_URL", help="Where they are. Default: your gateway's store.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def kept(number: int | None, config: Path | None, store: str | None, as_json: bool) -> None:
    """Plans of before, the newest first; or the one with this NUMBER, with what has happened since it was made."""
    settings = load_settings(config, only={"store"})
    if store is not None:
        settings = msgspec.structs.replace(settings, store=StoreSettings(url=StoreUrl(store)))
    if number is None:
        _list(with_store(settings, lambda each: Plans(each).every(LISTED)), as_json)
        return

    now = time.time_ns() // 1000

    async def read(each: Store) -> Document:
        line = next((line for line in await Plans(each).every(1_000) if line.no == number), None)
        body = await Plans(each).body(number)
        if line is None or not body:
            raise click.ClickException(f"there is no plan {number} that was made")
        found = unpacked(body)
        since = await each.do(lambda connection: happened(connection, found, line.made_us, now))
        found.happened = since or found.happened
        return found

    found = with_store(settings, read)
    if as_json:
        print_json(found)
    else:
        say(found)


def _list(found: list[KeptPlan], as_json: bool) -> None:
    if as_json:
        print_json({"plans": found})
        return
    if not found:
        click.echo("No plan is kept. `farthing plan --ledger` makes one of your gateway's own calls.")
        return
    table = Table(box=None, pad_edge=False)
    for title in ("plan", "made", "week", "state", "by", "about", ""):
        table.add_column(title)
    for each in found:
        table.add_row(
            f"{each.no}",
            show_time(each.made_us) if each.made_us else "",
            each.week,
            each.state,
            each.who,
            ", ".join(each.tenants),
            each.why,
        )
    print_table(table)


@click.command(short_help="Two plans side by side.")
@click.argument("one", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("other", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def compare(one: Path, other: Path, as_json: bool) -> None:
    """Two plans side by side, each as `farthing plan --json` wrote it: what the OTHER saves more, lever by lever."""
    first, second = (_read(each) for each in (one, other))
    found = lines(first, second)
    if as_json:
        print_json(
            {
                "lines": [{**each._asdict(), "more": each.more, "sure": each.is_sure} for each in found],
                "notes": notes(first, second),
            }
        )
        return
    click.echo(
        f"As it was: {show_dollars(first.plan.a_month)} a month in {printable(one.name)}, {show_dollars(second.plan.a_month)} in "
        f"{printable(other.name)}.\n"
    )
    print_table(_table(found, one.name, other.name))
    for each in notes(first, second):
        click.echo(f"\n{printable(each)}")


def _table(found: list[Line], one: str, other: str) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("beside the others, a month")
    for title in (one, other, "more"):
        table.add_column(printable(title), justify="right")
    table.add_column("")
    for each in found:
        sure = "beyond chance" if each.is_sure else "within chance" if each.more else ""
        table.add_row(each.name, _amount(each.one), _amount(each.other), show_dollars(each.more), sure)
    return table


def _amount(amount: Amount | None) -> str:
    if amount is None or amount == NONE:
        return "-"
    return f"{show_dollars(amount.likely)} ({show_dollars(amount.low)} to {show_dollars(amount.high)})"


def _read(path: Path) -> Document:
    try:
        return unpacked(path.read_bytes())
    except BadRequest as error:
        raise click.ClickException(f"{path}: {error.message}") from None
