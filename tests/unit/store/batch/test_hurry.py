"""Lines whose deadline is brought forward, on both engines."""

from farthing.model.batch import Job, Line
from farthing.store.batch import jobs, lines
from farthing.store.batch.hurry import hurry
from farthing.store.engine import Connection
from unit.store.batch.samples import begun

NOW_US = 1_790_000_000_000_000
HOUR_US = 3_600_000_000


def handed_in(connection: Connection, count: int, **more: int) -> None:
    job = Job("j-1", "file", "openai.chat", "default", NOW_US, NOW_US + HOUR_US, state="running", total=count)
    jobs.add(connection, job)
    made = [Line("j-1", no, f"c-{no}", "default", "m", job.deadline_us, 2, body=b"{}", **more) for no in range(count)]
    lines.add(connection, made)


def taken(connection: Connection, limit: int = 10, holder: str = "g-1", at_us: int = NOW_US) -> list[Line]:
    return lines.take(connection, now_us=at_us, holder=holder, until_us=at_us + HOUR_US, limit=limit)


def test_all_that_has_not_ended_is_brought_forward(connection: Connection) -> None:
    handed_in(connection, 2500)
    soon = NOW_US + 60_000_000
    assert hurry(connection, "j-1", soon) == 2500
    assert hurry(connection, "j-1", soon) == 0 and hurry(connection, "none", soon) == 0
    waiting = lines.waiting(connection, NOW_US)
    assert sum(each.n for each in waiting) == 2500
    assert {line.deadline_us for line in taken(connection, 3000)} == {soon}
    assert not lines.waiting(connection, NOW_US)


def test_what_somebody_gathers_is_taken_out_of_their_hands(connection: Connection) -> None:
    handed_in(connection, 2)
    one, other = taken(connection)
    assert begun(connection, other, "c-1", now_us=NOW_US)
    assert hurry(connection, "j-1", NOW_US + 1) == 2
    assert [line.no for line in taken(connection, holder="g-2")] == [one.no]
    assert not begun(connection, one, "c-2", now_us=NOW_US)


def test_what_waits_for_its_time_goes_on_waiting(connection: Connection) -> None:
    handed_in(connection, 1, ready_us=NOW_US + HOUR_US // 2)
    assert hurry(connection, "j-1", NOW_US + 1) == 1
    assert not lines.waiting(connection, NOW_US) and not taken(connection)
    assert sum(each.n for each in lines.waiting(connection, NOW_US + HOUR_US)) == 1
