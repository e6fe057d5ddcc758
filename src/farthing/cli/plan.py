"""`farthing plan`: what each strategy would have saved on the calls of the past, ranked, with an interval and what could go
wrong; and the settings that switch them on."""

import asyncio
import os
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from farthing.cli.common import config_option, load_without_keys, pairs_option, print_json, print_table, printable
from farthing.cli.import_calls import DEFAULT_STORE, SEAL_KEY, calls
from farthing.finops.next_savings import Saving
from farthing.model.money import show_dollars
from farthing.model.past import PastCall
from farthing.model.plan import Amount, LeverPlan, Plan
from farthing.planner.making import Wanted, make
from farthing.planner.page import page
from farthing.planner.sums import told_by_sums
from farthing.planner.whatif import changed
from farthing.prices.configured import configured_book
from farthing.settings import Settings
from farthing.steps.defer.asked import seconds_of
from farthing.store import open_store, past_calls, past_texts
from farthing.store.engine import Connection
from farthing.store.sealing import wrapping

MOST = 20_000


@click.command("plan")
@click.argument("sources", nargs=-1, metavar="[LOG...]")
@config_option
@click.option(
    "--store", default=DEFAULT_STORE, show_default=True, metavar="STORE_URL", help="Where the calls are, or go."
)
@pairs_option("--patience", help="Features whose answers can wait, and how long: --patience nightly=6h. Repeat.")
@pairs_option(
    "--set", "settings_", help="Another setting for the whole plan: --set routing.quality_floor=0.98. Repeat."
)
@click.option(
    "--calls",
    "most",
    type=click.IntRange(100),
    default=MOST,
    show_default=True,
    help="The newest so many are replayed.",
)
@click.option(
    "--write",
    "write_to",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the settings that the plan proposes.",
)
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the plan as a page that is whole in itself.",
)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_context
def command(
    ctx: click.Context, sources: tuple[str, ...], config: Path | None, store: str, patience: Mapping[str, str],
    settings_: Mapping[str, str], most: int, write_to: Path | None, html: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """What would each strategy save on your own calls, before you switch anything on?

    Each LOG is read into the store first, as `farthing import calls` does. Then the calls are asked again, by the gateway's own
    steps, before providers that answer as recorded: nothing leaves this machine, and no key is needed.
    """
    if sources:
        ctx.invoke(
            calls, sources=sources, config=config, format_="auto", into=store, said={}, texts=past_texts.KEEP,
            seal_with=SEAL_KEY, bad_file=None, yes=True, as_json=False,
        )  # fmt: skip
    waits = _seconds(patience)
    own = (
        load_without_keys(config, {"prices", "routing", "cache", "prompts", "models", "providers"})
        if config or _has_file()
        else None
    )
    changed(own or Settings(), settings_)  # a mistake is told before the work
    book = configured_book((own or Settings()).prices)
    wanted = Wanted(own, book, patience=waits, base=lambda settings: changed(settings, settings_))

    async def work() -> tuple[Plan, list[Saving]]:
        past, sums = await _calls(store, most, own)
        if not past:
            raise click.ClickException(f"{store} holds no calls: name a log, or read one with `farthing import calls`")
        with _bar(as_json) as progress:
            task = progress.add_task("replay", total=None)

            def hear(what: str, done: int, total: int) -> None:
                progress.update(task, description=what, completed=done, total=total)

            return await make(past, wanted, hear), sums

    plan, sums = asyncio.run(work())
    if write_to is not None:
        _write(write_to, plan)
    if html is not None:
        html.write_text(page(plan, sums), encoding="utf-8")
    if as_json:
        print_json({"plan": plan, "sums": sums})
        return
    _say(plan, write_to)
    _say_sums(sums)
    if html is not None:
        click.echo(f"\nThe plan as a page is in {html}")


def _has_file() -> bool:
    return Path("farthing.toml").is_file()


def _seconds(patience: Mapping[str, str]) -> dict[str, float]:
    found = {}
    for feature, text in patience.items():
        seconds = seconds_of(text)
        if seconds is None:
            raise click.BadParameter(f"{text!r} is no time; write 90s, 15m, 6h or 2d", param_hint="--patience")
        found[feature] = seconds
    return found


async def _calls(url: str, most: int, own: Settings | None) -> tuple[list[PastCall], list[Saving]]:
    """The newest of the store, in the order of their times, and what its sums tell."""
    store = await open_store(url)
    try:
        past = await store.do(lambda connection: list(deque(_read(connection), maxlen=most)))
        return past, await told_by_sums(store, past, own)
    finally:
        await store.close()


def _read(connection: Connection) -> Iterator[PastCall]:
    texts = past_texts.texts_for(connection, past_texts.KEEP, wrapping(os.environ.get(SEAL_KEY, "")))
    return past_calls.past_calls(connection, texts)


def _bar(hidden: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeRemainingColumn(),
        disable=hidden, transient=True,
    )  # fmt: skip


def _say(plan: Plan, written: Path | None) -> None:
    click.echo(
        f"{plan.calls:,} calls, {plan.replayed:,} of them replayed; {show_dollars(plan.a_month)} a month as it was."
    )
    for why, count in plan.left_out.items():
        click.echo(f"  not replayed: {count:,} x {why}")
    for note in plan.notes:
        click.echo(f"  {note}")
    if not plan.replayed:
        click.echo("\nWithout prompts nothing can be asked again: below is what sums alone can tell.")
    share = (
        f" ({100 * plan.together.likely / plan.a_month:.0f} %)" if plan.a_month and plan.replayed == plan.calls else ""
    )
    if plan.replayed:
        click.echo(f"\nAll together: {_amount(plan.together)} a month{share}.\n")
    if plan.levers and plan.replayed:
        print_table(_table(plan.levers))
    for lever in plan.levers:
        if lever.alone.likely > 0:
            click.echo(f"\n{lever.lever} ({lever.risk}; {lever.effort}): {lever.caution}")
            for line in lever.toml.splitlines():
                click.echo(f"    {printable(line)}")
            for example in lever.examples[:2]:
                click.echo(
                    f"  such as {printable(example.call)}: {show_dollars(example.before)} -> {show_dollars(example.after)}"
                )
            for example in lever.against[:1]:
                click.echo(
                    f"  but {printable(example.call)}: {show_dollars(example.before)} -> {show_dollars(example.after)}"
                )
    if written is not None:
        click.echo(f"\n{written} is written. Next: farthing check --config {written}")


def _say_sums(sums: list[Saving]) -> None:
    """Bounds by kind of calls; they do not add up with the table above, since they are about the same calls."""
    if not sums:
        return
    click.echo("\nBy the sums of the last four weeks, a month:\n")
    for each in sums:
        amount = show_dollars(each.a_month) if each.a_month is not None else f"up to {show_dollars(each.high)}"
        click.echo(f"{amount}  {each.lever} ({each.risk}): {printable(each.what)}")
        click.echo(f"    rests on: {printable(each.why)}")
        for line in each.setting.splitlines():
            click.echo(f"    {printable(line)}")


def _table(levers: list[LeverPlan]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("lever")
    for name in ("alone, a month", "80 % between", "beside the others", "cheaper calls", "dearer"):
        table.add_column(name, justify="right")
    table.add_column("risk")
    for each in levers:
        bound = "up to " if each.is_bound else ""
        table.add_row(
            each.lever, bound + show_dollars(each.alone.likely), f"{show_dollars(each.alone.low)} and {show_dollars(each.alone.high)}",
            bound + show_dollars(each.beside.likely), f"{each.calls:,}", f"{each.dearer:,}", each.risk,
        )  # fmt: skip
    return table


def _amount(amount: Amount) -> str:
    return f"{show_dollars(amount.likely)} (80 % between {show_dollars(amount.low)} and {show_dollars(amount.high)})"


def _write(path: Path, plan: Plan) -> None:
    """The settings of the levers that save, lossless ones first; those that need proof as a comment."""
    if path.exists():
        raise click.ClickException(f"{path} is there already; name another file")
    parts = ["# Proposed by `farthing plan`. Switch on the first part, look at `farthing report proof`, then go on.\n"]
    for risk in ("lossless", "guarded", "needs proof"):
        for each in plan.levers:
            if each.risk != risk or each.beside.low <= 0:
                continue
            text = f"{each.toml}\n"
            if risk == "needs proof" or each.is_bound:
                text = "".join(f"# {line}\n" for line in text.splitlines())
            parts.append(f"# {each.lever}, {risk}: {show_dollars(each.beside.likely)} a month. {each.caution}\n{text}")
    path.write_text("\n".join(parts), encoding="utf-8")
