"""What was opened lately is served only while the store still has that very row."""

from collections.abc import Awaitable, Callable

from farthing.store.entries import Entries, Which
from farthing.store.entries.opened import Mark, Opened
from unit.store.entries.samples import NOW_US, an_entry

Opener = Callable[..., Awaitable[Entries]]


async def _served_twice(cache: Entries, exact: bytes) -> None:
    for _ in range(2):
        assert await cache.get("acme", exact, now_us=NOW_US) is not None


async def test_it_is_opened_once(cache: Entries) -> None:
    entry = an_entry()
    cache.put(entry)
    await cache.flush()
    first = await cache.get("acme", entry.exact, now_us=NOW_US)
    assert first is not None and first.answer == entry.answer
    assert await cache.get("acme", entry.exact, now_us=NOW_US) is first
    cache.hit("acme", entry.id, at_us=NOW_US)
    await cache.flush()
    assert await cache.get("acme", entry.exact, now_us=NOW_US) is first, "a count is no change"


async def test_a_drop_elsewhere_is_seen_at_once(cache: Entries, opened: Opener) -> None:
    entry = an_entry()
    cache.put(entry)
    await cache.flush()
    await _served_twice(cache, entry.exact)
    elsewhere = await opened()
    assert await elsewhere.drop("acme", Which(ids=(entry.id,))) == 1
    assert await cache.get("acme", entry.exact, now_us=NOW_US) is None


async def test_a_purge_elsewhere_is_seen_at_once(cache: Entries, opened: Opener) -> None:
    entry = an_entry()
    cache.put(entry)
    await cache.flush()
    await _served_twice(cache, entry.exact)
    await (await opened()).purge()
    assert await cache.get("acme", entry.exact, now_us=NOW_US) is None


async def test_a_newer_answer_elsewhere_is_given_at_once(cache: Entries, opened: Opener) -> None:
    entry = an_entry()
    cache.put(entry)
    await cache.flush()
    await _served_twice(cache, entry.exact)
    elsewhere = await opened()
    elsewhere.put(an_entry("e2", exact=entry.exact, answer=b"the newer one"))
    await elsewhere.flush()
    found = await cache.get("acme", entry.exact, now_us=NOW_US)
    assert found is not None and found.answer == b"the newer one"


async def test_it_still_dies_of_age_and_belongs_to_one_tenant(cache: Entries) -> None:
    entry = an_entry(expires_us=NOW_US + 10)
    cache.put(entry)
    await cache.flush()
    await _served_twice(cache, entry.exact)
    assert await cache.get("rival", entry.exact, now_us=NOW_US) is None
    assert await cache.get("acme", entry.exact, now_us=NOW_US + 10) is None


def test_memory_is_bounded_and_what_is_used_stays() -> None:
    opened = Opened(100_000)
    used = an_entry("used", exact=b"used", answer=b"x" * 2000)
    opened.keep(Mark("used", 1), used)
    for number in range(500):
        opened.keep(Mark(f"e{number}", 1), an_entry(f"e{number}", exact=b"%d" % number, answer=b"x" * 2000))
        assert opened.find("acme", b"used") == (Mark("used", 1), used)
        assert len(opened._young) + len(opened._old) < 40
    assert opened.find("acme", b"0") is None
    assert opened.find("acme", b"499") is not None
