"""Models that commands made, on the page, before beside after as their reports have it: of fewer bits (`farthing quantize`),
and tuned on captured calls (`farthing distil tune`)."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from farthing.dashboard.formats import percent
from farthing.dashboard.table import UNKNOWN, Column, Row, Table
from farthing.dashboard.view import View
from farthing.selfhost import reports
from farthing.selfhost.quantize.losses import Loss
from farthing.selfhost.quantize.report import Report, Tried, saved

COLUMNS = (
    Column("model", "Model"), Column("scheme", "Scheme"), Column("state", "Gate"), Column("serves", "Made for"),
    Column("measure", "Measured", "text", "What the gate looked at: right answers of an eval set, or else the perplexity of a text."),
    Column("figures", "Before, after", "exact"), Column("lost", "Lost", "percent", "Relative to before."),
    Column("at_most", "At most", "percent", "The upper end of its interval, 95 %."),
    Column("files", "Files before, after", "exact"), Column("smaller", "Smaller by", "percent"),
    Column("memory", "Memory", "exact", "Before and after, at most, of the process that measured it."),
    Column("speed", "Tokens/s", "exact", "Before and after, one stream, by the tool that measured: the kernels of the engine are not in it."),
    Column("made", "Made (UTC)", "moment"),
)  # fmt: skip
TUNED_COLUMNS = (
    Column("model", "Model"), Column("base", "Before it was tuned"), Column("teacher", "Teacher"), Column("cases", "Calls", "count", "That neither has seen."),
    Column("before", "Agreed before", "percent"), Column("after", "Agrees", "percent", "With what the teacher said."),
    Column("gained", "Gained", "percent"), Column("low", "At least", "percent", "The lower end of its interval, 95 %, paired."),
    Column("high", "At most", "percent"), Column("made", "Made (UTC)", "moment"),
)  # fmt: skip
EMPTY = (
    "No model was quantized yet. farthing quantize FOLDER makes one of fewer bits, measures it before and after, and leaves its "
    "report in selfhost.reports."
)
STATES = {"kept": "not shown to hold", "lost": "loses too much", "open": "not shown to hold"}
"""Of what did not pass."""


class Share(msgspec.Struct, frozen=True):
    share: float


class Gained(msgspec.Struct, frozen=True):
    cases: int
    difference: float
    low: float
    high: float


class Tuned(msgspec.Struct, frozen=True):
    """What is read of the report of a model that was tuned."""

    name: str
    base: str
    before: Share
    after: Share
    change: Gained
    teacher: str = ""
    finished_us: int = 0


class Made(msgspec.Struct, frozen=True):
    """The newest first."""

    quantized: Sequence[Report]
    tuned: Sequence[Tuned]


async def read(view: View) -> Made:
    sources = view.sources
    folder = Path(sources.settings_file).parent / sources.settings.selfhost.reports

    def work() -> Made:
        return Made(reports.read(folder, "quantized", Report), reports.read(folder, "tuned", Tuned))

    return await asyncio.to_thread(work)


def tuned_table(found: Sequence[Tuned]) -> Table:
    rows = [
        Row(
            (
                each.name, Path(each.base).name, each.teacher or UNKNOWN, each.change.cases, each.before.share, each.after.share,
                each.change.difference, each.change.low, each.change.high, each.finished_us or None,
            ),
            mark="good" if each.change.low > 0 else "bad" if each.change.high < 0 else "",
        )
        for each in found
    ]  # fmt: skip
    return Table("tuned", "Models tuned on your calls", TUNED_COLUMNS, rows)


def table(found: Sequence[Report]) -> Table:
    rows = [_row(report, tried) for report in found for tried in report.tried]
    budgets = sorted({percent(report.budget) for report in found})
    note = f"The gate let through what was shown to lose no more than {' or '.join(budgets)}, or was told to look at the loss alone. No published loss stands here." if rows else ""  # fmt: skip
    return Table("quantized", "Models of fewer bits", COLUMNS, rows, empty=EMPTY, note=note)


def _row(report: Report, tried: Tried) -> Row:
    loss, before, after = tried.decisive, report.before, tried.used
    is_chosen = tried is report.chosen
    values: tuple[Any, ...] = (
        report.name or report.model, tried.scheme + (f" g{tried.group}" if tried.group else ""),
        "chosen" if is_chosen else "passed" if tried.passed else STATES[tried.verdict],
        f"{report.engine}, {report.gpu or 'CPU'}", f"{loss.n:,} answers" if loss.metric == "task" else f"perplexity of {loss.n:,} tokens",
        f"{_figure(loss, loss.before)}, {_figure(loss, loss.after)}", loss.loss, loss.high, _gb(before.files, tried.files),
        saved(before.files, tried.files), _gb(before.memory, after.memory), f"{before.tokens_s:,.1f}, {after.tokens_s:,.1f}",
        report.finished_us or None,
    )  # fmt: skip
    return Row(values, mark="good" if is_chosen else "" if tried.passed else "bad")


def _figure(loss: Loss, value: float) -> str:
    return percent(value) if loss.metric == "task" else f"{value:,.2f}"


def _gb(before: int, after: int) -> str:
    """In one unit, so that they can be compared at a glance."""
    return (
        f"{before / 1e9:,.2f}, {after / 1e9:,.2f} GB"
        if before >= 1e9
        else f"{before / 1e6:,.0f}, {after / 1e6:,.0f} MB"
    )
