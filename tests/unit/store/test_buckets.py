from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.store.buckets import Buckets, SharedBuckets
from unit.store.takers import taken_by_processes

Either = Buckets | SharedBuckets


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def name(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=16).digest()


@pytest.fixture(params=["own", "shared"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[Clock], Either]]:
    made: list[Either] = []

    def build(clock: Clock) -> Either:
        made.append(Buckets(clock) if request.param == "own" else SharedBuckets(tmp_path / "limits", clock))
        return made[-1]

    yield build
    for each in made:
        each.close()


def test_takes_waits_and_fills(make: Callable[[Clock], Either]) -> None:
    clock = Clock()
    buckets = make(clock)
    a = name("a")
    assert buckets.take(a, 60, 50) == 0
    assert buckets.take(a, 60, 20) == pytest.approx(10)
    clock.now = 10
    assert buckets.take(a, 60, 20) == 0
    buckets.give(a, 60, 1000)
    assert buckets.take(a, 60, 60) == 0
    buckets.give(a, 60, -30)
    assert buckets.take(a, 60, 1) == pytest.approx(31)
    assert buckets.level(a, 60) == pytest.approx(-30) and buckets.level(name("c"), 60) == 60
    assert buckets.take(name("b"), 60, 60) == 0


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 100)), max_size=60))
def test_never_lets_more_by_than_the_bucket_and_the_time(steps: list[tuple[float, int]]) -> None:
    clock = Clock()
    buckets = Buckets(clock)
    taken = 0
    for pause, amount in steps:
        clock.now += pause
        if buckets.take(b"x", 120, amount) == 0:
            taken += amount
    assert taken <= 120 + clock.now * 2 + 1e-6


def test_a_file_from_before_the_last_start_of_the_machine(tmp_path: Path) -> None:
    clock = Clock()
    clock.now = 1e6
    old = SharedBuckets(tmp_path / "limits", clock)
    assert old.take(name("a"), 60, 60) == 0
    old.close()
    clock.now = 5
    new = SharedBuckets(tmp_path / "limits", clock)
    assert new.take(name("a"), 60, 60) == 0
    new.close()


def test_more_names_than_a_neighbourhood_holds(tmp_path: Path) -> None:
    buckets = SharedBuckets(tmp_path / "limits")
    for number in range(100):
        same_place = bytes(4) + number.to_bytes(12, "big")
        assert buckets.take(same_place + b"", 60, 60) == 0
    buckets.close()


def test_processes_share_the_levels(tmp_path: Path) -> None:
    taken = taken_by_processes(tmp_path / "limits", name("shared"), processes=2, a_minute=1000, times=800)
    assert taken == 1000
