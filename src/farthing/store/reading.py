"""Reading the ledger: one call, lists of calls by index, reports from rollups, and the proof that these agree."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from farthing.model.errors import BadRequest
from farthing.model.money import Nano
from farthing.model.record import Record
from farthing.model.usage import CostState
from farthing.store import arms, billed, rollups, transaction_rows, waste
from farthing.store.engine import Connection, Row
from farthing.store.rollups import DAY_US, HOUR_US, MONTH_US, VIEWS, View
from farthing.store.rows import record_of
from farthing.store.schema import (
    ATTEMPT_COLUMNS,
    CALL_COLUMNS,
    HISTOGRAM_KEY,
    LEVER_KEY,
    LEVER_SUMS,
    ROLLUP_KEY,
    ROLLUP_SUMS,
    SAVING_COLUMNS,
)

DIMENSIONS = {
    "feature": "feature", "user": "user_id", "team": "team", "project": "project", "model": "model", "task": "task",
    "key": "key_id", "tier": "tier",
}  # fmt: skip
"""Names of what a report is by, and their columns in `calls`."""

TIMES = {"day": DAY_US, "hour": HOUR_US}

FILTERS = DIMENSIONS | {
    "provider": "provider", "deployment": "deployment", "wire": "wire", "outcome": "outcome", "cost_state": "cost_state",
    "cache": "cache", "transaction": "transaction_id", "tenant": "tenant", "template": "template", "session": "session",
}  # fmt: skip
"""Names that a list of calls can be filtered by, and their columns."""

_PARTLY_INDEXED = ("user_id", "feature", "key_id", "transaction_id")
"""Columns whose index, where an engine has one, leaves out empty values, so a query must say that it does too."""

MOST_ROWS = 10_000

ALWAYS_US = 1 << 62


class ReportRow(msgspec.Struct, frozen=True):
    """Sums over the calls of one value (or pair) in a span of time. Amounts in nano-dollars.

    `cost` is what is known; calls whose cost is not (`calls_by_state` unpriced and unknown) are in it with what is known
    of them, mostly nothing, so whoever shows `cost` shows their number beside it.
    """

    key: str
    """The value reported by; an ISO date or hour (UTC) for `day` and `hour`. Empty: the calls that said none."""
    also: str = ""
    """The second value of a report by two."""
    calls: int = 0
    errors: int = 0
    cacheable: int = 0
    """Calls that the cache was allowed to answer."""
    cache_hits: int = 0
    in_tokens: int = 0
    cached_tokens: int = 0
    out_tokens: int = 0
    cost: Nano = 0
    baseline: Nano = 0
    saved: Nano = 0
    duration_us: int = 0
    """Sum over the calls."""
    calls_by_state: dict[str, int] = {}
    """Only the states that there are."""
    cost_by_state: dict[str, Nano] = {}

    @property
    def calls_without_cost(self) -> int:
        """Calls that are not, or not fully, in `cost`."""
        return self.calls_by_state.get("unpriced", 0) + self.calls_by_state.get("unknown", 0)


class CallRow(msgspec.Struct, frozen=True):
    """One call in a list; `Store.call` has the rest."""

    id: str
    started_us: int
    wire: str
    model_asked: str
    model: str
    provider: str
    tenant: str
    key_id: str
    team: str
    project: str
    user: str
    feature: str
    task: str
    transaction: str
    stream: bool
    status: int
    outcome: str
    cost_state: CostState
    cost: Nano
    baseline: Nano
    saved: Nano
    in_tokens: int
    cached_tokens: int
    out_tokens: int
    first_byte_us: int
    duration_us: int
    cache: str
    tier: str
    template: str
    session: str


_LIST_COLUMNS = (
    "id", "started_us", "wire", "model_asked", "model", "provider", "tenant", "key_id", "team", "project", "user_id",
    "feature", "task", "transaction_id", "stream", "status", "outcome", "cost_state", "cost", "baseline", "saved",
    "in_tokens", "cached_tokens", "out_tokens", "first_byte_us", "duration_us", "cache", "tier", "template",
    "session",
)  # fmt: skip


class LeverRow(msgspec.Struct, frozen=True):
    """What one lever took off: before - after - overhead, in nano-dollars. Booked, not proved: see `quality.holdout`."""

    lever: str
    calls: int = 0
    before: Nano = 0
    after: Nano = 0
    overhead: Nano = 0
    """What the lever itself spent."""
    estimated: Nano = 0
    """That part of `saved` which rests on an estimate of what would have been."""

    @property
    def saved(self) -> Nano:
        return self.before - self.after - self.overhead


def call(connection: Connection, call_id: str) -> Record | None:
    """The whole record, or None."""
    found = connection.query(f"SELECT {','.join(CALL_COLUMNS)} FROM calls WHERE id = ?", (call_id,))
    if not found:
        return None
    attempts = connection.query(
        f"SELECT {','.join(ATTEMPT_COLUMNS)} FROM attempts WHERE call_id = ? ORDER BY attempt_no, part_no", (call_id,)
    )
    savings = connection.query(
        f"SELECT {','.join(SAVING_COLUMNS)} FROM savings WHERE call_id = ? ORDER BY place", (call_id,)
    )
    return record_of(found[0], attempts, savings)


def calls(
    connection: Connection, *, since_us: int = 0, until_us: int | None = None, where: Mapping[str, str] | None = None,
    limit: int = 100, before: tuple[int, str] | None = None,
) -> list[CallRow]:  # fmt: skip
    """The newest calls first, at most `limit`. `before` is (started_us, id) of the last row of the page before.

    Raises BadRequest for a filter that is not in `FILTERS`.
    """
    return [_call_row(row) for row in newest_rows(connection, _LIST_COLUMNS, since_us, until_us, where, limit, before)]


def newest_rows(
    connection: Connection, columns: Sequence[str], since_us: int, until_us: int | None, where: Mapping[str, str] | None,
    limit: int, before: tuple[int, str] | None = None,
) -> list[Row]:  # fmt: skip
    """These columns of the calls that `calls` lists."""
    asked = dict(where or {})
    tests, values = _filter(asked)
    until = ALWAYS_US if until_us is None else until_us
    if before is not None:
        tests.append("(started_us, id) < (?, ?)")
        values.extend(before)
        until = min(until, before[0] + 1)
    most = min(max(0, limit), MOST_ROWS)
    sql = (
        f"SELECT {','.join(columns)} FROM calls WHERE {' AND '.join(('started_us >= ?', 'started_us < ?', *tests))} "
        "ORDER BY started_us DESC, id DESC LIMIT ?"
    )
    found: list[Row] = []
    for start, end in _spans(connection, asked, max(0, since_us), until):
        found += connection.query(sql, (start, end, *values, most - len(found)))
        if len(found) >= most:
            break
    return found


def _filter(where: Mapping[str, str]) -> tuple[list[str], list[object]]:
    tests: list[str] = []
    for name, value in where.items():
        tests.append(f"{_column(name)} = ?")
        if value and _column(name) in _PARTLY_INDEXED:
            tests.append(f"{_column(name)} <> ''")
        if name == "outcome" and value != "ok":
            tests.append("outcome <> 'ok'")
    return tests, list(where.values())


def _spans(connection: Connection, where: Mapping[str, str], since: int, until: int) -> list[tuple[int, int]]:
    """Where to look, newest first: only days on which, as the rollups say, each value occurs. Without such a filter, or
    for one transaction, which has an index on every engine, everywhere."""
    days: set[int] | None = None
    if where.get("transaction"):
        return [(since, until)]
    for name, value in where.items():
        if name in DIMENSIONS:
            test = "dims = ? AND a = ?"
        elif name in ("tenant", "cost_state"):
            test = f"dims = ? AND {name} = ?"
        else:
            continue
        found = connection.query(
            f"SELECT DISTINCT bucket_us FROM rollups WHERE {test} AND bucket_us > ? AND bucket_us < ?",
            (view_for((name,), {}).dims if name in DIMENSIONS else "day", value, since - DAY_US, until),
        )
        some = {int(row[0]) for row in found}
        days = some if days is None else days & some
    if days is None:
        return [(since, until)]
    return [(max(since, day), min(until, day + DAY_US)) for day in sorted(days, reverse=True)]


def _column(name: str) -> str:
    if name not in FILTERS:
        raise BadRequest(f"calls cannot be filtered by {name!r}; choose from {', '.join(FILTERS)}", param=name)
    return FILTERS[name]


def _call_row(row: Row) -> CallRow:
    named: dict[str, Any] = dict(zip(CallRow.__struct_fields__, row, strict=True))
    named["stream"] = bool(named["stream"])
    return CallRow(**named)


def report(
    connection: Connection, by: str, since_us: int = 0, until_us: int | None = None, *, tenant: str = "",
    where: Mapping[str, str] | None = None,
) -> list[ReportRow]:  # fmt: skip
    """Sums by one name, or by two with a comma between ("day,feature"). Dearest first; by time, oldest first.

    `where` fixes further names to a value. `tenant` empty means all tenants. The span is widened to whole UTC days, or
    hours for `hour`. Raises BadRequest for a combination that no rollup holds.
    """
    names = [name.strip() for name in by.split(",")]
    asked = dict(where or {})
    view = view_for(names, asked)
    bucket = HOUR_US if "hour" in names else DAY_US
    until = ALWAYS_US if until_us is None else -(-until_us // bucket) * bucket
    tests, values = held(view, asked, tenant)
    tests += ["bucket_us >= ?", "bucket_us < ?"]
    rows = summed(connection, names, view, tests, [*values, max(0, since_us) // bucket * bucket, until])
    return sorted(rows, key=lambda row: _order(names, row))


def held(view: View, where: Mapping[str, str], tenant: str) -> tuple[list[str], list[object]]:
    """The tests, and their values, for the cells of a view that are of this scope."""
    tests = ["dims = ?", *(f"{group_of(name, view)} = ?" for name in where), *(["tenant = ?"] if tenant else [])]
    return tests, [view.dims, *where.values(), *([tenant] if tenant else [])]


def summed(
    connection: Connection, names: Sequence[str], view: View, tests: Sequence[str], values: Sequence[object]
) -> list[ReportRow]:  # fmt: skip
    """A row for each value of the names, in no order, from the cells for which the tests hold; without names, one of all
    cells, or none where there are none."""
    groups = [*(group_of(name, view) for name in names), "cost_state"]
    sums = ", ".join(f"CAST(sum({column}) AS BIGINT)" for column in ROLLUP_SUMS)
    by_value: dict[Row, dict[str, Row]] = {}
    for row in connection.query(
        f"SELECT {', '.join(groups)}, {sums} FROM rollups WHERE {' AND '.join(tests)} GROUP BY {', '.join(groups)}",
        values,
    ):
        by_value.setdefault(row[: len(names)], {})[row[len(names)]] = row[len(names) + 1 :]
    return [_report_row(names, value, by_state) for value, by_state in by_value.items()]


def view_for(names: Sequence[str], where: Mapping[str, str]) -> View:
    """The first view that holds all that is asked for; `VIEWS` has the smaller ones first."""
    wanted = {DIMENSIONS[name] for name in (*names, *where) if name in DIMENSIONS}
    unknown = [name for name in names if name not in DIMENSIONS and name not in TIMES]
    unknown += [name for name in where if name not in DIMENSIONS]
    hourly = "hour" in names
    if not unknown and 1 <= len(names) <= 2 and len(set(names)) == len(names) and not set(names) >= set(TIMES):
        for view in VIEWS:
            if wanted <= {view.a, view.b} and view.bucket_us == (HOUR_US if hourly else DAY_US):
                return view
    asked = ",".join(dict.fromkeys((*names, *where)))
    kept = "; ".join(_spoken(view) for view in VIEWS if view.bucket_us != MONTH_US)
    raise BadRequest(f"no sums are kept for {asked!r}; kept are: {kept}; and each of them by day", param="by")


def _spoken(view: View) -> str:
    """A view as it is asked for: `hour,feature`."""
    spoken = {column: name for name, column in DIMENSIONS.items()}
    parts = [spoken[column] for column in (view.a, view.b) if column]
    return ",".join([*(["hour"] if view.bucket_us == HOUR_US else []), *parts]) or "day"


def group_of(name: str, view: View) -> str:
    """The column of `rollups` that holds the values of a name in the view."""
    if name in TIMES:
        return "bucket_us"
    return "a" if view.a == DIMENSIONS[name] else "b"


def _report_row(names: Sequence[str], value: Row, by_state: Mapping[str, Row]) -> ReportRow:
    said = [_said(name, part) for name, part in zip(names, value, strict=True)]
    states = list(by_state.values())
    summed = states[0] if len(states) == 1 else tuple(map(sum, zip(*states, strict=True)))
    sums: dict[str, Any] = dict(zip(ROLLUP_SUMS, map(int, summed), strict=True))
    return ReportRow(
        key=said[0] if said else "",
        also=said[1] if len(said) > 1 else "",
        calls_by_state={state: int(row[_CALLS]) for state, row in by_state.items()},
        cost_by_state={state: int(row[_COST]) for state, row in by_state.items()},
        **sums,
    )


_CALLS, _COST = ROLLUP_SUMS.index("calls"), ROLLUP_SUMS.index("cost")


def _said(name: str, value: Any) -> str:
    if name not in TIMES:
        return str(value)
    when = datetime.fromtimestamp(value // 1_000_000, UTC)
    return when.strftime("%Y-%m-%d" if name == "day" else "%Y-%m-%dT%H:00Z")


def _order(names: Sequence[str], row: ReportRow) -> tuple[Any, ...]:
    dear = (-row.cost, -row.calls)
    if names[0] in TIMES:
        return (row.key, *dear, row.also)
    return (*dear, row.key, row.also)


def levers(
    connection: Connection, since_us: int = 0, until_us: int | None = None, *, tenant: str = ""
) -> list[LeverRow]:  # fmt: skip
    """Savings by lever from rollups, the biggest first. The span is widened to whole UTC days."""
    until = ALWAYS_US if until_us is None else -(-until_us // DAY_US) * DAY_US
    values: list[object] = [max(0, since_us) // DAY_US * DAY_US, until]
    test = ""
    if tenant:
        test = " AND tenant = ?"
        values.append(tenant)
    sums = ", ".join(f"CAST(sum({column}) AS BIGINT)" for column in LEVER_SUMS)
    found: dict[str, LeverRow] = {}
    for lever, estimated, *row in connection.query(
        f"SELECT lever, estimated, {sums} FROM lever_sums WHERE day_us >= ? AND day_us < ?{test} GROUP BY lever, estimated",
        values,
    ):
        calls_, before, after, overhead = map(int, row)
        so_far = found.get(lever, LeverRow(lever))
        found[lever] = LeverRow(
            lever, so_far.calls + calls_, so_far.before + before, so_far.after + after, so_far.overhead + overhead,
            so_far.estimated + (before - after - overhead if estimated else 0),
        )  # fmt: skip
    return sorted(found.values(), key=lambda row: (-row.saved, row.lever))


def quantiles(
    connection: Connection, kind: str, shares: Sequence[float], since_us: int = 0, until_us: int | None = None, *,
    tenant: str = "", model: str | None = None,
) -> list[int]:  # fmt: skip
    """The sizes below which these shares of the calls lie: `kind` duration (us) or cost (nano-dollars), to 3.2 %.

    Empty where there were no calls. The span is widened to whole UTC days.
    """
    tests = ["kind = ?", "day_us >= ?", "day_us < ?"]
    until = ALWAYS_US if until_us is None else -(-until_us // DAY_US) * DAY_US
    values: list[object] = [kind, max(0, since_us) // DAY_US * DAY_US, until]
    if tenant:
        tests.append("tenant = ?")
        values.append(tenant)
    if model is not None:
        tests.append("model = ?")
        values.append(model)
    found = connection.query(
        f"SELECT bin, CAST(sum(n) AS BIGINT) FROM histograms WHERE {' AND '.join(tests)} GROUP BY bin ORDER BY bin",
        values,
    )
    total = sum(int(n) for _, n in found)
    return [_quantile(found, share * total) for share in shares] if total else []


def _quantile(found: Sequence[Row], rank: float) -> int:
    passed = 0
    for bin_, n in found:
        passed += int(n)
        if passed >= rank:
            return rollups.size_of(int(bin_))
    return rollups.size_of(int(found[-1][0]))


def check(connection: Connection) -> list[str]:
    """What does not agree in the ledger, in words; empty where all is well. Reads every row: minutes for millions.

    It looks for rollups that differ from the sum of the rows, attempts and savings without a call, a `saved` that is not
    the sum of its savings, and calls that break the law baseline - saved == cost.
    """
    billed.fill(connection)
    with connection.snapshot():
        wrong = [line for view in VIEWS for line in _check_view(connection, view)]
        wrong += _check_histograms(connection)
        wrong += _check_levers(connection)
        wrong += arms.check(connection)
        wrong += waste.check(connection)
        wrong += billed.check(connection)
        wrong += transaction_rows.check(connection)
        for what, sql in _LAWS.items():
            wrong += [f"{what}: {row[0]}" for row in connection.query(sql)]
    return wrong


_LAWS = {
    "attempt without a call": "SELECT call_id FROM attempts WHERE call_id NOT IN (SELECT id FROM calls) LIMIT 20",
    "saving without a call": "SELECT call_id FROM savings WHERE call_id NOT IN (SELECT id FROM calls) LIMIT 20",
    "saved is not the sum of the savings": (
        "SELECT id FROM calls LEFT JOIN (SELECT call_id, sum(before_cost - after_cost - overhead) AS lines FROM savings "
        "GROUP BY call_id) AS each_call ON call_id = id WHERE saved <> coalesce(lines, 0) LIMIT 20"
    ),
    "baseline - saved is not cost": "SELECT id FROM calls WHERE baseline - saved <> cost LIMIT 20",
}


def _check_view(connection: Connection, view: View) -> list[str]:
    columns = ", ".join((*ROLLUP_KEY, *ROLLUP_SUMS))
    kept = f"SELECT {columns} FROM rollups WHERE dims = '{view.dims}'"
    rows = f"SELECT {columns} FROM ({rollups.cells_from_rows(view)}) AS from_rows"
    more = connection.query(f"{kept} EXCEPT {rows}")
    less = connection.query(f"{rows} EXCEPT {kept}")
    return [f"rollup {row[:6]} holds {row[6:]}, the rows do not" for row in more[:20]] + [
        f"rollup {row[:6]} should hold {row[6:]}" for row in less[:20]
    ]


def _check_levers(connection: Connection) -> list[str]:
    columns = ", ".join((*LEVER_KEY, *LEVER_SUMS))
    kept = f"SELECT {columns} FROM lever_sums"
    rows = f"SELECT {columns} FROM ({rollups.LEVER_CELLS_FROM_ROWS}) AS from_rows"
    more = connection.query(f"{kept} EXCEPT {rows}")
    less = connection.query(f"{rows} EXCEPT {kept}")
    return [f"lever {row[:4]} holds {row[4:]}, the rows do not" for row in more[:20]] + [
        f"lever {row[:4]} should hold {row[4:]}" for row in less[:20]
    ]


def _check_histograms(connection: Connection) -> list[str]:
    kept = {(*row[:4], int(row[4])): int(row[5]) for row in connection.query(_BINS)}
    counted = _counted_bins(connection)
    different = sorted(key for key in kept.keys() | counted.keys() if kept.get(key, 0) != counted.get(key, 0))
    return [f"histogram {key} holds {kept.get(key, 0)}, the rows give {counted.get(key, 0)}" for key in different[:20]]


def _counted_bins(connection: Connection) -> dict[Row, int]:
    return rollups.count_bins(connection.query(f"SELECT {rollups.BIN_COLUMNS} FROM calls"))


_BINS = f"SELECT {', '.join(HISTOGRAM_KEY)}, n FROM histograms"


def rebuild(connection: Connection) -> None:
    """Make all rollups anew from the rows, in one transaction."""
    columns = ", ".join((*ROLLUP_KEY, *ROLLUP_SUMS))
    with connection.transaction():
        connection.lock(
            (
                "calls",
                "attempts",
                "savings",
                "rollups",
                "histograms",
                "lever_sums",
                "hold_outs",
                "waste",
                "billed_units",
                "billed_calls",
                "transactions",
            )
        )
        connection.execute("DELETE FROM rollups")
        for view in VIEWS:
            connection.execute(f"INSERT INTO rollups ({columns}) {rollups.cells_from_rows(view)}")
        connection.execute("DELETE FROM lever_sums")
        connection.execute(
            f"INSERT INTO lever_sums ({', '.join((*LEVER_KEY, *LEVER_SUMS))}) {rollups.LEVER_CELLS_FROM_ROWS}"
        )
        arms.rebuild(connection)
        waste.rebuild(connection)
        billed.rebuild(connection)
        transaction_rows.rebuild(connection)
        connection.execute("DELETE FROM histograms")
        bins = [(*key, n) for key, n in sorted(_counted_bins(connection).items())]
        connection.insert("histograms", (*HISTOGRAM_KEY, "n"), bins)
