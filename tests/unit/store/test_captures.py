"""Calls that are kept to learn from, in both stores."""

import asyncio
import secrets
import threading
from pathlib import Path

import msgspec
import pytest

from farthing.model.call import Sample
from farthing.store import Store, open_store
from farthing.store.captures import Captured, Captures
from farthing.store.engine import Connection
from farthing.store.sealing import PLAIN, wrapping

NOW_US = 1_790_000_000_000_000
ONE = Captured(
    "call-1", "Where is my parcel?", "shipping", NOW_US, "00ff00ff00ff00ff", "acme", "triage", "intent", "gpt-5", 1, "Which team?",
    ("billing", "shipping"), NOW_US + 1000,
)  # fmt: skip


def some(count: int, **changes: object) -> list[Captured]:
    return [msgspec.structs.replace(ONE, call_id=f"call-{at}", at_us=NOW_US + at, **changes) for at in range(count)]


async def test_what_was_kept_is_read_until_its_end(store: Store) -> None:
    captures = Captures(store)
    assert await captures.add([]) == 0
    assert await captures.add([ONE, msgspec.structs.replace(ONE, call_id="call-2", text="\0 odd \ud800")]) == 2
    assert await captures.add([ONE]) == 0
    found = await captures.read(NOW_US)
    assert found.calls[0] == ONE and "odd" in found.calls[1].text and found.unreadable == 0
    assert (await captures.read(NOW_US + 1000)).calls == []
    assert await captures.prune(NOW_US + 999) == 0 and await captures.prune(NOW_US + 1000) == 2
    assert await captures.kept(NOW_US) == []


async def test_it_is_kept_of_which_sample_a_call_is(store: Store) -> None:
    captures = Captures(store)
    samples: list[Sample] = ["", "held out", "audited", "drawn", "left"]
    for at, sample in enumerate(samples):
        await captures.add([msgspec.structs.replace(ONE, call_id=f"call-{at}", at_us=NOW_US + at, sample=sample)])
    found = (await captures.read(NOW_US)).calls
    assert [each.sample for each in found] == samples
    assert [each.is_fair for each in found] == [True, True, True, True, False]


async def test_no_text_is_told_by_the_disk_where_a_key_is_given(store: Store, connection: Connection) -> None:
    key = secrets.token_hex(32)
    sealed = Captures(store, wrapping(key))
    await sealed.add([ONE])
    ((mark, data),) = connection.query("SELECT mark, data FROM captures")
    assert mark and all(word.encode() not in bytes(data) for word in ("parcel", "shipping", "team"))
    assert (await sealed.read(NOW_US)).calls == [ONE]
    for other in (Captures(store), Captures(store, wrapping(secrets.token_hex(32)))):
        found = await other.read(NOW_US)
        assert (found.calls, found.unreadable) == ([], 1)
    connection.execute("UPDATE captures SET tenant = 'other'")
    assert (await sealed.read(NOW_US)).unreadable == 1  # moved to somebody else's wall it cannot be opened


async def test_a_tenant_has_no_more_than_its_rows(store: Store) -> None:
    captures = Captures(store)
    await captures.add(some(30))
    await captures.add([msgspec.structs.replace(ONE, call_id="other", tenant="other")])
    assert await captures.trim("acme", 10) == 20 and await captures.trim("acme", 10) == 0
    found = await captures.read(NOW_US)
    assert [each.call_id for each in found.calls if each.tenant == "acme"] == [f"call-{at}" for at in range(20, 30)]
    assert sum(each.tenant == "other" for each in found.calls) == 1


async def test_what_is_meant_is_read_counted_and_purged(store: Store) -> None:
    captures = Captures(store)
    await captures.add(some(5))
    await captures.add([msgspec.structs.replace(ONE, call_id="b", feature="chat", task="qa", tenant="other")])
    assert len((await captures.read(NOW_US, feature="triage", most=3)).calls) == 3
    assert [each.call_id for each in (await captures.read(NOW_US, task="qa", tenant="other")).calls] == ["b"]
    assert len((await captures.read(NOW_US, template=ONE.template, since_us=NOW_US + 2)).calls) == 3
    first, last = await captures.kept(NOW_US + 1000)
    assert (first.tenant, first.feature, first.rows, first.overdue, first.sealed) == ("acme", "triage", 5, 5, 0)
    assert first.last_us - first.first_us == 4 and first.bytes > 0 and last.rows == 1
    assert [each.rows for each in await captures.kept(NOW_US, tenant="other")] == [1]
    assert await captures.purge(feature="triage", before_us=NOW_US + 2) == 2
    assert await captures.purge(tenant="other") == 1 and await captures.purge() == 3


async def test_pages_of_many_rows_are_joined(store: Store) -> None:
    captures = Captures(store)
    await captures.add([msgspec.structs.replace(each, at_us=NOW_US + at // 3) for at, each in enumerate(some(2500))])
    calls = (await captures.read(NOW_US)).calls
    assert len({each.call_id for each in calls}) == 2500
    assert [each.at_us for each in calls] == sorted(each.at_us for each in calls)


@pytest.mark.parametrize("way", ["expired", "purged", "trimmed"])
async def test_what_is_deleted_leaves_the_disk_too(sqlite_url: str, way: str) -> None:
    store = await open_store(sqlite_url)
    captures = Captures(store)
    await captures.add([msgspec.structs.replace(each, text=secrets.token_hex(40)) for each in some(300, expires_us=10)])
    rows = await store.do(lambda connection: connection.query("SELECT data FROM captures ORDER BY at_us"))
    files = Path(sqlite_url.removeprefix("sqlite:///")).parent

    def there() -> int:
        disk = b"".join(file.read_bytes() for file in files.glob("*.db*"))
        return sum(bytes(data) in disk for (data,) in rows[:200])

    assert there() == 200
    if way == "trimmed":
        await captures.trim("acme", 50)
    else:
        await (captures.prune(10) if way == "expired" else captures.purge())
    assert there() == 0
    await store.close()


async def test_nobody_waits_for_what_is_deleted_while_somebody_reads(sqlite_url: str) -> None:
    store, other = await open_store(sqlite_url), await open_store(sqlite_url)
    await Captures(store).add(some(50, expires_us=10))
    reads, done = threading.Event(), threading.Event()

    def read(connection: Connection) -> None:
        with connection.snapshot():
            connection.query("SELECT count(*) FROM captures")
            reads.set()
            assert done.wait(60)

    reader = asyncio.create_task(other.do(read))
    await asyncio.to_thread(reads.wait)
    assert await Captures(store).prune(10) == 50
    assert await Captures(store).add(some(1)) == 1
    assert not done.is_set() and not reader.done()
    done.set()
    await reader
    await store.close()
    await other.close()


async def test_what_was_kept_without_its_context_is_read_as_such(store: Store, connection: Connection) -> None:
    captures = Captures(store)
    await captures.add(some(1, context="ab", settled="cd"))
    ((data,),) = connection.query("SELECT data FROM captures")
    (kept,) = (await captures.read(0)).calls
    assert (kept.context, kept.settled) == ("ab", "cd") and kept.text
    plain = msgspec.msgpack.decode(PLAIN.unwrap(bytes(data), "capture", kept.tenant, kept.call_id))
    connection.execute(
        "UPDATE captures SET data = ?",
        (PLAIN.wrap(msgspec.msgpack.encode(plain[:6]), "capture", kept.tenant, kept.call_id),),
    )
    assert [each.context for each in (await captures.read(0)).calls] == [""]
