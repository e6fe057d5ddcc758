"""What planned provider caching saves of what a planner saves that knows all calls to come, and what it loses at worst.

Real arrivals (Azure's traces of 2023) with prompts of our own: a shared system prompt at several rates, eight features,
chats, agents whose history grows, questions about documents; the Mooncake trace with its real prefixes; and traffic that
was made to mislead the planner. Each at two ways of caching: Anthropic's marks for 5 minutes or an hour, OpenAI's
breakpoints for 30 minutes or 12 hours. The product's own memory and planner meet a cache that is exact to the token.
`rule` is a bound for every planner that cannot see what people will do next: see `ruled_cost`.

    .venv/bin/python bench/prompt_cache.py            # 24 hours of each workload, three seeds
    .venv/bin/python bench/prompt_cache.py --quick    # 6 hours, one seed
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from farthing.catalog.caching import Cachings
from farthing.model.call import Deployment
from farthing.prices import PriceBook
from farthing.steps.shape.deciding import answered, decide, settle
from farthing.steps.shape.prefixes import Scope
from farthing.wire.blocks import blocks
from farthing.wire.hint import with_hint
from prompt_caching.provider import always_cost, clairvoyant_cost, plain_cost, planned_cost, ruled_cost
from prompt_caching.traffic import Traffic, workloads

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
AT_US = 1_795_000_000_000_000
"""A day in November 2026, whose price lists count."""
LEAST_SHARE = 0.85
MOST_DEARER = 0.02
MOST_US = 15.0
PLACES = (
    ("claude-sonnet-5-5", "anthropic", "anthropic.messages"),
    ("gpt-5.6-sol", "openai", "openai.responses"),
)


class Row(msgspec.Struct):
    """Shares of the plain price, medians over the seeds."""

    model: str
    workload: str
    misleads: bool
    calls: int
    planned: float
    always: float
    clairvoyant: float
    rule: float

    @property
    def share(self) -> float:
        return self.planned / self.clairvoyant if self.clairvoyant > 0.001 else 1.0

    @property
    def holds(self) -> bool:
        return self.planned >= -MOST_DEARER if self.misleads else self.share >= LEAST_SHARE


def measure(folder: Path, hours: float, seeds: int) -> list[Row]:
    cachings = Cachings(PriceBook.load(), lambda: AT_US)
    rows: list[Row] = []
    for model, prices, format in PLACES:
        rates = cachings.of(Deployment(model, prices, model, prices), format)
        assert rates is not None, "the shipped lists have it"
        found: dict[str, list[Row]] = {}
        for seed in range(seeds):
            for name, requests, misleads in workloads(Traffic(folder / "traffic"), 100 + seed, hours):
                plain = plain_cost(requests, rates)
                planned, always, best, rule = (
                    1 - costs(requests, rates) / plain
                    for costs in (planned_cost, always_cost, clairvoyant_cost, ruled_cost)
                )
                found.setdefault(name, []).append(
                    Row(model, name, misleads, len(requests), planned, always, best, rule)
                )
        rows += [_median(each) for each in found.values()]
    return rows


def _median(rows: list[Row]) -> Row:
    first = rows[0]
    planned, always, best, rule = (
        statistics.median(getattr(row, name) for row in rows) for name in ("planned", "always", "clairvoyant", "rule")
    )
    return Row(first.model, first.workload, first.misleads, first.calls, planned, always, best, rule)


def cpu_us(work: Callable[[int], object], times: int = 2_000, rounds: int = 7) -> float:
    """The least of several rounds, in microseconds."""
    best = float("inf")
    for _ in range(rounds):
        begun = time.process_time()
        for number in range(times):
            work(number)
        best = min(best, (time.process_time() - begun) / times * 1e6)
    return best


def speed() -> dict[str, float]:
    """Of a request of 5 KB, whose long prompt is known: reading its blocks, and the same where each prompt is new; planning
    its marks; a line more in its system prompt, and the same where each prompt is new."""
    cachings = Cachings(PriceBook.load(), lambda: AT_US)
    model, prices, format = PLACES[0]
    rates = cachings.of(Deployment(model, prices, model, prices), format)
    assert rates is not None, "the shipped lists have it"
    words = "Answer in the customer's language, keep to the facts of the order and never promise what policy forbids. "
    prompt = (words * 60)[:4_300]
    known, new = (
        [
            msgspec.json.encode(
                {"model": model, "system": f"{number if fresh else ''}{prompt}",
                 "messages": [{"role": "user", "content": f"{number} {words * 5}"}]}
            )
            for number in range(2_000)
        ]
        for fresh in (False, True)
    )  # fmt: skip
    fresh = iter(range(1, 1_000_000_000)).__next__

    scope, now = Scope([keep.seconds for keep in rates.keeps]), [0.0]

    def planned(_: int) -> None:
        now[0] += 2.0
        made = decide(scope, (1, fresh()), (1, 2), (1_075, 1_200), rates, now[0])
        answered(scope, made, rates, now[0])
        settle(scope, made, rates, made.plan.read, made.plan.written)

    return {
        "blocks_us": cpu_us(lambda number: blocks(format, known[number])),
        "blocks_of_a_new_prompt_us": cpu_us(lambda number: blocks(format, new[number])),
        "plan_us": cpu_us(planned),
        "line_us": cpu_us(lambda number: with_hint(format, known[number], "In three sentences.")),
        "line_in_a_new_prompt_us": cpu_us(lambda number: with_hint(format, new[number], "In three sentences.")),
    }


def show(rows: list[Row]) -> None:
    print(
        f"{'saved of the plain price of all input':<48}{'calls':>7}{'planned':>9}{'recipe':>9}{'clairvoyant':>13}{'share':>8}{'rule':>8}"
    )
    for model in dict.fromkeys(row.model for row in rows):
        print(model)
        for row in rows:
            if row.model == model:
                share = "" if row.misleads else f"{row.share:.0%}"
                mark = "" if row.holds else "   MISSED"
                print(
                    f"  {row.workload:<46}{row.calls:>7,}{row.planned:>9.1%}{row.always:>9.1%}{row.clairvoyant:>13.1%}"
                    f"{share:>8}{row.rule:>8.1%}{mark}"
                )


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--quick", action="store_true", help="6 hours of each workload and one seed")
    options.add_argument("--data", type=Path, default=SHARED, help="a folder of data sets, with traffic/ in it")
    asked = options.parse_args()
    if not (asked.data / "traffic" / "azure_2023_conv.csv").is_file():
        print(f"there are no traces in {asked.data}/traffic; name their folder with --data", file=sys.stderr)
        return 1
    rows = measure(asked.data, 6 if asked.quick else 24, 1 if asked.quick else 3)
    show(rows)
    cost = speed()
    figures: dict[str, object] = {name: round(value, 1) for name, value in cost.items()}
    print(
        f"CPU of a 5 KB request: blocks {figures['blocks_us']} us ({figures['blocks_of_a_new_prompt_us']} where each prompt is "
        f"new), plan {figures['plan_us']} us, a line more {figures['line_us']} us ({figures['line_in_a_new_prompt_us']})"
    )
    figures["workloads"] = [
        {"model": row.model, "workload": row.workload, "planned": round(row.planned, 4), "recipe": round(row.always, 4),
         "clairvoyant": round(row.clairvoyant, 4), "rule": round(row.rule, 4)}
        for row in rows
    ]  # fmt: skip
    honest = [row for row in rows if not row.misleads]
    bars: dict[str, dict[str, object]] = {
        "least_share": {"least": LEAST_SHARE, "ok": all(row.holds for row in honest)},
        "most_us": {
            "most": MOST_US,
            "ok": cost["blocks_us"] + cost["plan_us"] <= MOST_US and cost["line_us"] <= MOST_US,
        },
        "most_dearer": {"most": MOST_DEARER, "ok": all(row.holds for row in rows if row.misleads)},
    }
    print(
        "Worst share: " + "; ".join(
            f"{min((row for row in honest if row.model == model), key=lambda row: row.share).share:.0%} ({model})"
            for model, _, _ in PLACES
        )
    )  # fmt: skip
    ok = all(bar["ok"] for bar in bars.values())
    print(json.dumps({"name": "prompt_cache", "figures": figures, "bars": bars, "ok": ok}))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
