"""Sums of calls by the dimensions that people ask for, kept beside the rows so that no page ever scans them.

`VIEWS` names what is kept: single dimensions and pairs, by UTC day or hour. A batch is summed here in memory and added to
the stored cells in the transaction of its rows. The same sums as one SQL statement a view (`cells_from_rows`) prove that
the two agree, or build the cells again.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from farthing.model.record import Record
from farthing.store.engine import Row
from farthing.store.rows import saved
from farthing.store.schema import ROLLUP_SUMS, STATES

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US


class View(NamedTuple):
    """One way of summing; `a` and `b` are columns of `calls`, empty where there is none."""

    dims: str
    bucket_us: int
    a: str = ""
    b: str = ""


VIEWS = (
    View("hour", HOUR_US),
    View("hour_feature", HOUR_US, "feature"),
    View("day", DAY_US),
    View("feature", DAY_US, "feature"),
    View("team", DAY_US, "team"),
    View("user", DAY_US, "user_id"),
    View("project", DAY_US, "project"),
    View("model", DAY_US, "model"),
    View("task", DAY_US, "task"),
    View("key", DAY_US, "key_id"),
    View("feature_model", DAY_US, "feature", "model"),
    View("user_feature", DAY_US, "user_id", "feature"),
    View("team_model", DAY_US, "team", "model"),
)

NOT_ERRORS = ("ok", "left")
"""Outcomes that are no error: a client that leaves got what it wanted, or no longer wants it."""

_STATE_PLACE = {state: place for place, state in enumerate(STATES)}
_ONE = {state: tuple(int(place == at) for place in range(len(STATES))) for state, at in _STATE_PLACE.items()}
_BEFORE = {state: (0,) * at for state, at in _STATE_PLACE.items()}
_AFTER = {state: (0,) * (len(STATES) - 1 - at) for state, at in _STATE_PLACE.items()}


def measures(record: Record) -> tuple[int, ...]:
    """What one call adds to each cell that it falls into: the columns of `schema.ROLLUP_SUMS`."""
    state = record.cost_state
    return (
        1, int(record.outcome not in NOT_ERRORS), int(record.cache != ""), record.in_tokens, record.cached_tokens,
        record.out_tokens, record.cost, record.baseline, saved(record), record.duration_us,
        *_ONE[state], *_BEFORE[state], record.cost, *_AFTER[state],
    )  # fmt: skip


Sums = dict[tuple[str, ...], list[tuple[int, ...]]]


def cells(records: Iterable[Record]) -> list[Row]:
    """Rows of `rollups` that add these calls, in the order of their key.

    The calls are first summed over everything that the views share, then the views are summed from these few sums;
    users, who are many, have a first sum of their own.
    """
    fine: dict[tuple[int, str, str, str, str, str, str, str], list[tuple[int, ...]]] = {}
    users: dict[tuple[int, str, str, str], list[tuple[int, ...]]] = {}
    for record in records:
        adds = measures(record)
        hour = record.started_us - record.started_us % HOUR_US
        key = (
            hour, record.tenant, record.feature, record.model, record.team, record.project, record.task, record.key_id
        )  # fmt: skip
        fine.setdefault(key, []).append(adds)
        users.setdefault((hour - hour % DAY_US, record.tenant, record.user, record.feature), []).append(adds)
    return _by_view(fine, users)


def _by_view(
    fine: dict[tuple[int, str, str, str, str, str, str, str], list[tuple[int, ...]]],
    users: dict[tuple[int, str, str, str], list[tuple[int, ...]]],
) -> list[Row]:
    found: dict[tuple[str, int, str, str, str], list[tuple[int, ...]]] = {}

    def add(key: tuple[str, int, str, str, str], sums: tuple[int, ...]) -> None:
        found.setdefault(key, []).append(sums)

    for (hour, tenant, feature, model, team, project, task, key_id), rows in fine.items():
        sums = _summed(rows)
        day = hour - hour % DAY_US
        add(("hour_feature", hour, tenant, feature, ""), sums)
        add(("feature_model", day, tenant, feature, model), sums)
        add(("team_model", day, tenant, team, model), sums)
        add(("project", day, tenant, project, ""), sums)
        add(("task", day, tenant, task, ""), sums)
        add(("key", day, tenant, key_id, ""), sums)
    for (day, tenant, user, feature), rows in users.items():
        add(("user_feature", day, tenant, user, feature), _summed(rows))

    done = {key: _summed(rows) for key, rows in found.items()}
    found.clear()
    for (dims, bucket, tenant, a, b), sums in done.items():
        if dims == "hour_feature":
            add(("hour", bucket, tenant, "", ""), sums)
            add(("day", bucket - bucket % DAY_US, tenant, "", ""), sums)
        elif dims == "feature_model":
            add(("feature", bucket, tenant, a, ""), sums)
            add(("model", bucket, tenant, b, ""), sums)
        elif dims == "team_model":
            add(("team", bucket, tenant, a, ""), sums)
        elif dims == "user_feature":
            add(("user", bucket, tenant, a, ""), sums)
    done.update((key, _summed(rows)) for key, rows in found.items())
    return [(*key, *done[key]) for key in sorted(done)]


def _summed(rows: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    if len(rows) == 1:
        return rows[0]
    return tuple(map(sum, zip(*rows, strict=True)))


_SUB_BITS = 5


def bin_of(size: int) -> int:
    """The histogram's bin of a cost or duration: 32 bins an octave, so a bin is at most 3.2 % wide. Whole numbers only,
    so that every machine agrees."""
    shift = size.bit_length() - _SUB_BITS - 1
    return size if shift <= 0 else (shift << _SUB_BITS) + (size >> shift)


def size_of(bin_: int) -> int:
    """The middle of a bin."""
    shift = max(0, (bin_ >> _SUB_BITS) - 1)
    if shift == 0:
        return bin_
    low = (bin_ - (shift << _SUB_BITS)) << shift
    return low + (1 << shift) // 2


PRICED = ("reported", "computed", "estimated")


def bins(records: Iterable[Record]) -> list[Row]:
    """Rows of `histograms` that add these calls, in the order of their key."""
    found: dict[Row, int] = {}
    for r in records:
        for key in bins_of(r.started_us, r.tenant, r.model, r.outcome, r.duration_us, r.cost_state, r.cost):
            found[key] = found.get(key, 0) + 1
    return [(*key, found[key]) for key in sorted(found)]


def bins_of(
    started_us: int, tenant: str, model: str, outcome: str, duration_us: int, cost_state: str, cost: int
) -> Iterable[Row]:  # fmt: skip
    """The cells that a call counts in: the duration of one that ended well, the cost of one whose cost is known."""
    day = started_us - started_us % DAY_US
    if outcome == "ok":
        yield ("duration", day, tenant, model, bin_of(duration_us))
    if cost_state in PRICED:
        yield ("cost", day, tenant, model, bin_of(cost))


def _case(state: str, value: str) -> str:
    return f"sum(CASE WHEN cost_state = '{state}' THEN {value} ELSE 0 END)"


_FROM_ROWS = (
    "count(*)",
    f"sum(CASE WHEN outcome IN {NOT_ERRORS!r} THEN 0 ELSE 1 END)",
    "sum(CASE WHEN cache <> '' THEN 1 ELSE 0 END)",
    *(f"sum({column})" for column in ROLLUP_SUMS[3:10]),
    *(_case(state, "1") for state in STATES),
    *(_case(state, "cost") for state in STATES),
)


def cells_from_rows(view: View) -> str:
    """The SQL that sums one view from the rows: what `rollups` must hold for it."""
    sums = ", ".join(f"CAST({sql} AS BIGINT) AS {name}" for sql, name in zip(_FROM_ROWS, ROLLUP_SUMS, strict=True))
    a, b = view.a or "''", view.b or "''"
    return (
        f"SELECT '{view.dims}' AS dims, started_us - started_us % {view.bucket_us} AS bucket_us, tenant, "
        f"{a} AS a, {b} AS b, {sums} FROM calls GROUP BY 2, 3, 4, 5"
    )
