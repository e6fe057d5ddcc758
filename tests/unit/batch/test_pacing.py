"""A place is kept full, people go first, and where the slots are not known they are found."""

import heapq
import random

import pytest

from farthing.batch.pacing import REMEMBERED_S, Pace


class At:
    """A place as the pace sees it."""

    def __init__(self, slots: int = 0) -> None:
        self.in_flight = 0
        self.max_in_flight = slots
        self.closed_s = 0.0

    def wait(self, tokens: float, now: float) -> float:
        return self.closed_s


def started(pace: Pace, state: At, count: int, now: float = 0.0) -> None:
    for _ in range(count):
        pace.began(now)
        state.in_flight += 1


def test_all_slots_are_for_lines_while_nobody_else_calls() -> None:
    state = At(16)
    pace = Pace(state, 100)
    assert pace.room(0.0) == 16
    started(pace, state, 16)
    assert pace.room(0.0) == 0


def test_lines_take_what_people_leave() -> None:
    state = At(16)
    pace = Pace(state, 100)
    state.in_flight = 5
    assert pace.room(0.0) == 11


def test_no_more_lines_than_settings_allow() -> None:
    state = At(16)
    assert Pace(state, 4).room(0.0) == 4
    assert Pace(At(), 4).room(0.0) == 4


def test_a_place_that_is_out_gets_nothing() -> None:
    state = At(16)
    state.closed_s = 3.0
    pace = Pace(state, 100)
    assert pace.room(0.0) == 0 and pace.wait(0.0) == 3.0


def test_a_slot_is_kept_free_for_people_where_the_next_one_would_be_too_late() -> None:
    state = At(16)
    pace = Pace(state, 100)
    started(pace, state, 1)
    pace.ended(10.0, 0.0)
    state.in_flight = 0
    assert pace.room(0.0) == 16, "nobody calls"
    state.in_flight = 1
    assert pace.room(0.0) == 14
    state.in_flight = 0
    assert pace.room(1.0) == 15, "somebody called a second ago"
    assert pace.room(1.0 + REMEMBERED_S) == 16


@pytest.mark.parametrize("slots", [2, 16, 48])
def test_it_finds_the_slots_of_a_server_that_queues_what_is_too_much(slots: int) -> None:
    """A server with so many slots, each call a second or so: what is above waits in its queue."""
    dice = random.Random(slots)
    state = At()
    pace = Pace(state, 256, climbs=True)
    now = 0.0
    running: list[tuple[float, float]] = []
    queued: list[float] = []
    busy = total = 0.0
    while now < 600.0:
        for _ in range(pace.room(now)):
            started(pace, state, 1, now)
            queued.append(now)
        while queued and len(running) < slots:
            heapq.heappush(running, (now + dice.uniform(0.5, 1.5), queued.pop(0)))
        ends, begun = heapq.heappop(running)
        if now > 200.0:
            busy += (ends - now) * (len(running) + 1)
            total += (ends - now) * slots
        now = ends
        state.in_flight -= 1
        pace.ended(now - begun, now)
    assert busy / total > 0.9
    assert pace.limit < 4 * slots + 4, "it does not only queue"
