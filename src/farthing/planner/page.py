"""A plan as one HTML page that is whole in itself: it loads nothing and runs nothing. Every word of a log is escaped."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape

from farthing.finops.next_savings import Saving
from farthing.finops.plans.document import BreakEven, Document, Happened, Sweep
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
from farthing.model.money import Nano, show_dollars
from farthing.model.plan import Amount, Example, LeverPlan, Plan, Scenario

_STYLE = """
:root { --ink: #1b2430; --soft: #5b6675; --line: #d9dfe6; --tint: #f4f6f8; --page: #fff; --around: #e9edf1; --bar: #2f6f9f; --span: #9cc3df;
  --safe: #1d6b3a; --some: #7a5200; --muted: var(--soft); --paper: var(--page); --accent: var(--bar); --series-2: #a65a00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ed; --soft: #9aa5b2; --line: #38424e; --tint: #232b34; --page: #1a2027;
  --around: #12161b; --bar: #6db3e4; --span: #2f5876; --safe: #7cc796; --some: #dfb05a; --series-2: #e8a04c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--around); color: var(--ink); font: 14px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { background: var(--page); max-width: 60rem; margin: 24px auto; padding: 32px; border-radius: 6px; }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 16px; margin: 28px 0 8px; overflow-wrap: anywhere; }
h3 { font-size: 13px; margin: 18px 0 4px; overflow-wrap: anywhere; } p { margin: 6px 0; overflow-wrap: anywhere; } .soft { color: var(--soft); }
dl { display: flex; flex-wrap: wrap; gap: 8px 32px; margin: 18px 0; } dt { color: var(--soft); font-size: 12px; }
dd { margin: 0; font-size: 18px; font-variant-numeric: tabular-nums; } dd small { font-size: 12px; color: var(--soft); display: block; }
.scroll { overflow-x: auto; } td { overflow-wrap: anywhere; } .n, .risk { overflow-wrap: normal; } table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { text-align: left; font-size: 12px; color: var(--soft); border-bottom: 1px solid var(--ink); padding: 4px 8px; }
td { border-bottom: 1px solid var(--line); padding: 6px 8px; vertical-align: top; } .n { text-align: right; white-space: nowrap; }
pre { background: var(--tint); padding: 12px; white-space: pre-wrap; overflow-wrap: anywhere; border-radius: 4px; }
svg { display: block; width: 11rem; max-width: 100%; min-width: 8rem; height: 14px; } .span { fill: var(--span); } .likely { fill: var(--bar); } .zero { stroke: var(--soft); }
@media (max-width: 40rem) { main { margin: 0; padding: 16px; border-radius: 0; } }
.chart svg { width: 100%; height: auto; } .risk { white-space: nowrap; } .lossless { color: var(--safe); } .guarded { color: var(--some); }
ol { padding-left: 20px; margin: 8px 0; } ol li { margin: 10px 0; } li b { font-weight: 600; } ul { padding-left: 20px; margin: 6px 0; }
details { margin: 10px 0; } summary { cursor: pointer; font-weight: 600; overflow-wrap: anywhere; } .big { font-size: 26px; }
@media print { body { background: none; } main { margin: 0; padding: 0; max-width: none; } section { break-inside: avoid; } }
"""
_WIDE = 200
_SETTING = re.compile("`([^`]+)`")
Drawing = tuple[str, str]
"""A title, and an `<svg>` element of our own."""


def page(found: Document, drawings: Sequence[Drawing] = ()) -> str:
    """`drawings`: the curves of the sweeps."""
    return "".join(_page(found, drawings))


def _page(found: Document, drawings: Sequence[Drawing]) -> Iterator[str]:
    plan = found.plan
    yield (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>What could be saved</title><style>{_STYLE}</style></head><body><main><h1>What could be saved</h1>"
        f'<p class="soft">{plan.calls:,} calls from {_day(plan.since_us)} to {_day(plan.until_us)}, {plan.replayed:,} of them replayed</p>'
    )
    if found.scenario:
        yield f"<p>Assumed: {escape('; '.join(found.scenario))}.</p>"
    yield from _figures(plan)
    if plan.replayed:
        yield from _table(ranked(plan))
        if nothing := saves_nothing(plan):
            yield f'<p class="soft">Nothing on these calls: {escape(", ".join(nothing))}.</p>'
        yield from _stages(stages(plan))
        yield "<h2>What each does, and what could go wrong</h2>"
        for lever in filter(is_worth_words, ranked(plan)):
            yield from _lever(lever)
    yield from _sums(found.sums)
    yield from _sweeps(found.sweeps, drawings)
    if found.break_even is not None:
        yield from _break_even(found.break_even)
    if found.happened is not None:
        yield from _happened(found.happened)
    yield from _unsaid(found)
    yield "</main></body></html>\n"


def _day(at_us: int) -> str:
    return f"{datetime.fromtimestamp(at_us / 1e6, UTC):%Y-%m-%d}"


def _figures(plan: Plan) -> Iterator[str]:
    yield f'<dl><div><dt>a month, as it was</dt><dd class="big">{show_dollars(plan.a_month)}</dd></div>'
    if plan.replayed:
        share = (
            f", {100 * plan.together.likely / plan.a_month:.0f} %"
            if plan.a_month and plan.replayed == plan.calls
            else ""
        )
        yield (
            f'<div><dt>saved a month, all together</dt><dd class="big">{show_dollars(plan.together.likely)}'
            f"<small>8 of 10 months like this: {_between(plan.together)}{share}</small></dd></div>"
        )
        safe = [each for each in plan.levers if each.risk == "lossless" and not each.is_bound and each.beside.low > 0]
        yield (
            f'<div><dt>of it without changing an answer</dt><dd class="big">{show_dollars(sum(each.beside.likely for each in safe))}'
            f"<small>{escape(', '.join(each.lever for each in safe)) or 'nothing'}</small></dd></div>"
        )
        if found := open_levers(plan):
            yield (
                f'<div><dt>more, once you say or prove it</dt><dd class="big">up to {show_dollars(not_in_total(found[0]))}'
                f"<small>{escape(', '.join(f'{each.lever} up to {show_dollars(not_in_total(each))}' for each in found))}; they overlap</small></dd></div>"
            )
    yield "</dl>"


def _between(amount: Amount) -> str:
    return f"{show_dollars(amount.low)} to {show_dollars(amount.high)}"


def _table(levers: Sequence[LeverPlan]) -> Iterator[str]:
    yield (
        '<h2>By strategy, dollars a month</h2><div class="scroll"><table><tr><th></th><th>strategy</th><th class="n">beside the others</th>'
        '<th>80 % between</th><th class="n">alone</th><th class="n">at most</th><th class="n">cheaper calls</th><th class="n">dearer</th></tr>'
    )
    low, high = (
        min((0, *(each.beside.low for each in levers))),
        max((1, *(each.beside.high for each in levers))),
    )
    for number, each in enumerate(levers, 1):
        bound = "up to " if each.is_bound else ""
        yield (
            f'<tr><td>{number}</td><td>{escape(each.lever)}<br>{_risk(each)}</td><td class="n">{bound}{show_dollars(each.beside.likely)}</td>'
            f"<td>{_between(each.beside)}{_bar(each.beside, low, high)}</td>"
            f'<td class="n">{bound}{show_dollars(each.alone.likely)}</td>'
            f'<td class="n">{show_dollars(at_most(each)) if each.is_bound or each.scenarios else ""}</td><td class="n">{each.calls:,}</td>'
            f'<td class="n">{each.dearer:,}</td></tr>'
        )
    yield '</table></div><p class="soft">Beside the others: what is lost if it is left out of all. Alone: if it were the only one. At most: if all holds that nobody knows yet.</p>'


def _risk(lever: LeverPlan) -> str:
    return f'<span class="risk {escape(lever.risk.replace(" ", "-"))}" title="{escape(MEANINGS[lever.risk])}">{escape(lever.risk)}</span>'


def _bar(amount: Amount, low: Nano, high: Nano) -> str:
    """The interval and its middle, on the scale of all."""

    def place(nano: Nano) -> float:
        return _WIDE * (nano - low) / (high - low)

    begin, end, likely, zero = place(amount.low), place(amount.high), place(amount.likely), place(0)
    return (
        f'<svg viewBox="0 0 {_WIDE} 14" role="img" aria-label="{_between(amount)}">'
        f'<rect class="span" x="{begin:.1f}" y="4" width="{max(end - begin, 1):.1f}" height="6"/>'
        f'<rect class="likely" x="{min(max(likely - 1.5, 0), _WIDE - 3):.1f}" y="1" width="3" height="12"/>'
        f'<line class="zero" x1="{zero:.1f}" x2="{zero:.1f}" y1="0" y2="14"/></svg>'
    )


def _stages(found: Sequence[Stage]) -> Iterator[str]:
    yield "<h2>In which order</h2>"
    if not found:
        yield "<p>Nothing is worth switching on: no strategy is sure to save on these calls.</p>"
        return
    yield "<ol>"
    for stage in found:
        names = ", ".join(each.lever for each in stage.levers)
        yield (
            f"<li><b>{escape(stage.title)}: {escape(names)}</b>, {amount_in_words(stage.saved, is_bound=stage.is_bound)} a month"
            f'<br><span class="soft">{escape(stage.way)}</span></li>'
        )
    yield "</ol>"


def _lever(lever: LeverPlan) -> Iterator[str]:
    yield f"<section><details open><summary>{escape(lever.lever)}</summary><p>{escape(lever.caution)}</p>"
    yield f'<p class="soft">{_risk(lever)}: {escape(MEANINGS[lever.risk])}; {escape(lever.effort)}</p><pre>{escape(lever.toml)}</pre>'
    if lever.scenarios:
        yield "<ul>"
        yield from map(_scenario, lever.scenarios)
        yield "</ul>"
        yield from (f"<p>What settles it: {_code(settled)}.</p>" for settled in settles(lever))
    if lever.examples or lever.against:
        yield '<div class="scroll"><table><tr><th>call</th><th>feature</th><th class="n">was</th><th class="n">would be</th></tr>'
        yield from map(_example, (*lever.examples, *lever.against))
        yield "</table></div>"
    yield "</details></section>"


def _scenario(each: Scenario) -> str:
    return f"<li>If {escape(each.what)}: <b>{show_dollars(each.a_month)} a month</b>; {_code(each.consequence)}.</li>"


def _code(text: str) -> str:
    """Escaped, names of settings as code."""
    return _SETTING.sub(r"<code>\1</code>", escape(text))


def _example(each: Example) -> str:
    return (
        f'<tr><td>{escape(each.call)}</td><td>{escape(each.feature)}</td><td class="n">{show_dollars(each.before)}</td>'
        f'<td class="n">{show_dollars(each.after)}</td></tr>'
    )


def _sums(sums: Sequence[Saving]) -> Iterator[str]:
    if not sums:
        return
    yield '<h2>Also seen in these calls</h2><p class="soft">Each by itself, from single calls or sums of four weeks; about the same calls, so they do not add to what is above.</p>'
    yield '<div class="scroll"><table><tr><th class="n">a month</th><th>what</th><th>rests on</th></tr>'
    for each in sums:
        amount = show_dollars(each.a_month) if each.a_month is not None else f"up to {show_dollars(each.high)}"
        yield (
            f'<tr><td class="n">{amount}</td><td>{escape(each.lever)} ({escape(each.risk)}): {escape(each.what)}'
            f"{f'<pre>{escape(each.setting)}</pre>' if each.setting else ''}</td><td>{escape(each.why)}</td></tr>"
        )
    yield "</table></div>"


def _sweeps(sweeps: Sequence[Sweep], drawings: Sequence[Drawing]) -> Iterator[str]:
    if sweeps:
        yield "<h2>One setting at several values</h2>"
    for title, drawing in drawings:
        yield f'<h3>{escape(title)}</h3><div class="chart">{drawing}</div>'
    for sweep in sweeps:
        yield f'<div class="scroll"><table><tr><th>{escape(sweep.setting)}</th><th class="n">a month</th><th class="n">saved</th>'
        yield '<th class="n">80 % between</th><th class="n">from the cache</th><th class="n">another model</th></tr>'
        for name, each in zip(sweep.names(), sweep.points, strict=True):
            yield (
                f'<tr><td>{escape(name)}</td><td class="n">{show_dollars(each.cost)}</td><td class="n">{show_dollars(each.saved.likely)}</td>'
                f'<td class="n">{_between(each.saved)}</td><td class="n">{100 * each.hits:.1f} %</td><td class="n">{100 * each.moved:.1f} %</td></tr>'
            )
        yield "</table></div>"


def _break_even(even: BreakEven) -> Iterator[str]:
    first = f"{even.first_calls:,.0f} calls a month" if even.first_calls is not None else "no volume"
    yield (
        f"<h2>On own GPUs</h2><dl><div><dt>{escape(even.api)}, {even.calls:,.0f} calls a month</dt><dd>${even.api_dollars:,.0f}</dd></div>"
        f"<div><dt>{escape(even.own)} on {even.gpus} x {escape(even.gpu)}</dt><dd>${even.own_dollars:,.0f}</dd></div>"
        f"<div><dt>break-even at</dt><dd>{first}</dd></div></dl>"
        f'<p class="soft">Cheaper in {100 * even.cheaper:.0f} % of outcomes; in 80 % they save between {even.saved()}. '
        "Whether that model is good enough for these calls is not in it.</p>"
    )


def _happened(found: Happened) -> Iterator[str]:
    yield (
        f'<h2>Planned against what happened</h2><p class="soft">The plan of {_day(found.made_us)}, and the days until {_day(found.until_us)}, with '
        f"{found.traffic:.2f} times the traffic. Dollars a month, as booked.</p>"
        '<div class="scroll"><table><tr><th>strategy</th><th class="n">planned</th><th class="n">80 % between</th><th class="n">happened</th><th></th></tr>'
    )
    for each in found.outcomes:
        yield (
            f'<tr><td>{escape(each.lever)}</td><td class="n">{show_dollars(each.planned.likely)}</td><td class="n">{_between(each.planned)}</td>'
            f'<td class="n">{show_dollars(each.happened)}</td><td>{escape(each.verdict)}</td></tr>'
        )
    yield "</table></div>"


def _unsaid(found: Document) -> Iterator[str]:
    left = [f"{count:,} calls were not asked again: {why}" for why, count in found.plan.left_out.items()]
    every = [*left, *found.plan.notes, *found.gaps]
    if every:
        yield "<h2>What cannot be said</h2><ul>"
        yield from (f"<li>{escape(each)}</li>" for each in every)
        yield "</ul>"
