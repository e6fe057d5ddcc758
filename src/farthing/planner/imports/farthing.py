"""Another store of Farthing: its calls as they stand, with attempts, savings and decisions, and the texts that it keeps of
imported calls or has captured to learn from. It is only read, and must have this version's tables."""

import asyncio
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from farthing.model.errors import BadRequest
from farthing.model.past import PastCall
from farthing.model.record import Record
from farthing.planner.imports import texts as bodies
from farthing.planner.imports.job import Hear, Outcome
from farthing.store import Store, StoreError, engine_for, past_calls, past_texts, writing
from farthing.store.captures import Captured, Captures
from farthing.store.engine import Connection, Engine
from farthing.store.errors import Duplicate
from farthing.store.past_texts import KEEP, Texts, texts_for
from farthing.store.schema import VERSION, version_of
from farthing.store.sealing import PLAIN, Wrapping

NAME = "farthing"
_TRIES = 5


def is_url(source: str) -> bool:
    return "://" in source


async def import_store(
    store: Store, url: str, *, texts: str, wrapping: Wrapping = PLAIN, hear: Hear | None = None
) -> Outcome:  # fmt: skip
    """Copy the calls that are not there yet. Raises BadRequest for a store of another version or the same one, StoreError."""
    engine = engine_for(url)
    if engine.where == store.engine.where:
        raise BadRequest("that is the store that is imported into")
    outcome = Outcome(engine.where, 0)
    source = await asyncio.to_thread(_opened, engine)
    there = Store(engine)
    captures = Captures(there, wrapping)
    try:
        from_there = await asyncio.to_thread(texts_for, source, KEEP, wrapping)
        to_here = await store.do(lambda connection: texts_for(connection, texts, wrapping))
        pages = past_calls.records(source)
        while page := await asyncio.to_thread(next, pages, None):
            ids = [record.id for record in page]
            kept = await asyncio.to_thread(past_texts.of, source, ids)
            captured = {each: found for part in _parts(ids) for each, found in (await captures.of(part)).items()}
            rows = to_here.rows(_told(page, kept, captured, from_there))
            new = await store.do(partial(_write, records=page, rows=rows))
            outcome.rows += len(page)
            outcome.calls += new
            outcome.known += len(page) - new
            outcome.first_us = outcome.first_us or page[0].started_us
            outcome.last_us = page[-1].started_us
            if hear is not None:
                hear(outcome)
    finally:
        source.close()
        await there.close()
    outcome.nothing_new = outcome.calls == 0
    return outcome


def _opened(engine: Engine) -> Connection:
    if engine.name == "sqlite" and not Path(engine.where).exists():
        raise BadRequest(f"there is no store at {engine.where}")
    connection = engine.connect()
    version = version_of(engine, connection)
    if version != VERSION:
        connection.close()
        raise BadRequest(
            f"the store {engine.where} has schema version {version}, and this Farthing writes {VERSION}: `farthing up` brings it up"
        )
    return connection


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + 400] for start in range(0, len(ids), 400))


def _told(
    page: Sequence[Record], kept: dict[str, tuple[object, ...]], captured: dict[str, Captured], texts: Texts
) -> Iterator[PastCall]:
    for record in page:
        call = PastCall(id=record.id, at_us=record.started_us, tenant=record.tenant, wire=record.wire, source=NAME)
        if record.id in kept:
            texts.fill(call, kept[record.id])
            call.cached = call.usage is not None
            yield call
        elif record.id in captured:
            put_captured(call, captured[record.id], record.model_asked)
            yield call


def put_captured(call: PastCall, found: Captured, model: str) -> None:
    """What was captured of a call, as its request and answer."""
    before = [{"role": "system", "content": found.instructions}] if found.instructions else []
    asked = [*before, {"role": "user", "content": found.text}]
    call.prompt, call.wire = bodies.request(asked, model, bodies.CHAT)
    call.answer = bodies.answer(found.answer, call.wire)


def _write(connection: Connection, records: Sequence[Record], rows: Sequence[tuple[object, ...]]) -> int:
    for _ in range(_TRIES):
        try:
            with connection.transaction():
                new = writing.add(connection, records)
                past_texts.add(connection, rows)
            return new
        except Duplicate:
            continue
    raise StoreError("other writers add the same calls at the same time; start the import again")
