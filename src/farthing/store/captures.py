"""Calls that are kept to learn from: what was asked last, in which instructions, and what was answered. Apart from the ledger,
sealed where a key is given, each with the moment at which it is deleted.

What says which calls they are (tenant, feature, kind of work, template, model, time) is in columns; all text is inside the
wrapped value, which knows whose it is. Knows nothing of how they came here, nor of what is learned from them.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress

import msgspec

from farthing.model.call import Sample
from farthing.store.engine import Connection, Row
from farthing.store.errors import StoreError
from farthing.store.rows import LONGEST_NAME, mended_text
from farthing.store.schema_captures import CAPTURE_COLUMNS
from farthing.store.sealing import PLAIN, Unreadable, Wrapping
from farthing.store.store import Store

_ALL = ", ".join(CAPTURE_COLUMNS)
_PAGE = 2_000
_KEY_OF = "capture"


class Captured(msgspec.Struct, frozen=True):
    """One call."""

    call_id: str
    text: str
    """The latest ask of a person, as it stood in the request."""
    answer: str
    at_us: int
    """When the call began."""
    template: str = ""
    """Fingerprint of the prompt's fixed part."""
    tenant: str = "default"
    feature: str = ""
    task: str = ""
    model: str = ""
    """The model that answered, as it was sent for."""
    turns: int = 1
    """How many times a person spoke; of more than one only the last is in `text`."""
    instructions: str = ""
    """What the fixed part says: the system prompt."""
    labels: tuple[str, ...] = ()
    """The only values that the answer may have, where its schema says so."""
    expires_us: int = 0
    sample: Sample = ""
    """How it was come by."""
    context: str = ""
    """Fingerprint of all that the answer depends on beside `text`, and the model that was asked for, as `wire.question` makes it; empty
    where it was not kept."""
    settled: str = ""
    """The same without what changes in instructions from call to call."""

    @property
    def is_fair(self) -> bool:
        """Whether it is of a sample that is like the traffic: hold-outs, audits with what was drawn alike, and all calls of
        a kind of which no student answers any. Without these, only what students find hard would be left to learn from."""
        return self.sample != "left"


class _Texts(msgspec.Struct, omit_defaults=True, array_like=True):
    text: str
    answer: str
    instructions: str = ""
    labels: tuple[str, ...] = ()
    formerly: str = ""
    """In its place nothing is written any more."""
    sample: Sample = ""
    context: str = ""
    settled: str = ""


class Kept(msgspec.Struct, frozen=True):
    """How many are kept of one kind."""

    tenant: str
    feature: str
    task: str
    template: str
    rows: int
    first_us: int
    last_us: int
    sealed: int
    """Rows that are sealed."""
    overdue: int
    """Rows that should be deleted by now."""
    bytes: int


class Captures:
    """The table in a store. Methods raise StoreError."""

    def __init__(self, store: Store, wrapping: Wrapping = PLAIN) -> None:
        self._store = store
        self._wrapping = wrapping

    async def add(self, captured: Sequence[Captured]) -> int:
        """Add those that are not there yet; how many these were."""
        rows = [self._row(each) for each in captured]
        return await self._store.do(lambda connection: _add(connection, rows)) if rows else 0

    async def trim(self, tenant: str, most: int) -> int:
        """Forget the oldest of a tenant beyond so many."""
        return await self._store.do(lambda connection: _trim(connection, tenant, most))

    async def prune(self, now_us: int) -> int:
        """Delete what has come to its end."""
        return await self._store.do(lambda connection: _delete(connection, "expires_us <= ?", (now_us,)))

    async def purge(
        self, *, tenant: str = "", feature: str | None = None, task: str | None = None, before_us: int | None = None
    ) -> int:  # fmt: skip
        """Delete those that are meant; without any word, all."""
        where, values = _meant(tenant, feature, task, "", before_us=before_us)
        return await self._store.do(lambda connection: _delete(connection, where, values))

    async def kept(self, now_us: int, *, tenant: str = "") -> list[Kept]:
        """What there is, by tenant, feature, kind of work and template."""
        return await self._store.do(lambda connection: _kept(connection, now_us, tenant))

    async def read(
        self, now_us: int, *, tenant: str = "", feature: str | None = None, task: str | None = None, template: str = "",
        since_us: int = 0, most: int = 1_000_000,
    ) -> "Found":  # fmt: skip
        """Those that are meant and have not come to their end: the newest `most`, oldest first."""
        where, values = _meant(tenant, feature, task, template, since_us=since_us)

        def work(connection: Connection) -> Found:
            return self._found(_newest(connection, f"expires_us > ? AND {where}", (now_us, *values), most))

        return await self._store.do(work)

    async def of(self, ids: Sequence[str]) -> dict[str, Captured]:
        """Those of these calls that are kept and can be opened, by id."""
        marks = ", ".join("?" * len(ids))

        def work(connection: Connection) -> Found:
            return self._found(connection.query(f"SELECT {_ALL} FROM captures WHERE id IN ({marks})", tuple(ids)))

        return {each.call_id: each for each in (await self._store.do(work)).calls} if ids else {}

    def _row(self, captured: Captured) -> Row:
        labels = tuple(mended_text(label, LONGEST_NAME) for label in captured.labels)
        text, answer, instructions = map(_mended, (captured.text, captured.answer, captured.instructions))
        texts = _Texts(text, answer, instructions, labels, "", captured.sample, captured.context, captured.settled)
        names = (captured.call_id, captured.tenant, captured.feature, captured.task, captured.template, captured.model)
        id_, tenant, *others = (mended_text(name, LONGEST_NAME) for name in names)
        data = self._wrapping.wrap(msgspec.msgpack.encode(texts), _KEY_OF, tenant, id_)
        return (
            id_, tenant, *others, captured.at_us, captured.expires_us, captured.turns, self._wrapping.mark, data,
        )  # fmt: skip

    def _found(self, rows: Sequence[Row]) -> "Found":
        found, unreadable = [], 0
        for row in reversed(rows):
            try:
                found.append(self._opened(row))
            except (Unreadable, msgspec.MsgspecError):
                unreadable += 1
        return Found(found, unreadable)

    def _opened(self, row: Row) -> Captured:
        id_, tenant, feature, task, template, model, at_us, expires_us, turns, _, data = row
        plain = self._wrapping.unwrap(bytes(data), _KEY_OF, tenant, id_)
        texts = msgspec.msgpack.decode(plain, type=_Texts)
        return Captured(
            id_, texts.text, texts.answer, int(at_us), template, tenant, feature, task, model, int(turns),
            texts.instructions, texts.labels, int(expires_us), texts.sample, texts.context, texts.settled,
        )  # fmt: skip


class Found(msgspec.Struct, frozen=True):
    """What was read."""

    calls: list[Captured]
    unreadable: int = 0
    """Sealed with another key, or damaged."""


def _mended(text: str) -> str:
    return mended_text(text, max(1, len(text)))


def _add(connection: Connection, rows: Sequence[Row]) -> int:
    marks = ", ".join("?" * len(CAPTURE_COLUMNS))
    with connection.transaction():
        return sum(
            max(
                0,
                connection.execute(f"INSERT INTO captures ({_ALL}) VALUES ({marks}) ON CONFLICT (id) DO NOTHING", row),
            )
            for row in rows
        )


def _trim(connection: Connection, tenant: str, most: int) -> int:
    """Those of one moment go together, so that it may be a few more."""
    rows = connection.query(
        "SELECT at_us FROM captures WHERE tenant = ? ORDER BY at_us DESC LIMIT 1 OFFSET ?", (tenant, most)
    )
    if not rows:
        return 0
    return _delete(connection, "tenant = ? AND at_us <= ?", (tenant, int(rows[0][0])))


def _delete(connection: Connection, where: str, values: tuple[object, ...]) -> int:
    """Gone for good: a row that is only unlinked can still be read from the disk."""
    gone = connection.execute(f"DELETE FROM captures WHERE {where}", values)
    if gone:
        with suppress(StoreError):  # they are deleted; the next time takes from the disk what is left there
            connection.wipe("captures")
    return gone


def _kept(connection: Connection, now_us: int, tenant: str) -> list[Kept]:
    whose, values = (" WHERE tenant = ?", (tenant,)) if tenant else ("", ())
    rows = connection.query(
        "SELECT tenant, feature, task, template, count(*), min(at_us), max(at_us), "
        "CAST(sum(CASE WHEN mark <> 0 THEN 1 ELSE 0 END) AS BIGINT), "
        "CAST(sum(CASE WHEN expires_us <= ? THEN 1 ELSE 0 END) AS BIGINT), CAST(sum(length(data)) AS BIGINT) "
        f"FROM captures{whose} GROUP BY tenant, feature, task, template ORDER BY 5 DESC, 1, 2, 3, 4",
        (now_us, *values),
    )
    return [Kept(*row[:4], *map(int, row[4:])) for row in rows]


def _newest(connection: Connection, where: str, values: tuple[object, ...], most: int) -> list[Row]:
    return [row for page in _pages(connection, where, values, most) for row in page]


def _pages(connection: Connection, where: str, values: tuple[object, ...], most: int) -> Iterator[list[Row]]:
    """Newest first. Pages are cut by time and id, so that what comes meanwhile moves none."""
    before: tuple[object, ...] = ()
    while most > 0:
        cut = " AND (at_us < ? OR (at_us = ? AND id < ?))" if before else ""
        page = connection.query(
            f"SELECT {_ALL} FROM captures WHERE {where}{cut} ORDER BY at_us DESC, id DESC LIMIT ?",
            (*values, *before, min(_PAGE, most)),
        )
        if not page:
            return
        yield page
        most -= len(page)
        last = page[-1]
        before = (last[6], last[6], last[0])


def _meant(
    tenant: str, feature: str | None, task: str | None, template: str, *, since_us: int = 0, before_us: int | None = None
) -> tuple[str, tuple[object, ...]]:  # fmt: skip
    asked = [
        ("tenant = ?", tenant or None), ("feature = ?", feature), ("task = ?", task), ("template = ?", template or None),
        ("at_us >= ?", since_us or None), ("at_us < ?", before_us),
    ]  # fmt: skip
    kept = [(test, value) for test, value in asked if value is not None]
    return " AND ".join(["1 = 1", *(test for test, _ in kept)]), tuple(value for _, value in kept)
