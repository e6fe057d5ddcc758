"""Work that can wait, written straight into a store: a batch under way, one that is late, one that has ended with errors, one
that was refused, calls that wait. The same each time; after `company`.

`python tests/browser/waiting.py sqlite:////tmp/x/farthing.db` fills one for whoever works on pages.
"""

import asyncio
import sys

from farthing.model.arms import BATCHING
from farthing.model.batch import Job, JobError, Line, Sent, Shard, Way
from farthing.model.record import Record, Saving
from farthing.store import Store, open_store
from farthing.store.batch import jobs, lines, moves, shards
from farthing.store.engine import Connection
from farthing.store.store import now_us

MINUTE_US, HOUR_US = 60_000_000, 3_600_000_000
PRICE = 4_000_000
"""Of a line in a batch, in nano-dollars; alone it costs twice as much."""
HOSTILE = "<b onmouseover=alert(1)>\u202eevil\u202c " + "long " * 60
ERROR = b'{"error": {"message": "Prompt: my secret words", "type": "invalid_request_error", "code": "context_length_exceeded"}}'
LIMIT = b'{"error": {"message": "slow down", "type": "rate_limit_error", "code": null}}'


def _job(connection: Connection, job_id: str, total: int, at_us: int, due_us: int, origin: str = "openai", **more: object) -> Job:  # fmt: skip
    tenant = str(more.pop("tenant", "default"))
    job = Job(job_id, origin, "openai.chat", tenant, at_us, due_us, state="running", total=total, **more)  # type: ignore[arg-type]
    jobs.add(connection, job)
    made = [Line(job_id, no, f"ticket-{no}", tenant, "gpt-5.4-mini", due_us, 2, body=b"{}") for no in range(total)]
    lines.add(connection, made)
    return job


def _taken(connection: Connection, job: Job, count: int, at_us: int) -> list[Line]:
    """Of this job alone: the others are given back."""
    found = lines.take(connection, now_us=at_us, holder="g", until_us=at_us + 1000 * HOUR_US, limit=100_000, tenant=job.tenant)  # fmt: skip
    mine = [line for line in found if line.job == job.id]
    lines.give_back(connection, [line for line in found if line.job != job.id] + mine[count:], 0, at_us)
    return mine[:count]


def _batch(connection: Connection, job: Job, count: int, at_us: int, name: str, model: str = "gpt-5.4-mini") -> Shard:
    some = _taken(connection, job, count, at_us)
    shard = Shard(name, "openai", f"openai/{model}", model, "openai.chat", created_us=at_us, bytes=2 * count, tokens=900 * count)  # fmt: skip
    sent = [(line, Sent(call_id=f"call-{name}-{line.no}", model=model, held=3 * PRICE)) for line in some]
    shards.intend(connection, shard, sent, "g", at_us + HOUR_US, at_us)
    shards.created(connection, name, f"batch_{name}", f"file-{name}", at_us + 24 * HOUR_US, at_us + MINUTE_US)
    shard.remote_id, shard.state, shard.remote_state, shard.looks, shard.holder = (
        f"batch_{name}", "running", "in_progress", 4, "",
    )  # fmt: skip
    shard.window_end_us = at_us + 24 * HOUR_US
    shards.looked(connection, shard)
    return shard


def _back(connection: Connection, shard: Shard, at_us: int, failing: dict[int, tuple[int, bytes]] | None = None) -> None:  # fmt: skip
    ended = []
    calls = [run.call_id for run in moves.runs_of_shard(connection, shard.id, -1, 100_000)]
    for line, _ in lines.of_calls(connection, calls):
        status, answer = (failing or {}).get(line.no, (200, b'{"choices": []}'))
        state = "done" if status < 400 else "failed"
        ended.append(lines.Ended(line.job, line.no, line.call_id, state, status, answer, PRICE, 2 * PRICE))  # type: ignore[arg-type]
    lines.settle(connection, ended, at_us)
    shard.state, shard.remote_state, shard.holder = "ended", "completed", ""
    shards.looked(connection, shard)
    shards.finish(connection, shard.id, at_us)


def _alone(connection: Connection, job: Job, count: int, at_us: int, way: Way, took_us: int) -> None:
    some = _taken(connection, job, count, at_us)
    begun = [lines.Begun(line.job, line.no, way, f"call-{job.id}-{line.no}") for line in some]
    lines.begin_all(connection, begun, holder=some[0].holder, until_us=some[0].ready_us, now_us=at_us)
    ended = [lines.Ended(each.job, each.no, each.call_id, "done", 200, b'{"choices": []}', 2 * PRICE, 2 * PRICE) for each in begun]  # fmt: skip
    lines.settle(connection, ended, at_us + took_us)


def write(connection: Connection, now: int) -> None:
    """All of it."""
    old = _job(connection, "batch_tickets_monday", 400, now - 30 * HOUR_US, now - 6 * HOUR_US, name="tickets of the night", key_id="key-support")  # fmt: skip
    first = _batch(connection, old, 380, now - 29 * HOUR_US, "s-monday")
    failing = dict.fromkeys(range(12), (400, ERROR)) | dict.fromkeys(range(12, 15), (429, LIMIT))
    _back(connection, first, now - 28 * HOUR_US, failing)
    _alone(connection, old, 20, now - 7 * HOUR_US, "now", 3_000_000)
    running = _job(connection, "batch_tickets_tonight", 1_000, now - 2 * HOUR_US, now + 4 * HOUR_US, name="tickets of the night", metadata={"run": "nightly"})  # fmt: skip
    _back(connection, _batch(connection, running, 300, now - 100 * MINUTE_US, "s-tonight-1"), now - 50 * MINUTE_US)
    _batch(connection, running, 400, now - 40 * MINUTE_US, "s-tonight-2")
    late = _job(connection, "job-late", 40, now - 9 * HOUR_US, now - 20 * MINUTE_US, "file", name=HOSTILE)
    _batch(connection, late, 25, now - 8 * HOUR_US, "s-stuck", "gpt-4.1-nano")
    other = _job(connection, "batch_elsewhere", 60, now - HOUR_US, now + 20 * HOUR_US, tenant="other shop")
    _back(connection, _batch(connection, other, 30, now - 30 * MINUTE_US, "s-other"), now - 20 * MINUTE_US)
    refused = Job("batch_refused", "openai", "openai.chat", "default", now - 3 * HOUR_US, now + 21 * HOUR_US)
    jobs.add(connection, refused)
    jobs.refused(connection, refused.id, [JobError("invalid_json_line", "This line is not parseable", 3)], now - 3 * HOUR_US)  # fmt: skip
    for number in range(6):
        call = _job(connection, f"job-call-{number}", 1, now - number * HOUR_US, now + (2 + number) * HOUR_US, "call")
        if number > 3:
            _alone(connection, call, 1, now - number * HOUR_US + 1, "flex", 40_000_000)


def records(now: int) -> list[Record]:
    """What waiting saved, and one line that was paid twice."""
    saved = [
        Record(
            f"call-s-monday-{no}", now - 28 * HOUR_US + no, "openai.chat", model="gpt-5.4-mini", provider="openai", feature="ticket triage",
            cost=PRICE, baseline=2 * PRICE, status=200, outcome="ok", cost_state="computed", in_tokens=900, out_tokens=12,
            savings=[Saving(BATCHING, 2 * PRICE, PRICE)],
        )
        for no in range(15, 380)
    ]  # fmt: skip
    twice = Record(
        "call-s-monday-twice", now - 7 * HOUR_US, "openai.chat", model="gpt-5.4-mini", provider="openai", feature="ticket triage", cost=PRICE,
        status=200, outcome="ok", cost_state="computed", savings=[Saving(BATCHING, 0, 0, overhead=PRICE)],
    )  # fmt: skip
    return [*saved, twice]


async def fill(store: Store, now: int) -> None:
    await store.write(records(now))
    await store.do(lambda connection: write(connection, now))


async def main(url: str) -> None:
    store = await open_store(url)
    await fill(store, now_us())
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
