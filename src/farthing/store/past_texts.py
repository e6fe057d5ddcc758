"""What imported calls have that the ledger does not keep: texts, the request's own output limit, what it was a retry of.

Apart from the ledger, as all texts are. They are kept sealed where a key is given, or as keyed digests by which equal prompts
are seen, or not at all. A call of which nothing of this is known has no row.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import msgspec

from farthing.model.past import PastCall
from farthing.model.usage import Usage
from farthing.store.engine import Connection, Row
from farthing.store.rows import LONGEST_NAME, mended_text
from farthing.store.schema_past import TEXT_COLUMNS
from farthing.store.sealing import PLAIN, Unreadable, Wrapping
from farthing.store.secret import secret

KEEP, HASH, DROP = "keep", "hash", "drop"
SECRET = "past_texts"
"""Name of the store's own secret that digests are keyed with: without it nobody can try out short prompts."""

_usages = msgspec.json.Decoder(Usage)
_VALUES = 400


class Texts:
    """How texts go into the table and come out of it."""

    def __init__(self, how: str = KEEP, wrapping: Wrapping = PLAIN, key: str = "") -> None:
        """`key` is the store's secret; only digests need it."""
        self.how = how
        self._wrapping = wrapping
        self._key = bytes.fromhex(key)

    def rows(self, calls: Iterable[PastCall]) -> list[Row]:
        """Rows of the table, for those that need one."""
        return [row for call in calls if (row := self._row(call)) is not None]

    def _row(self, call: PastCall) -> Row | None:
        usage = call.usage if call.cached else None
        keeps = self.how != DROP and bool(call.prompt or call.answer)
        if not keeps and call.max_output is None and usage is None and not call.attempt_of:
            return None
        id_, tenant = mended_text(call.id, LONGEST_NAME), mended_text(call.tenant, LONGEST_NAME)
        prompt, answer = (
            (self._kept(call.prompt, id_, tenant, "prompt"), self._kept(call.answer, id_, tenant, "answer"))
            if keeps
            else (b"", b"")
        )
        return (
            id_, tenant, self.how if keeps else "", self._wrapping.mark if keeps and self.how == KEEP else 0, prompt, answer,
            call.max_output, msgspec.json.encode(usage).decode() if usage is not None else "",
            mended_text(call.attempt_of, LONGEST_NAME), mended_text(call.source, LONGEST_NAME),
        )  # fmt: skip

    def _kept(self, text: bytes, id_: str, tenant: str, what: str) -> bytes:
        if not text:
            return b""
        if self.how == HASH:
            return blake2b(text, digest_size=16, key=self._key).digest()
        return self._wrapping.wrap(text, "past", tenant, id_, what)

    def fill(self, call: PastCall, row: Row) -> None:
        """Put what a row says into the call. What is sealed with another key stays unknown, and is marked."""
        id_, tenant, kept, _, prompt, answer, max_output, usage, attempt_of, source = row
        call.max_output = int(max_output) if max_output is not None else None
        call.attempt_of, call.source = attempt_of, source
        if usage:
            call.usage = _usages.decode(usage)
        if kept == HASH:
            call.prompt_digest, call.answer_digest = bytes(prompt), bytes(answer)
        elif kept == KEEP:
            try:
                call.prompt = self._wrapping.unwrap(bytes(prompt), "past", tenant, id_, "prompt") if prompt else b""
                call.answer = self._wrapping.unwrap(bytes(answer), "past", tenant, id_, "answer") if answer else b""
            except Unreadable:
                call.flags = [*call.flags, "text_unreadable"]


def texts_for(connection: Connection, how: str = KEEP, wrapping: Wrapping = PLAIN) -> Texts:
    """Texts of this store."""
    return Texts(how, wrapping, secret(connection, SECRET))


def add(connection: Connection, rows: Sequence[Row]) -> None:
    """Add rows of calls that are new, as a part of the caller's transaction; a call has one row, the first."""
    first: dict[str, Row] = {}
    for row in rows:
        first.setdefault(row[0], row)
    known = connection.known("past_texts", "call_id", list(first))
    connection.insert("past_texts", TEXT_COLUMNS, [row for id_, row in first.items() if id_ not in known])


def of(connection: Connection, ids: Sequence[str]) -> dict[str, Row]:
    """The rows of these calls, by id."""
    found: dict[str, Row] = {}
    for start in range(0, len(ids), _VALUES):
        some = ids[start : start + _VALUES]
        marks = ",".join("?" * len(some))
        for row in connection.query(
            f"SELECT {','.join(TEXT_COLUMNS)} FROM past_texts WHERE call_id IN ({marks})", some
        ):
            found[row[0]] = row
    return found


def forget(connection: Connection) -> int:
    """Delete all texts and digests; what else a row says stays. How many rows that were."""
    return connection.execute(
        "UPDATE past_texts SET kept = '', mark = 0, prompt = ?, answer = ? WHERE kept <> ''", (b"", b"")
    )
