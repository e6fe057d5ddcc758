"""What came of lines is written: answers, ledger, budgets, sums of jobs, all in one transaction, however often it is tried.

What ends at about the same time becomes one transaction. Nothing of it is told to anybody before it is committed. Knows
nothing of where answers come from.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from farthing.batch.desk import Desk
from farthing.batch.walks import Settled
from farthing.model.batch import LINE_ENDS, Line, LineState
from farthing.model.money import Nano
from farthing.model.record import Decision, Record
from farthing.steps.defer.booking import late
from farthing.store import writing
from farthing.store.batch import lines
from farthing.store.engine import Connection
from farthing.store.errors import Duplicate
from farthing.store.sealing import Wrapping

log = logging.getLogger("farthing.batch")

MOST_TRIES = 5
"""Of a line whose errors may pass; then the error is its answer."""
LONGEST_AGAIN_S = 600.0
AT_ONCE = 250
"""Outcomes of one transaction: other writers of the store wait for no more than these."""
TRIES = 8
"""Of a transaction that other writers got in the way of, or a store in trouble; then the outcomes are left to be found
again."""


class Outcome(msgspec.Struct):
    """What came of one run of a line."""

    line: Line
    call_id: str
    state: LineState
    """An end; or waiting: it is to be run again."""
    status: int = 0
    answer: bytes = b""
    record: Record | None = None
    ready_us: int = 0
    """Of one that waits: not before."""
    tries: int = 0
    """Of one that waits: what is added to those that are counted."""


def outcome(line: Line, call_id: str, settled: Settled, now_us: int) -> Outcome:
    """Of a line that was answered. One that may be tried again is, some times, as long as its deadline is ahead."""
    made = Outcome(
        line, call_id, "done" if settled.status < 400 else "failed", settled.status, settled.answer, settled.record
    )
    if settled.again_s is not None and may_try_again(line, now_us):
        ready_us = now_us + int(min(LONGEST_AGAIN_S, settled.again_s * 2.0 ** max(0, line.tries - 1)) * 1e6)
        if ready_us < line.deadline_us:
            made.state, made.ready_us = "waiting", ready_us
    return made


def again(line: Line, call_id: str, now_us: int) -> Outcome:
    """Of a line of which nothing came."""
    wait_s = min(LONGEST_AGAIN_S, 2.0 ** max(0, line.tries))
    ready_us = now_us + int(min(wait_s, (line.deadline_us - now_us) / 2e6) * 1e6)
    return Outcome(line, call_id, "waiting", ready_us=ready_us)


def may_try_again(line: Line, now_us: int) -> bool:
    return line.tries < MOST_TRIES and now_us < line.deadline_us


class _Handed(NamedTuple):
    outcomes: Sequence[Outcome]
    kept: "asyncio.Future[None]"


class Settler:
    """One for a gateway. It writes by itself what it is handed; as a part of the worker it is closed in its turn."""

    name = "settling"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._waiting: list[_Handed] = []
        self._writer: asyncio.Task[None] | None = None

    async def keep(self, outcomes: Sequence[Outcome]) -> None:
        """Write them, with whatever else is handed in meanwhile. Raises StoreError where they may not have been written."""
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Handed(outcomes, kept))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        await kept

    async def turn(self) -> float:
        return 3600.0

    async def close(self) -> None:
        """Wait until all that was handed in is written."""
        if self._writer is not None:
            await asyncio.gather(self._writer, return_exceptions=True)

    async def _write(self) -> None:
        try:
            while self._waiting:
                batch = self._next()
                try:
                    await self._keep([each for handed in batch for each in handed.outcomes])
                except Exception as error:
                    for handed in batch:
                        if not handed.kept.done():
                            handed.kept.set_exception(error)
                else:
                    for handed in batch:
                        if not handed.kept.done():
                            handed.kept.set_result(None)
        finally:
            self._writer = None

    def _next(self) -> list[_Handed]:
        batch, count = [self._waiting.pop(0)], 0
        count = len(batch[0].outcomes)
        while self._waiting and count + len(self._waiting[0].outcomes) <= AT_ONCE:
            count += len(self._waiting[0].outcomes)
            batch.append(self._waiting.pop(0))
        return batch

    async def _keep(self, outcomes: list[Outcome]) -> None:
        """Raises StoreError."""
        for tried in range(TRIES):
            try:
                records = await self._desk.store.do(
                    lambda connection: _keep(connection, outcomes, self._desk.now_us, self._desk.wrapping)
                )
                break
            except Duplicate:  # another writer added one of the calls at this moment
                if tried == TRIES - 1:
                    raise
                await asyncio.sleep(0.01 * 2**tried)
        self._desk.committed(records)
        self._desk.news.tell(each.line.job for each in outcomes if each.state != "waiting")


def _keep(connection: Connection, outcomes: Sequence[Outcome], now_us: int, wrapping: Wrapping) -> list[Record]:
    """All of it in one transaction; the calls that were written."""
    with connection.transaction():
        standing = lines.lock(connection, ((each.line.job, each.line.no) for each in outcomes))
        known = connection.known("calls", "id", [each.record.id for each in outcomes if each.record is not None])
        records, ended = [], []
        twice: dict[str, Nano] = {}
        waiting: dict[tuple[int, int], list[Line]] = {}
        for each in outcomes:
            stands = standing.get((each.line.job, each.line.no))
            overtaken = stands is not None and stands.state in LINE_ENDS and stands.call_id != each.call_id
            if each.record is not None and each.record.id not in known:
                records.append(_as_late(each.record) if overtaken else each.record)
                if overtaken and each.record.cost:
                    twice[each.line.job] = twice.get(each.line.job, 0) + each.record.cost
            if each.state == "waiting" and not overtaken:
                waiting.setdefault((each.ready_us, each.tries), []).append(_as_it_stands(each, stands))
            else:
                ended.append(_ended(each))
        writing.write(connection, records)
        lines.settle(connection, ended, now_us, wrapping=wrapping)
        lines.paid_twice(connection, twice, now_us)
        for (ready_us, tries), some in waiting.items():
            lines.give_back(connection, some, ready_us, now_us, tries=tries)
    return records


def _as_it_stands(each: Outcome, stands: lines.Standing | None) -> Line:
    """The line as it is to be put back. One that runs elsewhere by now is left alone, only what was held for this run of it is
    freed: so it does not look as it is in the store."""
    line = msgspec.structs.replace(each.line, call_id=each.call_id)
    if stands is not None and stands.state == "sent" and stands.call_id != each.call_id:
        line.tries = -1
    return line


def _ended(each: Outcome) -> lines.Ended:
    record = each.record
    state = each.state if each.state in LINE_ENDS else "failed"
    cost, baseline = (record.cost, record.baseline) if record is not None else (0, 0)
    return lines.Ended(each.line.job, each.line.no, each.call_id, state, each.status, each.answer, cost, baseline)


def _as_late(record: Record) -> Record:
    """The row of an answer that came when its line had been answered otherwise: paid for, and of no use."""
    if any(saving == late(record.cost) for saving in record.savings):
        return record
    return msgspec.structs.replace(
        record, baseline=0, savings=[late(record.cost)] if record.cost else [],
        decisions=[*record.decisions, Decision("defer", "came late", "its line had been answered by another call: paid twice")],
    )  # fmt: skip
