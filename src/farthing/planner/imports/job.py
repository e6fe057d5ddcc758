"""Files of logs into a store: rows are read, made calls, priced and written in batches, each one transaction together with the
place that was reached. Broken off anywhere, it goes on from there; a file that was read adds nothing again.

Knows no terminal: whoever runs it hears after each batch how far it is.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from hashlib import blake2b
from pathlib import Path

import msgspec

from farthing.model.errors import BadRequest
from farthing.model.past import PastCall
from farthing.model.record import Record
from farthing.planner.garbage import seldom
from farthing.planner.imports import formats
from farthing.planner.imports.booking import file_id, fingerprints, record_of
from farthing.planner.imports.daily import read as read_days
from farthing.planner.imports.mapping import Mapping_
from farthing.planner.imports.plain import Plain
from farthing.planner.imports.reading import Layout, Row, by_name, layout_of, rows
from farthing.planner.imports.stream import Stream
from farthing.planner.imports.values import BadRow, PassedOver
from farthing.prices import PriceBook
from farthing.store import RowRefused, Store, StoreError, imported_files, past_days, past_texts, progress, writing
from farthing.store.engine import Connection
from farthing.store.errors import Duplicate
from farthing.store.imported_files import ImportedFile
from farthing.store.past_texts import DROP, Texts, texts_for
from farthing.store.sealing import PLAIN, Wrapping
from farthing.store.store import now_us

BATCH = 5_000
"""Calls of one transaction; the more, the less their sums cost."""
BATCH_BYTES = 32 * 1024 * 1024
"""Of text in one batch, at most about so much."""
HEAD = 64 * 1024
TAIL = 4 * 1024
_SELDOM = 500_000
"""New objects between two looks for garbage in circles: rows, calls and records make none, and each look costs as much as they."""
_TRIES = 5
_SAY_S = 2.0

ODD = (
    ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError, msgspec.MsgspecError,
)  # fmt: skip
"""What comes of a row that is not as its format says, in a place where nobody expected that: the row is bad."""

Hear = Callable[["Outcome"], None]
Bad = Callable[[str, int, str], None]
"""Hears of each bad row: the file, the line, why."""


class Plan(msgspec.Struct, frozen=True):
    """What is to be done with a file."""

    path: Path
    format: str
    """A name of `formats.NAMES` but auto."""
    mapping: Mapping_ | None = None
    """For tables of one's own."""
    texts: str = DROP


class Outcome(msgspec.Struct):
    """How far one file is, in this run."""

    name: str
    size: int
    """Bytes on the disk."""
    consumed: int = 0
    rows: int = 0
    calls: int = 0
    """New in the store."""
    known: int = 0
    bad: int = 0
    passed_over: Counter[str] = msgspec.field(default_factory=Counter)
    days: int = 0
    """Lines of sums by day."""
    went_on: int = 0
    """The line after which it went on; 0: it began anew."""
    nothing_new: bool = False
    first_us: int = 0
    last_us: int = 0
    notes: list[str] = []
    parse_s: float = 0.0
    """Seconds of the processor in reading and pricing."""
    write_s: float = 0.0
    """Seconds of the processor in writing; so far as the database is in this process."""


class _Batch(msgspec.Struct):
    calls: list[PastCall] = []
    records: list[Record] = []
    place: int = 0
    line: int = 0
    rows: int = 0
    bad: list[tuple[int, str]] = []
    passed_over: list[str] = []
    first_us: int = 0
    last_us: int = 0


async def import_file(
    store: Store, plan: Plan, book: PriceBook, *, wrapping: Wrapping = PLAIN, hear: Hear | None = None, bad: Bad | None = None,
    batch: int = BATCH,
) -> Outcome:  # fmt: skip
    """Read one file into the store. Raises BadRequest for a file that cannot be read, StoreError, OSError."""
    if plan.format in formats.DAILY:
        return await _import_days(store, plan, book, bad)
    layout = await asyncio.to_thread(layout_of, plan.path)
    texts = await store.do(lambda connection: texts_for(connection, plan.texts, wrapping))
    file = await store.do(lambda connection: _resumed(connection, plan, layout))
    outcome = Outcome(plan.path.name, plan.path.stat().st_size, went_on=file.line)
    stream = Stream(plan.path)
    batches = _batches(stream, layout, plan, file, book, batch)
    work = progress.Work(file.id, "default", f"import of {file.name}", 0, max(1, outcome.size), now_us(), 0)
    said = 0.0
    with seldom(_SELDOM), closing(stream):
        while True:
            found, spent = await asyncio.to_thread(_next, batches)
            outcome.parse_s += spent
            if found is None:
                break
            write = partial(_write, file=file, batch=found, texts=texts, path=plan.path)
            written = await store.do(write)
            _count(outcome, found, written, stream, bad)
            if hear is not None:
                hear(outcome)
            if time.monotonic() > said + _SAY_S:
                said = time.monotonic()
                told = msgspec.structs.replace(work, done=outcome.consumed, at_us=now_us())
                await store.do(partial(progress.say, work=told))
        file.ended, file.at_us = True, now_us()
        file.tail = await asyncio.to_thread(partial(_tail, unpack=True), plan.path, file.place)
        await store.do(lambda connection: _end(connection, file))
    outcome.nothing_new = outcome.rows == 0
    if stream.trouble:
        outcome.notes = [*outcome.notes, stream.trouble]
    return outcome


def _next(batches: Iterator["_Batch"]) -> tuple["_Batch | None", float]:
    begun = time.thread_time()
    return next(batches, None), time.thread_time() - begun


def _end(connection: Connection, file: ImportedFile) -> None:
    with connection.transaction():
        imported_files.save(connection, file)
    progress.end(connection, file.id)


def _count(outcome: Outcome, batch: _Batch, written: tuple[int, int, float], stream: Stream, bad: Bad | None) -> None:
    new, refused, spent = written
    outcome.rows += batch.rows
    outcome.calls += new
    outcome.known += len(batch.records) - new - refused
    outcome.bad += len(batch.bad)
    outcome.passed_over.update(batch.passed_over)
    outcome.consumed = stream.consumed
    outcome.write_s += spent
    if batch.first_us:
        outcome.first_us = min(outcome.first_us or batch.first_us, batch.first_us)
        outcome.last_us = max(outcome.last_us, batch.last_us)
    if bad is not None:
        for line, why in batch.bad:
            bad(outcome.name, line, why)


# ------------------------------------------------------------------------------------------------ where to begin


def _resumed(connection: Connection, plan: Plan, layout: Layout) -> ImportedFile:
    """The file as the store knows it, or a new one. Raises BadRequest where it was begun in another way."""
    mapping = msgspec.json.encode(plan.mapping).decode() if plan.mapping is not None else ""
    head, size = _head(plan.path, HEAD)
    known = imported_files.find(connection, lambda size: _head(plan.path, size)[0])
    if known is not None and (not known.tail or known.tail == _tail(plan.path, known.place, unpack=True)):
        if known.place and (known.format, known.mapping) != (plan.format, mapping):
            raise BadRequest(
                f"{plan.path.name} is in this store already, as {formats.title_of(known.format)} with another mapping of columns: "
                "it cannot be read in two ways into one store. Choose another store with --into"
            )
        known.name, known.ended = plan.path.name, False
        return known
    id_ = file_id(head, size if known is None else plan.path.stat().st_size)
    now = now_us()
    return ImportedFile(id_, plan.path.name, plan.format, mapping, plan.texts, size, head, begun_us=now, at_us=now)


def _head(path: Path, size: int) -> tuple[str, int]:
    """Digest of the first bytes of the unpacked file, and how many these are."""
    stream = Stream(path)
    try:
        data = b""
        while len(data) < size and (more := stream.read()):
            data += more
    finally:
        stream.close()
    data = data[:size]
    return blake2b(data, digest_size=16).hexdigest(), len(data)


def _tail(path: Path, place: int, *, unpack: bool = False) -> str:
    """Digest of what lies before that place; empty where all before it must be unpacked to know, and that is not wanted."""
    stream = Stream(path)
    try:
        if (stream.packed and not unpack) or not place:
            return ""
        stream.skip_to(max(0, place - TAIL))
        data = b""
        while len(data) < min(TAIL, place) and (more := stream.read()):
            data += more
    finally:
        stream.close()
    return blake2b(data[: min(TAIL, place)], digest_size=16).hexdigest()


# ------------------------------------------------------------------------------------------------ rows into calls


def _batches(
    stream: Stream, layout: Layout, plan: Plan, file: ImportedFile, book: PriceBook, size: int
) -> Iterator[_Batch]:
    read = _reader(plan, layout)
    batch, weight = _Batch(place=file.place, line=file.line), 0
    for row in rows(stream, layout, file.place, file.line):
        batch.rows += 1
        try:
            if row.value is None:
                raise BadRow(row.why)
            for call in read(row, _place_of(file, row, layout)):
                weight += len(call.prompt) + len(call.answer)
                _take(batch, call, book)
        except PassedOver as passed:
            batch.passed_over.append(str(passed))
        except BadRow as why:
            batch.bad.append((row.line, str(why)))
        except ODD as error:
            batch.bad.append((row.line, f"it is not as the format says: {type(error).__name__}"))
        batch.place, batch.line = row.end, row.last
        if len(batch.records) >= size or batch.rows >= 4 * size or weight >= BATCH_BYTES:
            yield batch
            batch, weight = _Batch(place=row.end, line=row.last), 0
    if batch.rows:
        yield batch


def _place_of(file: ImportedFile, row: Row, layout: Layout) -> str:
    """An id for a call that has none: people find its line by it, and ids that ascend are quickly put into the index. In a list
    one line may hold many rows."""
    at = "" if layout.kind in ("csv", "lines") else f"-at-{row.begin:012d}"
    return f"{file.id}-line-{row.line:09d}{at}{f'-{row.part:06d}' if row.part else ''}"


def _take(batch: _Batch, call: PastCall, book: PriceBook) -> None:
    fingerprints(call)
    batch.calls.append(call)
    batch.records.append(record_of(call, book))
    batch.first_us = min(batch.first_us or call.at_us, call.at_us)
    batch.last_us = max(batch.last_us, call.at_us)


def _reader(plan: Plan, layout: Layout) -> Callable[[Row, str], Iterator[PastCall]]:
    if plan.format in formats.TOOLS:
        tool = formats.TOOLS[plan.format].read

        def by_tool(row: Row, where: str) -> Iterator[PastCall]:
            value = by_name(row.value, layout)
            if value is None:
                raise BadRow("it is no object")
            return tool(value, where)

        return by_tool
    if plan.mapping is None:
        raise BadRequest("a table of your own needs a mapping of its columns")
    plain = Plain(plan.mapping, layout)

    def by_mapping(row: Row, where: str) -> Iterator[PastCall]:
        if layout.kind != "csv" and not isinstance(row.value, dict):
            raise BadRow("it is no object")
        yield plain.read(row.value, where)

    return by_mapping


# ------------------------------------------------------------------------------------------------ calls into the store


def _write(
    connection: Connection, file: ImportedFile, batch: _Batch, texts: Texts, path: Path
) -> tuple[int, int, float]:
    """How many calls were new, how many the store refused, and the processor's seconds. The file is as far as it says."""
    begun = time.thread_time()
    then = msgspec.structs.replace(
        file, place=batch.place, line=batch.line, lines=file.lines + batch.rows, bad=file.bad + len(batch.bad),
        passed_over=file.passed_over + len(batch.passed_over), tail=_tail(path, batch.place), at_us=now_us(),
    )  # fmt: skip
    kept = texts.rows(batch.calls)
    refused: list[Record] = []
    records = batch.records
    new = 0
    for _ in range(_TRIES):
        try:
            with connection.transaction():
                new = writing.add(connection, records)
                past_texts.add(connection, kept)
                then.calls, then.known = file.calls + new, file.known + len(records) - new
                imported_files.save(connection, then)
            break
        except Duplicate:
            continue
        except RowRefused:
            records, lost = _sound(records)
            refused += lost
            lost_ids = {record.id for record in lost}
            kept = [row for row in kept if row[0] not in lost_ids]
    else:
        raise StoreError("other writers add the same calls at the same time; start the import again")
    for name in file.__struct_fields__:
        setattr(file, name, getattr(then, name))
    batch.bad += [(batch.line, f"the store refuses call {record.id[:40]}") for record in refused]
    return new, len(refused), time.thread_time() - begun


def _sound(records: list[Record]) -> tuple[list[Record], list[Record]]:
    """Records that can be written, and those that no database can hold."""
    good, lost = [], []
    for record in records:
        try:
            writing.check(record)
            good.append(record)
        except RowRefused:
            lost.append(record)
    return good, lost


async def _import_days(store: Store, plan: Plan, book: PriceBook, bad: Bad | None) -> Outcome:
    format_ = formats.DAILY[plan.format]
    size = plan.path.stat().st_size
    outcome = Outcome(plan.path.name, size, size)
    found = await asyncio.to_thread(read_days, plan.path, format_.name, format_.provider, format_.bill, book)
    outcome.notes, outcome.bad = found.notes, len(found.bad)
    if bad is not None:
        for row, why in found.bad:
            bad(outcome.name, row, why)
    head, length = await asyncio.to_thread(_head, plan.path, max(HEAD, size))
    now = now_us()
    file = ImportedFile(
        file_id(head, length), plan.path.name, plan.format, "", DROP, length, head, begun_us=now, at_us=now
    )
    file.ended, file.lines, file.bad = True, len(found.lines), len(found.bad)

    def write(connection: Connection) -> None:
        with connection.transaction():
            past_days.replace(connection, file.id, found.lines)
            imported_files.save(connection, file)

    await store.do(write)
    outcome.rows = outcome.days = len(found.lines)
    if found.lines:
        moments = [day.day_us for day in found.lines]
        outcome.first_us, outcome.last_us = min(moments), max(moments)
    return outcome
