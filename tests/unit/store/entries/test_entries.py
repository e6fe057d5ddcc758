"""The same promises on both engines: who finds what, for how long, and what a drop reaches."""

import asyncio
import inspect
import random
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from farthing.store.entries import (
    PROBES,
    Budget,
    Budgets,
    Changes,
    Entries,
    Entry,
    Link,
    Position,
    ProbeCount,
    Tally,
    Verdict,
    Which,
    wrapping,
    writing,
)
from unit.store.entries.samples import HOUR, NOW_US, SECOND, an_entry

Opener = Callable[..., Awaitable[Entries]]


def _as_read(entry: Entry, hits: int = 0) -> Entry:
    return msgspec.structs.replace(entry, vector=b"", hits=hits)


async def _everything(cache: Entries) -> Changes:
    return await cache.changes(Position(), limit=10_000)


async def test_what_is_put_is_found_before_and_after_it_is_written(opened: Opener) -> None:
    cache = await opened(flush_s=60.0)
    entry = an_entry()
    assert cache.put(entry)
    assert await cache.get("acme", entry.exact, now_us=NOW_US) is entry
    assert await cache.read("acme", "e1", now_us=NOW_US) is entry
    await cache.flush()
    assert await cache.get("acme", entry.exact, now_us=NOW_US) == _as_read(entry)
    assert await cache.read("acme", "e1", now_us=NOW_US) == _as_read(entry)
    assert not cache.trouble


async def test_a_restart_loses_nothing(opened: Opener) -> None:
    first = await opened(flush_s=60.0)
    entry = an_entry()
    first.put(entry)
    await first.close()
    second = await opened()
    assert await second.get("acme", entry.exact, now_us=NOW_US) == _as_read(entry)


async def test_what_is_not_to_be_kept_goes_with_the_gateway(opened: Opener) -> None:
    first = await opened(flush_s=60.0, kept=False)
    entry = an_entry()
    first.put(entry)
    assert await first.get("acme", entry.exact, now_us=NOW_US) is entry
    await first.close()
    second = await opened()
    assert await second.get("acme", entry.exact, now_us=NOW_US) is None


async def test_what_is_too_much_for_memory_is_written_and_found_though_it_is_not_to_be_kept(opened: Opener) -> None:
    cache = await opened(flush_s=60.0, kept=False, queue=40)
    entries = [an_entry(f"e{number}") for number in range(200)]
    for entry in entries:
        cache.put(entry)
        async with asyncio.timeout(20):
            while len(cache._waiting) > 30:
                await asyncio.sleep(0.01)
    assert cache.forgotten == 0
    for entry in entries:
        found = await cache.get("acme", entry.exact, now_us=NOW_US)
        assert found is not None and found.id == entry.id


@pytest.mark.parametrize("written", [False, True])
async def test_no_other_tenant_finds_an_entry(opened: Opener, written: bool) -> None:
    cache = await opened(flush_s=60.0)
    entry = an_entry(tags=("faq",))
    cache.put(entry)
    if written:
        await cache.flush()
    for tenant in ("globex", "", "ACME", "acme ", "acme%", "%"):
        assert await cache.get(tenant, entry.exact, now_us=NOW_US) is None
        assert await cache.get_many(tenant, [entry.exact], now_us=NOW_US) == {}
        assert await cache.read(tenant, "e1", now_us=NOW_US) is None
        assert await cache.links(tenant, "e1") == []
        assert await cache.entries(tenant) == []
        assert await cache.vectors(tenant, entry.context) == []
        assert (await cache.stats(tenant)).entries == 0
        for which in (Which(), Which(ids=("e1",)), Which(tag="faq"), Which(scope="support")):
            assert await cache.drop(tenant, which) == 0
    assert await cache.get("acme", entry.exact, now_us=NOW_US) is not None


async def test_tenants_with_one_fingerprint_keep_their_own(cache: Entries) -> None:
    for tenant in ("acme", "globex"):
        cache.put(an_entry(f"of {tenant}", tenant=tenant, exact=b"the same", answer=tenant.encode()))
    await cache.flush()
    for tenant in ("acme", "globex"):
        found = await cache.get(tenant, b"the same", now_us=NOW_US)
        assert found is not None and found.answer == tenant.encode()


async def test_an_id_of_another_tenant_is_not_overwritten(cache: Entries) -> None:
    cache.put(an_entry("e1"))
    await cache.flush()
    cache.put(an_entry("e1", tenant="globex", answer=b"foreign"))
    cache.link(Link(id="l1", tenant="globex", entry_id="e1", question="Money back?", created_us=NOW_US))
    cache.hit("globex", "e1", at_us=NOW_US)
    await cache.flush()
    found = await cache.read("acme", "e1", now_us=NOW_US)
    assert found == _as_read(an_entry())
    assert await cache.links("acme", "e1") == []


def test_every_method_for_entries_asks_for_a_tenant() -> None:
    for_all = {"purge", "tenants", "changes", "flush", "close", "warm"}
    values = {"put": "entry", "link": "link", "verdict": "verdict"}
    for name, method in inspect.getmembers(Entries, inspect.isfunction):
        if not name.startswith("_") and name not in for_all:
            parameter = list(inspect.signature(method).parameters.values())[1]
            assert parameter.name == values.get(name, "tenant") and parameter.default is parameter.empty, name


@pytest.mark.parametrize("written", [False, True])
async def test_an_entry_lives_until_its_time_by_the_callers_clock(opened: Opener, written: bool) -> None:
    cache = await opened(flush_s=60.0)
    entry = an_entry()
    cache.put(entry)
    cache.put(an_entry("for ever", expires_us=0))
    if written:
        await cache.flush()

    async def found(now_us: int, name: str = "e1") -> bool:
        print_ = f"print of {name}".encode()
        by_exact = await cache.get("acme", print_, now_us=now_us)
        assert (await cache.read("acme", name, now_us=now_us) is None) is (by_exact is None)
        assert (await cache.get_many("acme", [print_], now_us=now_us) == {}) is (by_exact is None)
        return by_exact is not None

    assert await found(NOW_US + HOUR - 1)
    assert not await found(NOW_US + HOUR)
    assert await found(NOW_US + 1000 * HOUR, "for ever")
    assert await found(NOW_US - 50 * SECOND), "gateways' clocks differ a little"
    assert not await found(NOW_US - HOUR), "made before the clock was set back: nobody knows its age"


async def test_a_newer_answer_replaces_the_former_and_inherits_its_hits(cache: Entries) -> None:
    cache.put(an_entry("old", exact=b"same"))
    await cache.flush()
    cache.hit("acme", "old", at_us=NOW_US)
    await cache.flush()
    new = an_entry("new", exact=b"same", answer=b"another", created_us=NOW_US + 1)
    cache.put(new)
    await cache.flush()
    assert await cache.get("acme", b"same", now_us=NOW_US) == _as_read(new, hits=1)
    assert await cache.read("acme", "old", now_us=NOW_US) is None
    assert (await cache.stats("acme")).entries == 1


async def test_a_pinned_entry_is_only_replaced_by_a_pinned_one(cache: Entries) -> None:
    cache.put(an_entry("pin", exact=b"same", pinned=True, answer=b"approved"))
    await cache.flush()
    cache.put(an_entry("other", exact=b"same", answer=b"not approved"))
    await cache.flush()
    found = await cache.get("acme", b"same", now_us=NOW_US)
    assert found is not None and found.answer == b"approved"
    cache.put(an_entry("pin 2", exact=b"same", pinned=True, answer=b"approved again"))
    await cache.flush()
    found = await cache.get("acme", b"same", now_us=NOW_US)
    assert found is not None and found.answer == b"approved again"


async def test_many_fingerprints_are_looked_up_at_once(opened: Opener) -> None:
    cache = await opened(flush_s=60.0)
    entries = [an_entry(f"e{number}") for number in range(900)]
    for entry in entries[:850]:
        cache.put(entry)
    await cache.flush()
    for entry in entries[850:]:
        cache.put(entry)
    wanted = [entry.exact for entry in entries] + [b"unknown", entries[0].exact]
    found = await cache.get_many("acme", wanted, now_us=NOW_US)
    assert {entry.id for entry in found.values()} == {entry.id for entry in entries}
    assert all(entry.exact == print_ for print_, entry in found.items())


async def test_odd_texts_survive_and_impossible_ones_are_refused(cache: Entries) -> None:
    odd = an_entry("odd", question="Où? \0 \ud800 🦊 " * 400, answer=bytes(range(256)) * 20, tags=('a"b', "ä,[]"))
    assert cache.put(odd)
    assert not cache.put(an_entry("bad scope", scope="a\0b"))
    assert not cache.put(an_entry("bad owner", owner="\ud800"))
    assert not cache.put(an_entry("bad cost", cost=-1))
    assert not cache.put(an_entry("bad time", expires_us=2**70))
    assert not cache.put(an_entry("no tenant", tenant=""))
    await cache.flush()
    assert await cache.read("acme", "odd", now_us=NOW_US) == _as_read(odd)
    assert not cache.trouble


async def test_a_row_that_the_store_refuses_does_not_take_others_along(cache: Entries) -> None:
    broken = an_entry("broken", context=None)
    for entry in (an_entry("before"), broken, an_entry("after")):
        cache.put(entry)
    await cache.flush()
    assert {entry.id for entry in await cache.entries("acme")} == {"before", "after"}
    assert cache.forgotten == 1


# Dropping


WHICH = {
    "ids": (Which(ids=("e1", "unknown")), {"e1"}),
    "no ids": (Which(ids=()), set()),
    "scope": (Which(scope="sales"), {"e2"}),
    "tag": (Which(tag="old"), {"e3"}),
    "a part of a tag": (Which(tag="ol"), set()),
    "model": (Which(model="gpt-4"), {"e4"}),
    "asked": (Which(asked="gpt"), {"e4"}),
    "owner": (Which(owner="bob"), {"e5"}),
    "team": (Which(team="field"), {"e5"}),
    "context": (Which(context=b"context 2"), {"e6"}),
    "age": (Which(created_before_us=NOW_US), {"e7"}),
    "two at once": (Which(owner="bob", scope="sales"), set()),
    "all but pinned": (Which(keep_pinned=True), {"e1", "e2", "e3", "e4", "e5", "e6", "e7"}),
    "all": (Which(), {"e1", "e2", "e3", "e4", "e5", "e6", "e7", "pin"}),
}


@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("name", WHICH)
async def test_a_drop_takes_what_is_meant_and_nothing_else(opened: Opener, name: str, written: bool) -> None:
    cache = await opened(flush_s=60.0)
    entries = [
        an_entry("e1"),
        an_entry("e2", scope="sales"),
        an_entry("e3", tags=("old", "x")),
        an_entry("e4", model="gpt-4", asked="gpt"),
        an_entry("e5", owner="bob", team="field"),
        an_entry("e6", context=b"context 2"),
        an_entry("e7", created_us=NOW_US - 1),
        an_entry("pin", pinned=True, expires_us=0),
        an_entry("foreign", tenant="globex", scope="sales", tags=("old",), owner="bob", context=b"context 2"),
    ]
    for entry in entries:
        cache.put(entry)
    if written:
        await cache.flush()
    which, gone = WHICH[name]
    assert await cache.drop("acme", which) == len(gone)
    for entry in entries:
        assert (await cache.read(entry.tenant, entry.id, now_us=NOW_US) is None) == (entry.id in gone), entry.id
    await cache.flush()
    left = {entry.id for tenant in ("acme", "globex") for entry in await cache.entries(tenant)}
    assert left == {entry.id for entry in entries} - gone


async def test_a_drop_is_seen_at_once_by_every_gateway(opened: Opener) -> None:
    here, there = await opened(), await opened()
    here.put(an_entry())
    await here.flush()
    position = (await _everything(there)).position
    assert await there.read("acme", "e1", now_us=NOW_US) is not None
    await here.drop("acme", Which(ids=("e1",)))
    assert await there.read("acme", "e1", now_us=NOW_US) is None
    assert await there.get("acme", an_entry().exact, now_us=NOW_US) is None
    news = await there.changes(position)
    assert news.dropped == ["e1"] and not news.added and not news.anew


async def test_a_drop_also_meets_calls_under_way(opened: Opener) -> None:
    here, there = await opened(flush_s=60.0), await opened(flush_s=60.0)
    there.put(an_entry("waits there"))
    await here.drop("acme", Which(tag="faq"))
    assert not here.put(an_entry("begun before")), "what answers a call from before the drop is not taken any more"
    assert here.put(an_entry("another tag", tags=()))
    assert here.put(an_entry("begun after", created_us=NOW_US + 1))
    await here.flush()
    await there.flush()
    assert {entry.id for entry in await here.entries("acme")} == {"another tag", "begun after"}


async def test_a_long_drop_takes_everything(cache: Entries) -> None:
    for number in range(1700):
        cache.put(an_entry(f"e{number}", tags=("even",) if number % 2 == 0 else ()))
    await cache.flush()
    assert await cache.drop("acme", Which(tag="even")) == 850
    assert await cache.drop("acme", Which(ids=tuple(f"e{number}" for number in range(1500)))) == 750
    assert await cache.drop("acme", Which()) == 100
    assert (await cache.stats("acme")).bytes == 0


async def test_a_purge_takes_all_tenants_and_leaves_verdicts(opened: Opener) -> None:
    here, there = await opened(), await opened()
    for tenant in ("acme", "globex"):
        here.put(an_entry(f"of {tenant}", tenant=tenant))
    here.verdict(_verdict("c1", 0.9))
    await here.flush()
    position = (await _everything(there)).position
    assert await here.purge() == 2
    assert await here.tenants() == []
    news = await there.changes(position)
    assert news.anew and not news.added
    assert await here.counts("acme", "support", [0.0]) == [Tally(0.0, 1, 0)]


# Links


def _link(name: str, question: str = "What's our refund policy?", **changes: object) -> Link:
    link = Link(id=name, tenant="acme", entry_id="e1", question=question, vector=b"another", created_us=NOW_US)
    return msgspec.structs.replace(link, **changes)


async def test_an_entry_has_more_questions(opened: Opener) -> None:
    cache = await opened(flush_s=60.0)
    cache.put(an_entry())
    link = _link("l1", source="pin")
    assert cache.link(link)
    assert await cache.links("acme", "e1") == [link]
    await cache.flush()
    assert await cache.links("acme", "e1") == [msgspec.structs.replace(link, vector=b"")]
    found = await _everything(cache)
    assert {(each.entry_id, each.link, each.context, each.vector) for each in found.added} == {
        ("e1", "", b"context 1", an_entry().vector),
        ("e1", "l1", b"context 1", b"another"),
    }
    assert len(await cache.vectors("acme", b"context 1")) == 2
    assert await cache.vectors("acme", b"context 2") == []


async def test_links_go_alone_and_with_their_entry(cache: Entries) -> None:
    cache.put(an_entry())
    for name in ("l1", "l2"):
        cache.link(_link(name))
    cache.link(_link("l3", entry_id="no such entry"))
    await cache.flush()
    position = (await _everything(cache)).position
    assert (await cache.stats("acme")).links == 2
    assert not await cache.unlink("globex", "l1")
    assert await cache.unlink("acme", "l1")
    assert not await cache.unlink("acme", "l1")
    assert [link.id for link in await cache.links("acme", "e1")] == ["l2"]
    assert (await cache.changes(position)).dropped == ["l1"]
    await cache.drop("acme", Which(ids=("e1",)))
    assert await cache.links("acme", "e1") == []
    assert (await cache.stats("acme")).links == 0


# The index's news


async def test_changes_tell_each_vector_once_in_pages(opened: Opener) -> None:
    here, there = await opened(), await opened()
    told: list[str] = []
    position = Position()
    for part in range(4):
        for number in range(part * 300, part * 300 + 300):
            here.put(an_entry(f"e{number}"))
        here.put(an_entry(f"no vector {part}", vector=b""))
        await here.flush()
    began_anew = 0
    while True:
        page = await there.changes(position, limit=250)
        began_anew += page.anew
        told += [each.entry_id for each in page.added]
        position = page.position
        if not page.more:
            break
    assert sorted(told) == sorted(f"e{number}" for number in range(1200))
    assert began_anew == 1
    assert (await there.changes(position)) == Changes(position, [], [], False, False)
    here.put(an_entry("late"))
    await here.flush()
    page = await there.changes(position)
    assert [each.entry_id for each in page.added] == ["late"] and not page.anew
    assert page.added[0].tenant == "acme" and page.added[0].encoder == "minilm" and page.added[0].scope == "support"


async def test_gateways_that_write_at_once_miss_nothing(opened: Opener) -> None:
    gateways = [await opened() for _ in range(3)]
    reader = await opened()
    told: set[str] = set()
    position = Position()

    async def write(gateway: int) -> None:
        for number in range(150):
            gateways[gateway].put(an_entry(f"g{gateway} {number}"))
            if number % 10 == 0:
                await asyncio.sleep(0.005)
        await gateways[gateway].flush()

    writing = asyncio.gather(*(write(gateway) for gateway in range(3)))
    while True:
        done = writing.done()
        page = await reader.changes(position, limit=40)
        told.update(each.entry_id for each in page.added)
        position = page.position
        if done and not page.more:
            break
        await asyncio.sleep(0.001)
    await writing
    assert len(told) == 450


# Budgets


async def test_what_saves_most_a_byte_stays(opened: Opener) -> None:
    cache = await opened(budgets=Budgets(default=Budget(entries=100)), flush_s=60.0)
    for number in range(100):
        cache.put(an_entry(f"e{number:03}", cost=1000 + number))
    cache.put(an_entry("pin", pinned=True, cost=0))
    cache.put(an_entry("large", cost=2000, answer=random.Random(1).randbytes(20_000)))
    cache.put(an_entry("foreign", tenant="globex", cost=1))
    await cache.flush()
    left = {entry.id for entry in await cache.entries("acme", limit=1000)}
    assert len(left) == 90
    assert "pin" in left and "large" not in left
    assert left >= {f"e{number:03}" for number in range(20, 100)}
    assert (await cache.stats("globex")).entries == 1


async def test_hits_keep_an_entry_and_old_ones_fade(opened: Opener) -> None:
    cache = await opened(budgets=Budgets(tenants={"acme": Budget(entries=30)}), flush_s=60.0)
    weeks = 7 * 24 * HOUR
    cache.put(an_entry("hit lately", cost=10, expires_us=0))
    cache.put(an_entry("hit long ago", cost=10, expires_us=0))
    for number in range(25):
        cache.put(an_entry(f"never hit {number}", cost=60, expires_us=0))
    await cache.flush()
    for _ in range(8):
        cache.hit("acme", "hit lately", at_us=NOW_US)
        cache.hit("acme", "hit long ago", at_us=NOW_US - 4 * weeks)
    await cache.flush()
    for number in range(4):
        cache.put(an_entry(f"fresh {number}", cost=60, expires_us=0))
    await cache.flush()
    left = {entry.id: entry.hits for entry in await cache.entries("acme", limit=1000)}
    assert left["hit lately"] == 8
    assert "hit long ago" not in left


async def test_a_budget_in_bytes_holds_and_the_sums_stay_true(opened: Opener) -> None:
    budget = Budget(bytes=100_000)
    cache = await opened(budgets=Budgets(default=budget), flush_s=60.0)
    for number in range(500):
        cache.put(an_entry(f"e{number}", cost=number))
        if number % 3 == 0:
            cache.link(_link(f"l{number}", entry_id=f"e{number}"))
        if number % 100 == 99:
            await cache.flush()
            stats = await cache.stats("acme")
            assert 50_000 < stats.bytes <= budget.bytes
    assert not cache.put(an_entry("too large", answer=b"", cost=10**16))
    cache.put(an_entry("larger than all", answer=random.Random(1).randbytes(120_000)))
    await cache.flush()
    assert await cache.read("acme", "larger than all", now_us=NOW_US) is None
    assert (await cache.stats("acme")).entries > 50
    await cache.drop("acme", Which())
    assert (await cache.stats("acme")).bytes == 0


async def test_pinned_entries_stay_even_beyond_the_budget(opened: Opener) -> None:
    cache = await opened(budgets=Budgets(default=Budget(entries=5)), flush_s=60.0)
    for number in range(20):
        cache.put(an_entry(f"pin {number}", pinned=True))
        cache.put(an_entry(f"e{number}"))
    await cache.flush()
    left = await cache.entries("acme", limit=100)
    assert len(left) == 20 and all(entry.pinned for entry in left)


async def test_what_expired_goes_in_the_background(opened: Opener) -> None:
    first = await opened(flush_s=60.0)
    first.put(an_entry("short", expires_us=NOW_US + SECOND))
    first.put(an_entry("long", expires_us=NOW_US + 9 * HOUR))
    await first.flush()
    later = await opened(now_us=lambda: NOW_US + HOUR)
    for _ in range(6000):
        if (await later.stats("acme")).entries == 1:
            break
        await asyncio.sleep(0.01)
    assert [entry.id for entry in await later.entries("acme")] == ["long"]


# People


async def test_stats_say_what_there_is(cache: Entries) -> None:
    cache.put(an_entry("e1", created_us=NOW_US - HOUR))
    cache.put(an_entry("e2", scope="sales", cost=500, pinned=True))
    cache.put(an_entry("e3", scope="sales"))
    await cache.flush()
    for _ in range(3):
        cache.hit("acme", "e2", at_us=NOW_US)
    await cache.flush()
    stats = await cache.stats("acme")
    assert (stats.entries, stats.pinned, stats.links, stats.hits) == (3, 1, 0, 3)
    assert (stats.oldest_us, stats.newest_us) == (NOW_US - HOUR, NOW_US)
    sales, support = stats.scopes
    assert (sales.scope, sales.entries, sales.hits, sales.saved) == ("sales", 2, 3, 1500)
    assert (support.scope, support.entries, support.hits) == ("support", 1, 0)
    assert stats.bytes == sales.bytes + support.bytes > 3 * 400
    assert await cache.tenants() == ["acme"]


async def test_entries_are_listed_newest_first(cache: Entries) -> None:
    for number in range(10):
        cache.put(an_entry(f"e{number}", created_us=NOW_US + number, tags=("odd",) if number % 2 else ()))
    await cache.flush()
    assert [entry.id for entry in await cache.entries("acme", limit=3)] == ["e9", "e8", "e7"]
    assert [entry.id for entry in await cache.entries("acme", limit=2, before_us=NOW_US + 8)] == ["e7", "e6"]
    assert [entry.id for entry in await cache.entries("acme", Which(tag="odd"), limit=2)] == ["e9", "e7"]


# Verdicts


def _verdict(call: str, similarity: float, wrong: bool = False, **changes: object) -> Verdict:
    verdict = Verdict(
        tenant="acme", scope="support", entry_id="e1", call_id=call, similarity=similarity, wrong=wrong, source="shadow",
        at_us=NOW_US,
    )  # fmt: skip
    return msgspec.structs.replace(verdict, **changes)


async def test_verdicts_are_counted_by_similarity(cache: Entries) -> None:
    for number in range(100):
        assert cache.verdict(_verdict(f"c{number}", number / 100, wrong=number % 10 == 0))
    cache.verdict(_verdict("of sales", 0.99, scope="sales"))
    cache.verdict(_verdict("foreign", 0.99, tenant="globex"))
    cache.verdict(_verdict("early", 0.99, at_us=NOW_US - HOUR))
    cache.verdict(_verdict("by feedback", 1.0, True, source="feedback"))
    await cache.flush()
    edges = [0.9, 0.5, 0.95]
    assert await cache.counts("acme", "support", edges, since_us=NOW_US) == [
        Tally(0.5, 40, 4), Tally(0.9, 5, 1), Tally(0.95, 6, 1, 1),
    ]  # fmt: skip
    assert await cache.counts("acme", "support", [0.95], sources=["shadow", "judge"]) == [Tally(0.95, 6, 0)]
    assert await cache.counts("acme", "nothing", [0.5, 0.9]) == [Tally(0.5, 0, 0), Tally(0.9, 0, 0)]
    assert await cache.counts("acme", "support", []) == []


async def test_a_later_verdict_of_a_call_replaces_the_former(cache: Entries) -> None:
    cache.verdict(_verdict("c1", 0.9, wrong=True))
    cache.verdict(_verdict("c1", 0.9, wrong=True, source="judge"))
    await cache.flush()
    cache.verdict(_verdict("c1", 0.9, wrong=False))
    assert not cache.verdict(_verdict("c2", float("nan")))
    await cache.flush()
    assert await cache.counts("acme", "support", [0.0]) == [Tally(0.0, 2, 1)]
    assert [verdict.source for verdict in await cache.verdicts("acme", wrong=True)] == ["judge"]
    assert await cache.verdicts("acme", "sales") == []


async def test_probes_of_the_judge_are_counted_apart(cache: Entries) -> None:
    for number in range(6):
        cache.verdict(_verdict(f"c{number}", 1.0, number < 2, source="repeat", judge="j"))
        cache.verdict(_verdict(f"c{number}", number / 5, number < 5, source="mismatch", judge="j"))
        cache.verdict(_verdict(f"d{number}", 0.9, True, source="mismatch", judge="j", scope="sales"))
    cache.verdict(_verdict("e", 0.9, source="mismatch", judge="other"))
    cache.verdict(_verdict("f", 0.9, source="mismatch", judge="j", tenant="globex"))
    cache.verdict(_verdict("g", 0.9, judge="j"))
    await cache.flush()
    assert await cache.probes("acme", "j", near=0.3) == [
        ProbeCount("sales", "mismatch", True, 6, 6), ProbeCount("support", "mismatch", False, 2, 2),
        ProbeCount("support", "mismatch", True, 4, 3), ProbeCount("support", "repeat", True, 6, 2),
    ]  # fmt: skip
    assert await cache.counts("acme", "support", [0.0]) == [Tally(0.0, 1, 0)]
    assert [verdict.call_id for verdict in await cache.verdicts("acme")] == ["g"]
    assert len(await cache.verdicts("acme", sources=PROBES)) == 19


async def test_verdicts_of_one_judge_and_of_people(cache: Entries) -> None:
    for number, judge in enumerate(("a", "a", "b")):
        cache.verdict(_verdict(f"c{number}", 0.9, judge=judge))
    cache.verdict(_verdict("said", 0.9, True, source="feedback", score=0.25))
    await cache.flush()
    assert await cache.counts("acme", "support", [0.0], judge="a") == [Tally(0.0, 3, 1, 1)]
    assert await cache.counts("acme", "support", [0.0]) == [Tally(0.0, 4, 1, 1)]
    (said,) = await cache.verdicts("acme", wrong=True)
    assert (said.score, said.judge) == (0.25, "")


async def test_old_verdicts_and_more_than_enough_are_pruned_whatever_they_say(opened: Opener) -> None:
    cache = await opened(flush_s=3600)
    old_us = NOW_US - writing.VERDICTS_HOLD_US
    for number in range(30):
        for source in ("shadow", "repeat", "mismatch"):
            cache.verdict(_verdict(f"c{number}", 0.9, number % 2 == 0, source=source, at_us=NOW_US - 30 + number))
        cache.verdict(_verdict(f"few{number % 5}", 0.9, scope="few"))
        cache.verdict(_verdict(f"old{number}", 0.9, number % 2 == 0, scope="old", at_us=old_us - number))
    await cache.flush()
    await asyncio.to_thread(cache._writer.do, lambda db: writing.forget_old_verdicts(db, NOW_US, 10))
    assert await cache.counts("acme", "support", [0.0]) == [Tally(0.0, 10, 5)]
    assert [each.total for each in await cache.probes("acme", "", near=0.3)] == [10, 10]
    assert {verdict.call_id for verdict in await cache.verdicts("acme", "support")} == {f"c{n}" for n in range(20, 30)}
    assert await cache.counts("acme", "few", [0.0]) == [Tally(0.0, 5, 0)]
    assert [verdict.call_id for verdict in await cache.verdicts("acme", "old")] == ["old0"]


# Sealing


async def test_sealed_entries_are_found_with_their_key_only(opened: Opener) -> None:
    key, other = "11" * 32, "22" * 32
    first = await opened(wrapping=wrapping(key))
    first.put(an_entry())
    first.link(_link("l1"))
    await first.close()
    again = await opened(wrapping=wrapping(key))
    assert await again.read("acme", "e1", now_us=NOW_US) == _as_read(an_entry())
    assert len((await _everything(again)).added) == 2
    for wrong in (wrapping(other), wrapping()):
        stranger = await opened(wrapping=wrong)
        assert await stranger.read("acme", "e1", now_us=NOW_US) is None
        assert await stranger.get("acme", an_entry().exact, now_us=NOW_US) is None
        assert await stranger.links("acme", "e1") == []
        assert (await _everything(stranger)).added == []
        assert not stranger.trouble
    assert await again.read("acme", "e1", now_us=NOW_US) is not None


async def test_what_lay_open_goes_when_a_key_is_given(opened: Opener) -> None:
    first = await opened()
    first.put(an_entry())
    await first.close()
    sealed = await opened(wrapping=wrapping("11" * 32))
    sealed.put(an_entry("e2"))
    await sealed.flush()
    assert {entry.id for entry in await sealed.entries("acme")} == {"e2"}
    assert (await sealed.stats("acme")).entries == 1


async def test_what_saved_most_is_told_without_its_text(cache: Entries) -> None:
    for name, cost, hits in (("dear", 900, 1), ("often", 400, 3), ("never", 10_000, 0)):
        cache.put(an_entry(name, cost=cost, hits=hits, pinned=name == "never"))
    cache.put(an_entry("elsewhere", scope="search", cost=1, hits=9))
    cache.put(an_entry("theirs", tenant="other", cost=10**9, hits=9))
    await cache.flush()
    found = await cache.dearest("acme")
    assert [(each.id, each.hits, each.saved) for each in found] == [
        ("often", 3, 1_200),
        ("dear", 1, 900),
        ("elsewhere", 9, 9),
    ]
    assert found[0].source_call == "call-1" and found[0].asked == "auto" and not found[0].pinned and found[0].bytes > 0
    assert not set(found[0]._fields) & {"question", "answer", "owner"}
    assert [each.id for each in await cache.dearest("acme", scope="search")] == ["elsewhere"]
    assert [each.id for each in await cache.dearest("acme", pinned=True)] == ["never"]
    assert [each.id for each in await cache.dearest("acme", limit=1)] == ["often"]
