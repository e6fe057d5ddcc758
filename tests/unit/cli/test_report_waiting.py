"""`farthing report waiting`: a table for people, JSON for machines."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from farthing.model.arms import BATCHING
from farthing.model.batch import Job, Line
from farthing.model.record import Record, Saving
from farthing.store import open_store
from farthing.store.batch import jobs, lines, shards
from farthing.store.engine import Connection
from stores import ready
from unit.store.batch.samples import begun, in_shard

Farthing = Callable[..., Result]


def fill(*, nothing: bool = False) -> None:
    now_us = time.time_ns() // 1000

    def hand_in(connection: Connection) -> None:
        for tenant, count in (("acme", 4), ("b[o]b", 1)):
            job = Job(f"j-{tenant}", "file", "openai.chat", tenant, now_us - 7_200_000_000, now_us + 3_600_000_000, state="running", total=count)  # fmt: skip
            jobs.add(connection, job)
            lines.add(connection, [Line(job.id, no, f"c-{no}", tenant, "m", job.deadline_us, 2, body=b"{}") for no in range(count)])  # fmt: skip
        (line,) = lines.take(connection, now_us=now_us, holder="w1", until_us=now_us + 10**9, limit=1, tenant="acme")
        begun(connection, line, "c-0", now_us=now_us)
        lines.settle(connection, [lines.Ended(line.job, line.no, "c-0", "done", 200, b"{}", 1, 2)], now_us)
        in_shard(connection, lines.take(connection, now_us=now_us, holder="w1", until_us=now_us + 10**9, limit=1, tenant="acme"), now_us=now_us)  # fmt: skip
        connection.execute("UPDATE batch_shards SET created_us = ?", (now_us,))
        shards.created(connection, "shard-1", "batch-1", "", now_us, now_us)

    async def write() -> None:
        store = await open_store(ready(Path()))
        if nothing:
            await store.close()
            return
        await store.do(hand_in)
        await store.write(
            [
                Record("c-1", now_us, "openai.chat", cost=10**9, baseline=2 * 10**9, savings=[Saving(BATCHING, 2 * 10**9, 10**9)]),
                Record("c-2", now_us, "openai.chat", cost=10**8, savings=[Saving(BATCHING, 0, 0, 10**8)]),
            ]
        )  # fmt: skip
        await store.close()

    asyncio.run(write())


def test_who_has_nothing_is_told_how_to_begin(farthing: Farthing, folder: Path) -> None:
    fill(nothing=True)
    assert "x-farthing-deadline: 6h" in farthing("report", "waiting").output


def test_the_queue_the_ways_and_the_saving(farthing: Farthing, folder: Path) -> None:
    fill()
    shown = farthing("report", "waiting").output
    for words in (
        "acme", "b[o]b", "all", "3 under 6 hours", "3 within 1 hour", "Deadlines met: 100.00 % of 1 lines", "an ordinary call",
        "Saved by waiting: $0.9000, from $2.00 to $1.00; paid twice: $0.1000", "Providers' batches", "small-1",
    ):  # fmt: skip
        assert words in shown, shown
    other = farthing("report", "waiting", "--tenant", "b[o]b", "--since", "2d", "--until", "yesterday").output
    assert "No line has ended" in other and "saved nothing" in other and "acme" not in other


def test_the_same_for_machines(farthing: Farthing, folder: Path) -> None:
    fill()
    shown = json.loads(farthing("report", "waiting", "--json").stdout)
    assert (shown["queue"]["waiting"], shown["queue"]["away"]) == (3, 1)
    assert [row["way"] for row in shown["ways"]] == ["now"] and shown["deadlines_met_share"] == 1.0
    assert shown["lever"]["saved"] == 9 * 10**8 and shown["turn_rounds"][0]["running"] == 1
