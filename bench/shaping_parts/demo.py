"""What shaping takes off the demo's own prompts, by feature, from some pieces of work of each."""

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from farthing.demo.company import FEATURES, Ask, Feature, Heard, Moment
from farthing.wire.shaping.shape import GUARDED, LOSSLESS, Shaper
from harness.report import Figure, Report

PIECES = 12
Count = Callable[[str], int]


def demo(report: Report, count: Count) -> None:
    """Adds the share of input tokens that shaping takes off each feature's calls, and off a weekday's of all of them."""
    shapers = {"lossless": Shaper(frozenset(LOSSLESS)), "with table and repeats": Shaper(frozenset(LOSSLESS + GUARDED))}
    whole = dict.fromkeys(("before", *shapers), 0.0)
    for feature in FEATURES:
        sums = dict.fromkeys(whole, 0)
        for asked in _asked(feature):
            body = json.dumps(asked.body).encode()
            before = _tokens(asked.body, count)
            sums["before"] += before
            for name, shaper in shapers.items():
                made = shaper.shape(asked.wire, body)
                sums[name] += before if made is None else _tokens(json.loads(made.body), count)
        share = 100 * (1 - sums["with table and repeats"] / sums["before"])
        report.add(Figure(f"the demo, {feature.name}", "%", [share]))
        for name, tokens in sums.items():
            whole[name] += tokens / PIECES * feature.a_day
    for name in shapers:
        report.add(Figure(f"the demo, a weekday, {name}", "%", [100 * (1 - whole[name] / whole["before"])]))


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
