"""Print what the guard does with the trap set: a table by kind, with exact intervals.

    python tools/trap_table.py [strict|default|lenient] [FILE ...]

Files are JSONL as in tests/traps (fields kind, a, b, same, split, cosine). Needs no encoder.
"""

import json
import math
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from farthing.steps.cache.guard import Strictness, compare

TRAPS = Path(__file__).parent.parent / "tests" / "traps"


def say(line: str) -> None:
    sys.stdout.write(line + "\n")


def main(arguments: list[str]) -> None:
    strictness = Strictness(arguments[0]) if arguments else Strictness.DEFAULT
    files = [Path(name) for name in arguments[1:]] or sorted(TRAPS.glob("*.jsonl"))
    for file in files:
        pairs = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
        for split in sorted({pair["split"] for pair in pairs}):
            say(f"\n{file.name}, {split}, {strictness}")
            table([pair for pair in pairs if pair["split"] == split], strictness)


def table(pairs: list[dict[str, Any]], strictness: Strictness) -> None:
    """Served paraphrases and sprung traps of each kind, then of all."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for pair in pairs:
        served = compare(pair["a"], pair["b"], pair["cosine"], strictness=strictness).same
        count = counts[pair["kind"]]
        at = 0 if pair["same"] else 2
        count[at] += served
        count[at + 1] += 1
    for kind, (served, same, sprung, traps) in sorted(counts.items()):
        say(f"  {kind:18} served {served:3} of {same:3}   sprung {sprung:2} of {traps:3}")
    served, same, sprung, traps = (sum(column) for column in zip(*counts.values(), strict=True))
    say(
        f"  {'all':18} served {served} of {same} {interval(served, same)}   sprung {sprung} of {traps} {interval(sprung, traps)}"
    )


def interval(hits: int, tries: int) -> str:
    """Clopper-Pearson, 95 %, in percent."""
    low = 0.0 if hits == 0 else solve(lambda p: tail(hits, tries, p) - 0.025)
    high = 1.0 if hits == tries else solve(lambda p: tail(hits + 1, tries, p) - 0.975)
    return f"({100 * hits / max(tries, 1):.1f} %, 95 % from {100 * low:.1f} to {100 * high:.1f})"


def tail(least: int, tries: int, chance: float) -> float:
    """The chance of at least `least` hits."""
    return sum(math.comb(tries, k) * chance**k * (1 - chance) ** (tries - k) for k in range(least, tries + 1))


def solve(rising: Callable[[float], float]) -> float:
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2


if __name__ == "__main__":
    main(sys.argv[1:])
