"""`farthing prompts doctor`: what keeps providers' prompt caches from being read, in dollars a month, and how to mend it."""

from pathlib import Path

import click

from farthing.cli.common import load_settings, print_json, printable, show_time, with_store
from farthing.cli.report_span import report_options
from farthing.lab.doctor import Finding, Report, plain, read
from farthing.model.money import show_dollars
from farthing.store import Store
from farthing.store.store import now_us

SHOWN = 20


@click.command("doctor")
@report_options("30d")
def doctor(config: Path | None, since: int | None, tenant: str, as_json: bool) -> None:
    """What keeps providers' prompt caches from being read: each spot, what it costs a month, and how to mend it.

    The gateway looks where the settings say `[prompts] doctor = true`. No text of a prompt is kept: what changes is shown
    with its letters and digits masked.
    """
    settings = load_settings(config, only={"store", "prompts"})

    async def found(store: Store) -> Report:
        return await store.do(lambda connection: read(connection, since or 0, now_us() + 1, tenant=tenant))

    report = with_store(settings, found)
    if as_json:
        print_json(plain(report))
    elif not report.looked:
        on = settings.prompts.doctor
        click.echo(
            "No prompt was looked at yet." if on else "No prompt was looked at: set `doctor = true` in [prompts]."
        )
    else:
        _print(report)


def _print(report: Report) -> None:
    click.echo(
        f"{report.looked:,} calls with {report.tokens:,} tokens of input were looked at, from "
        f"{show_time(report.since_us)} to {show_time(report.until_us)}."
    )
    if not report.findings:
        click.echo("Nothing kept their providers' caches from being read.")
        return
    click.echo(f"Caches that were not read cost {show_dollars(report.lost)}: {show_dollars(report.month)} a month.\n")
    for number, each in enumerate(report.findings[:SHOWN], start=1):
        _print_one(number, each)
    rest = report.findings[SHOWN:]
    if rest:
        click.echo(
            f"And {len(rest):,} smaller ones, {show_dollars(sum(each.month for each in rest))} a month (--json has all)."
        )


def _print_one(number: int, each: Finding) -> None:
    where = f"{each.feature or '(no feature)'}, {each.model}"
    click.echo(f"{number}. {show_dollars(each.month)} a month: {printable(where)}")
    click.echo(f"   {printable(each.what)}")
    click.echo(f"   {each.calls:,} of {each.looked:,} calls, {each.tokens:,} tokens; last {show_time(each.last_us)}.")
    click.echo(f"   {each.fix}\n")
