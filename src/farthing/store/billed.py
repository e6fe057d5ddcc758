"""What is handed on to others: units of each class at each rate, and calls, by day (UTC, of the call), tenant, provider,
model, team, project and feature. Sums that are kept beside the rollups; what is made of them is for `finops`.

Units times rate is the cost, exactly. What an attempt cost beyond its lines stands in units of its own, so that nothing is
lost: `rounding` (of the attempt to whole nano-dollars) and `adjustment` (the provider's own price above or below ours).
"""

from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from itertools import groupby
from operator import itemgetter
from typing import TypeVar

import msgspec

from farthing.model.arms import MODEL_SELECTION
from farthing.model.money import PICO_PER_NANO, Nano, Pico
from farthing.model.record import CACHE_HITS, Attempt, Record, Saving, model_that_ran
from farthing.model.usage import CostState, Usage
from farthing.prices.card import REQUEST_UNITS, TOKEN_UNITS, token_counts
from farthing.store.engine import Connection, Row
from farthing.store.rollups import DAY_US, NOT_ERRORS, PRICED
from farthing.store.rows import BIGGEST, counts_of, lines_of, mended_text, saved
from farthing.store.schema_billed import CALL_KEY, CALL_SUMS, UNIT_KEY, UNIT_SUMS

T = TypeVar("T")

ROUNDING, ADJUSTMENT = "rounding", "adjustment"
NO_RATE = -1
"""Rate of units whose price is not known; what they cost may stand in an adjustment, or nowhere."""
ROUTING = (MODEL_SELECTION, "request routing")
"""Levers whose savings are `routed`."""

_UNITS = frozenset((*TOKEN_UNITS, *REQUEST_UNITS))
_MOST_PICO = BIGGEST * PICO_PER_NANO
_HALF = PICO_PER_NANO // 2
_LONGEST = 80
"""Characters of a name: keys have seven of them, and no engine indexes more than some 2,700 bytes."""
_PAGE = 2_000

_Class = tuple[str, Pico, Pico]
"""unit, rate, list rate."""
_Group = tuple[int, str, str, str, str, str, str, str, str]
"""The columns of `UNIT_KEY` before the class."""


class UnitSum(msgspec.Struct, frozen=True):
    """Units of one class at one rate. Rates in pico-dollars a unit."""

    day_us: int
    tenant: str
    provider: str
    model: str
    tier: str
    """Service tier that served."""
    team: str
    project: str
    feature: str
    cost_state: CostState
    unit: str
    rate: Pico
    listed: Pico
    """The rate at list price."""
    units: int


class CallSum(msgspec.Struct, frozen=True):
    """Calls. Amounts in nano-dollars."""

    day_us: int
    tenant: str
    provider: str
    model: str
    team: str
    project: str
    feature: str
    calls: int
    errors: int
    without_cost: int
    """Calls whose cost is not known, or not wholly."""
    cache_hits: int
    in_tokens: int
    cached_tokens: int
    out_tokens: int
    cost: Nano
    baseline: Nano
    saved: Nano
    routed: Nano
    """Part of `saved` that routing took off."""


def short(name: str) -> str:
    """The name, if a key can hold it; else its beginning and a digest that keeps it apart from others."""
    if len(name) <= _LONGEST:
        return name
    digest = blake2b(name.encode(errors="replace"), digest_size=8).hexdigest()
    return f"{name[: _LONGEST - 17]}…{digest}"


def unit_cells(records: Iterable[Record]) -> list[Row]:
    """Rows of `billed_units` that add these calls, in the order of their key."""
    found: dict[_Group, dict[_Class, int]] = {}
    for record in records:
        if not record.attempts:
            continue
        day = record.started_us - record.started_us % DAY_US
        for attempt in record.attempts:
            model = model_that_ran(attempt.model, attempt.served_model)
            group = (
                day, record.tenant, attempt.provider, model, attempt.tier, record.team, record.project, record.feature,
                attempt.cost_state,
            )  # fmt: skip
            _add(found.setdefault(group, {}), attempt)
    return sorted(
        (group[0], *map(short, group[1:]), *class_, units)
        for group, classes in found.items()
        for class_, units in classes.items()
        if units
    )


def _add(classes: dict[_Class, int], attempt: Attempt) -> None:
    """One attempt's units. Lines that cannot be are left out: then all of its cost is an adjustment."""
    priced = attempt.cost_state in PRICED
    pico = at_list = 0
    lined: tuple[str, ...] = ()
    if priced and attempt.lines:
        lines: list[tuple[_Class, int]] = []
        for line in attempt.lines:
            unit, count, rate, listed = line.unit, line.count, line.rate, line.listed
            if listed is None:
                listed = rate
            pico += count * rate
            at_list += count * listed
            lines.append(((unit, rate, listed), count))
        if _possible(lines, pico, at_list):
            lined = tuple([class_[0] for class_, _ in lines])
            for class_, count in lines:
                classes[class_] = classes.get(class_, 0) + count
        else:
            pico = at_list = 0
    if attempt.usage is not None and not (lined and attempt.cost_state != "reported"):
        for unit, count in _counted(attempt.usage):
            if unit not in lined:
                class_ = (unit, NO_RATE, NO_RATE)
                classes[class_] = classes.get(class_, 0) + count
    if priced:
        list_cost = attempt.list_cost or attempt.cost
        _add_rest(classes, attempt.cost * PICO_PER_NANO - pico, list_cost * PICO_PER_NANO - at_list)


def _possible(lines: Iterable[tuple[_Class, int]], pico: Pico, at_list: Pico) -> bool:
    for (unit, rate, listed), count in lines:  # quicker than `all` of a generator
        if unit not in _UNITS or rate < 0 or listed < 0 or count < 0:
            return False
    return pico <= _MOST_PICO and at_list <= _MOST_PICO


def _counted(usage: Usage) -> Iterator[tuple[str, int]]:
    for unit, count in zip(TOKEN_UNITS, token_counts(usage), strict=True):
        if count:
            yield unit, count
    for unit, count in usage.requests.items():
        if 0 < count <= BIGGEST:
            yield mended_text(short(unit)), count


def _add_rest(classes: dict[_Class, int], rest: Pico, at_list: Pico) -> None:
    """What the cost is beyond the lines, and the same at list price."""
    for amount, one, other in ((rest, 1, 0), (at_list, 0, 1)) if rest != at_list else ((rest, 1, 1),):
        if not amount:
            continue
        nano, pico = (0, amount) if -_HALF <= amount <= _HALF else divmod(amount, PICO_PER_NANO)
        if nano:
            class_ = (ADJUSTMENT, one * PICO_PER_NANO, other * PICO_PER_NANO)
            classes[class_] = classes.get(class_, 0) + nano
        if pico:
            class_ = (ROUNDING, one, other)
            classes[class_] = classes.get(class_, 0) + pico


def call_cells(records: Iterable[Record]) -> list[Row]:
    """Rows of `billed_calls` that add these calls, in the order of their key."""
    found: dict[Row, list[tuple[int, ...]]] = {}
    for record in records:
        key = (
            record.started_us - record.started_us % DAY_US, record.tenant, record.provider, record.model, record.team,
            record.project, record.feature,
        )  # fmt: skip
        found.setdefault(key, []).append(_measures(record))
    return sorted(
        (key[0], *map(short, key[1:]), *(adds[0] if len(adds) == 1 else map(sum, zip(*adds, strict=True))))
        for key, adds in found.items()
    )


def _measures(record: Record) -> tuple[int, ...]:
    return (
        1, int(record.outcome not in NOT_ERRORS), int(record.cost_state not in PRICED), int(record.cache in CACHE_HITS),
        record.in_tokens, record.cached_tokens, record.out_tokens, record.cost, record.baseline, saved(record),
        sum([each.saved for each in record.savings if each.lever in ROUTING]) if record.savings else 0,
    )  # fmt: skip


def read_units(connection: Connection, day_us: int, *, tenant: str = "") -> list[UnitSum]:
    """The units of one day, in the order of their key: those of a model, a team and so on stand together."""
    rows = _of_day(connection, "billed_units", (*UNIT_KEY, *UNIT_SUMS), UNIT_KEY, day_us, tenant)
    return [UnitSum(*row) for row in rows]


def read_calls(connection: Connection, day_us: int, *, tenant: str = "") -> list[CallSum]:
    """The calls of one day, in the order of their key."""
    rows = _of_day(connection, "billed_calls", (*CALL_KEY, *CALL_SUMS), CALL_KEY, day_us, tenant)
    return [CallSum(*row) for row in rows]


def _of_day(
    connection: Connection, table: str, columns: tuple[str, ...], key: tuple[str, ...], day_us: int, tenant: str
) -> list[Row]:  # fmt: skip
    test, values = ("", (day_us,)) if not tenant else (" AND tenant = ?", (day_us, short(tenant)))
    return connection.query(
        f"SELECT {', '.join(columns)} FROM {table} WHERE day_us = ?{test} ORDER BY {', '.join(key)}", values
    )


def spent_by(
    connection: Connection, names: tuple[str, ...], since_us: int, until_us: int, *, tenant: str = ""
) -> list[tuple[tuple[str, ...], tuple[int, ...]]]:  # fmt: skip
    """Sums of `CALL_SUMS` by these columns of `CALL_KEY`, over whole days, in the order of the names."""
    if not set(names) <= set(CALL_KEY):
        raise ValueError(f"no columns of the sums: {names}")
    test, values = (
        ("", (since_us, until_us)) if not tenant else (" AND tenant = ?", (since_us, until_us, short(tenant)))
    )
    sums = ", ".join(f"CAST(sum({name}) AS BIGINT)" for name in CALL_SUMS)
    columns = ", ".join(names)
    rows = connection.query(
        f"SELECT {columns}, {sums} FROM billed_calls WHERE day_us >= ? AND day_us < ?{test} "
        f"GROUP BY {columns} ORDER BY {columns}",
        values,
    )
    return [(tuple(map(str, row[: len(names)])), tuple(map(int, row[len(names) :]))) for row in rows]


def fill(connection: Connection) -> None:
    """Take in the calls that were there before the tables, day by day; at once where that is done. A writer waits for
    one day at most."""
    if not _pending(connection):
        return
    for (day,) in connection.query("SELECT DISTINCT bucket_us FROM rollups WHERE dims = 'day' ORDER BY 1"):
        with connection.transaction():
            connection.lock(("calls", "attempts", "savings", "billed_units", "billed_calls"))
            if not _pending(connection):
                return
            for table in ("billed_units", "billed_calls"):
                connection.execute(f"DELETE FROM {table} WHERE day_us = ?", (day,))
            _add_from_rows(connection, day, day + DAY_US)
    with connection.transaction():
        connection.execute("UPDATE marks SET n = 1 WHERE name = 'billed'")


def _pending(connection: Connection) -> bool:
    return connection.query("SELECT n FROM marks WHERE name = 'billed'") == [(0,)]


def rebuild(connection: Connection) -> None:
    """Make the sums anew from the rows. Only inside a transaction."""
    connection.execute("DELETE FROM billed_units")
    connection.execute("DELETE FROM billed_calls")
    _add_from_rows(connection, 0, 1 << 62)
    connection.execute("UPDATE marks SET n = 1 WHERE name = 'billed'")


def check(connection: Connection) -> list[str]:
    """Where the sums differ from what the rows give, in words; nothing where they wait to be filled."""
    if _pending(connection):
        return []
    units: dict[Row, Row] = {}
    calls: dict[Row, Row] = {}
    for records in _records(connection, 0, 1 << 62):
        for cells, found, width in (
            (unit_cells(records), units, len(UNIT_KEY)),
            (call_cells(records), calls, len(CALL_KEY)),
        ):
            for row in cells:
                former = found.get(row[:width])
                new = row[width:] if former is None else tuple(map(sum, zip(former, row[width:], strict=True)))
                found[row[:width]] = new
    wrong: list[str] = []
    for table, key, sums, counted in (
        ("billed_units", UNIT_KEY, UNIT_SUMS, {key: sums for key, sums in units.items() if any(sums)}),
        ("billed_calls", CALL_KEY, CALL_SUMS, calls),
    ):
        rows = connection.query(f"SELECT {', '.join((*key, *sums))} FROM {table}")
        kept = {row[: len(key)]: tuple(row[len(key) :]) for row in rows if any(row[len(key) :])}
        different = sorted(each for each in kept.keys() | counted.keys() if kept.get(each) != counted.get(each))
        wrong += [
            f"{table} {each} holds {kept.get(each)}, the rows give {counted.get(each)}" for each in different[:20]
        ]
    return wrong


def _add_from_rows(connection: Connection, since_us: int, until_us: int) -> None:
    for records in _records(connection, since_us, until_us):
        connection.add_up("billed_units", UNIT_KEY, UNIT_SUMS, unit_cells(records))
        connection.add_up("billed_calls", CALL_KEY, CALL_SUMS, call_cells(records))


_OF_CALL = (
    "id, started_us, tenant, team, project, feature, provider, model, outcome, cost_state, cache, in_tokens, cached_tokens, "
    "out_tokens, cost, baseline"
)
_OF_ATTEMPT = (
    "call_id, attempt_no, part_no, provider, model, served_model, tier, cost_state, cost, list_cost, lines, requests, "
    "uncached_in, cache_read, w5m, w1h, w30m, w12h, audio_in, image_in, cached_audio, tool_in, text_out, audio_out, image_out"
)


def _records(connection: Connection, since_us: int, until_us: int) -> Iterator[list[Record]]:
    """The calls of a span, page by page, as far as these sums depend on them."""
    after: Row = (-1, "")
    while True:
        rows = connection.query(
            f"SELECT {_OF_CALL} FROM calls WHERE started_us >= ? AND started_us < ? AND (started_us, id) > (?, ?) "
            "ORDER BY started_us, id LIMIT ?",
            (max(since_us, after[0]), until_us, *after, _PAGE),
        )
        attempts = _by_call(connection, rows, f"SELECT {_OF_ATTEMPT} FROM attempts", "attempt_no, part_no", _attempt)
        savings = _by_call(
            connection, rows, "SELECT call_id, lever, before_cost, after_cost, overhead FROM savings", "place",
            lambda row: Saving(*row[1:]),
        )  # fmt: skip
        yield [
            Record(
                wire="", id=row[0], started_us=row[1], tenant=row[2], team=row[3], project=row[4], feature=row[5],
                provider=row[6], model=row[7], outcome=row[8], cost_state=row[9], cache=row[10], in_tokens=row[11],
                cached_tokens=row[12], out_tokens=row[13], cost=row[14], baseline=row[15],
                attempts=attempts.get(row[0], []), savings=savings.get(row[0], []),
            )
            for row in rows
        ]  # fmt: skip
        if len(rows) < _PAGE:
            return
        after = (rows[-1][1], rows[-1][0])


def _by_call(
    connection: Connection, calls: list[Row], sql: str, order: str, made: Callable[[Row], T]
) -> dict[str, list[T]]:  # fmt: skip
    found: dict[str, list[T]] = {}
    for start in range(0, len(calls), 500):
        ids = [row[0] for row in calls[start : start + 500]]
        marks = ", ".join("?" * len(ids))
        rows = connection.query(f"{sql} WHERE call_id IN ({marks}) ORDER BY call_id, {order}", ids)
        for id_, some in groupby(rows, key=itemgetter(0)):
            found[id_] = [made(row) for row in some]
    return found


def _attempt(row: Row) -> Attempt:
    (_, no, part, provider, model, served, tier, state, cost, list_cost, lines, requests, *units) = row
    usage = None
    if units[0] is not None:
        usage = Usage(
            **dict(zip((*TOKEN_UNITS[:10], "out", "audio_out", "image_out"), units, strict=True)),
            requests=counts_of(requests),
        )
    return Attempt(
        no=no, part=part, provider=provider, model=model, served_model=served, tier=tier, cost_state=state, cost=cost,
        list_cost=list_cost, lines=lines_of(lines), usage=usage,
    )  # fmt: skip
