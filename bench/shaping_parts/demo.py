"""What comes off the demo's own prompts, by feature and by lever: shaping, on some pieces of work of each; and what the prompt
lab takes out of its instructions, by the product's own run.

What the lab's answers depend on is laid down here, since no model reads these prompts: on each rule and fact that is said once
(6 of 100 answers each, where it is gone), on one of two that say the same, and on any two of the examples.
"""

import asyncio
import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from farthing.demo import texts
from farthing.demo.company import FEATURES, Ask, Feature, Heard, Moment
from farthing.lab.optimise import optimise
from farthing.lab.prompt import AS_IT_IS, Prompt, Variant, read_prompt
from farthing.lab.trial import Outcome
from farthing.wire.shaping.shape import GUARDED, LOSSLESS, Shaper
from harness.report import Figure, Report

PIECES = 12
MARKED = "coding agent"
"""Its prompts carry marks of their own for the provider's cache, so they stay as they are."""
AGAIN = (*texts.AGAIN, *texts.ADVICE.splitlines()[-3:], *texts.TICKET_RULES.splitlines()[-3:])
LEAST_SAVED = 20.0
"""Percent of a weekday's input, by both levers."""
ITEMS, MARGIN, LOSS, RIGHT = 300, 0.03, 0.06, 0.9
Count = Callable[[str], int]


def demo(report: Report, count: Count) -> None:
    """Adds the share of input tokens that goes, of each feature's calls and of a weekday's of all of them."""
    shapers = {"lossless": Shaper(frozenset(LOSSLESS)), "with table and repeats": Shaper(frozenset(LOSSLESS + GUARDED))}
    levers = (*shapers, "the lab", "the lab and lossless", "the lab, table and repeats")
    whole = dict.fromkeys(("before", *levers), 0.0)
    unmarked = dict(whole)
    for feature in FEATURES:
        sums: dict[str, float] = dict.fromkeys(whole, 0)
        asked = list(_asked(feature))
        fewer = 0 if feature.name == MARKED else _found_by_lab(_instructions(asked[0].body), count)
        for each in asked:
            body = json.dumps(each.body).encode()
            before = _tokens(each.body, count)
            sums["before"] += before
            for name, shaper in shapers.items():
                made = shaper.shape(each.wire, body)
                sums[name] += before if made is None else _tokens(json.loads(made.body), count)
        sums["the lab"] = sums["before"] - fewer * len(asked)
        sums["the lab and lossless"] = sums["lossless"] - fewer * len(asked)
        sums["the lab, table and repeats"] = sums["with table and repeats"] - fewer * len(asked)
        for name in ("lossless", "with table and repeats", "the lab"):
            report.add(Figure(f"the demo, {feature.name}, {name}", "%", [_share(sums, name)]))
        for name, tokens in sums.items():
            whole[name] += tokens / PIECES * feature.a_day
            unmarked[name] += tokens / PIECES * feature.a_day * (feature.name != MARKED)
    for name in levers:
        report.add(Figure(f"the demo, a weekday, {name}", "%", [_share(whole, name)]))
    for name in levers:
        least = LEAST_SAVED if name in levers[-2:] else None
        report.add(
            Figure(f"the same without the {MARKED}, {name}", "%", [_share(unmarked, name)], least=least, needs=1)
        )


def _share(sums: dict[str, float], name: str) -> float:
    return 100 * (1 - sums[name] / sums["before"])


def _asked(feature: Feature) -> Iterator[Ask]:
    dice = random.Random(3)
    for number in range(PIECES):
        script = feature.work(dice, feature.users[0], Moment(), f"n{number}")
        asked = next(script)
        try:
            while True:
                yield asked
                text = "It comes on Tuesday, as you asked. " * 4
                asked = script.send(Heard(200, "call", text, [{"type": "text", "text": text}]))
        except StopIteration:
            continue


def _instructions(body: dict[str, Any]) -> str:
    system = body.get("system", "")
    return _text(system) if system else _text(body["messages"][0])


def _found_by_lab(instructions: str, count: Count) -> int:
    """Tokens that the lab takes out of them; 0 where nothing is proved."""
    written = json.dumps(instructions, ensure_ascii=False)
    prompt = read_prompt(
        f'[[messages]]\nrole = "system"\ntext = {written}\n[[messages]]\nrole = "user"\ntext = "{{{{input}}}}"\n',
        "demo",
    )
    weights = {part.id: float(count(part.text)) for part in prompt.parts}
    found = asyncio.run(optimise(prompt, _Answers(prompt).scores, ITEMS, MARGIN, weights))
    return count(prompt.fixed(AS_IT_IS)) - count(prompt.fixed(found.variant)) if found.is_proved else 0


class _Answers:
    """The simulated model; see the module."""

    def __init__(self, prompt: Prompt) -> None:
        said_again = {part.id for part in prompt.parts if any(each.lstrip("- ") in part.text for each in AGAIN)}
        self._examples = [part.id for part in prompt.parts if part.text.startswith("Ticket: ")]
        self._needed = [part.id for part in prompt.parts if part.id not in said_again and part.id not in self._examples]
        draw = np.random.default_rng(7)
        self._right = draw.random(2 * ITEMS) < RIGHT
        self._losses = draw.random((len(prompt.parts) + 2, 2 * ITEMS)) < LOSS / RIGHT

    async def scores(self, variant: Variant, numbers: Sequence[int]) -> list[Outcome | None]:
        lost = [part for part in self._needed if part in variant.removed]
        left = sum(part not in variant.removed for part in self._examples)
        if self._examples:
            lost += list(range(len(self._losses) - 2, len(self._losses) - min(2, left)))
        right = self._right & ~self._losses[lost].any(axis=0)
        return [Outcome(int(right[number])) for number in numbers]


def _tokens(body: dict[str, Any], count: Count) -> int:
    tools = sum(count(json.dumps(each, separators=(",", ":"))) for each in body.get("tools", []))
    return tools + count(_text(body.get("system", ""))) + sum(count(_text(each)) for each in body["messages"])


def _text(value: Any) -> str:
    """All the words in a message or a block."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(map(_text, value))
    if isinstance(value, dict):
        known = value.get("text") or value.get("content")
        return _text(known) if known else json.dumps(value["input"]) if "input" in value else ""
    return ""
