"""Parts take turns; one that fails does not stop the others; nothing is made before there is work."""

import asyncio
import logging
import time
from collections.abc import Callable

import pytest

from farthing.batch.worker import Worker


class Part:
    def __init__(self, name: str, turn: Callable[[int], float], closed: list[str]) -> None:
        self.name = name
        self.turns = 0
        self._turn = turn
        self._closed = closed

    async def turn(self) -> float:
        self.turns += 1
        return self._turn(self.turns)

    async def close(self) -> None:
        self._closed.append(self.name)


async def _soon(true: Callable[[], object]) -> None:
    until = time.monotonic() + 30
    while not true():
        assert time.monotonic() < until, "it did not happen"
        await asyncio.sleep(0.01)


async def test_nothing_is_made_before_there_is_work() -> None:
    work = [False]
    made: list[Part] = []

    async def has_work() -> bool:
        return work[0]

    def make() -> list[Part]:
        made.append(Part("only", lambda turn: 60.0, []))
        return made

    worker = Worker(has_work, idle_s=60.0)
    worker.start(make)
    await asyncio.sleep(0.05)
    assert not made
    work[0] = True
    worker.wake()
    await _soon(lambda: made and made[0].turns == 1)
    worker.wake()
    await _soon(lambda: made[0].turns == 2)
    await worker.close()


async def test_a_part_that_fails_is_asked_again_and_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    closed: list[str] = []

    def fails(turn: int) -> float:
        if turn == 1:
            raise ValueError("a secret of somebody")
        return 60.0

    bad, good = Part("bad", fails, closed), Part("good", lambda turn: 0.001, closed)

    async def has_work() -> bool:
        return True

    worker = Worker(has_work)
    with caplog.at_level(logging.WARNING):
        worker.start(lambda: [bad, good])
        await _soon(lambda: good.turns > 20)
        worker.wake()
        await _soon(lambda: bad.turns == 2)
    await worker.close()
    assert closed == ["bad", "good"]
    assert "secret" not in caplog.text
    assert caplog.records[0].error == "ValueError"  # type: ignore[attr-defined]


async def test_a_store_in_trouble_is_asked_again() -> None:
    asked: list[int] = []

    async def has_work() -> bool:
        asked.append(1)
        if len(asked) == 1:
            raise OSError("no store")
        return True

    part = Part("only", lambda turn: 60.0, [])
    worker = Worker(has_work, idle_s=0.01)
    worker.start(lambda: [part])
    await _soon(lambda: part.turns)
    await worker.close()


async def test_it_closes_before_it_began() -> None:
    async def has_work() -> bool:
        return False

    worker = Worker(has_work)
    worker.start(list)
    await worker.close()


class Busy(Part):
    """Its work goes on beside its turns."""

    def __init__(self, name: str, turn: Callable[[int], float]) -> None:
        super().__init__(name, turn, [])
        self.bell = asyncio.Event()
        self.settled = 0

    async def settle(self) -> None:
        self.settled += 1


async def test_who_drives_it_has_parts_take_the_turns_that_are_due_and_no_others() -> None:
    now, work = [100.0], [True]

    async def has_work() -> bool:
        return work[0]

    seldom, busy = Part("seldom", lambda turn: 60.0, []), Busy("busy", lambda turn: 0.0 if turn % 3 else 10.0)
    worker = Worker(has_work)
    worker.drive(lambda: [seldom, busy], lambda: now[0])
    await asyncio.sleep(0.02)
    assert not seldom.turns, "nothing is done by itself"
    assert await worker.tick()
    assert (seldom.turns, busy.turns, busy.settled) == (1, 3, 3), "until none wants another at this moment"
    now[0] += 5
    busy.bell.set()
    assert await worker.tick()
    assert (seldom.turns, busy.turns) == (1, 6), "who rings has a turn before its time"
    now[0] += 60
    worker.wake()
    work[0] = False
    assert not await worker.tick() and seldom.turns == 1, "there is no job"
    await worker.close()


async def test_what_fails_when_driven_has_its_next_turn_later() -> None:
    now = [0.0]

    async def has_work() -> bool:
        return True

    def fails(turn: int) -> float:
        raise ValueError("no")

    bad = Part("bad", fails, [])
    worker = Worker(has_work)
    worker.drive(lambda: [bad], lambda: now[0])
    assert await worker.tick() and await worker.tick() and bad.turns == 1
    now[0] += 1
    assert await worker.tick() and bad.turns == 2
    await worker.close()
