"""`farthing report waiting`: the queue of work that can wait, deadlines met by way, what waiting saved."""

from datetime import UTC, datetime
from pathlib import Path

import click
from rich.table import Table

from farthing.batch import speeds
from farthing.batch.speeds import Speed
from farthing.cli.common import config_option, load_settings, print_json, print_table, printable, with_store
from farthing.cli.report_scope import day_name, now_us, span_of, span_options
from farthing.cli.report_span import percent, share_of
from farthing.finops.waiting import WAYS, Queue, Span, Waiting, plain, read
from farthing.model.money import show_dollars
from farthing.store import Store
from farthing.store.engine import Connection

MOST_TENANTS = 20
BEGIN = (
    "Nobody has waited yet. Send a call with the header x-farthing-deadline: 6h, or hand a file to POST /v1/batches as you "
    "would to the provider."
)


@click.command("waiting")
@span_options
@config_option
@click.option("--tenant", default="", help="Only this tenant's.")
@click.option("--json", "as_json", is_flag=True, help="For machines; amounts as integer nano-dollars.")
def waiting(
    config: Path | None, since: int | None, until: int | None, month: int | None, tenant: str, as_json: bool
) -> None:  # fmt: skip
    """Batches and calls that can wait: what is in the queue, how many deadlines were met, what waiting saved.

    The queue is as it is now; lines that ended and savings are those of the span. A deadline is met by an answer in time,
    whichever it is; lines that were cancelled had none.
    """
    settings = load_settings(config, only={"store"})
    now = now_us()
    first, end = span_of(since, until, month, now)

    def work(connection: Connection) -> tuple[Waiting, list[Speed]]:
        return read(connection, first, end, now, tenant=tenant), speeds.speeds(connection, now)

    async def found(store: Store) -> tuple[Waiting, list[Speed]]:
        return await store.do(work)

    report, fast = with_store(settings, found)
    if as_json:
        print_json(plain(report) | {"turn_rounds": speeds.plain(fast)})
    elif not report.is_used:
        click.echo(BEGIN)
    else:
        _print(report, fast)


def _print(report: Waiting, fast: list[Speed]) -> None:
    click.echo(f"Work that can wait, {day_name(report.since_us)} to {day_name(report.until_us - 1)}\n")
    _print_queue(report)
    _print_ways(report)
    _print_saved(report)
    if fast:
        _print_speeds(fast)


def _print_queue(report: Waiting) -> None:
    queue = report.queue
    if not queue.jobs and not queue.waiting:
        click.echo("The queue is empty.")
        return
    table = Table(box=None, pad_edge=False)
    for title in ("tenant", "jobs", "wait", "under way", "late", "oldest", "tightest deadline (UTC)"):
        table.add_column(title, justify="left" if title == "tenant" else "right")
    shown = report.tenants if len(report.tenants) <= 1 else [*report.tenants[:MOST_TENANTS], queue]
    for each in shown:
        table.add_row(
            printable(each.tenant) if each is not queue else "all", f"{each.jobs:,}", f"{each.waiting:,}", f"{each.away:,}",
            f"{each.late:,}" if each.late else "", _age(each, report.now_us), _moment(each.due_us),
        )  # fmt: skip
    print_table(table)
    if queue.at_least:
        click.echo("There are more open jobs than were looked at: what is under way and late is more than that.")
    if queue.waiting:
        click.echo(f"\nWaiting for: {_spans(report.ages)}\nTime left:   {_spans(report.left)}")


def _print_ways(report: Waiting) -> None:
    if not report.ways:
        click.echo("\nNo line has ended in these days.")
        return
    click.echo(f"\nDeadlines met: {percent(report.met_share, 2)} of {report.ended:,} lines that ended\n")
    table = Table(box=None, pad_edge=False)
    for title in ("way", "lines", "answered", "failed", "expired", "in time", "mean wait", "cost", "without levers"):
        table.add_column(title, justify="left" if title == "way" else "right", no_wrap=title != "way")
    for row in report.ways:
        table.add_row(
            WAYS.get(row.way, row.way), f"{row.lines:,}", f"{row.answered:,}", f"{row.failed:,}", f"{row.expired:,}",
            percent(share_of(row.met, row.lines), 2), _seconds(row.mean_wait_us), show_dollars(row.cost), show_dollars(row.baseline),
        )  # fmt: skip
    print_table(table)


def _print_saved(report: Waiting) -> None:
    lever = report.lever
    if not lever.calls:
        click.echo("\nWaiting has saved nothing in these days.")
        return
    click.echo(
        f"\nSaved by waiting: {show_dollars(lever.saved)}, from {show_dollars(lever.before)} to {show_dollars(lever.after)}; "
        f"paid twice: {show_dollars(lever.overhead)}"
    )


def _print_speeds(fast: list[Speed]) -> None:
    click.echo("\nProviders' batches, by those of the last 14 days\n")
    table = Table(box=None, pad_edge=False)
    for title in ("provider", "model", "half are back in", "nine in ten in", "back", "running"):
        table.add_column(title, justify="left" if title in ("provider", "model") else "right")
    for each in fast:
        table.add_row(
            each.provider, each.model, _seconds(each.likely_us), _seconds(each.sure_us), f"{each.back:,}", f"{each.running:,}"
        )  # fmt: skip
    print_table(table)


def _spans(spans: list[Span]) -> str:
    return ", ".join(f"{each.lines:,} {each.label}" for each in spans if each.lines)


def _age(queue: Queue, now_us: int) -> str:
    return _seconds(now_us - queue.oldest_us) if queue.oldest_us is not None else ""


def _moment(at_us: int | None) -> str:
    return f"{datetime.fromtimestamp(at_us / 1e6, UTC):%Y-%m-%d %H:%M}" if at_us is not None else ""


def _seconds(us: float | None) -> str:
    """With the unit that is read at once."""
    if us is None:
        return "-"
    seconds = us / 1e6
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:,.1f} s"
