"""What output controls take off answers, one by one: the product's own step before the simulated provider, each task with the
control and without. The simulator thinks as long as the effort says, talks around an answer unless the prompt has it be
brief, and has answers of widely different lengths. Whether a real model does as it does nobody knows from here: that is what
trials are for.
"""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from farthing.model.call import Answer, Call, Deployment
from farthing.model.record import Attempt
from farthing.model.usage import Usage
from farthing.steps.shape.arm import Arm
from farthing.steps.shape.control import Control
from farthing.steps.shape.effort import Effort
from farthing.steps.shape.limit import LearnedLimit
from farthing.steps.shape.output import Output, Rules
from farthing.steps.shape.schema import Schema
from farthing.steps.shape.shorter import Shorter
from farthing.steps.shape.stop import StopAtLabel
from farthing.upstream.client import Timeouts
from farthing.upstream.simulator import SimulatorSettings
from farthing.upstream.simulator.inside import Inside
from farthing.upstream.simulator.prompt_truth import Truth
from farthing.upstream.simulator.tasks import bank, is_right
from farthing.wire import FORMATS
from farthing.wire.answer_schema import made
from harness.report import Figure, Report

WIRE = "openai.chat"
BRIEF = "nothing but the answer"
SETTINGS = SimulatorSettings(seed=11, truth=Truth(brief=BRIEF), spread=0.7)
FIELDS: dict[str, Any] = {
    **{name: {"type": "string"} for name in ("order", "customer", "city", "date")}, "total": {"type": "number"}
}  # fmt: skip
LONG = 4_000
"""Tokens of a limit that a caller sets to be on the safe side."""


class Trial(NamedTuple):
    """A control and the work that it is for."""

    name: str
    model: str
    system: str
    kinds: tuple[str, ...]
    """Of tasks; none for questions without a right answer, of which only cut ones count as bad."""
    control: Callable[["Lengths"], Control]


class Lengths:
    """What answers of the first arm were like, for the limit that is learned."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def likely_most(self, tenant: str, scopes: tuple[str, ...], model: str, share: float = 0.99) -> int | None:
        return sorted(self.seen)[int(share * len(self.seen))] if self.seen else None


def _places(model: str) -> Sequence[Deployment]:
    return (Deployment(model, "openai", model, "openai"),)


def _schema() -> Schema:
    schema = {"type": "object", "properties": FIELDS, "required": list(FIELDS), "additionalProperties": False}
    return Schema(made("fields", schema), _places, lambda model: True)


def _never(model: str) -> bool:
    return False


TRIALS = (
    Trial("effort low", "gpt-5.5", "", ("arithmetic", "logic", "code"), lambda _: Effort("low", _places)),
    Trial("a hint to be shorter", "gpt-4o-mini", "You sort tickets.", ("classification",), lambda _: Shorter(f"Write {BRIEF}.")),
    Trial("a limit that is learned", "gpt-4o", "You help.", (), lambda seen: LearnedLimit(seen, _places, _never)),
    Trial("stop after the label", "gpt-4o-mini", f"You sort tickets. Write {BRIEF}.", ("classification",),
          lambda _: StopAtLabel(_places, _never)),
    Trial("a schema", "gpt-4o-mini", f"Answer in JSON, and write {BRIEF}.", ("extraction",), lambda _: _schema()),
)  # fmt: skip


class Seen(NamedTuple):
    out: int
    good: bool
    changed: bool
    """The control had something to do."""


def controls(report: Report, count: int) -> None:
    """Adds, for each control, the output tokens that go and the points of right answers, in five parts."""
    for trial in TRIALS:
        parts = asyncio.run(_tried(trial, count))
        fell = [
            100 * (1 - sum(each.out for each in after) / sum(each.out for each in before)) for before, after in parts
        ]
        good = [100 * (_good(after) - _good(before)) for before, after in parts]
        report.add(Figure(f"output, {trial.name}", "%", fell), Figure(f"right answers, {trial.name}", "points", good))
        if not all(each.changed for _, after in parts for each in after):
            report.troubles.append(f"{trial.name}: not each call was changed")


def _good(seen: Sequence[Seen]) -> float:
    return sum(each.good for each in seen) / len(seen)


async def _tried(trial: Trial, count: int) -> list[tuple[list[Seen], list[Seen]]]:
    provider = Inside(SETTINGS, time.monotonic, lambda seconds: None)
    lengths = Lengths()
    step = Output(Rules((trial.control(lengths),)), {}, Arm())
    prompts = _prompts(trial, count)
    before = [await _one(provider, None, trial, prompt) for prompt in prompts]
    lengths.seen = [each.out for each in before]
    for prompt in prompts[:60]:  # what a control learns from answers it learns here
        await _one(provider, step, trial, prompt)
    after = [await _one(provider, step, trial, prompt) for prompt in prompts]
    size = len(prompts) // 5
    return [(before[at : at + size], after[at : at + size]) for at in range(0, 5 * size, size)]


def _prompts(trial: Trial, count: int) -> list[str]:
    if trial.kinds:
        return [task.prompt for task in bank(count, seed=3, kinds=trial.kinds)]
    return [f"Tell me about the garden tool number {number} and how it is used." for number in range(count)]


async def _one(provider: Inside, step: Output | None, trial: Trial, prompt: str) -> Seen:
    messages = [{"role": "user", "content": prompt}]
    if trial.system:
        messages.insert(0, {"role": "system", "content": trial.system})
    body = json.dumps({"model": trial.model, "messages": messages, "max_completion_tokens": LONG}).encode()
    call = Call(
        id="c", wire=WIRE, headers={}, peer="", body=body, ask=FORMATS[WIRE].ask(body), started_us=0, started=0.0
    )  # fmt: skip
    call.template = trial.name
    said: dict[str, Any] = {}

    async def asks(call: Call) -> Answer:
        url, headers = "http://provider/v1/chat/completions", [(b"authorization", b"Bearer k")]
        got = await provider.send("POST", url, headers, call.body, Timeouts())
        whole = await got.read(10**7)
        if got.status != 200:
            raise RuntimeError(whole.decode())
        said.update(json.loads(whole))
        out = said["usage"]["completion_tokens"]
        call.trail.attempts.append(Attempt(1, model=trial.model, cost=0, cost_state="computed", usage=Usage(out=out)))
        return Answer(200, [], whole)

    await (asks(call) if step is None else step(call, asks))
    choice = said["choices"][0]
    text = choice["message"]["content"].rpartition("Answer: ")[2]
    good = bool(is_right(prompt, text)) if trial.kinds else choice["finish_reason"] == "stop"
    return Seen(said["usage"]["completion_tokens"], good, bool(call.trail.decisions))
