"""The plans that a store keeps, as the page reads them: the newest, or one by its number, and what has happened since."""

from typing import NamedTuple

from farthing.dashboard.table import Column, Row, Table
from farthing.dashboard.view import View
from farthing.finops.plans.document import Document, Happened, unpacked
from farthing.finops.plans.happened import happened
from farthing.model.errors import BadRequest, NotFound
from farthing.model.principal import OPERATOR
from farthing.store.engine import Connection
from farthing.store.plans import LAPSES_US, KeptPlan, Plans, newest

LISTED = 30


class Found(NamedTuple):
    """`document` None: there is none yet, or it is not for them; `why` says it."""

    lines: list[KeptPlan]
    line: KeptPlan | None = None
    document: Document | None = None
    since: Happened | None = None
    """What has happened since it was made; for one that is not a day old, how the one before did."""
    why: str = ""


async def read(view: View) -> Found:
    """Raises NotFound for a number that is none."""
    kept = Plans(view.sources.store)
    lines = [each for each in await kept.every(LISTED) if _is_theirs(view, each)]
    line, body = await _chosen(view, kept)
    if line is None:
        return Found(lines)
    if not _is_theirs(view, line):
        return Found(
            lines,
            why="The newest plan is about calls of other tenants too: it is for administrators of the tenant default.",
        )
    try:
        document = unpacked(body)
    except BadRequest:
        return Found(
            lines, why="The newest plan was kept by another version of Farthing. The next one can be read here."
        )
    since = await view.read(lambda connection: _since(connection, document, line, view.now_us))
    return Found(lines, line, document, since or document.happened)


def is_under_way(view: View, found: Found) -> bool:
    """Whether one is asked for or being made by somebody who is still there."""
    return any(each.state in ("asked", "making") and each.made_us > view.now_us - LAPSES_US for each in found.lines)


def _is_theirs(view: View, line: KeptPlan) -> bool:
    return view.entered.everywhere or set(line.tenants) <= {OPERATOR}


async def _chosen(view: View, kept: Plans) -> tuple[KeptPlan | None, str]:
    asked = view.query.get("plan", "")
    if not asked:
        return await view.read(newest) or (None, "")
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else 0
    body = await kept.body(number)
    line = next((each for each in await kept.every(1_000) if each.no == number), None)
    if line is None or not body:
        raise NotFound("There is no such plan. It may be too old to be kept.")
    return line, body


def _since(connection: Connection, document: Document, line: KeptPlan, now_us: int) -> Happened | None:
    return happened(connection, document, line.made_us, now_us)


def table(view: View, found: Found) -> Table:
    columns = (
        Column("plan", "Plan"), Column("made", "Made (UTC)", "moment"), Column("week", "Week of"), Column("state", "State"),
        Column("by", "By", "prose"), Column("why", "Why not", "prose"),
    )  # fmt: skip
    rows = [
        Row(
            (each.no, each.made_us or None, each.week or None, each.state, each.who or "nobody", each.why or None),
            href=view.href("/plan", plan=f"{each.no}") if each.state == "made" else "",
            mark="quiet" if found.line is not None and each.no == found.line.no else "bad" if each.state == "failed" else "",
        )
        for each in found.lines
    ]  # fmt: skip
    return Table("plans", "Plans that are kept", columns, rows, empty="No plan was made yet.")
