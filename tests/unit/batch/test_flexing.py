"""The cheap tier of a place: who must leave first is tried first, few while it refuses most, and none waits too long."""

from typing import Any

from farthing.batch.flexing import MOSTLY, PROBES, Flexing, Waiting
from farthing.model.batch import Job, Line

JOB = Job("job-1", "file", "openai.chat", "acme", 0, 10**9)


def waiting(no: int, last_us: int = 0, **changes: Any) -> Waiting:
    return Waiting(
        Line("job-1", no, f"c-{no}", "acme", "small", 10**9 + no, 0), JOB, "flex", last_us=last_us, **changes
    )


def test_who_must_leave_first_goes_first() -> None:
    flex = Flexing(16, lambda: 0.0)
    for no, last_us in ((0, 300), (1, 100), (2, 0), (3, 200)):
        flex.add(waiting(no, last_us))
    assert [each.line.no for _ in range(4) if (each := flex.next())] == [1, 3, 0, 2]
    assert flex.next() is None


def test_few_are_tried_while_most_are_refused_and_that_is_forgotten() -> None:
    now = [0.0]
    flex = Flexing(16, lambda: now[0])
    assert flex.room == 16 and flex.wait_s == 0
    for no in range(30):
        flex.began(f"call-{no}", waiting(no))
        flex.ended(f"call-{no}", True)
    assert flex.refused > MOSTLY and flex.room == PROBES
    flex.began("call-x", waiting(1))
    assert flex.room == PROBES - 1
    for no in range(40):
        flex.add(waiting(no))
    assert flex.wait_s == 600
    now[0] += 7200
    assert flex.refused < MOSTLY and flex.room == 15


def test_what_takes_too_long_goes_as_an_ordinary_call_once() -> None:
    flex = Flexing(16, lambda: 0.0)
    flex.began("call-1", waiting(1, 100))
    flex.began("call-2", waiting(2))
    flex.add(waiting(3, 100))
    flex.add(waiting(4, 500))
    assert flex.overdue(99) == []
    waits, runs = flex.overdue(100)
    assert (waits.line.no, waits.way, waits.again) == (3, "now", False)
    assert (runs.line.no, runs.way, runs.again, runs.promoted) == (1, "now", True, False)
    assert flex.overdue(200) == [] and len(flex) == 1
