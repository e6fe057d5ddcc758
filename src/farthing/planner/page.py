"""A plan as one HTML page that is whole in itself: it loads nothing and runs nothing. Every word of a log is escaped."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape

from farthing.finops.next_savings import Saving
from farthing.model.money import Nano, show_dollars
from farthing.model.plan import Amount, Example, LeverPlan, Plan

_STYLE = """
:root { --ink: #1b2430; --soft: #5b6675; --line: #d9dfe6; --tint: #f4f6f8; --page: #fff; --around: #e9edf1; --bar: #2f6f9f; --span: #9cc3df; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ed; --soft: #9aa5b2; --line: #38424e; --tint: #232b34; --page: #1a2027;
  --around: #12161b; --bar: #6db3e4; --span: #2f5876; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--around); color: var(--ink); font: 14px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { background: var(--page); max-width: 60rem; margin: 24px auto; padding: 32px; border-radius: 6px; }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 16px; margin: 28px 0 8px; overflow-wrap: anywhere; }
p { margin: 6px 0; overflow-wrap: anywhere; } .soft { color: var(--soft); }
dl { display: flex; flex-wrap: wrap; gap: 8px 32px; margin: 18px 0; } dt { color: var(--soft); font-size: 12px; }
dd { margin: 0; font-size: 18px; font-variant-numeric: tabular-nums; } dd small { font-size: 12px; color: var(--soft); display: block; }
.scroll { overflow-x: auto; } table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { text-align: left; font-size: 12px; color: var(--soft); border-bottom: 1px solid var(--ink); padding: 4px 8px; }
td { border-bottom: 1px solid var(--line); padding: 6px 8px; vertical-align: top; } .n { text-align: right; white-space: nowrap; }
pre { background: var(--tint); padding: 12px; white-space: pre-wrap; overflow-wrap: anywhere; border-radius: 4px; }
svg { display: block; width: 12rem; height: 14px; } .span { fill: var(--span); } .likely { fill: var(--bar); } .zero { stroke: var(--soft); }
@media (max-width: 40rem) { main { margin: 0; padding: 16px; border-radius: 0; } }
@media print { body { background: none; } main { margin: 0; padding: 0; max-width: none; } section { break-inside: avoid; } }
"""
_WIDE = 200


def page(plan: Plan, sums: Sequence[Saving]) -> str:
    return "".join(_page(plan, sums))


def _page(plan: Plan, sums: Sequence[Saving]) -> Iterator[str]:
    yield (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>What could be saved</title><style>{_STYLE}</style></head><body><main><h1>What could be saved</h1>"
        f'<p class="soft">{plan.calls:,} calls from {_day(plan.since_us)} to {_day(plan.until_us)}, {plan.replayed:,} of them asked again</p>'
    )
    yield from _figures(plan)
    for note in (*(f"not asked again: {count:,} x {why}" for why, count in plan.left_out.items()), *plan.notes):
        yield f'<p class="soft">{escape(note)}</p>'
    if plan.replayed:
        yield from _table(plan.levers)
        for lever in plan.levers:
            if lever.alone.likely > 0:
                yield from _lever(lever)
    yield from _sums(sums)
    yield "</main></body></html>\n"


def _day(at_us: int) -> str:
    return f"{datetime.fromtimestamp(at_us / 1e6, UTC):%Y-%m-%d}"


def _figures(plan: Plan) -> Iterator[str]:
    yield f"<dl><div><dt>a month, as it was</dt><dd>{show_dollars(plan.a_month)}</dd></div>"
    if plan.replayed:
        yield (
            f"<div><dt>saved a month, all together</dt><dd>{show_dollars(plan.together.likely)}"
            f"<small>80 %: {_between(plan.together)}</small></dd></div>"
        )
    yield "</dl>"


def _between(amount: Amount) -> str:
    return f"{show_dollars(amount.low)} to {show_dollars(amount.high)}"


def _table(levers: Sequence[LeverPlan]) -> Iterator[str]:
    yield '<h2>By strategy, a month</h2><div class="scroll"><table><tr><th>strategy</th><th class="n">alone</th><th>80 % between</th><th></th>'
    yield '<th class="n">beside the others</th><th class="n">cheaper calls</th><th class="n">dearer</th><th>risk</th></tr>'
    low, high = (
        min((0, *(each.alone.low for each in levers))),
        max((1, *(each.alone.high for each in levers))),
    )
    for each in levers:
        bound = "up to " if each.is_bound else ""
        yield (
            f'<tr><td>{escape(each.lever)}</td><td class="n">{bound}{show_dollars(each.alone.likely)}</td>'
            f'<td class="n">{_between(each.alone)}</td><td>{_bar(each.alone, low, high)}</td>'
            f'<td class="n">{bound}{show_dollars(each.beside.likely)}</td><td class="n">{each.calls:,}</td>'
            f'<td class="n">{each.dearer:,}</td><td>{escape(each.risk)}</td></tr>'
        )
    yield "</table></div>"


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


def _lever(lever: LeverPlan) -> Iterator[str]:
    yield f"<section><h2>{escape(lever.lever)}</h2><p>{escape(lever.caution)}</p>"
    yield f'<p class="soft">{escape(lever.risk)}; {escape(lever.effort)}</p><pre>{escape(lever.toml)}</pre>'
    if lever.examples or lever.against:
        yield '<div class="scroll"><table><tr><th>call</th><th>feature</th><th class="n">was</th><th class="n">would be</th></tr>'
        yield from map(_example, (*lever.examples, *lever.against))
        yield "</table></div>"
    yield "</section>"


def _example(each: Example) -> str:
    return (
        f'<tr><td>{escape(each.call)}</td><td>{escape(each.feature)}</td><td class="n">{show_dollars(each.before)}</td>'
        f'<td class="n">{show_dollars(each.after)}</td></tr>'
    )


def _sums(sums: Sequence[Saving]) -> Iterator[str]:
    if not sums:
        return
    yield '<h2>By the sums of the last four weeks</h2><p class="soft">About the same calls, so they do not add to what is above.</p>'
    yield '<div class="scroll"><table><tr><th class="n">a month</th><th>what</th><th>rests on</th></tr>'
    for each in sums:
        amount = show_dollars(each.a_month) if each.a_month is not None else f"up to {show_dollars(each.high)}"
        yield (
            f'<tr><td class="n">{amount}</td><td>{escape(each.lever)} ({escape(each.risk)}): {escape(each.what)}'
            f"{f'<pre>{escape(each.setting)}</pre>' if each.setting else ''}</td><td>{escape(each.why)}</td></tr>"
        )
    yield "</table></div>"
