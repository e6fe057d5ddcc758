"""Vectors that are remembered: one computation a text, whoever asks, and nobody harmed by who goes away."""

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from farthing.embed import EncoderError
from farthing.embed.memo import Memo


class Counting:
    """An encoder that says of which texts it made vectors; it waits until it may go on."""

    name, dims = "counting", 2

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.go = asyncio.Event()
        self.go.set()
        self.broken = False
        self.closed = False

    async def encode(self, texts: Sequence[str]) -> Any:
        self.seen += texts
        await self.go.wait()
        if self.broken:
            raise EncoderError("broken")
        return np.array([[len(text), 1] for text in texts], np.float32).reshape(len(texts), 2)

    async def close(self) -> None:
        self.closed = True


async def test_a_text_is_computed_once() -> None:
    inner = Counting()
    memo = Memo(inner)
    first = await memo.encode(["a", "bb", "a"])
    assert first.tolist() == [[1, 1], [2, 1], [1, 1]]
    first[:] = 0
    assert (await memo.encode(["bb", "ccc"])).tolist() == [[2, 1], [3, 1]]
    assert inner.seen == ["a", "bb", "ccc"]
    assert (memo.asked, memo.computed, memo.name, memo.dims) == (5, 3, "counting", 2)
    assert (await memo.encode([])).shape == (0, 2)


async def test_equal_texts_at_the_same_time_are_computed_once() -> None:
    inner = Counting()
    memo = Memo(inner)
    inner.go.clear()
    waiting = [asyncio.create_task(memo.encode(["a", f"b{number % 3}"])) for number in range(30)]
    await asyncio.sleep(0)
    inner.go.set()
    assert {tuple(map(tuple, (await each).tolist())) for each in waiting} == {((1, 1), (2, 1))}
    assert sorted(inner.seen) == ["a", "b0", "b1", "b2"]


async def test_who_goes_away_takes_nobody_along() -> None:
    inner = Counting()
    memo = Memo(inner)
    inner.go.clear()
    gone, stays = (asyncio.create_task(memo.encode(["a"])) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    inner.go.set()
    assert (await stays).tolist() == [[1, 1]]
    assert inner.seen == ["a"]


async def test_an_error_reaches_all_who_wait_and_is_not_remembered() -> None:
    inner = Counting()
    memo = Memo(inner)
    inner.broken = True
    inner.go.clear()
    waiting = [asyncio.create_task(memo.encode(["a", "b"])) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    inner.go.set()
    for each in waiting[1:]:
        with pytest.raises(EncoderError):
            await each
    inner.broken = False
    assert (await memo.encode(["a"])).tolist() == [[1, 1]]


async def test_the_oldest_are_forgotten() -> None:
    inner = Counting()
    memo = Memo(inner, size=2)
    await memo.encode(["a", "bb", "ccc", "dddd"])
    await memo.encode(["ccc"])
    await memo.encode(["eeeee"])
    assert inner.seen == ["a", "bb", "ccc", "dddd", "eeeee"]
    await memo.encode(["ccc"])
    await memo.encode(["dddd"])
    assert inner.seen == ["a", "bb", "ccc", "dddd", "eeeee", "dddd"]


async def test_closing_closes_the_encoder() -> None:
    inner = Counting()
    await Memo(inner).close()
    assert inner.closed
