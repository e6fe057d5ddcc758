"""The clock that a story moves."""

from hypothesis import given
from hypothesis import strategies as st

from farthing.app.moved import Moved


@given(st.lists(st.one_of(st.integers(0, 10**12), st.floats(0, 1e6)), max_size=20))
def test_it_never_goes_back_and_its_parts_agree(steps: list[int | float]) -> None:
    moved = Moved(10**9)
    for step in steps:
        before = moved.clock.now_us(), moved.clock.monotonic()
        moved.to(step) if isinstance(step, int) else moved.passes(step)
        assert moved.clock.now_us() >= before[0]
        assert moved.clock.monotonic() >= before[1]
        assert moved.clock.monotonic() == (moved.clock.now_us() - 10**9) / 1e6 + 1.0


async def test_nobody_waits() -> None:
    moved = Moved(0)
    await moved.clock.sleep(3_600)
    assert moved.now_us == 3_600_000_000
