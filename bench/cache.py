"""Whether the cache's answers are right and what they cost, beside the usual recipe (nearest question, cosine 0.95).

Right: on traps, on public questions by intent, on a support workload through the real steps with a judge who knows the
truth. Cost: CPU of an exact hit through the gateway, of a look-up among 50,000 questions, of a miss. A hit that is told
otherwise than its question wants is wrong, whatever its similarity.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from caching import quality, speed
from harness.harness import Unfit, prepare
from harness.report import Figure, Report, options

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
SPRUNG_MOST, RECALL_LEAST = 1.0, 65.0
"""Traps of 150; percent of the traps' paraphrases."""
WRONG_MOST = 1.0
"""Percent of hits."""
HITS_LEAST = 300
"""Fewer decide nothing about a share of 1 %."""
ANSWERED = (30.0, 60.0)
"""Percent of the support workload's calls."""
EXACT_MOST_US, SHORT_MOST_MS, LONG_MOST_MS, BLOCKED_MOST_MS, MISS_MOST_US = 80.0, 8.0, 25.0, 5.0, 10.0
QUIET = 0.25
"""Runs in which others took more than this share of the gateway's core do not decide."""
QUICK_QUESTIONS = 700
"""Of each set of intents."""
DAYS_BEFORE = 6


def told(name: str, unit: str, value: float, most: float | None = None, least: float | None = None) -> Figure:
    """A figure that comes out the same each time."""
    return Figure(name, unit, [value], most, needs=1, least=least)


def traps() -> list[Figure]:
    found = asyncio.run(quality.traps())
    shown = []
    for kinds, name in (("all", "all kinds"), ("tune", "kinds of tuning"), ("test", "kinds kept out of tuning")):
        guard, plain = found["guard"][kinds], found["plain"][kinds]
        shown += [
            told(f"traps, {name}: sprung of 150", "traps", guard.sprung_in_150, SPRUNG_MOST),
            told(f"traps, {name}: paraphrases served", "%", guard.recall_percent, least=RECALL_LEAST),
            told(f"traps, {name}: plain 0.95, sprung of 150", "traps", plain.sprung_in_150),
            told(f"traps, {name}: plain 0.95, paraphrases served", "%", plain.recall_percent),
        ]
    return shown


def duplicates(data: Path, *, quick: bool) -> list[Figure]:
    found = asyncio.run(quality.duplicates(data, QUICK_QUESTIONS if quick else None))
    shown = []
    for recipe, name in (("guard", "intents"), ("plain", "intents, plain 0.95")):
        stream = found[recipe]
        low, high = stream.interval
        shown += [
            told(f"{name}: answered", "%", stream.hit_percent),
            told(f"{name}: hits", "hits", stream.hits),
            Figure(
                f"{name}: another intent, of hits",
                "%",
                [stream.wrong_percent],
                WRONG_MOST if recipe == "guard" else None,
                needs=1 if stream.hits >= HITS_LEAST else 2,
            ),
            told(f"{name}: lower end of the 95 % interval", "%", low),
            told(f"{name}: upper end of the 95 % interval", "%", high),
        ]
    return shown


def support(*, quick: bool) -> list[Figure]:
    plain = asyncio.run(quality.plain_support())
    cold = asyncio.run(quality.support(0))
    cases = [("support, new scopes", cold)]
    if not quick:
        cases.append((f"support, verdicts of {DAYS_BEFORE} days", asyncio.run(quality.support(DAYS_BEFORE))))
    shown = []
    for name, served in cases:
        low, high = ANSWERED
        shown += [
            told(f"{name}: answered", "%", served.percent, high, low),
            told(f"{name}: exact", "%", 100 * served.exact / served.asked),
            told(f"{name}: near", "%", 100 * served.near / served.asked),
            told(f"{name}: linked", "%", 100 * served.linked / served.asked),
            told(f"{name}: wrong, of hits", "%", served.wrong_percent, WRONG_MOST),
            told(f"{name}: answers of another tenant", "calls", served.foreign, 0.0),
            told(f"{name}: judgements", "calls", served.judged),
            told(f"{name}: scopes that showed the bound", "of 3", served.open_scopes),
        ]
    shown += [
        told("support, plain 0.95: answered", "%", plain.percent),
        told("support, plain 0.95: wrong, of hits", "%", plain.wrong_percent),
    ]
    return shown


def end_to_end(report: Report, *, quick: bool) -> None:
    prepare()
    found = speed.exact_hits(quick=quick)
    report.troubles += found.troubles
    hit = _cpu(found, "hit")
    report.add(
        Figure("exact hit, end to end", "us/call", hit, EXACT_MOST_US, noisy=not _quiet(found, "hit")),
        Figure("exact hit, streamed", "us/call", _cpu(found, "streamed hit"), noisy=not _quiet(found, "streamed hit")),
        Figure("relay60, a call relayed", "us/call", _cpu(found, "relay60"), noisy=not _quiet(found, "relay60")),
        Figure(
            "exact hit, times relay60", "x",
            [one.cpu_us / other.cpu_us for one, other in zip(found.runs["hit"], found.runs["relay60"], strict=True)],
        ),
    )  # fmt: skip
    reached, answered = speed.one_upstream()
    report.add(told(f"{speed.AT_ONCE} equal calls at once: upstream calls", "calls", reached, 1.0, 1.0))
    if answered != speed.AT_ONCE:
        report.troubles.append(f"of {speed.AT_ONCE} equal calls at once {answered} were answered")


def _cpu(found: speed.Gateway, name: str) -> list[float]:
    runs = found.runs[name]
    return [run.cpu_us for run in runs if run.quiet(QUIET)] or [run.cpu_us for run in runs]


def _quiet(found: speed.Gateway, name: str) -> bool:
    return any(run.quiet(QUIET) for run in found.runs[name])


def in_process(*, quick: bool) -> list[Figure]:
    found = speed.in_process(quick=quick)
    among = f"among {speed.ENTRIES:,}"

    def added(both: Sequence[float], encoder: Sequence[float]) -> list[float]:
        return [one - other for one, other in zip(both, encoder, strict=True)]

    return [
        Figure(f"look-up {among}, 13 tokens", "ms", found.short_ms, SHORT_MOST_MS),
        Figure(f"look-up {among}, 13 tokens, less encoder", "ms", added(found.short_ms, found.encoder_short_ms)),
        Figure(f"look-up {among}, 77 tokens", "ms", found.long_ms, LONG_MOST_MS),
        Figure(f"look-up {among}, 77 tokens, less encoder", "ms", added(found.long_ms, found.encoder_long_ms)),
        told("event loop held at most", "ms", max(found.blocked_ms), BLOCKED_MOST_MS),
        told("event loop held, 99th percentile", "ms", speed.percentile(found.blocked_ms, 0.99)),
        Figure("a miss adds, exact", "us/call", found.exact_miss_us),
        Figure("a miss adds, semantic beyond the encoder", "us/call", found.semantic_miss_us, MISS_MOST_US),
        Figure("of that, the fingerprint of 5 KB", "us/call", found.fingerprint_us),
    ]


def main() -> int:
    chosen = options(__doc__.splitlines()[0])
    report = Report("cache")
    data = chosen.data or SHARED
    report.add(*traps())
    if (data / "intents").is_dir():
        report.add(*duplicates(data, quick=chosen.quick))
    else:
        report.troubles.append(f"there are no questions by intent in {data}; name a folder with --data")
    report.add(*support(quick=chosen.quick))
    report.add(*in_process(quick=chosen.quick))
    try:
        end_to_end(report, quick=chosen.quick)
    except Unfit as error:
        report.troubles.append(str(error).splitlines()[0])
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
