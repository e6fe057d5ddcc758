"""Statements as one HTML page for screen and paper: a summary, then a sheet for each payer. The page is whole in itself: it
loads nothing, runs nothing, and says so to the browser. Every word of a caller is escaped."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from html import escape

from farthing.finops.statement.statement import KEYS, Other, Statement, Statements, Used
from farthing.finops.statement.table import day_name
from farthing.model.money import Nano, show_dollars
from farthing.store.rollups import DAY_US, month_of

MOST_ROWS = 40
"""Rows of one sheet's table; what is beyond is summed in its last row. The CSV has all."""

_STYLE = """
:root { --ink: #1b2430; --soft: #5b6675; --line: #d9dfe6; --tint: #f4f6f8; --bar: #2f6f8f; --warn: #8a5a00; }
* { box-sizing: border-box; }
body { margin: 0; background: #e9edf1; color: var(--ink); font: 14px/1.45 system-ui, -apple-system, "Segoe UI", sans-serif; }
section { background: #fff; max-width: 210mm; margin: 24px auto; padding: 18mm 16mm; border-radius: 6px;
  box-shadow: 0 1px 4px rgb(0 0 0 / 12%); }
header { display: flex; justify-content: space-between; align-items: flex-end; gap: 24px; border-bottom: 2px solid var(--ink);
  padding-bottom: 10px; margin-bottom: 18px; }
h1 { font-size: 22px; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 14px; margin: 22px 0 6px; }
p { margin: 6px 0; color: var(--soft); }
.kicker { color: var(--soft); font-size: 12px; letter-spacing: .04em; text-transform: uppercase; margin: 0 0 4px; }
.sum { text-align: right; white-space: nowrap; } .sum b { display: block; font-size: 26px; line-height: 1.1; }
.facts { display: flex; flex-wrap: wrap; gap: 0 34px; margin: 0 0 10px; } .facts div { margin-bottom: 8px; }
.facts dt { color: var(--soft); font-size: 12px; } .facts dd { margin: 0; font-size: 17px; font-variant-numeric: tabular-nums; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; font-size: 12px; color: var(--soft); border-bottom: 1px solid var(--ink); padding: 4px 8px; }
td { border-bottom: 1px solid var(--line); padding: 5px 8px; vertical-align: top; overflow-wrap: anywhere; }
th.n, td.n { text-align: right; white-space: nowrap; overflow-wrap: normal; }
th:first-child, td:first-child { padding-left: 0; } th:last-child, td:last-child { padding-right: 0; }
tfoot td { font-weight: 600; border-bottom: 0; border-top: 1px solid var(--ink); }
.note { font-size: 12px; } .warn { color: var(--warn); }
svg { display: block; width: 100%; height: 70px; } svg rect { fill: var(--bar); }
.axis { display: flex; justify-content: space-between; font-size: 11px; color: var(--soft); border-top: 1px solid var(--line); padding-top: 3px; }
.share { display: inline-block; height: 8px; background: var(--bar); vertical-align: middle; border-radius: 1px; }
@media print {
  @page { size: A4; margin: 14mm; }
  body { background: #fff; font-size: 11px; } section { box-shadow: none; margin: 0; padding: 0; max-width: none; border-radius: 0; }
  section + section { break-before: page; } tr, .facts div { break-inside: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""


def page(found: Statements, title: str = "") -> Iterator[str]:
    """The page, piece by piece. `title` is whose statements they are, such as the company's name."""
    whose = f"{title} - " if title else ""
    yield (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(whose)}AI chargeback {escape(_span(found))}</title><style>{_STYLE}</style></head><body>\n"
    )
    yield from _summary(found, title)
    for each in found.statements:
        yield from _sheet(found, each, title)
    yield "</body></html>\n"


def _summary(found: Statements, title: str) -> Iterator[str]:
    unknown = sum(each.without_cost for each in found.statements)
    yield _head(title or "AI chargeback", f"Cost of AI by {found.wanted.by}", _span(found), found.total)
    yield _facts(
        (f"{found.wanted.by}s", f"{len(found.statements):,}"),
        ("calls", f"{sum(each.calls for each in found.statements):,}"),
        ("cost of calls", show_dollars(sum(each.own for each in found.statements))),
        ("saved on them", show_dollars(sum(each.saved for each in found.statements))),
        (
            "month before" if _is_month(found) else "span before",
            show_dollars(sum(each.former for each in found.statements)),
        ),
    )
    rows = [
        (
            _name(found, each.name), f"{each.calls:,}", show_dollars(each.own),
            show_dollars(sum(other.amount for other in each.others)), show_dollars(each.total),
            _change(each.own, each.former), _bar(each.total, found.total),
        )
        for each in found.statements
    ]  # fmt: skip
    foot = (
        "total",
        f"{sum(each.calls for each in found.statements):,}",
        "",
        "",
        show_dollars(found.total - found.kept_back),
        "",
        "",
    )
    yield _table(
        (found.wanted.by, "calls", "cost of calls", "other", "to pay", "calls to before", "share"),
        rows,
        foot,
        bars=True,
    )
    if found.everybodys:
        yield f"<h2>Everybody's cost, {escape(KEYS[found.wanted.key])}</h2>"
        yield _table(
            ("what", "amount"),
            [(escape(each.what), show_dollars(each.amount)) for each in found.everybodys],
            ("total", show_dollars(sum(each.amount for each in found.everybodys))),
        )
        if found.kept_back:
            yield f'<p class="note">{show_dollars(found.kept_back)} of it is on no sheet.</p>'
        elif found.wanted.key != "none":
            yield (
                '<p class="note">A correction of a provider\'s bill is shared by those who used that provider and model; '
                "if nobody did, by all.</p>"
            )
    yield _unknown(unknown)
    yield "</section>\n"


def _sheet(found: Statements, each: Statement, title: str) -> Iterator[str]:
    kicker = f"{title}: AI chargeback" if title else "AI chargeback"
    yield _head(
        kicker,
        f"{found.wanted.by.capitalize()} {each.name}" if each.name else f"No {found.wanted.by}",
        _span(found),
        each.total,
    )
    others = sum(other.amount for other in each.others)
    yield _facts(
        ("calls", f"{each.calls:,}"),
        ("cost of calls", show_dollars(each.own)),
        ("other", show_dollars(others)),
        ("saved", show_dollars(each.saved)),
        ("calls to before", _change(each.own, each.former)),
    )
    if any(each.days):
        yield _days(found, each.days)
    if each.used:
        yield "<h2>Calls</h2>"
        shown, rest = each.used[:MOST_ROWS], each.used[MOST_ROWS:]
        rows: list[tuple[str, ...]] = [
            (
                escape(row.feature) or "(none)", _model(row), f"{row.calls:,}", f"{row.tokens_in:,}",
                f"{row.tokens_out:,}", show_dollars(row.saved), _cost(row),
            )
            for row in shown
        ]  # fmt: skip
        if rest:
            rows.append(_rest(rest))
        yield _table(
            ("feature", "model", "calls", "tokens in", "tokens out", "saved", "cost"), rows,
            ("total", "", f"{each.calls:,}", f"{sum(row.tokens_in for row in each.used):,}",
             f"{sum(row.tokens_out for row in each.used):,}", show_dollars(each.saved), show_dollars(each.own)), texts=2,
        )  # fmt: skip
    if each.others:
        yield "<h2>Other</h2>"
        yield _others(each.others)
    yield _unknown(each.without_cost)
    yield "</section>\n"


def _model(row: Used) -> str:
    """Calls that went nowhere were answered from the cache, or refused."""
    model = escape(row.model) or "(none)"
    return model if row.provider else f"{model}, {'from the cache' if row.cache_hits == row.calls else 'not sent'}"


def _cost(row: Used) -> str:
    """Marked where calls are not in it."""
    if not row.without_cost:
        return show_dollars(row.cost)
    return "?" if row.without_cost == row.calls else f"{show_dollars(row.cost)} + ?"


def _rest(rest: Sequence[object]) -> tuple[str, ...]:
    sums = [sum(getattr(row, name) for row in rest) for name in ("calls", "tokens_in", "tokens_out")]
    amounts = [show_dollars(sum(getattr(row, name) for row in rest)) for name in ("saved", "cost")]
    return (f"{len(rest):,} more", "", *(f"{each:,}" for each in sums), *amounts)


def _others(others: Iterable[Other]) -> str:
    rows = [
        (
            escape(each.what),
            escape(f"share of {show_dollars(each.whole)} {each.key}" if each.key else "its own"),
            show_dollars(each.amount),
        )
        for each in others
    ]
    return _table(("what", "how", "amount"), rows, texts=2)


def _head(kicker: str, name: str, span: str, total: Nano) -> str:
    return (
        f'<section><header><div><p class="kicker">{escape(kicker)}</p><h1>{escape(name)}</h1><p>{escape(span)}</p></div>'
        f'<div class="sum"><p class="kicker">to pay</p><b>{show_dollars(total)}</b></div></header>\n'
    )


def _facts(*facts: tuple[str, str]) -> str:
    cells = "".join(f"<div><dt>{escape(name)}</dt><dd>{value}</dd></div>" for name, value in facts)
    return f'<dl class="facts">{cells}</dl>\n'


def _table(
    names: Sequence[str], rows: Iterable[Sequence[str]], foot: Sequence[str] = (), *, texts: int = 1, bars: bool = False
) -> str:  # fmt: skip
    """Cells are HTML already. The first `texts` columns are words, the others numbers, and bars where the last one is."""

    def kind(place: int) -> str:
        return "" if place < texts or (bars and place == len(names) - 1) else ' class="n"'

    head = "".join(f"<th{kind(place)}>{escape(name)}</th>" for place, name in enumerate(names))
    body = "\n".join(
        f"<tr>{''.join(f'<td{kind(place)}>{cell}</td>' for place, cell in enumerate(row))}</tr>" for row in rows
    )
    end = "".join(f"<td{kind(place)}>{cell}</td>" for place, cell in enumerate(foot))
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody>{f'<tfoot><tr>{end}</tr></tfoot>' if foot else ''}</table>\n"


def _days(found: Statements, days: Sequence[Nano]) -> str:
    """Bars by day; the dearest has the full height."""
    most, width = max(days), 100 / len(days)
    bars = "".join(
        f'<rect x="{place * width + width * 0.12:.3f}" y="{70 - 68 * cost / most:.2f}" width="{width * 0.76:.3f}" '
        f'height="{68 * cost / most:.2f}"><title>{day_name(found.wanted.since_us + place * DAY_US)}: {show_dollars(cost)}</title></rect>'
        for place, cost in enumerate(days)
        if cost > 0
    )
    first, last = day_name(found.wanted.since_us), day_name(found.wanted.until_us - DAY_US)
    return (
        f"<h2>Cost of calls by day</h2>"
        f'<svg viewBox="0 0 100 70" preserveAspectRatio="none" role="img" aria-label="Cost by day, at most {show_dollars(most)}">'
        f'{bars}</svg><div class="axis"><span>{first}</span><span>dearest day: {show_dollars(most)}</span><span>{last}</span></div>\n'
    )


def _bar(part: Nano, whole: Nano) -> str:
    share = part / whole if whole > 0 and part > 0 else 0.0
    return f'<span class="share" style="width:{share * 70:.1f}px"></span> {share * 100:.1f} %'


def _change(now: Nano, before: Nano) -> str:
    return f"{(now - before) / before * 100:+,.0f} %" if before > 0 else "new" if now else "-"


def _name(found: Statements, name: str) -> str:
    return escape(name) or f"(no {found.wanted.by})"


def _unknown(calls: int) -> str:
    if not calls:
        return ""
    return (
        f'<p class="note warn">{calls:,} call{"s" if calls > 1 else ""} (?) had no known price or reported no usage: what they '
        "cost is in no amount here.</p>\n"
    )


def _is_month(found: Statements) -> bool:
    since = found.wanted.since_us
    return month_of(since) == since and month_of(since + 32 * DAY_US) == found.wanted.until_us


def _span(found: Statements) -> str:
    if _is_month(found):
        return datetime.fromtimestamp(found.wanted.since_us // 1_000_000, UTC).strftime("%B %Y")
    return f"{day_name(found.wanted.since_us)} to {day_name(found.wanted.until_us - DAY_US)}"
