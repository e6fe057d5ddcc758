"""Who waits for a job hears of it at once, and looks by himself now and then."""

import asyncio
import time

from farthing.batch.news import SOON_S, News


async def test_who_waits_is_woken() -> None:
    news = News()
    with news.listen("job-1") as ear, news.listen("job-2") as other:
        assert sorted(news.jobs) == ["job-1", "job-2"] and news.waited_for == 2
        waiting = asyncio.create_task(ear.next(5.0))
        await asyncio.sleep(0)
        news.tell(["job-1", "job-1", "job-3"])
        assert await waiting
        assert not await other.next(0.0)
    assert news.jobs == [] and news.waited_for == 0


async def test_news_between_two_looks_is_not_missed() -> None:
    news = News()
    with news.listen("job-1") as ear:
        news.tell(["job-1"])
        assert await ear.next(5.0)
        assert not await ear.next(0.01)


async def test_without_news_there_is_an_occasion_to_look_all_the_same() -> None:
    news = News()
    with news.listen("job-1") as ear:
        begun = time.monotonic()
        assert not await ear.next(60.0)
        assert SOON_S * 0.9 < time.monotonic() - begun < 30


async def test_several_wait_for_the_same_job() -> None:
    news = News()
    with news.listen("job-1") as one:
        with news.listen("job-1") as other:
            news.tell(["job-1"])
            assert await one.next(1.0) and await other.next(1.0)
        assert news.waited_for == 1
