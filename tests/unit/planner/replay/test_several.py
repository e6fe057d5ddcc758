"""Replays in several processes: the same as one after another, and nobody is left behind."""

import asyncio
import multiprocessing

import pytest

from farthing.model.past import PastCall
from farthing.planner.replay.run import replay_with
from farthing.planner.replay.several import FEWEST, MEMORY, MOST_MEMORY, Trial, at_once, processes_for
from farthing.planner.replay.world import settings_for
from farthing.settings import ModelSettings, Settings
from unit.planner.pasts import chat
from unit.planner.replay.test_run import all_on

CALLS = [chat(n, f"Is parcel {n % 5} late?", system="Be brief. " * (n % 3)) for n in range(20)]


def trials() -> list[Trial]:
    plain = settings_for(CALLS, None)
    return [Trial(all_on(plain)), Trial(plain), Trial(all_on(plain))]


async def test_each_comes_to_what_it_comes_to_alone_and_calls_are_counted() -> None:
    heard: list[int] = []
    found = await at_once(CALLS, trials(), 2, None, heard.append)
    assert found == [await replay_with(CALLS, each.settings) for each in trials()]
    assert heard == sorted(heard)
    assert not multiprocessing.active_children()


async def test_what_fails_there_is_left_to_whoever_asked() -> None:
    plain = settings_for(CALLS, None)
    unknown = {"gpt-4o": ModelSettings(provider="nobody")}
    broken = Settings(providers=plain.providers, models=unknown)
    found = await at_once(CALLS, [Trial(broken), Trial(plain)], 1, None, lambda done: None)
    assert found == [None, await replay_with(CALLS, plain)]


async def test_who_gives_up_leaves_no_process() -> None:
    task = asyncio.create_task(at_once(CALLS * 50, trials(), 2, None, lambda done: None))
    while len(multiprocessing.active_children()) < 2:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not multiprocessing.active_children()


def sized(count: int, size: int) -> list[PastCall]:
    return [chat(0, "x" * size)] * count


def test_a_short_log_is_asked_in_one_process_and_a_long_one_in_as_many_as_fit() -> None:
    assert processes_for(sized(FEWEST - 1, 10), 9) == 1
    assert processes_for(sized(FEWEST, MOST_MEMORY // FEWEST), 9) <= MEMORY // MOST_MEMORY
    assert processes_for(sized(FEWEST, 10), 1) == 1
    assert processes_for([], 9) == 1
    assert processes_for(sized(FEWEST, 10), 9) >= 1
