"""What leaving out the oldest turns takes off long conversations: the product's own control, turn by turn, where a provider holds
nothing and where it reads what it has seen at a tenth of the price. What a turn costs is counted anew here, from what each
body has in common with the one before. First where nobody knows how long conversations go on, then behind some of the same
length, give or take a fifth.
"""

import json
import random
from collections.abc import Callable
from typing import Any

from farthing.model.call import Call, Deployment
from farthing.steps.shape.history import History
from farthing.steps.shape.trimming import Rates
from farthing.wire import FORMATS
from harness.report import Figure, Report

WIRE = "openai.chat"
ABOVE, KEEP = 6_000, 6
"""Tokens, and turns that stay."""
TURNS = (10, 20, 40, 80)
EARLIER = 30
"""Conversations that were seen before, where any were."""
PLACES = {
    "nothing held": Rates(),
    "held at a tenth": Rates(1.0, 0.1, 1.0),
    "held, writes at 1.25": Rates(1.0, 0.1, 1.25),
}
Count = Callable[[str], int]


def histories(report: Report, count: Count, seeds: int) -> None:
    """Adds, by length of the conversation, the input tokens that go and what that saves at each kind of place."""
    for turns in TURNS:
        for name, rates in PLACES.items():
            if rates == Rates():
                found = [
                    _conversation(_control(rates), random.Random(seed), turns, rates, count) for seed in range(seeds)
                ]
                report.add(Figure(f"history, {turns} turns, input", "%", [each[0] for each in found]))
                report.add(Figure(f"history, {turns} turns, cost, {name}", "%", [each[1] for each in found]))
                continue
            for earlier in (0, EARLIER):
                control = _control(rates)
                dice = random.Random(turns)
                for number in range(earlier):
                    length = round(turns * dice.uniform(0.8, 1.2))
                    _conversation(control, random.Random(1_000 + number), length, rates, count)
                found = [
                    _conversation(control if earlier else _control(rates), random.Random(seed), turns, rates, count)
                    for seed in range(seeds)
                ]
                known = "known" if earlier else "unknown"
                report.add(Figure(f"history, {turns} turns, {known}, cost, {name}", "%", [each[1] for each in found]))


def _control(rates: Rates) -> History:
    return History(ABOVE, KEEP, lambda model: (Deployment(model, "p", model, "p"),), lambda place, wire: rates)


def _conversation(
    control: History, dice: random.Random, turns: int, rates: Rates, count: Count
) -> tuple[float, float]:  # fmt: skip
    """Percent of its input tokens, and of what they cost, that go."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": _text(dice, 150)}]
    plain, trimmed = _Paid(rates, count), _Paid(rates, count)
    for _ in range(turns):
        messages.append({"role": "user", "content": _text(dice, int(dice.lognormvariate(3.8, 0.8)))})
        body = json.dumps({"model": "m", "messages": messages}).encode()
        call = Call(
            id="c", wire=WIRE, headers={}, peer="", body=body, ask=FORMATS[WIRE].ask(body), started_us=0, started=0.0
        )  # fmt: skip
        change = control.change(call, ("m",), frozenset())
        plain.pay(messages)
        trimmed.pay(json.loads(change.body)["messages"] if change is not None else messages)
        messages.append({"role": "assistant", "content": _text(dice, int(dice.lognormvariate(5.2, 0.6)))})
    return 100 * (1 - trimmed.tokens / plain.tokens), 100 * (1 - trimmed.cost / plain.cost)


class _Paid:
    """What the turns of a conversation cost, in tokens at the plain rate."""

    def __init__(self, rates: Rates, count: Count) -> None:
        self._rates = rates
        self._count = count
        self._sizes: dict[str, int] = {}
        self._before: list[str] = []
        self.tokens = 0
        self.cost = 0.0

    def pay(self, messages: list[dict[str, Any]]) -> None:
        told = [json.dumps(each) for each in messages]
        same = 0
        while same < min(len(told), len(self._before)) and told[same] == self._before[same]:
            same += 1
        held, new = (sum(map(self._size, part)) for part in (told[:same], told[same:]))
        self._before = told
        self.tokens += held + new
        self.cost += held * self._rates.read + new * self._rates.write

    def _size(self, text: str) -> int:
        if text not in self._sizes:
            self._sizes[text] = self._count(text)
        return self._sizes[text]


WORDS = "the order was sent on Tuesday and two parts came that nobody had asked for so when can they go back"


def _text(dice: random.Random, tokens: int) -> str:
    return " ".join(dice.choices(WORDS.split(), k=max(3, tokens)))
