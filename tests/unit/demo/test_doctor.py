"""The doctor finds the broken prefix of the story: three days of a smaller company, two of them with the time in a prompt."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from farthing.demo import calendar
from farthing.demo.calendar import DAY_US
from farthing.demo.stage import make_keys
from farthing.demo.story import Plot, Story
from farthing.lab.doctor import Report, read
from farthing.store import Store, open_store
from once import once
from unit.demo.month import NOW_US, rows, tell_days, url_of

STAMPED = calendar.accidents(calendar.start_of(NOW_US)).stamped


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return url_of(once(tmp_path_factory, "stamped", lambda folder: asyncio.run(made(folder))))


async def made(folder: Path) -> None:
    """From the day before the prompt was changed to the day after it was mended."""
    keys, _ = await make_keys(folder, 7)
    story = Story(Plot(folder, keys, NOW_US, 7, 0.3, look_hours=(12,)))
    await tell_days(story, url_of(folder), (STAMPED.start - 1, STAMPED.stop + 1))


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = await open_store(url)
    yield opened
    await opened.close()


async def of(store: Store, first: int, last: int) -> Report:
    start = calendar.start_of(NOW_US)
    return await store.do(lambda each: read(each, start + first * DAY_US, start + last * DAY_US, tenant="default"))


async def test_the_time_at_the_start_of_the_prompt_is_found_on_its_days_and_on_no_other(store: Store) -> None:
    found = (await of(store, STAMPED.start, STAMPED.stop)).findings
    date = next(each for each in found if each.kind == "date")
    assert date is found[0]
    assert (date.feature, date.model, date.place) == ("support chat", "gpt-5.5", "system 1")
    assert date.shape == "a, 00 a 0000, 00:00:00" and 30 <= date.at_byte <= 80
    assert date.fix.startswith("Move it to the end of the prompt")
    for first, last in ((0, STAMPED.start), (STAMPED.stop, 30)):
        assert "date" not in {each.kind for each in (await of(store, first, last)).findings}


async def test_what_it_cost_is_about_what_the_ledger_misses(store: Store) -> None:
    """First turns of the day before read the handbook; on the stamped days they read nothing."""
    start = calendar.start_of(NOW_US)
    read_before = await rows(
        store,
        "SELECT min(cached_tokens) FROM calls WHERE feature = 'support chat' AND cached_tokens > 0 "
        f"AND started_us < {start + STAMPED.start * DAY_US}",
    )
    date = next(each for each in (await of(store, STAMPED.start, STAMPED.stop)).findings if each.kind == "date")
    assert 0.7 * read_before[0][0] < date.tokens / date.calls < 1.3 * read_before[0][0]
    assert date.lost == pytest.approx(date.tokens * 4_500, rel=0.2)  # $5 a million tokens less $0.50
