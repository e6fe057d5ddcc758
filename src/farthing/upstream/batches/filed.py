"""Batches of files: one goes up, a batch is made of it, two come back (OpenAI, Azure, Groq, Mistral).

A batch carries its shard's id in its metadata, and its input file is no other's: by either it is found after a crash.
Knows nothing of the store.
"""

from abc import abstractmethod
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Any

import msgspec

from farthing.model.batch import Shard
from farthing.model.errors import UpstreamError
from farthing.upstream.batches import uploads
from farthing.upstream.batches.account import Account, B
from farthing.upstream.batches.api import Look, Refused, Result
from farthing.upstream.batches.rows import quoted, result, written

SHARD = "farthing_shard"
"""The name under which a batch's metadata say whose it is."""


class FiledAccount(Account[B]):
    """See `BatchApi`."""

    waits = False
    """Whether the provider must have looked at a file before a batch can be made of it."""
    around = 32
    """Bytes of a line beside its body and its custom_id, at most."""

    @abstractmethod
    def _before_body(self, wire: str) -> bytes:
        """What stands in a line between its custom_id and its body."""

    @abstractmethod
    def _request(self, shard: Shard, file: str) -> dict[str, Any]:
        """What is asked for, but for the metadata."""

    @abstractmethod
    def _marks(self, batch: B) -> dict[str, Any] | None:
        """Its metadata."""

    def encode(self, lines: Iterable[tuple[str, bytes]], wire: str, model: str, name: str = "") -> bytes:
        middle = self._before_body(wire)
        rows = (written(b'{"custom_id":' + quoted(custom_id) + middle, body) for custom_id, body in lines)
        return uploads.form(rows, name or "farthing")

    def cost_of(self, custom_id: str, body: bytes) -> int:
        return len(body) + len(custom_id) + self.around

    async def _order(self, shard: Shard, data: bytes) -> tuple[bytes, str]:
        file = await uploads.upload(self._asking, data, self._clock, waits=self.waits)
        body = {**self._request(shard, file), "metadata": {SHARD: shard.id}}
        try:
            return await self._asking.create(self.path, msgspec.json.encode(body), file), file
        except Refused:
            await self._drop(file)
            raise

    async def _is_of(self, batch: B, shard: Shard) -> bool:
        if shard.remote_file and self._told(batch).remote_file == shard.remote_file:
            return True
        marks = self._marks(batch)
        return marks is not None and marks.get(SHARD) == shard.id

    async def results(self, shard: Shard, look: Look) -> AsyncGenerator[Result, None]:
        files = look.output_file or shard.output_file, look.error_file or shard.error_file
        async with aclosing(uploads.lines(self._asking, *files)) as rows:
            async for row in rows:
                read = result(row)
                if read is not None:
                    yield read

    async def forget(self, shard: Shard) -> None:
        await uploads.remove(self._asking, shard.remote_file, shard.output_file, shard.error_file)

    async def _drop(self, file: str) -> None:
        """An input that no batch needs, if that is easily done; it expires anyway."""
        try:
            await uploads.remove(self._asking, file)
        except UpstreamError:
            return
