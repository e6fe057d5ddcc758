"""Vectors of texts that were asked for lately, so that cache, routing and student pay for a text once.

Equal texts that are asked for at the same time are computed once. Texts themselves are not kept, only a hash of each.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from farthing.embed import ends
from farthing.embed.library import library

if TYPE_CHECKING:
    from farthing.embed import Encoder, Vectors


class Memo:
    """An encoder in front of another one, which it owns: closing it closes both."""

    def __init__(self, encoder: Encoder, size: int = 4096) -> None:
        """`size`: texts remembered; at 384 numbers a text takes 1.7 kB."""
        self._encoder, self._size = encoder, size
        self._rows: OrderedDict[bytes, Any] = OrderedDict()
        self._under_way: dict[bytes, asyncio.Future[Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.asked = 0
        """Texts asked for."""
        self.computed = 0
        """Texts that went on to the encoder."""

    @property
    def name(self) -> str:
        return self._encoder.name

    @property
    def dims(self) -> int:
        return self._encoder.dims

    async def encode(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return await self._encoder.encode(texts)
        self.asked += len(texts)
        keys = list(map(_key, texts))
        rows = self._remembered(keys)
        self._start({key: text for key, text in zip(keys, texts, strict=True) if key not in rows})
        awaited = {key: self._under_way[key] for key in keys if key not in rows}
        for key, future in awaited.items():
            # Who goes away while waiting must not take along the others who wait for the same text.
            rows[key] = await asyncio.shield(future)
        vectors: Vectors = library("numpy").stack([rows[key] for key in keys])
        return vectors

    async def close(self) -> None:
        await self._encoder.close()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._rows.clear()

    def _remembered(self, keys: Sequence[bytes]) -> dict[bytes, Any]:
        found = {key: self._rows[key] for key in keys if key in self._rows}
        for key in found:
            self._rows.move_to_end(key)
        return found

    def _start(self, wanted: dict[bytes, str]) -> None:
        """Have computed what nobody is computing yet, in one call."""
        new = {key: text for key, text in wanted.items() if key not in self._under_way}
        if not new:
            return
        loop = asyncio.get_running_loop()
        for key in new:
            self._under_way[key] = loop.create_future()
            self._under_way[key].add_done_callback(_seen)
        task = loop.create_task(self._compute(new))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _compute(self, new: dict[bytes, str]) -> None:
        self.computed += len(new)
        try:
            vectors = await self._encoder.encode(list(new.values()))
        except BaseException as failed:
            for key in new:
                self._under_way.pop(key).set_exception(failed)
            if not isinstance(failed, Exception):
                raise
            return
        for key, row in zip(new, vectors, strict=True):
            row = row.copy()  # not a view that would keep the whole batch
            self._under_way.pop(key).set_result(row)
            self._rows[key] = row
        while len(self._rows) > self._size:
            self._rows.popitem(last=False)


def _key(text: str) -> bytes:
    """Of what encoders read of a text: two long ones with equal ends have equal vectors anyway."""
    return blake2b(ends(text).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _seen(future: asyncio.Future[Any]) -> None:
    """An error that all who asked have stopped waiting for is no news."""
    if not future.cancelled():
        future.exception()
