"""The router learns from nothing on the simulator's workload, through a real gateway: how many calls go to cheaper tiers, what
that does to quality, what it saves; then the simulator worsens the small model without a word, and mends it again.

Quality is counted by gold answers: each answer that a client got beside the flagship's to the same prompt. The gateway knows
nothing of them; it has its checks, second answers with a fallible judge, and what some users say, some of them wrongly.
"""

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from farthing.upstream.simulator.tasks import SKILL
from harness.harness import Unfit
from harness.report import Figure, Report, options
from learn.measures import Ledger, Quality, cheaper, first_by, last_by, quality
from learn.stage import JUDGE_BIAS, JUDGE_ERRORS, Said, Stage
from learn.workload import FLAGSHIP, MID, MISJUDGED, PLAUSIBLE, SMALL, SPEAKS_UP, WORK, Ask, asks

SEED = 7
FLOOR = 0.99
SHADOW, WATCH = 100.0, 5.0
"""Percent: of calls to learn from, and of calls of a cheaper model to watch it by."""
WORSE = -0.20
DEFAULT: dict[str, dict[str, float]] = {kind: dict(tiers) for kind, tiers in SKILL.items()}


@dataclass(frozen=True)
class Lengths:
    """Calls of each phase, and of one line of the curve."""

    learn: int
    worse: int
    mended: int
    line: int
    beside: int
    """Of the run with default skills."""


FULL, QUICK = Lengths(60_000, 8_000, 40_000, 4_000, 16_000), Lengths(3_000, 1_000, 1_000, 500, 1_000)


@dataclass
class Run:
    """One gateway's life."""

    stage: Stage
    calls: Iterator[Ask] = field(default_factory=lambda: asks(SEED))
    said: list[Said] = field(default_factory=list)

    async def go(self, name: str, count: int, line: int) -> list[Said]:
        """So many calls more, told line by line."""
        ledger, done = Ledger(self.stage.ledger), []
        for _ in range(count // line):
            some = await self.stage.send(self.calls, line)
            done += some
            money = ledger.money(min(each.at_us for each in some), max(each.at_us for each in some))
            self.said += some
            print(
                f"{name:<8} {len(self.said):>8,} {cheaper(some):>8.1f} {quality(some)!s:>24} {money.saved:>9.1f} "
                f"{money.share_of_looking:>9.1f}",
                flush=True,
            )  # fmt: skip
        ledger.close()
        return done


def head(title: str) -> None:
    print(f"\n{title}")
    print(f"{'phase':<8} {'calls':>8} {'cheaper':>8} {'quality, points':>24} {'net saved':>9} {'looking':>9}")
    print(f"{'':<8} {'seen':>8} {'%':>8} {'(95 %)':>24} {'%':>9} {'%':>9}")


def by_task(run: Run, calls: Sequence[Said]) -> None:
    """Where each task is served, and whether that is right."""
    print(
        f"\n{'task':<15} {'calls':>6} {'small':>6} {'mid':>6} {'flagship':>8} {'quality, points':>24}  true gaps: small, mid"
    )
    for task in WORK:
        own = [each for each in calls if each.ask.task == task]
        shares = [
            100 * sum(each.tier == tier for each in own) / max(1, len(own)) for tier in ("small", "mid", "flagship")
        ]
        gaps = [100 * run.stage.truth.true_gap(task, model) for model in (SMALL, MID)]
        print(
            f"{task:<15} {len(own):>6} {shares[0]:>5.0f}% {shares[1]:>5.0f}% {shares[2]:>7.0f}% {quality(own)!s:>24}  "
            f"{gaps[0]:+.1f}, {gaps[1]:+.1f}"
        )


async def changes(run: Run) -> None:
    """What the gateway did to its table, and after how many calls."""
    print("\ncalls seen  change of the table")
    for change in sorted(await run.stage.history(), key=lambda each: int(each["at_us"])):
        if change["what"] == "apply":
            seen = sum(each.at_us < change["at_us"] for each in run.said)
            for line in change["why"].splitlines():
                print(f"{seen:>10,}  {line}")


async def learn(
    stack: ExitStack, skills: Mapping[str, Mapping[str, float]], calls: int, line: int, title: str
) -> Run:  # fmt: skip
    """A gateway that begins with nothing."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="farthing-learning-")))
    run = Run(Stage(stack, folder, skills, SEED, FLOOR, SHADOW, WATCH))
    head(title)
    learned = await run.go("learn", calls, line)
    by_task(run, learned[-2 * line :])
    await changes(run)
    return run


async def drill(report: Report, lengths: Lengths, needs: int) -> None:
    with ExitStack() as stack:
        run = await learn(stack, PLAUSIBLE, lengths.learn, lengths.line, "skills of today's models, as stated")
        last = run.said[-lengths.line :]
        report.add(
            Figure("calls on cheaper tiers, learned", "%", [cheaper(last)], least=70.0, needs=needs),
            *_quality("quality, learned", quality(last), needs),
            *_quality("quality, while learning", quality(run.said), needs),
            *_spent(run, "learned", last),
            *_spent(run, "while learning", run.said),
        )
        await trouble(run, lengths, report, needs)
        await money(run, report)
    with ExitStack() as stack:
        title = "the simulator's default skills, where cheaper models are truly worse"
        beside = await learn(stack, DEFAULT, lengths.beside, lengths.line, title)
        last = beside.said[-lengths.line :]
        report.add(
            Figure("default skills: calls on cheaper tiers", "%", [cheaper(last)]),
            *_quality("default skills: quality", quality(beside.said), needs),
        )
        report.troubles += beside.stage.failed[:3]


def _quality(name: str, found: Quality, needs: int) -> list[Figure]:
    return [
        Figure(name, "points", [found.points]), Figure(f"{name}, at least", "points", [found.low], least=-1.0, needs=needs)
    ]  # fmt: skip


def _spent(run: Run, name: str, calls: Sequence[Said]) -> list[Figure]:
    """What was saved in the span of these calls, and what looking at quality cost, both in percent of the baseline."""
    ledger = Ledger(run.stage.ledger)
    money = ledger.money(min(each.at_us for each in calls), max(each.at_us for each in calls))
    ledger.close()
    return [
        Figure(f"net saving, {name}", "%", [money.saved]),
        Figure(f"second answers and judge, {name}", "%", [money.share_of_looking]),
    ]


async def trouble(run: Run, lengths: Lengths, report: Report, needs: int) -> None:
    """The small model becomes worse, and is mended."""
    served = {place for place, count in last_by(run.said[-lengths.line :], SMALL).items() if count}
    await run.stage.shift(**{SMALL: WORSE})
    worse = await run.go("worse", lengths.worse, lengths.line // 2)
    out = {place: count for place, count in last_by(worse, SMALL).items() if place in served and count}
    served = set(out)
    await run.stage.shift()
    mended = await run.go("mended", lengths.mended, lengths.line)
    back = {place: count for place, count in first_by(mended, SMALL).items() if place in served}
    print(
        f"\nthe small model is {-100 * WORSE:.0f} points worse, then mended; calls of the task until it is out, and back in"
    )
    for tenant, task in sorted(served):
        returned = back.get((tenant, task), 0)
        print(f"{tenant:<10} {task:<15} {out[tenant, task]:>6}  {returned or 'not yet':>8}")
    after, last = worse[len(worse) // 2 :], mended[-lengths.line :]
    report.add(
        Figure("tasks of the small model before", "", [float(len(served))]),
        Figure("calls of a task until it is out, median", "calls", list(map(float, out.values()))),
        Figure("calls of a task until it is out, most", "calls", [float(max(out.values(), default=0))]),
        *_quality("quality, worsened, second half", quality(after), needs),
        Figure("tasks where it came back", "%", [_percent(back, served)]),
        Figure("calls on cheaper tiers, mended", "%", [cheaper(last)], least=70.0, needs=needs),
        *_quality("quality, mended", quality(last), needs),
        *_spent(run, "mended", last),
    )


def _percent(back: Mapping[tuple[str, str], int], served: set[tuple[str, str]]) -> float:
    return 100 * sum(back.get(place, 0) > 0 for place in served) / len(served) if served else 0.0


async def money(run: Run, report: Report) -> None:
    """The ledger adds up, and says what the provider charges."""
    run.stage.gateway.rest()
    ledger = Ledger(run.stage.ledger)
    whole = ledger.whole()
    report.add(
        Figure("net saving, all phases", "%", [whole.saved]),
        Figure("second answers and judge, all phases", "%", [whole.share_of_looking]),
        Figure("rows whose savings do not add up", "rows", [float(ledger.unlawful())], 0.0, needs=1),
        Figure("rows without a cost", "rows", [float(ledger.unpriced())], 0.0, needs=1),
        Figure("answered calls without a row", "calls", [float(ledger.missing(run.said))], 0.0, needs=1),
        Figure("requests and tokens off the bill", "", [float(ledger.beside(await run.stage.bill()))], 0.0, needs=1),
        Figure("reports off baseline less cost", "$", [abs(ledger.net_of_lever() - (whole.baseline - whole.cost)) / 1e9], 0.0,
               needs=1),
    )  # fmt: skip
    ledger.close()
    report.troubles += run.stage.failed[:3]


def main() -> int:
    quick = options(__doc__.splitlines()[0]).quick
    lengths = QUICK if quick else FULL
    report = Report("learning")
    print(
        f"small {SMALL}, mid {MID}, flagship {FLAGSHIP}; floor {FLOOR}, {SHADOW:g} % of calls to learn from, {WATCH:g} % to watch "
        f"by; the judge is wrong in {100 * JUDGE_ERRORS:g} %, biased in {100 * JUDGE_BIAS:g} %; users speak up in "
        f"{100 * SPEAKS_UP:g} %, wrongly in {100 * MISJUDGED:g} % of that"
    )
    try:
        uvloop.run(drill(report, lengths, needs=2 if quick else 1))
    except Unfit as error:
        report.troubles.append(str(error))
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
