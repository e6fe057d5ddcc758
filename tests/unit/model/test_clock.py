"""The system's clock."""

import time

from farthing.model.clock import SYSTEM


async def test_it_agrees_with_the_machine() -> None:
    before = time.time()
    assert before - 1 < SYSTEM.seconds() < before + 60
    begun = SYSTEM.monotonic()
    await SYSTEM.sleep(0.01)
    assert SYSTEM.monotonic() - begun >= 0.009
    assert isinstance(SYSTEM.now_us(), int)
