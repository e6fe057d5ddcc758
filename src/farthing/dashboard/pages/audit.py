"""Who changed what when: keys, budgets, alerts, routes, the ledger itself. Entries are never changed or taken away."""

from farthing.dashboard.page import Page, Values
from farthing.dashboard.paging import PAGE_ROWS, before_of
from farthing.dashboard.table import Column, Row, Table
from farthing.dashboard.view import View
from farthing.gateway.guard import ADMIN
from farthing.model.errors import BadRequest
from farthing.steps.identify import VALUE_LIMIT
from farthing.store.audit import KINDS, AuditEntry, entries, in_words

IN_WORDS = 400
"""Characters of what was changed."""
COLUMNS = (
    Column("at", "Time (UTC)", "moment"),
    Column("who", "Who", "prose"),
    Column("kind", "What"),
    Column("target", "Which"),
    Column("what", "Was"),
    Column("detail", "Details", "prose"),
)


async def read(view: View) -> Values:
    period, query = view.filters.period, view.query
    kind, target = query.get("kind", ""), query.get("target", "")[:VALUE_LIMIT]
    if kind and kind not in KINDS:
        raise BadRequest(f"kind is one of {', '.join(KINDS)}.", param="kind")
    before = before_of(view, "before_no")
    found = await view.read(
        lambda connection: entries(
            connection, tenant=view.tenant, kind=kind, target=target, since_us=period.since_us, until_us=period.until_us,
            before=before, limit=PAGE_ROWS + 1,
        )
    )  # fmt: skip
    shown = found[:PAGE_ROWS]
    kept = {"kind": kind or None, "target": target or None}
    older = view.href(**kept, before_no=f"{shown[-1].no}") if len(found) > PAGE_ROWS else ""
    newest = view.href(**kept) if before is not None else ""
    return {"changes": _table(shown), "kinds": KINDS, "kind": kind, "target": target, "older": older, "newest": newest}


def _table(found: list[AuditEntry]) -> Table:
    rows = [
        Row((each.at_us, each.who, each.kind, each.target, each.what, in_words(each.detail, IN_WORDS)))
        for each in found
    ]  # fmt: skip
    return Table("changes", "Changes", COLUMNS, rows, empty="Nothing was changed in this period.")


PAGE = Page("audit", "/audit", "Audit log", ADMIN, read, section="Set-up", filters=("period",))
