"""What calls paid for and did not use: tries that came to nothing, answers that nobody waited for, and what was written to
providers' caches. Sums by day and one dimension, kept beside the rollups; a call that wasted nothing costs none.

The last try of a call is the one that answered. Every other is lost, and so is the last of a call that failed. Where the
client left, the last try is `left`: it may have been used in part. A stream that broke off and was continued elsewhere is
counted as lost up to the break, since nobody knows which words of it were read.
"""

from collections.abc import Iterable, Mapping

import msgspec

from farthing.model.errors import BadRequest
from farthing.model.money import Nano
from farthing.model.record import Record
from farthing.store.engine import Connection, Row
from farthing.store.rollups import DAY_US, NOT_ERRORS, PRICED, VIEWS
from farthing.store.schema import WASTE_KEY, WASTE_SUMS
from farthing.store.schema_reports import waste_from_rows

WASTE_VIEWS = tuple(view for view in VIEWS if view.bucket_us == DAY_US and not view.b)
"""Days, and days by one dimension. Users are too many."""

_COLUMNS = ", ".join((*WASTE_KEY, *WASTE_SUMS))


class WasteRow(msgspec.Struct, frozen=True):
    """Sums over the calls of one value in a span of time. Amounts in nano-dollars."""

    key: str
    """The value reported by; microseconds of the day for `day`."""
    retries: int = 0
    """Tries beyond the first of each call."""
    lost_in: int = 0
    """Input tokens of tries that came to nothing."""
    lost_out: int = 0
    lost_cost: Nano = 0
    left_calls: int = 0
    """Calls whose client left before the end."""
    left_in: int = 0
    left_out: int = 0
    left_cost: Nano = 0
    cost_unknown: int = 0
    """Tries, lost or left, whose cost nobody knows: it is in neither cost."""
    written_tokens: int = 0
    """Input written to providers' prompt caches."""
    reasoning_tokens: int = 0
    """Part of the output that the model thought and did not say."""


def wasted(record: Record) -> tuple[int, ...] | None:
    """What one call adds to `WASTE_SUMS`; None where that is nothing."""
    attempts = record.attempts
    outcome = record.outcome
    if not attempts:
        return None
    if len(attempts) == 1 and outcome == "ok":
        usage = attempts[0].usage
        if usage is None or not (usage.reasoning or usage.written):
            return None
        return (0, 0, 0, 0, 0, 0, 0, 0, 0, usage.written, usage.reasoning)
    last = max(attempt.no for attempt in attempts)
    left = outcome == "left"
    lost = outcome not in NOT_ERRORS
    tries = sum(not attempt.part for attempt in attempts)
    sums = [max(0, tries - 1), 0, 0, 0, int(left), 0, 0, 0, 0, 0, 0]
    for attempt in attempts:
        usage = attempt.usage
        into = 1 if lost or attempt.no != last else 5 if left else 0
        if usage is not None:
            sums[9] += usage.written
            sums[10] += usage.reasoning
            if into:
                sums[into] += usage.total_in
                sums[into + 1] += usage.total_out
        if into:
            sums[into + 2] += attempt.cost
            sums[8] += attempt.cost_state not in PRICED
    return tuple(sums) if any(sums) else None


def cells(records: Iterable[Record]) -> list[Row]:
    """Rows of `waste` that add these calls, in the order of their key. Summed first over all that the views share."""
    days: dict[int, dict[tuple[str, ...], list[tuple[int, ...]]]] = {}
    for r in records:
        adds = wasted(r)
        if adds is not None:
            fine = days.setdefault(r.started_us - r.started_us % DAY_US, {})
            key = (r.tenant, "", r.feature, r.team, r.project, r.model, r.task, r.tier, r.key_id)
            fine.setdefault(key, []).append(adds)
    found: dict[Row, list[tuple[int, ...]]] = {}
    for day, cells_ in days.items():
        for (tenant, *values), rows in cells_.items():
            sums = _summed(rows)
            for dims, value in zip(_DIMS, values, strict=True):
                found.setdefault((dims, day, tenant, value), []).append(sums)
    return [(*key, *_summed(found[key])) for key in sorted(found)]


_DIMS = tuple(view.dims for view in WASTE_VIEWS)
assert [view.a for view in WASTE_VIEWS] == ["", "feature", "team", "project", "model", "task", "tier", "key_id"]


def _summed(rows: list[tuple[int, ...]]) -> tuple[int, ...]:
    return rows[0] if len(rows) == 1 else tuple(map(sum, zip(*rows, strict=True)))


def report(
    connection: Connection, by: str, since_us: int = 0, until_us: int | None = None, *, tenant: str = "",
    where: Mapping[str, str] | None = None,
) -> list[WasteRow]:  # fmt: skip
    """Sums by `day` or one dimension. The span is widened to whole UTC days. Raises BadRequest for what is not kept:
    users, and more than one dimension."""
    asked = dict(where or {})
    names = [name for name in dict.fromkeys((by, *asked)) if name != "day"]
    dims = names[0] if names else "day"
    if len(names) > 1 or dims not in {view.dims for view in WASTE_VIEWS}:
        raise BadRequest(f"waste is kept by one of {', '.join(view.dims for view in WASTE_VIEWS)}", param="by")
    tests = ["dims = ?", "day_us >= ?"]
    values: list[object] = [dims, max(0, since_us) // DAY_US * DAY_US]
    if until_us is not None:
        tests.append("day_us < ?")
        values.append(-(-until_us // DAY_US) * DAY_US)
    if tenant:
        tests.append("tenant = ?")
        values.append(tenant)
    for value in asked.values():
        tests.append("a = ?")
        values.append(value)
    group = "day_us" if by == "day" else "a"
    sums = ", ".join(f"CAST(sum({name}) AS BIGINT)" for name in WASTE_SUMS)
    rows = connection.query(
        f"SELECT {group}, {sums} FROM waste WHERE {' AND '.join(tests)} GROUP BY {group} ORDER BY {group}", values
    )
    return [WasteRow(str(key), *map(int, row)) for key, *row in rows]


def check(connection: Connection) -> list[str]:
    """Where the sums differ from what the rows give, in words."""
    wrong: list[str] = []
    for view in WASTE_VIEWS:
        kept = f"SELECT {_COLUMNS} FROM waste WHERE dims = '{view.dims}'"
        rows = f"SELECT {_COLUMNS} FROM ({waste_from_rows(view.dims, view.a or _ALL)}) AS from_rows"
        wrong += [
            f"waste {row[:4]} holds {row[4:]}, the rows do not" for row in connection.query(f"{kept} EXCEPT {rows}")
        ]
        wrong += [f"waste {row[:4]} should hold {row[4:]}" for row in connection.query(f"{rows} EXCEPT {kept}")]
    return wrong[:20]


def rebuild(connection: Connection) -> None:
    """Make the sums anew from the rows. Only inside a transaction."""
    connection.execute("DELETE FROM waste")
    for view in WASTE_VIEWS:
        connection.execute(f"INSERT INTO waste ({_COLUMNS}) {waste_from_rows(view.dims, view.a or _ALL)}")


_ALL = "''"
