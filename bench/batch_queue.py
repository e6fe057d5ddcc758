"""The queue of work that can wait, in the store: what a line costs, and that a million of them cost nobody else anything.

Lines of 1 KB of five tenants are handed in by jobs of 50,000; then, in a fresh process, the store is opened and the first
lines are taken; then lines are taken, sent as shards, and settled with their calls, 500 at a time. CPU is that of this process
and, on PostgreSQL, of the server's too. On both engines.

    .venv/bin/python bench/batch_queue.py            # 1,000,000 lines
    .venv/bin/python bench/batch_queue.py --quick    # 50,000
"""

import argparse
import asyncio
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from farthing.model.batch import Job, Line, Sent, Shard
from farthing.model.record import Attempt, Record, Saving
from farthing.model.usage import Usage
from farthing.store import open_store, writing
from farthing.store.batch import jobs, lines, shards
from farthing.store.engine import Connection
from harness.report import Figure, Report
from reports import postgres, sqlite

FULL, QUICK = 1_000_000, 50_000
TENANTS = 5
MODELS = ("gpt-5.4-mini", "claude-haiku-5")
JOB = 50_000
"""Lines of a job."""
CHUNK = 1000
"""Lines that are handed in by one transaction."""
BODY = 1000
"""Bytes of a line's body, about."""
AT_ONCE = 500
ROUNDS = 5
TAKES = 6
"""Of 500 lines in each round: the server's CPU is counted in hundredths of a second."""
NOW_US = 1_780_000_000_000_000
DAY_US = 86_400_000_000
MOST = {"add": 60.0, "start": 2.0, "memory": 300.0, "take": 100.0, "settle": 300.0}
CHILD = "--start"

Server = Callable[[], float]


def a_job(name: str, tenant: str, total: int) -> Job:
    return Job(name, "openai", "openai.chat", tenant, NOW_US, NOW_US + DAY_US, state="running", total=total)


def bodies(dice: random.Random) -> list[bytes]:
    """A thousand requests in words of some thousand; what repeats in one compresses as prompts do."""
    words = ["".join(dice.choices("etaoinshrdlu", k=dice.randrange(2, 9))) for _ in range(4000)]
    made = []
    for _ in range(1000):
        text = " ".join(dice.choices(words, k=BODY // 6))[: BODY - 120]
        ask = {
            "model": MODELS[0],
            "max_tokens": 300,
            "messages": [{"role": "user", "content": text}],
            "user": "nightly",
        }
        made.append(json.dumps(ask).encode())
    return made


def fill(connection: Connection, count: int, server: Server) -> list[float]:
    """Hand lines in; microseconds of CPU a line, for each tenth of them."""
    dice = random.Random(1)
    texts = bodies(dice)
    costs: list[float] = []
    for tenth in range(10):
        spent = 0.0
        for first in range(tenth * count // 10, (tenth + 1) * count // 10, CHUNK):
            number, tenant = first // JOB, f"tenant-{first // JOB % TENANTS}"
            some = [
                Line(
                    f"batch-{number:06}", no % JOB, f"request-{no}", tenant, MODELS[no % 2], NOW_US + DAY_US - no % 977 * 1_000_000,
                    0, body=texts[no % 1000],
                )
                for no in range(first, first + CHUNK)
            ]  # fmt: skip
            began = time.process_time() + server()
            with connection.transaction():
                if not first % JOB:
                    jobs.add(connection, a_job(f"batch-{number:06}", tenant, min(JOB, count)))
                lines.add(connection, some)
            spent += time.process_time() + server() - began
        costs.append(spent / (count / 10) * 1e6)
    return costs


def start(url: str) -> dict[str, float]:
    """What a gateway does first: seconds until it has its first lines, and MB of its memory."""

    async def begin() -> int:
        store = await open_store(url)
        found = await store.do(
            lambda connection: lines.take(
                connection, now_us=NOW_US, holder="starter", until_us=NOW_US + 60_000_000, limit=AT_ONCE
            )
        )
        await store.close()
        return len(found)

    began = time.perf_counter()
    found = asyncio.run(begin())
    took = time.perf_counter() - began
    return {"s": took, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "lines": found}


def started(url: str) -> dict[str, float]:
    """`start` in a process of its own."""
    done = subprocess.run([sys.executable, __file__, CHILD, url], capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def a_record(line: Line) -> Record:
    """A call of a batch as the ledger has it: one attempt with its usage, what waiting saved."""
    attempt = Attempt(
        1, provider="openai", deployment="openai/gpt-5.4-mini", model=line.model, status=200, started_us=NOW_US,
        duration_us=420_000_000, usage=Usage(uncached_in=250, out=120), cost_state="computed", cost=90_000, list_cost=90_000, tier="batch",
    )  # fmt: skip
    return Record(
        line.call_id, NOW_US, "openai.chat", line.model, line.model, "openai", "openai/gpt-5.4-mini", line.tenant, feature="report",
        status=200, cost_state="computed", cost=90_000, baseline=180_000, in_tokens=250, out_tokens=120, duration_us=420_000_000,
        attempts=[attempt], savings=[Saving("batching", 180_000, 90_000)], request_bytes=line.size,
    )  # fmt: skip


ANSWER = json.dumps(
    {"choices": [{"message": {"role": "assistant", "content": "word " * 120}}], "usage": {"prompt_tokens": 250}}
).encode()


class Round:
    """CPU of taking, sending and settling some thousand lines."""

    def __init__(self, connection: Connection, server: Server) -> None:
        self._connection = connection
        self._server = server
        self.take = self.send = self.settle = 0.0
        self.lines = 0

    def _cpu(self) -> float:
        return time.process_time() + self._server()

    def run(self, number: int) -> None:
        connection = self._connection
        for turn in range(TAKES):
            began = self._cpu()
            found = lines.take(
                connection, now_us=NOW_US + number, holder="bench", until_us=NOW_US + DAY_US, limit=AT_ONCE
            )
            taken = self._cpu()
            shard = f"shard-{number}-{turn}"
            pairs = [(line, Sent(f"call-{line.job}-{line.no}", line.model, held=200_000)) for line in found]
            shards.intend(
                connection,
                Shard(shard, "openai", "openai/mini", "mini", "openai.chat"),
                pairs,
                "bench",
                NOW_US + DAY_US,
                NOW_US,
            )
            sent = self._cpu()
            self.take += taken - began
            self.send += sent - taken
            records = [a_record(line) for line in found]
            ended = [
                lines.Ended(line.job, line.no, line.call_id, "done", 200, ANSWER, 90_000, 180_000) for line in found
            ]
            began = self._cpu()
            with connection.transaction():
                lines.lock(connection, ((line.job, line.no) for line in found))
                writing.add(connection, records)
                settled = lines.settle(connection, ended, NOW_US)
            self.settle += self._cpu() - began
            if settled != AT_ONCE:
                raise SystemExit(f"{settled} of {AT_ONCE} lines were settled")
            self.lines += settled


def measure(name: str, url: str, server: Server, count: int, report: Report) -> None:
    with closing(asyncio.run(open_store(url)).connect()) as connection:
        report.add(Figure(f"{name}: handing a line in", "us CPU", fill(connection, count, server), most=MOST["add"]))
    starts = [started(url) for _ in range(3)]
    if any(each["lines"] != AT_ONCE for each in starts):
        report.troubles.append(f"{name}: a start took {[each['lines'] for each in starts]} lines")
    report.add(
        Figure(f"{name}: start and first {AT_ONCE} of {count:,} lines", "s", [each["s"] for each in starts], most=MOST["start"]),
        Figure(f"{name}: memory of that process", "MB", [each["mb"] for each in starts], most=MOST["memory"]),
    )  # fmt: skip
    with closing(asyncio.run(open_store(url)).connect()) as connection:
        rounds = []
        for number in range(ROUNDS):
            rounds.append(Round(connection, server))
            rounds[-1].run(number)
        waits = []
        for _ in range(ROUNDS):
            began = time.process_time() + server()
            lines.waiting(connection, NOW_US)
            waits.append((time.process_time() + server() - began) * 1e3)
        report.add(
            Figure(f"{name}: taking {AT_ONCE}", "ms CPU", [each.take / TAKES * 1e3 for each in rounds], most=MOST["take"]),
            Figure(f"{name}: sending a line", "us CPU", [each.send / each.lines * 1e6 for each in rounds]),
            Figure(f"{name}: settling a line", "us CPU", [each.settle / each.lines * 1e6 for each in rounds], most=MOST["settle"]),
            Figure(f"{name}: what waits, in sums", "ms CPU", waits),
        )  # fmt: skip


def main() -> int:
    if sys.argv[1:2] == [CHILD]:
        print(json.dumps(start(sys.argv[2])))
        return 0
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} lines instead of {FULL:,}")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), help="this one alone")
    parser.add_argument("--data", type=Path, help="a folder of data sets; this benchmark needs none, so no effect")
    parser.add_argument("--folder", type=Path, help="where to put the stores (3 GB in full); default: a temporary one")
    asked = parser.parse_args()
    report = Report("batch_queue")
    for name, open_ in (("sqlite", sqlite), ("postgresql", postgres)):
        if asked.engine not in (None, name):
            continue
        folder = Path(tempfile.mkdtemp(prefix="queue-", dir=asked.folder))
        try:
            with open_(folder) as (url, server):
                measure(name, url, server, QUICK if asked.quick else FULL, report)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
