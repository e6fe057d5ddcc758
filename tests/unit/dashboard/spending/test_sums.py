"""Sums by name: the same whichever sums of the store they come from, and none where none are kept."""

import time
from collections.abc import AsyncIterator
from itertools import combinations
from pathlib import Path

import pytest

from browser import company, oddities
from farthing.dashboard.periods import Period, period_of
from farthing.dashboard.spending.newest import newest, summed
from farthing.dashboard.spending.sums import NAMES, holds, sums, total
from farthing.model.errors import BadRequest
from farthing.store import ReportRow, Store, open_store, reading
from stores import ready

NOW = time.time_ns() // 1000
PERIOD = period_of("7d", NOW)
ALL = period_of("90d", NOW)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    made = await open_store(ready(tmp_path))
    batch = list(company.records(NOW, 9))
    for start in range(0, len(batch), 1_000):
        await made.write(batch[start : start + 1_000])
    await made.write(list(oddities.records(NOW)))
    yield made
    await made.close()


async def read(store: Store, *names: str, period: Period = PERIOD, **where: str) -> list[ReportRow]:
    return await store.do(lambda connection: sums(connection, names, period, "default", where))


def figures(rows: list[ReportRow]) -> set[tuple[object, ...]]:
    return {
        (row.key, row.also, row.calls, row.errors, row.in_tokens, row.cached_tokens, row.out_tokens, row.cost, row.baseline,
         row.saved, row.calls_without_cost)
        for row in rows
    }  # fmt: skip


@pytest.mark.parametrize("names", [("provider",), ("provider", "feature"), ("model", "provider"), ("day", "provider")])
async def test_what_is_billed_and_the_calls_themselves_agree(store: Store, names: tuple[str, ...]) -> None:
    for period in (PERIOD, ALL):
        found = await store.do(lambda c, period=period: newest(c, period, {"tenant": "default"}, 9_000))
        assert found.complete
        assert figures(await read(store, *names, period=period)) == figures(summed(found.calls, names))


async def test_the_same_figures_as_the_report_of_the_command_line(store: Store) -> None:
    reported = await store.report("feature,model", PERIOD.since_us, PERIOD.until_us, tenant="default")
    assert await read(store, "feature", "model") == reported
    assert await read(store, "model", feature="support chat") == await store.report(
        "model", PERIOD.since_us, PERIOD.until_us, tenant="default", where={"feature": "support chat"}
    )


async def test_a_provider_narrows_what_is_billed(store: Store) -> None:
    whole = await read(store, "provider", "feature")
    some = await read(store, "feature", provider="openai")
    assert figures(some) == {
        (each.also, "", *figures([each]).pop()[2:]) for each in whole if each.key == "openai"
    }  # fmt: skip


async def test_sums_of_all_names_come_to_the_same(store: Store) -> None:
    day = total(await read(store, "day"))
    assert day.calls > 500 and day.cost > 0
    for name in NAMES:
        assert figures([total(await read(store, name))]) == figures([day]), name


async def test_where_no_sums_are_kept_it_says_so(store: Store) -> None:
    for size in (1, 2):
        for names in combinations((*NAMES, "day"), size):
            if holds(names, {"feature": "x"} if "feature" not in names else {}):
                continue
            with pytest.raises(BadRequest):
                await read(store, *names, **({"feature": "x"} if "feature" not in names else {}))


def test_what_is_kept() -> None:
    assert holds(("feature",), {}) and holds(("feature", "model"), {}) and holds(("model",), {"feature": "x"})
    assert holds(("provider",), {"feature": "x", "model": "y"})
    assert not holds(("user",), {"feature": "x", "model": "y"})
    assert not holds(("provider",), {"user": "x"}) and not holds(("hour", "provider"), {})
    assert not holds(("feature",), {"outcome": "error"}) and not holds((), {}) and not holds(("nonsense",), {})


async def test_the_newest_calls_tell_whether_they_are_all(store: Store) -> None:
    scope = {"tenant": "default", "feature": "support chat"}
    some = await store.do(lambda connection: newest(connection, PERIOD, scope, 10))
    assert len(some.calls) == 10 and not some.complete
    listed = await store.do(
        lambda c: reading.calls(c, since_us=PERIOD.since_us, until_us=PERIOD.until_us, where=scope, limit=10)
    )
    assert list(some.calls) == listed
    assert sum(row.calls for row in summed(some.calls, ("user",))) == 10
