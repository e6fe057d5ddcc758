"""What `farthing quantize` shows: the plan, and what came of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from farthing.cli.common import print_json, print_table, printable
from farthing.model.money import show_dollars
from farthing.selfhost.distil.card import lasted
from farthing.selfhost.quantize.card import VERDICTS, loss_words
from farthing.selfhost.quantize.estimate import Estimate, Estimated, Span
from farthing.selfhost.quantize.planning import Plan
from farthing.selfhost.quantize.report import Report, saved
from farthing.selfhost.quantize.sizes import shown as shown_size


def show_plan(found: Plan, as_json: bool, err: bool) -> None:
    """On the error output where something else follows."""
    if as_json:
        print_json(_for_machines(found))
        return
    say: Callable[[str], None] = lambda text: click.echo(printable(text), err=err)  # noqa: E731
    say(f"{found.name}: {found.parameters / 1e6:,.1f} M parameters; {found.chosen.why}.")
    table = _sizes(found)
    if err:
        Console(stderr=True, markup=False, highlight=False, width=160).print(table)
    else:
        print_table(table)
    for name, why in found.chosen.refused.items():
        say(f"not {name}: {why}")
    say(
        f"It needs {shown_size(found.disk)} of disk ({shown_size(found.disk_free)} are free) and "
        f"{shown_size(max(each.memory for each in found.steps))} of memory"
        + (f" ({shown_size(found.memory_free)} are free)." if found.memory_free else ".")
    )
    if found.doubt:
        say(f"Note: {found.doubt}.")
    for trouble in () if err else found.troubles:  # else what follows says it
        say(f"It cannot start: {trouble}.")


def show_estimate(plan: Plan, found: Estimate, as_json: bool) -> None:
    """Below the plan: how long, and for what money."""
    if as_json:
        print_json({**_for_machines(plan), "estimate": {**msgspec.to_builtins(found), "whole_s": found.whole_s}})
        return
    show_plan(plan, as_json, err=False)
    click.echo(f"The model as it is: measured in {_span(found.before_s)}, on this machine's processor.")
    for each in found.schemes:
        click.echo(
            f"{each.scheme}: made in {_span(each.made_s)}, measured in {_span(each.measured_s)}{_spares(found, each)}"
        )
    click.echo(f"In all {_span(found.whole_s)}; a GPU takes far less, an eval set comes on top. Nothing was done.")
    if not found.deployment:
        click.echo("What it spares: no [selfhost.deployments] has the model's name; --name says which it is.")


def _spares(found: Estimate, each: Estimated) -> str:
    if not found.deployment:
        return "."
    if each.gpus_fewer is None or each.spared is None:
        return f"; {found.deployment} has other GPUs than --gpu, so what it spares is not known."
    return f"; {found.deployment} could do with {each.gpus_fewer} GPUs less, {show_dollars(each.spared)} a month."


def _span(span: Span) -> str:
    return f"{lasted(span[0])} to {lasted(span[1])}"


def _sizes(found: Plan) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for title in ("matrices", "embeddings", "rest", "all files", "less", "GPUs"):
        table.add_column(title, justify="right")
    table.add_column("how")
    for name, size, gpus, how in (
        ("as it is", found.before, found.gpus_before, ""),
        *((each.scheme.name, each.size, each.gpus, f"{each.scheme.backend}, {each.method}" + (f", groups of {each.group}" if each.group else "")) for each in found.steps),
    ):  # fmt: skip
        parts = (size.matrices, size.embeddings, size.rest + size.overhead + size.beside, size.total)
        less = f"{100 * saved(found.before.total, size.total):.1f} %" if how else ""
        table.add_row(name, *map(shown_size, parts), less, str(gpus or "-"), how)
    return table


def _for_machines(found: Plan) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(found)
    sizes = [found.before, *(step.size for step in found.steps)]
    for size, each in zip(sizes, [shown["before"], *(step["size"] for step in shown["steps"])], strict=True):
        each |= {"weights": size.weights, "total": size.total}
    return shown


def show_report(report: Report, out: Path) -> None:
    """Tables for people; `out` is where all of it lies."""
    table = Table(box=None, pad_edge=False)
    table.add_column("scheme")
    for title in ("metric", "before", "after", "lost", "95 % within", "of"):
        table.add_column(title, justify="right")
    for tried in report.tried:
        for loss in filter(None, (tried.perplexity, tried.task)):
            table.add_row(tried.scheme, *loss_words(loss))
    print_table(table)
    for tried in report.tried:
        before, after = report.before, tried.used
        click.echo(
            f"{tried.scheme}: files {shown_size(before.files)} -> {shown_size(tried.files)} (plan {100 * tried.off:+.2f} %), memory "
            f"{shown_size(before.memory)} -> {shown_size(after.memory)}, {before.tokens_s:,.1f} -> {after.tokens_s:,.1f} tok/s by the tool; "
            f"{'passed' if tried.passed else 'did not pass'}: {VERDICTS[tried.verdict]} ({100 * report.budget:g} %)"
        )
    chosen = report.chosen
    if chosen is None or chosen.use is None:
        click.echo(f"Nothing passed; what was made is kept below {out}.")
        return
    click.echo(
        f"\nServe it:  {chosen.use.command}\nSettings:  {out / 'farthing.toml'}\nCard:      {chosen.use.card}"
        f"\nReport:    {out / 'report.json'}"
    )
