"""A plan on the terminal: what to do, in what order, what could go wrong, and what cannot be said."""

from collections.abc import Sequence
from datetime import UTC, datetime
from textwrap import wrap

import click
from rich.table import Table

from farthing.cli.common import print_table, printable
from farthing.finops.next_savings import Saving
from farthing.finops.plans.document import BreakEven, Document, Sweep
from farthing.finops.plans.happened import in_words
from farthing.finops.plans.stages import (
    MEANINGS,
    Stage,
    amount_in_words,
    at_most,
    is_worth_words,
    not_in_total,
    open_levers,
    ranked,
    saves_nothing,
    settles,
    stages,
)
from farthing.model.money import show_dollars
from farthing.model.plan import Amount, Example, LeverPlan, Plan

WIDE = 110


def say(found: Document) -> None:
    plan = found.plan
    _head(plan, found.scenario)
    if plan.levers and plan.replayed:
        _total(plan)
        _open(open_levers(plan))
        click.echo()
        print_table(_table(ranked(plan)))
        if nothing := saves_nothing(plan):
            _para(f"Nothing on these calls: {', '.join(nothing)}.")
        _order(stages(plan))
        for lever in filter(is_worth_words, ranked(plan)):
            _lever(lever)
    elif not plan.replayed:
        _para("None of these calls could be tried again: below is what sums alone can tell.")
    _sums(found.sums, alone=not plan.replayed)
    for sweep in found.sweeps:
        _sweep(sweep)
    if found.break_even is not None:
        _break_even(found.break_even)
    if found.happened is not None:
        click.echo(f"\nThe plan of {_day(found.happened.made_us)}, and what happened since:")
        for line in in_words(found.happened):
            click.echo(f"  {line}")
    if found.gaps:
        click.echo("\nWhat cannot be said:")
        for each in found.gaps:
            click.echo(f"  - {printable(each)}")


def _day(at_us: int) -> str:
    return f"{datetime.fromtimestamp(at_us / 1e6, UTC):%Y-%m-%d}"


def _para(text: str) -> None:
    click.echo("\n" + "\n".join(wrap(text, WIDE)))


def _head(plan: Plan, scenario: Sequence[str]) -> None:
    first, last = _day(plan.since_us), _day(plan.until_us)
    days = first if first == last else f"{first} to {last}"
    calls = f"{plan.calls:,} call{'s' if plan.calls != 1 else ''}"
    cost = (
        f"{show_dollars(plan.a_month)} a month as it was"
        if plan.replayed or plan.a_month
        else "what they cost is not known"
    )
    click.echo(f"{calls}, {plan.replayed:,} of them replayed; {days}; {cost}.")
    if scenario:
        click.echo(f"  assumed: {printable('; '.join(scenario))}")
    for why, count in plan.left_out.items():
        click.echo(f"  not replayed: {count:,} x {printable(why)}")
    for note in plan.notes:
        click.echo(f"  {printable(note)}")


def _total(plan: Plan) -> None:
    share = (
        f" ({100 * plan.together.likely / plan.a_month:.0f} %)" if plan.a_month and plan.replayed == plan.calls else ""
    )
    click.echo(f"\nAll together: {_amount(plan.together)} a month{share}.")


def _amount(amount: Amount) -> str:
    return f"{show_dollars(amount.likely)} (80 % between {show_dollars(amount.low)} and {show_dollars(amount.high)})"


def _open(levers: Sequence[LeverPlan]) -> None:
    """In one line what is not in the total."""
    if levers:
        said = ", ".join(f"{each.lever} up to {show_dollars(not_in_total(each))}" for each in levers)
        _para(f"Not in that, and not to be added up, until you say or prove something: {said}.")


def _table(levers: Sequence[LeverPlan]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("", justify="right")
    table.add_column("strategy")
    for name in ("beside the others", "80 % between", "alone", "at most", "cheaper calls", "dearer"):
        table.add_column(name, justify="right")
    table.add_column("risk")
    for number, each in enumerate(levers, 1):
        bound = "up to " if each.is_bound else ""
        table.add_row(
            f"{number}", each.lever, bound + show_dollars(each.beside.likely),
            f"{show_dollars(each.beside.low)} and {show_dollars(each.beside.high)}", bound + show_dollars(each.alone.likely),
            show_dollars(at_most(each)) if each.is_bound or each.scenarios else "", f"{each.calls:,}", f"{each.dearer:,}", each.risk,
        )  # fmt: skip
    return table


def _order(found: Sequence[Stage]) -> None:
    if not found:
        _para("Nothing is worth switching on: no strategy is sure to save on these calls.")
        return
    click.echo("\nIn this order:")
    for number, stage in enumerate(found, 1):
        names = ", ".join(each.lever for each in stage.levers)
        click.echo(
            f"  {number}. {stage.title}: {names} ({amount_in_words(stage.saved, is_bound=stage.is_bound)} a month)"
        )
        for line in wrap(stage.way, WIDE - 5):
            click.echo(f"     {line}")


def _lever(lever: LeverPlan) -> None:
    _para(f"{lever.lever} ({lever.risk}; {lever.effort}): {MEANINGS[lever.risk]}. {lever.caution}")
    for line in lever.toml.splitlines():
        click.echo(f"    {printable(line)}" if line else "")
    for scenario in lever.scenarios:
        _indented(f"if {scenario.what}: {show_dollars(scenario.a_month)} a month; {scenario.consequence}")
    for settled in settles(lever):
        _indented(f"what settles it: {settled}")
    for word, examples in (("such as", lever.examples[:2]), ("but", lever.against[:1])):
        for each in examples:
            click.echo(f"  {word} {_example(each)}")


def _indented(text: str) -> None:
    lines = wrap(printable(text), WIDE - 4)
    click.echo("\n".join(f"  {'  ' * bool(number)}{line}" for number, line in enumerate(lines)))


def _example(each: Example) -> str:
    of = f" of {printable(each.feature)}" if each.feature else ""
    return f"{printable(each.call)}{of}: {show_dollars(each.before)} -> {show_dollars(each.after)}"


def _sums(sums: Sequence[Saving], *, alone: bool) -> None:
    """Bounds by kind of calls; they do not add up with the table above, since they are about the same calls."""
    if not sums:
        if alone:
            _para("The sums show nothing that is worth a line.")
        return
    click.echo("\nAlso seen in these calls, each by itself, a month:")
    for each in sums:
        amount = show_dollars(each.a_month) if each.a_month is not None else f"up to {show_dollars(each.high)}"
        _para(f"{amount}  {each.lever} ({each.risk}): {printable(each.what)}")
        for line in wrap(f"rests on: {printable(each.why)}", WIDE - 4):
            click.echo(f"    {line}")
        for line in each.setting.splitlines():
            click.echo(f"    {printable(line)}")


def _sweep(sweep: Sweep) -> None:
    click.echo(f"\n{printable(sweep.setting)}, with everything on:\n")
    table = Table(box=None, pad_edge=False)
    for title in (sweep.setting, "a month", "saved", "80 % between", "from the cache", "another model"):
        table.add_column(title, justify="right")
    table.add_column("")
    dearest = max((each.cost for each in sweep.points), default=0)
    for name, each in zip(sweep.names(), sweep.points, strict=True):
        bar = "█" * round(24 * each.cost / dearest) if dearest else ""
        table.add_row(
            name, show_dollars(each.cost), show_dollars(each.saved.likely),
            f"{show_dollars(each.saved.low)} and {show_dollars(each.saved.high)}", f"{100 * each.hits:.1f} %",
            f"{100 * each.moved:.1f} %", bar,
        )  # fmt: skip
    print_table(table)


def _break_even(even: BreakEven) -> None:
    word = "cheaper" if even.own_dollars < even.api_dollars else "dearer"
    first = (
        f"they break even at {even.first_calls:,.0f} calls a month"
        if even.first_calls is not None
        else "they break even at no volume"
    )
    _para(
        f"Own GPUs: the {even.calls:,.0f} calls a month to {printable(even.api)} cost ${even.api_dollars:,.0f}; {even.own} on "
        f"{even.gpus} x {even.gpu} would cost ${even.own_dollars:,.0f}, {word}; {first}. They are cheaper in "
        f"{100 * even.cheaper:.0f} % of outcomes; in 80 % they save between {even.saved()}. Whether {even.own} is good enough for "
        "these calls is not in it; `farthing tco` has all of it."
    )
