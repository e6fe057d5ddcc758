"""What pricing costs: CPU of one price with rates at hand, of working rates out anew, and of loading the book.

Prints a table, then one line of JSON; ends with 0 only if the bars hold. Times are CPU of this process, the best of
several rounds, because a shared machine only ever adds to them.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from farthing.model.usage import Usage
from farthing.prices import Contract, PriceBook

BARS = {"warm_us": 3.0, "warm_bands_us": 3.0, "warm_contract_us": 3.0, "cold_us": 1_000.0, "load_ms": 100.0}
"""The most that each figure may be."""

AT_US = 1_795_608_000_000_000
PLAIN = Usage(uncached_in=4_000, cache_read=6_000, out=1_000, reasoning=200)
EVERYTHING = Usage(uncached_in=500, cache_read=8_000, w5m=1_000, w1h=2_000, out=300, requests={"web_search": 3})


def cpu_us(work: Callable[[], object], times: int, rounds: int) -> float:
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        for _ in range(times):
            work()
        best = min(best, time.process_time() - start)
    return best / times * 1e6


def measure(quick: bool) -> dict[str, float]:
    times, rounds = (5_000, 3) if quick else (100_000, 7)
    book = PriceBook.load()
    agreed = PriceBook.load(contracts=[Contract("openai", percent_off="12.5")])

    def cold() -> None:
        # A day's first price and then the next day's: neither finds the other's rates in force.
        for at_us in (AT_US, AT_US - 200 * 86_400_000_000):
            book.price("openai", "gpt-5.6-sol", PLAIN, tier="batch", at_us=at_us)

    return {
        "warm_us": cpu_us(lambda: book.price("openai", "gpt-4o", PLAIN, at_us=AT_US), times, rounds),
        "warm_bands_us": cpu_us(lambda: book.price("openai", "gpt-5.6-sol", PLAIN, at_us=AT_US), times, rounds),
        "warm_every_unit_us": cpu_us(
            lambda: book.price("anthropic", "claude-opus-4-8", EVERYTHING, tier="batch", geo="us", at_us=AT_US),
            times,
            rounds,
        ),
        "warm_contract_us": cpu_us(lambda: agreed.price("openai", "gpt-4o", PLAIN, at_us=AT_US), times, rounds),
        "unpriced_us": cpu_us(lambda: book.price("openai", "unheard-of", PLAIN, at_us=AT_US), times, rounds),
        "cold_us": cpu_us(cold, times // 250, rounds) / 2,
        "load_ms": cpu_us(PriceBook.load, 3, rounds) / 1_000,
    }


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--quick", action="store_true", help="fewer rounds, for a smoke test")
    options.add_argument("--data", type=Path, help="the folder of shared data; this bench needs none")
    figures = {name: round(value, 3) for name, value in measure(options.parse_args().quick).items()}
    bars = {name: {"most": most, "ok": figures[name] <= most} for name, most in BARS.items()}
    print(f"{'figure':<22}{'CPU':>12}{'bar':>12}")
    for name, value in figures.items():
        bar = f"{BARS[name]:>12,.1f}{'' if bars[name]['ok'] else '   MISSED'}" if name in BARS else f"{'-':>12}"
        print(f"{name:<22}{value:>12,.3f}{bar}")
    ok = all(bar["ok"] for bar in bars.values())
    print(json.dumps({"name": "pricing", "figures": figures, "bars": bars, "ok": ok}))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
