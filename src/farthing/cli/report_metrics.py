"""`farthing report metrics`: the six metrics with target, trend and verdict, and what each is divided by."""

from collections.abc import Mapping
from pathlib import Path

import click
from rich.table import Table

from farthing.cli.common import load_settings, print_json, print_table, printable, with_store
from farthing.cli.report_scope import (
    day_name,
    figure,
    now_us,
    scope_name,
    scope_options,
    shown_trend,
    span_of,
    span_options,
)
from farthing.cli.report_span import percent, share_of
from farthing.finops.metrics import Metrics, read
from farthing.finops.metrics.facts import Scope
from farthing.finops.metrics.plain import options_of, plain
from farthing.finops.tiers import tier_of
from farthing.model.money import nano_from_dollars, show_dollars
from farthing.store import Store

TABLES = ("store", "finops", "routing", "models")
MOST_FEATURES = 15
MOST_CORRECTIONS = 20


@click.command("metrics")
@span_options
@scope_options
@click.option(
    "--revenue", default="", metavar="DOLLARS", help="Revenue per user and month, over finops.revenue_per_user_month."
)
@click.option("--beside/--no-beside", default=True, help="The further figures of each metric.")
def metrics(
    config: Path | None, since: int | None, until: int | None, month: int | None, where: Mapping[str, str], tenant: str,
    as_json: bool, revenue: str, beside: bool,
) -> None:  # fmt: skip
    """Cost per query, per user and by feature, token efficiency, cache hit rate, tier mix.

    Each figure says what it counts. A trend is tested over eight weeks at least: it is named only where its 95 % interval
    excludes zero. Days are UTC, today counts as far as it went. Calls whose cost is not known are in no figure.
    """
    settings = load_settings(config, only=TABLES)
    now = now_us()
    scope = Scope(*span_of(since, until, month, now), tenant, dict(where))
    try:
        options = options_of(settings.finops, nano_from_dollars(revenue))
        if options.revenue_per_user < 0:
            raise ValueError
    except (ArithmeticError, ValueError):
        raise click.BadParameter(f"{revenue!r} is no amount of dollars.", param_hint="--revenue") from None
    tier = tier_of(settings)

    async def work(store: Store) -> Metrics:
        return await store.do(lambda connection: read(connection, scope, options, tier, now))

    report = with_store(settings, work)
    if as_json:
        print_json(plain(report))
    elif not report.calls and not report.corrections:
        click.echo("No calls in these days.")
    else:
        _print(report, beside)


def _print(report: Metrics, beside: bool) -> None:
    scope = report.scope
    click.echo(
        f"{printable(scope_name(scope.where, scope.tenant))}, {day_name(scope.since_us)} to {day_name(scope.until_us - 1)}: "
        f"{report.calls:,} calls, {show_dollars(report.cost)}\n"
    )
    table = Table(box=None, pad_edge=False)
    for title in ("metric", "value", "target", "verdict", "trend"):
        table.add_column(title, justify="right" if title == "value" else "left", no_wrap=title != "trend")
    for metric in report.metrics:
        table.add_row(
            metric.title, figure(metric.value, metric.unit), metric.target.words, metric.verdict, shown_trend(metric.trend)
        )  # fmt: skip
    print_table(table)
    if beside:
        _print_beside(report)
    _print_features(report)
    if report.corrections:
        _print_corrections(report)
    if report.without_cost:
        click.echo(f"\n{report.without_cost:,} calls have no known cost: they are in no figure of cost.")
    if report.errands:
        click.echo(
            f"\n{report.errands:,} calls are Farthing's own (judges, shadows): their cost counts, they are no queries."
        )


def _print_beside(report: Metrics) -> None:
    for metric in report.metrics:
        click.echo(f"\n{metric.title}")
        if metric.denominator:
            top = show_dollars(metric.numerator) if "cost" in metric.numerator_means else f"{metric.numerator:,}"
            bottom = show_dollars(metric.denominator) if metric.name == "cost_by_feature" else f"{metric.denominator:,}"
            click.echo(f"  {top} {printable(metric.numerator_means)}\n  / {bottom} {metric.denominator_means}")
        if metric.trend_means:
            click.echo(f"  trend: {printable(metric.trend_means)}")
        table = Table(box=None, pad_edge=False, show_header=False)
        for each in metric.beside:
            table.add_row(f"  {each.name}", figure(each.value, each.unit), each.means)
        if metric.beside:
            print_table(table)
        for note in metric.notes:
            click.echo(f"  {printable(note)}")


def _print_corrections(report: Metrics) -> None:
    """Lines of their own, each with the day that it is for."""
    click.echo("")
    table = Table(box=None, pad_edge=False)
    for title in ("correction", "for", "provider", "model", "amount", "reason"):
        table.add_column(title, justify="right" if title == "amount" else "left", no_wrap=title != "reason")
    for each in report.corrections[-MOST_CORRECTIONS:]:
        table.add_row(
            f"{each.no}", day_name(each.day_us), each.provider, each.model, show_dollars(each.amount), each.reason
        )
    print_table(table)
    if len(report.corrections) > MOST_CORRECTIONS:
        click.echo(f"and {len(report.corrections) - MOST_CORRECTIONS} before them; --json has all")
    click.echo(f"Corrections are in no figure above. With them the cost is {show_dollars(report.corrected)}.")


def _print_features(report: Metrics) -> None:
    if not report.features:
        return
    click.echo("")
    table = Table(box=None, pad_edge=False)
    for title in ("feature", "cost", "share", "before", "calls", "per query", "without cost", "trend"):
        table.add_column(
            title, justify="left" if title in ("feature", "trend") else "right", no_wrap=title != "feature"
        )
    for each in report.features[:MOST_FEATURES]:
        table.add_row(
            each.feature or "(none)", show_dollars(each.cost), percent(share_of(each.cost, report.cost)),
            show_dollars(each.before), f"{each.calls:,}", figure(each.per_query, "dollars"),
            f"{each.without_cost:,}" if each.without_cost else "", shown_trend(each.trend),
        )  # fmt: skip
    print_table(table)
    if len(report.features) > MOST_FEATURES:
        click.echo(f"and {len(report.features) - MOST_FEATURES} more; --json has all")
