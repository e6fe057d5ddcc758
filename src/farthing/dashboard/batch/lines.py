"""The lines of one job: how they stand, why some failed, and which calls they were. What they ask and are answered is not
shown; of an answer that is an error only the provider's code for it is."""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

import msgspec

from farthing.dashboard.table import Column, Row, Table
from farthing.dashboard.view import View
from farthing.finops.waiting import WAYS
from farthing.model.batch import Line
from farthing.store.batch.standing import Part

FAILED, ANSWERED, IN_FILE = 50, 20, 1_000
PART_COLUMNS = (
    Column("state", "State"), Column("way", "Worked by"), Column("status", "Status", "exact"), Column("lines", "Lines", "count"),
    Column("share", "Share", "progress"),
)  # fmt: skip
ERROR_COLUMNS = (
    Column("status", "Status"), Column("error", "Error", help="The code that came with it."), Column("lines", "Lines", "count"),
    Column("first", "First such line", "exact"),
)  # fmt: skip
LINE_COLUMNS = (
    Column("line", "Line"), Column("custom_id", "Client's name"), Column("state", "State"), Column("status", "Status", "exact"),
    Column("error", "Error"), Column("model", "Asked for"), Column("way", "Worked by"), Column("tries", "Sent", "count", "How often."),
    Column("ended", "Ended (UTC)", "moment"),
)  # fmt: skip
NOT_SENT = "not sent"
_CODE = re.compile(r"[A-Za-z0-9_.\-]{1,60}")


def error_of(answer: bytes) -> str:
    """The code or the type in an error of either format; empty where there is none that looks like one. Messages are left
    where they are: they may quote what was asked."""
    try:
        said = msgspec.json.decode(answer) if answer else {}
    except msgspec.DecodeError:
        return ""
    inner = said.get("error", said) if isinstance(said, dict) else {}
    names = [inner.get(name) for name in ("code", "type")] if isinstance(inner, dict) else []
    return next((name for name in names if isinstance(name, str) and _CODE.fullmatch(name)), "")


def parts(found: Sequence[Part]) -> Table:
    whole = sum(each.n for each in found)
    rows = [
        Row((each.state, _way(each.way), each.status or None, each.n, each.n / whole), mark="bad" if each.state in ("failed", "expired") else "")
        for each in found
    ]  # fmt: skip
    return Table("parts", "How its lines stand", PART_COLUMNS, rows, empty="Its lines are not there yet, or were dropped with what they said.")  # fmt: skip


def errors(failed: Sequence[Line], found: Sequence[Part]) -> Table:
    """Grouped by status and code; the lines that were looked at are the first ones."""
    groups: dict[tuple[int, str], list[Line]] = {}
    for line in failed:
        groups.setdefault((line.status, error_of(line.answer)), []).append(line)
    ordered = sorted(groups.items(), key=lambda each: -len(each[1]))
    rows = [
        Row((status or None, code or ("expired" if lines[0].state == "expired" else None), len(lines), lines[0].no + 1))
        for (status, code), lines in ordered
    ]
    whole = sum(each.n for each in found if each.state in ("failed", "expired"))
    note = f"Of the first {len(failed):,} of {whole:,} lines that failed." if whole > len(failed) else ""
    return Table("errors", "Errors", ERROR_COLUMNS, rows, empty="No line failed.", note=note)


def listed(view: View, name: str, title: str, found: Iterable[Line], empty: str, note: str = "") -> Table:
    return Table(name, title, LINE_COLUMNS, [_row(view, each) for each in found], empty=empty, note=note)


def _row(view: View, line: Line) -> Row:
    values = (
        line.no + 1, line.custom_id, line.state, line.status or None, error_of(line.answer) or None if line.state != "done" else None,
        line.model, _way(line.way if line.tries else ""), line.tries, line.ended_us or None,
    )  # fmt: skip
    href = view.href(f"/calls/{quote(line.call_id, safe='')}") if line.call_id else ""
    return Row(values, href=href, mark="bad" if line.state in ("failed", "expired") else "")


def _way(way: str) -> str:
    return WAYS.get(way, way) if way else NOT_SENT
