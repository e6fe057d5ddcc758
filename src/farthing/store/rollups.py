"""Sums of calls by the dimensions that people ask for, kept beside the rows so that no page ever scans them.

`VIEWS` names what is kept: single dimensions and pairs, by UTC day, hour or calendar month. A batch is summed here in memory and added to
the stored cells in the transaction of its rows. The same sums as one SQL statement a view (`cells_from_rows`) prove that
the two agree, or build the cells again.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from farthing.model.record import CACHE_HITS, Record
from farthing.store.engine import Row
from farthing.store.rows import saved
from farthing.store.schema import ROLLUP_SUMS

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
MONTH_US = 31 * DAY_US
"""Stands for calendar months, which are not all as long."""


class View(NamedTuple):
    """One way of summing; `a` and `b` are columns of `calls`, empty where there is none."""

    dims: str
    bucket_us: int
    a: str = ""
    b: str = ""

    @property
    def bucket_sql(self) -> str:
        """The beginning of the bucket that a call falls into."""
        return bucket_sql("started_us", self.bucket_us)


def month_of(us: int) -> int:
    """The beginning of the calendar month (UTC), in microseconds; until February 2100.

    Source: the civil calendar in whole numbers, years beginning in March, so that a leap day is the last of its cycle.
    """
    day = us // DAY_US
    cycle = (day + 671) % 1461  # 671 days from March 1968 to 1970; 1461 days are four years
    of_year = cycle - 365 * ((cycle - cycle // 1460) // 365)
    return (day - of_year + (153 * ((5 * of_year + 2) // 153) + 2) // 5) * DAY_US


def bucket_sql(us: str, bucket_us: int) -> str:
    """`month_of`, or the beginning of the day or hour, of a column with microseconds: the same on every engine."""
    if bucket_us != MONTH_US:
        return f"{us} - {us} % {bucket_us}"
    cycle = f"(({us} / {DAY_US} + 671) % 1461)"
    of_year = f"({cycle} - 365 * (({cycle} - {cycle} / 1460) / 365))"
    return f"({us} / {DAY_US} - {of_year} + (153 * ((5 * {of_year} + 2) / 153) + 2) / 5) * {DAY_US}"


VIEWS = (
    View("hour", HOUR_US),
    View("hour_feature", HOUR_US, "feature"),
    View("day", DAY_US),
    View("feature", DAY_US, "feature"),
    View("team", DAY_US, "team"),
    View("project", DAY_US, "project"),
    View("model", DAY_US, "model"),
    View("task", DAY_US, "task"),
    View("tier", DAY_US, "tier"),
    View("key", DAY_US, "key_id"),
    View("feature_model", DAY_US, "feature", "model"),
    View("user_feature", DAY_US, "user_id", "feature"),
    View("team_model", DAY_US, "team", "model"),
    View("feature_tier", DAY_US, "feature", "tier"),
    View("task_tier", DAY_US, "task", "tier"),
    View("task_model", DAY_US, "task", "model"),
    View("user_month", MONTH_US, "user_id", "feature"),
)

NOT_ERRORS = ("ok", "left")
"""Outcomes that are no error: a client that leaves got what it wanted, or no longer wants it."""


def measures(record: Record) -> tuple[int, ...]:
    """What one call adds to each cell that it falls into: the columns of `schema.ROLLUP_SUMS`."""
    return (
        1, int(record.outcome not in NOT_ERRORS), int(record.cache != ""), int(record.cache in CACHE_HITS), record.in_tokens, record.cached_tokens,
        record.out_tokens, record.cost, record.baseline, saved(record), record.duration_us,
    )  # fmt: skip


_Cell = tuple[str, int, str, str, str, str]
"""The columns of `schema.ROLLUP_KEY`."""

_Adds = list[tuple[int, ...]]


def cells(records: Iterable[Record]) -> list[Row]:
    """Rows of `rollups` that add these calls, in the order of their key.

    The calls are first summed over everything that the views share, then the views are summed from these few sums;
    users, who are many, have a first sum of their own.
    """
    fine: dict[tuple[int, str, str, str, str, str, str, str, str, str], _Adds] = {}
    users: dict[tuple[int, str, str, str, str], _Adds] = {}
    for r in records:
        adds = measures(r)
        hour = r.started_us - r.started_us % HOUR_US
        fine.setdefault(
            (hour, r.tenant, r.feature, r.model, r.team, r.project, r.task, r.tier, r.key_id, r.cost_state), []
        ).append(adds)  # fmt: skip
        users.setdefault((hour - hour % DAY_US, r.tenant, r.user, r.feature, r.cost_state), []).append(adds)

    found: dict[_Cell, _Adds] = {}

    def add(key: _Cell, sums: tuple[int, ...]) -> None:
        found.setdefault(key, []).append(sums)

    for (hour, tenant, feature, model, team, project, task, tier, key_id, state), rows in fine.items():
        sums = _summed(rows)
        day = hour - hour % DAY_US
        add(("hour_feature", hour, tenant, feature, "", state), sums)
        add(("feature_model", day, tenant, feature, model, state), sums)
        add(("team_model", day, tenant, team, model, state), sums)
        add(("project", day, tenant, project, "", state), sums)
        add(("feature_tier", day, tenant, feature, tier, state), sums)
        add(("task_tier", day, tenant, task, tier, state), sums)
        add(("task_model", day, tenant, task, model, state), sums)
        add(("key", day, tenant, key_id, "", state), sums)
    for (day, tenant, user, feature, state), rows in users.items():
        add(("user_feature", day, tenant, user, feature, state), _summed(rows))
    pairs = {cell: _summed(rows) for cell, rows in found.items()}
    singles = _singles(pairs)
    return [(*cell, *sums) for cell, sums in sorted((pairs | singles).items())]


def _singles(pairs: dict[_Cell, tuple[int, ...]]) -> dict[_Cell, tuple[int, ...]]:
    """The sums over one dimension that follow from those over two, and those of months that follow from days."""
    found: dict[_Cell, _Adds] = {}
    for (dims, bucket, tenant, a, b, state), sums in pairs.items():
        for cell in _wider(dims, bucket, tenant, a, b, state):
            found.setdefault(cell, []).append(sums)
    return {cell: _summed(rows) for cell, rows in found.items()}


def _wider(dims: str, bucket: int, tenant: str, a: str, b: str, state: str) -> tuple[_Cell, ...]:
    if dims == "feature_model":
        return ("feature", bucket, tenant, a, "", state), ("model", bucket, tenant, b, "", state)
    if dims in ("team_model", "task_model"):
        return ((dims.partition("_")[0], bucket, tenant, a, "", state),)
    if dims == "feature_tier":
        return (("tier", bucket, tenant, b, "", state),)
    if dims == "user_feature":
        return (("user_month", month_of(bucket), tenant, a, b, state),)
    if dims == "hour_feature":
        return ("hour", bucket, tenant, "", "", state), ("day", bucket - bucket % DAY_US, tenant, "", "", state)
    return ()


def _summed(rows: _Adds) -> tuple[int, ...]:
    return rows[0] if len(rows) == 1 else tuple(map(sum, zip(*rows, strict=True)))


def lever_cells(records: Iterable[Record]) -> list[Row]:
    """Rows of `lever_sums` that add the savings of these calls, in the order of their key."""
    found: dict[tuple[int, str, str, int], list[int]] = {}
    for record in records:
        if not record.savings:
            continue
        day = record.started_us - record.started_us % DAY_US
        for saving in record.savings:
            sums = found.setdefault((day, record.tenant, saving.lever, int(saving.estimated)), [0, 0, 0, 0])
            sums[0] += 1
            sums[1] += saving.before
            sums[2] += saving.after
            sums[3] += saving.overhead
    return [(*key, *found[key]) for key in sorted(found)]


LEVER_CELLS_FROM_ROWS = (
    f"SELECT started_us - started_us % {DAY_US} AS day_us, tenant, lever, estimated, count(*) AS calls, "
    "CAST(sum(before_cost) AS BIGINT) AS before_cost, CAST(sum(after_cost) AS BIGINT) AS after_cost, "
    "CAST(sum(overhead) AS BIGINT) AS overhead FROM savings JOIN calls ON id = call_id GROUP BY 1, 2, 3, 4"
)
"""The SQL that sums savings from the rows: what `lever_sums` must hold."""


_SUB_BITS = 4


def bin_of(size: int) -> int:
    """The histogram's bin of a cost or duration: 16 bins an octave, so a bin is at most 6.3 % wide and its middle at
    most 3.2 % off. Whole numbers only, so that every machine agrees."""
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
    found = count_bins(
        (r.started_us, r.tenant, r.model, r.outcome, r.first_byte_us, r.duration_us, r.cost_state, r.cost)
        for r in records
    )
    return [(*key, found[key]) for key in sorted(found)]


BIN_COLUMNS = "started_us, tenant, model, outcome, first_byte_us, duration_us, cost_state, cost"
"""What of a call its bins depend on."""


def count_bins(calls: Iterable[Row]) -> dict[Row, int]:
    """Calls by cell: the duration of those that ended well, but for what was fetched from a batch, which nobody saw begin; the
    cost of those whose cost is known."""
    keys: list[Row] = []
    for started_us, tenant, model, outcome, first_byte_us, duration_us, cost_state, cost in calls:
        day = started_us - started_us % DAY_US
        if outcome == "ok" and (first_byte_us or not cost):
            keys.append(("duration", day, tenant, model, bin_of(duration_us)))
        if cost_state in PRICED:
            keys.append(("cost", day, tenant, model, bin_of(cost)))
    return Counter(keys)


_FROM_ROWS = (
    "count(*)",
    f"sum(CASE WHEN outcome IN {NOT_ERRORS!r} THEN 0 ELSE 1 END)",
    "sum(CASE WHEN cache <> '' THEN 1 ELSE 0 END)",
    f"sum(CASE WHEN cache IN {CACHE_HITS!r} THEN 1 ELSE 0 END)",
    *(f"sum({column})" for column in ROLLUP_SUMS[4:]),
)


def cells_from_rows(view: View) -> str:
    """The SQL that sums one view from the rows: what `rollups` must hold for it."""
    sums = ", ".join(f"CAST({sql} AS BIGINT) AS {name}" for sql, name in zip(_FROM_ROWS, ROLLUP_SUMS, strict=True))
    a, b = view.a or "''", view.b or "''"
    return (
        f"SELECT '{view.dims}' AS dims, {view.bucket_sql} AS bucket_us, tenant, "
        f"{a} AS a, {b} AS b, cost_state, {sums} FROM calls GROUP BY 2, 3, 4, 5, 6"
    )
