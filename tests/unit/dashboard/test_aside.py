"""Work in a process of its own: what it gives, what it raises, and that its end is survived."""

import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest

from farthing.dashboard.aside import Aside, CannotDo


async def test_it_works_elsewhere_says_what_failed_and_begins_again_after_an_end() -> None:
    aside = Aside()
    try:
        first = await aside.run(os.getpid)
        assert first != os.getpid()
        with pytest.raises(CannotDo, match="ValueError"):
            await aside.run(int, "x")
        assert await aside.run(os.getpid) == first
        os.kill(first, signal.SIGKILL)
        with pytest.raises(CannotDo):
            for _ in range(50):
                await aside.run(os.getpid)
                await asyncio.sleep(0.05)
        assert await aside.run(os.getpid) != first
    finally:
        aside.close()


async def test_patience_ends_and_so_does_idling() -> None:
    hasty, idle = Aside(patience_s=1.0), Aside(idle_s=0.1)
    try:
        with pytest.raises(CannotDo, match="too long"):
            await hasty.run(time.sleep, 60)
        first = await idle.run(os.getpid)
        await asyncio.sleep(0.5)
        assert await idle.run(os.getpid) != first
    finally:
        hasty.close()
        idle.close()


STOPPED = """
import asyncio, signal, time
from farthing.dashboard.aside import Aside

async def main():
    aside = Aside()
    task = asyncio.create_task(aside.run(time.sleep, 60))
    await asyncio.sleep(0.5)
    task.cancel()
    aside.close(wait=True)

asyncio.run(main())
signal.raise_signal(signal.SIGTERM)
"""


def test_a_program_that_a_signal_ends_while_it_works_leaves_nothing_behind() -> None:
    ended = subprocess.run([sys.executable, "-c", STOPPED], capture_output=True, timeout=30, check=False)
    assert (ended.returncode, ended.stderr) == (-signal.SIGTERM, b"")
