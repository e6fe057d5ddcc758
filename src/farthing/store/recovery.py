"""Taking over what dead gateways left: settled calls that they could not write, and calls that they were in the middle of.

Runs at each start. Each call comes into the ledger once, however many gateways start at the same moment and whether or
not the dead one had written it.
"""

import asyncio
import fcntl
import mmap
import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import msgspec

from farthing.model.record import Attempt, Decision, Record
from farthing.store import journal, leases, writing
from farthing.store.engine import Connection
from farthing.store.errors import StoreError
from farthing.store.store import Store

_BATCH = 500


class Recovered(msgspec.Struct):
    """What a recovery found."""

    settled: int = 0
    """Calls that had ended, and that the store could not take before."""
    interrupted: int = 0
    """Calls under way; they are in the ledger as interrupted, their cost unknown."""
    torn: int = 0
    """Slots of journals that the kill tore: calls of which nothing more is known."""
    refused: int = 0
    """Records that the store refuses; they are in `refused.jsonl` in the journal's folder."""

    returned: int = 0
    """What dead gateways had leased of budgets and not spent, in the budgets' units."""

    def __bool__(self) -> bool:
        return bool(self.settled or self.interrupted or self.torn or self.refused or self.returned)

    def __str__(self) -> str:
        parts = [
            (self.settled, "ended calls written that had waited on disk"),
            (self.interrupted, "calls under way when a gateway was killed, kept as interrupted with unknown cost"),
            (self.torn, "notes of calls torn by the kill"),
            (self.refused, "records refused by the store, kept in refused.jsonl"),
            (self.returned, "units of budgets given back that a dead gateway had leased and not used"),
        ]
        return ", ".join(f"{count} {what}" for count, what in parts if count) or "nothing to recover"


async def recover(folder: str | Path, store: Store) -> Recovered:
    """Take over the journals of dead processes in `folder`. Live ones are not touched. Raises StoreError; what was not
    written by then stays for the next start."""
    return await asyncio.to_thread(_recover, Path(folder), store)


def _recover(folder: Path, store: Store) -> Recovered:
    found = Recovered()
    if not folder.is_dir():
        return found
    try:
        with _one_at_a_time(folder):
            for path, file in journal.dead_journals(folder):
                try:
                    with closing(store.engine.connect()) as connection:
                        _take_over(path, file, connection, found)
                finally:
                    os.close(file)
    except OSError as error:
        raise StoreError(f"the journals in {folder} cannot be taken over: {error}") from error
    return found


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Settled calls must come before the same calls as interrupted ones: so one process recovers, others wait."""
    file = os.open(folder / "recovery.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def _take_over(path: Path, file: int, connection: Connection, found: Recovered) -> None:
    spill, refused = path.with_suffix(".spill"), found.refused
    if spill.exists():
        found.settled += _write(list(journal.read_spill(spill)), connection, path.parent, found)
    under_way, torn = _read(file)
    found.interrupted += _write([interrupted(record) for record in under_way], connection, path.parent, found)
    found.torn += torn
    if not torn and found.refused == refused:  # else some call may have spent what nobody can tell
        found.returned += leases.release(connection, path.stem)
    with suppress(FileNotFoundError):
        spill.unlink()
    path.unlink()


def _read(file: int) -> journal.Found:
    size = os.fstat(file).st_size
    if size == 0:
        return journal.Found([], 0)
    with mmap.mmap(file, size, prot=mmap.PROT_READ) as data:
        return journal.read(data)


def _write(records: Sequence[Record], connection: Connection, folder: Path, found: Recovered) -> int:
    def refuse(record: Record, why: str) -> None:
        journal.keep_refused(folder, record, why)
        found.refused += 1

    parts = [records[start : start + _BATCH] for start in range(0, len(records), _BATCH)]
    return sum(writing.write_or_refuse(connection, part, refuse) for part in parts)


def interrupted(record: Record) -> Record:
    """A call that was under way, as the ledger keeps it: what its finished attempts cost is known, the rest is not."""
    known = sum(attempt.cost for attempt in record.attempts)
    return msgspec.structs.replace(
        record,
        outcome="interrupted",
        error=record.error or "the gateway was killed while the call was under way",
        cost_state="unknown",
        cost=known,
        baseline=known,
        savings=[],
        attempts=[_interrupted(attempt) for attempt in record.attempts],
        decisions=[*record.decisions, Decision("journal", "interrupted", "found in the journal of a killed gateway")],
    )


def _interrupted(attempt: Attempt) -> Attempt:
    """An attempt that has not ended has no duration."""
    if attempt.duration_us or attempt.outcome != "ok":
        return attempt
    return msgspec.structs.replace(attempt, outcome="interrupted", cost_state="unknown")
