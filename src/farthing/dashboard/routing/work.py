"""What each kind of work costs, how much less that is than it would have been, and what is usual; as `farthing report tasks`."""

from collections.abc import Sequence

from farthing.dashboard.formats import count, money
from farthing.dashboard.table import UNKNOWN, Column, Row, Table
from farthing.dashboard.view import View
from farthing.finops.tasks import USUAL, VECTORS, reduction, usual
from farthing.quality.errand import TASK as OVERHEAD
from farthing.store import ReportRow


def table(view: View, rows: Sequence[ReportRow] | None) -> Table:
    """None where tasks are not kept for the scope."""
    columns = (
        Column("task", "Task"), Column("calls", "Calls", "count"),
        Column("baseline", "As sent", "money", "What the calls would have cost as they were sent."),
        Column("cost", "Cost", "money"), Column("saved", "Saved", "money", "By all levers together, the cache too."),
        Column("reduction", "Less by", "percent", "1 - cost / as sent."),
        Column("usual", "Usual", "text", "What is commonly expected of routing such work to cheaper models."),
        Column("without_cost", "No cost known", "count", "Calls that are in no amount."),
    )  # fmt: skip
    empty = (
        "Sums by task are not kept for this scope. Take a filter away."
        if rows is None
        else "No call in this period and scope."
    )
    found = sorted(rows or (), key=lambda row: (row.key == OVERHEAD, -row.saved, -row.cost, row.key))
    note = " ".join(filter(None, [_unknown(found), _vectors(view, found)]))
    return Table(
        "tasks", "What each task costs and saves", columns, [_row(view, each) for each in found], empty=empty, note=note
    )


def _row(view: View, row: ReportRow) -> Row:
    is_own = row.key == OVERHEAD
    less = None if is_own else reduction(row)
    known = row.calls > row.calls_without_cost
    values = (
        row.key or "unknown", row.calls, None if is_own else row.baseline, row.cost if known else UNKNOWN,
        None if is_own else row.saved, less, _usual(row.key, less) or None, row.calls_without_cost or None,
    )  # fmt: skip
    return Row(
        values, href=view.href("/spend", task=row.key), calls=view.calls(task=row.key), mark="quiet" if is_own else ""
    )


def _usual(task: str, less: float | None) -> str:
    """What is usual, and how a reduction stands to it."""
    if task not in USUAL or less is None:
        return usual(task)
    low, high = USUAL[task]
    return f"{usual(task)}: {'below it' if less < low else 'within it' if less <= high else 'above it'}"


def _unknown(rows: Sequence[ReportRow]) -> str:
    return "Unknown: tasks are looked for in routed calls; tasks_of = \"all\" below [routing] looks at every call." if any(not row.key for row in rows) else ""  # fmt: skip


def _vectors(view: View, rows: Sequence[ReportRow]) -> str:
    """What work that compares texts would cost at an embedding model."""
    row = next((row for row in rows if row.key == VECTORS), None)
    model = next(iter(view.sources.catalog.embeddings), "")
    cost = view.sources.costs.as_embedding(row.in_tokens, view.now_us, model) if row is not None and model else None
    if row is None or cost is None:
        return ""
    return f"{count(row.calls)} calls compare texts, which {model} does for at most {money(cost)} instead of {money(row.cost)}."
