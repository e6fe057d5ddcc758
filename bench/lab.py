"""What the prompt lab finds, and what it takes: the product's own run on simulated prompts whose truth is known.

A prompt has 20 or 40 parts, of which so many matter: each costs 6 of 100 answers where it is missing. The prompt as it is
gets 85 % right; two wordings of it differ by luck on 2 % of the items. A trial has 300 items, the margin is 3 points. Calls
are counted as in the published figures: with the baseline and the calls of the proof, without those that put the old prompt
to the fresh items, which are shown beside them. `found` is of the prompt that was put to the proof, also where the proof did
not confirm it and the prompt stays as it is; `lost` is of prompts that are recommended. Other prompts have all kinds of parts, examples of which any two of six do,
pairs of rules of which either does, and answers that change more.

    .venv/bin/python bench/lab.py            # 200 runs of each kind
    .venv/bin/python bench/lab.py --quick    # 20

The second table is of token counts: how far off they are before and after a ratio was learned, by language and content.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from typing import Any, NamedTuple

import numpy as np

from farthing.lab.optimise import Found, optimise
from farthing.lab.prompt import Prompt, Variant, read_prompt
from farthing.lab.trial import Outcome
from lab_parts.tokens import table as token_table

MARGIN = 0.03
LOSS = 0.06
RIGHT = 0.85
FOUND = 0.92
"""Share of the parts that do not matter which must be found, as published (92 to 99 %)."""

Floats = np.ndarray[Any, np.dtype[np.float64]]
Lost = Callable[[frozenset[int]], list[int]]
"""Which losses come of parts that are gone."""


class Cell(NamedTuple):
    name: str
    prompt: Callable[[], Prompt]
    important: int
    published: int | None = None
    """Calls."""
    turns: float = 0.01
    """Share of items that each wording turns by luck: two differ on twice as many."""
    items: int = 300
    special: str = ""
    together: bool = False
    """Answers are asked for a round at a time, as from batches: half the price, and no trial stops early."""


class Run(NamedTuple):
    calls: int
    lost: int
    """Parts that matter and are gone from the prompt that is recommended."""
    lost_at_first: int
    """The same before the proof."""
    found: float
    """Share of the parts that do not matter that are gone."""
    proved: bool
    by_kind: dict[str, tuple[int, int]]
    """Kind -> parts that do not matter, and those that were found."""


def bullets(count: int) -> Prompt:
    rules = "\n".join(f"- Rule {at} of this desk: look at point {at}." for at in range(count))
    return made(f"{rules}\n")


def made(system: str, examples: int = 0) -> Prompt:
    shots = "".join(f'[[examples]]\ninput = "case {at}"\noutput = "label {at}"\n' for at in range(examples))
    text = f'[[messages]]\nrole = "system"\ntext = """\n{system}"""\n[[messages]]\nrole = "user"\ntext = "{{{{input}}}}"\n{shots}'
    return read_prompt(text, "bench")


def kinds() -> Prompt:
    """Sentences, bullets under two headings, examples in the text and as turns."""
    sentences = " ".join(f"The desk has habit {at}." for at in range(6))
    sections = "\n".join(
        f"# Part {name}\n" + "\n".join(f"- Point {name}{at} counts." for at in range(4)) for name in "AB"
    )
    shown = "\n\n".join(f"Input: case {at}\nOutput: label {at}" for at in range(4))
    return made(f"{sentences}\n\n{sections}\n\n{shown}\n", examples=4)


def shots() -> Prompt:
    return made("The desk sorts cases.\n", examples=6)


CELLS = [
    Cell("20 parts, 1 matters", lambda: bullets(20), 1, 3107),
    Cell("20 parts, 4 matter", lambda: bullets(20), 4, 3553),
    Cell("20 parts, 8 matter", lambda: bullets(20), 8, 3872),
    Cell("40 parts, 4 matter", lambda: bullets(40), 4, 5812),
    Cell("all kinds of parts, 4 matter", kinds, 4),
    Cell("6 examples, any 2 do", shots, 0, special="two"),
    Cell("20 parts, 2 pairs of which either does", lambda: bullets(20), 0, special="pairs"),
    Cell("20 parts, 4 matter, 4 % differ by luck", lambda: bullets(20), 4, turns=0.02, items=345),
    Cell("20 parts, 4 matter, a round at a time", lambda: bullets(20), 4, together=True),
]


class Truth:
    """The simulated model of one run."""

    def __init__(self, cell: Cell, prompt: Prompt, seed: int) -> None:
        self.seed, self.turns = seed, cell.turns
        self.free = [part.id for part in prompt.parts if not part.protected]
        draw = np.random.default_rng([20_261_125, seed])
        self.important = [int(each) for each in draw.choice(self.free, cell.important, replace=False)]
        self.pairs = (
            [tuple(map(int, pair)) for pair in draw.choice(self.free, (2, 2), replace=False)]
            if cell.special == "pairs"
            else []
        )
        self.two = [part.id for part in prompt.parts if part.message < 0] if cell.special == "two" else []
        many = 2 * cell.items
        self.right = draw.random(many) < RIGHT
        self.losses = draw.random((len(self.important) + len(self.pairs) + 2, many)) < LOSS / RIGHT
        self.calls = 0

    def missing(self, removed: frozenset[int]) -> list[int]:
        """Which losses there are without these parts."""
        lost = [at for at, part in enumerate(self.important) if part in removed]
        first = len(self.important)
        lost += [first + at for at, pair in enumerate(self.pairs) if removed.issuperset(pair)]
        left = sum(part not in removed for part in self.two)
        return lost + [first + len(self.pairs) + at for at in range(max(0, 2 - left))] if self.two else lost

    async def scores(self, variant: Variant, numbers: Sequence[int]) -> list[Outcome | None]:
        self.calls += len(numbers)
        span = slice(numbers[0], numbers[-1] + 1)
        right = self.right[span].copy()
        for loss in self.missing(variant.removed):
            right &= ~self.losses[loss, span]
        words = [self.seed, *sorted(variant.removed), 10_000, *variant.order]
        turned = np.random.default_rng(words).random(len(self.right))[span] < self.turns
        return [_OUTCOMES[int(each)] for each in right ^ turned]


_OUTCOMES = [Outcome(0), Outcome(1)]


def run(job: tuple[int, int]) -> Run:
    number, seed = job
    cell = CELLS[number]
    prompt = cell.prompt()
    truth = Truth(cell, prompt, seed)
    weights = dict.fromkeys(truth.free, 10.0)
    found = asyncio.run(optimise(prompt, truth.scores, cell.items, MARGIN, weights, together=cell.together))
    return judged(cell, prompt, truth, found)


def judged(cell: Cell, prompt: Prompt, truth: Truth, found: Found) -> Run:
    removed = found.variant.removed
    neutral = [part for part in prompt.parts if part.id in truth.free and part.id not in truth.important]
    spare = len(neutral) - len(truth.pairs) - (2 if truth.two else 0)
    gone = sum(part.id in removed for part in neutral)
    lost = len(truth.missing(removed))
    by_kind: dict[str, tuple[int, int]] = {}
    for part in neutral:
        kind = f"{part.kind} as a turn" if part.message < 0 else part.kind
        count, out = by_kind.get(kind, (0, 0))
        by_kind[kind] = count + 1, out + (part.id in removed)
    return Run(truth.calls, lost if found.is_proved else 0, lost, min(1.0, gone / spare), found.is_proved, by_kind)


def row(cell: Cell, runs: Sequence[Run]) -> dict[str, Any]:
    calls = float(np.mean([each.calls for each in runs]))
    return {
        "calls": round(calls), "comparable": round(calls - cell.items), "published": cell.published,
        "lost": sum(each.lost for each in runs), "lost_at_first": sum(each.lost_at_first for each in runs),
        "found": float(np.mean([each.found for each in runs])), "proved": float(np.mean([each.proved for each in runs])),
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="20 runs of each kind")
    parser.add_argument("--data", help="not used")
    options = parser.parse_args()
    runs = 20 if options.quick else 200
    figures: dict[str, Any] = {}
    print(
        f"{'prompt':<42}{'calls':>7}{'as published':>14}{'published':>11}{'lost':>6}{'at first':>10}{'found':>8}{'proved':>8}"
    )
    with get_context("fork").Pool(2) as pool:
        done = pool.map(run, [(at, seed) for at in range(len(CELLS)) for seed in range(runs)], chunksize=10)
    for at, cell in enumerate(CELLS):
        mine = done[at * runs : (at + 1) * runs]
        found = figures[cell.name] = row(cell, mine)
        print(
            f"{cell.name:<42}{found['calls']:>7,}{found['comparable']:>14,}{cell.published or '-':>11}{found['lost']:>6}"
            f"{found['lost_at_first']:>10}{found['found']:>8.1%}{found['proved']:>8.1%}"
        )
    sums: dict[str, list[int]] = {}
    for each in done[4 * runs : 5 * runs]:
        for kind, (count, out) in each.by_kind.items():
            sums.setdefault(kind, [0, 0])
            sums[kind] = [sums[kind][0] + count, sums[kind][1] + out]
    figures["found_by_kind"] = {kind: out / count for kind, (count, out) in sums.items()}
    print("found by kind: " + ", ".join(f"{kind} {share:.1%}" for kind, share in figures["found_by_kind"].items()))
    figures["tokens"] = token_table()
    compared = [figures[cell.name] for cell in CELLS if cell.published]
    bars = {
        "no part that matters is lost": all(figures[cell.name]["lost"] == 0 for cell in CELLS),
        "calls as published": all(each["comparable"] <= each["published"] for each in compared),
        "neutral parts found": all(each["found"] >= FOUND for each in compared),
        "every kind of part found": all(share >= FOUND - 0.02 for share in figures["found_by_kind"].values()),
        "token estimates within 10 % once learned": all(each["learned"] <= 0.10 for each in figures["tokens"]),
    }  # fmt: skip
    for name, holds in bars.items():
        print(f"{'ok    ' if holds else 'MISSED'} {name}")
    ok = all(bars.values())
    print(json.dumps({"name": "lab", "figures": figures, "bars": bars, "ok": ok}))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
