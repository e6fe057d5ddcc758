"""The calls of the learning benchmark: tasks of the simulator's bank as features of two tenants would send them.

Most name their task, some leave it to be found out, some have a system prompt of their own. Knows nothing of gateways.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from farthing.upstream.simulator import tasks
from farthing.upstream.simulator.models import MODELS

SMALL, MID, FLAGSHIP, JUDGE = "gpt-4.1-mini", "gpt-4.1", "claude-opus-4-5", "gpt-5.2"
TENANT, OTHER_TENANT = "default", "branch"

WORK: dict[str, tuple[tuple[str, ...], str, float]] = {
    "classification": (("classification", "sentiment"), "ticket queue", 0.20),
    "extraction": (("extraction",), "order mail", 0.16),
    "summarisation": (("summary",), "weekly report", 0.16),
    "qa": (("fact",), "help page", 0.16),
    "rewrite": (("rewrite",), "lists", 0.14),
    "reasoning": (("arithmetic", "logic", "choice"), "planning", 0.10),
    "code": (("code",), "code review", 0.08),
}
"""Task -> kinds of the bank, feature, share of the calls."""
OTHER_SHARE = 0.08
"""Calls of the second tenant; it has classification only, and learns by itself."""
UNDECLARED = 0.10
"""Calls that do not name their task."""
TEMPLATED = 0.20
"""Calls with a system prompt of their feature."""
CLAUDE_WIRE = 0.20
"""Calls over the Messages wire."""
SPEAKS_UP = 0.10
"""Calls whose user says whether the answer was right."""
MISJUDGED = 0.05
"""Of these, how many say it wrongly."""

PLAUSIBLE: dict[str, dict[str, float]] = {
    **{
        kind: {SMALL: 0.985, MID: 0.985, FLAGSHIP: 0.985}
        for kind in ("classification", "sentiment", "extraction", "summary", "fact", "rewrite")
    },
    "choice": {SMALL: 0.900, MID: 0.985, FLAGSHIP: 0.985},
    "arithmetic": {SMALL: 0.900, MID: 0.985, FLAGSHIP: 0.985},
    "logic": {SMALL: 0.800, MID: 0.940, FLAGSHIP: 0.985},
    "code": {SMALL: 0.800, MID: 0.920, FLAGSHIP: 0.970},
}
"""Probabilities of a right answer where today's small models are about as good as the flagship on plain work, as published
comparisons have it, and clearly worse on reasoning and code."""

_SYSTEM = (
    "You work for the {feature} of a mail-order company. Read what you are given with care, do exactly what is asked, keep "
    "to the form that is asked for, and add nothing of your own. If something is missing, say so in the form that is asked for."
)


@dataclass(frozen=True)
class Ask:
    """One call, and what is known of it."""

    number: int
    tenant: str
    task: str
    kind: str
    prompt: str
    feature: str
    declared: bool
    system: str
    claude_wire: bool
    says: float
    """Below SPEAKS_UP its user says what the answer was worth."""
    lies: bool

    @property
    def path(self) -> str:
        return "/v1/messages" if self.claude_wire else "/v1/chat/completions"

    @property
    def body(self) -> dict[str, Any]:
        user = [{"role": "user", "content": self.prompt}]
        if self.claude_wire:
            body: dict[str, Any] = {"model": "auto", "max_tokens": 400, "messages": user}
            return {**body, "system": self.system} if self.system else body
        system = [{"role": "system", "content": self.system}] if self.system else []
        return {"model": "auto", "messages": [*system, *user]}

    @property
    def headers(self) -> dict[str, str]:
        task = {"x-farthing-task": self.task} if self.declared else {}
        return {"x-farthing-feature": self.feature, "anthropic-version": "2023-06-01", **task}


def asks(seed: int, start: int = 0) -> Iterator[Ask]:
    """Calls without end, from number `start` on; equal seeds give equal calls."""
    number = start
    while True:
        dice = random.Random(f"{seed} {number}")
        other = dice.random() < OTHER_SHARE
        weights = [share for _, _, share in WORK.values()]
        task = "classification" if other else dice.choices(list(WORK), weights)[0]
        kinds, feature, _ = WORK[task]
        kind = dice.choice(kinds)
        made = tasks.make(kind, seed, number)
        yield Ask(
            number, OTHER_TENANT if other else TENANT, task, kind, f"Reference {number}.\n{made.prompt}", feature,
            dice.random() >= UNDECLARED, _SYSTEM.format(feature=feature) if dice.random() < TEMPLATED else "",
            dice.random() < CLAUDE_WIRE, dice.random(), dice.random() < MISJUDGED,
        )  # fmt: skip
        number += 1


@dataclass
class Truth:
    """What the flagship answers to each prompt: as the simulator works it out, so each call has its pair."""

    seed: int
    skills: Mapping[str, Mapping[str, float]]
    known: tasks.Skills = field(init=False)

    def __post_init__(self) -> None:
        self.known = tasks.Skills(self.skills)

    def flagship_is_right(self, ask: Ask) -> bool:
        return self.is_right(ask, tasks.attempt(ask.prompt, MODELS[FLAGSHIP], self.seed, self.known) or "")

    @staticmethod
    def is_right(ask: Ask, answer: str) -> bool:
        return bool(tasks.is_right(ask.prompt, answer))

    def true_gap(self, task: str, model: str) -> float:
        """By how much the model is worse than the flagship on the task's kinds, in the long run."""
        kinds = WORK[task][0]
        gaps = [self.known.of(MODELS[model], kind) - self.known.of(MODELS[FLAGSHIP], kind) for kind in kinds]
        return sum(gaps) / len(gaps)
