"""What shaping takes off prompts of the kinds that applications send, by lever, and what it costs.

Tokens are exact (o200k, by `rs_bpe`), of all texts and tool schemas of a request. The prompts hold what real ones hold:
agents with tools whose schemas come from code and whose results are indented JSON; results in which a language is escaped;
documents that are retrieved twice; rules that are said again; six examples where two do. The last two are no matter of
shaping: what the lab can find there is shown beside, as far as it is known here, without a bar. `lab.py` says what it finds.

Then the demo's own prompts, by feature and by lever. Without bars: what each output control takes off answers of the simulator, with the
right answers before and after; and what trimming takes off conversations by their length, and whether that pays where the
provider holds them.
"""

import importlib
import importlib.util
import json
import random
import sys
import time
from collections.abc import Callable
from typing import Any

from farthing.model.call import Answer, Ask, Call
from farthing.steps.shape.arm import Arm
from farthing.steps.shape.lossless import Lossless
from farthing.wire.shaping.shape import GUARDED, LOSSLESS, Removed, Shaper
from harness.report import Figure, Report, options
from shaping_parts.controls import controls
from shaping_parts.demo import demo
from shaping_parts.histories import histories

LEAST_SAVED, MOST_SAVED = 20.0, 60.0
"""Percent of the input tokens of all kinds together."""
PLAIN_MOST_US, TOOLS_MOST_US, OFF_MOST_US = 15.0, 100.0, 1.0
LEAST_TRUE, MOST_TRUE = 0.6, 1.05
"""What the ledger claims as a share of what really fell."""
SEEDS = 5
WIRE = "openai.chat"

RULES = [
    "Answer in the customer's language, in at most five sentences.",
    "Keep to the facts of the order; never make up a date, a price or a name.",
    "Promise no refund that the policy does not allow.",
    "If the customer is angry, say sorry once and go on to what can be done.",
    "Ask for the order number if it is missing, and for nothing else.",
]
AGAIN = [
    "Remember: keep to the facts of the order and make nothing up.",
    "Again, promise no refund that the policy does not allow.",
    "It is important that you answer in the customer's language.",
]
"""What says the same as one of the rules."""
POLICY = " ".join(
    f"Section {at}. Goods of class {at} may be sent back within {10 + at} days if their seal is unbroken; the shop bears the "
    f"cost of the way back above {at * 5} euros, and pays within two weeks."
    for at in range(1, 14)
)
NAMES = ["Müller", "Łukasz", "Renée", "Søren", "Zoë", "Иван", "田中", "José"]
Body = dict[str, Any]


def orders(dice: random.Random, count: int) -> list[Body]:
    return [
        {
            "order_id": f"A-{dice.randrange(10**6):06d}", "customer": dice.choice(NAMES), "status": dice.choice(("sent", "open")),
            "total": dice.randrange(100_000) / 100, "items": dice.randrange(1, 9), "express": dice.random() < 0.3, "note": None,
        }
        for _ in range(count)
    ]  # fmt: skip


def weather(dice: random.Random) -> Body:
    """A nested result, as services give it."""
    days = [
        {"day": at, "low": dice.randrange(9), "high": dice.randrange(9, 22), "rain": {"mm": 1.5, "likely": 0.4}}
        for at in range(7)
    ]
    return {"place": {"name": "Zürich", "lat": 47.37, "lon": 8.54}, "now": {"temp": 11.2, "wind": [14, 230]}, "days": days}  # fmt: skip


def tool(name: str, members: dict[str, str]) -> Body:
    """As pydantic writes it."""
    properties = {
        each: {"title": each.replace("_", " ").title(), "anyOf": [{"type": kind}, {"type": "null"}], "default": None}
        for each, kind in members.items()
    }
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "title": name, "type": "object", "properties": properties,
    }  # fmt: skip
    about = f"Finds what belongs to {name.replace('_', ' ')}, newest first; all members may be left out."
    return {"type": "function", "function": {"name": name, "description": about, "parameters": schema}}


TOOLS = [
    tool("find_orders", {"customer_name": "string", "since": "string", "status": "string", "limit": "integer"}),
    tool("get_weather", {"place_name": "string", "days": "integer"}),
    tool("find_policy", {"query": "string", "section": "integer", "language": "string"}),
]


def result(id: str, content: str) -> Body:
    return {"role": "tool", "tool_call_id": id, "content": content}


def called(*ids: str) -> Body:
    calls = [{"id": id, "type": "function", "function": {"name": "find_orders", "arguments": "{}"}} for id in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def system(*rules: str) -> Body:
    return {"role": "system", "content": "You answer for a shop.\n" + "".join(f"- {rule}\n" for rule in rules)}


def agent(dice: random.Random) -> Body:
    found = json.dumps(orders(dice, 12), indent=2, ensure_ascii=False)
    sky = json.dumps(weather(dice), indent=4, ensure_ascii=False)
    asked = {"role": "user", "content": "Which of my orders will get wet on their way? Be quick, please."}
    messages = [system(*RULES, *AGAIN), asked, called("c1", "c2"), result("c1", found), result("c2", sky)]
    return {"messages": messages, "tools": TOOLS}


def escaped(dice: random.Random) -> Body:
    rows = [
        {"subject": f"Größe prüfen {at}", "text": "Заказ ещё не пришёл, где он? 注文はどこですか"} for at in range(8)
    ]
    asked = {"role": "user", "content": "What do these customers want? Sum it up."}
    return {"messages": [system(*RULES), asked, called("c1"), result("c1", json.dumps(rows))]}


def retrieved(dice: random.Random) -> Body:
    asked = [{"role": "user", "content": f"May I send back my lamp of class {dice.randrange(1, 9)}?"}, called("c1")]
    later = [{"role": "assistant", "content": "Yes, within the days that section 3 says."},
             {"role": "user", "content": "And my chair?"}, called("c2")]  # fmt: skip
    messages = [system(*RULES, *AGAIN), *asked, result("c1", POLICY), *later, result("c2", POLICY)]
    return {"messages": messages, "tools": TOOLS}


def examples(dice: random.Random) -> list[str]:
    wishes = ("refund", "address", "delay", "praise", "invoice", "cancel")
    return [
        f'Mail: "My order A-{dice.randrange(999)} is about {wish}, can you help?"\nKind: {wish}\n' for wish in wishes
    ]


def sorting(dice: random.Random, shown: int = 6, rules: list[str] = RULES + AGAIN) -> Body:
    """No embedded JSON at all; six examples where two do."""
    text = "Sort the mail.\n" + "\n".join(rules) + "\n\n" + "\n".join(examples(dice)[:shown])
    return {"messages": [{"role": "system", "content": text}, {"role": "user", "content": "Mail: where is my order?"}]}


KINDS: dict[str, Callable[[random.Random], Body]] = {
    "agent": agent, "escaped": escaped, "retrieved": retrieved, "sorting": sorting
}  # fmt: skip


class Counter:
    """Exact tokens of what a model reads of a request."""

    def __init__(self) -> None:
        self.of_text: Callable[[str], int] = importlib.import_module("rs_bpe.bpe").openai.o200k_base().count

    def __call__(self, body: Body) -> int:
        total = sum(self.of_text(json.dumps(each, separators=(",", ":"))) for each in body.get("tools", []))
        for message in body["messages"]:
            total += self.of_text(message.get("content") or "")
            total += sum(self.of_text(json.dumps(each["function"])) for each in message.get("tool_calls", []))
        return total


def saved(report: Report, count: Counter, seeds: int) -> None:
    lossless, everything = Shaper(frozenset(LOSSLESS)), Shaper(frozenset(LOSSLESS + GUARDED))
    shares: dict[str, list[float]] = {}
    claims: list[float] = []
    for seed in range(seeds):
        before = least = most = claimed = lab = 0
        for name, make in KINDS.items():
            body = make(random.Random(seed))
            whole = count(body)
            plain, removed = _shaped(lossless, body)
            guarded, _ = _shaped(everything, body)
            shares.setdefault(f"{name}, lossless", []).append(100 * (1 - count(plain) / whole))
            shares.setdefault(f"{name}, with table and repeats", []).append(100 * (1 - count(guarded) / whole))
            before, least, most = before + whole, least + count(plain), most + count(guarded)
            claimed += sum(each.tokens for each in removed)
            lab += whole - count(_without_dead_weight(body))
        lab += count(sorting(random.Random(seed))) - count(sorting(random.Random(seed), shown=2))
        claims.append(claimed / (before - least))
        shares.setdefault("of the whole, lossless", []).append(100 * (1 - least / before))
        shares.setdefault("of the whole, with table and repeats", []).append(100 * (1 - most / before))
        shares.setdefault("of the whole, dead rules and examples", []).append(100 * lab / before)
    for name, values in shares.items():
        barred = name == "of the whole, lossless"
        report.add(
            Figure(name, "%", values, MOST_SAVED if barred else None, least=LEAST_SAVED if barred else None)
        )  # fmt: skip
    report.add(Figure("tokens claimed of those that fell", "x", claims, MOST_TRUE, least=LEAST_TRUE))


def by_transform(report: Report, count: Counter, seeds: int) -> None:
    """Each transform alone, on what all kinds come to."""
    for name in LOSSLESS + GUARDED:
        shaper = Shaper(frozenset((name,)))
        values = []
        for seed in range(seeds):
            bodies = [make(random.Random(seed)) for make in KINDS.values()]
            before = sum(map(count, bodies))
            values.append(100 * (1 - sum(count(_shaped(shaper, body)[0]) for body in bodies) / before))
        report.add(Figure(f"{name} alone", "%", values))


def _shaped(shaper: Shaper, body: Body) -> tuple[Body, tuple[Removed, ...]]:
    made = shaper.shape(WIRE, json.dumps(body).encode())
    return (json.loads(made.body), made.removed) if made is not None else (body, ())


def _without_dead_weight(body: Body) -> Body:
    first, *rest = body["messages"]
    text = first["content"]
    for rule in AGAIN:
        text = text.replace(f"- {rule}\n", "").replace(f"{rule}\n", "")
    return {**body, "messages": [{**first, "content": text}, *rest]}


def costs(report: Report, *, quick: bool) -> None:
    rounds, times = (5, 300) if quick else (9, 2_000)
    dice = random.Random(1)
    prose = [
        {"role": ("user", "assistant")[at % 2], "content": 'Where is my "A-1"?\nI wait for it. ' * 20}
        for at in range(8)
    ]
    plain = json.dumps({"model": "m", "messages": [system(*RULES, *AGAIN), *prose]}).encode()
    tools, rows = [], ""
    for at in range(8):  # as many as stay in a processor's cache, where a body lies that has just come
        rows = json.dumps([{**each, "customer": f"Miller {at}"} for each in orders(dice, 118)], indent=2)
        tools.append(json.dumps({"messages": [system(*RULES), called("c1"), result("c1", rows)]}).encode())
    on = _step()
    off = Lossless(frozenset(), {"other": frozenset(LOSSLESS)}, Arm())
    for name, step, transforms, bodies, most in (
        (f"{len(plain) / 1024:.1f} KB without JSON", on, LOSSLESS, [plain] * times, PLAIN_MOST_US),
        (f"{len(rows) / 1024:.1f} KB of tool results, new", None, LOSSLESS, tools, TOOLS_MOST_US),
        ("the same in a later turn", on, LOSSLESS, tools[:1] * times, TOOLS_MOST_US),
        ("new, with table and repeats", None, LOSSLESS + GUARDED, tools, None),
        ("a feature that wants none", off, LOSSLESS, tools * (times // 8), OFF_MOST_US),
    ):
        report.add(Figure(name, "us/call", [_round_us(step, transforms, bodies, times) for _ in range(rounds)], most))


def _step(transforms: tuple[str, ...] = LOSSLESS) -> Lossless:
    return Lossless(frozenset(transforms), {}, Arm())


def _round_us(step: Lossless | None, transforms: tuple[str, ...], bodies: list[bytes], times: int) -> float:
    """The mean of so many calls; where no step is given each body is new to the one that it walks through."""
    if step is not None:
        return _cpu_us(step, bodies)
    again = max(1, times // len(bodies))
    return sum(_cpu_us(_step(transforms), bodies) for _ in range(again)) / again


async def _answer(call: Call) -> Answer:
    return Answer(200, [])


def _cpu_us(step: Lossless, bodies: list[bytes]) -> float:
    """CPU of the step alone."""
    calls = [
        Call(id="c", wire=WIRE, headers={}, peer="", body=body, ask=Ask("m"), started_us=0, started=0.0) for body in bodies
    ]  # fmt: skip
    began = time.process_time()
    for call in calls:
        _walk(step, call)
    through = time.process_time() - began
    began = time.process_time()
    for call in calls:
        _walk_past(call)
    return (through - (time.process_time() - began)) / len(bodies) * 1e6


def _walk(step: Lossless, call: Call) -> None:
    try:
        step(call, _answer).send(None)
    except StopIteration:
        return


def _walk_past(call: Call) -> None:
    """What a walk costs that has no step."""
    try:
        _answer(call).send(None)
    except StopIteration:
        return


def main() -> int:
    said = options(__doc__ or "")
    report = Report("prompts")
    if importlib.util.find_spec("rs_bpe") is None:
        report.troubles.append("rs_bpe is not installed, so that tokens cannot be counted")
    else:
        count = Counter()
        saved(report, count, SEEDS)
        by_transform(report, count, SEEDS)
        words = count.of_text
        demo(report, words)
        histories(report, words, SEEDS)
    controls(report, 100 if said.quick else 1_000)
    costs(report, quick=said.quick)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
