"""A world of models for tests of evidence: each is right on so many prompts; the truth is in the prompt."""

import json
import random
from collections.abc import Callable
from typing import Any

from farthing.model.asked import Asked
from farthing.model.call import Answer, Call
from farthing.model.money import Nano
from farthing.model.principal import Principal
from farthing.model.record import Attempt, Record
from farthing.model.usage import Usage
from farthing.pipeline import chain
from farthing.quality.errand import Errands, Overhead
from farthing.steps.meter import Meter
from farthing.wire import FORMATS

COST = {"small": 100, "mid": 1000, "big": 2000, "judge": 300}


class Rows:
    """A ledger in memory."""

    full = False

    def __init__(self) -> None:
        self.rows: list[Record] = []

    def put(self, record: Record) -> None:
        self.rows.append(record)

    async def room(self, patience_s: float) -> bool:
        return True


class World:
    """Models as upstream: right answers are `right N`, wrong ones `wrong N`."""

    def __init__(self, seed: int = 0, **skill: float) -> None:
        self.dice = random.Random(seed)
        self.skill = {"big": 1.0, **skill}
        self.version = dict.fromkeys(COST, "1")
        self.sent: list[dict[str, Any]] = []
        self.fails: set[str] = set()
        self.answers: Callable[[str, str], str] = self._answer

    async def __call__(self, call: Call) -> Answer:
        body = json.loads(call.body)
        self.sent.append(body)
        model = body["model"]
        call.trail.attempts.append(
            Attempt(
                1, model=model, served_model=f"{model}-v{self.version[model]}", cost=COST[model],
                cost_state="computed", usage=Usage(uncached_in=10, out=5),
            )
        )  # fmt: skip
        if model in self.fails:
            return Answer(500, [], b'{"error": {"message": "no"}}')
        text = self._judged(body) if model == "judge" else self.answers(model, body["messages"][-1]["content"])
        return Answer(200, [], told(text))

    def errands(self, rows: Rows | None = None) -> Errands:
        numbers = iter(range(10**9))
        steps = chain([Meter(rows or Rows()), Overhead("model selection")], self)
        return Errands(steps, lambda: f"call-{next(numbers)}")

    def _answer(self, model: str, prompt: str) -> str:
        number = prompt.rpartition(" ")[2]
        return f"{'right' if self.dice.random() < self.skill.get(model, 1.0) else 'wrong'} {number} " + "in words " * 20

    def _judged(self, body: dict[str, Any]) -> str:
        shown = body["messages"][1]["content"]
        first, second = shown.partition("<first>")[2].split("<second>")
        good = ["right" in part for part in (first, second)]
        return json.dumps({"better": "same" if good[0] == good[1] else "first" if good[0] else "second"})


def told(text: str | None, **more: Any) -> bytes:
    """A chat answer."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **more}, "finish_reason": "stop"}
    return json.dumps({"choices": [choice], "usage": {"prompt_tokens": 10, "completion_tokens": 5}}).encode()


def a_call(prompt: str = "Say 1", model: str = "auto", task: str = "qa", tenant: str = "t", **more: Any) -> Call:
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": prompt}], **more}).encode()
    call = Call(
        id="call-x", wire="openai.chat", headers={}, peer="", body=body, ask=FORMATS["openai.chat"].ask(body),
        started_us=0, started=0.0,
    )  # fmt: skip
    call.asked, call.task = Asked(text=prompt), task
    call.principal = Principal(tenant=tenant)
    return call


class Choosing:
    """`big` is the flagship; `small` is what is explored."""

    def __init__(self, promising: str = "small") -> None:
        self._promising = promising

    def flagship(self, call: Call) -> str:
        return "big"

    def promising(self, call: Call, than: str) -> str:
        return self._promising if than != self._promising else ""


DOLLAR: Nano = 10**9
