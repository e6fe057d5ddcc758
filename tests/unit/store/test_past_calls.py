"""A ledger as calls of the past: in order, by span, with each try, and what is known of them all."""

from pathlib import Path

import msgspec
import pytest

from farthing.model.past import PastCall
from farthing.model.record import Attempt, Record
from farthing.model.usage import Usage
from farthing.store import Store, past_calls, past_texts
from farthing.store.imported_files import ImportedFile, every, find, save
from farthing.store.past_texts import HASH, Texts, texts_for


def a_record(number: int, *attempts: Attempt) -> Record:
    return Record(
        id=f"c{number:05}",
        started_us=10**15 + number,
        wire="openai.chat",
        model="gpt-4o",
        feature="chat",
        attempts=list(attempts),
        cost_state="computed",
    )


async def test_all_pages_in_order_and_any_span(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past_calls, "PAGE", 7)
    await store.write([a_record(number) for number in (*range(0, 40, 2), *range(1, 40, 2))])

    async def read(since_us: int, until_us: int) -> list[int]:
        return await store.do(
            lambda connection: [
                call.at_us - 10**15
                for call in past_calls.past_calls(
                    connection, texts_for(connection), since_us=since_us, until_us=until_us
                )
            ]
        )

    assert await read(0, 1 << 62) == list(range(40))
    assert await read(10**15 + 5, 10**15 + 31) == list(range(5, 31))
    pages = await store.do(lambda connection: [len(page) for page in past_calls.records(connection)])
    assert sum(pages) == 40 and max(pages) == 7


async def test_each_try_is_a_call_of_its_own(store: Store) -> None:
    lost = Attempt(
        no=1,
        provider="azure",
        model="gpt-4o",
        outcome="timeout",
        status=504,
        started_us=10**15,
        usage=Usage(uncached_in=9, out=0),
    )
    won = Attempt(
        no=2,
        provider="openai",
        model="gpt-4o",
        served_model="gpt-4o-2024-08-06",
        tier="flex",
        usage=Usage(uncached_in=9, out=2, requests={"web_search": 1}),
    )
    part = Attempt(no=2, part=1, provider="openai", model="other", usage=Usage(uncached_in=1))
    await store.write([a_record(1, lost, won, part)])
    found = await store.do(lambda connection: list(past_calls.past_calls(connection, texts_for(connection))))
    assert [(call.id, call.attempt_of, call.provider, call.outcome) for call in found] == [
        ("c00001#1", "c00001", "azure", "timeout"),
        ("c00001", "", "", "ok"),
    ]
    assert found[1].usage == won.usage and (found[1].tier, found[1].model, found[1].flags) == (
        "flex",
        "gpt-4o-2024-08-06",
        ["billed_in_parts"],
    )
    assert found[0].usage == lost.usage


async def test_what_is_known_of_them(store: Store) -> None:
    assert not await store.do(past_calls.any_calls)
    record = msgspec.structs.replace(a_record(1), duration_us=5, user="ada")
    await store.write([record, msgspec.structs.replace(a_record(2), cost_state="unknown")])
    told = await store.do(past_calls.told)
    assert (told.calls, told.usage, told.priced, told.users, told.features, told.durations, told.texts) == (
        2,
        1,
        1,
        1,
        2,
        1,
        0,
    )
    assert await store.do(past_calls.any_calls)


async def test_digests_differ_between_stores(store: Store, tmp_path: Path) -> None:
    call = PastCall(id="1", at_us=1, prompt=b"yes", answer=b"no")
    mine = await store.do(lambda connection: texts_for(connection, HASH))
    assert mine.rows([call])[0][4] != Texts(HASH, key="00" * 32).rows([call])[0][4]
    await store.do(lambda connection: _add(connection, mine.rows([call, call])))
    await store.do(lambda connection: _add(connection, mine.rows([call])))
    assert list(await store.do(lambda connection: past_texts.of(connection, ["1", "2"]))) == ["1"]


def _add(connection, rows) -> None:  # type: ignore[no-untyped-def]
    with connection.transaction():
        past_texts.add(connection, rows)


async def test_files_are_found_by_their_heads(store: Store) -> None:
    file = ImportedFile("f", "a.csv", "plain", "{}", "drop", 10, "abc", place=7, lines=3)
    await store.do(lambda connection: _save(connection, file))
    file.place, file.ended = 9, True
    await store.do(lambda connection: _save(connection, file))
    assert await store.do(every) == [file]
    assert await store.do(lambda connection: find(connection, lambda size: "abc" if size == 10 else "")) == file
    assert await store.do(lambda connection: find(connection, lambda size: "other")) is None


def _save(connection, file: ImportedFile) -> None:  # type: ignore[no-untyped-def]
    with connection.transaction():
        save(connection, file)
