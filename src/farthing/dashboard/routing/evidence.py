"""The table that routing goes by: how good each model is known to be at each kind of work, and whether it may do it."""

from collections.abc import Mapping, Sequence

from farthing.dashboard.formats import count, moment
from farthing.dashboard.table import UNKNOWN, Column, Row, Table
from farthing.dashboard.view import View
from farthing.model.money import Nano
from farthing.model.routes import ANY, scopes_of
from farthing.model.routes import Table as Held
from farthing.quality.proposals import Floors
from farthing.quality.review import Shown, shown
from farthing.settings import RoutingSettings
from farthing.store import ReportRow

MOST = 150
PROBES = {"waits": "waits for a probe", "probed": "is probed", "tested": "seems mended, is tested"}
COLUMNS = (
    Column("work", "Work"), Column("model", "Model"), Column("tier", "Tier"), Column("state", "State"),
    Column("quality", "Quality", "percent", "The best estimate, as a share of the flagship's."),
    Column("at_least", "At least", "percent", "Its lower bound (95 %, valid at any time): this must clear the floor."),
    Column("floor", "Floor", "percent"), Column("comparisons", "Comparisons", "count"),
    Column("per_call", "Per call", "money", "Expected for a call of the task's mean size in this period."),
    Column("why", "Evidence", "prose"),
)  # fmt: skip


def table(view: View, held: Held, floors: Floors, work: Sequence[ReportRow], *, every: bool) -> Table:
    """What was measured or set, and what others' outcomes say of work that there is; with `every` all cells."""
    catalog, settings = view.sources.catalog, view.sources.settings.routing
    task = view.filters.where.get("task")
    cells = [
        row for row in shown(held, floors, catalog.tier_of)
        if row.tenant in (view.tenant, ANY) and (task is None or row.scope in (f"task:{task}", ANY))
    ]  # fmt: skip
    cells = _nearest(cells)
    sizes = {row.key: row for row in work}
    plain = [row for row in cells if _is_worth_a_line(row, sizes)]
    locked = {(row.tenant, row.scope) for row in cells if row.state == "locked"}
    rows = [
        _row(view, each, sizes, settings, (each.tenant, each.scope) in locked)
        for each in (cells if every else plain)[:MOST]
    ]
    left = len(cells) - len(rows)
    return Table(
        "table", "Which model may do which work", COLUMNS, rows, empty=_empty(view), note=_note(view, held, left),
        more=view.href(cells="all") if not every and left and len(plain) < MOST else "",
    )  # fmt: skip


def _is_worth_a_line(row: Shown, sizes: Mapping[str, ReportRow]) -> bool:
    if row.scope.startswith("template:"):
        return row.state in ("locked", "demoted")
    return row.state != "prior" or row.scope == ANY or not sizes or row.scope.removeprefix("task:") in sizes


def _nearest(cells: Sequence[Shown]) -> list[Shown]:
    """What holds for the tenant: its own cells go before those of all."""
    own = {(row.scope, row.model) for row in cells if row.tenant != ANY}
    found = [row for row in cells if row.tenant != ANY or (row.scope, row.model) not in own]
    order: dict[str, int] = {}
    for row in sorted(cells, key=lambda row: row.tenant != ANY):
        order.setdefault(row.scope, len(order))
    return sorted(found, key=lambda row: order[row.scope])


def _row(view: View, row: Shown, sizes: Mapping[str, ReportRow], settings: RoutingSettings, locked: bool) -> Row:
    known = bool(row.quality or row.comparisons)
    task = row.scope.removeprefix("task:") if row.scope.startswith("task:") else ""
    state = _state(view, row, locked)
    values = (
        _work(row.scope, settings), row.model, row.tier or None, state,
        row.quality if known else UNKNOWN, row.lower if known else UNKNOWN, row.floor, round(row.comparisons),
        _expected(view, row.model, task, sizes.get(task)), row.why,
    )  # fmt: skip
    mark = "bad" if row.state == "demoted" else "" if row.may_serve else "quiet"
    return Row(
        values,
        href=view.calls(task=task) if task else view.calls(),
        mark="bad" if mark == "bad" else "quiet" if mark else "",
    )


def _state(view: View, row: Shown, locked: bool) -> str:
    if row.state == "locked":
        return "locked"
    if row.may_serve:
        return "in" if row.state == "measured" else "in, by others' outcomes"
    if locked:
        return "out: another is locked"
    probe = PROBES.get(view.sources.probing(view.tenant, row.scope, row.model), "")
    return "; ".join(filter(None, ["demoted" if row.state == "demoted" else "out", probe]))


def _work(scope: str, settings: RoutingSettings) -> str:
    kind, _, name = scope.partition(":")
    if kind == "task":
        return name
    if kind != "template":
        return "all other work"
    named = (title for title, template in settings.templates.items() if template.fingerprint == name)
    return f"template {next(named, name)}"


def _expected(view: View, model: str, task: str, work: ReportRow | None) -> Nano | None:
    """Of a call of the task's mean size; None where there was none, or no price is known."""
    paid = work.calls - work.cache_hits if work is not None else 0
    if work is None or paid <= 0 or not work.in_tokens:
        return None
    return view.sources.costs.expected(
        model, work.in_tokens // paid, min(work.cached_tokens, work.in_tokens) // paid, view.tenant, scopes_of("", task), at_us=view.now_us
    )  # fmt: skip


def _empty(view: View) -> str:
    if not view.sources.catalog.reference:
        return "There are no tiers to route to. List models as small, mid and flagship below [routing] in the settings."
    return "No cell is about this scope."


def _note(view: View, held: Held, left: int) -> str:
    flagship = view.sources.catalog.reference
    if not flagship:
        return ""
    if view.sources.settings.routing.table == "textbook":
        head = "routing.table is textbook: a fixed tier for each kind of work decides, and this is only what is known."
    elif held.version:
        head = f"Version {held.version}, made {moment(held.made_us)}."
    else:
        head = "Nothing was applied yet: this is what public outcomes say of the tiers."
    more = f" {count(left)} more cells are not shown: templates, and work that there was none of." if left else ""
    probes = (
        f" What is said of probes is as process {view.sources.health.process} sees it; others may see more or less."
    )
    return f"{head} Compared with {flagship}, which may do all.{more}{probes}"
