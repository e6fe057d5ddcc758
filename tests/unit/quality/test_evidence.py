from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from farthing.model.routes import ANY
from farthing.quality.evidence import DAY_US, MOST_SCOPES, MOST_VERSIONS, MOST_WAITING, Evidence, opening_of
from farthing.store import Store, StoreError, open_store
from farthing.store.evidence import Evidence as Kept
from farthing.store.evidence import Observation, Sample, Sums
from stores import ready

SCOPES = ("task:qa", "*")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await open_store(ready(tmp_path, "ledger.db"))
    yield store
    await store.close()


def compare(evidence: Evidence, *differences: int, at_us: int = 5) -> None:
    for difference in differences:
        evidence.add("t", SCOPES, "small", "shadow", at_us, difference=difference, against="big")


async def test_what_was_seen_counts_at_once_and_on_every_gateway(store: Store) -> None:
    one, other = Evidence(Kept(store)), Evidence(Kept(store))
    compare(one, 1, 0, -1, -1)
    assert one.counts("t", "task:qa", "small", "big").n == 4
    await one.refresh()
    compare(other, 0)
    await other.refresh()
    for evidence in (one, other):
        await evidence.refresh()
        seen = evidence.counts("t", "*", "small", "big")
        assert (seen.better, seen.same, seen.worse) == (1, 2, 2)
    assert one.counts("t", "*", "small", "other flagship").n == 0


async def test_another_version_of_the_model_opens_it_anew(store: Store) -> None:
    evidence = Evidence(Kept(store))
    await evidence.refresh()
    assert not evidence.ran("small", "v1", 1)
    compare(evidence, 0, 0)
    assert not evidence.ran("small", "v1", 10)
    assert evidence.ran("small", "v2", 20)
    assert evidence.counts("t", "*", "small", "big").n == 0
    compare(evidence, -1, at_us=21)
    await evidence.refresh()
    later = Evidence(Kept(store))
    await later.refresh()
    assert later.counts("t", "*", "small", "big").n == 1
    assert not later.ran("small", "v2", 30) and not later.ran("small", "v1", 31), "a version that is known is no news"
    assert {row.pairs for row in later.current() if row.scope != ANY or row.tenant == "t"} == {1}


async def test_one_scope_can_be_opened_anew(store: Store) -> None:
    evidence = Evidence(Kept(store))
    await evidence.refresh()
    compare(evidence, 0)
    evidence.reopen("t", "task:qa", "small", 7)
    await evidence.refresh()
    assert evidence.counts("t", "task:qa", "small", "big").n == 0
    assert evidence.counts("t", "*", "small", "big").n == 1


def test_openings_are_read_as_they_are_written() -> None:
    assert opening_of("12 gpt-x-2026").label == "12 gpt-x-2026"
    assert opening_of("12").label == "12" and opening_of("").label == "" and opening_of("x").at_us == 0


class Broken:
    """A store that cannot be written."""

    def __init__(self) -> None:
        self.added: list[Observation] = []
        self.broken = True

    async def add(self, batch: Sequence[Observation], samples: Sequence[Sample] = ()) -> None:
        if self.broken:
            raise StoreError("no")
        self.added += batch

    async def sums(self, since_day_us: int = 0, tenant: str = "", *, by_day: bool = False) -> list[Sums]:
        return []


async def test_nothing_is_lost_while_the_store_is_away() -> None:
    broken = Broken()
    evidence = Evidence(broken)
    compare(evidence, 0)
    with pytest.raises(StoreError):
        await evidence.refresh()
    compare(evidence, 1)
    broken.broken = False
    await evidence.refresh()
    assert [each.difference for each in broken.added] == [0, 0, 1, 1]


async def test_memory_has_an_end() -> None:
    evidence = Evidence(Broken())
    for _ in range(MOST_WAITING // 2 + 10):
        compare(evidence, 0)
    assert len(evidence._waiting) <= MOST_WAITING


async def test_names_that_callers_make_up_have_an_end() -> None:
    evidence = Evidence(Broken())
    for at in range(MOST_SCOPES + 50):
        evidence.add("t", (f"task:{at}", ANY), "small", "answers", 1, out_tokens=1)
    evidence.add("other", ("task:x", ANY), "small", "answers", 1, out_tokens=1)
    rows = evidence.current()
    assert len({row.scope for row in rows if row.tenant == "t"}) == MOST_SCOPES
    assert {row.answers for row in rows if (row.tenant, row.scope) == ("t", ANY)} == {MOST_SCOPES + 50}
    assert {row.scope for row in rows if row.tenant == "other"} == {"task:x", ANY}


async def test_a_provider_that_names_each_answer_anew_opens_nothing(store: Store) -> None:
    evidence = Evidence(Kept(store))
    await evidence.refresh()
    opened = [evidence.ran("small", f"v{at}", at) for at in range(MOST_VERSIONS + 50)]
    assert sum(opened) == MOST_VERSIONS - 1


async def test_what_is_old_is_forgotten(store: Store) -> None:
    kept = Kept(store)
    evidence = Evidence(kept)
    evidence.add("t", (ANY,), "small", "answers", 1, out_tokens=1)
    await evidence.refresh()
    await evidence.refresh(100 * DAY_US)
    assert await kept.sums() == [] and evidence.current() == []
