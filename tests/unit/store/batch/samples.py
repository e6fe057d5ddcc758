"""Jobs, lines and shards for the queue's tests, made by hand."""

from typing import Any

import msgspec

from farthing.model.batch import Hold, Job, Line, Sent, Shard
from farthing.store.batch import jobs, lines, moves, shards
from farthing.store.engine import Connection

NOW_US = 1_760_000_400_000_000
HOUR_US = 3_600_000_000
UNTIL_US = NOW_US + HOUR_US


def a_job(id: str = "job-1", **changes: Any) -> Job:
    job = Job(
        id, "openai", "openai.chat", "acme", NOW_US, NOW_US + 24 * HOUR_US, key_id="key-1", headers={"x": "y"}, state="running",
        metadata={"night": "report"}, total=1,
    )  # fmt: skip
    return msgspec.structs.replace(job, **changes)


def a_line(no: int = 0, job: str = "job-1", **changes: Any) -> Line:
    body = f'{{"model":"small","n":{no}}}'.encode()
    line = Line(job, no, f"custom-{no}", "acme", "small", NOW_US + 24 * HOUR_US, len(body), body=body)
    return msgspec.structs.replace(line, **changes)


def a_shard(id: str = "shard-1", **changes: Any) -> Shard:
    return msgspec.structs.replace(
        Shard(id, "openai", "openai/small", "small-1", "openai.chat", bytes=100, tokens=10), **changes
    )


def given(connection: Connection, count: int = 3, job: str = "job-1", **changes: Any) -> list[Line]:
    """A job with so many lines that wait."""
    tenant = changes.pop("tenant", "acme")
    made = [a_line(no, job, tenant=tenant, **changes) for no in range(count)]
    with connection.transaction():
        jobs.add(connection, a_job(job, total=count, tenant=tenant))
        lines.add(connection, made)
    return made


def taken(
    connection: Connection, limit: int = 100, holder: str = "w1", now_us: int = NOW_US, **changes: Any
) -> list[Line]:
    until_us = changes.pop("until_us", now_us + HOUR_US)
    return lines.take(connection, now_us=now_us, holder=holder, until_us=until_us, limit=limit, **changes)


def sent(line: Line, call_id: str = "", *, held: int = 0, budget: str = "") -> Sent:
    holds = [Hold(budget, "", "", held)] if budget else []
    return Sent(call_id or f"call-{line.job}-{line.no}-{line.tries}", "small-1", held=held, holds=holds)


def in_shard(
    connection: Connection,
    some: list[Line],
    shard: str = "shard-1",
    *,
    held: int = 0,
    budget: str = "",
    now_us: int = NOW_US,
) -> Shard:
    made = a_shard(shard)
    pairs = [(line, sent(line, held=held, budget=budget)) for line in some]
    shards.intend(connection, made, pairs, "w1", now_us + HOUR_US, now_us)
    return made


def begun(
    connection: Connection, line: Line, call_id: str, *, way: Any = "now", now_us: int = NOW_US, holder: str = "", until_us: int = 0
) -> bool:  # fmt: skip
    """A line is sent alone by whoever took it; it says so then. False: it must not be."""
    holder, until_us = holder or line.holder, until_us or line.ready_us
    one = lines.Begun(line.job, line.no, way, call_id)
    if not lines.begin_all(connection, [one], holder=holder, until_us=until_us, now_us=now_us):
        return False
    line.state, line.way, line.call_id, line.holder, line.ready_us = "sent", way, call_id, holder, until_us
    line.tries += 1
    return True


def of_shard(connection: Connection, shard: str) -> list[tuple[Line, Sent]]:
    """Lines of a shard that are not settled, by their places."""
    calls = [run.call_id for run in moves.runs_of_shard(connection, shard, -1, 1000)]
    found = {sent.call_id: (line, sent) for line, sent in lines.of_calls(connection, calls)}
    return [found[call] for call in calls]


def ended(line: Line, state: Any = "done", **changes: Any) -> lines.Ended:
    return lines.Ended(line.job, line.no, line.call_id, state, 200, b'{"ok":true}', 7, 14)._replace(**changes)
