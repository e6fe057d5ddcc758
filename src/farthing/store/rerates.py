"""Runs that price calls anew: in batches, each one transaction with all sums, so that a run that was killed goes on where
it was. What a call cost at first is kept beside it, and each run starts from that, not from what the run before made of it.

What a call costs now is told by whoever runs (`finops.rerate`); calls, attempts and savings keep everything but amounts.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from farthing.model.money import Nano
from farthing.model.principal import OPERATOR
from farthing.model.record import Attempt, PricedLine, Record, Saving
from farthing.model.usage import CostState
from farthing.store import audit, transactions, writing
from farthing.store.engine import Connection, Row
from farthing.store.rows import LONGEST_NAME, LONGEST_TEXT, attempt_row, mended_text, record_of, saved, saving_rows
from farthing.store.schema import ATTEMPT_COLUMNS, CALL_COLUMNS, SAVING_COLUMNS
from farthing.store.store import Store, now_us

BATCH = 200
"""Calls of one transaction; a writer waits for it at most some tenths of a second."""

Reprice = Callable[[Record], Record]
"""What a call comes to, made from the call as it was priced at first; that call itself where nothing changes."""


class Run(msgspec.Struct, frozen=True):
    """One run, as far as it has come. Amounts in nano-dollars, over the calls that it changed."""

    no: int
    begun_us: int
    ended_us: int
    """0 while it is not at its end."""
    who: str
    reason: str
    since_us: int
    until_us: int
    provider: str
    model: str
    prices: str
    """Fingerprint of the prices and contracts that it used."""
    at_us: int
    at_id: str
    """The last call that it looked at."""
    looked_at: int
    changed: int
    cost_before: Nano
    cost_after: Nano


class Wanted(msgspec.Struct, frozen=True):
    """Which calls are priced anew, and with what. Empty names mean all."""

    since_us: int
    until_us: int
    provider: str = ""
    model: str = ""
    prices: str = ""


class FirstAttempt(msgspec.Struct, frozen=True, array_like=True):
    """An attempt's amounts as they were booked."""

    no: int
    part: int
    cost_state: CostState
    cost: Nano
    list_cost: Nano
    lines: list[PricedLine]
    price_version: str
    flags: list[str]


class FirstPrice(msgspec.Struct, frozen=True):
    """What a call cost before any run changed it."""

    rerate: int
    """The run that changed it last."""
    cost_state: CostState
    cost: Nano
    baseline: Nano
    attempts: list[FirstAttempt]
    savings: list[Saving]

    @property
    def versions(self) -> list[str]:
        """The rate cards that priced it."""
        return list(dict.fromkeys(each.price_version for each in self.attempts if each.price_version))


class _Body(msgspec.Struct):
    baseline: Nano
    attempts: list[FirstAttempt]
    savings: list[Saving]


_json = msgspec.json.Encoder()
_bodies = msgspec.json.Decoder(_Body)


class Rerates:
    """The runs in a store. Methods raise StoreError if it cannot be used."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def begin(self, wanted: Wanted, *, who: str, reason: str = "") -> Run:
        """A new run, or the one with the same aim that was not brought to its end."""
        return await self._store.do(lambda connection: _begin(connection, wanted, who, reason))

    async def step(self, run: Run, reprice: Reprice, limit: int = BATCH) -> Run:
        """Price the next calls anew; the run as it stands then."""
        return await self._store.do(lambda connection: _step(connection, run.no, reprice, limit))

    async def now_and_first(
        self, wanted: Wanted, after: tuple[int, str] = (-1, ""), limit: int = BATCH
    ) -> list[tuple[Record, Record]]:
        """Calls of the span after `after`, oldest first: as they are, and as they were priced at first."""
        return await self._store.do(lambda connection: _page(connection, wanted, after, limit))

    async def first(self, call_id: str) -> FirstPrice | None:
        """What a call cost at first; None if no run changed it, or one changed it back."""
        found = await self._store.do(lambda connection: _firsts(connection, [call_id]))
        return found.get(call_id)

    async def runs(self, limit: int = 50) -> list[Run]:
        """The newest first."""
        rows = await self._store.do(
            lambda connection: connection.query(
                f"SELECT {_RUN} FROM rerates ORDER BY no DESC LIMIT ?", (max(0, limit),)
            )
        )
        return [Run(*row) for row in rows]


_RUN = ", ".join(Run.__struct_fields__)


def _begin(connection: Connection, wanted: Wanted, who: str, reason: str) -> Run:
    aim = (wanted.since_us, wanted.until_us, wanted.provider, wanted.model, wanted.prices)
    with connection.transaction():
        connection.lock(("rerates",))
        found = connection.query(
            f"SELECT {_RUN} FROM rerates WHERE ended_us = 0 AND since_us = ? AND until_us = ? AND provider = ? "
            "AND model = ? AND prices = ? ORDER BY no DESC LIMIT 1",
            aim,
        )
        if found:
            return Run(*found[0])
        no = int(connection.query("SELECT coalesce(max(no), 0) + 1 FROM rerates")[0][0])
        run = Run(
            no, now_us(), 0, mended_text(who, LONGEST_NAME), mended_text(reason, LONGEST_TEXT), *aim, -1, "", 0, 0, 0, 0
        )  # fmt: skip
        connection.insert("rerates", Run.__struct_fields__, [msgspec.structs.astuple(run)])
        audit.note(connection, "rerate", no, "begun", tenant=OPERATOR, who=who, asked=wanted, why=run.reason)
    return run


def _step(connection: Connection, no: int, reprice: Reprice, limit: int) -> Run:
    """Reading and writing in one transaction, one run at a time: what is changed is what was read."""
    with connection.transaction():
        connection.lock(("rerates",))
        run = Run(*connection.query(f"SELECT {_RUN} FROM rerates WHERE no = ?", (no,))[0])
        if run.ended_us:
            return run
        wanted = Wanted(run.since_us, run.until_us)
        calls = _page(connection, wanted, (run.at_us, run.at_id), limit)
        changes = [(now, new, first) for now, first in calls if not same(now, new := reprice(first))]
        _change(connection, run.no, changes)
        run = _moved(run, calls, changes, ended=len(calls) < limit)
        connection.execute(
            "UPDATE rerates SET ended_us = ?, at_us = ?, at_id = ?, looked_at = ?, changed = ?, cost_before = ?, "
            "cost_after = ? WHERE no = ?",
            (
                run.ended_us, run.at_us, run.at_id, run.looked_at, run.changed, run.cost_before, run.cost_after, no,
            ),
        )  # fmt: skip
    return run


_Change = tuple[Record, Record, Record]
"""A call as it was, as it is to be, and as it was priced at first."""


def _moved(run: Run, calls: Sequence[tuple[Record, Record]], changes: Sequence[_Change], *, ended: bool) -> Run:
    last = calls[-1][0] if calls else None
    return msgspec.structs.replace(
        run,
        ended_us=now_us() if ended else 0,
        at_us=last.started_us if last is not None else run.at_us,
        at_id=last.id if last is not None else run.at_id,
        looked_at=run.looked_at + len(calls),
        changed=run.changed + len(changes),
        cost_before=run.cost_before + sum(now.cost for now, _, _ in changes),
        cost_after=run.cost_after + sum(new.cost for _, new, _ in changes),
    )


def same(one: Record, other: Record) -> bool:
    """Whether two prices of a call are the same, to the nano-dollar and in each line; the list's version may differ."""
    return one is other or _amounts(one) == _amounts(other)


def _amounts(record: Record) -> tuple[Any, ...]:
    attempts = [(each.cost_state, each.cost, each.list_cost, each.lines) for each in record.attempts]
    return (record.cost_state, record.cost, record.baseline, record.savings, attempts)


def _page(
    connection: Connection, wanted: Wanted, after: tuple[int, str], limit: int
) -> list[tuple[Record, Record]]:  # fmt: skip
    found = connection.query(
        f"SELECT {', '.join(CALL_COLUMNS)} FROM calls WHERE started_us >= ? AND started_us < ? "
        "AND (started_us, id) > (?, ?) ORDER BY started_us, id LIMIT ?",
        (max(wanted.since_us, after[0]), wanted.until_us, *after, limit),
    )
    ids = [row[0] for row in found]
    attempts = _by_call(connection, "attempts", ATTEMPT_COLUMNS, "attempt_no, part_no", ids)
    savings = _by_call(connection, "savings", SAVING_COLUMNS, "place", ids)
    firsts = _firsts(connection, ids)
    records = [record_of(row, attempts.get(row[0], ()), savings.get(row[0], ())) for row in found]
    return [(record, _restored(record, firsts.get(record.id))) for record in records]


def _by_call(
    connection: Connection, table: str, columns: Sequence[str], order: str, ids: Sequence[str]
) -> dict[str, list[Row]]:  # fmt: skip
    found: dict[str, list[Row]] = {}
    for row in _in(connection, f"SELECT {', '.join(columns)} FROM {table} WHERE call_id IN", f"ORDER BY {order}", ids):
        found.setdefault(row[0], []).append(row)
    return found


def _firsts(connection: Connection, ids: Sequence[str]) -> dict[str, FirstPrice]:
    rows = _in(connection, "SELECT call_id, rerate, cost_state, cost, body FROM first_prices WHERE call_id IN", "", ids)
    found = {}
    for id_, rerate, state, cost, text in rows:
        body = _bodies.decode(text)
        found[id_] = FirstPrice(int(rerate), state, int(cost), body.baseline, body.attempts, body.savings)
    return found


def _in(connection: Connection, head: str, tail: str, ids: Sequence[str]) -> Iterable[Row]:
    for start in range(0, len(ids), 500):
        some = ids[start : start + 500]
        yield from connection.query(f"{head} ({', '.join('?' * len(some))}) {tail}", some)


def _restored(record: Record, first: FirstPrice | None) -> Record:
    if first is None:
        return record
    amounts = {(each.no, each.part): each for each in first.attempts}
    attempts = [_as_first(attempt, amounts.get((attempt.no, attempt.part))) for attempt in record.attempts]
    return msgspec.structs.replace(
        record, cost_state=first.cost_state, cost=first.cost, baseline=first.baseline, savings=first.savings,
        attempts=attempts,
    )  # fmt: skip


def _as_first(attempt: Attempt, first: FirstAttempt | None) -> Attempt:
    if first is None:
        return attempt
    return msgspec.structs.replace(
        attempt, cost_state=first.cost_state, cost=first.cost, list_cost=first.list_cost, lines=first.lines,
        price_version=first.price_version, flags=first.flags,
    )  # fmt: skip


def _change(connection: Connection, run: int, changes: Sequence[_Change]) -> None:
    if not changes:
        return
    for now, new, first in changes:
        _write(connection, now, new)
        _keep_first(connection, run, new, first)
    before, after = [now for now, _, _ in changes], [new for _, new, _ in changes]
    _move_sums(connection, before, after)
    transactions.follow(connection, before, after)


def _write(connection: Connection, now: Record, new: Record) -> None:
    connection.execute(
        "UPDATE calls SET cost_state = ?, cost = ?, baseline = ?, saved = ? WHERE id = ?",
        (new.cost_state, new.cost, new.baseline, saved(new), new.id),
    )
    for former, attempt in zip(now.attempts, new.attempts, strict=True):
        if former != attempt:
            row = dict(zip(ATTEMPT_COLUMNS, attempt_row(new.id, attempt), strict=True))
            connection.execute(
                f"UPDATE attempts SET {', '.join(f'{name} = ?' for name in _PRICED)} "
                "WHERE call_id = ? AND attempt_no = ? AND part_no = ?",
                (*(row[name] for name in _PRICED), new.id, attempt.no, attempt.part),
            )
    if now.savings != new.savings:
        connection.execute("DELETE FROM savings WHERE call_id = ?", (new.id,))
        if rows := saving_rows(new):
            connection.insert("savings", SAVING_COLUMNS, rows)


_PRICED = ("cost_state", "cost", "list_cost", "lines", "price_version", "flags")


def _keep_first(connection: Connection, run: int, new: Record, first: Record) -> None:
    """One row while the call's amounts are not those that it had at first."""
    connection.execute("DELETE FROM first_prices WHERE call_id = ?", (new.id,))
    if same(new, first):
        return
    attempts = [
        FirstAttempt(
            each.no, each.part, each.cost_state, each.cost, each.list_cost, each.lines, each.price_version, each.flags
        )
        for each in first.attempts
    ]
    body = _json.encode(_Body(first.baseline, attempts, first.savings)).decode()
    row = (new.id, run, first.cost_state, first.cost, body)
    connection.insert("first_prices", ("call_id", "rerate", "cost_state", "cost", "body"), [row])


def _move_sums(connection: Connection, before: list[Record], after: list[Record]) -> None:
    """Take what the calls added to sums, and add what they are now; cells that hold nothing any more are taken away."""
    for old, new in zip(writing.sums_of(before), writing.sums_of(after), strict=True):
        width = len(old.key)
        moves: dict[Row, list[int]] = {}
        for sign, rows in ((-1, old.rows), (1, new.rows)):
            for row in rows:
                sums = moves.setdefault(row[:width], [0] * len(old.columns))
                for place, number in enumerate(row[width:]):
                    sums[place] += sign * number
        rows_ = [(*key, *sums) for key, sums in sorted(moves.items()) if any(sums)]
        if rows_:
            connection.add_up(old.table, old.key, old.columns, rows_)
            _drop_empty(connection, old, rows_)


def _drop_empty(connection: Connection, sums: writing.Sums, rows: Sequence[Row]) -> None:
    tests = " AND ".join(f"{name} = ?" for name in sums.key)
    empty = " AND ".join(f"{name} = 0" for name in sums.columns)
    for row in rows:
        if min(row[len(sums.key) :]) < 0:
            connection.execute(f"DELETE FROM {sums.table} WHERE {tests} AND {empty}", row[: len(sums.key)])
