"""`farthing report phases`: where each project stands between calls, people, GPUs and tools, and what is out of band."""

from pathlib import Path

import click
from rich.table import Table

from farthing.cli.common import config_option, load_settings, print_json, print_table, printable, with_store
from farthing.cli.report_scope import day_name, now_us, span_of, span_options
from farthing.cli.report_span import percent
from farthing.finops.phases import BANDS, Phases, Project, plain, read
from farthing.model.money import show_dollars
from farthing.store import Store


@click.command("phases")
@span_options
@config_option
@click.option("--tenant", default="", help="Only this tenant's.")
@click.option("--json", "as_json", is_flag=True, help="For machines; amounts as integer nano-dollars.")
def phases(
    config: Path | None, since: int | None, until: int | None, month: int | None, tenant: str, as_json: bool
) -> None:  # fmt: skip
    """AI budget by phase: inference as a share of all that AI costs, by project.

    Usual shares: experimentation 10-20 %, pilot 20-30, production 40-60, optimised 30-40. The phase of a project is said in
    [finops.projects.NAME], what is no call in [[finops.lines]] or by `farthing lines import`.
    """
    settings = load_settings(config, only={"store", "finops"})
    now = now_us()
    first, end = span_of(since, until, month, now)

    async def work(store: Store) -> Phases:
        return await store.do(lambda connection: read(connection, settings.finops, first, end, now, tenant=tenant))

    found = with_store(settings, work)
    if as_json:
        print_json(plain(found))
    elif not found.projects:
        click.echo("Nothing was spent in these days.")
    else:
        _print(found)


def _print(found: Phases) -> None:
    click.echo(f"AI budget, {day_name(found.since_us)} to {day_name(found.until_us - 1)}\n")
    kinds = [kind for kind in found.total.lines if kind != "inference"]
    table = Table(box=None, pad_edge=False, show_footer=len(found.projects) > 1)
    total = found.total
    table.add_column("project", footer="total")
    table.add_column("phase", no_wrap=True)
    table.add_column("AI budget", justify="right", footer=show_dollars(total.budget))
    table.add_column("inference", justify="right", footer=show_dollars(total.inference))
    for kind in kinds:
        table.add_column(kind, justify="right", footer=show_dollars(total.lines[kind]))
    table.add_column("share", justify="right", footer=percent(total.share))
    table.add_column("usual", justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for each in found.projects:
        table.add_row(
            each.project or "(none, shared)", each.phase or "-", show_dollars(each.budget), show_dollars(each.inference),
            *(show_dollars(each.lines.get(kind, 0)) for kind in kinds), percent(each.share), _band(each), each.verdict,
        )  # fmt: skip
    print_table(table)
    click.echo("")
    for each in found.projects:
        if each.cure and each.phase:
            click.echo(f"{each.project}: {each.cure}")
        if each.overdue:
            click.echo(f"{each.project}: its phase was to end on {each.overdue}; settle the next one.")
    lost = [each.project for each in found.projects if each.project and each.verdict == "no phase"]
    if lost:
        names = printable(", ".join(lost[:20]))
        click.echo(f'Say where these stand, [finops.projects.NAME] phase = "pilot": {names}')
    if total.without_cost:
        click.echo(f"{total.without_cost:,} calls have no known cost: they are in no share.")


def _band(project: Project) -> str:
    band = BANDS.get(project.phase)
    return f"{band.least * 100:.0f}-{band.most * 100:.0f} %" if band is not None else "-"
