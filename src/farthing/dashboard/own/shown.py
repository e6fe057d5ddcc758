"""A comparison in tiles, tables, a chart and words. Dollars a month become nano-dollars here, to be shown as other amounts."""

from collections.abc import Iterator, Sequence
from typing import Any

from farthing.dashboard.charts.chart import Chart
from farthing.dashboard.formats import count, money, percent
from farthing.dashboard.own.asked import ENGINE
from farthing.dashboard.own.comparing import GOAL, STORAGE_GB, Compared
from farthing.dashboard.table import Column, Row, Table
from farthing.selfhost.tco.own_side import own_cost
from farthing.selfhost.tco.report import Case, Step, staircase

NANO = 1e9
BILL_COLUMNS = (Column("part", "A month"), Column("api", "API", "money"), Column("own", "Own GPUs", "money"))
STEP_COLUMNS = (
    Column("replicas", "Replicas", "count"), Column("gpus", "GPUs", "count"), Column("own", "Own, a month", "money"),
    Column("serves", "Serves calls a month", "count", "At the week's shape, as sized below."), Column("api", "API for these", "money"),
    Column("cheaper", "Cheaper, when full"),
)  # fmt: skip
BAR_COLUMNS = (
    Column("input", "Input"), Column("low", "Low", "exact"), Column("saved_low", "Saved then", "money"),
    Column("high", "High", "exact"), Column("saved_high", "Saved then", "money"),
)  # fmt: skip
MOST_STEPS = 60
"""Of a staircase in the chart: finer ones look like a line."""
SHOWN_STEPS, AROUND = 4, 2
"""Of a staircase in the table: the first ones, and so many before and after the fleet that is needed."""
AHEAD = 1.25
"""How far beyond what matters the chart goes."""


def nano(dollars: float) -> int:
    return round(dollars * NANO)


def tiles(each: Compared) -> list[dict[str, str]]:
    found, sure, fleet = each.found, each.sure, each.found.fleet
    cheaper = found.saved > 0
    return [
        {
            "title": f"Own GPUs {'save' if cheaper else 'cost more by'}, a month", "value": money(nano(abs(found.saved))),
            "note": f"80 % of outcomes: {_gain(sure.saved_low)} to {_gain(sure.saved_high)}; cheaper in {percent(sure.cheaper, 0)} of them",
            "state": "good" if cheaper else "bad",
        },
        {"title": "The API, a month", "value": money(nano(found.api.total)), "note": f"{each.api}; {_small(found.api_per_task)} a call"},
        {
            "title": "Own GPUs, a month", "value": money(nano(found.own.total)),
            "note": f"{money(nano(sure.own_low))} to {money(nano(sure.own_high))}; {_small(found.own_per_task)} a call",
        },
        {
            "title": "Fleet", "value": f"{fleet.gpus} {each.asked.gpu}",
            "note": f"{fleet.replicas} replicas of {found.replica.gpus}, {fleet.spares} of them spare; used to {percent(fleet.utilisation)}",
        },
        {"title": "Break-even, calls a month", **break_even(each)},
    ]  # fmt: skip


def break_even(each: Compared) -> dict[str, str]:
    """Value and note: reached by a fleet that serves so much, or not at all."""
    even, calls = each.found.break_even, each.case.demand.calls
    unreachable = f"the smallest fleet's bill meets the API's at {count(even.unreachable * calls)} calls, which it cannot serve" if even.unreachable is not None else ""  # fmt: skip
    if even.first is None:
        return {"value": "not reached", "note": unreachable or "at no volume that such a fleet serves"}
    lasting = (
        "" if even.lasting == even.first
        else f"; always from {count(even.lasting * calls)} on" if even.lasting is not None else "; not at every larger volume"
    )  # fmt: skip
    note = f"{even.first:,.3g} times these calls, on {even.first_gpus} GPUs{lasting}"
    return {"value": f"{count(even.first * calls)}", "note": f"{note}; {unreachable}" if unreachable else note}  # fmt: skip


def _gain(dollars: float) -> str:
    if dollars == float("-inf"):
        return "not served"
    return f"{money(nano(abs(dollars)))} {'saved' if dollars >= 0 else 'lost'}"


def _small(dollars: float) -> str:
    return f"${dollars:,.4f}" if dollars >= 0.001 else f"${dollars:.6f}"


def bills(each: Compared) -> Table:
    api, own = each.found.api, each.found.own
    parts: list[tuple[str, float | None, float | None]] = [
        ("Input", api.input, None), ("Cached input", api.cached, None), ("Output", api.output, None), ("GPUs, all hours of the month", None, own.gpus),
        ("Storage", None, own.storage), ("Engineers", None, own.engineers), ("Network", None, own.egress),
    ]  # fmt: skip
    rows = [Row((name, *map(_cell, amounts))) for name, *amounts in parts if any(amounts)]
    total = Row(("Total", nano(api.total), nano(own.total)), mark="total")
    return Table("bills", "API beside own GPUs", BILL_COLUMNS, [*rows, total])


def _cell(dollars: float | None) -> int | None:
    return None if dollars is None else nano(dollars)


def steps(each: Compared) -> Table:
    case, found = each.case, each.found
    rows = []
    shown = [step for no, step in enumerate(found.staircase) if no < SHOWN_STEPS or abs(step.replicas - found.fleet.replicas) <= AROUND]  # fmt: skip
    for step in shown:
        calls, api = _served(case, step), api_at(each, _served(case, step))
        word = "own" if step.dollars < api else "API"
        is_now = step.gpus == found.fleet.gpus
        rows.append(
            Row((step.replicas, step.gpus, nano(step.dollars), round(calls), nano(api), f"{word}{', this fleet' if is_now else ''}"), mark="good" if is_now else "")
        )  # fmt: skip
    return Table("steps", "Each size of the fleet", STEP_COLUMNS, rows, note="A replica is bought whole, so the bill rises in steps. A full fleet is the best case.")  # fmt: skip


def _served(case: Case, step: Step) -> float:
    """Calls a month."""
    return step.serves / case.demand.output_tokens


def api_at(each: Compared, calls: float) -> float:
    """Dollars a month that the API takes for so many calls of this kind."""
    api = each.found.api
    return api.total - api.of_calls + api.of_calls * calls / each.case.demand.calls


def bars(each: Compared) -> Table:
    rows = [Row((bar.name, bar.low, _saved(bar.saved_low), bar.high, _saved(bar.saved_high))) for bar in each.bars]
    return Table("tornado", "What moves the result most", BAR_COLUMNS, rows, note="One input at a time; what own GPUs save a month then, below nothing where they are dearer.")  # fmt: skip


def _saved(dollars: float) -> int | None:
    return None if abs(dollars) == float("inf") else nano(dollars)


def chart(each: Compared) -> Chart:
    case, even = each.case, each.found.break_even
    now = case.demand.calls
    reached = even.first * now if even.first is not None else None
    most = AHEAD * max(now, reached or 0.0, _served(case, each.found.staircase[0]) if reached is None else 0.0)
    rows = list(_stairs(each, most))
    marks = [{"calls": now, "name": "these calls", "said": f"these calls: {count(now)} a month, API {money(nano(each.found.api.total))}, own {money(nano(each.found.own.total))}"}]  # fmt: skip
    if reached is not None:
        marks.append({"calls": reached, "name": "break-even", "said": f"break-even: {count(reached)} calls a month"})
    api = [{"calls": calls, "dollars": api_at(each, calls), "said": f"API: {money(nano(api_at(each, calls)))} for {count(calls)} calls"} for calls in (0.0, most)]  # fmt: skip
    word = break_even(each)
    said = (
        f"At {count(now)} calls a month the API costs {money(nano(each.found.api.total))} and own GPUs {money(nano(each.found.own.total))}. "
        f"Break-even, in calls a month: {word['value']}, {word['note']}."
    )  # fmt: skip
    return Chart(
        "break_even", "Dollars a month by calls a month", said, rows, {"api": api, "marks": marks, "most": most}
    )


def _stairs(each: Compared, most: float) -> Iterator[dict[str, Any]]:
    """The fleet's bill from step to step, up to so many calls."""
    case = each.case
    a_replica = _served(case, each.found.staircase[0])
    needed = int(most / a_replica) + 1
    stride, before = max(1, needed // MOST_STEPS), 0.0
    found: Sequence[Step] = list(staircase(case, needed + case.sizing.spares)) if needed <= MOST_STEPS else [_step(case, a_replica, at) for at in range(stride, needed + stride, stride)]  # fmt: skip
    for step in found:
        until = min(most, _served(case, step))
        if until > before:
            yield {"from": before, "to": until, "dollars": step.dollars, "said": f"own: {step.gpus} GPUs, {money(nano(step.dollars))} a month, up to {count(_served(case, step))} calls"}  # fmt: skip
        before = until


def _step(case: Case, a_replica: float, serving: int) -> Step:
    gpus = (serving + case.sizing.spares) * case.replica.gpus
    dollars = own_cost(case.own, gpus).total
    return Step(serving + case.sizing.spares, gpus, dollars, a_replica * serving * case.demand.output_tokens)


def assumed(each: Compared) -> list[str]:
    """What the figures rest on, in sentences."""
    case, asked, replica = each.case, each.asked, each.found.replica
    demand, sizing, own = case.demand, case.sizing, case.own
    grown = f", times {asked.growth:,.4g}" if asked.growth != 1 else ""
    said = [
        f"Demand: {demand.source}{grown}: {count(demand.calls)} calls a month, {demand.input_tokens:,.0f} tokens in ({percent(demand.cached_share, 0)} cached), {demand.output_tokens:,.0f} out; the busiest hour of the week has {demand.peak_to_mean:.1f} times the mean.",
        f"API: today's list and contracts for {case.prices.source}: ${case.prices.input:g} in, ${case.prices.output:g} out a million; no batches.",
        f"Speed: {replica.tokens_s:,.0f} output tokens a second of a replica, {replica.low:,.0f} to {replica.high:,.0f} in 80 % of cases ({replica.how}).",
    ]  # fmt: skip
    if not asked.tokens_s:
        said.append(f"{asked.own} as {asked.format} on {ENGINE}; at most {GOAL.ttft_s:g} s to the first token and {1000 * GOAL.tpot_s:g} ms from token to token.")  # fmt: skip
    said += [
        f"Fleet: sized for the busiest hour, of which {percent(sizing.headroom, 0)} of the speed may be used; {sizing.spares} spare replica; rented on demand, all hours of the month.",
        _price_words(each),
        f"People and the rest: {own.engineers:g} engineer{'' if own.engineers == 1 else 's'} at ${own.salary:,.0f} a year; {STORAGE_GB:g} GB of storage; no traffic out of the cloud.",
        "farthing tco takes more: both success rates, batches, delays, spot, reserved and bought GPUs, any model's folder.",
    ]  # fmt: skip
    return said


def _price_words(each: Compared) -> str:
    if each.offer is None:
        return f"A GPU hour: ${each.case.own.gpu_hour:,.2f}, as you said."
    offer = each.offer
    old = " It is old: farthing selfhost prices import reads newer ones." if offer.warning(each.today) else ""
    return f"A GPU hour: ${offer.median:,.2f}, the median of {offer.offers} offers of {offer.as_of} (${offer.low:,.2f} to ${offer.high:,.2f}; {offer.source}).{old}"  # fmt: skip


def noted(each: Compared) -> list[str]:
    """What a reader must know before believing the figures."""
    said = [f"Taken as equally good: {each.asked.own} and {each.api}. Measure both before you decide."]
    if not each.case.own.engineers:
        said.append("No engineer is counted, yet someone must run it.")
    if each.found.fleet.utilisation < 0.2:
        said.append(
            f"The fleet would be used to {percent(each.found.fleet.utilisation)}: most of what is paid is idle."
        )
    return said
