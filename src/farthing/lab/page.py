"""A run's report as one HTML page that is whole in itself: it loads nothing and runs nothing. Every word of the prompt is
escaped."""

from collections.abc import Iterator
from html import escape

from farthing.lab.confirm import Mean
from farthing.lab.report import Report
from farthing.model.money import show_dollars

_STYLE = """
:root { --ink: #1b2430; --soft: #5b6675; --line: #d9dfe6; --tint: #f4f6f8; --gone: #9b2c2c; --gone-tint: #fdf1f0; --good: #1f6b3a; }
* { box-sizing: border-box; }
body { margin: 0; background: #e9edf1; color: var(--ink); font: 14px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { background: #fff; max-width: 60rem; margin: 24px auto; padding: 32px; border-radius: 6px; }
h1 { font-size: 22px; margin: 0 0 4px; overflow-wrap: anywhere; } h2 { font-size: 16px; margin: 28px 0 8px; }
p { margin: 6px 0; } .soft { color: var(--soft); } .verdict { font-size: 16px; font-weight: 600; } .good { color: var(--good); }
dl { display: flex; flex-wrap: wrap; gap: 8px 32px; margin: 18px 0; } dt { color: var(--soft); font-size: 12px; }
dd { margin: 0; font-size: 18px; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; } table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { text-align: left; font-size: 12px; color: var(--soft); border-bottom: 1px solid var(--ink); padding: 4px 8px; }
td { border-bottom: 1px solid var(--line); padding: 6px 8px; vertical-align: top; } .n { text-align: right; white-space: nowrap; }
td pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; font: 13px/1.45 ui-monospace, monospace; min-width: 14rem; }
tr.gone { background: var(--gone-tint); } tr.gone pre { color: var(--gone); text-decoration: line-through; }
pre.new { background: var(--tint); padding: 14px; white-space: pre-wrap; overflow-wrap: anywhere; border-radius: 4px; }
@media (max-width: 40rem) { main { margin: 0; padding: 16px; border-radius: 0; } }
"""


def page(report: Report) -> str:
    return "".join(_page(report))


def _page(report: Report) -> Iterator[str]:
    title = escape(f"The prompt {report.name}")
    yield (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body><main><h1>{title}</h1>"
        f'<p class="soft">on {escape(report.model)}, {report.plan.items:,} items a trial and as many fresh ones for the proof</p>'
        f'<p class="verdict{" good" if report.found.is_proved else ""}">{escape(report.verdict)}</p>'
    )
    if report.plan.doubt:
        yield f'<p class="soft">{escape(report.plan.doubt)}</p>'
    yield from _figures(report)
    yield from _proof(report)
    yield from _parts(report)
    yield from _arms(report)
    if report.found.order is not None and report.found.order.order:
        yield f"<p>Order of the examples: {escape(report.found.order.why)}</p>"
    if report.found.rewrite is not None:
        yield f"<p>Wording: {escape(report.found.rewrite.why)}</p>"
    kind = "The new prompt" if report.found.is_proved else "The prompt, unchanged"
    yield f'<h2>{kind}</h2><pre class="new">{escape(report.prompt)}</pre></main></body></html>\n'


def _figures(report: Report) -> Iterator[str]:
    whole, gone = report.tokens
    facts = [
        ("tokens that can go" if report.found.is_proved else "tokens that held at first", f"{gone:,} of {whole:,}")
    ]
    worth = report.worth
    if worth is not None:
        if worth.saved is not None:
            facts.append((f"saved a month, {worth.calls:,} calls", show_dollars(worth.saved)))
        facts.append(("saved in 1,000 calls", show_dollars(worth.saved_a_thousand)))
        facts.append(("of the prefix read from the cache", f"{100 * worth.prefix_cached:.0f} %"))
        if worth.pays_back_days is not None:
            facts.append(("pays back in", f"{worth.pays_back_days:,.1f} days"))
    facts.append((f"cost of the run, {report.calls:,} calls", show_dollars(report.spent)))
    facts.append(("answers that change by themselves", f"{100 * report.found.flips:.1f} %"))
    yield "<dl>"
    for name, value in facts:
        yield f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
    yield "</dl>"


def _proof(report: Report) -> Iterator[str]:
    proof = report.found.proof
    if proof is None:
        return
    yield '<h2>The proof</h2><div class="scroll"><table><tr><th></th><th class="n">right</th><th class="n">input tokens</th>'
    yield '<th class="n">output tokens</th><th class="n">as was asked</th></tr>'
    for name, mean in (("before", proof.before), ("after", proof.after)):
        yield f"<tr><td>{name}</td>{_means(mean)}</tr>"
    yield "</table></div>"


def _means(mean: Mean) -> str:
    parsed = "-" if mean.parsed is None else f"{100 * mean.parsed:.1f} %"
    return (
        f'<td class="n">{100 * mean.right:.1f} %</td><td class="n">{mean.in_tokens:,.0f}</td>'
        f'<td class="n">{mean.out_tokens:,.1f}</td><td class="n">{parsed}</td>'
    )


def _parts(report: Report) -> Iterator[str]:
    yield '<h2>Its parts</h2><div class="scroll"><table><tr><th>where</th><th>part</th><th class="n">tokens</th><th>why</th></tr>'
    goes = "goes" if report.found.is_proved else "would go"
    for line in report.lines:
        mark = ' class="gone"' if line.removed else ""
        yield (
            f'<tr{mark}><td>{escape(line.where)}</td><td><pre>{escape(line.text)}</pre></td><td class="n">{line.tokens:,}</td>'
            f"<td>{goes if line.removed else 'stays'}: {escape(line.why)}</td></tr>"
        )
    yield "</table></div>"


def _arms(report: Report) -> Iterator[str]:
    if not report.found.arms:
        return
    yield '<h2>Other ways of asking</h2><div class="scroll"><table><tr><th>arm</th><th class="n">right</th>'
    yield '<th class="n">input tokens</th><th class="n">output tokens</th><th class="n">as was asked</th><th></th></tr>'
    yield f"<tr><td>as it is</td>{_means(report.found.arms[0].before)}<td></td></tr>"
    for each in report.found.arms:
        taken = "taken" if each.name == report.found.variant.arm else each.words
        change = f"{100 * abs(each.saves):.1f} % {'cheaper' if each.saves >= 0 else 'dearer'}"
        yield f"<tr><td>{escape(each.name)}</td>{_means(each.after)}<td>{taken}, {change}</td></tr>"
    yield "</table></div>"
