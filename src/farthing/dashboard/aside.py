"""Work for pages that would hold up calls: done in one process of its own, which starts with the first piece and ends when
none was asked for. Knows nothing of what the work is."""

import asyncio
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar, TypeVarTuple

IDLE_S = 300.0
PATIENCE_S = 20.0

Given = TypeVarTuple("Given")
T = TypeVar("T")


class CannotDo(Exception):
    """The process ended, took too long, or the work failed."""


class Aside:
    """One process, which does `begin` first. What it is given and gives back must be picklable."""

    def __init__(
        self, patience_s: float = PATIENCE_S, idle_s: float = IDLE_S, begin: Callable[[], None] | None = None
    ) -> None:
        self._patience_s = patience_s
        self._begin = begin
        self._idle_s = idle_s
        self._pool: ProcessPoolExecutor | None = None
        self._ends: asyncio.TimerHandle | None = None
        self._under_way = 0

    async def run(self, work: Callable[[*Given], T], *given: *Given) -> T:
        """Raises CannotDo."""
        loop = asyncio.get_running_loop()
        self._stay()
        self._under_way += 1
        try:
            return await asyncio.wait_for(loop.run_in_executor(self._worker(), work, *given), self._patience_s)
        except (BrokenProcessPool, TimeoutError) as error:
            self.close()
            raise CannotDo("the process ended or took too long") from error
        except Exception as error:
            raise CannotDo(f"{type(error).__name__}: {error}") from error
        finally:
            self._under_way -= 1
            if not self._under_way and self._pool is not None:
                self._stay()
                self._ends = loop.call_later(self._idle_s, self.close)

    def _worker(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), self._begin)
        return self._pool

    def _stay(self) -> None:
        if self._ends is not None:
            self._ends.cancel()
            self._ends = None

    def close(self, *, wait: bool = False) -> None:
        """End the process; the next piece of work starts another. `wait`: until it is gone and has left nothing, some
        milliseconds, for a program that ends by a signal right after it."""
        self._stay()
        pool, self._pool = self._pool, None
        if pool is not None:
            for process in list((pool._processes or {}).values()):
                process.terminate()
            pool.shutdown(wait=wait, cancel_futures=True)
