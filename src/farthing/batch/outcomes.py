"""What became of a job's lines, a line of JSON for each, in their order: how it ended, the answer, what that cost, and the row
of the table that it was made of.

    {"no": 0, "custom_id": "row-1", "state": "done", "status": 200, "call_id": "...", "cost_nano": 1, "answer": {}, "row": {}}

Nothing of it is kept as a file: it is read from the lines, the ledger and the file that was handed in, some at a time, and
whoever was broken off goes on behind the last number that he has. Knows nothing of HTTP.
"""

from collections.abc import AsyncGenerator, Iterator, Sequence

import msgspec

from farthing.batch.checking import JsonLines
from farthing.batch.prompts.requests import row_of
from farthing.model.batch import Job, Line
from farthing.store import Store
from farthing.store.batch import files, lines
from farthing.store.batch.rows import marks
from farthing.store.engine import Connection
from farthing.store.sealing import Unreadable, Wrapping

MOST_LINES = 500
SOME_BYTES = 2 * 2**20
"""Of answers that are held at a time, unless a single line has more."""
FIRST_LINES = 16
_EMPTY = msgspec.Raw(b"null")
_anything = msgspec.json.Decoder(msgspec.Raw)
_encode = msgspec.json.encode


class Outcome(msgspec.Struct):
    """See the module."""

    no: int
    custom_id: str
    state: str
    """done, failed, expired or cancelled."""
    status: int
    """HTTP status of its answer; 0: it has none."""
    call_id: str
    """Its row in the ledger."""
    cost_nano: int | None
    """Nano-dollars; None where it is not known."""
    answer: msgspec.Raw = _EMPTY
    """As the provider gave it, or the error."""
    row: msgspec.Raw = _EMPTY


async def outcomes(
    store: Store, wrapping: Wrapping, job: Job, after_no: int = -1
) -> AsyncGenerator[Sequence[Outcome], None]:  # fmt: skip
    """Of the lines that have ended, those that follow this number. Raises StoreError."""
    rows = _Rows(job, wrapping)
    limit = FIRST_LINES
    while True:
        after, most = after_no, limit
        found = await store.do(
            lambda connection, after=after, most=most: _some(  # type: ignore[misc]
                connection, wrapping, job, rows, after, most
            )
        )
        if found:
            yield found
        if len(found) < limit:
            return
        after_no = found[-1].no
        size = sum(len(each.answer) + len(each.row) for each in found) or 1
        limit = max(1, min(MOST_LINES, 2 * limit, limit * SOME_BYTES // size))


def told(some: Sequence[Outcome]) -> bytes:
    """As lines of JSON."""
    return b"".join([_encode(each) + b"\n" for each in some])


def _some(
    connection: Connection, wrapping: Wrapping, job: Job, rows: "_Rows", after: int, most: int
) -> list[Outcome]:  # fmt: skip
    found = lines.results(connection, job.id, after, most, wrapping=wrapping)
    costs = _costs(connection, [line.call_id for line in found if line.call_id])
    return [_outcome(line, costs, rows.row(connection, line.no)) for line in found]


def _costs(connection: Connection, call_ids: Sequence[str]) -> dict[str, int | None]:
    if not call_ids:
        return {}
    found = connection.query(
        f"SELECT id, cost_state, cost FROM calls WHERE id IN ({marks(len(call_ids), '?')})", tuple(call_ids)
    )
    return {name: None if state in ("unpriced", "unknown") else int(cost) for name, state, cost in found}


def _outcome(line: Line, costs: dict[str, int | None], row: bytes) -> Outcome:
    cost = costs.get(line.call_id) if line.call_id else 0
    return Outcome(
        line.no, line.custom_id, line.state, line.status, line.call_id, cost, msgspec.Raw(_json(line.answer)),
        msgspec.Raw(row or b"null"),
    )  # fmt: skip


def _json(answer: bytes) -> bytes:
    """An answer as a part of a line of JSON; what is none becomes a text."""
    if not answer:
        return b"null"
    try:
        _anything.decode(answer)
        answer.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _encode(answer.decode("utf-8", "replace"))
    return answer.replace(b"\n", b" ").replace(b"\r", b" ") if b"\n" in answer or b"\r" in answer else answer


class _Rows:
    """The rows of a job's file, read along with its lines: each part of it once."""

    def __init__(self, job: Job, wrapping: Wrapping) -> None:
        self._file = job.input_file if job.origin in ("file", "schedule") else ""
        self._wrapping = wrapping
        self._part = 0
        self._lines = JsonLines(1 << 40)
        self._held: Iterator[bytes] = iter(())
        self._no = -1
        """Of the line that was read last."""

    def row(self, connection: Connection, no: int) -> bytes:
        """The row of this line, behind those asked for before; empty where there is none."""
        line = b""
        while self._file and self._no < no:
            line = self._next(connection) or b""
            self._no += 1
        try:
            return row_of(line) if line else b""
        except msgspec.DecodeError:
            return b""

    def _next(self, connection: Connection) -> bytes | None:
        while True:
            for line in self._held:
                if line and not line.isspace():
                    return line
            if not self._file:
                return None
            try:
                data = files.part(connection, self._file, self._part, wrapping=self._wrapping)
            except Unreadable:
                data = None
            self._part += 1
            if data is None:
                self._file = ""
            self._held = iter(
                line or b"" for line in (self._lines.feed(data) if data is not None else self._lines.end())
            )
