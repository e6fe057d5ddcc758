"""A plan's levers as the page shows them: tiles, a drawing with intervals, a table, and stages with what could go wrong."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from farthing.dashboard.charts.chart import Chart
from farthing.dashboard.formats import count, money, percent
from farthing.dashboard.plan.kept import Found
from farthing.dashboard.table import Column, Row, Table
from farthing.dashboard.view import View
from farthing.finops.plans.document import Document, Happened
from farthing.finops.plans.happened import OFF
from farthing.finops.plans.stages import (
    MEANINGS,
    Stage,
    is_ready,
    is_worth_words,
    not_in_total,
    open_levers,
    ranked,
    saves_nothing,
    settles,
    stages,
)
from farthing.model.plan import Amount, Example, LeverPlan, Plan

LOOKS = {"lossless": "good", "guarded": "warn", "needs proof": ""}
MOST_EXAMPLES = 3
COLUMNS = (
    Column("lever", "Strategy"),
    Column("beside", "Beside the others", "money", "What is lost if it is left out of all"),
    Column("between", "80 % between", "exact"),
    Column("alone", "Alone", "money", "If it were the only one"),
    Column("calls", "Cheaper calls", "count"),
    Column("dearer", "Dearer", "count"),
    Column("risk", "Answers"),
    Column("effort", "Effort", "prose"),
)


class Shown(NamedTuple):
    """One lever in its stage."""

    plan: LeverPlan
    amount: str
    between: str
    look: str
    meaning: str
    is_ready: bool
    """Whether its settings can be proposed as they are."""
    examples: list[tuple[str, str, str, str]]
    """Id, feature, before, after; those that it makes dearer last."""
    settles: list[str]
    """What would tell which of its scenarios holds, without marks of code."""


def tiles(view: View, found: Found) -> list[dict[str, str]]:
    document = found.document
    assert document is not None
    plan = document.plan
    shown = [
        {
            "title": "A month, as it was",
            "value": money(plan.a_month),
            "note": f"{count(plan.calls)} calls, {count(plan.replayed)} of them asked again",
        }
    ]
    if plan.replayed:
        share = (
            f", {percent(plan.together.likely / plan.a_month, 0)}"
            if plan.a_month and plan.replayed == plan.calls
            else ""
        )
        shown.append(
            {"title": "Saved, everything on", "value": money(plan.together.likely), "note": f"{between(plan.together)} in 8 of 10 months{share}",
             "state": "good" if plan.together.low > 0 else ""}
        )  # fmt: skip
        safe = [each for each in plan.levers if each.risk == "lossless" and not each.is_bound and each.beside.low > 0]
        shown.append(
            {"title": "Without changing an answer", "value": money(sum(each.beside.likely for each in safe)),
             "note": ", ".join(each.lever for each in safe) or "nothing that is lossless saves for sure"}
        )  # fmt: skip
        shown += _open(plan)
    if found.since is not None:
        shown.append(_since(found.since))
    return shown


def _open(plan: Plan) -> list[dict[str, str]]:
    """What is in no total until somebody says or proves something."""
    found = open_levers(plan)
    note = "; ".join(f"{each.lever} up to {money(not_in_total(each))}" for each in found)
    tile = {
        "title": "More, once said or proved",
        "value": f"up to {money(not_in_total(found[0]))}" if found else "",
        "note": f"{note}; they overlap" if found[1:] else note,
    }
    return [tile] if found else []


def _since(since: Happened) -> dict[str, str]:
    on = [each for each in since.outcomes if each.verdict != OFF]
    total = sum(each.happened for each in on)
    planned = sum(each.planned.likely for each in on)
    note = (
        f"{money(planned)} was planned for {', '.join(each.lever for each in on)}"
        if on
        else "nothing of the plan was switched on"
    )
    return {"title": "Happened since", "value": money(total if on else None), "note": note, "href": "#happened"}


def between(amount: Amount) -> str:
    return f"{money(amount.low)} to {money(amount.high)}"


def drawing(plan: Plan) -> Chart:
    rows = [_bar(each) for each in ranked(plan)]
    return Chart(
        "intervals",
        "Saved a month, each beside the others",
        _said(plan),
        rows,
        {"title": "dollars a month, with 80 % intervals"},
    )


def _bar(lever: LeverPlan) -> dict[str, Any]:
    amount, bound = lever.beside, "up to " if lever.is_bound else ""
    return {
        "name": lever.lever, "likely": amount.likely / 1e9, "low": amount.low / 1e9, "high": amount.high / 1e9, "bound": lever.is_bound,
        "said": f"{lever.lever}: {bound}{money(amount.likely)}, 80 % between {money(amount.low)} and {money(amount.high)}",
    }  # fmt: skip


def _said(plan: Plan) -> str:
    return "; ".join(_bar(each)["said"] for each in ranked(plan)) + "."


def table(plan: Plan) -> Table:
    rows = [
        Row(
            (each.lever, each.beside.likely, between(each.beside), each.alone.likely, each.calls, each.dearer or None,
             each.risk, each.effort),
            href=f"#lever-{number}", mark="quiet" if each.is_bound or each.beside.low <= 0 else "",
        )
        for number, each in enumerate(ranked(plan), 1)
    ]  # fmt: skip
    nothing = saves_nothing(plan)
    beside = f" Nothing on these calls: {', '.join(nothing)}." if nothing else ""
    note = (
        "Quiet lines are bounds, or not sure to save. Where two strategies save on the same calls, alone is more than beside the others."
        + beside
    )
    return Table(
        "levers", "Strategies, dollars a month", COLUMNS, rows, empty="No call could be asked again.", note=note
    )


def staged(document: Document) -> list[tuple[Stage, list[Shown]]]:
    return [(stage, [_shown(each) for each in stage.levers]) for stage in stages(document.plan)]


def unsure(document: Document) -> list[Shown]:
    """Those in no stage that might save."""
    inside = {each.lever for stage in stages(document.plan) for each in stage.levers}
    return [_shown(each) for each in ranked(document.plan) if each.lever not in inside and is_worth_words(each)]


def _shown(lever: LeverPlan) -> Shown:
    bound = "up to " if lever.is_bound else ""
    examples = [*lever.examples[:MOST_EXAMPLES], *lever.against[:1]]
    return Shown(
        lever, f"{bound}{money(lever.beside.likely)}", between(lever.beside), LOOKS[lever.risk], MEANINGS[lever.risk], is_ready(lever),
        [_example(each) for each in examples], [each.replace("`", "") for each in settles(lever)],
    )  # fmt: skip


def _example(each: Example) -> tuple[str, str, str, str]:
    return each.call, each.feature, money(each.before), money(each.after)


def sums(document: Document) -> Table:
    columns = (
        Column("lever", "Strategy"), Column("what", "What", "prose"), Column("a_month", "Estimate a month", "money"),
        Column("high", "At most", "money"), Column("risk", "Answers"), Column("why", "Rests on", "prose"), Column("setting", "Setting", "prose"),
    )  # fmt: skip
    rows = [
        Row((each.lever, each.what, each.a_month, each.high, each.risk, each.why, each.setting))
        for each in document.sums
    ]
    note = "Each by itself, from single calls or sums of four weeks; about the same calls, so nothing of it adds to what is above."
    return Table("sums", "Also seen in these calls", columns, rows, empty="Nothing else is worth a line.", note=note)


def outcomes(since: Happened) -> Table:
    columns = (
        Column("lever", "Strategy"), Column("planned", "Planned", "money"), Column("between", "80 % between", "exact"),
        Column("before", "Booked before", "money"), Column("after", "Booked since", "money"), Column("happened", "Happened", "money"),
        Column("verdict", "So it is"),
    )  # fmt: skip
    rows = [
        Row(
            (each.lever, each.planned.likely, between(each.planned), each.before, each.after, each.happened, each.verdict),
            mark="bad" if each.verdict == "less than planned" else "quiet" if each.verdict == OFF else "good",
        )
        for each in since.outcomes
    ]  # fmt: skip
    note = (
        f"Dollars a month, as booked, at today's traffic: {since.traffic:.2f} times that of the plan's days. Proof is in the hold-outs, on "
        "the overview."
    )
    return Table("happened", "Planned against what happened", columns, rows, note=note)


def swept(document: Document) -> Sequence[Table]:
    columns = (
        Column("value", "Value"), Column("cost", "A month", "money"), Column("saved", "Saved", "money"), Column("between", "80 % between", "exact"),
        Column("hits", "From the cache", "percent"), Column("moved", "Another model", "percent"),
    )  # fmt: skip
    return [
        Table(
            f"sweep-{number}", f"{sweep.setting}, everything on", columns,
            [
                Row((name, each.cost, each.saved.likely, between(each.saved), each.hits, each.moved))
                for name, each in zip(sweep.names(), sweep.points, strict=True)
            ],
        )
        for number, sweep in enumerate(document.sweeps, 1)
    ]  # fmt: skip
