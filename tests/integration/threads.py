"""Runs an asynchronous server in a thread of its own, so that it can outlive the event loop of one test."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def in_thread(open_server: Callable[[], AbstractAsyncContextManager[T]]) -> Iterator[T]:
    """Enter `open_server()` in a loop of another thread, give what it gives, leave it at the end."""
    ready = threading.Event()
    found: list[T] = []
    failed: list[BaseException] = []

    async def live() -> None:
        try:
            async with open_server() as server:
                found.append(server)
                ready.set()
                await stop.wait()
        except BaseException as error:
            failed.append(error)
            raise
        finally:
            ready.set()

    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    def run() -> None:
        try:
            loop.run_until_complete(live())
        finally:
            loop.close()

    thread = threading.Thread(target=run, name="test server", daemon=True)
    thread.start()
    ready.wait(120)
    if failed or not found:
        raise RuntimeError("the test's server did not start") from (failed[0] if failed else None)
    try:
        yield found[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(60)
