"""Calls of a ledger as calls of the past, in the order of their times: what the planner replays. And whole records, page by
page, for a copy of them. Reads only.

A call of several attempts is several calls of the past: what answered it, and each try before as a retry of it. Knows no log.
"""

from collections.abc import Iterator, Sequence

import msgspec

from farthing.model.past import PastCall
from farthing.model.record import CACHE_HITS, Record
from farthing.model.usage import Usage
from farthing.store import past_texts
from farthing.store.engine import Connection, Row
from farthing.store.past_texts import Texts
from farthing.store.rows import counts_of, record_of
from farthing.store.schema import ATTEMPT_COLUMNS, CALL_COLUMNS, SAVING_COLUMNS

PAGE = 1_000
END_US = 1 << 62
_VALUES = 400

_CALL = (
    "id", "started_us", "wire", "model_asked", "model", "provider", "tenant", "key_id", "team", "project", "user_id", "feature",
    "task", "tags", "status", "outcome", "error", "first_byte_us", "duration_us", "cache", "template", "session",
)  # fmt: skip
_TRY = (
    "call_id", "attempt_no", "part_no", "provider", "model", "served_model", "status", "outcome", "started_us", "first_byte_us",
    "duration_us", "uncached_in", "cache_read", "w5m", "w1h", "w30m", "w12h", "audio_in", "image_in", "cached_audio", "tool_in",
    "text_out", "reasoning", "audio_out", "image_out", "requests", "tier", "geo", "usage_estimated", "reported_cost", "error",
)  # fmt: skip
_tags = msgspec.json.Decoder(dict[str, str])


def past_calls(
    connection: Connection, texts: Texts, *, since_us: int = 0, until_us: int = END_US, with_text: bool = True
) -> Iterator[PastCall]:
    """The calls that began in the span, oldest first, a page in memory. `texts` opens what was kept of them."""
    for found in _pages(connection, _CALL, since_us, until_us):
        ids = [row[0] for row in found]
        tries = _by_call(connection, "attempts", _TRY, ids)
        kept = past_texts.of(connection, ids) if with_text else {}
        for row in found:
            yield from _told(row, tries.get(row[0], ()), kept.get(row[0]), texts)


def records(connection: Connection, *, since_us: int = 0, until_us: int = END_US) -> Iterator[list[Record]]:
    """Whole records, oldest first, a page at a time."""
    for found in _pages(connection, CALL_COLUMNS, since_us, until_us):
        ids = [row[0] for row in found]
        attempts = _by_call(connection, "attempts", ATTEMPT_COLUMNS, ids)
        savings = _by_call(connection, "savings", SAVING_COLUMNS, ids)
        yield [record_of(row, attempts.get(row[0], ()), savings.get(row[0], ())) for row in found]


def _pages(connection: Connection, columns: Sequence[str], since_us: int, until_us: int) -> Iterator[list[Row]]:
    after: tuple[int, str] = (since_us - 1, "")
    while True:
        found = connection.query(
            f"SELECT {', '.join(columns)} FROM calls WHERE started_us >= ? AND started_us < ? "
            "AND (started_us, id) > (?, ?) ORDER BY started_us, id LIMIT ?",
            (max(since_us, after[0]), until_us, *after, PAGE),
        )
        if not found:
            return
        yield found
        after = (int(found[-1][1]), found[-1][0])


def _by_call(connection: Connection, table: str, columns: Sequence[str], ids: Sequence[str]) -> dict[str, list[Row]]:
    order = "place" if table == "savings" else "attempt_no, part_no"
    found: dict[str, list[Row]] = {}
    for start in range(0, len(ids), _VALUES):
        some = ids[start : start + _VALUES]
        marks = ",".join("?" * len(some))
        sql = f"SELECT {', '.join(columns)} FROM {table} WHERE call_id IN ({marks}) ORDER BY call_id, {order}"
        for row in connection.query(sql, some):
            found.setdefault(row[0], []).append(row)
    return found


def _told(call: Row, tries: Sequence[Row], kept: Row | None, texts: Texts) -> Iterator[PastCall]:
    (
        id_, started_us, wire, asked, model, provider, tenant, key, team, project, user, feature, task, tags, status, outcome,
        error, first_byte_us, duration_us, cache, template, session,
    ) = call  # fmt: skip
    past = PastCall(
        id=id_, at_us=int(started_us), tenant=tenant, team=team, project=project, user=user, feature=feature, key=key,
        tags=_tags.decode(tags) if tags else {}, task=task, session=session, model=model, asked=asked, provider=provider,
        wire=wire, status=int(status), outcome=outcome, error=error, duration_us=int(duration_us),
        first_byte_us=int(first_byte_us), template=template, cached=cache in CACHE_HITS,
    )  # fmt: skip
    whole = [each for each in tries if not each[2]]
    if whole:
        _use(past, whole[-1], tries)
    if kept is not None:
        texts.fill(past, kept)
    for each in whole[:-1]:
        lost = msgspec.structs.replace(
            past, id=f"{id_}#{each[1]}", at_us=int(each[8]) or past.at_us, provider=each[3], status=int(each[6]),
            outcome=each[7], first_byte_us=int(each[9]), duration_us=int(each[10]), error=each[30], attempt_of=id_, usage=None,
            reported_cost=None, answer=b"", answer_digest=b"", cached=False,
        )  # fmt: skip
        _use(lost, each, tries)
        yield lost
    yield past


def _use(past: PastCall, row: Row, tries: Sequence[Row]) -> None:
    """What an attempt says of its use, the parts that are billed apart included where the same model ran."""
    past.model = row[5] or row[4] or past.model
    past.tier, past.geo, past.estimated = row[26], row[27], bool(row[28])
    past.reported_cost = int(row[29]) if row[29] is not None else None
    past.usage = _usage(row)
    for part in tries:
        if part[1] == row[1] and part[2]:
            past.flags = [*past.flags, "billed_in_parts"]
            break


_UNITS = (
    "uncached_in", "cache_read", "w5m", "w1h", "w30m", "w12h", "audio_in", "image_in", "cached_audio", "tool_in", "out", "reasoning",
    "audio_out", "image_out",
)  # fmt: skip


def _usage(row: Row) -> Usage | None:
    if row[11] is None:
        return None
    units = dict(zip(_UNITS, map(int, row[11:25]), strict=True))
    return Usage(**units, requests=counts_of(row[25]))


class Told(msgspec.Struct, frozen=True):
    """How many calls of a store say what."""

    calls: int
    usage: int
    priced: int
    texts: int
    digests: int
    users: int
    features: int
    sessions: int
    durations: int
    first_bytes: int
    limits: int
    first_us: int
    last_us: int


def told(connection: Connection) -> Told:
    """What is known of the calls, and so what can be said of them. Reads each row once."""
    columns = ("user_id", "feature", "session")
    sums = ", ".join(
        f"CAST(coalesce(sum(CASE WHEN {column} <> '' THEN 1 ELSE 0 END), 0) AS BIGINT)" for column in columns
    )
    row = connection.query(
        "SELECT count(*), CAST(coalesce(sum(CASE WHEN cost_state <> 'unknown' THEN 1 ELSE 0 END), 0) AS BIGINT), "
        "CAST(coalesce(sum(CASE WHEN cost_state NOT IN ('unknown', 'unpriced') THEN 1 ELSE 0 END), 0) AS BIGINT), "
        f"{sums}, CAST(coalesce(sum(CASE WHEN duration_us > 0 THEN 1 ELSE 0 END), 0) AS BIGINT), "
        "CAST(coalesce(sum(CASE WHEN first_byte_us > 0 THEN 1 ELSE 0 END), 0) AS BIGINT), "
        "coalesce(min(started_us), 0), coalesce(max(started_us), 0) FROM calls"
    )[0]
    texts = connection.query(
        "SELECT CAST(coalesce(sum(CASE WHEN kept = 'keep' THEN 1 ELSE 0 END), 0) AS BIGINT), "
        "CAST(coalesce(sum(CASE WHEN kept = 'hash' THEN 1 ELSE 0 END), 0) AS BIGINT), count(max_output) FROM past_texts"
    )[0]
    calls, usage, priced, users, features, sessions, durations, first_bytes, first_us, last_us = map(int, row)
    kept, digests, limits = map(int, texts)
    return Told(
        calls,
        usage,
        priced,
        kept,
        digests,
        users,
        features,
        sessions,
        durations,
        first_bytes,
        limits,
        first_us,
        last_us,
    )


def any_calls(connection: Connection, *, before_us: int = END_US) -> bool:
    """Whether there is any call that began before."""
    return bool(connection.query("SELECT 1 FROM calls WHERE started_us < ? LIMIT 1", (before_us,)))


def begin_of_newest(connection: Connection, count: int) -> int:
    """When the oldest of the newest `count` calls began; 0 where there are not so many. By an index."""
    rows = connection.query("SELECT started_us FROM calls ORDER BY started_us DESC LIMIT 1 OFFSET ?", (count - 1,))
    return int(rows[0][0]) if rows else 0
