"""How `farthing tco` shows a comparison, to people and to machines."""

from collections.abc import Sequence
from typing import Any

import click
import msgspec
from rich.table import Table

from farthing.cli.common import print_table
from farthing.cli.report_span import percent
from farthing.selfhost.tco.report import Case, Report
from farthing.selfhost.tco.sensitivity import Bar, Range

SHOWN_STEPS = 6


def for_machines(case: Case, found: Report, bars: Sequence[Bar], sure: Range) -> dict[str, Any]:
    """All figures; dollars a month, tokens a second and month."""
    shown: dict[str, Any] = msgspec.to_builtins(found)
    return shown | {
        "api_total": found.api.total, "own_total": found.own.total, "saved": found.saved,
        "demand": {
            "calls": case.demand.calls, "input_tokens": case.demand.input_tokens, "output_tokens": case.demand.output_tokens,
            "cached_share": case.demand.cached_share, "batch_share": case.demand.batch_share,
            "peak_to_mean": case.demand.peak_to_mean, "hours": case.demand.hours, "source": case.demand.source,
        },
        "interval": msgspec.to_builtins(sure),
        "tornado": [{name: _finite(value) for name, value in msgspec.to_builtins(bar).items()} for bar in bars],
    }  # fmt: skip


def show(case: Case, found: Report, bars: Sequence[Bar], sure: Range) -> None:
    demand = case.demand
    click.echo(
        f"{demand.calls:,.0f} calls a month ({demand.source}), {demand.input_tokens:,.0f} tokens in, {demand.output_tokens:,.0f} out; "
        f"the busiest hour has {demand.peak_to_mean:.1f} times the mean\n"
    )
    _bills(case, found)
    _fleet(case, found)
    _verdict(case, found, sure)
    _break_even(case, found)
    _staircase(case, found)
    _tornado(bars)
    for text in found.warnings:
        click.echo(f"Note: {text}.")


def _bills(case: Case, found: Report) -> None:
    api, own = found.api, found.own
    left = [("input", api.input), ("cached input", api.cached), ("output", api.output), ("training", api.training), ("embeddings", api.embedding)]  # fmt: skip
    right = [
        ("GPUs", own.gpus), ("power", own.power), ("space", own.space), ("storage", own.storage), ("network", own.egress),
        ("engineers", own.engineers), ("evaluation", own.evaluation), ("training", own.training),
    ]  # fmt: skip
    table = Table(box=None, pad_edge=False)
    table.add_column(f"API ({case.prices.source})")
    table.add_column("$ a month", justify="right")
    table.add_column("   own GPUs")
    table.add_column("$ a month", justify="right")
    lines = [[each for each in side if each[1]] for side in (left, right)]
    for place in range(max(map(len, lines))):
        cells = [side[place] if place < len(side) else ("", 0.0) for side in lines]
        table.add_row(*(text for name, amount in cells for text in (name, _dollars(amount) if name else "")))
    table.add_row("total", _dollars(api.total), "total", _dollars(own.total))
    table.add_row(
        "a task that succeeds", _small(found.api_per_task), "a task that succeeds", _small(found.own_per_task)
    )
    print_table(table)


def _fleet(case: Case, found: Report) -> None:
    fleet, replica = found.fleet, found.replica
    each = f"{replica.gpus} GPU{'s' if replica.gpus > 1 else ''}"
    click.echo(
        f"\nFleet: {fleet.replicas} replicas of {each}, {fleet.spares} of them spare; {replica.tokens_s:,.0f} tokens/s each "
        f"({replica.low:,.0f} to {replica.high:,.0f}; {replica.how}); used to {percent(fleet.utilisation)}"
    )


def _verdict(case: Case, found: Report, sure: Range) -> None:
    word = "cheaper" if found.saved > 0 else "dearer"
    click.echo(
        f"Own GPUs are {_dollars(abs(found.saved))} a month {word}. 80 % of outcomes: own bill {_dollars(sure.own_low)} to "
        f"{_dollars(sure.own_high)}, saving {_dollars(sure.saved_low)} to {_dollars(sure.saved_high)}; cheaper in "
        f"{percent(sure.cheaper)} of them"
    )
    if sure.too_small:
        click.echo(f"In {percent(sure.too_small)} the allowed GPUs could not serve the demand.")


def _break_even(case: Case, found: Report) -> None:
    even = found.break_even
    if even.first is None:
        click.echo("Break-even: at no volume that such a fleet serves.")
    else:
        calls = even.first * case.demand.calls
        lasting = "" if even.lasting == even.first else (
            f"; always from {even.lasting * case.demand.calls:,.0f} on" if even.lasting is not None else "; not at every larger volume"
        )  # fmt: skip
        click.echo(
            f"Break-even: {calls:,.0f} calls a month ({even.first:.2f} times the demand), on {even.first_gpus} GPUs{lasting}"
        )
    if even.unreachable is not None:
        click.echo(
            f"The smallest fleet's bill meets the API's at {even.unreachable * case.demand.calls:,.0f} calls, which it cannot serve."
        )


def _staircase(case: Case, found: Report) -> None:
    click.echo("\nEach size of the fleet:")
    table = Table(box=None, pad_edge=False)
    for title in ("replicas", "GPUs", "own $ a month", "serves calls a month", "API $ for these"):
        table.add_column(title, justify="right")
    beside = found.api.total - found.api.of_calls
    for step in found.staircase[:SHOWN_STEPS]:
        volume = step.serves / case.demand.output_month
        table.add_row(
            f"{step.replicas}", f"{step.gpus}", _dollars(step.dollars), f"{volume * case.demand.calls:,.0f}",
            _dollars(beside + found.api.of_calls * volume),
        )  # fmt: skip
    print_table(table)


def _tornado(bars: Sequence[Bar]) -> None:
    click.echo("\nWhat moves the saving most, one input at a time:")
    table = Table(box=None, pad_edge=False)
    table.add_column("input")
    for title in ("low", "saved then", "high", "saved then"):
        table.add_column(title, justify="right")
    for bar in bars:
        table.add_row(bar.name, bar.low, _dollars(bar.saved_low), bar.high, _dollars(bar.saved_high))
    print_table(table)
    click.echo()


def _dollars(amount: float) -> str:
    if abs(amount) == float("inf"):
        return "not served"
    return (
        f"{'-' if amount < 0 else ''}${abs(amount):,.0f}"
        if abs(amount) >= 100
        else f"{'-' if amount < 0 else ''}${abs(amount):,.2f}"
    )


def _small(amount: float) -> str:
    return f"${amount:,.4f}" if amount >= 0.001 else f"${amount:.6f}"


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and abs(value) == float("inf") else value
